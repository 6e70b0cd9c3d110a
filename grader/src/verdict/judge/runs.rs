//! The runs of a scenario, and how each requirement stands in each.

use std::collections::BTreeMap;

use supervisor::event::What;

use super::{Ran, ScenarioOutcome, ScenarioResult};
use crate::lab::{Lab, Scenario};
use crate::transcript::{PhaseDifference, Selection, compare};
use crate::verdict::evidence::{self, Item};
use crate::verdict::machine::{self, Lack};

/// A scenario with its runs.
pub(super) struct Judged<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) runs: Vec<Run<'a>>,
}

/// What one run is worth.
pub(super) enum Run<'a> {
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
pub(super) enum Standing {
    Equal,
    /// Its evidence differs where the run left the path.
    Charged(PhaseDifference),
    /// Its evidence differs only after that.
    Later,
    /// Its evidence cannot be seen without tracing.
    Unseen,
}

impl<'a> Judged<'a> {
    pub(super) fn new(lab: &'a Lab, scenario: &'a Scenario, runs: &'a [ScenarioOutcome]) -> Self {
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
                ScenarioResult::Without(means) => Run::Unavailable(Lack::LeftOut(*means)),
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
