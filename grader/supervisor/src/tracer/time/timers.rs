//! Timers of the programs: `alarm`, `setitimer(ITIMER_REAL)`, `timer_create` and `timerfd`.
//!
//! The kernel's own are never armed. When the moment of one has come, we send the signal that the
//! kernel would send, or let a copy of the `timerfd` expire.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::clock::Moment;
use crate::proc;

/// What a timer does when its moment comes.
#[derive(Debug)]
pub(crate) enum Action {
    /// `SIGALRM` to the process.
    Alarm,
    /// What `timer_create` was told.
    Posix(Posix),
    /// The `timerfd` becomes readable.
    Fd(TimerFd),
}

/// A timer of `timer_create`.
#[derive(Debug)]
pub(crate) struct Posix {
    pub(crate) id: i32,
    pub(crate) clock: libc::clockid_t,
    /// The signal, if there is one.
    pub(crate) signal: Option<i32>,
    /// The thread it goes to, if not the process.
    pub(crate) thread: Option<i32>,
    /// What its `sigevent` carries.
    pub(crate) value: u64,
    /// Times it came while its signal was still pending.
    pub(crate) overrun: i32,
}

/// A `timerfd`, known by its mark.
#[derive(Debug)]
pub(crate) struct TimerFd {
    /// Our descriptor of the same open file.
    copy: OwnedFd,
    mark: u64,
    pub(crate) clock: libc::clockid_t,
    /// Expirations not read yet.
    ticks: u64,
}

/// A timer.
#[derive(Debug)]
pub(crate) struct Timer {
    /// Whose; of a `timerfd`, who set it first.
    pub(crate) pid: i32,
    pub(crate) action: Action,
    /// When it comes next.
    pub(crate) next: Option<Moment>,
    /// How often after that; zero for once.
    pub(crate) interval: Duration,
    /// Which of several that come at the same moment is first.
    pub(crate) order: u64,
}

/// The interval that a `timerfd` has in the kernel names it: `fdinfo` shows the interval, and
/// nothing else by which two of them could be told apart. It is far too long to ever pass.
const FIRST_MARK: u64 = 1_000_000_000;

/// All timers of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    pub(crate) all: Vec<Timer>,
    marks: u64,
}

impl Timers {
    /// The `alarm` timer of a process, made if need be.
    pub(crate) fn alarm(&mut self, pid: i32) -> &mut Timer {
        let known = self
            .all
            .iter()
            .position(|timer| timer.pid == pid && matches!(timer.action, Action::Alarm));
        self.at(known, || Timer::unarmed(pid, Action::Alarm))
    }

    /// A timer of `timer_create` that is ours.
    pub(crate) fn posix(&mut self, pid: i32, id: i32) -> Option<&mut Timer> {
        self.all.iter_mut().find(|timer| {
            timer.pid == pid && matches!(&timer.action, Action::Posix(posix) if posix.id == id)
        })
    }

    /// A timer of `timer_create` is gone.
    pub(crate) fn deleted(&mut self, pid: i32, id: i32) {
        self.all.retain(|timer| {
            timer.pid != pid || !matches!(&timer.action, Action::Posix(posix) if posix.id == id)
        });
    }

    /// The `timerfd` behind a descriptor, if it is ours.
    pub(crate) fn fd(&mut self, pid: i32, fd: i32) -> Option<&mut Timer> {
        if !self.all.iter().any(Timer::is_fd) {
            return None;
        }
        let mark = mark_of(pid, fd)?;
        self.all
            .iter_mut()
            .find(|timer| matches!(&timer.action, Action::Fd(own) if own.mark == mark))
    }

