//! Futexes: joins, mutexes that have an owner, and those of which nothing can be known.

use super::calls::{FUTEX, FUTEX_WAIT};
use super::ends::Target;
use super::stage::Stage;
use super::timeout::futex;
use crate::event::{Ender, Object};
use crate::memory;
use crate::plan::ProcessId;
use crate::proc::ThreadScan;
use crate::scene::within_program;

/// Tid bits of a word that the kernel keeps the owner in (`FUTEX_TID_MASK`).
const TID_MASK: u32 = 0x3fff_ffff;
/// The largest tid (`PID_MAX_LIMIT`).
const MAX_TID: i32 = 4 << 20;

/// A futex wait: what a person would call it, and what it leads to.
pub(super) fn follow(
    stage: &Stage<'_>,
    waiter: ProcessId,
    tid: i32,
    scan: &ThreadScan,
) -> (String, Target) {
    let word = Word::read(tid, scan);
    let owner_is = |owner: i32| owned(stage, waiter, owner);
    match word {
        Some(Word {
            pi: true, value, ..
        }) => {
            let owner = (value & TID_MASK).cast_signed();
            ("pthread_mutex_lock".to_owned(), owner_is(owner))
        }
        // glibc's pthread_join sleeps on the thread's own tid, which the kernel clears at its end;
        // the kernel wakes it as a shared futex.
        Some(Word {
            value,
            expected,
            private: false,
            ..
        }) if value == expected
            && stage
                .thread(value.cast_signed())
                .is_some_and(|(p, _)| p == waiter) =>
        {
            let joined = stage
                .thread(value.cast_signed())
                .map_or(0, |(_, ordinal)| ordinal);
            let on = Object::Lock(format!("end of thread {joined}"));
            let enders = vec![Ender::Process {
                process: waiter,
                fd: None,
                itself: true,
            }];
            (
                format!("pthread_join(thread {joined})"),
                Target::new(on, enders),
            )
        }
        Some(Word {
            value: 2,
            expected: 2,
            mutex: Some(owner),
            ..
        }) => ("pthread_mutex_lock".to_owned(), owner_is(owner)),
        _ => {
            let on = Object::Lock("condition variable, semaphore or other lock".to_owned());
            let why = "condition variables and semaphores have no owner";
            (
                "futex".to_owned(),
                Target::new(on, vec![Ender::Unknown(why.to_owned())]),
            )
        }
    }
}

/// A lock whose owner is known.
fn owned(stage: &Stage<'_>, waiter: ProcessId, owner: i32) -> Target {
    let Some((process, thread)) = stage.thread(owner) else {
        let on = Object::Lock("mutex whose owner has ended".to_owned());
        return Target::new(on, vec![Ender::Nobody]);
    };
    let itself = process == waiter;
    let holder = match (itself, thread) {
        (true, thread) => format!("thread {thread}"),
        (false, 0) => within_program(process),
        (false, thread) => format!("thread {thread} of {}", within_program(process)),
    };
    let on = Object::Lock(format!("mutex held by {holder}"));
    Target::new(
        on,
        vec![Ender::Process {
            process,
            fd: None,
            itself,
        }],
    )
}

/// A futex word and what surrounds it.
struct Word {
    value: u32,
    expected: u32,
    private: bool,
    pi: bool,
    /// `__owner`, if the word looks like the first of a `pthread_mutex_t` of glibc.
    mutex: Option<i32>,
}

impl Word {
    fn read(tid: i32, scan: &ThreadScan) -> Option<Self> {
        let args = &scan.args;
        let (expected, flags, pi) = match scan.nr {
            FUTEX => {
                let operation = futex::operation(args[1]);
                let pi = matches!(operation, futex::LOCK_PI | futex::LOCK_PI2);
                (args[2], args[1], pi)
            }
            // Private is another bit there, and glibc does not use it for what is looked for here.
            FUTEX_WAIT => (args[1], futex::PRIVATE, false),
            _ => return None,
        };
        let bytes = memory::read(tid, args[0], 20);
        let int = |at: usize| {
            bytes
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(u32::from_ne_bytes)
        };
        // `struct __pthread_mutex_s` on 64-bit machines: lock, count, owner, nusers, kind.
        let mutex = || {
            let (owner, users, kind) = (int(8)?.cast_signed(), int(12)?, int(16)?);
            // Kinds: type 0..3, robust 16, PI 32, protect 64, shared 128, elision 256 and 512.
            let looks_like_one = (1..=MAX_TID).contains(&owner)
                && (1..1 << 16).contains(&users)
                && kind < 1024
                && kind & 0xc == 0;
            looks_like_one.then_some(owner)
        };
        Some(Self {
            value: int(0)?,
            expected: u32::try_from(expected & 0xffff_ffff).ok()?,
            private: flags & futex::PRIVATE != 0,
            pi,
            mutex: mutex(),
        })
    }
}
