//! Whether programs had a processor while time passed. On a machine with far too much to do they may
//! have had none, and then it is not for them that a limit of time has come.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{SysconfVar, sysconf};

use crate::helper::Helper;
use crate::proc;
use crate::tracer::lookup;

/// What the processes of a scenario had, the helper among them.
#[derive(Clone, Copy, Debug, Default)]
struct Time {
    /// On a processor, all together.
    ran: Duration,
    /// Ready to run, but without one: the longest that any thread had to wait.
    waited: Duration,
}

impl Time {
    /// Whether nearly all of what has `passed` was somebody else's. Whoever had an eighth of the default
    /// limit has had a hundred times what a scenario needs.
    fn was_taken(self, passed: Duration) -> bool {
        self.waited > passed / 4 * 3 && self.ran < passed / 8
    }
}

impl Helper {
    /// Ends the run if nearly all of the time that has `passed` since the scenario began, or since a little
    /// later, was somebody else's: `true`. Never where the kernel does not count it.
    pub(crate) fn had_no_processor(&mut self, passed: Duration) -> bool {
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut time = Time::default();
        if let Some((ran, waited)) = proc::time_of_thread(own, own) {
            time.ran += Duration::from_nanos(ran);
            time.waited = time.waited.max(Duration::from_nanos(waited));
        }
        // Those that have ended.
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) {
            for part in [usage.user_time(), usage.system_time()] {
                let microseconds = part.tv_sec() * 1_000_000 + part.tv_usec();
                time.ran += Duration::from_micros(microseconds.unsigned_abs());
            }
        }
        let a_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        let a_second = u64::try_from(a_second).unwrap_or(100).max(1);
        let below = lookup::below_this_process();
        for pid in below.into_iter().filter(|pid| *pid != own) {
            let ticks = proc::ticks_of_process(pid).unwrap_or(0);
            time.ran += Duration::from_millis(ticks.saturating_mul(1000) / a_second);
            for tid in proc::threads_of(pid).unwrap_or_default() {
                let (_, waited) = proc::time_of_thread(pid, tid).unwrap_or_default();
                time.waited = time.waited.max(Duration::from_nanos(waited));
            }
        }
        time.was_taken(passed) && self.starve("processor time".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ran: u64, waited: u64) -> bool {
        let [ran, waited] = [ran, waited].map(Duration::from_millis);
        Time { ran, waited }.was_taken(Duration::from_secs(20))
    }

    #[test]
    fn only_who_was_ready_and_got_nothing_had_no_processor() {
        assert!(taken(1_000, 19_000));
        // It slept.
        assert!(!taken(1_000, 3_000));
        // It had it.
        assert!(!taken(19_000, 1_000));
        // Two that waited for each other.
        assert!(!taken(20_000, 19_000));
        // It had enough.
        assert!(!taken(3_000, 17_000));
    }
}
