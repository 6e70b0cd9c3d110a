//! Files that have their name only when they are whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc::O_TMPFILE;
use nix::unistd::linkat;
use supervisor::scratch::Scratch;

/// Makes a file. One of this name that says something else is replaced, as a whole.
///
/// # Errors
/// It cannot be made.
pub(super) fn place(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let there = || fs::read(path).is_ok_and(|there| there == bytes);
    if named_at_last(path, bytes, mode).is_ok() || there() {
        return Ok(());
    }
    renamed(path, bytes, mode)
}

/// A file that has no name until it is whole (`O_TMPFILE`, open(2)): whoever is killed meanwhile leaves
/// nothing, and nothing has to be removed. Not every file system knows it, and it replaces nothing.
fn named_at_last(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .custom_flags(O_TMPFILE)
        .mode(mode)
        .open(directory(path))?;
    file.write_all(bytes)?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    let follow = AtFlags::AT_SYMLINK_FOLLOW;
    Ok(linkat(AT_FDCWD, unnamed.as_str(), AT_FDCWD, path, follow)?)
}

fn renamed(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let scratch = Scratch::new_in(directory(path))?;
    let new = scratch.path().join("new");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)?
        .write_all(bytes)?;
    fs::rename(&new, path)
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    type Way = fn(&Path, &[u8], u32) -> io::Result<()>;

    #[test]
    fn either_way_makes_the_file_and_leaves_nothing_else() {
        for way in [place as Way, renamed] {
            let dir = TempDir::new().unwrap();
            let path = dir.path().join("program");
            way(&path, b"program", 0o755).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"program");
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o700, 0o700);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_is_there_already_is_replaced_where_it_is_something_else() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("program");
        for bytes in [b"one".as_slice(), b"one", b"other"] {
            place(&path, bytes, 0o644).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_place_that_is_not_there_is_an_error() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("nowhere/program");
        assert!(place(&path, b"program", 0o644).is_err());
    }
}
