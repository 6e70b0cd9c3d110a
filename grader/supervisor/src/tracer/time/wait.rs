//! Timed waits: made endless in the kernel, and ended by us when their moment has come.
//!
//! The thread sleeps in the kernel as it would: whatever else ends its wait (data, a signal, a
//! waking thread) ends it as ever. Only the timeout is taken away at the call's entry and given
//! back at its exit, and what the kernel reports of the time that was left is written by us.

use std::time::Duration;

use super::clock::{Clock, Moment};
use crate::memory;
use crate::tracer::registers::Registers;
use crate::waits::calls::{
    ACCEPT, ACCEPT4, CLOCK_NANOSLEEP, CONNECT, EPOLL_PWAIT, EPOLL_PWAIT2, EPOLL_WAIT, FUTEX,
    MQ_TIMEDRECEIVE, MQ_TIMEDSEND, NANOSLEEP, POLL, PPOLL, PSELECT6, RT_SIGTIMEDWAIT, SELECT,
    SEMOP, SEMTIMEDOP,
};
use crate::waits::timeout::{self, Timeout};

/// `-ERESTARTNOHAND`: made again if no handler ran, else `EINTR`. What the kernel does about an
/// interrupted timed wait comes to the same.
pub(super) const RESTARTS: i64 = -514;

/// A wait that ends at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    /// When.
    pub(crate) until: Moment,
    /// How long it waits at most.
    pub(crate) length: Duration,
    /// Which of several that end at the same moment comes first.
    pub(crate) order: u64,
    /// Its moment has come.
    pub(crate) over: bool,
    /// What it returns then.
    ends: i64,
    taken: Taken,
}

/// A wait that a signal without a handler has interrupted; the kernel makes the call again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resumed {
    nr: i64,
    args: [u64; 6],
    until: Moment,
}

/// Where the timeout was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// The call was a sleep; the kernel sees a pause.
    Sleep,
    /// The argument of this number.
    Argument(u8),
    /// An option of the socket, taken away when it was set.
    Option,
}

/// How each call waits: where its timeout stands, what stands there for "for ever", and what the
/// call returns when it has passed.
fn form(nr: i64) -> Option<(Taken, u64, i64)> {
    let again = -i64::from(libc::EAGAIN);
    let late = -i64::from(libc::ETIMEDOUT);
    Some(match nr {
        NANOSLEEP | CLOCK_NANOSLEEP => (Taken::Sleep, 0, 0),
        POLL => (Taken::Argument(2), u64::MAX, 0),
        PPOLL => (Taken::Argument(2), 0, 0),
        EPOLL_WAIT | EPOLL_PWAIT => (Taken::Argument(3), u64::MAX, 0),
        EPOLL_PWAIT2 => (Taken::Argument(3), 0, 0),
        SELECT | PSELECT6 => (Taken::Argument(4), 0, 0),
        FUTEX => (Taken::Argument(3), 0, late),
        RT_SIGTIMEDWAIT => (Taken::Argument(2), 0, again),
        SEMTIMEDOP => (Taken::Argument(3), 0, again),
        MQ_TIMEDSEND | MQ_TIMEDRECEIVE => (Taken::Argument(4), 0, late),
        _ => return None,
    })
}

/// At a call's entry: takes its timeout away, if it has one.
pub(crate) fn enter(
    tid: i32,
    nr: i64,
    args: &[u64; 6],
    resumed: Option<Resumed>,
    clock: &Clock,
    order: u64,
) -> Option<Timed> {
    let (taken, forever, ends) = form(nr)?;
    let until = match timeout::of_call(nr, args, tid)? {
        // What is wrong with an argument is the kernel's to say, and no time is no wait.
        Timeout::Never | Timeout::Unreadable | Timeout::After(Duration::ZERO) => return None,
        Timeout::After(length) => clock.now().saturating_add(length),
        Timeout::At { clock: of, time } => clock.moment(of, time)?,
    };
    if nr == CLOCK_NANOSLEEP {
        clock.read(args[0] as i32)?;
    }
    let until = match resumed {
        Some(resumed) if resumed.nr == nr && resumed.args == *args => resumed.until,
        _ => until,
    };
    let mut registers = Registers::of(tid)?;
    match taken {
        Taken::Sleep => registers.pause(),
        Taken::Argument(number) => registers.set_argument(number, forever),
        Taken::Option => {}
    }
    registers.write();
    Some(Timed {
        until,
        length: until.saturating_sub(clock.now()),
        order,
        over: false,
        ends,
        taken,
    })
}

