//! `grader results compare`.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use clap::Args;
use grader::batch::qualified;
use grader::gradebook::{Change, Comparison, Gradebook, Judged, time};
use grader::text::clean;

use super::Failed;
use super::outdone::say_outdone;
use crate::cli::failure::Failure;
use crate::cli::lang::both;
use crate::cli::options::LangOption;
use crate::cli::words::Words;

/// What a regrade would change, student by student, with the reason; apply it or not
#[derive(Args)]
pub(super) struct Compare {
    /// What changed since then, applied or not: yesterday, '2026-11-20 12:00'
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// Do not ask
    #[arg(long, conflicts_with = "since")]
    apply: bool,
    #[command(flatten)]
    pub(super) lang: LangOption,
}

/// A day by itself is all of it.
fn moment(text: &str) -> Result<i64, String> {
    let midnight = format!("{} 00:00", text.trim());
    let time = time::parse(&midnight).or_else(|| time::parse(text));
    time.ok_or_else(|| {
        both(
            "write it as 2026-11-20 23:59+07:00, or yesterday",
            "пишется так: 2026-11-20 23:59+07:00 или yesterday",
        )
    })
}

impl Compare {
    pub(super) fn run(&self, gradebook: &mut Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let comparison = match self.since {
            Some(since) => gradebook.compare_since(since).map_err(failed)?,
            None => gradebook.compare().map_err(failed)?,
        };
        let words = Words(self.lang.get());
        let mut out = anstream::stdout().lock();
        compared(&mut out, &comparison, words)?;
        say_outdone(gradebook, words).map_err(failed)?;
        let pending = gradebook.pending().map_err(failed)?;
        if self.since.is_some() || pending == 0 {
            return Ok(());
        }
        let yes = if self.apply {
            true
        } else if io::stdin().is_terminal() {
            write!(out, "{}", words.apply())?;
            out.flush()?;
            yes()?
        } else {
            writeln!(out, "{} grader results apply | discard", words.next())?;
            return Ok(());
        };
        if yes {
            let count = gradebook.apply().map_err(failed)?;
            writeln!(out, "{}", words.applied(count))?;
        } else {
            writeln!(out, "{}", words.not_applied())?;
        }
        Ok(())
    }
}

/// Whether what is typed now says yes.
pub(super) fn yes() -> io::Result<bool> {
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes" | "д" | "да"))
}

fn compared(out: &mut dyn Write, comparison: &Comparison, words: Words) -> io::Result<()> {
    if comparison.changes.is_empty() {
        return writeln!(out, "{}", words.no_change());
    }
    let who = |change: &Change| clean(&qualified(&change.group, &change.student));
    // What it is worth is said where that is what has changed.
    let side = |change: &Change, side: &Option<Judged>| match side {
        Some(judged) if judged.by_hand || !judged.outcome.is_empty() => {
            let of = |side: &Option<Judged>| side.as_ref().map(|judged| judged.of);
            let same =
                change.was.is_none() || change.now.is_none() || of(&change.was) == of(&change.now);
            let shown = words.number(judged.points);
            let shown = if same {
                shown
            } else {
                format!("{shown}/{}", judged.of)
            };
            if judged.by_hand {
                return format!("{shown} {}", words.by_hand());
            }
            match judged.outcome.as_str() {
                "pass" => format!("✓ {shown}"),
                "fail" => format!("✗ {shown}"),
                "not-reached" => format!("– {shown}"),
                other => format!("{} {shown}", words.outcome(other)),
            }
        }
        _ => "-".to_owned(),
    };
    let what = |change: &Change| {
        let attempt = if change.attempt > 1 {
            format!("#{}", change.attempt)
        } else {
            String::new()
        };
        if change.requirement.is_empty() {
            format!("{}{attempt}", change.lab)
        } else {
            format!("{}{attempt}/{}", change.lab, change.requirement)
        }
    };
    let rows: Vec<[String; 5]> = comparison
        .changes
        .iter()
        .map(|c| {
            [
                who(c),
                clean(&what(c)),
                side(c, &c.was),
                side(c, &c.now),
                clean(&words.reasons(&c.why)),
            ]
        })
        .collect();
    let titles = words.compared().map(str::to_owned);
    let mut widths = [0; 5];
    for row in rows.iter().chain([&titles]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in [&titles].into_iter().chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:<width$}   "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "{}", words.changes(comparison))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_a_day_is_since_it_began() {
        let at = |text: &str| moment(text).unwrap();
        assert_eq!(at("2026-11-20"), at("2026-11-20 00:00"));
        assert_eq!(at("2026-11-20 12:00+07:00"), at("2026-11-20 05:00"));
        assert!(at("yesterday") < at("today"));
        assert!(moment("20.11.2026").is_err());
    }
}
