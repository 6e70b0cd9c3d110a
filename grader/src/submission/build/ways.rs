//! The ways to build, each told where it fails.

use std::collections::{BTreeMap, BTreeSet};

use supervisor::event::LimitKind;

use super::super::beside::{self, Helper};
use super::super::cache::ProgramRecord;
use super::super::error::SubmissionError;
use super::super::find::{Make, Sources};
use super::super::language::Language;
use super::super::mend;
use super::super::note::Note;
use super::super::outcome::{Outcome, diagnostics, printable};
use super::super::recipe::{self, Missing, Recipe};
use super::super::rung::{Attempt, Help, Rung, Why};
use super::super::script;
use super::super::solaris;
use super::super::source;
use super::{Job, Made};
use crate::lab::Lang;
use crate::transcript::limit_words;

/// What is kept of the output of an attempt, bytes: enough for the advice.
const KEPT: usize = 8 << 10;

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

    /// With the compiler; where that fails for want of headers, once more with those that Solaris,
    /// the course's old platform, brings along.
    fn compiler(
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
    fn helpers(
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

    fn foreign(
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

    fn script(&self, sources: &Sources, mut record: ProgramRecord, made: &mut Made) {
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

    /// With the Makefile, with more and more help; the roles that it does not bring forth are
    /// built from their sources.
    pub(super) fn make(&self, unit: &Make) -> Result<Made, SubmissionError> {
        let mut made = Made::default();
        let mut help = Help::default();
        let mut all = false;
        let mut tried: Vec<Attempt> = Vec::new();
        let mut open: Vec<(String, Option<String>)> = unit.roles.clone();
        let mut last;
        let name = unit.file.rsplit('/').next().unwrap_or(&unit.file);
        if !mend::NAMES.contains(&name) {
            help.repaired = true;
            tried.push(Attempt {
                rung: Rung::Make,
                from: unit.file.clone(),
                why: Why::Name(name.to_owned()),
                // What make says where it finds nothing to read.
                output: "no makefile found".to_owned(),
            });
        }
        loop {
            let Some(recipe) = recipe::make(unit, help, all, self.options.toolchain) else {
                last = format!("{}: there is no `make` on this machine", unit.file);
                tried.push(Attempt {
                    rung: help.rung(),
                    from: unit.file.clone(),
                    why: Why::NoTool("make".to_owned()),
                    output: String::new(),
                });
                break;
            };
            let mut outcome = self.run("make", &recipe)?;
            made.passing |= outcome.timed_out();
            outcome.files.retain(|(_, bytes)| source::is_program(bytes));
            // Whoever starts them finds them where make has put them.
            let base = unit.file.rsplit_once('/').map_or("", |(base, _)| base);
            made.others = beside::made(base, &outcome.files);
            // All roles take part: what is one program's is not left over for another.
            let found = if unit.both {
                self.both(&unit.roles, &outcome.files)
            } else {
                self.executables(&unit.roles, &outcome.files)?
            };
            open.retain(|(role, _)| {
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
            if open.is_empty() {
                for sources in &unit.fallback {
                    let at = made.record.programs.iter();
                    let mut at = at.zip(&made.executables);
                    let program = at.find(|(program, _)| program.role == sources.role);
                    let program = program.and_then(|(_, bytes)| bytes.clone());
                    self.helpers(sources, &program.unwrap_or_default(), &mut made)?;
                }
                return Ok(made);
            }
            let failed = attempt(help.rung(), &unit.file, &outcome, &recipe);
            last = failure(&outcome, &recipe, "make");
            if outcome.stopped() {
                tried.push(failed);
                break;
            }
            let more = match outcome.succeeded() {
                true => None,
                false => help.more(&outcome.output, unit.mended.is_some()),
            };
            if let Some(more) = more {
                tried.push(failed);
                help = more;
            } else if !all && !unit.others.is_empty() {
                // Still the same make: with the targets that the first one does not lead to.
                all = true;
            } else {
                if outcome.succeeded() {
                    last = String::new();
                    tried.push(Attempt {
                        why: Why::NoProgram(self.names(&open)),
                        ..failed
                    });
                } else {
                    tried.push(failed);
                }
                break;
            }
        }
        for (role, wanted) in &open {
            if let Some(sources) = unit.fallback.iter().find(|s| s.role == *role) {
                self.sources(sources, tried.clone(), &mut made)?;
                continue;
            }
            let failure = match wanted {
                Some(path) if last.is_empty() => format!("{} left no program {path}", unit.file),
                None if last.is_empty() => format!(
                    "no source found, and {} made no such program; looked for {}",
                    unit.file,
                    self.looked_for(role)
                ),
                _ => last.clone(),
            };
            let tool = self.missing_tool(&last);
            let record = ProgramRecord {
                role: role.clone(),
                from: unit.file.clone(),
                tried: tried.clone(),
                failure: tool.is_none().then_some(failure),
                unavailable: tool,
                ..ProgramRecord::default()
            };
            made.program(record, None);
        }
        Ok(made)
    }

    /// The one program that plays all roles: the one that can listen and connect.
    fn both(
        &self,
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

    pub(super) fn cargo(
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

fn attempt(rung: Rung, from: &str, outcome: &Outcome, recipe: &Recipe) -> Attempt {
    let why = if matches!(outcome.limit, Some((LimitKind::Cpu, _))) {
        Why::Cpu(recipe.cpu_seconds())
    } else if outcome.timed_out() {
        Why::Seconds(recipe.seconds(), still_there(&outcome.output))
    } else {
        Why::of(&outcome.output)
    };
    Attempt {
        rung,
        from: from.to_owned(),
        why,
        output: outcome.output.chars().take(KEPT).collect(),
    }
}

/// What a command that ran out of time waited for, by the supervisor's word at the end of its output.
fn still_there(output: &str) -> String {
    let last = output.lines().rev().find(|line| !line.trim().is_empty());
    let there = last.and_then(|line| line.split_once(" s there is still: "));
    there
        .filter(|(before, _)| before.starts_with("after "))
        .map(|(_, there)| there.trim().to_owned())
        .unwrap_or_default()
}

/// A failed command in words: its own output, and what it did not say itself.
fn failure(outcome: &Outcome, recipe: &Recipe, tool: &str) -> String {
    let mut out = outcome.output.clone();
    if let Some(what) = &outcome.uncollected {
        out.push_str(&format!("\nwhat was built cannot be taken: {what}"));
    }
    match outcome.limit {
        Some((LimitKind::Cpu, _)) => out.push_str(&format!(
            "\n{tool} was stopped after {} s of processor time",
            recipe.cpu_seconds()
        )),
        _ if outcome.timed_out() => {
            out.push_str(&format!("\n{tool} runs past {} s", recipe.seconds()));
        }
        Some((limit, most)) => {
            let words = limit_words(limit, most, Lang::En);
            out.push_str(&format!("\n{tool} was stopped at {words}"));
        }
        None => {}
    }
    let out = printable(out.trim().as_bytes());
    if out.is_empty() {
        format!("{tool} failed without a message")
    } else {
        out
    }
}
