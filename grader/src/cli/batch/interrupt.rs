//! What a batch does when it is told to end: the first time it finishes what is under way, so that
//! nothing of it is lost; the second time it ends at once, and the next one goes on.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// What is told again within this time is not told twice.
const ONE_TIME: Duration = Duration::from_millis(250);

/// Whether a batch has been told to end, and how.
#[derive(Debug)]
pub(super) struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    /// The signal; 0 before there is one.
    by: AtomicI32,
}

impl Interrupt {
    /// Watches for it from now on; `told` is called the first time.
    pub(super) fn watch(told: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let (mut signals, own) = (signals()?, Arc::clone(&state));
        thread::spawn(move || {
            let mut signals = signals.forever();
            let Some(first) = signals.next() else { return };
            own.by.store(first, Ordering::Relaxed);
            own.stop.store(true, Ordering::Relaxed);
            told();
            let began = Instant::now();
            // timeout(1) and others tell a process, and then its group: that is one time.
            if let Some(second) = signals.find(|_| began.elapsed() > ONE_TIME) {
                let _ = emulate_default_handler(second);
            }
        });
        Ok(Self(state))
    }

    /// Set when nothing new may be begun.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.0.stop
    }

    /// The signal by which it was told.
    pub(super) fn signal(&self) -> Option<i32> {
        Some(self.0.by.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }
}

/// Ends this process as the signal would have: a shell that runs it in a loop ends the loop.
pub(super) fn end_by(signal: i32) -> ExitCode {
    let _ = emulate_default_handler(signal);
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

/// The signals by which people and machines end a batch, as they come.
fn signals() -> io::Result<Signals> {
    Signals::new(ending())
}

/// Those by which this process may be ended: what is ignored was meant to be.
pub(in crate::cli) fn ending() -> impl Iterator<Item = i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter();
    wanted.filter(move |signal| ignored >> (signal - 1) & 1 == 0)
}

/// What whoever started this wants it to outlive, as `nohup` does; proc_pid_status(5), `SigIgn`.
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_mask() {
        let status = "SigBlk:\t0000000000000000\nSigIgn:\t0000000001001001\nSigCgt:\t0\n";
        assert_eq!(ignored(status), 0x100_1001);
        assert_eq!(ignored(status) & 1, 1, "SIGHUP, as under nohup");
        assert_eq!(ignored(""), 0);
    }
}
