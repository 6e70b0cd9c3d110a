//! `course-25`: two processes joined by a pipe. The child writes a text into it; the parent turns
//! it into capitals and prints it.

use std::ffi::OsString;
use std::io::stdout;
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use nix::unistd::pipe2;
use supervisor::fork::{Forked, fork};

use crate::io;

const NAME: &str = "course-25";
/// What the first process says.
const TEXT: &str =
    "The Quick Brown Fox jumps over the Lazy Dog.\nPack my box with 5 dozen Liquor Jugs!\n";

pub(crate) fn run(args: &[OsString]) -> i32 {
    // What is asked for is any text: an argument that names one is as well as none.
    if args.len() > 1 {
        return io::usage(NAME);
    }
    match talk() {
        Ok(()) => 0,
        Err((what, reason)) => {
            io::complain(NAME, what, &reason);
            1
        }
    }
}

/// What could not be done, and why.
type Failure = (&'static [u8], String);

fn failed(what: &'static [u8]) -> impl FnOnce(nix::Error) -> Failure {
    move |error| (what, error.desc().to_owned())
}

fn talk() -> Result<(), Failure> {
    let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).map_err(failed(b"pipe"))?;
    match fork().map_err(|error| (&b"fork"[..], io::reason(&error)))? {
        Forked::Child => {
            drop(read_end);
            let said = io::write_all(&write_end, TEXT.as_bytes());
            // The child ends here: only one process goes back to the caller.
            std::process::exit(i32::from(said.is_err()));
        }
        Forked::Parent(child) => {
            // With it open here the pipe would never end.
            drop(write_end);
            let shown = show(&read_end);
            drop(read_end);
            io::retry(|| waitpid(child, None)).map_err(failed(b"waitpid"))?;
            shown
        }
    }
}

/// The second process: pipe to standard output, in capitals.
fn show(pipe: &OwnedFd) -> Result<(), Failure> {
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let length = io::read(pipe, &mut buffer).map_err(failed(b"pipe"))?;
        if length == 0 {
            return Ok(());
        }
        let bytes = &mut buffer[..length];
        io::upper(bytes);
        io::write_all(stdout(), bytes).map_err(failed(b"standard output"))?;
    }
}
