//! What the tracer knows of processes and threads.

use std::time::Instant;

use super::meeting::Led;
use super::spinning::Sent;
use super::time::{Moment, Resumed, Timed};
use crate::event::ExitStatus;
use crate::plan::{Address, First, ProcessId, SocketKind};

/// A call that a thread is in.
#[derive(Debug)]
pub(crate) struct InCall {
    /// Number.
    pub(crate) nr: i64,
    /// Arguments as the program gave them.
    pub(crate) args: [u64; 6],
    /// The arguments as a person writes them.
    pub(crate) shown: String,
    /// Bytes it sends.
    pub(crate) data: Vec<u8>,
    /// When it was entered.
    pub(crate) entered: Instant,
    /// Made by the dynamic loader: of no interest to anybody.
    pub(crate) by_loader: bool,
    /// What a disturbance did to it, to be undone or completed at its exit.
    pub(crate) altered: Option<Altered>,
    /// A `connect` that was led to another address than it names.
    pub(crate) led: Option<Led>,
    /// Its wait, if that ends by the virtual clock.
    pub(crate) timed: Option<Timed>,
    /// It makes a process or thread of which nothing has been seen yet.
    pub(crate) makes_task: bool,
}

/// What a disturbance did to a call at its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Altered {
    /// Registers to be given back as they were (the ABI preserves arguments).
    Restore {
        /// Original number.
        nr: i64,
        /// Original second argument.
        buffer: u64,
        /// Original third argument.
        count: u64,
    },
    /// A `struct msghdr` to be given back as it was.
    Message {
        /// Where the number of its pieces stands.
        pieces_at: u64,
        /// What stood there.
        pieces: u64,
        /// Where the length of the piece that was cut stands.
        length_at: u64,
        /// What stood there.
        length: u64,
    },
    /// Not performed; returns this.
    Fake(i64),
    /// Not performed; after this signal it is made again.
    Rewind(i32),
    /// This signal comes before the program sees the result.
    SignalAfter(i32),
    /// Not performed; what is pending is handled, then it is made again.
    Again,
    /// A fork after which this side goes first.
    First(First),
}

impl Altered {
    /// Whether the kernel sees the call.
    pub(crate) fn is_carried_out(self) -> bool {
        !matches!(self, Self::Fake(_) | Self::Rewind(_) | Self::Again)
    }
}

/// Where a thread stands with the tracer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Running, or asleep in the kernel.
    Free,
    /// In a group stop.
    Stopped,
    /// Held by us at a stop because it was spinning.
    Held,
    /// Held by us at the entry of a `connect` until somebody listens.
    Waiting,
    /// Held by us before a call until it is thawed.
    Frozen,
    /// Held by us before a call until a moment; the number tells who of several comes first.
    Delayed(Moment, u64),
    /// Held by us until everybody else rests.
    Last,
}

impl Standing {
    /// Stopped by us: it cannot run, and a scan would only tell that.
    pub(crate) fn is_held(self) -> bool {
        !matches!(self, Self::Free | Self::Stopped)
    }
}

/// A thread.
#[derive(Debug)]
pub(crate) struct Thread {
    /// Kernel id.
    pub(crate) tid: i32,
    /// Its process.
    pub(crate) pid: i32,
    /// Ordinal inside its process.
    pub(crate) ordinal: u16,
    /// The call it is in, as far as it is of interest.
    pub(crate) call: Option<InCall>,
    /// Where it stands.
    pub(crate) standing: Standing,
    /// Calls without progress in a row.
    pub(crate) fruitless: u64,
    /// The same since the step began, retries included.
    pub(crate) fruitless_in_step: u64,
    /// Calls that made progress.
    pub(crate) made: u64,
    /// The same, when its CPU time was last looked at.
    pub(crate) made_seen: u64,
    /// CPU time when it last made progress, nanoseconds; `None` from the beginning of a step to the
    /// first look at it.
    pub(crate) cpu_mark: Option<u64>,
    /// The descriptor that last had nothing more to give it, and how many times in a row, whatever
    /// else it did in between.
    pub(crate) at_end: (u64, u64),
    /// What it sends, with no other call in between.
    pub(crate) same_sent: Sent,
    /// Held in this step because it repeats what counts as progress without an end.
    pub(crate) repeats: bool,
    /// Found spinning before: the budget is smaller then.
    pub(crate) spun: bool,
    /// Spinning in this step: calls made without progress, and what it repeats.
    pub(crate) spinning: Option<(u64, Option<String>)>,
    /// Skip disturbances at its next call, which is one made again.
    pub(crate) rewound: bool,
    /// The call that `restart_syscall` goes on with, its arguments unchanged.
    pub(crate) restarting: Option<i64>,
    /// Looks at the clock in a row, without another call.
    pub(crate) looks: u32,
    /// A timed wait that was interrupted and will be made again.
    pub(crate) resumed: Option<Resumed>,
    /// Was seen to sleep since its last stop: if it is in no call that we know of, it sleeps in another.
    pub(crate) sleeps_unseen: bool,
}

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    /// Its ordinal name.
    pub(crate) id: ProcessId,
    /// Kernel id.
    pub(crate) pid: i32,
    /// The process that forked it; `None` for a program's root.
    pub(crate) parent: Option<ProcessId>,
    /// How it ended.
    pub(crate) status: Option<ExitStatus>,
    /// Its parent has collected its status.
    pub(crate) reaped: bool,
    /// Gone without that: its parent ignores SIGCHLD, wait(2).
    pub(crate) unawaited: bool,
    /// Its parent ended first.
    pub(crate) orphaned: bool,
    /// Threads made so far.
    pub(crate) threads_made: u16,
    /// The real program runs (its first `execve` succeeded, or it needs none).
    pub(crate) launched: bool,
    /// Where the dynamic loader is mapped.
    pub(crate) loader: Option<std::ops::Range<u64>>,
    /// It has made timers (`timer_create`, `timerfd_create`) that the kernel keeps.
    pub(crate) has_timers: bool,
    /// The path of the `execve` it is in.
    pub(crate) executing: Vec<u8>,
}

/// A socket a program gave a name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The socket's inode.
    pub(crate) inode: u64,
    /// Who named it.
    pub(crate) process: ProcessId,
    /// Its name, as given.
    pub(crate) address: Address,
    /// Where a relative path leads, absolute.
    pub(crate) path: Option<std::path::PathBuf>,
    /// It listens.
    pub(crate) listening: bool,
    /// What it carries.
    pub(crate) kind: SocketKind,
    /// Its file was seen to be gone.
    pub(crate) unlinked: bool,
}

impl Named {
    /// Whether others can reach it now: it listens, or takes datagrams.
    pub(crate) fn is_reachable(&self) -> bool {
        self.listening || self.kind == SocketKind::Datagram
    }
}
