//! A class in the references of a repository.

use std::fs;
use std::process::Command;

use predicates::prelude::*;

use super::grades;
use crate::support::Home;

#[test]
fn branches_are_graded_without_being_checked_out() {
    let home = Home::new();
    let repo = home.path().join("course");
    fs::create_dir(&repo).unwrap();
    let git = |words: &[&str]| {
        let done = Command::new("git")
            .current_dir(&repo)
            .env("HOME", home.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(words)
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    home.file("course/README", "course");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "start"]);
    git(&["checkout", "-qb", "anna/lab30"]);
    let good = end_to_end::root().join("fixtures/us-upper/good-poll");
    home.copy_of(&good, "course/g1/anna/lab30");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "lab30"]);
    git(&["checkout", "-q", "main"]);
    home.grader()
        .args([
            "batch",
            "us-upper=30",
            "course",
            "--refs",
            "{student}/lab{n}",
        ])
        .args(["--layout", "{group}/{student}/lab{n}", "--lang", "en"])
        .assert()
        .success()
        .stdout(predicate::str::contains("us-upper"));
    let csv = grades(&home, "grades.db");
    assert!(
        csv.contains("g1,anna,") && csv.contains(",graded,100,"),
        "{csv}"
    );
    assert!(!repo.join("g1").exists());

    // Another reference than a branch may hold a submission; none that fits is told with what is there.
    git(&["update-ref", "refs/submissions/boris/lab30", "anna/lab30"]);
    git(&["tag", "v1", "anna/lab30"]);
    let dry = |source: &str, refs: &[&str]| {
        let mut command = home.grader();
        command.args(["batch", "us-upper=30", source, "--dry-run", "--lang", "en"]);
        command.args(refs).assert()
    };
    dry("course", &["--refs", "submissions/{student}/lab{n}"])
        .success()
        .stdout(predicate::str::starts_with(
            "boris us-upper  course@submissions/boris/lab30",
        ));
    dry("course", &["--refs", "{student}/hand-in"])
        .code(2)
        .stderr(predicate::str::contains(
            "no branch is called so; there are: anna/lab30, main, v1, submissions/boris/lab30",
        ));
    // A pull request to the tree where everybody has a directory: what it changes is handed in.
    git(&["update-ref", "refs/pull/17/head", "anna/lab30"]);
    dry("course", &["--refs", "pull/*/head"]).code(2).stderr(
        predicate::str::contains("does not say whose a submission is").and(
            predicate::str::contains("--layout '{group}/{student}/lab{n}'"),
        ),
    );
    let layout = ["--layout", "{group}/{student}/lab{n}"];
    dry(
        "course",
        &[&["--refs", "pull/*/head"], &layout[..]].concat(),
    )
    .success()
    .stdout(predicate::str::starts_with(
        "g1/anna us-upper  course@pull/17/head",
    ));
    git(&["clone", "-q", "--mirror", ".", "../bare.git"]);
    dry("bare.git", &[])
        .success()
        .stderr(predicate::str::contains("found 1 submission of 1 student"));
}
