//! The ways to build, each told where it fails.

mod compiler;
mod failed;
mod foreign;
mod make;

use super::super::cache::ProgramRecord;
use super::super::error::SubmissionError;
use super::super::find::Sources;
use super::super::language::Language;
use super::super::outcome::Outcome;
use super::super::rung::Attempt;
use super::{Job, Made};

impl Job<'_> {
    /// Builds one program from its sources; what was tried before is told as well.
    pub(super) fn sources(
        &self,
        sources: &Sources,
        tried: Vec<Attempt>,
        made: &mut Made,
    ) -> Result<(), SubmissionError> {
        let record = ProgramRecord {
            role: sources.role.clone(),
            from: sources.files.join(", "),
            tried,
            ..ProgramRecord::default()
        };
        match sources.language {
            Language::C | Language::Cxx => self.compiler(sources, record, made),
            Language::Rust | Language::Java | Language::Go => self.foreign(sources, record, made),
            Language::Script => {
                self.script(sources, record, made);
                Ok(())
            }
        }
    }

    fn executable(&self, role: &str) -> &str {
        self.role(role).map_or("a.out", |p| p.executable.as_str())
    }

    /// `us-server, us-client`.
    fn names(&self, roles: &[(String, Option<String>)]) -> String {
        let names: Vec<&str> = roles
            .iter()
            .map(|(role, _)| self.executable(role))
            .collect();
        names.join(", ")
    }
}

/// The program that a build left behind, if it went well.
fn taken(outcome: &mut Outcome, wanted: fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    if !outcome.succeeded() {
        return None;
    }
    let found = outcome.files.iter_mut().find(|(_, bytes)| wanted(bytes));
    found.map(|(_, bytes)| std::mem::take(bytes))
}
