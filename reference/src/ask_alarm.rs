//! `ask-alarm FILE [SECONDS]`: a table of a file's lines; asks for numbers and prints those lines. Who
//! does not answer in time gets the whole file.

use std::ffi::{OsStr, OsString};
use std::io::stderr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::io;
use crate::lines::{self, Answer};

const NAME: &str = "ask-alarm";
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &[OsString]) -> i32 {
    let (file, patience) = match args {
        [file] => (file, Some(PATIENCE)),
        [file, seconds] => (file, seconds.to_str().and_then(patience)),
        _ => return io::usage("ask-alarm FILE [SECONDS]"),
    };
    let Some(patience) = patience else {
        return io::usage("ask-alarm FILE [SECONDS]");
    };
    match converse(file, patience) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, file.as_bytes(), error.desc());
            1
        }
    }
}

fn patience(seconds: &str) -> Option<Duration> {
    let seconds: u32 = seconds.parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

fn converse(file: &OsStr, patience: Duration) -> nix::Result<()> {
    let input = nix::fcntl::open(file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let lines = lines::table(&input)?;
    loop {
        io::write_all(stderr(), b"line? ")?;
        let text = match lines::answer(patience)? {
            Answer::Line(text) => text,
            Answer::Silence => {
                let end = lines.last().map_or(0, |line| line.end);
                return lines::copy(&input, &(0..end)).map(drop);
            }
            Answer::End => return Ok(()),
        };
        let number = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse::<usize>().ok());
        match number {
            Some(0) => return Ok(()),
            Some(number) if number <= lines.len() => {
                // An empty line has its newline in the file.
                lines::show(&input, &lines[number - 1])?;
            }
            _ => io::complain(NAME, &text, "no such line"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_of_seconds() {
        assert_eq!(patience("12"), Some(Duration::from_secs(12)));
        assert_eq!(patience("0"), None);
        assert_eq!(patience("soon"), None);
    }
}
