//! One run of one scenario: what checking, proving and recording share.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use supervisor::event::Event;
use thiserror::Error;

use super::engine::Engine;
use super::plan::{self, Cast, PlanError, Planned, Rungs, Setting};
use crate::lab::{Data, DataSource, Lab, Scenario, Stimulus};
use crate::submission::{BuiltProgram, Fault};
use crate::transcript::{Context, Transcript, build};

/// A scenario that was run.
#[derive(Clone, Debug)]
pub struct ScenarioRun {
    /// The recording.
    pub events: Vec<Event>,
    /// What it comes to.
    pub transcript: Transcript,
    /// Wall time.
    pub took: Duration,
}

/// Why a scenario was not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// It could not even be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The grader or the machine failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Runs a scenario once. Roles in `cast.students` are played by `programs`, the others by the
/// reference. The same seed gives the same payloads.
///
/// # Errors
/// A program is missing, the lab means nothing, or the grader or the machine failed.
pub fn run_scenario(
    engine: &Engine,
    lab: &Lab,
    scenario: &Scenario,
    cast: &Cast,
    programs: &BTreeMap<String, BuiltProgram>,
    seed: u64,
) -> Result<ScenarioRun, RunError> {
    run_on(
        engine,
        lab,
        scenario,
        cast,
        programs,
        &Rungs::default(),
        seed,
    )
}

/// [`run_scenario`] with the programs started as `rungs` say.
///
/// # Errors
/// As [`run_scenario`].
pub(super) fn run_on(
    engine: &Engine,
    lab: &Lab,
    scenario: &Scenario,
    cast: &Cast,
    programs: &BTreeMap<String, BuiltProgram>,
    rungs: &Rungs,
    seed: u64,
) -> Result<ScenarioRun, RunError> {
    let audits = scenario
        .setup
        .iter()
        .any(|(role, setup)| setup.audit_handlers && cast.students.contains(role));
    let shim = if audits { engine.handler_shim() } else { None };
    let tools = engine.tools(lab)?;
    let setting = Setting {
        cast,
        programs,
        rungs,
        shim,
        tools: &tools,
        seed,
        observation: engine.observation(),
        isolation: engine.isolation(),
    };
    let Planned { plan, names } = plan::plan(lab, scenario, &setting)?;
    let began = Instant::now();
    let events = engine.run(&plan)?;
    let took = began.elapsed();
    let context = Context {
        lab,
        scenario,
        names: &names,
        students: &cast.students,
    };
    let transcript = build(&context, &events);
    Ok(ScenarioRun {
        events,
        transcript,
        took,
    })
}

/// How long a scenario probably takes, in arbitrary units: each wait for quiescence costs, so the
/// number of steps and pieces counts, bytes a little. Long ones are started first.
pub(super) fn weight(scenario: &Scenario) -> usize {
    let data = |data: &Data| -> usize {
        let bytes = match &data.source {
            DataSource::Text(text) | DataSource::Fill { text, .. } => text.len(),
            DataSource::AllBytes => 256,
            DataSource::Random { bytes, .. } => *bytes,
            DataSource::Repeat { text, times } => text.len().saturating_mul(*times),
        };
        let sum = data
            .pieces
            .iter()
            .fold(0, |sum: usize, n| sum.saturating_add(*n));
        let pieces = bytes
            .saturating_mul(data.pieces.len())
            .checked_div(sum)
            .unwrap_or(1);
        pieces.saturating_add(bytes / 4096)
    };
    scenario
        .steps
        .iter()
        .flat_map(|step| &step.stimuli)
        .map(|stimulus| match stimulus {
            Stimulus::Type { data: d, .. } | Stimulus::Send { data: d, .. } => data(d),
            Stimulus::Start(_) => 4,
            _ => 1,
        })
        .fold(0, usize::saturating_add)
}
