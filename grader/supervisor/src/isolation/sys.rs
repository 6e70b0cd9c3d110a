//! System calls that no crate here wraps.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::raw::{self, at, number};

/// `open_tree(2)`: a detached copy of the mount tree at `path`, to be placed by [`move_mount`].
pub(crate) fn copy_tree(path: &CStr, recursive: bool) -> nix::Result<OwnedFd> {
    let mut flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= libc::AT_RECURSIVE.cast_unsigned();
    }
    // SAFETY: `path` is a live C string.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    owned(fd)
}

/// Attaches a tree made by [`copy_tree`] at `path`.
pub(crate) fn move_mount(tree: BorrowedFd<'_>, path: &CStr) -> nix::Result<()> {
    // SAFETY: both paths are live C strings.
    let done = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    Errno::result(done).map(drop)
}

/// Which mount attributes [`restrict`] sets.
pub(crate) const READ_ONLY: u64 =
    libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// `mount_setattr(2)`: sets attributes of the mount at `path` (or, for an empty path, of the tree
/// `at`), and of all below it if `recursive`. Such a tree no longer follows the host's mounts.
pub(crate) fn restrict(
    at: Option<BorrowedFd<'_>>,
    path: &CStr,
    attributes: u64,
    recursive: bool,
) -> nix::Result<()> {
    let change = libc::mount_attr {
        attr_set: attributes,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: 0,
    };
    let mut flags = libc::AT_EMPTY_PATH;
    if recursive {
        flags |= libc::AT_RECURSIVE;
    }
    let at = at.map_or(libc::AT_FDCWD, |fd| fd.as_raw_fd());
    // SAFETY: `path` is a live C string and `change` is live and as long as said.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at,
            path.as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(done).map(drop)
}

/// `openat2(2)` with `root` as the root directory: absolute links stay below it, links of `/proc`
/// are refused.
pub(crate) fn open_in_root(root: BorrowedFd<'_>, path: &CStr, flags: i32) -> nix::Result<OwnedFd> {
    // SAFETY: `open_how` is plain data for which zero is valid.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (flags | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS;
    // SAFETY: `path` is a live C string and `how` is live and as long as said.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            root.as_raw_fd(),
            path.as_ptr(),
            &raw const how,
            size_of::<libc::open_how>(),
        )
    };
    owned(fd)
}

/// `pidfd_open(2)`: readable once the process has ended.
pub(crate) fn pidfd_open(pid: i32) -> nix::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Both sides of [`clone_process`].
pub(crate) enum Cloned {
    /// In the new process.
    Child,
    /// In the calling one: the child's pid, and a descriptor readable once it has ended.
    Parent {
        /// The pid.
        pid: i32,
        /// The descriptor.
        ended: OwnedFd,
    },
}

/// `clone(2)` like `fork`, with a descriptor of the child.
///
/// # Safety
/// The calling process must have one thread. The child's C library goes on believing it has its
/// parent's thread id until it forks again.
pub(crate) unsafe fn clone_process() -> nix::Result<Cloned> {
    let flags = libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: RawFd = -1;
    // SAFETY: no new stack, so the child goes on with a copy of this one; `pidfd` is live. Thread
    // id pointers and TLS are not used (their order differs between architectures).
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(flags),
            0,
            &raw mut pidfd,
            0,
            0,
        )
    };
    match Errno::result(pid)? {
        0 => Ok(Cloned::Child),
        pid => Ok(Cloned::Parent {
            pid: pid as i32,
            // SAFETY: the kernel has just made this descriptor for us.
            ended: unsafe { OwnedFd::from_raw_fd(pidfd) },
        }),
    }
}

/// How a child ended: its exit code or the signal that killed it. Without the C library, for a worker that
/// shares its memory with the child.
pub(crate) fn wait_for(pid: i32) -> nix::Result<crate::wire::HelperEnd> {
    use crate::wire::HelperEnd::{Code, Signal};
    let mut status = 0i32;
    loop {
        let arguments = [number(pid), at(&raw mut status), number(libc::__WALL), 0];
        // SAFETY: `status` is live; no resources are asked for. nix's own call fails for real-time signals.
        match unsafe { raw::call(libc::SYS_wait4, arguments) } {
            Err(libc::EINTR) => {}
            Err(errno) => return Err(Errno::from_raw(errno)),
            Ok(_) if libc::WIFSIGNALED(status) => return Ok(Signal(libc::WTERMSIG(status))),
            Ok(_) if libc::WIFEXITED(status) => return Ok(Code(libc::WEXITSTATUS(status))),
            // Stopped, if somebody traces us.
            Ok(_) => {}
        }
    }
}

/// `prctl` with one number.
pub(crate) fn prctl(option: i32, value: libc::c_ulong) -> nix::Result<()> {
    // SAFETY: only used with options that take a number.
    Errno::result(unsafe { libc::prctl(option, value, 0, 0, 0) }).map(drop)
}

/// Pins the calling process to one processor.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    let mut set = nix::sched::CpuSet::new();
    set.set(cpu)?;
    Ok(nix::sched::sched_setaffinity(
        nix::unistd::Pid::this(),
        &set,
    )?)
}

fn owned(fd: libc::c_long) -> nix::Result<OwnedFd> {
    let fd = Errno::result(fd)?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
