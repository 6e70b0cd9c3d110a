//! The peers: socket ends played by the grader, never blocking.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    Backlog, MsgFlags, Shutdown, SockFlag, SockType, accept4, listen, recv, send, shutdown,
};

use super::fifo::Fifo;
use super::messages::{Messages, Received, queue_length};
use super::sockets::{
    acknowledge, at_once, connect_to, finish_connect, kind_of, owned, socket_of, stream_socket,
    take_name,
};
use super::together::Switches;
use crate::event::{Queue, What};
use crate::plan::{Address, OwnName, PeerId, Reach, SocketKind};
use crate::raw::to_poll;
use crate::recorder::Recorder;
use crate::tracer::meeting::encode;

/// A peer.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// Its socket.
    pub(crate) fd: Option<OwnedFd>,
    /// It listens and accepts.
    pub(crate) listening: bool,
    stalled: bool,
    queue: VecDeque<u8>,
    /// A listener: of sequenced packets.
    packets: bool,
    /// Its socket keeps the borders of what is sent.
    messages: Option<Messages>,
    /// It leads over the internet protocols.
    internet: bool,
    shutdown_wanted: bool,
    ended: bool,
    failed: bool,
    /// Before it first made itself felt in this step.
    since: Option<Switches>,
    /// Somebody may have run between what it sent and its end.
    parted: bool,
    /// For a listener: names waiting for connections, with their stalled flags.
    expected: VecDeque<(PeerId, bool)>,
    /// It is one end of a FIFO, not a socket.
    pub(crate) fifo: Option<Fifo>,
}

impl Peer {
    /// Connects, with as little room for what it sends as the kernel allows if it is to be `small`
    /// (`SO_SNDBUF`, socket(7)). `Err` is the `errno` of the refusal.
    pub(crate) fn connect(
        &mut self,
        address: &Address,
        stalled: bool,
        small: bool,
        attempt: u32,
    ) -> Result<(), i32> {
        let before = Switches::afresh(attempt);
        let go = || -> nix::Result<OwnedFd> {
            let fd = stream_socket(address)?;
            if small {
                nix::sys::socket::setsockopt(&fd, nix::sys::socket::sockopt::SndBuf, &0)?;
            }
            match connect_to(&fd, address) {
                // TCP, even over the loopback: answered as soon as we look away.
                Err(nix::Error::EINPROGRESS) => finish_connect(&fd)?,
                // The listening socket is of another type: unix(7).
                Err(nix::Error::EPROTOTYPE) => {
                    let fd = socket_of(address, SockType::SeqPacket)?;
                    connect_to(&fd, address)?;
                    return Ok(fd);
                }
                done => done?,
            }
            at_once(&fd, address)?;
            Ok(fd)
        };
        match go() {
            Ok(fd) => {
                *self = Self {
                    fd: Some(fd),
                    stalled,
                    internet: matches!(address, Address::Inet(_)),
                    // The loopback answers when it likes.
                    since: (!matches!(address, Address::Inet(_))).then_some(before),
                    ..Self::default()
                };
                Ok(())
            }
            Err(errno) => Err(errno as i32),
        }
    }

