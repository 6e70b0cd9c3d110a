//! With workers that only pretend: what is built and run, in which order, and what is told.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use supervisor::event::{Enforced, Event, ExitStatus, Quiet, Settled, Stream, What};
use supervisor::plan::{Image, Observation, Plan, ProcessId, ProgramId};
use supervisor::worker::WorkerError;
use tempfile::TempDir;

use super::super::engine::{Carrier, EngineOptions};
use super::super::plan::Cast;
use super::super::scenario::{run_scenario, weight};
use super::super::snapshot::SnapshotError;
use super::*;
use crate::lab::{AddressMode, Program, Proof, Requirement, Scenario, Step, Stimulus, sample};
use crate::submission::{CacheMode, SubmissionError, Toolchain};
use crate::transcript::Transcript;

fn requirement(id: &str, needs: &[&str]) -> Requirement {
    sample::requirement(id, 10, needs)
}

/// Starts the filter, whose output proves the requirement.
fn scenario(id: &str, proves: &str) -> Scenario {
    Scenario {
        students: vec!["filter".into()],
        steps: vec![Step {
            stimuli: vec![Stimulus::Start("filter".into())],
            proves: vec![Proof {
                requirement: proves.into(),
                lanes: Vec::new(),
            }],
        }],
        ..sample::scenario(id)
    }
}

fn lab() -> Lab {
    Lab {
        programs: vec![Program {
            sources: vec!["mini.c".into()],
            args: Vec::new(),
            address: AddressMode::None,
            ..sample::program("filter", "mini")
        }],
        requirements: vec![
            requirement("first", &[]),
            requirement("second", &["first"]),
            requirement("third", &[]),
        ],
        scenarios: vec![
            scenario("one", "first"),
            scenario("two", "second"),
            scenario("three", "third"),
        ],
        ..sample::lab("mini")
    }
}

/// What happens to a scenario of the student's, by its id.
type Behaviour = fn(&str) -> Result<&'static str, WorkerError>;

struct Stand {
    behaviour: Behaviour,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Carrier for Stand {
    fn run(&mut self, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Result<(), WorkerError> {
        let process = ProcessId {
            program: ProgramId(0),
            number: 0,
        };
        let exited = What::Exited {
            process,
            status: ExitStatus::Code(0),
        };
        if plan.observation == Observation::Bare {
            let mut elf = b"\x7fELF".to_vec();
            elf.resize(16, 0);
            elf.extend([3, 0]);
            let file = What::File {
                name: ".grader/out/mini".into(),
                mode: 0o755,
                bytes: elf.into(),
            };
            for (step, what) in [(1, exited), (2, file), (2, What::Ended)] {
                on_event(Event { at: 0, step, what });
            }
            return Ok(());
        }
        self.ran.lock().unwrap().push(plan.name.clone());
        let text = match plan.programs[0].image {
            Image::Builtin(_) => "HELLO\n",
            Image::File(_) => {
                let id = plan.name.rsplit('/').next().unwrap();
                (self.behaviour)(id)?
            }
        };
        let enforced = What::Enforced(Enforced {
            isolation: "full".into(),
            observation: "full".into(),
            active: Vec::new(),
            missing: Vec::new(),
            lacks: Vec::new(),
        });
        let output = What::Output {
            program: ProgramId(0),
            stream: Stream::Out,
            bytes: text.into(),
        };
        let settled = What::Settled(Settled {
            how: Quiet::Ended,
            waits: Vec::new(),
            took: 1,
        });
        let started = What::Started { process, pid: 2 };
        for (step, what) in [
            (0, enforced),
            (1, What::StepBegan),
            (1, started),
            (1, output),
            (1, exited),
            (1, settled),
            (1, What::Ended),
        ] {
            on_event(Event { at: 0, step, what });
        }
        Ok(())
    }
}

struct Bench {
    dir: TempDir,
    engine: Engine,
    ran: Arc<Mutex<Vec<String>>>,
}

fn bench(behaviour: Behaviour) -> Bench {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("mini.c"), "int main(void) { return 0; }").unwrap();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let seen = ran.clone();
    let start = move |_| -> Result<Box<dyn Carrier>, WorkerError> {
        Ok(Box::new(Stand {
            behaviour,
            ran: seen.clone(),
        }))
    };
    let options = EngineOptions {
        workers: Some(3),
        cache: CacheMode::Off,
        ..EngineOptions::default()
    };
    let engine = Engine::with(&options, Toolchain::from_env(), Box::new(start)).unwrap();
    Bench { dir, engine, ran }
}

/// What the reference did, by running it.
struct Recorded(BTreeMap<String, Transcript>);

impl Expected for Recorded {
    fn expected(&self, scenario: &str) -> Result<Option<Arc<Transcript>>, SnapshotError> {
        Ok(self.0.get(scenario).cloned().map(Arc::new))
    }
}

impl Bench {
    fn recorded(&self) -> Recorded {
        let lab = lab();
        let record = |scenario: &Scenario| {
            let none = BTreeMap::new();
            let cast = Cast::reference();
            let run = run_scenario(&self.engine, &lab, scenario, &cast, &none, 1).unwrap();
            (scenario.id.clone(), run.transcript)
        };
        Recorded(lab.scenarios.iter().map(record).collect())
    }

