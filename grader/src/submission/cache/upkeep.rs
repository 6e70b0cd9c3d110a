//! What a cache holds, and how it is emptied.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use thiserror::Error;

use super::{Cache, PROGRAMS, RECORDS};

/// Held by whoever uses a cache, shared; alone by whoever empties it (flock(2)).
const LOCK: &str = "lock";
/// Where earlier graders kept a directory for each build.
const EARLIER: &str = "builds";

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Finished builds, failed ones included.
    pub builds: usize,
    /// Bytes in files.
    pub bytes: u64,
}

/// Why a cache cannot be emptied.
#[derive(Debug, Error)]
pub enum UpkeepError {
    /// Programs may be started from it at any time.
    #[error("{0}: a grader is using it")]
    InUse(String),
    /// Reading or removing failed.
    #[error("{path}: {error}")]
    Io {
        /// The cache.
        path: String,
        /// What the system said.
        error: io::Error,
    },
}

impl Cache {
    /// What is kept at `root`; nothing where no grader has been.
    #[must_use]
    pub fn kept(root: &Path) -> Kept {
        let count = |part| fs::read_dir(root.join(part)).map_or(0, Iterator::count);
        Kept {
            builds: count(RECORDS) + count(EARLIER),
            bytes: PARTS.iter().map(|part| size(&root.join(part))).sum(),
        }
    }

    /// Removes whatever graders have kept at `root`, of earlier versions too, and says what it was.
    /// Nothing else there is touched.
    ///
    /// # Errors
    /// See [`UpkeepError`].
    pub fn empty(root: &Path) -> Result<Kept, UpkeepError> {
        let path = || root.display().to_string();
        let failed = |error| UpkeepError::Io {
            path: path(),
            error,
        };
        let kept = Self::kept(root);
        if kept == Kept::default() {
            return Ok(kept);
        }
        let file = lock_file(root).map_err(failed)?;
        let _alone =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(
                |(_, errno)| match errno {
                    Errno::EWOULDBLOCK => UpkeepError::InUse(path()),
                    errno => failed(errno.into()),
                },
            )?;
        for part in PARTS {
            match fs::remove_dir_all(root.join(part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(error));
                }
                _ => {}
            }
        }
        Ok(kept)
    }
}

const PARTS: [&str; 3] = [RECORDS, PROGRAMS, EARLIER];

/// Marks the cache as used for as long as this lives. File systems that know no locks go without.
pub(super) fn in_use(root: &Path) -> Option<Flock<File>> {
    let file = lock_file(root).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(lock) => Some(lock),
        // It is being emptied, which is soon over.
        Err((file, Errno::EWOULDBLOCK)) => Flock::lock(file, FlockArg::LockShared).ok(),
        Err(_) => None,
    }
}

fn lock_file(root: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(root.join(LOCK))
}

/// Bytes in the files below `dir`.
fn size(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::CacheMode;
    use tempfile::TempDir;

    #[test]
    fn nothing_is_taken_from_under_a_grader_and_nothing_of_others_is_touched() {
        let dir = TempDir::new().unwrap();
        assert_eq!(Cache::empty(dir.path()).unwrap(), Kept::default());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let cache = Cache::open(&CacheMode::At(dir.path().to_owned())).unwrap();
        let made = cache.keep(&[b"a"], || Ok(b"program".to_vec())).unwrap();
        fs::create_dir_all(dir.path().join("builds/old")).unwrap();
        fs::write(dir.path().join("builds/old/a"), "12345").unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let kept = Cache::kept(dir.path());
        assert_eq!(kept.builds, 2);
        assert!(kept.bytes > 12, "{kept:?}");
        let busy = Cache::empty(dir.path()).unwrap_err();
        assert!(matches!(busy, UpkeepError::InUse(_)), "{busy}");
        assert!(made.exists());
        let other = cache.clone();
        drop(cache);
        assert!(Cache::empty(dir.path()).is_err());
        drop(other);
        assert_eq!(Cache::empty(dir.path()).unwrap(), kept);
        assert_eq!(Cache::kept(dir.path()), Kept::default());
        assert!(dir.path().join("thesis.tex").exists());
        let again = Cache::open(&CacheMode::At(dir.path().to_owned())).unwrap();
        assert!(again.keep(&[b"a"], || Ok(b"program".to_vec())).is_some());
    }
}
