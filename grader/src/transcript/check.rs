//! Properties of a run, where text would move from run to run.

use supervisor::bytes::escape;
use supervisor::event::{Event, ExitStatus, Stream, What};
use supervisor::plan::{Address, ProgramId};

use super::facts::Facts;
use super::signal_name;
use crate::lab::{self, Check, Ended, Property, Window};

/// Characters of a missing text that are shown.
const MOST_SHOWN: usize = 20;

/// `yes`, or `no, ` and what was found.
pub(super) fn judge(check: &Check, program: ProgramId, events: &[Event]) -> String {
    let found = match &check.property {
        Property::Ended(how) => ended(*how, program, check.window, events),
        Property::Unlinked => unlinked(program, check.window, events),
        Property::NoSocketLeft => no_socket_left(program, check.window, events),
        Property::Live => live(program, check.window, events),
        Property::WaitsIn(calls) => waits_in(calls, program, check.window, events),
        Property::Holds(statement) => {
            let output = stream(Stream::Out, program, check.window, events);
            Facts::of(events, check.window).judge(program, *statement, &output)
        }
        Property::Executed(names) => Facts::of(events, check.window).executed(program, names),
        Property::Called(calls) => called(calls, true, program, check.window, events),
        Property::NotCalled(calls) => called(calls, false, program, check.window, events),
        property => {
            let wanted = if check.stderr {
                Stream::Err
            } else {
                Stream::Out
            };
            let output = stream(wanted, program, check.window, events);
            written(property, &output).map_err(|why| {
                // Said where it is the whole difference.
                if writes_to_input(program, check.window, events) {
                    format!("{why}; something was written to descriptor 0")
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
fn stream(wanted: Stream, program: ProgramId, window: Window, events: &[Event]) -> Vec<u8> {
    let pieces = events.iter().filter_map(|event| match &event.what {
        What::Output {
            program: of,
            stream,
            bytes,
        } if *of == program && *stream == wanted && window.has(event.step) => Some(&bytes[..]),
        _ => None,
    });
    pieces.collect::<Vec<_>>().concat()
}

/// Whether the program wrote, or tried to write, to its standard input. A terminal lets it do
/// that, a pipe does not.
fn writes_to_input(program: ProgramId, window: Window, events: &[Event]) -> bool {
    events.iter().any(|event| {
        window.has(event.step)
            && match &event.what {
                What::Call(call) => {
                    call.process.program == program
                        && ["write", "writev"].contains(&call.name.as_str())
                        && call.args.starts_with("0, ")
                }
                What::Output {
                    program: of,
                    stream: Stream::In,
                    ..
                } => *of == program,
                _ => false,
            }
    })
}

/// A property of what was written; the error says what was found.
fn written(property: &Property, output: &[u8]) -> Result<(), String> {
    match property {
        Property::CountEquals { text, capture } => {
            let count = count(output, text.as_bytes());
            match stated(capture, output) {
                Some(stated) if stated == count => Ok(()),
                Some(stated) => Err(format!("{count} and {stated}")),
                None => Err(format!("{count} and nothing")),
            }
        }
        Property::CountBetween { text, least, most } => {
            let count = count(output, text.as_bytes());
            if (*least..=*most).contains(&count) {
                Ok(())
            } else {
                Err(count.to_string())
            }
        }
        Property::Counts { counts, exactly } => {
            let wrong: Vec<String> = counts
                .iter()
                .filter_map(|(text, times)| {
                    let count = count(output, text.as_bytes());
                    match count.cmp(times) {
                        std::cmp::Ordering::Less => {
                            Some(format!("{} {count} of {times} times", named(text)))
                        }
                        std::cmp::Ordering::Greater if *exactly => {
                            Some(format!("{} {count} times, not {times}", named(text)))
                        }
                        _ => None,
                    }
                })
                .collect();
            all_right(&wrong)
        }
        Property::Subsequence(text) => subsequence(text.as_bytes(), output),
        Property::Contains(texts) => {
            let missing = texts
                .iter()
                .filter(|text| count(output, text.as_bytes()) == 0);
            let missing: Vec<String> = missing
                .map(|text| format!("{} is missing", quoted(text.as_bytes())))
                .collect();
            all_right(&missing)
        }
        Property::Absent(texts) => {
            let there = texts
                .iter()
                .filter(|text| count(output, text.as_bytes()) > 0);
            let there: Vec<String> = there
                .map(|text| format!("{} is there", quoted(text.as_bytes())))
                .collect();
            all_right(&there)
        }
        Property::Matches(expression) => match lab::expression(expression) {
            Ok(regex) if regex.is_match(output) => Ok(()),
            _ if output.is_empty() => Err("nothing was written".to_owned()),
            _ => {
                // What stands at the end is more often the answer than what stands at the beginning.
                let end = output.trim_ascii_end();
                let from = end.len().saturating_sub(MOST_SHOWN);
                Err(format!(
                    "it is not there; at the end is {}",
                    quoted(&end[from..])
                ))
            }
        },
        // Not about what was written.
        Property::Ended(_)
        | Property::Unlinked
        | Property::NoSocketLeft
        | Property::Live
        | Property::WaitsIn(_)
        | Property::Holds(_)
        | Property::Executed(_)
        | Property::Called(_)
        | Property::NotCalled(_)
        | Property::Among(_) => Ok(()),
    }
}

fn all_right(wrong: &[String]) -> Result<(), String> {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join(", "))
    }
}

/// `the letter B`, or the text in quotes.
fn named(text: &str) -> String {
    match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => format!("the letter {text}"),
        _ => quoted(text.as_bytes()),
    }
}

pub(super) fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown: String = text
        .chars()
        .take(MOST_SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    let dots = if text.chars().count() > MOST_SHOWN {
        "…"
    } else {
        ""
    };
    format!("\"{shown}{dots}\"")
}

fn subsequence(text: &[u8], output: &[u8]) -> Result<(), String> {
    let mut rest = output.iter();
    let wanted = text.iter().enumerate();
    let mut wanted = wanted.filter(|(_, byte)| !byte.is_ascii_whitespace());
    match wanted.find(|(_, byte)| !rest.any(|other| other == *byte)) {
        None => Ok(()),
        Some((0, _)) => Err(format!("{} is missing", quoted(text))),
        Some((at, _)) => {
            let before = at.saturating_sub(MOST_SHOWN / 2);
            Err(format!(
                "after {} {} is missing",
                quoted(&text[before..at]),
                quoted(&text[at..])
            ))
        }
    }
}

fn ended(how: Ended, program: ProgramId, window: Window, events: &[Event]) -> Result<(), String> {
    // What the grader stopped has not ended by itself.
    let limit = events.iter().any(|event| {
        matches!(&event.what, What::Limit { program: of, limit, .. }
            if limit.interferes() && of.is_none_or(|of| of == program))
    });
    let end = events.iter().find_map(|event| match &event.what {
        What::Exited { process, status } if process.program == program && process.number == 0 => {
            Some((event.step, *status))
        }
        _ => None,
    });
    let Some((step, status)) = end else {
        return Err("it never ran".to_owned());
    };
    if how == Ended::NotCrashed {
        return match status {
            ExitStatus::Signal(signal) if is_crash(signal) && !limit => {
                Err(format!("killed {}", signal_name(signal)))
            }
            _ => Ok(()),
        };
    }
    if window.from.is_some_and(|from| step < from) {
        return Err(format!("it ended too early, in step {step}"));
    }
    match (status, how) {
        _ if limit => Err("a limit stopped it".to_owned()),
        (ExitStatus::StillRunning, _) => Err("still running".to_owned()),
        _ if !window.has(step) => Err("it was still running".to_owned()),
        (ExitStatus::Signal(signal), Ended::Exit | Ended::Zero) => {
            Err(format!("killed {}", signal_name(signal)))
        }
        (ExitStatus::Signal(signal), Ended::NoCrash) if is_crash(signal) => {
            Err(format!("killed {}", signal_name(signal)))
        }
        (ExitStatus::Code(code), Ended::Zero) if code != 0 => Err(format!("exit {code}")),
        _ => Ok(()),
    }
}

/// Whether the signal is one that a program's own fault raises: signal(7).
fn is_crash(signal: i32) -> bool {
    matches!(
        signal_name(signal).as_str(),
        "SIGSEGV" | "SIGBUS" | "SIGFPE" | "SIGILL" | "SIGSYS" | "SIGABRT"
    )
}

fn live(program: ProgramId, window: Window, events: &[Event]) -> Result<(), String> {
    let ended = events.iter().find_map(|event| match &event.what {
        What::Exited {
            process,
            status: ExitStatus::Code(_) | ExitStatus::Signal(_),
        } if process.program == program && process.number == 0 => Some(event.step),
        _ => None,
    });
    let mut steps = events.iter().filter_map(|event| match &event.what {
        What::Output {
            program: of,
            stream: Stream::Out,
            bytes,
        } if *of == program && !bytes.is_empty() && window.has(event.step) => Some(event.step),
        _ => None,
    });
    match (steps.next(), ended) {
        (None, _) => Err("nothing was written".to_owned()),
        (Some(step), Some(ended)) if step >= ended => {
            Err("it came only when the program ended".to_owned())
        }
        _ => Ok(()),
    }
}

fn unlinked(program: ProgramId, window: Window, events: &[Event]) -> Result<(), String> {
    // Only a path name is a file.
    let gone = events.iter().any(|event| match &event.what {
        What::Unlinked { program: of, .. } => *of == program && window.has(event.step),
        What::Listening {
            process, address, ..
        } => process.program == program && !matches!(address, Address::Path(_)),
        _ => false,
    });
    if gone {
        Ok(())
    } else {
        Err("the socket file is still there".to_owned())
    }
}

/// Whether the files of all sockets that the program bound are gone.
fn no_socket_left(program: ProgramId, window: Window, events: &[Event]) -> Result<(), String> {
    let gone = |wanted: &Address| {
        events.iter().any(|event| match &event.what {
            What::Unlinked {
                program: of,
                address,
            } => *of == program && address == wanted && window.has(event.step),
            _ => false,
        })
    };
    let left = events.iter().find_map(|event| match &event.what {
        What::Bound {
            process, address, ..
        }
        | What::Listening {
            process, address, ..
        } if process.program == program && matches!(address, Address::Path(_)) => {
            (!gone(address)).then_some(address)
        }
        _ => None,
    });
    match left {
        None => Ok(()),
        Some(Address::Path(path)) => Err(format!("{} is still there", escape(path))),
        Some(_) => Err("a socket file is still there".to_owned()),
    }
}

/// Whether each of the calls was made, or none of them.
fn called(
    calls: &[String],
    wanted: bool,
    program: ProgramId,
    window: Window,
    events: &[Event],
) -> Result<(), String> {
    let made = |name: &String| {
        events.iter().any(|event| match &event.what {
            What::Call(call) => {
                call.process.program == program && call.name == *name && window.has(event.step)
            }
            _ => false,
        })
    };
    match calls.iter().find(|call| made(call) != wanted) {
        None => Ok(()),
        Some(call) if wanted => Err(format!("{call} was not called")),
        Some(call) => Err(format!("{call} was called")),
    }
}

fn waits_in(
    calls: &[String],
    program: ProgramId,
    window: Window,
    events: &[Event],
) -> Result<(), String> {
    let settled = events.iter().rev().find_map(|event| match &event.what {
        What::Settled(settled) if window.has(event.step) => Some(settled),
        _ => None,
    });
    let wait = settled.and_then(|settled| {
        settled.waits.iter().find(|wait| {
            wait.process.program == program && wait.process.number == 0 && wait.thread == 0
        })
    });
    let Some(wait) = wait else {
        return Err("it does not run".to_owned());
    };
    let name = wait.call.split('(').next().unwrap_or_default();
    if calls.iter().any(|call| call == name) {
        Ok(())
    } else if name.is_empty() {
        Err("it waits in no call".to_owned())
    } else {
        Err(format!("it waits in {name}"))
    }
}

/// Occurrences that do not overlap.
fn count(output: &[u8], text: &[u8]) -> u64 {
    let mut count = 0;
    let mut at = 0;
    while !text.is_empty() && at + text.len() <= output.len() {
        if output[at..].starts_with(text) {
            count += 1;
            at += text.len();
        } else {
            at += 1;
        }
    }
    count
}

/// The number in the first group of the first match.
fn stated(capture: &str, output: &[u8]) -> Option<u64> {
    let found = lab::expression(capture).ok()?.captures(output)?;
    std::str::from_utf8(found.get(1)?.as_bytes())
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use supervisor::event::{Call, Object, Quiet, Settled, Wait, WaitState};
    use supervisor::plan::ProcessId;

    use super::*;

    const SERVER: ProgramId = ProgramId(0);

    fn check(property: Property) -> Check {
        Check {
            id: "c".to_owned(),
            proves: Vec::new(),
            program: "server".to_owned(),
            stderr: false,
            window: Window::default(),
            property,
        }
    }

    fn said(property: Property, output: &[u8]) -> String {
        judge(&check(property), SERVER, &[wrote(1, Stream::Out, output)])
    }

    fn at(step: u32, what: What) -> Event {
        Event { at: 0, step, what }
    }

    fn wrote(step: u32, stream: Stream, bytes: &[u8]) -> Event {
        at(
            step,
            What::Output {
                program: SERVER,
                stream,
                bytes: bytes.into(),
            },
        )
    }

    fn exited(step: u32, status: ExitStatus) -> Event {
        let process = ProcessId {
            program: SERVER,
            number: 0,
        };
        at(step, What::Exited { process, status })
    }

    fn bels() -> Property {
        Property::CountEquals {
            text: "\u{7}".to_owned(),
            capture: "count ([0-9]+)".to_owned(),
        }
    }

    fn letters(exactly: bool) -> Property {
        Property::Counts {
            counts: vec![("B".to_owned(), 3), ("C".to_owned(), 1)],
            exactly,
        }
    }

    #[test]
    fn a_count_is_compared_with_what_the_program_says() {
        assert_eq!(said(bels(), b"\x07\x07\x07\ncount 3 rt 0\n"), "yes");
        assert_eq!(said(bels(), b"\x07\x07\x07\ncount 4 rt 0\n"), "no, 3 and 4");
        assert_eq!(said(bels(), b"\x07"), "no, 1 and nothing");
    }

    #[test]
    fn bounds_are_included_and_occurrences_do_not_overlap() {
        let between = |least, most| Property::CountBetween {
            text: "aa".to_owned(),
            least,
            most,
        };
        assert_eq!(said(between(2, 2), b"aaaaa"), "yes");
        assert_eq!(said(between(3, 9), b"aaaaa"), "no, 2");
    }

    #[test]
    fn letters_are_counted() {
        assert_eq!(said(letters(true), b"server: B\nB C\nB"), "yes");
        assert_eq!(
            said(letters(true), b"BBBBB"),
            "no, the letter B 5 times, not 3, the letter C 0 of 1 times"
        );
        assert_eq!(said(letters(false), b"BBBBBC"), "yes");
        assert_eq!(
            said(letters(false), b"BBC"),
            "no, the letter B 2 of 3 times"
        );
    }

    #[test]
    fn a_subsequence_may_be_decorated_but_not_cut() {
        let text = || Property::Subsequence("HELLO, WORLD\n".to_owned());
        assert_eq!(said(text(), b"got: HEL\ngot: LO,\nW\nO\nRLD"), "yes");
        assert_eq!(
            said(text(), b"HELLO, WO"),
            "no, after \"HELLO, WO\" \"RLD\\n\" is missing"
        );
        assert_eq!(said(text(), b""), "no, \"HELLO, WORLD\\n\" is missing");
    }

    #[test]
    fn an_expression_sees_bytes_whatever_the_encoding() {
        let number = || Property::Matches("(^|[^0-9])13([^0-9]|$)".to_owned());
        assert_eq!(said(number(), b"\xf0\xe0\xe713\xf0\xe0\xe7"), "yes");
        assert_eq!(
            said(number(), b"113\xf0"),
            "no, it is not there; at the end is \"113\u{fffd}\""
        );
        let letters = || Property::Matches("[а-я]{3}".to_owned());
        assert_eq!(said(letters(), "раз".as_bytes()), "yes");
    }

    #[test]
    fn texts_are_there_or_not() {
        let some = || vec!["AB".to_owned(), "CD".to_owned()];
        assert_eq!(said(Property::Contains(some()), b"xABCD"), "yes");
        assert_eq!(
            said(Property::Contains(some()), b"AB"),
            "no, \"CD\" is missing"
        );
        assert_eq!(said(Property::Absent(some()), b"A B"), "yes");
        assert_eq!(
            said(Property::Absent(some()), b"xAB"),
            "no, \"AB\" is there"
        );
        let number = || Property::Matches(r"(^|\D)42(\D|$)".to_owned());
        assert_eq!(said(number(), b"lines: 42\n"), "yes");
        assert_eq!(
            said(number(), b"421\n"),
            "no, it is not there; at the end is \"421\""
        );
        // A text that must not be there is not one that came in small letters.
        assert_eq!(
            said(Property::Absent(vec!["ab".to_owned()]), b"ab"),
            "no, \"ab\" is there"
        );
        assert_eq!(said(number(), b""), "no, nothing was written");
    }

    #[test]
    fn only_the_window_counts() {
        let events = [
            wrote(1, Stream::Out, b"BB"),
            wrote(2, Stream::Out, b"BC"),
            wrote(3, Stream::Out, b"B"),
        ];
        let mut check = check(letters(true));
        assert!(judge(&check, SERVER, &events).starts_with("no"));
        check.window.until = Some(2);
        assert_eq!(judge(&check, SERVER, &events), "yes");
        check.window.from = Some(2);
        assert_eq!(
            judge(&check, SERVER, &events),
            "no, the letter B 1 of 3 times"
        );
    }

    #[test]
    fn the_wrong_descriptor_and_the_wrong_case_are_named() {
        let refused = What::Call(Call {
            process: ProcessId {
                program: SERVER,
                number: 0,
            },
            thread: 0,
            name: "write".to_owned(),
            args: "0, \"BBBC\", 4".to_owned(),
            data: b"BBBC".as_slice().into(),
            result: Some(-9),
            times: 1,
        });
        for event in [wrote(1, Stream::In, b"BBBC"), at(1, refused)] {
            assert_eq!(
                judge(&check(letters(true)), SERVER, &[event]),
                "no, the letter B 0 of 3 times, the letter C 0 of 1 times; \
                 something was written to descriptor 0"
            );
        }
        assert_eq!(
            said(Property::Contains(vec!["AB".to_owned()]), b"ab"),
            "no, \"AB\" is missing; it came, but not in upper case"
        );
    }

    #[test]
    fn an_end_is_told_from_a_crash_and_from_no_end() {
        let mut ended = check(Property::Ended(Ended::Exit));
        let said = |check: &Check, events: &[Event]| judge(check, SERVER, events);
        assert_eq!(said(&ended, &[]), "no, it never ran");
        assert_eq!(said(&ended, &[exited(2, ExitStatus::Code(3))]), "yes");
        assert_eq!(
            said(&ended, &[exited(2, ExitStatus::Signal(11))]),
            "no, killed SIGSEGV"
        );
        assert_eq!(
            said(&ended, &[exited(2, ExitStatus::StillRunning)]),
            "no, still running"
        );
        ended.window.from = Some(3);
        assert_eq!(
            said(&ended, &[exited(2, ExitStatus::Code(0))]),
            "no, it ended too early, in step 2"
        );
        ended.window = Window {
            from: None,
            until: Some(1),
        };
        assert_eq!(
            said(&ended, &[exited(2, ExitStatus::Code(0))]),
            "no, it was still running"
        );
        let zero = check(Property::Ended(Ended::Zero));
        assert_eq!(said(&zero, &[exited(2, ExitStatus::Code(3))]), "no, exit 3");
        let no_crash = check(Property::Ended(Ended::NoCrash));
        assert_eq!(said(&no_crash, &[exited(2, ExitStatus::Signal(13))]), "yes");
        assert_eq!(
            said(&no_crash, &[exited(2, ExitStatus::Signal(11))]),
            "no, killed SIGSEGV"
        );
        let not_crashed = check(Property::Ended(Ended::NotCrashed));
        let statuses = [
            (ExitStatus::StillRunning, "yes"),
            (ExitStatus::Code(3), "yes"),
            (ExitStatus::Signal(13), "yes"),
            (ExitStatus::Signal(11), "no, killed SIGSEGV"),
        ];
        for (status, wanted) in statuses {
            assert_eq!(said(&not_crashed, &[exited(2, status)]), wanted);
        }
        let anyhow = check(Property::Ended(Ended::Anyhow));
        assert_eq!(said(&anyhow, &[exited(2, ExitStatus::Signal(13))]), "yes");
        let limit = What::Limit {
            program: None,
            limit: supervisor::event::LimitKind::Cpu,
            most: 5000,
        };
        assert_eq!(
            said(&anyhow, &[at(1, limit), exited(2, ExitStatus::Signal(9))]),
            "no, a limit stopped it"
        );
    }

    #[test]
    fn text_is_live_only_before_the_step_of_the_end() {
        let says = |step| {
            at(
                step,
                What::Output {
                    program: SERVER,
                    stream: Stream::Out,
                    bytes: "text".into(),
                },
            )
        };
        let mut live = check(Property::Live);
        let exits = |step| exited(step, ExitStatus::Code(0));
        assert_eq!(judge(&live, SERVER, &[says(1), exits(2)]), "yes");
        assert_eq!(judge(&live, SERVER, &[says(1), says(2), exits(2)]), "yes");
        assert_eq!(
            judge(&live, SERVER, &[says(2), exits(2)]),
            "no, it came only when the program ended"
        );
        assert_eq!(
            judge(
                &live,
                SERVER,
                &[says(2), exited(2, ExitStatus::StillRunning)]
            ),
            "yes"
        );
        assert_eq!(judge(&live, SERVER, &[exits(2)]), "no, nothing was written");
        live.window.from = Some(2);
        assert_eq!(
            judge(&live, SERVER, &[says(1), exits(3)]),
            "no, nothing was written"
        );
    }

    #[test]
    fn the_socket_file_and_the_wait_are_looked_at() {
        let gone = at(
            2,
            What::Unlinked {
                program: SERVER,
                address: Address::Path("/lab/s".into()),
            },
        );
        let unlinked = check(Property::Unlinked);
        assert_eq!(judge(&unlinked, SERVER, &[gone]), "yes");
        assert_eq!(
            judge(&unlinked, SERVER, &[]),
            "no, the socket file is still there"
        );
        let waits = |call: &str| {
            let wait = Wait {
                process: ProcessId {
                    program: SERVER,
                    number: 0,
                },
                thread: 0,
                call: call.to_owned(),
                state: WaitState::Blocked,
                on: Object::Time,
                enders: Vec::new(),
            };
            at(
                1,
                What::Settled(Settled {
                    how: Quiet::Proved,
                    waits: vec![wait],
                    took: 0,
                }),
            )
        };
        let poll = check(Property::WaitsIn(vec!["poll".to_owned()]));
        assert_eq!(judge(&poll, SERVER, &[waits("poll(3, 4)")]), "yes");
        assert_eq!(
            judge(&poll, SERVER, &[waits("read(4)")]),
            "no, it waits in read"
        );
        assert_eq!(judge(&poll, SERVER, &[]), "no, it does not run");
    }
}
