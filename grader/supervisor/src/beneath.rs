//! Reaching into the workspace, where programs may put a link in the place of anything at any
//! moment: no link is followed, whoever put it there.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

/// How directories are opened on the way.
const DIRECTORY: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// A path of the plan: relative to the workspace, or absolute.
pub(crate) struct Place {
    /// The directory it is in.
    pub(crate) directory: OwnedFd,
    /// Its name there.
    pub(crate) name: OsString,
}

impl Place {
    /// Finds the directory of `path`.
    ///
    /// # Errors
    /// It is not there, a link stands in the way, or the path names no file.
    pub(crate) fn of(workspace: &Path, path: &[u8]) -> io::Result<Self> {
        let path = Path::new(OsStr::from_bytes(path));
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let above = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            directory: directory(workspace, above)?,
            name: name.to_owned(),
        })
    }

    /// A path by which this very directory is meant, for calls that take nothing else.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/proc/self/fd")
            .join(self.directory.as_raw_fd().to_string())
            .join(&self.name)
    }

    /// Changes the permission bits of what is there, unless it is a link.
    ///
    /// # Errors
    /// Those of `open` and `chmod`; a link gives `EOPNOTSUPP`.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let it = openat(&self.directory, self.name.as_os_str(), flags, Mode::empty())?;
        let path = format!("/proc/self/fd/{}", it.as_raw_fd());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o7777))
    }
}

/// A path of the plan as one this process can follow; links on the way are followed.
pub(crate) fn resolve(workspace: &Path, path: &[u8]) -> PathBuf {
    workspace.join(OsStr::from_bytes(path))
}

/// Opens a directory of the plan.
///
/// # Errors
/// It is not there, or a link stands in the way.
pub(crate) fn directory(workspace: &Path, path: &Path) -> io::Result<OwnedFd> {
    // The way to the workspace itself is ours, and may lead through links.
    let (root, below) = match (path.strip_prefix(workspace), path.is_absolute()) {
        (Ok(below), _) => (workspace, below),
        (Err(_), true) => (Path::new("/"), path),
        (Err(_), false) => (workspace, path),
    };
    let ours = DIRECTORY.difference(OFlag::O_NOFOLLOW);
    let mut at = open(root, ours, Mode::empty())?;
    for component in below.components() {
        at = match component {
            Component::Normal(name) => subdirectory(at.as_fd(), name)?,
            Component::RootDir | Component::CurDir => at,
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        };
    }
    Ok(at)
}

/// Opens a directory in another one, if it is no link.
pub(crate) fn subdirectory(at: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(openat(at, name, DIRECTORY, Mode::empty())?)
}

/// The names in a directory, sorted; at most `most` of them are looked at.
///
/// # Errors
/// It cannot be listed.
pub(crate) fn names(of: BorrowedFd<'_>, most: usize) -> io::Result<Vec<OsString>> {
    let again = openat(of, ".", DIRECTORY, Mode::empty())?;
    let mut listing = Dir::from_fd(again)?;
    let mut names = Vec::new();
    for entry in listing.iter().take(most.saturating_add(2)) {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_is_followed_on_the_way() {
        let temp = tempfile::tempdir().unwrap();
        let (lab, outside) = (temp.path().join("lab"), temp.path().join("outside"));
        std::fs::create_dir_all(lab.join("real/deep")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        symlink(&outside, lab.join("link")).unwrap();
        symlink("real", lab.join("inner")).unwrap();
        let of = |path: &str| Place::of(&lab, path.as_bytes()).map(|place| place.name);
        assert_eq!(of("x").unwrap(), "x");
        assert_eq!(of("real/deep/x").unwrap(), "x");
        assert_eq!(of(lab.join("real/x").to_str().unwrap()).unwrap(), "x");
        for path in ["link/x", "inner/x", "../outside/x", "real/../x", "", "/"] {
            assert!(of(path).is_err(), "{path}");
        }
        let foreign = outside.join("x");
        assert!(
            of(foreign.to_str().unwrap()).is_ok(),
            "an absolute path is the lab's word"
        );
    }

    #[test]
    fn modes_are_changed_of_what_is_there_and_never_of_what_a_link_leads_to() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("file"), "").unwrap();
        symlink("file", temp.path().join("link")).unwrap();
        let place = |name: &str| Place::of(temp.path(), name.as_bytes()).unwrap();
        let mode = || {
            let meta = std::fs::metadata(temp.path().join("file")).unwrap();
            meta.permissions().mode() & 0o7777
        };
        place("file").set_mode(0o640).unwrap();
        assert_eq!(mode(), 0o640);
        assert!(place("link").set_mode(0o777).is_err());
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn names_are_sorted_and_bounded() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["b", "a", "c"] {
            std::fs::write(temp.path().join(name), "").unwrap();
        }
        let at = directory(temp.path(), Path::new("")).unwrap();
        assert_eq!(names(at.as_fd(), 10).unwrap(), ["a", "b", "c"]);
        assert!(names(at.as_fd(), 1).unwrap().len() <= 3);
    }
}
