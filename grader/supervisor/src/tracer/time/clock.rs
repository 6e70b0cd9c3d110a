//! The clock that a scenario's programs see.
//!
//! It stands still while everything sleeps and nobody lets time pass. It goes on by what the
//! programs compute (a little of it) and by what the grader lets pass, never by how long the machine takes: a busy
//! machine moves no deadline.

use std::collections::HashMap;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A moment: what has passed since the scenario began, as its programs see it.
pub(crate) type Moment = Duration;

/// Two looks at the clock never show the same.
const TICK: Duration = Duration::from_micros(1);
/// What a process computes between two of its looks counts up to this: a busy machine, or one whose
/// own processor is taken away for a while, calls more than that computing.
const MOST: Duration = Duration::from_millis(1);

/// Every clock that goes on while a program sleeps, with the one it is read from here (the coarse
/// ones and those that wake the machine show the same time).
const CLOCKS: &[(libc::clockid_t, libc::clockid_t)] = &[
    (libc::CLOCK_REALTIME, libc::CLOCK_REALTIME),
    (libc::CLOCK_REALTIME_COARSE, libc::CLOCK_REALTIME),
    (libc::CLOCK_REALTIME_ALARM, libc::CLOCK_REALTIME),
    (libc::CLOCK_MONOTONIC, libc::CLOCK_MONOTONIC),
    (libc::CLOCK_MONOTONIC_COARSE, libc::CLOCK_MONOTONIC),
    (libc::CLOCK_MONOTONIC_RAW, libc::CLOCK_MONOTONIC_RAW),
    (libc::CLOCK_BOOTTIME, libc::CLOCK_BOOTTIME),
    (libc::CLOCK_BOOTTIME_ALARM, libc::CLOCK_BOOTTIME),
    (libc::CLOCK_TAI, libc::CLOCK_TAI),
];

/// See the module.
#[derive(Debug)]
pub(crate) struct Clock {
    passed: Moment,
    /// What each clock showed when the scenario began.
    bases: HashMap<libc::clockid_t, Duration>,
    /// Processor time of each process when it was last looked at.
    used: HashMap<i32, Duration>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let read = |&(clock, from): &(libc::clockid_t, libc::clockid_t)| {
            Some((clock, show(ClockId::from_raw(from))?))
        };
        Self {
            passed: Duration::ZERO,
            bases: CLOCKS.iter().filter_map(read).collect(),
            used: HashMap::new(),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        self.passed
    }

    /// Goes on to a moment, never back.
    pub(crate) fn pass_to(&mut self, moment: Moment) {
        self.passed = self.passed.max(moment);
    }

    /// Goes on by what a process has computed since it was last asked about.
    pub(crate) fn charge(&mut self, pid: i32) {
        // `CPUCLOCK_SCHED` of a process: what clock_getcpuclockid(3) makes of a pid.
        let clock = ClockId::from_raw((!pid << 3) | 2);
        let used = show(clock).unwrap_or_default();
        let before = self.used.insert(pid, used).unwrap_or_default();
        self.passed += used.saturating_sub(before).clamp(TICK, MOST);
    }

    /// What a clock shows now; `None` for one that is not of this kind (those of processor time).
    pub(crate) fn read(&self, clock: libc::clockid_t) -> Option<Duration> {
        Some(*self.bases.get(&clock)? + self.passed)
    }

    /// The moment at which a clock shows this; the beginning where that was earlier.
    pub(crate) fn moment(&self, clock: libc::clockid_t, shown: Duration) -> Option<Moment> {
        Some(shown.saturating_sub(*self.bases.get(&clock)?))
    }
}

fn show(clock: ClockId) -> Option<Duration> {
    let now = clock_gettime(clock).ok()?;
    let seconds = u64::try_from(now.tv_sec()).ok()?;
    Some(Duration::new(seconds, u32::try_from(now.tv_nsec()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_only_when_told_and_never_back() {
        let mut clock = Clock::new();
        let before = clock.read(libc::CLOCK_MONOTONIC).unwrap();
        clock.pass_to(Duration::from_secs(3600));
        clock.pass_to(Duration::from_secs(5));
        let after = clock.read(libc::CLOCK_MONOTONIC).unwrap();
        assert_eq!(after - before, Duration::from_secs(3600));
        assert_eq!(
            clock.moment(libc::CLOCK_MONOTONIC, after),
            Some(clock.now())
        );
        assert_eq!(clock.read(libc::CLOCK_PROCESS_CPUTIME_ID), None);
    }

    #[test]
    fn computing_takes_time_and_looking_takes_a_little() {
        let mut clock = Clock::new();
        let me = std::process::id().cast_signed();
        clock.charge(me);
        let before = clock.now();
        clock.charge(me);
        assert!(clock.now() > before);
    }
}
