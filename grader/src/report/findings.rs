//! What was found about one requirement, as text: shared by the reports that people read.

use crate::run::Summary;
use crate::transcript::{Line, Op};
use crate::verdict::{Actions, Difference, Outcome, Reason, Verdict};

use super::page::{Page, Tone};
use super::phrases::Phrases;
use crate::text::{WIDTH, clean, columns, common_prefix, excerpt, one_line, wrap};

/// Lines shown of each side of a difference.
const LINES: usize = 10;
/// Calls shown of each program; the last ones matter most.
const CALLS: usize = 12;
/// Rows a long payload may take.
const ROWS: usize = 3;

/// `server.out`.
pub(super) fn lane(line: &Line) -> String {
    if line.channel.is_empty() {
        line.lane.clone()
    } else {
        format!("{}.{}", line.lane, line.channel)
    }
}

/// Why a requirement is not met, in one sentence.
pub(super) fn sentence(verdict: &Verdict, phrases: &dyn Phrases) -> String {
    let text = match &verdict.reason {
        Some(Reason::Difference(d)) => phrases.place(&d.scenario, d.step, &d.title),
        Some(Reason::Prerequisite { requirement }) => phrases.needs(requirement),
        Some(Reason::EarlierInScenario {
            scenario,
            step,
            requirement,
        }) => phrases.earlier(scenario, *step, requirement),
        Some(Reason::NotBuilt { program }) => phrases.program_missing(program),
        Some(Reason::Fault(why)) => why.clone(),
        Some(Reason::Unavailable(why)) => phrases.unavailable(why),
        None if verdict.outcome == Outcome::NotReached => phrases.not_reached().to_owned(),
        None => String::new(),
    };
    one_line(&text)
}

/// Expected and yours, what the programs did, and who waits for whom.
pub(super) fn difference(page: &mut Page, difference: &Difference, phrases: &dyn Phrases) {
    sides(page, difference, phrases);
    for actions in &difference.actions {
        if !actions.calls.is_empty() {
            calls(page, actions, phrases);
        }
    }
    if !difference.waits.is_empty() {
        page.put(Tone::Strong, &format!("  {}", phrases.who_waits()))
            .end();
        for wait in &difference.waits {
            paragraph(page, "    ", wait);
        }
    }
    if let Some(after) = difference.proved_after {
        page.put(Tone::Dim, &format!("  {}", phrases.proved(after)))
            .end();
    }
}

fn sides(page: &mut Page, difference: &Difference, phrases: &dyn Phrases) {
    let all = || difference.expected.iter().chain(&difference.yours);
    let lanes = all()
        .map(|line| columns(&one_line(&lane(line))))
        .max()
        .unwrap_or(0);
    let ops = all().map(|line| line.op.mark().len()).max().unwrap_or(1);
    let label = columns(phrases.expected())
        .max(columns(phrases.yours()))
        .max(8);
    page.end();
    let pairs = [
        (
            phrases.expected(),
            Tone::Good,
            &difference.expected,
            &difference.yours,
        ),
        (
            phrases.yours(),
            Tone::Bad,
            &difference.yours,
            &difference.expected,
        ),
    ];
    for (name, tone, lines, others) in pairs {
        let head = format!("    {}   ", pad(name, label));
        if lines.is_empty() {
            page.put(tone, &head).add(phrases.nothing()).end();
        }
        for (number, line) in lines.iter().take(LINES).enumerate() {
            let head = if number == 0 {
                head.clone()
            } else {
                " ".repeat(columns(&head))
            };
            let left = format!(
                "{}  {}  | ",
                pad(&one_line(&lane(line)), lanes),
                pad(line.op.mark(), ops)
            );
            let other = others.get(number).map_or("", |other| &other.payload);
            let room = WIDTH
                .saturating_sub(columns(&head) + columns(&left))
                .max(16);
            page.put(tone, &head).add(&left);
            let indent = columns(&head) + columns(&left);
            for (row, text) in payload(line, other, room).iter().enumerate() {
                if row > 0 {
                    page.add(&" ".repeat(indent));
                }
                page.line(text);
            }
        }
        if lines.len() > LINES {
            let text = phrases.cut(lines.len() - LINES);
            page.add(&" ".repeat(columns(&head)))
                .put(Tone::Dim, &text)
                .end();
        }
    }
    if let Some(remark) = &difference.remark {
        paragraph(page, "    ", remark);
    }
    if !difference.ignored.is_empty() {
        let words = phrases.ignored(&difference.ignored.join(", "));
        paragraph(page, "    ", &words);
    }
    if difference.more > 0 {
        page.put(
            Tone::Dim,
            &format!("    {}", phrases.more_lines(difference.more)),
        )
        .end();
    }
    page.end();
}

