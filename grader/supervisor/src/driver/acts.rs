//! Performing the acts of a step.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::fifo::Fifo;
use super::files;
use super::peers::Peer;
use super::stdio::Stdio;
use super::stranger;
use crate::event::{Quiet, What};
use crate::helper::Helper;
use crate::isolation::reaper;
use crate::launch;
use crate::plan::{Act, Address, Image, PeerId, ProcessId, ProgramId, Reach, SocketKind};

impl Helper {
    /// Performs one act. `Err` says what went wrong on our side.
    pub(crate) fn perform(&mut self, act: &Act) -> Result<(), String> {
        let at_rest = self.at_rest;
        self.at_rest &= matches!(act, Act::Advance(_) | Act::Inspect { .. });
        self.only_in_a_row(act);
        match act {
            // Nothing comes where no wait is timed and no timer is armed.
            Act::Advance(ms) if at_rest => {
                self.skip(Duration::from_millis(*ms));
                Ok(())
            }
            Act::Start(program) => self.start(*program),
            Act::Type {
                program,
                bytes,
                pieces,
            } => {
                self.stdio_of(*program)?;
                self.in_pieces(bytes, pieces, |helper, piece| {
                    if let Ok(stdio) = helper.stdio_of(*program) {
                        stdio.queue(piece);
                    }
                });
                Ok(())
            }
            Act::Eof(program) => {
                self.stdio_of(*program)?.want_eof();
                Ok(())
            }
            Act::LeaveOutput { program, after } => {
                self.stdio_of(*program)?.leave(*after);
                Ok(())
            }
            Act::Connect {
                peer,
                to,
                stalled,
                stranger,
            } => {
                let id = stranger.then(|| self.launcher.stranger());
                match id {
                    Some(None) => self.recorder.emit(What::NoStranger { peer: *peer }),
                    id => self.reach(*peer, *to, *stalled, None, id.flatten()),
                }
                Ok(())
            }
            Act::Listen { peer, address } => {
                let desk = self
                    .peers
                    .get_mut(usize::from(peer.0))
                    .ok_or("no such peer")?;
                match desk.listen(address) {
                    // Known and told before the run began (`NO_IPV6`).
                    Err(_) if has_no_ipv6(address) => return Ok(()),
                    listened => listened.map_err(|error| format!("listen: {error}"))?,
                }
                self.tracer.meetings.opened(*peer, address);
                Ok(())
            }
            Act::Reach {
                peer,
                to,
                stalled,
                how,
            } => {
                self.reach(*peer, *to, *stalled, Some(how), None);
                Ok(())
            }
            Act::Desk {
                peer,
                address,
                kind,
            } => {
                let desk = self
                    .peers
                    .get_mut(usize::from(peer.0))
                    .ok_or("no such peer")?;
                desk.desk(address, *kind)
                    .map_err(|error| format!("listen: {error}"))?;
                self.tracer.meetings.opened(*peer, address);
                Ok(())
            }
            Act::OwnNetwork => self.own_network(),
            Act::Flood { peer, bytes, fills } => {
                let times = super::peers::flood(*fills).map_err(|errno| errno.to_string())?;
                for _ in 0..times {
                    self.with_peer(*peer, |peer| peer.queue(bytes))?;
                }
                Ok(())
            }
            Act::Accept {
                listener,
                peer,
                stalled,
            } => {
                let listener = self
                    .peers
                    .get_mut(usize::from(listener.0))
                    .ok_or("no such peer")?;
                listener.expect(*peer, *stalled);
                Ok(())
            }
            Act::Open {
                peer,
                path,
                writing,
                stalled,
                room,
            } => {
                let end = Fifo::new(&self.workspace, path, *writing, *room);
                self.peers
                    .get_mut(usize::from(peer.0))
                    .ok_or("no such peer")?
                    .take_end(end, *stalled);
                Ok(())
            }
            Act::Send {
                peer,
                bytes,
                pieces,
            } => {
                let index = usize::from(peer.0);
                let sender = self.peers.get_mut(index).ok_or("no such peer")?;
                if bytes.is_empty() && sender.sends_messages() {
                    sender.queue(bytes);
                }
                self.in_pieces(bytes, pieces, |helper, piece| {
                    helper.peers[index].queue(piece);
                });
                Ok(())
            }
            Act::Shutdown(peer) => {
                let index = usize::from(peer.0);
                let ending = self.peers.get_mut(index).ok_or("no such peer")?;
                ending.shutdown(*peer, &mut self.recorder);
                Ok(())
            }
            Act::Close(peer) => {
                let index = usize::from(peer.0);
                let gone = self.peers.get_mut(index).ok_or("no such peer")?;
                // What was queued in this step goes out first, as it would from a program. Nothing
                // else is touched: a program that has woken stays at its stop, so that it finds the
                // data and the end at once.
                gone.close(*peer, &mut self.recorder);
                self.tracer.meetings.closed(*peer);
                Ok(())
            }
            Act::Reset(peer) => {
                self.with_peer(*peer, |peer| peer.reset())?;
                self.perform(&Act::Close(*peer))
            }
            Act::Stall(peer) => self.with_peer(*peer, |peer| peer.stall(true)),
            Act::Thaw(program) => {
                self.tracer.thaw(*program);
                Ok(())
            }
            Act::Resume(peer) => self.with_peer(*peer, |peer| peer.stall(false)),
            Act::Signal { to, signal, count } => self.signal(*to, *signal, *count),
            Act::Advance(ms) => {
                self.advance(Duration::from_millis(*ms));
                Ok(())
            }
            Act::File(act) => {
                self.tracer.meetings.changed(act, &self.workspace);
                files::perform(act, &self.workspace)
            }
            // A look at programs at rest: when the step has settled.
            Act::Inspect { .. } => Ok(()),
            Act::Disturb {
                program,
                disturbance,
            } => self.tracer.disturbances.add(*program, disturbance),
            Act::WaitExit { program, ms } => {
                self.wait_exit(*program, Duration::from_millis(*ms));
                Ok(())
            }
            Act::Collect { under, bytes } => {
                files::collect(&self.workspace, under, *bytes, &mut self.recorder)
            }
        }
    }

