//! `course-30-server PATH`: prints what one client sends, in upper case, and ends when the client
//! has gone.

use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, Read, stdout};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::poll::PollFlags;
use nix::sys::signalfd::SignalFd;

use crate::io;
use crate::server::{Next, is_passing, leave_signals, listen, remove, wait_or_leave};

const NAME: &str = "course-30-server";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("course-30-server PATH");
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
    let served = first_client(&listener, &leave).and_then(|client| match client {
        Some(client) => print(&client, &leave),
        None => Ok(()),
    });
    let removed = remove(path);
    served.and(removed)
}

/// Waits for the client; `None`: a signal asks to leave.
fn first_client(listener: &UnixListener, leave: &SignalFd) -> std_io::Result<Option<UnixStream>> {
    while wait_or_leave(listener, PollFlags::POLLIN, leave)? == Next::GoOn {
        match listener.accept() {
            Ok((client, _)) => return Ok(Some(client)),
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Prints what the client sends until it has gone, in whatever way.
fn print(mut client: &UnixStream, leave: &SignalFd) -> std_io::Result<()> {
    client.set_nonblocking(true)?;
    let mut buffer = vec![0; io::CHUNK];
    while wait_or_leave(client, PollFlags::POLLIN, leave)? == Next::GoOn {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                io::upper(&mut buffer[..length]);
                io::write_all(stdout(), &buffer[..length])?;
            }
            Err(error) if is_passing(&error) => {}
            // A broken connection is a client that has gone.
            Err(_) => break,
        }
    }
    Ok(())
}
