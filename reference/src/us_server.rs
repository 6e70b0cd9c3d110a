//! `us-server PATH`: returns every byte upper-cased, to one client after another.
//!
//! Nothing here blocks but `poll`, which also sees SIGTERM and SIGINT, so the server can be asked
//! to leave in every state, even while a client does not read its answers.

use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, ErrorKind, Read, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::io;

const NAME: &str = "us-server";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("us-server PATH");
    };
    match serve(path) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, path.as_bytes(), &io::reason(&error));
            1
        }
    }
}

/// The whole program: from the socket's name to its removal.
fn serve(path: &OsStr) -> std_io::Result<()> {
    let leave = leave_signals()?;
    let listener = listen(path)?;
    let served = io::write_all(stdout(), b"listening\n")
        .map_err(std_io::Error::from)
        .and_then(|()| serve_clients(&listener, &leave));
    let removed = match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    };
    served.and(removed)
}

/// Turns SIGTERM and SIGINT into something `poll` can see.
fn leave_signals() -> nix::Result<SignalFd> {
    io::block_sigpipe()?;
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
}

/// Binds and listens. A socket file that a dead server left behind is replaced.
fn listen(path: &OsStr) -> std_io::Result<UnixListener> {
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

/// Serves until a signal asks to leave.
fn serve_clients(listener: &UnixListener, leave: &SignalFd) -> std_io::Result<()> {
    while wait_or_leave(listener, PollFlags::POLLIN, leave)? == Next::GoOn {
        match listener.accept() {
            Ok((client, _)) => {
                if serve_client(&client, leave)? == Next::Leave {
                    break;
                }
            }
            // The client changed its mind, or poll spoke too soon.
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Serves one client until it has sent everything. Whatever goes wrong with it ends this client
/// and not the server; an error means the server's own.
fn serve_client(mut client: &UnixStream, leave: &SignalFd) -> std_io::Result<Next> {
    client.set_nonblocking(true)?;
    let mut buffer = vec![0; io::CHUNK];
    loop {
        if wait_or_leave(client, PollFlags::POLLIN, leave)? == Next::Leave {
            return Ok(Next::Leave);
        }
        let length = match client.read(&mut buffer) {
            Ok(0) => return Ok(Next::GoOn),
            Ok(length) => length,
            Err(error) if is_passing(&error) => continue,
            Err(_) => return Ok(Next::GoOn),
        };
        let mut bytes = &mut buffer[..length];
        io::upper(bytes);
        while !bytes.is_empty() {
            match client.write(bytes) {
                Ok(written) => bytes = &mut bytes[written..],
                Err(error) if is_passing(&error) => {
                    if wait_or_leave(client, PollFlags::POLLOUT, leave)? == Next::Leave {
                        return Ok(Next::Leave);
                    }
                }
                Err(_) => return Ok(Next::GoOn),
            }
        }
    }
}

/// What a wait ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

/// Waits until `fd` is ready or a signal asks to leave.
fn wait_or_leave(fd: &impl AsFd, events: PollFlags, leave: &SignalFd) -> nix::Result<Next> {
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
fn is_passing(error: &std_io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EINTR | Errno::EAGAIN | Errno::ECONNABORTED)
    )
}
