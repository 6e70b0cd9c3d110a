//! One item to one record: a plain function that prints nothing and never fails, because whatever
//! goes wrong is itself a result.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anstream::adapter::strip_bytes;
use supervisor::event::Enforced;

use super::item::Item;
use super::key::Inputs;
use super::lab::PreparedLab;
use super::place::{Opened, PlaceError};
use super::record::{MadeBy, ResultRecord, SCHEMA, ScenarioRecord, Status};
use crate::lab::Lang;
use crate::report::{Context, Human, Json, JsonWhy, Replay, Reporter, exit_status};
use crate::run::{
    self, CheckError, CheckOptions, Checked, CheckedScenario, Engine, RunEvent, fresh_seed,
};
use crate::submission::{self, Fault, Key, SubmissionError};
use crate::verdict::{self, ScenarioOutcome, ScenarioResult};

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
        let said = format!(
            "{} {:?} {:?} {:?} {:?}",
            options.repeat.max(1),
            options.seed,
            options.lang,
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
            options: self.options_digest.clone(),
        }
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
            PlaceError::Unusable(why) => (Status::Ungradable, why),
            PlaceError::Fault(why) => (Status::Error, why),
        };
        let inputs = self.inputs_of(lab, format!("unusable: {why}"));
        self.blank(lab, item, inputs, status, why.clone())
    }

    /// Grades the submission `item` whose files are in `dir`.
    #[must_use]
    pub fn grade_in(&self, lab: &PreparedLab, item: &Item, dir: &Path) -> ResultRecord {
        self.grade_noted(lab, item, dir, &[], 0)
    }

    /// Grades the submission `item` whose files are in `opened`, with what was passed over while
    /// they were put there; `at_once` of its scenarios side by side ([`CheckOptions::at_once`]).
    #[must_use]
    pub fn grade_opened(
        &self,
        lab: &PreparedLab,
        item: &Item,
        opened: &Opened,
        at_once: usize,
    ) -> ResultRecord {
        self.grade_noted(lab, item, opened.path(), &opened.notes, at_once)
    }

    fn grade_noted(
        &self,
        lab: &PreparedLab,
        item: &Item,
        dir: &Path,
        notes: &[String],
        at_once: usize,
    ) -> ResultRecord {
        let began = Instant::now();
        let started = milliseconds();
        // One submission that trips a fault of ours must not end the class.
        let graded = catch_unwind(AssertUnwindSafe(|| {
            self.run(lab, item, dir, notes, at_once)
        }));
        let mut record = graded.unwrap_or_else(|panic| {
            let why = format!("the grader panicked: {}", panic_text(panic.as_ref()));
            self.blank(lab, item, self.inputs(lab, dir), Status::Error, why)
        });
        record.started = started;
        record.seconds = began.elapsed().as_secs_f64();
        record
    }

    fn run(
        &self,
        lab: &PreparedLab,
        item: &Item,
        dir: &Path,
        notes: &[String],
        at_once: usize,
    ) -> ResultRecord {
        let seed = self.options.seed.unwrap_or_else(fresh_seed);
        let context = Context {
            lang: self.options.lang,
            // The student reads it, beside the sources.
            replay: Replay {
                lab: lab.id().to_owned(),
                submission: ".".to_owned(),
                options: vec!["--seed".to_owned(), seed.to_string()],
            },
        };
        let options = CheckOptions {
            lang: self.options.lang,
            seed: Some(seed),
            repeat: self.options.repeat,
            name: Some(item.origin()),
            notes: notes.to_vec(),
            at_once,
            ..CheckOptions::default()
        };
        let mut shown = Vec::new();
        let mut human = Human::new(&mut shown, context.clone());
        let mut json = Json::new(io::sink(), context);
        let mut report = None;
        let mut sink = |event: RunEvent<'_>| {
            // Neither memory nor nothing refuses a write.
            let _ = human.event(&event);
            match &event {
                RunEvent::Finished(summary) => report = Some(json.report(summary)),
                event => {
                    let _ = json.event(event);
                }
            }
        };
        let checked = run::check(self.engine, &lab.source.lab, lab, dir, &options, &mut sink);
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => {
                let status = match &error {
                    CheckError::Submission(SubmissionError::NoTool(_)) => Status::Error,
                    CheckError::Submission(_) => Status::Ungradable,
                    _ => Status::Error,
                };
                let why = hidden(&error.to_string(), dir, &item.origin());
                return self.blank(lab, item, self.inputs(lab, dir), status, why);
            }
        };
        // What was built, which need not be what was there when the batch began.
        let inputs = self.inputs_of(lab, checked.built.fingerprint.clone());
        let failed = exit_status(&checked.summary) == 3;
        let fault = failed.then(|| fault_of(&checked.scenarios));
        let scenarios = checked.scenarios.iter().map(|run| scenario(lab, run));
        let scenarios = scenarios.collect();
        let (points, of) = (checked.summary.points, checked.summary.of);
        let translated = self.translated(lab, checked, &json);
        ResultRecord {
            seed,
            status: if failed {
                Status::Error
            } else {
                Status::Graded
            },
            message: fault,
            points,
            of,
            report,
            text: String::from_utf8_lossy(&strip_bytes(&shown).into_vec()).into_owned(),
            translated,
            scenarios,
            ..self.blank(lab, item, inputs, Status::Graded, String::new())
        }
    }

    /// The reasons in the other language: who reads them later may be somebody else.
    fn translated(
        &self,
        lab: &PreparedLab,
        checked: Checked,
        json: &Json<io::Sink>,
    ) -> BTreeMap<String, JsonWhy> {
        let verdicts = &checked.summary.verdicts;
        if verdicts.iter().all(|verdict| verdict.reason.is_none()) {
            return BTreeMap::new();
        }
        let outcomes: Vec<ScenarioOutcome> =
            checked.scenarios.into_iter().map(|s| s.outcome).collect();
        verdict::judge_in(&lab.source.lab, &outcomes, self.options.lang.other())
            .into_iter()
            .filter_map(|verdict| Some((verdict.requirement, json.why(verdict.reason.as_ref()?))))
            .collect()
    }

    /// A record without verdicts.
    fn blank(
        &self,
        lab: &PreparedLab,
        item: &Item,
        inputs: Inputs,
        status: Status,
        why: String,
    ) -> ResultRecord {
        ResultRecord {
            schema: SCHEMA.to_owned(),
            key: inputs.key(),
            identity: item.identity.clone(),
            person: item.person.clone(),
            submitted: item.submitted,
            place: item.origin(),
            inputs,
            made_by: self.made_by.clone(),
            seed: self.options.seed.unwrap_or_default(),
            started: milliseconds(),
            seconds: 0.0,
            status,
            lang: self.options.lang,
            translated: BTreeMap::new(),
            text: format!("{why}\n"),
            message: Some(why),
            points: 0,
            of: lab.source.lab.requirements.iter().map(|r| r.points).sum(),
            report: None,
            scenarios: Vec::new(),
        }
    }
}

