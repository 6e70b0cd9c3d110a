//! The names of the programs' sockets: what they bind and where they listen.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::sys::socket::SockType;

use super::task::Named;
use super::{Tracer, arguments, lookup};
use crate::event::What;
use crate::memory;
use crate::plan::{Address, ProcessId, ProgramId, SocketKind};
use crate::proc;
use crate::recorder::Recorder;
use crate::waits::sockets;

impl Tracer {
    /// Reports socket files that are gone, and abstract names, which go with their sockets.
    pub(crate) fn look_for_unlinked(&mut self, recorder: &mut Recorder) {
        let mut bound: Option<BTreeSet<u64>> = None;
        for named in self.named.iter_mut().filter(|named| !named.unlinked) {
            let gone = match (&named.path, &named.address) {
                (Some(path), _) => std::fs::symlink_metadata(path)
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound),
                (None, Address::Abstract(_)) => !bound
                    .get_or_insert_with(lookup::unix_inodes)
                    .contains(&named.inode),
                _ => false,
            };
            if gone {
                named.unlinked = true;
                self.progress += 1;
                recorder.emit(What::Unlinked {
                    program: named.process.program,
                    address: named.address.clone(),
                });
            }
        }
    }

    /// A file got another name, both seen from the process: a socket goes with it.
    pub(super) fn renamed(
        &mut self,
        pid: i32,
        id: ProcessId,
        from: Vec<u8>,
        to: Vec<u8>,
        recorder: &mut Recorder,
    ) {
        let (from, to) = (Address::Path(from.into()), Address::Path(to.into()));
        let (Some(old), Some(new)) = (lookup::absolute(pid, &from), lookup::absolute(pid, &to))
        else {
            return;
        };
        let moved = |named: &Named| !named.unlinked && named.path.as_ref() == Some(&old);
        let Some(index) = self.named.iter().rposition(moved) else {
            return;
        };
        let before = std::mem::replace(&mut self.named[index].address, to);
        self.named[index].path = Some(new);
        let named = &self.named[index];
        let (process, listening) = (named.process, named.listening);
        let nominal = self.is_nominal(process.program, named);
        // A name that was made out of the one in the arguments is called like that.
        let wanted = self.nominal.get(usize::from(process.program.0));
        if let Some(wanted) = wanted.cloned().flatten().filter(|_| nominal) {
            self.named[index].address = wanted;
        }
        let address = self.named[index].address.clone();
        recorder.emit(What::Renamed {
            process: id,
            from: before,
            to: address.clone(),
        });
        if listening {
            recorder.emit(What::Listening {
                process,
                address,
                nominal,
            });
        }
    }

    /// A `bind` has returned.
    pub(super) fn bound(
        &mut self,
        pid: i32,
        id: ProcessId,
        tid: i32,
        args: &[u64; 6],
        result: i64,
        recorder: &mut Recorder,
    ) {
        let raw = memory::read(tid, args[1], usize::try_from(args[2]).unwrap_or(0).min(128));
        let Some(address) = arguments::parse_address(&raw) else {
            return;
        };
        if result < 0 {
            recorder.emit(What::BindFailed {
                process: id,
                address,
                errno: i32::try_from(-result).unwrap_or(0),
            });
        } else if let Some(inode) = lookup::socket_inode(pid, args[0] as i32) {
            let kind = kind(tid, args[0] as i32);
            self.named.push(Named {
                inode,
                process: id,
                path: lookup::absolute(pid, &address),
                address,
                listening: false,
                kind,
                unlinked: false,
            });
            if kind != SocketKind::Stream {
                self.tell_bound(self.named.len() - 1, recorder);
            }
        }
    }

    /// A `listen` has succeeded.
    pub(super) fn listens(
        &mut self,
        pid: i32,
        id: ProcessId,
        tid: i32,
        fd: i32,
        recorder: &mut Recorder,
    ) {
        let Some(inode) = lookup::socket_inode(pid, fd) else {
            return;
        };
        let known = |named: &Named| named.inode == inode;
        // Without `bind` the kernel chooses a port as well, ip(7).
        if !self.named.iter().any(known)
            && let Some(address) = sockets::copy_fd(tid, fd)
                .ok()
                .and_then(|socket| unbound(&socket))
        {
            self.named.push(Named {
                inode,
                process: id,
                address: Address::Inet(address),
                path: None,
                listening: false,
                kind: SocketKind::Stream,
                unlinked: false,
            });
        }
        let Some(index) = self.named.iter().rposition(known) else {
            return;
        };
        self.named[index].listening = true;
        if let Address::Inet(inet) = &mut self.named[index].address
            && inet.port() == 0
            && let Some(port) = lookup::local_port(pid, inode)
        {
            inet.set_port(port);
            self.tell_bound(index, recorder);
        }
        let named = &self.named[index];
        recorder.emit(What::Listening {
            process: id,
            address: named.address.clone(),
            nominal: self.is_nominal(id.program, named),
        });
    }

    fn tell_bound(&self, index: usize, recorder: &mut Recorder) {
        let named = &self.named[index];
        recorder.emit(What::Bound {
            process: named.process,
            address: named.address.clone(),
            kind: named.kind,
            nominal: self.is_nominal(named.process.program, named),
        });
    }

    /// The socket of a program by which a peer reaches it, at a certain host if one is given: the
    /// last that listens there; else the first that listens, or has a name.
    pub(crate) fn reached_at(&self, program: ProgramId, host: Option<IpAddr>) -> Option<&Named> {
        let own = || {
            let named = self.named.iter().rev();
            named.filter(move |named| named.process.program == program)
        };
        let at_host = host.and_then(|host| {
            let wanted = Address::Inet((host, 0).into());
            let answering = || own().filter(|n| n.listening && answers(&n.address, &wanted));
            let same_family = |named: &&Named| {
                matches!(named.address, Address::Inet(of) if of.is_ipv4() == host.is_ipv4())
            };
            // Of two sockets the one of the host's family: the other one keeps to its own.
            answering().find(same_family).or_else(|| answering().next())
        });
        // Of several the first: `max_by_key` takes the last of equals, and this goes backwards.
        at_host.or_else(|| own().max_by_key(|named| named.listening))
    }
}

