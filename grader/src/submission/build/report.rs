//! What there is to tell of a build.

use crate::submission::Rung;

/// How one program of the submission was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildReport {
    /// The role.
    pub program: String,
    /// `us-server`.
    pub executable: String,
    /// `server.c`, `Makefile`, `Cargo.toml`.
    pub from: String,
    /// How it was built; `None` where it was not.
    pub rung: Option<Rung>,
    /// What was tried before, in vain: what a student would type comes first.
    pub tried: Vec<Tried>,
    /// Taken from the cache.
    pub cached: bool,
    /// Compiler warnings, whole; shown, not scored.
    pub warnings: String,
    /// Why it was not built: the compiler's own output, or a sentence.
    pub failure: Option<String>,
    /// What this machine lacks to build or run it; what needs it is skipped.
    pub unavailable: Option<String>,
    /// What to do about the failure, or so that what was tried first works.
    pub hint: Option<String>,
}

/// A way of building a program that did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which way.
    pub rung: Rung,
    /// `make`, `cc server.c`.
    pub how: String,
    /// Why it failed, one line.
    pub why: String,
}
