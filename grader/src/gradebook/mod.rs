//! The gradebook: one SQLite file with everything that was graded, by whom it was handed in, and
//! what produced it. `docs/gradebook.md` describes the tables.

mod calendar;
mod compare;
mod division;
pub mod export;
mod forget;
mod late;
mod merge;
mod outdone;
mod overrides;
mod parts;
mod schema;
mod standing;
mod stats;
#[cfg(test)]
mod tests;
pub mod time;

use std::collections::HashSet;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

pub use compare::{Change, Comparison, Judged, LabChange, Reason};
pub use division::{Division, Fit};
pub use forget::Kept;
pub use late::{Late, LateError};
pub use merge::{LabSettings, Merge, Merged};
pub use outdone::Outdone;
pub use overrides::{Doubt, Override};
pub use standing::{Attempt, LabInfo, Pick, Placed, Standing, StudentInfo};
pub use stats::{Group, RequirementStats, Stats};

use crate::batch::{Identity, ItemKey, Known};
use crate::lab::Lang;

/// Pages of a file that are copied in one step.
const PAGES: i32 = 1024;

/// A gradebook, open.
pub struct Gradebook {
    path: PathBuf,
    connection: Connection,
}

impl fmt::Debug for Gradebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gradebook")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Why a gradebook cannot be used.
#[derive(Debug, Error)]
pub enum GradebookError {
    /// SQLite refused.
    #[error("the gradebook cannot be used: {0}")]
    Sqlite(rusqlite::Error),
    /// Somebody else is writing to it for longer than one waits.
    #[error("another program has locked it")]
    Locked,
    /// There is no room for what is to be written; it is as before.
    #[error("there is no room on the disk for what is to be written")]
    Full,
    /// It is a file of another kind.
    #[error("it is no SQLite database, so no gradebook")]
    NoDatabase,
    /// The file cannot be opened, or not be written.
    #[error("it cannot be opened: {0}")]
    Closed(rusqlite::Error),
    /// It is another database.
    #[error("it is a database, but no gradebook")]
    Foreign,
    /// A later grader wrote it.
    #[error("it has version {0}; this grader knows up to {newest}", newest = schema::newest())]
    Newer(i64),
    /// A lab is in another course.
    #[error("the lab {lab} is in the course `{course}` of this gradebook")]
    OtherCourse {
        /// The lab.
        lab: String,
        /// Its course.
        course: String,
    },
    /// There is none.
    #[error("there is no gradebook")]
    Missing,
    /// What is stored cannot be read back.
    #[error("what is stored is damaged: {0}")]
    Damaged(String),
    /// A name that is not in it.
    #[error(transparent)]
    Unknown(#[from] Unknown),
}

/// A name that a gradebook does not have.
#[derive(Debug, Error)]
pub enum Unknown {
    /// Nobody's.
    #[error("there is no student `{name}`")]
    Student {
        /// What was asked for.
        name: String,
        /// A name that may be meant.
        close: Option<String>,
    },
    /// That of several students.
    #[error("there are several students `{name}`: {all}")]
    Several {
        /// What was asked for.
        name: String,
        /// By what each of them is known.
        all: String,
    },
    /// No lab's.
    #[error("nothing of the lab `{name}` is in the gradebook")]
    Lab {
        /// What was asked for.
        name: String,
        /// One that may be meant.
        close: Option<String>,
    },
    /// No requirement's.
    #[error("the lab {lab} has no requirement `{name}`")]
    Requirement {
        /// The lab.
        lab: String,
        /// What was asked for.
        name: String,
        /// One that may be meant.
        close: Option<String>,
    },
    /// No override's.
    #[error("there is no override {0} in force")]
    Override(i64),
}

impl GradebookError {
    /// The same for who reads `lang`. What SQLite says stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Sqlite(error) => format!("ведомость не использовать: {error}"),
            Self::Locked => "её заняла другая программа".to_owned(),
            Self::Full => "на диске нет места для того, что надо записать".to_owned(),
            Self::NoDatabase => "это не база данных SQLite, значит, и не ведомость".to_owned(),
            Self::Closed(error) => format!("её не открыть: {error}"),
            Self::Foreign => "это база данных, но не ведомость".to_owned(),
            Self::Newer(version) => format!(
                "её версия — {version}, а этот grader знает версии до {}",
                schema::newest()
            ),
            Self::OtherCourse { lab, course } => {
                format!("задание {lab} в этой ведомости — из курса `{course}`")
            }
            Self::Missing => "ведомости нет".to_owned(),
            Self::Damaged(error) => format!("записанное повреждено: {error}"),
            Self::Unknown(unknown) => unknown.told(lang),
        }
    }
}

impl Unknown {
    /// The same for who reads `lang`.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Student { name, .. }, _) => format!("студента `{name}` нет"),
            (Self::Several { name, all }, _) => format!("студентов `{name}` несколько: {all}"),
            (Self::Lab { name, .. }, _) => format!("по заданию `{name}` в ведомости ничего нет"),
            (Self::Requirement { lab, name, .. }, _) => {
                format!("в задании {lab} нет требования `{name}`")
            }
            (Self::Override(id), _) => format!("действующей ручной оценки {id} нет"),
        }
    }

    /// A name that may be meant.
    #[must_use]
    pub fn close(&self) -> Option<&str> {
        match self {
            Self::Student { close, .. }
            | Self::Lab { close, .. }
            | Self::Requirement { close, .. } => close.as_deref(),
            Self::Several { .. } | Self::Override(_) => None,
        }
    }
}

