//! Stimuli: what is written in a step to what the grader does, with what is on the stage so far.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{self, kebab, required, small, stream, within};
use super::decode::{At, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{
    Data, DataSource, DisturbOn, Disturbance, Effect, FileStep, InputKind, Inspection, Nth,
    Program, Property, Scenario, Setup, SocketKind, Stimulus, StreamMode,
};
use super::scenario::{Means, has_address, no_such_program};
use super::text::{self, Allowed};
use super::{names, raw, sockets};

mod fifo;

/// At most so many bytes in one datum.
const MOST_DATA: u64 = 64 << 20;
/// At most so many pieces of one datum: after each the grader waits.
const MOST_PIECES: u64 = 10_000;

/// What is on the stage at some step: programs started, peers connected.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    programs: &'a [Program],
    setup: &'a BTreeMap<String, Setup>,
    started: BTreeMap<String, Running>,
    peers: BTreeMap<String, Peer>,
    /// How what the peers receive is compared.
    pub(super) receives: BTreeMap<String, StreamMode>,
    /// Programs and channels that the current step inspects.
    pub(super) inspected: BTreeSet<(String, &'static str)>,
    /// Peers that listen, and whether for connections of sequenced packets.
    packets: BTreeMap<String, bool>,
    /// Some step could not be read: say nothing about what seems not to be there.
    pub(super) lenient: bool,
}

#[derive(Debug)]
struct Running {
    at: Span,
    stdin_ended: Option<Span>,
}

#[derive(Debug)]
struct Peer {
    at: Span,
    listens: bool,
    /// Its socket keeps the borders of messages.
    messages: bool,
    /// It speaks TCP.
    tcp: bool,
    closed: Option<Span>,
    used: bool,
    /// It is an end of a FIFO, and whether it writes.
    fifo: Option<bool>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(programs: &'a [Program], setup: &'a BTreeMap<String, Setup>) -> Self {
        Self {
            programs,
            setup,
            started: BTreeMap::new(),
            peers: BTreeMap::new(),
            receives: BTreeMap::new(),
            packets: BTreeMap::new(),
            inspected: BTreeSet::new(),
            lenient: false,
        }
    }

    pub(super) fn has_started(&self, role: &str) -> bool {
        self.started.contains_key(role)
    }

    pub(super) fn is_peer(&self, name: &str) -> bool {
        self.peers.contains_key(name)
    }

    /// Whether some step has brought this peer in; a complaint otherwise.
    pub(super) fn met(&self, name: &At<String>, sink: &mut Sink) -> bool {
        let met = self.is_peer(&name.value);
        if !met && !self.lenient {
            let known = self.peers.keys().map(String::as_str);
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("there is no peer `{}`", shown(&name.value)),
                )
                .maybe_label(names::did_you_mean(&name.value, known)),
            );
        }
        met
    }

    pub(super) fn lanes(&self) -> impl Iterator<Item = &str> {
        self.started
            .keys()
            .chain(self.peers.keys())
            .map(String::as_str)
    }

    /// A program that has been started, or a complaint.
    pub(super) fn started(&self, name: &At<String>, sink: &mut Sink) -> Option<String> {
        self.program(name, sink)?;
        if !self.has_started(&name.value) && !self.lenient {
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("`{}` has not been started", shown(&name.value)),
                )
                .help(format!(
                    "an earlier step must say `start = \"{}\"`",
                    shown(&name.value)
                )),
            );
            return None;
        }
        Some(name.value.clone())
    }

    /// The one program that has been started.
    pub(super) fn only_program(&self, span: &Span, sink: &mut Sink) -> Option<String> {
        let mut names = self.started.keys();
        match (names.next(), names.next()) {
            (Some(only), None) => Some(only.clone()),
            _ if self.lenient => None,
            _ => {
                sink.push(
                    Diagnostic::error(span.clone(), "which program?").help(format!(
                        "this scenario starts {}: say `program = \"…\"`",
                        names::list(self.started.keys().map(String::as_str))
                    )),
                );
                None
            }
        }
    }

    fn program(&self, name: &At<String>, sink: &mut Sink) -> Option<&'a Program> {
        let found = self.programs.iter().find(|p| p.name == name.value);
        if found.is_none() {
            sink.push(no_such_program(&name.value, &name.span, self.programs));
        }
        found
    }

    /// Puts the stimuli of a step that has exactly one stimulus key into `out`.
    pub(super) fn stimuli(
        &mut self,
        step: &raw::Step,
        round: Option<u32>,
        means: &mut Means,
        out: &mut Vec<Stimulus>,
        sink: &mut Sink,
    ) {
        if let Some(role) = &step.start {
            out.extend(self.start(role, sink));
        }
        for (role, at) in step.type_.iter().flat_map(|t| &t.value.0) {
            let program = self.stdin(role, sink);
            let data = data(at, false, round, means, sink);
            if let (Some(program), Some(data)) = (program, data) {
                out.push(Stimulus::Type { program, data });
            }
        }
        if let Some(role) = &step.eof
            && let Some(program) = self.stdin(role, sink)
        {
            if let Some(running) = self.started.get_mut(&program) {
                running.stdin_ended = Some(role.span.clone());
            }
            out.push(Stimulus::Eof(program));
        }
        if let Some(leave) = &step.leave {
            self.leave(leave, out, sink);
        }
        if let Some(connect) = &step.connect {
            out.extend(self.connect(connect, round, sink));
        }
        if let Some(listen) = &step.listen {
            out.extend(self.listen(listen, round, sink));
        }
        if let Some(accept) = &step.accept {
            out.extend(self.accept(accept, round, sink));
        }
        if let Some(open) = &step.open {
            out.extend(self.open(open, round, sink));
        }
        if let Some(write) = &step.write {
            self.write(&write.value, round, means, out, sink);
        }
        for (name, at) in step.send.iter().flat_map(|s| &s.value.0) {
            let peer = self.peer(name, round, sink);
            let peer = peer.filter(|peer| fifo::allowed(&self.peers[peer], name, "send", sink));
            let entry = peer.as_ref().and_then(|peer| self.peers.get(peer));
            let messages = self.lenient || entry.is_some_and(|peer| peer.messages);
            let data = data(at, messages, round, means, sink);
            if let (Some(peer), Some(data)) = (peer, data) {
                out.push(Stimulus::Send { peer, data });
            }
        }
        self.simple(
            &step.shutdown,
            "shutdown",
            round,
            Stimulus::Shutdown,
            out,
            sink,
        );
        self.simple(&step.close, "close", round, Stimulus::Close, out, sink);
        self.only_over_tcp(&step.reset, round, sink);
        self.simple(&step.reset, "reset", round, Stimulus::Reset, out, sink);
        self.simple(&step.stall, "stall", round, Stimulus::Stall, out, sink);
        self.simple(&step.resume, "resume", round, Stimulus::Resume, out, sink);
        for (role, at) in step.signal.iter().flat_map(|s| &s.value.0) {
            out.extend(self.signal(role, at, sink));
        }
        if let Some(ms) = &step.advance {
            out.push(Stimulus::Advance {
                ms: within(ms, "milliseconds", 1, 3_600_000, sink),
            });
        }
        if let Some(file) = &step.file {
            out.extend(file_step(file, round, means, sink).map(Stimulus::File));
        }
        for (role, what) in step.inspect.iter().flat_map(|i| &i.value.0) {
            let Some(program) = self.started(role, sink) else {
                continue;
            };
            for what in &what.value.0 {
                out.push(self.inspect(&program, what, sink));
            }
        }
        if let Some(role) = &step.thaw
            && let Some(program) = self.started(role, sink)
        {
            out.push(Stimulus::Thaw(program));
        }
        for (role, at) in step.disturb.iter().flat_map(|d| &d.value.0) {
            let known = self.program(role, sink).is_some();
            if let Some(disturbance) = disturbance(at, sink)
                && known
            {
                out.push(Stimulus::Disturb {
                    program: role.value.clone(),
                    disturbance,
                });
            }
        }
    }

    /// A reset is a matter of TCP.
    fn only_over_tcp(&self, names: &Option<At<raw::Peers>>, round: Option<u32>, sink: &mut Sink) {
        for name in names.iter().flat_map(|n| &n.value.0) {
            let mut unheard = Sink::default();
            let expanded = text::expand(
                &name.value,
                Allowed::NOTHING,
                round,
                &name.span,
                &mut unheard,
            );
            if self.peers.get(&expanded).is_some_and(|peer| !peer.tcp) {
                sink.push(
                    Diagnostic::error(
                        name.span.clone(),
                        format!("`{}` has no TCP connection to reset", shown(&expanded)),
                    )
                    .help(
                        "over a Unix socket a peer that has not read everything resets by `close`",
                    ),
                );
            }
        }
    }

    /// Stimuli that only name peers.
    fn simple(
        &mut self,
        names: &Option<At<raw::Peers>>,
        key: &str,
        round: Option<u32>,
        stimulus: fn(String) -> Stimulus,
        out: &mut Vec<Stimulus>,
        sink: &mut Sink,
    ) {
        let closing = matches!(key, "close" | "reset");
        for name in names.iter().flat_map(|n| &n.value.0) {
            let Some(peer) = self.peer_or_listener(name, closing, round, sink) else {
                continue;
            };
            if !fifo::allowed(&self.peers[&peer], name, key, sink) {
                continue;
            }
            if closing && let Some(entry) = self.peers.get_mut(&peer) {
                entry.closed = Some(name.span.clone());
            }
            out.push(stimulus(peer));
        }
    }

    fn start(&mut self, role: &At<String>, sink: &mut Sink) -> Option<Stimulus> {
        self.program(role, sink)?;
        if let Some(before) = self.started.get(&role.value) {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!("`{}` is started twice", shown(&role.value)),
                )
                .also(before.at.clone(), "first here"),
            );
            return None;
        }
        if let Some(peer) = self.peers.get(&role.value) {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!("`{}` is a peer already", shown(&role.value)),
                )
                .also(peer.at.clone(), "here"),
            );
        }
        self.started.insert(
            role.value.clone(),
            Running {
                at: role.span.clone(),
                stdin_ended: None,
            },
        );
        Some(Stimulus::Start(role.value.clone()))
    }

    /// A started program whose standard input can be written to.
    fn stdin(&self, role: &At<String>, sink: &mut Sink) -> Option<String> {
        let program = self.started(role, sink)?;
        let input = self
            .setup
            .get(&program)
            .and_then(|s| s.stdin)
            .unwrap_or(InputKind::Pipe);
        if matches!(input, InputKind::Null | InputKind::Closed) {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!(
                        "the standard input of `{}` is not held by the grader",
                        shown(&program)
                    ),
                )
                .help("the scenario's `setup` says so"),
            );
            return None;
        }
        if let Some(ended) = self
            .started
            .get(&program)
            .and_then(|r| r.stdin_ended.clone())
        {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!("the standard input of `{}` is closed", shown(&program)),
                )
                .also(ended, "closed here"),
            );
            return None;
        }
        Some(program)
    }

    fn leave(&self, leave: &At<raw::Leave>, out: &mut Vec<Stimulus>, sink: &mut Sink) {
        match &leave.value {
            raw::Leave::Now(role) => {
                let role = At {
                    key: leave.key.clone(),
                    span: leave.span.clone(),
                    value: role.clone(),
                };
                out.extend(
                    self.started(&role, sink)
                        .map(|program| Stimulus::LeaveOutput { program, after: 0 }),
                );
            }
            raw::Leave::After(entries) => {
                for (role, after) in &entries.0 {
                    let after =
                        usize::try_from(within(after, "bytes", 0, MOST_DATA, sink)).unwrap_or(0);
                    out.extend(
                        self.started(role, sink)
                            .map(|program| Stimulus::LeaveOutput { program, after }),
                    );
                }
            }
        }
    }

    /// A new peer.
    fn enter(
        &mut self,
        name: &At<String>,
        listens: bool,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<String> {
        let expanded = text::expand(&name.value, Allowed::NOTHING, round, &name.span, sink);
        kebab(&expanded, &name.span, sink);
        if self.programs.iter().any(|p| p.name == expanded) {
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("`{}` is a program", shown(&expanded)),
                )
                .help("a peer needs a name of its own"),
            );
            return None;
        }
        if let Some(before) = self.peers.get(&expanded) {
            let mut diagnostic = Diagnostic::error(
                name.span.clone(),
                format!("peer `{}` is connected twice", shown(&expanded)),
            );
            if before.at == name.span {
                diagnostic = diagnostic.help("in a `repeat` a peer needs `{n}` in its name");
            } else {
                diagnostic = diagnostic.also(before.at.clone(), "first here");
            }
            sink.push(diagnostic);
            return None;
        }
        self.peers.insert(
            expanded.clone(),
            Peer {
                at: name.span.clone(),
                listens,
                messages: false,
                tcp: false,
                closed: None,
                used: false,
                fifo: None,
            },
        );
        Some(expanded)
    }

    fn receives(&mut self, peer: &str, mode: Option<&At<raw::Stream>>, sink: &mut Sink) {
        let Some(at) = mode else { return };
        match stream(&at.value, sink) {
            StreamMode::Exact => {}
            mode @ (StreamMode::Free
            | StreamMode::Some
            | StreamMode::Digest
            | StreamMode::BySender) => {
                self.receives.insert(peer.to_owned(), mode);
            }
            StreamMode::LinesInOrder | StreamMode::Contains(_) => sink.push(
                Diagnostic::error(
                    at.span.clone(),
                    "what a peer receives cannot be compared like this",
                )
                .help("`\"exact\"`, `\"free\"`, `\"some\"`, `\"digest\"` or `\"by-sender\"`"),
            ),
        }
    }

    fn connect(
        &mut self,
        at: &At<raw::Connect>,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<Stimulus> {
        let raw = &at.value.0;
        let name = required(
            raw.peer.as_ref(),
            &raw.shape,
            "peer",
            "a connection",
            &at.span,
            sink,
        )?;
        let to = match &raw.to {
            Some(role) => match self.program(role, sink) {
                Some(program) if !has_address(program) => {
                    sink.push(
                        Diagnostic::error(
                            role.span.clone(),
                            format!("`{}` has no address", shown(&role.value)),
                        )
                        .help("give the program `address = \"argv\"` or `\"discover\"`"),
                    );
                    None
                }
                Some(_) => self.started(role, sink),
                None => None,
            },
            None => self.only_address(&name.span, sink),
        };
        let peer = self.enter(name, false, round, sink)?;
        self.receives(&peer, raw.receives.as_ref(), sink);
        let to = to?;
        let reach = sockets::reach(raw, self.kind_of(&to), sink);
        if let (Some(_), Some(stranger)) = (&reach, raw.stranger.as_ref().filter(|s| s.value)) {
            sink.push(
                Diagnostic::error(stranger.key.clone(), "a stranger connects in the plain way")
                    .help("to a stream socket with a file, without `socket`, `bind` or `host`"),
            );
        }
        if let Some(entry) = self.peers.get_mut(&peer) {
            let kind = reach.as_ref().map(|reach| reach.kind);
            entry.messages = kind.is_some_and(sockets::keeps_borders);
            entry.tcp = kind == Some(SocketKind::Tcp);
        }
        Some(Stimulus::Connect {
            peer,
            to,
            stalled: raw.stalled.as_ref().is_some_and(|s| s.value),
            reach,
            stranger: raw.stranger.as_ref().is_some_and(|s| s.value),
        })
    }

    /// The kind of socket that a program has here, where the lab says so.
    fn kind_of(&self, role: &str) -> Option<SocketKind> {
        let setup = self.setup.get(role).and_then(|setup| setup.socket);
        let program = self.programs.iter().find(|p| p.name == role);
        setup.or(program.and_then(|program| program.socket))
    }

    fn listen(
        &mut self,
        at: &At<raw::Listen>,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<Stimulus> {
        let raw = &at.value.0;
        let name = required(
            raw.peer.as_ref(),
            &raw.shape,
            "peer",
            "a peer that listens",
            &at.span,
            sink,
        )?;
        // Whose place it takes.
        let server = self.programs.iter().find(|p| has_address(p));
        let server = server.and_then(|p| self.kind_of(&p.name));
        let kind = raw.socket.as_ref().map(|s| check::socket(s.value));
        let kind = kind.or(server).unwrap_or(SocketKind::Stream);
        let host = sockets::host(raw.host.as_ref(), kind, sink);
        let peer = self.enter(name, true, round, sink)?;
        let datagrams = kind == SocketKind::Datagram;
        if let Some(entry) = self.peers.get_mut(&peer) {
            // It takes what comes, like any other peer.
            entry.listens = !datagrams;
            entry.messages = datagrams;
            entry.tcp = kind == SocketKind::Tcp;
        }
        let packets = kind == SocketKind::Seqpacket;
        self.packets.insert(peer.clone(), packets);
        match &raw.receives {
            Some(_) if datagrams => self.receives(&peer, raw.receives.as_ref(), sink),
            Some(receives) => sink.push(
                Diagnostic::error(
                    receives.key.clone(),
                    "a peer that listens receives nothing itself",
                )
                .help("say it where the connection is accepted"),
            ),
            None => {}
        }
        Some(Stimulus::Listen { peer, kind, host })
    }

    /// The one started program that has an address.
    fn only_address(&self, span: &Span, sink: &mut Sink) -> Option<String> {
        let candidates: Vec<&str> = self
            .programs
            .iter()
            .filter(|p| has_address(p) && self.has_started(&p.name))
            .map(|p| p.name.as_str())
            .collect();
        match candidates.as_slice() {
            [only] => return Some((*only).to_owned()),
            _ if self.lenient => {}
            [] => sink.push(
                Diagnostic::error(span.clone(), "there is nothing to connect to")
                    .help("an earlier step must start a program with `address = \"argv\"` or `\"discover\"`"),
            ),
            several => sink.push(
                Diagnostic::error(span.clone(), "to which program?")
                    .help(format!("say `to = \"…\"`: {}", names::list(several.iter().copied()))),
            ),
        }
        None
    }

    fn accept(
        &mut self,
        at: &At<raw::Accept>,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<Stimulus> {
        let raw = &at.value.0;
        let name = required(
            raw.peer.as_ref(),
            &raw.shape,
            "peer",
            "a connection",
            &at.span,
            sink,
        )?;
        let listener = match &raw.on {
            Some(on) => self.listener(on, round, sink),
            None => self.only_listener(&name.span, sink),
        };
        let peer = self.enter(name, false, round, sink)?;
        let packets = listener.as_ref().and_then(|on| self.packets.get(on));
        let packets = packets.copied().unwrap_or_default();
        let tcp = listener.as_ref().and_then(|on| self.peers.get(on));
        let tcp = tcp.is_some_and(|listener| listener.tcp);
        if let Some(entry) = self.peers.get_mut(&peer) {
            (entry.messages, entry.tcp) = (packets, tcp);
        }
        self.receives(&peer, raw.receives.as_ref(), sink);
        Some(Stimulus::Accept {
            peer,
            listener: listener?,
            stalled: raw.stalled.as_ref().is_some_and(|s| s.value),
        })
    }

    fn listener(
        &mut self,
        name: &At<String>,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<String> {
        let listener = self.peer_or_listener(name, true, round, sink)?;
        if self.peers.get(&listener).is_some_and(|p| !p.listens) {
            sink.push(Diagnostic::error(
                name.span.clone(),
                format!("the peer `{}` does not listen", shown(&listener)),
            ));
            return None;
        }
        Some(listener)
    }

    fn only_listener(&mut self, span: &Span, sink: &mut Sink) -> Option<String> {
        let listeners: Vec<String> = self
            .peers
            .iter()
            .filter(|(_, p)| p.listens && p.closed.is_none())
            .map(|(n, _)| n.clone())
            .collect();
        match listeners.as_slice() {
            [only] => {
                if let Some(peer) = self.peers.get_mut(only) {
                    peer.used = true;
                }
                return Some(only.clone());
            }
            _ if self.lenient => {}
            [] => sink.push(
                Diagnostic::error(span.clone(), "no peer listens")
                    .help("an earlier step must say `listen = \"…\"`, and not of datagrams"),
            ),
            several => sink.push(
                Diagnostic::error(span.clone(), "on which peer?").help(format!(
                    "say `on = \"…\"`: {}",
                    names::list(several.iter().map(String::as_str))
                )),
            ),
        }
        None
    }

    /// A peer that is connected.
    fn peer(&mut self, name: &At<String>, round: Option<u32>, sink: &mut Sink) -> Option<String> {
        self.peer_or_listener(name, false, round, sink)
    }

    fn peer_or_listener(
        &mut self,
        name: &At<String>,
        listener_too: bool,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<String> {
        let expanded = text::expand(&name.value, Allowed::NOTHING, round, &name.span, sink);
        let connected: Vec<String> = self.peers.keys().cloned().collect();
        let Some(peer) = self.peers.get_mut(&expanded) else {
            if !self.lenient {
                let mut diagnostic = Diagnostic::error(
                    name.span.clone(),
                    format!("peer `{}` is not connected", shown(&expanded)),
                )
                .maybe_label(names::did_you_mean(
                    &expanded,
                    connected.iter().map(String::as_str),
                ));
                if self.programs.iter().any(|p| p.name == expanded) {
                    diagnostic = diagnostic
                        .help("this is a program: its standard input is written by `type`");
                } else {
                    diagnostic = diagnostic.help(format!(
                        "connected up to here: {}",
                        names::list(connected.iter().map(String::as_str))
                    ));
                }
                sink.push(diagnostic);
            }
            return None;
        };
        if let Some(closed) = &peer.closed {
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("peer `{}` is closed", shown(&expanded)),
                )
                .also(closed.clone(), "closed here"),
            );
            return None;
        }
        if peer.listens && !listener_too {
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("the peer `{}` only listens", shown(&expanded)),
                )
                .help("a connection gets its name by `accept`"),
            );
            return None;
        }
        peer.used = true;
        Some(expanded)
    }

    fn signal(&self, role: &At<String>, at: &At<raw::Signal>, sink: &mut Sink) -> Option<Stimulus> {
        let program = self.started(role, sink);
        let raw = &at.value.0;
        let name = required(
            raw.signal.as_ref(),
            &raw.shape,
            "signal",
            "a signal",
            &at.span,
            sink,
        )?;
        let signal = known_name(name, names::SIGNALS, "signal", sink)?;
        let count = raw
            .count
            .as_ref()
            .map_or(1, |c| small(c, "a count", 1, 10_000, sink));
        let process = raw
            .process
            .as_ref()
            .map_or(0, |p| small(p, "a process number", 0, 1000, sink));
        Some(Stimulus::Signal {
            program: program?,
            process: u16::try_from(process).unwrap_or(0),
            signal,
            count,
        })
    }

    fn inspect(&mut self, program: &str, what: &At<raw::Inspect>, sink: &mut Sink) -> Stimulus {
        let (inspection, channels): (_, &[&'static str]) = match what.value {
            raw::Inspect::Tree => (Inspection::Tree, &["tree", "spare"]),
            raw::Inspect::Fds => (Inspection::Descriptors, &["fds"]),
            raw::Inspect::Idle => (Inspection::Idle, &["idle"]),
            raw::Inspect::Family => (Inspection::Family, &["family"]),
            raw::Inspect::Handlers => (Inspection::Handlers, &["handler"]),
            raw::Inspect::Signals => (Inspection::Signals, &["signals"]),
            raw::Inspect::Terminal => (Inspection::Terminal, &["terminal"]),
            raw::Inspect::Files => (Inspection::Files, &["files", "modes", "contents"]),
            raw::Inspect::Lines => (Inspection::Lines, &["lines"]),
            raw::Inspect::Threads => (Inspection::Threads, &["threads"]),
            raw::Inspect::Children => (Inspection::Children, &["held", "shared", "inherited"]),
        };
        if inspection == Inspection::Handlers
            && !self.setup.get(program).is_some_and(|s| s.audit_handlers)
        {
            sink.push(
                Diagnostic::error(
                    what.span.clone(),
                    format!("the handlers of `{}` are not audited", shown(program)),
                )
                .help(format!(
                    "the scenario needs `setup = {{ {} = {{ audit-handlers = true }} }}`",
                    shown(program)
                )),
            );
        }
        for channel in channels {
            self.inspected.insert((program.to_owned(), channel));
        }
        Stimulus::Inspect {
            program: program.to_owned(),
            what: inspection,
        }
    }

    /// Warns of peers that connect and then do and prove nothing.
    pub(super) fn unused_peers(&self, scenario: &Scenario, sink: &mut Sink) {
        let steps = &scenario.steps;
        let checked = scenario
            .checks
            .iter()
            .flat_map(|check| match &check.property {
                Property::Among(among) => among.peers.as_slice(),
                _ => &[],
            });
        let picked: BTreeSet<&str> = steps
            .iter()
            .flat_map(|s| &s.proves)
            .flat_map(|p| &p.lanes)
            .map(|l| l.lane.as_str())
            .chain(checked.map(String::as_str))
            .collect();
        // Evidence that names no lanes takes in all of them.
        if steps
            .iter()
            .flat_map(|s| &s.proves)
            .any(|p| p.lanes.is_empty())
        {
            return;
        }
        for (name, peer) in &self.peers {
            if !peer.used && !picked.contains(name.as_str()) {
                sink.push(
                    Diagnostic::warning(
                        peer.at.clone(),
                        format!("peer `{}` is never used", shown(name)),
                    )
                    .help("it sends nothing, and no `proves` names its lane"),
                );
            }
        }
    }
}

pub(super) fn known_name(
    name: &At<String>,
    known: &[&str],
    what: &str,
    sink: &mut Sink,
) -> Option<String> {
    if known.contains(&name.value.as_str()) {
        return Some(name.value.clone());
    }
    // `TERM` for `SIGTERM` is the usual slip.
    let prefixed = format!("SIG{}", name.value.to_uppercase());
    let label = if known.contains(&prefixed.as_str()) {
        Some(format!("did you mean `{prefixed}`?"))
    } else {
        names::did_you_mean(&name.value, known.iter().copied())
    };
    sink.push(
        Diagnostic::error(
            name.span.clone(),
            format!("there is no {what} `{}`", shown(&name.value)),
        )
        .maybe_label(label),
    );
    None
}

/// The value of the one key of several that is there.
fn exactly_one<'a>(
    found: &[(&'static str, Option<&'a Span>)],
    what: &str,
    at: &Span,
    sink: &mut Sink,
) -> Option<(&'static str, &'a Span)> {
    let there: Vec<(&'static str, &Span)> = found
        .iter()
        .filter_map(|(k, s)| s.map(|s| (*k, s)))
        .collect();
    match there.as_slice() {
        [one] => Some(*one),
        [] => {
            sink.push(
                Diagnostic::error(at.clone(), format!("{what} says nothing")).help(format!(
                    "it needs one of {}",
                    names::list(found.iter().map(|(k, _)| *k))
                )),
            );
            None
        }
        [(first, first_span), (second, second_span), ..] => {
            sink.push(
                Diagnostic::error(
                    (*second_span).clone(),
                    format!("{what} has either `{first}` or `{second}`"),
                )
                .also((*first_span).clone(), "the first one"),
            );
            None
        }
    }
}

/// Complains about a key that means nothing beside `chosen`.
fn only_with<T>(field: Option<&At<T>>, key: &str, chosen: &str, with: &[&str], sink: &mut Sink) {
    if let Some(at) = field
        && !with.contains(&chosen)
    {
        sink.push(Diagnostic::error(
            at.key.clone(),
            format!("`{key}` means nothing beside `{chosen}`"),
        ));
    }
}

fn data(
    at: &At<raw::Data>,
    messages: bool,
    round: Option<u32>,
    means: &mut Means,
    sink: &mut Sink,
) -> Option<Data> {
    let raw = &at.value.0;
    if raw.shape.damaged {
        return None;
    }
    let keys = [
        ("text", raw.text.as_ref().map(|a| &a.key)),
        ("bytes", raw.bytes.as_ref().map(|a| &a.key)),
        ("random", raw.random.as_ref().map(|a| &a.key)),
        ("repeat", raw.repeat.as_ref().map(|a| &a.key)),
    ];
    let (chosen, _) = exactly_one(&keys, "data", &at.span, sink)?;
    only_with(raw.seed.as_ref(), "seed", chosen, &["random"], sink);
    only_with(raw.times.as_ref(), "times", chosen, &["repeat"], sink);
    only_with(raw.fills.as_ref(), "fills", chosen, &["text"], sink);
    if let Some(fills) = &raw.fills
        && !messages
    {
        sink.push(
            Diagnostic::error(fills.key.clone(), "`fills` is for peers that send messages")
                .help("this one sends a stream: `repeat` with `times`"),
        );
    }
    let (source, length) = if let Some(text) = &raw.text {
        let expanded = text::expand(&text.value, Allowed::NONCE, round, &text.span, sink);
        let length = expanded.len() as u64;
        match &raw.fills {
            Some(fills) => {
                let fills = small(fills, "queues", 1, 10, sink);
                (
                    DataSource::Fill {
                        text: expanded,
                        fills,
                    },
                    length,
                )
            }
            None => (DataSource::Text(expanded), length),
        }
    } else if let Some(random) = &raw.random {
        let bytes = within(random, "random bytes", 1, MOST_DATA, sink);
        let seed = raw.seed.as_ref().map_or(1, |s| s.value);
        let source = DataSource::Random {
            bytes: usize::try_from(bytes).unwrap_or(0),
            seed,
        };
        (source, bytes)
    } else if let Some(repeat) = &raw.repeat {
        let times = required(
            raw.times.as_ref(),
            &raw.shape,
            "times",
            "`repeat`",
            &at.span,
            sink,
        )?;
        let text = text::expand(&repeat.value, Allowed::NOTHING, round, &repeat.span, sink);
        let length = (text.len() as u64).saturating_mul(times.value);
        if length > MOST_DATA || length == 0 {
            let problem = if length == 0 {
                "sends nothing"
            } else {
                "sends more than 64 MiB"
            };
            sink.push(Diagnostic::error(
                at.span.clone(),
                format!("this {problem}"),
            ));
            return None;
        }
        let times = usize::try_from(times.value).unwrap_or(0);
        (DataSource::Repeat { text, times }, length)
    } else {
        (DataSource::AllBytes, 256)
    };
    // An empty message is a message.
    if length == 0 && !messages {
        sink.push(Diagnostic::error(at.span.clone(), "this sends nothing"));
    }
    if !means.bytes(length, &at.span, sink) {
        return None;
    }
    let pieces = pieces(raw.pieces.as_ref(), length, sink);
    Some(Data { source, pieces })
}

fn pieces(field: Option<&At<Vec<At<u64>>>>, length: u64, sink: &mut Sink) -> Vec<usize> {
    let Some(at) = field else { return Vec::new() };
    let lengths: Vec<u64> = at
        .value
        .iter()
        .map(|p| within(p, "a piece", 1, MOST_DATA, sink))
        .collect();
    let Some(last) = lengths.last() else {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "`pieces` without lengths",
        ));
        return Vec::new();
    };
    let rest = length.saturating_sub(lengths.iter().fold(0, |sum: u64, l| sum.saturating_add(*l)));
    let count = lengths.len() as u64 + rest.div_ceil(*last);
    if count > MOST_PIECES {
        sink.push(
            Diagnostic::error(at.span.clone(), format!("these are {count} pieces")).help(format!(
                "after each piece the grader waits: at most {MOST_PIECES}"
            )),
        );
    }
    lengths
        .iter()
        .map(|l| usize::try_from(*l).unwrap_or(1))
        .collect()
}

