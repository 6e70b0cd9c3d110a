//! `grader worker`.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::Args;
use grader::batch::Grader;
use grader::cluster::{Hand, Job, settle};
use grader::run::{Engine, EngineOptions};
use grader::store::{Commit, Handled, Stop, Store, Worker as Member, work};
use grader::submission::{CacheMode, try_compiler};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use supervisor::event::Enforced;
use supervisor::plan::Observation;

use super::failure::Failure;

/// Exit status of a worker that was told to end: what a shell says of SIGTERM.
const TOLD: i32 = 128 + SIGTERM;

/// Work on a store: take submissions that nobody else has, until all have a result
///
/// `grader batch --engine` fills a store and starts workers; any number may be started by hand as
/// well, on every machine that sees the directory.
#[derive(Args)]
pub(super) struct Worker {
    /// The shared directory
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Submissions graded at a time [default: one for each CPU]
    #[arg(long, value_name = "N")]
    slots: Option<NonZeroUsize>,
    /// End when standard input ends
    #[arg(long)]
    while_stdin: bool,
    /// Where built programs are kept [default: $XDG_CACHE_HOME/grader]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl Worker {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let store = Store::open(&self.store).map_err(|e| Failure::usage(e.to_string()))?;
        let job = store.job().map_err(|e| Failure::usage(e.to_string()))?;
        let job = Job::from_json(&job).map_err(Failure::usage)?;
        let slots = match self.slots {
            Some(slots) => slots.get(),
            None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        // Before the engine looks which processors there are.
        let _slot = settle(slots);
        let mut options = EngineOptions {
            workers: Some(slots),
            ..EngineOptions::default()
        };
        if let Some(dir) = &self.cache_dir {
            options.cache = CacheMode::At(dir.clone());
        }
        job.apply_to(&mut options);
        let fault = |error: &dyn std::fmt::Display| Failure::fault(error.to_string());
        let engine = Engine::new(&options).map_err(|e| fault(&e))?;
        let grader = Grader::new(&engine, job.options()).map_err(|e| fault(&e))?;
        // One machine of many that builds nothing would go through the whole class.
        try_compiler(&engine, engine.toolchain(), engine.isolation()).map_err(|e| fault(&e))?;
        may_grade(&engine)?;
        let members = (0..slots)
            .map(|_| Member::join(&store).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| fault(&e))?;
        end_when_told(&members, self.while_stdin).map_err(|e| fault(&e))?;
        let failures = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for (number, member) in members.iter().enumerate() {
                let (store, grader, failures) = (&store, &grader, &failures);
                scope.spawn(move || {
                    // Nobody sends: the process is ended as a whole.
                    let (_keep, stop): (_, Stop) = mpsc::channel();
                    let seed = u64::from(process::id()).wrapping_mul(0x9e37_79b9)
                        ^ (u64::try_from(number).unwrap_or(0) << 32);
                    let mut hand = Hand::new(store, grader);
                    let done = work(store, member, &mut hand, seed, &stop, &mut |done| {
                        tell(&done);
                    });
                    if let Err(error) = done {
                        let mut all = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(error.to_string());
                    }
                });
            }
        });
        // Whoever waits for a signal has them still: nobody drops them.
        for member in &members {
            member.abandon();
        }
        let failures = failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match failures.into_iter().next() {
            None => Ok(ExitCode::SUCCESS),
            Some(first) => Err(Failure::fault(first)),
        }
    }
}

/// Refuses where programs cannot be traced although they are to be: a right one could lose points.
/// Where less is enforced besides, the worker's log says so.
fn may_grade(engine: &Engine) -> Result<(), Failure> {
    let granted = engine.granted().map_err(|error| {
        Failure::fault(error.to_string()).hint("`grader doctor` says what this machine grants")
    })?;
    if let Some(missing) = untraced(engine.observation(), &granted) {
        return Err(Failure::fault(format!(
            "this machine does not let programs be traced, and right ones could lose points here: {missing}"
        ))
        .hint("`grader doctor` tells more; where no machine grants it, give the batch --observation bare"));
    }
    for missing in &granted.missing {
        // A worker without a log works all the same.
        let _ = writeln!(io::stderr(), "note: not enforced here: {missing}");
    }
    Ok(())
}

/// What is missing for programs to be traced, where they are to be.
fn untraced(wanted: Observation, granted: &Enforced) -> Option<String> {
    (wanted == Observation::Full && granted.observation != "full")
        .then(|| granted.missing.join("; "))
}

/// A line for each result that is worth one: nobody watches a worker whose work goes well.
fn tell(handled: &Handled) {
    let what = match (handled.given_up, handled.commit, handled.taken_over) {
        (_, Commit::Disputed, _) => "came second, and with another result: see disputes/",
        (_, Commit::Same, _) => "came second, with the same result",
        (true, _, _) => "given up: too many workers were lost with it",
        (false, _, true) => "taken over from a worker that is gone",
        (false, Commit::First, false) => return,
    };
    // A worker without a log works all the same.
    let _ = writeln!(io::stderr(), "{}: {what}", handled.key);
}

/// Ends this process when it is told to, as if what it is doing had never been begun.
fn end_when_told(members: &[Arc<Member>], while_stdin: bool) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let told = members.to_vec();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            end(&told);
        }
    });
    if while_stdin {
        let told = members.to_vec();
        thread::spawn(move || {
            // What is written to it does not matter, only that it ends.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            end(&told);
        });
    }
    Ok(())
}

fn end(members: &[Arc<Member>]) -> ! {
    for member in members {
        member.abandon();
    }
    process::exit(TOLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_traced_is_graded_where_it_can_be() {
        let granted = |observation: &str| Enforced {
            isolation: "full".to_owned(),
            observation: observation.to_owned(),
            active: Vec::new(),
            missing: vec!["ptrace: refused".to_owned()],
        };
        let why = untraced(Observation::Full, &granted("bare"));
        assert_eq!(why.as_deref(), Some("ptrace: refused"));
        assert_eq!(untraced(Observation::Full, &granted("full")), None);
        assert_eq!(untraced(Observation::Bare, &granted("bare")), None);
    }
}
