//! The seam between running and reporting: what reporters are fed.

use std::time::Duration;

use crate::lab::Lab;
use crate::submission::Rung;
use crate::verdict::Verdict;

/// Something a reporter may show. Reporters get every event, in this order:
/// `Began`, `Built`*, `Enforced`, `ScenarioDone`*, `Finished`.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// A submission's grading begins.
    Began {
        /// The lab.
        lab: &'a Lab,
        /// The submission as the user named it.
        submission: &'a str,
    },
    /// A program was built, or not.
    Built(&'a BuildReport),
    /// What the machine enforces; once, from the first scenario.
    Enforced(&'a supervisor::event::Enforced),
    /// A scenario has run.
    ScenarioDone {
        /// Its id.
        scenario: &'a str,
        /// How long it took.
        took: Duration,
        /// The grader's or the machine's fault, if it could not be run.
        fault: Option<&'a str>,
    },
    /// Everything is known.
    Finished(&'a Summary),
}

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

/// The end of a submission's grading.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The lab's id.
    pub lab: String,
    /// The submission as the user named it.
    pub submission: String,
    /// One verdict per requirement, in the lab's order.
    pub verdicts: Vec<Verdict>,
    /// Points earned and possible (skipped requirements are out of the total).
    pub points: u32,
    /// Points possible.
    pub of: u32,
    /// Wall time of the whole check.
    pub took: Duration,
    /// Number of scenarios run.
    pub scenarios: usize,
    /// How far from the handout the programs had to be taken, the first rungs included.
    pub rungs: Vec<crate::verdict::Rung>,
    /// Things worth saying that cost nothing: `text appears only at exit`.
    pub notes: Vec<String>,
}