impl From<rusqlite::Error> for GradebookError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, NotADatabase, PermissionDenied,
            ReadOnly,
        };
        match error.sqlite_error_code() {
            Some(NotADatabase) => Self::NoDatabase,
            Some(DiskFull) => Self::Full,
            Some(DatabaseBusy | DatabaseLocked) => Self::Locked,
            Some(CannotOpen | PermissionDenied | ReadOnly) => Self::Closed(error),
            _ => Self::Sqlite(error),
        }
    }
}

impl Gradebook {
    /// Opens the gradebook for writing, or makes one.
    ///
    /// # Errors
    /// See [`GradebookError`].
    pub fn open(path: &Path) -> Result<Self, GradebookError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        schema::version(&connection)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // With the removal of SQLite's journal: the batch's is emptied right after it.
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Opens an existing gradebook. An older one is brought up to date.
    ///
    /// # Errors
    /// See [`GradebookError`].
    pub fn existing(path: &Path) -> Result<Self, GradebookError> {
        if path.is_file() {
            Self::open(path)
        } else {
            Err(GradebookError::Missing)
        }
    }

    /// Opens an existing gradebook for reading only. One that is older is brought up to date, in memory
    /// where its place cannot be written; what somebody left half done who was killed while writing is
    /// taken back first, which takes writing.
    ///
    /// # Errors
    /// See [`GradebookError`].
    pub fn read_only(path: &Path) -> Result<Self, GradebookError> {
        if !path.is_file() {
            return Err(GradebookError::Missing);
        }
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        match schema::version(&connection) {
            Ok(version) if version > schema::newest() => Err(GradebookError::Newer(version)),
            Ok(version) if version == schema::newest() => Ok(Self {
                path: path.to_owned(),
                connection,
            }),
            Ok(_) => match Self::open(path) {
                Err(GradebookError::Closed(_)) => Self::copied(path, &connection),
                opened => opened,
            },
            Err(GradebookError::Closed(_)) => Self::open(path),
            Err(error) => Err(error),
        }
    }

    /// A copy in memory, brought up to date: whatever is kept of last year can be read where it is.
    fn copied(path: &Path, from: &Connection) -> Result<Self, GradebookError> {
        let mut copy = Connection::open_in_memory()?;
        Backup::new(from, &mut copy)?.run_to_completion(PAGES, Duration::ZERO, None)?;
        schema::migrate(&mut copy)?;
        Ok(Self {
            path: path.to_owned(),
            connection: copy,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What need not be graded again: what the newest result of a submission is of, be it current,
    /// waiting or discarded, and what the current one is of unless another waits. Files or a lab that
    /// went back to what they were make what waits stale, so they are graded, and take its place. Of
    /// errors nothing is known.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn known(&self) -> Result<Known, GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT student.class, student.name, lab.name, submission.attempt, run.key
             FROM run
             JOIN submission ON submission.id = run.submission
             JOIN student ON student.id = submission.student
             JOIN lab ON lab.id = submission.lab
             WHERE run.status <> 'error' AND run.state <> 'superseded'
               AND (run.id = (SELECT max(id) FROM run AS newest
                        WHERE newest.submission = run.submission AND newest.status <> 'error')
                    OR (run.state = 'current' AND NOT EXISTS (SELECT 1 FROM run AS waiting
                        WHERE waiting.submission = run.submission AND waiting.state = 'pending')))",
        )?;
        let mut rows = query.query([])?;
        let mut out = HashSet::new();
        while let Some(row) = rows.next()? {
            let identity = Identity {
                group: row.get(0)?,
                student: row.get(1)?,
                lab: row.get(2)?,
                attempt: row.get(3)?,
            };
            if let Ok(key) = ItemKey::try_from(row.get::<_, String>(4)?) {
                out.insert((identity, key));
            }
        }
        Ok(out)
    }
}

/// Text as it is stored: zlib. To make a compressor costs more than to pack most texts, so one
/// packs them all.
struct Packer(Compress);

impl Packer {
    fn new() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }

    fn packed(&mut self, text: &str) -> Vec<u8> {
        self.0.reset();
        let mut out = Vec::with_capacity(text.len() / 4 + 64);
        loop {
            let done = usize::try_from(self.0.total_in()).unwrap_or(usize::MAX);
            let rest = text.as_bytes().get(done..).unwrap_or_default();
            match self.0.compress_vec(rest, &mut out, FlushCompress::Finish) {
                Ok(Status::Ok | Status::BufError) => out.reserve(out.capacity().max(64)),
                Ok(Status::StreamEnd) | Err(_) => return out,
            }
        }
    }
}

fn unpacked(bytes: &[u8]) -> Result<String, GradebookError> {
    /// More than any record has.
    const MOST: u64 = 256 << 20;
    let mut text = String::new();
    ZlibDecoder::new(bytes)
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|error| GradebookError::Damaged(error.to_string()))?;
    Ok(text)
}
