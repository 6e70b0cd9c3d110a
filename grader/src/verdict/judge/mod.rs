//! Verdicts per requirement.
//!
//! In one scenario the first step whose evidence differs is charged to the requirements whose
//! evidence differs in that very step; what differs only later is not reached, because a program
//! that has left the path cannot be judged by what follows. Equal evidence passes whatever else
//! failed.

mod court;
mod finding;
mod runs;

use std::collections::BTreeMap;
use std::sync::Arc;

use supervisor::event::{Event, Means};

use self::court::{Court, verdict};
use self::finding::{Finding, find};
use self::runs::Judged;
use super::Verdict;
use crate::lab::{Lab, Lang};
use crate::transcript::Transcript;

/// What became of one run of one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioOutcome {
    /// Its id. Several outcomes with the same id are repeats.
    pub scenario: String,
    /// What happened.
    pub result: ScenarioResult,
}

/// The result of a [`ScenarioOutcome`].
#[derive(Clone, Debug, PartialEq)]
pub enum ScenarioResult {
    /// It ran.
    Ran(Box<Ran>),
    /// The grader, the lab or the machine failed.
    Fault(String),
    /// A program of the submission that it needs was not built.
    NotBuilt {
        /// The role.
        program: String,
    },
    /// This machine lacks something it needs.
    Unavailable(String),
    /// It needs something without which it was asked to be graded.
    Without(Means),
}

/// A scenario that ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// The reference's transcript.
    pub expected: Arc<Transcript>,
    /// The submission's.
    pub actual: Transcript,
    /// The submission's recording, for explanations.
    pub events: Vec<Event>,
}

/// Judges every requirement of the lab, in its order, explaining in English.
#[must_use]
pub fn judge(lab: &Lab, runs: &[ScenarioOutcome]) -> Vec<Verdict> {
    judge_in(lab, runs, Lang::En)
}

/// Judges every requirement of the lab, in its order. The language concerns explanations only.
#[must_use]
pub fn judge_in(lab: &Lab, runs: &[ScenarioOutcome], lang: Lang) -> Vec<Verdict> {
    let scenarios: Vec<Judged<'_>> = lab
        .scenarios
        .iter()
        .map(|scenario| Judged::new(lab, scenario, runs))
        .collect();
    let mut findings: BTreeMap<&str, Finding<'_>> = BTreeMap::new();
    for requirement in &lab.requirements {
        findings
            .entry(&requirement.id)
            .or_insert_with(|| find(&scenarios, &requirement.id));
    }
    let mut court = Court {
        lab,
        findings: &findings,
        ruled: BTreeMap::new(),
    };
    lab.requirements
        .iter()
        .map(|requirement| {
            let ruling = court.rule(&requirement.id);
            verdict(
                lab,
                requirement,
                &ruling,
                findings.get(requirement.id.as_str()),
                lang,
            )
        })
        .collect()
}
