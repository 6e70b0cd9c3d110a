//! Checking a submission: build it, run every scenario, compare, judge.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use supervisor::event::What;
use thiserror::Error;

use super::engine::Engine;
use super::event::{RunEvent, Summary};
use super::optimised;
use super::plan::{self, Cast, PlanError, Rungs, SOCKET};
use super::scenario::{RunError, ScenarioRun, run_on, run_scenario, weight};
use super::seed::{fresh_seed, scenario_seed};
use super::snapshot::SnapshotError;
use super::usage::{self, Start};
use crate::lab::{Lab, Lang, Scenario, Unflushed};
use crate::submission::{self, BuildOptions, Built, Fault, Optimisation, SubmissionError};
use crate::transcript::Transcript;
use crate::verdict::{
    self, Ladder, Outcome, Ran, Rung, ScenarioOutcome, ScenarioResult, Taken, Verdict,
};

/// Where expected transcripts come from.
pub trait Expected: Sync {
    /// The reference's transcript of a scenario; `None` where none is stored.
    ///
    /// # Errors
    /// It is stored, but cannot be used.
    fn expected(&self, scenario: &str) -> Result<Option<Arc<Transcript>>, SnapshotError>;
}

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

/// Why a submission could not be checked.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A filter names nothing.
    #[error("lab {lab} has no {kind} `{name}`; it has {known}")]
    Unknown {
        /// The lab.
        lab: String,
        /// `scenario` or `requirement`.
        kind: &'static str,
        /// As given.
        name: String,
        /// All there are.
        known: String,
    },
    /// A scenario was never recorded.
    #[error(
        "lab {lab}: no transcript of scenario `{scenario}` is stored; make one with `grader record` and the directory of the lab"
    )]
    NotRecorded {
        /// The lab.
        lab: String,
        /// The scenario.
        scenario: String,
    },
    /// A stored transcript cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A scenario means nothing.
    #[error("lab {lab}: {error} (see `grader lint`)")]
    Lab {
        /// The lab.
        lab: String,
        /// What is wrong.
        error: PlanError,
    },
    /// The submission cannot be graded as it is.
    #[error(transparent)]
    Submission(SubmissionError),
    /// The grader or the machine failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl CheckError {
    /// Whether the grader or the machine is to blame (exit code 3), not the lab, the submission or
    /// the command line (exit code 2).
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl From<SubmissionError> for CheckError {
    fn from(error: SubmissionError) -> Self {
        match error {
            SubmissionError::Fault(fault) => Self::Fault(fault),
            error => Self::Submission(error),
        }
    }
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
    let lab = chosen(lab, options)?;
    let lab = lab.as_ref();
    let mut wanted = expectations(lab, expected)?;
    calibrate(engine, lab, &mut wanted)?;
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
    let mut notes = options.notes.clone();
    notes.extend(built.notes.iter().cloned());
    let mut rungs = job.taken(&outcomes);
    verdict::charge(&mut rungs, &verdicts);
    for note in rungs.iter().filter_map(|rung| rung.text(options.lang)) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for note in outcomes.iter().flat_map(|o| notes_of(lab, o, options.lang)) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    if optimised::concerns(&built) {
        let trial = Trial {
            job: &job,
            submission,
        };
        notes.extend(optimised::note(&trial, &verdicts, options.lang));
    }
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

/// The lab reduced to what was asked for: the scenarios, and the requirements that they prove.
fn chosen<'l>(lab: &'l Lab, options: &CheckOptions) -> Result<Cow<'l, Lab>, CheckError> {
    if options.scenarios.is_empty() && options.requirements.is_empty() {
        return Ok(Cow::Borrowed(lab));
    }
    let unknown = |kind, name: &str, known: Vec<&str>| CheckError::Unknown {
        lab: lab.id.clone(),
        kind,
        name: name.to_owned(),
        known: known.join(", "),
    };
    for name in &options.scenarios {
        if !lab.scenarios.iter().any(|s| s.id == *name) {
            let known = lab.scenarios.iter().map(|s| s.id.as_str()).collect();
            return Err(unknown("scenario", name, known));
        }
    }
    for name in &options.requirements {
        if !lab.requirements.iter().any(|r| r.id == *name) {
            let known = lab.requirements.iter().map(|r| r.id.as_str()).collect();
            return Err(unknown("requirement", name, known));
        }
    }
    let mut out = lab.clone();
    if !options.requirements.is_empty() {
        let asked = with_needs(lab, &options.requirements);
        out.requirements.retain(|r| asked.contains(r.id.as_str()));
        out.scenarios
            .retain(|s| proved_by(s).iter().any(|id| asked.contains(id)));
    }
    if !options.scenarios.is_empty() {
        out.scenarios.retain(|s| options.scenarios.contains(&s.id));
        let proved: BTreeSet<&str> = out.scenarios.iter().flat_map(proved_by).collect();
        out.requirements.retain(|r| proved.contains(r.id.as_str()));
    }
    Ok(Cow::Owned(out))
}

