//! Peers: how they come in, and stimuli that only name them.

use super::{Peer, Stage, fifo};
use crate::lab::decode::{At, Sink, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{Stimulus, StreamMode};
use crate::lab::program::stream;
use crate::lab::text::{self, Allowed};
use crate::lab::values::kebab;
use crate::lab::{names, raw};

impl Stage<'_> {
    /// A new peer.
    pub(super) fn enter(
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

    pub(super) fn receives(&mut self, peer: &str, mode: Option<&At<raw::Stream>>, sink: &mut Sink) {
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

    /// A peer that is connected.
    pub(super) fn peer(
        &mut self,
        name: &At<String>,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<String> {
        self.peer_or_listener(name, false, round, sink)
    }

    pub(super) fn peer_or_listener(
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

    /// Stimuli that only name peers.
    pub(super) fn simple(
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

    /// A reset is a matter of TCP.
    pub(super) fn only_over_tcp(
        &self,
        names: &Option<At<raw::Peers>>,
        round: Option<u32>,
        sink: &mut Sink,
    ) {
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
}
