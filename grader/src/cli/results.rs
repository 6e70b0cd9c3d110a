//! `grader results`.

mod export;
mod failed;
mod merge;

use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use grader::batch::Status;
use grader::gradebook::{Change, Comparison, Gradebook, GradebookError, Standing, Stats, time};
use grader::report::clean;

pub(super) use self::failed::failed;
use super::failure::Failure;

/// The gradebook that is meant where none is named.
const GRADEBOOK: &str = "grades.db";

/// Show, compare, change and export what was graded
#[derive(Args)]
pub(super) struct Results {
    #[command(subcommand)]
    command: Command,
    /// The gradebook
    #[arg(long, global = true, value_name = "FILE", default_value = GRADEBOOK)]
    gradebook: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// The points of a class; of one student with the verdicts, and all there ever was
    Show(Show),
    /// What a regrade would change, student by student, with the reason; apply it or not
    Compare(Compare),
    /// Let the pending regrade count, as a whole
    Apply,
    /// Give the pending regrade up, as a whole
    Discard,
    /// The class as a whole: what fails most, equal mistakes, equal files
    Stats(StatsArgs),
    /// Set points by hand; regrades leave them alone
    Override(OverrideArgs),
    /// Write the grades as a learning management system reads them
    Export(export::Export),
    /// Put the parts of a class that several machines have graded into one gradebook
    Merge(merge::Merge),
}

#[derive(Args)]
struct Show {
    /// Only this lab
    lab: Option<String>,
    /// Only this student, with every requirement: a name, or group/name
    #[arg(long, value_name = "STUDENT")]
    student: Option<String>,
    /// Every result there ever was
    #[arg(long, requires = "student")]
    history: bool,
}

#[derive(Args)]
struct Compare {
    /// What changed since then, applied or not: yesterday, '2026-11-20 12:00'
    #[arg(long, value_name = "TIME", value_parser = super::results::moment)]
    since: Option<i64>,
    /// Do not ask
    #[arg(long, conflicts_with = "since")]
    apply: bool,
}

#[derive(Args)]
struct StatsArgs {
    /// The lab
    lab: Option<String>,
}

#[derive(Args)]
struct OverrideArgs {
    /// The student: a name, or group/name
    student: Option<String>,
    /// The lab, or one requirement of it: us-upper, us-upper/s-next
    what: Option<String>,
    /// The points it is worth now
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
}

fn moment(text: &str) -> Result<i64, String> {
    time::parse(text).ok_or_else(|| "write it as 2026-11-20 23:59+07:00, or yesterday".to_owned())
}

impl Results {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let failed = |error| failed(&self.gradebook, error);
        let write = || Gradebook::existing(&self.gradebook).map_err(failed);
        let read = || Gradebook::read_only(&self.gradebook).map_err(failed);
        match &self.command {
            Command::Show(show) => show.run(&read()?, &failed)?,
            Command::Compare(compare) => compare.run(&mut write()?, &failed)?,
            Command::Apply => {
                let count = write()?.apply().map_err(failed)?;
                say(&format!("{} applied", pair(count, "result", "results")))?;
            }
            Command::Discard => {
                let count = write()?.discard().map_err(failed)?;
                say(&format!("{} discarded", pair(count, "result", "results")))?;
            }
            Command::Stats(args) => {
                let gradebook = read()?;
                let mut out = anstream::stdout().lock();
                for lab in gradebook.labs().map_err(failed)? {
                    if args.lab.as_ref().is_none_or(|wanted| *wanted == lab.name) {
                        let stats = gradebook.stats(&lab.name).map_err(failed)?;
                        statistics(&mut out, &lab.name, &stats)?;
                    }
                }
                if let Some(lab) = &args.lab {
                    gradebook.lab_id(lab).map_err(failed)?;
                }
            }
            Command::Merge(merge) => merge.run(&self.gradebook)?,
            Command::Export(export) => export.run(&read()?, &failed)?,
            Command::Override(args) => args.run(&mut write()?, &failed)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(anstream::stdout().lock(), "{text}")?)
}

