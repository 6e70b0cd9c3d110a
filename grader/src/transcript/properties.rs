//! What must hold for all runs: the order of concurrent lanes and the cutting of bytes leave no
//! trace, and every byte that differs does.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use supervisor::Bytes;
use supervisor::event::{
    Call, Ender, Event, ExitStatus, Fact, LimitKind, Object, Queue, Quiet, Settled, Stream, Wait,
    WaitState, What,
};
use supervisor::plan::{Address, Inspection, PeerId, ProcessId, ProgramId};

use super::fixture::*;
use super::{Lane, Line, Op, Phase, Player, Selection, Transcript, compare, parse};
use crate::lab::{Lab, Lang, Stimulus, StreamMode};
use crate::verdict::{Outcome, Ran, ScenarioOutcome, ScenarioResult, judge, notes};

const STEPS: u32 = 3;

/// A server that prints, two peers, three steps; all of it proves one requirement.
fn lab() -> Lab {
    let mut lab = us_upper();
    lab.programs[0].stdout = StreamMode::Exact;
    lab.requirements = vec![requirement("all", 1, &[])];
    let stimuli = [
        Stimulus::Start("server".to_owned()),
        connect("alice"),
        connect("bob"),
    ];
    let all = [proof("all", &[])];
    let steps = stimuli.into_iter().map(|stimulus| step(stimulus, &all));
    lab.scenarios = vec![scenario("any", steps.collect())];
    lab
}

/// What one ordered source (a stream, a peer, a program's own doings) gave in one step.
#[derive(Clone, Debug)]
enum Atom {
    Data(Source, Vec<u8>),
    Event(What),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Stream(Stream),
    Peer(u16),
}

impl Atom {
    fn events(&self, cuts: &mut impl Iterator<Item = usize>) -> Vec<What> {
        let Self::Data(source, bytes) = self else {
            let Self::Event(what) = self else {
                return Vec::new();
            };
            return vec![what.clone()];
        };
        let mut rest = bytes.as_slice();
        let mut out = Vec::new();
        while !rest.is_empty() {
            let length = cuts.next().unwrap_or(usize::MAX).clamp(1, rest.len());
            let (piece, more) = rest.split_at(length);
            rest = more;
            out.push(match *source {
                Source::Stream(stream) => What::Output {
                    program: ProgramId(0),
                    stream,
                    bytes: piece.into(),
                },
                Source::Peer(peer) => What::PeerData {
                    peer: PeerId(peer),
                    bytes: piece.into(),
                },
            });
        }
        out
    }
}

/// By step, by source.
type Run = Vec<Vec<Vec<Atom>>>;

/// Pieces that look like names, line ends, escapes, letters of two alphabets, and anything else.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b" ".to_vec()),
        Just(b"qx7rk".to_vec()),
        Just(b"QX7RK".to_vec()),
        Just(b"<NONCE>".to_vec()),
        Just(b"<pid:server>".to_vec()),
        Just(b"4711".to_vec()),
        Just(b"\\x20".to_vec()),
        Just(SOCKET.as_bytes().to_vec()),
        Just("Ж".as_bytes().to_vec()),
        vec(any::<u8>(), 1..4),
        vec(any::<u8>(), 200..400),
    ];
    vec(word, 0..8).prop_map(|words| words.concat())
}

