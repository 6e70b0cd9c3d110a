//! Changes of the workspace, and collecting what a build made.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, mkfifoat, unlinkat};

use crate::beneath::{self, Place};
use crate::event::What;
use crate::plan::FileAct;
use crate::recorder::Recorder;

/// At most so many entries of a workspace are looked at.
const MOST_ENTRIES: usize = 20_000;
/// No directory is followed deeper.
const MOST_DEPTH: usize = 32;

/// Performs a change.
pub(crate) fn perform(act: &FileAct, workspace: &Path) -> Result<(), String> {
    change(act, workspace).map_err(|error| format!("{act:?}: {error}"))
}

fn change(act: &FileAct, workspace: &Path) -> std::io::Result<()> {
    match act {
        FileAct::Write {
            path,
            content,
            mode,
        } => {
            let place = Place::of(workspace, path)?;
            let flags = OFlag::O_WRONLY
                | OFlag::O_CREAT
                | OFlag::O_TRUNC
                | OFlag::O_NOFOLLOW
                | OFlag::O_NONBLOCK
                | OFlag::O_CLOEXEC;
            let made = openat(
                &place.directory,
                place.name.as_os_str(),
                flags,
                Mode::from_bits_truncate(0o666),
            )?;
            let mut file = File::from(made);
            file.write_all(content)?;
            file.set_permissions(Permissions::from_mode(*mode))
        }
        FileAct::StaleSocket(path) => {
            let place = Place::of(workspace, path)?;
            // Closing the listener leaves the file: nobody listens there any more.
            drop(UnixListener::bind(place.path())?);
            place.set_mode(0o777)
        }
        FileAct::Fifo { path, mode } => {
            let place = Place::of(workspace, path)?;
            mkfifoat(&place.directory, place.name.as_os_str(), Mode::S_IRUSR)?;
            hand_over(&place, *mode, workspace)
        }
        FileAct::Directory { path, mode } => {
            let place = Place::of(workspace, path)?;
            mkdirat(&place.directory, place.name.as_os_str(), Mode::S_IRWXU)?;
            hand_over(&place, *mode, workspace)
        }
        FileAct::Chmod { path, mode } => Place::of(workspace, path)?.set_mode(*mode),
        FileAct::Remove(path) => {
            let place = Place::of(workspace, path)?;
            let name = place.name.as_os_str();
            Ok(unlinkat(
                &place.directory,
                name,
                UnlinkatFlags::NoRemoveDir,
            )?)
        }
    }
}

/// Gives what was just made to the owner of the workspace, the programs' user, with these rights.
fn hand_over(place: &Place, mode: u32, workspace: &Path) -> std::io::Result<()> {
    let owner = std::fs::metadata(workspace)?;
    let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
    let made = fstatat(&place.directory, place.name.as_os_str(), flags)?;
    if (made.st_uid, made.st_gid) != (owner.uid(), owner.gid()) {
        let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
        let name = place.name.as_os_str();
        fchownat(&place.directory, name, Some(user), Some(group), flags)?;
    }
    place.set_mode(mode)
}

/// A directory to be collected from.
struct Pending {
    directory: OwnedFd,
    /// Relative to the workspace.
    name: PathBuf,
    depth: usize,
}

/// Reports the regular files below a directory, those of a directory in order of their names.
pub(crate) fn collect(
    workspace: &Path,
    under: &[u8],
    most: u64,
    recorder: &mut Recorder,
) -> Result<(), String> {
    let mut left = most;
    let mut entries = 0;
    let under = PathBuf::from(OsString::from(std::ffi::OsStr::from_bytes(under)));
    let Ok(directory) = beneath::directory(workspace, &under) else {
        // Nothing was built there.
        return Ok(());
    };
    let mut pending = vec![Pending {
        directory,
        name: under,
        depth: 0,
    }];
    while let Some(at) = pending.pop() {
        let names = beneath::names(at.directory.as_fd(), MOST_ENTRIES).unwrap_or_default();
        for name in names {
            entries += 1;
            if entries > MOST_ENTRIES {
                return Err(format!("more than {MOST_ENTRIES} files"));
            }
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
            let Ok(meta) = fstatat(&at.directory, name.as_os_str(), flags) else {
                continue;
            };
            let kind = SFlag::from_bits_truncate(meta.st_mode & SFlag::S_IFMT.bits());
            let path = at.name.join(&name);
            if kind == SFlag::S_IFDIR && at.depth < MOST_DEPTH {
                if let Ok(directory) = beneath::subdirectory(at.directory.as_fd(), &name) {
                    pending.push(Pending {
                        directory,
                        name: path,
                        depth: at.depth + 1,
                    });
                }
            } else if kind == SFlag::S_IFREG {
                let too_much = || format!("files of more than {most} bytes");
                if u64::try_from(meta.st_size).unwrap_or(u64::MAX) > left {
                    return Err(too_much());
                }
                let flags =
                    OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
                let opened = openat(&at.directory, name.as_os_str(), flags, Mode::empty());
                let Ok(file) = opened.map(File::from) else {
                    continue;
                };
                if !file.metadata().is_ok_and(|meta| meta.is_file()) {
                    continue;
                }
                let mut bytes = Vec::new();
                if file.take(left).read_to_end(&mut bytes).is_err() {
                    continue;
                }
                left -= bytes.len() as u64;
                recorder.emit(What::File {
                    name: path.as_os_str().as_bytes().into(),
                    mode: meta.st_mode & 0o7777,
                    bytes: bytes.into(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_and_a_directory_have_the_rights_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let kind = |name: &str| {
            let meta = std::fs::symlink_metadata(directory.path().join(name)).unwrap();
            meta.mode() & (libc::S_IFMT | 0o7777)
        };
        let (path, mode) = ("f".into(), 0o640);
        perform(&FileAct::Fifo { path, mode }, directory.path()).unwrap();
        assert_eq!(kind("f"), libc::S_IFIFO | 0o640);
        let (path, mode) = ("d".into(), 0o711);
        perform(&FileAct::Directory { path, mode }, directory.path()).unwrap();
        assert_eq!(kind("d"), libc::S_IFDIR | 0o711);
        // What is there already is not changed.
        let (path, mode) = ("f".into(), 0o777);
        assert!(perform(&FileAct::Fifo { path, mode }, directory.path()).is_err());
        assert_eq!(kind("f"), libc::S_IFIFO | 0o640);
    }

    #[test]
    fn a_stale_socket_refuses_connections() {
        let directory = tempfile::tempdir().unwrap();
        perform(&FileAct::StaleSocket("s".into()), directory.path()).unwrap();
        let error =
            std::os::unix::net::UnixStream::connect(directory.path().join("s")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_link_is_not_followed_when_writing() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        std::fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, directory.path().join("link")).unwrap();
        let act = FileAct::Write {
            path: "link".into(),
            content: "lost".into(),
            mode: 0o644,
        };
        assert!(perform(&act, directory.path()).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"kept");
    }
}
