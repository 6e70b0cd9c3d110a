//! What the started child does, up to `execve`. Every step is one system call, no allocation.
//!
//! A program that will be executed shares the helper's memory until then, and both run: nothing
//! here may write to it outside its own stack, so system calls are made without the C library and
//! its `errno`. A builtin has a copy of the memory.

use std::os::fd::{AsRawFd, RawFd};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use super::image::Prepared;
use super::{Terms, session};
use crate::isolation::user::Identity;
use crate::limits::{self, Rlimit};
use crate::raw::{self, at, number};

/// Everything the child needs, prepared before.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) terms: Rc<Terms>,
    /// A Landlock ruleset.
    pub(super) ruleset: Option<RawFd>,
    /// A control group's `cgroup.procs`.
    pub(super) group: Option<RawFd>,
    pub(super) prepared: Prepared,
    pub(super) umask: Option<u32>,
    /// Limits of this program alone.
    pub(super) own_limits: [Option<Rlimit>; 2],
    pub(super) stdio: [Option<RawFd>; 3],
    /// Its clocks are the tracer's.
    pub(super) traced: bool,
    /// Its memory is the helper's until `execve`.
    pub(super) shares_memory: bool,
    pub(super) terminal: bool,
    /// Where a leader of a session with the terminal at standard input, which outlives the program,
    /// tells the program's pid.
    pub(super) leader: Option<RawFd>,
    pub(super) gate: RawFd,
    pub(super) failure: RawFd,
    /// Where to tell that it can be traced, if that takes telling.
    pub(super) ready: Option<RawFd>,
}

/// Length of a failure message: the step, and `errno` in native order.
pub(super) const MESSAGE: usize = 5;

/// The steps that can fail. Zero in a message stands for `execve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    Exec = 0,
    Session,
    Descriptors,
    Terminal,
    Directory,
    Limits,
    Privileges,
    Signals,
    Group,
    Landlock,
    User,
    Capabilities,
    Clock,
    Filter,
}

impl Step {
    /// In words; `None` for `execve` itself.
    pub(super) fn name(byte: u8) -> Option<&'static str> {
        Some(match byte {
            b if b == Self::Exec as u8 => return None,
            b if b == Self::Session as u8 => "setsid",
            b if b == Self::Descriptors as u8 => "arranging descriptors",
            b if b == Self::Terminal as u8 => "taking the terminal",
            b if b == Self::Directory as u8 => "entering the workspace",
            b if b == Self::Limits as u8 => "setting limits",
            b if b == Self::Privileges as u8 => "giving up privileges",
            b if b == Self::Signals as u8 => "resetting signals",
            b if b == Self::Group as u8 => "entering the control group",
            b if b == Self::Landlock as u8 => "confinement by Landlock",
            b if b == Self::User as u8 => "becoming an ordinary user",
            b if b == Self::Capabilities as u8 => "dropping capabilities",
            b if b == Self::Clock as u8 => "reading the clock by system calls",
            b if b == Self::Filter as u8 => "installing the filter",
            _ => "an unknown step",
        })
    }
}

/// Where the child keeps its two pipes, above the standard descriptors.
const FAILURE: RawFd = 3;
const GATE: RawFd = 4;
/// Temporary places above all of them.
const ABOVE: RawFd = 16;

/// A step and its `errno`.
type Done = Result<(), (Step, i32)>;

/// Says which step has failed.
fn done(step: Step, answer: raw::Answer) -> Done {
    answer.map(drop).map_err(|errno| (step, errno))
}

impl Start {
    /// Never returns: `execve`, a builtin's exit, or a failure told through the pipe.
    pub(super) fn run(&self) -> ! {
        let mut failure = self.failure;
        if let (Some(report), Some(terminal)) = (self.leader, self.stdio[0]) {
            session::lead(terminal, report);
        }
        let result = self.confine().and_then(|()| {
            failure = FAILURE;
            Self::pass_gate();
            self.go()
        });
        // `confine` may have moved the pipe before it failed: tell both places.
        if let Err((step, errno)) = result {
            let [a, b, c, d] = errno.to_ne_bytes();
            let message: [u8; MESSAGE] = [step as u8, a, b, c, d];
            for fd in [failure, FAILURE] {
                if raw::write(fd, &message) == Ok(MESSAGE as i64) {
                    break;
                }
            }
        }
        raw::exit(127)
    }

