//! A client's conversation over a connected stream socket: standard input goes out, the answers go
//! to standard output as they come.
//!
//! Sending and receiving go on at the same time: with either of them first, both sides could end
//! up waiting for the other to read.

use std::io::{stdin, stdout};
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{Shutdown, shutdown};

use crate::io;

/// Why it did not go well.
pub(crate) enum Failure {
    /// The connection could not be made, or broke.
    Connection(Errno),
    /// The server's side ended before this one.
    Cut,
    Input(Errno),
    Output(Errno),
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::Connection(error)
    }
}

impl Failure {
    /// What it concerns and the reason; `peer` is the name of the other side.
    pub(crate) fn words<'a>(&'a self, peer: &'a [u8]) -> (&'a [u8], &'static str) {
        match self {
            Self::Connection(error) => (peer, error.desc()),
            Self::Cut => (peer, "the server closed the connection"),
            Self::Input(error) => (b"standard input", error.desc()),
            Self::Output(error) => (b"standard output", error.desc()),
        }
    }
}

/// What is still to be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// Standard input has more, for all we know.
    Open,
    /// All is sent, and the server knows.
    Done,
    /// The server takes no more. What it has answered can still be read.
    Refused,
}

/// The whole conversation.
pub(crate) fn talk(socket: impl AsFd) -> Result<(), Failure> {
    let input = stdin();
    let flags = OFlag::from_bits_retain(fcntl(socket.as_fd(), FcntlArg::F_GETFL)?);
    fcntl(socket.as_fd(), FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    let mut received = vec![0; io::CHUNK];
    let mut outgoing = Outgoing::default();
    let mut sending = Sending::Open;
    loop {
        let wants_input = sending == Sending::Open && outgoing.is_empty();
        let mut events = PollFlags::POLLIN;
        events.set(PollFlags::POLLOUT, !outgoing.is_empty());
        let mut fds = vec![PollFd::new(socket.as_fd(), events)];
        if wants_input {
            fds.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
        }
        io::wait(&mut fds)?;
        let came = fds[0].revents().unwrap_or(PollFlags::POLLIN);
        let input_ready = fds.get(1).is_some_and(io::ready);

        // Answers first: they must not be lost when the server has closed its side.
        if came.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
            match io::read(&socket, &mut received) {
                Ok(0) if sending == Sending::Done => return Ok(()),
                Ok(0) => return Err(Failure::Cut),
                Ok(length) => {
                    io::write_all(stdout(), &received[..length]).map_err(Failure::Output)?;
                }
                Err(Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut may_send = came.contains(PollFlags::POLLOUT);
        if input_ready {
            may_send = outgoing.fill(&input).map_err(Failure::Input)? > 0;
            if !may_send {
                shutdown(socket.as_fd().as_raw_fd(), Shutdown::Write)?;
                sending = Sending::Done;
            }
        }
        if may_send {
            match io::write(&socket, outgoing.rest()) {
                Ok(length) => outgoing.sent(length),
                Err(Errno::EAGAIN) => {}
                Err(Errno::EPIPE) => {
                    outgoing = Outgoing::default();
                    sending = Sending::Refused;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Bytes on their way from standard input to the server.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    fn sent(&mut self, length: usize) {
        self.sent += length;
    }

    /// Reads the next bytes in place of those sent; 0 at the end of the input.
    fn fill(&mut self, input: &std::io::Stdin) -> nix::Result<usize> {
        self.bytes.resize(io::CHUNK, 0);
        self.sent = 0;
        let length = io::read(input, &mut self.bytes).inspect_err(|_| self.bytes.clear())?;
        self.bytes.truncate(length);
        Ok(length)
    }
}
