//! With the submission's Makefile.

use std::collections::BTreeMap;

use super::failed::{attempt, failure};
use crate::submission::build::{Job, Made};
use crate::submission::cache::ProgramRecord;
use crate::submission::error::SubmissionError;
use crate::submission::find::Make;
use crate::submission::outcome::{Outcome, diagnostics};
use crate::submission::recipe::{self, Recipe};
use crate::submission::rung::{Attempt, Help, Rung, Why};
use crate::submission::{beside, mend, source};

impl Job<'_> {
    /// With the Makefile, with more and more help; the roles that it does not bring forth are
    /// built from their sources.
    pub(in crate::submission::build) fn make(&self, unit: &Make) -> Result<Made, SubmissionError> {
        let mut making = Making::of(self, unit);
        while making.once()? {}
        making.rest()
    }

    /// A tool that a Makefile asked for and that this machine does not have.
    fn missing_tool(&self, output: &str) -> Option<String> {
        let tools = self.options.toolchain;
        let here = [
            ("make", tools.make.is_some()),
            ("cargo", tools.cargo.is_some()),
            ("rustc", tools.cargo.is_some()),
            ("javac", tools.javac.is_some()),
            ("go", tools.go.is_some()),
            ("g++", tools.cxx.is_some()),
        ];
        let missing = |name: &str| {
            output.contains(&format!("no `{name}` on this machine"))
                || output.contains(&format!(" {name}: not found"))
                || output.contains(&format!(" {name}: No such file"))
        };
        here.into_iter()
            .find(|(name, here)| !here && missing(name))
            .map(|(name, _)| name.to_owned())
    }
}

/// What has become of a Makefile so far.
struct Making<'a> {
    job: &'a Job<'a>,
    unit: &'a Make,
    help: Help,
    /// With the targets, too, that the first one does not lead to.
    all: bool,
    tried: Vec<Attempt>,
    /// Roles without a program, and the path that is expected of each.
    open: Vec<(String, Option<String>)>,
    /// What make said last; nothing where it went well.
    last: String,
    made: Made,
}

impl<'a> Making<'a> {
    fn of(job: &'a Job<'a>, unit: &'a Make) -> Self {
        let mut making = Self {
            job,
            unit,
            help: Help::default(),
            all: false,
            tried: Vec::new(),
            open: unit.roles.clone(),
            last: String::new(),
            made: Made::default(),
        };
        let name = unit.file.rsplit('/').next().unwrap_or(&unit.file);
        if !mend::NAMES.contains(&name) {
            making.help.repaired = true;
            // What make says where it finds nothing to read.
            let said = "no makefile found".to_owned();
            making.vain(Rung::Make, Why::Name(name.to_owned()), said);
        }
        making
    }

    fn vain(&mut self, rung: Rung, why: Why, output: String) {
        self.tried.push(Attempt {
            rung,
            from: self.unit.file.clone(),
            why,
            output,
        });
    }

    /// Runs make once; whether it is worth while to run it again.
    fn once(&mut self) -> Result<bool, SubmissionError> {
        let toolchain = self.job.options.toolchain;
        let Some(recipe) = recipe::make(self.unit, self.help, self.all, toolchain) else {
            self.last = format!("{}: there is no `make` on this machine", self.unit.file);
            let why = Why::NoTool("make".to_owned());
            self.vain(self.help.rung(), why, String::new());
            return Ok(false);
        };
        let mut outcome = self.job.run("make", &recipe)?;
        self.made.passing |= outcome.timed_out();
        outcome.files.retain(|(_, bytes)| source::is_program(bytes));
        self.take(&outcome)?;
        Ok(!self.open.is_empty() && self.go_on(&outcome, &recipe))
    }

