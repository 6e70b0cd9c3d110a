//! Remarks on what is no difference by itself but explains one.

use std::collections::BTreeSet;

use supervisor::event::{ExitStatus, Stream, What};
use supervisor::plan::ProgramId;

use crate::lab::{Ignore, Lab, Lang, OutputKind, Scenario};
use crate::transcript::{Actors, Line, Op, Selection, Transcript, compare};
use crate::verdict::judge::Ran;
use crate::verdict::phrases::Phrase;

/// What is worth saying about a run although it costs nothing: text that stdio kept until exit,
/// text that fork doubled, a result written to descriptor 0.
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
        if let Some(what) = ignored(ran, role) {
            notes.push(
                Phrase::Ignored {
                    who: role,
                    what: &what,
                }
                .say(lang),
            );
        }
        if to_input(ran, program) {
            notes.push(Phrase::WroteToInput(role).say(lang));
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

/// What the lab does not count, where it alone makes this program's output another one.
fn ignored(ran: &Ran, role: &str) -> Option<String> {
    let lane = ran.expected.lanes.iter().find(|lane| lane.name == *role)?;
    let of = |ignore| {
        let mut expected = ran.expected.clone();
        let mut actual = ran.actual.lanes.clone();
        let lanes = expected.lanes.iter_mut().chain(&mut actual);
        lanes.for_each(|lane| lane.ignore = ignore);
        let again = Transcript {
            lanes: actual,
            ..ran.actual.clone()
        };
        let found = compare(&expected, &again, &Selection::Everything);
        let mut streams = found.phases.iter().flat_map(|phase| &phase.streams);
        streams.any(|s| s.lane == *role && s.channel == "out")
    };
    if lane.ignore.is_none() || of(lane.ignore) || !of(Ignore::default()) {
        return None;
    }
    // A word without which the output would differ.
    let words = lane.ignore.words().filter(|word| {
        let mut rest = Ignore::default();
        let others = lane.ignore.words().filter(|other| other != word);
        others.for_each(|other| {
            rest.set(other);
        });
        of(rest)
    });
    let words: Vec<&str> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The submission's programs whose text stdio kept back in this run because their output is a
/// pipe: it came only at exit, was lost with the program, or was doubled by fork.
#[must_use]
pub fn held_back(lab: &Lab, scenario: &Scenario, ran: &Ran) -> Vec<String> {
    let actors = Actors::of(lab, scenario);
    let roles = actors.programs.iter().zip(0_u16..);
    roles
        .filter(|(role, _)| scenario.students.contains(role))
        .filter(|(role, index)| {
            let program = ProgramId(*index);
            let to = scenario
                .setup
                .get(*role)
                .and_then(|setup| setup.stdout_to)
                .unwrap_or(OutputKind::Pipe);
            to == OutputKind::Pipe
                && (only_at_exit(ran, role, program)
                    || lost(ran, role, program)
                    || doubled(ran, role, program).is_some())
        })
        .map(|(role, _)| role.clone())
        .collect()
}

/// It was killed, and wrote nothing although something was due.
fn lost(ran: &Ran, role: &str, program: ProgramId) -> bool {
    let killed = ran.events.iter().any(|event| {
        matches!(&event.what, What::Exited { process, status: ExitStatus::StillRunning | ExitStatus::Signal(_) }
            if process.program == program && process.number == 0)
    });
    let wrote = ran.events.iter().any(|event| {
        matches!(&event.what, What::Output { program: from, stream: Stream::Out, bytes }
            if *from == program && !bytes.is_empty())
    });
    let mut due = ran.expected.phases.iter().flat_map(|phase| &phase.lines);
    killed && !wrote && due.any(|line| is_output(line, role))
}

/// What it wrote to descriptor 0, if anything: that goes to the terminal as well, but to no pipe.
fn to_input(ran: &Ran, program: ProgramId) -> bool {
    ran.events.iter().any(|event| match &event.what {
        What::Call(call) => {
            call.process.program == program
                && ["write", "writev", "sendto"].contains(&call.name.as_str())
                && call.args.split(", ").next() == Some("0")
        }
        What::Output {
            program: from,
            stream: Stream::In,
            ..
        } => *from == program,
        _ => false,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_written_to_descriptor_0_is_named() {
        let write = |fd: &str| {
            let call = supervisor::event::Call {
                process: supervisor::plan::ProcessId {
                    program: ProgramId(0),
                    number: 1,
                },
                thread: 0,
                name: "write".into(),
                args: format!("{fd}, \"TEXT\", 4"),
                data: "TEXT".into(),
                result: Some(-9),
                times: 1,
            };
            let transcript = Transcript {
                lab: String::new(),
                scenario: String::new(),
                lanes: Vec::new(),
                phases: Vec::new(),
                free: Vec::new(),
            };
            Ran {
                expected: transcript.clone(),
                actual: transcript,
                events: vec![supervisor::event::Event {
                    at: 0,
                    step: 1,
                    what: What::Call(call),
                }],
            }
        };
        assert!(to_input(&write("0"), ProgramId(0)));
        assert!(!to_input(&write("0"), ProgramId(1)));
        assert!(!to_input(&write("10"), ProgramId(0)));
    }
}
