//! Lines of a file by their numbers, and answers against the clock.

use std::io::{stdin, stdout};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::uio::pread;

use crate::io;

/// The longest answer that is kept, in bytes.
const LONGEST: usize = 100;

/// Where each line stands, its newline included.
pub(crate) fn table(input: &OwnedFd) -> nix::Result<Vec<Range<usize>>> {
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

/// Writes a part of the file to standard output, and a newline if it ends with none.
pub(crate) fn show(input: &OwnedFd, part: &Range<usize>) -> nix::Result<()> {
    match copy(input, part)? {
        Some(b'\n') | None => Ok(()),
        Some(_) => io::write_all(stdout(), b"\n"),
    }
}

/// Writes a part of the file to standard output as it is. Answers its last byte.
pub(crate) fn copy(input: &OwnedFd, part: &Range<usize>) -> nix::Result<Option<u8>> {
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
    Ok(last)
}

/// What came of a question.
pub(crate) enum Answer {
    /// A line, without its newline.
    Line(Vec<u8>),
    /// Nothing in time.
    Silence,
    /// The input has ended.
    End,
}

/// One line of standard input, byte by byte so that nothing of the next one is taken. The time runs
/// from the question, whatever is typed meanwhile.
pub(crate) fn answer(patience: Duration) -> nix::Result<Answer> {
    let input = stdin();
    let asked = Instant::now();
    let mut line = Vec::new();
    loop {
        let left = patience.saturating_sub(asked.elapsed());
        // Rounded up: not a moment before its time.
        let left = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if io::retry(|| nix::poll::poll(&mut fds, left))? == 0 {
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
