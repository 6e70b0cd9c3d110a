//! `us-msg dgram|seq PATH`: answers each message with the same in upper case.
//!
//! No answer may hold the server up: who does not take it, or cannot be answered, loses it.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, listen, recv,
    recvfrom, send, sendto, socket,
};

use crate::io;
use crate::server::{is_passing, leave_signals};

const NAME: &str = "us-msg";
/// The longest message that is answered in upper case.
const LONGEST: usize = 1024;
const TOO_LONG: &[u8] = b"ERR too long";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let parsed = match args {
        [mode, path] => SockType::of_mode(mode).map(|kind| (kind, path)),
        _ => None,
    };
    let Some((kind, path)) = parsed else {
        return io::usage("us-msg dgram|seq PATH");
    };
    match serve(kind, path) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, path.as_bytes(), error.desc());
            1
        }
    }
}

/// The kind of socket behind a word of the command line.
pub(crate) trait OfMode: Sized {
    fn of_mode(mode: &OsStr) -> Option<Self>;
}

impl OfMode for SockType {
    fn of_mode(mode: &OsStr) -> Option<Self> {
        match mode.as_bytes() {
            b"dgram" => Some(Self::Datagram),
            b"seq" => Some(Self::SeqPacket),
            _ => None,
        }
    }
}

fn serve(kind: SockType, path: &OsStr) -> nix::Result<()> {
    let leave = leave_signals()?;
    let socket = named(kind, path)?;
    let served = match kind {
        SockType::Datagram => datagrams(&socket, &leave),
        _ => Backlog::new(16)
            .and_then(|backlog| listen(&socket, backlog))
            .and_then(|()| packets(&UnixListener::from(socket), &leave)),
    };
    let removed = nix::unistd::unlink(path);
    served.and(match removed {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    })
}

/// A socket with the name. The file of a server that has died is replaced.
fn named(kind: SockType, path: &OsStr) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let address = UnixAddr::new(path)?;
    let own = socket(AddressFamily::Unix, kind, flags, None)?;
    let mut bound = bind(own.as_raw_fd(), &address);
    if bound == Err(Errno::EADDRINUSE) {
        let is_socket =
            std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
        let probe = socket(AddressFamily::Unix, kind, flags, None)?;
        if is_socket && connect(probe.as_raw_fd(), &address) == Err(Errno::ECONNREFUSED) {
            nix::unistd::unlink(path)?;
            bound = bind(own.as_raw_fd(), &address);
        }
    }
    bound.map(|()| own)
}

/// The answer to the first `length` bytes of the buffer; `length` is what the message had.
fn answer(buffer: &mut [u8], length: usize) -> &[u8] {
    if length > LONGEST {
        return TOO_LONG;
    }
    let message = &mut buffer[..length];
    io::upper(message);
    message
}

/// Waits until one of the descriptors has something, or a signal asks to leave.
fn wait(fds: &mut Vec<PollFd<'_>>) -> nix::Result<bool> {
    io::wait(fds)?;
    Ok(io::ready(&fds[0]))
}

fn datagrams(socket: &OwnedFd, leave: &SignalFd) -> nix::Result<()> {
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let mut fds = vec![
            PollFd::new(leave.as_fd(), PollFlags::POLLIN),
            PollFd::new(socket.as_fd(), PollFlags::POLLIN),
        ];
        if wait(&mut fds)? {
            return Ok(());
        }
        match recvfrom::<UnixAddr>(socket.as_raw_fd(), &mut buffer) {
            Ok((length, from)) => {
                let reply = answer(&mut buffer, length);
                answer_to(socket, reply, from.as_ref());
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Sends an answer without waiting; whoever cannot be answered is told of on standard error.
fn answer_to(socket: &OwnedFd, reply: &[u8], to: Option<&UnixAddr>) {
    let Some(to) = to.filter(|to| !to.is_unnamed()) else {
        io::complain(NAME, b"a client without a name", "cannot be answered");
        return;
    };
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    if let Err(errno) = io::retry(|| sendto(socket.as_raw_fd(), reply, to, flags)) {
        io::complain(NAME, to.to_string().as_bytes(), errno.desc());
    }
}

/// Serves any number of connections.
fn packets(listener: &UnixListener, leave: &SignalFd) -> nix::Result<()> {
    let mut clients: Vec<OwnedFd> = Vec::new();
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let mut fds = vec![
            PollFd::new(leave.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        let connected = clients.iter();
        fds.extend(connected.map(|client| PollFd::new(client.as_fd(), PollFlags::POLLIN)));
        if wait(&mut fds)? {
            return Ok(());
        }
        let ready: Vec<bool> = fds.iter().map(io::ready).collect();
        let mut position = 2;
        clients.retain(|client| {
            let came = ready[position];
            position += 1;
            !came || serve_one(client.as_raw_fd(), &mut buffer)
        });
        if ready[1] {
            match listener.accept() {
                Ok((client, _)) => {
                    // A client that does not read must not hold up the others.
                    client.set_nonblocking(true).map_err(|_| Errno::EIO)?;
                    clients.push(client.into());
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(Errno::from_raw(error.raw_os_error().unwrap_or(0))),
            }
        }
    }
}

/// One record of a client; `false` when the client is done with.
fn serve_one(client: RawFd, buffer: &mut [u8]) -> bool {
    // With MSG_TRUNC the real length is returned, recv(2).
    let length = match io::retry(|| recv(client, buffer, MsgFlags::MSG_TRUNC)) {
        Ok(0) => return false,
        Ok(length) => length,
        Err(errno) => return errno == Errno::EAGAIN,
    };
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let reply = answer(buffer, length);
    !matches!(
        io::retry(|| send(client, reply, flags)),
        Err(Errno::EPIPE | Errno::ECONNRESET)
    )
}
