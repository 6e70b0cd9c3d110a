//! What the grader does in a step.

use std::net::IpAddr;

use super::{Reach, SocketKind};

/// What the grader does in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Stimulus {
    /// Start a program (by role).
    Start(String),
    /// Write to a program's standard input.
    Type {
        /// The role.
        program: String,
        /// What.
        data: Data,
    },
    /// Close a program's standard input.
    Eof(String),
    /// Stop reading a program's output after so many more bytes.
    LeaveOutput {
        /// The role.
        program: String,
        /// Bytes read before leaving.
        after: usize,
    },
    /// A peer connects.
    Connect {
        /// The peer.
        peer: String,
        /// The role it connects to.
        to: String,
        /// It does not read until `resume`.
        stalled: bool,
        /// How, where the lab says so.
        reach: Option<Reach>,
        /// It connects as another user.
        stranger: bool,
    },
    /// A peer listens at the scenario's address, in place of a server.
    Listen {
        /// The peer.
        peer: String,
        /// What kind of socket.
        kind: SocketKind,
        /// TCP: where, if not at 127.0.0.1.
        host: Option<IpAddr>,
    },
    /// A listening peer takes the next connection.
    Accept {
        /// The name of the connection.
        peer: String,
        /// The listening peer.
        listener: String,
        /// It does not read until `resume`.
        stalled: bool,
    },
    /// A peer opens one end of a FIFO.
    Open {
        /// The peer.
        peer: String,
        /// The FIFO.
        path: String,
        /// It writes; otherwise it reads.
        writing: bool,
        /// It does not read until `resume`.
        stalled: bool,
        /// How many bytes the FIFO is to hold, if not the usual number.
        room: Option<u32>,
    },
    /// A peer sends, or writes into a FIFO.
    Send {
        /// The peer.
        peer: String,
        /// What.
        data: Data,
    },
    /// A peer half-closes.
    Shutdown(String),
    /// A peer closes.
    Close(String),
    /// A peer closes with a reset.
    Reset(String),
    /// A peer stops reading.
    Stall(String),
    /// A peer reads again.
    Resume(String),
    /// Send a signal.
    Signal {
        /// The role.
        program: String,
        /// 0 the root process, 1 its first descendant, …
        process: u16,
        /// `SIGTERM`, `SIGRTMIN`.
        signal: String,
        /// How often, in a row.
        count: u32,
    },
    /// Let time pass.
    Advance {
        /// Milliseconds.
        ms: u64,
    },
    /// Change the workspace.
    File(FileStep),
    /// Look at a program.
    Inspect {
        /// The role.
        program: String,
        /// What to look at.
        what: Inspection,
    },
    /// Let go the threads of a program that a disturbance has frozen.
    Thaw(String),
    /// Interfere with its calls from now on.
    Disturb {
        /// The role.
        program: String,
        /// How.
        disturbance: Disturbance,
    },
}

/// Bytes to send, with the lengths of the pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What.
    pub source: DataSource,
    /// Lengths of the pieces (the last repeats); empty: one piece. After each piece the grader
    /// waits for quiescence.
    pub pieces: Vec<usize>,
}

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// This text; `{nonce}` is a word drawn anew for each run and written `<nonce>` in the
    /// transcript (`<NONCE>` in upper case).
    Text(String),
    /// Each byte value once, 0 to 255.
    AllBytes,
    /// So many bytes drawn from a seed (lower- and upper-case letters, digits, newlines).
    Random {
        /// How many.
        bytes: usize,
        /// The seed.
        seed: u64,
    },
    /// A message so often as would fill so many queues of datagrams.
    Fill {
        /// The message; `{nonce}` as in [`DataSource::Text`].
        text: String,
        /// How many queues.
        fills: u32,
    },
    /// A text again and again.
    Repeat {
        /// The text.
        text: String,
        /// How often.
        times: usize,
    },
}

/// A change of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStep {
    /// Write a file.
    Write {
        /// Its path; `{socket}` is the address.
        path: String,
        /// Its content.
        content: String,
        /// Permission bits.
        mode: u32,
    },
    /// A socket file on which nobody listens.
    Stale {
        /// Its path.
        path: String,
    },
    /// A FIFO.
    Fifo {
        /// Its path.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// An empty directory.
    Directory {
        /// Its path.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// Change permission bits.
    Chmod {
        /// Its path.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// Remove it.
    Remove {
        /// Its path.
        path: String,
    },
}

/// What `inspect` looks at; each is a channel of the program's lane (`tree` gives `tree` and
/// `spare`, `files` gives `files`, `modes` and `contents`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspection {
    /// Processes and pipes between them: channels `tree`, `spare`.
    Tree,
    /// Open descriptors: channel `fds`. Counted relative to the first inspection of the program in
    /// the scenario (a right server may need more than the reference for itself).
    Descriptors,
    /// Waits without CPU: channel `idle`.
    Idle,
    /// Children reaped, orphaned, zombies: channel `family`.
    Family,
    /// Signal handler audit: channel `handler`.
    Handlers,
    /// Signal dispositions: channel `signals`.
    Signals,
    /// Settings of the terminal at its standard input: channel `terminal`.
    Terminal,
    /// What is in the working directory: channels `files`, `modes`, `contents`.
    Files,
    /// The lines of the files there: channel `lines`.
    Lines,
    /// The same, counted from the first number of each file: channel `counted`.
    Counted,
    /// How many threads each process has: channel `threads`.
    Threads,
    /// What descendants hold: channels `held` (descriptors), `shared` (those of the standard ones
    /// that lead to the grader, without a process in between), `inherited` (signals blocked and
    /// ignored).
    Children,
}

/// An interference with calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// Names of system calls.
    pub calls: Vec<String>,
    /// `any`, `socket`, `pipe`, `standard`.
    pub on: DisturbOn,
    /// Which occurrences.
    pub nth: Nth,
    /// What happens.
    pub effect: Effect,
}

/// Which descriptors a disturbance concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DisturbOn {
    /// Any call.
    #[default]
    Any,
    /// Sockets.
    Socket,
    /// Pipes and FIFOs.
    Pipe,
    /// Descriptors 0 to 2.
    Standard,
}

/// Which occurrences a disturbance concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nth {
    /// All.
    #[default]
    Every,
    /// The nth, from 1.
    Only(u32),
    /// The nth and later ones.
    From(u32),
}

/// The effect of a disturbance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Short reads and writes.
    AtMost(u32),
    /// The call fails with this error (`EIO`).
    Fail(String),
    /// A signal exactly before the call.
    SignalBefore(String),
    /// A signal exactly after the call.
    SignalAfter(String),
    /// The thread is kept before the call for so many milliseconds.
    Delay(u64),
    /// The thread is kept before the call until it is thawed.
    Freeze,
    /// After this fork the child goes first.
    ChildFirst,
    /// After this fork the parent goes first.
    ParentFirst,
}
