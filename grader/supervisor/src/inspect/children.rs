//! What the processes of a program are made of, and what descendants got from whoever made them.

use super::signals::names;
use super::{fact, living};
use crate::event::Fact;
use crate::plan::ProgramId;
use crate::proc::{self, Link};
use crate::scene::{Scene, SceneProcess, within_program};

/// Channel `threads`, a line for each living process: `root: 1`.
#[must_use]
pub fn threads(scene: &Scene<'_>, program: ProgramId) -> Vec<Fact> {
    living(scene, program)
        .map(|process| {
            let alive = process.threads.iter().filter(|t| !t.scan.is_dead()).count();
            fact(
                "threads",
                format!("{}: {alive}", within_program(process.id)),
            )
        })
        .collect()
}

/// What living descendants hold: channel `held`, their descriptors (`child 1: 0 1 2`), channel
/// `shared`, which of the standard ones lead to the grader without a process in between, and channel
/// `inherited`, the signals that they block or ignore (`child 1 blocks TERM`), which `execve` hands
/// on (signal(7)).
#[must_use]
pub fn children(scene: &Scene<'_>, program: ProgramId) -> Vec<Fact> {
    let children: Vec<&SceneProcess> = living(scene, program)
        .filter(|process| process.id.number > 0)
        .collect();
    let held = children.iter().map(|child| {
        let fds: Vec<String> = proc::fds(child.pid)
            .unwrap_or_default()
            .iter()
            .map(|(fd, _)| fd.to_string())
            .collect();
        fact(
            "held",
            format!("{}: {}", within_program(child.id), fds.join(" ")),
        )
    });
    let shared = children.iter().map(|child| {
        let fds = proc::fds(child.pid).unwrap_or_default();
        let own = fds.iter().filter(|(fd, link)| {
            *fd <= 2 && matches!(Link::parse(link), Link::Pipe(inode) if scene.pipe_names.is_given(inode))
        });
        let own: Vec<String> = own.map(|(fd, _)| fd.to_string()).collect();
        fact("shared", format!("{}: {}", within_program(child.id), own.join(" ")))
    });
    let inherited = children.iter().flat_map(|child| {
        let scan = child.threads.first().map(|thread| &thread.scan);
        let masks = scan.map_or([("blocks", 0), ("ignores", 0)], |scan| {
            [("blocks", scan.blocked), ("ignores", scan.ignored)]
        });
        masks.into_iter().filter_map(|(verb, mask)| {
            let names = names(mask)?;
            Some(fact(
                "inherited",
                format!("{} {verb} {names}", within_program(child.id)),
            ))
        })
    });
    held.chain(shared).chain(inherited).collect()
}