fn file_step(
    at: &At<raw::File>,
    round: Option<u32>,
    means: &mut Means,
    sink: &mut Sink,
) -> Option<FileStep> {
    let raw = &at.value;
    if raw.shape.damaged {
        return None;
    }
    let keys = [
        ("write", raw.write.as_ref().map(|a| &a.key)),
        ("stale", raw.stale.as_ref().map(|a| &a.key)),
        ("fifo", raw.fifo.as_ref().map(|a| &a.key)),
        ("directory", raw.directory.as_ref().map(|a| &a.key)),
        ("chmod", raw.chmod.as_ref().map(|a| &a.key)),
        ("remove", raw.remove.as_ref().map(|a| &a.key)),
    ];
    let (chosen, _) = exactly_one(&keys, "a file step", &at.span, sink)?;
    only_with(raw.content.as_ref(), "content", chosen, &["write"], sink);
    let with_mode = &["write", "fifo", "directory", "chmod"];
    only_with(raw.mode.as_ref(), "mode", chosen, with_mode, sink);
    let path = raw
        .write
        .as_ref()
        .or(raw.stale.as_ref())
        .or(raw.fifo.as_ref())
        .or(raw.directory.as_ref())
        .or(raw.chmod.as_ref())
        .or(raw.remove.as_ref())?;
    let name = inside(path, round, sink)?;
    let mode = raw
        .mode
        .as_ref()
        .map(|m| small(m, "permission bits", 0, 0o7777, sink));
    Some(match chosen {
        "write" => {
            let content = match &raw.content {
                Some(c) => text::expand(&c.value, Allowed::SOCKET, round, &c.span, sink),
                None => String::new(),
            };
            if !means.bytes(content.len() as u64, &at.span, sink) {
                return None;
            }
            FileStep::Write {
                path: name,
                content,
                mode: mode.unwrap_or(0o644),
            }
        }
        "stale" => FileStep::Stale { path: name },
        "fifo" => FileStep::Fifo {
            path: name,
            mode: mode.unwrap_or(0o600),
        },
        "directory" => FileStep::Directory {
            path: name,
            mode: mode.unwrap_or(0o755),
        },
        "chmod" => {
            if mode.is_none() {
                required(
                    raw.mode.as_ref(),
                    &raw.shape,
                    "mode",
                    "`chmod`",
                    &at.span,
                    sink,
                )?;
            }
            FileStep::Chmod {
                path: name,
                mode: mode.unwrap_or(0o644),
            }
        }
        _ => FileStep::Remove { path: name },
    })
}

