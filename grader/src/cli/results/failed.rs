//! A gradebook that cannot be used, as it is told: which file, what is wrong, what to do.

use std::path::Path;

use grader::gradebook::{GradebookError, Unknown};

use crate::cli::failure::Failure;

/// The failure of a command that wanted the gradebook at `path`.
pub(in crate::cli) fn failed(path: &Path, error: GradebookError) -> Failure {
    let said = format!("{}: {error}", path.display());
    match error {
        GradebookError::Missing => Failure::usage(said)
            .hint("`grader batch` makes it; name another with --gradebook FILE"),
        GradebookError::NoDatabase | GradebookError::Foreign => Failure::usage(said).hint(
            "name the file that `grader batch` made with --gradebook FILE; this one is left as it is",
        ),
        GradebookError::Newer(_) => Failure::usage(said)
            .hint("use the grader that wrote it, or a later one; this one is `grader --version`"),
        GradebookError::OtherCourse { course, .. } => {
            let hint = format!(
                "say --course '{course}', or keep this class in a gradebook of its own with --gradebook FILE"
            );
            Failure::usage(said).hint(hint)
        }
        GradebookError::Closed(_) => Failure::usage(said).hint(
            "the file and its directory must be there and be yours to write; name another with --gradebook FILE",
        ),
        GradebookError::Unknown(unknown) => {
            let failure = Failure::usage(said);
            let failure = match unknown.close() {
                Some(close) => failure.hint(format!("did you mean `{close}`?")),
                None => failure,
            };
            failure.hint(list(path, &unknown))
        }
        GradebookError::Full => Failure::fault(said).hint(
            "make room and say this again; what a batch has graded is kept in the journal beside it",
        ),
        GradebookError::Locked => Failure::fault(said).hint(
            "it is another batch that ends, or a program in which something is not saved yet: end that, and say this again; what a batch has graded is kept in the journal beside it",
        ),
        GradebookError::Sqlite(_) | GradebookError::Damaged(_) => Failure::fault(said).hint(
            "if it is damaged take a copy of it, or grade into another with --gradebook FILE; `sqlite3 FILE .recover` may save what was decided by hand",
        ),
    }
}

/// How to see the names that there are.
fn list(path: &Path, unknown: &Unknown) -> String {
    let command = |words: &str| {
        if path == Path::new(super::GRADEBOOK) {
            format!("`grader results {words}`")
        } else {
            format!("`grader results {words} --gradebook '{}'`", path.display())
        }
    };
    match unknown {
        Unknown::Student { .. } => format!("{} lists the students", command("show")),
        Unknown::Several(_) => format!("write group/name; {} lists them", command("show")),
        Unknown::Lab { .. } => format!("{} lists the labs", command("show")),
        Unknown::Requirement { lab, .. } => {
            let stats = format!("stats {lab}");
            format!("{} lists its requirements", command(&stats))
        }
        Unknown::Override(_) => format!("{} lists the overrides", command("override")),
    }
}
