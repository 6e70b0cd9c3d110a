//! Remarks on what is no difference by itself but explains one.

use std::collections::{BTreeMap, BTreeSet};

use supervisor::bytes::escape;
use supervisor::event::{Call, ExitStatus, Stream, What};
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
        let copied = || copied(ran, program).filter(|_| is_pipe);
        if let Some(text) = doubled(ran, role, program).or_else(copied) {
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
        let mut expected = ran.expected.as_ref().clone();
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

/// What a process and a child of its wrote alike, each in the step in which it ended: what stdio
/// held when `fork` was called. For streams of which the lab expects no lines.
fn copied(ran: &Ran, program: ProgramId) -> Option<String> {
    /// Shorter texts may be alike by chance.
    const LEAST: usize = 4;
    let mut ends: BTreeMap<u16, u32> = BTreeMap::new();
    let mut parents: BTreeMap<u16, u16> = BTreeMap::new();
    let mut writes: Vec<(u16, u32, &Call)> = Vec::new();
    let mut piped: Vec<(u16, u32, &[u8])> = Vec::new();
    for event in &ran.events {
        match &event.what {
            What::Exited { process, .. } if process.program == program => {
                ends.insert(process.number, event.step);
            }
            What::Forked { parent, child, .. } if child.program == program => {
                parents.insert(child.number, parent.number);
            }
            What::Executed { process, .. } if process.program == program && process.number > 0 => {
                // It has nothing of its parent's memory any more.
                parents.remove(&process.number);
            }
            What::Call(call)
                if call.process.program == program
                    && call.name == "write"
                    && call.args.starts_with("1, ") =>
            {
                writes.push((call.process.number, event.step, call));
            }
            What::PipeWritten { process, bytes, .. }
                if process.program == program && !bytes.is_empty() =>
            {
                piped.push((process.number, event.step, bytes));
            }
            _ => {}
        }
    }
    // Descriptor 1 may be a pipe of the program's own by now: that text has another reader.
    writes.retain(|(process, step, call)| {
        !piped.iter().any(|(writer, when, bytes)| {
            (writer, when) == (process, step)
                && (bytes.starts_with(&call.data) || call.data.starts_with(bytes))
        })
    });
    let last = |process: &u16, step: &u32| ends.get(process) == Some(step);
    let text = writes.iter().find_map(|(child, step, call)| {
        let parent = parents.get(child).filter(|_| last(child, step))?;
        writes.iter().find_map(|(process, step, other)| {
            // Whichever goes on has added something of its own behind.
            let shorter = if other.data.len() < call.data.len() {
                other
            } else {
                call
            };
            let alike =
                call.data.starts_with(&shorter.data) && other.data.starts_with(&shorter.data);
            let copied = process == parent && last(process, step) && alike;
            (copied && shorter.data.len() >= LEAST).then_some(*shorter)
        })
    })?;
    let line = text.data.split(|b| *b == b'\n').next()?;
    Some(escape(&line[..line.len().min(60)]))
}

fn is_output(line: &Line, role: &str) -> bool {
    line.lane == role && line.channel == "out" && matches!(line.op, Op::Out | Op::OutPartial)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: u16) -> supervisor::plan::ProcessId {
        supervisor::plan::ProcessId {
            program: ProgramId(0),
            number,
        }
    }

    fn ran(events: Vec<(u32, What)>) -> Ran {
        Ran {
            expected: Transcript::default().into(),
            actual: Transcript::default(),
            events: events
                .into_iter()
                .map(|(step, what)| supervisor::event::Event { at: 0, step, what })
                .collect(),
        }
    }

    fn writes(number: u16, text: &str) -> What {
        What::Call(Call {
            process: of(number),
            thread: 0,
            name: "write".into(),
            args: format!("1, \"{text}\", {}", text.len()),
            data: text.into(),
            result: Some(1),
            times: 1,
        })
    }

    fn exits(number: u16) -> What {
        What::Exited {
            process: of(number),
            status: ExitStatus::Code(0),
        }
    }

    #[test]
    fn what_a_process_and_its_child_write_alike_at_exit_was_copied_by_fork() {
        let forked = || What::Forked {
            parent: of(0),
            child: of(1),
            pid: 4711,
        };
        let both = |parent: &str, child: &str, before: u32| {
            ran(vec![
                (1, forked()),
                (before, writes(1, child)),
                (2, exits(1)),
                (2, writes(0, parent)),
                (2, exits(0)),
            ])
        };
        let found = |ran: &Ran| copied(ran, ProgramId(0));
        let twice = both("HELLO\nparent\n", "HELLO\n", 2);
        assert_eq!(found(&twice), Some("HELLO".to_owned()));
        let more = both("HELLO\n", "HELLO\nchild\n", 2);
        assert_eq!(found(&more), Some("HELLO".to_owned()));
        // What is written long before the end is not what was left in a buffer.
        assert_eq!(found(&both("HELLO\n", "HELLO\n", 1)), None);
        assert_eq!(found(&both("HELLO\n", "child\n", 2)), None);
        assert_eq!(found(&both("ab", "ab", 2)), None);
        let mut executed = both("HELLO\n", "HELLO\n", 2);
        let exec = What::Executed {
            process: of(1),
            path: "/bin/echo".into(),
        };
        let mut piped = both("HELLO\n", "HELLO\n", 2);
        piped.events.insert(
            2,
            supervisor::event::Event {
                at: 0,
                step: 2,
                what: What::PipeWritten {
                    process: of(0),
                    pipe: 0,
                    bytes: "HELLO\n".into(),
                },
            },
        );
        assert_eq!(found(&piped), None, "dup2(pipe, 1)");
        executed.events.insert(
            1,
            supervisor::event::Event {
                at: 0,
                step: 1,
                what: exec,
            },
        );
        assert_eq!(found(&executed), None);
    }

    #[test]
    fn a_result_written_to_descriptor_0_is_named() {
        let write = |fd: &str| {
            let call = Call {
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
                expected: transcript.clone().into(),
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
