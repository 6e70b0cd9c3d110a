//! Stimuli: what is written in a step to what the grader does, with what is on the stage so far.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{At, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{Program, Property, Scenario, Setup, Stimulus, StreamMode};
use super::program::no_such_program;
use super::scenario::Means;
use super::values::within;
use super::{names, raw};

mod connections;
mod data;
mod disturb;
mod fifo;
mod files;
mod keys;
mod peers;
mod programs;

pub(super) use keys::known_name;

use data::data;
use disturb::disturbance;
use files::file_step;

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
