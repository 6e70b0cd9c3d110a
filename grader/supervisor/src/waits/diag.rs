//! The kernel's list of Unix sockets, over `NETLINK_SOCK_DIAG` (`unix_diag`, sock_diag(7)), and the
//! socket that [`super::tcp`] asks for its list.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::room::Room;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SHOW_NAME: u32 = 1;
const SHOW_PEER: u32 = 4;
const SHOW_ICONS: u32 = 8;
const SHOW_RQLEN: u32 = 16;
const ATTRIBUTE_NAME: u16 = 0;
const ATTRIBUTE_PEER: u16 = 2;
const ATTRIBUTE_ICONS: u16 = 3;
const ATTRIBUTE_RQLEN: u16 = 4;
const STATE_LISTEN: u8 = 10;

/// A Unix socket of this network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnixSocket {
    /// The inode of the socket at the other end; `None` where there is none, or it was not
    /// accepted yet (see [`UnixSocket::queued`]).
    pub peer: Option<u64>,
    /// It listens.
    pub listening: bool,
    /// Of a listening socket: the inodes of the connecting sockets that wait for `accept`.
    pub queued: Vec<u64>,
    /// Of a listening socket: how many connections wait for `accept`, and how many may.
    /// Otherwise bytes that can be read, and that are on their way to the peer.
    pub queue: (u32, u32),
    /// Its bound name: a path, or an abstract name with its leading NUL.
    pub name: Option<Vec<u8>>,
}

/// A netlink socket, kept open.
#[derive(Debug)]
pub(super) struct UnixDiag {
    socket: OwnedFd,
    buffer: Room,
}

impl UnixDiag {
    pub(super) fn open() -> Result<Self, Errno> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkSockDiag,
        )?;
        Ok(Self {
            socket,
            buffer: Room::new(),
        })
    }

    /// All sockets by inode.
    pub(super) fn all(&mut self) -> Result<HashMap<u64, UnixSocket>, Errno> {
        let flags = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
        self.request(flags, 0, SHOW_NAME | SHOW_PEER | SHOW_ICONS | SHOW_RQLEN)?;
        let mut found = HashMap::new();
        while !self.receive(&mut found)? {}
        // Sockets that nobody has accepted yet have no inode.
        found.remove(&0);
        Ok(found)
    }

    /// One socket; `None` where there is none of this inode.
    pub(super) fn one(&mut self, inode: u64) -> Result<Option<UnixSocket>, Errno> {
        let Some(number) = u32::try_from(inode).ok().filter(|&n| n != 0) else {
            return Ok(None);
        };
        self.request(libc::NLM_F_REQUEST, number, SHOW_RQLEN)?;
        let mut found = HashMap::new();
        match self.receive(&mut found) {
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error),
            Ok(_) => Ok(found.remove(&inode)),
        }
    }

    /// `struct nlmsghdr` and `struct unix_diag_req`.
    fn request(&mut self, flags: libc::c_int, inode: u32, show: u32) -> Result<(), Errno> {
        let mut message = Vec::with_capacity(40);
        message.extend_from_slice(&40_u32.to_ne_bytes());
        message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        message.extend_from_slice(
            &u16::try_from(flags)
                .map_err(|_| Errno::EINVAL)?
                .to_ne_bytes(),
        );
        message.extend_from_slice(&[0; 8]); // sequence number and port: one question at a time
        message.extend_from_slice(&[1, 0, 0, 0]); // AF_UNIX
        message.extend_from_slice(&u32::MAX.to_ne_bytes()); // any state
        message.extend_from_slice(&inode.to_ne_bytes());
        message.extend_from_slice(&show.to_ne_bytes());
        message.extend_from_slice(&[0xff; 8]); // any cookie
        self.ask(&message)
    }

    /// Sends a question.
    pub(super) fn ask(&mut self, message: &[u8]) -> Result<(), Errno> {
        send(self.socket.as_raw_fd(), message, MsgFlags::empty()).map(drop)
    }

    /// Reads one packet of an answer and hands out its messages; whether the answer is complete.
    pub(super) fn answer(&mut self, each: impl FnMut(&[u8])) -> Result<bool, Errno> {
        let got = recv(
            self.socket.as_raw_fd(),
            &mut self.buffer,
            MsgFlags::MSG_DONTWAIT,
        )?;
        messages(self.buffer.get(..got).unwrap_or_default(), each)
    }

    /// Reads one packet of an answer; whether the answer is complete.
    fn receive(&mut self, found: &mut HashMap<u64, UnixSocket>) -> Result<bool, Errno> {
        // The kernel has answered before `send` returned; were it not so, an error beats a hang.
        self.answer(|message| {
            if let Some((inode, socket)) = parse_socket(message) {
                found.insert(inode, socket);
            }
        })
    }
}

