//! The seam to whoever executes build plans.

use supervisor::event::Event;
use supervisor::plan::Plan;
use thiserror::Error;

/// The grader or the machine failed; never the submission's fault, never scored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A worker could not be started.
    #[error("cannot start a worker: {0}")]
    Start(String),
    /// The supervisor ended before the scenario did.
    #[error("the supervisor was lost: {0}")]
    Lost(String),
    /// The plan could not be carried out as asked.
    #[error("{0}")]
    Act(String),
    /// A file of the grader's own could not be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        error: String,
    },
}

/// Executes plans. The real one is the engine; tests use their own.
pub trait BuildRunner: Sync {
    /// Runs a plan to its end and returns its recording.
    ///
    /// # Errors
    /// A [`Fault`] if the plan could not be run; a program that fails is no error.
    fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault>;
}
