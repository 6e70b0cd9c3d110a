//! What a worker is asked to do: one scenario, whole, as plain data.
//!
//! A plan is executed without further questions: the helper performs the acts of a step, waits for
//! quiescence, reports the reaction, and goes on to the next step. Indices ([`ProgramId`],
//! [`PeerId`]) point into [`Plan::programs`] and [`Plan::peers`].

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// Index into [`Plan::programs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProgramId(pub u16);

/// Index into [`Plan::peers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerId(pub u16);

/// The most messages of one [`Act::Flood`]: more would fill the sender's own buffer, and a program
/// that answers them its own (`wmem_default`, socket(7)).
pub const MOST_FLOOD: u32 = 160;

/// The directory, inside the sandbox, in which programs start: private, empty but for
/// [`Plan::files`], writable.
pub const WORKSPACE: &str = "/lab";

/// The directory, inside the sandbox, with the lab's own programs ([`Plan::tools`]): everybody may
/// read and execute them, nobody may change them.
pub const TOOLS: &str = "/tools";

/// One scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// For messages only, e.g. `us-upper/one-then-the-next`.
    pub name: String,
    /// Put into the workspace before anything starts.
    pub files: Vec<PlacedFile>,
    /// Put into [`TOOLS`] before anything starts, for the programs to execute.
    pub tools: Vec<PlacedFile>,
    /// The programs that steps start.
    pub programs: Vec<Program>,
    /// The names of the peers played by the grader.
    pub peers: Vec<String>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// Hard limits for everything started.
    pub limits: Limits,
    /// How closely to watch.
    pub observation: Observation,
    /// Calls that open files are told as well. Each costs a stop, so only where FIFOs are opened.
    pub opens: bool,
    /// How strictly to isolate.
    pub isolation: Isolation,
    /// Host directories readable inside at the same place, besides the system's own
    /// (toolchains that live in a home directory). Used for builds.
    pub readable: Vec<PathBuf>,
}

impl Plan {
    /// In which nothing happens: to see what is granted.
    #[must_use]
    pub fn nothing(name: &str, observation: Observation, isolation: Isolation) -> Self {
        Self {
            name: name.to_owned(),
            files: Vec::new(),
            tools: Vec::new(),
            programs: Vec::new(),
            peers: Vec::new(),
            steps: Vec::new(),
            limits: Limits::default(),
            observation,
            opens: false,
            isolation,
            readable: Vec::new(),
        }
    }
}

/// A file placed into the workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlacedFile {
    /// Name relative to [`WORKSPACE`]; directories above it are made.
    pub name: Bytes,
    /// Where the content comes from.
    pub source: FileSource,
    /// Permission bits, e.g. `0o755`.
    pub mode: u32,
}

/// The content of a [`PlacedFile`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FileSource {
    /// Copied from this file of the host (never a link that leaves it: opened with `O_NOFOLLOW`).
    Host(PathBuf),
    /// These bytes.
    Bytes(Bytes),
    /// An empty directory.
    Directory,
}

/// A program that a step can start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Its role: `server`, `client`, `filter`.
    pub name: String,
    /// What runs.
    pub image: Image,
    /// `argv`, the program's own name included.
    pub argv: Vec<Bytes>,
    /// The whole environment.
    pub env: Vec<(Bytes, Bytes)>,
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    /// The address the handout tells it to use (its `argv` names it), if any. Peers that connect
    /// to this program use the address it really bound, and this one where none was seen.
    pub address: Option<Address>,
    /// Preload the shim that audits signal handlers (calls that are not async-signal-safe,
    /// a changed `errno`).
    pub audit_handlers: bool,
    /// Connections that it makes or accepts hold as little as the kernel allows (`SO_SNDBUF`,
    /// socket(7)): what waits for room shows with a few kilobytes. Needs tracing.
    pub small_buffers: bool,
    /// The peers that connect to it have as little room for what they send (`SO_SNDBUF`).
    pub small_peers: bool,
    /// Its file mode creation mask, umask(2); 0o022 unless said otherwise.
    pub umask: Option<u32>,
    /// Descriptors it may have open (`RLIMIT_NOFILE`) instead of [`Limits::descriptors`].
    pub descriptors: Option<u64>,
    /// Size that its files may have (`RLIMIT_FSIZE`) instead of [`Limits::file_size`].
    pub file_size: Option<u64>,
}

/// What a [`Program`] runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Image {
    /// A file, by its path inside the sandbox (workspace-relative or absolute).
    File(Bytes),
    /// A function of this executable, by name: the reference programs.
    Builtin(String),
}

