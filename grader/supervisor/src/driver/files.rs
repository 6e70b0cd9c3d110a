//! Changes of the workspace, and collecting what a build made.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::acts::resolve;
use crate::event::What;
use crate::plan::FileAct;
use crate::recorder::Recorder;

/// At most so many entries of a workspace are looked at.
const MOST_ENTRIES: usize = 20_000;
/// No directory is followed deeper.
const MOST_DEPTH: usize = 32;

/// Performs a change.
pub(crate) fn perform(act: &FileAct, workspace: &Path) -> Result<(), String> {
    let result = match act {
        FileAct::Write {
            path,
            content,
            mode,
        } => {
            let path = resolve(workspace, path);
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
                .open(&path)
                .and_then(|mut file| file.write_all(content))
                .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(*mode)))
        }
        FileAct::StaleSocket(path) => {
            let path = resolve(workspace, path);
            // Closing the listener leaves the file: nobody listens there any more.
            UnixListener::bind(&path)
                .map(drop)
                .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o777)))
        }
        FileAct::Chmod { path, mode } => {
            let path = resolve(workspace, path);
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => Err(std::io::Error::other("is a symbolic link")),
                Ok(_) => fs::set_permissions(&path, Permissions::from_mode(*mode)),
                Err(error) => Err(error),
            }
        }
        FileAct::Remove(path) => fs::remove_file(resolve(workspace, path)),
    };
    result.map_err(|error| format!("{act:?}: {error}"))
}

/// Reports the regular files below a directory, smallest path first.
pub(crate) fn collect(
    workspace: &Path,
    under: &[u8],
    most: u64,
    recorder: &mut Recorder,
) -> Result<(), String> {
    let mut left = most;
    let mut entries = 0;
    let mut pending = vec![(resolve(workspace, under), 0)];
    while let Some((directory, depth)) = pending.pop() {
        let Ok(listing) = fs::read_dir(&directory) else {
            continue;
        };
        let mut paths: Vec<_> = listing.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            entries += 1;
            if entries > MOST_ENTRIES {
                return Err(format!("more than {MOST_ENTRIES} files"));
            }
            let Ok(meta) = fs::symlink_metadata(&path) else {
                continue;
            };
            if meta.is_dir() && depth < MOST_DEPTH {
                pending.push((path, depth + 1));
            } else if meta.is_file() {
                if meta.len() > left {
                    return Err(format!("files of more than {most} bytes"));
                }
                let Ok(file) = OpenOptions::new()
                    .read(true)
                    .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
                    .open(&path)
                else {
                    continue;
                };
                let mut bytes = Vec::new();
                if file.take(left).read_to_end(&mut bytes).is_err() {
                    continue;
                }
                left -= bytes.len() as u64;
                let name = path.strip_prefix(workspace).unwrap_or(&path);
                recorder.emit(What::File {
                    name: name.as_os_str().as_bytes().into(),
                    mode: meta.permissions().mode() & 0o7777,
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
    use std::os::unix::ffi::OsStringExt;

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
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, directory.path().join("link")).unwrap();
        let act = FileAct::Write {
            path: "link".into(),
            content: "lost".into(),
            mode: 0o644,
        };
        assert!(perform(&act, directory.path()).is_err());
        assert_eq!(fs::read(&target).unwrap(), b"kept");
        let odd = std::ffi::OsString::from_vec(vec![0xff]);
        assert_eq!(
            resolve(directory.path(), b"\xff"),
            directory.path().join(odd)
        );
    }
}
