//! A worker: a small process that runs one scenario after another.

use std::path::Path;
use std::process::ExitCode;

pub use context::{HelperContext, HelperMain};

use crate::event::Event;
use crate::launch::Builtins;
use crate::plan::Plan;

mod context;

/// Why a plan was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker process could not be started.
    #[error("the worker process could not be started: {0}")]
    Spawn(#[source] std::io::Error),
    /// Talking to the worker failed.
    #[error("talking to the worker failed: {0}")]
    Io(#[source] std::io::Error),
    /// The worker said something that cannot be understood.
    #[error("the worker's answer cannot be understood: {0}")]
    Protocol(String),
    /// The isolation that the plan requires is not granted.
    #[error("the required isolation is not granted here: {0}")]
    Refused(String),
    /// The scenario could not be set up (a file that cannot be placed, a full disk).
    #[error("the scenario could not be set up: {0}")]
    NotSetUp(String),
    /// The helper was killed before it reported the end.
    #[error("the helper was killed by signal {signal}")]
    HelperKilled {
        /// The signal.
        signal: i32,
    },
    /// The helper exited before it reported the end.
    #[error("the helper exited with code {code} before the end")]
    HelperExited {
        /// Its exit code.
        code: i32,
    },
    /// The worker process is gone. [`Worker::run`] starts a new one for the next plan.
    #[error("the worker process died ({0})")]
    WorkerDied(String),
}

/// The caller's handle on a worker process.
#[derive(Debug)]
pub struct Worker {}

impl Worker {
    /// Starts `exe worker …` and returns without waiting for it. `cpu` pins it, and all it starts.
    ///
    /// # Errors
    /// [`WorkerError::Spawn`].
    pub fn spawn(exe: &Path, cpu: Option<usize>) -> Result<Self, WorkerError> {
        let _ = (exe, cpu);
        Ok(Self {})
    }

    /// Runs one plan and hands on its events in order, [`What::Ended`](crate::event::What::Ended)
    /// last. When it returns, everything the scenario started is gone.
    ///
    /// # Errors
    /// See [`WorkerError`]; events that came before it are valid.
    pub fn run(&mut self, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Result<(), WorkerError> {
        let _ = (plan, on_event);
        Err(WorkerError::WorkerDied("not yet".into()))
    }
}

/// The worker process itself: call it from `main` when the first argument is `worker`.
#[must_use]
pub fn main(builtins: Builtins, helper: HelperMain) -> ExitCode {
    let _ = (builtins, helper);
    ExitCode::FAILURE
}
