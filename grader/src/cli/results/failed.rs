//! A gradebook that cannot be used, as it is told: which file, what is wrong, what to do.

use std::path::Path;

use grader::gradebook::{GradebookError, Unknown};

use crate::cli::failure::Failure;
use crate::cli::lang::{both, lang};
use crate::cli::lookup::did_you_mean;

/// The failure of a command that wanted the gradebook at `path`.
pub(in crate::cli) fn failed(path: &Path, error: GradebookError) -> Failure {
    let said = format!("{}: {}", path.display(), error.told(lang()));
    match error {
        GradebookError::Missing => Failure::usage(said).hint(both(
            "`grader batch` makes it; name another with --gradebook FILE",
            "её делает `grader batch`; другую задаёт --gradebook FILE",
        )),
        GradebookError::NoDatabase | GradebookError::Foreign => Failure::usage(said).hint(both(
            "name the file that `grader batch` made with --gradebook FILE; this one is left as it is",
            "задайте файл, который сделал `grader batch`: --gradebook FILE; этот оставлен как есть",
        )),
        GradebookError::Newer(_) => Failure::usage(said).hint(both(
            "use the grader that wrote it, or a later one; this one is `grader --version`",
            "возьмите тот grader, который её написал, или новее; какой этот, скажет `grader --version`",
        )),
        GradebookError::OtherCourse { course, .. } => Failure::usage(said).hint(both(
            format!(
                "say --course '{course}', or keep this class in a gradebook of its own with --gradebook FILE"
            ),
            format!(
                "укажите --course '{course}' или ведите эту группу в отдельной ведомости: --gradebook FILE"
            ),
        )),
        GradebookError::Closed(_) => Failure::usage(said).hint(both(
            "the file and its directory must be there and be yours to write; name another with --gradebook FILE",
            "файл и его каталог должны быть на месте, и в них можно писать; другую ведомость задаёт --gradebook FILE",
        )),
        GradebookError::Unknown(unknown) => {
            let failure = Failure::usage(said);
            let failure = match unknown.close() {
                Some(close) => failure.hint(did_you_mean(close)),
                None => failure,
            };
            failure.hint(list(path, &unknown))
        }
        GradebookError::Full => Failure::fault(said).hint(both(
            "make room and say this again; what a batch has graded is kept in the journal beside it",
            "освободите место и повторите; проверенное сохранено в журнале рядом с ней",
        )),
        GradebookError::Locked => Failure::fault(said).hint(both(
            "it is another batch that ends, or a program in which something is not saved yet: end that, and say this again; what a batch has graded is kept in the journal beside it",
            "это заканчивается другая проверка, или в какой-то программе есть несохранённое: завершите её и повторите; проверенное сохранено в журнале рядом",
        )),
        GradebookError::Sqlite(_) | GradebookError::Damaged(_) => Failure::fault(said).hint(both(
            "if it is damaged take a copy of it, or grade into another with --gradebook FILE; `sqlite3 FILE .recover` may save what was decided by hand",
            "если она повреждена, возьмите её копию или проверяйте в другую: --gradebook FILE; решённое вручную может спасти `sqlite3 FILE .recover`",
        )),
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
    let show = command("show");
    match unknown {
        Unknown::Student { .. } => both(
            format!("{show} lists the students"),
            format!("студентов показывает {show}"),
        ),
        Unknown::Several { .. } => both(
            format!("write one of these; {show} lists all"),
            format!("напишите один из них; всех показывает {show}"),
        ),
        Unknown::Lab { .. } => both(
            format!("{show} lists the labs"),
            format!("задания показывает {show}"),
        ),
        Unknown::Requirement { lab, .. } => {
            let stats = command(&format!("stats {lab}"));
            both(
                format!("{stats} lists its requirements"),
                format!("его требования показывает {stats}"),
            )
        }
        Unknown::Override(_) => {
            let list = command("override");
            both(
                format!("{list} lists the overrides"),
                format!("ручные оценки показывает {list}"),
            )
        }
    }
}
