//! The filter, the gate, and what a tracer may do: a tracer of the smallest kind.

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use supervisor::bytes::Bytes;
use supervisor::event::{Call, ExitStatus, What};
use supervisor::launch::{Launched, Outcome, outcome};
use supervisor::plan::{Isolation, Observation, Plan, ProcessId, ProgramId};

use crate::Test;
use crate::harness::{builtin, plan, program, run, shell, worker};

pub(crate) const TESTS: &[Test] = &[
    ("calls_of_interest_stop_for_the_tracer", stops),
    ("builtins_are_traced_as_well", builtins),
    ("a_failed_exec_is_told_under_the_tracer", failed),
    ("the_reduced_rung_is_traced_as_well", reduced),
    (
        "nobody_looks_into_what_waits_at_its_gate_or_into_the_helper",
        gates,
    ),
];

/// The name of a plan whose programs all wait at their gates before the first goes on, after one more
/// of each that is killed there.
pub(crate) const AT_ONCE: &str = "at once";

/// Kills what waits at its gate.
pub(crate) fn kill_at_gate(launched: Launched, signal: i32) {
    let mut status = 0;
    // SAFETY: sends a signal to a child that has not been collected; `status` is live.
    unsafe {
        assert_eq!(libc::kill(launched.pid, signal), 0);
        assert_eq!(
            libc::waitpid(launched.pid, &raw mut status, libc::__WALL),
            launched.pid
        );
    }
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == signal);
    assert_eq!(outcome(&launched.failure).unwrap(), Outcome::Runs);
}

/// Follows one process to its end and gives its calls, with what it wrote.
pub(crate) fn follow(launched: Launched, program: ProgramId) -> Vec<What> {
    let process = ProcessId { program, number: 0 };
    let options = libc::PTRACE_O_TRACESECCOMP | libc::PTRACE_O_EXITKILL;
    let pid = launched.pid;
    // SAFETY: attaches to a child; no memory is involved.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, options) };
    Errno::result(seized).unwrap();
    nix::unistd::write(&launched.gate, b"x").unwrap();
    let mut found = Vec::new();
    loop {
        let mut status = 0;
        // SAFETY: `status` is live.
        let got = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
        assert_eq!(got, pid);
        let end = if libc::WIFEXITED(status) {
            Some(ExitStatus::Code(libc::WEXITSTATUS(status)))
        } else if libc::WIFSIGNALED(status) {
            Some(ExitStatus::Signal(libc::WTERMSIG(status)))
        } else {
            None
        };
        if let Some(status) = end {
            if let Outcome::ExecFailed(errno) = outcome(&launched.failure).unwrap() {
                found.push(What::ExecFailed { process, errno });
            }
            found.push(What::Exited { process, status });
            return found;
        }
        if status >> 16 == libc::PTRACE_EVENT_SECCOMP {
            found.push(What::Call(call(pid, process)));
        }
        // SAFETY: resumes a stopped tracee; no memory is involved.
        let resumed = unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, 0) };
        Errno::result(resumed).unwrap();
    }
}

fn call(pid: i32, process: ProcessId) -> Call {
    // SAFETY: plain data for which zero is valid.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of_val(&info);
    // SAFETY: `info` is live and as long as said.
    let got = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, &raw mut info) };
    Errno::result(got).unwrap();
    // SAFETY: at a seccomp stop this member is the one that is filled.
    let entry = unsafe { info.u.seccomp };
    let number = i64::try_from(entry.nr).unwrap();
    let known = [
        ("write", libc::SYS_write),
        ("openat", libc::SYS_openat),
        ("kill", libc::SYS_kill),
        ("execve", libc::SYS_execve),
        ("exit_group", libc::SYS_exit_group),
    ];
    let name = known.iter().find(|(_, n)| *n == number);
    let name = name.map_or("other", |(name, _)| *name).to_owned();
    let mut data = vec![0; 64];
    if name == "write" {
        // What the helper may see of a process that nobody else may look into.
        let path = format!("/proc/{pid}/mem");
        let memory = std::fs::File::open(path).unwrap();
        let length = usize::try_from(entry.args[2]).unwrap().min(data.len());
        data.truncate(length);
        // SAFETY: reads into a live buffer.
        let read = unsafe {
            let at = i64::try_from(entry.args[1]).unwrap();
            libc::pread(memory.as_raw_fd(), data.as_mut_ptr().cast(), length, at)
        };
        assert_eq!(usize::try_from(read).unwrap(), length);
    } else {
        data.clear();
    }
    Call {
        process,
        thread: 0,
        name,
        args: String::new(),
        data: Bytes(data),
        result: None,
        times: 1,
    }
}

fn traced(mut plan: Plan) -> Vec<What> {
    plan.observation = Observation::Full;
    let ran = run(&mut worker(), &plan);
    assert_eq!(ran.enforced().observation, "full");
    ran.events.into_iter().map(|event| event.what).collect()
}

fn names(events: &[What]) -> Vec<&str> {
    let calls = events.iter().filter_map(|what| match what {
        What::Call(call) => Some(call.name.as_str()),
        _ => None,
    });
    calls.collect()
}

fn written(events: &[What]) -> Vec<String> {
    let calls = events.iter().filter_map(|what| match what {
        What::Call(call) if call.name == "write" => Some(call.data.escaped()),
        _ => None,
    });
    calls.collect()
}

fn stops() {
    let events = traced(plan(vec![shell("echo hello; kill -0 $$")]));
    let names = names(&events);
    assert_eq!(names.first(), Some(&"execve"));
    assert_eq!(names.last(), Some(&"exit_group"));
    assert!(
        names.contains(&"kill") && names.contains(&"write"),
        "{names:?}"
    );
    assert_eq!(written(&events), ["hello\\n"]);
}

fn builtins() {
    let events = traced(plan(vec![builtin("arguments", &["x"])]));
    assert_eq!(written(&events), ["arguments\\n", "x\\n"]);
    // Nothing of the launch shows.
    assert_eq!(names(&events), ["write", "write", "exit_group"]);
}

fn failed() {
    let missing = program(
        supervisor::plan::Image::File("./missing".into()),
        &["missing"],
    );
    let events = traced(plan(vec![missing]));
    assert_eq!(names(&events), ["execve", "write", "exit_group"]);
    let told = |what: &What| {
        matches!(
            what,
            What::ExecFailed {
                errno: libc::ENOENT,
                ..
            }
        )
    };
    assert!(events.iter().any(told));
}

fn reduced() {
    for program in [shell("echo hello"), builtin("arguments", &[])] {
        let mut plan = plan(vec![program]);
        plan.isolation = Isolation::Reduced;
        assert_eq!(written(&traced(plan)).len(), 1);
    }
}

fn gates() {
    // Opening each of them asks whether the process may be looked into. No `fork`: a child would
    // have no tracer.
    let look = "for p in /proc/[0-9]*; do [ $p = /proc/$$ ] && continue; echo look; \
                for f in environ maps mem; do \
                if true <$p/$f; then echo open $p; fi; done; done 2>/dev/null";
    let mut plan = plan(vec![shell(look), shell(look), shell("echo last")]);
    plan.name = AT_ONCE.into();
    let said = written(&traced(plan));
    let count = |what: &str| said.iter().filter(|line| line.contains(what)).count();
    // Two wait and one is the helper; then one waits.
    assert_eq!(count("look"), 5, "{said:?}");
    assert_eq!(count("Permission denied"), 15, "{said:?}");
    assert_eq!((count("open /"), count("last")), (15, 1), "{said:?}");
}
