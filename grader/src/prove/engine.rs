//! What recording and proving ask of the engine.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::lab::catalog::LabSource;
use crate::lab::{Lab, Lang, Scenario};
use crate::run::{
    Cast, CheckError, CheckOptions, Checked, Engine, Expected, RunError, SnapshotError, check,
    run_scenario, scenario_seed,
};
use crate::starter;
use crate::submission::BuildReport;
use crate::transcript::Transcript;
use crate::verdict::{Outcome, Ran, ScenarioOutcome, ScenarioResult, judge};

use super::empty::write_empty;
use super::fixture::Fixture;
use super::matrix::{Kind, Proof, Row};
use super::record::{Moved, compare_runs};

/// Why a scenario was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The reference does not do the same each time.
    #[error("{0}")]
    Moved(Box<Moved>),
    /// The lab means nothing, or the grader or the machine failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a lab could be neither proved nor disproved.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// A scenario has no stored transcript.
    #[error(
        "no transcript of scenario `{0}` is stored; make one with `grader record` and the lab's directory"
    )]
    NotRecorded(String),
    /// A stored transcript cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A submission could not be graded.
    #[error("{name}: {error}")]
    Submission {
        /// `empty`, or the fixture's name.
        name: String,
        /// Why.
        error: Box<CheckError>,
    },
    /// The empty submission could not be written.
    #[error("the empty submission cannot be written: {0}")]
    Empty(#[source] io::Error),
    /// The starter could not be laid down.
    #[error("the starter cannot be laid down: {0}")]
    Starter(String),
}

