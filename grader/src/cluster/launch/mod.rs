//! Who starts workers: thin, so that nothing of the grading depends on it.

mod slurm;
mod ssh;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use slurm::{Slurm, SlurmOptions};
pub use ssh::{Ssh, SshOptions};

/// Starts workers of a store somewhere, counts and cancels them.
pub trait Launcher {
    /// Starts so many more workers.
    ///
    /// # Errors
    /// None could be started.
    fn start(&mut self, workers: usize) -> Result<(), LaunchError>;

    /// How many workers are there, or will be when there is room for them.
    fn present(&mut self) -> Presence;

    /// Ends all workers; what cannot be ended ends by itself when no work is left.
    fn cancel(&mut self);

    /// Where people find what workers say.
    fn log(&self) -> String;

    /// What people can do when no worker comes.
    fn advice(&self) -> String;
}

/// Starts nobody: workers are somebody else's affair.
#[derive(Clone, Debug)]
pub struct Idle {
    /// The store that they work on.
    pub store: PathBuf,
}

impl Launcher for Idle {
    fn start(&mut self, _: usize) -> Result<(), LaunchError> {
        Ok(())
    }

    fn present(&mut self) -> Presence {
        Presence::Workers(usize::MAX)
    }

    fn cancel(&mut self) {}

    fn log(&self) -> String {
        "what the workers say".to_owned()
    }

    fn advice(&self) -> String {
        let store = self.store.display().to_string();
        format!(
            "start workers: {}",
            shell_words::join(["grader", "worker", "--store", &store])
        )
    }
}

/// What a launcher knows of its workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// So many are there.
    Workers(usize),
    /// It cannot tell now, and why.
    Unknown(String),
}

/// Why no workers can be started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The scheduler's command is not there, or cannot be run.
    #[error("{program}: {error}; is it installed on this machine, and in PATH?")]
    Command {
        /// The command.
        program: String,
        /// What the system said.
        error: io::Error,
    },
    /// It refuses.
    #[error("{program} refuses: {why}")]
    Refused {
        /// The command.
        program: String,
        /// What it said.
        why: String,
    },
    /// A name cannot be used there.
    #[error("{0}")]
    Name(String),
}

/// The last thing that a command said on its standard error, for a message of one line.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    crate::report::clean(last.unwrap_or("it says nothing").trim())
}
