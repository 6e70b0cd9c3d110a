//! A batch that is told to end, or killed: what it has is kept, and the next goes on.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use predicates::prelude::*;

use super::{BATCH, batch, class, grades, text};
use crate::support::Home;

/// Runs the batch and kills it with SIGKILL once so many results are in the journal; whether it was
/// killed.
fn kill_after(home: &Home, results: usize) -> bool {
    let journal = home.path().join("grades.journal");
    let lines = |path: &Path| {
        let text = fs::read(path).unwrap_or_default();
        text.iter()
            .filter(|c| **c == b'\n')
            .count()
            .saturating_sub(1)
    };
    let before = lines(&journal);
    let mut command = end_to_end::grader(home.path());
    command
        .args(BATCH)
        .env("TMPDIR", home.path().join("tmp"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert_ne!(status.code(), Some(3), "no fault of ours is a result");
            return status.signal().is_some();
        }
        if lines(&journal) >= before + results {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Tells a batch to end once there is a result, as Ctrl-C does: every process of its group. It is held
/// until it is told, so that it cannot be through before.
fn interrupted(home: &Home, signal: Signal, more: &[&str]) -> Output {
    let journal = home.path().join("grades.journal");
    let mut command = end_to_end::grader(home.path());
    command
        .args(BATCH)
        .args(["--at-once", "1"])
        .args(more)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let group = Pid::from_raw(-i32::try_from(child.id()).unwrap());
    while fs::read(&journal).is_ok_and(|text| text.len() < 20) || !journal.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it is through already");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    for signal in [Signal::SIGSTOP, signal, Signal::SIGCONT] {
        kill(group, signal).unwrap();
    }
    child.wait_with_output().unwrap()
}

/// Thirty students with the same work, each with a mark of his own.
fn thirty(home: &Home, fixture: &str) {
    let from = end_to_end::root().join("fixtures/us-upper").join(fixture);
    for student in 0..30 {
        let directory = format!("class/g1/s{student}/lab30");
        if home.path().join(&directory).exists() {
            fs::remove_dir_all(home.path().join(&directory)).unwrap();
        }
        home.copy_of(&from, &directory);
        home.file(&format!("{directory}/mark.h"), format!("/* {student} */"));
    }
}

#[test]
fn a_regrade_that_is_interrupted_is_not_applied_by_halves() {
    let home = Home::new();
    thirty(&home, "mutants/serve-one");
    batch(&home, &[]).assert().success();
    let before = grades(&home, "grades.db");
    assert_eq!(before.matches(",graded,80,").count(), 30, "{before}");
    thirty(&home, "good-poll");
    let output = interrupted(&home, Signal::SIGINT, &["--apply"]);
    let said = text(&output.stdout);
    assert!(said.contains(" would change: look at them"), "{said}");
    assert_eq!(grades(&home, "grades.db"), before);
    batch(&home, &["--apply"]).assert().success();
    let after = grades(&home, "grades.db");
    assert_eq!(after.matches(",graded,100,").count(), 30, "{after}");
    // What grades everything again goes on as well, and does not begin anew.
    let output = interrupted(&home, Signal::SIGTERM, &["--regrade"]);
    let said = text(&output.stderr);
    assert!(
        said.contains(" of 30 have a result, and it is kept"),
        "{said}"
    );
    let going_on = predicate::str::contains("going on: an interrupted batch left");
    let rest = batch(&home, &["--regrade"]).assert().success();
    rest.stderr(going_on.and(predicate::str::contains("graded 30 in").not()));
    assert_eq!(grades(&home, "grades.db"), after);
}

/// Applies what waits and kills that with SIGKILL at its `calls`th system call since SQLite's journal
/// is there; whether it was killed.
fn kill_while_it_applies(home: &Home, calls: usize) -> bool {
    let journal = home.path().join("grades.db-journal");
    let grader = end_to_end::grader(home.path());
    let mut command = Command::new("sh");
    // It waits until it is traced.
    command.args(["-c", "read _; exec \"$@\"", "sh"]);
    command.arg(grader.get_program()).args(["results", "apply"]);
    command.env_clear().envs(
        grader
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    ptrace::seize(pid, ptrace::Options::PTRACE_O_EXITKILL).unwrap();
    ptrace::interrupt(pid).unwrap();
    drop(child.stdin.take());
    let mut since = 0;
    let killed = loop {
        match waitpid(pid, None).unwrap() {
            WaitStatus::Exited(_, status) => {
                assert_eq!(status, 0);
                break false;
            }
            _ if since > 0 || journal.exists() => since += 1,
            _ => {}
        }
        if since > calls {
            kill(pid, Signal::SIGKILL).unwrap();
            let ended = waitpid(pid, None).unwrap();
            assert!(matches!(ended, WaitStatus::Signaled(..)), "{ended:?}");
            break true;
        }
        ptrace::syscall(pid, None).unwrap();
    };
    // It was waited for above.
    let _ = child.wait();
    killed
}

#[test]
fn what_waits_is_applied_as_a_whole_or_not_at_all_whenever_that_is_killed() {
    let home = Home::new();
    thirty(&home, "mutants/serve-one");
    batch(&home, &[]).assert().success();
    let before = grades(&home, "grades.db");
    thirty(&home, "good-poll");
    batch(&home, &[]).assert().success();
    let waiting = fs::read(home.path().join("grades.db")).unwrap();
    let mut seen = [0, 0];
    // Two stops for each call; most of them write the journal, then the pages.
    for calls in (0..).step_by(127) {
        home.file("grades.db", &waiting);
        let _ = fs::remove_file(home.path().join("grades.db-journal"));
        let killed = kill_while_it_applies(&home, calls);
        let after = grades(&home, "grades.db");
        let applied = after.matches(",graded,100,").count();
        assert!(after == before || applied == 30, "at call {calls}: {after}");
        seen[usize::from(applied == 30)] += 1;
        if !killed {
            break;
        }
    }
    assert!(seen[0] > 3 && seen[1] > 0, "{seen:?}");
}

#[test]
fn told_to_end_a_batch_keeps_what_it_has_and_the_next_goes_on() {
    let home = Home::new();
    thirty(&home, "mutants/serve-one");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let output = interrupted(&home, signal, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.signal(), Some(signal as i32), "{said}");
        assert!(said.contains("\nstopping: what is under way"), "{said}");
        assert!(said.contains(" of 30 have a result"), "{said}");
        assert!(!text(&output.stdout).contains("to be looked at"));
        let journal = fs::read_to_string(home.path().join("grades.journal"));
        assert_eq!(journal.unwrap(), "grader-journal/1\n");
    }
    let shown = grades(&home, "grades.db");
    let graded = shown.matches(",graded,").count();
    assert!((3..30).contains(&graded), "{shown}");
    let unchanged = format!("graded {} in ", 30 - graded);
    let at_last = batch(&home, &["--resume"]).assert().success();
    at_last.stderr(predicate::str::contains(unchanged));
    assert_eq!(grades(&home, "grades.db").matches(",graded,").count(), 30);
}

#[test]
fn what_is_still_in_the_journal_is_told_by_whoever_shows_the_class() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--only", "anna"]).assert().success();
    let show = |what: &str| {
        let mut command = home.grader();
        command.args(["results", what, "--lang", "en"]).assert()
    };
    let note = "note: grades.journal holds results that are not in the gradebook yet";
    show("show").stderr("");
    if !kill_after(&home, 1) {
        // It was through before it could be killed: as if it had not been.
        let line = "0 g1/anna/us-upper/1 {}\n";
        let journal = format!("grader-journal/1\n{line}");
        home.file("grades.journal", &journal);
    }
    for what in ["show", "stats", "compare"] {
        show(what).stderr(predicate::str::contains(note));
    }
}

#[test]
fn killed_again_and_again_a_batch_comes_to_the_same_grades() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--gradebook", "calm.db"]).assert().code(1);
    // What somebody left who was killed while unpacking.
    home.file("tmp/grader-Ab3dE6/.scratch", "");
    home.file("tmp/grader-Ab3dE6/files/server.c", "int main;");
    home.file("tmp/grader-thesis/chapter.tex", "not ours");
    // Or before its directory had a mark.
    fs::DirBuilder::new()
        .mode(0o700)
        .create(home.path().join("tmp/grader-Qw7rT2"))
        .unwrap();
    let mut kills = 0;
    // At most one result is lost each time, and at least one is kept.
    for round in 0..8 {
        if !kill_after(&home, 1 + round % 2) {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 2, "it was never interrupted");
    // Twice: a child that was being started when its grader was killed may hold the lock of its
    // temporary directory for a moment longer, and the next start but one finds it free.
    for _ in 0..2 {
        batch(&home, &[])
            .env("TMPDIR", home.path().join("tmp"))
            .assert()
            .stdout(predicate::str::contains("us-upper"));
    }
    assert_eq!(grades(&home, "grades.db"), grades(&home, "calm.db"));
    let left = fs::read_dir(home.path().join("tmp")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["grader-thesis"]);
    // Whatever was killed, the journal is empty at the end.
    assert_eq!(
        fs::read_to_string(home.path().join("grades.journal")).unwrap(),
        "grader-journal/1\n"
    );
}