/// A call on a socket whose option limits how long it waits.
pub(crate) fn on_socket(
    nr: i64,
    args: &[u64; 6],
    limit: Duration,
    resumed: Option<Resumed>,
    clock: &Clock,
    order: u64,
) -> Timed {
    let ends = if nr == CONNECT {
        libc::EINPROGRESS
    } else {
        libc::EAGAIN
    };
    let until = match resumed {
        Some(resumed) if resumed.nr == nr && resumed.args == *args => resumed.until,
        _ => clock.now().saturating_add(limit),
    };
    Timed {
        until,
        length: until.saturating_sub(clock.now()),
        order,
        over: false,
        ends: -i64::from(ends),
        taken: Taken::Option,
    }
}

/// Whether a call, once interrupted, is not made again by the kernel although no handler has run. One
/// whose moment has come is at its end anyway.
pub(crate) fn gives_up(nr: i64, timed: Option<&Timed>) -> bool {
    let by_itself = matches!(
        nr,
        EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 | RT_SIGTIMEDWAIT | SEMOP | SEMTIMEDOP
    );
    timed.map_or(by_itself, |timed| {
        !timed.over && (by_itself || timed.taken == Taken::Option)
    })
}

/// Whether a call takes from a socket (as opposed to giving to it).
pub(crate) fn receives(nr: i64) -> bool {
    nr == ACCEPT
        || nr == ACCEPT4
        || matches!(
            nr,
            libc::SYS_read | libc::SYS_readv | libc::SYS_recvfrom | libc::SYS_recvmsg
        )
}

/// At its exit: gives the timeout back. Answers the result that the program sees, and the wait if
/// the kernel may make the call again.
pub(crate) fn leave(
    tid: i32,
    nr: i64,
    args: &[u64; 6],
    timed: &Timed,
    result: i64,
    now: Moment,
) -> (i64, Option<Resumed>) {
    let interrupted = (-516..=-512).contains(&result) || result == -i64::from(libc::EINTR);
    let seen = match (interrupted, timed.taken) {
        (true, _) if timed.over => timed.ends,
        (true, Taken::Option) if result != RESTARTS => -i64::from(libc::EINTR),
        (true, _) if result != -i64::from(libc::EINTR) => RESTARTS,
        _ => result,
    };
    if let Some(mut registers) = Registers::of(tid) {
        registers.set_result(seen);
        match timed.taken {
            Taken::Sleep => registers.unpause(nr, args),
            Taken::Argument(number) => {
                registers.set_argument(number, args[usize::from(number)]);
            }
            Taken::Option => {}
        }
        registers.write();
    }
    tell_the_rest(tid, nr, args, seen, timed.until.saturating_sub(now));
    let resumed = (seen == RESTARTS).then_some(Resumed {
        nr,
        args: *args,
        until: timed.until,
    });
    (seen, resumed)
}

/// Writes what the kernel writes about the time that was left, and the empty sets of a `select`
/// that has ended by its timeout. Memory that cannot be written is the program's own affair: the
/// kernel would not tell it either.
fn tell_the_rest(tid: i32, nr: i64, args: &[u64; 6], seen: i64, left: Duration) {
    let seconds = left.as_secs().to_ne_bytes();
    let with = |part: u64| [seconds, part.to_ne_bytes()].concat();
    let write = |at: u64, bytes: &[u8]| {
        if at != 0 {
            let _ = memory::write(tid, at, bytes);
        }
    };
    let timespec = || with(u64::from(left.subsec_nanos()));
    match nr {
        NANOSLEEP if seen < 0 => write(args[1], &timespec()),
        CLOCK_NANOSLEEP if seen < 0 && args[1] & 1 == 0 => write(args[3], &timespec()),
        PPOLL => write(args[2], &timespec()),
        PSELECT6 => write(args[4], &timespec()),
        SELECT => write(args[4], &with(u64::from(left.subsec_micros()))),
        _ => {}
    }
    if matches!(nr, SELECT | PSELECT6) && seen == 0 {
        /// More descriptors than any limit allows.
        const MOST: usize = 1 << 16;
        let highest = usize::try_from(args[0] as i32).unwrap_or(0).min(MOST);
        let empty = vec![0; highest.div_ceil(64) * 8];
        for set in &args[1..4] {
            write(*set, &empty);
        }
    }
}
