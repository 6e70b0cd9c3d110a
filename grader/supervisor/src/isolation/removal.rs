//! Removing a tree that resists: without permissions, and deeper than there are descriptors or stack.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Removes a directory and everything in it. No link is followed.
///
/// What is in a directory of the top is moved up and removed there, so that the way down is never
/// longer than one step.
///
/// # Errors
/// Something could not be removed.
pub(crate) fn remove(place: &Path) -> io::Result<()> {
    remove_ending_with(place, OsStr::new(""))
}

/// The same; of what is in the directory itself `last` goes last.
///
/// # Errors
/// As [`remove`].
pub(crate) fn remove_ending_with(place: &Path, last: &OsStr) -> io::Result<()> {
    let (Some(above), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let above = nix::fcntl::open(above, flags, Mode::empty())?;
    let Some(top) = open_up(&above, name)? else {
        return Ok(());
    };
    let mut moved = 0_u64;
    loop {
        let mut names = names(&top)?;
        if names.is_empty() {
            break;
        }
        put_last(&mut names, last);
        while let Some(name) = names.pop() {
            if remove_one(&top, &name)? {
                continue;
            }
            let Some(inner) = open_up(&top, &name)? else {
                continue;
            };
            for below in self::names(&inner)? {
                if !remove_one(&inner, &below)? {
                    // Its own permissions decide whether it may be moved: `..` is in it.
                    drop(open_up(&inner, &below)?);
                    let up = loop {
                        let up = OsString::from(format!("{MOVED}{moved}"));
                        moved += 1;
                        match renameat(&inner, below.as_os_str(), &top, up.as_os_str()) {
                            Ok(()) => break up,
                            // A program has called something so itself.
                            Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOTDIR) => {}
                            Err(errno) => return Err(errno.into()),
                        }
                    };
                    names.push(up);
                }
            }
            remove_one(&top, &name)?;
        }
    }
    Ok(unlinkat(&above, name, UnlinkatFlags::RemoveDir)?)
}

/// They are taken from the end.
fn put_last(names: &mut [OsString], last: &OsStr) {
    if let Some(at) = names.iter().position(|name| name == last) {
        names.swap(0, at);
    }
}

/// Names that moved directories get, with a number.
const MOVED: &str = ".grader-removed-";

/// `false`: it is a directory that is not empty.
fn remove_one(at: &OwnedFd, name: &OsString) -> io::Result<bool> {
    match unlinkat(at, name.as_os_str(), UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => return Ok(true),
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    match unlinkat(at, name.as_os_str(), UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Opens a directory after giving its owner all permissions. `None`: it is not there.
fn open_up(at: &OwnedFd, name: &OsStr) -> io::Result<Option<OwnedFd>> {
    use std::os::unix::fs::PermissionsExt;
    let path = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let it = match openat(at, name, path, Mode::empty()) {
        Ok(it) => it,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let by_descriptor = format!("/proc/self/fd/{}", it.as_raw_fd());
    // Refused, it may still be readable.
    let _ = std::fs::set_permissions(by_descriptor, std::fs::Permissions::from_mode(0o700));
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(Some(openat(&it, ".", flags, Mode::empty())?))
}

/// What is in a directory.
fn names(of: &OwnedFd) -> io::Result<Vec<OsString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut listing = Dir::from_fd(openat(of.as_fd(), ".", flags, Mode::empty())?)?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_is_to_go_last_is_taken_last() {
        let mut names = ["a", "mark", "b"].map(OsString::from).to_vec();
        put_last(&mut names, OsStr::new("mark"));
        let order: Vec<OsString> = std::iter::from_fn(|| names.pop()).collect();
        assert_eq!(order.last().unwrap(), "mark");
        assert_eq!(order.len(), 3);
    }

    #[test]
    fn a_tree_deeper_than_any_path_goes() {
        let temp = tempfile::tempdir().unwrap();
        let place = temp.path().join("place");
        fs::create_dir(&place).unwrap();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let mut at = nix::fcntl::open(&place, flags, Mode::empty()).unwrap();
        let name = "d".repeat(100);
        for _ in 0..3000 {
            nix::sys::stat::mkdirat(&at, name.as_str(), Mode::S_IRWXU).unwrap();
            at = openat(&at, name.as_str(), flags, Mode::empty()).unwrap();
        }
        remove(&place).unwrap();
        assert!(!place.exists());
        remove(&place).unwrap();
    }

    #[test]
    fn links_are_removed_and_not_followed_and_locks_do_not_hold() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "").unwrap();
        let place = temp.path().join("place");
        fs::create_dir_all(place.join("a/b/c")).unwrap();
        symlink(&outside, place.join("a/link")).unwrap();
        symlink(&outside, place.join("link")).unwrap();
        fs::write(place.join("a/b/c/.grader-removed-0"), "").unwrap();
        fs::create_dir(place.join(".grader-removed-0")).unwrap();
        for locked in ["a/b/c", "a/b", "a", "."] {
            let mode = fs::Permissions::from_mode(0o0);
            fs::set_permissions(place.join(locked), mode).unwrap();
        }
        remove(&place).unwrap();
        assert!(!place.exists() && outside.join("kept").exists());
    }
}
