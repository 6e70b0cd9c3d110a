//! Why a submission could not be checked.

use thiserror::Error;

use crate::lab::Lang;
use crate::run::plan::PlanError;
use crate::run::snapshot::SnapshotError;
use crate::submission::{Fault, SubmissionError};

/// Why a submission could not be checked.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A filter names nothing.
    #[error("lab {lab} has no {kind} `{name}`; it has {known}")]
    Unknown {
        /// The lab.
        lab: String,
        /// `scenario` or `requirement`.
        kind: &'static str,
        /// As given.
        name: String,
        /// All there are.
        known: String,
    },
    /// A scenario was never recorded.
    #[error(
        "lab {lab}: no transcript of scenario `{scenario}` is stored; make one with `grader record` and the directory of the lab"
    )]
    NotRecorded {
        /// The lab.
        lab: String,
        /// The scenario.
        scenario: String,
    },
    /// A stored transcript cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A scenario means nothing.
    #[error("lab {lab}: {error} (see `grader lint`)")]
    Lab {
        /// The lab.
        lab: String,
        /// What is wrong.
        error: PlanError,
    },
    /// The submission cannot be graded as it is.
    #[error(transparent)]
    Submission(SubmissionError),
    /// The grader or the machine failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl CheckError {
    /// The same for who reads `lang`, as far as a submission's author is meant.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match self {
            _ if lang == Lang::En => self.to_string(),
            Self::Submission(error) => error.told(lang),
            Self::Unknown {
                lab,
                kind,
                name,
                known,
            } => {
                let kind = match *kind {
                    "scenario" => "сценария",
                    _ => "требования",
                };
                format!("в задании {lab} нет {kind} `{name}`; есть {known}")
            }
            Self::NotRecorded { lab, scenario } => format!(
                "задание {lab}: транскрипта сценария `{scenario}` нет; его пишет `grader record` с каталогом задания"
            ),
            other => other.to_string(),
        }
    }

    /// Whether the grader or the machine is to blame (exit code 3), not the lab, the submission or
    /// the command line (exit code 2).
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl From<SubmissionError> for CheckError {
    fn from(error: SubmissionError) -> Self {
        match error {
            SubmissionError::Fault(fault) => Self::Fault(fault),
            error => Self::Submission(error),
        }
    }
}
