//! Remarks on what is no difference by itself but explains one.

use std::collections::BTreeSet;

use supervisor::event::{ExitStatus, Stream, What};
use supervisor::plan::{Address, ProgramId};

use crate::lab::{AddressMode, Lab, Lang, OutputKind, Scenario};
use crate::transcript::{Actors, Line, Op, Transcript};
use crate::verdict::judge::Ran;
use crate::verdict::phrases::Phrase;

/// What is worth saying about a run although it costs nothing: text that stdio kept until exit,
/// text that fork doubled, an address of the program's own.
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
        notes.extend(
            addresses(lab, ran, role, program)
                .iter()
                .map(|own| own.say(lang)),
        );
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

/// Where a program listens or connects, if not as the handout says.
fn addresses(lab: &Lab, ran: &Ran, role: &str, program: ProgramId) -> Vec<Own> {
    let asked = lab
        .programs
        .iter()
        .any(|known| known.name == role && known.address == AddressMode::Argv);
    let mut found = Vec::new();
    for event in &ran.events {
        let (process, address, listens) = match &event.what {
            What::Listening {
                process,
                address,
                nominal: false,
            } => (process, address, true),
            What::Connecting { process, address } => (process, address, false),
            _ => continue,
        };
        if process.program != program {
            continue;
        }
        let (shown, garbage) = readable(address);
        if asked || garbage {
            found.push(Own {
                who: role.to_owned(),
                address: shown,
                listens,
                garbage,
            });
        }
    }
    found
}

/// An address of a program's own.
struct Own {
    who: String,
    address: String,
    listens: bool,
    garbage: bool,
}

impl Own {
    fn say(&self, lang: Lang) -> String {
        let (who, address) = (self.who.as_str(), self.address.as_str());
        let phrase = match (self.garbage, self.listens) {
            (true, _) => Phrase::NameNotCleared { who, address },
            (false, true) => Phrase::ListensElsewhere { who, address },
            (false, false) => Phrase::ConnectsElsewhere { who, address },
        };
        phrase.say(lang)
    }
}

/// An address as far as it can be read, and whether it goes on with bytes that nobody writes into
/// a name: what the memory happened to hold, and different in every run.
fn readable(address: &Address) -> (String, bool) {
    let (sign, name) = match address {
        Address::Path(path) => ("", &**path),
        Address::Abstract(name) => {
            let end = name
                .iter()
                .rposition(|&b| b != 0)
                .map_or(0, |last| last + 1);
            ("@", &name[..end])
        }
        Address::Inet(inet) => return (inet.to_string(), false),
    };
    let valid = match std::str::from_utf8(name) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&name[..error.valid_up_to()]).unwrap_or_default(),
    };
    let text: String = valid.chars().take_while(|c| !c.is_control()).collect();
    let garbage = text.len() < name.len();
    let more = if garbage { "…" } else { "" };
    (format!("{sign}{text}{more}"), garbage)
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
    fn a_name_is_shown_as_far_as_it_was_written() {
        let path = |bytes: &[u8]| readable(&Address::Path(bytes.into()));
        assert_eq!(path(b"/tmp/sock"), ("/tmp/sock".to_owned(), false));
        assert_eq!(
            path("/tmp/сокет".as_bytes()),
            ("/tmp/сокет".to_owned(), false)
        );
        assert_eq!(path(b"/tmp/s\xfe\x7f"), ("/tmp/s…".to_owned(), true));
        assert_eq!(path(b"/tmp/s\x01x"), ("/tmp/s…".to_owned(), true));
        let name = |bytes: &[u8]| readable(&Address::Abstract(bytes.into()));
        assert_eq!(name(b"lab\0\0\0"), ("@lab".to_owned(), false));
        assert_eq!(name(b"lab\0\x80"), ("@lab…".to_owned(), true));
    }
}
