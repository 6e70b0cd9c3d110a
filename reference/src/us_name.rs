//! `us-name [-m MODE] [-b BACKLOG] PATH | -a NAME`: a socket's name, its rights and its queue.
//!
//! Nobody is taken from the queue before SIGUSR1. The file is there with its final rights from the
//! first moment on, because the mask is set before `bind`.

use std::ffi::{OsStr, OsString};
use std::io::stdout;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::sys::stat::{Mode, umask};

use crate::io;

const NAME: &str = "us-name";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let Some(wish) = Wish::of(args) else {
        return io::usage("us-name [-m MODE] [-b BACKLOG] PATH | -a NAME");
    };
    match serve(&wish) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, wish.name.as_bytes(), error.desc());
            1
        }
    }
}

/// What the arguments ask for.
struct Wish<'a> {
    mode: u32,
    backlog: i32,
    name: &'a OsStr,
    is_abstract: bool,
}

impl<'a> Wish<'a> {
    fn of(args: &'a [OsString]) -> Option<Self> {
        let mut wish = Self {
            mode: 0o600,
            backlog: 5,
            name: OsStr::new(""),
            is_abstract: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_bytes() {
                b"-m" => wish.mode = u32::from_str_radix(args.next()?.to_str()?, 8).ok()?,
                b"-b" => wish.backlog = args.next()?.to_str()?.parse().ok()?,
                b"-a" => {
                    wish.is_abstract = true;
                    wish.name = args.next()?;
                    break;
                }
                _ => {
                    wish.name = arg;
                    break;
                }
            }
        }
        (args.next().is_none() && !wish.name.is_empty()).then_some(wish)
    }

    fn address(&self) -> nix::Result<UnixAddr> {
        if self.is_abstract {
            UnixAddr::new_abstract(self.name.as_bytes())
        } else {
            UnixAddr::new(self.name)
        }
    }
}

/// The whole program: from the name to its removal.
fn serve(wish: &Wish<'_>) -> nix::Result<()> {
    let signals = signals()?;
    let address = wish.address()?;
    let listener = open(wish, &address)?;
    let own = identity(wish);
    listen(&listener, Backlog::new(wish.backlog)?)?;
    let listener = UnixListener::from(listener);
    let served = io::write_all(stdout(), b"listening\n").and_then(|()| attend(&listener, &signals));
    // Whoever took the name meanwhile keeps it.
    if own.is_some() && identity(wish) == own {
        nix::unistd::unlink(wish.name)?;
    }
    served
}

fn signals() -> nix::Result<SignalFd> {
    io::block_sigpipe()?;
    let mut set = SigSet::empty();
    set.add(Signal::SIGUSR1);
    set.add(Signal::SIGTERM);
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)
}

fn stream() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

/// A socket with the name; a dead socket's file is replaced.
fn open(wish: &Wish<'_>, address: &UnixAddr) -> nix::Result<OwnedFd> {
    let socket = stream()?;
    let before = umask(Mode::from_bits_truncate(0o777 & !wish.mode));
    let mut bound = bind(socket.as_raw_fd(), address);
    if bound == Err(Errno::EADDRINUSE) && is_dead(wish, address)? {
        nix::unistd::unlink(wish.name)?;
        bound = bind(socket.as_raw_fd(), address);
    }
    umask(before);
    bound.map(|()| socket)
}

/// Whether the name is a socket's file on which nobody listens.
fn is_dead(wish: &Wish<'_>, address: &UnixAddr) -> nix::Result<bool> {
    let is_socket = !wish.is_abstract
        && std::fs::symlink_metadata(wish.name).is_ok_and(|meta| meta.file_type().is_socket());
    if !is_socket {
        return Ok(false);
    }
    let probe = stream()?;
    Ok(connect(probe.as_raw_fd(), address) == Err(Errno::ECONNREFUSED))
}

/// Device and inode of the file.
fn identity(wish: &Wish<'_>) -> Option<(u64, u64)> {
    if wish.is_abstract {
        return None;
    }
    let meta = std::fs::symlink_metadata(wish.name).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// Serves the whole queue at each SIGUSR1, until SIGTERM.
fn attend(listener: &UnixListener, signals: &SignalFd) -> nix::Result<()> {
    let mut number = 0;
    loop {
        io::wait(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)])?;
        let signal = io::retry(|| signals.read_signal())?;
        match signal.map(|info| i32::try_from(info.ssi_signo).unwrap_or(0)) {
            Some(libc::SIGTERM) => return Ok(()),
            Some(libc::SIGUSR1) => serve_queue(listener, &mut number)?,
            _ => {}
        }
    }
}

fn serve_queue(listener: &UnixListener, number: &mut u32) -> nix::Result<()> {
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                *number += 1;
                // Who does not wait for the answer has lost it.
                let _ = io::write_all(&client, format!("served {number}\n").as_bytes());
            }
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN) => return Ok(()),
                Some(Errno::EINTR | Errno::ECONNABORTED) => {}
                other => return Err(other.unwrap_or(Errno::EIO)),
            },
        }
    }
}
