//! `course-26`: what popen(3) does: a shell command reads from a pipe what this process writes, and
//! prints it in capitals.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

use crate::io as own;

const NAME: &str = "course-26";
const COMMAND: &str = "tr '[:lower:]' '[:upper:]'";
/// What the first process says.
const TEXT: &str =
    "The Quick Brown Fox jumps over the Lazy Dog.\nPack my box with 5 dozen Liquor Jugs!\n";

pub(crate) fn run(args: &[OsString]) -> i32 {
    // What is asked for is any text: an argument that names one is as well as none.
    if args.len() > 1 {
        return own::usage(NAME);
    }
    match talk() {
        Ok(status) => status.code().unwrap_or(1),
        Err(error) => {
            own::complain(NAME, COMMAND.as_bytes(), &own::reason(&error));
            1
        }
    }
}

fn talk() -> io::Result<ExitStatus> {
    own::block_sigpipe()?;
    let mut command = Command::new("/bin/sh")
        .args(["-c", COMMAND])
        .stdin(Stdio::piped())
        .spawn()?;
    // Taken, hence closed before the wait: otherwise the command would wait for more.
    if let Some(pipe) = command.stdin.take() {
        own::write_all(&pipe, TEXT.as_bytes())?;
    }
    command.wait()
}
