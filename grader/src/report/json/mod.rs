//! For programs: everything that is known, in a schema with a version (`grader-report/1`).
//! Fields may be added under the same version; none is renamed or removed.

mod model;

#[cfg(test)]
mod tests;

pub use model::*;

use std::io::{self, Write};

use supervisor::event::Means;

use super::{Context, Reporter, exit_status, outcome_word};
use crate::lab::Lab;
use crate::run::{Refusal, RunEvent, Summary};
use crate::submission::BuildReport;
use crate::text::inert_json;
use crate::transcript::Line;
use crate::verdict::{self, ActionCall, Actions, Difference, Reason, Verdict};

/// The value of [`Report::schema`].
pub(crate) const SCHEMA: &str = "grader-report/1";

/// Writes one JSON document when everything is known.
pub struct Json<W> {
    out: W,
    context: Context,
    lab: Option<Lab>,
    enforced: Option<Enforced>,
    builds: Vec<Build>,
    scenarios: Vec<Scenario>,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out,
            context,
            lab: None,
            enforced: None,
            builds: Vec::new(),
            scenarios: Vec::new(),
        }
    }

    /// What the lab needs of what the machine lacks.
    fn lacks(&self, lacks: &[Means]) -> Vec<String> {
        let lab = self.lab.as_ref();
        let needed = lacks
            .iter()
            .filter(|means| lab.is_some_and(|lab| lab.needs(**means)));
        needed.map(|means| means.word().to_owned()).collect()
    }

    /// The document as data, once everything is known.
    pub(crate) fn report(&self, summary: &Summary) -> Report {
        let status = exit_status(summary);
        let none = crate::lab::Text::default();
        let title = self.lab.as_ref().map_or(&none, |lab| &lab.title);
        let requirement = |verdict: &Verdict| {
            let mut known = self.lab.iter().flat_map(|lab| &lab.requirements);
            let known = known.find(|r| r.id == verdict.requirement);
            Requirement {
                id: verdict.requirement.clone(),
                title: known.map_or(&none, |r| &r.title).into(),
                hint: known.map_or(&none, |r| &r.hint).into(),
                outcome: outcome_word(verdict.outcome).to_owned(),
                points: verdict.points,
                of: verdict.of,
                reason: verdict.reason.as_ref().map(|reason| self.why(reason)),
            }
        };
        let rung = |rung: &verdict::Rung| Rung {
            program: rung.program.clone(),
            ladder: rung.ladder.word().to_owned(),
            rung: rung.taken.word().to_owned(),
            address: rung.value.clone(),
            kind: rung.kind.map(|kind| kind.word().to_owned()),
            oddity: rung.oddity.map(|oddity| oddity.word().to_owned()),
            cost: rung.cost.clone(),
            text: rung.text(self.context.lang),
        };
        Report {
            schema: SCHEMA.to_owned(),
            grader: env!("CARGO_PKG_VERSION").to_owned(),
            lab: LabName {
                id: summary.lab.clone(),
                title: title.into(),
            },
            submission: summary.submission.clone(),
            result: result_word(status).to_owned(),
            exit_status: status,
            points: summary.points,
            of: summary.of,
            seconds: summary.took.as_secs_f64(),
            enforced: self.enforced.clone(),
            builds: self.builds.clone(),
            scenarios: self.scenarios.clone(),
            requirements: summary.verdicts.iter().map(requirement).collect(),
            rungs: summary.rungs.iter().map(rung).collect(),
            notes: summary.notes.clone(),
            options: self.context.replay.options.clone(),
        }
    }

    /// What is said of a submission of which nothing was graded.
    fn refused(&self, refusal: &Refusal<'_>) -> Report {
        Report {
            schema: SCHEMA.to_owned(),
            grader: env!("CARGO_PKG_VERSION").to_owned(),
            lab: LabName {
                id: refusal.lab.id.clone(),
                title: (&refusal.lab.title).into(),
            },
            submission: refusal.submission.to_owned(),
            result: result_word(refusal.exit_status).to_owned(),
            exit_status: refusal.exit_status,
            points: 0,
            of: 0,
            seconds: 0.0,
            enforced: None,
            builds: Vec::new(),
            scenarios: Vec::new(),
            requirements: Vec::new(),
            rungs: Vec::new(),
            notes: vec![refusal.message.to_owned()],
            options: self.context.replay.options.clone(),
        }
    }

    pub(crate) fn why(&self, reason: &Reason) -> Why {
        match reason {
            Reason::Difference(difference) => Why::Difference(self.evidence(difference)),
            Reason::Prerequisite { requirement } => Why::Prerequisite(requirement.clone()),
            Reason::EarlierInScenario {
                scenario,
                step,
                requirement,
            } => Why::Earlier(Earlier {
                scenario: scenario.clone(),
                step: *step,
                requirement: requirement.clone(),
            }),
            Reason::NotBuilt { program } => Why::NotBuilt(program.clone()),
            Reason::Fault(why) => Why::Fault(why.clone()),
            Reason::Unavailable(why) => Why::Unavailable(why.clone()),
        }
    }

    fn evidence(&self, difference: &Difference) -> Evidence {
        Evidence {
            scenario: difference.scenario.clone(),
            step: difference.step,
            title: difference.title.clone(),
            expected: difference.expected.iter().map(transcript_line).collect(),
            yours: difference.yours.iter().map(transcript_line).collect(),
            remark: difference.remark.clone(),
            ignored: difference.ignored.iter().map(|w| (*w).to_owned()).collect(),
            more: difference.more,
            actions: difference.actions.iter().map(program_actions).collect(),
            waits: difference.waits.clone(),
            proved_after: difference.proved_after,
            replay: self.context.replay.scenario(&difference.scenario),
        }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Began { lab, .. } => self.lab = Some((*lab).clone()),
            RunEvent::Built(report) => self.builds.push(build(report)),
            RunEvent::Enforced(enforced) => {
                self.enforced = Some(Enforced {
                    isolation: enforced.isolation.clone(),
                    observation: enforced.observation.clone(),
                    active: enforced.active.clone(),
                    missing: enforced.missing.clone(),
                    lacks: self.lacks(&enforced.lacks),
                });
            }
            RunEvent::ScenarioDone {
                scenario,
                took,
                fault,
            } => self.scenarios.push(Scenario {
                id: (*scenario).to_owned(),
                seconds: took.as_secs_f64(),
                fault: fault.map(str::to_owned),
            }),
            RunEvent::Finished(summary) => {
                let report = self.report(summary);
                let text = inert_json(&serde_json::to_string_pretty(&report)?);
                writeln!(self.out, "{text}")?;
                self.out.flush()?;
            }
            RunEvent::Refused(refusal) => {
                let report = self.refused(refusal);
                let text = inert_json(&serde_json::to_string_pretty(&report)?);
                writeln!(self.out, "{text}")?;
                self.out.flush()?;
            }
        }
        Ok(())
    }
}

