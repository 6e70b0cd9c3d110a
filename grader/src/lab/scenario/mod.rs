//! A scenario: cast, setup, steps, checks.

mod check;
mod means;
mod setup;
mod steps;
mod warnings;

pub(super) use means::Means;
pub(super) use setup::{stderr_of, stdout_of};

use std::collections::BTreeMap;

use super::decode::{At, Blocks, Named, Sink, Span};
use super::model::{Program, Scenario};
use super::program::{self, no_such_program};
use super::raw;
use super::requirement::Requirements;
use super::values::{kebab, localised, required, unique, within};

/// What a scenario may refer to.
pub(super) struct Known<'a> {
    pub(super) programs: &'a [Program],
    pub(super) requirements: &'a Requirements,
}

/// Checks all scenarios of a lab. The flag says that they could be read whole, so that what is
/// missing in them really is missing.
pub(super) fn scenarios(
    blocks: Option<&At<Blocks<raw::Scenario>>>,
    known: &Known<'_>,
    sink: &mut Sink,
) -> (Vec<Scenario>, bool) {
    let mut scenarios = Vec::new();
    let mut seen = BTreeMap::new();
    let mut means = Means::default();
    let mut whole = blocks.is_some_and(|at| !at.value.damaged);
    for at in blocks.iter().flat_map(|at| &at.value.items) {
        let (id, id_span) = id(at, &mut seen, sink);
        let (scenario, read) = scenario(&at.value, id, &id_span, known, &mut means, sink);
        scenarios.push(scenario);
        whole &= read;
    }
    (scenarios, whole)
}

/// What a scenario is called, and where that is said or ought to be.
fn id(
    at: &At<raw::Scenario>,
    seen: &mut BTreeMap<String, Span>,
    sink: &mut Sink,
) -> (String, Span) {
    let raw = &at.value;
    let id = required(
        raw.id.as_ref(),
        &raw.shape,
        "id",
        "a scenario",
        &at.span,
        sink,
    );
    let Some(id) = id else {
        return (String::new(), at.span.clone());
    };
    kebab(&id.value, &id.span, sink);
    unique(
        seen,
        &id.value,
        &id.span,
        |n| format!("scenario `{n}` is there twice"),
        sink,
    );
    (id.value.clone(), id.span.clone())
}

fn scenario(
    raw: &raw::Scenario,
    id: String,
    id_span: &Span,
    known: &Known<'_>,
    means: &mut Means,
    sink: &mut Sink,
) -> (Scenario, bool) {
    let setup = setup::setups(raw.setup.as_ref(), known, sink);
    let mut scenario = Scenario {
        title: raw.title.as_ref().map(|t| localised(t, "the title", sink)),
        students: students(raw.cast.as_ref(), known, sink),
        setup,
        peers: BTreeMap::new(),
        steps: Vec::new(),
        checks: Vec::new(),
        wall_seconds: raw
            .wall_seconds
            .as_ref()
            .map(|s| within(s, "seconds", 1, 600, sink)),
        ignore: raw.ignore.as_ref().map(|i| program::ignore(&i.value)),
        own_network: raw.own_network.as_ref().is_some_and(|n| n.value),
        calibrated: raw.calibrated.as_ref().is_some_and(|c| c.value),
        id,
    };
    let built = steps::steps(raw, id_span, known, &scenario.setup, means, sink);
    scenario.peers = built.stage.receives.clone();
    scenario.steps = built.steps;
    let mut ids = BTreeMap::new();
    let count = scenario.steps.len();
    for at in raw.check.iter().flat_map(|c| &c.value.items) {
        let check = check::check(at, known, &built.stage, count, &mut ids, sink);
        scenario.checks.extend(check);
    }
    let whole = !built.damaged && raw.check.as_ref().is_none_or(|c| !c.value.damaged);
    if whole {
        warnings::warnings(
            raw,
            &scenario,
            &built.stage,
            id_span,
            built.default_used,
            sink,
        );
    }
    (scenario, whole)
}

fn students(
    cast: Option<&At<Named<raw::Player>>>,
    known: &Known<'_>,
    sink: &mut Sink,
) -> Vec<String> {
    let Some(cast) = cast else {
        return known.programs.iter().map(|p| p.name.clone()).collect();
    };
    let mut students = Vec::new();
    for (role, player) in &cast.value.0 {
        if !known.programs.iter().any(|p| p.name == role.value) {
            sink.push(no_such_program(&role.value, &role.span, known.programs));
        } else if player.value == raw::Player::Student {
            students.push(role.value.clone());
        }
    }
    students
}
