//! Whether a thread that sleeps can wake without another thread, the grader or the world acting.
//!
//! The rule is to know or to say "unknown": a call, a descriptor or a state that is not listed
//! here is never taken for a wait that lasts.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::calls::{
    ACCEPT, ACCEPT4, CLOCK_NANOSLEEP, CLONE, CLONE3, CONNECT, CREAT, EPOLL_PWAIT, EPOLL_PWAIT2,
    EPOLL_WAIT, FCNTL, FLOCK, FUTEX, FUTEX_WAIT, FUTEX_WAITV, MQ_TIMEDRECEIVE, MQ_TIMEDSEND,
    MSGRCV, MSGSND, NANOSLEEP, OPEN, OPENAT, OPENAT2, PAUSE, POLL, PPOLL, PSELECT6, RECVMMSG,
    RESTART_SYSCALL, RT_SIGSUSPEND, RT_SIGTIMEDWAIT, SELECT, SEMOP, SEMTIMEDOP, Transfer, VFORK,
    WAIT4, WAITID, fd, transfer,
};
use super::timeout::{self, Timeout, futex};
use super::{files, polled, sockets};
use crate::memory;
use crate::proc::{self, Link, NOT_IN_CALL, RUNNING, ThreadScan, UNREADABLE};

/// How a thread waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// Until somebody acts.
    Forever,
    /// At most so many milliseconds from the call's entry, where that can be known.
    Timed(Option<u64>),
    /// At most so many milliseconds from now.
    Left(u64),
    /// Stopped by a signal.
    Stopped,
    /// Ended.
    Dead,
    /// It runs, or is about to.
    Runs,
    /// It cannot be known; the reason. Never to be taken for a lasting wait.
    Unknown(String),
}

impl WaitKind {
    fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// The less certain of two: what holds when either may end the wait.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (this @ Self::Unknown(_), _) => this,
            (Self::Forever, other) | (_, other @ Self::Unknown(_)) => other,
            (Self::Timed(a), Self::Timed(b)) => Self::Timed(a.zip(b).map(|(a, b)| a.min(b))),
            (Self::Left(a), Self::Left(b)) => Self::Left(a.min(b)),
            // When the call was entered is not known here; timers are looked at by themselves as well.
            (Self::Left(_), Self::Timed(b)) => Self::Timed(b),
            (this, _) => this,
        }
    }
}

/// Decides [`WaitKind`]s, remembering the families of sockets (which never change).
#[derive(Debug, Default)]
pub struct Classifier {
    domains: HashMap<u64, i32>,
    /// No program has limited how long calls on its sockets wait (`SO_RCVTIMEO`, `SO_SNDTIMEO`).
    unlimited: bool,
    /// Scans of threads that waited for ever for one descriptor. Until such a thread runs again, what
    /// others do to its descriptors or options means nothing to the call that it is in.
    lasting: HashMap<i32, ThreadScan>,
}

impl Classifier {
    /// A classifier that remembers nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells whether every call that limits how long a socket waits was seen, and none has: then it need not be
    /// asked of the sockets, where they cannot be asked.
    pub fn sockets_are_unlimited(&mut self, unlimited: bool) {
        self.unlimited = unlimited;
    }

    /// How the thread waits, from one scan of it. `stopped`: the tracer knows it to be in a group
    /// stop (`PTRACE_LISTEN` shows as `t`).
    pub fn classify(&mut self, tid: i32, scan: &ThreadScan, stopped: bool) -> WaitKind {
        if scan.is_dead() {
            return WaitKind::Dead;
        }
        if stopped {
            return WaitKind::Stopped;
        }
        match scan.state {
            b'T' => return WaitKind::Stopped,
            b'R' => return WaitKind::Runs,
            b't' => return WaitKind::unknown("stopped by the tracer"),
            b'D' if waits_for_vfork(tid, scan) => return WaitKind::Forever,
            b'S' => {}
            state => return WaitKind::Unknown(format!("state {}", char::from(state))),
        }
        if scan.has_deliverable_signal() {
            return WaitKind::Runs;
        }
        match scan.nr {
            RUNNING => WaitKind::Runs,
            NOT_IN_CALL => WaitKind::unknown("asleep outside a system call"),
            UNREADABLE => WaitKind::unknown("its system call cannot be read"),
            _ => self.in_call(tid, scan),
        }
    }

