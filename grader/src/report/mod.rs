//! Reports: one file per format, all fed the same [`RunEvent`]s.
//!
//! A reporter's output is a pure function of the events and its [`Context`]; none computes a
//! verdict. What a submission wrote reaches a report only through `crate::text`, which leaves no
//! terminal escape and no workflow command alive.

mod doctor;
mod explain;
mod fence;
mod findings;
mod github;
mod human;
mod json;
mod junit;
mod labs;
mod ladder;
mod laid;
mod list;
mod missing;
mod page;
pub mod phrases;
mod replay;
mod trace;

#[cfg(test)]
mod sample;
#[cfg(test)]
pub(crate) use sample::lab as sample_lab;

use std::io;

pub use doctor::{Finding, findings_page};
pub use explain::{Sources, explain};
pub use fence::Fenced;
pub use github::GitHub;
pub use human::Human;
pub use json::{
    Evidence as JsonEvidence, Json, Report as JsonReport, Requirement as JsonRequirement,
    Text as JsonText, TranscriptLine as JsonLine, Why as JsonWhy,
};
pub use junit::JUnit;
pub use labs::labs_json;
pub use laid::laid_page;
pub use list::{lab_page, labs_page};
pub use missing::in_russian as missing_in_russian;
pub use replay::Replay;
pub use trace::{Recording, write_raw, write_trace};

use crate::lab::Lang;
use crate::run::{RunEvent, Summary};
use crate::verdict::{Outcome, Verdict};

/// Shows, or writes down, what happens.
pub trait Reporter {
    /// Takes the next event.
    ///
    /// # Errors
    /// Where the output cannot be written.
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()>;
}

/// What a report says besides the events.
#[derive(Clone, Debug)]
pub struct Context {
    /// The language of the report.
    pub lang: Lang,
    /// The commands it proposes.
    pub replay: Replay,
}

/// Several reporters, fed in turn. A reporter that cannot write does not keep the others from
/// being fed; the first such error is kept and returned by [`Reporters::finish`].
#[derive(Default)]
pub struct Reporters {
    all: Vec<Box<dyn Reporter>>,
    failed: Option<io::Error>,
}

impl Reporters {
    /// Adds one.
    pub fn push(&mut self, reporter: Box<dyn Reporter>) {
        self.all.push(reporter);
    }

    /// Feeds all of them.
    pub fn event(&mut self, event: &RunEvent<'_>) {
        for reporter in &mut self.all {
            if let Err(error) = reporter.event(event) {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// The first error of any of them.
    ///
    /// # Errors
    /// Where a report could not be written.
    pub fn finish(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }
}

/// The exit status of a check: 0 all requirements met, 1 some not, 3 the grader or the machine
/// failed. What this machine cannot show does not count as unmet, but where it can show nothing at
/// all the machine has failed. What earns no points is only reported.
#[must_use]
pub fn exit_status(summary: &Summary) -> u8 {
    let verdicts = || summary.verdicts.iter();
    let counts = |v: &&Verdict| v.of > 0 || verdicts().all(|v| v.of == 0);
    let unmet = [Outcome::Fail, Outcome::NotReached, Outcome::Unstable];
    let nothing_shown = summary
        .verdicts
        .iter()
        .all(|v| v.outcome == Outcome::Skipped);
    if verdicts().any(|v| v.outcome == Outcome::Error)
        || nothing_shown && !summary.verdicts.is_empty()
    {
        3
    } else if verdicts()
        .filter(counts)
        .any(|v| unmet.contains(&v.outcome))
    {
        1
    } else {
        0
    }
}

/// Whether a requirement is only reported, beside others that earn points.
fn only_reported(verdict: &Verdict, summary: &Summary) -> bool {
    verdict.of == 0 && summary.of > 0
}

/// The word for an outcome in machine formats.
#[must_use]
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::NotReached => "not-reached",
        Outcome::Unstable => "unstable",
        Outcome::Error => "error",
        Outcome::Skipped => "skipped",
    }
}
