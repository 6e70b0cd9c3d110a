//! Whether programs had a processor while time passed. On a machine with far too much to do they may
//! have had little or none, and what they waited for it is not theirs.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{SysconfVar, sysconf};

use crate::helper::Helper;
use crate::plan::LONGEST;
use crate::proc;
use crate::tracer::lookup;

/// What the processes of a scenario had, and their helper.
#[derive(Clone, Copy, Debug, Default)]
struct Time {
    /// On a processor, all together.
    ran: Duration,
    /// Not that of all: who is neither traced nor waited for is gone with it.
    in_part: bool,
    /// Ready to run, but without one: the thread of theirs that had to wait longest.
    waited: Duration,
    /// The helper on a processor.
    helper_ran: Duration,
    /// Ready to run, but without one. When it is its turn, they are not ready.
    helper_waited: Duration,
}

impl Time {
    /// How much of what has `passed` was somebody else's: somebody waited, and it was not for the others of
    /// the scenario.
    fn taken(self, passed: Duration) -> Duration {
        // Longer than they ran, those that are gone among them, it did not wait for them.
        let beyond = if self.in_part && self.ran >= passed / 8 {
            Duration::ZERO
        } else {
            self.helper_waited.saturating_sub(self.ran)
        };
        let turns = self.helper_waited.min(self.waited).max(beyond);
        let ran = self.ran + self.helper_ran;
        (self.waited + turns).min(passed.saturating_sub(ran))
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
            limit.grace = self.time_so_far().taken(passed);
            if !limit.left(passed).is_zero() && passed > limit.most * LONGEST {
                self.starve("processor time".into());
                return None;
            }
        }
        Some(limit.left(passed))
    }

    fn time_so_far(&self) -> Time {
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut time = Time {
            ran: self.tracer.ran_unawaited,
            in_part: !self.traced,
            ..Time::default()
        };
        if let Some((ran, waited)) = proc::time_of_thread(own, own) {
            time.helper_ran = Duration::from_nanos(ran);
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

    /// In milliseconds, of twenty seconds.
    fn taken(ran: u64, waited: u64, helper: [u64; 2], in_part: bool) -> u128 {
        let [helper_ran, helper_waited] = helper.map(Duration::from_millis);
        let time = Time {
            ran: Duration::from_millis(ran),
            in_part,
            waited: Duration::from_millis(waited),
            helper_ran,
            helper_waited,
        };
        time.taken(Duration::from_secs(20)).as_millis()
    }

    #[test]
    fn only_what_others_had_is_not_ones_own() {
        for in_part in [false, true] {
            for (ran, waited, helper, expected) in [
                // It was ready and got nearly nothing.
                (900, 19_000, [100, 10], 19_000),
                // The two waited in turns.
                (700, 3_000, [300, 15_000], 17_300),
                (4_000, 7_000, [1_000, 7_500], 14_000),
                // It computed beside three others.
                (5_000, 15_000, [0, 0], 15_000),
                // It slept.
                (5, 3, [5, 2], 5),
                // It had it.
                (18_000, 1_000, [1_000, 0], 1_000),
                // Two, or sixty-four, that waited for each other.
                (20_000, 10_000, [0, 0], 0),
                (20_000, 19_600, [0, 0], 0),
                // Two on two processors.
                (40_000, 5_000, [0, 0], 0),
                // A chain of processes, each of them young, for which the helper waited.
                (9_000, 5, [3_000, 9_000], 10),
            ] {
                assert_eq!(
                    taken(ran, waited, helper, in_part),
                    expected,
                    "{ran} {waited}"
                );
            }
        }
    }

    #[test]
    fn what_a_helper_waited_for_others_than_its_programs_is_not_theirs() {
        // Such a chain beside others; where not all of it was seen, it may be its own.
        assert_eq!(taken(4_000, 5, [1_000, 14_000], false), 10_005);
        assert_eq!(taken(4_000, 5, [1_000, 14_000], true), 10);
        assert_eq!(taken(1_000, 5, [1_000, 14_000], true), 13_005);
    }
}