    /// Reaches an address in the way asked for, and in no other. `Err` is the `errno` of the
    /// refusal.
    pub(crate) fn reach(
        &mut self,
        address: &Address,
        stalled: bool,
        small: bool,
        how: &Reach,
    ) -> Result<(), i32> {
        let attempt = || -> nix::Result<(OwnedFd, Option<Messages>)> {
            let fd = socket_of(address, kind_of(how.kind))?;
            if small {
                nix::sys::socket::setsockopt(&fd, nix::sys::socket::sockopt::SndBuf, &0)?;
            }
            match &how.name {
                OwnName::None => {}
                OwnName::Auto => nix::sys::socket::bind(
                    fd.as_raw_fd(),
                    &nix::sys::socket::UnixAddr::new_unnamed(),
                )?,
                OwnName::At(name) => take_name(&fd, name)?,
            }
            if how.kind == SocketKind::Datagram && how.unconnected {
                let to = encode(address).ok_or(nix::Error::ENAMETOOLONG)?;
                return Ok((fd, Some(Messages::datagrams(Some(to)))));
            }
            match connect_to(&fd, address) {
                Err(nix::Error::EINPROGRESS) => finish_connect(&fd)?,
                done => done?,
            }
            let messages = match how.kind {
                SocketKind::Stream => {
                    at_once(&fd, address)?;
                    None
                }
                SocketKind::Datagram => Some(Messages::datagrams(None)),
                SocketKind::SeqPacket => Some(Messages::connected_packets(&fd)),
            };
            Ok((fd, messages))
        };
        let (fd, messages) = attempt().map_err(|errno| errno as i32)?;
        *self = Self {
            fd: Some(fd),
            stalled,
            messages,
            internet: matches!(address, Address::Inet(_)),
            ..Self::default()
        };
        Ok(())
    }

    /// Takes a name at which programs reach it by messages.
    pub(crate) fn desk(&mut self, address: &Address, kind: SocketKind) -> io::Result<()> {
        let fd = socket_of(address, kind_of(kind))?;
        take_name(&fd, address)?;
        let datagrams = kind == SocketKind::Datagram;
        if !datagrams {
            listen(&fd, Backlog::new(16)?)?;
        }
        *self = Self {
            fd: Some(fd),
            listening: !datagrams,
            packets: !datagrams,
            messages: datagrams.then(Messages::desk),
            internet: matches!(address, Address::Inet(_)),
            ..Self::default()
        };
        Ok(())
    }

    /// Whether it leads, or waits, over the internet protocols.
    pub(crate) fn is_internet(&self) -> bool {
        self.internet && self.fd.is_some()
    }

    /// Becomes one end of a FIFO.
    pub(crate) fn take_end(&mut self, end: Fifo, stalled: bool) {
        *self = Self {
            fifo: Some(end),
            stalled,
            ..Self::default()
        };
    }

    /// Binds and listens.
    pub(crate) fn listen(&mut self, address: &Address) -> io::Result<()> {
        let fd = stream_socket(address)?;
        take_name(&fd, address)?;
        listen(&fd, Backlog::new(16)?)?;
        *self = Self {
            fd: Some(fd),
            listening: true,
            internet: matches!(address, Address::Inet(_)),
            ..Self::default()
        };
        Ok(())
    }

    /// The next connection is to become this peer.
    pub(crate) fn expect(&mut self, peer: PeerId, stalled: bool) {
        self.expected.push_back((peer, stalled));
    }

    /// Takes the connections that are waiting.
    pub(crate) fn accept(&mut self) -> Vec<(PeerId, Self)> {
        let mut accepted = Vec::new();
        while let (Some(fd), Some(&(peer, stalled))) = (&self.fd, self.expected.front()) {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let Ok(connection) = accept4(fd.as_raw_fd(), flags) else {
                break;
            };
            self.expected.pop_front();
            let connection = owned(connection);
            let connection = Self {
                messages: (self.packets).then(|| Messages::connected_packets(&connection)),
                fd: Some(connection),
                stalled,
                internet: self.internet,
                ..Self::default()
            };
            accepted.push((peer, connection));
        }
        accepted
    }