/// Standard input of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// A pipe the grader writes to ([`Act::Type`]) and closes ([`Act::Eof`]).
    Pipe,
    /// `/dev/null`.
    Null,
    /// Not open at all.
    Closed,
    /// The grader's side is the master of a raw pseudo-terminal.
    Terminal,
    /// A terminal with line editing, echo and output processing; [`Act::Eof`] types its
    /// end-of-file character. It is the controlling one, with `/dev/tty` and signals by keys, of a
    /// session whose leader outlives the program, as under a shell: the end of the program's first
    /// process does not hang up on its children.
    Cooked,
}

/// Standard output or error of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// A pipe the grader reads.
    Pipe,
    /// `/dev/null`.
    Null,
    /// `/dev/full`: every write fails with `ENOSPC`.
    Full,
    /// Not open at all.
    Closed,
    /// A raw pseudo-terminal (no echo, no output processing).
    Terminal,
}

/// A socket's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Address {
    /// A path, absolute or relative to the binder's working directory; bytes, not text.
    Path(Bytes),
    /// An abstract Unix name, without the leading NUL.
    Abstract(Bytes),
    /// `127.0.0.1:port` or `[::1]:port`.
    Inet(std::net::SocketAddr),
}

/// As people write it: a path, `@name`, `127.0.0.1:5000`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&path.escaped()),
            Self::Abstract(name) => write!(f, "@{}", name.escaped()),
            Self::Inet(address) => address.fmt(f),
        }
    }
}

/// What a socket carries.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum SocketKind {
    /// A stream of bytes.
    #[default]
    Stream,
    /// Messages without a connection.
    Datagram,
    /// Messages over a connection.
    SeqPacket,
}

/// How a peer reaches a program, where that is not the plain way ([`Act::Reach`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The kind of its socket.
    pub kind: SocketKind,
    /// The name that it gives its own socket.
    pub name: OwnName,
    /// Datagrams only: it sends to the program's name without `connect`, and takes messages from
    /// anybody.
    pub unconnected: bool,
    /// The host at which it looks for the program, instead of the one at which the program
    /// listens; the port is the program's.
    pub host: Option<std::net::IpAddr>,
}

/// The name of a peer's own socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnName {
    /// None: nobody can answer a datagram from it.
    #[default]
    None,
    /// An abstract name chosen by the kernel, unix(7).
    Auto,
    /// This one.
    At(Address),
}

/// One stimulus and the wait that follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Performed one after another without waiting in between, except where an act says so.
    pub acts: Vec<Act>,
}

