//! `grader results override`.

use std::io::Write as _;

use clap::Args;
use grader::batch::qualified;
use grader::gradebook::Gradebook;
use grader::text::clean;

use super::{Failed, say};
use crate::cli::failure::Failure;
use crate::cli::lang::both;
use crate::cli::options::LangOption;
use crate::cli::words::Words;

/// Set points by hand; regrades leave them alone
#[derive(Args)]
pub(super) struct OverrideArgs {
    /// The student: a name, or group/name
    student: Option<String>,
    /// The lab, or one requirement of it: us-upper, us-upper/s-next
    what: Option<String>,
    /// The points it is worth now
    #[arg(value_parser = value)]
    points: Option<f64>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Who decides [default: $USER]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Withdraw the override with this number
    #[arg(long, value_name = "N", conflicts_with_all = ["student", "what", "points", "why"])]
    withdraw: Option<i64>,
    #[command(flatten)]
    lang: LangOption,
}

/// `2.5`, and `2,5` where that is how numbers are written.
fn value(text: &str) -> Result<f64, String> {
    let value = text.replace(',', ".").parse().ok();
    value
        .filter(|value| (0.0..=100_000.0).contains(value))
        .ok_or_else(|| both("write points as 15 or 2.5", "баллы пишутся так: 15 или 2.5"))
}

impl OverrideArgs {
    pub(super) fn run(&self, gradebook: &mut Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let words = Words(self.lang.get());
        let who = || match &self.who {
            Some(who) => Ok(who.clone()),
            None => std::env::var("USER")
                .or_else(|_| std::env::var("LOGNAME"))
                .map_err(|_| {
                    Failure::usage(both(
                        "who decides? say --who NAME",
                        "кто решает? укажите --who NAME",
                    ))
                }),
        };
        if let Some(id) = self.withdraw {
            gradebook.withdraw_override(id, &who()?).map_err(failed)?;
            return say(&words.withdrawn(id));
        }
        let (Some(student), Some(what), Some(value)) = (&self.student, &self.what, self.points)
        else {
            let all = gradebook.overrides().map_err(failed)?;
            let mut out = anstream::stdout().lock();
            for entry in &all {
                let name = qualified(&entry.group, &entry.student);
                writeln!(
                    out,
                    "{}  {}",
                    clean(&name),
                    clean(&words.override_line(entry))
                )?;
            }
            if all.is_empty() {
                writeln!(out, "{}", words.no_overrides())?;
            }
            return Ok(());
        };
        let Some(why) = self.why.as_ref().filter(|why| !why.trim().is_empty()) else {
            return Err(Failure::usage(both(
                "an override needs a reason",
                "ручной оценке нужна причина",
            ))
            .hint(
                "grader results override STUDENT LAB[/REQUIREMENT] POINTS --why 'shown in person'",
            ));
        };
        let who = who()?;
        // One line, as the list of them is.
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        let (lab, requirement) = match what.split_once('/') {
            Some((lab, requirement)) => (lab, Some(requirement)),
            None => (what.as_str(), None),
        };
        gradebook
            .set_override(student, lab, requirement, value, &who, &why)
            .map_err(failed)?;
        say(&clean(&words.was_set(student, what, value, (&who, &why))))?;
        let doubts = gradebook
            .doubts(student, lab, requirement, value)
            .map_err(failed)?;
        for doubt in doubts {
            say(&words.doubt(doubt, lab))?;
        }
        Ok(())
    }
}
