//! Deadlocks: processes that wait for each other in a ring.

use std::collections::BTreeSet;

use crate::event::{Ender, Wait, WaitState};
use crate::plan::ProcessId;

/// A ring of processes each of which waits for the next, and the last for the first, of whom no
/// thread can ever run again; the least comes first. A process that waits for itself is a ring
/// of one.
///
/// A wait may have several enders, and any of them would do: a process counts as stuck only if
/// all its threads are blocked and every ender of theirs is stuck.
#[must_use]
pub fn cycle(waits: &[Wait]) -> Option<Vec<ProcessId>> {
    let stuck = stuck(waits);
    let next = |process: ProcessId| -> BTreeSet<ProcessId> {
        waits
            .iter()
            .filter(|wait| wait.process == process)
            .flat_map(|wait| &wait.enders)
            .filter_map(|ender| match ender {
                Ender::Process { process, .. } if stuck.contains(process) => Some(*process),
                _ => None,
            })
            .collect()
    };
    stuck.iter().find_map(|&start| ring(start, &next))
}

/// The shortest way from `start` back to it.
fn ring(
    start: ProcessId,
    next: &impl Fn(ProcessId) -> BTreeSet<ProcessId>,
) -> Option<Vec<ProcessId>> {
    let mut seen = BTreeSet::from([start]);
    let mut paths = vec![vec![start]];
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            let last = *path.last()?;
            for following in next(last) {
                if following == start {
                    return Some(path);
                }
                if seen.insert(following) {
                    let mut path = path.clone();
                    path.push(following);
                    longer.push(path);
                }
            }
        }
        paths = longer;
    }
    None
}

/// The processes of which no thread can run again: from all that are blocked, take away those
/// that somebody outside could wake, until nothing changes.
fn stuck(waits: &[Wait]) -> BTreeSet<ProcessId> {
    let mut stuck: BTreeSet<ProcessId> = waits.iter().map(|wait| wait.process).collect();
    loop {
        let freed: Vec<ProcessId> = waits
            .iter()
            .filter(|wait| stuck.contains(&wait.process) && can_end(wait, &stuck))
            .map(|wait| wait.process)
            .collect();
        if freed.is_empty() {
            return stuck;
        }
        for process in freed {
            stuck.remove(&process);
        }
    }
}

fn can_end(wait: &Wait, stuck: &BTreeSet<ProcessId>) -> bool {
    wait.state != WaitState::Blocked
        || wait.enders.is_empty()
        || wait.enders.iter().any(|ender| match ender {
            Ender::Process { process, .. } => !stuck.contains(process),
            Ender::Grader | Ender::Unknown(_) => true,
            Ender::Nobody => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Object;
    use crate::plan::ProgramId;

    fn id(number: u16) -> ProcessId {
        ProcessId {
            program: ProgramId(0),
            number,
        }
    }

    fn on(number: u16) -> Ender {
        Ender::Process {
            process: id(number),
            fd: None,
            itself: false,
        }
    }

    fn wait(number: u16, enders: &[Ender]) -> Wait {
        Wait {
            process: id(number),
            thread: 0,
            call: "read(0)".into(),
            state: WaitState::Blocked,
            on: Object::Children,
            enders: enders.to_vec(),
        }
    }

    #[test]
    fn a_ring_is_named_from_its_least_member() {
        let waits = [
            wait(3, &[on(1)]),
            wait(1, &[on(2)]),
            wait(2, &[on(3)]),
            wait(0, &[on(1)]),
        ];
        assert_eq!(cycle(&waits), Some(vec![id(1), id(2), id(3)]));
    }

    #[test]
    fn waiting_for_oneself_is_a_ring_of_one() {
        assert_eq!(
            cycle(&[wait(1, &[on(1)]), wait(0, &[on(1)])]),
            Some(vec![id(1)])
        );
    }

    #[test]
    fn one_way_out_is_enough() {
        assert_eq!(
            cycle(&[wait(0, &[on(1)]), wait(1, &[on(0), Ender::Grader])]),
            None
        );
        assert_eq!(cycle(&[wait(0, &[on(1)]), wait(1, &[on(0), on(2)])]), None);
        let another_thread = [wait(0, &[on(0)]), wait(0, &[Ender::Grader])];
        assert_eq!(cycle(&another_thread), None);
    }

    #[test]
    fn waiting_for_nobody_is_no_ring_but_frees_nobody() {
        assert_eq!(cycle(&[wait(0, &[Ender::Nobody])]), None);
        let two = [
            wait(0, &[on(1), on(2)]),
            wait(1, &[on(0)]),
            wait(2, &[Ender::Nobody]),
        ];
        assert_eq!(cycle(&two), Some(vec![id(0), id(1)]));
    }

    #[test]
    fn a_timed_wait_ends() {
        let mut timed = wait(1, &[on(0)]);
        timed.state = WaitState::Timed(1000);
        assert_eq!(cycle(&[wait(0, &[on(1)]), timed]), None);
    }
}
