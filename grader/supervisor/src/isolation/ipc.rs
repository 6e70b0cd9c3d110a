//! IPC namespaces: System V objects and message queues belong to no process, only to these.
//!
//! Making one, and its end, costs about as much as starting a program, and hardly any program uses
//! it. So scenarios get the worker's, one after another, until one of them may have made something in
//! it: then the worker takes a new one.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::sched::{CloneFlags, unshare};

use super::user::Identity;
use crate::raw;

/// `FSOPEN_CLOEXEC`, `FSCONFIG_CMD_CREATE`, `FSMOUNT_CLOEXEC` of linux/mount.h.
const FSOPEN_CLOEXEC: usize = 1;
const FSCONFIG_CMD_CREATE: usize = 6;
const FSMOUNT_CLOEXEC: usize = 1;

/// What the worker's children do about IPC.
#[derive(Debug)]
pub(crate) struct Ipc {
    /// The worker's own namespace, while it is as good as new.
    unused: Option<Namespace>,
}

#[derive(Debug)]
struct Namespace {
    /// Made once for all scenarios that are in it.
    queues: Option<OwnedFd>,
}

impl Ipc {
    /// For programs that will be `identity`. Where they share their user with the namespace's root,
    /// they could change its limits unseen.
    pub(crate) fn new(identity: &Identity) -> Self {
        let separate = matches!(identity, Identity::Separate { .. });
        Self {
            unused: separate.then(fresh).flatten(),
        }
    }

    /// The flags of `clone` for a helper.
    pub(crate) fn flags(&self) -> i32 {
        if self.unused.is_some() {
            0
        } else {
            libc::CLONE_NEWIPC
        }
    }

    /// The [`queues`] of a helper that shares the worker's namespace.
    pub(crate) fn queues(&self) -> Option<&OwnedFd> {
        self.unused.as_ref()?.queues.as_ref()
    }

    /// A helper has ended; `untouched`: it has seen that nobody could make anything.
    pub(crate) fn ended(&mut self, untouched: bool) {
        if !untouched && self.unused.is_some() {
            self.unused = fresh();
        }
    }
}

/// The root of the file system in which this process's namespace keeps POSIX message queues. It is nowhere
/// in the tree of files, so Landlock refuses all of it unless it is named. None where that is not granted.
pub(crate) fn queues() -> Option<OwnedFd> {
    let open = [c"mqueue".as_ptr() as usize, FSOPEN_CLOEXEC];
    // SAFETY: the name is a string of C; what is returned is nobody else's descriptor.
    let context = unsafe { made(libc::SYS_fsopen, open) }?;
    let number = context.as_raw_fd() as usize;
    let create = [number, FSCONFIG_CMD_CREATE, 0, 0, 0];
    // SAFETY: this command takes null for key and value.
    unsafe { raw::call(libc::SYS_fsconfig, create) }.ok()?;
    // SAFETY: takes integers only; what is returned is nobody else's descriptor.
    unsafe { made(libc::SYS_fsmount, [number, FSMOUNT_CLOEXEC, 0]) }
}

/// A call that makes a descriptor.
///
/// # Safety
/// As of the call, which must give a descriptor of its own.
unsafe fn made<const N: usize>(nr: i64, arguments: [usize; N]) -> Option<OwnedFd> {
    // SAFETY: the caller's.
    let fd = unsafe { raw::call(nr, arguments) }.ok()?;
    // SAFETY: the caller's.
    Some(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).ok()?) })
}

/// Moves this process into a new one. If that fails, its children get their own.
fn fresh() -> Option<Namespace> {
    unshare(CloneFlags::CLONE_NEWIPC).ok()?;
    Some(Namespace { queues: queues() })
}