/// A path that stays in the scenario's working directory or in its private `/tmp`.
fn inside(path: &At<String>, round: Option<u32>, sink: &mut Sink) -> Option<String> {
    let name = text::expand(&path.value, Allowed::SOCKET, round, &path.span, sink);
    let outside = name.is_empty()
        || name.contains('\0')
        || name.split('/').any(|part| part == "..")
        || (name.starts_with('/') && !name.starts_with("/tmp/"));
    if outside {
        sink.push(
            Diagnostic::error(path.span.clone(), "this path leaves the working directory")
                .help("a relative path without `..`, `{socket}`, or a path below `/tmp/`"),
        );
        return None;
    }
    Some(name)
}

/// Calls that make a process.
const FORKS: &[&str] = &["fork", "vfork", "clone"];

fn disturbance(at: &At<raw::Disturb>, sink: &mut Sink) -> Option<Disturbance> {
    let raw = &at.value;
    if raw.shape.damaged {
        return None;
    }
    let calls = required(
        raw.calls.as_ref(),
        &raw.shape,
        "calls",
        "a disturbance",
        &at.span,
        sink,
    )?;
    if calls.value.is_empty() {
        sink.push(Diagnostic::error(
            calls.span.clone(),
            "no call is disturbed",
        ));
    }
    let calls = calls
        .value
        .iter()
        .filter_map(|c| known_name(c, names::CALLS, "system call", sink))
        .collect();
    let nth = match (&raw.nth, &raw.from) {
        (Some(nth), Some(from)) => {
            sink.push(
                Diagnostic::error(from.key.clone(), "a disturbance has either `nth` or `from`")
                    .also(nth.key.clone(), "the first one"),
            );
            Nth::Every
        }
        (Some(nth), None) => Nth::Only(small(nth, "an occurrence", 1, 1_000_000, sink)),
        (None, Some(from)) => Nth::From(small(from, "an occurrence", 1, 1_000_000, sink)),
        (None, None) => Nth::Every,
    };
    let keys = [
        ("fail", raw.fail.as_ref().map(|a| &a.key)),
        ("at-most", raw.at_most.as_ref().map(|a| &a.key)),
        ("signal-before", raw.signal_before.as_ref().map(|a| &a.key)),
        ("signal-after", raw.signal_after.as_ref().map(|a| &a.key)),
        ("delay", raw.delay.as_ref().map(|a| &a.key)),
        ("freeze", raw.freeze.as_ref().map(|a| &a.key)),
        ("first", raw.first.as_ref().map(|a| &a.key)),
    ];
    exactly_one(&keys, "a disturbance", &at.span, sink)?;
    let effect = if let Some(name) = &raw.fail {
        Effect::Fail(known_name(name, names::ERRNOS, "error", sink)?)
    } else if let Some(bytes) = &raw.at_most {
        Effect::AtMost(small(bytes, "bytes", 1, 1 << 30, sink))
    } else if let Some(name) = &raw.signal_before {
        Effect::SignalBefore(known_name(name, names::SIGNALS, "signal", sink)?)
    } else if let Some(ms) = &raw.delay {
        Effect::Delay(within(ms, "milliseconds", 1, 3_600_000, sink))
    } else if let Some(freeze) = &raw.freeze {
        if !freeze.value {
            sink.push(
                Diagnostic::error(
                    freeze.span.clone(),
                    "a thread that is not kept is not disturbed",
                )
                .help("`freeze = true`, until a step `thaw`"),
            );
        }
        Effect::Freeze
    } else if let Some(first) = &raw.first {
        for call in &raw.calls.as_ref()?.value {
            if !FORKS.contains(&call.value.as_str()) {
                sink.push(
                    Diagnostic::error(
                        call.span.clone(),
                        format!("`{}` makes no process", call.value),
                    )
                    .also(
                        first.key.clone(),
                        "who goes first is asked of calls that fork",
                    )
                    .help("`fork`, `vfork` or `clone`; the C library's fork is a clone"),
                );
            }
        }
        match first.value {
            raw::First::Child => Effect::ChildFirst,
            raw::First::Parent => Effect::ParentFirst,
        }
    } else {
        let name = raw.signal_after.as_ref()?;
        Effect::SignalAfter(known_name(name, names::SIGNALS, "signal", sink)?)
    };
    Some(Disturbance {
        calls,
        on: match raw.on.as_ref().map(|o| o.value) {
            None | Some(raw::On::Any) => DisturbOn::Any,
            Some(raw::On::Socket) => DisturbOn::Socket,
            Some(raw::On::Pipe) => DisturbOn::Pipe,
            Some(raw::On::Standard) => DisturbOn::Standard,
        },
        nth,
        effect,
    })
}
