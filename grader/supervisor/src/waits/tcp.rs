//! Whether anything is on its way over the loopback: TCP and UDP between programs and peers.
//!
//! A packet sent over `lo` is put into a queue of the sender's processor and taken from it in order
//! by a soft interrupt, usually before the sending call returns, under load perhaps later. So a
//! datagram that we send ourselves, from the same processor, and receive, has pushed through
//! everything that was sent before it. What that delivery makes the kernel send in turn
//! shows: data and a FIN that are not acknowledged stand in the sender's queue with a timer, a
//! connection being made in its state. See `docs/architecture.md` for the whole argument.

use std::net::UdpSocket;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use super::diag::UnixDiag;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SYN_SENT: u8 = 2;
const SYN_RECV: u8 = 3;
const TIME_WAIT: u8 = 6;
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;
/// `idiag_timer`: waiting for an acknowledgement.
const RETRANSMISSION: u8 = 1;
/// `idiag_timer`: asking again whether the other side has room.
const PROBE: u8 = 4;
/// Each turn lets one more answer of the kernel's (SYN, SYN-ACK, ACK; a RST) arrive.
const TURNS: u32 = 2;
/// Far longer than a soft interrupt is ever put off.
const LONGEST: Duration = Duration::from_millis(200);

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Traffic {
    /// Nothing, and no timer of the kernel's will send anything that a program could notice.
    None,
    /// Something that arrives by itself.
    Moving,
    /// It cannot be known, or depends on a timer of the kernel's.
    Unknown,
}

/// Looks at the network of this process.
#[derive(Debug, Default)]
pub(crate) struct Internet {
    probe: Option<UdpSocket>,
    diag: Option<UnixDiag>,
    /// What cannot change during a run: the processor we are on, if it is one only and packets stay on it.
    processor: Option<Option<CpuSet>>,
    sent: u64,
}

impl Internet {
    /// What is on its way, if all of `tids` run on our processor and the network is theirs and ours
    /// alone.
    pub(crate) fn traffic(&mut self, tids: impl Iterator<Item = i32>) -> Traffic {
        let processor = self.processor.get_or_insert_with(only_processor);
        let Some(processor) = processor.as_ref() else {
            return Traffic::Unknown;
        };
        for tid in tids {
            // Who has just ended sends nothing any more.
            if sched_getaffinity(Pid::from_raw(tid)).is_ok_and(|set| set != *processor) {
                return Traffic::Unknown;
            }
        }
        let seen = self.push_through().and_then(|()| self.list());
        seen.unwrap_or_else(|_| {
            (self.probe, self.diag) = (None, None);
            Traffic::Unknown
        })
    }

    /// Sends a datagram to ourselves and waits until it has come.
    fn push_through(&mut self) -> std::io::Result<()> {
        if self.probe.is_none() {
            let socket = UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
            socket.connect(socket.local_addr()?)?;
            socket.set_read_timeout(Some(LONGEST))?;
            self.probe = Some(socket);
        }
        let Some(socket) = &self.probe else {
            return Ok(());
        };
        for _ in 0..TURNS {
            self.sent += 1;
            socket.send(&self.sent.to_ne_bytes())?;
            loop {
                let mut came = [0; 8];
                let length = socket.recv(&mut came)?;
                if length == came.len() && came == self.sent.to_ne_bytes() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// All TCP sockets of the network, those that nobody holds any more included.
    fn list(&mut self) -> std::io::Result<Traffic> {
        if self.diag.is_none() {
            self.diag = Some(UnixDiag::open()?);
        }
        let Some(diag) = &mut self.diag else {
            return Ok(Traffic::Unknown);
        };
        let mut worst = Traffic::None;
        for family in [libc::AF_INET, libc::AF_INET6] {
            diag.ask(&request(family)?)?;
            let mut each = |message: &[u8]| worst = worst.max(of_socket(message));
            loop {
                match diag.answer(&mut each) {
                    Ok(false) => {}
                    // All of them; or there is no TCP at all.
                    Ok(true) | Err(Errno::ENOENT) => break,
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        Ok(worst)
    }
}

/// The processor to which this process is bound, if it is one, and if a packet is received on the
/// processor that sends it.
fn only_processor() -> Option<CpuSet> {
    // The network is shared with the machine where the PID namespace is.
    if std::process::id() != 1 {
        return None;
    }
    let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
    let one = (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false));
    // Packets may be spread over processors (RPS): new interfaces begin with this mask.
    let spread = std::fs::read_to_string("/proc/sys/net/core/rps_default_mask");
    let spread = spread.is_ok_and(|mask| mask.chars().any(|c| matches!(c, '1'..='9' | 'a'..='f')));
    (one.count() == 1 && !spread).then_some(set)
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`, for all sockets of a family in any state.
fn request(family: i32) -> Result<Vec<u8>, Errno> {
    let byte = |n: i32| u8::try_from(n).map_err(|_| Errno::EINVAL);
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).map_err(|_| Errno::EINVAL)?;
    let mut message = Vec::with_capacity(72);
    message.extend_from_slice(&72_u32.to_ne_bytes());
    message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend_from_slice(&flags.to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&[byte(family)?, byte(libc::IPPROTO_TCP)?, 0, 0]);
    message.extend_from_slice(&u32::MAX.to_ne_bytes());
    message.extend_from_slice(&[0; 48]); // any address
    Ok(message)
}

/// What `struct inet_diag_msg` says of one socket.
fn of_socket(message: &[u8]) -> Traffic {
    let (Some(&state), Some(&timer), Some(queue)) =
        (message.get(1), message.get(2), message.get(60..64))
    else {
        return Traffic::Unknown;
    };
    let unacknowledged = queue != [0; 4];
    match state {
        LISTEN | TIME_WAIT | CLOSE => Traffic::None,
        SYN_SENT | SYN_RECV => Traffic::Moving,
        _ if timer == PROBE => Traffic::Unknown,
        _ if unacknowledged || timer == RETRANSMISSION => Traffic::Moving,
        _ => Traffic::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(state: u8, timer: u8, queue: u32) -> Traffic {
        let mut message = vec![0; 72];
        message[1] = state;
        message[2] = timer;
        message[60..64].copy_from_slice(&queue.to_ne_bytes());
        of_socket(&message)
    }

    #[test]
    fn what_is_not_acknowledged_is_on_its_way() {
        assert_eq!(socket(1, 0, 0), Traffic::None);
        assert_eq!(socket(1, RETRANSMISSION, 5), Traffic::Moving);
        assert_eq!(socket(1, PROBE, 5), Traffic::Unknown);
        assert_eq!(socket(SYN_SENT, RETRANSMISSION, 1), Traffic::Moving);
        assert_eq!(socket(LISTEN, 0, 128), Traffic::None);
        assert_eq!(socket(TIME_WAIT, 3, 0), Traffic::None);
        assert_eq!(of_socket(&[0; 10]), Traffic::Unknown);
    }

    #[test]
    fn the_kernel_lists_the_sockets() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut internet = Internet::default();
        internet.push_through().unwrap();
        let mut diag = UnixDiag::open().unwrap();
        diag.ask(&request(libc::AF_INET).unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port().to_be_bytes();
        let mut found = false;
        let mut each = |message: &[u8]| found |= message[1] == LISTEN && message[4..6] == port;
        while !diag.answer(&mut each).unwrap() {}
        assert!(found);
        assert!(internet.list().is_ok());
    }
}
