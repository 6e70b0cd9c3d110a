//! What a scenario cannot reach: namespaces, a root of its own, placed files, Landlock.
//!
//! Two rungs. *Full*: the worker makes user, mount, network and UTS namespaces once and a
//! read-only root ([`root`]); every scenario gets PID and mount namespaces, an IPC namespace that
//! nobody has used ([`ipc`]), and on top private file systems that are new ([`scenario`]) or as good as that
//! ([`spare`]). *Reduced*, where the machine refuses that: a private directory, Landlock, limits and the filter ([`reduced`]).

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
pub(crate) mod sys;
pub(crate) mod user;

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
    /// A refusal by the kernel, with the operation in words.
    pub(crate) fn refused(what: impl std::fmt::Display) -> impl FnOnce(nix::Error) -> Self {
        move |errno| Self::NotGranted(format!("{what}: {}", errno.desc()))
    }
}
