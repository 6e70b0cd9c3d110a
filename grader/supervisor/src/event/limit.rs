//! The limits that a run may reach.

use serde::{Deserialize, Serialize};

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
