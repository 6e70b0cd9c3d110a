//! The runs of a check: every scenario as often as was asked, several side by side.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::expected::Wanted;
use super::told::{Done, Sink};
use super::{CheckError, CheckedScenario};
use crate::lab::{Lab, Lang, Scenario};
use crate::run::engine::Engine;
use crate::run::plan::{Cast, PlanError, Rungs};
use crate::run::scenario::{RunError, ScenarioRun, run_on, weight};
use crate::run::seed::scenario_seed;
use crate::submission::{self, BuildOptions, Built, Optimisation};
use crate::verdict::{self, Ran, ScenarioOutcome, ScenarioResult, Verdict};

/// A submission to be run.
pub(super) struct Job<'a> {
    pub(super) engine: &'a Engine,
    pub(super) lab: &'a Lab,
    pub(super) built: &'a Built,
    pub(super) wanted: &'a Wanted,
    pub(super) seed: u64,
    /// What was learnt about how the programs must be started.
    pub(super) rungs: Mutex<Rungs>,
}

impl Job<'_> {
    /// Runs every scenario `repeat` times, `at_once` of them side by side, the longest first, and
    /// tells the sink in the lab's order.
    pub(super) fn all(
        &self,
        repeat: u32,
        at_once: usize,
        sink: &mut Sink<'_>,
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

    /// One run of a scenario with programs started as `rungs` says.
    pub(super) fn once(
        &self,
        scenario: &Scenario,
        rungs: &Rungs,
        seed: u64,
    ) -> Result<ScenarioRun, RunError> {
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

    /// One run. Whatever goes wrong in it is its own outcome, except a lab that means nothing.
    fn one(&self, scenario: &Scenario, repeat: u32) -> Result<CheckedScenario, CheckError> {
        let began = Instant::now();
        let mut left_out = self.engine.without().iter();
        if let Some(means) = left_out.find(|means| scenario.needs(**means)) {
            return Ok(CheckedScenario {
                outcome: ScenarioOutcome {
                    scenario: scenario.id.clone(),
                    result: ScenarioResult::Without(*means),
                },
                repeat,
                took: Duration::ZERO,
            });
        }
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

/// A submission that was checked, to be tried once more in another build.
pub(in crate::run) struct Trial<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) submission: &'a Path,
}

impl Trial<'_> {
    /// The verdicts with programs that were optimised otherwise; `None` where it was not built or
    /// could not be run.
    pub(in crate::run) fn at(&self, level: Optimisation) -> Option<Vec<Verdict>> {
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