/// A payload in rows of `room` columns; a very long one is cut around the first difference. What the
/// grader says breaks at spaces, what a program wrote anywhere: there each blank counts.
fn payload(line: &Line, other: &str, room: usize) -> Vec<String> {
    let text = one_line(&line.payload);
    let shown = excerpt(
        &text,
        common_prefix(&text, &one_line(other)),
        room * ROWS - 16,
    );
    if matches!(line.op, Op::Life | Op::Quiet | Op::Property) {
        return wrap(&shown, room);
    }
    let chars: Vec<char> = shown.chars().collect();
    if chars.is_empty() {
        return vec![String::new()];
    }
    chars.chunks(room).map(|row| row.iter().collect()).collect()
}

fn calls(page: &mut Page, actions: &Actions, phrases: &dyn Phrases) {
    let title = one_line(&phrases.actions(&actions.program, actions.since, actions.step));
    page.put(Tone::Strong, &format!("  {title}")).end();
    let skipped = actions.calls.len().saturating_sub(CALLS);
    if skipped > 0 {
        page.put(Tone::Dim, &format!("    {}", phrases.cut(skipped)))
            .end();
    }
    let shown = &actions.calls[skipped..];
    let width = shown
        .iter()
        .filter(|call| call.remark.is_some())
        .map(|call| columns(&one_line(&call.text)));
    let width = width.filter(|width| *width <= 40).max().unwrap_or(0);
    for call in shown {
        let text = one_line(&call.text);
        match &call.remark {
            None => paragraph(page, "    ", &text),
            Some(remark) if columns(&text) <= width => {
                let left = format!("    {}   ", pad(&text, width));
                let room = WIDTH - columns(&left);
                for (row, part) in wrap(&one_line(remark), room).iter().enumerate() {
                    let left = if row == 0 {
                        left.clone()
                    } else {
                        " ".repeat(columns(&left))
                    };
                    page.add(&left).put(Tone::Dim, part).end();
                }
            }
            Some(remark) => {
                paragraph(page, "    ", &text);
                paragraph(page, "        ", remark);
            }
        }
    }
}

/// A paragraph, wrapped and indented; its own indentation is kept.
pub(super) fn paragraph(page: &mut Page, indent: &str, text: &str) {
    for line in clean(text).lines() {
        let own = &line[..line.len() - line.trim_start_matches(' ').len()];
        let indent = format!("{indent}{own}");
        let room = WIDTH.saturating_sub(columns(&indent)).max(20);
        let line = line.trim_start_matches(' ');
        // A line that fits keeps its inner alignment.
        let rows = if columns(line) <= room {
            vec![line.to_owned()]
        } else {
            wrap(line, room)
        };
        for row in rows {
            page.add(&indent).line(&row);
        }
    }
}

/// Pads to a width in columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Requirements that stay open for the same reason, in order of their first occurrence.
pub(super) fn grouped<'a>(
    verdicts: &[&'a Verdict],
    phrases: &dyn Phrases,
) -> Vec<(String, Vec<&'a Verdict>)> {
    let mut groups: Vec<(String, Vec<&Verdict>)> = Vec::new();
    for verdict in verdicts {
        let why = sentence(verdict, phrases);
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, members)) => members.push(verdict),
            None => groups.push((why, vec![verdict])),
        }
    }
    groups
}

/// The verdicts of a kind, in the lab's order.
pub(super) fn of_kind<'a>(summary: &'a Summary, kinds: &[Outcome]) -> Vec<&'a Verdict> {
    summary
        .verdicts
        .iter()
        .filter(|verdict| kinds.contains(&verdict.outcome))
        .collect()
}
