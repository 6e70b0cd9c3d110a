//! `us-many PATH`: answers lines in upper case, to all its clients at once, in one thread.
//!
//! Nothing blocks but `poll`. A client that does not read its answers is not read from either, once
//! [`MOST_WAITING`] bytes wait for it.

use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, Read, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signalfd::SignalFd;

use crate::io;
use crate::server::{is_passing, leave_signals, listen, remove};

const NAME: &str = "us-many";
/// What may wait for one client, bytes.
const MOST_WAITING: usize = 8 << 10;
/// What is read from one client before the others have their turn, bytes.
const TURN: usize = 4 << 10;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("us-many PATH");
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
    let removed = remove(path);
    served.and(removed)
}

/// Serves until a signal asks to leave.
fn serve_clients(listener: &UnixListener, leave: &SignalFd) -> std_io::Result<()> {
    let mut clients: Vec<Client> = Vec::new();
    // No descriptor was left for the next client: it waits until another one leaves.
    let mut full = false;
    loop {
        let door = if full {
            PollFlags::empty()
        } else {
            PollFlags::POLLIN
        };
        let fds = [
            PollFd::new(leave.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), door),
        ];
        let of_clients = clients
            .iter()
            .map(|client| PollFd::new(client.stream.as_fd(), client.interest()));
        let mut fds: Vec<PollFd<'_>> = fds.into_iter().chain(of_clients).collect();
        io::wait(&mut fds)?;
        let mut ready: Vec<bool> = fds.iter().map(io::ready).collect();
        let of_clients = ready.split_off(2);
        if ready[0] {
            return Ok(());
        }
        let before = clients.len();
        let mut turns = of_clients.into_iter();
        clients
            .retain_mut(|client| !turns.next().unwrap_or(false) || client.turn() == After::Stays);
        if clients.len() < before {
            full = false;
        }
        if ready[1] && !full {
            full = take_in(listener, &mut clients)? == Door::Full;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Door {
    Open,
    Full,
}

/// Takes all who wait.
fn take_in(listener: &UnixListener, clients: &mut Vec<Client>) -> std_io::Result<Door> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                clients.push(Client {
                    stream,
                    line: Vec::new(),
                    answers: Vec::new(),
                    ended: false,
                });
            }
            Err(error) => {
                return match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::EMFILE | Errno::ENFILE) => Ok(Door::Full),
                    Some(Errno::EAGAIN) => Ok(Door::Open),
                    _ if is_passing(&error) => continue,
                    _ => Err(error),
                };
            }
        }
    }
}

struct Client {
    stream: UnixStream,
    /// The beginning of a line.
    line: Vec<u8>,
    /// Not written yet.
    answers: Vec<u8>,
    /// It will send nothing more.
    ended: bool,
}

#[derive(PartialEq, Eq)]
enum After {
    Stays,
    Gone,
}

impl Client {
    fn interest(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        if !self.ended && self.answers.len() < MOST_WAITING {
            flags |= PollFlags::POLLIN;
        }
        if !self.answers.is_empty() {
            flags |= PollFlags::POLLOUT;
        }
        flags
    }

    /// Reads once and writes what goes out. An error of this client's ends this client.
    fn turn(&mut self) -> After {
        if self.interest().contains(PollFlags::POLLIN) && self.read().is_err() {
            return After::Gone;
        }
        if self.write().is_err() || (self.ended && self.answers.is_empty()) {
            return After::Gone;
        }
        After::Stays
    }

    fn read(&mut self) -> std_io::Result<()> {
        let mut buffer = [0; TURN];
        match self.stream.read(&mut buffer) {
            Ok(0) => {
                self.ended = true;
                self.answer();
            }
            Ok(length) => {
                for &byte in &buffer[..length] {
                    self.line.push(byte);
                    if byte == b'\n' {
                        self.answer();
                    }
                }
                if self.line.len() > MOST_WAITING {
                    return Err(std_io::Error::other("a line without an end"));
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The line is whole.
    fn answer(&mut self) {
        io::upper(&mut self.line);
        self.answers.append(&mut self.line);
    }

    fn write(&mut self) -> std_io::Result<()> {
        while !self.answers.is_empty() {
            match self.stream.write(&self.answers) {
                Ok(written) => {
                    self.answers.drain(..written);
                }
                Err(error) if error.raw_os_error() == Some(Errno::EINTR as i32) => {}
                Err(error) if is_passing(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
