//! Placing files into a workspace.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};

use super::{SetupError, sys};
use crate::plan::{FileSource, PlacedFile};

/// Who owns what is made.
pub(crate) type Owner = (u32, u32);

/// Puts `files` into the directory `workspace`. Content comes from below `host`, the root of the
/// host. No link inside the workspace is followed.
pub(crate) fn place(
    files: &[PlacedFile],
    workspace: BorrowedFd<'_>,
    host: BorrowedFd<'_>,
    owner: Owner,
) -> Result<(), SetupError> {
    for file in files {
        place_one(file, workspace, host, owner)
            .map_err(|reason| SetupError::NotSetUp(format!("{}: {reason}", file.name.escaped())))?;
    }
    Ok(())
}

fn place_one(
    file: &PlacedFile,
    workspace: BorrowedFd<'_>,
    host: BorrowedFd<'_>,
    owner: Owner,
) -> Result<(), String> {
    let path = Path::new(OsStr::from_bytes(&file.name));
    let inside = path.components().all(|c| matches!(c, Component::Normal(_)));
    let (Some(name), true) = (path.file_name(), inside) else {
        return Err("not a name inside the workspace".into());
    };
    if let FileSource::Directory = file.source {
        let made = make_directories(workspace, path, Some(owner)).map_err(|e| e.to_string())?;
        return set_mode(&File::from(made), file.mode);
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.map(|above| make_directories(workspace, above, Some(owner)));
    let above = above.transpose().map_err(|e| e.to_string())?;
    let above = above.as_ref().map_or(workspace, AsFd::as_fd);
    let flags = OFlag::O_WRONLY
        | OFlag::O_CREAT
        | OFlag::O_TRUNC
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    let made = openat(above, name, flags, Mode::S_IRUSR | Mode::S_IWUSR);
    let mut made = File::from(made.map_err(|e| e.desc().to_owned())?);
    let written = match &file.source {
        FileSource::Bytes(bytes) => made.write_all(bytes),
        FileSource::Host(source) => {
            let (mut source, length) = open_host(host, source)?;
            copy(&mut source, length, &mut made)
        }
        FileSource::Directory => Ok(()),
    };
    written.map_err(|e| e.to_string())?;
    fchown(&made, Some(owner.0), Some(owner.1)).map_err(|e| e.to_string())?;
    set_mode(&made, file.mode)
}

fn set_mode(file: &File, mode: u32) -> Result<(), String> {
    let mode = std::fs::Permissions::from_mode(mode & 0o7777);
    file.set_permissions(mode).map_err(|e| e.to_string())
}

/// Most bytes that are copied at once.
const AT_ONCE: u64 = 256 << 10;

/// Copies a file of so many bytes. A small one through our memory: for the kernel to do it takes three
/// calls, one of which is refused between file systems, and a pipe.
fn copy(source: &mut File, length: u64, to: &mut File) -> io::Result<()> {
    // What is said to be empty may be a file of the kernel's.
    if !(1..=AT_ONCE).contains(&length) {
        return io::copy(source, to).map(drop);
    }
    let mut content = Vec::with_capacity(length as usize);
    source.take(length).read_to_end(&mut content)?;
    to.write_all(&content)
}

fn open_host(host: BorrowedFd<'_>, path: &Path) -> Result<(File, u64), String> {
    let wrong = |reason: &str| format!("{}: {reason}", path.display());
    let from_root = path
        .strip_prefix("/")
        .map_err(|_| wrong("not an absolute path"))?;
    let from_root = c_path(from_root).map_err(|e| e.to_string())?;
    // A FIFO must not hold us up.
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let opened = sys::open_in_root(host, &from_root, flags);
    let file = File::from(opened.map_err(|e| match e {
        Errno::ELOOP => wrong("a symbolic link"),
        e => wrong(e.desc()),
    })?);
    match file.metadata() {
        Ok(data) if data.is_file() => Ok((file, data.len())),
        Ok(_) => Err(wrong("not a regular file")),
        Err(e) => Err(wrong(&e.to_string())),
    }
}

/// Opens the directory `path` below `root`, making what is missing. Follows no links.
pub(crate) fn make_directories(
    root: BorrowedFd<'_>,
    path: &Path,
    owner: Option<Owner>,
) -> Result<OwnedFd, SetupError> {
    let wrong = |e: Errno| SetupError::NotSetUp(format!("{}: {}", path.display(), e.desc()));
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut at = openat(root, ".", flags, Mode::empty()).map_err(wrong)?;
    for component in path.components() {
        let Component::Normal(name) = component else {
            continue;
        };
        let made = match mkdirat(at.as_fd(), name, Mode::from_bits_truncate(0o755)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(e) => return Err(wrong(e)),
        };
        at = openat(at.as_fd(), name, flags, Mode::empty()).map_err(wrong)?;
        if let (true, Some((user, group))) = (made, owner) {
            fchown(&at, Some(user), Some(group))
                .map_err(|e| SetupError::NotSetUp(format!("{}: {e}", path.display())))?;
        }
    }
    Ok(at)
}

/// A path for a system call.
pub(crate) fn c_path(path: &Path) -> Result<CString, SetupError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| SetupError::NotSetUp(format!("{}: contains a NUL byte", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Bytes;
    use std::os::unix::fs::MetadataExt;

    struct Here {
        temp: tempfile::TempDir,
        workspace: File,
        host: File,
    }

    fn here() -> Here {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("lab")).unwrap();
        Here {
            workspace: File::open(temp.path().join("lab")).unwrap(),
            host: File::open("/").unwrap(),
            temp,
        }
    }

    fn put(here: &Here, name: &str, source: FileSource, mode: u32) -> Result<(), SetupError> {
        let name = Bytes::from(name);
        let own = here.workspace.metadata().unwrap();
        place(
            &[PlacedFile { name, source, mode }],
            here.workspace.as_fd(),
            here.host.as_fd(),
            (own.uid(), own.gid()),
        )
    }

    fn text(text: &str) -> FileSource {
        FileSource::Bytes(text.into())
    }

    #[test]
    fn content_mode_and_directories_are_as_asked() {
        let here = here();
        put(&here, "a/b/c.txt", text("hello"), 0o640).unwrap();
        put(&here, "empty", FileSource::Directory, 0o700).unwrap();
        let path = here.temp.path().join("lab/a/b/c.txt");
        assert_eq!(std::fs::read(&path).unwrap(), b"hello");
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o640);
        let empty = here.temp.path().join("lab/empty").metadata().unwrap();
        assert!(empty.is_dir() && empty.mode() & 0o7777 == 0o700);

        let source = here.temp.path().join("source");
        std::fs::write(&source, "from the host").unwrap();
        put(&here, "prog", FileSource::Host(source), 0o755).unwrap();
        let placed = std::fs::read(here.temp.path().join("lab/prog")).unwrap();
        assert_eq!(placed, b"from the host");
    }

    #[test]
    fn names_outside_the_workspace_are_refused() {
        let here = here();
        for name in ["", ".", "/etc/x", "../x", "a/../../x", "nul\0"] {
            let error = put(&here, name, text(""), 0o644).unwrap_err();
            assert!(
                matches!(error, SetupError::NotSetUp(_)),
                "{name:?}: {error}"
            );
        }
        assert!(!here.temp.path().join("x").exists());
    }

    #[test]
    fn links_are_not_followed() {
        let here = here();
        let lab = here.temp.path().join("lab");
        let outside = here.temp.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, lab.join("dir")).unwrap();
        std::os::unix::fs::symlink(outside.join("file"), lab.join("file")).unwrap();
        put(&here, "dir/x", text(""), 0o644).unwrap_err();
        put(&here, "file", text(""), 0o644).unwrap_err();
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);

        std::fs::write(outside.join("secret"), "").unwrap();
        let link = here.temp.path().join("link");
        std::os::unix::fs::symlink(outside.join("secret"), &link).unwrap();
        let error = put(&here, "copy", FileSource::Host(link), 0o644).unwrap_err();
        assert!(error.to_string().contains("a symbolic link"), "{error}");
    }

    #[test]
    fn only_regular_files_are_copied() {
        let here = here();
        let fifo = here.temp.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for source in [fifo.as_path(), Path::new("/dev/zero"), Path::new("/etc")] {
            let error = put(&here, "x", FileSource::Host(source.into()), 0o644).unwrap_err();
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        let gone = here.temp.path().join("gone");
        let error = put(&here, "x", FileSource::Host(gone), 0o644).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
