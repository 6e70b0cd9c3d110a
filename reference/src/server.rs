//! What the servers share: a Unix socket's name, a client that is answered in upper case, and
//! leaving when asked to.

use std::ffi::OsStr;
use std::io::{self as std_io, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::io;

/// Turns SIGTERM and SIGINT into something `poll` can see.
pub(crate) fn leave_signals() -> nix::Result<SignalFd> {
    io::block_sigpipe()?;
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
}

/// Binds and listens. A socket file that a dead server left behind is replaced.
pub(crate) fn listen(path: &OsStr) -> std_io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_stale(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Whether `path` is a socket that nobody listens on.
fn is_stale(path: &OsStr) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Removes the socket's file, if it is still there.
pub(crate) fn remove(path: &OsStr) -> std_io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// What a wait ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    GoOn,
    Leave,
}

/// Waits until `fd` is ready or a signal asks to leave.
pub(crate) fn wait_or_leave(
    fd: &impl AsFd,
    events: PollFlags,
    leave: &SignalFd,
) -> nix::Result<Next> {
    let mut fds = [
        PollFd::new(leave.as_fd(), PollFlags::POLLIN),
        PollFd::new(fd.as_fd(), events),
    ];
    io::wait(&mut fds)?;
    Ok(if io::ready(&fds[0]) {
        Next::Leave
    } else {
        Next::GoOn
    })
}

/// Whether to simply try again after waiting.
pub(crate) fn is_passing(error: &std_io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EINTR | Errno::EAGAIN | Errno::ECONNABORTED)
    )
}

/// Serves one client, whose socket does not block, until it has sent everything. Whatever goes
/// wrong with it ends this client and not the server; an error means the server's own.
pub(crate) fn serve_client(client: &impl AsFd, leave: &SignalFd) -> nix::Result<Next> {
    let mut buffer = vec![0; io::CHUNK];
    loop {
        if wait_or_leave(client, PollFlags::POLLIN, leave)? == Next::Leave {
            return Ok(Next::Leave);
        }
        let length = match io::read(client, &mut buffer) {
            Ok(0) => return Ok(Next::GoOn),
            Ok(length) => length,
            Err(Errno::EAGAIN) => continue,
            Err(_) => return Ok(Next::GoOn),
        };
        let mut bytes = &mut buffer[..length];
        io::upper(bytes);
        while !bytes.is_empty() {
            match io::write(client, bytes) {
                Ok(written) => bytes = &mut bytes[written..],
                Err(Errno::EAGAIN) => {
                    if wait_or_leave(client, PollFlags::POLLOUT, leave)? == Next::Leave {
                        return Ok(Next::Leave);
                    }
                }
                Err(_) => return Ok(Next::GoOn),
            }
        }
    }
}
