//! Starting one program inside the sandbox, from the single-threaded helper.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use crate::plan::Program;

/// The programs that are functions of this executable: called with the name and the whole `argv`,
/// answers the exit code, or `None` for a name it does not know.
pub type Builtins = fn(&str, &[OsString]) -> Option<i32>;

/// The standard descriptors of a program; `None` leaves one closed.
#[derive(Debug, Default)]
pub struct Stdio {
    /// Descriptor 0.
    pub stdin: Option<OwnedFd>,
    /// Descriptor 1.
    pub stdout: Option<OwnedFd>,
    /// Descriptor 2.
    pub stderr: Option<OwnedFd>,
}

/// A program that waits at its gate.
#[derive(Debug)]
pub struct Launched {
    /// Its pid, a child of the caller.
    pub pid: i32,
    /// Write one byte here to let it go on to its filter and `execve`. Attach with `PTRACE_SEIZE`
    /// before: a call that the filter hands to a tracer fails with `ENOSYS` without one. Closing
    /// it unwritten ends the process.
    pub gate: OwnedFd,
    /// Four bytes of `errno` (native endian) when the program could not be started; end of file
    /// without a byte when it was.
    pub failure: OwnedFd,
}

/// Why a program could not be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An argument, a path or a variable contains a NUL byte.
    #[error("{0} contains a NUL byte")]
    Nul(&'static str),
    /// The executable has no such builtin program.
    #[error("there is no builtin program called {0:?}")]
    NoSuchBuiltin(String),
    /// A system call failed.
    #[error("{0} failed: {1}")]
    Os(&'static str, #[source] std::io::Error),
}

/// Starts programs as the plan's limits and the machine's grants say.
#[derive(Debug)]
pub struct Launcher {}

impl Launcher {
    /// Forks a program that waits at its gate.
    ///
    /// # Errors
    /// See [`LaunchError`]. That `execve` fails is told through [`Launched::failure`].
    pub fn spawn(
        &self,
        program: &Program,
        stdio: Stdio,
        observe: bool,
    ) -> Result<Launched, LaunchError> {
        let _ = (program, stdio, observe);
        Err(LaunchError::Nul("nothing yet"))
    }
}
