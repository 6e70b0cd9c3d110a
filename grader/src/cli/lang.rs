//! The language of this process. Errors are told in it as well, those of a command line that cannot be
//! read included: it is known before the command line is.

use std::ffi::OsString;
use std::sync::OnceLock;

use grader::lab::Lang;
use grader::locale::from_environment;

/// That of `--lang`, or of the locale.
pub(super) fn lang() -> Lang {
    static LANG: OnceLock<Lang> = OnceLock::new();
    *LANG.get_or_init(|| {
        let asked = asked(std::env::args_os().skip(1));
        asked.unwrap_or_else(|| from_environment(|name| std::env::var(name).ok()))
    })
}

/// What is for who reads this.
pub(super) fn both(en: impl Into<String>, ru: impl Into<String>) -> String {
    lang().pick(en.into(), ru.into())
}

/// What `--lang` says among arguments, however wrong the others are.
fn asked(arguments: impl Iterator<Item = OsString>) -> Option<Lang> {
    let mut words = arguments.map(|word| word.to_string_lossy().into_owned());
    let mut asked = None;
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "--" => break,
            "--lang" => words.next(),
            word => word.strip_prefix("--lang=").map(str::to_owned),
        };
        match value.as_deref() {
            Some("en") => asked = Some(Lang::En),
            Some("ru") => asked = Some(Lang::Ru),
            _ => {}
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_found_in_any_command_line() {
        let asked = |line: &str| asked(line.split(' ').map(OsString::from));
        assert_eq!(asked("check --lang ru --nonsense"), Some(Lang::Ru));
        assert_eq!(asked("--lang=en"), Some(Lang::En));
        assert_eq!(asked("check --lang de ."), None);
        assert_eq!(asked("check --lang"), None);
        assert_eq!(asked("check -- --lang ru"), None);
    }
}
