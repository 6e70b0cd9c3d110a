//! Where a descriptor leads, and who holds the other end.

use std::net::SocketAddr;

use nix::sys::socket::{SockaddrStorage, getpeername, getsockname};

use super::diag::{UnixDiag, UnixSocket};
use super::sockets::copy_fd;
use super::stage::{Held, Stage, borrow};
use crate::bytes::{Bytes, escape};
use crate::event::{Ender, Object};
use crate::plan::{Address, ProcessId};
use crate::proc::{self, Link};
use crate::scene::{OwnKind, PipeNames, words};

/// The direction in which a descriptor is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// For something to read (or to accept).
    Read,
    /// For room to write.
    Write,
}

impl Way {
    fn writing(self) -> bool {
        self == Self::Write
    }
}

/// What a wait leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) on: Object,
    pub(super) enders: Vec<Ender>,
}

impl Target {
    pub(super) fn new(on: Object, enders: Vec<Ender>) -> Self {
        Self { on, enders }
    }

    fn unknown(on: Object, why: &str) -> Self {
        Self::new(on, vec![Ender::Unknown(why.to_owned())])
    }
}

/// Follows descriptors.
pub(super) struct Ends<'a> {
    pub(super) stage: Stage<'a>,
    pub(super) pipes: &'a mut PipeNames,
    pub(super) diag: &'a mut Option<UnixDiag>,
}

impl Ends<'_> {
    /// What `fd` of a thread leads to.
    pub(super) fn follow(&mut self, waiter: ProcessId, tid: i32, fd: i32, way: Way) -> Target {
        let Some(link) = proc::fd_link(tid, fd) else {
            return Target::unknown(
                Object::Other(format!("descriptor {fd}")),
                "it cannot be looked up",
            );
        };
        match Link::parse(&link) {
            Link::Pipe(inode) => self.pipe(waiter, inode, way),
            Link::Socket(inode) => self.socket(waiter, tid, fd, inode, way),
            Link::Anonymous(name) => anonymous(&name),
            Link::Path(path) => self.path(waiter, tid, fd, &path, way),
        }
    }

    fn pipe(&mut self, waiter: ProcessId, inode: u64, way: Way) -> Target {
        let own = self
            .stage
            .own()
            .iter()
            .find(|own| own.end.kind == OwnKind::Pipe && own.inode == inode);
        if let Some(own) = own
            && !self.pipes.is_given(inode)
        {
            self.pipes.give(inode, &own.end.name);
        }
        let mut enders = self.stage.holders(
            waiter,
            |link| *link == Link::Pipe(inode),
            |held| opposite(held, way),
        );
        let graders = self
            .stage
            .own()
            .iter()
            .any(|own| own.inode == inode && fits(own.access, way));
        push_grader(&mut enders, graders);
        let on = Object::Pipe {
            name: self.pipes.name(inode).to_owned(),
            writing: way.writing(),
        };
        Target::new(on, or_nobody(enders))
    }

    fn path(&mut self, waiter: ProcessId, tid: i32, fd: i32, path: &[u8], way: Way) -> Target {
        match proc::inode_of(tid, fd) {
            Some((device, inode, libc::S_IFIFO)) => {
                let same = |held: &Held| {
                    opposite(held, way)
                        && proc::inode_of(held.pid, held.fd) == Some((device, inode, libc::S_IFIFO))
                };
                let mut enders = self.stage.holders(
                    waiter,
                    |link| matches!(link, Link::Path(other) if *other == path),
                    same,
                );
                let mut own = self
                    .stage
                    .own()
                    .iter()
                    .filter(|own| (own.device, own.inode) == (device, inode));
                push_grader(&mut enders, own.any(|own| fits(own.access, way)));
                Target::new(
                    Object::Pipe {
                        name: format!("FIFO {}", escape(path)),
                        writing: way.writing(),
                    },
                    or_nobody(enders),
                )
            }
            Some((_, _, libc::S_IFCHR)) if proc::is_terminal(tid, fd) => {
                Target::new(Object::Terminal, vec![Ender::Grader])
            }
            _ => Target::unknown(
                Object::Other(escape(path)),
                "it is neither a pipe nor a socket",
            ),
        }
    }

    fn socket(&mut self, waiter: ProcessId, tid: i32, fd: i32, inode: u64, way: Way) -> Target {
        if let Some((_, address)) = self
            .stage
            .listeners
            .iter()
            .find(|(listener, _)| *listener == inode)
        {
            return Target::new(Object::Listener(address.clone()), vec![Ender::Grader]);
        }
        match self.stage.unix(self.diag, inode) {
            Some(socket) => {
                let socket = socket.clone();
                self.unix_socket(waiter, inode, &socket, way)
            }
            None => self.other_socket(tid, fd, way),
        }
    }

    fn unix_socket(
        &mut self,
        waiter: ProcessId,
        inode: u64,
        socket: &UnixSocket,
        way: Way,
    ) -> Target {
        if socket.listening {
            let address = unix_address(socket.name.as_deref().unwrap_or_default());
            return Target::new(Object::Listener(address), vec![Ender::Grader]);
        }
        let writing = way.writing();
        if let Some(peer) = socket.peer {
            if let Some(end) = self.stage.own_socket(peer, OwnKind::Socket) {
                return Target::new(
                    Object::Socket {
                        peer: end.name.clone(),
                        writing,
                    },
                    vec![Ender::Grader],
                );
            }
            let enders = self
                .stage
                .holders(waiter, |link| *link == Link::Socket(peer), |_| true);
            let peer = self
                .people(waiter, &enders)
                .unwrap_or_else(|| "nobody".to_owned());
            return Target::new(Object::Socket { peer, writing }, or_nobody(enders));
        }
        // Connected but not accepted: the other end is still inside the listener's queue.
        let all = self.stage.unix_all(self.diag);
        let listener = all.and_then(|all| {
            all.iter()
                .find(|(_, socket)| socket.queued.contains(&inode))
        });
        let Some((&listener, _)) = listener else {
            let on = |peer: &str| Object::Socket {
                peer: peer.to_owned(),
                writing,
            };
            // Datagrams may come from anywhere; a stream without a peer stays without.
            return match (socket.name.is_some(), writing) {
                (true, true) => {
                    let why = "whoever has the name to which it sends";
                    Target::unknown(on("a client that does not read"), why)
                }
                (true, false) => Target::unknown(on("anybody"), "anybody may send to it"),
                (false, _) => Target::new(on("nobody"), vec![Ender::Nobody]),
            };
        };
        self.acceptor(waiter, listener, writing)
    }

    /// Who could accept from a listening socket.
    pub(super) fn acceptor(&self, waiter: ProcessId, listener: u64, writing: bool) -> Target {
        if let Some(end) = self.stage.own_socket(listener, OwnKind::Listener) {
            let peer = format!("{}, not accepted yet", end.name);
            return Target::new(Object::Socket { peer, writing }, vec![Ender::Grader]);
        }
        let enders = self
            .stage
            .holders(waiter, |link| *link == Link::Socket(listener), |_| true);
        let who = self
            .people(waiter, &enders)
            .unwrap_or_else(|| "nobody".to_owned());
        let peer = format!("{who}, not accepted yet");
        Target::new(Object::Socket { peer, writing }, or_nobody(enders))
    }

    /// Sockets that are not of the Unix family.
    fn other_socket(&self, tid: i32, fd: i32, way: Way) -> Target {
        let on = |peer: &str| Object::Socket {
            peer: peer.to_owned(),
            writing: way.writing(),
        };
        let Ok(copy) = copy_fd(tid, fd) else {
            return Target::unknown(on("unknown"), "the socket cannot be looked at");
        };
        let raw = std::os::fd::AsRawFd::as_raw_fd(&copy);
        let mine = getsockname(raw).ok().and_then(|name| inet(&name));
        let theirs = getpeername(raw).ok().and_then(|name| inet(&name));
        match (mine, theirs) {
            (Some(mine), Some(theirs)) => {
                let own = self.stage.own().iter().find(|own| {
                    let fd = std::os::fd::AsRawFd::as_raw_fd(&borrow(own.end));
                    own.end.kind == OwnKind::Socket
                        && getsockname(fd).ok().and_then(|name| inet(&name)) == Some(theirs)
                        && getpeername(fd).ok().and_then(|name| inet(&name)) == Some(mine)
                });
                match own {
                    Some(own) => Target::new(on(&own.end.name), vec![Ender::Grader]),
                    None => Target::unknown(on(&theirs.to_string()), "an internet socket"),
                }
            }
            (Some(mine), None) if is_listening(&copy) => {
                Target::new(Object::Listener(Address::Inet(mine)), vec![Ender::Grader])
            }
            (Some(_), None) => Target::unknown(on("nobody"), "an internet socket"),
            _ => Target::unknown(
                on("unknown"),
                "the other end of the socket cannot be looked up",
            ),
        }
    }

    /// The process among the enders that a person would name: another one before the waiter.
    fn people(&self, waiter: ProcessId, enders: &[Ender]) -> Option<String> {
        let mut processes = enders.iter().filter_map(|ender| match ender {
            Ender::Process { process, .. } => Some(*process),
            _ => None,
        });
        let first = processes.next()?;
        let other = std::iter::once(first)
            .chain(processes)
            .find(|&process| process != waiter);
        Some(words(self.stage.program_names, other.unwrap_or(first)))
    }
}

