//! `grader results stats`, and what a batch ends with.

use std::io::{self, Write};

use clap::Args;
use grader::gradebook::{Gradebook, Stats};
use grader::text::clean;

use super::Failed;
use crate::cli::failure::Failure;
use crate::cli::options::LangOption;
use crate::cli::words::Words;

/// The class as a whole: what fails most, equal mistakes, equal files
#[derive(Args)]
pub(super) struct StatsArgs {
    /// The lab
    lab: Option<String>,
    #[command(flatten)]
    pub(super) lang: LangOption,
}

impl StatsArgs {
    pub(super) fn run(&self, gradebook: &Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        let words = Words(self.lang.get());
        let mut out = anstream::stdout().lock();
        for lab in gradebook.labs().map_err(failed)? {
            if self.lab.as_ref().is_none_or(|wanted| *wanted == lab.name) {
                let stats = gradebook.stats(&lab.name).map_err(failed)?;
                statistics(&mut out, &lab.name, &stats, words)?;
            }
        }
        if let Some(lab) = &self.lab {
            gradebook.lab_id(lab).map_err(failed)?;
        }
        Ok(())
    }
}

/// The lines that a batch ends with.
pub(in crate::cli) fn summary(
    out: &mut dyn Write,
    lab: &str,
    stats: &Stats,
    words: Words,
) -> io::Result<()> {
    let titles = words.pick(
        ["full marks", "some", "none", "not graded", "error"],
        ["полный балл", "частично", "ноль", "не оценено", "ошибка"],
    );
    let width = |title: &str, least: usize| title.chars().count().max(least);
    // In Russian the titles are wider, and a terminal is not.
    let names = words.pick(20, 16);
    let (mut head, mut row) = (" ".repeat(names), format!("{:<names$}", clean(lab)));
    let least = [10, 6, 6, 11, 7];
    for ((title, count), least) in titles.into_iter().zip(stats.counts).zip(least) {
        let width = width(title, least);
        head.push_str(&format!(" {title:>width$}"));
        row.push_str(&format!(" {count:>width$}"));
    }
    if let Some(median) = stats.median {
        let title = words.pick("median", "медиана");
        row.push_str(&format!("   {title} {}", words.number(median)));
    }
    writeln!(out, "{head}\n{row}")?;
    if let Some((who, seconds)) = stats.slowest.first() {
        let (title, unit) = (words.pick("slowest", "дольше всех"), words.pick("s", "с"));
        let seconds = words.decimal(*seconds, 1);
        writeln!(out, "{title}: {}  {seconds} {unit}", clean(who))?;
    }
    let failed: Vec<String> = stats
        .requirements
        .iter()
        .filter(|r| r.failed > 0 && !r.reported)
        .take(3)
        .map(|r| format!("{} {}", r.name, r.failed))
        .collect();
    let mut line = Vec::new();
    if !failed.is_empty() {
        let title = words.pick("most failed", "чаще всего не выполнено");
        line.push(format!("{title}: {}", failed.join(", ")));
    }
    let same = stats
        .same_mistakes
        .iter()
        .filter(|g| g.students.len() >= 4)
        .count();
    if same > 0 {
        let groups = words.count(same, ["group", "groups"], ["группа", "группы", "групп"]);
        line.push(words.pick(
            format!("same wrong transcripts: {groups} of 4 and more"),
            format!("одинаковые ошибки: {groups} от 4 человек"),
        ));
    }
    // No line is broken where the screen ends, in the middle of a word.
    let one = line.join(" · ");
    let lines = if one.chars().count() <= 80 {
        vec![one]
    } else {
        line
    };
    for line in lines.iter().filter(|line| !line.is_empty()) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What a batch shows of what has to be looked at.
pub(in crate::cli) const FIRST: usize = 10;

/// What has to be looked at; of many the first, `results stats` has the rest.
pub(in crate::cli) fn look_at(
    out: &mut dyn Write,
    stats: &Stats,
    most: usize,
    words: Words,
) -> io::Result<()> {
    if stats.to_look_at.is_empty() {
        return Ok(());
    }
    let all = stats.to_look_at.len();
    let title = words.pick(
        format!("{all} to be looked at:"),
        format!("посмотрите сами ({all}):"),
    );
    writeln!(out, "{title}")?;
    let alike = alike(&stats.to_look_at);
    for (who, others, why) in alike.iter().take(most) {
        let more = match others {
            0 => String::new(),
            _ => words.pick(format!(" and {others} more"), format!(" и ещё {others}")),
        };
        writeln!(out, "  {}{more}  {}", clean(who), clean(why))?;
    }
    let shown: usize = alike
        .iter()
        .take(most)
        .map(|(_, others, _)| others + 1)
        .sum();
    if all > shown {
        let more = all - shown;
        let more = words.pick(format!("and {more} more"), format!("и ещё {more}"));
        writeln!(out, "  {more}: grader results stats")?;
    }
    Ok(())
}

/// Who has to be looked at, with how many others of the same reason, and its first line: what fails on
/// this machine fails for many, and must not hide the rest.
fn alike(all: &[(String, String)]) -> Vec<(&str, usize, &str)> {
    let mut places = std::collections::HashMap::new();
    let mut out: Vec<(&str, usize, &str)> = Vec::new();
    for (who, why) in all {
        let first = why.lines().next().unwrap_or_default();
        let place = *places.entry(first).or_insert(out.len());
        match out.get_mut(place) {
            Some((_, others, _)) => *others += 1,
            None => out.push((who, 0, first)),
        }
    }
    out
}

fn statistics(out: &mut dyn Write, lab: &str, stats: &Stats, words: Words) -> io::Result<()> {
    summary(out, lab, stats, words)?;
    look_at(out, stats, usize::MAX, words)?;
    let titles = words.pick(
        ["met", "failed", "not reached"],
        ["выполнено", "не выполнено", "не проверено"],
    );
    let [met, failed, not_reached] = titles;
    let widths = [(met, 6), (failed, 7), (not_reached, 12)];
    let [a, b, c] = widths.map(|(title, least)| title.chars().count().max(least));
    writeln!(
        out,
        "\n{:<20} {met:>a$} {failed:>b$} {not_reached:>c$}",
        words.requirement()
    )?;
    for r in &stats.requirements {
        writeln!(
            out,
            "{:<20} {:>a$} {:>b$} {:>c$}",
            clean(&r.name),
            r.met,
            r.failed,
            r.not_reached
        )?;
    }
    for group in &stats.same_mistakes {
        writeln!(
            out,
            "\n{} {}:\n  {}",
            words.pick("same wrong transcripts in", "одинаковые ошибки в"),
            clean(&group.scenarios.join(", ")),
            clean(&group.students.join(", "))
        )?;
    }
    for group in &stats.same_files {
        writeln!(
            out,
            "\n{}:\n  {}",
            words.pick("the same files", "одинаковые файлы"),
            clean(&group.students.join(", "))
        )?;
    }
    if !stats.unstable.is_empty() {
        writeln!(out, "\n{}:", words.pick("not stable", "нестабильно"))?;
        for line in &stats.unstable {
            writeln!(out, "  {}", clean(line))?;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_fits_eighty_columns() {
        let stats = Stats {
            counts: [1000, 200, 30, 4, 5],
            median: Some(87.5),
            ..Stats::default()
        };
        for lang in [grader::lab::Lang::En, grader::lab::Lang::Ru] {
            let mut out = Vec::new();
            summary(&mut out, "inet-upper", &stats, Words(lang)).unwrap();
            let text = String::from_utf8(out).unwrap();
            let lines: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
            assert!(lines.iter().all(|width| *width <= 80), "{lines:?}\n{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_all_does_not_hide_what_is_wrong_with_one() {
        let of = |who: &str, why: &str| (who.to_owned(), why.to_owned());
        let mut all: Vec<_> = (0..40).map(|n| of(&format!("s{n}"), "no memory")).collect();
        all.push(of("zoe", "the directory is empty\nsecond line"));
        let stats = Stats {
            to_look_at: all,
            ..Stats::default()
        };
        let mut out = Vec::new();
        let words = Words(grader::lab::Lang::En);
        look_at(&mut out, &stats, 1, words).unwrap();
        look_at(&mut out, &stats, usize::MAX, words).unwrap();
        let said = String::from_utf8(out).unwrap();
        let (first, whole) = said.split_at(said.rfind("41").unwrap());
        assert_eq!(
            first,
            "41 to be looked at:\n  s0 and 39 more  no memory\n  and 1 more: grader results stats\n"
        );
        assert_eq!(
            whole,
            "41 to be looked at:\n  s0 and 39 more  no memory\n  zoe  the directory is empty\n"
        );
    }
}
