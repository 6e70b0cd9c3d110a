//! `course-30-client PATH`: sends its standard input and leaves. The client of task 31 as well.

use std::ffi::{OsStr, OsString};
use std::io::stdin;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

use crate::io;

const NAME: &str = "course-30-client";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("course-30-client PATH");
    };
    match send(path) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, path.as_bytes(), &io::reason(&error));
            1
        }
    }
}

/// The whole program. The connection ends with it, which tells the server that this was all.
fn send(path: &OsStr) -> std::io::Result<()> {
    io::block_sigpipe()?;
    let socket = UnixStream::connect(path)?;
    let input = stdin();
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let length = io::read(&input, &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        io::write_all(&socket, &buffer[..length])?;
    }
}