    /// Queues bytes to send; where borders are kept, one message.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        if let Some(fifo) = &mut self.fifo {
            fifo.queued(bytes.len());
        }
        match &mut self.messages {
            Some(messages) => messages.queue(bytes),
            None => self.queue.extend(bytes),
        }
    }

    /// Whether an empty text is something to send.
    pub(crate) fn sends_messages(&self) -> bool {
        self.messages.is_some()
    }

    /// Half-closes once the queue is empty.
    pub(crate) fn shutdown(&mut self, peer: PeerId, attempt: u32, recorder: &mut Recorder) {
        self.shutdown_wanted = true;
        self.prepare(attempt);
        self.send_or_end(peer, recorder);
    }

    /// Begins a slice of processor time in which what is queued and its end come as one.
    fn prepare(&mut self, attempt: u32) {
        let sends = !self.queue.is_empty() || !self.has_no_messages();
        if sends && self.since.is_none() {
            self.since = Some(Switches::afresh(attempt));
        }
    }

    /// What comes from now on is not one with what came before.
    pub(crate) fn begin(&mut self) {
        self.since = None;
    }

    /// Whether somebody may have run between what it sent and its end; asked once.
    pub(crate) fn was_parted(&mut self) -> bool {
        std::mem::take(&mut self.parted)
    }

    /// Stops or resumes reading.
    pub(crate) fn stall(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    /// Lets `close` reset the connection, whatever was read.
    pub(crate) fn reset(&mut self) {
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        if let Some(fd) = &self.fd {
            // Over a Unix socket it means nothing.
            let _ = nix::sys::socket::setsockopt(fd, nix::sys::socket::sockopt::Linger, &linger);
        }
    }

    /// Sends what there is room for, and closes at once.
    pub(crate) fn close(&mut self, peer: PeerId, attempt: u32, recorder: &mut Recorder) {
        self.prepare(attempt);
        let before = self.since.unwrap_or_else(Switches::now);
        let felt = self.send_queued(peer, recorder) || self.since.is_some();
        self.fd = None;
        *self = Self {
            parted: felt && !before.unbroken(),
            ..Self::default()
        };
    }

    /// Sends what there is room for, and half-closes if nothing is left that had to go before.
    fn send_or_end(&mut self, peer: PeerId, recorder: &mut Recorder) -> bool {
        if !self.shutdown_wanted {
            return self.send_queued(peer, recorder);
        }
        let before = self.since.unwrap_or_else(Switches::now);
        let mut moved = self.send_queued(peer, recorder);
        if self.queue.is_empty() && self.has_no_messages() {
            self.shutdown_wanted = false;
            if let Some(fd) = &self.fd {
                let _ = shutdown(fd.as_raw_fd(), Shutdown::Write);
                self.parted |= (moved || self.since.is_some()) && !before.unbroken();
                moved = true;
            }
        }
        moved
    }

    /// Sends what is queued, as far as there is room. `true` if anything was sent.
    fn send_queued(&mut self, peer: PeerId, recorder: &mut Recorder) -> bool {
        let mut moved = false;
        while let (Some(messages), Some(fd), false) = (&mut self.messages, &self.fd, self.failed) {
            match messages.send_next(fd) {
                Ok(true) => moved = true,
                Ok(false) | Err(nix::Error::EAGAIN) => break,
                Err(errno) => {
                    self.fail(peer, errno, recorder);
                    moved = true;
                }
            }
        }
        while !self.queue.is_empty() && !self.failed {
            let Some(fd) = &self.fd else { break };
            let sent = match &self.fifo {
                Some(fifo) => fifo.write(fd, self.queue.make_contiguous()),
                None => send(
                    fd.as_raw_fd(),
                    self.queue.as_slices().0,
                    MsgFlags::MSG_NOSIGNAL,
                ),
            };
            match sent {
                Ok(n) => {
                    self.queue.drain(..n);
                    if let Some(fifo) = &mut self.fifo {
                        fifo.taken(n);
                    }
                    moved = true;
                }
                Err(nix::Error::EAGAIN) => break,
                Err(errno) => {
                    self.fail(peer, errno, recorder);
                    moved = true;
                }
            }
        }
        moved
    }

    /// What is asked with one call of poll(2), before [`pump`](Self::pump): whether there is anything to be
    /// received or accepted.
    pub(crate) fn watch(&self) -> libc::pollfd {
        let (reading, _) = self.interest();
        let fd = self.fd.as_ref().filter(|_| reading && self.fifo.is_none());
        to_poll(fd.map_or(-1, AsRawFd::as_raw_fd), libc::POLLIN)
    }

    /// Moves what can be moved, by way of `buffer`. `true` if anything was. `ready`: the answer for
    /// [`watch`](Self::watch).
    pub(crate) fn pump(
        &mut self,
        peer: PeerId,
        ready: bool,
        buffer: &mut [u8],
        recorder: &mut Recorder,
    ) -> bool {
        if self.listening {
            return false;
        }
        if let Some(fifo) = &mut self.fifo {
            let stalled = self.stalled;
            let mut moved = fifo.pump(peer, &mut self.fd, stalled, buffer, recorder);
            moved |= self.send_queued(peer, recorder);
            self.since = None;
            return moved;
        }
        let mut moved = self.send_or_end(peer, recorder);
        // The programs have their turn now.
        self.since = None;
        while ready && !self.stalled && !self.ended {
            let Some(fd) = &self.fd else { break };
            if let Some(messages) = &mut self.messages {
                match messages.receive(fd.as_raw_fd(), buffer) {
                    Ok(Received::Message { length, cut }) => recorder.emit(What::PeerMessage {
                        peer,
                        bytes: buffer[..length].into(),
                        cut,
                    }),
                    Ok(Received::End) => {
                        self.ended = true;
                        recorder.emit(What::PeerEof { peer });
                    }
                    Err(nix::Error::EAGAIN) => break,
                    Err(errno) => {
                        self.ended = true;
                        self.fail(peer, errno, recorder);
                    }
                }
                moved = true;
                continue;
            }
            match recv(fd.as_raw_fd(), buffer, MsgFlags::empty()) {
                Ok(0) => {
                    self.ended = true;
                    recorder.emit(What::PeerEof { peer });
                }
                Ok(n) => {
                    if self.internet {
                        acknowledge(fd);
                    }
                    recorder.emit(What::PeerData {
                        peer,
                        bytes: buffer[..n].into(),
                    });
                }
                Err(nix::Error::EAGAIN) => break,
                Err(errno) => {
                    self.ended = true;
                    self.fail(peer, errno, recorder);
                }
            }
            moved = true;
        }
        moved
    }

    fn fail(&mut self, peer: PeerId, errno: nix::Error, recorder: &mut Recorder) {
        if !std::mem::replace(&mut self.failed, true) {
            recorder.emit(What::PeerFailed {
                peer,
                errno: errno as i32,
            });
        }
    }

    /// Reports what was not sent, and how the end of a FIFO stands.
    pub(crate) fn report_rest(&mut self, peer: PeerId, recorder: &mut Recorder) {
        if let Some(fifo) = &mut self.fifo {
            fifo.report(peer, self.fd.as_ref(), self.stalled, recorder);
        }
        let messages = self.messages.as_ref().map_or(0, Messages::pending);
        let bytes = (self.queue.len() + messages) as u64;
        if bytes > 0 && !self.failed {
            recorder.emit(What::Untaken {
                queue: Queue::Peer(peer),
                bytes,
            });
        }
    }

    /// Whether it should be watched for reading, writing.
    pub(crate) fn interest(&self) -> (bool, bool) {
        // A connection that no step accepts yet stays readable: watching for it would not let the
        // grader sleep, and it shares its processor with the programs.
        let reading = if self.listening {
            !self.expected.is_empty()
        } else if let Some(fifo) = &self.fifo {
            !self.stalled && fifo.may_have_data()
        } else {
            !self.stalled && !self.ended
        };
        let messages = self.messages.as_ref();
        let waiting =
            messages.is_some_and(|messages| !messages.is_empty() && messages.tells_room());
        (reading, (waiting || !self.queue.is_empty()) && !self.failed)
    }

    fn has_no_messages(&self) -> bool {
        self.messages.as_ref().is_none_or(Messages::is_empty)
    }
}

/// How many messages fill so many queues of datagrams on this machine.
pub(crate) fn flood(fills: u32) -> nix::Result<u32> {
    Ok(fills
        .saturating_mul(queue_length()?)
        .min(crate::plan::MOST_FLOOD))
}
