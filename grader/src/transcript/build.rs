//! Recording → transcript.

use std::collections::{BTreeMap, BTreeSet};

use supervisor::bytes::escape;
use supervisor::event::{Event, ExitStatus, LimitKind, Queue, Stream, WaitState, What};
use supervisor::plan::{Address, Inspection, PeerId, ProcessId, ProgramId, SocketKind};

use super::names::{Binder, end_kept};
use super::reaction::{Reaction, STREAMS, State, Streams};
use super::{Actors, CHECKS, END, Lane, Line, Names, Op, Phase, Player, Transcript};
use super::{among, check, errno_name, frame, modes, signal_name, step_title, title};
use crate::lab::{AddressMode, ExitMode, Lab, Program, Property, Scenario, Stimulus, StreamMode};

/// Lines of a stream compared as a whole, or shown at the end, that are kept.
const MOST_WHOLE: usize = 2000;

/// What a transcript is made from besides the events.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// Its scenario that was run; step k of it is step k of the plan.
    pub scenario: &'a Scenario,
    /// What was bound before the run.
    pub names: &'a Names,
    /// Roles played by the submission: [`Scenario::students`], or nobody in a reference run.
    pub students: &'a [String],
}

/// The canonical text of a run: the same for all recordings that differ only in what is
/// irrelevant (how bytes were cut, which of two lanes came first inside a phase, times).
#[must_use]
pub fn build(context: &Context<'_>, events: &[Event]) -> Transcript {
    let actors = Actors::of(context.lab, context.scenario);
    let mut builder = Builder::new(context, &actors, events);
    for event in events {
        builder.take(event);
    }
    builder.finish(events)
}

struct Builder<'a> {
    context: &'a Context<'a>,
    actors: &'a Actors,
    binder: Binder,
    /// By phase, then by lane: programs, then peers.
    reactions: Vec<Vec<Reaction>>,
    peers: Vec<Peer>,
    /// Everything on output and error, by program.
    whole: Vec<[Vec<u8>; 2]>,
    /// Everything that came, by peer.
    received: Vec<Vec<u8>>,
    /// Addresses that were not asked for.
    own: BTreeSet<Vec<u8>>,
    /// Ports that the kernel chose because a program asked for any.
    chosen: BTreeSet<u16>,
    /// Programs whose sockets carry sequenced packets.
    packets: BTreeSet<ProgramId>,
    unstarted: BTreeSet<ProcessId>,
    still_running: BTreeSet<ProgramId>,
    /// The last word on a program's threads in a phase replaces the ones before it.
    states: BTreeMap<(usize, usize), Vec<State>>,
}

#[derive(Clone, Default)]
struct Peer {
    listens: bool,
    /// Phase in which the connection was queued.
    opened: Option<usize>,
    /// Phase in which it was taken.
    accepted: Option<usize>,
}

impl<'a> Builder<'a> {
    fn new(context: &'a Context<'a>, actors: &'a Actors, events: &[Event]) -> Self {
        let lanes = actors.programs.len() + actors.peers.len();
        let phases = context.scenario.steps.len().max(1);
        let mut builder = Self {
            context,
            actors,
            binder: Binder::new(context.names),
            reactions: vec![vec![Reaction::default(); lanes]; phases],
            peers: vec![Peer::default(); actors.peers.len()],
            whole: vec![Default::default(); actors.programs.len()],
            received: vec![Vec::new(); actors.peers.len()],
            own: BTreeSet::new(),
            chosen: BTreeSet::new(),
            packets: BTreeSet::new(),
            unstarted: BTreeSet::new(),
            still_running: BTreeSet::new(),
            states: BTreeMap::new(),
        };
        for stimulus in context.scenario.steps.iter().flat_map(|step| &step.stimuli) {
            if let Stimulus::Listen { peer, .. } = stimulus
                && let Some(id) = actors.peer(peer)
            {
                builder.peers[usize::from(id)].listens = true;
            }
        }
        // Names are bound over the whole run, so that a line printed before its name was seen
        // reads the same.
        for event in events {
            builder.bind(&event.what);
        }
        builder
    }

