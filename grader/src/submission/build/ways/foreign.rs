//! In other languages than C: with their compilers, as a Cargo package, or not at all.

use std::collections::BTreeMap;

use super::failed::{attempt, failure};
use super::taken;
use crate::submission::build::{Job, Made};
use crate::submission::cache::ProgramRecord;
use crate::submission::error::SubmissionError;
use crate::submission::find::Sources;
use crate::submission::language::Language;
use crate::submission::outcome::diagnostics;
use crate::submission::recipe::{self, Missing};
use crate::submission::rung::Rung;
use crate::submission::{script, source};

impl Job<'_> {
    pub(super) fn foreign(
        &self,
        sources: &Sources,
        mut record: ProgramRecord,
        made: &mut Made,
    ) -> Result<(), SubmissionError> {
        let executable = self.executable(&sources.role);
        let (rung, tool) = match sources.language {
            Language::Java => (Rung::Java, "javac"),
            Language::Go => (Rung::Go, "go"),
            _ => (Rung::Rustc, "rustc"),
        };
        let recipe = match recipe::foreign(self.tree, sources, executable, self.options.toolchain) {
            Ok(recipe) => recipe,
            Err(Missing(tool)) => {
                record.unavailable = Some(tool);
                made.program(record, None);
                return Ok(());
            }
        };
        let mut outcome = self.run(executable, &recipe)?;
        made.passing |= outcome.timed_out();
        match taken(&mut outcome, source::is_startable) {
            Some(program) => {
                record.rung = Some(rung);
                record.warnings = diagnostics(&outcome.output);
                made.program(record, Some(program));
            }
            None => {
                record
                    .tried
                    .push(attempt(rung, &record.from, &outcome, &recipe));
                record.failure = Some(failure(&outcome, &recipe, tool));
                made.program(record, None);
            }
        }
        Ok(())
    }

    pub(super) fn script(&self, sources: &Sources, mut record: ProgramRecord, made: &mut Made) {
        let file = sources.files.first().map_or("", String::as_str);
        let bytes = self.tree.get(file).and_then(|file| file.bytes());
        match script::ready(file, bytes.unwrap_or_default()) {
            Ok(ready) => {
                record.rung = Some(Rung::Script);
                made.record.notes.extend(ready.notes);
                made.program(record, Some(ready.text));
            }
            Err(interpreter) => {
                record.unavailable = Some(interpreter);
                made.program(record, None);
            }
        }
    }

    /// The package, all of its programs at once.
    pub(in crate::submission::build) fn cargo(
        &self,
        roles: &[(String, Option<String>)],
    ) -> Result<Made, SubmissionError> {
        let mut made = Made::default();
        let record = |role: &str| ProgramRecord {
            role: role.to_owned(),
            from: "Cargo.toml".to_owned(),
            ..ProgramRecord::default()
        };
        let recipe = match recipe::cargo(self.options.toolchain) {
            Ok(recipe) => recipe,
            Err(Missing(tool)) => {
                for (role, _) in roles {
                    let unavailable = Some(tool.clone());
                    made.program(
                        ProgramRecord {
                            unavailable,
                            ..record(role)
                        },
                        None,
                    );
                }
                return Ok(made);
            }
        };
        let mut outcome = self.run("cargo", &recipe)?;
        made.passing = outcome.timed_out();
        outcome.files.retain(|(_, bytes)| source::is_program(bytes));
        let found: BTreeMap<String, String> = self.executables(roles, &outcome.files)?;
        for (role, wanted) in roles {
            let mut record = record(role);
            let program = found
                .get(role)
                .and_then(|name| outcome.files.iter().find(|(path, _)| path == name));
            if let (Some((_, bytes)), true) = (program, outcome.succeeded()) {
                record.rung = Some(Rung::Cargo);
                record.warnings = diagnostics(&outcome.output);
                made.program(record, Some(bytes.clone()));
                continue;
            }
            record.failure = Some(if outcome.succeeded() {
                let name = wanted
                    .clone()
                    .unwrap_or_else(|| self.executable(role).to_owned());
                format!("the package has no binary `{name}`")
            } else {
                failure(&outcome, &recipe, "cargo")
            });
            made.program(record, None);
        }
        Ok(made)
    }
}
