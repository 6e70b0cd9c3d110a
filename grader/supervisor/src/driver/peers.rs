//! The peers: socket ends played by the grader, never blocking.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, Shutdown, SockFlag, SockType, accept4, listen, recv, send,
    shutdown, socket,
};

use crate::event::{Queue, What};
use crate::plan::{Address, PeerId};
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
    shutdown_wanted: bool,
    ended: bool,
    failed: bool,
    /// For a listener: names waiting for connections, with their stalled flags.
    expected: VecDeque<(PeerId, bool)>,
}

fn family(address: &Address) -> AddressFamily {
    match address {
        Address::Path(_) | Address::Abstract(_) => AddressFamily::Unix,
        Address::Inet(inet) if inet.is_ipv4() => AddressFamily::Inet,
        Address::Inet(_) => AddressFamily::Inet6,
    }
}

/// Makes a call on a socket with an address.
fn with_name(
    fd: &OwnedFd,
    address: &Address,
    call: unsafe extern "C" fn(i32, *const libc::sockaddr, libc::socklen_t) -> i32,
) -> nix::Result<()> {
    let name = encode(address).ok_or(nix::Error::ENAMETOOLONG)?;
    let length = libc::socklen_t::try_from(name.len()).map_err(|_| nix::Error::ENAMETOOLONG)?;
    // SAFETY: `name` is a socket address of the stated length, and both calls only read it.
    let result = unsafe { call(fd.as_raw_fd(), name.as_ptr().cast(), length) };
    nix::Error::result(result).map(drop)
}

/// Connects to a path of any length: seen from its directory, a name is as short as the one its
/// server bound.
fn connect_to(fd: &OwnedFd, address: &Address) -> nix::Result<()> {
    let done = with_name(fd, address, libc::connect);
    let (Err(nix::Error::ENAMETOOLONG), Address::Path(path)) = (done, address) else {
        return done;
    };
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return done;
    };
    let home = std::env::current_dir().map_err(|_| nix::Error::ENOENT)?;
    nix::unistd::chdir(directory)?;
    let done = with_name(fd, &Address::Path(name.as_bytes().into()), libc::connect);
    nix::unistd::chdir(&home)?;
    done
}

fn stream_socket(address: &Address) -> nix::Result<OwnedFd> {
    socket_of(address, SockType::Stream)
}

fn socket_of(address: &Address, kind: SockType) -> nix::Result<OwnedFd> {
    socket(
        family(address),
        kind,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )
}

impl Peer {
    /// Connects, with as little room for what it sends as the kernel allows if it is to be `small`
    /// (`SO_SNDBUF`, socket(7)). `Err` is the `errno` of the refusal.
    pub(crate) fn connect(
        &mut self,
        address: &Address,
        stalled: bool,
        small: bool,
    ) -> Result<(), i32> {
        let attempt = || -> nix::Result<OwnedFd> {
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
            Ok(fd)
        };
        match attempt() {
            Ok(fd) => {
                *self = Self {
                    fd: Some(fd),
                    stalled,
                    ..Self::default()
                };
                Ok(())
            }
            Err(errno) => Err(errno as i32),
        }
    }

    /// Binds and listens.
    pub(crate) fn listen(&mut self, address: &Address) -> io::Result<()> {
        let fd = stream_socket(address)?;
        with_name(&fd, address, libc::bind)?;
        if let Address::Path(path) = address {
            // The programs run under another uid.
            let path: &std::path::Path =
                std::ffi::OsStr::new(std::str::from_utf8(path).unwrap_or("")).as_ref();
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        }
        listen(&fd, Backlog::new(16)?)?;
        *self = Self {
            fd: Some(fd),
            listening: true,
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
            let connection = Self {
                fd: Some(owned(connection)),
                stalled,
                ..Self::default()
            };
            accepted.push((peer, connection));
        }
        accepted
    }

    /// Queues bytes to send.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.queue.extend(bytes);
    }

    /// Half-closes once the queue is empty.
    pub(crate) fn want_shutdown(&mut self) {
        self.shutdown_wanted = true;
    }

    /// Stops or resumes reading.
    pub(crate) fn stall(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    /// Closes at once.
    pub(crate) fn close(&mut self) {
        *self = Self::default();
    }

    /// Sends what is queued, as far as there is room. `true` if anything was sent.
    pub(crate) fn send_queued(&mut self, peer: PeerId, recorder: &mut Recorder) -> bool {
        let mut moved = false;
        while !self.queue.is_empty() && !self.failed {
            let Some(fd) = &self.fd else { break };
            let (front, _) = self.queue.as_slices();
            match send(fd.as_raw_fd(), front, MsgFlags::MSG_NOSIGNAL) {
                Ok(n) => {
                    self.queue.drain(..n);
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

    /// Moves what can be moved, by way of `buffer`. `true` if anything was.
    pub(crate) fn pump(
        &mut self,
        peer: PeerId,
        buffer: &mut [u8],
        recorder: &mut Recorder,
    ) -> bool {
        if self.listening {
            return false;
        }
        let mut moved = self.send_queued(peer, recorder);
        if self.shutdown_wanted && self.queue.is_empty() {
            self.shutdown_wanted = false;
            if let Some(fd) = &self.fd {
                let _ = shutdown(fd.as_raw_fd(), Shutdown::Write);
                moved = true;
            }
        }
        while !self.stalled && !self.ended {
            let Some(fd) = &self.fd else { break };
            match recv(fd.as_raw_fd(), buffer, MsgFlags::empty()) {
                Ok(0) => {
                    self.ended = true;
                    recorder.emit(What::PeerEof { peer });
                }
                Ok(n) => recorder.emit(What::PeerData {
                    peer,
                    bytes: buffer[..n].into(),
                }),
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

    /// Reports what was not sent.
    pub(crate) fn report_untaken(&self, peer: PeerId, recorder: &mut Recorder) {
        if !self.queue.is_empty() && !self.failed {
            recorder.emit(What::Untaken {
                queue: Queue::Peer(peer),
                bytes: self.queue.len() as u64,
            });
        }
    }

    /// Whether it should be watched for reading, writing.
    pub(crate) fn interest(&self) -> (bool, bool) {
        // A connection that no step accepts yet stays readable: watching for it would not let the
        // grader sleep, and it shares its processor with the programs.
        let reading = if self.listening {
            !self.expected.is_empty()
        } else {
            !self.stalled && !self.ended
        };
        (reading, !self.queue.is_empty() && !self.failed)
    }
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: accept4 has just made this descriptor and nobody else knows it.
    unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) }
}

/// Waits for the kernel's answer to a connection over the loopback, at most a second.
fn finish_connect(fd: &OwnedFd) -> nix::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let mut watched = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut watched, PollTimeout::from(1000_u16))? == 0 {
        return Err(nix::Error::ETIMEDOUT);
    }
    match nix::sys::socket::getsockopt(fd, nix::sys::socket::sockopt::SocketError)? {
        0 => Ok(()),
        error => Err(nix::Error::from_raw(error)),
    }
}
