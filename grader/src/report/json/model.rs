//! The schema `grader-report/1`: what the document holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The report of one check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Name and version of this schema: `grader-report/1`.
    pub schema: String,
    /// Version of the grader.
    pub grader: String,
    /// The lab.
    pub lab: LabName,
    /// The submission as the user named it.
    pub submission: String,
    /// `pass`: every requirement is met. `fail`: some are not. `error`: the grader or the machine
    /// failed, and the points are not final; or nothing of the submission could be graded, and `notes` say why.
    pub result: String,
    /// Exit status of the check: 0, 1, 3, or 2 where nothing of the submission could be graded.
    pub exit_status: u8,
    /// Points earned.
    pub points: u32,
    /// Points possible; skipped requirements are out of the total.
    pub of: u32,
    /// Wall time of the whole check in seconds.
    pub seconds: f64,
    /// What the machine enforced; absent where no scenario ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced: Option<Enforced>,
    /// How the programs were built.
    pub builds: Vec<Build>,
    /// The scenarios that ran, in order of completion.
    pub scenarios: Vec<Scenario>,
    /// The verdicts, in the lab's order.
    pub requirements: Vec<Requirement>,
    /// Which rung of each ladder was taken for each program: how it was started, where its
    /// address came from, how its output was read.
    pub rungs: Vec<Rung>,
    /// Things worth saying that cost nothing.
    pub notes: Vec<String>,
    /// Options that change what happens, as they were given or drawn: `["--seed", "7"]`.
    pub options: Vec<String>,
}

/// A text in the languages of the course.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// English.
    pub en: String,
    /// Russian, where it is translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ru: Option<String>,
}

impl From<&crate::lab::Text> for Text {
    fn from(text: &crate::lab::Text) -> Self {
        Self {
            en: text.en.clone(),
            ru: text.ru.clone(),
        }
    }
}

/// A lab's name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LabName {
    /// `us-upper`.
    pub id: String,
    /// Its title.
    pub title: Text,
}

/// What the machine enforced.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Enforced {
    /// `full` or `reduced`.
    pub isolation: String,
    /// `full` or `bare`.
    pub observation: String,
    /// What is in force.
    pub active: Vec<String>,
    /// What was refused, with the reason.
    pub missing: Vec<String>,
    /// What this lab needs and the machine lacks (`ipv6`, `other-user`): what rests on it is skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

/// A way of building a program that did not work.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    /// `make`, `make-stubs`, `compiler`, ….
    pub rung: String,
    /// The same in words: `cc server.c`.
    pub how: String,
    /// Why it failed, one line.
    pub why: String,
}

/// How one program was built.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Build {
    /// The role: `server`.
    pub program: String,
    /// The executable's name: `us-server`.
    pub executable: String,
    /// What it was built from: `server.c`, `Makefile`.
    pub from: String,
    /// How it was built: `make`, `make-stubs`, `compiler`, …; absent where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rung: Option<String>,
    /// What was tried before, in vain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// Whether it was taken from the cache.
    pub cached: bool,
    /// Compiler warnings; not scored.
    pub warnings: String,
    /// Why it was not built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What this machine lacks to build or run it; what needs it is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How far from the handout a program had to be taken.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Rung {
    /// The role: `server`.
    pub program: String,
    /// `arguments`, `address` or `output`.
    pub ladder: String,
    /// Of arguments: `handout`, `grader-toml`, `none`, `path`, `path-role`, `port`. Of an address:
    /// `handout`, `environment`, `grader-toml`, `discovered`. Of output: `terminal`.
    pub rung: String,
    /// The address of the program's own, as far as it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What kind of address: `unix-path`, `unix-abstract`, `tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How its `struct sockaddr_un` was filled in wrongly: `not-cleared`, `cut`, `full`,
    /// `leading-nul`, `empty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oddity: Option<String>,
    /// Requirements that failed because of it. Empty: it cost nothing.
    pub cost: Vec<String>,
    /// What was done, and how to get to the first rung; absent on the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A scenario that ran.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// The grader's or the machine's fault, where it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The verdict on one requirement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Its id.
    pub id: String,
    /// What is so when it is met.
    pub title: Text,
    /// What to do when it is not.
    pub hint: Text,
    /// `pass`, `fail`, `not-reached` (something it rests on failed first), `unstable` (differs
    /// between repeats), `error` (never the student's fault), `skipped` (this machine cannot show
    /// it).
    pub outcome: String,
    /// Points earned.
    pub points: u32,
    /// Points possible.
    pub of: u32,
    /// Why it is not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Why>,
}

/// Why a requirement is not met.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The transcript differs from the reference's.
    Difference(Evidence),
    /// This requirement failed first.
    Prerequisite(String),
    /// The scenario left the expected path earlier.
    Earlier(Earlier),
    /// This program was not built.
    NotBuilt(String),
    /// The grader or the machine failed.
    Fault(String),
    /// Not available on this machine.
    Unavailable(String),
}

/// An earlier difference, charged to another requirement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Earlier {
    /// The scenario.
    pub scenario: String,
    /// The step, from 1.
    pub step: u32,
    /// The requirement it was charged to.
    pub requirement: String,
}

/// The first difference of a requirement's evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Evidence {
    /// The scenario.
    pub scenario: String,
    /// The step, from 1; 0 after the steps.
    pub step: u32,
    /// The step's title: `connect bob`.
    pub title: String,
    /// What the reference did in the lanes that differ.
    pub expected: Vec<TranscriptLine>,
    /// What the submission did there.
    pub yours: Vec<TranscriptLine>,
    /// What is invisible and makes the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// What did not count in the lanes that differ: `case`, `cr`, `trailing-space`,
    /// `last-newline`. Absent where everything counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// How many more lines differ.
    pub more: usize,
    /// What the submission's programs did in that step.
    pub actions: Vec<ProgramActions>,
    /// Who waits for whom.
    pub waits: Vec<String>,
    /// Microseconds from the last event to the proof that nothing more can happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_after: Option<u64>,
    /// A command that runs this scenario again and shows what happened.
    pub replay: String,
}

/// A line of a transcript.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptLine {
    /// `server`.
    pub lane: String,
    /// `out`; empty for the lane's own channel.
    pub channel: String,
    /// `<`, `=`, `~`, …
    pub op: String,
    /// Escaped where not printable.
    pub payload: String,
}

/// What one program did.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProgramActions {
    /// The role.
    pub program: String,
    /// The calls reach back to this earlier step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
    /// Its last calls.
    pub calls: Vec<ProgramCall>,
}

/// One call.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProgramCall {
    /// `read(4, "ab", 2) = 2`.
    pub text: String,
    /// `alice has closed her side`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}
