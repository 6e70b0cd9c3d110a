//! Facts about a program at a quiet moment, in the words of the transcript.
//!
//! Processes are called `root` and `child 1`, `child 2`, … in order of their creation. Facts come
//! in a fixed order, so that the same state always gives the same lines.

mod children;
mod family;
mod files;
mod idle;
mod signals;
mod tree;

use std::collections::BTreeSet;

use crate::event::Fact;
use crate::plan::{ProcessId, ProgramId};
use crate::proc;
use crate::scene::{Scene, SceneProcess};

pub use children::{children, threads};
pub use family::{FamilyHistory, family};
pub use files::{Placed, counted, files, lines};
pub use idle::idle;
pub use signals::{signal_name, signals};
pub use tree::tree;

/// How many descriptors above the standard ones the root process has open; `None` when it has
/// ended.
#[must_use]
pub fn descriptors(scene: &Scene<'_>, program: ProgramId) -> Option<usize> {
    let root = scene
        .process(ProcessId { program, number: 0 })
        .filter(|root| !root.zombie)?;
    let fds = proc::fds(root.pid)?;
    Some(fds.iter().filter(|(fd, _)| *fd > 2).count())
}

/// What the handler audit has found, in channel `handler`: `calls printf`, `changes errno`.
/// `preloaded`: whether the shim could take effect ([`is_dynamic`](crate::shim::elf::is_dynamic));
/// if not, that is the only fact.
#[must_use]
pub fn handlers(reports: &BTreeSet<String>, preloaded: bool) -> Vec<Fact> {
    if !preloaded {
        return vec![fact(
            "handler",
            "cannot be watched: the program is statically linked",
        )];
    }
    reports
        .iter()
        .map(|report| fact("handler", report.as_str()))
        .collect()
}

/// Channel `terminal`: `as before`, or what has changed; nothing where there is no terminal.
#[must_use]
pub fn terminal(changes: Option<&[&str]>) -> Vec<Fact> {
    match changes {
        None => Vec::new(),
        Some([]) => vec![fact("terminal", "as before")],
        Some(changes) => changes
            .iter()
            .map(|change| fact("terminal", *change))
            .collect(),
    }
}

fn fact(channel: &str, text: impl Into<String>) -> Fact {
    Fact {
        channel: channel.to_owned(),
        text: text.into(),
    }
}

/// The living processes of a program.
fn living<'s>(scene: &'s Scene<'_>, program: ProgramId) -> impl Iterator<Item = &'s SceneProcess> {
    scene
        .processes
        .iter()
        .filter(move |process| process.id.program == program && !process.zombie)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handler_reports_are_sorted_and_static_programs_named() {
        let reports = BTreeSet::from(["changes errno".to_owned(), "calls printf".to_owned()]);
        let texts: Vec<String> = handlers(&reports, true)
            .into_iter()
            .map(|fact| fact.text)
            .collect();
        assert_eq!(texts, ["calls printf", "changes errno"]);
        assert_eq!(handlers(&BTreeSet::new(), true), []);
        assert!(
            handlers(&reports, false)[0]
                .text
                .contains("statically linked")
        );
    }
}
