//! Hard limits of a scenario.

use serde::{Deserialize, Serialize};

/// So many times as long as it says a limit of time may last on a busy machine. Then the run is given up.
pub(crate) const LONGEST: u32 = 5;

/// Hard limits. Reaching one ends the run of the program, and an event names the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time of the whole scenario, milliseconds: the last resort, not a judgement. What the rest of
    /// the machine took while programs were ready to run does not count.
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
