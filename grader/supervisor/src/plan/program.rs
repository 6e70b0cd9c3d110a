//! The programs of a plan: what runs, and what its streams are.

use serde::{Deserialize, Serialize};

use super::Address;
use crate::bytes::Bytes;

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
    /// Descriptors it may have open (`RLIMIT_NOFILE`) instead of [`Limits::descriptors`](super::Limits::descriptors).
    pub descriptors: Option<u64>,
    /// Size that its files may have (`RLIMIT_FSIZE`) instead of [`Limits::file_size`](super::Limits::file_size).
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
    /// A pipe the grader writes to ([`Act::Type`](super::Act::Type)) and closes ([`Act::Eof`](super::Act::Eof)).
    Pipe,
    /// `/dev/null`.
    Null,
    /// Not open at all.
    Closed,
    /// The grader's side is the master of a raw pseudo-terminal.
    Terminal,
    /// A terminal with line editing, echo and output processing; [`Act::Eof`](super::Act::Eof) types its
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
