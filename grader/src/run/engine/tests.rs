use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn plan(name: &str) -> Plan {
    Plan::nothing(name, Observation::Full, Isolation::BestEffort)
}

#[derive(Default)]
struct Counts {
    started: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

/// Does what the plan's name says.
struct Stand(Arc<Counts>);

impl Carrier for Stand {
    fn run(&mut self, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Result<(), WorkerError> {
        let now = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        let what = match plan.name.as_str() {
            // The helper is told that it is not the first.
            "parted twice" if plan.attempt < 2 => What::Parted,
            "parted always" => What::Parted,
            _ => What::Ended,
        };
        on_event(Event {
            at: 0,
            step: 0,
            what,
        });
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        match plan.name.as_str() {
            "helper" => Err(WorkerError::HelperKilled { signal: 9 }),
            "worker" => Err(WorkerError::WorkerDied("signal 9".into())),
            "refused" => Err(WorkerError::Refused("no namespaces".into())),
            _ => Ok(()),
        }
    }
}

fn engine(workers: usize) -> (Engine, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let seen = counts.clone();
    let start = move |_| -> Result<Box<dyn Carrier>, WorkerError> {
        seen.started.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Stand(seen.clone())))
    };
    let options = EngineOptions {
        workers: Some(workers),
        cache: CacheMode::Off,
        ..EngineOptions::default()
    };
    let engine = Engine::with(&options, Toolchain::default(), Box::new(start)).unwrap();
    (engine, counts)
}

#[test]
fn workers_are_started_when_needed_and_kept() {
    let (engine, counts) = engine(4);
    assert_eq!(counts.started.load(Ordering::SeqCst), 0);
    for _ in 0..5 {
        assert_eq!(engine.run(&plan("fine")).unwrap().len(), 1);
    }
    assert_eq!(counts.started.load(Ordering::SeqCst), 1);
}

#[test]
fn workers_can_be_started_ahead_but_no_more_than_plans() {
    let (engine, counts) = engine(4);
    engine.warm_up(2);
    assert_eq!(counts.started.load(Ordering::SeqCst), 2);
    engine.warm_up(2);
    engine.run(&plan("fine")).unwrap();
    assert_eq!(counts.started.load(Ordering::SeqCst), 2);
    engine.warm_up(9);
    assert_eq!(counts.started.load(Ordering::SeqCst), 4);
}

#[test]
fn a_lost_worker_costs_one_plan_and_is_replaced() {
    let (engine, counts) = engine(1);
    let error = engine.run(&plan("worker")).unwrap_err();
    assert!(
        matches!(&error, Fault::Lost(why) if why.contains("signal 9")),
        "{error}"
    );
    engine.run(&plan("fine")).unwrap();
    assert_eq!(counts.started.load(Ordering::SeqCst), 2);
    // A lost helper leaves the worker as it was.
    assert!(matches!(engine.run(&plan("helper")), Err(Fault::Lost(_))));
    engine.run(&plan("fine")).unwrap();
    assert!(matches!(engine.run(&plan("refused")), Err(Fault::Act(_))));
    assert_eq!(counts.started.load(Ordering::SeqCst), 2);
}

#[test]
fn no_more_plans_run_at_once_than_there_are_workers() {
    let (engine, counts) = engine(2);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    engine.run(&plan("fine")).unwrap();
                }
            });
        }
    });
    assert!(counts.most.load(Ordering::SeqCst) <= 2);
    assert!(counts.started.load(Ordering::SeqCst) <= 2);
}

#[test]
fn what_did_not_come_as_one_is_done_again() {
    let (engine, _) = engine(1);
    let events = engine.run(&plan("parted twice")).unwrap();
    assert!(!is_parted(&events) && events.len() == 1);
    let error = engine.run(&plan("parted always")).unwrap_err();
    assert!(error.to_string().contains("50 attempts"), "{error}");
}

#[test]
fn a_worker_that_cannot_be_started_is_a_fault() {
    let start = |_| -> Result<Box<dyn Carrier>, WorkerError> {
        Err(WorkerError::Spawn(std::io::Error::from_raw_os_error(2)))
    };
    let options = EngineOptions {
        cache: CacheMode::Off,
        ..EngineOptions::default()
    };
    let engine = Engine::with(&options, Toolchain::default(), Box::new(start)).unwrap();
    assert!(matches!(engine.run(&plan("fine")), Err(Fault::Start(_))));
    // The place is not lost with it.
    assert!(matches!(engine.run(&plan("fine")), Err(Fault::Start(_))));
}

#[test]
fn cpu_lists_are_read() {
    assert_eq!(cpu_list("0-2,7"), [0, 1, 2, 7]);
    assert_eq!(cpu_list("3"), [3]);
    assert_eq!(cpu_list("x,1-,2"), [2]);
    assert_eq!(cpu_list("0-18446744073709551615").len(), 8192);
    assert!(!allowed_cpus().is_empty());
}