/// Whether a socket that listens at `listener` answers at `wanted`; a port of 0 is any.
pub(super) fn answers(listener: &Address, wanted: &Address) -> bool {
    let (Address::Inet(listener), Address::Inet(wanted)) = (listener, wanted) else {
        return false;
    };
    if wanted.port() != 0 && wanted.port() != listener.port() {
        return false;
    }
    match (listener.ip(), wanted.ip()) {
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(_))
        // Without IPV6_V6ONLY, ipv6(7).
        | (IpAddr::V6(Ipv6Addr::UNSPECIFIED), _) => true,
        (listener, wanted) => listener == wanted,
    }
}

/// Whether an address has the port that the program was told.
pub(super) fn same_port(told: Option<&Address>, wanted: &Address) -> bool {
    match (told, wanted) {
        (Some(Address::Inet(told)), Address::Inet(wanted)) => told.port() == wanted.port(),
        _ => false,
    }
}

/// Whether a `connect` may be one that leads to another program: not that of a datagram socket of
/// the internet protocols, by which getaddrinfo(3) finds out which addresses there are.
pub(super) fn may_meet(tid: i32, args: &[u64; 6]) -> bool {
    let family = memory::read(tid, args[1], 2);
    let family = family.try_into().map_or(0, u16::from_ne_bytes);
    !matches!(i32::from(family), libc::AF_INET | libc::AF_INET6)
        || kind(tid, args[0] as i32) == SocketKind::Stream
}

/// What a socket carries (`SO_TYPE`).
fn kind(tid: i32, fd: i32) -> SocketKind {
    let of = |socket| nix::sys::socket::getsockopt(&socket, nix::sys::socket::sockopt::SockType);
    let listed = || {
        let listed = proc::listed_socket(tid, lookup::socket_inode(tid, fd)?)?;
        SockType::try_from(listed.kind).ok()
    };
    let asked = sockets::copy_fd(tid, fd).and_then(of).ok();
    match asked.or_else(listed) {
        Some(SockType::Datagram) => SocketKind::Datagram,
        Some(SockType::SeqPacket) => SocketKind::SeqPacket,
        _ => SocketKind::Stream,
    }
}

/// Where a socket listens that was never bound, its port left open.
fn unbound(socket: &std::os::fd::OwnedFd) -> Option<SocketAddr> {
    let raw = std::os::fd::AsRawFd::as_raw_fd(socket);
    let name: nix::sys::socket::SockaddrStorage = nix::sys::socket::getsockname(raw).ok()?;
    let everywhere = if name.as_sockaddr_in().is_some() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        name.as_sockaddr_in6()?;
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    Some((everywhere, 0).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(text: &str) -> Address {
        Address::Inet(text.parse().unwrap())
    }

    #[test]
    fn who_listens_everywhere_answers_everywhere() {
        let answered = |listener: &str, wanted: &str| answers(&inet(listener), &inet(wanted));
        assert!(answered("0.0.0.0:5", "127.0.0.1:5"));
        assert!(answered("[::]:5", "127.0.0.1:5"));
        assert!(answered("[::1]:5", "[::1]:0"));
        assert!(!answered("127.0.0.1:5", "127.0.0.2:5"));
        assert!(!answered("0.0.0.0:5", "[::1]:5"));
        assert!(!answered("0.0.0.0:5", "127.0.0.1:6"));
    }

    #[test]
    fn a_port_is_the_one_told_whatever_the_host() {
        let told = inet("127.0.0.1:5");
        assert!(same_port(Some(&told), &inet("[::1]:5")));
        assert!(!same_port(Some(&told), &inet("127.0.0.1:6")));
        assert!(!same_port(None, &told));
    }
}
