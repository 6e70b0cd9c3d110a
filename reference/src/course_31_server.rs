//! `course-31-server PATH`: prints what its clients send, in upper case, as it comes from whichever
//! of them, until a signal asks it to leave.

use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, Read, stdout};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::poll::{PollFd, PollFlags};
use nix::sys::signalfd::SignalFd;

use crate::io;
use crate::server::{is_passing, leave_signals, listen, remove};

const NAME: &str = "course-31-server";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("course-31-server PATH");
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
    let served = serve_clients(&listener, &leave);
    let removed = remove(path);
    served.and(removed)
}

/// Serves every client that has something to say, one piece of each in turn.
fn serve_clients(listener: &UnixListener, leave: &SignalFd) -> std_io::Result<()> {
    let mut clients: Vec<UnixStream> = Vec::new();
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let fds = [leave.as_fd(), listener.as_fd()].into_iter();
        let mut fds: Vec<PollFd<'_>> = fds
            .chain(clients.iter().map(AsFd::as_fd))
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        io::wait(&mut fds)?;
        let mut ready: Vec<bool> = fds.iter().map(io::ready).collect();
        let of_clients = ready.split_off(2);
        if ready[0] {
            return Ok(());
        }
        let mut still = Vec::with_capacity(clients.len() + 1);
        for (client, ready) in clients.into_iter().zip(of_clients) {
            if !ready || print(&client, &mut buffer)? == Client::Stays {
                still.push(client);
            }
        }
        clients = still;
        if ready[1] {
            match listener.accept() {
                Ok((client, _)) => {
                    client.set_nonblocking(true)?;
                    clients.push(client);
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What became of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Stays,
    Gone,
}

/// Prints what one client has sent. An error means the server's own.
fn print(mut client: &UnixStream, buffer: &mut [u8]) -> std_io::Result<Client> {
    match client.read(buffer) {
        Ok(0) => Ok(Client::Gone),
        Ok(length) => {
            io::upper(&mut buffer[..length]);
            io::write_all(stdout(), &buffer[..length])?;
            Ok(Client::Stays)
        }
        Err(error) if is_passing(&error) => Ok(Client::Stays),
        Err(_) => Ok(Client::Gone),
    }
}
