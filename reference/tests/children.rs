//! `nanny` and `pipe-line` as processes, with programs of every system as their children.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The example `reference`, which cargo builds beside the tests.
fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(Path::parent);
    let path = profile
        .expect("target/PROFILE/deps/TEST")
        .join("examples/reference");
    assert!(path.exists(), "run all targets, `cargo test -p reference`");
    path
}

fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(executable())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A program that does not read its input may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ends")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn stages_are_joined_in_their_order() {
    let ran = run(
        &[
            "pipe-line",
            "sed",
            "s/$/ a/",
            "--",
            "cat",
            "--",
            "sed",
            "s/$/ b/",
        ],
        "one\ntwo\n",
    );
    assert_eq!(out(&ran), "one a b\ntwo a b\n");
    assert_eq!((err(&ran).as_str(), ran.status.code()), ("", Some(0)));
}

#[test]
fn the_status_is_the_last_ones() {
    let status = |last: &str| {
        run(&["pipe-line", "false", "--", "sh", "-c", last], "")
            .status
            .code()
    };
    assert_eq!(status("exit 3"), Some(3));
    assert_eq!(status("kill -SEGV $$"), Some(139));
    assert_eq!(status("exit 0"), Some(0));
}

#[test]
fn what_cannot_be_executed_is_told_once() {
    let ran = run(
        &[
            "pipe-line",
            "-v",
            "true",
            "--",
            "no-such-command",
            "--",
            "cat",
        ],
        "",
    );
    let err = err(&ran);
    assert_eq!(err.matches("no-such-command").count(), 1, "{err}");
    assert!(err.starts_with("3 stages\n"), "{err}");
    assert!(err.contains("\n2 0 127\n3 "), "{err}");
    assert_eq!(ran.status.code(), Some(0));
}

#[test]
fn children_are_reported_restarted_and_given_up() {
    let spec = "good true\nbad false\nkilled sh -c kill${IFS}-9${IFS}$$\nnone no-such-command\n";
    let ran = run(&["nanny", "-r", "1", "-"], spec);
    let mut lines: Vec<String> = out(&ran).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "exit bad code 1",
            "exit bad code 1",
            "exit good code 0",
            "exit killed sig 9",
            "exit killed sig 9",
            "exit none code 127",
            "exit none code 127",
            "give-up bad",
            "give-up killed",
            "give-up none",
        ]
    );
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(err(&ran).matches("no-such-command").count(), 2);
}
