//! Futexes: joins, mutexes and streams that have an owner, and those of which nothing can be known.

use super::calls::{FUTEX, FUTEX_WAIT};
use super::ends::Target;
use super::stage::Stage;
use super::threads;
use super::timeout::futex;
use crate::event::{Ender, Lock, Object};
use crate::memory;
use crate::plan::ProcessId;
use crate::proc::ThreadScan;

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
    if let Some(thread) = word.as_ref().and_then(|word| joined(stage, waiter, word)) {
        let end = held(waiter, Lock::Join(thread), waiter);
        return (format!("pthread_join(thread {thread})"), end);
    }
    if let Some(thread) = word.as_ref().and_then(|word| user(stage, waiter, word)) {
        let stream = held(waiter, Lock::Stream(thread), waiter);
        return ("flockfile".to_owned(), stream);
    }
    match word {
        Some(Word {
            pi: true, value, ..
        }) => {
            let owner = (value & TID_MASK).cast_signed();
            ("pthread_mutex_lock".to_owned(), owner_is(owner))
        }
        Some(Word {
            value: 2,
            expected: 2,
            mutex: Some(owner),
            ..
        }) => ("pthread_mutex_lock".to_owned(), owner_is(owner)),
        _ => {
            let on = Object::Lock(Lock::Unowned);
            let why = "condition variables and semaphores have no owner";
            (
                "futex".to_owned(),
                Target::new(on, vec![Ender::Unknown(why.to_owned())]),
            )
        }
    }
}

/// The thread whose end a word tells. The kernel clears it then and wakes who waits, as of a shared
/// futex; until then it has the thread's own tid, or since glibc 2.43 another number in its structure.
fn joined(stage: &Stage<'_>, waiter: ProcessId, word: &Word) -> Option<u16> {
    if word.private || word.value != word.expected {
        return None;
    }
    let mut threads = stage.threads_of(waiter);
    let named = threads.find(|thread| thread.tid == word.value.cast_signed());
    named
        .map(|thread| thread.ordinal)
        .or_else(|| threads::holding(stage, waiter, word.address))
}

/// The thread that uses a stream: the lock of a `FILE` of glibc has a count and a `pthread_self()` behind it.
/// `exit` of glibc 2.39 waits for it, that of 2.36 does not.
fn user(stage: &Stage<'_>, waiter: ProcessId, word: &Word) -> Option<u16> {
    if (word.value, word.expected) != (2, 2) {
        return None;
    }
    threads::called(stage, waiter, word.pointer?)
}

/// A mutex whose owner is known.
fn owned(stage: &Stage<'_>, waiter: ProcessId, owner: i32) -> Target {
    match stage.thread(owner) {
        None => Target::new(Object::Lock(Lock::Orphan), vec![Ender::Nobody]),
        Some((process, thread)) => held(waiter, Lock::Mutex { process, thread }, process),
    }
}

/// What a `process` could end that the waiter is waiting for.
fn held(waiter: ProcessId, lock: Lock, process: ProcessId) -> Target {
    let holder = Ender::Process {
        process,
        fd: None,
        itself: process == waiter,
    };
    Target::new(Object::Lock(lock), vec![holder])
}

/// A futex word and what surrounds it.
struct Word {
    address: u64,
    value: u32,
    expected: u32,
    private: bool,
    pi: bool,
    /// `__owner`, if the word looks like the first of a `pthread_mutex_t` of glibc.
    mutex: Option<i32>,
    /// Behind two numbers, where the lock of a `FILE` has its owner.
    pointer: Option<u64>,
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
        let pointer = bytes.get(8..16).and_then(|bytes| bytes.try_into().ok());
        Some(Self {
            address: args[0],
            value: int(0)?,
            expected: u32::try_from(expected & 0xffff_ffff).ok()?,
            private: flags & futex::PRIVATE != 0,
            pi,
            mutex: mutex(),
            pointer: pointer.map(u64::from_ne_bytes),
        })
    }
}
