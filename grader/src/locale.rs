//! What language somebody reads, and what every part of the grader says in it.

mod lang;
mod limits;

use std::io;

pub use lang::{Lang, Text};
pub use limits::limit_words;

/// The language that the environment asks for, as `LC_ALL`, `LC_MESSAGES` and `LANG` do in this
/// order (POSIX, Base Definitions, 8.2): the first that is set and not empty decides.
#[must_use]
pub fn from_environment(var: impl Fn(&str) -> Option<String>) -> Lang {
    let value = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| var(name).filter(|value| !value.is_empty()));
    match value {
        Some(value) if value == "ru" || value.starts_with("ru_") || value.starts_with("ru.") => {
            Lang::Ru
        }
        _ => Lang::En,
    }
}

/// What the system said, as far as it is what goes wrong with names that people give, and with disks.
#[must_use]
pub fn system_error(error: &io::Error, lang: Lang) -> String {
    match (lang, error.kind()) {
        (Lang::Ru, io::ErrorKind::NotFound) => "такого файла или каталога нет".to_owned(),
        (Lang::Ru, io::ErrorKind::PermissionDenied) => "нет прав".to_owned(),
        (Lang::Ru, io::ErrorKind::NotADirectory) => "это не каталог".to_owned(),
        (Lang::Ru, io::ErrorKind::IsADirectory) => "это каталог".to_owned(),
        (Lang::Ru, io::ErrorKind::AlreadyExists) => "такое имя уже занято".to_owned(),
        (Lang::Ru, io::ErrorKind::StorageFull) => "на диске нет места".to_owned(),
        (Lang::Ru, io::ErrorKind::QuotaExceeded) => "исчерпана квота на диске".to_owned(),
        (Lang::Ru, io::ErrorKind::ReadOnlyFilesystem) => {
            "файловая система только для чтения".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A number with `places` behind the point, which is a comma in Russian: `1.3`, `1,3`.
#[must_use]
pub fn decimal(number: f64, places: usize, lang: Lang) -> String {
    let text = format!("{number:.places$}");
    match lang {
        Lang::En => text,
        Lang::Ru => text.replace('.', ","),
    }
}

/// `1 строка`, `2 строки`, `5 строк`: a number with its noun in Russian.
#[must_use]
pub fn count_in_russian(n: usize, one: &str, few: &str, many: &str) -> String {
    let word = match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    };
    format!("{n} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(set: &[(&str, &str)]) -> Lang {
        from_environment(|name| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        assert_eq!(lang(&[]), Lang::En);
        assert_eq!(lang(&[("LANG", "ru_RU.UTF-8")]), Lang::Ru);
        assert_eq!(lang(&[("LANG", "ru_RU.UTF-8"), ("LC_ALL", "C")]), Lang::En);
        assert_eq!(
            lang(&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "ru_RU")]),
            Lang::Ru
        );
        assert_eq!(lang(&[("LC_ALL", ""), ("LANG", "ru_RU.UTF-8")]), Lang::Ru);
        assert_eq!(lang(&[("LANG", "rust")]), Lang::En);
    }

    #[test]
    fn a_full_disk_is_told_in_the_readers_language() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(system_error(&full, Lang::Ru), "на диске нет места");
        assert_eq!(system_error(&full, Lang::En), full.to_string());
    }

    #[test]
    fn numbers_are_written_as_their_readers_do() {
        assert_eq!(decimal(1.26, 1, Lang::En), "1.3");
        assert_eq!(decimal(1.26, 1, Lang::Ru), "1,3");
        assert_eq!(decimal(41.4, 0, Lang::Ru), "41");
    }

    #[test]
    fn russian_numerals_take_three_forms() {
        let lines = |n| count_in_russian(n, "строка", "строки", "строк");
        for (n, word) in [(1, "строка"), (21, "строка"), (2, "строки"), (34, "строки")]
        {
            assert_eq!(lines(n), format!("{n} {word}"));
        }
        for n in [0, 5, 11, 12, 14, 20, 111, 112] {
            assert_eq!(lines(n), format!("{n} строк"));
        }
    }
}
