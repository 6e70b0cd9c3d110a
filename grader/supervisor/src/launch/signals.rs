//! The default action for every signal.

use crate::raw::{self, at, number};

/// `struct kernel_sigaction`: handler, flags, restorer, mask.
type Action = [u64; 4];

/// The signals for which this process has another action than the default: Rust ignores `SIGPIPE`
/// and catches faults, and what the caller ignored is handed on. A bit for each, that of signal 1
/// first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Altered(u64);

impl Altered {
    /// Looks for them. Nobody changes an action afterwards.
    pub(crate) fn look() -> Self {
        let altered = |signal: &i32| {
            let mut action = Action::default();
            let arguments = [number(*signal), 0, at(&raw mut action), size_of::<u64>()];
            // SAFETY: only asks; the place for the answer is as long as the kernel writes. The C
            // library would refuse its own two signals.
            let asked = unsafe { raw::call(libc::SYS_rt_sigaction, arguments) };
            asked.is_err() || action[0] != libc::SIG_DFL as u64
        };
        let signals = (1..=64).filter(altered);
        Self(signals.fold(0, |set, signal| set | 1 << (signal - 1)))
    }

    /// Gives them the default action again, and blocks none. Calls for signals that have no other
    /// action fail, and may.
    pub(super) fn reset(self) -> Result<(), i32> {
        let default = Action::default();
        let mut left = self.0;
        while left != 0 {
            let signal = left.trailing_zeros() + 1;
            left &= left - 1;
            let arguments = [signal as usize, at(default.as_ptr()), 0, size_of::<u64>()];
            // SAFETY: the action is as long as the kernel reads.
            let _ = unsafe { raw::call(libc::SYS_rt_sigaction, arguments) };
        }
        raw::block_signals(0).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_or_caught_is_found() {
        let has = |signal: i32| Altered::look().0 & 1 << (signal - 1) != 0;
        // Rust's own doing.
        assert!(has(libc::SIGPIPE) && has(libc::SIGSEGV));
        assert!(!has(libc::SIGUSR2) && !has(libc::SIGRTMAX()));
        // SAFETY: ignoring a signal that nobody sends installs no handler.
        unsafe { libc::signal(libc::SIGRTMAX(), libc::SIG_IGN) };
        assert!(has(libc::SIGRTMAX()));
    }
}
