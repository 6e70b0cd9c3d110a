//! `grader worker`.

mod grants;
mod words;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::Args;
use grader::batch::Grader;
use grader::cluster::{Hand, Here, Job, settle};
use grader::run::{Engine, EngineOptions};
use grader::store::{Declined, Grade, Key, Stop, Store, WorkError, Worker as Member, work};
use grader::submission::{CacheMode, try_compiler};
use signal_hook::consts::SIGTERM;
use signal_hook::flag;
use signal_hook::iterator::Signals;

use self::grants::may_grade;
use super::batch::ending;
use super::failure::Failure;
use super::lang::lang;
use super::options::LangOption;
use super::tell::tell;
use super::words::Words;

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
    #[command(flatten)]
    lang: LangOption,
}

impl Worker {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let store = Store::open(&self.store).map_err(|e| Failure::usage(e.told(lang())))?;
        let job = store.job().map_err(|e| Failure::usage(e.told(lang())))?;
        let job = Job::from_json(&job)
            .map_err(|e| Failure::usage(format!("{}: {e}", self.store.display())))?;
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
        // Whoever began the batch reads the logs, wherever the worker runs.
        let words = Words(self.lang.or(job.options().lang));
        let here = Here {
            lang: words.0,
            lacks: may_grade(&engine, words)?,
        };
        let members = (0..slots)
            .map(|_| Member::join(&store).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| fault(&e))?;
        let told = Arc::new(AtomicBool::new(false));
        end_when_told(&members, &told, self.while_stdin).map_err(|e| fault(&e))?;
        let failures = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for (number, member) in members.iter().enumerate() {
                let (store, grader, failures, told) = (&store, &grader, &failures, &*told);
                let hand = Hand::new(store, grader, here.clone());
                scope.spawn(move || {
                    // Nobody sends: the process is ended as a whole.
                    let (_keep, stop): (_, Stop) = mpsc::channel();
                    let seed = u64::from(process::id()).wrapping_mul(0x9e37_79b9)
                        ^ (u64::try_from(number).unwrap_or(0) << 32);
                    let mut hand = UntilTold { hand, told, words };
                    let done = work(store, member, &mut hand, seed, &stop, &mut |done| {
                        if let Some(said) = words.handled(&done) {
                            tell!("{said}");
                        }
                    });
                    if let Err(error) = done {
                        let mut all = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(failure(error, words));
                    }
                });
            }
        });
        if told.load(Ordering::SeqCst) {
            end(&members);
        }
        // Whoever waits for a signal has them still: nobody drops them.
        for member in &members {
            member.abandon();
        }
        let failures = failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match failures.into_iter().next() {
            None => Ok(ExitCode::SUCCESS),
            Some(first) => Err(first),
        }
    }
}

/// Why a worker cannot go on. What is damaged the batch puts right.
fn failure(error: WorkError, words: Words) -> Failure {
    let (text, damaged) = match error {
        WorkError::Unfit { why, left, damaged } => (words.unfit(&why, left), damaged),
        WorkError::Store(error) => (error.told(words.0), true),
    };
    let failure = Failure::fault(text);
    if damaged {
        return failure.hint(words.say_it_again());
    }
    failure
}

/// Grades until this process is told to end: schedulers tell the programs that it runs as well, and
/// what comes of that is no result.
struct UntilTold<'a, G> {
    hand: G,
    told: &'a AtomicBool,
    words: Words,
}

impl<G> UntilTold<'_, G> {
    fn unless_told(&self, result: Vec<u8>) -> Result<Vec<u8>, Declined> {
        if self.told.load(Ordering::SeqCst) {
            return Err(Declined::Machine(self.words.told_to_end().to_owned()));
        }
        Ok(result)
    }
}

impl<G: Grade> Grade for UntilTold<'_, G> {
    fn grade(&mut self, key: &Key, item: &[u8]) -> Result<Vec<u8>, Declined> {
        let result = self.hand.grade(key, item)?;
        self.unless_told(result)
    }

    fn give_up(&mut self, key: &Key, item: &[u8], workers: &[String]) -> Result<Vec<u8>, Declined> {
        let result = self.hand.give_up(key, item, workers)?;
        self.unless_told(result)
    }

    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        self.hand.same(one, other)
    }
}

/// Ends this process when it is told to, as if what it is doing had never been begun. `told` is set
/// first, the moment a signal is there.
fn end_when_told(
    members: &[Arc<Member>],
    told: &Arc<AtomicBool>,
    while_stdin: bool,
) -> io::Result<()> {
    for signal in ending() {
        flag::register(signal, Arc::clone(told))?;
    }
    let mut signals = Signals::new(ending())?;
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
    use grader::lab::Lang;

    #[test]
    fn what_was_graded_while_it_was_told_to_end_is_no_result() {
        /// Is told while it grades, or is not.
        struct Told<'a>(bool, &'a AtomicBool);
        impl Grade for Told<'_> {
            fn grade(&mut self, _: &Key, _: &[u8]) -> Result<Vec<u8>, Declined> {
                self.1.store(self.0, Ordering::SeqCst);
                Ok(b"killed by SIGTERM".to_vec())
            }
            fn give_up(
                &mut self,
                key: &Key,
                item: &[u8],
                _: &[String],
            ) -> Result<Vec<u8>, Declined> {
                self.grade(key, item)
            }
            fn same(&self, _: &[u8], _: &[u8]) -> bool {
                true
            }
        }
        let key = Key::parse(&"a".repeat(64)).unwrap();
        for is_told in [false, true] {
            let told = AtomicBool::new(false);
            let hand = Told(is_told, &told);
            let mut until = UntilTold {
                hand,
                told: &told,
                words: Words(Lang::En),
            };
            assert_eq!(until.grade(&key, b"").is_err(), is_told);
            assert_eq!(until.give_up(&key, b"", &[]).is_err(), is_told);
        }
    }
}