    /// The same, made ours if it is not. `None` where it cannot be, or is no `timerfd`.
    pub(crate) fn own_fd(&mut self, pid: i32, tid: i32, fd: i32) -> Option<&mut Timer> {
        let (seconds, clock) = proc::timerfd_mark(pid, fd)?;
        let known = self
            .all
            .iter()
            .position(|timer| matches!(&timer.action, Action::Fd(own) if own.mark == seconds));
        if known.is_some() {
            return Some(self.at(known, || Timer::unarmed(pid, Action::Alarm)));
        }
        let copy = crate::waits::sockets::copy_fd(tid, fd).ok()?;
        self.marks += 1;
        let timer = TimerFd {
            copy,
            mark: FIRST_MARK + self.marks,
            clock,
            ticks: 0,
        };
        timer.quiet().ok()?;
        self.all.push(Timer::unarmed(pid, Action::Fd(timer)));
        self.all.last_mut()
    }

    fn at(&mut self, known: Option<usize>, make: impl FnOnce() -> Timer) -> &mut Timer {
        let index = known.unwrap_or_else(|| {
            self.all.push(make());
            self.all.len() - 1
        });
        &mut self.all[index]
    }

    /// A process has ended.
    pub(crate) fn ended(&mut self, pid: i32) {
        self.all.retain(|timer| timer.is_fd() || timer.pid != pid);
    }

    /// A process has replaced itself: `alarm` goes on, timers of `timer_create` are gone.
    pub(crate) fn executed(&mut self, pid: i32) {
        self.all
            .retain(|timer| timer.pid != pid || !matches!(timer.action, Action::Posix(_)));
    }

    /// Forgets each `timerfd` that nobody holds any more.
    pub(crate) fn forget_closed(&mut self, living: impl Iterator<Item = i32>) {
        let waiting = |timer: &Timer| timer.is_fd() && timer.next.is_some();
        if !self.all.iter().any(waiting) {
            return;
        }
        let held: Vec<u64> = living
            .flat_map(|pid| {
                let fds = proc::fds(pid).unwrap_or_default();
                fds.into_iter().filter_map(move |(fd, link)| {
                    (link == TIMERFD).then(|| mark_of(pid, fd)).flatten()
                })
            })
            .collect();
        self.all.retain(|timer| match &timer.action {
            Action::Fd(fd) => held.contains(&fd.mark),
            _ => true,
        });
    }
}

/// Where the descriptor of a `timerfd` leads.
const TIMERFD: &[u8] = b"anon_inode:[timerfd]";

fn mark_of(pid: i32, fd: i32) -> Option<u64> {
    let (mark, _) = proc::timerfd_mark(pid, fd)?;
    (mark > FIRST_MARK).then_some(mark)
}

impl Timer {
    pub(crate) fn unarmed(pid: i32, action: Action) -> Self {
        Self {
            pid,
            action,
            next: None,
            interval: Duration::ZERO,
            order: 0,
        }
    }

    fn is_fd(&self) -> bool {
        matches!(self.action, Action::Fd(_))
    }

    /// Sets it anew.
    pub(crate) fn set(&mut self, next: Option<Moment>, interval: Duration, order: u64) {
        self.next = next;
        self.interval = interval;
        self.order = order;
        match &mut self.action {
            Action::Alarm => {}
            Action::Posix(posix) => posix.overrun = 0,
            Action::Fd(fd) => {
                fd.ticks = 0;
                // What has come and was not read is gone.
                let _ = fd.quiet();
            }
        }
    }

    /// Its interval, and what is left of the time until it comes; zero when it is not armed.
    pub(crate) fn setting(&self, now: Moment) -> (Duration, Duration) {
        /// One that is due has not come yet, so it is armed.
        const LEAST: Duration = Duration::from_nanos(1);
        let left = self
            .next
            .map_or(Duration::ZERO, |next| next.saturating_sub(now).max(LEAST));
        (self.interval, left)
    }

    /// Its moment has come, at the latest now: those of an interval that are missed count as well.
    pub(crate) fn come(&mut self, now: Moment, order: u64) {
        let Some(due) = self.next else {
            return;
        };
        let interval = self.interval.as_nanos();
        let missed = match now.saturating_sub(due).as_nanos().checked_div(interval) {
            Some(missed) => u32::try_from(missed).unwrap_or(u32::MAX),
            None => 0,
        };
        self.next = (interval != 0)
            .then(|| due.saturating_add(self.interval.saturating_mul(missed.saturating_add(1))));
        self.order = order;
        match &mut self.action {
            // SAFETY: kill takes integers only; a process that is gone gives ESRCH.
            Action::Alarm => unsafe {
                libc::kill(self.pid, libc::SIGALRM);
            },
            Action::Posix(posix) => posix.come(self.pid, missed),
            Action::Fd(fd) => fd.come(u64::from(missed) + 1),
        }
    }
}