fn run() -> impl Strategy<Value = Run> {
    let step = (text(), text(), text(), text(), any::<bool>());
    vec(step, STEPS as usize).prop_map(|steps| {
        let steps = steps.into_iter().zip(1_u32..);
        let of_step = |((out, err, alice, bob, gone), number): ((_, _, _, _, bool), u32)| {
            let mut own = Vec::new();
            if number == 1 {
                own.push(Atom::Event(What::Started {
                    process: SERVER,
                    pid: 4711,
                }));
                own.push(Atom::Event(listening(SOCKET)));
            } else if number == STEPS && gone {
                own.push(Atom::Event(exited(ExitStatus::Code(0))));
            }
            let peer = |id: u16, bytes| {
                let mut atoms = Vec::new();
                if number == u32::from(id) + 2 {
                    atoms.extend([Atom::Event(open(id)), Atom::Event(accepted(id))]);
                }
                atoms.push(Atom::Data(Source::Peer(id), bytes));
                if gone && number == STEPS {
                    atoms.push(Atom::Event(eof(id)));
                }
                atoms
            };
            vec![
                own,
                vec![Atom::Data(Source::Stream(Stream::Out), out)],
                vec![Atom::Data(Source::Stream(Stream::Err), err)],
                peer(0, alice),
                peer(1, bob),
            ]
        };
        steps.map(of_step).collect()
    })
}

/// One legal recording of the run: sources merged in any order, data cut anywhere.
fn record(run: &Run, order: &[Index], cuts: &[usize]) -> Vec<Event> {
    let mut order = order.iter().cycle();
    let mut cuts = cuts.iter().copied().cycle();
    let mut events = Vec::new();
    for (sources, number) in run.iter().zip(1_u32..) {
        let mut queues: Vec<std::collections::VecDeque<What>> = sources
            .iter()
            .map(|atoms| {
                atoms
                    .iter()
                    .flat_map(|atom| atom.events(&mut cuts))
                    .collect()
            })
            .collect();
        loop {
            queues.retain(|queue| !queue.is_empty());
            let (Some(pick), false) = (order.next(), queues.is_empty()) else {
                break;
            };
            let at_queue = pick.index(queues.len());
            events.extend(queues[at_queue].pop_front().map(|what| at(number, what)));
        }
    }
    events
}

fn plain(run: &Run) -> Vec<Event> {
    run.iter()
        .zip(1_u32..)
        .flat_map(|(sources, number)| {
            let atoms = sources.iter().flatten();
            let whats = atoms.flat_map(|atom| atom.events(&mut std::iter::empty()));
            whats.map(move |what| at(number, what)).collect::<Vec<_>>()
        })
        .collect()
}

fn order() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 1..40)
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..50, 1..20)
}

/// The data of a run that are not empty.
fn data_of(run: &mut Run) -> Vec<&mut Vec<u8>> {
    let atoms = run.iter_mut().flatten().flatten();
    atoms
        .filter_map(|atom| match atom {
            Atom::Data(_, bytes) if !bytes.is_empty() => Some(bytes),
            _ => None,
        })
        .collect()
}

/// The comparison sees a difference, and the requirement is not met.
fn is_seen(lab: &Lab, expected: &Run, actual: &Run) -> bool {
    let events = plain(actual);
    let expected = transcript(lab, 0, &plain(expected));
    let actual = transcript(lab, 0, &events);
    let seen = !compare(&expected, &actual, &Selection::Everything).is_equal();
    let outcome = ScenarioOutcome {
        scenario: "any".to_owned(),
        result: ScenarioResult::Ran(Box::new(Ran {
            expected: expected.into(),
            actual,
            events,
        })),
    };
    seen && judge(lab, &[outcome])[0].outcome == Outcome::Fail
}

