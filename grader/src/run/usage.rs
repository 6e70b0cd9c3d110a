//! Programs that refuse the arguments of the handout.

use std::collections::BTreeMap;

use supervisor::event::{Event, ExitStatus, What};
use supervisor::plan::ProgramId;

use crate::lab::{Lab, Scenario};
use crate::transcript::Actors;

/// What a message about arguments says, in the languages of the labs, in lower case.
const WORDS: &[&str] = &[
    "usage",
    "argument",
    "specify",
    "использование",
    "запуск:",
    "аргумент",
    "параметр",
    "укажите",
];

/// How a program began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It made a socket, read something, or went on.
    Works,
    /// It ended in the step in which it was started, before it had made a socket or read anything,
    /// with a message about arguments, or as a failure without a word.
    Refuses,
    /// It ended there in another way, or never began.
    Ends,
}

/// How the roles of the submission began that can be started with other arguments: not those
/// whose arguments are what the scenario is about, or that have none.
pub(super) fn starts(
    lab: &Lab,
    scenario: &Scenario,
    students: &[String],
    events: &[Event],
) -> BTreeMap<String, Start> {
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
            given && !own
        })
        .filter_map(|role| {
            let program = ProgramId(actors.program(role)?);
            Some((role.clone(), start(program, events)))
        })
        .collect()
}

fn start(program: ProgramId, events: &[Event]) -> Start {
    let mut started = None;
    let mut said = Vec::new();
    let mut code = None;
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
                    return Start::Works;
                }
            }
            What::Exited { process, status }
                if process.program == program && process.number == 0 =>
            {
                if started != Some(event.step) {
                    return Start::Works;
                }
                match status {
                    ExitStatus::Code(status) => code = Some(*status),
                    ExitStatus::Signal(_) => return Start::Ends,
                    ExitStatus::StillRunning => return Start::Works,
                }
            }
            // The last words may be read after the end.
            What::Settled(_) if started == Some(event.step) => break,
            _ => {}
        }
    }
    match (started, code) {
        (None, _) => Start::Ends,
        (Some(_), None) => Start::Works,
        (Some(_), Some(code)) => {
            let said = String::from_utf8_lossy(&said).to_lowercase();
            let silent = said.trim().is_empty() && code != 0;
            if silent || WORDS.iter().any(|word| said.contains(word)) {
                Start::Refuses
            } else {
                Start::Ends
            }
        }
    }
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
        let refused = |events: &[Event]| start(ROOT.program, events) == Start::Refuses;
        assert!(refused(&[started(), says("Usage: ./server\n"), exits(1)]));
        assert!(refused(&[
            started(),
            exits(1),
            says("Слишком много аргументов\n")
        ]));
        // Not a word, but a failure: `if (argc != 3) return 1;`.
        assert!(refused(&[started(), exits(1)]));
    }

    #[test]
    fn whoever_began_to_work_or_says_something_else_has_not_refused() {
        let refused = |events: &[Event]| start(ROOT.program, events) == Start::Refuses;
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
        let works = |events: &[Event]| start(ROOT.program, events) == Start::Works;
        assert!(works(&[started(), calls("socket")]));
        assert!(works(&[started(), says("usage")]));
        assert!(!works(&[
            started(),
            says("bind: no such directory"),
            exits(1)
        ]));
        assert!(!works(&[]));
    }
}
