//! What a scenario cannot reach: namespaces, a root of its own, placed files, Landlock.
//!
//! Two rungs. *Full*: the worker makes user, mount, network and UTS namespaces once and a
//! read-only root ([`root`]); every scenario gets a PID namespace, an IPC namespace that nobody has
//! used ([`ipc`]), and on top, in a mount namespace that some of them share ([`mounts`]), private file
//! systems that are new ([`scenario`]) or as good as that ([`spare`]). *Reduced*, where the machine refuses
//! that: a private directory, Landlock, limits and the filter ([`reduced`]).

pub(crate) mod files;
pub(crate) mod ipc;
pub(crate) mod landlock;
pub(crate) mod mounts;
pub(crate) mod net;
pub(crate) mod reaper;
pub(crate) mod reduced;
pub(crate) mod removal;
pub(crate) mod root;
pub(crate) mod scenario;
pub(crate) mod spare;
mod subordinate;
pub(crate) mod sys;
pub(crate) mod user;

use nix::errno::Errno;

/// Why a scenario cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The machine refuses this rung: the next lower one may do.
    #[error("{0}")]
    NotGranted(String),
    /// Something else is wrong, on any rung.
    #[error("{0}")]
    NotSetUp(String),
}

impl SetupError {
    /// A refusal by the kernel, with the operation in words. Where something has run short for the moment,
    /// nothing is said about what the machine grants.
    pub(crate) fn refused(what: impl std::fmt::Display) -> impl FnOnce(nix::Error) -> Self {
        move |errno| {
            let text = format!("{what}: {}", errno.desc());
            match errno {
                Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE => {
                    Self::NotSetUp(text)
                }
                _ => Self::NotGranted(text),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_short_of_something_has_refused_nothing() {
        let said = |errno| SetupError::refused("a namespace")(errno);
        assert!(matches!(said(Errno::EPERM), SetupError::NotGranted(_)));
        assert!(matches!(said(Errno::ENOSPC), SetupError::NotGranted(_)));
        assert!(matches!(said(Errno::ENOMEM), SetupError::NotSetUp(_)));
        assert!(matches!(said(Errno::EAGAIN), SetupError::NotSetUp(_)));
    }
}