/// The word for an exit status.
pub(super) fn result_word(status: u8) -> &'static str {
    match status {
        0 => "pass",
        1 => "fail",
        _ => "error",
    }
}

fn build(report: &BuildReport) -> Build {
    Build {
        program: report.program.clone(),
        executable: report.executable.clone(),
        from: report.from.clone(),
        rung: report.rung.map(|rung| rung.word().to_owned()),
        tried: report.tried.iter().map(tried).collect(),
        cached: report.cached,
        warnings: report.warnings.clone(),
        failure: report.failure.clone(),
        unavailable: report.unavailable.clone(),
        hint: report.hint.clone(),
    }
}

fn tried(tried: &crate::submission::Tried) -> Tried {
    Tried {
        rung: tried.rung.word().to_owned(),
        how: tried.how.clone(),
        why: tried.why.clone(),
    }
}

fn transcript_line(line: &Line) -> TranscriptLine {
    TranscriptLine {
        lane: line.lane.clone(),
        channel: line.channel.clone(),
        op: line.op.mark().to_owned(),
        payload: line.payload.clone(),
    }
}

fn program_actions(actions: &Actions) -> ProgramActions {
    let call = |call: &ActionCall| ProgramCall {
        text: call.text.clone(),
        remark: call.remark.clone(),
    };
    ProgramActions {
        program: actions.program.clone(),
        since: actions.since,
        calls: actions.calls.iter().map(call).collect(),
    }
}
