//! One result, whole: who, what, why, and what produced it. Workers write it, the gradebook reads it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::item::{Identity, Person};
use super::key::{Inputs, ItemKey};
use crate::lab::Lang;
use crate::report::{JsonReport, JsonRequirement, JsonWhy};

/// The value of [`ResultRecord::schema`]. Fields may be added under the same version; none is
/// renamed or removed.
pub const SCHEMA: &str = "grader-result/1";

/// The result of one submission.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ResultRecord {
    /// Name and version of this schema: `grader-result/1`.
    pub schema: String,
    /// Hash of everything the result depends on.
    pub key: ItemKey,
    /// Whose it is.
    pub identity: Identity,
    /// What else is known of the student.
    #[serde(default)]
    pub person: Person,
    /// When it was handed in, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<i64>,
    /// Where the files were.
    pub place: String,
    /// What the key is made of.
    pub inputs: Inputs,
    /// What produced it.
    pub made_by: MadeBy,
    /// The seed: the same gives the same data again.
    pub seed: u64,
    /// When grading began, in milliseconds since 1970.
    pub started: i64,
    /// How long it took.
    pub seconds: f64,
    /// Whether the points mean something.
    pub status: Status,
    /// Why nothing, or not everything, was graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Points earned; 0 unless graded.
    pub points: u32,
    /// Points possible.
    pub of: u32,
    /// The verdicts with their reasons, builds and notes, as `grader check --format json` gives
    /// them; absent where nothing was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<JsonReport>,
    /// The language of the report and the text.
    #[serde(default)]
    pub lang: Lang,
    /// The reasons in the other language, by requirement; the other texts have both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translated: BTreeMap<String, JsonWhy>,
    /// The report for people, without colours.
    #[serde(default)]
    pub text: String,
    /// Every run of every scenario.
    #[serde(default)]
    pub scenarios: Vec<ScenarioRecord>,
}

/// Whether a result's points mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every requirement has its verdict.
    Graded,
    /// What was handed in cannot be graded as it is: somebody has to look.
    Ungradable,
    /// The grader, the lab or the machine failed: never scored as the student's.
    Error,
}

impl Status {
    /// `graded`, `ungradable`, `error`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Graded => "graded",
            Self::Ungradable => "ungradable",
            Self::Error => "error",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Graded, Self::Ungradable, Self::Error]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// What produced a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeBy {
    /// The grader's version.
    pub grader: String,
    /// Hash of its executable.
    pub build: String,
    /// What the C compiler calls itself.
    pub compiler: String,
    /// The kernel's release.
    pub kernel: String,
    /// The machine's name.
    pub machine: String,
}

/// One run of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ScenarioRecord {
    /// Its id.
    pub id: String,
    /// Number of the repeat, from 0.
    pub repeat: u32,
    /// Wall time.
    pub seconds: f64,
    /// `same`: as the reference. `differs`. `not-built`, `unavailable`, `fault`: not run.
    pub result: String,
    /// The transcript where it differs from the reference's, which the lab holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

/// Bytes that are no record.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Not JSON, or fields are missing.
    #[error("not a result: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a grader of another time.
    #[error("a result of the schema `{0}`; this grader reads {SCHEMA}")]
    Schema(String),
    /// The key does not belong to the inputs.
    #[error("the key {key} is not that of its inputs")]
    Key {
        /// As written.
        key: ItemKey,
    },
}

impl ResultRecord {
    /// One line of JSON without its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists only: nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`ResultRecord::to_json`] wrote, and checks the schema and the key.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn from_json(text: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Named {
            schema: String,
        }
        let named: Named = serde_json::from_slice(text)?;
        if named.schema != SCHEMA {
            return Err(RecordError::Schema(named.schema));
        }
        let record: Self = serde_json::from_slice(text)?;
        if record.key != record.inputs.key() {
            return Err(RecordError::Key { key: record.key });
        }
        Ok(record)
    }

    /// The verdicts, in the lab's order; empty where nothing was run.
    #[must_use]
    pub fn requirements(&self) -> &[JsonRequirement] {
        self.report
            .as_ref()
            .map_or(&[], |report| report.requirements.as_slice())
    }

    /// Whether another run came to other verdicts: one that the machine failed came to none.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        let failed = |record: &Self| record.status == Status::Error;
        !failed(self) && !failed(other) && !self.agrees_with(other)
    }

    /// Whether another run came to the same verdicts and points. Times, seeds and texts may differ.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let verdicts = |record: &Self| -> Vec<(String, String, u32, u32)> {
            let all = record.requirements().iter();
            all.map(|r| (r.id.clone(), r.outcome.clone(), r.points, r.of))
                .collect()
        };
        self.status == other.status
            && (self.points, self.of) == (other.points, other.of)
            && verdicts(self) == verdicts(other)
    }
}
