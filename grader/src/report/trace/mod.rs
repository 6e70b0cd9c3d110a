//! The recording of a scenario: for people (`--trace`), step by step, and raw, as JSON lines.

mod raw;
mod told;
mod waits;

#[cfg(test)]
mod tests;

pub use raw::write_raw;

use std::io::{self, Write};

use supervisor::event::{Call, Event, Stream, What};
use supervisor::plan::{PeerId, ProcessId, ProgramId};

use super::findings::pad;
use super::page::{Page, Tone};
use crate::text::{columns, excerpt, one_line};
use crate::transcript::errno_name;

/// Characters of one payload that are shown; the raw recording has all of it.
const SHOWN: usize = 200;
/// Columns of the name.
const LEFT: usize = 12;

/// The recording of one run of a scenario, with the names its numbers stand for.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    /// The lab's id.
    pub lab: &'a str,
    /// The scenario's id.
    pub scenario: &'a str,
    /// Roles, by number of the program.
    pub programs: &'a [String],
    /// Peers, by number.
    pub peers: &'a [String],
    /// Titles of the steps, the first step's first.
    pub titles: &'a [String],
    /// What happened.
    pub events: &'a [Event],
}

/// Writes the recording for people, with colours.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_trace(out: &mut dyn Write, recording: &Recording<'_>) -> io::Result<()> {
    let mut page = Page::coloured();
    let head = format!("{} / {}", recording.lab, recording.scenario);
    page.put(Tone::Strong, &one_line(&head)).end();
    for event in recording.events {
        recording.event(&mut page, event);
    }
    page.end();
    out.write_all(page.finish().as_bytes())?;
    out.flush()
}

impl Recording<'_> {
    fn program(&self, id: ProgramId) -> &str {
        self.programs
            .get(usize::from(id.0))
            .map_or("program", String::as_str)
    }

    fn peer(&self, id: PeerId) -> &str {
        self.peers
            .get(usize::from(id.0))
            .map_or("peer", String::as_str)
    }

    /// `server` for the process the grader started, `server#2` for its second descendant.
    fn process(&self, id: ProcessId) -> String {
        match id.number {
            0 => self.program(id.program).to_owned(),
            number => format!("{}#{number}", self.program(id.program)),
        }
    }

    fn event(&self, page: &mut Page, event: &Event) {
        let at = event.at;
        match &event.what {
            What::StepBegan => self.step(page, event.step),
            What::Call(call) => self.call(page, at, call),
            What::Settled(settled) => self.settled(page, at, settled),
            What::Inspected { program, facts, .. } => {
                for fact in facts {
                    let who = format!("{}.{}", self.program(*program), fact.channel);
                    row(page, at, &who, &fact.text);
                }
            }
            one => {
                let (who, text) = self.told(one);
                row(page, at, &who, &text);
            }
        }
    }

    fn step(&self, page: &mut Page, step: u32) {
        let number = usize::try_from(step).unwrap_or(usize::MAX);
        let title = number
            .checked_sub(1)
            .and_then(|index| self.titles.get(index));
        let title = one_line(title.map_or("", String::as_str));
        page.end()
            .put(Tone::Strong, &format!("--- {step}  {title}"))
            .end();
    }

    fn stream(&self, program: ProgramId, stream: Stream) -> String {
        let channel = match stream {
            Stream::Out => "out",
            Stream::Err => "err",
            Stream::In => "in",
        };
        format!("{}.{channel}", self.program(program))
    }

    fn call(&self, page: &mut Page, at: u64, call: &Call) {
        let mut who = self.process(call.process);
        if call.thread > 0 {
            who += &format!("/{}", call.thread);
        }
        let result = match call.result {
            None => " waits".to_owned(),
            Some(result) => match i32::try_from(result) {
                // The kernel's error results: -4095 to -1.
                Ok(errno @ -4095..=-1) => format!(" = -1 {}", errno_name(-errno)),
                _ => format!(" = {result}"),
            },
        };
        let times = if call.times > 1 {
            format!("   {} times", call.times)
        } else {
            String::new()
        };
        row(
            page,
            at,
            &who,
            &format!("{}({}){result}{times}", call.name, call.args),
        );
    }
}

/// `   1.234 ms  server      read(4, "ab", 2) = 2`
fn row(page: &mut Page, at: u64, who: &str, text: &str) {
    let time = format!("{:>5}.{:03} ms  ", at / 1000, at % 1000);
    let who = pad(&one_line(who), LEFT);
    let text = one_line(text);
    let text = if columns(&text) > SHOWN {
        excerpt(&text, 0, SHOWN)
    } else {
        text
    };
    page.put(Tone::Dim, &time)
        .put(Tone::Strong, &who)
        .line(&format!("  {text}"));
}
