//! Properties of a run, where text would move from run to run.

mod calls;
mod end;
mod sockets;
mod written;

#[cfg(test)]
mod tests;

pub(super) use written::quoted;

use supervisor::event::{Event, Stream, What};
use supervisor::plan::ProgramId;

use self::written::written;
use super::facts::Facts;
use crate::lab::{Check, Property, Window};

/// Characters of a missing text that are shown.
const MOST_SHOWN: usize = 20;

/// What was seen of a program. The events are those of the whole run.
#[derive(Clone, Copy)]
struct Seen<'a> {
    program: ProgramId,
    window: Window,
    events: &'a [Event],
}

/// `yes`, or `no, ` and what was found.
pub(super) fn judge(check: &Check, program: ProgramId, events: &[Event]) -> String {
    let seen = Seen {
        program,
        window: check.window,
        events,
    };
    let found = match &check.property {
        Property::Ended(how) => end::ended(*how, seen),
        Property::Unlinked => sockets::unlinked(seen),
        Property::NoSocketLeft => sockets::no_socket_left(seen),
        Property::Live => end::live(seen),
        Property::WaitsIn(calls) => calls::waits_in(calls, seen),
        Property::Holds(statement) => {
            let output = stream(Stream::Out, seen);
            Facts::of(events, check.window).judge(program, *statement, &output)
        }
        Property::Executed(names) => Facts::of(events, check.window).executed(program, names),
        Property::Called(calls) => calls::called(calls, true, seen),
        Property::NotCalled(calls) => calls::called(calls, false, seen),
        Property::TellsChildren(expression) => {
            let wanted = if check.stderr {
                Stream::Err
            } else {
                Stream::Out
            };
            calls::tells_children(expression, &stream(wanted, seen), seen)
        }
        property => {
            let wanted = if check.stderr {
                Stream::Err
            } else {
                Stream::Out
            };
            let output = stream(wanted, seen);
            written(property, &output).map_err(|why| {
                // Said where it is the whole difference.
                if writes_to_input(seen) {
                    format!("{why}; something was written to descriptor 0")
                } else if !check.stderr && on_stderr(property, seen) {
                    format!("{why}; it was written to standard error")
                } else if !matches!(property, Property::Absent(_))
                    && written(property, &output.to_ascii_uppercase()).is_ok()
                {
                    format!("{why}; it came, but not in upper case")
                } else {
                    why
                }
            })
        }
    };
    match found {
        Ok(()) => "yes".to_owned(),
        Err(why) => format!("no, {why}"),
    }
}

/// What the program wrote to a stream in the window.
fn stream(wanted: Stream, seen: Seen<'_>) -> Vec<u8> {
    let pieces = seen.events.iter().filter_map(|event| match &event.what {
        What::Output {
            program: of,
            stream,
            bytes,
        } if *of == seen.program && *stream == wanted && seen.window.has(event.step) => {
            Some(&bytes[..])
        }
        _ => None,
    });
    pieces.collect::<Vec<_>>().concat()
}

/// Whether the property holds of standard error instead, and does not hold of nothing at all.
fn on_stderr(property: &Property, seen: Seen<'_>) -> bool {
    written(property, b"").is_err() && written(property, &stream(Stream::Err, seen)).is_ok()
}

/// Whether the program wrote, or tried to write, to its standard input. A terminal lets it do
/// that, a pipe does not.
fn writes_to_input(seen: Seen<'_>) -> bool {
    seen.events.iter().any(|event| {
        seen.window.has(event.step)
            && match &event.what {
                What::Call(call) => {
                    call.process.program == seen.program
                        && ["write", "writev"].contains(&call.name.as_str())
                        && call.args.starts_with("0, ")
                }
                What::Output {
                    program: of,
                    stream: Stream::In,
                    ..
                } => *of == seen.program,
                _ => false,
            }
    })
}