/// The requirements, and those without which they cannot be judged.
fn with_needs<'a>(lab: &'a Lab, asked: &'a [String]) -> BTreeSet<&'a str> {
    let mut out = BTreeSet::new();
    let mut open: Vec<&str> = asked.iter().map(String::as_str).collect();
    while let Some(id) = open.pop() {
        if out.insert(id) {
            let needs = lab.requirements.iter().filter(|r| r.id == id);
            open.extend(needs.flat_map(|r| r.needs.iter().map(String::as_str)));
        }
    }
    out
}

/// The requirements for which a scenario holds evidence.
fn proved_by(scenario: &Scenario) -> BTreeSet<&str> {
    let steps = scenario.steps.iter().flat_map(|step| &step.proves);
    let checks = scenario.checks.iter().flat_map(|check| &check.proves);
    steps
        .map(|proof| proof.requirement.as_str())
        .chain(checks.map(String::as_str))
        .collect()
}

fn expectations(
    lab: &Lab,
    expected: &dyn Expected,
) -> Result<BTreeMap<String, Arc<Transcript>>, CheckError> {
    let mut out = BTreeMap::new();
    for scenario in &lab.scenarios {
        let transcript =
            expected
                .expected(&scenario.id)?
                .ok_or_else(|| CheckError::NotRecorded {
                    lab: lab.id.clone(),
                    scenario: scenario.id.clone(),
                })?;
        out.insert(scenario.id.clone(), transcript);
    }
    Ok(out)
}

/// Where what is right depends on the kernel: what the reference does on this machine.
fn calibrate(
    engine: &Engine,
    lab: &Lab,
    wanted: &mut BTreeMap<String, Arc<Transcript>>,
) -> Result<(), CheckError> {
    let (cast, none) = (Cast::reference(), BTreeMap::new());
    for scenario in lab.scenarios.iter().filter(|scenario| scenario.calibrated) {
        let run = run_scenario(engine, lab, scenario, &cast, &none, fresh_seed());
        let run = run.map_err(|error| match error {
            RunError::Fault(fault) => CheckError::Fault(fault),
            RunError::Plan(error) => CheckError::Lab {
                lab: lab.id.clone(),
                error,
            },
        })?;
        wanted.insert(scenario.id.clone(), Arc::new(run.transcript));
    }
    Ok(())
}

/// A submission that was checked, to be tried once more in another build.
pub(super) struct Trial<'a> {
    job: &'a Job<'a>,
    submission: &'a Path,
}

