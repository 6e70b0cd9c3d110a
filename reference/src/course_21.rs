//! `course-21`: the beeper. SIGINT rings the bell, SIGQUIT tells how often it rang, and ends.
//!
//! The signals stay blocked and are taken one by one from a signalfd, so none can slip in between
//! a test and a wait.

use std::ffi::OsString;
use std::io::stdout;
use std::os::fd::AsFd;

use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::io;

const NAME: &str = "course-21";
const BELL: &[u8] = b"\x07";

pub(crate) fn run(args: &[OsString]) -> i32 {
    if !args.is_empty() {
        return io::usage(NAME);
    }
    match beep() {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, b"signals", error.desc());
            1
        }
    }
}

fn beep() -> nix::Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGQUIT);
    signals.thread_block()?;
    let fd = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;

    let mut beeps: u64 = 0;
    loop {
        io::wait(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)])?;
        while let Some(info) = io::retry(|| fd.read_signal())? {
            if i64::from(info.ssi_signo) == i64::from(libc::SIGQUIT) {
                let line = format!("\nThe bell rang {beeps} times.\n");
                return io::write_all(stdout(), line.as_bytes());
            }
            io::write_all(stdout(), BELL)?;
            beeps += 1;
        }
    }
}
