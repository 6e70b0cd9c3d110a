//! How a step came to rest: why nothing more can happen, and who waits for whom.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::plan::{Address, ProcessId};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// Why nothing more can happen.
    pub how: Quiet,
    /// What every thread waits for; empty when all programs have ended.
    pub waits: Vec<Wait>,
    /// Microseconds from the last event to the decision.
    pub took: u64,
}

/// Why nothing more can happen before the next act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quiet {
    /// Every program has ended.
    Ended,
    /// Proved: no thread can run again unless the grader acts.
    Proved,
    /// Proved until a timed wait or timer ends, in milliseconds; only `advance` goes on.
    Until(u64),
    /// A thread wakes from timed waits again and again without doing anything (period in ms).
    Polling(u64),
    /// A thread runs and makes no progress.
    Spinning,
    /// Not provable here (no tracing, internet sockets): silent for this many milliseconds.
    Silent(u64),
    /// A limit ended the run.
    Limit,
}

/// What one thread waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The process.
    pub process: ProcessId,
    /// Ordinal of the thread, 0 for the first.
    pub thread: u16,
    /// The call as a person writes it: `read(0)`, `wait4(child 1)`.
    pub call: String,
    /// Its state.
    pub state: WaitState,
    /// What the call waits on.
    pub on: Object,
    /// Who could end the wait.
    pub enders: Vec<Ender>,
}

/// The state of a thread at the end of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitState {
    /// Blocked for ever, unless somebody acts.
    Blocked,
    /// Blocked for at most so many milliseconds.
    Timed(u64),
    /// Waking up every so many milliseconds to no effect.
    Polling(u64),
    /// Running without progress.
    Spinning {
        /// Calls without progress made in this step; 0: computing without any call.
        calls: u64,
        /// The call it repeats, with its result: `read(4) = 0`.
        repeats: Option<String>,
    },
    /// Stopped by a signal.
    Stopped,
    /// Ended, not yet waited for.
    Zombie,
    /// It could not be inspected.
    Unknown,
}

/// What a call waits on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// Reading an empty pipe or writing to a full one. Pipes are lettered A, B, … in order of
    /// their first appearance; the standard streams are called by their names.
    Pipe {
        /// `A`, or `server's stdin`.
        name: String,
        /// `true`: it waits to write.
        writing: bool,
    },
    /// A connected socket.
    Socket {
        /// Its peer in words: `alice`, `client`, or the process at the other end.
        peer: String,
        /// `true`: it waits to write.
        writing: bool,
    },
    /// `accept` on a listening socket.
    Listener(Address),
    /// Several descriptors (`poll`, `select`, `epoll`), each in words.
    Several(Vec<String>),
    /// Children.
    Children,
    /// A signal.
    Signal,
    /// A lock, condition or join.
    Lock(Lock),
    /// The other end of a FIFO to be opened.
    Fifo(Bytes),
    /// A terminal.
    Terminal,
    /// Time only.
    Time,
    /// Something else, in words.
    Other(String),
}

/// What threads wait for among themselves, and the lock on a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lock {
    /// The end of a thread of the same process, by its number.
    Join(u16),
    /// A mutex that a thread holds.
    Mutex {
        /// Of this process.
        process: ProcessId,
        /// Its number.
        thread: u16,
    },
    /// A mutex whose owner has ended.
    Orphan,
    /// A stream of stdio that a thread of the same process uses.
    Stream(u16),
    /// A locked file, or a part of it, by its path.
    File(Bytes),
    /// A condition variable, semaphore or another lock of which nothing tells who could end the wait.
    Unowned,
}

/// Somebody who could end a wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ender {
    /// A process that holds the other end.
    Process {
        /// Who.
        process: ProcessId,
        /// The descriptor by which it holds the other end, if it is one.
        fd: Option<i32>,
        /// It is the waiting process itself: the classic forgotten copy.
        itself: bool,
    },
    /// The grader, by its next act.
    Grader,
    /// Nobody: no process holds the other end.
    Nobody,
    /// It cannot be known (condition variables, semaphores), with the reason.
    Unknown(String),
}
