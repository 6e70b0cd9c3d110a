//! `us-client PATH`: sends standard input, prints the answers as they come.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;

use crate::io;
use crate::talk::{Failure, talk};

const NAME: &str = "us-client";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("us-client PATH");
    };
    match connect(path).and_then(talk) {
        Ok(()) => 0,
        Err(failure) => {
            let (subject, reason) = failure.words(path.as_bytes());
            io::complain(NAME, subject, reason);
            1
        }
    }
}

/// Connects to the socket at `path`.
pub(crate) fn connect(path: &OsStr) -> Result<UnixStream, Failure> {
    io::block_sigpipe()?;
    // A path that fits into no address has no number of its own.
    UnixStream::connect(path).map_err(|error| {
        let number = error.raw_os_error().unwrap_or(Errno::ENAMETOOLONG as i32);
        Errno::from_raw(number).into()
    })
}
