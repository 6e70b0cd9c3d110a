//! What can be wrong with a submission before anything is built.

use std::path::PathBuf;

use thiserror::Error;

use super::runner::Fault;
use crate::lab::{Lang, Text};

/// What there is where a submission should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptiness {
    /// Nothing at all.
    Nothing,
    /// Directories, and no file in them.
    OnlyDirectories,
    /// Files that are no part of a submission.
    NothingCounts,
}

impl Emptiness {
    fn told(self, lang: Lang) -> &'static str {
        match self {
            Self::Nothing => lang.pick("the directory is empty", "каталог пуст"),
            Self::OnlyDirectories => lang.pick(
                "there are only directories without a file",
                "в каталоге есть только каталоги без файлов",
            ),
            Self::NothingCounts => lang.pick(
                "no file in it counts",
                "в каталоге нет файлов, которые учитываются",
            ),
        }
    }
}

/// A submission that cannot be graded as it is, or a machine that cannot build it.
#[derive(Debug, Error)]
pub enum SubmissionError {
    /// There is nothing at this path.
    #[error("{}: no such directory; give the directory that holds the submission", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{}: not a directory; give the directory that holds the sources", path.display())]
    NotADirectory {
        /// As given.
        path: PathBuf,
    },
    /// The directory cannot be listed.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is no file in it that counts.
    #[error("{}: {}: there is nothing to grade{}", path.display(), what.told(Lang::En), joined(notes, Lang::En))]
    Empty {
        /// As given.
        path: PathBuf,
        /// What is there instead.
        what: Emptiness,
        /// What was passed over, one line each.
        notes: Vec<Text>,
    },
    /// Larger than any submission has reason to be.
    #[error("{}: {what}; hand in a directory with the sources only", path.display())]
    TooBig {
        /// As given.
        path: PathBuf,
        /// Which bound, in words.
        what: Text,
    },
    /// A file that is needed cannot be used.
    #[error("{file}: {why}")]
    Unusable {
        /// Relative to the submission.
        file: String,
        /// Why, and what to do.
        why: Text,
    },
    /// The manifest is wrong.
    #[error("{0}")]
    Manifest(Text),
    /// Several files could be the program.
    #[error("{program}: several files could be it: {}\n{}", candidates.join(", "), settle(program, key, candidates, Lang::En))]
    Ambiguous {
        /// The role.
        program: String,
        /// The manifest's key that settles it: `sources`, `make`.
        key: &'static str,
        /// The files.
        candidates: Vec<String>,
    },
    /// No role has a source.
    #[error("{}: no program of this lab found\n  looked for {looked_for}\n  found {found}", path.display())]
    NothingFound {
        /// As given.
        path: PathBuf,
        /// Names per role.
        looked_for: String,
        /// What is there instead.
        found: Text,
    },
    /// No compiler, make or cargo where one is needed.
    #[error("{0}")]
    NoTool(Text),
    /// The grader or the machine failed while building.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl SubmissionError {
    /// The same for who reads `lang`. What names files or comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Missing { path } => format!(
                "{}: такого каталога нет; укажите каталог с работой",
                path.display()
            ),
            Self::NotADirectory { path } => format!(
                "{}: это не каталог; укажите каталог с исходными текстами",
                path.display()
            ),
            Self::Unreadable { path, error } => {
                let error = crate::locale::system_error(error, lang);
                format!("{}: не читается: {error}", path.display())
            }
            Self::Empty { path, what, notes } => format!(
                "{}: {}: проверять нечего{}",
                path.display(),
                what.told(lang),
                joined(notes, lang)
            ),
            Self::TooBig { path, what } => format!(
                "{}: {}; сдавайте каталог, в котором только исходные тексты",
                path.display(),
                what.in_lang(lang)
            ),
            Self::Ambiguous {
                program,
                key,
                candidates,
            } => format!(
                "{program}: подходят несколько файлов: {}\n{}",
                candidates.join(", "),
                settle(program, key, candidates, lang)
            ),
            Self::NothingFound {
                path,
                looked_for,
                found,
            } => format!(
                "{}: программ этого задания не найдено\n  искали {looked_for}\n  есть {}",
                path.display(),
                found.in_lang(lang)
            ),
            Self::Unusable { file, why } => format!("{file}: {}", why.in_lang(lang)),
            Self::Manifest(what) | Self::NoTool(what) => what.told(lang),
            Self::Fault(_) => self.to_string(),
        }
    }
}

fn joined(notes: &[Text], lang: Lang) -> String {
    notes.iter().map(|note| note.in_lang(lang)).collect()
}

/// The manifest lines that would settle an ambiguity.
fn settle(program: &str, key: &str, candidates: &[String], lang: Lang) -> String {
    let first = toml::Value::String(candidates.first().cloned().unwrap_or_default());
    let value = if key == "sources" {
        format!("[{first}]")
    } else {
        first.to_string()
    };
    format!(
        "  {} {} {}:\n\n    [programs.{program}]\n    {key} = {value}",
        lang.pick("settle it with a file", "выберите в файле"),
        super::MANIFEST,
        lang.pick("beside the sources", "рядом с исходными текстами"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_nothing_can_be_graded_is_told_in_both_languages() {
        let empty = SubmissionError::Empty {
            path: "g/anna".into(),
            what: Emptiness::Nothing,
            notes: vec![Text::both("\n  skipped x", "\n  пропущено x")],
        };
        let says = "g/anna: the directory is empty: there is nothing to grade\n  skipped x";
        assert_eq!(empty.told(Lang::En), says);
        assert_eq!(
            empty.told(Lang::Ru),
            "g/anna: каталог пуст: проверять нечего\n  пропущено x"
        );
        let several = SubmissionError::Ambiguous {
            program: "server".into(),
            key: "sources",
            candidates: vec!["a.c".into(), "b.c".into()],
        };
        let lines = "\n\n    [programs.server]\n    sources = [\"a.c\"]";
        assert_eq!(
            several.told(Lang::En),
            format!(
                "server: several files could be it: a.c, b.c\n  settle it with a file grader.toml beside the sources:{lines}"
            )
        );
        assert_eq!(
            several.told(Lang::Ru),
            format!(
                "server: подходят несколько файлов: a.c, b.c\n  выберите в файле grader.toml рядом с исходными текстами:{lines}"
            )
        );
    }
}
