//! The verdicts, by outcome: what failed and why, what could not be judged, what passed.

use super::Human;
use super::layout::{self, hanging, labelled};
use crate::lab::Requirement;
use crate::report::findings::{difference, grouped, of_kind, pad, paragraph, sentence};
use crate::report::page::{Page, Tone};
use crate::report::phrases::Phrases;
use crate::run::Summary;
use crate::text::{WIDTH, columns, one_line, wrap};
use crate::verdict::{Outcome, Reason, Verdict};

impl<W> Human<W> {
    pub(super) fn failure(&self, page: &mut Page, verdict: &Verdict, words: &dyn Phrases) {
        let requirement = self.requirement(&verdict.requirement);
        let title = requirement.map_or("", |r| r.title.in_lang(self.context.lang));
        heading(page, verdict, title);
        if verdict.outcome == Outcome::Unstable {
            page.add("  ").put(Tone::Warn, words.unstable()).end();
        }
        let why = sentence(verdict, words);
        if !why.is_empty() {
            paragraph(page, "  ", &why);
        }
        if let Some(Reason::Difference(found)) = &verdict.reason {
            difference(page, found, words);
            page.end();
        }
        if let Some(hint) = requirement
            .map(|r| r.hint.in_lang(self.context.lang))
            .filter(|hint| !hint.is_empty())
        {
            layout::hint(page, words, hint);
        }
        let mut commands = Vec::new();
        if let Some(Reason::Difference(found)) = &verdict.reason {
            commands.push(self.context.replay.scenario(&found.scenario));
        }
        commands.push(self.context.replay.explain(&verdict.requirement));
        labelled(page, words, "  ", words.try_this(), Tone::Strong, &commands);
        page.end();
    }

    /// Faults of the grader or the machine: apart from what the student did.
    pub(super) fn faults(&self, page: &mut Page, summary: &Summary, words: &dyn Phrases) {
        let errors = of_kind(summary, &[Outcome::Error]);
        if errors.is_empty() && self.faults.is_empty() {
            return;
        }
        let mut said: Vec<String> = Vec::new();
        for (scenario, why) in &self.faults {
            said.push(format!("{} {scenario}: {why}", words.scenario()));
        }
        for verdict in &errors {
            let why = sentence(verdict, words);
            // A fault of a scenario has been said with its name.
            if !said.iter().any(|text| one_line(text).contains(&why)) {
                said.push(why);
            }
        }
        for text in said {
            let head = format!("{}: ", words.error());
            page.put(Tone::Bad, &head);
            for (row, part) in wrap(&one_line(&text), WIDTH - columns(&head))
                .iter()
                .enumerate()
            {
                page.add(if row == 0 { "" } else { "  " }).line(part);
            }
        }
        paragraph(page, "  ", words.our_fault());
        if !errors.is_empty() {
            paragraph(page, "  ", &words.not_judged(&ids(&errors)));
        }
        page.end();
    }

    pub(super) fn not_reached(&self, page: &mut Page, summary: &Summary, words: &dyn Phrases) {
        for (why, members) in grouped(&of_kind(summary, &[Outcome::NotReached]), words) {
            let why = match &members[0].reason {
                Some(Reason::NotBuilt { program }) => {
                    one_line(&words.needs_program(self.executable(program), members.len()))
                }
                _ => why,
            };
            let points: u32 = members.iter().map(|verdict| verdict.of).sum();
            page.put(Tone::Warn, "– ");
            let list = format!("{}  0/{points}", ids(&members));
            hanging(page, &list);
            paragraph(page, "  ", &why);
        }
    }

    fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.lab
            .as_ref()?
            .requirements
            .iter()
            .find(|requirement| requirement.id == id)
    }

    fn executable<'a>(&'a self, program: &'a str) -> &'a str {
        let programs = self.lab.iter().flat_map(|lab| &lab.programs);
        programs
            .into_iter()
            .find(|p| p.name == program)
            .map_or(program, |p| &p.executable)
    }
}

/// The line of a requirement that is not met.
fn heading(page: &mut Page, verdict: &Verdict, title: &str) {
    let mark = if verdict.outcome == Outcome::Unstable {
        "≈"
    } else {
        "✗"
    };
    let points = format!("{}/{}", verdict.points, verdict.of);
    let left = format!("{} {points:>5}  ", pad(&verdict.requirement, 10));
    // What is only reported is no reason for alarm.
    let tone = if verdict.of == 0 {
        Tone::Warn
    } else {
        Tone::Bad
    };
    page.put(tone, &format!("{mark} "));
    for (row, text) in wrap(&one_line(title), WIDTH - 2 - columns(&left))
        .iter()
        .enumerate()
    {
        if row == 0 {
            page.put(Tone::Strong, &left).line(text);
        } else {
            page.add(&" ".repeat(2 + columns(&left))).line(text);
        }
    }
}

/// What this machine cannot show.
pub(super) fn skipped(page: &mut Page, summary: &Summary, words: &dyn Phrases) {
    for (why, members) in grouped(&of_kind(summary, &[Outcome::Skipped]), words) {
        page.put(Tone::Warn, "○ ");
        hanging(page, &ids(&members));
        paragraph(page, "  ", &why);
    }
}

/// Met requirements, folded into columns.
pub(super) fn passes(page: &mut Page, summary: &Summary) {
    let cells: Vec<String> = of_kind(summary, &[Outcome::Pass])
        .iter()
        .map(|verdict| format!("{} {}", verdict.requirement, verdict.points))
        .collect();
    let Some(width) = cells.iter().map(|cell| columns(cell)).max() else {
        return;
    };
    let in_a_row = (WIDTH / (width + 4)).max(1);
    for row in cells.chunks(in_a_row) {
        for (number, cell) in row.iter().enumerate() {
            page.put(Tone::Good, "✓ ");
            // The last cell of a row needs no blanks after it.
            page.add(&if number + 1 < row.len() {
                pad(cell, width + 2)
            } else {
                cell.clone()
            });
        }
        page.end();
    }
}

fn ids(verdicts: &[&Verdict]) -> String {
    verdicts
        .iter()
        .map(|verdict| verdict.requirement.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