/// What the grader does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Act {
    /// Start a program.
    Start(ProgramId),
    /// Queue bytes for a program's standard input; fed as the program takes them, and waiting for
    /// quiescence after each piece of `pieces` (the last length repeats; empty: one piece).
    Type {
        /// The program.
        program: ProgramId,
        /// What to feed.
        bytes: Bytes,
        /// Lengths of the pieces.
        pieces: Vec<usize>,
    },
    /// Close a program's standard input once everything queued has been taken.
    Eof(ProgramId),
    /// Read `after` more bytes of the program's output, then close the reading end.
    LeaveOutput {
        /// The program.
        program: ProgramId,
        /// Bytes still read before leaving.
        after: usize,
    },
    /// A peer connects to a program's address.
    Connect {
        /// The peer.
        peer: PeerId,
        /// Whose address.
        to: ProgramId,
        /// `true`: the peer does not read until [`Act::Resume`].
        stalled: bool,
        /// `true`: it connects as another user than the programs', so that the rights of the
        /// socket's file count.
        stranger: bool,
    },
    /// The same in another way: datagrams, sequenced packets, a certain host.
    Reach {
        /// The peer.
        peer: PeerId,
        /// Whose address.
        to: ProgramId,
        /// `true`: the peer does not read until [`Act::Resume`].
        stalled: bool,
        /// How.
        how: Reach,
    },
    /// A peer takes a name at which programs reach it by messages: datagrams, which it answers to
    /// whoever sent the last one, or connections of sequenced packets.
    Desk {
        /// The peer.
        peer: PeerId,
        /// Where.
        address: Address,
        /// What kind of socket.
        kind: SocketKind,
    },
    /// Everything from now on happens in a network of its own, in which ports of connections that
    /// have ended stay taken for a while (TIME-WAIT). Before any program starts.
    OwnNetwork,
    /// A peer sends the same message again and again: so often as would fill `fills` queues of
    /// datagrams as long as this machine's, but at most [`MOST_FLOOD`] times.
    Flood {
        /// The peer.
        peer: PeerId,
        /// The message.
        bytes: Bytes,
        /// How many queues.
        fills: u32,
    },
    /// A peer binds and listens at an address.
    Listen {
        /// The listening peer.
        peer: PeerId,
        /// Where.
        address: Address,
    },
    /// `peer` becomes the next connection that `listener` accepts (once one comes).
    Accept {
        /// The listening peer.
        listener: PeerId,
        /// The name of the accepted connection.
        peer: PeerId,
        /// `true`: it does not read until [`Act::Resume`].
        stalled: bool,
    },
    /// A peer opens one end of a FIFO. A writer waits until somebody opens it for reading, as
    /// open(2) does; a reader is there at once.
    Open {
        /// The peer.
        peer: PeerId,
        /// Workspace-relative or absolute path.
        path: Bytes,
        /// It writes; otherwise it reads.
        writing: bool,
        /// `true`: a reader does not read until [`Act::Resume`].
        stalled: bool,
        /// Bytes that the FIFO is to hold (`F_SETPIPE_SZ`, fcntl(2)); only for readers.
        room: Option<u32>,
    },
    /// Send bytes, waiting for quiescence after each piece (see [`Act::Type`]). What does not fit
    /// into the socket's buffer is sent as room appears. Into a FIFO each piece is one `write`: up
    /// to `PIPE_BUF` bytes go whole or not yet (pipe(7)).
    Send {
        /// The peer.
        peer: PeerId,
        /// What to send.
        bytes: Bytes,
        /// Lengths of the pieces.
        pieces: Vec<usize>,
    },
    /// `shutdown(SHUT_WR)` once everything queued has been sent.
    Shutdown(PeerId),
    /// Close at once, with whatever is unread or unsent.
    Close(PeerId),
    /// Close at once so that the other side sees a reset, whatever was read (`SO_LINGER` of 0,
    /// socket(7)); over a Unix socket there is none but by unread data.
    Reset(PeerId),
    /// Stop reading.
    Stall(PeerId),
    /// Read again.
    Resume(PeerId),
    /// Send a signal `count` times.
    Signal {
        /// To whom.
        to: ProcessId,
        /// Signal number (`SIGRTMIN` as libc of the programs sees it: 34).
        signal: i32,
        /// How often.
        count: u32,
    },
    /// Let go the threads of a program that [`Effect::Freeze`] holds.
    Thaw(ProgramId),
    /// Let this many milliseconds pass.
    Advance(u64),
    /// Change the workspace.
    File(FileAct),
    /// Look at a program (and its descendants) and report [`What::Inspected`](crate::event::What).
    Inspect {
        /// The program.
        program: ProgramId,
        /// What to look at.
        what: Inspection,
    },
    /// From now on interfere with a program's calls.
    Disturb {
        /// The program, descendants included.
        program: ProgramId,
        /// How.
        disturbance: Disturbance,
    },
    /// Wait until a program has exited, however long it computes, at most `ms` of wall time
    /// (builds only: there is no quiescence to wait for).
    WaitExit {
        /// The program.
        program: ProgramId,
        /// Upper bound in milliseconds.
        ms: u64,
    },
    /// Report the regular files of the workspace (below `under`, at most `bytes` in all) as
    /// [`What::File`](crate::event::What) events. Builds only.
    Collect {
        /// Directory relative to the workspace; empty for all of it.
        under: Bytes,
        /// Cap on the sum of the sizes.
        bytes: u64,
    },
}

/// A change of the workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FileAct {
    /// Write a regular file.
    Write {
        /// Workspace-relative or absolute path.
        path: Bytes,
        /// Its content.
        content: Bytes,
        /// Permission bits.
        mode: u32,
    },
    /// Leave a socket file behind on which nobody listens.
    StaleSocket(Bytes),
    /// Make a FIFO. It belongs to the programs.
    Fifo {
        /// The path.
        path: Bytes,
        /// Permission bits.
        mode: u32,
    },
    /// Make an empty directory. It belongs to the programs.
    Directory {
        /// The path.
        path: Bytes,
        /// Permission bits.
        mode: u32,
    },
    /// Change permission bits.
    Chmod {
        /// The path.
        path: Bytes,
        /// Permission bits.
        mode: u32,
    },
    /// Remove a file.
    Remove(Bytes),
}

