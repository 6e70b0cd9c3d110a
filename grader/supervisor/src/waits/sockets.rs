//! Sockets of the programs, looked at through a copy of the descriptor (`pidfd_getfd(2)`).

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// `PIDFD_THREAD` (Linux 6.9): the pidfd names a thread, hence that thread's descriptors.
const PIDFD_THREAD: libc::c_uint = libc::O_EXCL as libc::c_uint;

/// Lets a socket of another process hold as little as the kernel allows (socket(7): 4608 bytes,
/// overhead included).
pub(crate) fn shrink(tid: i32, fd: i32) -> Result<(), Errno> {
    let socket = copy_fd(tid, fd)?;
    // The kernel raises it to its minimum.
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::SndBuf, &1)
}

/// A copy of a thread's descriptor. It keeps the file open while it lives: to be dropped at once.
pub(crate) fn copy_fd(tid: i32, fd: i32) -> Result<OwnedFd, Errno> {
    let open = |tid: i32, flags: libc::c_uint| {
        // SAFETY: pidfd_open takes two integers and touches no memory.
        Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, tid, flags) })
    };
    let pidfd = match open(tid, PIDFD_THREAD) {
        // An older kernel: only leaders have pidfds.
        Err(Errno::EINVAL) => match open(tid, 0) {
            Err(Errno::EINVAL | Errno::ENOENT) => open(leader(tid).ok_or(Errno::ESRCH)?, 0)?,
            other => other?,
        },
        other => other?,
    };
    let pidfd = owned(pidfd)?;
    // SAFETY: pidfd_getfd takes three integers and touches no memory.
    let copy =
        Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0) })?;
    owned(copy)
}

fn owned(fd: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn leader(tid: i32) -> Option<i32> {
    let status = std::fs::read(format!("/proc/{tid}/status")).ok()?;
    let line = status
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"Tgid:"))?;
    i32::try_from(crate::proc::number(line)?).ok()
}

/// The socket's family (`SO_DOMAIN`); [`libc::AF_UNSPEC`] for one of the internet that speaks
/// neither TCP nor UDP, of which less is known.
pub(super) fn family(socket: &OwnedFd) -> Result<i32, Errno> {
    let mut value: libc::c_int = 0;
    get(socket, libc::SO_DOMAIN, &mut value)?;
    if matches!(value, libc::AF_INET | libc::AF_INET6) {
        let mut protocol: libc::c_int = 0;
        get(socket, libc::SO_PROTOCOL, &mut protocol)?;
        if !matches!(protocol, libc::IPPROTO_TCP | libc::IPPROTO_UDP) {
            return Ok(libc::AF_UNSPEC);
        }
    }
    Ok(value)
}

/// `SO_RCVTIMEO` or `SO_SNDTIMEO` in milliseconds, rounded up; `None` when not set.
pub(super) fn timeout(socket: &OwnedFd, option: libc::c_int) -> Result<Option<u64>, Errno> {
    let mut value = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    get(socket, option, &mut value)?;
    let seconds = u64::try_from(value.tv_sec).unwrap_or(u64::MAX);
    let micros = u64::try_from(value.tv_usec).unwrap_or(0);
    Ok((seconds != 0 || micros != 0).then(|| {
        seconds
            .saturating_mul(1000)
            .saturating_add(micros.div_ceil(1000))
    }))
}

/// Takes the limit from how long a call on the socket waits, to send or to receive.
pub(crate) fn wait_for_ever(socket: &OwnedFd, to_send: bool) -> Result<(), Errno> {
    let none = nix::sys::time::TimeVal::new(0, 0);
    if to_send {
        nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::SendTimeout, &none)
    } else {
        nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::ReceiveTimeout, &none)
    }
}

/// `getsockopt(SOL_SOCKET)` for a plain C type.
fn get<T: Plain>(socket: &OwnedFd, option: libc::c_int, value: &mut T) -> Result<(), Errno> {
    let mut len = libc::socklen_t::try_from(size_of::<T>()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: `value` and `len` are valid for writes, `len` is the size of `value`, and any bytes
    // make a valid `Plain`.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            std::ptr::from_mut(value).cast(),
            &raw mut len,
        )
    };
    Errno::result(done).map(drop)
}

/// Types that the kernel may fill with any bytes.
trait Plain {}
impl Plain for libc::c_int {}
impl Plain for libc::timeval {}
