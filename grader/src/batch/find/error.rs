//! Why nothing can be looked for, or nothing was found.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::lab::Lang;
use crate::locale::system_error;
use crate::submission::ArchiveError;

/// Why nothing can be looked for, or nothing was found.
#[derive(Debug, Error)]
pub enum FindError {
    /// The source cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// An archive or a repository cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There are branches, but no repository.
    #[error("{}: not a git repository, so there are no branches in it", .0.display())]
    NoRepository(PathBuf),
    /// Nothing fits.
    #[error("{}: no submission found ({looked}){notes}", path.display())]
    Nothing {
        /// What was named.
        path: PathBuf,
        /// How it was looked for.
        looked: String,
        /// What was passed over.
        notes: String,
    },
    /// Nobody is called as `--only` says.
    #[error(
        "--only fits none of the {students} submissions that were found; it is a student, group/student, or a pattern such as '21214/*'"
    )]
    NobodyChosen {
        /// How many there were.
        students: usize,
    },
    /// Names mean several tasks, and the lab is none of them by its own word.
    #[error(
        "{lab} has no number of its own, and there are directories of the tasks {numbers}; say which is meant: {lab}={first}"
    )]
    WhichNumber {
        /// The lab.
        lab: String,
        /// The numbers seen.
        numbers: String,
        /// One of them.
        first: u32,
    },
    /// A download is of one assignment, and does not say of which.
    #[error(
        "{}: no name says which of the labs {} the submissions are of ({how}); name only that one lab", path.display(), labs.join(", ")
    )]
    WhichLab {
        /// What was named.
        path: PathBuf,
        /// How the submissions were told apart.
        how: String,
        /// The labs that were named.
        labs: Vec<String>,
    },
    /// More than any class has.
    #[error("{}: more than {most} directories and files", path.display())]
    TooMany {
        /// What was named.
        path: PathBuf,
        /// The bound.
        most: usize,
    },
}

impl FindError {
    /// The same for who reads `lang`. What names files or comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Unreadable { path, error } => {
                format!("{}: {}", path.display(), system_error(error, lang))
            }
            Self::Archive(error) => error.told(lang),
            Self::NoRepository(path) => {
                format!(
                    "{}: это не репозиторий git, веток в нём нет",
                    path.display()
                )
            }
            Self::Nothing {
                path,
                looked,
                notes,
            } => format!(
                "{}: ни одной работы не найдено ({looked}){notes}",
                path.display()
            ),
            Self::NobodyChosen { students } => format!(
                "--only не подходит ни к одной из найденных работ ({students}); это студент, группа/студент или образец вроде '21214/*'"
            ),
            Self::WhichNumber {
                lab,
                numbers,
                first,
            } => format!(
                "у {lab} нет своего номера, а каталоги есть для заданий {numbers}; скажите, какое это: {lab}={first}"
            ),
            Self::WhichLab { path, how, labs } => format!(
                "{}: по именам не видно, по какому из заданий {} эти работы ({how}); назовите только его",
                path.display(),
                labs.join(", ")
            ),
            Self::TooMany { path, most } => {
                format!("{}: каталогов и файлов больше {most}", path.display())
            }
        }
    }
}
