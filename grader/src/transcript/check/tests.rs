use supervisor::event::{Call, ExitStatus, Object, Quiet, Settled, Wait, WaitState};
use supervisor::plan::{Address, ProcessId};

use super::*;
use crate::lab::Ended;

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

#[test]
fn a_pid_that_is_told_is_a_child_of_its_own() {
    let forked = |number, pid| {
        let process = |number| ProcessId {
            program: SERVER,
            number,
        };
        at(
            1,
            What::Forked {
                parent: process(0),
                child: process(number),
                pid,
            },
        )
    };
    let said = |text: &[u8]| {
        let property = Property::TellsChildren("(?m)^[0-9] ([0-9]+)$".to_owned());
        let events = [forked(1, 7), forked(2, 8), wrote(1, Stream::Out, text)];
        judge(&check(property), SERVER, &events)
    };
    assert_eq!(said(b"1 8\n2 7\n"), "yes");
    assert_eq!(said(b"1 7\n"), "yes");
    assert_eq!(said(b"1 7\n2 6\n"), "no, 6 is none of its processes");
    assert_eq!(said(b"1 7\n2 7\n"), "no, 7 comes twice");
    assert_eq!(said(b""), "no, none is told");
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
    let less = "no, \"aa\" 2 times, less than 3";
    assert_eq!(said(between(3, 9), b"aaaaa"), less);
    let more = "no, \"aa\" 2 times, more than 1";
    assert_eq!(said(between(1, 1), b"aaaaa"), more);
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
    // What is shown does not begin with half a letter.
    let shown = said(number(), format!("x{}", "ж".repeat(40)).as_bytes());
    assert!(!shown.contains('\u{fffd}'), "{shown}");
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
fn the_wrong_stream_is_named_where_all_of_it_is_there() {
    let contains = |text: &str| check(Property::Contains(vec![text.to_owned()]));
    let err = |text: &[u8]| [wrote(1, Stream::Err, text)];
    assert_eq!(
        judge(&contains("AB"), SERVER, &err(b"AB\n")),
        "no, \"AB\" is missing; it was written to standard error"
    );
    assert_eq!(
        judge(&contains("AB"), SERVER, &err(b"A\n")),
        "no, \"AB\" is missing"
    );
    // Nothing at all would do as well: that says nothing of standard error.
    let absent = check(Property::Absent(vec!["AB".to_owned()]));
    let both = [wrote(1, Stream::Out, b"AB"), wrote(1, Stream::Err, b"x")];
    assert_eq!(judge(&absent, SERVER, &both), "no, \"AB\" is there");
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
    assert_eq!(
        said(&no_crash, &[exited(2, ExitStatus::Signal(14))]),
        "no, killed SIGALRM"
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
    let in_threads = |calls: &[&str]| {
        let wait = |(thread, call): (u16, &&str)| Wait {
            process: ProcessId {
                program: SERVER,
                number: 0,
            },
            thread,
            call: (*call).to_owned(),
            state: WaitState::Blocked,
            on: Object::Time,
            enders: Vec::new(),
        };
        let waits = (0..).zip(calls).map(wait).collect();
        at(
            1,
            What::Settled(Settled {
                how: Quiet::Proved,
                waits,
                took: 0,
            }),
        )
    };
    let waits = |call: &str| in_threads(&[call]);
    let poll = check(Property::WaitsIn(vec!["poll".to_owned()]));
    assert_eq!(judge(&poll, SERVER, &[waits("poll(3, 4)")]), "yes");
    assert_eq!(
        judge(&poll, SERVER, &[waits("read(4)")]),
        "no, it waits in read"
    );
    assert_eq!(judge(&poll, SERVER, &[]), "no, it does not run");
    let threads = |calls: &[&str]| judge(&poll, SERVER, &[in_threads(calls)]);
    assert_eq!(threads(&["pthread_join(1)", "poll(3, 4)"]), "yes");
    assert_eq!(
        threads(&["pthread_join(1)", "accept(3)"]),
        "no, it waits in accept"
    );
    assert_eq!(
        threads(&["pthread_join(1)", "poll(3)", "read(4)"]),
        "no, it waits in pthread_join"
    );
    assert_eq!(threads(&["accept(3)", "poll(4)"]), "no, it waits in accept");
}
