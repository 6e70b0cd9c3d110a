//! Which thread the C library's own notes are about: each thread has a `struct pthread`, and its list
//! of robust mutexes, of which the kernel knows the place, is in the middle of it.

use super::stage::Stage;
use crate::plan::ProcessId;
use crate::raw::{self, at, number};

/// How far behind the list the structure goes on, at most: it is 0x900 bytes long (glibc, 64 bits).
const BEHIND: u64 = 0x800;
/// How far before the list it begins, at most: 0x2e0 (x86-64) or 0xe0 (aarch64).
const BEFORE: u64 = 0x400;

/// The number of the living thread of `process` in whose structure, behind the list, `address` is.
pub(super) fn holding(stage: &Stage<'_>, process: ProcessId, address: u64) -> Option<u16> {
    about(stage, process, |list| {
        (list..list + BEHIND).contains(&address)
    })
}

/// The number of the living thread of `process` whose structure begins at `address`: its `pthread_self()`.
pub(super) fn called(stage: &Stage<'_>, process: ProcessId, address: u64) -> Option<u16> {
    about(stage, process, |list| {
        (list.saturating_sub(BEFORE)..list).contains(&address)
    })
}

fn about(stage: &Stage<'_>, process: ProcessId, fits: impl Fn(u64) -> bool) -> Option<u16> {
    let mut threads = stage.threads_of(process);
    let found = threads.find(|thread| robust_list(thread.tid).is_some_and(&fits));
    found.map(|thread| thread.ordinal)
}

/// Where a thread keeps its list of robust mutexes (`get_robust_list(2)`); `None` where it has none.
fn robust_list(tid: i32) -> Option<u64> {
    let (mut head, mut length) = (0u64, 0u64);
    let arguments = [number(tid), at(&raw mut head), at(&raw mut length)];
    // SAFETY: both numbers are live, and as long as the kernel writes.
    let told = unsafe { raw::call(libc::SYS_get_robust_list, arguments) };
    (told.is_ok() && (1..u64::MAX - BEHIND).contains(&head)).then_some(head)
}
