//! The machine's fault is never the student's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Home, json, outcomes};

/// Processes whose parent is `parent`, proc(5).
fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for task in entries(Path::new(&format!("/proc/{parent}/task"))) {
        let list = fs::read_to_string(task.join("children")).unwrap_or_default();
        found.extend(
            list.split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    found
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}

/// A server that computes before it answers, so that there is time to kill what watches it.
const BUSY: &str = r#"
int main(void) {
    for (volatile unsigned long i = 0; i < 4000000000ul; i++) { }
    return 0;
}
"#;

/// Runs a check and kills, again and again, what `pick` finds below the worker.
fn check_while_killing(pick: impl Fn(u32) -> Vec<u32>) -> std::process::Output {
    let home = Home::new();
    home.file("work/us-server.c", BUSY);
    home.file("work/us-client.c", BUSY);
    // Built before: only scenarios are to be hit.
    let mut first = end_to_end::grader(home.path());
    first
        .args(["check", "us-upper", "work"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let mut command = end_to_end::grader(home.path());
    command.args([
        "check",
        "us-upper",
        "work",
        "--format",
        "json",
        "--workers",
        "1",
    ]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut killed = 0;
    while child.try_wait().unwrap().is_none() {
        for pid in pick(child.id()) {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap());
            killed += u32::from(kill(pid, Signal::SIGKILL).is_ok());
        }
        std::thread::yield_now();
    }
    assert!(killed > 0, "nothing was hit");
    child.wait_with_output().unwrap()
}

fn judged_as_error(output: &std::process::Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let report = json(&output.stdout);
    assert_eq!(report["result"], "error");
    let outcomes = outcomes(&report);
    assert!(
        outcomes.iter().any(|(_, outcome)| outcome == "error"),
        "{outcomes:?}"
    );
    assert!(
        report["scenarios"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["fault"].is_string()),
        "{report:#}"
    );
}

#[test]
fn a_worker_that_is_killed_is_an_error_and_no_failure() {
    let output = check_while_killing(children);
    judged_as_error(&output);
    assert!(
        outcomes(&json(&output.stdout))
            .iter()
            .all(|(_, outcome)| outcome != "fail")
    );
}

#[test]
fn a_helper_that_is_killed_is_an_error_and_no_failure() {
    let output =
        check_while_killing(|grader| children(grader).into_iter().flat_map(children).collect());
    judged_as_error(&output);
    assert!(
        outcomes(&json(&output.stdout))
            .iter()
            .all(|(_, outcome)| outcome != "fail")
    );
}
