//! Peers whose sockets keep the borders of what is sent: datagrams and sequenced packets.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, send, socket};

use crate::plan::MOST_FLOOD;

/// What a peer of messages has still to send, and to whom.
#[derive(Debug, Default)]
pub(super) struct Messages {
    outbox: VecDeque<Vec<u8>>,
    /// Whoever the messages go to, as a socket address; `None`: the socket is connected.
    to: Option<Vec<u8>>,
    /// Answers go to whoever sent the last message.
    answers: bool,
    /// The end of a connection reads like an empty message; on a datagram socket it is one.
    connection: bool,
}

/// One message received.
#[derive(Debug)]
pub(super) enum Received {
    /// So many bytes of the buffer; cut, if the message was longer.
    Message { length: usize, cut: bool },
    /// The other side has closed the connection.
    End,
}

impl Messages {
    /// Over a connection, sequenced packets.
    pub(super) fn connected_packets(socket: &OwnedFd) -> Self {
        // Every message carries the time of its arrival, even an empty one; the end carries none.
        let _ = nix::sys::socket::setsockopt(
            socket,
            nix::sys::socket::sockopt::ReceiveTimestamp,
            &true,
        );
        Self {
            connection: true,
            ..Self::default()
        }
    }

    /// Datagrams, connected or `to` a name.
    pub(super) fn datagrams(to: Option<Vec<u8>>) -> Self {
        Self {
            to,
            ..Self::default()
        }
    }

    /// Datagrams to whoever sent the last one.
    pub(super) fn desk() -> Self {
        Self {
            answers: true,
            ..Self::default()
        }
    }

    pub(super) fn queue(&mut self, message: &[u8]) {
        self.outbox.push_back(message.to_vec());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Bytes not sent yet; an empty message counts as one.
    pub(super) fn pending(&self) -> usize {
        self.outbox.iter().map(|message| message.len().max(1)).sum()
    }

    /// Whether the kernel says when the other side has room. Of a datagram socket that is not
    /// connected it knows only its own: unix(7).
    pub(super) fn tells_room(&self) -> bool {
        self.connection || (self.to.is_none() && !self.answers)
    }

    /// Sends the next message; `Ok(false)` when there is none.
    pub(super) fn send_next(&mut self, socket: &OwnedFd) -> nix::Result<bool> {
        let Some(message) = self.outbox.front() else {
            return Ok(false);
        };
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        let (name, length) = match &self.to {
            Some(to) => (to.as_ptr(), to.len()),
            None if self.answers => {
                self.outbox.clear();
                return Err(Errno::EDESTADDRREQ);
            }
            None => (std::ptr::null(), 0),
        };
        // SAFETY: message and name are live and of the stated lengths; sendto only reads them.
        let sent = unsafe {
            libc::sendto(
                socket.as_raw_fd(),
                message.as_ptr().cast(),
                message.len(),
                flags,
                name.cast(),
                libc::socklen_t::try_from(length).unwrap_or(0),
            )
        };
        Errno::result(sent)?;
        self.outbox.pop_front();
        Ok(true)
    }

    /// Receives the next message into `buffer`.
    pub(super) fn receive(&mut self, socket: RawFd, buffer: &mut [u8]) -> nix::Result<Received> {
        let mut name = [0_u8; size_of::<libc::sockaddr_storage>()];
        let mut control = [0_u64; 8];
        let mut iov = libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        };
        // SAFETY: `msghdr` is plain data for which zero is valid.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_name = name.as_mut_ptr().cast();
        header.msg_namelen = libc::socklen_t::try_from(name.len()).unwrap_or(0);
        header.msg_iov = &raw mut iov;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control);
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC | libc::MSG_CMSG_CLOEXEC;
        // SAFETY: everything `header` points to is live and writable, with the stated lengths.
        let got = Errno::result(unsafe { libc::recvmsg(socket, &raw mut header, flags) })?;
        // Descriptors that a program passes are none of ours.
        // SAFETY: the kernel has filled in `msg_controllen` bytes of `control`.
        let stamped = unsafe { close_passed(&header) };
        if self.connection && got == 0 && !stamped {
            return Ok(Received::End);
        }
        if self.answers {
            let length = usize::try_from(header.msg_namelen).unwrap_or(0);
            // An unbound sender has no address: nobody to answer.
            let named = length > size_of::<libc::sa_family_t>();
            self.to = named.then(|| name[..length.min(name.len())].to_vec());
        }
        let whole = usize::try_from(got).unwrap_or(0);
        Ok(Received::Message {
            length: whole.min(buffer.len()),
            cut: whole > buffer.len(),
        })
    }
}

