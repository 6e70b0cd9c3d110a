//! Verdicts per requirement.
//!
//! In one scenario the first step whose evidence differs is charged to the requirements whose
//! evidence differs in that very step; what differs only later is not reached, because a program
//! that has left the path cannot be judged by what follows. Equal evidence passes whatever else
//! failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use supervisor::event::{Event, What};

use super::evidence::{self, Item};
use super::machine::{self, Lack};
use super::{Outcome, Reason, Verdict, explain};
use crate::lab::{Lab, Lang, Requirement, Scenario};
use crate::transcript::{PhaseDifference, Selection, Transcript, compare};

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

/// A scenario with its runs.
struct Judged<'a> {
    scenario: &'a Scenario,
    runs: Vec<Run<'a>>,
}

enum Run<'a> {
    Ran {
        ran: &'a Ran,
        /// By requirement.
        standings: BTreeMap<&'a str, Standing>,
        /// Where the run left the path, and to whom that is charged.
        first: Option<(u32, &'a str)>,
    },
    Fault(String),
    NotBuilt(&'a str),
    Unavailable(Lack),
}

/// How a requirement stands in one run.
enum Standing {
    Equal,
    /// Its evidence differs where the run left the path.
    Charged(PhaseDifference),
    /// Its evidence differs only after that.
    Later,
    /// Its evidence cannot be seen without tracing.
    Unseen,
}

impl<'a> Judged<'a> {
    fn new(lab: &'a Lab, scenario: &'a Scenario, runs: &'a [ScenarioOutcome]) -> Self {
        let runs = runs
            .iter()
            .filter(|run| run.scenario == scenario.id)
            .map(|run| match &run.result {
                ScenarioResult::Ran(ran) => match fault(ran) {
                    Some(fault) => Run::Fault(fault),
                    None => match machine::lack(scenario, ran) {
                        Some(lack) => Run::Unavailable(lack),
                        None => judge_run(lab, scenario, ran),
                    },
                },
                ScenarioResult::Fault(fault) => Run::Fault(fault.clone()),
                ScenarioResult::NotBuilt { program } => Run::NotBuilt(program),
                ScenarioResult::Unavailable(what) => Run::Unavailable(Lack::Other(what.clone())),
            })
            .collect();
        Self { scenario, runs }
    }
}

/// What makes a run unfit for a judgement: another lab's snapshot, or an act that the grader could
/// not perform although the program had done nothing wrong until then.
fn fault(ran: &Ran) -> Option<String> {
    // Whatever was seen by then may be the machine's doing.
    let starved = ran.events.iter().find_map(|event| match &event.what {
        What::Starved { what } => Some(format!("the machine ran short of {what}")),
        _ => None,
    });
    if starved.is_some() {
        return starved;
    }
    let comparison = compare(&ran.expected, &ran.actual, &Selection::Reaction);
    if let Some(stale) = comparison.stale {
        return Some(stale.to_string());
    }
    let first = comparison
        .phases
        .iter()
        .map(|phase| phase.number)
        .find(|number| *number != 0);
    ran.events.iter().find_map(|event| match &event.what {
        What::ActFailed { error, .. } if first.is_none_or(|first| event.step < first) => {
            Some(format!("step {}: {error}", event.step))
        }
        _ => None,
    })
}

fn judge_run<'a>(lab: &'a Lab, scenario: &'a Scenario, ran: &'a Ran) -> Run<'a> {
    let died = evidence::died_at(scenario, ran);
    let untraced = machine::untraced(ran);
    let mut unseen = Vec::new();
    let mut first: Option<(u32, &'a str)> = None;
    let mut found = Vec::new();
    for requirement in &lab.requirements {
        let items = evidence::items(scenario, &requirement.id);
        if items.is_empty() {
            continue;
        }
        if untraced && items.iter().any(|item| item.traced) {
            unseen.push((requirement.id.as_str(), Standing::Unseen));
            continue;
        }
        let differing: Vec<(Item<'_>, PhaseDifference)> = items
            .iter()
            .filter_map(|item| Some((item.clone(), item.difference(ran)?)))
            .collect();
        let earliest = differing
            .iter()
            .filter(|(item, _)| !item.is_check())
            .map(|(item, _)| item.position)
            .min();
        if let Some(position) = earliest
            && first.is_none_or(|(known, _)| position < known)
        {
            first = Some((position, &requirement.id));
        }
        // Silence from the dead proves nothing.
        let silent = died.is_some_and(|died| {
            items
                .iter()
                .all(|item| item.position > died && item.is_vacuous(ran))
        });
        found.push((requirement.id.as_str(), differing, silent));
    }
    let standings = found
        .into_iter()
        .map(|(id, differing, silent)| {
            let none = differing.is_empty();
            let charged = differing.into_iter().find(|(item, _)| {
                item.is_check() || first.is_some_and(|(position, _)| item.position == position)
            });
            let standing = match charged {
                Some((_, difference)) => Standing::Charged(difference),
                None if none && !(silent && first.is_some()) => Standing::Equal,
                None => Standing::Later,
            };
            (id, standing)
        })
        .chain(unseen)
        .collect();
    Run::Ran {
        ran,
        standings,
        first,
    }
}

/// What all scenarios together say about one requirement, needs aside.
enum Finding<'a> {
    Pass,
    Fail(Charge<'a>),
    Unstable(Option<Charge<'a>>, Option<Reason>),
    Fault(String),
    NotBuilt(&'a str),
    Unavailable(Lack),
    Later(Reason),
}

#[derive(Clone, Copy)]
struct Charge<'a> {
    scenario: &'a Scenario,
    ran: &'a Ran,
    difference: &'a PhaseDifference,
}

fn find<'a>(scenarios: &'a [Judged<'a>], requirement: &str) -> Finding<'a> {
    let mut proved = false;
    let mut charge = None;
    let mut not_built = None;
    let mut fault = None;
    let mut later = None;
    let mut unavailable = None;
    let mut unstable = false;
    for judged in scenarios {
        if evidence::items(judged.scenario, requirement).is_empty() {
            continue;
        }
        proved = true;
        let (mut equal, mut differs) = (false, false);
        for run in &judged.runs {
            match run {
                Run::Ran {
                    ran,
                    standings,
                    first,
                } => match standings.get(requirement) {
                    Some(Standing::Charged(difference)) => {
                        differs = true;
                        charge.get_or_insert(Charge {
                            scenario: judged.scenario,
                            ran,
                            difference,
                        });
                    }
                    Some(Standing::Later) => {
                        differs = true;
                        let (step, other) = first.unwrap_or_default();
                        later.get_or_insert_with(|| Reason::EarlierInScenario {
                            scenario: judged.scenario.id.clone(),
                            step: shown_step(judged.scenario, step),
                            requirement: other.to_owned(),
                        });
                    }
                    Some(Standing::Unseen) => {
                        unavailable.get_or_insert(Lack::Tracing);
                    }
                    Some(Standing::Equal) | None => equal = true,
                },
                Run::Fault(what) => {
                    fault.get_or_insert_with(|| what.clone());
                }
                Run::NotBuilt(program) => {
                    not_built.get_or_insert(*program);
                }
                Run::Unavailable(lack) => {
                    unavailable.get_or_insert_with(|| lack.clone());
                }
            }
        }
        unstable |= equal && differs;
        if judged.runs.is_empty() {
            let id = &judged.scenario.id;
            unavailable.get_or_insert_with(|| Lack::Other(format!("scenario {id} was not run")));
        }
    }
    if !proved {
        return Finding::Fault("no step of the lab proves it".to_owned());
    }
    if unstable {
        return Finding::Unstable(charge, later);
    }
    if let Some(charge) = charge {
        Finding::Fail(charge)
    } else if let Some(program) = not_built {
        Finding::NotBuilt(program)
    } else if let Some(fault) = fault {
        Finding::Fault(fault)
    } else if let Some(reason) = later {
        Finding::Later(reason)
    } else if let Some(lack) = unavailable {
        Finding::Unavailable(lack)
    } else {
        Finding::Pass
    }
}

/// After the steps is 0.
fn shown_step(scenario: &Scenario, position: u32) -> u32 {
    let steps = u32::try_from(scenario.steps.len()).unwrap_or(u32::MAX);
    if position > steps { 0 } else { position }
}

/// Applies the needs.
struct Court<'a> {
    lab: &'a Lab,
    findings: &'a BTreeMap<&'a str, Finding<'a>>,
    ruled: BTreeMap<&'a str, Ruling>,
}

/// The outcome, and the requirement that stands in the way.
#[derive(Clone, Debug)]
struct Ruling {
    outcome: Outcome,
    blocked_by: Option<String>,
}

impl<'a> Court<'a> {
    fn rule(&mut self, id: &str) -> Ruling {
        let plain = |outcome| Ruling {
            outcome,
            blocked_by: None,
        };
        if let Some(ruling) = self.ruled.get(id) {
            return ruling.clone();
        }
        let Some((id, finding)) = self.findings.get_key_value(id) else {
            return plain(Outcome::Pass);
        };
        let outcome = match finding {
            Finding::Pass => Outcome::Pass,
            Finding::Fail(_) => Outcome::Fail,
            Finding::Unstable(..) => Outcome::Unstable,
            Finding::Fault(_) => Outcome::Error,
            Finding::NotBuilt(_) | Finding::Later(_) => Outcome::NotReached,
            Finding::Unavailable(_) => Outcome::Skipped,
        };
        // Also ends a circle of needs, which only a lab that was not linted can have.
        self.ruled.insert(id, plain(outcome));
        let ruling = match finding {
            Finding::Fail(_) | Finding::Later(_) => match self.blocker(id) {
                Some(other) => Ruling {
                    outcome: Outcome::NotReached,
                    blocked_by: Some(other),
                },
                None => plain(outcome),
            },
            _ => plain(outcome),
        };
        self.ruled.insert(id, ruling.clone());
        ruling
    }

    /// The first requirement, among those needed directly or by way of others, that is not met.
    fn blocker(&mut self, id: &str) -> Option<String> {
        let lab = self.lab;
        let mut seen = vec![id.to_owned()];
        let mut next = needs(lab, id);
        while let Some(need) = next.pop() {
            if seen.contains(&need) {
                continue;
            }
            let ruling = self.rule(&need);
            match (ruling.outcome, ruling.blocked_by) {
                (Outcome::Pass | Outcome::Skipped, _) => {
                    next.extend(needs(lab, &need));
                    seen.push(need);
                }
                (_, Some(root)) if root != id => return Some(root),
                _ => return Some(need),
            }
        }
        None
    }
}

/// What a requirement needs, the first one last.
fn needs(lab: &Lab, id: &str) -> Vec<String> {
    let requirement = lab
        .requirements
        .iter()
        .find(|requirement| requirement.id == id);
    requirement.map_or_else(Vec::new, |requirement| {
        requirement.needs.iter().rev().cloned().collect()
    })
}

fn verdict(
    lab: &Lab,
    requirement: &Requirement,
    ruling: &Ruling,
    finding: Option<&Finding<'_>>,
    lang: Lang,
) -> Verdict {
    let difference = |charge: &Charge<'_>| {
        let case = explain::Case {
            lab,
            scenario: charge.scenario,
            ran: charge.ran,
            lang,
        };
        Reason::Difference(Box::new(explain::explain(&case, charge.difference)))
    };
    let reason = match (&ruling.blocked_by, finding) {
        (Some(requirement), _) => Some(Reason::Prerequisite {
            requirement: requirement.clone(),
        }),
        (None, Some(finding)) => match finding {
            Finding::Pass => None,
            Finding::Fail(charge) => Some(difference(charge)),
            Finding::Unstable(charge, later) => {
                charge.as_ref().map(difference).or_else(|| later.clone())
            }
            Finding::Fault(what) => Some(Reason::Fault(what.clone())),
            Finding::NotBuilt(program) => Some(Reason::NotBuilt {
                program: (*program).to_owned(),
            }),
            Finding::Unavailable(lack) => Some(Reason::Unavailable(lack.text(lang))),
            Finding::Later(reason) => Some(reason.clone()),
        },
        (None, None) => None,
    };
    let points = match ruling.outcome {
        Outcome::Pass => requirement.points,
        Outcome::Fail
        | Outcome::NotReached
        | Outcome::Unstable
        | Outcome::Error
        | Outcome::Skipped => 0,
    };
    Verdict {
        requirement: requirement.id.clone(),
        outcome: ruling.outcome,
        points,
        of: requirement.points,
        reason,
    }
}