    fn bind(&mut self, what: &What) {
        match what {
            What::Bound {
                process,
                kind: SocketKind::SeqPacket,
                ..
            } => {
                self.packets.insert(process.program);
            }
            What::Bound {
                address: Address::Inet(address),
                ..
            } => {
                self.chosen.insert(address.port());
                self.binder.add_port(address.port());
            }
            What::Listening {
                process,
                address: Address::Inet(address),
                nominal: false,
            } if self.has_port(process.program) => self.binder.add_port(address.port()),
            What::Started { process, pid } => {
                if let Some(role) = self.role(process.program) {
                    self.binder.add_pid(*pid, role);
                }
            }
            What::Forked { child, pid, .. } => {
                if let Some(role) = self.role(child.program) {
                    self.binder
                        .add_pid(*pid, &format!("{role}/{}", child.number));
                }
            }
            What::Listening {
                address: Address::Path(path) | Address::Abstract(path),
                nominal: false,
                ..
            }
            | What::Connecting {
                address: Address::Path(path) | Address::Abstract(path),
                ..
            } => {
                self.own.insert(path.0.clone());
                // Who prints an abstract name prints what he filled in, not all 107 bytes.
                let end = path
                    .iter()
                    .rposition(|&b| b != 0)
                    .map_or(0, |last| last + 1);
                self.binder.add_address(&path[..end]);
            }
            _ => {}
        }
    }

