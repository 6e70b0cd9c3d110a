//! `nanny [-r MAX] SPEC`: starts the children of SPEC, tells how each ends, starts those again that
//! failed, and takes all of them along when it is told to go.
//!
//! Signals stay blocked and are taken from a signalfd, so nothing runs in a handler: a child that
//! ends before its pid is written down is found later.

use std::ffi::OsString;
use std::io::stdout;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use supervisor::fork::{Forked, fork};

use crate::io;

const NAME: &str = "nanny";
const USAGE: &str = "nanny [-r MAX] SPEC";
/// How long a child may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// The status of a command that could not be executed, as in a shell.
const NOT_EXECUTED: i32 = 127;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let (most, spec) = match args {
        [spec] => (Some(0), spec),
        [flag, most, spec] if flag == "-r" => (most.to_str().and_then(|n| n.parse().ok()), spec),
        _ => return io::usage(USAGE),
    };
    let Some(most) = most else {
        return io::usage(USAGE);
    };
    let text = match read_spec(spec) {
        Ok(text) => text,
        Err(error) => {
            io::complain(NAME, spec.as_bytes(), &io::reason(&error));
            return 1;
        }
    };
    match Nanny::new(&text, most).and_then(Nanny::run) {
        Ok(status) => status,
        Err(error) => {
            io::complain(NAME, b"watching the children", error.desc());
            1
        }
    }
}

fn read_spec(spec: &OsString) -> std::io::Result<String> {
    if spec == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(spec)
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Code(i32),
    Signal(i32),
}

/// A line of the SPEC.
struct Child {
    name: String,
    command: Vec<String>,
    /// Where it runs, if it does.
    pid: Option<Pid>,
    restarts: u32,
}

struct Nanny {
    children: Vec<Child>,
    /// How often one is started again.
    most: u32,
    gave_up: bool,
    leaving: bool,
    signals: SignalFd,
    /// Armed when SIGTERM comes.
    grace: TimerFd,
}

impl Nanny {
    fn new(spec: &str, most: u32) -> nix::Result<Self> {
        io::block_sigpipe()?;
        let mut wanted = SigSet::empty();
        wanted.add(Signal::SIGCHLD);
        wanted.add(Signal::SIGTERM);
        wanted.thread_block()?;
        let children = spec.lines().filter_map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            Some(Child {
                name: words.next()?,
                command: words.collect(),
                pid: None,
                restarts: 0,
            })
        });
        Ok(Self {
            children: children.collect(),
            most,
            gave_up: false,
            leaving: false,
            signals: SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
            grace: TimerFd::new(
                ClockId::CLOCK_MONOTONIC,
                TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK,
            )?,
        })
    }

    fn run(mut self) -> nix::Result<i32> {
        for at in 0..self.children.len() {
            if let Some(end) = self.start(at) {
                self.settle(at, end);
            }
        }
        while self.children.iter().any(|child| child.pid.is_some()) {
            let mut fds = [self.signals.as_fd(), self.grace.as_fd()]
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            io::wait(&mut fds)?;
            let late = io::ready(&fds[1]);
            while let Some(signal) = self.signals.read_signal()? {
                if signal.ssi_signo == libc::SIGTERM.cast_unsigned() && !self.leaving {
                    self.leave()?;
                }
            }
            // However many SIGCHLD there were: one may stand for many children.
            while let Some((pid, end)) = next_end()? {
                self.ended(pid, end);
            }
            if late {
                self.kill_all(Signal::SIGKILL);
                self.grace.unset()?;
            }
        }
        if self.leaving {
            say("bye");
            return Ok(0);
        }
        Ok(i32::from(self.gave_up))
    }

    /// Passes SIGTERM on to the children, and to nobody else.
    fn leave(&mut self) -> nix::Result<()> {
        self.leaving = true;
        self.kill_all(Signal::SIGTERM);
        let grace = Expiration::OneShot(TimeSpec::from_duration(GRACE));
        self.grace.set(grace, TimerSetTimeFlags::empty())
    }

    fn kill_all(&self, signal: Signal) {
        for pid in self.children.iter().filter_map(|child| child.pid) {
            // It is not collected yet, so the pid is still its; it may have ended all the same.
            let _ = kill(pid, signal);
        }
    }

    /// Starts a child, with default dispositions and an empty mask; every descriptor of ours is
    /// close-on-exec. A command that cannot be executed ends with 127; where there is not even a
    /// process, that is its end all the same.
    fn start(&mut self, at: usize) -> Option<End> {
        let child = self.children.get_mut(at)?;
        let Some((command, args)) = child.command.split_first() else {
            io::complain(NAME, child.name.as_bytes(), "no command");
            return Some(End::Code(NOT_EXECUTED));
        };
        match fork() {
            Ok(Forked::Child) => {
                // exec hands the mask on.
                let _ = SigSet::empty().thread_set_mask();
                let error = Command::new(command).args(args).exec();
                io::complain(NAME, command.as_bytes(), &io::reason(&error));
                std::process::exit(NOT_EXECUTED)
            }
            Ok(Forked::Parent(pid)) => {
                child.pid = Some(pid);
                None
            }
            Err(error) => {
                io::complain(NAME, command.as_bytes(), &io::reason(&error));
                Some(End::Code(NOT_EXECUTED))
            }
        }
    }

    fn ended(&mut self, pid: Pid, end: End) {
        let found = self
            .children
            .iter()
            .position(|child| child.pid == Some(pid));
        if let Some(at) = found {
            self.settle(at, end);
        }
    }

    /// Tells of an end, and starts the child again where that is due.
    fn settle(&mut self, at: usize, end: End) {
        let mut next = Some(end);
        while let (Some(end), Some(child)) = (next, self.children.get_mut(at)) {
            child.pid = None;
            match end {
                End::Code(code) => say(&format!("exit {} code {code}", child.name)),
                End::Signal(signal) => say(&format!("exit {} sig {signal}", child.name)),
            }
            if end == End::Code(0) || self.leaving {
                return;
            }
            if child.restarts == self.most {
                say(&format!("give-up {}", child.name));
                self.gave_up = true;
                return;
            }
            child.restarts += 1;
            next = self.start(at);
        }
    }
}

/// Collects a child that has ended, if there is one.
fn next_end() -> nix::Result<Option<(Pid, End)>> {
    match io::retry(|| waitpid(None, Some(WaitPidFlag::WNOHANG))) {
        Ok(WaitStatus::Exited(pid, code)) => Ok(Some((pid, End::Code(code)))),
        Ok(WaitStatus::Signaled(pid, signal, _)) => Ok(Some((pid, End::Signal(signal as i32)))),
        Ok(_) | Err(Errno::ECHILD) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A line on standard output; whoever does not want to hear it is none of the children's concern.
fn say(line: &str) {
    let _ = io::write_all(stdout(), format!("{line}\n").as_bytes());
}
