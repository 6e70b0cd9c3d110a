//! The timeout argument of a waiting call. Also for use at a call's entry, where it is known from
//! when a relative one counts.

use std::time::Duration;

use super::calls::{
    CLOCK_NANOSLEEP, EPOLL_PWAIT, EPOLL_PWAIT2, EPOLL_WAIT, FUTEX, FUTEX_WAIT, FUTEX_WAITV,
    MQ_TIMEDRECEIVE, MQ_TIMEDSEND, NANOSLEEP, POLL, PPOLL, PSELECT6, RECVMMSG, RT_SIGTIMEDWAIT,
    SELECT, SEMTIMEDOP, fd,
};
use crate::memory;

/// How long a call waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// No timeout: for ever.
    Never,
    /// So long after the call's entry. While the call waits the argument is not counted down.
    After(Duration),
    /// Until this time of a clock.
    At {
        /// `CLOCK_MONOTONIC`, `CLOCK_REALTIME`, …
        clock: libc::clockid_t,
        /// The time.
        time: Duration,
    },
    /// There is one, but its memory cannot be read.
    Unreadable,
}

impl Timeout {
    /// Milliseconds left, rounded up. Of a relative timeout the whole length, an upper bound.
    #[must_use]
    pub fn ms(self) -> Option<u64> {
        let left = match self {
            Self::Never | Self::Unreadable => return None,
            Self::After(length) => length,
            Self::At { clock, time } => {
                let now = nix::time::clock_gettime(nix::time::ClockId::from_raw(clock)).ok()?;
                time.saturating_sub(duration(now.tv_sec(), now.tv_nsec())?)
            }
        };
        Some(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

/// Futex operations that wait, without their flags.
pub(crate) mod futex {
    pub(crate) const WAIT: u64 = 0;
    pub(crate) const LOCK_PI: u64 = 6;
    pub(crate) const WAIT_BITSET: u64 = 9;
    pub(crate) const WAIT_REQUEUE_PI: u64 = 11;
    pub(crate) const LOCK_PI2: u64 = 13;
    pub(crate) const PRIVATE: u64 = 128;
    pub(crate) const CLOCK_REALTIME: u64 = 256;

    pub(crate) fn operation(op: u64) -> u64 {
        op & 0x7f
    }
}

/// The timeout of a call by its number and arguments; `None` for a call that has none at all.
#[must_use]
pub fn of_call(nr: i64, args: &[u64; 6], tid: i32) -> Option<Timeout> {
    Some(match nr {
        POLL => millis(args[2]),
        EPOLL_WAIT | EPOLL_PWAIT => millis(args[3]),
        CLOCK_NANOSLEEP if args[1] & 1 != 0 => absolute(tid, args[2], fd(args[0])),
        PPOLL | RT_SIGTIMEDWAIT | CLOCK_NANOSLEEP => relative(tid, args[2]),
        EPOLL_PWAIT2 | SEMTIMEDOP => relative(tid, args[3]),
        PSELECT6 | RECVMMSG => relative(tid, args[4]),
        NANOSLEEP => relative(tid, args[0]),
        SELECT => match args[4] {
            0 => Timeout::Never,
            at => timeval(tid, at).map_or(Timeout::Unreadable, Timeout::After),
        },
        MQ_TIMEDSEND | MQ_TIMEDRECEIVE => absolute(tid, args[4], libc::CLOCK_REALTIME),
        FUTEX => of_futex(args, tid),
        FUTEX_WAITV => absolute(tid, args[3], fd(args[4])),
        FUTEX_WAIT => absolute(tid, args[4], fd(args[5])),
        _ => return None,
    })
}

fn of_futex(args: &[u64; 6], tid: i32) -> Timeout {
    let clock = if args[1] & futex::CLOCK_REALTIME == 0 {
        libc::CLOCK_MONOTONIC
    } else {
        libc::CLOCK_REALTIME
    };
    match futex::operation(args[1]) {
        futex::WAIT => relative(tid, args[3]),
        futex::LOCK_PI => absolute(tid, args[3], libc::CLOCK_REALTIME),
        futex::WAIT_BITSET | futex::WAIT_REQUEUE_PI | futex::LOCK_PI2 => {
            absolute(tid, args[3], clock)
        }
        // The other operations do not wait, and what stands in this argument is no timeout.
        _ => Timeout::Never,
    }
}

fn millis(arg: u64) -> Timeout {
    u64::try_from(fd(arg)).map_or(Timeout::Never, |ms| {
        Timeout::After(Duration::from_millis(ms))
    })
}

fn relative(tid: i32, at: u64) -> Timeout {
    match at {
        0 => Timeout::Never,
        at => timespec(tid, at).map_or(Timeout::Unreadable, Timeout::After),
    }
}

fn absolute(tid: i32, at: u64, clock: libc::clockid_t) -> Timeout {
    match at {
        0 => Timeout::Never,
        at => timespec(tid, at).map_or(Timeout::Unreadable, |time| Timeout::At { clock, time }),
    }
}

/// Reads a `struct timespec`.
#[must_use]
pub fn timespec(tid: i32, at: u64) -> Option<Duration> {
    let (seconds, nanos) = pair(tid, at)?;
    duration(seconds, nanos)
}

/// Reads a `struct timeval`.
#[must_use]
pub fn timeval(tid: i32, at: u64) -> Option<Duration> {
    let (seconds, micros) = pair(tid, at)?;
    duration(seconds, 0)?.checked_add(Duration::from_micros(u64::try_from(micros).ok()?))
}

fn pair(tid: i32, at: u64) -> Option<(i64, i64)> {
    let bytes = memory::read_array::<16>(tid, at)?;
    let (first, second) = bytes.split_at(8);
    Some((
        i64::from_ne_bytes(first.try_into().ok()?),
        i64::from_ne_bytes(second.try_into().ok()?),
    ))
}

/// `None` also for what the kernel calls invalid.
fn duration(seconds: i64, nanos: i64) -> Option<Duration> {
    if nanos >= 1_000_000_000 {
        return None;
    }
    Duration::from_secs(u64::try_from(seconds).ok()?)
        .checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    fn call(nr: i64, args: [u64; 6]) -> Option<Timeout> {
        of_call(nr, &args, me())
    }

    #[test]
    fn milliseconds_and_minus_one() {
        // The register may hold -1 as 32 or as 64 bits.
        assert_eq!(
            call(EPOLL_PWAIT, [3, 0, 1, 0xffff_ffff, 0, 0]),
            Some(Timeout::Never)
        );
        assert_eq!(
            call(EPOLL_PWAIT, [3, 0, 1, u64::MAX, 0, 0]),
            Some(Timeout::Never)
        );
        assert_eq!(
            call(EPOLL_PWAIT, [3, 0, 1, 1500, 0, 0]).unwrap().ms(),
            Some(1500)
        );
    }

    #[test]
    fn pointers_are_followed() {
        let spec: [i64; 2] = [1, 500_000_001];
        let at = spec.as_ptr() as u64;
        assert_eq!(call(PPOLL, [0, 0, at, 0, 0, 0]).unwrap().ms(), Some(1501));
        assert_eq!(
            call(PSELECT6, [0, 0, 0, 0, at, 0]).unwrap().ms(),
            Some(1501)
        );
        assert_eq!(
            call(NANOSLEEP, [at, 0, 0, 0, 0, 0]).unwrap().ms(),
            Some(1501)
        );
        assert_eq!(call(PPOLL, [0; 6]), Some(Timeout::Never));
        assert_eq!(call(PPOLL, [0, 0, 8, 0, 0, 0]), Some(Timeout::Unreadable));
        assert_eq!(call(READ_LIKE, [0; 6]), None);
    }

    const PRIVATE: u64 = 128;
    const READ_LIKE: i64 = libc::SYS_read;

    #[test]
    fn futexes_count_from_now_or_by_a_clock() {
        let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
        let spec: [i64; 2] = [now.tv_sec() + 100, 0];
        let at = spec.as_ptr() as u64;
        let absolute = call(FUTEX, [0, futex::WAIT_BITSET | PRIVATE, 0, at, 0, 0]).unwrap();
        assert!(matches!(
            absolute,
            Timeout::At {
                clock: libc::CLOCK_MONOTONIC,
                ..
            }
        ));
        assert!((98_000..=100_000).contains(&absolute.ms().unwrap()));
        let relative = call(FUTEX, [0, futex::WAIT | PRIVATE, 0, at, 0, 0]).unwrap();
        assert!(matches!(relative, Timeout::After(_)));
        let clocked = call(
            FUTEX,
            [0, futex::WAIT_BITSET | futex::CLOCK_REALTIME, 0, at, 0, 0],
        )
        .unwrap();
        assert!(matches!(
            clocked,
            Timeout::At {
                clock: libc::CLOCK_REALTIME,
                ..
            }
        ));
        assert_eq!(
            call(FUTEX, [0, futex::WAIT, 0, 0, 0, 0]),
            Some(Timeout::Never)
        );
    }

    #[test]
    fn a_deadline_in_the_past_is_due() {
        assert_eq!(
            Timeout::At {
                clock: libc::CLOCK_MONOTONIC,
                time: Duration::ZERO
            }
            .ms(),
            Some(0)
        );
    }
}
