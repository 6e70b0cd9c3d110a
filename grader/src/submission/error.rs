//! What can be wrong with a submission before anything is built.

use std::path::PathBuf;

use thiserror::Error;

use super::runner::Fault;

/// A submission that cannot be graded as it is, or a machine that cannot build it.
#[derive(Debug, Error)]
pub enum SubmissionError {
    /// There is nothing at this path.
    #[error("{}: no such directory; give the directory that holds the submission", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{}: not a directory; give the directory that holds the sources", path.display())]
    NotADirectory {
        /// As given.
        path: PathBuf,
    },
    /// The directory cannot be listed.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is no file in it that counts.
    #[error("{}: {what}: there is nothing to grade{notes}", path.display())]
    Empty {
        /// As given.
        path: PathBuf,
        /// What is there instead, in words.
        what: &'static str,
        /// What was passed over, one line each.
        notes: String,
    },
    /// Larger than any submission has reason to be.
    #[error("{}: {what}; hand in a directory with the sources only", path.display())]
    TooBig {
        /// As given.
        path: PathBuf,
        /// Which bound, in words.
        what: String,
    },
    /// A file that is needed cannot be used.
    #[error("{file}: {why}")]
    Unusable {
        /// Relative to the submission.
        file: String,
        /// Why, and what to do.
        why: String,
    },
    /// The manifest is wrong.
    #[error("{0}")]
    Manifest(String),
    /// Several files could be the program.
    #[error("{program}: several files could be it: {}\n{}", candidates.join(", "), settle(program, key, candidates))]
    Ambiguous {
        /// The role.
        program: String,
        /// The manifest's key that settles it: `sources`, `make`.
        key: &'static str,
        /// The files.
        candidates: Vec<String>,
    },
    /// No role has a source.
    #[error("{}: no program of this lab found\n  looked for {looked_for}\n  found {found}", path.display())]
    NothingFound {
        /// As given.
        path: PathBuf,
        /// Names per role.
        looked_for: String,
        /// What is there instead.
        found: String,
    },
    /// No compiler, make or cargo where one is needed.
    #[error("{0}")]
    NoTool(String),
    /// The grader or the machine failed while building.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The manifest lines that would settle an ambiguity.
fn settle(program: &str, key: &str, candidates: &[String]) -> String {
    let first = toml::Value::String(candidates.first().cloned().unwrap_or_default());
    let value = if key == "sources" {
        format!("[{first}]")
    } else {
        first.to_string()
    };
    format!(
        "  settle it with a file {} beside the sources:\n\n    [programs.{program}]\n    {key} = {value}",
        super::MANIFEST,
    )
}
