//! Whether programs had a processor while time passed. On a machine with far too much to do they may
//! have had little or none, and what they waited for it is not theirs.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{SysconfVar, sysconf};

use crate::helper::Helper;
use crate::plan::LONGEST;
use crate::proc;
use crate::tracer::lookup;

/// What the processes of a scenario had, the helper among them.
#[derive(Clone, Copy, Debug, Default)]
struct Time {
    /// On a processor, all together.
    ran: Duration,
    /// Ready to run, but without one: the thread of theirs that had to wait longest.
    waited: Duration,
    /// The same of the helper. When it is its turn, they are not ready.
    helper_waited: Duration,
}

impl Time {
    /// How much of what has `passed` was somebody else's: somebody waited, and it was not for the others of
    /// the scenario.
    fn taken(self, passed: Duration) -> Duration {
        // It also waits for processes that are gone, and not all of their time is counted.
        let turns = if self.ran < passed / 8 {
            self.helper_waited
        } else {
            self.helper_waited.min(self.waited)
        };
        (self.waited + turns).min(passed.saturating_sub(self.ran))
    }
}

/// A limit of time, put off by what others took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimit {
    most: Duration,
    /// By so much, as of the last look. Nothing where the kernel does not count it.
    grace: Duration,
}

impl TimeLimit {
    pub(crate) fn of(most: Duration) -> Self {
        Self {
            most,
            grace: Duration::ZERO,
        }
    }

    /// What is left of it, now that so much has `passed` since the scenario began, or since a little later.
    fn left(&self, passed: Duration) -> Duration {
        (self.most + self.grace).saturating_sub(passed)
    }
}

impl Helper {
    /// What is left of a limit; nothing when it is over. `None`: it was put off for too long, and the run
    /// ends.
    pub(crate) fn left_of(&mut self, limit: &mut TimeLimit, passed: Duration) -> Option<Duration> {
        if limit.left(passed).is_zero() {
            limit.grace = Self::time_so_far().taken(passed);
            if !limit.left(passed).is_zero() && passed > limit.most * LONGEST {
                self.starve("processor time".into());
                return None;
            }
        }
        Some(limit.left(passed))
    }

    fn time_so_far() -> Time {
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut time = Time::default();
        if let Some((ran, waited)) = proc::time_of_thread(own, own) {
            time.ran += Duration::from_nanos(ran);
            time.helper_waited = Duration::from_nanos(waited);
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
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ran: u64, waited: u64, helper_waited: u64) -> u128 {
        let [ran, waited, helper_waited] = [ran, waited, helper_waited].map(Duration::from_millis);
        let time = Time {
            ran,
            waited,
            helper_waited,
        };
        time.taken(Duration::from_secs(20)).as_millis()
    }

    #[test]
    fn only_what_others_had_is_not_ones_own() {
        // It was ready and got nearly nothing.
        assert_eq!(taken(1_000, 19_000, 10), 19_000);
        // The two waited in turns.
        assert_eq!(taken(1_000, 3_000, 15_000), 18_000);
        assert_eq!(taken(5_000, 7_000, 7_500), 14_000);
        // It computed beside three others.
        assert_eq!(taken(5_000, 15_000, 0), 15_000);
        // It slept.
        assert_eq!(taken(10, 3, 2), 5);
        // It had it.
        assert_eq!(taken(19_000, 1_000, 0), 1_000);
        // Two, or sixty-four, that waited for each other.
        assert_eq!(taken(20_000, 10_000, 0), 0);
        assert_eq!(taken(20_000, 19_600, 0), 0);
        // Two on two processors.
        assert_eq!(taken(40_000, 5_000, 0), 0);
        // A chain of processes, each of them young, for which the helper waited.
        assert_eq!(taken(12_000, 5, 14_000), 10);
    }
}
