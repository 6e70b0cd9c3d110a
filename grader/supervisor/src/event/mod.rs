//! What a worker reports: the recording. One [`Event`] after another, with its time and step.
//!
//! Names of processes are ordinal ([`ProcessId`]), never kernel pids, so that two runs of the same
//! program give the same recording but for times and races that the program itself contains.

mod enforced;
mod limit;
mod rest;

pub use enforced::{Enforced, Means, NO_COPIES, NO_IPV6};
pub use limit::LimitKind;
pub use rest::{Ender, Lock, Object, Quiet, Settled, Wait, WaitState};

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::plan::{Address, Inspection, PeerId, ProcessId, ProgramId, SocketKind};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the helper began the scenario.
    pub at: u64,
    /// The step it belongs to, counted from 1; 0 before the first.
    pub step: u32,
    /// What happened.
    pub what: What,
}

/// Bytes that [`What::PipeWritten`] tells of in a scenario, at most.
pub const PIPED_AT_MOST: usize = 64 << 10;

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// What was enforced; always the first event.
    Enforced(Enforced),
    /// A step begins; its acts follow.
    StepBegan,
    /// An act could not be performed: the grader's or the lab's fault (not used for a refused
    /// connection, which is an observation).
    ActFailed {
        /// Index into [`Step::acts`](crate::plan::Step::acts).
        act: u32,
        /// Why.
        error: String,
    },
    /// Programs may have run between acts that had to come to them as one: a peer's data and its
    /// end. The scenario has to be run again.
    Parted,
    /// A program was started.
    Started {
        /// Its root process.
        process: ProcessId,
        /// Its pid as the program itself sees it (`getpid`).
        pid: i32,
    },
    /// `execve` of a program's image failed.
    ExecFailed {
        /// The root process.
        process: ProcessId,
        /// `errno`.
        errno: i32,
    },
    /// A process was forked (or cloned without `CLONE_THREAD`).
    Forked {
        /// The parent.
        parent: ProcessId,
        /// The child.
        child: ProcessId,
        /// The child's pid as the programs see it.
        pid: i32,
    },
    /// A process replaced itself by `execve`.
    Executed {
        /// The process.
        process: ProcessId,
        /// The path.
        path: Bytes,
    },
    /// A process ended.
    Exited {
        /// The process.
        process: ProcessId,
        /// How.
        status: ExitStatus,
    },
    /// A process wrote into a pipe that the programs made themselves. Of all pipes of a
    /// scenario together the first 64 KiB are reported.
    PipeWritten {
        /// Who wrote.
        process: ProcessId,
        /// Which pipe: numbered from 0 in the order of their first use.
        pipe: u32,
        /// What the pipe took, as far as it is reported.
        bytes: Bytes,
    },
    /// A process read from a pipe that the programs made themselves; reported once for each process
    /// and pipe.
    PipeRead {
        /// Who read.
        process: ProcessId,
        /// Which pipe, numbered as in [`What::PipeWritten`].
        pipe: u32,
    },
    /// A parent collected a child's status.
    Reaped {
        /// The child.
        process: ProcessId,
    },
    /// A process outlived its parent.
    Orphaned {
        /// The child.
        process: ProcessId,
    },
    /// Bytes of standard output or error, in the order in which the stream carried them.
    Output {
        /// The program; its descendants share the stream.
        program: ProgramId,
        /// Which stream.
        stream: Stream,
        /// The bytes.
        bytes: Bytes,
    },
    /// The stream has no writer any more.
    OutputEnd {
        /// The program.
        program: ProgramId,
        /// Which stream.
        stream: Stream,
    },
    /// A program began to listen.
    Listening {
        /// The process.
        process: ProcessId,
        /// Where; paths as the program gave them.
        address: Address,
        /// Whether it is the address the handout asked for ([`Program::address`](crate::plan::Program)).
        nominal: bool,
    },
    /// A program gave a name to a socket of datagrams, which is reached at it without listening, or
    /// of sequenced packets; or it let the kernel choose the port at which it is about to listen.
    Bound {
        /// The process.
        process: ProcessId,
        /// Where; paths as the program gave them, a chosen port as it came out.
        address: Address,
        /// What kind of socket.
        kind: SocketKind,
        /// Whether it is the address the handout asked for.
        nominal: bool,
    },
    /// `bind` failed.
    BindFailed {
        /// The process.
        process: ProcessId,
        /// Where.
        address: Address,
        /// `errno`.
        errno: i32,
    },
    /// A program of the submission connects to another address than the one the handout gives it.
    /// Where the other side is played by the grader, the connection is led there; reported once
    /// for each address.
    Connecting {
        /// The process.
        process: ProcessId,
        /// The address it wanted, as it gave it.
        address: Address,
    },
    /// A socket file that a program had bound is gone from the file system.
    Unlinked {
        /// The program that had bound it.
        program: ProgramId,
        /// The address.
        address: Address,
    },
    /// The file of a socket that a program had bound got another name. Where the socket listens,
    /// [`What::Listening`] tells the new address right behind this.
    Renamed {
        /// Who gave it the other name.
        process: ProcessId,
        /// The address that it had.
        from: Address,
        /// The address that it has now, as the program gave it.
        to: Address,
    },
    /// A peer's connection was made (the kernel queued it).
    PeerOpen {
        /// The peer.
        peer: PeerId,
    },
    /// A datagram peer has its socket: there is nothing that anybody would have to accept.
    PeerReady {
        /// The peer.
        peer: PeerId,
    },
    /// The program took the peer's connection with `accept` (for a peer made by
    /// [`Act::Accept`](crate::plan::Act): the grader accepted it).
    PeerAccepted {
        /// The peer.
        peer: PeerId,
    },
    /// A peer's connection could not be made.
    PeerRefused {
        /// The peer.
        peer: PeerId,
        /// Where it tried.
        address: Option<Address>,
        /// `errno`.
        errno: i32,
    },
    /// A peer's open of a FIFO waits for the other end; told once, at the end of a step.
    PeerWaits {
        /// The peer.
        peer: PeerId,
    },
    /// What a peer was to open is no FIFO.
    PeerNoFifo {
        /// The peer.
        peer: PeerId,
    },
    /// A peer was to connect as another user, and this machine grants none.
    NoStranger {
        /// The peer.
        peer: PeerId,
    },
    /// A peer received bytes.
    PeerData {
        /// The peer.
        peer: PeerId,
        /// The bytes.
        bytes: Bytes,
    },
    /// A peer received a message, whole as it was sent.
    PeerMessage {
        /// The peer.
        peer: PeerId,
        /// The message; a longer one than the grader takes is cut.
        bytes: Bytes,
        /// It was longer.
        cut: bool,
    },
    /// A peer saw the end of the stream.
    PeerEof {
        /// The peer.
        peer: PeerId,
    },
    /// Reading or writing failed on the peer's side (`ECONNRESET`, `EPIPE`).
    PeerFailed {
        /// The peer.
        peer: PeerId,
        /// `errno`.
        errno: i32,
    },
    /// At the end of a step so many bytes queued for a peer or program had not been taken.
    Untaken {
        /// Whose queue.
        queue: Queue,
        /// How many bytes are left.
        bytes: u64,
    },
    /// A system call of interest.
    Call(Call),
    /// A signal was delivered.
    Signalled {
        /// To this process.
        process: ProcessId,
        /// Its number.
        signal: i32,
    },
    /// A process was stopped or continued by a signal.
    Stopped {
        /// The process.
        process: ProcessId,
        /// `true` stopped, `false` continued.
        stopped: bool,
    },
    /// A disturbance took effect on a call.
    Disturbed {
        /// The process.
        process: ProcessId,
        /// What was done, in words: `write #2 cut to 7 bytes`.
        what: String,
    },
    /// The result of [`Act::Inspect`](crate::plan::Act).
    Inspected {
        /// The program.
        program: ProgramId,
        /// What was asked.
        what: Inspection,
        /// The facts, in words of the transcript, each with its channel.
        facts: Vec<Fact>,
    },
    /// Nothing more can happen before the next act.
    Settled(Settled),
    /// A limit was reached; reported once for each program and limit.
    Limit {
        /// The program, where one is to blame.
        program: Option<ProgramId>,
        /// Which.
        limit: LimitKind,
        /// The limit itself: milliseconds of time, bytes, or a number.
        most: u64,
    },
    /// The machine ran short of something: what came is no evidence, and the run ends.
    Starved {
        /// Of what, in words.
        what: String,
    },
    /// A collected file.
    File {
        /// Name relative to the workspace.
        name: Bytes,
        /// Permission bits.
        mode: u32,
        /// Content.
        bytes: Bytes,
    },
    /// The scenario is over; everything it started is gone. Always the last event.
    Ended,
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stream {
    /// Descriptor 1.
    Out,
    /// Descriptor 2.
    Err,
    /// Descriptor 0, written to (a terminal lets a program do that).
    In,
}

