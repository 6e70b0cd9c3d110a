//! A directory that graders on several machines share: what is to be graded, who grades what, and
//! what came of it. It knows no cluster; whatever starts workers may start them.
//!
//! Identical workers pull work. An item is claimed by a *lease*, a symbolic link to its worker's
//! *heartbeat*; a lease whose heart has stopped is taken over. A result is committed by `link(2)`,
//! which succeeds once: engines and leases may run an item twice, but it has one result. That is
//! all that is asked of the file system, so NFS will do (rename(2), link(2), symlink(2) and
//! `O_EXCL` are atomic there; nfs(5)).
//!
//! ```text
//! store.json        what this store is, and how leases are counted
//! job.json          how all items are to be graded
//! items/KEY.json    what is to be graded
//! blobs/HASH        files that items name
//! lease/KEY         symbolic link to the worker that has it
//! beat/WORKER       heartbeat: its time of modification
//! starts/KEY.N      the N-th start of an item: another name of its worker's heartbeat
//! results/KEY.json  the result, for ever, and its hash in a second line
//! disputes/KEY.WORKER.json  a second result that says something else
//! ```

mod blob;
mod commit;
mod durable;
mod key;
mod lease;
mod tally;
#[cfg(test)]
mod tests;
mod watch;
mod work;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::locale::{Lang, Text, system_error};

pub use commit::Commit;
use durable::Wait;
pub use key::{BadKey, Key};
pub use lease::{Claim, Lease, Worker};
pub use tally::Tally;
pub use watch::Watch;
pub use work::{Declined, Grade, Handled, Stop, WorkError, work};

/// The format that this version reads and writes.
const FORMAT: &str = "grader-store/1";
/// Starts without a result after which an item is given up: something about it ends workers.
pub const MOST_STARTS: u32 = 3;
/// The shortest time after which a silent worker counts as gone.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(1);
/// More than a result is long.
const ROOM: usize = 64 << 10;

/// Why a store cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file of the store cannot be read or written.
    #[error("store {}: {}: {error}", path.display(), what.told(Lang::En))]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        what: Cannot,
        /// Why not.
        error: io::Error,
    },
    /// The directory holds something else.
    #[error("{}: no store of grader ({why}); name an empty directory, or one that `grader batch --store` has filled", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        why: Text,
    },
    /// An item or result is not what it must be.
    #[error("store {}: {why}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: Text,
    },
}

/// What cannot be done with a file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cannot {
    /// To make the directory.
    Made,
    /// To list what is in it.
    Listed,
    /// To write it.
    Written,
    /// To read it.
    Read,
    /// To remove it.
    Removed,
    /// To see whether it is there, and of when.
    LookedAt,
    /// To claim an item.
    Claimed,
    /// To take an item over from who is gone.
    TakenOver,
    /// To give it the time of now.
    Touched,
}

impl Cannot {
    fn told(self, lang: Lang) -> &'static str {
        let (en, ru) = match self {
            Self::Made => ("cannot be made", "не создать"),
            Self::Listed => ("cannot be listed", "не прочитать список"),
            Self::Written => ("cannot be written", "не записать"),
            Self::Read => ("cannot be read", "не прочитать"),
            Self::Removed => ("cannot be removed", "не удалить"),
            Self::LookedAt => ("cannot be looked at", "не посмотреть"),
            Self::Claimed => ("cannot be claimed", "не занять"),
            Self::TakenOver => ("cannot be taken over", "не перенять"),
            Self::Touched => ("cannot be touched", "не обновить время"),
        };
        lang.pick(en, ru)
    }
}

impl StoreError {
    /// The same for who reads `lang`.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Io { path, what, error }, _) => format!(
                "хранилище {}: {}: {}",
                path.display(),
                what.told(lang),
                system_error(error, lang)
            ),
            (Self::NotAStore { path, why }, _) => format!(
                "{}: это не хранилище grader ({}); назовите пустой каталог или тот, что заполнил `grader batch --store`",
                path.display(),
                why.in_lang(lang)
            ),
            (Self::Corrupt { path, why }, _) => {
                format!("хранилище {}: {}", path.display(), why.in_lang(lang))
            }
        }
    }
}

/// What every worker of a store must agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    /// Milliseconds without a heartbeat after which a worker counts as gone.
    lease_ms: u64,
}

/// A store, opened.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    lease: Duration,
}

const DIRECTORIES: [&str; 7] = [
    "items", "blobs", "lease", "beat", "starts", "results", "disputes",
];

impl Store {
    /// Makes a store in `root`, or opens the one that is there; then `lease` is not used, since
    /// whoever works on it already counts with another.
    ///
    /// # Errors
    /// The directory cannot be written, or holds something else.
    pub fn create(root: &Path, lease: Duration) -> Result<Self, StoreError> {
        fs::create_dir_all(root).map_err(at(root, Cannot::Made))?;
        if !root.join("store.json").exists()
            && let Some(name) = stranger(root).map_err(at(root, Cannot::Listed))?
        {
            return Err(StoreError::NotAStore {
                path: root.to_path_buf(),
                why: holds(&crate::text::clean(&name.to_string_lossy())),
            });
        }
        for name in DIRECTORIES {
            let path = root.join(name);
            fs::create_dir_all(&path).map_err(at(&path, Cannot::Made))?;
        }
        let head = Head {
            format: FORMAT.to_owned(),
            lease_ms: lease
                .max(SHORTEST_LEASE)
                .as_millis()
                .try_into()
                .unwrap_or(u64::MAX),
        };
        let path = root.join("store.json");
        let text = serde_json::to_vec(&head).map_err(|e| corrupt(&path, in_its_words(&e)))?;
        // Last: a store without it is not yet whole. Whoever comes second uses the first one's.
        durable::link_new(&path, &text, Wait::Disk).map_err(at(&path, Cannot::Written))?;
        Self::open(root)
    }

