//! The worker process, hidden: `grader worker …` is started by the grader itself.

use std::ffi::OsString;
use std::process::ExitCode;

/// The first argument that makes this process a worker.
pub(crate) const WORD: &str = "worker";

/// Serves one scenario after another.
pub(crate) fn main() -> ExitCode {
    supervisor::worker::main(builtin, supervisor::helper::main)
}

/// The reference programs, by name, called with their whole `argv`.
fn builtin(name: &str, argv: &[OsString]) -> Option<i32> {
    reference::run(name, argv.get(1..).unwrap_or_default())
}
