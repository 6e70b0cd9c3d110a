//! Verdicts and their explanations, as data.

use crate::transcript::Line;

/// The judgement on one requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The requirement's id.
    pub requirement: String,
    /// Pass, fail, …
    pub outcome: Outcome,
    /// Points earned.
    pub points: u32,
    /// Points possible.
    pub of: u32,
    /// Why it is not `pass`.
    pub reason: Option<Reason>,
}

/// What became of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Met.
    Pass,
    /// Not met, and the evidence says why.
    Fail,
    /// Could not be judged because something it rests on failed first.
    NotReached,
    /// Differs between repeats.
    Unstable,
    /// The grader's, the lab's or the machine's fault: never scored as the student's.
    Error,
    /// This machine cannot show it (the reason says what is missing); out of the total.
    Skipped,
}

/// Why a requirement is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The transcript differs.
    Difference(Box<Difference>),
    /// Another requirement failed first.
    Prerequisite {
        /// Its id.
        requirement: String,
    },
    /// An earlier difference in the same scenario, which belongs to another requirement.
    EarlierInScenario {
        /// The scenario.
        scenario: String,
        /// The step at which it left the expected path.
        step: u32,
        /// The requirement it was charged to.
        requirement: String,
    },
    /// A program it needs was not built.
    NotBuilt {
        /// The role.
        program: String,
    },
    /// The grader or the machine failed.
    Fault(String),
    /// Not available on this machine.
    Unavailable(String),
}

/// The first difference of a requirement's evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// The step, from 1 (0: after the steps).
    pub step: u32,
    /// The step's title: `connect bob`.
    pub title: String,
    /// What the reference did in the lanes that differ.
    pub expected: Vec<Line>,
    /// What the submission did there.
    pub yours: Vec<Line>,
    /// What is invisible and makes the difference: `a newline is missing at the end`.
    pub remark: Option<String>,
    /// What did not count in the lanes that differ: `case`, `cr`.
    pub ignored: Vec<&'static str>,
    /// How many more lines differ.
    pub more: usize,
    /// What the student's programs did in that step: one program each.
    pub actions: Vec<Actions>,
    /// Who waits for whom, one line each, where the run hung; and crashes in plain words.
    pub waits: Vec<String>,
    /// Microseconds after the last event at which it was proved that nothing more can happen.
    pub proved_after: Option<u64>,
}

/// What a program did in the step of the difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actions {
    /// The role.
    pub program: String,
    /// The step they were done in; 0 for the last one, where the difference is known only after it.
    pub step: u32,
    /// The calls reach back to this earlier step (`your server since step 5`).
    pub since: Option<u32>,
    /// Its last calls: `read(4) = 0`, with a remark where one helps.
    pub calls: Vec<ActionCall>,
}

/// A call as shown in an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCall {
    /// `read(4, "ab", 2) = 2`.
    pub text: String,
    /// `alice has closed her side`.
    pub remark: Option<String>,
}
