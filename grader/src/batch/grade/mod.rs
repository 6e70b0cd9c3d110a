//! One item to one record: a plain function that prints nothing and never fails, because whatever
//! goes wrong is itself a result.

mod record;

#[cfg(test)]
pub(crate) mod tests;

use std::any::Any;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use supervisor::event::{Enforced, Means};

use self::record::{hidden, milliseconds};
use super::item::Item;
use super::key::Inputs;
use super::lab::PreparedLab;
use super::place::{Opened, PlaceError};
use super::record::{MadeBy, ResultRecord, Status};
use crate::lab::{Lang, Text};
use crate::run::Engine;
use crate::submission::{self, Fault, Key};

/// The options that change what happens.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How often each scenario is run; 0 counts as 1.
    pub repeat: u32,
    /// The seed; drawn for each submission if not given.
    pub seed: Option<u64>,
    /// The language of explanations and hints.
    pub lang: Lang,
}

/// Grades one submission after the other, from as many threads as one likes.
#[derive(Debug)]
pub struct Grader<'e> {
    engine: &'e Engine,
    options: Options,
    made_by: MadeBy,
    compiler: String,
    options_digest: String,
    /// What this machine lacks, or is to be done without.
    lacks: BTreeSet<Means>,
}

/// The files of a submission, where they can be had.
#[derive(Clone, Copy)]
struct Files<'a> {
    dir: &'a Path,
    /// What was passed over while they were put there.
    notes: &'a [Text],
    /// How many scenarios run side by side ([`at_once`](crate::run::CheckOptions::at_once)).
    at_once: usize,
}

impl<'e> Grader<'e> {
    /// Finds out what this grader and this machine are.
    ///
    /// # Errors
    /// This executable cannot be read.
    pub fn new(engine: &'e Engine, options: Options) -> Result<Self, Fault> {
        let tools = engine.toolchain();
        let mut key = Key::default();
        for line in tools.identities() {
            key.add(line.as_bytes());
        }
        let compiler = key.finish();
        let mut key = Key::default();
        // Not the language: a class that was graded for one reader is not graded again for another.
        let said = format!(
            "{} {:?} {:?} {:?}",
            options.repeat.max(1),
            options.seed,
            engine.isolation(),
            engine.observation()
        );
        key.add(said.as_bytes());
        Ok(Self {
            made_by: MadeBy {
                grader: env!("CARGO_PKG_VERSION").to_owned(),
                build: own_digest().map_err(|error| Fault::Io {
                    path: "/proc/self/exe".to_owned(),
                    error: error.to_string(),
                })?,
                compiler: tools.c_version().unwrap_or_default(),
                kernel: kernel_word("osrelease"),
                machine: kernel_word("hostname"),
            },
            engine,
            options,
            compiler,
            options_digest: key.finish(),
            lacks: engine.without().clone(),
        })
    }

    /// The same on a machine that grants so much: what is found where less is granted is found again
    /// where all is.
    #[must_use]
    pub fn on(mut self, granted: &Enforced) -> Self {
        if !granted.is_full() {
            let mut key = Key::default();
            let missing = granted.missing.iter();
            let words = [
                &self.options_digest,
                &granted.isolation,
                &granted.observation,
            ];
            for word in words.into_iter().chain(missing) {
                key.add(word.as_bytes());
            }
            self.options_digest = key.finish();
        }
        self.lacks.extend(&granted.lacks);
        self
    }

