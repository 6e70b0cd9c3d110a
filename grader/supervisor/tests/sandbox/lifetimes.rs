//! Ends: of programs, helpers, workers.

use std::collections::BTreeSet;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use supervisor::event::{ExitStatus, What};
use supervisor::worker::{Worker, WorkerError};

use crate::Test;
use crate::harness::{builtin, children, exe, lives, plan, run, shell, try_run, worker};

pub const TESTS: &[Test] = &[
    ("a_daemon_ends_with_its_scenario", daemon),
    (
        "a_killed_helper_is_an_error_and_the_worker_goes_on",
        helper_killed,
    ),
    ("a_killed_worker_is_an_error_and_is_replaced", worker_killed),
    (
        "a_worker_killed_between_plans_is_replaced",
        worker_killed_idle,
    ),
    ("dropping_a_worker_ends_everything", dropped),
    ("an_executable_that_is_no_worker_is_an_error", no_worker),
    ("mounts_do_not_reach_the_host", mounts),
];

/// Processes of the whole machine whose command line contains `mark`.
fn marked(mark: &str) -> Vec<i32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(mark)
    })
    .collect()
}

fn daemon() {
    let mark = format!("grader-mark-{}", std::process::id());
    let script = format!(
        "(setsid sh -c 'trap \"\" TERM HUP; exec tail -f /dev/null --{mark} || exec tail -f /dev/null {mark}' \
         </dev/null >/dev/null 2>&1 &) ; echo done"
    );
    let mut seen = 0;
    let mut worker = worker();
    let mut out = Vec::new();
    let plan = plan(vec![shell(
        &script.replace(&format!("--{mark} || exec tail -f /dev/null "), ""),
    )]);
    worker
        .run(&plan, &mut |event| {
            if let What::Exited { .. } = event.what {
                seen = marked(&mark).len();
            }
            out.push(event.what);
        })
        .unwrap();
    assert!(seen > 0, "the daemon was never there: {out:?}");
    assert_eq!(marked(&mark), Vec::<i32>::new());
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
    assert_eq!(worker.pid(), Some(pid), "it is still the same worker");
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
    let by_hand = std::process::Command::new(exe())
        .args(["worker", "full", "any"])
        .output()
        .unwrap();
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