/// Does `job` for every number below `count` on as many threads as the engine has workers, and
/// gives the results in order.
fn in_parallel<T: Send>(engine: &Engine, count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..engine.workers().min(count))
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return mine;
                        }
                        mine.push((number, job(number)));
                    }
                })
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Vec<(usize, T)>>| match thread.join() {
            Ok(mine) => mine,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().flat_map(join).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Runs the reference `runs` times in every role of a scenario. Nonces differ from run to run.
///
/// # Errors
/// The first fault, or the first lane that is not the same in all runs.
pub fn record(
    engine: &Engine,
    lab: &Lab,
    scenario: &Scenario,
    runs: u32,
    seed: u64,
) -> Result<Transcript, RecordError> {
    let count = usize::try_from(runs.max(1)).unwrap_or(usize::MAX);
    let results = in_parallel(engine, count, |number| {
        reference_run(engine, lab, scenario, seed, number)
    });
    let mut transcripts = Vec::with_capacity(results.len());
    for result in results {
        transcripts.push(result?.actual);
    }
    compare_runs(&transcripts).map_err(RecordError::Moved)?;
    // There is at least one run.
    Ok(transcripts.swap_remove(0))
}

/// One run of the reference in all roles; what is expected is left empty.
fn reference_run(
    engine: &Engine,
    lab: &Lab,
    scenario: &Scenario,
    seed: u64,
    number: usize,
) -> Result<Ran, RunError> {
    let repeat = u32::try_from(number).unwrap_or(u32::MAX);
    let seed = scenario_seed(seed, &scenario.id, repeat);
    let run = run_scenario(
        engine,
        lab,
        scenario,
        &Cast::reference(),
        &BTreeMap::new(),
        seed,
    )?;
    Ok(Ran {
        expected: Arc::default(),
        actual: run.transcript,
        events: run.events,
    })
}

/// How to prove a lab.
#[derive(Clone, Copy, Debug)]
pub struct ProveOptions {
    /// How often the reference runs.
    pub reference: u32,
    /// How often each other submission runs.
    pub repeat: u32,
    /// The seed of nonces.
    pub seed: u64,
}

/// Grades the reference, the empty submission, the starter and all fixtures.
///
/// # Errors
/// See [`ProveError`]. Faults of single runs are in the proof.
pub fn prove(
    engine: &Engine,
    source: &LabSource,
    fixtures: &[Fixture],
    options: &ProveOptions,
) -> Result<Proof, ProveError> {
    let lab = &source.lab;
    let mut rows = vec![reference(engine, source, options)?];
    let dir = tempfile::tempdir().map_err(ProveError::Empty)?;
    write_empty(lab, dir.path()).map_err(ProveError::Empty)?;
    let start = tempfile::tempdir().map_err(|error| ProveError::Starter(error.to_string()))?;
    let files = starter::files(source, Lang::En, &lab.id);
    starter::lay(start.path(), &files).map_err(|error| ProveError::Starter(error.to_string()))?;
    let as_laid_down = Kind::Starter {
        meets: source.starter.meets.clone(),
    };
    let mut submissions = vec![
        (Row::new("empty", Kind::Empty), dir.path()),
        (Row::new("starter", as_laid_down), start.path()),
    ];
    submissions.extend(
        fixtures
            .iter()
            .filter(|f| f.is_good())
            .map(|f| (Row::of(f), f.dir.as_path())),
    );
    submissions.extend(
        fixtures
            .iter()
            .filter(|f| !f.is_good())
            .map(|f| (Row::of(f), f.dir.as_path())),
    );
    let done = in_parallel(engine, submissions.len(), |number| {
        let (row, dir) = &submissions[number];
        submission(engine, source, row.clone(), dir, options)
    });
    for row in done {
        rows.push(row?);
    }
    let requirements = lab
        .requirements
        .iter()
        .map(|requirement| requirement.id.clone())
        .collect();
    Ok(Proof {
        lab: lab.id.clone(),
        requirements,
        rows,
    })
}

fn reference(
    engine: &Engine,
    source: &LabSource,
    options: &ProveOptions,
) -> Result<Row, ProveError> {
    let lab = &source.lab;
    let mut row = Row::new("reference", Kind::Reference);
    let runs = usize::try_from(options.reference.max(1)).unwrap_or(usize::MAX);
    let mut repeats: Vec<Vec<ScenarioOutcome>> = vec![Vec::new(); runs];
    for scenario in &lab.scenarios {
        let mut expected = source
            .expected(&scenario.id)?
            .ok_or_else(|| ProveError::NotRecorded(scenario.id.clone()))?;
        let results = in_parallel(engine, runs, |number| {
            reference_run(engine, lab, scenario, options.seed, number)
        });
        let transcripts: Vec<Transcript> = results
            .iter()
            .filter_map(|result| result.as_ref().ok())
            .map(|ran| ran.actual.clone())
            .collect();
        if let Err(moved) = compare_runs(&transcripts) {
            row.moved.push(*moved);
        }
        if let (true, Some(first)) = (scenario.calibrated, transcripts.first()) {
            expected = Arc::new(first.clone());
        }
        for (repeat, result) in repeats.iter_mut().zip(results) {
            let result = match result {
                Ok(ran) => ScenarioResult::Ran(Box::new(Ran {
                    expected: expected.clone(),
                    ..ran
                })),
                Err(error) => ScenarioResult::Fault(error.to_string()),
            };
            repeat.push(ScenarioOutcome {
                scenario: scenario.id.clone(),
                result,
            });
        }
    }
    fill(&mut row, lab, &repeats);
    Ok(row)
}

fn submission(
    engine: &Engine,
    source: &LabSource,
    mut row: Row,
    dir: &Path,
    options: &ProveOptions,
) -> Result<Row, ProveError> {
    let check_options = CheckOptions {
        seed: Some(options.seed),
        repeat: options.repeat.max(1),
        ..CheckOptions::default()
    };
    let checked = match check(
        engine,
        &source.lab,
        source,
        dir,
        &check_options,
        &mut |_| {},
    ) {
        Ok(checked) => checked,
        Err(CheckError::Fault(fault)) => {
            row.faults.push(fault.to_string());
            return Ok(row);
        }
        Err(error) => {
            return Err(ProveError::Submission {
                name: row.name,
                error: Box::new(error),
            });
        }
    };
    row.build = checked.built.reports.iter().filter_map(complaint).collect();
    let repeats = by_repeat(checked);
    fill(&mut row, &source.lab, &repeats);
    Ok(row)
}

/// What a student would not like about a build of what was laid down for them.
fn complaint(report: &BuildReport) -> Option<String> {
    let name = &report.executable;
    if report.unavailable.is_some() {
        None
    } else if let Some(why) = &report.failure {
        Some(format!("{name} is not built: {why}"))
    } else if !report.warnings.is_empty() {
        Some(format!(
            "{name} is compiled with warnings: {}",
            report.warnings
        ))
    } else {
        let why = &report.tried.first()?.why;
        Some(format!("{name} is not built by make alone: {why}"))
    }
}

/// The outcomes of each repeat by themselves.
fn by_repeat(checked: Checked) -> Vec<Vec<ScenarioOutcome>> {
    let mut repeats: BTreeMap<u32, Vec<ScenarioOutcome>> = BTreeMap::new();
    for scenario in checked.scenarios {
        repeats
            .entry(scenario.repeat)
            .or_default()
            .push(scenario.outcome);
    }
    repeats.into_values().collect()
}

/// Judges each repeat and keeps the faults, each once.
fn fill(row: &mut Row, lab: &Lab, repeats: &[Vec<ScenarioOutcome>]) {
    for outcomes in repeats {
        for outcome in outcomes {
            if let ScenarioResult::Fault(why) = &outcome.result {
                let text = format!("{}: {why}", outcome.scenario);
                if !row.faults.contains(&text) {
                    row.faults.push(text);
                }
            }
        }
        let verdicts = judge(lab, outcomes);
        if row.faults.is_empty()
            && verdicts
                .iter()
                .any(|verdict| verdict.outcome == Outcome::Error)
        {
            row.faults
                .push("a requirement could not be judged".to_owned());
        }
        row.runs
            .push(verdicts.iter().map(|verdict| verdict.outcome).collect());
    }
}
