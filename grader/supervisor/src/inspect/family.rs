//! Who waited for whom.

use std::collections::BTreeMap;

use super::fact;
use crate::event::Fact;
use crate::plan::{ProcessId, ProgramId};
use crate::scene::within_program;

/// The births and deaths of a scenario, told in the order in which they happen.
#[derive(Clone, Debug, Default)]
pub struct FamilyHistory {
    children: BTreeMap<ProcessId, Child>,
}

#[derive(Clone, Copy, Debug)]
struct Child {
    parent: ProcessId,
    exited: bool,
    reaped: bool,
    /// The parent ended first.
    outlived: bool,
}

impl FamilyHistory {
    /// A process was forked.
    pub fn forked(&mut self, parent: ProcessId, child: ProcessId) {
        self.children.insert(
            child,
            Child {
                parent,
                exited: false,
                reaped: false,
                outlived: false,
            },
        );
    }

    /// A process ended (its last thread did).
    pub fn exited(&mut self, process: ProcessId) {
        if let Some(child) = self.children.get_mut(&process) {
            child.exited = true;
        }
        for child in self
            .children
            .values_mut()
            .filter(|child| child.parent == process && !child.exited)
        {
            child.outlived = true;
        }
    }

    /// A parent collected a child's status, or the kernel did because it ignores `SIGCHLD`.
    pub fn reaped(&mut self, process: ProcessId) {
        if let Some(child) = self.children.get_mut(&process) {
            child.reaped = true;
        }
    }

    /// Children of living parents that have ended and were not waited for, so far.
    #[must_use]
    pub fn zombies(&self) -> Vec<ProcessId> {
        let waits = |child: &Child| child.exited && !child.reaped && !child.outlived;
        self.children
            .iter()
            .filter(|(_, child)| waits(child))
            .map(|(&id, _)| id)
            .collect()
    }
}

/// Channel `family`, a line for each child that has ended or lost its parent, in order of
/// creation: `child 1 reaped`, `child 1 left unreaped`, `child 1 outlived root`.
#[must_use]
pub fn family(history: &FamilyHistory, program: ProgramId) -> Vec<Fact> {
    let children = history
        .children
        .iter()
        .filter(|(id, _)| id.program == program);
    children
        .filter_map(|(&id, child)| {
            let fate = match child {
                Child {
                    outlived: true,
                    parent,
                    ..
                } => format!("outlived {}", within_program(*parent)),
                Child { reaped: true, .. } => "reaped".to_owned(),
                Child { exited: true, .. } => "left unreaped".to_owned(),
                _ => return None,
            };
            Some(fact("family", format!("{} {fate}", within_program(id))))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> ProcessId {
        ProcessId {
            program: ProgramId(0),
            number,
        }
    }

    #[test]
    fn every_fate_is_told_in_order_of_birth() {
        let mut history = FamilyHistory::default();
        for child in 1..=4 {
            history.forked(id(0), id(child));
        }
        history.forked(id(3), id(5));
        history.exited(id(2));
        history.exited(id(1));
        history.reaped(id(1));
        history.exited(id(3));
        assert_eq!(history.zombies(), [id(2), id(3)]);
        history.reaped(id(3));
        history.exited(id(0));
        history.exited(id(4));
        let texts: Vec<String> = family(&history, ProgramId(0))
            .into_iter()
            .map(|fact| fact.text)
            .collect();
        assert_eq!(
            texts,
            [
                "child 1 reaped",
                "child 2 left unreaped",
                "child 3 reaped",
                "child 4 outlived root",
                "child 5 outlived child 3"
            ]
        );
        assert_eq!(family(&history, ProgramId(1)), []);
    }

    #[test]
    fn the_living_with_their_parents_are_no_news() {
        let mut history = FamilyHistory::default();
        history.forked(id(0), id(1));
        assert_eq!(family(&history, ProgramId(0)), []);
    }
}
