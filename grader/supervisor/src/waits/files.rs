//! FIFOs being opened, and terminals.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::termios::{LocalFlags, SpecialCharacterIndices, tcgetattr};

use super::calls::{CREAT, OPEN, OPENAT, OPENAT2, fd};
use super::sockets::copy_fd;
use crate::memory;
use crate::proc::ThreadScan;

/// A FIFO whose other end an `open` waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenedFifo {
    /// The path as the program gave it.
    pub(super) path: Vec<u8>,
    /// It is opened for writing.
    pub(super) writing: bool,
    /// Device and inode.
    pub(super) identity: (u64, u64),
}

/// The FIFO that the call opens; `None` when it opens anything else.
pub(super) fn opened_fifo(tid: i32, scan: &ThreadScan) -> Option<OpenedFifo> {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let (dir, path, flags) = match scan.nr {
        OPEN => (libc::AT_FDCWD, scan.args[0], scan.args[1]),
        CREAT => (libc::AT_FDCWD, scan.args[0], 1),
        OPENAT => (fd(scan.args[0]), scan.args[1], scan.args[2]),
        OPENAT2 => {
            let how = memory::read_array::<8>(tid, scan.args[2])?;
            (fd(scan.args[0]), scan.args[1], u64::from_ne_bytes(how))
        }
        _ => return None,
    };
    let path = memory::read_cstr(tid, path, 4096)?;
    let mut full = match (path.first(), dir) {
        (Some(b'/'), _) => format!("/proc/{tid}/root"),
        (_, libc::AT_FDCWD) => format!("/proc/{tid}/cwd/"),
        (_, dir) => format!("/proc/{tid}/fd/{dir}/"),
    }
    .into_bytes();
    full.extend_from_slice(&path);
    let meta = std::fs::metadata(std::ffi::OsString::from_vec(full)).ok()?;
    meta.file_type().is_fifo().then(|| OpenedFifo {
        path,
        writing: flags & 3 == 1,
        identity: (meta.dev(), meta.ino()),
    })
}

/// The terminal behind a descriptor, where no copy of that is to be had.
fn opened_anew(tid: i32, fd: i32) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    open(&*format!("/proc/{tid}/fd/{fd}"), flags, Mode::empty())
}

/// The inter-character timer of a terminal in non-canonical mode (`VTIME`), in milliseconds.
pub(super) fn read_timer(tid: i32, fd: i32) -> Result<Option<u64>, Errno> {
    let terminal = copy_fd(tid, fd).or_else(|_| opened_anew(tid, fd))?;
    let settings = tcgetattr(&terminal)?;
    let tenths = settings.control_chars[SpecialCharacterIndices::VTIME as usize];
    let raw = !settings.local_flags.contains(LocalFlags::ICANON);
    Ok((raw && tenths != 0).then(|| u64::from(tenths) * 100))
}
