//! `course-06 FILE`: a table of a file's lines; asks for numbers and prints those lines. Who does
//! not answer within five seconds gets the whole file.

use std::ffi::{OsStr, OsString};
use std::io::{stdin, stdout};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::stat::Mode;
use nix::sys::uio::pread;

use crate::io;

const NAME: &str = "course-06";
/// Time to type a number.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest number that is read, in characters.
const LONGEST: usize = 100;

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
    let lines = table(&input)?;
    loop {
        io::write_all(stdout(), b"Line number: ")?;
        let number = match answer()? {
            Answer::Line(text) => String::from_utf8_lossy(&text).trim().parse::<usize>(),
            Answer::Silence => {
                io::write_all(stdout(), b"\n")?;
                let end = lines.last().map_or(0, |line| line.end);
                return show(&input, &(0..end));
            }
            Answer::End => return Ok(()),
        };
        match number {
            Ok(0) => return Ok(()),
            Ok(number) => match lines.get(number - 1) {
                Some(line) => show(&input, line)?,
                None => io::write_all(
                    stdout(),
                    format!("There are only {} lines.\n", lines.len()).as_bytes(),
                )?,
            },
            Err(_) => io::write_all(stdout(), b"That is no number.\n")?,
        }
    }
}

/// Where each line stands, its newline included.
fn table(input: &OwnedFd) -> nix::Result<Vec<Range<usize>>> {
    let mut lines = Vec::new();
    let mut buffer = vec![0; io::CHUNK];
    let (mut begin, mut at) = (0, 0);
    loop {
        let length = io::read(input, &mut buffer)?;
        if length == 0 {
            break;
        }
        for byte in &buffer[..length] {
            at += 1;
            if *byte == b'\n' {
                lines.push(begin..at);
                begin = at;
            }
        }
    }
    if begin < at {
        lines.push(begin..at);
    }
    Ok(lines)
}

fn show(input: &OwnedFd, part: &Range<usize>) -> nix::Result<()> {
    let mut buffer = vec![0; io::CHUNK];
    let mut at = part.start;
    let mut last = None;
    while at < part.end {
        let room = buffer.len().min(part.end - at);
        let offset = i64::try_from(at).map_err(|_| Errno::EOVERFLOW)?;
        let length = io::retry(|| pread(input, &mut buffer[..room], offset))?;
        if length == 0 {
            break;
        }
        io::write_all(stdout(), &buffer[..length])?;
        last = Some(buffer[length - 1]);
        at += length;
    }
    match last {
        Some(b'\n') | None => Ok(()),
        Some(_) => io::write_all(stdout(), b"\n"),
    }
}

/// What came of a question.
enum Answer {
    Line(Vec<u8>),
    /// Nothing in time.
    Silence,
    /// The input has ended.
    End,
}

/// One line of standard input, byte by byte so that nothing of the next one is taken. The time runs
/// from the question, whatever is typed meanwhile.
fn answer() -> nix::Result<Answer> {
    let input = stdin();
    let asked = Instant::now();
    let mut line = Vec::new();
    loop {
        let left = PATIENCE.saturating_sub(asked.elapsed());
        // Rounded up: not a moment before its time.
        let left = u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if io::retry(|| nix::poll::poll(&mut fds, PollTimeout::from(left)))? == 0 {
            return Ok(Answer::Silence);
        }
        let mut byte = [0];
        match io::read(&input, &mut byte)? {
            0 if line.is_empty() => return Ok(Answer::End),
            0 => return Ok(Answer::Line(line)),
            _ if byte[0] == b'\n' => return Ok(Answer::Line(line)),
            _ if line.len() < LONGEST => line.push(byte[0]),
            _ => {}
        }
    }
}
