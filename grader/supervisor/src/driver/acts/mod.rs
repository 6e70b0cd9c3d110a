//! Performing the acts of a step.

mod for_good;
mod peers;
mod programs;
mod wait_exit;

use std::time::Duration;

use super::fifo::Fifo;
use super::files;
use super::peers::Peer;
use crate::event::Quiet;
use crate::helper::Helper;
use crate::isolation::net;
use crate::plan::Act;

impl Helper {
    /// Performs one act. `Err` says what went wrong on our side.
    pub(crate) fn perform(&mut self, act: &Act) -> Result<(), String> {
        let at_rest = self.at_rest;
        self.at_rest &= matches!(act, Act::Advance(_) | Act::Inspect { .. });
        self.only_in_a_row(act);
        match act {
            Act::Start(program) => self.start(*program)?,
            Act::Type {
                program,
                bytes,
                pieces,
            } => self.type_in(*program, bytes, pieces)?,
            Act::Eof(program) => self.stdio_of(*program)?.want_eof(),
            Act::LeaveOutput { program, after } => self.stdio_of(*program)?.leave(*after),
            Act::Signal { to, signal, count } => self.signal(*to, *signal, *count)?,
            Act::Thaw(program) => self.tracer.thaw(*program),
            Act::Disturb {
                program,
                disturbance,
            } => self.tracer.disturbances.add(*program, disturbance)?,
            Act::WaitExit { program, ms } => {
                self.wait_exit(*program, Duration::from_millis(*ms));
            }
            // A look at programs at rest: when the step has settled.
            Act::Inspect { .. } => {}

            Act::Connect {
                peer,
                to,
                stalled,
                stranger,
            } => self.connect(*peer, *to, *stalled, *stranger),
            Act::Reach {
                peer,
                to,
                stalled,
                how,
            } => self.reach(*peer, *to, *stalled, Some(how), None),
            Act::Listen { peer, address } => self.listen(*peer, address)?,
            Act::Desk {
                peer,
                address,
                kind,
            } => self.desk(*peer, address, *kind)?,
            Act::Accept {
                listener,
                peer,
                stalled,
            } => self.peer(*listener)?.expect(*peer, *stalled),
            Act::Open {
                peer,
                path,
                writing,
                stalled,
                room,
            } => {
                let end = Fifo::new(&self.workspace, path, *writing, *room);
                self.peer(*peer)?.take_end(end, *stalled);
            }
            Act::Send {
                peer,
                bytes,
                pieces,
            } => self.send(*peer, bytes, pieces)?,
            Act::Flood { peer, bytes, fills } => self.flood(*peer, bytes, *fills)?,
            Act::Shutdown(peer) => self.shutdown(*peer)?,
            Act::Close(peer) => self.close(*peer)?,
            Act::Reset(peer) => {
                self.peer(*peer)?.reset();
                self.close(*peer)?;
            }
            Act::Stall(peer) => self.peer(*peer)?.stall(true),
            Act::Resume(peer) => self.peer(*peer)?.stall(false),

            // Nothing comes where no wait is timed and no timer is armed.
            Act::Advance(ms) if at_rest => self.skip(Duration::from_millis(*ms)),
            Act::Advance(ms) => self.advance(Duration::from_millis(*ms)),
            Act::OwnNetwork => own_network()?,
            Act::File(act) => {
                self.tracer.meetings.changed(act, &self.workspace);
                files::perform(act, &self.workspace)?;
            }
            Act::Collect { under, bytes } => {
                files::collect(&self.workspace, under, *bytes, &mut self.recorder)?;
            }
        }
        Ok(())
    }

    /// What a peer does is one only if nothing else is done in between.
    fn only_in_a_row(&mut self, act: &Act) {
        let (Act::Connect { peer, .. }
        | Act::Reach { peer, .. }
        | Act::Send { peer, .. }
        | Act::Flood { peer, .. }
        | Act::Shutdown(peer)
        | Act::Reset(peer)
        | Act::Close(peer)) = act
        else {
            self.peers.iter_mut().for_each(Peer::begin);
            return;
        };
        for (index, other) in self.peers.iter_mut().enumerate() {
            if index != usize::from(peer.0) {
                other.begin();
            }
        }
    }

    /// Hands out `bytes` in pieces, waiting for quiescence between two of them.
    fn in_pieces(
        &mut self,
        bytes: &[u8],
        pieces: &[usize],
        mut give: impl FnMut(&mut Self, &[u8]),
    ) {
        let mut rest = bytes;
        let mut lengths = pieces.iter().copied();
        let mut length = bytes.len();
        while !rest.is_empty() {
            length = lengths.next().unwrap_or(length).clamp(1, rest.len());
            let (piece, after) = rest.split_at(length);
            give(self, piece);
            rest = after;
            self.peers.iter_mut().for_each(Peer::begin);
            if !rest.is_empty() && self.settle().how == Quiet::Limit {
                return;
            }
        }
    }
}

/// Goes into a network namespace of its own. Where that is refused, the machine's own network
/// remembers connections anyway.
fn own_network() -> Result<(), String> {
    if std::process::id() != 1 {
        return Ok(());
    }
    net::enter_another().map_err(|error| error.to_string())
}
