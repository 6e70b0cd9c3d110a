//! What the grader does in a step.

use serde::{Deserialize, Serialize};

use super::{Address, Disturbance, PeerId, ProcessId, ProgramId, Reach, SocketKind};
use crate::bytes::Bytes;

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
    /// datagrams as long as this machine's, but at most [`MOST_FLOOD`](super::MOST_FLOOD) times.
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
    /// Let go the threads of a program that [`Effect::Freeze`](super::Effect::Freeze) holds.
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
    /// What the handler audit found ([`Program::audit_handlers`](super::Program::audit_handlers)).
    Handlers,
    /// Which signals have a handler, are ignored, are blocked.
    Signals,
    /// Whether the terminal is set as it was before the program started.
    Terminal,
    /// What is in the workspace that [`Plan::files`](super::Plan::files) did not put there.
    Files,
    /// The lines of the regular files among them.
    Lines,
    /// How many threads its processes have.
    Threads,
    /// Which descriptors its descendants hold and which signals they block and ignore.
    Children,
    /// [`Inspection::Lines`], counted from the first number of each file.
    Counted,
}