fn scenario(lab: &PreparedLab, run: &CheckedScenario) -> ScenarioRecord {
    let (result, transcript) = match &run.outcome.result {
        ScenarioResult::Ran(ran) => {
            let expected = lab.transcript(&run.outcome.scenario);
            if expected.is_some_and(|expected| expected.phases == ran.actual.phases) {
                ("same", None)
            } else {
                ("differs", Some(ran.actual.to_string()))
            }
        }
        ScenarioResult::NotBuilt { .. } => ("not-built", None),
        ScenarioResult::Unavailable(_) => ("unavailable", None),
        ScenarioResult::Fault(_) => ("fault", None),
    };
    ScenarioRecord {
        id: run.outcome.scenario.clone(),
        repeat: run.repeat,
        seconds: run.took.as_secs_f64(),
        result: result.to_owned(),
        transcript,
    }
}

/// The first fault, in words.
fn fault_of(scenarios: &[CheckedScenario]) -> String {
    scenarios
        .iter()
        .find_map(|run| match &run.outcome.result {
            ScenarioResult::Fault(why) => Some(format!("{}: {why}", run.outcome.scenario)),
            _ => None,
        })
        .unwrap_or_else(|| "nothing could be judged on this machine".to_owned())
}

/// A message in which a private directory has the name that people know.
fn hidden(message: &str, dir: &Path, name: &str) -> String {
    match dir.to_str() {
        Some(dir) if !dir.is_empty() => message.replace(dir, name),
        _ => message.to_owned(),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::batch::{Identity, Person, Place};
    use crate::run::EngineOptions;
    use crate::submission::CacheMode;
    use std::fs;
    use tempfile::TempDir;

    /// An engine whose workers die at once.
    pub(crate) fn engine() -> Engine {
        Engine::new(&EngineOptions {
            exe: Some("/bin/false".into()),
            cache: CacheMode::Off,
            workers: Some(1),
            ..EngineOptions::default()
        })
        .unwrap()
    }

    pub(crate) fn lab() -> PreparedLab {
        let source = crate::lab::catalog::load(Path::new("us-upper"), reference::NAMES);
        PreparedLab::new(source.unwrap()).unwrap()
    }

    pub(crate) fn item(dir: &TempDir) -> Item {
        Item {
            identity: Identity {
                group: String::new(),
                student: "s07".into(),
                lab: "us-upper".into(),
                attempt: 1,
            },
            person: Person::default(),
            submitted: None,
            place: Place::Directory(dir.path().to_owned()),
            origin: None,
        }
    }

    #[test]
    fn what_cannot_be_graded_has_no_points_and_the_machines_fault_is_none_of_the_students() {
        let engine = engine();
        let grader = Grader::new(&engine, Options::default()).unwrap();
        let (lab, dir) = (lab(), TempDir::new().unwrap());
        let empty = grader.grade(&lab, &item(&dir));
        assert_eq!(empty.status, Status::Ungradable);
        assert!(empty.message.as_deref().unwrap().contains("is empty"));
        fs::write(
            dir.path().join("us-server.c"),
            "int main(void) { return 0; }",
        )
        .unwrap();
        let broken = grader.grade(&lab, &item(&dir));
        assert_eq!(broken.status, Status::Error, "{:?}", broken.message);
        for record in [&empty, &broken] {
            assert_eq!((record.points, record.of), (0, 100));
            assert!(record.requirements().is_empty());
            let again = ResultRecord::from_json(record.to_json().as_bytes()).unwrap();
            assert!(again.agrees_with(record));
            assert_eq!(again.identity, record.identity);
        }
        assert!(!empty.agrees_with(&broken));
        assert_ne!(empty.key, broken.key);
    }

    #[test]
    fn a_key_is_known_before_anything_is_built() {
        let engine = engine();
        let grader = Grader::new(&engine, Options::default()).unwrap();
        let (lab, dir) = (lab(), TempDir::new().unwrap());
        fs::write(dir.path().join("us-server.c"), "a").unwrap();
        let inputs = grader.inputs(&lab, dir.path());
        assert_eq!(inputs, grader.inputs(&lab, dir.path()));
        // Where the files are is no matter, what is in them is.
        let other = TempDir::new().unwrap();
        fs::write(other.path().join("us-server.c"), "a").unwrap();
        assert_eq!(inputs, grader.inputs(&lab, other.path()));
        fs::write(other.path().join("us-server.c"), "b").unwrap();
        let changed = grader.inputs(&lab, other.path());
        assert_ne!(inputs.sources, changed.sources);
        assert_eq!(
            Inputs {
                sources: inputs.sources.clone(),
                ..changed
            },
            inputs
        );
        let options = Options {
            repeat: 5,
            ..Options::default()
        };
        let more = Grader::new(&engine, options).unwrap();
        assert_ne!(inputs.key(), more.inputs(&lab, dir.path()).key());
        // On a machine that grants less it is another result; where all is granted, the same.
        let mut granted = Enforced {
            isolation: "full".into(),
            observation: "full".into(),
            active: Vec::new(),
            missing: Vec::new(),
        };
        let on = |granted: &Enforced| {
            let grader = Grader::new(&engine, Options::default()).unwrap();
            grader.on(granted).inputs(&lab, dir.path()).key()
        };
        assert_eq!(inputs.key(), on(&granted));
        granted.missing.push("IPv6".into());
        let without = on(&granted);
        assert_ne!(inputs.key(), without);
        granted.isolation = "reduced".into();
        assert_ne!(without, on(&granted));
    }

    #[test]
    fn a_private_directory_has_the_name_that_people_know() {
        let dir = Path::new("/tmp/grader-x1");
        assert_eq!(
            hidden("/tmp/grader-x1: empty", dir, "g1/anna.zip"),
            "g1/anna.zip: empty"
        );
    }
}
