//! Remarks on what is no difference by itself but explains one.

use std::collections::BTreeSet;

use supervisor::event::{ExitStatus, Stream, What};
use supervisor::plan::ProgramId;

use crate::lab::{Lab, Lang, OutputKind, Scenario};
use crate::transcript::{Actors, Line, Op, Transcript};
use crate::verdict::judge::Ran;
use crate::verdict::phrases::Phrase;

/// What is worth saying about a run although it costs nothing: text that stdio kept until exit,
/// text that fork doubled.
#[must_use]
pub fn notes(lab: &Lab, scenario: &Scenario, ran: &Ran, lang: Lang) -> Vec<String> {
    let actors = Actors::of(lab, scenario);
    let mut notes = Vec::new();
    for (index, role) in actors.programs.iter().enumerate() {
        let Ok(program) = u16::try_from(index).map(ProgramId) else {
            continue;
        };
        if !scenario.students.contains(role) {
            continue;
        }
        let to = scenario.setup.get(role).and_then(|setup| setup.stdout_to);
        let is_pipe = to.unwrap_or(OutputKind::Pipe) == OutputKind::Pipe;
        if is_pipe && only_at_exit(ran, role, program) {
            notes.push(Phrase::OnlyAtExit(role).say(lang));
        }
        if let Some(text) = doubled(ran, role, program) {
            notes.push(
                Phrase::TwiceAfterFork {
                    who: role,
                    text: &text,
                }
                .say(lang),
            );
        }
    }
    notes
}

/// All of the text came in the step in which the program ended, and some was expected before.
fn only_at_exit(ran: &Ran, role: &str, program: ProgramId) -> bool {
    let ended = ran.events.iter().find_map(|event| match &event.what {
        What::Exited { process, status }
            if process.program == program
                && process.number == 0
                && *status != ExitStatus::StillRunning =>
        {
            Some(event.step)
        }
        _ => None,
    });
    let Some(ended) = ended else { return false };
    let written: BTreeSet<u32> = ran
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Output {
                program: from,
                stream: Stream::Out,
                bytes,
            } if *from == program && !bytes.is_empty() => Some(event.step),
            _ => None,
        })
        .collect();
    let due_before = ran.expected.phases.iter().any(|phase| {
        (1..ended).contains(&phase.number) && phase.lines.iter().any(|line| is_output(line, role))
    });
    due_before && written.len() == 1 && written.contains(&ended)
}

/// A line that was due once and came more often, from a program that forked.
fn doubled(ran: &Ran, role: &str, program: ProgramId) -> Option<String> {
    let forked =
        |what: &What| matches!(what, What::Forked { parent, .. } if parent.program == program);
    if !ran.events.iter().any(|event| forked(&event.what)) {
        return None;
    }
    let lines = |transcript: &Transcript| -> Vec<String> {
        let phases = transcript.phases.iter().flat_map(|phase| &phase.lines);
        phases
            .filter(|line| is_output(line, role) && !line.payload.is_empty())
            .map(|line| line.payload.clone())
            .collect()
    };
    let (due, came) = (lines(&ran.expected), lines(&ran.actual));
    let count = |lines: &[String], text: &str| lines.iter().filter(|line| *line == text).count();
    due.iter()
        .find(|text| count(&due, text) == 1 && count(&came, text) > 1)
        .cloned()
}

fn is_output(line: &Line, role: &str) -> bool {
    line.lane == role && line.channel == "out" && matches!(line.op, Op::Out | Op::OutPartial)
}
