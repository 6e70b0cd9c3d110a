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

/// Runs a check of a submission that meets everything, after shell commands that take something away.
fn check_after(before: &str, home: &Home) -> std::process::Output {
    let work = home.copy("pipe-upper", "good-raw");
    let script = format!("{before}\nexec \"$0\" check pipe-upper \"$1\" --workers 1 --format json");
    by_shell(&["sh", "-c", &script], &[&work], home)
}

/// Runs a shell to which the grader's path is `$0`, in the grader's environment.
fn by_shell(shell: &[&str], arguments: &[&Path], home: &Home) -> std::process::Output {
    let grader = end_to_end::grader(home.path());
    let mut command = std::process::Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(grader.get_program())
        .args(arguments);
    command.env_clear().current_dir(home.path());
    for (name, value) in grader.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.stdin(Stdio::null()).output().unwrap()
}

/// It is an error, told with the reason, and nothing is scored.
fn is_an_error(output: &std::process::Output, reason: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let all = said.clone() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{all}");
    assert!(all.contains(reason), "no {reason:?} in {all}");
    if !output.stdout.is_empty() {
        let outcomes = outcomes(&json(&output.stdout));
        let judged = |outcome: &str| outcome == "fail" || outcome == "not-reached";
        assert!(!outcomes.iter().any(|(_, o)| judged(o)), "{outcomes:?}");
    }
}

#[test]
fn limits_of_the_caller_below_those_of_a_scenario_are_an_error() {
    for (limit, reason) in [
        ("ulimit -n 60", "raise `ulimit -n`"),
        ("ulimit -f 1000", "raise `ulimit -f`"),
        ("ulimit -t 3", "raise `ulimit -t`"),
        // dash has no such option.
        ("prlimit --sigpending=100 --pid $$", "raise `ulimit -i`"),
    ] {
        is_an_error(&check_after(limit, &Home::new()), reason);
    }
}

#[test]
fn a_full_disk_under_the_cache_is_an_error() {
    let home = Home::new();
    fs::create_dir(home.path().join("cache")).unwrap();
    let full = "mount -t tmpfs -o size=16k none cache && head -c 16k /dev/zero > cache/full";
    let possible = std::process::Command::new("unshare")
        .args(["-rm", "sh", "-c", full])
        .current_dir(home.path())
        .stderr(Stdio::null())
        .status();
    if !possible.is_ok_and(|status| status.success()) {
        // No mounts of our own here: there is nothing to fill.
        return;
    }
    let script = format!(
        "{full} 2>/dev/null\nexec \"$0\" check pipe-upper \"$1\" --workers 1 --format json"
    );
    let work = home.copy("pipe-upper", "good-raw");
    let output = by_shell(&["unshare", "-rm", "sh", "-c", &script], &[&work], &home);
    is_an_error(&output, "No space left on device");
}

/// A control group with little memory for this process's children, where there may be one.
fn little_memory() -> Option<PathBuf> {
    let name = format!("grader-test-{}", std::process::id());
    let first = Path::new("/sys/fs/cgroup/memory").join(&name);
    let unified = Path::new("/sys/fs/cgroup").join(&name);
    for (group, limit) in [(first, "memory.limit_in_bytes"), (unified, "memory.max")] {
        // Where no groups are mounted it is a directory like any other.
        if fs::create_dir(&group).is_ok()
            && group.join("cgroup.procs").exists()
            && fs::write(group.join(limit), "200M").is_ok()
        {
            return Some(group);
        }
        let _ = fs::remove_dir(&group);
    }
    None
}

#[test]
fn a_program_that_the_kernel_kills_for_want_of_memory_is_an_error() {
    let Some(group) = little_memory() else {
        return;
    };
    let home = Home::new();
    let hungry = r#"
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    volatile char *p = malloc(400 << 20);
    for (long i = 0; i < 400L << 20; i += 4096) p[i] = 1;
    return 0;
}"#;
    home.file("work/pipe-upper.c", hungry);
    let script = r#"echo $$ > "$2/cgroup.procs" && exec "$0" check pipe-upper "$1" --scenario text --workers 1 --format json"#;
    let output = by_shell(&["sh", "-c", script], &[Path::new("work"), &group], &home);
    // Whoever is in it has ended: the kernel takes a moment to forget them.
    while fs::remove_dir(&group).is_err_and(|e| e.raw_os_error() == Some(16)) {
        std::thread::yield_now();
    }
    is_an_error(&output, "the machine ran short of memory");
}

/// A copy of a lab, in which a file is replaced.
fn lab_with(home: &Home, id: &str, file: &str, text: &str) -> PathBuf {
    let from = end_to_end::root().join("labs").join(id);
    let to = home.path().join("labs").join(id);
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(&from)
        .arg({
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            &to
        })
        .status()
        .unwrap();
    assert!(copied.success());
    fs::write(to.join(file), text).unwrap();
    to
}

#[test]
fn a_tool_that_cannot_be_built_is_the_labs_error() {
    let home = Home::new();
    let broken = "int main(void) { return 0 }\n";
    let lab = lab_with(&home, "pipe-line", "tools/stage.c", broken);
    let mut check = home.grader();
    check.arg("check").arg(&lab);
    check.arg(end_to_end::fixture("pipe-line", "good-cloexec"));
    let output = check.args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let report = json(&output.stdout);
    assert!(
        outcomes(&report)
            .iter()
            .all(|(_, outcome)| outcome == "error"),
        "{report:#}"
    );
    let said = report.to_string();
    assert!(
        said.contains("the tools of lab pipe-line cannot be built"),
        "{said}"
    );
    assert!(said.contains("tools/stage.c:1"), "{said}");
}

#[test]
fn a_compiler_without_headers_is_the_machines_fault() {
    let home = Home::new();
    let source = "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n";
    fs::write(home.path().join("us-server.c"), source).unwrap();
    home.grader()
        .args(["check", "us-upper", ".", "--lang", "en"])
        // What a machine does that has gcc, and not what belongs to the C library.
        .env("CC", "gcc -nostdinc")
        .assert()
        .code(3)
        .stderr(predicates::str::contains(
            "cannot build even a plain program",
        ));
}
