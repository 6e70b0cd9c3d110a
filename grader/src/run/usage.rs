//! Programs that refuse the arguments of the handout.

use std::collections::BTreeSet;

use supervisor::event::{Event, ExitStatus, What};
use supervisor::plan::ProgramId;

use crate::lab::{Lab, Scenario};
use crate::transcript::Actors;

/// What a message about arguments says, in the languages of the labs, in lower case.
const WORDS: &[&str] = &["usage", "argument", "использование", "аргумент", "параметр"];

/// The roles of the submission that ended in the step in which they were started, before they had
/// made a socket or read anything, with a message about arguments. Roles whose arguments are what
/// the scenario is about, or that have none, are not meant.
pub(super) fn refusals(
    lab: &Lab,
    scenario: &Scenario,
    students: &[String],
    events: &[Event],
) -> BTreeSet<String> {
    let actors = Actors::of(lab, scenario);
    students
        .iter()
        .filter(|role| {
            let given = lab
                .programs
                .iter()
                .any(|p| p.name == **role && !p.args.is_empty());
            let own = scenario
                .setup
                .get(*role)
                .is_some_and(|setup| setup.args.is_some());
            given
                && !own
                && actors
                    .program(role)
                    .is_some_and(|id| refused(ProgramId(id), events))
        })
        .cloned()
        .collect()
}

fn refused(program: ProgramId, events: &[Event]) -> bool {
    let mut started = None;
    let mut said = Vec::new();
    for event in events {
        match &event.what {
            What::Started { process, .. } if process.program == program => {
                started = Some(event.step);
            }
            What::Output {
                program: from,
                bytes,
                ..
            } if *from == program => said.extend_from_slice(bytes),
            What::Call(call) if call.process.program == program => {
                let works = ["socket", "pipe", "pipe2", "read", "fork", "clone"];
                if works.contains(&call.name.as_str()) {
                    return false;
                }
            }
            What::Exited { process, status }
                if process.program == program
                    && process.number == 0
                    && (started != Some(event.step) || !matches!(status, ExitStatus::Code(_))) =>
            {
                return false;
            }
            // The last words may be read after the end.
            What::Settled(_) if started == Some(event.step) => break,
            _ => {}
        }
    }
    let ended = events.iter().any(|event| {
        matches!(&event.what, What::Exited { process, status: ExitStatus::Code(_) }
            if process.program == program && process.number == 0 && Some(event.step) == started)
    });
    let said = String::from_utf8_lossy(&said).to_lowercase();
    ended && WORDS.iter().any(|word| said.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervisor::event::{Call, Stream};
    use supervisor::plan::ProcessId;

    const ROOT: ProcessId = ProcessId {
        program: ProgramId(0),
        number: 0,
    };

    fn at(step: u32, what: What) -> Event {
        Event { at: 0, step, what }
    }

    fn started() -> Event {
        at(
            1,
            What::Started {
                process: ROOT,
                pid: 4711,
            },
        )
    }

    fn says(text: &str) -> Event {
        at(
            1,
            What::Output {
                program: ROOT.program,
                stream: Stream::Err,
                bytes: text.into(),
            },
        )
    }

    fn exits(step: u32) -> Event {
        let status = ExitStatus::Code(1);
        at(
            step,
            What::Exited {
                process: ROOT,
                status,
            },
        )
    }

    fn calls(name: &str) -> Event {
        at(
            1,
            What::Call(Call {
                process: ROOT,
                thread: 0,
                name: name.into(),
                args: String::new(),
                data: "".into(),
                result: Some(3),
                times: 1,
            }),
        )
    }

    #[test]
    fn a_message_about_arguments_at_once_is_a_refusal() {
        let refused = |events: &[Event]| refused(ROOT.program, events);
        assert!(refused(&[started(), says("Usage: ./server\n"), exits(1)]));
        assert!(refused(&[
            started(),
            exits(1),
            says("Слишком много аргументов\n")
        ]));
    }

    #[test]
    fn whoever_began_to_work_or_says_something_else_has_not_refused() {
        let refused = |events: &[Event]| refused(ROOT.program, events);
        assert!(!refused(&[
            started(),
            calls("socket"),
            says("usage"),
            exits(1)
        ]));
        assert!(!refused(&[
            started(),
            says("bind: no such directory"),
            exits(1)
        ]));
        assert!(!refused(&[started(), says("usage"), exits(2)]));
        assert!(!refused(&[started(), says("usage")]));
    }
}
