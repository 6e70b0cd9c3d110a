//! A lab for the tests of this module and of the verdicts.

use supervisor::event::{Event, ExitStatus, Quiet, Settled, Stream, Wait, What};
use supervisor::plan::{Address, PeerId, ProcessId, ProgramId};

use super::{Context, Names, Transcript, build};
pub(crate) use crate::lab::sample::requirement;
use crate::lab::{
    Data, DataSource, Lab, Program, Proof, Scenario, Selector, Step, Stimulus, StreamMode, sample,
};

pub(crate) const SOCKET: &str = "/lab/us.sock";

pub(crate) fn program(name: &str, stdout: StreamMode) -> Program {
    Program {
        stdout,
        stderr: StreamMode::Exact,
        ..sample::program(name, &format!("us-{name}"))
    }
}

/// `server`, `server exit`, `alice <`, `server.out`.
pub(crate) fn selector(text: &str) -> Selector {
    let (label, filter) = match text.split_once(' ') {
        Some((label, filter)) => (label, Some(filter.to_owned())),
        None => (text, None),
    };
    let (lane, channel) = match label.split_once('.') {
        Some((lane, channel)) => (lane, Some(channel.to_owned())),
        None => (label, None),
    };
    Selector {
        lane: lane.to_owned(),
        channel,
        filter,
    }
}

pub(crate) fn proof(requirement: &str, lanes: &[&str]) -> Proof {
    Proof {
        requirement: requirement.to_owned(),
        lanes: lanes.iter().map(|text| selector(text)).collect(),
    }
}

pub(crate) fn step(stimulus: Stimulus, proves: &[Proof]) -> Step {
    Step {
        stimuli: vec![stimulus],
        proves: proves.to_vec(),
    }
}

pub(crate) fn send(peer: &str, text: &str) -> Stimulus {
    Stimulus::Send {
        peer: peer.to_owned(),
        data: Data {
            source: DataSource::Text(text.to_owned()),
            pieces: Vec::new(),
        },
    }
}

pub(crate) fn connect(peer: &str) -> Stimulus {
    Stimulus::Connect {
        peer: peer.to_owned(),
        to: "server".to_owned(),
        stalled: false,
        reach: None,
        stranger: false,
    }
}

pub(crate) fn signal(program: &str, signal: &str) -> Stimulus {
    Stimulus::Signal {
        program: program.to_owned(),
        process: 0,
        signal: signal.to_owned(),
        count: 1,
    }
}

pub(crate) fn scenario(id: &str, steps: Vec<Step>) -> Scenario {
    Scenario {
        students: vec!["server".to_owned()],
        steps,
        ..sample::scenario(id)
    }
}

/// The lab of the design's worked example.
pub(crate) fn us_upper() -> Lab {
    let steps = vec![
        step(
            Stimulus::Start("server".to_owned()),
            &[proof("s-address", &[])],
        ),
        step(connect("alice"), &[]),
        step(send("alice", "ab"), &[proof("s-duplex", &[])]),
        step(send("alice", "c\n"), &[proof("s-upper", &[])]),
        step(
            Stimulus::Shutdown("alice".to_owned()),
            &[proof("s-upper", &["alice"])],
        ),
        step(connect("bob"), &[proof("s-next", &[])]),
        step(send("bob", "next\n"), &[proof("s-next", &[])]),
        step(
            signal("server", "SIGTERM"),
            &[proof("s-bye", &["server exit", "server unlink"])],
        ),
    ];
    Lab {
        programs: vec![program("server", StreamMode::Free)],
        requirements: vec![
            requirement("s-address", 5, &[]),
            requirement("s-upper", 10, &["s-address"]),
            requirement("s-duplex", 10, &["s-address"]),
            requirement("s-next", 10, &["s-address"]),
            requirement("s-bye", 5, &["s-address"]),
        ],
        scenarios: vec![scenario("one-then-the-next", steps)],
        ..sample::lab("us-upper")
    }
}

pub(crate) fn names() -> Names {
    Names {
        socket: Some(SOCKET.into()),
        nonce: Some("qx7rk".to_owned()),
        port: None,
    }
}

pub(crate) fn transcript(lab: &Lab, scenario: usize, events: &[Event]) -> Transcript {
    let scenario = &lab.scenarios[scenario];
    let context = Context {
        lab,
        scenario,
        names: &names(),
        students: &scenario.students,
    };
    build(&context, events)
}

pub(crate) const SERVER: ProcessId = ProcessId {
    program: ProgramId(0),
    number: 0,
};

pub(crate) const CHILD: ProcessId = ProcessId {
    program: ProgramId(0),
    number: 1,
};

pub(crate) fn at(step: u32, what: What) -> Event {
    Event { at: 0, step, what }
}

pub(crate) fn listening(path: &str) -> What {
    What::Listening {
        process: SERVER,
        address: Address::Path(path.into()),
        nominal: path == SOCKET,
    }
}

pub(crate) fn open(peer: u16) -> What {
    What::PeerOpen { peer: PeerId(peer) }
}

pub(crate) fn accepted(peer: u16) -> What {
    What::PeerAccepted { peer: PeerId(peer) }
}

pub(crate) fn data(peer: u16, text: &str) -> What {
    What::PeerData {
        peer: PeerId(peer),
        bytes: text.into(),
    }
}

pub(crate) fn eof(peer: u16) -> What {
    What::PeerEof { peer: PeerId(peer) }
}

pub(crate) fn out(text: &str) -> What {
    What::Output {
        program: ProgramId(0),
        stream: Stream::Out,
        bytes: text.into(),
    }
}

pub(crate) fn exited(status: ExitStatus) -> What {
    What::Exited {
        process: SERVER,
        status,
    }
}

pub(crate) fn settled(how: Quiet, waits: Vec<Wait>) -> What {
    What::Settled(Settled {
        how,
        waits,
        took: 1600,
    })
}

/// What a correct server does in `us_upper`.
pub(crate) fn good() -> Vec<Event> {
    vec![
        at(
            1,
            What::Started {
                process: SERVER,
                pid: 4711,
            },
        ),
        at(1, listening(SOCKET)),
        at(1, out("listening\n")),
        at(2, open(0)),
        at(2, accepted(0)),
        at(3, data(0, "AB")),
        at(4, data(0, "C\n")),
        at(5, eof(0)),
        at(6, open(1)),
        at(6, accepted(1)),
        at(7, data(1, "NEXT\n")),
        at(8, eof(1)),
        at(
            8,
            What::Unlinked {
                program: ProgramId(0),
                address: Address::Path(SOCKET.into()),
            },
        ),
        at(8, exited(ExitStatus::Code(0))),
        at(8, What::Ended),
    ]
}