/// A queue of the grader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Queue {
    /// Standard input of a program.
    Stdin(ProgramId),
    /// A peer's sending side.
    Peer(PeerId),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// `exit(code)`.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
    /// Still running when the scenario ended, then killed by the grader.
    StillRunning,
}

/// A system call, reported when it returned, or at the end of the step in which it still waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Who called.
    pub process: ProcessId,
    /// Ordinal of the thread inside its process, 0 for the first.
    pub thread: u16,
    /// `read`, `accept4`, …
    pub name: String,
    /// Arguments as a person writes them: `4, "ab", 2`.
    pub args: String,
    /// Bytes written or read, capped. Of `bind` and `connect`: the address's struct, as far as it
    /// can be read, however long the call says it is.
    pub data: Bytes,
    /// The result; `None` while it waits. Negative: `-errno`.
    pub result: Option<i64>,
    /// This many identical calls in a row, this one included.
    pub times: u32,
}

/// One line of an inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The channel of the program's lane: `tree`, `fds`, `handler`, …
    pub channel: String,
    /// What is so: `root -> child 1`. An inspection without findings has no fact in its channel,
    /// and the transcript shows `~ | (nothing)`.
    pub text: String,
}

/// Whether a recording is worth nothing because of [`What::Parted`].
#[must_use]
pub fn is_parted(events: &[Event]) -> bool {
    events.iter().any(|event| event.what == What::Parted)
}
