//! A worker: a small process that runs one scenario after another.
//!
//! The caller (a big process with threads) starts it with `posix_spawn` and never forks itself.
//! The worker makes its namespaces once; for each plan it clones a helper, which sets the scenario
//! up, runs it, and sends the recording straight to the caller. Where the machine does not grant
//! namespaces, a worker of the reduced rung takes over, unless the plan requires them.

use std::io;
use std::path::{Path, PathBuf};

pub use context::{HelperContext, HelperMain, IPC_UNTOUCHED};
pub use inside::main;

use crate::event::{Event, What};
use crate::plan::{Isolation, Plan};
use crate::wire::{Farewell, HelperEnd, Kind, WireError};
use process::Rung;
pub(crate) use process::{Process, mode};

mod context;
mod helper;
mod inside;
mod process;
mod sharing;

/// Why a plan was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker process could not be started.
    #[error("the worker process could not be started: {0}")]
    Spawn(#[source] io::Error),
    /// Talking to the worker failed.
    #[error("talking to the worker failed: {0}")]
    Io(#[source] io::Error),
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

/// The caller's handle on a worker process. Dropping it ends the process and all below it.
#[derive(Debug)]
pub struct Worker {
    exe: PathBuf,
    cpu: Option<usize>,
    full: Option<Process>,
    reduced: Option<Process>,
    /// Why the full rung is out of reach, once that is known.
    refusal: Option<String>,
}

impl Worker {
    /// Starts `exe worker …` and returns without waiting for it. `exe` must call [`main`] when its
    /// first argument is `worker`. `cpu` pins the worker, and all it starts, to one processor.
    ///
    /// # Errors
    /// [`WorkerError::Spawn`].
    pub fn spawn(exe: &Path, cpu: Option<usize>) -> Result<Self, WorkerError> {
        let full = Process::spawn(exe, &Rung::Full, cpu).map_err(WorkerError::Spawn)?;
        Ok(Self {
            exe: exe.to_owned(),
            cpu,
            full: Some(full),
            reduced: None,
            refusal: None,
        })
    }

    /// The pid of the process that runs plans on the full rung, while there is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.full
            .as_ref()
            .or(self.reduced.as_ref())
            .map(Process::pid)
    }

    /// Runs one plan and hands on its events in order, [`What::Ended`] last. When it returns,
    /// everything the scenario started is gone.
    ///
    /// # Errors
    /// See [`WorkerError`]. Events handed on before it are valid.
    pub fn run(&mut self, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Result<(), WorkerError> {
        let mut reason = self.refusal.clone();
        if plan.isolation == Isolation::Reduced {
            reason = Some("only the reduced isolation was asked for".into());
        }
        if reason.is_none() {
            let full = self.full.take();
            let (answer, process) = self.converse(full, &Rung::Full, plan, on_event)?;
            self.full = process;
            let Answer::NotGranted(refused) = answer else {
                return answer.settle();
            };
            self.refusal = Some(refused.clone());
            reason = Some(refused);
        }
        let reason = reason.unwrap_or_default();
        if plan.isolation == Isolation::Required {
            return Err(WorkerError::Refused(reason));
        }
        let reduced = self.reduced.take();
        let rung = Rung::Reduced { reason };
        let (answer, process) = self.converse(reduced, &rung, plan, on_event)?;
        self.reduced = process;
        answer.settle()
    }

    /// Has a process of this rung, or a new one, carry out the plan. It is given back only after
    /// a conversation that came to its proper end.
    fn converse(
        &self,
        process: Option<Process>,
        rung: &Rung,
        plan: &Plan,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(Answer, Option<Process>), WorkerError> {
        let mut process = match process {
            Some(process) => process,
            None => Process::spawn(&self.exe, rung, self.cpu).map_err(WorkerError::Spawn)?,
        };
        process.expect_answer_within(plan.limits.wall_ms);
        // A worker that refused or died before reading it has perhaps said why: listen anyway. But what
        // cannot be written down was not sent, and nobody would answer.
        if let Err(error @ (WireError::TooLong(_) | WireError::Body(_))) = process.send(plan) {
            return Err(WorkerError::Protocol(error.to_string()));
        }
        let mut ended = false;
        let mut not_set_up = None;
        loop {
            let frame = match process.receive() {
                Ok(frame) => frame,
                Err(WireError::Closed) => {
                    return match not_set_up {
                        Some(reason) => Ok((Answer::NotSetUp(reason), None)),
                        None => Err(WorkerError::WorkerDied(process.end())),
                    };
                }
                Err(WireError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => {
                    process.kill();
                    return Err(WorkerError::WorkerDied("it gave no sign of life".into()));
                }
                Err(WireError::Io(error)) => return Err(WorkerError::Io(error)),
                Err(error) => return Err(WorkerError::Protocol(error.to_string())),
            };
            let garbled = |error: WireError| WorkerError::Protocol(error.to_string());
            match frame.kind {
                Kind::Event => {
                    let event: Event = frame.decode().map_err(garbled)?;
                    if ended {
                        return Err(WorkerError::Protocol("an event after the last one".into()));
                    }
                    ended = event.what == What::Ended;
                    on_event(event);
                }
                Kind::HelperEnded => {
                    let farewell: Farewell = frame.decode().map_err(garbled)?;
                    let process = farewell.goes_on.then_some(process);
                    let answer = match not_set_up {
                        Some(reason) => Answer::NotSetUp(reason),
                        None if ended => Answer::Done,
                        None => Answer::HelperEnded(farewell.end),
                    };
                    return Ok((answer, process));
                }
                Kind::NotSetUp => not_set_up = Some(frame.decode().map_err(garbled)?),
                Kind::NotGranted => {
                    return Ok((Answer::NotGranted(frame.decode().map_err(garbled)?), None));
                }
                kind @ (Kind::Plan | Kind::Checks) => {
                    return Err(WorkerError::Protocol(format!("an unexpected {kind:?}")));
                }
            }
        }
    }
}

/// How a conversation with a worker process came out.
enum Answer {
    Done,
    NotGranted(String),
    NotSetUp(String),
    HelperEnded(HelperEnd),
}

impl Answer {
    fn settle(self) -> Result<(), WorkerError> {
        match self {
            Self::Done => Ok(()),
            Self::NotGranted(reason) | Self::NotSetUp(reason) => Err(WorkerError::NotSetUp(reason)),
            Self::HelperEnded(HelperEnd::Code(code)) => Err(WorkerError::HelperExited { code }),
            Self::HelperEnded(HelperEnd::Signal(signal)) => {
                Err(WorkerError::HelperKilled { signal })
            }
        }
    }
}