impl Posix {
    fn come(&mut self, pid: i32, missed: u32) {
        let Some(signal) = self.signal else {
            return;
        };
        let missed = i32::try_from(missed).unwrap_or(i32::MAX);
        if proc::is_pending(pid, self.thread.unwrap_or(pid), signal) {
            self.overrun = self.overrun.saturating_add(missed).saturating_add(1);
            return;
        }
        self.overrun = missed;
        let info = Info {
            signo: signal,
            errno: 0,
            code: libc::SI_TIMER,
            pad: 0,
            timer: self.id,
            overrun: self.overrun,
            value: self.value,
            rest: [0; 12],
        };
        let info = &raw const info;
        // SAFETY: `info` is as large as `siginfo_t` and lives during the call.
        unsafe {
            match self.thread {
                Some(tid) => {
                    libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid, signal, info);
                }
                None => {
                    libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, info);
                }
            }
        }
    }
}

/// `siginfo_t` of a timer on 64-bit machines, 128 bytes.
#[repr(C)]
struct Info {
    signo: i32,
    errno: i32,
    code: i32,
    pad: i32,
    timer: i32,
    overrun: i32,
    value: u64,
    rest: [u64; 12],
}

impl TimerFd {
    fn set(&self, after: Duration) -> Result<(), Errno> {
        let interval = libc::timespec {
            tv_sec: libc::time_t::try_from(self.mark).map_err(|_| Errno::EINVAL)?,
            tv_nsec: 0,
        };
        let value = libc::timespec {
            tv_sec: 0,
            tv_nsec: after.subsec_nanos().into(),
        };
        let setting = libc::itimerspec {
            it_interval: interval,
            it_value: value,
        };
        // SAFETY: `setting` lives during the call; the old one is not asked for.
        let done = unsafe {
            libc::timerfd_settime(
                self.copy.as_raw_fd(),
                0,
                &raw const setting,
                std::ptr::null_mut(),
            )
        };
        Errno::result(done).map(drop)
    }

    /// Nothing to read, and nothing to come.
    fn quiet(&self) -> Result<(), Errno> {
        self.set(Duration::ZERO)
    }

    fn come(&mut self, times: u64) {
        self.ticks = self.ticks.saturating_add(times);
        if self.set(Duration::from_nanos(1)).is_err() {
            return;
        }
        // The kernel wakes the readers from an interrupt, a moment later.
        let mut copy = libc::pollfd {
            fd: self.copy.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one live pollfd.
        unsafe { libc::poll(&raw mut copy, 1, 1000) };
    }

    /// It was read: how often it had come.
    pub(crate) fn taken(&mut self) -> u64 {
        let _ = self.quiet();
        std::mem::take(&mut self.ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_siginfo_has_its_size() {
        assert_eq!(size_of::<Info>(), size_of::<libc::siginfo_t>());
    }

    #[test]
    fn missed_expirations_keep_the_beat() {
        let posix = Posix {
            id: 1,
            clock: libc::CLOCK_MONOTONIC,
            signal: None,
            thread: None,
            value: 0,
            overrun: 0,
        };
        let mut timer = Timer::unarmed(1, Action::Posix(posix));
        let ms = Duration::from_millis;
        timer.set(Some(ms(10)), ms(10), 1);
        timer.come(ms(10), 2);
        assert_eq!(timer.next, Some(ms(20)));
        timer.come(ms(57), 3);
        assert_eq!(timer.next, Some(ms(60)));
        timer.set(Some(ms(70)), Duration::ZERO, 4);
        timer.come(ms(70), 5);
        assert_eq!(timer.next, None);
        assert_eq!(timer.setting(ms(80)), (Duration::ZERO, Duration::ZERO));
    }
}
