//! Recipes: which commands build a submission, on which files; and each as a plan for the
//! supervisor.

mod c;
mod go;
mod java;
mod make;
mod plan;
mod rust;

#[cfg(test)]
mod tests;

pub(super) use c::{compile, tools};
pub(super) use make::make;
pub(super) use rust::cargo;

use std::collections::BTreeSet;
use std::path::PathBuf;

use supervisor::Bytes;
use supervisor::plan::FileSource;

use super::error::SubmissionError;
use super::find::Sources;
use super::language::Language;
use super::toolchain::{Tool, Toolchain};
use super::tree::Tree;
use crate::lab::Text;

/// Where the grader puts its own files in the workspace. No submission has such a name, because
/// hidden names are left out of a [`Tree`].
const OWN: &str = ".grader";

/// What a command may take, milliseconds. Processor time, of each process, decides, so that a busy
/// machine makes no difference; wall time is for what sleeps.
#[derive(Clone, Copy, Debug)]
struct Budget {
    cpu: u64,
    wall: u64,
}

/// A compiler, or all that a Makefile does.
const COMMAND: Budget = Budget {
    cpu: 10_000,
    wall: 60_000,
};
/// Cargo compiles the dependencies as well.
const CARGO: Budget = Budget {
    cpu: 240_000,
    wall: 120_000,
};

/// Memory of all that a build starts, bytes.
const TOGETHER: u64 = 6 << 30;
/// Bytes of what a build leaves behind, at most.
pub(super) const COLLECT: u64 = 64 << 20;

/// Commands to run one after another, and where their result is.
#[derive(Debug)]
pub(super) struct Recipe {
    commands: Vec<Command>,
    tools: Vec<Tool>,
    env: Vec<(&'static str, Bytes)>,
    readable: BTreeSet<PathBuf>,
    own: Vec<(String, FileSource, u32)>,
    /// Files of the submission that are not as they were handed in.
    changed: Vec<(String, Vec<u8>)>,
    /// A directory that comes first on `PATH`.
    path: Option<String>,
    /// Directory whose files are wanted.
    collect: String,
    memory: u64,
    budget: Budget,
}

#[derive(Debug)]
struct Command {
    tool: PathBuf,
    args: Vec<String>,
}

impl Recipe {
    fn new(tools: Vec<Tool>) -> Self {
        let readable = tools.iter().flat_map(Tool::homes).collect();
        Self {
            commands: Vec::new(),
            tools,
            env: Vec::new(),
            readable,
            own: vec![(format!("{OWN}/out"), FileSource::Directory, 0o755)],
            changed: Vec::new(),
            path: None,
            collect: format!("{OWN}/out"),
            memory: 4 << 30,
            budget: COMMAND,
        }
    }

    /// Seconds a command may take, waiting included.
    pub(super) fn seconds(&self) -> u64 {
        self.budget.wall / 1000
    }

    /// Seconds of processor time for all together.
    pub(super) fn cpu_seconds(&self) -> u64 {
        self.budget.cpu / 1000
    }

    fn own(&mut self, name: String, text: &str, mode: u32) {
        self.own.push((name, FileSource::Bytes(text.into()), mode));
    }

    /// A line for the shell, with its arguments.
    fn shell(&mut self, line: &str, args: &[&str]) {
        let mut all = vec!["-c".to_owned(), line.to_owned(), "sh".to_owned()];
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        self.command("/bin/sh".into(), all);
    }

    fn command(&mut self, tool: PathBuf, args: Vec<String>) {
        self.commands.push(Command { tool, args });
    }
}

/// Compiles one program that is in neither C nor C++ nor a script.
pub(super) fn foreign(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    match sources.language {
        Language::Rust => rust::rustc(sources, executable, toolchain),
        Language::Java => java::java(tree, sources, executable, toolchain),
        Language::Go => go::go(tree, sources, executable, toolchain),
        Language::C | Language::Cxx | Language::Script => {
            compile(tree, sources, executable, toolchain, false)
        }
    }
}

/// A tool that is not on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

/// A tool that is needed, or its name where it is missing.
fn needed<'t, T: ?Sized>(tool: Option<&'t T>, name: &str) -> Result<&'t T, Missing> {
    tool.ok_or_else(|| Missing(name.to_owned()))
}

/// A path that cannot be taken for an option or a response file.
fn as_operand(path: &str) -> String {
    if path.starts_with(['-', '@']) {
        format!("./{path}")
    } else {
        path.to_owned()
    }
}

/// A machine without a C compiler can grade nothing.
pub(super) fn no_compiler() -> SubmissionError {
    SubmissionError::NoTool(Text::both(
        "no C compiler found: install gcc (Debian, Ubuntu: apt install build-essential; \
         Fedora: dnf install gcc gcc-c++ make), or name one in CC",
        "компилятора C нет: установите gcc (Debian, Ubuntu: apt install build-essential; \
         Fedora: dnf install gcc gcc-c++ make) или назовите его в CC",
    ))
}
