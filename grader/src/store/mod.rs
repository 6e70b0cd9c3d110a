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

/// Why a store cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file of the store cannot be read or written.
    #[error("store {}: {what}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// The directory holds something else.
    #[error("{}: no store of grader ({why}); name an empty directory, or one that `grader batch --store` has filled", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// An item or result is not what it must be.
    #[error("store {}: {why}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
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
        fs::create_dir_all(root).map_err(at(root, "cannot be made"))?;
        if !root.join("store.json").exists()
            && let Some(name) = stranger(root).map_err(at(root, "cannot be listed"))?
        {
            return Err(StoreError::NotAStore {
                path: root.to_path_buf(),
                why: format!("it holds {}", crate::text::clean(&name.to_string_lossy())),
            });
        }
        for name in DIRECTORIES {
            let path = root.join(name);
            fs::create_dir_all(&path).map_err(at(&path, "cannot be made"))?;
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
        let text = serde_json::to_vec(&head).map_err(|e| corrupt(&path, e.to_string()))?;
        // Last: a store without it is not yet whole. Whoever comes second uses the first one's.
        durable::link_new(&path, &text, Wait::Disk).map_err(at(&path, "cannot be written"))?;
        Self::open(root)
    }

    /// Opens the store in `root`.
    ///
    /// # Errors
    /// There is none, or it is another version's.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let not = |why: String| StoreError::NotAStore {
            path: root.to_path_buf(),
            why,
        };
        let path = root.join("store.json");
        let text = fs::read(&path).map_err(|e| not(format!("store.json: {e}")))?;
        let head: Head =
            serde_json::from_slice(&text).map_err(|e| not(format!("store.json: {e}")))?;
        if head.format != FORMAT {
            return Err(not(format!(
                "its format is {}, this grader reads {FORMAT}",
                crate::text::clean(&head.format)
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
        durable::link_new(&path, job, Wait::Disk).map_err(at(&path, "cannot be written"))?;
        self.job()
    }

    /// How all items are to be graded.
    ///
    /// # Errors
    /// Nobody has said so yet, or it cannot be read.
    pub fn job(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.root.join("job.json");
        fs::read(&path).map_err(at(&path, "cannot be read"))
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
        durable::link_new(&path, item, Wait::Disk).map_err(at(&path, "cannot be written"))?;
        Ok(())
    }

    /// Puts an item right that is not what was added: at no time is there none.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn mend(&self, key: &Key, item: &[u8]) -> Result<(), StoreError> {
        let path = self.item_path(key);
        durable::replace(&path, item).map_err(at(&path, "cannot be written"))
    }

    /// What was said when the item was added.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn item(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        let path = self.item_path(key);
        fs::read(&path).map_err(at(&path, "cannot be read"))
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
        let listing = fs::read_dir(&path).map_err(at(&path, "cannot be listed"))?;
        let mut keys = Vec::new();
        for entry in listing {
            let entry = entry.map_err(at(&path, "cannot be listed"))?;
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
fn at<'a>(path: &'a Path, what: &'static str) -> impl Fn(io::Error) -> StoreError + 'a {
    move |error| StoreError::Io {
        path: path.to_path_buf(),
        what,
        error,
    }
}

fn corrupt(path: &Path, why: String) -> StoreError {
    StoreError::Corrupt {
        path: path.to_path_buf(),
        why,
    }
}