impl Trial<'_> {
    /// The verdicts with programs that were optimised otherwise; `None` where it was not built or
    /// could not be run.
    pub(super) fn at(&self, level: Optimisation) -> Option<Vec<Verdict>> {
        let engine = self.job.engine;
        let built = submission::build(
            engine,
            self.job.lab,
            self.submission,
            &BuildOptions {
                cache: engine.cache(),
                toolchain: &engine.toolchain().optimising(level),
                lang: Lang::En,
                isolation: engine.isolation(),
            },
        );
        let built = built.ok()?;
        let job = Job {
            built: &built,
            rungs: Mutex::new(self.job.rungs()),
            ..*self.job
        };
        let runs = job.all(1, 0, &mut |_| {}).ok()?;
        let outcomes: Vec<ScenarioOutcome> = runs.into_iter().map(|run| run.outcome).collect();
        Some(verdict::judge(self.job.lab, &outcomes))
    }
}

struct Job<'a> {
    engine: &'a Engine,
    lab: &'a Lab,
    built: &'a Built,
    wanted: &'a BTreeMap<String, Arc<Transcript>>,
    seed: u64,
    /// What was learnt about how the programs must be started.
    rungs: Mutex<Rungs>,
}

impl Job<'_> {
    /// Runs every scenario `repeat` times, `at_once` of them side by side, the longest first, and
    /// tells the sink in the lab's order.
    fn all(
        &self,
        repeat: u32,
        at_once: usize,
        sink: &mut dyn FnMut(RunEvent<'_>),
    ) -> Result<Vec<CheckedScenario>, CheckError> {
        let runs: Vec<(&Scenario, u32)> = self
            .lab
            .scenarios
            .iter()
            .flat_map(|scenario| (0..repeat).map(move |n| (scenario, n)))
            .collect();
        let mut order: Vec<usize> = (0..runs.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(weight(runs[*i].0)));
        let threads = match at_once {
            0 => self.engine.workers(),
            some => some.min(self.engine.workers()),
        };
        let mut done = Done::new(runs.len(), sink);
        if threads == 1 {
            for i in order {
                let (scenario, n) = runs[i];
                done.take(i, self.one(scenario, n)?);
            }
            return Ok(done.all());
        }
        let next = AtomicUsize::new(0);
        let (send, receive) = mpsc::channel();
        thread::scope(|scope| {
            // Dropped when this closure returns early, which tells the threads to stop.
            let receive = receive;
            for _ in 0..threads.min(runs.len()) {
                let (send, order, runs, next) = (send.clone(), &order, &runs, &next);
                scope.spawn(move || {
                    while let Some(&i) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (scenario, n) = runs[i];
                        // Nobody listens any more after an error: the rest need not be run.
                        if send.send((i, self.one(scenario, n))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            while let Ok((i, result)) = receive.recv() {
                done.take(i, result?);
            }
            Ok(done.all())
        })
    }

    fn rungs(&self) -> Rungs {
        let rungs = self.rungs.lock();
        rungs.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn once(&self, scenario: &Scenario, rungs: &Rungs, seed: u64) -> Result<ScenarioRun, RunError> {
        let cast = Cast::of(scenario);
        let programs = &self.built.programs;
        run_on(
            self.engine,
            self.lab,
            scenario,
            &cast,
            programs,
            rungs,
            seed,
        )
    }

    /// From which rung each ladder was taken, over all scenarios.
    fn taken(&self, outcomes: &[ScenarioOutcome]) -> Vec<Rung> {
        let rungs = self.rungs();
        let programs = &self.built.programs;
        let arguments = programs.iter().filter_map(|(role, built)| {
            let taken = match rungs.starts.get(role) {
                Some(taken) => *taken,
                None if built.run.is_some() => Taken::Manifest,
                None => Taken::Handout,
            };
            let mut known = self.lab.programs.iter();
            let given = known.any(|p| p.name == *role && !p.args.is_empty());
            (given || taken != Taken::Handout).then(|| Rung::plain(role, Ladder::Arguments, taken))
        });
        let declared: BTreeMap<String, _> = programs
            .iter()
            .filter_map(|(role, built)| {
                Some((role.clone(), plan::declared(built.address.as_ref()?)))
            })
            .collect();
        let addresses = outcomes.iter().flat_map(|outcome| {
            let scenario = self.lab.scenarios.iter().find(|s| s.id == outcome.scenario);
            match (&outcome.result, scenario) {
                (ScenarioResult::Ran(ran), Some(scenario)) => {
                    verdict::address_rungs(self.lab, scenario, ran, SOCKET, &declared)
                }
                _ => Vec::new(),
            }
        });
        let outputs = rungs
            .terminals
            .iter()
            .map(|role| Rung::plain(role, Ladder::Output, Taken::Terminal));
        verdict::gathered(arguments.chain(addresses).chain(outputs))
    }

    /// Runs a scenario, and again with other arguments where programs would not take theirs, and
    /// on a terminal where the lab allows it and stdio kept their text back.
    fn run(&self, scenario: &Scenario, seed: u64) -> Result<ScenarioRun, RunError> {
        let (run, mut rungs) = self.climb(scenario, seed)?;
        let noted = |role: &String| {
            let mut programs = self.lab.programs.iter();
            programs.any(|p| p.name == *role && p.unflushed == Unflushed::Noted)
        };
        let (run, held) = self.held_back(scenario, run);
        rungs.terminals.extend(held.into_iter().filter(noted));
        if rungs.terminals.is_empty() {
            return Ok(run);
        }
        let shown = self.once(scenario, &rungs, seed)?;
        let (shown, still) = self.held_back(scenario, shown);
        if rungs.terminals.iter().all(|role| still.contains(role)) {
            return Ok(run);
        }
        let mut known = self.rungs.lock().unwrap_or_else(PoisonError::into_inner);
        known.terminals.extend(rungs.terminals);
        Ok(shown)
    }

    fn held_back(&self, scenario: &Scenario, run: ScenarioRun) -> (ScenarioRun, Vec<String>) {
        let Some(expected) = self.wanted.get(&scenario.id) else {
            return (run, Vec::new());
        };
        let ran = Ran {
            expected: expected.clone(),
            actual: run.transcript,
            events: run.events,
        };
        let held = verdict::held_back(self.lab, scenario, &ran);
        let run = ScenarioRun {
            events: ran.events,
            transcript: ran.actual,
            took: run.took,
        };
        (run, held)
    }

    /// Runs a scenario with the handout's arguments; where programs refuse them, with one
    /// alternative after the other until they work, in a fixed order. What helps is remembered for
    /// the other scenarios. A program that works with none of them is judged by the first run.
    fn climb(&self, scenario: &Scenario, seed: u64) -> Result<(ScenarioRun, Rungs), RunError> {
        let students = Cast::of(scenario).students;
        let begun = |run: &ScenarioRun| -> BTreeMap<String, Start> {
            let mut all = usage::starts(self.lab, scenario, &students, &run.events);
            let programs = &self.built.programs;
            all.retain(|role, _| programs.get(role).is_none_or(|p| p.run.is_none()));
            all
        };
        // A terminal is each scenario's own affair.
        let mut rungs = Rungs {
            terminals: BTreeSet::new(),
            ..self.rungs()
        };
        let first = self.once(scenario, &rungs, seed)?;
        let mut open: BTreeMap<String, Vec<Taken>> = begun(&first)
            .into_iter()
            .filter(|(role, start)| *start == Start::Refuses && !rungs.starts.contains_key(role))
            .filter_map(|(role, _)| {
                let program = self.lab.programs.iter().find(|p| p.name == role)?;
                Some((role, plan::alternatives(program)))
            })
            .collect();
        let mut last = (rungs.clone(), first.clone());
        let mut found: BTreeMap<String, Taken> = BTreeMap::new();
        loop {
            open.retain(|_, left| !left.is_empty());
            if open.is_empty() {
                break;
            }
            let mut tried = rungs.clone();
            for (role, left) in &mut open {
                tried.starts.insert(role.clone(), left.remove(0));
            }
            let run = self.once(scenario, &tried, seed)?;
            let starts = begun(&run);
            open.retain(|role, _| {
                let works = starts.get(role) == Some(&Start::Works);
                if let Some(taken) = tried.starts.get(role).filter(|_| works) {
                    rungs.starts.insert(role.clone(), *taken);
                    found.insert(role.clone(), *taken);
                }
                !works
            });
            last = (tried, run);
        }
        if found.is_empty() {
            return Ok((first, rungs));
        }
        let run = if last.0 == rungs {
            last.1
        } else {
            self.once(scenario, &rungs, seed)?
        };
        let mut known = self.rungs.lock().unwrap_or_else(PoisonError::into_inner);
        known.starts.extend(found);
        Ok((run, rungs))
    }

    /// One run. Whatever goes wrong in it is its own outcome, except a lab that means nothing.
    fn one(&self, scenario: &Scenario, repeat: u32) -> Result<CheckedScenario, CheckError> {
        let began = Instant::now();
        let seed = scenario_seed(self.seed, &scenario.id, repeat);
        let run = self.run(scenario, seed);
        let took = run
            .as_ref()
            .map_or_else(|_| began.elapsed(), |run| run.took);
        let result = match run {
            Ok(ScenarioRun {
                events, transcript, ..
            }) => match self.wanted.get(&scenario.id) {
                Some(expected) => ScenarioResult::Ran(Box::new(Ran {
                    expected: expected.clone(),
                    actual: transcript,
                    events,
                })),
                None => ScenarioResult::Fault("no expected transcript".to_owned()),
            },
            Err(RunError::Plan(PlanError::NotBuilt { program })) => {
                match self.built.unavailable.get(&program) {
                    Some(why) => ScenarioResult::Unavailable(why.clone()),
                    None => ScenarioResult::NotBuilt { program },
                }
            }
            Err(RunError::Plan(error @ PlanError::NoShim)) => {
                ScenarioResult::Unavailable(error.to_string())
            }
            Err(RunError::Plan(error @ PlanError::Lab { .. })) => {
                return Err(CheckError::Lab {
                    lab: self.lab.id.clone(),
                    error,
                });
            }
            Err(RunError::Fault(fault)) => ScenarioResult::Fault(fault.to_string()),
        };
        Ok(CheckedScenario {
            outcome: ScenarioOutcome {
                scenario: scenario.id.clone(),
                result,
            },
            repeat,
            took,
        })
    }
}

/// The runs that are over, told in the lab's order.
struct Done<'s, 'f> {
    runs: Vec<Option<CheckedScenario>>,
    told: usize,
    enforced: bool,
    sink: &'s mut Sink<'f>,
}

/// Who is told.
type Sink<'f> = dyn FnMut(RunEvent<'_>) + 'f;

impl<'s, 'f> Done<'s, 'f> {
    fn new(runs: usize, sink: &'s mut Sink<'f>) -> Self {
        Self {
            runs: (0..runs).map(|_| None).collect(),
            told: 0,
            enforced: false,
            sink,
        }
    }

    fn take(&mut self, i: usize, run: CheckedScenario) {
        self.runs[i] = Some(run);
        while let Some(Some(scenario)) = self.runs.get(self.told) {
            tell(scenario, &mut self.enforced, self.sink);
            self.told += 1;
        }
    }

    fn all(self) -> Vec<CheckedScenario> {
        self.runs.into_iter().flatten().collect()
    }
}

fn tell(scenario: &CheckedScenario, enforced: &mut bool, sink: &mut dyn FnMut(RunEvent<'_>)) {
    let fault = match &scenario.outcome.result {
        ScenarioResult::Fault(fault) => Some(fault.as_str()),
        ScenarioResult::Ran(ran) if !*enforced => {
            for event in &ran.events {
                if let What::Enforced(what) = &event.what {
                    *enforced = true;
                    sink(RunEvent::Enforced(what));
                    break;
                }
            }
            None
        }
        _ => None,
    };
    sink(RunEvent::ScenarioDone {
        scenario: &scenario.outcome.scenario,
        took: scenario.took,
        fault,
    });
}

#[cfg(test)]
mod tests;