/// Closes descriptors that came with a message; whether anything came with it at all.
///
/// # Safety
/// `header` is as `recvmsg` has left it.
unsafe fn close_passed(header: &libc::msghdr) -> bool {
    let mut any = false;
    // SAFETY: the macros walk through the control data that the kernel has written.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = next.as_ref() {
            any = true;
            if (found.cmsg_level, found.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let bytes = found.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                let fds: *const RawFd = libc::CMSG_DATA(next).cast();
                for index in 0..bytes / size_of::<RawFd>() {
                    libc::close(fds.add(index).read_unaligned());
                }
            }
            next = libc::CMSG_NXTHDR(header, next);
        }
    }
    any
}

/// How many datagrams a Unix socket's queue takes on this machine before its senders have to wait:
/// tried out, because it is a setting (`net.unix.max_dgram_qlen`).
pub(super) fn queue_length() -> nix::Result<u32> {
    let end = || {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socket(AddressFamily::Unix, SockType::Datagram, flags, None)
    };
    let (from, to) = (end()?, end()?);
    bind(to.as_raw_fd(), &UnixAddr::new_unnamed())?;
    let name: UnixAddr = nix::sys::socket::getsockname(to.as_raw_fd())?;
    nix::sys::socket::connect(from.as_raw_fd(), &name)?;
    let mut taken = 0;
    while taken < MOST_FLOOD {
        match send(
            from.as_raw_fd(),
            b"x",
            nix::sys::socket::MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(_) => taken += 1,
            Err(Errno::EAGAIN) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::socketpair;

    use super::*;

    fn pair(kind: SockType) -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC).unwrap()
    }

    fn came(messages: &mut Messages, socket: &OwnedFd, buffer: &mut [u8]) -> String {
        match messages.receive(socket.as_raw_fd(), buffer) {
            Ok(Received::Message { length, cut }) => {
                format!("{} {cut}", String::from_utf8_lossy(&buffer[..length]))
            }
            Ok(Received::End) => "end".to_owned(),
            Err(errno) => errno.to_string(),
        }
    }

    #[test]
    fn an_empty_packet_is_not_the_end_of_a_connection() {
        let (ours, theirs) = pair(SockType::SeqPacket);
        let mut messages = Messages::connected_packets(&ours);
        let mut buffer = [0; 4];
        for message in ["", "ab", "abcdef"] {
            send(
                theirs.as_raw_fd(),
                message.as_bytes(),
                nix::sys::socket::MsgFlags::empty(),
            )
            .unwrap();
        }
        drop(theirs);
        assert_eq!(came(&mut messages, &ours, &mut buffer), " false");
        assert_eq!(came(&mut messages, &ours, &mut buffer), "ab false");
        assert_eq!(came(&mut messages, &ours, &mut buffer), "abcd true");
        assert_eq!(came(&mut messages, &ours, &mut buffer), "end");
    }

    #[test]
    fn messages_keep_their_borders_and_wait_for_room() {
        let (ours, theirs) = pair(SockType::Datagram);
        let mut messages = Messages::datagrams(None);
        messages.queue(b"one");
        messages.queue(b"");
        assert_eq!(messages.pending(), 4);
        assert_eq!(messages.send_next(&ours), Ok(true));
        assert_eq!(messages.send_next(&ours), Ok(true));
        assert_eq!(messages.send_next(&ours), Ok(false));
        let mut other = Messages::datagrams(None);
        let mut buffer = [0; 16];
        assert_eq!(came(&mut other, &theirs, &mut buffer), "one false");
        assert_eq!(came(&mut other, &theirs, &mut buffer), " false");
    }

    #[test]
    fn the_queue_has_a_length() {
        let length = queue_length().unwrap();
        assert!((1..=MOST_FLOOD).contains(&length));
    }
}
