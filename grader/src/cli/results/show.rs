//! `grader results show`.

use std::io::{self, Write};

use clap::Args;
use grader::batch::{Status, qualified};
use grader::gradebook::{Gradebook, Standing, time};
use grader::text::clean;

use super::Failed;
use crate::cli::failure::Failure;
use crate::cli::options::LangOption;
use crate::cli::words::Words;

/// The points of a class; of one student with the verdicts, and all there ever was
#[derive(Args)]
pub(super) struct Show {
    /// Only this lab
    lab: Option<String>,
    /// Only this student, with every requirement: a name, or group/name
    #[arg(long, value_name = "STUDENT")]
    student: Option<String>,
    /// Every result there ever was
    #[arg(long, requires = "student")]
    history: bool,
    #[command(flatten)]
    pub(super) lang: LangOption,
}

impl Show {
    pub(super) fn run(&self, gradebook: &Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let words = Words(self.lang.get());
        let lab = self.lab.as_deref();
        let mut out = io::BufWriter::new(anstream::stdout().lock());
        match &self.student {
            None => {
                let all = gradebook.standings(lab).map_err(failed)?;
                table(&mut out, &all, words)?;
            }
            Some(student) => {
                gradebook.student_id(student).map_err(failed)?;
                if self.history {
                    let attempt_word = words.pick("attempt", "попытка");
                    // The longest word that `state` gives.
                    let state = words.state("pending").chars().count().max(10);
                    for (lab, attempt) in gradebook.history(student, lab).map_err(failed)? {
                        writeln!(
                            out,
                            "{}  {}  {attempt_word} {}  {:>4}/{}  {:<10}  {:<state$}  {}",
                            time::shown(attempt.started / 1000),
                            clean(&lab),
                            attempt.attempt,
                            attempt.points,
                            attempt.possible,
                            words.status(attempt.status),
                            words.state(&attempt.state),
                            clean(&attempt.place)
                        )?;
                    }
                } else {
                    let all = gradebook.standings(lab).map_err(failed)?;
                    for standing in all.iter().filter(|s| is(s, student)) {
                        one(&mut out, gradebook, (standing, words), failed)?;
                    }
                }
                for entry in gradebook.overrides_of(student).map_err(failed)? {
                    writeln!(out, "{}", clean(&words.override_line(&entry)))?;
                }
            }
        }
        let pending = gradebook.pending().map_err(failed)?;
        if pending > 0 {
            writeln!(out, "{}", words.pending(pending))?;
        }
        out.flush()?;
        Ok(())
    }
}

fn is(standing: &Standing, name: &str) -> bool {
    let student = &standing.student;
    student.name == name
        || student.qualified() == name
        || student.person.email.as_deref() == Some(name)
        || student.person.name.as_deref() == Some(name)
}

/// Points, or why there are none.
pub(super) fn mark(standing: &Standing, words: Words) -> String {
    match (&standing.score, &standing.attempt) {
        (Some(score), _) => {
            let mut text = words.number(*score);
            if standing.penalty > 0.0 {
                text.push_str(&format!(" {}", words.late(standing.penalty)));
            }
            if standing.by_hand {
                text.push_str(&format!(" {}", words.by_hand()));
            }
            text
        }
        (None, Some(attempt)) => words.status(attempt.status).to_owned(),
        (None, None) => "-".to_owned(),
    }
}

fn table(out: &mut dyn Write, all: &[Standing], words: Words) -> io::Result<()> {
    if all.is_empty() {
        return writeln!(out, "{}", words.nothing_yet());
    }
    let mut labs: Vec<&str> = all.iter().map(|s| s.lab.as_str()).collect();
    labs.sort_unstable();
    labs.dedup();
    let mut rows: std::collections::BTreeMap<(&str, &str), Vec<String>> =
        std::collections::BTreeMap::new();
    for (column, lab) in labs.iter().enumerate() {
        for standing in all.iter().filter(|s| s.lab == *lab) {
            let key = (
                standing.student.group.as_str(),
                standing.student.name.as_str(),
            );
            let row = rows.entry(key).or_default();
            row.resize(column, "-".to_owned());
            row.push(mark(standing, words));
        }
    }
    let name = |(group, student): &(&str, &str)| clean(&qualified(group, student));
    let student = words.student();
    let first = rows.keys().map(|key| name(key).chars().count());
    let first = first
        .chain([student.chars().count()])
        .max()
        .unwrap_or(0)
        .min(40);
    let widths: Vec<usize> = labs
        .iter()
        .enumerate()
        .map(|(i, lab)| {
            let cells = rows.values().filter_map(|row| row.get(i));
            cells
                .map(|cell| cell.chars().count())
                .chain([lab.len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    write!(out, "{student:<first$}")?;
    for (lab, width) in labs.iter().zip(&widths) {
        write!(out, "  {lab:>width$}")?;
    }
    writeln!(out)?;
    for (key, row) in &rows {
        write!(out, "{:<first$}", name(key))?;
        for (cell, width) in row.iter().zip(&widths) {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn one(
    out: &mut dyn Write,
    gradebook: &Gradebook,
    (standing, words): (&Standing, Words),
    failed: Failed<'_>,
) -> Result<(), Failure> {
    let student = &standing.student;
    writeln!(
        out,
        "{}  {}  {}",
        clean(&student.qualified()),
        clean(&standing.lab),
        mark(standing, words)
    )?;
    if let Some(due) = standing.extension {
        writeln!(out, "  {}", words.own_date(due))?;
    }
    let Some(attempt) = &standing.attempt else {
        writeln!(out, "  {}", words.nothing_handed_in())?;
        return Ok(());
    };
    let from = words.attempt(
        attempt.attempt,
        attempt.submitted,
        &clean(&attempt.place),
        attempt.started / 1000,
    );
    writeln!(out, "  {from}")?;
    if let Some(message) = &attempt.message {
        writeln!(out, "  {}", clean(message).replace('\n', "\n  "))?;
    }
    let record = gradebook.record(attempt.run).map_err(failed)?;
    if attempt.status != Status::Ungradable {
        writeln!(out)?;
        for line in record.text.lines() {
            writeln!(out, "  {}", clean(line))?;
        }
    }
    Ok(())
}
