//! A command that failed, in words: for advice, and for the report.

use supervisor::event::LimitKind;

use crate::lab::Lang;
use crate::locale::limit_words;
use crate::submission::outcome::{Outcome, printable};
use crate::submission::recipe::Recipe;
use crate::submission::rung::{Attempt, Rung, Why};

/// What is kept of the output of an attempt, bytes: enough for the advice.
const KEPT: usize = 8 << 10;

/// What was tried in vain, and why it failed.
pub(super) fn attempt(rung: Rung, from: &str, outcome: &Outcome, recipe: &Recipe) -> Attempt {
    let why = if matches!(outcome.limit, Some((LimitKind::Cpu, _))) {
        Why::Cpu(recipe.cpu_seconds())
    } else if outcome.timed_out() {
        match asleep(&outcome.output) {
            Some(there) => Why::Asleep(there),
            None => Why::Seconds(recipe.seconds(), still_there(&outcome.output)),
        }
    } else {
        Why::of(&outcome.output)
    };
    Attempt {
        rung,
        from: from.to_owned(),
        why,
        output: outcome.output.chars().take(KEPT).collect(),
    }
}

/// What a command that ran out of time waited for, by the supervisor's word at the end of its output.
fn still_there(output: &str) -> String {
    let there = last_line(output).and_then(|line| line.split_once(" s there is still: "));
    there
        .filter(|(before, _)| before.starts_with("after "))
        .map(|(_, there)| there.trim().to_owned())
        .unwrap_or_default()
}

/// What sleeps for good, by the same word.
fn asleep(output: &str) -> Option<String> {
    let there = last_line(output)?.strip_prefix("asleep for good: ")?;
    Some(there.trim().replace(", asleep", ""))
}

fn last_line(output: &str) -> Option<&str> {
    output.lines().rev().find(|line| !line.trim().is_empty())
}

/// A failed command in words: its own output, and what it did not say itself.
pub(super) fn failure(outcome: &Outcome, recipe: &Recipe, tool: &str) -> String {
    let mut out = outcome.output.clone();
    if let Some(what) = &outcome.uncollected {
        out.push_str(&format!("\nwhat was built cannot be taken: {what}"));
    }
    match outcome.limit {
        Some((LimitKind::Cpu, _)) => out.push_str(&format!(
            "\n{tool} was stopped after {} s of processor time",
            recipe.cpu_seconds()
        )),
        _ if asleep(&outcome.output).is_some() => {
            out.push_str(&format!("\n{tool} waits for what does not come"));
        }
        _ if outcome.timed_out() => {
            out.push_str(&format!("\n{tool} runs past {} s", recipe.seconds()));
        }
        Some((limit, most)) => {
            let words = limit_words(limit, most, Lang::En);
            out.push_str(&format!("\n{tool} was stopped at {words}"));
        }
        None => {}
    }
    let out = printable(out.trim().as_bytes());
    if out.is_empty() {
        format!("{tool} failed without a message")
    } else {
        out
    }
}
