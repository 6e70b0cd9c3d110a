//! Timers that can wake a process although its waits have no timeout.

use crate::proc::{self, Link};

/// A reason for which a process may run again by itself. `alarm` and `setitimer` are not among
/// them: `/proc` does not show those, the tracer has to follow the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArmedTimer {
    /// A timer of `timer_create`, possibly unarmed: the kernel shows no difference.
    Posix,
    /// A `timerfd` that will expire.
    TimerFd {
        /// The descriptor.
        fd: i32,
        /// Milliseconds until then, rounded up.
        ms: u64,
    },
    /// An `io_uring`: what it does is not visible.
    IoUring {
        /// The descriptor.
        fd: i32,
    },
    /// It could not be looked at, which counts as armed; the reason.
    Unreadable(String),
}

/// Whether anything can wake the process besides its waits; `None` also when it is gone.
#[must_use]
pub fn armed(pid: i32) -> Option<ArmedTimer> {
    match proc::posix_timers(pid) {
        Ok(false) => {}
        Ok(true) => return Some(ArmedTimer::Posix),
        Err(_) if !proc::is_alive(pid) && proc::threads_of(pid).is_none() => return None,
        Err(error) => return Some(ArmedTimer::Unreadable(format!("timers: {error}"))),
    }
    let Some(fds) = proc::fds(pid) else {
        let alive = proc::is_alive(pid);
        return alive.then(|| ArmedTimer::Unreadable("descriptors cannot be listed".to_owned()));
    };
    fds.into_iter()
        .find_map(|(fd, link)| match Link::parse(&link) {
            Link::Anonymous(name) if name == b"timerfd" => match proc::timerfd_remaining(pid, fd) {
                Some(None) => None,
                Some(Some(ms)) => Some(ArmedTimer::TimerFd { fd, ms }),
                None => Some(ArmedTimer::Unreadable(format!("timerfd {fd}"))),
            },
            Link::Anonymous(name) if name == b"io_uring" => Some(ArmedTimer::IoUring { fd }),
            _ => None,
        })
}
