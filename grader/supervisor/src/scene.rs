//! What is on stage when a wait is explained: the processes the tracer knows, and the ends of
//! pipes and sockets that the grader itself holds.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::path::PathBuf;

use crate::event::WaitState;
use crate::plan::{Address, ProcessId};
use crate::proc::ThreadScan;

/// One moment of a scenario.
#[derive(Debug)]
pub struct Scene<'a> {
    /// All processes not yet reaped, in the order in which they are to be reported.
    pub processes: Vec<SceneProcess>,
    /// The grader's own ends.
    pub own_ends: Vec<OwnEnd>,
    /// Listening sockets by inode, with the address to name them by.
    pub listeners: Vec<(u64, Address)>,
    /// Names of the programs, by [`ProgramId`](crate::plan::ProgramId).
    pub program_names: &'a [String],
    /// Names of pipes, kept for the whole scenario.
    pub pipe_names: &'a mut PipeNames,
    /// Ends of FIFOs that the grader opens in later steps.
    pub to_open: &'a [ToOpen],
}

/// An end of a FIFO that the grader opens in some step.
#[derive(Clone, Debug)]
pub struct ToOpen {
    /// The step, from 1.
    pub step: u32,
    /// The FIFO.
    pub path: PathBuf,
    /// It is opened for writing.
    pub writing: bool,
}

/// A process.
#[derive(Clone, Debug)]
pub struct SceneProcess {
    /// Its name in events.
    pub id: ProcessId,
    /// Its pid as the helper (and the programs) see it.
    pub pid: i32,
    /// The process that forked it and still lives; `None` for root processes and orphans.
    pub parent: Option<ProcessId>,
    /// Its threads; of a zombie, none are needed.
    pub threads: Vec<SceneThread>,
    /// It has ended and was not waited for.
    pub zombie: bool,
}

/// A thread.
#[derive(Clone, Debug)]
pub struct SceneThread {
    /// Its tid.
    pub tid: i32,
    /// Its number inside its process, 0 for the first.
    pub ordinal: u16,
    /// As last scanned. Who traced the call that `restart_syscall` continues puts that call's
    /// number into [`ThreadScan::nr`]: the arguments are still the same.
    pub scan: ThreadScan,
    /// Kept before its call by the grader, which will let it go: the reason in words.
    pub held: Option<&'static str>,
    /// Stopped by a signal (a traced thread shows `t` for that).
    pub stopped: bool,
    /// A state the tracer decided by other means (polling, spinning); it takes precedence.
    pub state_hint: Option<WaitState>,
}

/// A descriptor that the grader holds.
#[derive(Clone, Debug)]
pub struct OwnEnd {
    /// The descriptor, in this process.
    pub fd: RawFd,
    /// What the other side is called: `server's stdin` for the pipe that feeds it, `alice` for a peer.
    pub name: String,
    /// What it is.
    pub kind: OwnKind,
}

/// The kinds of [`OwnEnd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnKind {
    /// One end of a pipe or FIFO.
    Pipe,
    /// A connected (or connecting) socket of a peer.
    Socket,
    /// A listening socket of a peer.
    Listener,
    /// The master of a pseudo-terminal.
    Terminal,
}

impl Scene<'_> {
    /// A process by its name.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&SceneProcess> {
        self.processes.iter().find(|process| process.id == id)
    }

    /// The process and thread that have this tid.
    #[must_use]
    pub fn thread(&self, tid: i32) -> Option<(&SceneProcess, &SceneThread)> {
        self.processes.iter().find_map(|process| {
            let thread = process.threads.iter().find(|thread| thread.tid == tid)?;
            Some((process, thread))
        })
    }

    /// A process in words: `server`, `server's child 1`.
    #[must_use]
    pub fn words(&self, id: ProcessId) -> String {
        words(self.program_names, id)
    }
}

/// A process in words: `server`, `server's child 1`.
pub(crate) fn words(program_names: &[String], id: ProcessId) -> String {
    let program = program_names
        .get(usize::from(id.program.0))
        .map_or("program", String::as_str);
    match id.number {
        0 => program.to_owned(),
        n => format!("{program}'s child {n}"),
    }
}

/// A process within its program, in words: `root`, `child 1`.
#[must_use]
pub fn within_program(id: ProcessId) -> String {
    match id.number {
        0 => "root".to_owned(),
        n => format!("child {n}"),
    }
}

/// Names of pipes by inode: those given by the grader (`server's stdin`), and letters A, B, …
/// for the programs' own in order of their first appearance.
#[derive(Clone, Debug, Default)]
pub struct PipeNames {
    names: HashMap<u64, Name>,
    letters: u32,
}

#[derive(Clone, Debug)]
struct Name {
    text: String,
    given: bool,
}

impl PipeNames {
    /// Names a pipe that the grader made. To be called when the program is started: the grader's
    /// end may be closed before anybody asks.
    pub fn give(&mut self, inode: u64, name: &str) {
        self.names.insert(
            inode,
            Name {
                text: name.to_owned(),
                given: true,
            },
        );
    }

    /// Whether the grader made this pipe.
    #[must_use]
    pub fn is_given(&self, inode: u64) -> bool {
        self.names.get(&inode).is_some_and(|name| name.given)
    }

    /// The pipe's name; a letter is given to a pipe not seen before.
    pub fn name(&mut self, inode: u64) -> &str {
        let letters = &mut self.letters;
        let name = self.names.entry(inode).or_insert_with(|| {
            let text = letter(*letters);
            *letters += 1;
            Name { text, given: false }
        });
        &name.text
    }
}

/// A, B, … Z, A2, B2, …
fn letter(n: u32) -> String {
    let letter = char::from(b'A' + u8::try_from(n % 26).unwrap_or(0));
    match n / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{}", round + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_are_lettered_by_first_appearance_and_keep_their_names() {
        let mut names = PipeNames::default();
        names.give(7, "server's stdin");
        assert_eq!(names.name(100), "A");
        assert_eq!(names.name(50), "B");
        assert_eq!(names.name(100), "A");
        assert_eq!(names.name(7), "server's stdin");
        assert!(names.is_given(7) && !names.is_given(100));
    }

    #[test]
    fn letters_do_not_run_out() {
        assert_eq!(
            (letter(25), letter(26), letter(53)),
            ("Z".into(), "A2".into(), "B3".into())
        );
    }
}
