//! The calls that a program made, and the one in which it waits.

use std::collections::BTreeSet;

use supervisor::event::{Wait, What};

use super::Seen;
use crate::lab;

/// Whether each of the calls was made, or none of them.
pub(super) fn called(calls: &[String], wanted: bool, seen: Seen<'_>) -> Result<(), String> {
    let made = |name: &String| {
        seen.events.iter().any(|event| match &event.what {
            What::Call(call) => {
                call.process.program == seen.program
                    && call.name == *name
                    && seen.window.has(event.step)
            }
            _ => false,
        })
    };
    match calls.iter().find(|call| made(call) != wanted) {
        None => Ok(()),
        Some(call) if wanted => Err(format!("{call} was not called")),
        Some(call) => Err(format!("{call} was called")),
    }
}

/// Whether each pid that is told is that of another process that the program made.
pub(super) fn tells_children(
    expression: &str,
    output: &[u8],
    seen: Seen<'_>,
) -> Result<(), String> {
    let made: BTreeSet<i32> = seen
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Forked { child, pid, .. } if child.program == seen.program => Some(*pid),
            _ => None,
        })
        .collect();
    let mut told = BTreeSet::new();
    let found = lab::expression(expression).map_err(|error| error.to_string())?;
    for group in found
        .captures_iter(output)
        .filter_map(|captures| captures.get(1))
    {
        let text = String::from_utf8_lossy(group.as_bytes());
        let pid = text.parse().ok().filter(|pid| made.contains(pid));
        let Some(pid) = pid else {
            return Err(format!("{text} is none of its processes"));
        };
        if !told.insert(pid) {
            return Err(format!("{text} comes twice"));
        }
    }
    if told.is_empty() {
        Err("none is told".to_owned())
    } else {
        Ok(())
    }
}

/// The name of the call in which somebody waits.
fn called_by(wait: &Wait) -> &str {
    wait.call.split('(').next().unwrap_or_default()
}

/// Whether it waits in one of the calls at the end of the window.
pub(super) fn waits_in(calls: &[String], seen: Seen<'_>) -> Result<(), String> {
    let settled = seen
        .events
        .iter()
        .rev()
        .find_map(|event| match &event.what {
            What::Settled(settled) if seen.window.has(event.step) => Some(settled),
            _ => None,
        });
    let threads: Vec<&Wait> = settled
        .into_iter()
        .flat_map(|settled| &settled.waits)
        .filter(|wait| wait.process.program == seen.program && wait.process.number == 0)
        .collect();
    let Some(first) = threads.iter().find(|wait| wait.thread == 0) else {
        return Err("it does not run".to_owned());
    };
    // Who only waits for the one other thread has left its work to that.
    let name = match threads.as_slice() {
        [a, b] if called_by(first) == "pthread_join" => {
            called_by(if a.thread == 0 { b } else { a })
        }
        _ => called_by(first),
    };
    if calls.iter().any(|call| call == name) {
        Ok(())
    } else if name.is_empty() {
        Err("it waits in no call".to_owned())
    } else {
        Err(format!("it waits in {name}"))
    }
}
