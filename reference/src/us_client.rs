//! `us-client PATH`: sends standard input, prints the answers as they come.
//!
//! Sending and receiving go on at the same time: with either of them first, both sides could end
//! up waiting for the other to read.

use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, ErrorKind, Read, Write, stdin, stdout};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use crate::io;

const NAME: &str = "us-client";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("us-client PATH");
    };
    match talk(path) {
        Ok(()) => 0,
        Err(failure) => {
            let (subject, reason): (&[u8], _) = match &failure {
                Failure::Connection(error) => (path.as_bytes(), io::reason(error)),
                Failure::Cut => (
                    path.as_bytes(),
                    "the server closed the connection".to_owned(),
                ),
                Failure::Input(error) => (b"standard input", error.desc().to_owned()),
                Failure::Output(error) => (b"standard output", error.desc().to_owned()),
            };
            io::complain(NAME, subject, &reason);
            1
        }
    }
}

/// Why it did not go well.
enum Failure {
    /// The connection could not be made, or broke.
    Connection(std_io::Error),
    /// The server's side ended before this one.
    Cut,
    Input(Errno),
    Output(Errno),
}

impl From<std_io::Error> for Failure {
    fn from(error: std_io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::Connection(error.into())
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

/// The whole program.
fn talk(path: &OsStr) -> Result<(), Failure> {
    io::block_sigpipe()?;
    let input = stdin();
    let mut socket = UnixStream::connect(path)?;
    socket.set_nonblocking(true)?;
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
            match socket.read(&mut received) {
                Ok(0) if sending == Sending::Done => return Ok(()),
                Ok(0) => return Err(Failure::Cut),
                Ok(length) => {
                    io::write_all(stdout(), &received[..length]).map_err(Failure::Output)?;
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut may_send = came.contains(PollFlags::POLLOUT);
        if input_ready {
            may_send = outgoing.fill(&input).map_err(Failure::Input)? > 0;
            if !may_send {
                socket.shutdown(Shutdown::Write)?;
                sending = Sending::Done;
            }
        }
        if may_send {
            match socket.write(outgoing.rest()) {
                Ok(length) => outgoing.sent(length),
                Err(error) if is_passing(&error) => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
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
    fn fill(&mut self, input: &std_io::Stdin) -> nix::Result<usize> {
        self.bytes.resize(io::CHUNK, 0);
        self.sent = 0;
        let length = io::read(input, &mut self.bytes).inspect_err(|_| self.bytes.clear())?;
        self.bytes.truncate(length);
        Ok(length)
    }
}

/// Whether to simply try again after waiting.
fn is_passing(error: &std_io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}
