//! Grades as those read them that keep them: learning management systems, spreadsheets, people.
//!
//! Every text here was written by somebody else. What begins like a formula is not left so where a
//! spreadsheet will open it.

mod canvas;
mod comment;
mod gradescope;
mod moodle;
mod page;
mod plain;
mod sheet;
#[cfg(test)]
mod tests;
mod who;
mod words;

use std::collections::BTreeSet;

use thiserror::Error;

use self::words::Words;
use super::{Attempt, Gradebook, GradebookError, LabInfo, Standing};
use crate::batch::{ResultRecord, Status};
use crate::charset::Charset;
use crate::lab::{Lang, Text};
use crate::report::{JsonRequirement, JsonWhy};

pub use canvas::{feedback_name as canvas_feedback_name, fill as canvas};
pub use gradescope::gradescope;
pub use moodle::{
    fill as moodle_worksheet, gradebook as moodle, participant as moodle_participant,
    participant_in as moodle_participant_in,
};
pub use page::{html, markdown};
pub use plain::{csv, json, nbgrader};

/// A file that was filled in, with what could not be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// The file.
    pub text: String,
    /// How it is encoded, as the one that was given.
    pub charset: Charset,
    /// Rows that got points or a comment.
    pub filled: usize,
    /// Students of the gradebook who are not in the file.
    pub missing: Vec<String>,
    /// Rows of the file of which the gradebook knows no student, by name.
    pub unknown: Vec<String>,
    /// Rows with the name of several, of whom no number tells which is meant.
    pub namesakes: Vec<String>,
    /// Rows with a grade that cannot be changed there, by name; they were left as they are.
    pub locked: Vec<String>,
    /// Rows whose cell says that the student is excused, by name; they were left as they are.
    pub excused: Vec<String>,
    /// Rows that had another grade, by name; it was replaced.
    pub replaced: Vec<String>,
    /// Rows with a comment of somebody else's, by name; it stays, and ours stands behind it.
    pub commented: Vec<String>,
    /// The file does not say what the assignment is worth: points are those of the lab.
    pub unscaled: bool,
    /// What the assignment is worth, where that is not what the lab is worth: points were scaled.
    pub scaled: Option<f64>,
}

impl Filled {
    /// Points of the lab as those of an assignment that is worth `most`.
    fn scale(&mut self, score: f64, lab: &LabInfo, most: Option<f64>) -> f64 {
        let of = f64::from(lab.points);
        match most {
            Some(most) if lab.points > 0 && number(most) != number(of) => {
                self.scaled = Some(most);
                score * most / of
            }
            Some(_) => score,
            None => {
                self.unscaled = true;
                score
            }
        }
    }

    /// Notes a row that is nobody's, or of which of several students it is cannot be told.
    fn without_student(&mut self, name: String, several: &BTreeSet<String>) {
        if several.contains(&name) {
            self.namesakes.push(name);
        } else {
            self.unknown.push(name);
        }
    }

    /// Notes that a cell's grade is replaced by another.
    fn replaces(&mut self, name: &str, was: &str, is: &str) {
        let was = was.trim();
        let number = |text: &str| text.replace(',', ".").parse::<f64>().ok();
        let same = was == is || number(was).is_some_and(|was| number(is) == Some(was));
        if !matches!(was, "" | "-") && !same {
            self.replaced.push(name.to_owned());
        }
    }
}

/// Why something cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The gradebook cannot be read.
    #[error(transparent)]
    Gradebook(#[from] GradebookError),
    /// The file to be filled in is not what it should be.
    #[error("{0}")]
    Template(Text),
    /// A row cannot be written or read.
    #[error("CSV: {0}")]
    Csv(#[from] csv::Error),
}

impl ExportError {
    fn template(en: impl Into<String>, ru: impl Into<String>) -> Self {
        Self::Template(Text::both(en, ru))
    }

    fn empty() -> Self {
        Self::template("the template is empty", "шаблон пуст")
    }
}

/// One lab's grades, ready to be written.
#[derive(Clone, Debug)]
pub struct Grades {
    /// The course.
    pub course: String,
    /// The lab.
    pub lab: LabInfo,
    /// The language of what students read.
    pub lang: Lang,
    /// Everybody, by group and name.
    pub rows: Vec<Grade>,
}

impl Grade {
    /// Why a requirement is not met: in `lang` where the record has it, else as it was graded.
    #[must_use]
    pub fn reason<'a>(
        &'a self,
        requirement: &'a JsonRequirement,
        lang: Lang,
    ) -> Option<&'a JsonWhy> {
        let record = self.record.as_ref();
        record
            .filter(|record| record.lang != lang)
            .and_then(|record| record.translated.get(&requirement.id))
            .or(requirement.reason.as_ref())
    }

    /// The same with the whole record of the attempt that counts: one at a time, a class is large.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn whole(&self, gradebook: &Gradebook) -> Result<Self, GradebookError> {
        let record = match &self.standing.attempt {
            Some(attempt) => Some(gradebook.record(attempt.run)?),
            None => None,
        };
        Ok(Self {
            record,
            ..self.clone()
        })
    }
}

/// A student's grade.
#[derive(Clone, Debug)]
pub struct Grade {
    /// Who, what, how much.
    pub standing: Standing,
    /// What the student reads, in one line.
    pub feedback: String,
    /// The points of each requirement that was judged.
    pub points: Vec<(String, u32)>,
    /// The whole record of the attempt that counts, where it was asked for.
    pub record: Option<ResultRecord>,
}

/// How much of each result is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Points and one line.
    Line,
    /// Everything.
    Whole,
}

