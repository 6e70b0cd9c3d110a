//! Building a submission: every program, in isolation, at once, cached.

mod collect;
mod compiler;
mod report;
mod ways;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

use supervisor::plan::Isolation;

use self::collect::collect;
pub use self::compiler::try_compiler;
pub use self::report::{BuildReport, Tried};
use super::beside::{self, Beside};
use super::cache::{Cache, CacheMode, Key, ProgramRecord, Record, Stored};
use super::error::SubmissionError;
use super::find::{self, Unit};
use super::handlers;
use super::manifest::Declared;
use super::outcome::Outcome;
use super::recipe::Recipe;
use super::runner::{BuildRunner, Fault};
use super::toolchain::{Optimisation, Toolchain};
use super::tree::{Bounds, Tree};
use crate::lab::{Lab, Lang, Program};

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
    /// What this machine lacks, by the role that needs it: `server.go needs …`.
    pub unavailable: BTreeMap<String, String>,
    /// One per role, in the lab's order.
    pub reports: Vec<BuildReport>,
    /// Things worth saying that cost nothing.
    pub notes: Vec<String>,
    /// A signal handler writes a plain variable: how it was optimised may matter.
    pub plain_flags: bool,
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
    /// Environment variables by the submission's own word; `{socket}` is the address.
    pub env: Vec<(String, String)>,
    /// Its address by the submission's own word.
    pub address: Option<Declared>,
    /// What lies beside it where its author runs it.
    pub beside: Vec<Beside>,
    /// Names of files that its sources have built in.
    pub opens: Vec<String>,
    /// Whether it can learn the name of its file only by asking for it.
    pub asks: bool,
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
    let programs: Vec<Program> = lab
        .programs
        .iter()
        .filter(|program| program.same_as.is_none())
        .cloned()
        .collect();
    let layout = find::find(&tree, &programs, find::home(&tree, lab), &lab.numbers())?;
    let flags = handlers::plain_flags(&tree);
    let as_typed;
    let options = if options.toolchain.is_usual() && !flags.is_empty() {
        as_typed = options.toolchain.optimising(Optimisation::None);
        &BuildOptions {
            toolchain: &as_typed,
            ..*options
        }
    } else {
        options
    };
    let job = Job {
        runner,
        lab,
        tree: &tree,
        options,
    };
    let results = job.all(&layout.units)?;
    let fingerprint = hash_of(&tree);
    let mut built = collect(lab, tree, layout, results, flags, options, fingerprint);
    // Roles that are played by the program of another one.
    for program in &lab.programs {
        let Some(original) = &program.same_as else {
            continue;
        };
        if let Some(of) = built.programs.get(original).cloned() {
            built.programs.insert(program.name.clone(), of);
        }
        if let Some(why) = built.unavailable.get(original).cloned() {
            built.unavailable.insert(program.name.clone(), why);
        }
    }
    Ok(built)
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
    /// Programs without a role, by their names from the directory in which the roles start.
    others: Vec<(String, Vec<u8>)>,
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
    /// Builds the units that are not in the cache, at once: the workers decide how many run in
    /// parallel.
    fn all(&self, units: &[Unit]) -> Result<Vec<Finished>, SubmissionError> {
        thread::scope(|scope| {
            let under_way: Vec<_> = units
                .iter()
                .map(|unit| {
                    let key = self.key(unit);
                    match self.options.cache.get(&key) {
                        Some(stored) => Ok(Finished {
                            stored,
                            cached: true,
                            cache: self.options.cache.clone(),
                        }),
                        None => Err(scope.spawn(move || self.unit(unit, &key))),
                    }
                })
                .collect();
            under_way
                .into_iter()
                .map(|unit| match unit.map_err(ScopedJoinHandle::join) {
                    Ok(finished) => Ok(finished),
                    Err(Ok(result)) => result,
                    Err(Err(panic)) => std::panic::resume_unwind(panic),
                })
                .collect()
        })
    }

    fn unit(&self, unit: &Unit, key: &str) -> Result<Finished, SubmissionError> {
        let made = match unit {
            Unit::Sources(sources) => {
                let mut made = Made::default();
                self.sources(sources, Vec::new(), &mut made)?;
                made
            }
            Unit::Make(make) => self.make(make)?,
            Unit::Cargo(roles) => self.cargo(roles)?,
        };
        let failed = made.record.programs.iter().any(|p| p.failure.is_some());
        if failed && !matches!(unit, Unit::Cargo(_)) {
            let options = self.options;
            try_compiler(self.runner, options.toolchain, options.isolation)?;
        }
        // What only a slow machine brought about is not stored for good.
        let cache = if made.passing {
            Cache::open(&CacheMode::Off)?
        } else {
            self.options.cache.clone()
        };
        let stored = cache.put(key, made.record, &made.executables, &made.others)?;
        Ok(Finished {
            stored,
            cached: false,
            cache,
        })
    }

    /// Everything that can make a difference to the result.
    fn key(&self, unit: &Unit) -> String {
        let mut key = Key::default();
        key.add(b"grader build");
        key.add(env!("GRADER_BUILD_RULES").as_bytes());
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
        for identity in tools.identities() {
            key.add(identity.as_bytes());
        }
        // The flag alone: to ask for all of them may start the compiler.
        key.add(tools.optimisation().flag().as_bytes());
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
        let made: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .filter(|(path, _)| !found.values().any(|taken| taken == path))
            .collect();
        let made = self.concerned(made);
        for (role, path) in find::executables(&made, &open)? {
            found.insert(role, path.to_owned());
        }
        Ok(found)
    }

    /// The programs that can be a role: not those of other tasks, nor what a program starts.
    fn concerned<'m>(&self, mut made: Vec<(&'m str, &'m [u8])>) -> Vec<(&'m str, &'m [u8])> {
        let numbers = self.lab.numbers();
        if made
            .iter()
            .any(|(path, _)| find::is_numbered(find::stem(path), &numbers))
        {
            made.retain(|(path, _)| {
                let name = find::stem(path);
                find::all_numbers(name).is_empty() || find::is_numbered(name, &numbers)
            });
        }
        if let [_] = self.lab.programs.as_slice() {
            let started = beside::started(self.tree);
            let is_started = |path: &str| started.contains(find::stem(path));
            if made.iter().any(|(path, _)| !is_started(path)) {
                made.retain(|(path, _)| !is_started(path));
            }
        }
        made
    }
}

fn add_files(key: &mut Key, tree: &Tree) {
    for file in &tree.files {
        key.add(file.path.as_bytes());
        key.add(file.bytes().unwrap_or_default());
        key.add(&[u8::from(file.executable), u8::from(file.bytes().is_some())]);
    }
}

/// Hash of the submission in the directory `dir`, as [`Built::fingerprint`] gives it, without
/// building anything.
///
/// # Errors
/// There is nothing in it that could be graded.
pub fn fingerprint(dir: &Path) -> Result<String, SubmissionError> {
    Ok(hash_of(&Tree::read(dir, &Bounds::default())?))
}

fn hash_of(tree: &Tree) -> String {
    let mut key = Key::default();
    add_files(&mut key, tree);
    key.finish()
}

/// Opens the cache and looks the tools up: what [`BuildOptions`] borrows.
///
/// # Errors
/// The cache's directory cannot be used.
pub fn prepare(mode: &CacheMode) -> Result<(Cache, Toolchain), Fault> {
    Ok((Cache::open(mode)?, Toolchain::from_env()))
}

#[cfg(test)]
use super::rung::Rung;
#[cfg(test)]
pub(in crate::submission) mod tests;
#[cfg(test)]
mod tools;
