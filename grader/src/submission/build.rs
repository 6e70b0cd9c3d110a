//! Building a submission: every program, in isolation, at once, cached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use supervisor::plan::Isolation;

use super::cache::{Cache, CacheMode, Key, ProgramRecord, Record, Stored};
use super::error::SubmissionError;
use super::find::{self, Layout, Make, Sources, Unit};
use super::hints;
use super::outcome::{Outcome, printable};
use super::recipe::{self, Recipe};
use super::runner::{BuildRunner, Fault};
use super::source;
use super::toolchain::Toolchain;
use super::tree::{Bounds, Tree};
use crate::lab::{Lab, Lang, Program};
use crate::run::BuildReport;

/// How to build.
#[derive(Debug)]
pub struct BuildOptions<'a> {
    /// Where finished builds are kept.
    pub cache: &'a Cache,
    /// The compilers.
    pub toolchain: &'a Toolchain,
    /// The language of hints.
    pub lang: Lang,
    /// How strictly to isolate.
    pub isolation: Isolation,
}

/// The programs of a submission.
#[derive(Debug)]
pub struct Built {
    /// By role; roles that were not built are missing.
    pub programs: BTreeMap<String, BuiltProgram>,
    /// One per role, in the lab's order.
    pub reports: Vec<BuildReport>,
    /// Things worth saying that cost nothing.
    pub notes: Vec<String>,
    /// Hash of everything handed in: the same for the same files.
    pub fingerprint: String,
    /// Keep executables that are not stored for good until they are no longer needed.
    _caches: Vec<Cache>,
}

/// An executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltProgram {
    /// Where it is on this machine.
    pub executable: PathBuf,
    /// Its arguments by the submission's own word (`run` in the manifest): what follows the
    /// program's name, with `{args}` for the lab's arguments.
    pub run: Option<Vec<String>>,
}

/// Finds and builds the programs of `lab` in the directory `dir`.
///
/// A program that does not compile is no error: its report says so.
///
/// # Errors
/// The submission cannot be graded as it is, a tool is missing, or the machine failed.
pub fn build(
    runner: &dyn BuildRunner,
    lab: &Lab,
    dir: &Path,
    options: &BuildOptions<'_>,
) -> Result<Built, SubmissionError> {
    let tree = Tree::read(dir, &Bounds::default())?;
    let layout = find::find(&tree, &lab.programs)?;
    let job = Job {
        runner,
        lab,
        tree: &tree,
        options,
    };
    let results = job.all(&layout.units)?;
    let fingerprint = fingerprint(&tree);
    Ok(collect(lab, tree, layout, results, options, fingerprint))
}

struct Finished {
    stored: Stored,
    cached: bool,
    /// Where it is stored.
    cache: Cache,
}

struct Job<'a> {
    runner: &'a dyn BuildRunner,
    lab: &'a Lab,
    tree: &'a Tree,
    options: &'a BuildOptions<'a>,
}

/// What became of one unit before it is stored.
#[derive(Default)]
struct Made {
    record: Record,
    executables: Vec<Option<Vec<u8>>>,
    /// The same input may give another result next time (a time limit): not stored for good.
    passing: bool,
}

impl Made {
    fn program(&mut self, record: ProgramRecord, executable: Option<Vec<u8>>) {
        self.record.programs.push(record);
        self.executables.push(executable);
    }
}

