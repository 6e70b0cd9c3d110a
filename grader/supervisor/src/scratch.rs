//! Temporary directories that are removed even where their owner is killed: the next one to look
//! removes them.
//!
//! A file in each of them is locked as long as its owner lives (flock(2)); the kernel gives the lock
//! back whatever ends the owner, and tells it across PID namespaces. Neither age nor a process id
//! is taken for a sign: the one lies about a slow machine, the other about a busy one.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};

use crate::isolation::removal;

/// What all of them are called, and six letters more.
const PREFIX: &str = "grader-";
/// See [`PREFIX`]; mkdtemp(3).
const LETTERS: usize = 6;
/// The file that is locked. A directory without it is nobody's of ours.
const MARK: &str = ".scratch";
/// How often somebody else may take a new one for a dead one's before its lock is there.
const TRIES: u32 = 16;

/// A temporary directory of this process; removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// `None` where the file system knows no locks: then it is never taken for a dead one's.
    _owned: Option<Flock<File>>,
}

impl Scratch {
    /// A new one below `parent`, for this user alone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        // A relative `$TMPDIR` is one: what lies there is named from the root, as programs run elsewhere.
        let parent = std::path::absolute(parent)?;
        for _ in 0..TRIES {
            let path = nix::unistd::mkdtemp(&parent.join(format!("{PREFIX}XXXXXX")))?;
            match own(&path) {
                Ok(Some(owned)) => {
                    return Ok(Self {
                        path,
                        _owned: owned,
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    let _ = fs::remove_dir(&path);
                    return Err(error);
                }
            }
        }
        Err(io::Error::other("somebody removes what is made there"))
    }

    /// A new one in the directory for temporary files.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    /// Where it is. There is one file in it, [`Scratch::inside`] is empty.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory in it, made if it is not there, that nothing else is in.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn inside(&self) -> io::Result<PathBuf> {
        let inside = self.path.join("files");
        match fs::create_dir(&inside) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(inside),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What resists is left to the next one that looks.
        let _ = remove(&self.path);
    }
}

/// Makes and locks the mark. `None`: somebody took the directory for a dead one's meanwhile.
fn own(path: &Path) -> io::Result<Option<Option<Flock<File>>>> {
    let mark = path.join(MARK);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&mark);
    let file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match Flock::lock(file, FlockArg::LockExclusive) {
        Ok(owned) => Ok(is_at(&owned, &mark).then_some(Some(owned))),
        Err(_) => Ok(Some(None)),
    }
}

/// Whether the open file is the one of this name.
fn is_at(file: &File, path: &Path) -> bool {
    let there = fs::symlink_metadata(path);
    matches!((there, file.metadata()), (Ok(there), Ok(ours))
        if (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
}

/// Removes the directories below `parent` whose owners are dead; how many there were.
pub fn sweep(parent: &Path) -> usize {
    let Ok(entries) = fs::read_dir(parent) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(PREFIX))
        })
        .filter(|entry| {
            // Held until it is gone: whoever is just making it waits, and makes another.
            match dead(&entry.path()) {
                Some(_held) => remove(&entry.path()).is_ok(),
                None => is_bare(&entry.path()) && fs::remove_dir(entry.path()).is_ok(),
            }
        })
        .count()
}

/// Removes one of ours. What marks it goes last: where somebody is killed on the way, the rest is still
/// known for what it is.
fn remove(path: &Path) -> io::Result<()> {
    removal::remove_ending_with(path, OsStr::new(MARK))
}

/// Whether it may be one that was not marked yet, or not any more, when its owner was killed; it is empty
/// then. Whoever is just about to mark it makes another.
fn is_bare(path: &Path) -> bool {
    let letters = |name: &str| name.strip_prefix(PREFIX).map(str::len);
    let named = path.file_name().and_then(OsStr::to_str).and_then(letters) == Some(LETTERS);
    named
        && fs::symlink_metadata(path).is_ok_and(|meta| {
            let us = nix::unistd::geteuid().as_raw();
            // The worker of the lower rung lets pass what is below its own.
            let ours = matches!(meta.mode() & 0o777, 0o700 | 0o711);
            ours && meta.is_dir() && meta.uid() == us
        })
}

/// The lock of a directory that is one of ours and whose owner has ended.
fn dead(path: &Path) -> Option<Flock<File>> {
    let us = nix::unistd::geteuid().as_raw();
    let meta = fs::symlink_metadata(path).ok()?;
    if !meta.is_dir() || meta.uid() != us {
        return None;
    }
    let mark = path.join(MARK);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(&mark)
        .ok()?;
    let meta = file.metadata().ok()?;
    if !meta.is_file() || meta.uid() != us {
        return None;
    }
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
    is_at(&lock, &mark).then_some(lock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    fn names(dir: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_dead_ones_directory_is_removed_and_a_living_ones_is_not() {
        let dir = TempDir::new().unwrap();
        let living = Scratch::new_in(dir.path()).unwrap();
        fs::write(living.inside().unwrap().join("main.c"), "x").unwrap();
        let dead = Scratch::new_in(dir.path()).unwrap();
        let place = dead.inside().unwrap().join("deep");
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o0)).unwrap();
        // As SIGKILL does: the lock ends with the process, the directory stays.
        let mut dead = std::mem::ManuallyDrop::new(dead);
        drop(dead._owned.take());
        // Somebody else's, whatever they are called.
        fs::create_dir(dir.path().join("grader-thesis")).unwrap();
        fs::write(dir.path().join("grader-thesis/chapter.tex"), "x").unwrap();
        fs::write(dir.path().join("grader-notes"), "x").unwrap();
        std::os::unix::fs::symlink("grader-thesis", dir.path().join("grader-link")).unwrap();
        let before = names(&dir).len();
        assert_eq!(sweep(dir.path()), 1);
        assert_eq!(names(&dir).len(), before - 1);
        assert!(!dead.path.exists());
        assert!(living.inside().unwrap().join("main.c").exists());
        assert_eq!(sweep(dir.path()), 0);
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn one_that_was_not_marked_yet_is_removed_if_it_is_empty() {
        let dir = TempDir::new().unwrap();
        let make = |name: &str, mode| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        };
        make("grader-Ab3dE6", 0o700);
        make("grader-shared", 0o755);
        make("grader-thesis-2", 0o700);
        let full = make("grader-thesis", 0o700);
        fs::write(full.join("chapter.tex"), "x").unwrap();
        fs::write(make("grader-Xy9zW8", 0o700).join("left"), "x").unwrap();
        assert_eq!(sweep(dir.path()), 1);
        assert!(!dir.path().join("grader-Ab3dE6").exists());
        assert_eq!(names(&dir).len(), 4);
    }

    #[test]
    fn what_is_swept_while_it_is_made_is_made_again() {
        let dir = TempDir::new().unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let made = std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    sweep(dir.path());
                }
            });
            let made: Vec<Scratch> = (0..200)
                .map(|_| Scratch::new_in(dir.path()).unwrap())
                .collect();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            sweeper.join().unwrap();
            made
        });
        assert!(made.iter().all(|one| one.path().join(MARK).exists()));
    }
}
