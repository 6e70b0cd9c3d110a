//! The seam between running and reporting: what reporters are fed.

use std::time::Duration;

use crate::lab::Lab;
use crate::submission::BuildReport;
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
    /// Nothing could be graded; there is no other event then, or none after it.
    Refused(&'a Refusal<'a>),
}

/// Why a submission was not graded at all.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// The submission as the user named it.
    pub submission: &'a str,
    /// What is wrong, in the words of the command line.
    pub message: &'a str,
    /// Exit status of the check: 2 the submission or the call, 3 the grader or the machine.
    pub exit_status: u8,
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