impl Grades {
    /// Reads a lab's grades; [`Detail::Line`] gives each student's feedback in one line,
    /// [`Detail::Whole`] the records too.
    ///
    /// # Errors
    /// There is no such lab, or the gradebook cannot be read.
    pub fn read(
        gradebook: &Gradebook,
        lab: &str,
        detail: Detail,
        lang: Lang,
    ) -> Result<Self, GradebookError> {
        let words = Words(lang);
        gradebook.lab_id(lab)?;
        let mut labs = gradebook.labs()?.into_iter();
        let Some(info) = labs.find(|info| info.name == lab) else {
            return Err(gradebook.no_lab(lab)?.into());
        };
        let course = gradebook.course_of(lab)?;
        let mut rows = Vec::new();
        for standing in gradebook.standings(Some(lab))? {
            let verdicts = match &standing.attempt {
                Some(attempt) => gradebook.verdicts(attempt.run)?,
                None => Vec::new(),
            };
            let not_built = match &standing.attempt {
                Some(attempt) => gradebook.not_built(attempt.run)?,
                None => Vec::new(),
            };
            let mut grade = Grade {
                feedback: line(&verdicts, &not_built, &standing, &info, words),
                points: judged(verdicts, &standing),
                standing,
                record: None,
            };
            if detail == Detail::Whole {
                grade = grade.whole(gradebook)?;
            }
            rows.push(grade);
        }
        Ok(Self {
            course,
            lab: info,
            lang,
            rows,
        })
    }
}

/// The points of what was judged: no zero stands for what could not be.
fn judged(verdicts: Vec<(String, String, u32, u32)>, standing: &Standing) -> Vec<(String, u32)> {
    let graded = |attempt: &Attempt| attempt.status == Status::Graded;
    if !standing.attempt.as_ref().is_some_and(graded) {
        return Vec::new();
    }
    let all = verdicts.into_iter();
    all.filter(|(_, outcome, ..)| !matches!(outcome.as_str(), "error" | "skipped"))
        .map(|(name, _, points, _)| (name, points))
        .collect()
}

/// One line: the points, what fails, what was taken away.
fn line(
    verdicts: &[(String, String, u32, u32)],
    not_built: &[String],
    standing: &Standing,
    lab: &LabInfo,
    words: Words,
) -> String {
    let mut parts = Vec::new();
    let status = standing.attempt.as_ref().map(|attempt| attempt.status);
    // What was set by hand for the lab as a whole is said of work, too, that could not be graded.
    let decided = standing.score.filter(|_| standing.by_hand);
    if let Some(score) = decided {
        let points = words.number(score + standing.penalty);
        parts.push(words.of(&points, lab.points));
    }
    match &standing.attempt {
        Some(attempt) if status == Some(Status::Graded) => {
            if decided.is_none() {
                parts.push(words.of(attempt.points, attempt.possible));
            }
            for executable in not_built {
                parts.push(words.was_not_built(executable));
            }
            // What is only reported is told apart: full marks and a failure contradict each other.
            let mut reported = Vec::new();
            for (outcome, what) in words.outcomes() {
                let mut names = Vec::new();
                for (name, worth) in &lab.requirements {
                    if verdicts.iter().any(|v| v.0 == *name && v.1 == outcome) {
                        let wrong = *worth == 0 && outcome == "fail";
                        if wrong { &mut reported } else { &mut names }.push(name.as_str());
                    }
                }
                if !names.is_empty() {
                    parts.push(format!("{what}: {}", names.join(", ")));
                }
            }
            if !reported.is_empty() {
                let what = words.without_points();
                parts.push(format!("{what}: {}", reported.join(", ")));
            }
        }
        _ if decided.is_some() => {}
        Some(attempt) if status == Some(Status::Ungradable) => parts.push(format!(
            "{}: {}",
            words.not_graded(),
            attempt
                .for_student(words.0)
                .lines()
                .next()
                .unwrap_or_default()
        )),
        Some(_) => parts.push(words.line_error().to_owned()),
        None => parts.push(words.line_nothing().to_owned()),
    }
    if standing.penalty > 0.0 {
        parts.push(words.line_late(standing.penalty));
    }
    if standing.by_hand {
        parts.push(words.line_by_hand(&standing.parts_by_hand));
    }
    parts.join("; ")
}

/// `70`, `70.5`: no more decimals than there are, and two at most, as every gradebook compares.
#[must_use]
pub fn number(value: f64) -> String {
    // A half is rounded up, as people do: 13.125 is no 13.12.
    let text = format!("{:.2}", (value * 100.0).round() / 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text for a cell: no spreadsheet takes it for a formula (OWASP, CSV injection), and it has no
/// control characters. Numbers stay numbers.
fn cell(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect();
    if clean.parse::<f64>().is_ok() || clean == "-" {
        return clean;
    }
    // Where `;` separates, as in a Russian Excel, what follows one begins a cell; so does a line.
    let mut out = String::with_capacity(clean.len() + 1);
    let mut begins = true;
    for c in clean.chars() {
        if begins && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            out.push('\'');
        }
        begins = matches!(c, ';' | '\n' | '"') || (begins && c == ' ');
        out.push(c);
    }
    out
}

/// A name for a file: nothing that a file system or an archive reads otherwise.
#[must_use]
pub fn file_name(text: &str) -> String {
    /// File systems count bytes, and 255 of them must do for what else is in the name.
    const MOST: usize = 100;
    let mut bytes = 0;
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '@') {
                c
            } else {
                '_'
            }
        })
        .take_while(|c| {
            bytes += c.len_utf8();
            bytes <= MOST
        })
        .collect();
    let name = name.trim_matches(['.', ' ']).to_owned();
    if name.is_empty() {
        "_".to_owned()
    } else {
        name
    }
}
