//! The descriptors in a `poll`, `select` or `epoll` set.

use super::calls::{EPOLL_PWAIT, EPOLL_PWAIT2, EPOLL_WAIT, POLL, PPOLL, PSELECT6, SELECT, fd};
use crate::memory;
use crate::proc::{self, ThreadScan};

/// No more descriptors of one set are looked at; a program cannot have more open.
const MAX: usize = 4096;

/// A descriptor of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Polled {
    /// The descriptor.
    pub(super) fd: i32,
    /// It waits to read.
    pub(super) read: bool,
    /// It waits to write.
    pub(super) write: bool,
}

/// The set of a waiting call, in its order; `None` where it cannot be read. While the call waits
/// the kernel leaves the program's copy alone.
pub(super) fn set(tid: i32, scan: &ThreadScan) -> Option<Vec<Polled>> {
    let args = &scan.args;
    match scan.nr {
        POLL | PPOLL => poll(tid, args[0], usize::try_from(args[1]).ok()?),
        SELECT | PSELECT6 => select(
            tid,
            usize::try_from(fd(args[0])).ok()?,
            args[1],
            args[2],
            args[3],
        ),
        EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 => {
            let targets = proc::epoll_targets(tid, fd(args[0]))?;
            Some(
                targets
                    .into_iter()
                    .map(|(fd, events)| polled(fd, events))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// Event bits of `poll` and `epoll` have the same values. Without either, only hang-up and errors
/// are waited for, which come from where reading would.
fn polled(fd: i32, events: u32) -> Polled {
    let has = |bits: i16| events & u32::from(bits.unsigned_abs()) != 0;
    let write = has(libc::POLLOUT);
    Polled {
        fd,
        read: has(libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP | libc::POLLRDNORM) || !write,
        write,
    }
}

fn poll(tid: i32, at: u64, count: usize) -> Option<Vec<Polled>> {
    if count > MAX {
        return None;
    }
    let bytes = memory::read(tid, at, count * 8);
    if bytes.len() != count * 8 {
        return None;
    }
    let entries = bytes.chunks_exact(8).filter_map(|entry| {
        let fd = i32::from_ne_bytes(entry[..4].try_into().ok()?);
        let events = u16::from_ne_bytes(entry[4..6].try_into().ok()?);
        // A negative descriptor is to be ignored, says poll(2).
        (fd >= 0).then(|| polled(fd, u32::from(events)))
    });
    Some(entries.collect())
}

fn select(tid: i32, nfds: usize, read: u64, write: u64, except: u64) -> Option<Vec<Polled>> {
    let nfds = nfds.min(MAX);
    let bits = |at: u64| -> Option<Vec<u8>> {
        let len = nfds.div_ceil(8);
        match at {
            0 => Some(vec![0; len]),
            at => Some(memory::read(tid, at, len)).filter(|bytes| bytes.len() == len),
        }
    };
    let (read, write, except) = (bits(read)?, bits(write)?, bits(except)?);
    let has = |bits: &[u8], fd: usize| bits[fd / 8] & (1 << (fd % 8)) != 0;
    let wanted = (0..nfds).filter_map(|n| {
        let (read, write) = (has(&read, n) || has(&except, n), has(&write, n));
        (read || write).then_some(Polled {
            fd: i32::try_from(n).ok()?,
            read,
            write,
        })
    });
    Some(wanted.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::ThreadScan;

    fn scan(nr: i64, args: [u64; 6]) -> Option<Vec<Polled>> {
        set(
            i32::try_from(std::process::id()).unwrap(),
            &ThreadScan {
                nr,
                args,
                ..ThreadScan::unreadable()
            },
        )
    }

    #[test]
    fn poll_entries_are_read_and_negative_ones_ignored() {
        let entry = |fd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        let list = [
            entry(4, libc::POLLIN),
            entry(-1, libc::POLLIN),
            entry(5, libc::POLLOUT),
            entry(6, 0),
        ];
        let found = scan(PPOLL, [list.as_ptr() as u64, 4, 0, 0, 0, 0]).unwrap();
        let of = |fd, read, write| Polled { fd, read, write };
        assert_eq!(
            found,
            [of(4, true, false), of(5, false, true), of(6, true, false)]
        );
        assert_eq!(scan(PPOLL, [8, 4, 0, 0, 0, 0]), None);
    }

    #[test]
    fn select_sets_are_merged() {
        let (mut read, mut write) = ([0_u64; 16], [0_u64; 16]);
        read[0] = 1 << 3 | 1 << 9;
        write[1] = 1 << 1;
        let args = [66, read.as_ptr() as u64, write.as_ptr() as u64, 0, 0, 0];
        let fds: Vec<_> = scan(PSELECT6, args)
            .unwrap()
            .iter()
            .map(|p| (p.fd, p.read, p.write))
            .collect();
        assert_eq!(fds, [(3, true, false), (9, true, false), (65, false, true)]);
    }
}
