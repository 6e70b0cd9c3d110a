//! What is found: how a submission is built.

use std::collections::BTreeMap;

use super::super::language::Language;
use super::super::manifest::Declared;
use super::super::note::Note;

/// How a submission is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// What is built together, independent of the others.
    pub units: Vec<Unit>,
    /// Roles without a source: the role, and the names that were looked for.
    pub missing: Vec<(String, String)>,
    /// Arguments of a submission's own, by role (see the manifest's `run`).
    pub runs: BTreeMap<String, Vec<String>>,
    /// Environment variables of a submission's own, by role.
    pub env: BTreeMap<String, Vec<(String, String)>>,
    /// Where a role listens or connects by the submission's own word.
    pub addresses: BTreeMap<String, Declared>,
    /// Things worth saying.
    pub notes: Vec<Note>,
}

/// One build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One program from source files.
    Sources(Sources),
    /// What a Makefile builds.
    Make(Make),
    /// What a Cargo package builds: the role and, where the manifest says so, the binary.
    Cargo(Vec<(String, Option<String>)>),
}

/// One program from source files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The role.
    pub role: String,
    /// In which language.
    pub language: Language,
    /// The files, the one with `main` first.
    pub files: Vec<String>,
    /// Compiler flags of the submission's own.
    pub flags: Vec<String>,
}

/// What a Makefile builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Make {
    /// The Makefile.
    pub file: String,
    /// Its text as it was meant, where make cannot read it as it is.
    pub mended: Option<Vec<u8>>,
    /// Asked for besides the default goal: the manifest's targets.
    pub goals: Vec<String>,
    /// Asked for where those leave a role without its program: targets named like a role, or else
    /// all that build something.
    pub others: Vec<String>,
    /// The roles and, where the manifest says so, the executable's path.
    pub roles: Vec<(String, Option<String>)>,
    /// Sources to fall back to for roles that `make` does not bring forth.
    pub fallback: Vec<Sources>,
    /// One program plays all roles.
    pub both: bool,
}
