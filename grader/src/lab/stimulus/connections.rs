//! Peers that connect, listen and accept.

use super::Stage;
use crate::lab::decode::{At, Sink, Span, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{SocketKind, Stimulus};
use crate::lab::program;
use crate::lab::program::has_address;
use crate::lab::sockets;
use crate::lab::values::required;
use crate::lab::{names, raw};

impl Stage<'_> {
    pub(super) fn connect(
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
    pub(super) fn kind_of(&self, role: &str) -> Option<SocketKind> {
        let setup = self.setup.get(role).and_then(|setup| setup.socket);
        let program = self.programs.iter().find(|p| p.name == role);
        setup.or(program.and_then(|program| program.socket))
    }

    pub(super) fn listen(
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
        let kind = raw.socket.as_ref().map(|s| program::socket(s.value));
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
    pub(super) fn only_address(&self, span: &Span, sink: &mut Sink) -> Option<String> {
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

    pub(super) fn accept(
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

    pub(super) fn listener(
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

    pub(super) fn only_listener(&mut self, span: &Span, sink: &mut Sink) -> Option<String> {
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
}
