//! The calls that read clocks and set timers, answered by us.

use std::time::Duration;

use super::Time;
use super::timers::{Action, Posix, Timer};
use crate::memory;
use crate::waits::timeout;

/// Calls that are answered at their entry and not worth a line in the recording.
pub(crate) const ASKING: &[i64] = &[
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_times,
    libc::SYS_getitimer,
    libc::SYS_timer_gettime,
    libc::SYS_timer_getoverrun,
    libc::SYS_timerfd_gettime,
    libc::SYS_getsockopt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// The name of a call that reads a clock.
pub(crate) fn clock_name(nr: i64) -> Option<&'static str> {
    Some(match nr {
        libc::SYS_clock_gettime => "clock_gettime",
        libc::SYS_gettimeofday => "gettimeofday",
        libc::SYS_times => "times",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_time => "time",
        _ => return None,
    })
}

const FAULT: i64 = -(libc::EFAULT as i64);
/// `TIMER_ABSTIME`, `TFD_TIMER_ABSTIME`.
const ABSOLUTE: u64 = 1;

impl Time {
    /// The answer to a call of [`ASKING`]; `None` where it is the kernel's to answer.
    pub(crate) fn ask(&mut self, pid: i32, tid: i32, nr: i64, args: &[u64; 6]) -> Option<i64> {
        match nr {
            libc::SYS_clock_gettime if args[1] != 0 => {
                let clock = args[0] as i32;
                self.clock.read(clock)?;
                self.clock.charge(pid);
                put(tid, args[1], &timespec(self.clock.read(clock)?))
            }
            libc::SYS_gettimeofday => {
                self.clock.charge(pid);
                let now = self.clock.read(libc::CLOCK_REALTIME)?;
                let done = put(tid, args[0], &timeval(now))?;
                // The zone, as the kernel has it.
                (args[1] == 0 || put(tid, args[1], &[0; 8])? == 0).then_some(done)
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_time => {
                self.clock.charge(pid);
                let seconds = self.clock.read(libc::CLOCK_REALTIME)?.as_secs();
                let done = put(tid, args[0], &seconds.to_ne_bytes())?;
                Some(if done == 0 {
                    seconds.cast_signed()
                } else {
                    done
                })
            }
            libc::SYS_times if args[0] == 0 => {
                self.clock.charge(pid);
                Some(self.ticks()?)
            }
            libc::SYS_getitimer if args[0] == libc::ITIMER_REAL as u64 => {
                let setting = self.timers.alarm(pid).setting(self.clock.now());
                put(tid, args[1], &itimerval(setting))
            }
            libc::SYS_timer_gettime => {
                let now = self.clock.now();
                let setting = self.timers.posix(pid, args[0] as i32)?.setting(now);
                put(tid, args[1], &itimerspec(setting))
            }
            libc::SYS_timer_getoverrun => {
                let timer = self.timers.posix(pid, args[0] as i32)?;
                match &timer.action {
                    Action::Posix(posix) => Some(posix.overrun.into()),
                    _ => None,
                }
            }
            libc::SYS_timerfd_gettime => {
                let now = self.clock.now();
                let setting = self.timers.fd(pid, args[0] as i32)?.setting(now);
                put(tid, args[1], &itimerspec(setting))
            }
            libc::SYS_getsockopt => self.sockets.answer(pid, tid, args),
            _ => None,
        }
    }

    /// Clock ticks since the machine was started, as times(2) counts them.
    fn ticks(&self) -> Option<i64> {
        /// `USER_HZ`, the same everywhere.
        const TICK_MS: u128 = 10;
        let up = self.clock.read(libc::CLOCK_MONOTONIC)?.as_millis() / TICK_MS;
        i64::try_from(up).ok()
    }

    /// The result of a call that sets a timer; `None` where it is the kernel's to answer: other
    /// clocks, wrong arguments.
    pub(crate) fn set(&mut self, pid: i32, tid: i32, nr: i64, args: &[u64; 6]) -> Option<i64> {
        match nr {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_alarm => {
                self.clock.charge(pid);
                let after = Duration::from_secs(u64::from(args[0] as u32));
                let (_, left) = self.arm_alarm(pid, after, Duration::ZERO);
                // As the kernel rounds: never to nothing, else to the nearest.
                let rest = u32::from(left.subsec_millis() >= 500 || left < Duration::from_secs(1));
                let rest = if left.is_zero() { 0 } else { rest };
                i64::try_from(left.as_secs() + u64::from(rest)).ok()
            }
            libc::SYS_setitimer if args[0] == libc::ITIMER_REAL as u64 && args[1] != 0 => {
                let interval = micros(tid, args[1])?;
                let after = micros(tid, args[1].wrapping_add(16))?;
                self.clock.charge(pid);
                let before = self.arm_alarm(pid, after, interval);
                put(tid, args[2], &itimerval(before))
            }
            libc::SYS_timer_settime => {
                let (interval, value) = setting(tid, args[2])?;
                self.clock.charge(pid);
                let now = self.clock.now();
                let clock = match &self.timers.posix(pid, args[0] as i32)?.action {
                    Action::Posix(posix) => posix.clock,
                    _ => return None,
                };
                let next = self.next(args[1], clock, value)?;
                let order = self.order();
                let timer = self.timers.posix(pid, args[0] as i32)?;
                let before = timer.setting(now);
                timer.set(next, interval, order);
                put(tid, args[3], &itimerspec(before))
            }
            libc::SYS_timerfd_settime => {
                let (interval, value) = setting(tid, args[2])?;
                self.clock.charge(pid);
                let now = self.clock.now();
                let fd = args[0] as i32;
                let clock = match &self.timers.own_fd(pid, tid, fd)?.action {
                    Action::Fd(timer) => timer.clock,
                    _ => return None,
                };
                let next = self.next(args[1], clock, value)?;
                let order = self.order();
                let timer = self.timers.own_fd(pid, tid, fd)?;
                let before = timer.setting(now);
                timer.set(next, interval, order);
                put(tid, args[3], &itimerspec(before))
            }
            _ => None,
        }
    }

    fn arm_alarm(&mut self, pid: i32, after: Duration, interval: Duration) -> (Duration, Duration) {
        let now = self.clock.now();
        let order = self.order();
        let timer = self.timers.alarm(pid);
        let before = timer.setting(now);
        let next = (!after.is_zero()).then(|| now.saturating_add(after));
        timer.set(next, interval, order);
        before
    }

    /// The moment that a setting names; the inner `None` disarms, the outer one is for a clock
    /// that is not ours.
    fn next(
        &self,
        flags: u64,
        clock: libc::clockid_t,
        value: Duration,
    ) -> Option<Option<Duration>> {
        self.clock.read(clock)?;
        if value.is_zero() {
            Some(None)
        } else if flags & ABSOLUTE == 0 {
            Some(Some(self.clock.now().saturating_add(value)))
        } else {
            self.clock.moment(clock, value).map(Some)
        }
    }

    /// `timer_create` has made a timer. `false`: it goes by a clock that is the kernel's.
    pub(crate) fn created(&mut self, pid: i32, tid: i32, args: &[u64; 6]) -> bool {
        let clock = args[0] as i32;
        let id = memory::read_array::<4>(tid, args[2]).map(i32::from_ne_bytes);
        let (Some(id), Some(_)) = (id, self.clock.read(clock)) else {
            return false;
        };
        let mut posix = Posix {
            id,
            clock,
            signal: Some(libc::SIGALRM),
            thread: None,
            value: u64::from(id.cast_unsigned()),
            overrun: 0,
        };
        if args[1] != 0 {
            // struct sigevent: the value, the signal, how to tell, and whom.
            let Some(event) = memory::read_array::<20>(tid, args[1]) else {
                return false;
            };
            let word = |at: usize| {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(&event[at..at + 4]);
                i32::from_ne_bytes(bytes)
            };
            let how = word(12);
            let mut value = [0; 8];
            value.copy_from_slice(&event[..8]);
            posix.value = u64::from_ne_bytes(value);
            posix.signal = (how != libc::SIGEV_NONE).then(|| word(8));
            posix.thread = (how == libc::SIGEV_THREAD_ID).then(|| word(16));
        }
        self.timers
            .all
            .push(Timer::unarmed(pid, Action::Posix(posix)));
        true
    }

    /// `timer_delete` has removed a timer; its number may be given again.
    pub(crate) fn deleted(&mut self, pid: i32, id: i32) {
        self.timers.deleted(pid, id);
    }

    /// A `read` has taken from a `timerfd`: tells how often it had come.
    pub(crate) fn taken(&mut self, pid: i32, tid: i32, args: &[u64; 6], result: i64) {
        if result != 8 {
            return;
        }
        if let Some(timer) = self.timers.fd(pid, args[0] as i32)
            && let Action::Fd(fd) = &mut timer.action
        {
            put(tid, args[1], &fd.taken().max(1).to_ne_bytes());
        }
    }
}

/// Writes an answer. `Some(0)`, or the error of a bad address; a null one is left out.
fn put(tid: i32, at: u64, bytes: &[u8]) -> Option<i64> {
    Some(if at == 0 || memory::write(tid, at, bytes).is_ok() {
        0
    } else {
        FAULT
    })
}

fn pair(seconds: u64, part: u32) -> Vec<u8> {
    [seconds.to_ne_bytes(), u64::from(part).to_ne_bytes()].concat()
}

fn timespec(time: Duration) -> Vec<u8> {
    pair(time.as_secs(), time.subsec_nanos())
}

pub(super) fn timeval(time: Duration) -> Vec<u8> {
    pair(time.as_secs(), time.subsec_micros())
}

fn itimerspec((interval, left): (Duration, Duration)) -> Vec<u8> {
    [timespec(interval), timespec(left)].concat()
}

fn itimerval((interval, left): (Duration, Duration)) -> Vec<u8> {
    // What is armed never shows as nothing.
    let left = match left {
        Duration::ZERO => left,
        left => left.max(Duration::from_micros(1)),
    };
    [timeval(interval), timeval(left)].concat()
}

/// A `struct itimerspec`: the interval and the value.
fn setting(tid: i32, at: u64) -> Option<(Duration, Duration)> {
    let interval = timeout::timespec(tid, at)?;
    Some((interval, timeout::timespec(tid, at.wrapping_add(16))?))
}

/// A `struct timeval` whose microseconds are some.
fn micros(tid: i32, at: u64) -> Option<Duration> {
    let raw = memory::read_array::<16>(tid, at)?;
    let mut part = [0; 8];
    part.copy_from_slice(&raw[8..]);
    (u64::from_ne_bytes(part) < 1_000_000)
        .then(|| timeout::timeval(tid, at))
        .flatten()
}