fn opposite(held: &Held, way: Way) -> bool {
    proc::access(held.pid, held.fd).is_some_and(|access| fits(access, way))
}

/// Whether such an end could end the wait: a writer that of a reader, and the other way round.
fn fits(access: proc::Access, way: Way) -> bool {
    match way {
        Way::Read => access.write,
        Way::Write => access.read,
    }
}

fn push_grader(enders: &mut Vec<Ender>, holds: bool) {
    if holds {
        enders.push(Ender::Grader);
    }
}

pub(super) fn or_nobody(enders: Vec<Ender>) -> Vec<Ender> {
    if enders.is_empty() {
        vec![Ender::Nobody]
    } else {
        enders
    }
}

fn anonymous(name: &[u8]) -> Target {
    match name {
        b"timerfd" => Target::new(Object::Time, Vec::new()),
        b"signalfd" => Target::new(Object::Signal, vec![Ender::Grader]),
        name => {
            let name = escape(name);
            let why = format!("whoever holds the {name} may end it");
            Target::unknown(Object::Other(name), &why)
        }
    }
}

/// A bound name as the kernel keeps it.
pub(super) fn unix_address(name: &[u8]) -> Address {
    match name.split_first() {
        Some((0, name)) => Address::Abstract(Bytes::from(name)),
        _ => Address::Path(Bytes::from(name.strip_suffix(b"\0").unwrap_or(name))),
    }
}

fn inet(name: &SockaddrStorage) -> Option<SocketAddr> {
    name.as_sockaddr_in()
        .map(|&v4| SocketAddr::V4(v4.into()))
        .or_else(|| name.as_sockaddr_in6().map(|&v6| SocketAddr::V6(v6.into())))
}

fn is_listening(socket: &std::os::fd::OwnedFd) -> bool {
    nix::sys::socket::getsockopt(socket, nix::sys::socket::sockopt::AcceptConn).unwrap_or(false)
}
