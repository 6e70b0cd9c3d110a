//! Plain CSV and JSON, and the CSV of nbgrader.

use std::collections::HashMap;

use serde::Serialize;

use super::canvas::finish;
use super::{ExportError, Grades, cell, number};
use crate::gradebook::time;

/// Everything in columns: a row for each student, a column for each requirement.
///
/// # Errors
/// A row cannot be written.
pub fn csv(grades: &Grades) -> Result<String, ExportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut titles: Vec<String> = [
        "group",
        "student",
        "name",
        "email",
        "number",
        "login",
        "lab",
        "attempt",
        "submitted",
        "status",
        "points",
        "penalty",
        "score",
        "max_score",
        "by_hand",
        "feedback",
    ]
    .map(str::to_owned)
    .to_vec();
    titles.extend(grades.lab.requirements.iter().map(|(name, _)| name.clone()));
    writer.write_record(&titles)?;
    for row in &grades.rows {
        let standing = &row.standing;
        let person = &standing.student.person;
        let attempt = standing.attempt.as_ref();
        let graded = attempt.filter(|a| a.status == crate::batch::Status::Graded);
        let mut cells = vec![
            cell(&standing.student.group),
            cell(&standing.student.name),
            cell(person.name.as_deref().unwrap_or_default()),
            cell(person.email.as_deref().unwrap_or_default()),
            cell(person.number.as_deref().unwrap_or_default()),
            cell(person.login.as_deref().unwrap_or_default()),
            cell(&standing.lab),
            attempt.map(|a| a.attempt.to_string()).unwrap_or_default(),
            attempt
                .and_then(|a| a.submitted)
                .map(time::shown)
                .unwrap_or_default(),
            attempt.map_or("nothing", |a| a.status.word()).to_owned(),
            graded.map(|a| a.points.to_string()).unwrap_or_default(),
            number(standing.penalty),
            standing.score.map(number).unwrap_or_default(),
            grades.lab.points.to_string(),
            if standing.by_hand { "yes" } else { "" }.to_owned(),
            cell(&row.feedback),
        ];
        for (name, _) in &grades.lab.requirements {
            let found = row.points.iter().find(|(id, _)| id == name);
            cells.push(
                found
                    .map(|(_, points)| points.to_string())
                    .unwrap_or_default(),
            );
        }
        writer.write_record(&cells)?;
    }
    finish(writer)
}

/// The long CSV that nbgrader exports, with its fields quoted where they must be.
///
/// # Errors
/// A row cannot be written.
pub fn nbgrader(grades: &Grades) -> Result<String, ExportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "assignment",
        "duedate",
        "timestamp",
        "student_id",
        "last_name",
        "first_name",
        "email",
        "raw_score",
        "late_submission_penalty",
        "score",
        "max_score",
    ])?;
    // As Python prints a datetime.
    let stamp = |at: i64| time::shown(at).replace(" UTC", ":00");
    let mut bearers: HashMap<&str, usize> = HashMap::new();
    for row in &grades.rows {
        *bearers.entry(&row.standing.student.name).or_default() += 1;
    }
    for row in &grades.rows {
        let standing = &row.standing;
        let student = &standing.student;
        let full = student.full_name();
        let (last, first) = full.split_once(' ').unwrap_or((full, ""));
        let attempt = standing.attempt.as_ref();
        // Whoever reads this knows students by it alone, and not their groups.
        let id = match bearers.get(student.name.as_str()) {
            Some(1) => student.name.clone(),
            _ => student.qualified(),
        };
        // Nobody gets a zero because something could not be graded.
        let score = |more: f64| {
            standing
                .score
                .map(|score| decimal(score + more))
                .unwrap_or_default()
        };
        writer.write_record([
            &cell(&standing.lab),
            &standing
                .extension
                .or(grades.lab.due)
                .map(stamp)
                .unwrap_or_default(),
            &attempt
                .and_then(|a| a.submitted)
                .map(stamp)
                .unwrap_or_default(),
            &cell(&id),
            &cell(last.trim_end_matches(',')),
            &cell(first),
            &cell(student.person.email.as_deref().unwrap_or_default()),
            &score(standing.penalty),
            &decimal(standing.penalty),
            &score(0.0),
            &decimal(f64::from(grades.lab.points)),
        ])?;
    }
    finish(writer)
}

/// As Python prints a float.
fn decimal(value: f64) -> String {
    let text = number(value);
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    schema: &'static str,
    course: &'a str,
    lab: &'a str,
    title: &'a str,
    points: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    late: String,
    students: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row<'a> {
    group: &'a str,
    student: &'a str,
    person: &'a crate::batch::Person,
    status: &'a str,
    score: Option<f64>,
    penalty: f64,
    by_hand: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    feedback: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a crate::batch::ResultRecord>,
}

/// One JSON document (`grader-grades/1`), with every record.
#[must_use]
pub fn json(grades: &Grades) -> String {
    let document = Document {
        schema: "grader-grades/1",
        course: &grades.course,
        lab: &grades.lab.name,
        title: &grades.lab.title,
        points: grades.lab.points,
        due: grades.lab.due,
        late: grades.lab.late.to_string(),
        students: grades
            .rows
            .iter()
            .map(|row| Row {
                group: &row.standing.student.group,
                student: &row.standing.student.name,
                person: &row.standing.student.person,
                status: row
                    .standing
                    .attempt
                    .as_ref()
                    .map_or("nothing", |a| a.status.word()),
                score: row.standing.score,
                penalty: row.standing.penalty,
                by_hand: row.standing.by_hand,
                due: row.standing.extension,
                feedback: &row.feedback,
                result: row.record.as_ref(),
            })
            .collect(),
    };
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{text}\n")
}
