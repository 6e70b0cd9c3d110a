//! What a worker is asked to do: one scenario, whole, as plain data.
//!
//! A plan is executed without further questions: the helper performs the acts of a step, waits for
//! quiescence, reports the reaction, and goes on to the next step. Indices ([`ProgramId`],
//! [`PeerId`]) point into [`Plan::programs`] and [`Plan::peers`].

mod act;
mod address;
mod disturbance;
mod limits;
mod program;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
pub use act::{Act, FileAct, Inspection, Step};
pub use address::{Address, OwnName, Reach, SocketKind};
pub use disturbance::{Disturbance, Effect, First, Nth, On};
pub(crate) use limits::LONGEST;
pub use limits::Limits;
pub use program::{Image, Input, Output, Program};

/// Index into [`Plan::programs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProgramId(pub u16);

/// Index into [`Plan::peers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerId(pub u16);

/// A process of a scenario: the program's root process is number 0, its descendants are numbered
/// in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessId {
    /// The program it belongs to.
    pub program: ProgramId,
    /// 0 for the process the grader started.
    pub number: u16,
}

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
    /// How often it was tried before: acts that belong together had come apart.
    pub attempt: u32,
    /// Host directories readable inside at the same place, besides the system's own
    /// (toolchains that live in a home directory). Used for builds.
    #[serde(with = "crate::bytes::paths")]
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
            attempt: 0,
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
    Host(#[serde(with = "crate::bytes::path")] PathBuf),
    /// These bytes.
    Bytes(Bytes),
    /// An empty directory.
    Directory,
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