/// What [`Act::Inspect`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Inspection {
    /// The live processes of the program and the pipes between them.
    Tree,
    /// Whether the program's root process has more descriptors open than at the first look.
    Descriptors,
    /// Whether it waits without using CPU: blocked, polling with timeouts, or spinning.
    Idle,
    /// Who waited for whom: children reaped, orphaned, left as zombies.
    Family,
    /// What the handler audit found ([`Program::audit_handlers`]).
    Handlers,
    /// Which signals have a handler, are ignored, are blocked.
    Signals,
    /// Whether the terminal is set as it was before the program started.
    Terminal,
    /// What is in the workspace that [`Plan::files`] did not put there.
    Files,
    /// The lines of the regular files among them.
    Lines,
    /// How many threads its processes have.
    Threads,
    /// Which descriptors its descendants hold and which signals they block and ignore.
    Children,
}

/// A process of a scenario: the program's root process is number 0, its descendants are numbered
/// in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessId {
    /// The program it belongs to.
    pub program: ProgramId,
    /// 0 for the process the grader started.
    pub number: u16,
}

/// An interference with system calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Disturbance {
    /// Names of calls (`read`, `write`, `accept4`, `rt_sigsuspend`); any of them matches.
    pub calls: Vec<String>,
    /// Only on descriptors that lead to this.
    pub on: On,
    /// Which of the matching calls, counted from 1 since the disturbance began.
    pub nth: Nth,
    /// What happens to them.
    pub effect: Effect,
}

/// Which descriptors a [`Disturbance`] concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum On {
    /// Any call, with or without a descriptor.
    Any,
    /// A socket.
    Socket,
    /// A pipe or FIFO.
    Pipe,
    /// Descriptor 0, 1 or 2.
    Standard,
}

/// Which occurrence a [`Disturbance`] concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nth {
    /// All of them.
    Every,
    /// Only the nth, counted from 1.
    Only(u32),
    /// The nth and all later ones.
    From(u32),
}

/// The effect of a [`Disturbance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Lower the byte count (short read, short write).
    AtMost(u32),
    /// Do not perform the call; it returns this `errno`.
    Fail(i32),
    /// Deliver this signal when the call has been entered in user space but not begun in the
    /// kernel: the handler runs, then the call.
    SignalBefore(i32),
    /// Deliver this signal when the call has returned, before the program sees the result.
    SignalAfter(i32),
    /// Keep the thread before the call for so many milliseconds (virtual time). Signals that come
    /// meanwhile are handled before it.
    Delay(u64),
    /// Keep the thread before the call until [`Act::Thaw`].
    Freeze,
    /// Of a call that forks: the other of the two runs when this one and everybody else has come to
    /// rest.
    First(First),
}

/// Who goes on first after a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum First {
    /// The new process.
    Child,
    /// The one that has forked.
    Parent,
}

/// How closely to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// ptrace with a seccomp filter; falls back to [`Observation::Bare`] where refused, and the
    /// [`Enforced`](crate::event::Enforced) event says so.
    Full,
    /// `/proc` only; used for builds and where tracing is refused.
    Bare,
}

/// How strictly to isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// As much as this machine grants, said in the `Enforced` event.
    BestEffort,
    /// Refuse to run with less than namespaces, limits and the deny list.
    Required,
    /// No namespaces even where they are granted (to test the lower rung).
    Reduced,
}

/// Hard limits. Reaching one ends the run of the program, and an event names the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time of the whole scenario, milliseconds: the last resort, not a judgement.
    pub wall_ms: u64,
    /// CPU time of the whole tree, milliseconds.
    pub cpu_ms: u64,
    /// CPU time a thread may use within one step without a call that makes progress before it is
    /// called spinning, milliseconds. Processor time, so load does not shorten it; a slow processor
    /// does.
    pub spin_ms: u64,
    /// Calls without progress in a row before a thread is called spinning.
    pub spin_calls: u32,
    /// Address space of each process, bytes (`RLIMIT_AS`); 0 for none.
    pub memory: u64,
    /// Memory of all processes and private file systems together, bytes; looked at again and
    /// again, and enforced by the kernel where there is a control group. 0 for none.
    pub total_memory: u64,
    /// Processes and threads of the scenario.
    pub processes: u32,
    /// Descriptors of each process (`RLIMIT_NOFILE`).
    pub descriptors: u64,
    /// Size of a file, bytes (`RLIMIT_FSIZE`), and of the private file systems.
    pub file_size: u64,
    /// Captured output of each stream, bytes; what comes later is read and dropped.
    pub output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: 20_000,
            cpu_ms: 5_000,
            spin_ms: 300,
            spin_calls: 300,
            memory: 1 << 30,
            total_memory: 1 << 30,
            processes: 64,
            descriptors: 256,
            file_size: 64 << 20,
            output: 4 << 20,
        }
    }
}
