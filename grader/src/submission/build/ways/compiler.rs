//! With the C or C++ compiler alone.

use std::collections::BTreeSet;

use super::failed::{attempt, failure};
use super::taken;
use crate::submission::beside::{self, Helper};
use crate::submission::build::{Job, Made};
use crate::submission::cache::ProgramRecord;
use crate::submission::error::SubmissionError;
use crate::submission::find::Sources;
use crate::submission::language::Language;
use crate::submission::note::Note;
use crate::submission::outcome::diagnostics;
use crate::submission::recipe::{self, Missing};
use crate::submission::rung::Rung;
use crate::submission::{solaris, source};

impl Job<'_> {
    /// With the compiler; where that fails for want of headers, once more with those that Solaris,
    /// the course's old platform, brings along.
    pub(super) fn compiler(
        &self,
        sources: &Sources,
        mut record: ProgramRecord,
        made: &mut Made,
    ) -> Result<(), SubmissionError> {
        let mut said = String::new();
        for (rung, lenient) in [(Rung::Compiler, false), (Rung::CompilerHeaders, true)] {
            let executable = self.executable(&sources.role);
            let toolchain = self.options.toolchain;
            let recipe = match recipe::compile(self.tree, sources, executable, toolchain, lenient) {
                Ok(recipe) => recipe,
                Err(_) if sources.language == Language::C => return Err(recipe::no_compiler()),
                Err(Missing(tool)) => {
                    record.unavailable = Some(tool);
                    break;
                }
            };
            let mut outcome = self.run(executable, &recipe)?;
            if let Some(program) = taken(&mut outcome, source::is_program) {
                record.rung = Some(rung);
                record.warnings = diagnostics(&outcome.output);
                self.helpers(sources, &program, made)?;
                made.program(record, Some(program));
                return Ok(());
            }
            record
                .tried
                .push(attempt(rung, &record.from, &outcome, &recipe));
            let failure = failure(&outcome, &recipe, "the compiler");
            if !lenient {
                said.clone_from(&outcome.output);
                record.failure = Some(failure);
            }
            if outcome.stopped() {
                made.passing |= outcome.timed_out();
                break;
            }
            if !solaris::wants_headers(&said) {
                break;
            }
        }
        if record.unavailable.is_some() {
            record.failure = None;
        }
        made.program(record, None);
        Ok(())
    }

    /// The programs that this one starts out of its own directory, where no Makefile builds them.
    pub(super) fn helpers(
        &self,
        sources: &Sources,
        program: &[u8],
        made: &mut Made,
    ) -> Result<(), SubmissionError> {
        let there: BTreeSet<&str> = made.others.iter().map(|(name, _)| name.as_str()).collect();
        for helper in beside::helpers(self.tree, &sources.files, &there) {
            let (file, name) = match helper {
                Helper::Itself(name) => {
                    made.others.push((name, program.to_vec()));
                    continue;
                }
                Helper::Source(file, name) => (file, name),
            };
            let one = Sources {
                role: name.clone(),
                language: self.tree.get(&file).map_or(Language::C, |source| {
                    let bytes = source.bytes().unwrap_or_default();
                    Language::of(&file, bytes).unwrap_or(Language::C)
                }),
                files: vec![file.clone()],
                flags: Vec::new(),
            };
            let mut built = None;
            for lenient in [false, true] {
                let tools = self.options.toolchain;
                let Ok(recipe) = recipe::compile(self.tree, &one, "helper", tools, lenient) else {
                    break;
                };
                let mut outcome = self.run(&name, &recipe)?;
                made.passing |= outcome.timed_out();
                built = taken(&mut outcome, source::is_program);
                if built.is_some() || outcome.stopped() {
                    break;
                }
            }
            made.record.notes.push(match built {
                Some(program) => {
                    made.others.push((name.clone(), program));
                    Note::Helper(file, name)
                }
                None => Note::NoHelper(file, name),
            });
        }
        Ok(())
    }
}
