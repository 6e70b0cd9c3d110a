//! Ends: of programs, helpers, workers.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use supervisor::event::{ExitStatus, What};
use supervisor::worker::{Worker, WorkerError};

use crate::Test;
use crate::harness::{again, builtin, children, exe, lives, plan, run, shell, try_run, worker};

pub(crate) const TESTS: &[Test] = &[
    ("a_daemon_ends_with_its_scenario", daemon),
    (
        "a_killed_helper_is_an_error_and_the_next_plan_is_run",
        helper_killed,
    ),
    ("a_killed_worker_is_an_error_and_is_replaced", worker_killed),
    (
        "a_worker_killed_between_plans_is_replaced",
        worker_killed_idle,
    ),
    (
        "a_worker_killed_while_it_begins_leaves_nobody",
        killed_at_the_beginning,
    ),
    ("dropping_a_worker_ends_everything", dropped),
    ("a_worker_ends_with_its_caller", caller_killed),
    ("an_executable_that_is_no_worker_is_an_error", no_worker),
    ("mounts_do_not_reach_the_host", mounts),
];

/// Whether any process of the whole machine has this name.
pub(crate) fn somewhere(name: &str) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut names = entries.filter_map(|e| std::fs::read_to_string(e.path().join("comm")).ok());
    names.any(|there| there.trim_end() == name)
}

fn daemon() {
    let name = format!("gr-{}", std::process::id());
    let look = "cat /proc/[0-9]*/comm";
    let plan = plan(vec![builtin("daemon", &[&name]), shell(look)]);
    let ran = run(&mut worker(), &plan);
    assert!(
        ran.out().contains(&name),
        "the daemon was never there: {}",
        ran.out()
    );
    assert!(!somewhere(&name));
}

/// Kills workers as soon as they have a child inside their namespaces: one that finds out what is
/// granted. Whoever is left holds the pipe.
fn killed_at_the_beginning() {
    let mut caught = 0;
    // The moment is short: it is met in one round out of a few.
    for round in 0..400 {
        let (_near, far) = UnixStream::pair().unwrap();
        let mut worker = Command::new(exe())
            .args(["worker", "full", "any"])
            .stdin(OwnedFd::from(far))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = worker.id();
        let read = |what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}"));
        let children = || read(&format!("task/{pid}/children")).unwrap_or_default();
        let mut inside = false;
        let until = Instant::now() + Duration::from_millis(20);
        while Instant::now() < until {
            if inside || read("cmdline").unwrap_or_default().contains("inside") {
                inside = true;
                if children().is_empty() {
                    continue;
                }
                caught += 1;
                break;
            }
        }
        worker.kill().unwrap();
        worker.wait().unwrap();
        let left = worker.stderr.take().unwrap();
        let mut ends = [PollFd::new(left.as_fd(), PollFlags::POLLIN)];
        let ended = poll(&mut ends, PollTimeout::from(10_000_u16)).unwrap();
        assert_eq!(ended, 1, "round {round}: somebody outlives the worker");
        if caught == 20 {
            return;
        }
    }
    assert!(caught > 0, "the moment was never met");
}

/// Runs a program that hangs and calls `when_started` once it runs.
fn hang(worker: &mut Worker, mut when_started: impl FnMut()) -> Result<(), WorkerError> {
    let plan = plan(vec![builtin("hang", &[])]);
    worker.run(&plan, &mut |event| {
        if let What::Started { .. } = event.what {
            when_started();
        }
    })
}

fn works(worker: &mut Worker) {
    let ran = run(worker, &plan(vec![shell("echo works")]));
    assert_eq!(ran.out(), "works\n");
    assert_eq!(ran.ends(), [ExitStatus::Code(0)]);
}

fn helper_killed() {
    let mut worker = worker();
    works(&mut worker);
    let pid = worker.pid().unwrap();
    let mut below = Vec::new();
    let result = hang(&mut worker, || {
        let helpers = children(pid);
        assert_eq!(helpers.len(), 1);
        below = children(u32::try_from(helpers[0]).unwrap());
        assert_eq!(below.len(), 1);
        kill(Pid::from_raw(helpers[0]), Signal::SIGKILL).unwrap();
    });
    assert!(
        matches!(result, Err(WorkerError::HelperKilled { signal: 9 })),
        "{result:?}"
    );
    assert!(below.iter().all(|pid| !lives(*pid)));
    works(&mut worker);
    // What the helper was changing was the worker's memory, too.
    assert_ne!(worker.pid(), Some(pid), "that worker runs nothing more");
}

