//! Reading and writing correctly: interrupted calls are repeated, short writes are continued.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout};
use nix::sys::signal::{SigSet, Signal};

/// How much is read at a time.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Reads once; 0 is the end of the input.
pub(crate) fn read(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    retry(|| nix::unistd::read(fd.as_fd(), buffer))
}

/// Writes once; possibly less than all of `bytes`.
pub(crate) fn write(fd: impl AsFd, bytes: &[u8]) -> nix::Result<usize> {
    retry(|| nix::unistd::write(fd.as_fd(), bytes))
}

/// Writes all of `bytes`, however many calls it takes.
pub(crate) fn write_all(fd: impl AsFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        let written = write(fd.as_fd(), bytes)?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Waits, without a limit, until one of `fds` is ready.
pub(crate) fn wait(fds: &mut [PollFd<'_>]) -> nix::Result<()> {
    retry(|| nix::poll::poll(fds, PollTimeout::NONE)).map(drop)
}

/// Whether `poll` reported anything about `fd`: data, room, or its end.
pub(crate) fn ready(fd: &PollFd<'_>) -> bool {
    fd.any().unwrap_or(true)
}

/// Repeats a call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// From now on a write that nobody can read fails with `EPIPE` instead of killing the process,
/// whatever the disposition of the signal.
pub(crate) fn block_sigpipe() -> nix::Result<()> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGPIPE);
    set.thread_block()
}

/// Turns ASCII a-z into A-Z and leaves every other byte alone.
pub(crate) fn upper(bytes: &mut [u8]) {
    bytes.make_ascii_uppercase();
}

/// Says on standard error what went wrong: `program: subject: reason`. When even that cannot be
/// written, the exit status still tells.
pub(crate) fn complain(program: &str, subject: &[u8], reason: &str) {
    let line = [
        program.as_bytes(),
        b": ",
        subject,
        b": ",
        reason.as_bytes(),
        b"\n",
    ]
    .concat();
    let _ = write_all(io::stderr(), &line);
}

/// Says on standard error how a program is called.
pub(crate) fn usage(text: &str) -> i32 {
    let _ = write_all(io::stderr(), format!("usage: {text}\n").as_bytes());
    crate::USAGE
}

/// The reason in the words of strerror(3).
pub(crate) fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}