/// `1 result`, `2 results`.
pub(super) fn pair(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// `70`, `70.5`: no more decimals than there are, two at most.
pub(super) fn points(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

type Failed<'f> = &'f dyn Fn(GradebookError) -> Failure;

impl Show {
    fn run(&self, gradebook: &Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let lab = self.lab.as_deref();
        let mut out = io::BufWriter::new(anstream::stdout().lock());
        match &self.student {
            None => {
                let all = gradebook.standings(lab).map_err(failed)?;
                table(&mut out, &all)?;
            }
            Some(student) => {
                gradebook.student_id(student).map_err(failed)?;
                if self.history {
                    for (lab, attempt) in gradebook.history(student, lab).map_err(failed)? {
                        writeln!(
                            out,
                            "{}  {}  attempt {}  {:>4}/{}  {:<10}  {:<10}  {}",
                            time::shown(attempt.started / 1000),
                            clean(&lab),
                            attempt.attempt,
                            attempt.points,
                            attempt.possible,
                            attempt.status.word(),
                            attempt.state,
                            clean(&attempt.place)
                        )?;
                    }
                } else {
                    let all = gradebook.standings(lab).map_err(failed)?;
                    for standing in all.iter().filter(|s| is(s, student)) {
                        one(&mut out, gradebook, standing, failed)?;
                    }
                }
                for entry in gradebook.overrides().map_err(failed)? {
                    let who = if entry.group.is_empty() {
                        entry.student.clone()
                    } else {
                        format!("{}/{}", entry.group, entry.student)
                    };
                    if *student == who || *student == entry.student {
                        writeln!(out, "{}", clean(&override_line(&entry)))?;
                    }
                }
            }
        }
        let pending = gradebook.pending().map_err(failed)?;
        if pending > 0 {
            writeln!(
                out,
                "{} of a regrade wait: grader results compare",
                pair(pending, "result", "results")
            )?;
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
fn mark(standing: &Standing) -> String {
    match (&standing.score, &standing.attempt) {
        (Some(score), _) => {
            let mut text = points(*score);
            if standing.penalty > 0.0 {
                text.push_str(&format!(" (late -{})", points(standing.penalty)));
            }
            if standing.by_hand {
                text.push_str(" (by hand)");
            }
            text
        }
        (None, Some(attempt)) => attempt.status.word().to_owned(),
        (None, None) => "-".to_owned(),
    }
}

fn table(out: &mut dyn Write, all: &[Standing]) -> io::Result<()> {
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
            row.push(mark(standing));
        }
    }
    let name = |(group, student): &(&str, &str)| {
        let joined = if group.is_empty() {
            (*student).to_owned()
        } else {
            format!("{group}/{student}")
        };
        clean(&joined)
    };
    let first = rows.keys().map(|key| name(key).chars().count());
    let first = first.chain(["student".len()]).max().unwrap_or(0).min(40);
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
    write!(out, "{:<first$}", "student")?;
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
    standing: &Standing,
    failed: Failed<'_>,
) -> Result<(), Failure> {
    let student = &standing.student;
    writeln!(
        out,
        "{}  {}  {}",
        clean(&student.qualified()),
        clean(&standing.lab),
        mark(standing)
    )?;
    let Some(attempt) = &standing.attempt else {
        writeln!(out, "  nothing was handed in")?;
        return Ok(());
    };
    writeln!(
        out,
        "  attempt {}{} from {}, graded {}",
        attempt.attempt,
        attempt
            .submitted
            .map(|at| format!(" of {}", time::shown(at)))
            .unwrap_or_default(),
        clean(&attempt.place),
        time::shown(attempt.started / 1000)
    )?;
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

fn override_line(entry: &grader::gradebook::Override) -> String {
    let requirement = entry
        .requirement
        .as_ref()
        .map(|r| format!("/{r}"))
        .unwrap_or_default();
    let withdrawn = entry
        .withdrawn
        .as_ref()
        .map(|(at, who)| format!("; withdrawn {} by {who}", time::shown(*at)))
        .unwrap_or_default();
    format!(
        "override {}: {}{requirement} is {} points, by {} on {}: {}{withdrawn}",
        entry.id,
        entry.lab,
        points(entry.points),
        entry.who,
        time::shown(entry.at),
        entry.why
    )
}

impl Compare {
    fn run(&self, gradebook: &mut Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let comparison = match self.since {
            Some(since) => gradebook.compare_since(since).map_err(failed)?,
            None => gradebook.compare().map_err(failed)?,
        };
        let mut out = anstream::stdout().lock();
        compared(&mut out, &comparison)?;
        let pending = gradebook.pending().map_err(failed)?;
        if self.since.is_some() || pending == 0 {
            return Ok(());
        }
        let yes = if self.apply {
            true
        } else if io::stdin().is_terminal() {
            write!(out, "apply? [y/N] ")?;
            out.flush()?;
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer)?;
            matches!(answer.trim(), "y" | "Y" | "yes" | "д" | "да")
        } else {
            writeln!(out, "next: grader results apply | discard")?;
            return Ok(());
        };
        if yes {
            let count = gradebook.apply().map_err(failed)?;
            writeln!(out, "{} applied", pair(count, "result", "results"))?;
        } else {
            writeln!(
                out,
                "nothing applied; they wait until `results apply` or `results discard`"
            )?;
        }
        Ok(())
    }
}

fn compared(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    if comparison.changes.is_empty() {
        return writeln!(out, "no grade has changed");
    }
    let who = |change: &Change| {
        let name = if change.group.is_empty() {
            change.student.clone()
        } else {
            format!("{}/{}", change.group, change.student)
        };
        clean(&name)
    };
    let side = |side: &Option<(String, u32)>| match side {
        None => "-".to_owned(),
        Some((outcome, points)) => match outcome.as_str() {
            "pass" => format!("✓ {points}"),
            "fail" => format!("✗ {points}"),
            "not-reached" => format!("– {points}"),
            other => format!("{other} {points}"),
        },
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
                side(&c.was),
                side(&c.now),
                clean(&c.why),
            ]
        })
        .collect();
    let titles = ["student", "requirement", "was", "now", "why"].map(str::to_owned);
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
    writeln!(
        out,
        "{} in {} of {}",
        pair(comparison.changes.len(), "change", "changes"),
        pair(comparison.submissions, "submission", "submissions"),
        pair(comparison.students, "student", "students"),
    )
}

impl OverrideArgs {
    fn run(&self, gradebook: &mut Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let who = || match &self.who {
            Some(who) => Ok(who.clone()),
            None => std::env::var("USER")
                .or_else(|_| std::env::var("LOGNAME"))
                .map_err(|_| Failure::usage("who decides? say --who NAME")),
        };
        if let Some(id) = self.withdraw {
            gradebook.withdraw_override(id, &who()?).map_err(failed)?;
            return say(&format!("override {id} withdrawn"));
        }
        let (Some(student), Some(what), Some(value)) = (&self.student, &self.what, self.points)
        else {
            let all = gradebook.overrides().map_err(failed)?;
            let mut out = anstream::stdout().lock();
            for entry in &all {
                let name = format!("{}/{}", entry.group, entry.student);
                writeln!(
                    out,
                    "{}  {}",
                    clean(name.trim_start_matches('/')),
                    clean(&override_line(entry))
                )?;
            }
            if all.is_empty() {
                writeln!(out, "no points were set by hand")?;
            }
            return Ok(());
        };
        let Some(why) = self.why.as_ref().filter(|why| !why.trim().is_empty()) else {
            return Err(Failure::usage("an override needs a reason").hint(
                "grader results override STUDENT LAB[/REQUIREMENT] POINTS --why 'shown in person'",
            ));
        };
        let who = who()?;
        if !value.is_finite() || !(0.0..=100_000.0).contains(&value) {
            return Err(Failure::usage(format!("{value} is no number of points")));
        }
        let (lab, requirement) = match what.split_once('/') {
            Some((lab, requirement)) => (lab, Some(requirement)),
            None => (what.as_str(), None),
        };
        gradebook
            .set_override(student, lab, requirement, value, &who, why)
            .map_err(failed)?;
        say(&format!(
            "{student}: {what} is {} points, by {who}: {why}",
            points(value)
        ))
    }
}

/// The lines that a batch ends with.
pub(super) fn summary(
    out: &mut dyn Write,
    lab: &str,
    stats: &Stats,
    quiet: bool,
) -> io::Result<()> {
    let [full, some, none, ungradable, errors] = stats.counts;
    if !quiet {
        writeln!(
            out,
            "{:<22} {:>10} {:>6} {:>6} {:>11} {:>7}",
            "", "full marks", "some", "none", "not graded", "error"
        )?;
        let median = stats
            .median
            .map(|m| format!("   median {}", points(m)))
            .unwrap_or_default();
        writeln!(
            out,
            "{:<22} {full:>10} {some:>6} {none:>6} {ungradable:>11} {errors:>7}{median}",
            clean(lab)
        )?;
        if let Some((who, seconds)) = stats.slowest.first() {
            writeln!(out, "slowest: {}  {seconds:.1} s", clean(who))?;
        }
        let failed: Vec<String> = stats
            .requirements
            .iter()
            .filter(|r| r.failed > 0)
            .take(3)
            .map(|r| format!("{} {}", r.name, r.failed))
            .collect();
        let mut line = Vec::new();
        if !failed.is_empty() {
            line.push(format!("most failed: {}", failed.join(", ")));
        }
        let same = stats
            .same_mistakes
            .iter()
            .filter(|g| g.students.len() >= 4)
            .count();
        if same > 0 {
            line.push(format!(
                "same wrong transcripts: {} of 4 and more",
                pair(same, "group", "groups")
            ));
        }
        if !line.is_empty() {
            writeln!(out, "{}", line.join(" · "))?;
        }
    }
    look_at(out, stats, 10)
}

fn look_at(out: &mut dyn Write, stats: &Stats, most: usize) -> io::Result<()> {
    if stats.to_look_at.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} to be looked at:", stats.to_look_at.len())?;
    for (who, why) in stats.to_look_at.iter().take(most) {
        let first = clean(why.lines().next().unwrap_or_default());
        writeln!(out, "  {}  {first}", clean(who))?;
    }
    if stats.to_look_at.len() > most {
        writeln!(
            out,
            "  and {} more: grader results stats",
            stats.to_look_at.len() - most
        )?;
    }
    Ok(())
}

fn statistics(out: &mut dyn Write, lab: &str, stats: &Stats) -> io::Result<()> {
    summary(out, lab, stats, false)?;
    writeln!(
        out,
        "\n{:<20} {:>6} {:>7} {:>12}",
        "requirement", "met", "failed", "not reached"
    )?;
    for r in &stats.requirements {
        writeln!(
            out,
            "{:<20} {:>6} {:>7} {:>12}",
            clean(&r.name),
            r.met,
            r.failed,
            r.not_reached
        )?;
    }
    for group in &stats.same_mistakes {
        writeln!(
            out,
            "\nsame wrong transcripts in {}:\n  {}",
            clean(&group.scenarios.join(", ")),
            clean(&group.students.join(", "))
        )?;
    }
    for group in &stats.same_files {
        writeln!(
            out,
            "\nthe same files:\n  {}",
            clean(&group.students.join(", "))
        )?;
    }
    if !stats.unstable.is_empty() {
        writeln!(out, "\nnot stable:")?;
        for line in &stats.unstable {
            writeln!(out, "  {}", clean(line))?;
        }
    }
    writeln!(out)
}
