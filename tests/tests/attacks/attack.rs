//! What an attack is, and what must happen: `fixtures/attacks/**/*.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How isolated an attack is graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rung {
    Full,
    Reduced,
}

/// A status that must come, or any.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Code {
    Number(i32),
    Word(Any),
}

/// Whatever comes is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Any {
    Any,
}

/// What must happen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// What the attack does, in a sentence.
    #[expect(dead_code, reason = "for whoever reads the file")]
    title: String,
    /// The outcome of the requirement `text`; `any` where it does not matter.
    #[serde(default = "pass")]
    pub(crate) text: String,
    /// The same for `end`.
    #[serde(default = "pass")]
    pub(crate) end: String,
    /// The status of the check, if not the one that follows from the outcomes.
    pub(crate) code: Option<Code>,
    /// What the report must name.
    #[serde(default)]
    pub(crate) named: Vec<String>,
    /// What must be in the report of a build that failed.
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// The attack says that it was made. Of programs only.
    #[serde(default = "yes")]
    pub(crate) tried: bool,
    /// The rungs of isolation on which it is made.
    #[serde(default = "full")]
    pub(crate) rungs: Vec<Rung>,
    /// What it may reach on the reduced rung, which says in the report that it protects less.
    #[serde(default, rename = "reduced-allows")]
    pub(crate) reduced_allows: Vec<String>,
}

fn pass() -> String {
    "pass".to_owned()
}

fn yes() -> bool {
    true
}

fn full() -> Vec<Rung> {
    vec![Rung::Full]
}

/// Where an attack comes from.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A program: one C file.
    Program(PathBuf),
    /// A directory that attacks while it is built.
    Build(PathBuf),
    /// A script that makes a directory to hand in.
    Submission(PathBuf),
}

/// An attack on one rung.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    short: String,
    pub(crate) kind: Kind,
    pub(crate) expected: Expected,
    pub(crate) rung: Rung,
}

impl Attack {
    pub(crate) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Program(_) => "program",
            Kind::Build(_) => "build",
            Kind::Submission(_) => "submission",
        };
        match self.rung {
            Rung::Full => format!("{kind} {}", self.short),
            Rung::Reduced => format!("{kind} {} (reduced)", self.short),
        }
    }
}

/// `fixtures/attacks`.
pub(crate) fn home() -> PathBuf {
    end_to_end::root().join("fixtures/attacks")
}

/// All attacks, by name.
pub(crate) fn all() -> Vec<Attack> {
    let mut all = Vec::new();
    for path in entries(&home().join("programs")) {
        if path.extension().is_some_and(|e| e == "toml") {
            add(&mut all, &path, &Kind::Program(path.with_extension("c")));
        }
    }
    for path in entries(&home().join("builds")) {
        add(&mut all, &path.join("attack.toml"), &Kind::Build(path));
    }
    for path in entries(&home().join("submissions")) {
        add(&mut all, &path.join("attack.toml"), &Kind::Submission(path));
    }
    assert!(all.len() >= 40, "only {} attacks", all.len());
    all.retain(|attack| !matches!(&attack.kind, Kind::Build(path) if end_to_end::lacks_cxx(path)));
    all
}

fn add(all: &mut Vec<Attack>, toml: &Path, kind: &Kind) {
    let text =
        std::fs::read_to_string(toml).unwrap_or_else(|error| panic!("{}: {error}", toml.display()));
    let expected: Expected =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", toml.display()));
    let (Kind::Program(path) | Kind::Build(path) | Kind::Submission(path)) = kind;
    let short = path.file_stem().unwrap().to_string_lossy().into_owned();
    for rung in expected.rungs.clone() {
        all.push(Attack {
            short: short.clone(),
            kind: kind.clone(),
            expected: expected.clone(),
            rung,
        });
    }
}

/// What is in a directory, in order.
pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