    fn confine(&self) -> Done {
        if let (Some(_), Some(terminal)) = (self.leader, self.stdio[0]) {
            session::come_to_the_foreground(terminal).map_err(|errno| (Step::Terminal, errno))?;
        }
        let workspace = at(self.terms.workspace.as_ptr());
        // SAFETY: numbers, and the path, which is a live C string.
        unsafe {
            if self.leader.is_none() {
                done(Step::Session, raw::call(libc::SYS_setsid, []))?;
            }
            let _ = raw::call(libc::SYS_umask, [0o022]);
            done(Step::Directory, raw::call(libc::SYS_chdir, [workspace]))?;
        }
        let set = raw::prctl(libc::PR_SET_NO_NEW_PRIVS, 1);
        done(Step::Privileges, set)?;
        if let Some(group) = self.group {
            // 0 is whoever writes it.
            done(Step::Group, raw::write(group, b"0"))?;
        }
        if !self.shares_memory {
            die_first();
        }
        if let Some(ruleset) = self.ruleset {
            let arguments = [number(ruleset), 0];
            // SAFETY: takes a descriptor and flags.
            let set = unsafe { raw::call(libc::SYS_landlock_restrict_self, arguments) };
            done(Step::Landlock, set)?;
        }
        for limit in &self.terms.rlimits {
            limit.set().map_err(|errno| (Step::Limits, errno))?;
        }
        self.become_ordinary()?;
        if !self.terms.private_pids {
            // Nothing else would end a daemon if the helper were killed. It comes after the change of
            // user, which resets it.
            let _ = raw::prctl(libc::PR_SET_PDEATHSIG, number(libc::SIGKILL));
        }
        // Until `execve` its memory is the helper's, or a copy: nobody but the helper may look into it.
        let dumpable = usize::from(!self.terms.hidden);
        let set = raw::prctl(libc::PR_SET_DUMPABLE, dumpable);
        done(Step::Privileges, set)?;
        // Only now: what a signal does to this process must not be seen in the helper's memory.
        let reset = self.terms.altered.reset();
        reset.map_err(|errno| (Step::Signals, errno))?;
        if let Some(ready) = self.ready {
            done(Step::Descriptors, raw::write(ready, &[1]))?;
        }
        self.arrange_descriptors()
    }

    fn become_ordinary(&self) -> Done {
        match &*self.terms.identity {
            // The calls of the C library would look for other threads.
            // SAFETY: plain system calls with numbers and an empty list.
            Identity::Separate { id } => unsafe {
                let id = *id as usize;
                done(Step::User, raw::call(libc::SYS_setgroups, [0, 0]))?;
                done(Step::User, raw::call(libc::SYS_setresgid, [id, id, id]))?;
                done(Step::User, raw::call(libc::SYS_setresuid, [id, id, id]))?;
            },
            Identity::Nested(namespace) => {
                let arguments = [number(namespace.as_raw_fd()), number(libc::CLONE_NEWUSER)];
                // SAFETY: takes a descriptor and a flag.
                let entered = unsafe { raw::call(libc::SYS_setns, arguments) };
                done(Step::User, entered)?;
            }
            Identity::Same => {}
        }
        // `execve` would do it for all but the builtins.
        let header = [CAPABILITY_VERSION, 0];
        let none = [0u32; 6];
        let arguments = [at(header.as_ptr()), at(none.as_ptr())];
        // SAFETY: both arrays are as long as the kernel reads for this version.
        let dropped = unsafe { raw::call(libc::SYS_capset, arguments) };
        done(Step::Capabilities, dropped)
    }

    /// 0–2 as asked, 3 and 4 the pipes, nothing else.
    fn arrange_descriptors(&self) -> Done {
        let [stdin, stdout, stderr] = self.stdio;
        let mut wanted = [stdin, stdout, stderr, Some(self.failure), Some(self.gate)];
        // SAFETY: takes descriptors and numbers; what is closed here belongs to this child only.
        unsafe {
            for fd in wanted.iter_mut().flatten().filter(|fd| **fd <= GATE) {
                let arguments = [number(*fd), number(libc::F_DUPFD_CLOEXEC), number(ABOVE)];
                let copy = raw::call(libc::SYS_fcntl, arguments);
                *fd = copy.map_err(|errno| (Step::Descriptors, errno))? as RawFd;
            }
            for (target, source) in (0..).zip(wanted) {
                let flags = if target < FAILURE { 0 } else { libc::O_CLOEXEC };
                let target = number(target);
                if let Some(source) = source {
                    let arguments = [number(source), target, number(flags)];
                    done(Step::Descriptors, raw::call(libc::SYS_dup3, arguments))?;
                } else {
                    let _ = raw::call(libc::SYS_close, [target]);
                }
            }
            raw::close_from(GATE + 1);
            if self.terminal && stdin.is_some() {
                let arguments = [0, libc::TIOCSCTTY as usize, 0];
                done(Step::Terminal, raw::call(libc::SYS_ioctl, arguments))?;
            }
        }
        Ok(())
    }