    fn in_call(&mut self, tid: i32, scan: &ThreadScan) -> WaitKind {
        let args = &scan.args;
        if scan.runs.is_some() && self.lasting.get(&tid) == Some(scan) {
            return WaitKind::Forever;
        }
        if let Some(transfer) = transfer(scan.nr, args) {
            let wait = match transfer {
                Transfer::In(fd) => self.descriptor(tid, fd, Some(libc::SO_RCVTIMEO)),
                Transfer::Out(fd) => self.descriptor(tid, fd, Some(libc::SO_SNDTIMEO)),
                Transfer::Through(from, to) => self
                    .descriptor(tid, from, Some(libc::SO_RCVTIMEO))
                    .or(self.descriptor(tid, to, Some(libc::SO_SNDTIMEO))),
            };
            return if scan.nr == RECVMMSG {
                wait.or(by_timeout(tid, scan))
            } else {
                self.lasts(tid, scan, wait)
            };
        }
        match scan.nr {
            ACCEPT | ACCEPT4 | CONNECT => {
                let option = match scan.nr {
                    CONNECT => libc::SO_SNDTIMEO,
                    _ => libc::SO_RCVTIMEO,
                };
                let wait = self.descriptor(tid, fd(args[0]), Some(option));
                self.lasts(tid, scan, wait)
            }
            WAIT4 | WAITID | PAUSE | RT_SIGSUSPEND | FLOCK | SEMOP | MSGRCV | MSGSND => {
                WaitKind::Forever
            }
            FCNTL if matches!(fd(args[1]), libc::F_SETLKW | libc::F_OFD_SETLKW) => {
                WaitKind::Forever
            }
            RT_SIGTIMEDWAIT | SEMTIMEDOP | MQ_TIMEDSEND | MQ_TIMEDRECEIVE | NANOSLEEP
            | CLOCK_NANOSLEEP | FUTEX_WAIT | FUTEX_WAITV => by_timeout(tid, scan),
            FUTEX => match futex::operation(args[1]) {
                futex::WAIT
                | futex::WAIT_BITSET
                | futex::LOCK_PI
                | futex::LOCK_PI2
                | futex::WAIT_REQUEUE_PI => by_timeout(tid, scan),
                op => WaitKind::Unknown(format!("futex operation {op}")),
            },
            POLL | PPOLL | SELECT | PSELECT6 | EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 => {
                let timed = by_timeout(tid, scan);
                // A timed wait is not proved in any case; what it watches changes nothing.
                if timed == WaitKind::Forever {
                    self.watched(tid, scan)
                } else {
                    timed
                }
            }
            OPEN | CREAT | OPENAT | OPENAT2 => match files::opened_fifo(tid, scan) {
                Some(_) => WaitKind::Forever,
                None => WaitKind::unknown("open of something that is no FIFO"),
            },
            // Also continues poll without a timeout: only who saw the original call can tell.
            RESTART_SYSCALL => WaitKind::Timed(None),
            nr => match super::calls::name(nr) {
                Some(name) => WaitKind::unknown(name),
                None => WaitKind::Unknown(format!("system call {nr}")),
            },
        }
    }

    /// Remembers a wait that lasts.
    fn lasts(&mut self, tid: i32, scan: &ThreadScan, wait: WaitKind) -> WaitKind {
        if wait == WaitKind::Forever {
            self.lasting.insert(tid, scan.clone());
        }
        wait
    }

    /// What a wait whose timeout is the tracer's makes of what it waits for besides.
    pub(crate) fn watches(&mut self, tid: i32, scan: &ThreadScan) -> WaitKind {
        let args = &scan.args;
        match scan.nr {
            POLL | PPOLL | SELECT | PSELECT6 | EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 => {
                self.watched(tid, scan)
            }
            ACCEPT | ACCEPT4 | CONNECT => self.descriptor(tid, fd(args[0]), None),
            nr if transfer(nr, args).is_some() => self.descriptor(tid, fd(args[0]), None),
            _ => WaitKind::Forever,
        }
    }

    /// What everything in a `poll`, `select` or `epoll` set makes of a wait without a timeout.
    fn watched(&mut self, tid: i32, scan: &ThreadScan) -> WaitKind {
        let Some(set) = polled::set(tid, scan) else {
            return WaitKind::unknown("the descriptors it polls cannot be read");
        };
        set.iter().fold(WaitKind::Forever, |wait, polled| {
            wait.or(self.descriptor(tid, polled.fd, None))
        })
    }

    /// How a wait for one descriptor can end by itself. `option` is the socket option that limits
    /// the call, if one does.
    fn descriptor(&mut self, tid: i32, fd: i32, option: Option<libc::c_int>) -> WaitKind {
        let Some(link) = proc::fd_link(tid, fd) else {
            return WaitKind::Unknown(format!("descriptor {fd} cannot be looked up"));
        };
        match Link::parse(&link) {
            Link::Pipe(_) => WaitKind::Forever,
            Link::Socket(inode) => self.socket(tid, fd, inode, option),
            Link::Anonymous(name) => anonymous(tid, fd, &name),
            Link::Path(path) => by_path(tid, fd, &path, option.is_some()),
        }
    }