/// Hands out the messages of a packet; whether they were the last.
fn messages(mut packet: &[u8], mut each: impl FnMut(&[u8])) -> Result<bool, Errno> {
    while let (Some(len), Some(kind), Some(flags)) =
        (u32_at(packet, 0), u16_at(packet, 4), u16_at(packet, 6))
    {
        let Some(message) = usize::try_from(len)
            .ok()
            .and_then(|len| packet.get(16..len))
        else {
            break;
        };
        match i32::from(kind) {
            libc::NLMSG_DONE => return Ok(true),
            libc::NLMSG_ERROR => {
                let errno = u32_at(message, 0).map_or(0, u32::cast_signed);
                return Err(Errno::from_raw(-errno));
            }
            _ => each(message),
        }
        if i32::from(flags) & libc::NLM_F_MULTI == 0 {
            return Ok(true);
        }
        packet = packet
            .get((message.len() + 16).next_multiple_of(4)..)
            .unwrap_or_default();
    }
    Ok(false)
}

/// `struct unix_diag_msg` and its attributes.
fn parse_socket(message: &[u8]) -> Option<(u64, UnixSocket)> {
    let inode = u64::from(u32_at(message, 4)?);
    let mut socket = UnixSocket {
        listening: message.get(2) == Some(&STATE_LISTEN),
        ..UnixSocket::default()
    };
    let mut rest = message.get(16..)?;
    while let (Some(len), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let Some(value) = rest.get(4..usize::from(len)) else {
            break;
        };
        match kind {
            ATTRIBUTE_NAME => socket.name = Some(value.to_vec()),
            ATTRIBUTE_PEER => {
                socket.peer = u32_at(value, 0).map(u64::from).filter(|&inode| inode != 0);
            }
            ATTRIBUTE_ICONS => {
                socket.queued = (0..value.len() / 4)
                    .filter_map(|n| u32_at(value, n * 4))
                    .map(u64::from)
                    .collect();
            }
            ATTRIBUTE_RQLEN => {
                socket.queue = (u32_at(value, 0).unwrap_or(0), u32_at(value, 4).unwrap_or(0));
            }
            _ => {}
        }
        rest = rest
            .get(usize::from(len).next_multiple_of(4)..)
            .unwrap_or_default();
    }
    Some((inode, socket))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .try_into()
        .ok()
        .map(u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..at + 2)?
        .try_into()
        .ok()
        .map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    fn inode(fd: &impl AsRawFd) -> u64 {
        let me = i32::try_from(std::process::id()).unwrap();
        crate::proc::inode_of(me, fd.as_raw_fd()).unwrap().1
    }

    #[test]
    fn peers_of_a_socket_pair_are_found() {
        let (a, b) = UnixStream::pair().unwrap();
        let all = UnixDiag::open().unwrap().all().unwrap();
        assert_eq!(all[&inode(&a)].peer, Some(inode(&b)));
        assert_eq!(all[&inode(&b)].peer, Some(inode(&a)));
    }

    #[test]
    fn a_queue_shows_who_waits_for_accept() {
        let name = format!("supervisor-diag-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let client = UnixStream::connect_addr(&address).unwrap();
        let mut diag = UnixDiag::open().unwrap();
        let all = diag.all().unwrap();
        let seen = &all[&inode(&listener)];
        assert!(seen.listening);
        assert_eq!(seen.queued, [inode(&client)]);
        assert_eq!(seen.queue.0, 1);
        assert_eq!(seen.name.as_deref(), Some(format!("\0{name}").as_bytes()));
        assert_eq!(all[&inode(&client)].peer, None);
        assert_eq!(
            diag.one(inode(&listener)).unwrap().unwrap().queue,
            seen.queue
        );
        let _accepted = listener.accept().unwrap();
        assert_eq!(diag.one(inode(&listener)).unwrap().unwrap().queue.0, 0);
        assert_eq!(diag.one(u64::from(u32::MAX)).unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes: Vec<u8>) {
            let _ = messages(&bytes, |message| drop(parse_socket(message)));
        }
    }
}