    /// Takes the programs that make has left.
    fn take(&mut self, outcome: &Outcome) -> Result<(), SubmissionError> {
        let unit = self.unit;
        // Whoever starts them finds them where make has put them.
        let base = unit.file.rsplit_once('/').map_or("", |(base, _)| base);
        self.made.others = beside::made(base, &outcome.files);
        // All roles take part: what is one program's is not left over for another.
        let found = if unit.both {
            both(&unit.roles, &outcome.files)
        } else {
            self.job.executables(&unit.roles, &outcome.files)?
        };
        let (made, tried, help) = (&mut self.made, &self.tried, self.help);
        self.open.retain(|(role, _)| {
            let Some(name) = found.get(role) else {
                return true;
            };
            let program = outcome.files.iter().find(|(path, _)| path == name);
            let record = ProgramRecord {
                role: role.clone(),
                from: unit.file.clone(),
                rung: Some(help.rung()),
                tried: tried.clone(),
                warnings: diagnostics(&outcome.output),
                ..ProgramRecord::default()
            };
            made.program(record, program.map(|(_, bytes)| bytes.clone()));
            false
        });
        Ok(())
    }

    /// Whether there is more help to give, or more to ask of make.
    fn go_on(&mut self, outcome: &Outcome, recipe: &Recipe) -> bool {
        let failed = attempt(self.help.rung(), &self.unit.file, outcome, recipe);
        self.last = failure(outcome, recipe, "make");
        if outcome.stopped() {
            self.tried.push(failed);
            return false;
        }
        let mended = self.unit.mended.is_some();
        if !outcome.succeeded()
            && let Some(more) = self.help.more(&outcome.output, mended)
        {
            self.tried.push(failed);
            self.help = more;
            return true;
        }
        if !self.all && !self.unit.others.is_empty() {
            // Still the same make.
            self.all = true;
            return true;
        }
        if outcome.succeeded() {
            self.last = String::new();
            self.tried.push(Attempt {
                why: Why::NoProgram(self.job.names(&self.open)),
                ..failed
            });
        } else {
            self.tried.push(failed);
        }
        false
    }

    /// What make did not bring forth; where it did, what its programs start.
    fn rest(mut self) -> Result<Made, SubmissionError> {
        if self.open.is_empty() {
            for sources in &self.unit.fallback {
                let at = self.made.record.programs.iter();
                let mut at = at.zip(&self.made.executables);
                let program = at.find(|(program, _)| program.role == sources.role);
                let program = program.and_then(|(_, bytes)| bytes.clone());
                let program = program.unwrap_or_default();
                self.job.helpers(sources, &program, &mut self.made)?;
            }
            return Ok(self.made);
        }
        for (role, wanted) in &self.open {
            if let Some(sources) = self.unit.fallback.iter().find(|s| s.role == *role) {
                let tried = self.tried.clone();
                self.job.sources(sources, tried, &mut self.made)?;
                continue;
            }
            let tool = self.job.missing_tool(&self.last);
            let failure = tool
                .is_none()
                .then(|| self.failure(role, wanted.as_deref()));
            let record = ProgramRecord {
                role: role.clone(),
                from: self.unit.file.clone(),
                tried: self.tried.clone(),
                failure,
                unavailable: tool,
                ..ProgramRecord::default()
            };
            self.made.program(record, None);
        }
        Ok(self.made)
    }

    /// Why a role has no program.
    fn failure(&self, role: &str, wanted: Option<&str>) -> String {
        let file = &self.unit.file;
        match wanted {
            Some(path) if self.last.is_empty() => format!("{file} left no program {path}"),
            None if self.last.is_empty() => format!(
                "no source found, and {file} made no such program; looked for {}",
                self.job.looked_for(role)
            ),
            _ => self.last.clone(),
        }
    }
}

/// The one program that plays all roles: the one that can listen and connect.
fn both(
    roles: &[(String, Option<String>)],
    files: &[(String, Vec<u8>)],
) -> BTreeMap<String, String> {
    let imports = |(_, program): &&(String, Vec<u8>)| {
        ["listen", "connect"]
            .iter()
            .all(|name| source::imports(program, name))
    };
    let found = files.iter().find(imports);
    let all = found.into_iter().flat_map(|(path, _)| {
        let roles = roles.iter();
        roles.map(|(role, _)| (role.clone(), path.clone()))
    });
    all.collect()
}
