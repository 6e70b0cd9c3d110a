//! Acts of peers: connecting, listening, sending, leaving.

use std::os::unix::ffi::OsStrExt;

use crate::driver::peers::{self, Peer};
use crate::driver::stranger;
use crate::event::What;
use crate::helper::Helper;
use crate::plan::{Address, PeerId, ProgramId, Reach, SocketKind};

impl Helper {
    pub(super) fn peer(&mut self, peer: PeerId) -> Result<&mut Peer, String> {
        let known = self.peers.get_mut(usize::from(peer.0));
        known.ok_or_else(|| "no such peer".to_owned())
    }

    pub(super) fn connect(&mut self, peer: PeerId, to: ProgramId, stalled: bool, stranger: bool) {
        match stranger.then(|| self.launcher.stranger()) {
            Some(None) => self.recorder.emit(What::NoStranger { peer }),
            id => self.reach(peer, to, stalled, None, id.flatten()),
        }
    }

    pub(super) fn listen(&mut self, peer: PeerId, address: &Address) -> Result<(), String> {
        match self.peer(peer)?.listen(address) {
            // Known and told before the run began (`NO_IPV6`).
            Err(_) if has_no_ipv6(address) => return Ok(()),
            listened => listened.map_err(|error| format!("listen: {error}"))?,
        }
        self.tracer.meetings.opened(peer, address);
        Ok(())
    }

    /// A peer that takes datagrams or sequenced packets at an address.
    pub(super) fn desk(
        &mut self,
        peer: PeerId,
        address: &Address,
        kind: SocketKind,
    ) -> Result<(), String> {
        let opened = self.peer(peer)?.desk(address, kind);
        opened.map_err(|error| format!("listen: {error}"))?;
        self.tracer.meetings.opened(peer, address);
        Ok(())
    }

    pub(super) fn send(
        &mut self,
        peer: PeerId,
        bytes: &[u8],
        pieces: &[usize],
    ) -> Result<(), String> {
        let sender = self.peer(peer)?;
        if bytes.is_empty() && sender.sends_messages() {
            sender.queue(bytes);
        }
        self.in_pieces(bytes, pieces, |helper, piece| {
            if let Ok(sender) = helper.peer(peer) {
                sender.queue(piece);
            }
        });
        Ok(())
    }

    pub(super) fn flood(&mut self, peer: PeerId, bytes: &[u8], fills: u32) -> Result<(), String> {
        let times = peers::flood(fills).map_err(|errno| errno.to_string())?;
        let sender = self.peer(peer)?;
        for _ in 0..times {
            sender.queue(bytes);
        }
        Ok(())
    }

    pub(super) fn shutdown(&mut self, peer: PeerId) -> Result<(), String> {
        let ending = self.peers.get_mut(usize::from(peer.0));
        let ending = ending.ok_or("no such peer")?;
        ending.shutdown(peer, self.plan.attempt, &mut self.recorder);
        Ok(())
    }

    /// What was queued in this step goes out first, as it would from a program. Nothing else is
    /// touched: a program that has woken stays at its stop, so that it finds the data and the end
    /// at once.
    pub(super) fn close(&mut self, peer: PeerId) -> Result<(), String> {
        let gone = self.peers.get_mut(usize::from(peer.0));
        let gone = gone.ok_or("no such peer")?;
        gone.close(peer, self.plan.attempt, &mut self.recorder);
        self.tracer.meetings.closed(peer);
        Ok(())
    }

    /// Connects a peer to the address a program really has; `how`, where not in the plain way, and as
    /// which `stranger`.
    pub(super) fn reach(
        &mut self,
        peer: PeerId,
        to: ProgramId,
        stalled: bool,
        how: Option<&Reach>,
        stranger: Option<u32>,
    ) {
        let host = how.and_then(|how| how.host);
        let named = self.tracer.reached_at(to, host);
        let nominal = self
            .plan
            .programs
            .get(usize::from(to.0))
            .and_then(|program| program.address.clone());
        let inode = named
            .filter(|named| named.listening)
            .map(|named| named.inode);
        let shown = named.map(|named| named.address.clone()).or(nominal.clone());
        let address = match named {
            Some(named) => match &named.path {
                Some(path) => Some(Address::Path(path.as_os_str().as_bytes().into())),
                None => Some(named.address.clone()),
            },
            None => nominal,
        };
        let address = address.map(|address| match (address, host) {
            (Address::Inet(inet), Some(host)) => Address::Inet((host, inet.port()).into()),
            (address, _) => address,
        });
        let Some(target) = self.peers.get_mut(usize::from(peer.0)) else {
            return;
        };
        let small = self.plan.programs.get(usize::from(to.0));
        let small = small.is_some_and(|program| program.small_peers);
        let datagrams = how.is_some_and(|how| how.kind == SocketKind::Datagram);
        let result = address.map_or(Err(libc::ENOENT), |address| {
            let mut go = || match how {
                Some(how) => target.reach(&address, stalled, small, how),
                None => target.connect(&address, stalled, small, self.plan.attempt),
            };
            match stranger {
                None => go(),
                // That it can be taken on was found out before.
                Some(id) => stranger::act_as(id, go).unwrap_or(Err(libc::EPERM)),
            }
        });
        match result {
            Ok(()) if datagrams => self.recorder.emit(What::PeerReady { peer }),
            Ok(()) => {
                if let Some(inode) = inode {
                    self.queued.entry(inode).or_default().push_back(Some(peer));
                }
                self.recorder.emit(What::PeerOpen { peer });
            }
            Err(errno) => self.recorder.emit(What::PeerRefused {
                peer,
                address: shown,
                errno,
            }),
        }
    }
}

/// Whether an address is of IPv6 and there is none.
fn has_no_ipv6(address: &Address) -> bool {
    matches!(address, Address::Inet(address) if address.is_ipv6())
        && std::net::UdpSocket::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_err()
}
