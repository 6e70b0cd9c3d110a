//! What a worker reports: the recording. One [`Event`] after another, with its time and step.
//!
//! Names of processes are ordinal ([`ProcessId`]), never kernel pids, so that two runs of the same
//! program give the same recording but for times and races that the program itself contains.

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

/// Standard output or error.
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

/// A limit of [`Limits`](crate::plan::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitKind {
    /// Wall time of the scenario.
    Wall,
    /// CPU time.
    Cpu,
    /// Memory of all processes together.
    Memory,
    /// Address space of one process.
    AddressSpace,
    /// Processes and threads.
    Processes,
    /// Captured output.
    Output,
    /// Size of one file.
    FileSize,
    /// Room for files.
    Disk,
    /// Open descriptors of one process.
    Descriptors,
}

impl LimitKind {
    /// Whether the grader stopped or cut something. At the other limits a call fails, and the
    /// program itself decides what becomes of that: its transcript is compared as it is.
    #[must_use]
    pub fn interferes(self) -> bool {
        match self {
            Self::Wall | Self::Cpu | Self::Memory | Self::Processes | Self::Output => true,
            Self::AddressSpace | Self::FileSize | Self::Disk | Self::Descriptors => false,
        }
    }
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
    /// The channel of the program's lane: `tree`, `spare`, `fds`, `idle`, `family`, `handler`.
    pub channel: String,
    /// What is so: `root -> child 1`. An inspection without findings has no fact in its channel,
    /// and the transcript shows `~ | (nothing)`.
    pub text: String,
}

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
    /// A lock, condition or join, in words.
    Lock(String),
    /// The other end of a FIFO to be opened.
    Fifo(Bytes),
    /// A terminal.
    Terminal,
    /// Time only.
    Time,
    /// Something else, in words.
    Other(String),
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

/// How an entry of [`Enforced::missing`] begins that says that there is no IPv6.
pub const NO_IPV6: &str = "IPv6";

/// What the machine granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// `full` or `reduced`.
    pub isolation: String,
    /// `full` or `bare`.
    pub observation: String,
    /// What is in force, each in a word or two: `user namespace`, `seccomp`, `Landlock ABI 7`.
    pub active: Vec<String>,
    /// What was refused, with the reason and the consequence.
    pub missing: Vec<String>,
}

impl Enforced {
    /// Whether everything there is is in force.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.isolation == "full" && self.observation == "full" && self.missing.is_empty()
    }
}

/// Whether a recording is worth nothing because of [`What::Parted`].
#[must_use]
pub fn is_parted(events: &[Event]) -> bool {
    events.iter().any(|event| event.what == What::Parted)
}
