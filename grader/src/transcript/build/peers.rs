//! The peers: connections made, taken or refused, and what comes over them.

use supervisor::event::What;
use supervisor::plan::PeerId;

use super::Builder;
use crate::transcript::errno_name;

/// What is known of a peer's connection.
#[derive(Clone, Default)]
pub(super) struct Peer {
    pub(super) listens: bool,
    /// Phase in which the connection was queued.
    opened: Option<usize>,
    /// Phase in which it was taken.
    accepted: Option<usize>,
}

impl Builder<'_> {
    pub(super) fn peer_event(&mut self, phase: usize, what: &What) {
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

    /// Whether a connection was taken is known when its phase is over.
    pub(super) fn connections(&mut self) {
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
}
