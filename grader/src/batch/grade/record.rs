//! The record of one item: a check whose reports are kept instead of shown.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anstream::adapter::strip_bytes;

use super::{Files, Grader};
use crate::batch::item::Item;
use crate::batch::key::Inputs;
use crate::batch::lab::PreparedLab;
use crate::batch::record::{ResultRecord, SCHEMA, ScenarioRecord, Status};
use crate::report::{Context, Human, Json, JsonWhy, Replay, Reporter, exit_status};
use crate::run::{self, CheckError, CheckOptions, Checked, CheckedScenario, RunEvent, fresh_seed};
use crate::submission::SubmissionError;
use crate::verdict::{self, ScenarioOutcome, ScenarioResult};

impl Grader<'_> {
    /// Checks the submission and keeps what is told of it.
    pub(super) fn run(&self, lab: &PreparedLab, item: &Item, files: Files<'_>) -> ResultRecord {
        let dir = files.dir;
        let seed = self.options.seed.unwrap_or_else(fresh_seed);
        let context = self.context(lab, seed);
        let options = CheckOptions {
            lang: self.options.lang,
            seed: Some(seed),
            repeat: self.options.repeat,
            name: Some(item.origin()),
            notes: files
                .notes
                .iter()
                .map(|note| note.told(self.options.lang))
                .collect(),
            at_once: files.at_once,
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
            Err(error) => return self.not_checked(lab, item, files, &error),
        };
        // What was built, which need not be what was there when the batch began.
        let inputs = self.inputs_of(lab, checked.built.fingerprint.clone());
        let failed = exit_status(&checked.summary) == 3;
        let fault = failed.then(|| fault_of(&checked.scenarios));
        let scenarios = checked.scenarios.iter().map(|run| scenario(lab, run));
        let scenarios = scenarios.collect();
        let (points, of) = (checked.summary.points, checked.summary.of);
        let translated = self.translated(lab, checked, &json);
        if let Some(enforced) = report.as_mut().and_then(|report| report.enforced.as_mut()) {
            enforced.lacks = self.lacked_by(lab);
        }
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

    fn context(&self, lab: &PreparedLab, seed: u64) -> Context {
        Context {
            lang: self.options.lang,
            // The student reads it, beside the sources.
            replay: Replay {
                lab: lab.id().to_owned(),
                submission: ".".to_owned(),
                options: vec!["--seed".to_owned(), seed.to_string()],
            },
        }
    }

    /// The record of a submission that cannot be graded as it is, or not by us.
    fn not_checked(
        &self,
        lab: &PreparedLab,
        item: &Item,
        files: Files<'_>,
        error: &CheckError,
    ) -> ResultRecord {
        let (dir, lang) = (files.dir, self.options.lang);
        let status = match error {
            CheckError::Submission(SubmissionError::NoTool(_)) => Status::Error,
            CheckError::Submission(_) => Status::Ungradable,
            _ => Status::Error,
        };
        let mut why = hidden(&error.told(lang), dir, &item.origin());
        // What is missing may be what was passed over.
        if status == Status::Ungradable {
            let notes = files.notes.iter();
            why.extend(notes.map(|note| format!("\n  {}", note.told(lang))));
        }
        self.blank(lab, item, self.inputs(lab, dir), status, why)
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
    pub(super) fn blank(
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
        ScenarioResult::Unavailable(_) | ScenarioResult::Without(_) => ("unavailable", None),
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
pub(super) fn hidden(message: &str, dir: &Path, name: &str) -> String {
    match dir.to_str() {
        Some(dir) if !dir.is_empty() => message.replace(dir, name),
        _ => message.to_owned(),
    }
}

/// Milliseconds since the epoch.
pub(super) fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}