impl Job<'_> {
    /// Builds the units at once: the workers decide how many run in parallel.
    fn all(&self, units: &[Unit]) -> Result<Vec<Finished>, SubmissionError> {
        thread::scope(|scope| {
            let threads: Vec<_> = units
                .iter()
                .map(|unit| scope.spawn(move || self.unit(unit)))
                .collect();
            threads
                .into_iter()
                .map(|thread| match thread.join() {
                    Ok(result) => result,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        })
    }

    fn unit(&self, unit: &Unit) -> Result<Finished, SubmissionError> {
        let key = self.key(unit);
        if let Some(stored) = self.options.cache.get(&key) {
            return Ok(Finished {
                stored,
                cached: true,
                cache: self.options.cache.clone(),
            });
        }
        let made = match unit {
            Unit::Sources(sources) => {
                let mut made = Made::default();
                self.sources(sources, &mut made)?;
                made
            }
            Unit::Make(make) => self.make(make)?,
            Unit::Cargo(roles) => self.cargo(roles)?,
            Unit::Script(role, file) => self.script(role, file),
        };
        // What only a slow machine brought about is not stored for good.
        let cache = if made.passing {
            Cache::open(&CacheMode::Off)?
        } else {
            self.options.cache.clone()
        };
        let stored = cache.put(&key, made.record, &made.executables)?;
        Ok(Finished {
            stored,
            cached: false,
            cache,
        })
    }

    /// Everything that can make a difference to the result.
    fn key(&self, unit: &Unit) -> String {
        let mut key = Key::default();
        key.add(b"grader build 1");
        key.add(env!("CARGO_PKG_VERSION").as_bytes());
        key.add(self.lab.id.as_bytes());
        for program in &self.lab.programs {
            key.add(
                format!(
                    "{:?}",
                    (&program.name, &program.executable, &program.sources)
                )
                .as_bytes(),
            );
        }
        key.add(format!("{unit:?}").as_bytes());
        let tools = self.options.toolchain;
        for tool in [&tools.cc, &tools.cxx, &tools.make, &tools.cargo] {
            let identity = tool.as_ref().map(super::toolchain::Tool::identity);
            key.add(identity.unwrap_or_default().as_bytes());
        }
        add_files(&mut key, self.tree);
        key.finish()
    }

    fn role(&self, name: &str) -> Option<&Program> {
        self.lab.programs.iter().find(|p| p.name == name)
    }

    /// The names by which a role is known, best first.
    fn looked_for(&self, role: &str) -> String {
        self.role(role).map_or_else(String::new, |program| {
            let mut names = vec![program.executable.clone(), program.name.clone()];
            names.extend(program.sources.iter().cloned());
            names.join(", ")
        })
    }

    fn run(&self, what: &str, recipe: &Recipe) -> Result<Outcome, Fault> {
        let name = format!("{}: {what}", self.lab.id);
        let plan = recipe.plan(&name, self.tree, self.options.isolation);
        Outcome::read(self.runner.run(&plan)?, plan.programs.len())
    }

    /// Compiles one program; where that fails for want of headers, once more with those that
    /// Solaris, the course's old platform, brings along.
    fn sources(&self, sources: &Sources, made: &mut Made) -> Result<(), SubmissionError> {
        let executable = self
            .role(&sources.role)
            .map_or("a.out", |p| p.executable.as_str());
        let mut record = ProgramRecord {
            role: sources.role.clone(),
            from: sources.files.join(", "),
            ..ProgramRecord::default()
        };
        let compile = |lenient| -> Result<(Outcome, u64), SubmissionError> {
            let recipe = recipe::compile(
                self.tree,
                sources,
                executable,
                self.options.toolchain,
                lenient,
            )?;
            Ok((self.run(executable, &recipe)?, recipe.seconds()))
        };
        let (mut outcome, seconds) = compile(false)?;
        let strict = outcome.output.clone();
        if !outcome.succeeded() && wants_headers(&strict) {
            let lenient = compile(true)?.0;
            if lenient.succeeded() {
                outcome = lenient;
                made.record.notes.push(format!(
                    "{}: compiles only with headers that Solaris brings along; include \
                     <sys/un.h>, <string.h> … where they are used",
                    record.from
                ));
            }
        }
        if outcome.timed_out() {
            made.passing = true;
            record.failure = Some(format!("the compiler runs past {seconds} s"));
            made.program(record, None);
            return Ok(());
        }
        let program = outcome
            .files
            .iter_mut()
            .find(|(_, bytes)| source::is_program(bytes))
            .map(|(_, bytes)| std::mem::take(bytes));
        if outcome.succeeded() && program.is_some() {
            record.warnings = strict;
            made.program(record, program);
        } else {
            record.failure = Some(failure(&strict, &outcome, "the compiler"));
            made.program(record, None);
        }
        Ok(())
    }

    fn make(&self, unit: &Make) -> Result<Made, SubmissionError> {
        let mut made = Made::default();
        let mut why = format!("{}: there is no `make` on this machine", unit.file);
        let mut output = String::new();
        let mut files = Vec::new();
        let mut failed = true;
        if let Some(recipe) = recipe::make(unit, self.options.toolchain) {
            let mut outcome = self.run("make", &recipe)?;
            made.passing = outcome.timed_out();
            failed = !outcome.succeeded();
            output = std::mem::take(&mut outcome.output);
            why = if outcome.timed_out() {
                format!("{} runs past {} s", unit.file, recipe.seconds())
            } else if failed {
                failure(&output, &outcome, "make")
            } else {
                format!("no source found, and {} made no such program", unit.file)
            };
            files = outcome.files;
        }
        files.retain(|(_, bytes)| source::is_program(bytes));
        let found = self.executables(unit.roles.as_slice(), &files)?;
        for (role, wanted) in &unit.roles {
            let mut record = ProgramRecord {
                role: role.clone(),
                from: unit.file.clone(),
                ..ProgramRecord::default()
            };
            if let Some(name) = found.get(role) {
                record.warnings = if failed { why.clone() } else { output.clone() };
                let program = files.iter().find(|(path, _)| path == name);
                made.program(record, program.map(|(_, bytes)| bytes.clone()));
                continue;
            }
            match unit.fallback.iter().find(|s| s.role == *role) {
                Some(sources) => {
                    self.sources(sources, &mut made)?;
                    let reason = why.lines().next().unwrap_or_default().to_owned();
                    if let Some(last) = made.record.programs.last_mut() {
                        match &mut last.failure {
                            Some(failure) => {
                                let both = format!(
                                    "{}\n\nmake did not build it either: {why}",
                                    failure.trim_end()
                                );
                                *failure = both;
                            }
                            None => made.record.notes.push(format!(
                                "{role}: make did not build it ({reason}); compiled {} directly",
                                last.from
                            )),
                        }
                    }
                }
                None => {
                    record.failure = Some(match wanted {
                        Some(path) if !failed => format!("{} left no program {path}", unit.file),
                        None if !failed => format!("{why}; looked for {}", self.looked_for(role)),
                        _ => why.clone(),
                    });
                    made.program(record, None);
                }
            }
        }
        Ok(made)
    }

    fn cargo(&self, roles: &[(String, Option<String>)]) -> Result<Made, SubmissionError> {
        let recipe = recipe::cargo(self.options.toolchain)?;
        let mut outcome = self.run("cargo", &recipe)?;
        let mut made = Made {
            passing: outcome.timed_out(),
            ..Made::default()
        };
        outcome.files.retain(|(_, bytes)| source::is_program(bytes));
        let found = self.executables(roles, &outcome.files)?;
        for (role, wanted) in roles {
            let mut record = ProgramRecord {
                role: role.clone(),
                from: "Cargo.toml".to_owned(),
                ..ProgramRecord::default()
            };
            let program = found
                .get(role)
                .and_then(|name| outcome.files.iter().find(|(path, _)| path == name));
            if let (Some((_, bytes)), true) = (program, outcome.succeeded()) {
                record.warnings.clone_from(&outcome.output);
                made.program(record, Some(bytes.clone()));
                continue;
            }
            record.failure = Some(if outcome.timed_out() {
                format!("cargo build runs past {} s", recipe.seconds())
            } else if outcome.succeeded() {
                let name = wanted
                    .clone()
                    .or_else(|| self.role(role).map(|p| p.executable.clone()));
                format!("the package has no binary `{}`", name.unwrap_or_default())
            } else {
                failure(&outcome.output, &outcome, "cargo")
            });
            made.program(record, None);
        }
        Ok(made)
    }

    fn script(&self, role: &str, file: &str) -> Made {
        let mut made = Made::default();
        let record = ProgramRecord {
            role: role.to_owned(),
            from: file.to_owned(),
            ..ProgramRecord::default()
        };
        let bytes = self.tree.get(file).and_then(|file| file.bytes());
        made.program(record, bytes.map(<[u8]>::to_vec));
        made
    }

    /// Which of the files made is which role: by the manifest's word, or by name.
    fn executables(
        &self,
        roles: &[(String, Option<String>)],
        files: &[(String, Vec<u8>)],
    ) -> Result<BTreeMap<String, String>, SubmissionError> {
        let mut found = BTreeMap::new();
        for (role, wanted) in roles {
            let Some(wanted) = wanted else { continue };
            let hit = files.iter().find(|(path, _)| {
                path == wanted || path.strip_prefix(".grader/out/") == Some(wanted.as_str())
            });
            if let Some((path, _)) = hit {
                found.insert(role.clone(), path.clone());
            }
        }
        let open: Vec<&Program> = roles
            .iter()
            .filter(|(_, wanted)| wanted.is_none())
            .filter_map(|(role, _)| self.role(role))
            .collect();
        let names: Vec<String> = files
            .iter()
            .map(|(path, _)| path.clone())
            .filter(|path| !found.values().any(|taken| taken == path))
            .collect();
        for (role, path) in find::executables(&names, &open)? {
            found.insert(role, path.to_owned());
        }
        Ok(found)
    }
}

/// A failed command in words: its own output, and what it did not say itself.
fn failure(output: &str, outcome: &Outcome, tool: &str) -> String {
    let mut out = output.to_owned();
    if let Some(what) = &outcome.uncollected {
        out.push_str(&format!("\nwhat was built cannot be taken: {what}"));
    }
    if let Some(limit) = outcome.limit {
        out.push_str(&format!("\n{tool} was stopped: limit of {limit:?} reached"));
    }
    let out = printable(out.trim().as_bytes());
    if out.is_empty() {
        format!("{tool} failed without a message")
    } else {
        out
    }
}

/// Errors that a header which Solaris brings along can mend.
fn wants_headers(output: &str) -> bool {
    [
        "incomplete type",
        "storage size",
        "implicit declaration",
        "undeclared",
        "unknown type name",
        "invalid use of undefined type",
    ]
    .iter()
    .any(|part| output.contains(part))
}

fn add_files(key: &mut Key, tree: &Tree) {
    for file in &tree.files {
        key.add(file.path.as_bytes());
        key.add(file.bytes().unwrap_or_default());
        key.add(&[u8::from(file.executable), u8::from(file.bytes().is_some())]);
    }
}

fn fingerprint(tree: &Tree) -> String {
    let mut key = Key::default();
    add_files(&mut key, tree);
    key.finish()
}

fn collect(
    lab: &Lab,
    tree: Tree,
    layout: Layout,
    results: Vec<Finished>,
    options: &BuildOptions<'_>,
    fingerprint: String,
) -> Built {
    let mut programs = BTreeMap::new();
    let mut reports = BTreeMap::new();
    let mut caches = Vec::new();
    let mut notes = tree.notes;
    notes.extend(layout.notes);
    let executable = |role: &str| {
        let program = lab.programs.iter().find(|p| p.name == role);
        program.map_or_else(|| role.to_owned(), |p| p.executable.clone())
    };
    for Finished {
        stored,
        cached,
        cache,
    } in results
    {
        caches.push(cache);
        let Stored {
            record,
            executables,
        } = stored;
        for note in record.notes {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        for (program, path) in record.programs.into_iter().zip(executables) {
            if let Some(path) = path {
                let run = layout.runs.get(&program.role);
                programs.insert(
                    program.role.clone(),
                    BuiltProgram {
                        executable: path,
                        run: run.map(|run| run.iter().skip(1).cloned().collect()),
                    },
                );
            }
            let hint = program
                .failure
                .as_deref()
                .and_then(|failure| hints::hint(failure, options.lang));
            reports.insert(
                program.role.clone(),
                BuildReport {
                    executable: executable(&program.role),
                    program: program.role,
                    from: program.from,
                    cached,
                    warnings: program.warnings,
                    failure: program.failure,
                    hint,
                },
            );
        }
    }
    for (role, names) in layout.missing {
        reports.insert(
            role.clone(),
            BuildReport {
                executable: executable(&role),
                program: role,
                from: String::new(),
                cached: false,
                warnings: String::new(),
                failure: Some(format!("no source found: looked for {names}")),
                hint: None,
            },
        );
    }
    let reports = lab
        .programs
        .iter()
        .filter_map(|program| reports.remove(&program.name))
        .collect();
    Built {
        programs,
        reports,
        notes,
        fingerprint,
        _caches: caches,
    }
}

/// Opens the cache and looks the tools up: what [`BuildOptions`] borrows.
///
/// # Errors
/// The cache's directory cannot be used.
pub fn prepare(mode: &CacheMode) -> Result<(Cache, Toolchain), Fault> {
    Ok((Cache::open(mode)?, Toolchain::from_env()))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tools;
