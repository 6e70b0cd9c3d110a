//! Readable examples: events in, text out.

use insta::assert_snapshot;
use supervisor::event::{ExitStatus, Fact, Quiet, Wait, WaitState, What};
use supervisor::event::{Object, Queue};
use supervisor::plan::{Address, Inspection, PeerId, ProgramId};

use super::fixture::*;
use super::{Actors, Names, Op, Selection, compare, parse};
use crate::lab::{Check, ExitMode, Property, Setup, Stimulus, StreamMode, Window};

#[test]
fn the_worked_example_of_the_design() {
    let lab = us_upper();
    assert_snapshot!(transcript(&lab, 0, &good()), @r"
    lanes/1
    lab    us-upper / one-then-the-next
    lane   server  ./us-server <socket>   student
    lane   alice   peer
    lane   bob     peer

    --- 1  start server
    server  =  | listen unix-stream <socket>
    --- 2  connect alice
    alice   =  | open
    --- 3  alice >. ab
    alice   <. | AB
    --- 4  alice > c
    alice   <  | C
    --- 5  shutdown alice
    alice   =  | eof
    --- 6  connect bob
    bob     =  | open
    --- 7  bob > next
    bob     <  | NEXT
    --- 8  signal server SIGTERM
    server  =  | unlink <socket>
    server  =  | exit 0
    bob     =  | eof
    --- free streams
    server.out  <  | listening
    ");
}

#[test]
fn actors_have_the_order_that_plan_and_transcript_share() {
    let lab = us_upper();
    let actors = Actors::of(&lab, &lab.scenarios[0]);
    assert_eq!(actors.programs, ["server"]);
    assert_eq!(actors.peers, ["alice", "bob"]);
    assert_eq!(actors.peer("bob"), Some(1));
    assert_eq!(actors.program("client"), None);
}

#[test]
fn another_address_is_shown_once_and_bound_everywhere_else() {
    let lab = us_upper();
    let mut events = good();
    events[1] = at(1, listening("/tmp/sock"));
    events[2] = at(1, out("listening on /tmp/sock\n"));
    events[12] = at(
        8,
        What::Unlinked {
            program: ProgramId(0),
            address: Address::Path("/tmp/sock".into()),
        },
    );
    let text = transcript(&lab, 0, &events).to_string();
    assert_eq!(text.matches("/tmp/sock").count(), 1, "{text}");
    assert!(
        text.contains("server  =  | listen unix-stream /tmp/sock\n"),
        "{text}"
    );
    assert!(text.contains("server  =  | unlink <socket>\n"), "{text}");
    assert!(text.contains("| listening on <socket>\n"), "{text}");
}

#[test]
fn an_address_of_a_clients_own_is_shown_and_bound_in_its_messages() {
    let mut lab = us_upper();
    let connecting = |address| {
        vec![
            at(
                1,
                What::Connecting {
                    process: SERVER,
                    address,
                },
            ),
            at(1, out("connect /tmp/sock: No such file or directory\n")),
        ]
    };
    let path = connecting(Address::Path("/tmp/sock".into()));
    let text = transcript(&lab, 0, &path).to_string();
    assert!(
        text.contains("server  =  | connect unix-stream /tmp/sock\n"),
        "{text}"
    );
    assert!(text.contains("| connect <socket>: No such file"), "{text}");
    let mut name = b"/tmp/sock".to_vec();
    name.resize(107, 0);
    let name = connecting(Address::Abstract(name.as_slice().into()));
    let text = transcript(&lab, 0, &name).to_string();
    assert!(
        text.contains("server  =  | connect unix-stream @/tmp/sock\n"),
        "{text}"
    );
    assert!(text.contains("| connect <socket>: No such file"), "{text}");
    lab.programs[0].address = crate::lab::AddressMode::Discover;
    let text = transcript(&lab, 0, &path).to_string();
    assert!(!text.contains("connect unix-stream"), "{text}");
}

#[test]
fn a_server_that_never_accepts_again() {
    let lab = us_upper();
    let spinning = Wait {
        process: SERVER,
        thread: 0,
        call: "read(4)".to_owned(),
        state: WaitState::Spinning {
            calls: 41_813,
            repeats: Some("read(4) = 0".to_owned()),
        },
        on: Object::Other(String::new()),
        enders: Vec::new(),
    };
    let events = [
        at(1, listening(SOCKET)),
        at(2, open(0)),
        at(2, accepted(0)),
        at(3, data(0, "AB")),
        at(6, open(1)),
        at(6, settled(Quiet::Spinning, vec![spinning])),
        at(
            7,
            What::Untaken {
                queue: Queue::Peer(PeerId(1)),
                bytes: 5,
            },
        ),
        at(8, exited(ExitStatus::StillRunning)),
    ];
    assert_snapshot!(transcript(&lab, 0, &events), @r"
    lanes/1
    lab    us-upper / one-then-the-next
    lane   server  ./us-server <socket>   student
    lane   alice   peer
    lane   bob     peer

    --- 1  start server
    server  =  | listen unix-stream <socket>
    --- 2  connect alice
    alice   =  | open
    --- 3  alice >. ab
    alice   <. | AB
    --- 4  alice > c
    --- 5  shutdown alice
    --- 6  connect bob
    server  ~  | spinning
    bob     =  | queued, never accepted
    --- 7  bob > next
    bob     ~  | input not taken
    --- 8  signal server SIGTERM
    --- end
    server  =  | still running
    ");
}

#[test]
fn taken_late_is_told_in_both_phases() {
    let lab = us_upper();
    let events = [at(2, open(0)), at(5, accepted(0)), at(5, data(0, "X"))];
    let text = transcript(&lab, 0, &events).to_string();
    assert!(
        text.contains("alice   =  | queued, never accepted\n--- 3"),
        "{text}"
    );
    assert!(
        text.contains("alice   =  | accepted\nalice   <. | X\n"),
        "{text}"
    );
}

#[test]
fn modes_of_streams_and_exits() {
    let mut lab = us_upper();
    let contains = StreamMode::Contains(vec!["{socket}".to_owned(), "denied".to_owned()]);
    let show = |lab: &crate::lab::Lab, out_mode: StreamMode, err_mode: StreamMode| {
        let mut lab = lab.clone();
        lab.scenarios[0].setup.insert(
            "server".to_owned(),
            Setup {
                stdout: Some(out_mode),
                stderr: Some(err_mode),
                exit: Some(ExitMode::Class),
                ..Setup::default()
            },
        );
        let message = "cannot bind /lab/us.sock: Permission ";
        let events = [
            at(1, out("one\n")),
            at(
                1,
                What::Output {
                    program: ProgramId(0),
                    stream: supervisor::event::Stream::Err,
                    bytes: message.into(),
                },
            ),
            at(2, out("two\n")),
            at(2, exited(ExitStatus::Code(3))),
        ];
        transcript(&lab, 0, &events).to_string()
    };
    lab.scenarios[0].steps.truncate(2);
    assert_snapshot!(show(&lab, StreamMode::LinesInOrder, contains), @r"
    lanes/1
    lab    us-upper / one-then-the-next
    lane   server  ./us-server <socket>   student
    lane   alice   peer

    --- 1  start server
    server.err  <  | [..]<socket>[..]
    --- 2  connect alice
    server      =  | exit failure
    --- end
    server.out  <  | one
    server.out  <  | two
    ");
    assert_snapshot!(show(&lab, StreamMode::Digest, StreamMode::Some), @r"
    lanes/1
    lab    us-upper / one-then-the-next
    lane   server  ./us-server <socket>   student
    lane   alice   peer

    --- 1  start server
    server.out  <# | 4 bytes, blake3 e0e63aa4c8e1ed79
    server.err  <  | (some text)
    --- 2  connect alice
    server      =  | exit failure
    server.out  <# | 4 bytes, blake3 ef40086ad8a395c7
    ");
}

#[test]
fn what_a_peer_receives_has_a_mode_as_well() {
    let mut lab = us_upper();
    let modes = [("alice", StreamMode::Digest), ("bob", StreamMode::Free)];
    lab.scenarios[0].peers = modes.map(|(peer, mode)| (peer.to_owned(), mode)).into();
    let text = transcript(&lab, 0, &good()).to_string();
    assert!(text.contains("alice   <# | 2 bytes, blake3 "), "{text}");
    assert!(!text.contains("bob     <"), "{text}");
    assert!(text.ends_with("bob         <  | NEXT\n"), "{text}");
    lab.scenarios[0]
        .peers
        .insert("alice".to_owned(), StreamMode::Some);
    let text = transcript(&lab, 0, &good()).to_string();
    assert!(text.contains("alice   <  | (some text)\n"), "{text}");
}

#[test]
fn inspections_say_when_nothing_was_found() {
    let mut lab = us_upper();
    lab.scenarios[0].steps.truncate(1);
    lab.scenarios[0].steps[0].stimuli.push(Stimulus::Inspect {
        program: "server".to_owned(),
        what: crate::lab::Inspection::Tree,
    });
    let events = [at(
        1,
        What::Inspected {
            program: ProgramId(0),
            what: Inspection::Tree,
            facts: vec![Fact {
                channel: "tree".to_owned(),
                text: "root -> child 1".to_owned(),
            }],
        },
    )];
    assert_snapshot!(transcript(&lab, 0, &events), @r"
    lanes/1
    lab    us-upper / one-then-the-next
    lane   server  ./us-server <socket>   student

    --- 1  start server, inspect server tree
    server.tree   =  | root -> child 1
    server.spare  ~  | (nothing)
    ");
}

#[test]
fn a_check_reads_the_whole_output() {
    let mut lab = us_upper();
    lab.scenarios[0].checks.push(Check {
        id: "bels-are-counted".to_owned(),
        proves: vec!["s-bye".to_owned()],
        program: "server".to_owned(),
        stderr: false,
        window: Window::default(),
        property: Property::CountEquals {
            text: "\u{7}".to_owned(),
            capture: "count ([0-9]+)".to_owned(),
        },
    });
    let events = [at(1, out("\u{7}\u{7}")), at(2, out("\u{7}\ncount 4\n"))];
    let actual = transcript(&lab, 0, &events);
    let checks = actual.phases.last().unwrap();
    assert_eq!(checks.title, "checks");
    assert_eq!(checks.lines[0].op, Op::Property);
    assert_eq!(checks.lines[0].payload, "bels-are-counted: no, 3 and 4");
}

#[test]
fn lines_in_order_may_have_others_between_them() {
    let mut lab = us_upper();
    lab.programs[0].stdout = StreamMode::LinesInOrder;
    let run = |text: &str| transcript(&lab, 0, &[at(1, out(text))]);
    let expected = run("one\ntwo\n");
    let all = Selection::Everything;
    assert!(compare(&expected, &run("log\none\nlog\ntwo\n"), &all).is_equal());
    let wrong = compare(&expected, &run("two\none\n"), &all);
    assert_eq!(wrong.phases[0].streams[0].expected[0].payload, "two");
}

#[test]
fn a_missing_line_shifts_nothing() {
    let lab = us_upper();
    let expected = transcript(&lab, 0, &good());
    let mut events = good();
    events.remove(5);
    let found = compare(
        &expected,
        &transcript(&lab, 0, &events),
        &Selection::Everything,
    );
    assert_eq!(found.phases.len(), 1);
    assert_eq!(found.phases[0].number, 3);
    assert_eq!(found.phases[0].streams[0].lane, "alice");
    assert_eq!(found.phases[0].streams[0].yours, []);
}

#[test]
fn the_player_is_not_compared_but_another_lab_is_told() {
    let mut lab = us_upper();
    let expected = transcript(&lab, 0, &good());
    let mut played = expected.clone();
    played.lanes[0].player = super::Player::Reference;
    assert!(compare(&expected, &played, &Selection::Everything).is_equal());
    lab.scenarios[0].steps[2] = step(send("alice", "xy"), &[]);
    let stale = compare(
        &expected,
        &transcript(&lab, 0, &good()),
        &Selection::Everything,
    )
    .stale;
    assert_snapshot!(stale.unwrap(), @"the snapshot is of another version of the lab: it has step 3 `alice >. ab`, now there is step 3 `alice >. xy`");
}

#[test]
fn errors_of_the_text_name_the_line() {
    let text = |line: &str| format!("lanes/1\nlab    a / b\n\n--- 1  start\n{line}\n");
    let error = |line: &str| parse(&text(line)).unwrap_err().to_string();
    assert_snapshot!(error("server < hello"), @"line 5: a line is `LANE[.CHANNEL]  OP | PAYLOAD`");
    assert_snapshot!(error("server  !  | hello"), @"line 5: no such operator; there are > >. < <. <# = ~ ?");
    assert_snapshot!(parse("---\n").unwrap_err(), @"line 1: not a transcript: the first line must be `lanes/1`");
    assert_snapshot!(parse("lanes/1\nlane   a   nobody\n").unwrap_err(), @"line 2: a lane is `lane   NAME  COMMAND   student|reference|peer`");
    assert_snapshot!(parse("lanes/1\nlab    a / b\n\na  <  | x\n").unwrap_err(), @"line 4: a line outside of any phase");
}

#[test]
fn titles_tell_what_the_grader_does() {
    use crate::lab::{Data, DataSource, DisturbOn, Disturbance, Effect, FileStep, Nth, Step};
    let data = |source| Data {
        source,
        pieces: vec![1, 7],
    };
    let stimuli = vec![
        Stimulus::Type {
            program: "filter".to_owned(),
            data: data(DataSource::Text("{nonce} one\ntwo\n".to_owned())),
        },
        send(
            "alice",
            "a ä \u{7} and much, much more than any title would ever have room for",
        ),
        Stimulus::Send {
            peer: "alice".to_owned(),
            data: data(DataSource::Random {
                bytes: 65536,
                seed: 7,
            }),
        },
        Stimulus::Signal {
            program: "server".to_owned(),
            process: 1,
            signal: "SIGTERM".to_owned(),
            count: 50,
        },
        Stimulus::File(FileStep::Chmod {
            path: "{socket}".to_owned(),
            mode: 0o600,
        }),
        Stimulus::Disturb {
            program: "filter".to_owned(),
            disturbance: Disturbance {
                calls: vec!["write".to_owned()],
                on: DisturbOn::Pipe,
                nth: Nth::From(2),
                effect: Effect::AtMost(7),
            },
        },
    ];
    let titles: Vec<String> = stimuli
        .into_iter()
        .map(|stimulus| {
            super::step_title(&Step {
                stimuli: vec![stimulus],
                proves: Vec::new(),
            })
        })
        .collect();
    assert_snapshot!(titles.join("\n"), @r"
    filter > <nonce> one\ntwo (in pieces of 1, 7)
    alice >. a ä \x07 and much, much more than any title\{25 bytes more}
    alice ># 65536 bytes, seed 7 (in pieces of 1, 7)
    signal server/1 SIGTERM x50
    chmod 0600 <socket>
    disturb filter: write on pipes from #2, at most 7 bytes
    ");
}

#[test]
fn without_names_nothing_is_bound() {
    let lab = us_upper();
    let context = super::Context {
        lab: &lab,
        scenario: &lab.scenarios[0],
        names: &Names::default(),
        students: &[],
    };
    let text = super::build(&context, &[at(3, data(0, "QX7RK\n"))]).to_string();
    assert!(text.contains("alice   <  | QX7RK\n"), "{text}");
    assert!(text.contains("reference\n"), "{text}");
}