proptest! {
    #[test]
    fn order_between_lanes_and_chunks_leave_no_trace(
        run in run(), order in order(), cuts in cuts(),
    ) {
        let lab = lab();
        let one = transcript(&lab, 0, &plain(&run));
        let other = transcript(&lab, 0, &record(&run, &order, &cuts));
        prop_assert_eq!(one.to_string(), other.to_string());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_changed_byte_is_seen(run in run(), which in any::<Index>(), place in any::<Index>(), flip in 1_u8..) {
        let mut changed = run.clone();
        let mut data = data_of(&mut changed);
        prop_assume!(!data.is_empty());
        let index = which.index(data.len());
        let place = place.index(data[index].len());
        data[index][place] ^= flip;
        prop_assert!(is_seen(&lab(), &run, &changed));
    }

    #[test]
    fn a_lost_piece_is_seen(run in run(), which in any::<Index>(), from in any::<Index>(), to in any::<Index>()) {
        let mut changed = run.clone();
        let mut data = data_of(&mut changed);
        prop_assume!(!data.is_empty());
        let index = which.index(data.len());
        let length = data[index].len();
        let (from, to) = (from.index(length), to.index(length));
        data[index].drain(from.min(to)..=from.max(to));
        prop_assert!(is_seen(&lab(), &run, &changed));
    }

    #[test]
    fn replies_swapped_between_peers_are_seen(run in run(), step in 0..STEPS as usize) {
        let mut swapped = run.clone();
        let of = |run: &Run, peer| run[step].iter().flatten().find_map(|atom| match atom {
            Atom::Data(Source::Peer(id), bytes) if *id == peer => Some(bytes.clone()),
            _ => None,
        }).unwrap();
        let (alice, bob) = (of(&run, 0), of(&run, 1));
        prop_assume!(alice != bob);
        for atom in swapped[step].iter_mut().flatten() {
            if let Atom::Data(Source::Peer(id), bytes) = atom {
                *bytes = if *id == 0 { bob.clone() } else { alice.clone() };
            }
        }
        prop_assert!(is_seen(&lab(), &run, &swapped));
    }

    #[test]
    fn a_reply_one_step_late_is_seen(run in run(), peer in 0_u16..2) {
        let mut late = run.clone();
        let mut moved = Vec::new();
        for atom in late[1].iter_mut().flatten() {
            if let Atom::Data(Source::Peer(id), bytes) = atom && *id == peer {
                moved = std::mem::take(bytes);
            }
        }
        prop_assume!(!moved.is_empty());
        for atom in late[2].iter_mut().flatten() {
            if let Atom::Data(Source::Peer(id), bytes) = atom && *id == peer {
                bytes.splice(0..0, moved.iter().copied());
            }
        }
        prop_assert!(is_seen(&lab(), &run, &late));
    }

    #[test]
    fn what_is_written_can_be_read(run in run()) {
        let transcript = transcript(&lab(), 0, &plain(&run));
        prop_assert_eq!(parse(&transcript.to_string()), Ok(transcript));
    }

    #[test]
    fn any_transcript_can_be_written_and_read(transcript in any_transcript()) {
        prop_assert_eq!(parse(&transcript.to_string()), Ok(transcript));
    }

    #[test]
    fn nothing_read_makes_the_parser_panic(text in ".{0,60}", tail in "(lanes/1\n|lab    a / b\n|lane   a   peer\n|\n|--- 1  x\n|a  <  \\| y\n|[a-z|<. ]{0,9}\n){0,12}") {
        let _ = parse(&text);
        if let Ok(transcript) = parse(&tail) {
            prop_assert_eq!(parse(&transcript.to_string()), Ok(transcript));
        }
    }

    #[test]
    fn no_recording_makes_build_or_judge_panic(events in vec(any_event(), 0..40), modes in 0_usize..4) {
        let mut lab = us_upper();
        lab.programs[0].stdout = [
            StreamMode::Free,
            StreamMode::LinesInOrder,
            StreamMode::Some,
            StreamMode::Contains(vec!["a".to_owned()]),
        ][modes].clone();
        let expected = transcript(&lab, 0, &good());
        let actual = transcript(&lab, 0, &events);
        prop_assert_eq!(parse(&actual.to_string()), Ok(actual.clone()));
        let ran = Ran { expected: expected.into(), actual, events };
        let _said = notes(&lab, &lab.scenarios[0], &ran, Lang::Ru);
        let outcome = ScenarioOutcome {
            scenario: lab.scenarios[0].id.clone(),
            result: ScenarioResult::Ran(Box::new(ran)),
        };
        let once = judge(&lab, std::slice::from_ref(&outcome));
        prop_assert_eq!(once.len(), lab.requirements.len());
        prop_assert_eq!(once, judge(&lab, &[outcome]));
    }
}

fn any_transcript() -> impl Strategy<Value = Transcript> {
    let name = "[a-z][a-z0-9-]{0,6}";
    let payload = "\\PC{0,12}";
    let op = proptest::sample::select(vec![
        Op::In,
        Op::InPartial,
        Op::Out,
        Op::OutPartial,
        Op::OutBinary,
        Op::Life,
        Op::Quiet,
        Op::Property,
    ]);
    let line = (
        name,
        prop_oneof![Just(String::new()), name.prop_map(String::from)],
        op,
        payload,
    )
        .prop_map(|(lane, channel, op, payload)| Line {
            lane,
            channel,
            op,
            payload,
        });
    let player = proptest::sample::select(vec![Player::Student, Player::Reference, Player::Peer]);
    let lane = (name, "(\\./[a-z]{1,5}( <?[a-z0-9]{1,4}>?){0,3})?", player).prop_map(
        |(name, command, player)| Lane {
            name,
            command,
            player,
            ignore: crate::lab::Ignore::default(),
        },
    );
    let lines = vec(line, 0..4).boxed();
    let phases = vec(("[a-z]( ?[a-z>.]){0,9}", lines.clone()), 0..4);
    let after = proptest::option::of(lines.clone());
    (name, name, vec(lane, 0..3), phases, after, lines).prop_map(
        |(lab, scenario, lanes, phases, after, free)| {
            let mut phases: Vec<Phase> = phases
                .into_iter()
                .zip(1..)
                .map(|((title, lines), number)| Phase {
                    number,
                    title,
                    lines,
                })
                .collect();
            phases.extend(after.map(|lines| Phase {
                number: 0,
                title: super::END.to_owned(),
                lines,
            }));
            Transcript {
                lab,
                scenario,
                lanes,
                phases,
                free,
            }
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    let process = (0_u16..3, 0_u16..3)
        .prop_map(|(program, number)| ProcessId {
            program: ProgramId(program),
            number,
        })
        .boxed();
    let peer = (0_u16..4).prop_map(PeerId).boxed();
    let program = (0_u16..3).prop_map(ProgramId).boxed();
    let bytes = vec(any::<u8>(), 0..20).prop_map(Bytes).boxed();
    let errno = prop_oneof![0..140_i32, any::<i32>()].boxed();
    let address = prop_oneof![
        Just(Address::Path(SOCKET.into())),
        bytes.clone().prop_map(Address::Path),
        bytes.clone().prop_map(Address::Abstract),
    ]
    .boxed();
    let status = prop_oneof![
        any::<i32>().prop_map(ExitStatus::Code),
        (0..70_i32).prop_map(ExitStatus::Signal),
        Just(ExitStatus::StillRunning),
    ];
    let stream = proptest::sample::select(vec![Stream::Out, Stream::Err, Stream::In]);
    let inspection = proptest::sample::select(vec![Inspection::Tree, Inspection::Signals]);
    let limit = proptest::sample::select(vec![LimitKind::Wall, LimitKind::Processes]);
    let what = prop_oneof![
        (process.clone(), any::<i32>()).prop_map(|(process, pid)| What::Started { process, pid }),
        (process.clone(), errno.clone())
            .prop_map(|(process, errno)| What::ExecFailed { process, errno }),
        (process.clone(), process.clone(), any::<i32>())
            .prop_map(|(parent, child, pid)| What::Forked { parent, child, pid }),
        (process.clone(), status).prop_map(|(process, status)| What::Exited { process, status }),
        (program.clone(), stream, bytes.clone()).prop_map(|(program, stream, bytes)| {
            What::Output {
                program,
                stream,
                bytes,
            }
        }),
        (process.clone(), address.clone(), any::<bool>()).prop_map(
            |(process, address, nominal)| What::Listening {
                process,
                address,
                nominal
            }
        ),
        (process.clone(), address.clone(), errno.clone()).prop_map(|(process, address, errno)| {
            What::BindFailed {
                process,
                address,
                errno,
            }
        }),
        (process.clone(), address.clone())
            .prop_map(|(process, address)| What::Connecting { process, address }),
        (program.clone(), address)
            .prop_map(|(program, address)| What::Unlinked { program, address }),
        peer.clone().prop_map(|peer| What::PeerOpen { peer }),
        peer.clone().prop_map(|peer| What::PeerAccepted { peer }),
        (peer.clone(), errno.clone()).prop_map(|(peer, errno)| What::PeerRefused {
            peer,
            address: None,
            errno
        }),
        (peer.clone(), bytes).prop_map(|(peer, bytes)| What::PeerData { peer, bytes }),
        peer.clone().prop_map(|peer| What::PeerEof { peer }),
        (peer.clone(), errno).prop_map(|(peer, errno)| What::PeerFailed { peer, errno }),
        (peer, 0_u64..3).prop_map(|(peer, bytes)| What::Untaken {
            queue: Queue::Peer(peer),
            bytes
        }),
        (
            process.clone(),
            "[a-z,4 ]{0,9}",
            proptest::option::of(any::<i64>()),
            any::<u32>(),
            0_usize..5
        )
            .prop_map(|(process, args, result, times, name)| What::Call(Call {
                process,
                thread: 0,
                name: ["accept4", "read", "write", "close", "bind"][name].to_owned(),
                args,
                data: Bytes::default(),
                result,
                times,
            })),
        (program.clone(), inspection, "(\\PC|\n| ){0,9}").prop_map(|(program, what, text)| {
            What::Inspected {
                program,
                what,
                facts: vec![Fact {
                    channel: "tree".to_owned(),
                    text,
                }],
            }
        }),
        (proptest::option::of(program), limit).prop_map(|(program, limit)| What::Limit {
            program,
            limit,
            most: 64
        }),
        Just(What::Parted),
        (any::<u32>(), "\\PC{0,9}").prop_map(|(act, error)| What::ActFailed { act, error }),
        vec((process, any_wait()), 0..3).prop_map(|waits| {
            let waits = waits
                .into_iter()
                .map(|(process, wait)| Wait { process, ..wait })
                .collect();
            What::Settled(Settled {
                how: Quiet::Proved,
                waits,
                took: 1,
            })
        }),
        Just(What::Ended),
    ];
    (prop_oneof![0_u32..12, any::<u32>()], what).prop_map(|(step, what)| at(step, what))
}

fn any_wait() -> impl Strategy<Value = Wait> {
    let state = prop_oneof![
        Just(WaitState::Blocked),
        any::<u64>().prop_map(WaitState::Timed),
        any::<u64>().prop_map(WaitState::Polling),
        (0_u64..2, proptest::option::of("\\PC{0,9}"))
            .prop_map(|(calls, repeats)| WaitState::Spinning { calls, repeats }),
        Just(WaitState::Stopped),
        Just(WaitState::Zombie),
        Just(WaitState::Unknown),
    ];
    let on = prop_oneof![
        any::<bool>().prop_map(|writing| Object::Pipe {
            name: "A".to_owned(),
            writing
        }),
        any::<bool>().prop_map(|writing| Object::Socket {
            peer: "alice".to_owned(),
            writing
        }),
        Just(Object::Listener(Address::Path(SOCKET.into()))),
        Just(Object::Children),
        Just(Object::Several(vec!["a".to_owned(), "b".to_owned()])),
        Just(Object::Time),
    ];
    let ender = prop_oneof![
        (any::<bool>(), proptest::option::of(any::<i32>())).prop_map(|(itself, fd)| {
            Ender::Process {
                process: SERVER,
                fd,
                itself,
            }
        }),
        Just(Ender::Grader),
        Just(Ender::Nobody),
        Just(Ender::Unknown("a semaphore has no owner".to_owned())),
    ];
    (state, on, vec(ender, 0..3)).prop_map(|(state, on, enders)| Wait {
        process: SERVER,
        thread: 0,
        call: "read(0)".to_owned(),
        state,
        on,
        enders,
    })
}
