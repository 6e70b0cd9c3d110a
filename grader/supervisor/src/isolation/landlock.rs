//! Confinement by Landlock: what may be read, and the few places that may be written.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};

/// The newest version whose rights are known here; older kernels take what they know of it.
const NEWEST: ABI = ABI::V6;
/// From this version on abstract sockets and signals can be kept from leading outside.
pub(crate) const SCOPES_FROM: i64 = 6;

/// A ruleset for `landlock_restrict_self`: everything below `readable` may be read and executed,
/// everything below `writable` also changed, and all that is in `queues`, the file system of message
/// queues; what does not exist is left out. `scoped`: abstract sockets and signals reach only processes
/// under the same ruleset, where the kernel knows that.
///
/// # Errors
/// In words, why there is none: the kernel does not have Landlock.
pub(crate) fn ruleset<'a>(
    readable: impl Iterator<Item = &'a Path>,
    writable: impl Iterator<Item = &'a Path>,
    queues: Option<BorrowedFd<'_>>,
    scoped: bool,
) -> Result<OwnedFd, String> {
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    let mut handled = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)
        .map_err(|e| e.to_string())?;
    if scoped {
        handled = handled
            .scope(Scope::from_all(NEWEST))
            .map_err(|e| e.to_string())?;
    }
    let mut created = handled.create().map_err(|e| e.to_string())?;
    let readable = readable.map(|path| (path, read));
    for (path, access) in readable.chain(writable.map(|path| (path, all))) {
        let Ok(fd) = PathFd::new(path) else {
            continue;
        };
        created = created
            .add_rule(PathBeneath::new(fd, access))
            .map_err(|e| e.to_string())?;
    }
    if let Some(queues) = queues {
        created = created
            .add_rule(PathBeneath::new(queues, all))
            .map_err(|e| e.to_string())?;
    }
    Option::<OwnedFd>::from(created).ok_or_else(|| "not supported by this kernel".into())
}

/// The kernel's version of Landlock, if it has it.
pub(crate) fn version() -> Option<i64> {
    // SAFETY: asks for a number; `LANDLOCK_CREATE_RULESET_VERSION` is 1.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0,
            1,
        )
    };
    (version > 0).then_some(version)
}
