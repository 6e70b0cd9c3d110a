use std::collections::BTreeSet;

use supervisor::Bytes;
use supervisor::event::{Ender, Enforced, ExitStatus, Object, Quiet, Settled, Wait, WaitState};
use supervisor::plan::Address;

use super::*;

fn events() -> Vec<Event> {
    let server = ProcessId {
        program: ProgramId(0),
        number: 0,
    };
    let child = ProcessId {
        program: ProgramId(0),
        number: 1,
    };
    let alice = PeerId(0);
    let call = |name: &str, args: &str, result, times| {
        What::Call(Call {
            process: server,
            thread: 0,
            name: name.to_owned(),
            args: args.to_owned(),
            data: Bytes::default(),
            result,
            times,
        })
    };
    let wait = Wait {
        process: child,
        thread: 0,
        call: "read(0)".to_owned(),
        state: WaitState::Blocked,
        on: Object::Pipe {
            name: "A".to_owned(),
            writing: false,
        },
        enders: vec![Ender::Process {
            process: child,
            fd: Some(4),
            itself: true,
        }],
    };
    let enforced = Enforced {
        isolation: "full".to_owned(),
        observation: "full".to_owned(),
        active: Vec::new(),
        missing: Vec::new(),
        lacks: Vec::new(),
    };
    let steps = [
        (0, What::Enforced(enforced)),
        (1, What::StepBegan),
        (
            1,
            What::Started {
                process: server,
                pid: 2,
            },
        ),
        (
            1,
            What::Listening {
                process: server,
                address: Address::Path("/lab/s\u{1b}".into()),
                nominal: false,
            },
        ),
        (1, call("accept", "3, NULL, NULL", None, 1)),
        (
            1,
            What::Settled(Settled {
                how: Quiet::Proved,
                waits: Vec::new(),
                took: 1_640,
            }),
        ),
        (2, What::StepBegan),
        (
            2,
            What::PeerData {
                peer: alice,
                bytes: Bytes(b"##[error]\x1b[2J\n::error::x".to_vec()),
            },
        ),
        (2, call("read", "4, \"\", 4096", Some(0), 41_813)),
        (2, call("write", "4, \"x\", 1", Some(-32), 1)),
        (
            2,
            What::Signalled {
                process: server,
                signal: 13,
            },
        ),
        (
            2,
            What::Forked {
                parent: server,
                child,
                pid: 3,
            },
        ),
        (
            2,
            What::Output {
                program: ProgramId(0),
                stream: Stream::Out,
                bytes: Bytes(vec![b'a'; 500]),
            },
        ),
        (
            2,
            What::Settled(Settled {
                how: Quiet::Proved,
                waits: vec![wait],
                took: 12,
            }),
        ),
        (
            2,
            What::Exited {
                process: server,
                status: ExitStatus::Signal(13),
            },
        ),
        (2, What::Ended),
    ];
    steps
        .into_iter()
        .zip(0..)
        .map(|((step, what), at)| Event {
            at: at * 1_250,
            step,
            what,
        })
        .collect()
}

fn with_recording<T>(test: impl FnOnce(&Recording<'_>) -> T) -> T {
    let (programs, peers) = (["server".to_owned()], ["alice".to_owned()]);
    let titles = ["start server".to_owned(), "connect alice".to_owned()];
    test(&Recording {
        lab: "us-upper",
        scenario: "talk",
        programs: &programs,
        peers: &peers,
        titles: &titles,
        events: &events(),
    })
}

#[test]
fn a_trace_shows_every_step_with_its_calls() {
    let mut out = Vec::new();
    with_recording(|recording| write_trace(&mut out, recording)).unwrap();
    let text = String::from_utf8(out).unwrap();
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    insta::assert_snapshot!(text);
}

#[test]
fn a_raw_recording_is_read_back_event_by_event() {
    let mut out = Vec::new();
    with_recording(|recording| write_raw(&mut out, recording)).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("##["), "{text}");
    let mut lines = text.lines();
    let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(header["schema"], "grader-recording/1");
    let read: Vec<Event> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read, events());
}

#[test]
fn the_page_of_formats_names_every_event_and_no_other() {
    let source = include_str!("../../../supervisor/src/event/mod.rs");
    let (_, events) = source.split_once("\npub enum What {\n").unwrap();
    let events: BTreeSet<&str> = events
        .lines()
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.split([' ', '(', ',']).next().unwrap())
        .collect();
    let page = include_str!("../../../../docs/formats.md");
    let (_, table) = page.split_once("\n| `what` | meaning |\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let names: BTreeSet<&str> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(names, events);
}
