//! `course-06 FILE`: a table of a file's lines; asks for numbers and prints those lines. Who does
//! not answer within five seconds gets the whole file.

use std::ffi::{OsStr, OsString};
use std::io::stdout;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::io;
use crate::lines::{self, Answer};

const NAME: &str = "course-06";
/// Time to type a number.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [file] = args else {
        return io::usage("course-06 FILE");
    };
    match converse(file) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, file.as_bytes(), error.desc());
            1
        }
    }
}

fn converse(file: &OsStr) -> nix::Result<()> {
    let input = nix::fcntl::open(file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let lines = lines::table(&input)?;
    loop {
        io::write_all(stdout(), b"Line number: ")?;
        let number = match lines::answer(PATIENCE)? {
            Answer::Line(text) => String::from_utf8_lossy(&text).trim().parse::<usize>(),
            Answer::Silence => {
                io::write_all(stdout(), b"\n")?;
                let end = lines.last().map_or(0, |line| line.end);
                return lines::show(&input, &(0..end));
            }
            Answer::End => return Ok(()),
        };
        match number {
            Ok(0) => return Ok(()),
            Ok(number) => match lines.get(number - 1) {
                Some(line) => lines::show(&input, line)?,
                None => io::write_all(
                    stdout(),
                    format!("There are only {} lines.\n", lines.len()).as_bytes(),
                )?,
            },
            Err(_) => io::write_all(stdout(), b"That is no number.\n")?,
        }
    }
}
