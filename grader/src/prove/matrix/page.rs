//! The matrix and the judgement, for people.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Kind, Proof, Row};
use crate::text::clean;
use crate::verdict::Outcome;

impl Proof {
    /// Writes the matrix and the judgement for people.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = self.requirements.len();
        for row in self.rows.iter().filter(|row| !row.is_mutant()) {
            write!(out, "{:<20} {:>3}/{all}", row.name, row.passed())?;
            let runs = row.runs.len();
            match row.kind {
                Kind::Reference if row.moved.is_empty() => {
                    writeln!(out, "   {runs} runs, one transcript each")?;
                }
                _ if runs > 1 => writeln!(out, "   {runs} runs")?,
                _ => writeln!(out)?,
            }
        }
        writeln!(out)?;
        self.write_matrix(out)?;
        self.write_judgement(out)
    }

    fn write_matrix(&self, out: &mut dyn Write) -> io::Result<()> {
        let mutants: Vec<&Row> = self.mutants().collect();
        let Some(name) = mutants.iter().map(|row| row.name.chars().count()).max() else {
            return Ok(());
        };
        let room = 80_usize.saturating_sub(name + 1);
        let cell = self.width_of_a_cell(room);
        let in_a_block = (room / (cell + 1)).max(1);
        let indices: Vec<usize> = (0..self.requirements.len()).collect();
        for block in indices.chunks(in_a_block) {
            let mut head = " ".repeat(name);
            for &index in block {
                let id: String = self.requirements[index].chars().take(cell).collect();
                head += &format!(" {id:cell$}");
            }
            writeln!(out, "{}", head.trim_end())?;
            for row in &mutants {
                write!(out, "{:name$}", row.name)?;
                // The mark stands in the middle of its column; nothing follows the last one.
                let mut gap = 1 + (cell - 1) / 2;
                for &index in block {
                    let (mark, style) = mark(row, index);
                    write!(out, "{:gap$}{style}{mark}{style:#}", "")?;
                    gap = cell;
                }
                writeln!(out)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// As wide as the names allow and the page has room; narrower than that, several blocks.
    fn width_of_a_cell(&self, room: usize) -> usize {
        let longest = self
            .requirements
            .iter()
            .map(|id| id.chars().count())
            .max()
            .unwrap_or(1);
        let fitting = longest.min((room / self.requirements.len().max(1)).saturating_sub(1));
        let short = |id: &String| id.chars().take(fitting).collect::<String>();
        let told_apart = self
            .requirements
            .iter()
            .map(short)
            .collect::<BTreeSet<_>>()
            .len();
        if fitting >= 3 && told_apart == self.requirements.len() {
            fitting
        } else {
            longest.min(6)
        }
    }

    fn write_judgement(&self, out: &mut dyn Write) -> io::Result<()> {
        let problems = self.problems();
        let bad = AnsiColor::Red.on_default().bold();
        for problem in &problems {
            writeln!(out, "{bad}✗{bad:#} {}", clean(&problem.to_string()))?;
        }
        for moved in self.rows.iter().flat_map(|row| &row.moved) {
            for line in moved.to_string().lines() {
                writeln!(out, "  {}", clean(line))?;
            }
        }
        for fault in self.faults() {
            writeln!(out, "{bad}error{bad:#}: {}", clean(&fault))?;
        }
        let mutants = self.mutants().count();
        let as_declared = self.mutants().filter(|row| self.as_declared(row)).count();
        let killed = match self.unkilled().count() {
            0 => "every requirement is killed by at least one".to_owned(),
            1 => "1 requirement is killed by none".to_owned(),
            n => format!("{n} requirements are killed by none"),
        };
        let runs: usize = self.rows.iter().map(|row| row.runs.len()).sum();
        let moved = self
            .rows
            .iter()
            .filter(|row| !self.moved(row).is_empty())
            .count();
        let kind = if mutants == 1 { "mutant" } else { "mutants" };
        writeln!(
            out,
            "{mutants} {kind}, {as_declared} as declared · {killed} · {runs} runs, {moved} moved",
        )
    }
}

/// The mark of a cell: what happened in every run, or `≈`.
fn mark(row: &Row, index: usize) -> (&'static str, Style) {
    let mut outcomes = row.runs.iter().filter_map(|run| run.get(index));
    let Some(first) = outcomes.next() else {
        return (" ", Style::new());
    };
    if outcomes.any(|outcome| outcome != first) {
        return ("≈", AnsiColor::Yellow.on_default().bold());
    }
    match first {
        Outcome::Pass => ("·", Style::new().dimmed()),
        Outcome::Fail => ("✗", AnsiColor::Red.on_default().bold()),
        Outcome::NotReached => ("–", Style::new()),
        Outcome::Unstable => ("≈", AnsiColor::Yellow.on_default().bold()),
        Outcome::Error => ("!", AnsiColor::Yellow.on_default().bold()),
        Outcome::Skipped => ("○", Style::new()),
    }
}