    /// How many scenarios run at once, of all submissions together.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.engine.workers()
    }

    /// What produces the results.
    #[must_use]
    pub fn made_by(&self) -> &MadeBy {
        &self.made_by
    }

    /// What the result of the files in `dir` depends on. Nothing is built or run.
    #[must_use]
    pub fn inputs(&self, lab: &PreparedLab, dir: &Path) -> Inputs {
        let sources = submission::fingerprint(dir)
            .unwrap_or_else(|error| hidden(&error.to_string(), dir, "unusable"));
        self.inputs_of(lab, sources)
    }

    fn inputs_of(&self, lab: &PreparedLab, sources: String) -> Inputs {
        Inputs {
            sources,
            lab: lab.digest.clone(),
            grader: self.made_by.build.clone(),
            compiler: self.compiler.clone(),
            options: self.options_of(lab),
        }
    }

    /// What this lab needs and is not to be had: what rests on it is skipped.
    fn lacked_by(&self, lab: &PreparedLab) -> Vec<String> {
        let lacks = self.lacks.iter();
        let lacks = lacks.filter(|means| lab.source.lab.needs(**means));
        lacks.map(|means| means.word().to_owned()).collect()
    }

    /// What is skipped in a lab for want of something is an option like others, wherever it is so.
    fn options_of(&self, lab: &PreparedLab) -> String {
        let lacks = self.lacked_by(lab);
        if lacks.is_empty() {
            return self.options_digest.clone();
        }
        let mut key = Key::default();
        key.add(self.options_digest.as_bytes());
        for means in lacks {
            key.add(means.as_bytes());
        }
        key.finish()
    }

    /// Grades a submission: gets its files, then [`Grader::grade_opened`].
    #[must_use]
    pub fn grade(&self, lab: &PreparedLab, item: &Item) -> ResultRecord {
        match item.place.open() {
            Ok(opened) => self.grade_opened(lab, item, &opened, 0),
            Err(error) => self.not_opened(lab, item, &error),
        }
    }

    /// The record of a submission whose files cannot be had.
    #[must_use]
    pub fn not_opened(&self, lab: &PreparedLab, item: &Item, error: &PlaceError) -> ResultRecord {
        let (status, why) = match error {
            PlaceError::Unusable(why) => (Status::Ungradable, why.told(self.options.lang)),
            PlaceError::Fault(why) => (Status::Error, why.clone()),
        };
        // What is known of it is so in any language.
        let inputs = self.inputs_of(lab, format!("unusable: {error}"));
        self.blank(lab, item, inputs, status, why)
    }

    /// Grades the submission `item` whose files are in `dir`.
    #[must_use]
    pub fn grade_in(&self, lab: &PreparedLab, item: &Item, dir: &Path) -> ResultRecord {
        let files = Files {
            dir,
            notes: &[],
            at_once: 0,
        };
        self.grade_files(lab, item, files)
    }

    /// Grades the submission `item` whose files are in `opened`, with what was passed over while
    /// they were put there; `at_once` of its scenarios side by side ([`at_once`](crate::run::CheckOptions::at_once)).
    #[must_use]
    pub fn grade_opened(
        &self,
        lab: &PreparedLab,
        item: &Item,
        opened: &Opened,
        at_once: usize,
    ) -> ResultRecord {
        let files = Files {
            dir: opened.path(),
            notes: &opened.notes,
            at_once,
        };
        self.grade_files(lab, item, files)
    }

    fn grade_files(&self, lab: &PreparedLab, item: &Item, files: Files<'_>) -> ResultRecord {
        let began = Instant::now();
        let started = milliseconds();
        // One submission that trips a fault of ours must not end the class.
        let graded = catch_unwind(AssertUnwindSafe(|| self.run(lab, item, files)));
        let mut record = graded.unwrap_or_else(|panic| {
            let why = format!("the grader panicked: {}", panic_text(panic.as_ref()));
            self.blank(lab, item, self.inputs(lab, files.dir), Status::Error, why)
        });
        record.started = started;
        record.seconds = began.elapsed().as_secs_f64();
        record
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

/// Hash of this executable: it is the grader, the reference programs and the built-in labs.
fn own_digest() -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open("/proc/self/exe")?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// A word from `/proc/sys/kernel`; empty where it cannot be read.
fn kernel_word(name: &str) -> String {
    let text = std::fs::read_to_string(Path::new("/proc/sys/kernel").join(name));
    text.unwrap_or_default().trim().to_owned()
}
