//! Sockets whose options limit how long a call on them waits (`SO_RCVTIMEO`, `SO_SNDTIMEO`,
//! socket(7)): the limit is taken from the kernel and kept here.

use std::collections::HashMap;
use std::time::Duration;

use super::calls::timeval;
use super::wait;
use crate::memory;
use crate::tracer::lookup;
use crate::waits::{sockets, timeout};

/// `SO_RCVTIMEO`, `SO_SNDTIMEO`, and the numbers they have for a 64-bit `timeval` everywhere.
pub(crate) const RECEIVE: [i32; 2] = [libc::SO_RCVTIMEO, 66];
pub(crate) const SEND: [i32; 2] = [libc::SO_SNDTIMEO, 67];

/// The limits.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// By the socket's inode: for receiving and for sending.
    kept: HashMap<u64, [Option<Duration>; 2]>,
    /// One could not be taken from the kernel.
    left_to_the_kernel: bool,
}

/// Which of the two an option names.
fn which(args: &[u64; 6]) -> Option<usize> {
    let (level, option) = (args[1] as i32, args[2] as i32);
    if level != libc::SOL_SOCKET {
        return None;
    }
    [RECEIVE, SEND]
        .iter()
        .position(|options| options.contains(&option))
}

impl Sockets {
    /// `setsockopt` has succeeded.
    pub(crate) fn set(&mut self, pid: i32, tid: i32, args: &[u64; 6]) {
        let fd = args[0] as i32;
        let Some(which) = which(args) else {
            return;
        };
        let (Some(inode), Some(limit)) = (
            lookup::socket_inode(pid, fd),
            timeout::timeval(tid, args[3]),
        ) else {
            self.left_to_the_kernel = true;
            return;
        };
        if sockets::copy_fd(tid, fd)
            .and_then(|copy| sockets::wait_for_ever(&copy, which == 1))
            .is_ok()
        {
            self.kept.entry(inode).or_default()[which] = (!limit.is_zero()).then_some(limit);
        } else {
            // Refused, it stays with the kernel and passes in real time.
            self.left_to_the_kernel = true;
        }
    }

    /// Whether a call on some socket may be limited by the kernel.
    pub(crate) fn any_left_to_the_kernel(&self) -> bool {
        self.left_to_the_kernel
    }

    /// The limit of a call on a descriptor.
    pub(crate) fn limit(&self, pid: i32, nr: i64, fd: i32) -> Option<Duration> {
        if self.kept.is_empty() {
            return None;
        }
        let limits = self.kept.get(&lookup::socket_inode(pid, fd)?)?;
        limits[usize::from(!wait::receives(nr))]
    }

    /// The answer of `getsockopt`, if the limit is kept here.
    pub(crate) fn answer(&self, pid: i32, tid: i32, args: &[u64; 6]) -> Option<i64> {
        let which = which(args)?;
        let limits = self.kept.get(&lookup::socket_inode(pid, args[0] as i32)?)?;
        let bytes = timeval(limits[which].unwrap_or_default());
        let room = memory::read_array::<4>(tid, args[4]).map(u32::from_ne_bytes)?;
        let length = bytes.len().min(usize::try_from(room).ok()?);
        memory::write(tid, args[3], &bytes[..length]).ok()?;
        memory::write(tid, args[4], &u32::try_from(length).ok()?.to_ne_bytes()).ok()?;
        Some(0)
    }
}
