//! Mount namespaces: each for some scenarios, one after another.
//!
//! What a scenario mounts covers what the one before had at the same place, and nobody who may not
//! mount gets below it. So the namespace need not be copied for each, and taken down again, for which the kernel
//! waits until all processors have noticed. Where a scenario had something at a place of its own, the
//! next one has a new namespace.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sched::{CloneFlags, setns, unshare};

use super::SetupError;
use super::root;

/// So many scenarios have one, at most: what is covered costs memory, and the way up from it time.
const SCENARIOS: u32 = 8;

/// The worker's.
#[derive(Debug)]
pub(crate) struct Mounts {
    /// The one with nothing but the root that the worker has built.
    base: OwnedFd,
    /// The present one, and how many scenarios had it; before the first scenario none.
    present: Option<(OwnedFd, u32)>,
}

impl Mounts {
    /// For a worker that has just built its root.
    pub(crate) fn new() -> Result<Self, SetupError> {
        Ok(Self {
            base: root::own_mounts()?,
            present: None,
        })
    }

    /// Moves the worker to a new one, if it is time to. `true`: it has.
    pub(crate) fn renew(&mut self) -> Result<bool, SetupError> {
        match &mut self.present {
            Some((_, used)) if *used < SCENARIOS => {
                *used += 1;
                return Ok(false);
            }
            Some(_) => setns(&self.base, CloneFlags::CLONE_NEWNS)
                .map_err(SetupError::refused("the worker's mounts"))?,
            None => {}
        }
        unshare(CloneFlags::CLONE_NEWNS).map_err(SetupError::refused("a mount namespace"))?;
        self.present = Some((root::own_mounts()?, 1));
        Ok(true)
    }

    /// The next scenario must not have the present one.
    pub(crate) fn spoil(&mut self) {
        if let Some((_, used)) = &mut self.present {
            *used = SCENARIOS;
        }
    }

    /// All descriptors.
    pub(super) fn all(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let present = self.present.iter().map(|(present, _)| present.as_fd());
        present.chain([self.base.as_fd()])
    }

    /// The one that scenarios have now.
    pub(crate) fn present(&self) -> BorrowedFd<'_> {
        let present = self
            .present
            .as_ref()
            .map_or(&self.base, |(present, _)| present);
        present.as_fd()
    }
}
