//! IPC namespaces: System V objects and message queues belong to no process, only to these.
//!
//! Making one, and its end, costs about as much as starting a program, and hardly any program uses
//! it. So scenarios get the worker's, one after another, until one of them may have made something in
//! it: then the worker takes a new one.

use nix::sched::{CloneFlags, unshare};

use crate::launch::Identity;

/// What the worker's children do about IPC.
#[derive(Debug)]
pub(crate) struct Ipc {
    /// The worker's own namespace is as good as new.
    unused: bool,
}

impl Ipc {
    /// For programs that will be `identity`. Where they share their user with the namespace's root,
    /// they could change its limits unseen.
    pub(crate) fn new(identity: &Identity) -> Self {
        Self {
            unused: matches!(identity, Identity::Separate { .. }) && fresh(),
        }
    }

    /// The flags of `clone` for a helper.
    pub(crate) fn flags(&self) -> i32 {
        if self.unused { 0 } else { libc::CLONE_NEWIPC }
    }

    /// A helper has ended; `untouched`: it has seen that nobody could make anything.
    pub(crate) fn ended(&mut self, untouched: bool) {
        self.unused = self.unused && (untouched || fresh());
    }
}

/// Moves this process into a new one. If that fails, its children get their own.
fn fresh() -> bool {
    unshare(CloneFlags::CLONE_NEWIPC).is_ok()
}
