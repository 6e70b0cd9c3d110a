//! The probing process: each attempt in a child, so that none changes the conditions of the next.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, fork};

use super::{Check, cgroup, namespaces};
use crate::filter::{self, Filters};
use crate::isolation::scenario::kernel_at_least;
use crate::isolation::{SetupError, landlock, sys};
use crate::wire::{self, Kind, Quiet};

/// Answers with a list of checks. Run by a single-threaded process of its own.
pub(crate) fn answer(socket: &UnixStream) -> Result<ExitCode, SetupError> {
    let mut checks = vec![kernel()];
    checks.extend(namespaces::check());
    checks.extend([
        tracing(),
        seccomp(),
        confinement(),
        cgroup::check(),
        pinning(),
        compiler(),
    ]);
    wire::send(&mut Quiet(socket), Kind::Checks, &checks)
        .map_err(|e| SetupError::NotSetUp(e.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// Does something in a child process and gives what it says.
pub(super) fn in_child(attempt: impl FnOnce() -> Result<String, String>) -> Result<String, String> {
    let (mut ours, mut theirs) = UnixStream::pair().map_err(|e| e.to_string())?;
    // SAFETY: the probing process is single-threaded.
    match unsafe { fork() }.map_err(|e| e.desc().to_owned())? {
        ForkResult::Child => {
            drop(ours);
            let (first, text) = match attempt() {
                Ok(text) => ('+', text),
                Err(text) => ('-', text),
            };
            let _ = write!(theirs, "{first}{text}");
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            // The child is ours and holds the only other end: this ends when it does.
            let mut text = String::new();
            let read = ours.read_to_string(&mut text);
            let end = sys::wait_for(child.as_raw()).map_err(|e| e.desc().to_owned())?;
            read.map_err(|e| e.to_string())?;
            match text.split_at_checked(1) {
                Some(("+", text)) => Ok(text.to_owned()),
                Some(("-", text)) => Err(text.to_owned()),
                _ => Err(format!("the attempt ended with {end:?}")),
            }
        }
    }
}

fn kernel() -> Check {
    let release = nix::sys::utsname::uname().map_or_else(
        |e| e.to_string(),
        |name| name.release().to_string_lossy().into_owned(),
    );
    let result = if kernel_at_least(5, 12) {
        Ok(release)
    } else {
        Err(release)
    };
    Check::new("kernel", result)
        .or("Linux 5.12 or later: mount_setattr(2) makes the system read-only")
}

/// Whether a process may trace its own child.
pub(crate) fn may_trace() -> bool {
    trace().is_ok()
}

fn trace() -> Result<(), Errno> {
    let parent = nix::unistd::getpid();
    // SAFETY: the caller is single-threaded; the child only waits to be killed.
    let child = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // Whoever kills the parent at this very moment leaves nobody behind.
            let follows = sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
            while follows.is_ok() && nix::unistd::getppid() == parent {
                nix::unistd::pause();
            }
            // SAFETY: ends this process without running anything of the parent's.
            unsafe { libc::_exit(0) }
        }
    };
    let options = libc::PTRACE_O_TRACESECCOMP | libc::PTRACE_O_EXITKILL;
    // SAFETY: attaches to a child of ours; no memory is involved.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, child.as_raw(), 0, options) };
    let seized = Errno::result(seized).map(drop);
    // It waits for this, and is ours to collect.
    let _ = kill(child, Signal::SIGKILL);
    let _ = sys::wait_for(child.as_raw());
    seized
}

fn tracing() -> Check {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    let yama = match scope.as_deref().map(str::trim) {
        Ok(scope) => format!("Yama ptrace_scope {scope}"),
        Err(_) => "no Yama".into(),
    };
    let result = match trace() {
        Ok(()) => Ok(yama),
        Err(errno) => Err(format!("{}; {yama}", errno.desc())),
    };
    Check::new("ptrace", result).or(
        "sysctl kernel.yama.ptrace_scope=1 (3 cannot be lowered without a reboot); in a container \
         allow ptrace in its seccomp profile. Without it calls are not seen and quiet is judged \
         from /proc",
    )
}

fn seccomp() -> Check {
    let result = in_child(|| {
        sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(|e| e.desc().to_owned())?;
        filter::install(&Filters::new(&[], true).untraced)
            .map_err(|errno| Errno::from_raw(errno).desc().to_owned())?;
        // SAFETY: takes numbers; it would tell the id of a keyring.
        let refused = unsafe { libc::syscall(libc::SYS_keyctl, 0, 0, 0, 0, 0) };
        match (refused, Errno::last()) {
            (-1, Errno::EPERM) => Ok("filters work".into()),
            _ => Err("a filter was installed and did not refuse".into()),
        }
    });
    Check::new("seccomp", result).or("a kernel with CONFIG_SECCOMP_FILTER")
}

fn confinement() -> Check {
    let result = landlock::version()
        .map(|version| format!("ABI {version}"))
        .ok_or_else(|| "not in this kernel".to_owned());
    Check::new("Landlock", result).or(
        "Linux 5.13 or later with landlock in the kernel's lsm= list; only needed where \
             namespaces are refused",
    )
}

fn pinning() -> Check {
    let result = in_child(|| {
        let here = nix::sched::sched_getcpu().map_err(|e| e.desc().to_owned())?;
        sys::pin(here).map_err(|e| e.to_string())?;
        Ok(String::new())
    });
    let result = result.map(|_| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        format!("{processors} processors")
    });
    Check::new("CPU pinning", result).or("costs speed only")
}

fn compiler() -> Check {
    let says = |name: &str| {
        let output = Command::new(name).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = text.lines().next()?.to_owned();
        output.status.success().then_some(first)
    };
    let found = ["cc", "gcc", "clang"]
        .iter()
        .find_map(|name| Some(format!("{name}: {}", says(name)?)));
    Check::new(
        "C compiler",
        found.ok_or_else(|| "none of cc, gcc, clang runs".to_owned()),
    )
    .or("install one: apt install gcc libc6-dev")
}
