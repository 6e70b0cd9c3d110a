//! No variable of the environment has a say in a grade.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use crate::support::{Home, json, outcomes};

/// Every variable by which insta's macros, or cargo-insta, change what passes.
const INSTA: &[(&str, &str)] = &[
    ("INSTA_FORCE_PASS", "1"),
    ("INSTA_UPDATE", "always"),
    ("INSTA_FORCE_UPDATE", "1"),
    ("INSTA_OUTPUT", "none"),
    ("INSTA_WORKSPACE_ROOT", "/nonexistent"),
    ("INSTA_SNAPSHOT_REFERENCES_FILE", "references"),
    ("CI", "1"),
];

#[test]
fn insta_variables_turn_no_fail_into_a_pass_and_write_nothing() {
    let home = Home::new();
    let lab = end_to_end::root().join("labs/us-upper");
    // A copy, so that a write into the snapshots would be seen and do no harm.
    let copy = home.path().join("us-upper");
    std::fs::create_dir_all(copy.join("snapshots")).unwrap();
    std::fs::copy(lab.join("lab.toml"), copy.join("lab.toml")).unwrap();
    for entry in std::fs::read_dir(lab.join("snapshots")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join("snapshots").join(entry.file_name())).unwrap();
    }
    let listing = || {
        let entries = std::fs::read_dir(copy.join("snapshots"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = entries
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        all.sort();
        all
    };
    let before = listing();
    let work = home.copy("us-upper", "serve-one");
    let check = |variables: &[(&str, &str)]| {
        let mut command = home.grader();
        command.envs(variables.iter().copied());
        let output = command
            .arg("check")
            .arg(&copy)
            .arg(&work)
            .args(["--format", "json"])
            .assert()
            .code(1);
        outcomes(&json(&output.get_output().stdout))
    };
    let plain = check(&[]);
    assert!(
        plain.iter().any(|(_, outcome)| outcome == "fail"),
        "{plain:?}"
    );
    assert_eq!(check(INSTA), plain);
    assert_eq!(listing(), before);
}

#[test]
fn a_caller_that_ignores_the_end_of_its_children_changes_nothing() {
    let home = Home::new();
    let work = home.copy("pipe-upper", "good-raw");
    let grader = end_to_end::grader(home.path());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' CHLD; exec \"$0\" check pipe-upper \"$1\""]);
    shell.arg(grader.get_program()).arg(&work).env_clear();
    shell.envs(grader.get_envs().filter_map(|(n, v)| Some((n, v?))));
    let output = shell.current_dir(home.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn directories_whose_names_are_no_text_are_directories_all_the_same() {
    let home = Home::new();
    let odd = home.path().join(OsStr::from_bytes(b"\xff\xfe odd"));
    std::fs::create_dir(&odd).unwrap();
    let work = odd.join("work");
    std::fs::rename(home.copy("pipe-upper", "good-raw"), &work).unwrap();
    // Once built, once out of the cache.
    for _ in 0..2 {
        let mut command = home.grader();
        command.args(["check", "pipe-upper"]).arg(&work);
        command.env("XDG_CACHE_HOME", odd.join("cache"));
        command.env("TMPDIR", &odd).assert().success();
    }
    let built = std::fs::read_dir(odd.join("cache")).unwrap();
    assert_eq!(built.count(), 1);
}

/// In musl the dynamic loader and the C library are one: what a program calls comes out of the loader.
#[test]
fn the_calls_of_a_program_of_musl_are_seen() {
    if !end_to_end::on_path("musl-gcc") {
        return;
    }
    let home = Home::new();
    let work = home.copy("pipe-upper", "good-raw");
    let rule = "pipe-upper: pipe-upper.c\n\tmusl-gcc -O1 -o $@ pipe-upper.c\n";
    std::fs::write(work.join("Makefile"), rule).unwrap();
    let mut command = home.grader();
    command.args(["check", "pipe-upper"]).arg(&work);
    let output = command.args(["--format", "json"]).output().unwrap();
    let report = json(&output.stdout);
    assert_eq!(report["points"], report["of"], "{report:#}");
    assert_eq!(report["builds"][0]["rung"], "make");
}
