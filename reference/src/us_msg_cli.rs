//! `us-msg-cli dgram|seq PATH`: sends each line of standard input as a message, prints each answer as
//! a line.
//!
//! Its own name is abstract and chosen by the kernel, so that nothing is left behind and no other
//! client has the same.

use std::ffi::{OsStr, OsString};
use std::io::{stdin, stdout};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, recv, send, socket,
};

use crate::io;
use crate::us_msg::OfMode;

const NAME: &str = "us-msg-cli";
/// How long an answer is waited for, in milliseconds.
const PATIENCE: u16 = 2000;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let parsed = match args {
        [mode, path] => SockType::of_mode(mode).map(|kind| (kind, path)),
        _ => None,
    };
    let Some((kind, path)) = parsed else {
        return io::usage("us-msg-cli dgram|seq PATH");
    };
    match talk(kind, path) {
        Ok(()) => 0,
        Err(error) => {
            let reason = match error {
                Errno::ETIMEDOUT => "no answer within two seconds",
                other => other.desc(),
            };
            io::complain(NAME, path.as_bytes(), reason);
            1
        }
    }
}

fn talk(kind: SockType, path: &OsStr) -> nix::Result<()> {
    io::block_sigpipe()?;
    let server = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    if kind == SockType::Datagram {
        bind(server.as_raw_fd(), &UnixAddr::new_unnamed())?;
    }
    connect(server.as_raw_fd(), &UnixAddr::new(path)?)?;
    let mut lines = Lines::default();
    let mut reply = vec![0; io::CHUNK];
    while let Some(line) = lines.next()? {
        io::retry(|| send(server.as_raw_fd(), &line, MsgFlags::MSG_NOSIGNAL))?;
        let length = receive(&server, &mut reply)?;
        if length == 0 && kind != SockType::Datagram {
            return Err(Errno::ECONNRESET);
        }
        io::write_all(stdout(), &[&reply[..length], b"\n"].concat())?;
    }
    Ok(())
}

fn receive(server: &OwnedFd, reply: &mut [u8]) -> nix::Result<usize> {
    let mut fds = [PollFd::new(server.as_fd(), PollFlags::POLLIN)];
    if io::retry(|| poll(&mut fds, PollTimeout::from(PATIENCE)))? == 0 {
        return Err(Errno::ETIMEDOUT);
    }
    io::retry(|| recv(server.as_raw_fd(), reply, MsgFlags::empty()))
}

/// The lines of standard input, without their newlines.
#[derive(Default)]
struct Lines {
    pending: Vec<u8>,
    ended: bool,
}

impl Lines {
    fn next(&mut self) -> nix::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.pending.drain(..=end).collect();
                line.pop();
                return Ok(Some(line));
            }
            if self.ended {
                let last = std::mem::take(&mut self.pending);
                return Ok((!last.is_empty()).then_some(last));
            }
            let mut buffer = vec![0; io::CHUNK];
            let length = io::read(stdin(), &mut buffer)?;
            self.ended = length == 0;
            self.pending.extend_from_slice(&buffer[..length]);
        }
    }
}
