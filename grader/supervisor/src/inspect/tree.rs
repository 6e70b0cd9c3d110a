//! The processes of a program and the pipes between them.

use std::collections::{BTreeMap, BTreeSet};

use super::{fact, living};
use crate::event::Fact;
use crate::plan::{ProcessId, ProgramId};
use crate::proc::{self, Link};
use crate::scene::{Scene, SceneProcess, within_program};
use crate::waits::calls::{Transfer, transfer};

/// The ends of one pipe.
#[derive(Clone, Debug, Default)]
struct Ends {
    readers: BTreeSet<ProcessId>,
    writers: BTreeSet<ProcessId>,
    /// Who uses it to read or to write, where that shows: the call a thread waits in, or the
    /// standard stream it was put on.
    used: BTreeMap<ProcessId, Use>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Reads,
    Writes,
}

/// Channel `tree`: `processes: 2`, and `root -> child 1` for every pair of different processes of
/// which the first holds the write end and the second the read end of a pipe the program made.
/// Channel `spare`: ends that a process would do well to close, because it uses the other one.
#[must_use]
pub fn tree(scene: &Scene<'_>, program: ProgramId) -> Vec<Fact> {
    let pipes = pipes(scene, program);
    let mut facts = vec![fact(
        "tree",
        format!("processes: {}", living(scene, program).count()),
    )];
    facts.extend(edges(&pipes).into_iter().map(|text| fact("tree", text)));
    facts.extend(spares(&pipes).into_iter().map(|text| fact("spare", text)));
    facts
}

/// The program's own pipes; the order (of inodes) means nothing.
fn pipes(scene: &Scene<'_>, program: ProgramId) -> Vec<Ends> {
    let mut pipes: BTreeMap<u64, Ends> = BTreeMap::new();
    for process in living(scene, program) {
        for (fd, link) in proc::fds(process.pid).unwrap_or_default() {
            let Link::Pipe(inode) = Link::parse(&link) else {
                continue;
            };
            if is_graders(scene, inode) {
                continue;
            }
            let Some(access) = proc::access(process.pid, fd) else {
                continue;
            };
            let ends = pipes.entry(inode).or_default();
            if access.read {
                ends.readers.insert(process.id);
            }
            if access.write {
                ends.writers.insert(process.id);
            }
            if let Some(used) = used(process, fd) {
                ends.used.insert(process.id, used);
            }
        }
    }
    pipes.into_values().collect()
}

fn is_graders(scene: &Scene<'_>, inode: u64) -> bool {
    let own = || {
        scene.own_ends.iter().any(|end| {
            let me = i32::try_from(std::process::id()).ok();
            me.and_then(|me| proc::inode_of(me, end.fd))
                .is_some_and(|(_, own, _)| own == inode)
        })
    };
    scene.pipe_names.is_given(inode) || own()
}

fn used(process: &SceneProcess, fd: i32) -> Option<Use> {
    let waiting = process.threads.iter().find_map(|thread| {
        match transfer(thread.scan.nr, &thread.scan.args)? {
            Transfer::In(used) | Transfer::Through(used, _) if used == fd => Some(Use::Reads),
            Transfer::Out(used) | Transfer::Through(_, used) if used == fd => Some(Use::Writes),
            _ => None,
        }
    });
    waiting.or(match fd {
        0 => Some(Use::Reads),
        1 | 2 => Some(Use::Writes),
        _ => None,
    })
}

fn edges(pipes: &[Ends]) -> Vec<String> {
    let pairs: BTreeSet<(ProcessId, ProcessId)> = pipes
        .iter()
        .flat_map(|ends| {
            ends.writers
                .iter()
                .flat_map(|&writer| ends.readers.iter().map(move |&reader| (writer, reader)))
        })
        .filter(|(writer, reader)| writer != reader)
        .collect();
    let words =
        |(writer, reader)| format!("{} -> {}", within_program(writer), within_program(reader));
    pairs.into_iter().map(words).collect()
}

fn spares(pipes: &[Ends]) -> BTreeSet<String> {
    pipes
        .iter()
        .flat_map(|ends| {
            ends.readers
                .intersection(&ends.writers)
                .map(|&both| spare(ends, both))
        })
        .collect()
}

/// A process holds both ends. Where only others write, it is a reader, and the other way round;
/// where that does not decide, how it uses the pipe does.
fn spare(ends: &Ends, both: ProcessId) -> String {
    let others = |holders: &BTreeSet<ProcessId>| holders.iter().any(|&holder| holder != both);
    let role = match (others(&ends.writers), others(&ends.readers)) {
        (true, false) => Some(Use::Reads),
        (false, true) => Some(Use::Writes),
        (true, true) => ends.used.get(&both).copied(),
        (false, false) => None,
    };
    let who = within_program(both);
    match role {
        Some(Use::Reads) => format!("{who} keeps the write end of the pipe it reads"),
        Some(Use::Writes) => format!("{who} keeps the read end of the pipe it writes"),
        None => format!("{who} holds both ends of a pipe"),
    }
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

    fn pipe(writers: &[u16], readers: &[u16], used: &[(u16, Use)]) -> Ends {
        Ends {
            writers: writers.iter().copied().map(id).collect(),
            readers: readers.iter().copied().map(id).collect(),
            used: used
                .iter()
                .map(|&(number, used)| (id(number), used))
                .collect(),
        }
    }

    fn lines(pipes: &[Ends]) -> Vec<String> {
        edges(pipes).into_iter().chain(spares(pipes)).collect()
    }

    #[test]
    fn an_honest_pipeline_has_edges_only() {
        let pipes = [pipe(&[1], &[2], &[]), pipe(&[0], &[1], &[])];
        assert_eq!(lines(&pipes), ["root -> child 1", "child 1 -> child 2"]);
    }

    #[test]
    fn who_keeps_what_follows_from_the_others() {
        assert_eq!(
            lines(&[pipe(&[0, 1], &[1], &[])]),
            [
                "root -> child 1",
                "child 1 keeps the write end of the pipe it reads"
            ]
        );
        assert_eq!(
            lines(&[pipe(&[0], &[0, 1], &[])]),
            [
                "root -> child 1",
                "root keeps the read end of the pipe it writes"
            ]
        );
        assert_eq!(
            lines(&[pipe(&[0], &[0], &[])]),
            ["root holds both ends of a pipe"]
        );
    }

    #[test]
    fn where_all_hold_all_use_decides() {
        assert_eq!(
            lines(&[pipe(&[0, 1], &[0, 1], &[(1, Use::Reads)])]),
            [
                "root -> child 1",
                "child 1 -> root",
                "child 1 keeps the write end of the pipe it reads",
                "root holds both ends of a pipe"
            ]
        );
    }

    #[test]
    fn the_same_fact_is_stated_once() {
        let twice = [pipe(&[0], &[1], &[]), pipe(&[0], &[1], &[])];
        assert_eq!(lines(&twice), ["root -> child 1"]);
    }
}