fn worker_killed() {
    let mut worker = worker();
    works(&mut worker);
    let pid = worker.pid().unwrap();
    let result = hang(&mut worker, || {
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    });
    let Err(WorkerError::WorkerDied(how)) = &result else {
        panic!("{result:?}");
    };
    assert_eq!(how, "killed by signal 9");
    works(&mut worker);
    assert_ne!(worker.pid(), Some(pid));
}

fn worker_killed_idle() {
    let mut worker = worker();
    works(&mut worker);
    let pid = i32::try_from(worker.pid().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let (_, result) = try_run(&mut worker, &plan(vec![shell(":")]));
    assert!(
        matches!(result, Err(WorkerError::WorkerDied(_))),
        "{result:?}"
    );
    works(&mut worker);
}

fn dropped() {
    let mut worker = worker();
    works(&mut worker);
    let pid = worker.pid().unwrap();
    drop(worker);
    assert!(!lives(i32::try_from(pid).unwrap()));

    // A panic in the middle of a run drops it too, with a program running.
    let mut below = Vec::new();
    let mut doomed = crate::harness::worker();
    let pid = doomed.pid().unwrap();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = hang(&mut doomed, || {
            below = children(pid);
            std::panic::resume_unwind(Box::new(()));
        });
    }));
    assert!(result.is_err());
    assert_eq!(below.len(), 1);
    drop(doomed);
    assert!(!lives(i32::try_from(pid).unwrap()));
    // The helper follows the worker by the kernel's hand; its end can be waited for.
    for pid in below {
        ended(pid);
    }
}

/// Waits until a process that is no child of ours has ended.
fn ended(pid: i32) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::{AsFd, FromRawFd, OwnedFd};
    // SAFETY: takes numbers; a descriptor it makes is new and nobody else's.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return;
    }
    // SAFETY: see above.
    let fd = unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).unwrap()) };
    let mut watched = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    let got = poll(&mut watched, PollTimeout::from(10_000u16)).unwrap();
    assert_eq!(got, 1, "process {pid} goes on for ever");
}

fn no_worker() {
    let mut worker = Worker::spawn("/bin/true".as_ref(), None).unwrap();
    let (_, result) = try_run(&mut worker, &plan(vec![shell(":")]));
    assert!(
        matches!(result, Err(WorkerError::WorkerDied(_))),
        "{result:?}"
    );
    let result = Worker::spawn("/no/such/executable".as_ref(), None);
    assert!(matches!(result, Err(WorkerError::Spawn(_))), "{result:?}");
    // Started by hand, without its socket, the command explains itself.
    let by_hand = again("worker").args(["full", "any"]).output().unwrap();
    assert_eq!(by_hand.status.code(), Some(2));
    let said = String::from_utf8_lossy(&by_hand.stderr).into_owned();
    assert!(said.contains("started by grader itself"), "{said}");
}

fn mounts() {
    let now = || -> BTreeSet<String> {
        let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let (before, top) = (now(), std::fs::read_dir("/").unwrap().count());
    let mut worker = worker();
    for _ in 0..3 {
        works(&mut worker);
        assert_eq!(now(), before);
    }
    drop(worker);
    assert_eq!(now(), before);
    assert_eq!(std::fs::read_dir("/").unwrap().count(), top);
}

/// Runs a program that hangs, telling the pids of the worker and of its helper; for
/// [`caller_killed`].
pub(crate) fn caller() -> std::process::ExitCode {
    let mut worker = worker();
    let pid = worker.pid().unwrap();
    let result = hang(&mut worker, || println!("{pid} {}", children(pid)[0]));
    eprintln!("{result:?}");
    std::process::ExitCode::FAILURE
}

fn caller_killed() {
    use std::io::{BufRead, BufReader};
    let mut command = again("caller");
    let mut caller = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(caller.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let pids: Vec<i32> = line
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert!(
        pids.len() == 2 && pids.iter().all(|pid| lives(*pid)),
        "{line}"
    );
    caller.kill().unwrap();
    caller.wait().unwrap();
    for pid in pids {
        ended(pid);
    }
}
