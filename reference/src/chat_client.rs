//! `chat-client PATH NICK`: says the nick, then what is typed; prints what the others say.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::io;
use crate::talk::{Failure, talk};
use crate::us_client::connect;

const NAME: &str = "chat-client";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path, nick] = args else {
        return io::usage("chat-client PATH NICK");
    };
    match join(path, nick) {
        Ok(()) => 0,
        Err(failure) => {
            let (subject, reason) = failure.words(path.as_bytes());
            io::complain(NAME, subject, reason);
            1
        }
    }
}

fn join(path: &OsStr, nick: &OsStr) -> Result<(), Failure> {
    let socket = connect(path)?;
    io::write_all(&socket, &[nick.as_bytes(), b"\n"].concat())?;
    talk(socket)
}