    fn role(&self, program: ProgramId) -> Option<&'a str> {
        let role = self.actors.programs.get(usize::from(program.0))?;
        Some(role.as_str())
    }

    fn program(&mut self, phase: usize, program: ProgramId) -> Option<&mut Reaction> {
        self.role(program)?;
        self.reactions[phase].get_mut(usize::from(program.0))
    }

    fn peer(&mut self, phase: usize, peer: PeerId) -> Option<&mut Reaction> {
        let lane = self.actors.programs.len() + usize::from(peer.0);
        self.reactions[phase].get_mut(lane)
    }

    fn life(&mut self, phase: usize, program: ProgramId, text: String) {
        if let Some(reaction) = self.program(phase, program) {
            reaction.begins.push(text);
        }
    }

    fn state(&mut self, phase: usize, program: ProgramId, state: State) {
        if let Some(reaction) = self.program(phase, program) {
            reaction.states.push(state);
        }
    }

    fn take(&mut self, event: &Event) {
        let phase = usize::try_from(event.step).unwrap_or(usize::MAX);
        let phase = phase.saturating_sub(1).min(self.reactions.len() - 1);
        match &event.what {
            What::ExecFailed { process, errno } => {
                self.unstarted.insert(*process);
                if process.number == 0 {
                    let text = format!("exec failed {}", errno_name(*errno));
                    self.life(phase, process.program, text);
                }
            }
            What::Exited { process, status } if process.number == 0 => {
                self.exited(phase, *process, *status);
            }
            What::Output {
                program,
                stream,
                bytes,
            } => self.output(phase, *program, *stream, bytes),
            What::Listening {
                process,
                address,
                nominal,
            } => {
                let text = format!(
                    "listen {}",
                    self.listens_at(process.program, address, *nominal)
                );
                // One socket for both families or one for each is the program's own affair.
                let ports = self.has_port(process.program);
                if let Some(reaction) = self.program(phase, process.program)
                    && !(ports && reaction.begins.contains(&text))
                {
                    reaction.begins.push(text);
                }
            }
            What::Connecting { process, address } => {
                let asked = self
                    .role(process.program)
                    .and_then(|role| modes::program(self.context.lab, role))
                    .is_some_and(|program| program.address == AddressMode::Argv);
                if asked {
                    let place = self.place(address);
                    self.life(phase, process.program, format!("connect {place}"));
                }
            }
            What::BindFailed {
                process,
                address,
                errno,
            } => {
                let text = format!(
                    "bind failed {} {}",
                    errno_name(*errno),
                    self.address(address)
                );
                self.life(phase, process.program, text);
            }
            What::Unlinked { program, address } => {
                let text = format!("unlink {}", self.address(address));
                self.life(phase, *program, text);
            }
            What::Bound {
                process,
                address,
                kind: SocketKind::Datagram,
                nominal,
            } => {
                // Any number of sockets of its own it may name as it likes.
                if *nominal || self.discovers(process.program) {
                    let place = "unix-dgram <socket>";
                    self.life(phase, process.program, format!("bind {place}"));
                } else if !matches!(address, Address::Inet(_)) && self.serves(process.program) {
                    let place = self.place(address).replacen("stream", "dgram", 1);
                    self.life(phase, process.program, format!("bind {place}"));
                }
            }
            What::PeerOpen { .. }
            | What::PeerReady { .. }
            | What::PeerMessage { .. }
            | What::PeerAccepted { .. }
            | What::PeerRefused { .. }
            | What::PeerWaits { .. }
            | What::PeerNoFifo { .. }
            | What::PeerData { .. }
            | What::PeerEof { .. }
            | What::PeerFailed { .. } => self.peer_event(phase, &event.what),
            What::Untaken { queue, bytes } if *bytes > 0 => match queue {
                Queue::Stdin(program) => self.state(phase, *program, State::NotTaken),
                Queue::Peer(peer) => {
                    if let Some(reaction) = self.peer(phase, *peer) {
                        reaction.states.push(State::NotTaken);
                    }
                }
            },
            What::Inspected {
                program,
                what,
                facts,
            } => {
                if let Some(reaction) = self.program(phase, *program) {
                    for channel in channels(*what) {
                        reaction.fact(channel, None);
                    }
                    for fact in facts {
                        reaction.fact(&fact.channel, Some(&fact.text));
                    }
                }
            }
            What::Settled(settled) => {
                self.states.retain(|(at, _), _| *at != phase);
                for wait in &settled.waits {
                    let state = match wait.state {
                        WaitState::Spinning { .. } => State::Spinning,
                        WaitState::Polling(_) => State::Polling,
                        WaitState::Stopped => State::Stopped,
                        WaitState::Blocked
                        | WaitState::Timed(_)
                        | WaitState::Zombie
                        | WaitState::Unknown => continue,
                    };
                    let key = (phase, usize::from(wait.process.program.0));
                    self.states.entry(key).or_default().push(state);
                }
            }
            What::Limit { program, limit, .. } if limit.interferes() => {
                let program = program.unwrap_or(ProgramId(0));
                self.state(phase, program, State::Limit(limit_name(*limit)));
            }
            // The recording's own: shown in explanations, never compared.
            What::Enforced(_)
            | What::Bound { .. }
            | What::StepBegan
            | What::Limit { .. }
            | What::Starved { .. }
            | What::ActFailed { .. }
            | What::Parted
            | What::Started { .. }
            | What::Forked { .. }
            | What::Executed { .. }
            | What::PipeWritten { .. }
            | What::PipeRead { .. }
            | What::Exited { .. }
            | What::Reaped { .. }
            | What::Orphaned { .. }
            | What::OutputEnd { .. }
            | What::Untaken { .. }
            | What::Call(_)
            | What::Signalled { .. }
            | What::Stopped { .. }
            | What::Disturbed { .. }
            | What::NoStranger { .. }
            | What::File { .. }
            | What::Ended => {}
        }
    }

    fn exited(&mut self, phase: usize, process: ProcessId, status: ExitStatus) {
        if self.unstarted.contains(&process) {
            return;
        }
        let Some(role) = self.role(process.program) else {
            return;
        };
        let mode = modes::of(self.context.lab, self.context.scenario, role).exit;
        let text = match (status, mode) {
            (ExitStatus::StillRunning, _) => {
                self.still_running.insert(process.program);
                return;
            }
            (_, ExitMode::Any) => "ended".to_owned(),
            (ExitStatus::Code(code), ExitMode::Class) if code != 0 => "exit failure".to_owned(),
            (ExitStatus::Code(code), _) => format!("exit {code}"),
            (ExitStatus::Signal(signal), _) => format!("killed {}", signal_name(signal)),
        };
        self.life(phase, process.program, text);
    }

    fn output(&mut self, phase: usize, program: ProgramId, stream: Stream, bytes: &[u8]) {
        let index = match stream {
            Stream::Out => 0,
            Stream::Err => 1,
            Stream::In => 2,
        };
        if let Some(reaction) = self.program(phase, program) {
            reaction.streams[index].extend_from_slice(bytes);
        }
        let whole = self.whole.get_mut(usize::from(program.0));
        if let Some(whole) = whole.and_then(|whole| whole.get_mut(index)) {
            whole.extend_from_slice(bytes);
        }
    }

    fn peer_event(&mut self, phase: usize, what: &What) {
        match what {
            What::PeerOpen { peer } => {
                if let Some(peer) = self.peers.get_mut(usize::from(peer.0)) {
                    peer.opened.get_or_insert(phase);
                }
            }
            What::PeerReady { peer } => {
                if let Some(peer) = self.peers.get_mut(usize::from(peer.0)) {
                    peer.opened.get_or_insert(phase);
                    peer.accepted.get_or_insert(phase);
                }
            }
            What::PeerMessage { peer, bytes, cut } => {
                if let Some(received) = self.received.get_mut(usize::from(peer.0)) {
                    received.extend_from_slice(bytes);
                    received.push(b'\n');
                }
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.messages.push((bytes.to_vec(), *cut));
                }
            }
            What::PeerAccepted { peer } => {
                if let Some(peer) = self.peers.get_mut(usize::from(peer.0)) {
                    peer.accepted.get_or_insert(phase);
                }
            }
            What::PeerRefused { peer, errno, .. } => {
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.begin(&format!("refused {}", errno_name(*errno)));
                }
            }
            What::PeerWaits { peer } => {
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.begin("waits");
                }
            }
            What::PeerNoFifo { peer } => {
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.begin("refused, it is no FIFO");
                }
            }
            What::PeerData { peer, bytes } => {
                if let Some(received) = self.received.get_mut(usize::from(peer.0)) {
                    received.extend_from_slice(bytes);
                }
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.data.extend_from_slice(bytes);
                }
            }
            What::PeerEof { peer } => {
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.end("eof");
                }
            }
            What::PeerFailed { peer, errno } => {
                let name = errno_name(*errno);
                if let Some(reaction) = self.peer(phase, *peer) {
                    reaction.end(&match name.as_str() {
                        "ECONNRESET" => "reset".to_owned(),
                        _ => format!("failed {name}"),
                    });
                }
            }
            _ => {}
        }
    }

    /// `unix-stream <socket>`; another place than the one asked for is shown as it is.
    fn listens_at(&self, program: ProgramId, address: &Address, nominal: bool) -> String {
        let discovered = self.discovers(program);
        let bound = nominal || discovered;
        match address {
            Address::Inet(_) if bound && self.has_port(program) => "tcp <port>".to_owned(),
            Address::Inet(address)
                if self.has_port(program) && self.chosen.contains(&address.port()) =>
            {
                "tcp a port of the kernel's choice".to_owned()
            }
            Address::Inet(address) if self.has_port(program) => format!("tcp {}", address.port()),
            Address::Path(_) | Address::Abstract(_) if bound && self.carries_packets(program) => {
                "unix-seqpacket <socket>".to_owned()
            }
            Address::Path(_) | Address::Abstract(_) if bound => "unix-stream <socket>".to_owned(),
            Address::Inet(_) if bound => "tcp <socket>".to_owned(),
            _ => self.place(address),
        }
    }

    /// Whether its socket carries sequenced packets, in a scenario that is about such.
    fn carries_packets(&self, program: ProgramId) -> bool {
        let Some(role) = self.role(program) else {
            return false;
        };
        let setup = self.context.scenario.setup.get(role);
        let asked = setup
            .and_then(|setup| setup.socket)
            .or_else(|| modes::program(self.context.lab, role).and_then(|program| program.socket));
        asked.is_some() && self.packets.contains(&program)
    }

    /// Whether the program's address is a port.
    fn has_port(&self, program: ProgramId) -> bool {
        self.role(program)
            .and_then(|role| modes::program(self.context.lab, role))
            .is_some_and(Program::has_port)
    }

    fn discovers(&self, program: ProgramId) -> bool {
        self.role(program)
            .and_then(|role| modes::program(self.context.lab, role))
            .is_some_and(|program| program.address == AddressMode::Discover)
    }

    /// Whether somebody of this scenario connects to the program: its name is its address then.
    fn serves(&self, program: ProgramId) -> bool {
        let Some(role) = self.role(program) else {
            return false;
        };
        let mut stimuli = self.context.scenario.steps.iter().flat_map(|s| &s.stimuli);
        stimuli.any(|stimulus| matches!(stimulus, Stimulus::Connect { to, .. } if to == role))
    }

    /// `unix-stream /tmp/sock`: an address as the program gave it, but for the NULs that fill up an
    /// abstract name.
    fn place(&self, address: &Address) -> String {
        match address {
            Address::Path(path) => format!("unix-stream {}", end_kept(path.escaped())),
            Address::Abstract(name) => {
                let end = name
                    .iter()
                    .rposition(|&b| b != 0)
                    .map_or(0, |last| last + 1);
                format!("unix-stream @{}", end_kept(escape(&name[..end])))
            }
            Address::Inet(address) => format!("tcp {address}"),
        }
    }

    fn address(&self, address: &Address) -> String {
        match address {
            Address::Path(path) | Address::Abstract(path) if self.own.contains(&path.0) => {
                "<socket>".to_owned()
            }
            Address::Path(path) => self.binder.text(path),
            Address::Abstract(name) => format!("@{}", self.binder.text(name)),
            Address::Inet(address) => self.binder.text(address.to_string().as_bytes()),
        }
    }

    fn finish(mut self, events: &[Event]) -> Transcript {
        for ((phase, lane), states) in std::mem::take(&mut self.states) {
            if let Some(reaction) = self.reactions[phase].get_mut(lane) {
                reaction.states.extend(states);
            }
        }
        self.connections();
        let mut phases = self.step_phases();
        phases.extend(self.end_phase());
        phases.extend(self.checks_phase(events));
        Transcript {
            lab: self.context.lab.id.clone(),
            scenario: self.context.scenario.id.clone(),
            lanes: self.lanes(),
            phases,
            free: self.whole_streams(|mode| matches!(mode, StreamMode::Free)),
        }
    }

    /// Whether a connection was taken is known when its phase is over.
    fn connections(&mut self) {
        for (index, peer) in self.peers.clone().into_iter().enumerate() {
            if peer.listens {
                continue;
            }
            let Ok(id) = u16::try_from(index).map(PeerId) else {
                continue;
            };
            let mut say = |phase: usize, text: &str| {
                if let Some(reaction) = self.peer(phase, id) {
                    reaction.begins.insert(0, text.to_owned());
                }
            };
            match (peer.opened, peer.accepted) {
                (Some(opened), Some(accepted)) if accepted > opened => {
                    say(opened, "queued, never accepted");
                    say(accepted, "accepted");
                }
                (Some(phase), Some(_)) | (None, Some(phase)) => say(phase, "open"),
                (Some(opened), None) => say(opened, "queued, never accepted"),
                (None, None) => {}
            }
        }
    }

    fn step_phases(&mut self) -> Vec<Phase> {
        let reactions = std::mem::take(&mut self.reactions);
        let steps = &self.context.scenario.steps;
        let mut phases = Vec::with_capacity(steps.len());
        for (index, (step, lanes)) in steps.iter().zip(reactions).enumerate() {
            let mut lines = Vec::new();
            for (lane, reaction) in lanes.into_iter().enumerate() {
                let programs = self.actors.programs.len();
                let scenario = self.context.scenario;
                let exact = &StreamMode::Exact;
                if let Some(role) = self.actors.programs.get(lane) {
                    let modes = modes::of(self.context.lab, scenario, role);
                    let streams = Streams {
                        data: exact,
                        out: modes.out,
                        err: modes.err,
                        ignore: modes.ignore,
                    };
                    lines.extend(reaction.lines(role, &streams, &self.binder));
                } else if let Some(peer) = self.actors.peers.get(lane - programs) {
                    let streams = Streams {
                        data: modes::of_peer(scenario, peer),
                        out: exact,
                        err: exact,
                        ignore: modes::in_scenario(scenario),
                    };
                    lines.extend(reaction.lines(peer, &streams, &self.binder));
                }
            }
            phases.push(Phase {
                number: u32::try_from(index + 1).unwrap_or(u32::MAX),
                title: step_title(step),
                lines,
            });
        }
        phases
    }

    /// Programs the grader had to kill, and streams compared as a whole.
    fn end_phase(&self) -> Option<Phase> {
        let mut lines = Vec::new();
        let mut whole = self.whole_streams(|mode| matches!(mode, StreamMode::LinesInOrder));
        for (index, role) in self.actors.programs.iter().enumerate() {
            let id = u16::try_from(index).map(ProgramId);
            if id.is_ok_and(|id| self.still_running.contains(&id)) {
                lines.push(Line {
                    lane: role.clone(),
                    channel: String::new(),
                    op: Op::Life,
                    payload: "still running".to_owned(),
                });
            }
            lines.extend(whole.extract_if(.., |line| line.lane == *role));
        }
        lines.extend(whole);
        (!lines.is_empty()).then(|| Phase {
            number: 0,
            title: END.to_owned(),
            lines,
        })
    }

    fn checks_phase(&self, events: &[Event]) -> Option<Phase> {
        let lines: Vec<Line> = self
            .context
            .scenario
            .checks
            .iter()
            .map(|check| {
                let said = match self.actors.program(&check.program) {
                    Some(_) if let Property::Among(among) = &check.property => {
                        among::judge(among, check.window, self.actors, events)
                    }
                    Some(id) => check::judge(check, ProgramId(id), events),
                    None => "no, it never ran".to_owned(),
                };
                Line {
                    lane: check.program.clone(),
                    channel: String::new(),
                    op: Op::Property,
                    payload: format!("{}: {said}", check.id),
                }
            })
            .collect();
        (!lines.is_empty()).then(|| Phase {
            number: 0,
            title: CHECKS.to_owned(),
            lines,
        })
    }

    fn whole_streams(&self, wanted: impl Fn(&StreamMode) -> bool) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut whole = |lane: &str, channel: &str, bytes: &[u8], ignore| {
            for (op, payload) in frame::lines(bytes, &self.binder, MOST_WHOLE, ignore) {
                lines.push(Line {
                    lane: lane.to_owned(),
                    channel: channel.to_owned(),
                    op,
                    payload,
                });
            }
        };
        for (role, streams) in self.actors.programs.iter().zip(&self.whole) {
            let modes = modes::of(self.context.lab, self.context.scenario, role);
            for (index, mode) in [modes.out, modes.err].into_iter().enumerate() {
                if wanted(mode) {
                    whole(role, STREAMS[index], &streams[index], modes.ignore);
                }
            }
        }
        for (peer, received) in self.actors.peers.iter().zip(&self.received) {
            if wanted(modes::of_peer(self.context.scenario, peer)) {
                let ignore = modes::in_scenario(self.context.scenario);
                whole(peer, "", received, ignore);
            }
        }
        lines
    }

    fn lanes(&self) -> Vec<Lane> {
        let program = |role: &String| Lane {
            name: role.clone(),
            command: self.command(role),
            player: if self.context.students.contains(role) {
                Player::Student
            } else {
                Player::Reference
            },
            ignore: modes::of(self.context.lab, self.context.scenario, role).ignore,
        };
        let peer = |name: &String| Lane {
            name: name.clone(),
            command: String::new(),
            player: Player::Peer,
            ignore: modes::in_scenario(self.context.scenario),
        };
        let programs = self.actors.programs.iter().map(program);
        programs.chain(self.actors.peers.iter().map(peer)).collect()
    }

    fn command(&self, role: &str) -> String {
        let Some(program) = modes::program(self.context.lab, role) else {
            return String::new();
        };
        let setup = self.context.scenario.setup.get(role);
        let args = setup.and_then(|setup| setup.args.as_ref());
        let mut command = format!("./{}", program.executable);
        for arg in args.unwrap_or(&program.args) {
            command.push(' ');
            if arg.is_empty() {
                command.push_str("''");
            }
            command.push_str(&title::named(arg).replace(' ', "\\x20"));
        }
        command
    }
}

/// The channels that an inspection covers, found or not.
fn channels(what: Inspection) -> &'static [&'static str] {
    match what {
        Inspection::Tree => &["tree", "spare"],
        Inspection::Descriptors => &["fds"],
        Inspection::Idle => &["idle"],
        Inspection::Family => &["family"],
        Inspection::Handlers => &["handler"],
        Inspection::Signals => &["signals"],
        Inspection::Terminal => &["terminal"],
        Inspection::Files => &["files", "modes", "contents"],
        Inspection::Lines => &["lines"],
        Inspection::Threads => &["threads"],
        Inspection::Children => &["held", "shared", "inherited"],
    }
}

fn limit_name(limit: LimitKind) -> &'static str {
    match limit {
        LimitKind::Wall => "wall time",
        LimitKind::Cpu => "cpu time",
        LimitKind::Memory => "memory",
        LimitKind::AddressSpace => "address space",
        LimitKind::Processes => "processes",
        LimitKind::Output => "output",
        LimitKind::FileSize => "file size",
        LimitKind::Disk => "disk",
        LimitKind::Descriptors => "descriptors",
    }
}