    fn socket(&mut self, tid: i32, fd: i32, inode: u64, option: Option<libc::c_int>) -> WaitKind {
        let known = self.domains.get(&inode).copied();
        if let (None, Some(domain)) = (option, known) {
            return by_domain(domain);
        }
        let facts = || -> Result<(i32, Option<u64>), Errno> {
            let socket: OwnedFd = sockets::copy_fd(tid, fd)?;
            let timeout = option
                .map(|option| sockets::timeout(&socket, option))
                .transpose()?
                .flatten();
            Ok((known.map_or_else(|| sockets::family(&socket), Ok)?, timeout))
        };
        match facts() {
            Ok((domain, timeout)) => {
                self.domains.insert(inode, domain);
                let limit = timeout.map_or(WaitKind::Forever, |ms| WaitKind::Timed(Some(ms)));
                by_domain(domain).or(limit)
            }
            Err(Errno::EPERM | Errno::ENOSYS) if self.unlimited => {
                let listed = || Some(proc::listed_socket(tid, inode)?.family);
                let Some(domain) = known.or_else(listed) else {
                    return WaitKind::Unknown(format!("socket {fd} cannot be looked at"));
                };
                self.domains.insert(inode, domain);
                by_domain(domain)
            }
            Err(error) => WaitKind::Unknown(format!("options of socket {fd}: {error}")),
        }
    }
}

/// A child made by `vfork` has neither ended nor executed yet: state `D`, but nothing of a device.
fn waits_for_vfork(tid: i32, scan: &ThreadScan) -> bool {
    let vfork = u64::from(libc::CLONE_VFORK.unsigned_abs());
    match scan.nr {
        VFORK => true,
        CLONE => scan.args[0] & vfork != 0,
        CLONE3 => memory::read_array::<8>(tid, scan.args[0])
            .is_some_and(|b| u64::from_ne_bytes(b) & vfork != 0),
        _ => false,
    }
}

fn by_timeout(tid: i32, scan: &ThreadScan) -> WaitKind {
    match timeout::of_call(scan.nr, &scan.args, tid) {
        None | Some(Timeout::Never) => WaitKind::Forever,
        Some(timeout @ Timeout::At { .. }) => {
            timeout.ms().map_or(WaitKind::Timed(None), WaitKind::Left)
        }
        Some(timeout) => WaitKind::Timed(timeout.ms()),
    }
}

fn by_domain(domain: i32) -> WaitKind {
    match domain {
        // What is on its way over the loopback is another question, which is asked of the whole
        // network at once (`tcp.rs`).
        libc::AF_UNIX | libc::AF_INET | libc::AF_INET6 => WaitKind::Forever,
        domain => WaitKind::Unknown(format!("socket of family {domain}")),
    }
}

fn anonymous(tid: i32, fd: i32, name: &[u8]) -> WaitKind {
    match name {
        b"timerfd" => match proc::timerfd_remaining(tid, fd) {
            Some(None) => WaitKind::Forever,
            Some(Some(ms)) => WaitKind::Left(ms),
            None => WaitKind::unknown("timerfd"),
        },
        b"eventfd" | b"signalfd" | b"inotify" | b"pidfd" => WaitKind::Forever,
        b"eventpoll" => match proc::epoll_targets(tid, fd) {
            // Inside another set; what it watches would have to be looked at in turn.
            Some(targets) if targets.is_empty() => WaitKind::Forever,
            _ => WaitKind::unknown("epoll inside another set"),
        },
        name => WaitKind::Unknown(String::from_utf8_lossy(name).into_owned()),
    }
}

fn by_path(tid: i32, fd: i32, path: &[u8], transfers: bool) -> WaitKind {
    match proc::inode_of(tid, fd) {
        Some((_, _, libc::S_IFIFO)) => WaitKind::Forever,
        Some((_, _, libc::S_IFCHR)) if proc::is_terminal(tid, fd) => {
            match files::read_timer(tid, fd) {
                // poll does not use VTIME.
                Ok(Some(ms)) if transfers => WaitKind::Timed(Some(ms)),
                Ok(_) => WaitKind::Forever,
                Err(error) => WaitKind::Unknown(format!("settings of terminal {fd}: {error}")),
            }
        }
        // Always ready: in a set it ends the wait at once, or never contributes.
        Some((_, _, libc::S_IFREG | libc::S_IFDIR)) if !transfers => WaitKind::Forever,
        _ => WaitKind::Unknown(format!(
            "descriptor {fd} leads to {}",
            crate::bytes::escape(path)
        )),
    }
}
