//! What the forked child does, up to `execve`. Every step is one system call, no allocation.

use std::os::fd::{AsRawFd, RawFd};
use std::panic::AssertUnwindSafe;

use libc::sock_filter;
use nix::errno::Errno;

use super::image::Prepared;
use super::{Identity, Launcher};
use crate::limits::Rlimit;

/// Everything the child needs, prepared before the fork.
pub(super) struct Start<'a> {
    pub(super) launcher: &'a Launcher,
    pub(super) prepared: &'a Prepared,
    pub(super) umask: Option<u32>,
    /// Limits of this program alone.
    pub(super) own_limits: [Option<Rlimit>; 2],
    pub(super) filter: &'a [sock_filter],
    pub(super) stdio: [Option<RawFd>; 3],
    /// Its clocks are the tracer's.
    pub(super) traced: bool,
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

/// `0` or more is success.
fn check(step: Step, result: i64) -> Done {
    if result < 0 {
        Err((step, Errno::last_raw()))
    } else {
        Ok(())
    }
}

impl Start<'_> {
    /// Never returns: `execve`, a builtin's exit, or a failure told through the pipe.
    pub(super) fn run(self) -> ! {
        let mut failure = self.failure;
        if let (Some(report), Some(terminal)) = (self.leader, self.stdio[0]) {
            super::session::lead(terminal, report);
        }
        let result = self.confine().and_then(|()| {
            failure = FAILURE;
            self.pass_gate()?;
            self.go()
        });
        // `confine` may have moved the pipe before it failed: tell both places.
        if let Err((step, errno)) = result {
            let mut message = [step as u8; MESSAGE];
            message[1..].copy_from_slice(&errno.to_ne_bytes());
            for fd in [failure, FAILURE] {
                // SAFETY: `message` is live and as long as said; a wrong descriptor is an error.
                let sent = unsafe { libc::write(fd, message.as_ptr().cast(), MESSAGE) };
                if sent == MESSAGE as isize {
                    break;
                }
            }
        }
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(127) }
    }

    fn confine(&self) -> Done {
        if let (Some(_), Some(terminal)) = (self.leader, self.stdio[0]) {
            super::session::come_to_the_foreground(terminal)
                .map_err(|errno| (Step::Terminal, errno))?;
        }
        // SAFETY: plain system calls; the path is a live C string.
        unsafe {
            if self.leader.is_none() {
                check(Step::Session, libc::setsid().into())?;
            }
            libc::umask(0o022);
            let workspace = self.launcher.workspace.as_ptr();
            check(Step::Directory, libc::chdir(workspace).into())?;
            let set = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            check(Step::Privileges, set.into())?;
        }
        reset_signals();
        if let Some(group) = &self.launcher.group {
            // SAFETY: one live byte; 0 is whoever writes it.
            let done = unsafe { libc::write(group.as_raw_fd(), c"0".as_ptr().cast(), 1) };
            check(Step::Group, done as i64)?;
        }
        die_first();
        if let Some(ruleset) = &self.launcher.ruleset {
            // SAFETY: takes a descriptor and flags.
            let done =
                unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
            check(Step::Landlock, done)?;
        }
        for limit in &self.launcher.rlimits {
            limit.set().map_err(|errno| (Step::Limits, errno))?;
        }
        self.become_ordinary()?;
        if !self.launcher.private_pids {
            // Nothing else would end a daemon if the helper were killed.
            // SAFETY: takes numbers only. It comes after the change of user, which resets it.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
        }
        // Until `execve` this is a copy of the helper: nobody but the helper may look into it.
        let dumpable = libc::c_ulong::from(!self.launcher.hidden);
        // SAFETY: takes numbers only.
        let set = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, dumpable, 0, 0, 0) };
        check(Step::Privileges, set.into())?;
        if let Some(ready) = self.ready {
            // SAFETY: one live byte.
            let told = unsafe { libc::write(ready, [1u8].as_ptr().cast(), 1) };
            check(Step::Descriptors, told as i64)?;
        }
        self.arrange_descriptors()
    }

    fn become_ordinary(&self) -> Done {
        match &self.launcher.identity {
            // Raw calls: those of the C library would look for other threads.
            // SAFETY: plain system calls with numbers and an empty list.
            Identity::Separate { id } => unsafe {
                let id = i64::from(*id);
                let none = std::ptr::null::<u32>();
                check(Step::User, libc::syscall(libc::SYS_setgroups, 0, none))?;
                check(Step::User, libc::syscall(libc::SYS_setresgid, id, id, id))?;
                check(Step::User, libc::syscall(libc::SYS_setresuid, id, id, id))?;
            },
            Identity::Nested(namespace) => {
                // SAFETY: takes a descriptor and a flag.
                let done = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUSER) };
                check(Step::User, done.into())?;
            }
            Identity::Same => {}
        }
        // `execve` would do it for all but the builtins.
        let header = [CAPABILITY_VERSION, 0];
        let none = [0u32; 6];
        // SAFETY: both arrays are as long as the kernel reads for this version.
        let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
        check(Step::Capabilities, done)
    }

    /// 0–2 as asked, 3 and 4 the pipes, nothing else.
    fn arrange_descriptors(&self) -> Done {
        let [stdin, stdout, stderr] = self.stdio;
        let wanted = [stdin, stdout, stderr, Some(self.failure), Some(self.gate)];
        let mut moved = [None; 5];
        // SAFETY: takes descriptors and numbers; what is closed here belongs to this child only.
        unsafe {
            for (fd, place) in wanted.iter().zip(&mut moved) {
                if let Some(fd) = fd {
                    let copy = libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, ABOVE);
                    check(Step::Descriptors, copy.into())?;
                    *place = Some(copy);
                }
            }
            for (target, source) in (0..).zip(moved) {
                let flags = if target < FAILURE { 0 } else { libc::O_CLOEXEC };
                match source {
                    Some(source) => {
                        check(Step::Descriptors, libc::dup3(source, target, flags).into())?;
                    }
                    None => {
                        libc::close(target);
                    }
                }
            }
            close_from(GATE + 1);
            if self.terminal && stdin.is_some() {
                check(Step::Terminal, libc::ioctl(0, libc::TIOCSCTTY, 0).into())?;
            }
        }
        Ok(())
    }

    fn pass_gate(&self) -> Done {
        let mut byte = 0u8;
        loop {
            // SAFETY: `byte` is one live byte.
            match unsafe { libc::read(GATE, (&raw mut byte).cast(), 1) } {
                1 => return Ok(()),
                -1 if Errno::last_raw() == libc::EINTR => {}
                // The helper gave up on this program.
                // SAFETY: ends the process.
                _ => unsafe { libc::_exit(127) },
            }
        }
    }

    fn go(&self) -> Done {
        if let Some(umask) = self.umask {
            // SAFETY: takes a number.
            unsafe { libc::umask(umask) };
        }
        for limit in self.own_limits.iter().flatten() {
            limit.set().map_err(|errno| (Step::Limits, errno))?;
        }
        if self.traced && matches!(self.prepared, Prepared::Builtin { .. }) {
            super::vdso::replace().map_err(|errno| (Step::Clock, errno))?;
        }
        // Whoever it wakes does not drive the helper from the processor at once; where that is
        // refused, acts that must come as one have to be tried more often.
        let priority = libc::sched_param { sched_priority: 0 };
        // SAFETY: the parameter is live.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const priority) };
        crate::filter::install(self.filter).map_err(|errno| (Step::Filter, errno))?;
        match self.prepared {
            Prepared::File { path, argv, envp } => {
                // SAFETY: the strings and the null-terminated arrays of pointers to them are live.
                unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
                Err((Step::Exec, Errno::last_raw()))
            }
            Prepared::Builtin { name, argv, env } => {
                // SAFETY: this process has one thread, so nobody reads the environment meanwhile.
                unsafe {
                    libc::clearenv();
                    for (name, value) in env {
                        libc::setenv(name.as_ptr(), value.as_ptr(), 1);
                    }
                }
                let builtins = self.launcher.builtins;
                // SAFETY: closes descriptors of this child only.
                unsafe { close_from(FAILURE) };
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
/// Refused, nothing else changes.
fn die_first() {
    // SAFETY: plain system calls; path and text are live, a wrong descriptor is an error.
    unsafe {
        let flags = libc::O_WRONLY | libc::O_CLOEXEC;
        let fd = libc::open(c"/proc/self/oom_score_adj".as_ptr(), flags);
        libc::write(fd, c"1000".as_ptr().cast(), 4);
        libc::close(fd);
    }
}

/// `_LINUX_CAPABILITY_VERSION_3`, capget(2).
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// The default action for every signal, none blocked. Rust programs ignore `SIGPIPE`, and
/// `execve` hands that on.
fn reset_signals() {
    // `struct kernel_sigaction`: handler `SIG_DFL`, no flags, no restorer, an empty mask.
    let default = [0u64; 4];
    let empty = 0u64;
    let none = std::ptr::null::<u64>();
    // SAFETY: the arrays are as long as the kernel reads (a mask of 8 bytes). Calls for SIGKILL
    // and SIGSTOP fail, and may. The C library would refuse its own two signals.
    unsafe {
        for signal in 1..=64 {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, 8);
        }
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const empty,
            none,
            8,
        );
    }
}

/// Closes all descriptors from `first` on.
///
/// # Safety
/// Nothing in this process may use them afterwards.
pub(super) unsafe fn close_from(first: RawFd) {
    // SAFETY: the caller promises that nobody uses them.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) != 0 {
            // Before Linux 5.9. The helper has few descriptors, all low.
            for fd in first..1024 {
                libc::close(fd);
            }
        }
    }
}
