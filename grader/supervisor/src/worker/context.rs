//! What a helper is given.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Instant;

use crate::event::Enforced;
use crate::launch::Launcher;
use crate::plan::Plan;
use crate::wire::EventSink;

/// Everything a helper needs. The sandbox is ready, the files are placed, nothing runs yet.
///
/// The helper is single-threaded, PID 1 of its PID namespace (or a child subreaper where the
/// isolation is reduced), ignores `SIGPIPE`, and is not dumpable. Its descriptors are 0 and 1
/// (`/dev/null`), 2 (the worker's own standard error) and those inside this value. It is killed
/// when the worker ends. As PID 1 it gets no signal from below that it does not handle.
#[derive(Debug)]
pub struct HelperContext {
    /// The scenario. Where the isolation is reduced, `/lab` and `/tmp` in arguments, environment
    /// and addresses are already replaced by the places they really are.
    pub plan: Plan,
    /// Where the recording goes.
    pub up: EventSink,
    /// What is enforced. `observation` says what the plan asks for and ptrace grants.
    pub granted: Enforced,
    /// Starts programs.
    pub launcher: Launcher,
    /// When the worker took the plan: time 0 of the recording.
    pub started: Instant,
    /// Processes that the kernel had killed for want of memory a moment before.
    pub killed_before: Option<u64>,
    /// Where a control group holds the programs: its `memory.events`.
    pub memory_events: Option<OwnedFd>,
    /// Where [`WORKSPACE`](crate::plan::WORKSPACE) really is.
    pub workspace: PathBuf,
}

/// The helper's work: run the scenario, send its events up to `Ended`, and give the code to exit with: 0,
/// or [`IPC_UNTOUCHED`].
///
/// Its memory is the worker's, who goes on with it: what it leaves there stays.
pub type HelperMain = fn(HelperContext) -> i32;

/// The exit code of a helper that has seen every call of its programs, none of which makes an object in
/// the IPC namespace: the next scenario may have it.
pub const IPC_UNTOUCHED: i32 = 3;