    fn stdio_of(&mut self, program: ProgramId) -> Result<&mut Stdio, String> {
        self.stdio
            .get_mut(usize::from(program.0))
            .and_then(Option::as_mut)
            .ok_or_else(|| "the program has not been started".to_owned())
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

    fn with_peer(&mut self, peer: PeerId, act: impl FnOnce(&mut Peer)) -> Result<(), String> {
        act(self
            .peers
            .get_mut(usize::from(peer.0))
            .ok_or("no such peer")?);
        Ok(())
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

    fn start(&mut self, id: ProgramId) -> Result<(), String> {
        let program = self
            .plan
            .programs
            .get(usize::from(id.0))
            .ok_or("no such program")?
            .clone();
        let (stdio, ends) = Stdio::open(&program).map_err(|error| format!("streams: {error}"))?;
        for (fd, name) in [
            (&ends.input, "stdin"),
            (&ends.output, "stdout"),
            (&ends.error, "stderr"),
        ] {
            if let Some(inode) = fd.as_ref().and_then(inode) {
                self.tracer.pipes.give(inode);
                self.pipe_names
                    .give(inode, &format!("{}'s {name}", program.name));
            }
        }
        let ends = launch::Stdio {
            stdin: ends.input,
            stdout: ends.output,
            stderr: ends.error,
        };
        let launched = self
            .launcher
            .spawn(&program, ends, self.traced)
            .map_err(|error| error.to_string())?;
        let builtin = matches!(program.image, Image::Builtin(_));
        self.tracer
            .adopt(id, launched.pid, builtin, self.traced)
            .map_err(|error| format!("attaching: {error}"))?;
        let process = ProcessId {
            program: id,
            number: 0,
        };
        self.recorder.emit(What::Started {
            process,
            pid: launched.pid,
        });
        let flags =
            fcntl(&launched.failure, FcntlArg::F_GETFL).map_err(|error| error.to_string())?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&launched.failure, FcntlArg::F_SETFL(flags)).map_err(|error| error.to_string())?;
        self.failures.push((id, launched.failure));
        nix::unistd::write(&launched.gate, b"x").map_err(|error| format!("gate: {error}"))?;
        self.stdio[usize::from(id.0)] = Some(stdio);
        Ok(())
    }

    /// Connects a peer to the address a program really has; `how`, where not in the plain way, and as
    /// which `stranger`.
    fn reach(
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
                None => target.connect(&address, stalled, small),
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

    /// Goes into a network namespace of its own. Where that is refused, the machine's own network
    /// remembers connections anyway.
    fn own_network(&mut self) -> Result<(), String> {
        if std::process::id() != 1 {
            return Ok(());
        }
        crate::isolation::net::enter_another().map_err(|error| error.to_string())
    }

    fn signal(&mut self, to: ProcessId, signal: i32, count: u32) -> Result<(), String> {
        let process = self
            .tracer
            .process(to)
            .filter(|process| process.status.is_none());
        // A program that has ended cannot be signalled; what it did before is on record.
        let Some(pid) = process.map(|process| process.pid) else {
            return Ok(());
        };
        for _ in 0..count {
            // nix has no real-time signals.
            // SAFETY: kill takes integers only.
            if unsafe { libc::kill(pid, signal) } < 0 {
                let error = std::io::Error::last_os_error();
                if error.raw_os_error() == Some(libc::ESRCH) {
                    return Ok(());
                }
                return Err(format!("kill: {error}"));
            }
        }
        Ok(())
    }

    pub(crate) fn wall_time_left(&self) -> Duration {
        Duration::from_millis(self.plan.limits.wall_ms)
            .saturating_sub(self.recorder.started().elapsed())
    }

    /// Waits for the end of a program that may compute as long as it likes.
    fn wait_exit(&mut self, program: ProgramId, most: Duration) {
        let deadline = Instant::now() + most;
        loop {
            self.turn();
            let running = self
                .tracer
                .root_of(program)
                .is_some_and(|root| root.status.is_none());
            let left = deadline.saturating_duration_since(Instant::now());
            if !running {
                // A build is over with its command: who goes on must neither hold up what follows
                // nor change what is collected.
                reaper::end_everything();
                self.turn();
                return;
            }
            if left.is_zero() {
                if self.had_no_processor(most) {
                    return;
                }
                self.limit_hit = true;
                let root = self.tracer.root_of(program).map(|root| root.pid);
                let there = root.map(crate::proc::tree::last_ones).unwrap_or_default();
                if !there.is_empty() {
                    let seconds = most.as_secs();
                    let text =
                        format!("\nafter {seconds} s there is still: {}\n", there.join("; "));
                    self.recorder.emit(What::Output {
                        program,
                        stream: crate::event::Stream::Err,
                        bytes: text.as_str().into(),
                    });
                }
                self.recorder.emit(What::Limit {
                    program: Some(program),
                    limit: crate::event::LimitKind::Wall,
                    most: u64::try_from(most.as_millis()).unwrap_or(u64::MAX),
                });
                return;
            }
            if self.overtaxed() {
                return;
            }
            self.wait(left.min(Duration::from_millis(20)));
        }
    }
}

/// Whether an address is of IPv6 and there is none.
fn has_no_ipv6(address: &Address) -> bool {
    matches!(address, Address::Inet(address) if address.is_ipv6())
        && std::net::UdpSocket::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_err()
}

/// The inode behind a descriptor.
fn inode(fd: &OwnedFd) -> Option<u64> {
    let stat = nix::sys::stat::fstat(fd).ok()?;
    (stat.st_mode & libc::S_IFMT == libc::S_IFIFO).then_some(stat.st_ino)
}

/// A path of the plan as one this process can follow.
pub(crate) fn resolve(workspace: &std::path::Path, path: &[u8]) -> std::path::PathBuf {
    workspace.join(std::ffi::OsString::from_vec(path.to_vec()))
}

/// The descriptor number, for tables of own ends.
pub(crate) fn raw(fd: &OwnedFd) -> i32 {
    fd.as_raw_fd()
}
