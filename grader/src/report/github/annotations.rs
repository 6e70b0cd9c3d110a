//! Annotations: workflow commands in the log.

use super::GitHub;
use crate::report::findings::{of_kind, sentence};
use crate::report::only_reported;
use crate::report::phrases::phrases;
use crate::run::{Refusal, Summary};
use crate::text::{clean, one_line};
use crate::verdict::Outcome;

/// The runner drops what comes after ten annotations of a kind in a step, without a word.
pub(super) const ANNOTATIONS: usize = 10;

/// An annotation, most important first.
struct Annotation {
    /// `error`, or `warning` for what is only reported.
    level: &'static str,
    file: Option<Position>,
    title: String,
    message: String,
}

/// A place in the student's source.
pub(super) struct Position {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: Option<u32>,
}

/// One annotation: nothing was graded.
pub(super) fn refused(refusal: &Refusal<'_>) -> String {
    format!(
        "::error title={}::{}\n",
        property(&format!("grader {}", refusal.lab.id)),
        message(refusal.message)
    )
}

impl<W> GitHub<W> {
    pub(super) fn commands(&self, summary: &Summary) -> String {
        let annotations = self.annotations(summary);
        let shown = if annotations.len() > ANNOTATIONS {
            ANNOTATIONS - 1
        } else {
            annotations.len()
        };
        let mut out = String::new();
        for annotation in &annotations[..shown] {
            let mut properties = Vec::new();
            if let Some(at) = &annotation.file {
                properties.push(format!("file={}", property(&at.file)));
                properties.push(format!("line={}", at.line));
                properties.extend(at.column.map(|column| format!("col={column}")));
            }
            properties.push(format!("title={}", property(&annotation.title)));
            out += &format!(
                "::{} {}::{}\n",
                annotation.level,
                properties.join(","),
                message(&annotation.message)
            );
        }
        if shown < annotations.len() {
            out += &format!(
                "::error title=grader::and {} more\n",
                annotations.len() - shown
            );
        }
        if summary.of > 0 {
            // What the reporter of GitHub Classroom reads.
            out += &format!(
                "::notice title=Autograding complete::Points {}/{}\n",
                summary.points, summary.of
            );
            let totals = format!(
                "{{\"totalPoints\":{},\"maxPoints\":{}}}",
                summary.points, summary.of
            );
            out += &format!("::notice title=Autograding report::{}\n", message(&totals));
        }
        out
    }

    fn annotations(&self, summary: &Summary) -> Vec<Annotation> {
        let words = phrases(self.context.lang);
        let mut all = Vec::new();
        for build in &self.builds {
            if let Some(failure) = &build.failure {
                let title = words.not_built(&build.executable, &build.from);
                let mut text = failure.clone();
                text.extend(build.hint.iter().flat_map(|hint| ["\n", hint]));
                all.push(Annotation {
                    level: "error",
                    file: self.position(failure),
                    title,
                    message: text,
                });
            }
        }
        for verdict in of_kind(summary, &[Outcome::Fail, Outcome::Unstable, Outcome::Error]) {
            let points = format!("{} {}/{}", verdict.requirement, verdict.points, verdict.of);
            let title = match verdict.outcome {
                Outcome::Error => format!("{} {}", words.error(), verdict.requirement),
                _ => format!("{points} {}", self.title(verdict)),
            };
            let mut text = sentence(verdict, words);
            if verdict.outcome == Outcome::Error {
                text += &format!("\n{}", words.our_fault());
            }
            text += "\n";
            text += &self.details(verdict, words);
            let reported = only_reported(verdict, summary) && verdict.outcome != Outcome::Error;
            all.push(Annotation {
                level: if reported { "warning" } else { "error" },
                file: None,
                title,
                message: text.trim_end().to_owned(),
            });
        }
        all
    }

    /// The place that a compiler names first: `server.c:41:9: error: …`. Only a relative path
    /// that stays inside the submission is taken.
    pub(super) fn position(&self, failure: &str) -> Option<Position> {
        failure.lines().find_map(|line| {
            let (place, _) = line
                .split_once(": error:")
                .or_else(|| line.split_once(": fatal error:"))?;
            let mut parts = place.rsplitn(3, ':');
            let (last, middle, first) = (parts.next()?, parts.next()?, parts.next());
            let (file, line, column) = match first {
                Some(file) => (file, middle.parse().ok()?, last.parse().ok()),
                None => (middle, last.parse().ok()?, None),
            };
            let outside = file.is_empty()
                || file.starts_with('/')
                || file.split('/').any(|part| part == "..");
            if outside {
                return None;
            }
            let root = self
                .context
                .replay
                .submission
                .trim_start_matches("./")
                .trim_matches('/');
            let file = if root.is_empty() || root == "." {
                file.to_owned()
            } else {
                format!("{root}/{file}")
            };
            Some(Position { file, line, column })
        })
    }
}

/// The message of a command.
fn message(text: &str) -> String {
    clean(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    message(&one_line(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
