//! Checking a submission: build it, run every scenario, compare, judge.

mod chosen;
mod error;
mod expected;
mod job;
mod rungs;
mod told;

#[cfg(test)]
mod tests;

pub use error::CheckError;
pub use expected::Expected;
pub(super) use job::Trial;

use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use self::job::Job;
use super::engine::Engine;
use super::event::{RunEvent, Summary};
use super::optimised;
use super::seed::fresh_seed;
use crate::lab::{Lab, Lang};
use crate::submission::{self, BuildOptions, Built};
use crate::verdict::{self, Outcome, Rung, ScenarioOutcome, ScenarioResult, Verdict};

/// How to check.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// Only these scenarios; empty: all.
    pub scenarios: Vec<String>,
    /// Only these requirements, with what they need; empty: all.
    pub requirements: Vec<String>,
    /// The language of explanations and hints.
    pub lang: Lang,
    /// The seed of nonces; drawn if not given.
    pub seed: Option<u64>,
    /// How often each scenario is run; 0 counts as 1.
    pub repeat: u32,
    /// What reports call the submission; its directory's path if not given.
    pub name: Option<String>,
    /// What is known of it beforehand and worth saying: what was passed over in its archive.
    pub notes: Vec<String>,
    /// How many of its scenarios run at once, at most as many as the engine has workers; 0: so
    /// many.
    pub at_once: usize,
}

/// A checked submission.
#[derive(Debug)]
pub struct Checked {
    /// Verdicts and points.
    pub summary: Summary,
    /// What ran, in the lab's order, repeats of a scenario one after another.
    pub scenarios: Vec<CheckedScenario>,
    /// The submission's programs.
    pub built: Built,
    /// The seed; the same seed gives the same payloads again.
    pub seed: u64,
}

/// One run of one scenario.
#[derive(Debug)]
pub struct CheckedScenario {
    /// Its id, with both transcripts and the recording where it ran.
    pub outcome: ScenarioOutcome,
    /// Number of the repeat, from 0.
    pub repeat: u32,
    /// Wall time.
    pub took: Duration,
}

/// Checks the submission in the directory `submission`: builds it, runs the chosen scenarios on
/// all workers at once, compares with what the reference did, and judges. Reporters are told
/// through `sink` as soon as things are known, scenarios in the lab's order.
///
/// # Errors
/// See [`CheckError`]. A program that does not compile and a scenario that the machine could not
/// run are no errors here: they are verdicts.
pub fn check(
    engine: &Engine,
    lab: &Lab,
    expected: &dyn Expected,
    submission: &Path,
    options: &CheckOptions,
    sink: &mut dyn FnMut(RunEvent<'_>),
) -> Result<Checked, CheckError> {
    let began = Instant::now();
    let lab = chosen::chosen(lab, options)?;
    let lab = lab.as_ref();
    let wanted = expected::wanted(engine, lab, expected)?;
    let repeats = usize::try_from(options.repeat.max(1)).unwrap_or(usize::MAX);
    engine.warm_up(lab.scenarios.len().saturating_mul(repeats));
    let name = match &options.name {
        Some(name) => name.clone(),
        None => submission.display().to_string(),
    };
    sink(RunEvent::Began {
        lab,
        submission: &name,
    });
    let build = BuildOptions {
        cache: engine.cache(),
        toolchain: engine.toolchain(),
        lang: options.lang,
        isolation: engine.isolation(),
    };
    let built = thread::scope(|scope| {
        if !lab.tools.programs.is_empty() {
            // Ready before the first scenario; a failure is told by those that need them.
            scope.spawn(|| engine.tools(lab));
        }
        submission::build(engine, lab, submission, &build)
    })?;
    for report in &built.reports {
        sink(RunEvent::Built(report));
    }
    let seed = options.seed.unwrap_or_else(fresh_seed);
    let job = Job {
        engine,
        lab,
        built: &built,
        wanted: &wanted,
        seed,
        rungs: Mutex::default(),
    };
    let scenarios = job.all(options.repeat.max(1), options.at_once, sink)?;
    let (outcomes, rest): (Vec<ScenarioOutcome>, Vec<(u32, Duration)>) = scenarios
        .into_iter()
        .map(|s| (s.outcome, (s.repeat, s.took)))
        .unzip();
    let verdicts = verdict::judge_in(lab, &outcomes, options.lang);
    let trial = Trial {
        job: &job,
        submission,
    };
    let (rungs, notes) = remarks(&trial, options, &outcomes, &verdicts);
    let summary = Summary {
        lab: lab.id.clone(),
        submission: name,
        points: verdicts.iter().map(|v| v.points).sum(),
        of: possible(&verdicts),
        verdicts,
        took: began.elapsed(),
        scenarios: lab.scenarios.len(),
        rungs,
        notes,
    };
    sink(RunEvent::Finished(&summary));
    let scenarios = outcomes
        .into_iter()
        .zip(rest)
        .map(|(outcome, (repeat, took))| CheckedScenario {
            outcome,
            repeat,
            took,
        })
        .collect();
    Ok(Checked {
        summary,
        scenarios,
        built,
        seed,
    })
}

/// From which rungs the programs were taken, and what else is worth saying, nothing twice.
fn remarks(
    trial: &Trial<'_>,
    options: &CheckOptions,
    outcomes: &[ScenarioOutcome],
    verdicts: &[Verdict],
) -> (Vec<Rung>, Vec<String>) {
    let (job, lang) = (trial.job, options.lang);
    let mut notes = options.notes.clone();
    notes.extend(job.built.notes.iter().cloned());
    let mut rungs = job.taken(outcomes);
    verdict::charge(&mut rungs, verdicts);
    let of_rungs = rungs.iter().filter_map(|rung| rung.text(lang));
    let of_runs = outcomes.iter().flat_map(|o| notes_of(job.lab, o, lang));
    for note in of_rungs.chain(of_runs) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    if optimised::concerns(job.built) {
        notes.extend(optimised::note(trial, verdicts, lang));
    }
    (rungs, notes)
}

/// Points that could be earned: what this machine cannot show is out of the total.
fn possible(verdicts: &[Verdict]) -> u32 {
    verdicts
        .iter()
        .filter(|verdict| verdict.outcome != Outcome::Skipped)
        .map(|verdict| verdict.of)
        .sum()
}

fn notes_of(lab: &Lab, outcome: &ScenarioOutcome, lang: Lang) -> Vec<String> {
    let scenario = lab.scenarios.iter().find(|s| s.id == outcome.scenario);
    match (&outcome.result, scenario) {
        (ScenarioResult::Ran(ran), Some(scenario)) => verdict::notes(lab, scenario, ran, lang),
        _ => Vec::new(),
    }
}
