//! `sig-count`: counts SIGINT (with a bell) and SIGRTMIN until SIGQUIT.
//!
//! The signals stay blocked and are taken one by one from a signalfd, so nothing runs in a
//! handler and none can slip in between a test and a wait.

use std::ffi::OsString;
use std::io::stdout;
use std::os::fd::AsFd;

use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::io;

const NAME: &str = "sig-count";
const BELL: &[u8] = b"\x07";

pub(crate) fn run(args: &[OsString]) -> i32 {
    if !args.is_empty() {
        return io::usage("sig-count");
    }
    match count() {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, b"signalfd", error.desc());
            1
        }
    }
}

/// What was delivered.
#[derive(Default)]
struct Counts {
    interrupts: u64,
    real_time: u64,
    quit: bool,
}

/// The whole program. A standard output that takes nothing is no reason to stop counting.
fn count() -> nix::Result<()> {
    io::block_sigpipe()?;
    let signals = counted();
    signals.thread_block()?;
    let fd = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let _ = io::write_all(
        stdout(),
        format!("ready {}\n", nix::unistd::getpid()).as_bytes(),
    );

    let mut counts = Counts::default();
    while !counts.quit {
        io::wait(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)])?;
        // All that is pending, because SIGQUIT overtakes the real-time signals sent before it.
        while let Some(number) = next(&fd)? {
            counts.take(number);
        }
    }
    let line = format!("\ncount {} rt {}\n", counts.interrupts, counts.real_time);
    let _ = io::write_all(stdout(), line.as_bytes());
    Ok(())
}

impl Counts {
    fn take(&mut self, number: i32) {
        if number == libc::SIGINT {
            self.interrupts += 1;
            let _ = io::write_all(stdout(), BELL);
        } else if number == libc::SIGRTMIN() {
            self.real_time += 1;
        } else if number == libc::SIGQUIT {
            self.quit = true;
        }
    }
}

/// The next pending signal, if there is one.
fn next(fd: &SignalFd) -> nix::Result<Option<i32>> {
    let info = io::retry(|| fd.read_signal())?;
    Ok(info.and_then(|info| i32::try_from(info.ssi_signo).ok()))
}

/// SIGINT, SIGQUIT and the real-time signals. `Signal` does not know the latter one by one, so
/// they are what is left of all signals.
fn counted() -> SigSet {
    let mut set = SigSet::all();
    for signal in Signal::iterator() {
        if !matches!(signal, Signal::SIGINT | Signal::SIGQUIT) {
            set.remove(signal);
        }
    }
    set
}