    fn pass_gate() {
        let mut byte = 0u8;
        loop {
            let arguments = [number(GATE), at(&raw mut byte), 1];
            // SAFETY: `byte` is one live byte.
            match unsafe { raw::call(libc::SYS_read, arguments) } {
                Ok(1) => return,
                Err(libc::EINTR) => {}
                // The helper gave up on this program.
                _ => raw::exit(127),
            }
        }
    }

    fn go(&self) -> Done {
        if let Some(umask) = self.umask {
            // SAFETY: takes a number.
            let _ = unsafe { raw::call(libc::SYS_umask, [umask as usize]) };
        }
        for limit in self.own_limits.iter().flatten() {
            limit.set().map_err(|errno| (Step::Limits, errno))?;
        }
        if let Some(slack) = self.terms.slack {
            let _ = raw::prctl(libc::PR_SET_TIMERSLACK, slack);
        }
        if self.traced && matches!(self.prepared, Prepared::Builtin { .. }) {
            super::vdso::replace().map_err(|errno| (Step::Clock, errno))?;
        }
        // Whoever it wakes does not drive the helper from the processor at once; where that is
        // refused, acts that must come as one have to be tried more often.
        let priority = libc::sched_param { sched_priority: 0 };
        let arguments = [0, number(libc::SCHED_BATCH), at(&raw const priority)];
        // SAFETY: the parameter is live.
        let _ = unsafe { raw::call(libc::SYS_sched_setscheduler, arguments) };
        let filters = &self.terms.filters;
        let filter = if self.traced {
            filters.traced(self.terms.stops)
        } else {
            &filters.untraced
        };
        crate::filter::install(filter).map_err(|errno| (Step::Filter, errno))?;
        match &self.prepared {
            Prepared::File { path, argv, envp } => {
                let arguments = [at(path.as_ptr()), at(argv.as_ptr()), at(envp.as_ptr())];
                // SAFETY: the strings and the null-terminated arrays of pointers to them are live.
                done(Step::Exec, unsafe {
                    raw::call(libc::SYS_execve, arguments)
                })
            }
            Prepared::Builtin { name, argv, env } => {
                // SAFETY: this process has one thread, and memory of its own, so nobody reads the
                // environment meanwhile.
                unsafe {
                    libc::clearenv();
                    for (name, value) in env {
                        libc::setenv(name.as_ptr(), value.as_ptr(), 1);
                    }
                }
                let builtins = self.terms.builtins;
                // SAFETY: closes descriptors of this child only.
                unsafe { raw::close_from(FAILURE) };
                let code = std::panic::catch_unwind(AssertUnwindSafe(|| builtins(name, argv)));
                std::process::exit(match code {
                    Ok(Some(code)) => code,
                    Ok(None) => {
                        eprintln!("grader: there is no builtin program called {name:?}");
                        127
                    }
                    // As after a panic in `main`.
                    Err(_) => 101,
                })
            }
        }
    }
}

/// Where a machine runs out of memory, the kernel is to take the programs and not the grader; proc(5).
/// Refused, nothing else changes. Not for a process that shares its memory: the number would be that
/// of all who do, so the tracer sets it at `execve`.
fn die_first() {
    let path = at(c"/proc/self/oom_score_adj".as_ptr());
    let flags = number(libc::O_WRONLY | libc::O_CLOEXEC);
    let arguments = [number(libc::AT_FDCWD), path, flags];
    // SAFETY: the path is a live C string; the descriptor is this child's own.
    unsafe {
        if let Ok(fd) = raw::call(libc::SYS_openat, arguments) {
            let _ = raw::write(fd as RawFd, limits::DIE_FIRST);
            let _ = raw::call(libc::SYS_close, [fd as usize]);
        }
    }
}

/// `_LINUX_CAPABILITY_VERSION_3`, capget(2).
const CAPABILITY_VERSION: u32 = 0x2008_0522;
