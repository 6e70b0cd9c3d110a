//! `grader results forget`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use clap::Args;
use grader::gradebook::{Gradebook, Kept};
use grader::text::clean;

use super::show::mark;
use super::{Failed, say};
use crate::cli::batch;
use crate::cli::failure::Failure;
use crate::cli::options::LangOption;
use crate::cli::words::Words;

/// Remove students who should not be there: of a wrong layout, of a stray directory
///
/// Their results and what was set by hand for them are lost, and shown before. Nothing is removed
/// until it is confirmed. A batch that finds them again grades them again.
#[derive(Args)]
pub(super) struct Forget {
    /// The students: a name, group/name, or a pattern such as '21214/*'
    #[arg(required = true, value_name = "STUDENT")]
    students: Vec<String>,
    /// Only what is of this lab
    #[arg(long, value_name = "LAB")]
    lab: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    lang: LangOption,
}

impl Forget {
    pub(super) fn run(
        &self,
        gradebook: &mut Gradebook,
        path: &Path,
        failed: Failed<'_>,
    ) -> Result<(), Failure> {
        let words = Words(self.lang.get());
        let lab = self.lab.as_deref();
        let mut students = Vec::new();
        for name in &self.students {
            for student in gradebook.students_called(name).map_err(failed)? {
                if !students.contains(&student) {
                    students.push(student);
                }
            }
        }
        let mut kept = gradebook.kept(&students, lab).map_err(failed)?;
        if lab.is_some() {
            kept.retain(|kept| !kept.is_nothing());
        }
        let students: Vec<_> = kept.iter().map(|kept| kept.student.clone()).collect();
        if let (Some(lab), true) = (lab, students.is_empty()) {
            return say(&clean(&words.nothing_of(lab)));
        }
        for kept in &kept {
            lost(kept, words)?;
        }
        say(&words.would_be_lost(&kept, lab))?;
        if !self.yes && !agreed(words)? {
            return say(words.not_forgotten());
        }
        // Held until it is done: a batch that runs would bring them back. And first, so that whoever is
        // killed between finds them still and can say it again.
        let (journal, _) = batch::open_journal(path, &mut |_| {})?;
        journal
            .forget(&|identity| {
                let theirs = students.iter().any(|student| {
                    (&student.group, &student.name) == (&identity.group, &identity.student)
                });
                theirs && lab.is_none_or(|lab| identity.lab == lab)
            })
            .map_err(|error| Failure::fault(error.told(words.0)))?;
        gradebook.forget(&students, lab).map_err(failed)?;
        say(&words.forgotten(students.len()))
    }
}

/// Whether somebody agrees; nobody does where nobody is asked.
fn agreed(words: Words) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut out = anstream::stdout().lock();
    write!(out, "{}", words.forget())?;
    out.flush()?;
    Ok(super::compare::yes()?)
}

/// What is lost of a student.
fn lost(kept: &Kept, words: Words) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let name = clean(&kept.student.qualified());
    for standing in &kept.standings {
        let mark = mark(standing, words);
        let place = standing.attempt.as_ref().map(|attempt| &attempt.place);
        let place = place.map_or(String::new(), |place| format!("  {}", clean(place)));
        writeln!(out, "{name}  {}  {mark}{place}", clean(&standing.lab))?;
    }
    if kept.standings.is_empty() {
        writeln!(out, "{name}  {}", words.nothing_handed_in())?;
    }
    for entry in &kept.overrides {
        writeln!(out, "  {}", clean(&words.override_line(entry)))?;
    }
    Ok(())
}