    /// Opens the store in `root`.
    ///
    /// # Errors
    /// There is none, or it is another version's.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let not = |why: Text| StoreError::NotAStore {
            path: root.to_path_buf(),
            why,
        };
        let path = root.join("store.json");
        let text = fs::read(&path).map_err(|e| {
            let why = Text::both(e.to_string(), system_error(&e, Lang::Ru));
            not(why.behind("store.json: "))
        })?;
        let head: Head = serde_json::from_slice(&text)
            .map_err(|e| not(in_its_words(&e).behind("store.json: ")))?;
        if head.format != FORMAT {
            let format = crate::text::clean(&head.format);
            return Err(not(Text::both(
                format!("its format is {format}, this grader reads {FORMAT}"),
                format!("его формат — {format}, а этот grader читает {FORMAT}"),
            )));
        }
        Ok(Self {
            root: root.to_path_buf(),
            lease: Duration::from_millis(head.lease_ms),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How long a worker may be silent before others take its items over.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Says how all items are to be graded; what was said first holds and is given back.
    ///
    /// # Errors
    /// It cannot be written or read.
    pub fn agree_on(&self, job: &[u8]) -> Result<Vec<u8>, StoreError> {
        let path = self.root.join("job.json");
        durable::link_new(&path, job, Wait::Disk).map_err(at(&path, Cannot::Written))?;
        self.job()
    }

    /// How all items are to be graded.
    ///
    /// # Errors
    /// Nobody has said so yet, or it cannot be read.
    pub fn job(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.root.join("job.json");
        fs::read(&path).map_err(at(&path, Cannot::Read))
    }

    /// Adds an item; one that is there already stays as it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&self, key: &Key, item: &[u8]) -> Result<(), StoreError> {
        let path = self.item_path(key);
        if path.exists() {
            return Ok(());
        }
        durable::link_new(&path, item, Wait::Disk).map_err(at(&path, Cannot::Written))?;
        Ok(())
    }

    /// Puts an item right that is not what was added: at no time is there none.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn mend(&self, key: &Key, item: &[u8]) -> Result<(), StoreError> {
        let path = self.item_path(key);
        durable::replace(&path, item).map_err(at(&path, Cannot::Written))
    }

    /// What was said when the item was added.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn item(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        let path = self.item_path(key);
        fs::read(&path).map_err(at(&path, Cannot::Read))
    }

    /// All items, sorted.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn items(&self) -> Result<Vec<Key>, StoreError> {
        self.keys("items")
    }

    /// All items that have a result, sorted.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn finished(&self) -> Result<Vec<Key>, StoreError> {
        self.keys("results")
    }

    /// Whether a result would find room: by writing more than one, which nobody reads.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn takes_more(&self) -> Result<(), StoreError> {
        let path = self.root.join("results");
        durable::try_to_write(&path, &[b' '; ROOM]).map_err(at(&path, Cannot::Written))
    }

    /// Tells when results have come, or may have.
    #[must_use]
    pub fn watch_results(&self) -> Watch {
        Watch::new(self.root.join("results"))
    }

    /// Tells when items have come, or may have.
    #[must_use]
    pub fn watch_items(&self) -> Watch {
        Watch::new(self.root.join("items"))
    }

    fn keys(&self, directory: &str) -> Result<Vec<Key>, StoreError> {
        let path = self.root.join(directory);
        let listing = fs::read_dir(&path).map_err(at(&path, Cannot::Listed))?;
        let mut keys = Vec::new();
        for entry in listing {
            let entry = entry.map_err(at(&path, Cannot::Listed))?;
            let name = entry.file_name();
            // Anything else is a file that is being written, or nobody's.
            let stem = name.to_str().and_then(|name| name.strip_suffix(".json"));
            keys.extend(stem.and_then(|stem| Key::parse(stem).ok()));
        }
        keys.sort();
        Ok(keys)
    }

    fn item_path(&self, key: &Key) -> PathBuf {
        self.root.join("items").join(format!("{key}.json"))
    }

    fn result_path(&self, key: &Key) -> PathBuf {
        self.root.join("results").join(format!("{key}.json"))
    }
}

/// Something in the directory that nobody who makes a store puts there; what is hidden (a file
/// system's own snapshots) does not count.
fn stranger(root: &Path) -> io::Result<Option<OsString>> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let ours = |name: &str| {
            name.starts_with('.') || name == "lost+found" || DIRECTORIES.contains(&name)
        };
        if !name.to_str().is_some_and(ours) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Says which file an error of the system is about.
fn at<'a>(path: &'a Path, what: Cannot) -> impl Fn(io::Error) -> StoreError + 'a {
    move |error| StoreError::Io {
        path: path.to_path_buf(),
        what,
        error,
    }
}

fn holds(name: &str) -> Text {
    Text::both(format!("it holds {name}"), format!("в нём есть {name}"))
}

/// What a reader says, which nobody has translated.
fn in_its_words(error: &serde_json::Error) -> Text {
    Text {
        en: error.to_string(),
        ru: None,
    }
}

fn corrupt(path: &Path, why: Text) -> StoreError {
    StoreError::Corrupt {
        path: path.to_path_buf(),
        why,
    }
}
