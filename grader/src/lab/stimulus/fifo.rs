//! Peers that are ends of FIFOs.

use super::data::data;
use super::files::inside;
use super::keys::{exactly_one, only_with};
use super::{Peer, Stage};
use crate::lab::decode::{At, Sink, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::Stimulus;
use crate::lab::raw;
use crate::lab::scenario::Means;
use crate::lab::values::{required, small};

/// A pipe holds at least a page and, for ordinary users, at most so much: pipe(7).
const MOST_ROOM: u32 = 1 << 20;
const PAGE: u32 = 4096;

impl Stage<'_> {
    /// A peer opens a FIFO.
    pub(super) fn open(
        &mut self,
        at: &At<raw::Open>,
        round: Option<u32>,
        sink: &mut Sink,
    ) -> Option<Stimulus> {
        let raw = &at.value;
        if raw.shape.damaged {
            return None;
        }
        let keys = [
            ("reader", raw.reader.as_ref().map(|a| &a.key)),
            ("writer", raw.writer.as_ref().map(|a| &a.key)),
        ];
        let (chosen, _) = exactly_one(&keys, "an open FIFO", &at.span, sink)?;
        let readers = &["reader"];
        only_with(raw.stalled.as_ref(), "stalled", chosen, readers, sink);
        only_with(raw.receives.as_ref(), "receives", chosen, readers, sink);
        only_with(raw.room.as_ref(), "room", chosen, readers, sink);
        let path = required(
            raw.path.as_ref(),
            &raw.shape,
            "path",
            "an open FIFO",
            &at.span,
            sink,
        )?;
        let path = inside(path, round, sink)?;
        let writing = chosen == "writer";
        let name = raw.writer.as_ref().or(raw.reader.as_ref())?;
        let peer = self.enter(name, false, round, sink)?;
        self.receives(&peer, raw.receives.as_ref(), sink);
        if let Some(entry) = self.peers.get_mut(&peer) {
            entry.fifo = Some(writing);
        }
        Some(Stimulus::Open {
            peer,
            path,
            writing,
            stalled: raw.stalled.as_ref().is_some_and(|s| s.value),
            room: raw
                .room
                .as_ref()
                .map(|room| small(room, "bytes", PAGE, MOST_ROOM, sink)),
        })
    }

    /// Writes into FIFOs.
    pub(super) fn write(
        &mut self,
        entries: &raw::Sends,
        round: Option<u32>,
        means: &mut Means,
        out: &mut Vec<Stimulus>,
        sink: &mut Sink,
    ) {
        for (name, at) in &entries.0 {
            let peer = self.peer(name, round, sink);
            let data = data(at, false, round, means, sink);
            let (Some(peer), Some(data)) = (peer, data) else {
                continue;
            };
            match self.peers.get(&peer).and_then(|entry| entry.fifo) {
                Some(true) => out.push(Stimulus::Send { peer, data }),
                Some(false) => sink.push(
                    Diagnostic::error(name.span.clone(), format!("`{}` only reads", shown(&peer)))
                        .help("a writer is opened by `open = { writer = \"…\", path = \"…\" }`"),
                ),
                None => sink.push(
                    Diagnostic::error(
                        name.span.clone(),
                        format!("`{}` is no end of a FIFO", shown(&peer)),
                    )
                    .help("a peer on a socket sends: `send`"),
                ),
            }
        }
    }
}

/// Complains where an end of a FIFO cannot do what a socket can.
pub(super) fn allowed(peer: &Peer, name: &At<String>, stimulus: &str, sink: &mut Sink) -> bool {
    let trouble = match (stimulus, peer.fifo) {
        (_, None) | ("close", _) | ("stall" | "resume", Some(false)) => return true,
        ("send", Some(_)) => "into a FIFO a peer writes: `write`",
        ("shutdown", Some(_)) => "a FIFO is closed as a whole: `close`",
        _ => "a writer does not read",
    };
    sink.push(
        Diagnostic::error(
            name.span.clone(),
            format!("`{}` is the end of a FIFO", shown(&name.value)),
        )
        .help(trouble),
    );
    false
}
