//! What all scenarios together say about one requirement, needs aside.

use super::Ran;
use super::runs::{Judged, Run, Standing};
use crate::lab::Scenario;
use crate::transcript::PhaseDifference;
use crate::verdict::machine::Lack;
use crate::verdict::{Reason, evidence};

/// What all scenarios together say about one requirement, needs aside.
pub(super) enum Finding<'a> {
    Pass,
    Fail(Charge<'a>),
    Unstable(Option<Charge<'a>>, Option<Reason>),
    Fault(String),
    NotBuilt(&'a str),
    Unavailable(Lack),
    Later(Reason),
}

/// The difference that a requirement is charged with.
#[derive(Clone, Copy)]
pub(super) struct Charge<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) ran: &'a Ran,
    pub(super) difference: &'a PhaseDifference,
}

/// Gathers what the runs say about a requirement.
pub(super) fn find<'a>(scenarios: &'a [Judged<'a>], requirement: &str) -> Finding<'a> {
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

/// The number of a step in a report: after the steps is 0.
fn shown_step(scenario: &Scenario, position: u32) -> u32 {
    let steps = u32::try_from(scenario.steps.len()).unwrap_or(u32::MAX);
    if position > steps { 0 } else { position }
}