    fn check(&self, options: &CheckOptions) -> (Result<Checked, CheckError>, Vec<String>) {
        let expected = self.recorded();
        self.ran.lock().unwrap().clear();
        let mut told = Vec::new();
        let result = check(
            &self.engine,
            &lab(),
            &expected,
            self.dir.path(),
            options,
            &mut |event| {
                told.push(match event {
                    RunEvent::Began { lab, .. } => format!("began {}", lab.id),
                    RunEvent::Built(report) => format!("built {}", report.executable),
                    RunEvent::Enforced(what) => format!("enforced {}", what.isolation),
                    RunEvent::ScenarioDone {
                        scenario, fault, ..
                    } => format!("{scenario} {}", fault.unwrap_or("ran")),
                    RunEvent::Refused(_) => "refused".to_owned(),
                    RunEvent::Finished(summary) => {
                        format!("{} / {}", summary.points, summary.of)
                    }
                });
            },
        );
        (result, told)
    }
}

fn outcomes(checked: &Checked) -> Vec<(&str, Outcome)> {
    checked
        .summary
        .verdicts
        .iter()
        .map(|v| (v.requirement.as_str(), v.outcome))
        .collect()
}

thread_local! {
    static CALLER: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[test]
fn one_at_once_needs_no_thread_and_tells_the_same() {
    CALLER.set(true);
    let bench = bench(|_| {
        Ok(if CALLER.get() {
            "HELLO\n"
        } else {
            "elsewhere\n"
        })
    });
    let (result, elsewhere) = bench.check(&CheckOptions::default());
    assert_eq!(result.unwrap().summary.points, 0);
    let alone = CheckOptions {
        at_once: 1,
        ..CheckOptions::default()
    };
    let (result, told) = bench.check(&alone);
    assert_eq!(result.unwrap().summary.points, 30);
    let all_but_points = |told: &[String]| told[..told.len() - 1].to_vec();
    assert_eq!(all_but_points(&told), all_but_points(&elsewhere));
}

#[test]
fn a_good_submission_is_told_in_order_and_gets_full_marks() {
    let bench = bench(|_| Ok("HELLO\n"));
    let (result, told) = bench.check(&CheckOptions::default());
    let checked = result.unwrap();
    assert_eq!(
        told,
        [
            "began mini",
            "built mini",
            "enforced full",
            "one ran",
            "two ran",
            "three ran",
            "30 / 30"
        ]
    );
    assert_eq!(checked.scenarios.len(), 3);
    assert!(
        checked
            .summary
            .verdicts
            .iter()
            .all(|v| v.outcome == Outcome::Pass)
    );
}

#[test]
fn a_fault_costs_its_requirement_only() {
    let bench = bench(|id| Ok(if id == "three" { "hello\n" } else { "HELLO\n" }));
    let (result, told) = bench.check(&CheckOptions::default());
    assert_eq!(
        outcomes(&result.unwrap()),
        [
            ("first", Outcome::Pass),
            ("second", Outcome::Pass),
            ("third", Outcome::Fail)
        ]
    );
    assert_eq!(told.last().unwrap(), "20 / 30");
}

#[test]
fn the_supervisors_death_is_an_error_and_never_a_fail() {
    let bench = bench(|id| match id {
        "two" => Err(WorkerError::HelperKilled { signal: 9 }),
        _ => Ok("HELLO\n"),
    });
    let (result, told) = bench.check(&CheckOptions::default());
    let checked = result.unwrap();
    assert_eq!(outcomes(&checked)[1], ("second", Outcome::Error));
    assert_eq!(outcomes(&checked)[2], ("third", Outcome::Pass));
    assert!(
        told[4].contains("two the supervisor was lost: the helper was killed"),
        "{told:?}"
    );
}

#[test]
fn filters_choose_scenarios_and_requirements_with_their_needs() {
    let bench = bench(|_| Ok("HELLO\n"));
    let scenarios = CheckOptions {
        scenarios: vec!["three".into()],
        ..CheckOptions::default()
    };
    let checked = bench.check(&scenarios).0.unwrap();
    assert_eq!(outcomes(&checked), [("third", Outcome::Pass)]);
    assert_eq!(*bench.ran.lock().unwrap(), ["mini/three"]);
    let requirements = CheckOptions {
        requirements: vec!["second".into()],
        ..CheckOptions::default()
    };
    let checked = bench.check(&requirements).0.unwrap();
    assert_eq!(
        outcomes(&checked),
        [("first", Outcome::Pass), ("second", Outcome::Pass)]
    );
    assert_eq!(checked.summary.of, 20);
    let wrong = CheckOptions {
        scenarios: vec!["four".into()],
        ..CheckOptions::default()
    };
    let error = bench.check(&wrong).0.unwrap_err();
    assert_eq!(
        error.to_string(),
        "lab mini has no scenario `four`; it has one, two, three"
    );
    assert!(!error.is_fault());
}

#[test]
fn repeats_are_runs_of_their_own() {
    let bench = bench(|_| Ok("HELLO\n"));
    let options = CheckOptions {
        repeat: 5,
        ..CheckOptions::default()
    };
    let (result, told) = bench.check(&options);
    let checked = result.unwrap();
    let ids: Vec<(&str, u32)> = checked
        .scenarios
        .iter()
        .map(|s| (s.outcome.scenario.as_str(), s.repeat))
        .collect();
    assert_eq!(ids.len(), 15);
    assert_eq!(&ids[4..6], [("one", 4), ("two", 0)]);
    assert_eq!(told.iter().filter(|t| t.ends_with(" ran")).count(), 15);
    assert_eq!(told.iter().filter(|t| t.starts_with("enforced")).count(), 1);
}

#[test]
fn a_scenario_that_was_never_recorded_is_the_labs_fault() {
    let bench = bench(|_| Ok("HELLO\n"));
    let none = Recorded(BTreeMap::new());
    let options = CheckOptions::default();
    let error = check(
        &bench.engine,
        &lab(),
        &none,
        bench.dir.path(),
        &options,
        &mut |_| {},
    )
    .unwrap_err();
    assert!(error.to_string().contains("`one`"), "{error}");
    assert!(
        error
            .to_string()
            .contains("`grader record` and the directory"),
        "{error}"
    );
    assert!(!error.is_fault());
}

#[test]
fn what_depends_on_the_kernel_is_taken_from_the_reference_on_this_machine() {
    let bench = bench(|_| Ok("HELLO\n"));
    let check = |calibrated: bool| {
        let mut lab = lab();
        let mut expected = bench.recorded();
        // As if another machine had recorded it.
        for phase in expected.0.values_mut().flat_map(|t| &mut t.phases) {
            phase.lines.clear();
        }
        for scenario in &mut lab.scenarios {
            scenario.calibrated = calibrated;
        }
        let options = CheckOptions::default();
        let checked = check(
            &bench.engine,
            &lab,
            &expected,
            bench.dir.path(),
            &options,
            &mut |_| {},
        );
        let verdicts = checked.unwrap().summary.verdicts;
        verdicts
            .iter()
            .filter(|v| v.outcome == Outcome::Pass)
            .count()
    };
    assert_eq!(check(false), 0);
    assert!(check(true) > 0);
}

#[test]
fn a_program_that_does_not_exist_is_no_error_of_the_grader() {
    let bench = bench(|_| Ok("HELLO\n"));
    fs::remove_file(bench.dir.path().join("mini.c")).unwrap();
    fs::write(bench.dir.path().join("notes.txt"), "").unwrap();
    let error = bench.check(&CheckOptions::default()).0.unwrap_err();
    assert!(matches!(
        error,
        CheckError::Submission(SubmissionError::NothingFound { .. })
    ));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let bench = bench(|_| Ok("HELLO\n"));
    let drawn = bench.check(&CheckOptions::default()).0.unwrap().seed;
    let options = CheckOptions {
        seed: Some(drawn),
        ..CheckOptions::default()
    };
    assert_eq!(bench.check(&options).0.unwrap().seed, drawn);
}

#[test]
fn long_scenarios_come_first() {
    let mut lab = lab();
    let mut long = scenario("long", "third");
    long.steps.extend(vec![long.steps[0].clone(); 9]);
    lab.scenarios.push(long);
    let weights: Vec<usize> = lab.scenarios.iter().map(weight).collect();
    assert!(weights[3] > weights[0]);
}
