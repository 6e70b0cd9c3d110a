//! `us-server PATH`: returns every byte upper-cased, to one client after another.
//!
//! Nothing here blocks but `poll`, which also sees SIGTERM and SIGINT, so the server can be asked
//! to leave in every state, even while a client does not read its answers.

use std::ffi::{OsStr, OsString};
use std::io::{self as std_io, stdout};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;

use nix::poll::PollFlags;
use nix::sys::signalfd::SignalFd;

use crate::io;
use crate::server::{Next, is_passing, leave_signals, listen, remove, serve_client, wait_or_leave};

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
    let removed = remove(path);
    served.and(removed)
}

/// Serves until a signal asks to leave.
fn serve_clients(listener: &UnixListener, leave: &SignalFd) -> std_io::Result<()> {
    while wait_or_leave(listener, PollFlags::POLLIN, leave)? == Next::GoOn {
        match listener.accept() {
            Ok((client, _)) => {
                client.set_nonblocking(true)?;
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
