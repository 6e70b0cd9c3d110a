//! `course-16`: a question, and an answer of one key without Enter.

use std::ffi::OsString;
use std::io::{stdin, stdout};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

use crate::io;

const NAME: &str = "course-16";

pub(crate) fn run(args: &[OsString]) -> i32 {
    if !args.is_empty() {
        return io::usage(NAME);
    }
    match ask() {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, b"terminal", error.desc());
            1
        }
    }
}

/// SIGINT and SIGQUIT wait until the terminal is as it was: they never leave it changed.
fn ask() -> nix::Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGQUIT);
    signals.thread_block()?;
    let interrupt = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
    let before = tcgetattr(stdin())?;
    tcsetattr(stdin(), SetArg::TCSAFLUSH, &key_by_key(&before))?;
    let key = question(&interrupt);
    // In any case, whatever became of the question.
    tcsetattr(stdin(), SetArg::TCSAFLUSH, &before)?;
    let line = match key? {
        Some(key) => format!("\nYou pressed \"{}\".\n", char::from(key).escape_default()),
        None => "\nThere was no answer.\n".to_owned(),
    };
    io::write_all(stdout(), line.as_bytes())
}

/// Each key is to be read at once, and is not shown.
fn key_by_key(before: &Termios) -> Termios {
    let mut settings = before.clone();
    settings
        .local_flags
        .remove(LocalFlags::ICANON | LocalFlags::ECHO);
    settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    settings.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    settings
}

/// The key, unless a signal comes first.
fn question(interrupt: &SignalFd) -> nix::Result<Option<u8>> {
    io::write_all(stdout(), b"Do you like this course? (y/n) ")?;
    let input = stdin();
    let mut fds = [
        PollFd::new(input.as_fd(), PollFlags::POLLIN),
        PollFd::new(interrupt.as_fd(), PollFlags::POLLIN),
    ];
    io::wait(&mut fds)?;
    if io::ready(&fds[1]) {
        return Ok(None);
    }
    let mut key = [0];
    let length = io::read(&input, &mut key)?;
    Ok((length > 0).then_some(key[0]))
}
