//! What cannot be done, or not wholly, and how that is said.

use std::fs;
use std::process::Command;

use predicates::prelude::*;

use super::{batch, class};
use crate::support::Home;

#[test]
fn what_the_machine_does_not_grant_is_told_before_a_class_is_graded() {
    let home = Home::new();
    class(&home);
    let one = ["--only", "anna", "--quiet", "--isolation", "reduced"];
    let less = predicate::str::contains("note: isolation reduced · observation full: ")
        .and(predicate::str::contains("\n  not enforced: "));
    batch(&home, &one).assert().success().stderr(less);
    // Where not even nothing can be run there is one error and not one for each submission.
    let mut short = Command::new("sh");
    short.current_dir(home.path()).env("HOME", home.path());
    short.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    short.arg(end_to_end::executable());
    short.args(["batch", "us-upper=30", "class", "--lang", "en"]);
    let why = "limit of open files is 64, a scenario needs 256";
    assert_cmd::Command::from_std(short)
        .assert()
        .code(3)
        .stdout("")
        .stderr(predicate::str::contains(why).count(1));
}

#[test]
fn a_second_batch_on_a_gradebook_is_refused_and_told_what_to_do() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--only", "anna"]).assert().success();
    let other = fs::File::open(home.path().join("grades.journal")).unwrap();
    other.lock().unwrap();
    let busy = predicate::str::contains("another batch is writing to it\nhint: let it end");
    batch(&home, &[]).assert().code(3).stderr(busy);
    drop(other);
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let home = Home::new();
    home.file("class/notes.txt", "");
    home.file("torn.zip", "PK\x03\x04torn");
    for (words, says) in [
        (&["batch", "us-upper", "class"][..], "no submission found"),
        (&["batch", "us-upper", "nowhere"], "nowhere: No such file"),
        (
            &["batch", "us-upper", "torn.zip"],
            "hint: unpack it by hand, and name the directory",
        ),
        (&["batch", "us-uper", "class"], "there is no lab `us-uper`"),
        (
            &["batch", "us-upper", "class", "--layout", "{group}"],
            "needs {student}",
        ),
        (
            &["batch", "us-upper", "class", "--late", "10"],
            "no late policy",
        ),
        (&["results", "show"], "there is no gradebook"),
        (
            &["results", "show", "--gradebook", "class"],
            "there is no gradebook",
        ),
    ] {
        home.grader()
            .args(words)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(says));
    }
}

#[test]
fn a_gradebook_that_is_none_is_the_callers_mistake() {
    let home = Home::new();
    home.file("short.db", "points\n");
    home.file("long.db", "anna,100\n".repeat(1000));
    home.file(
        "class/anna/lab30/server.c",
        "int main(void) { return 0; }\n",
    );
    for file in ["short.db", "long.db"] {
        let before = fs::read(home.path().join(file)).unwrap();
        for words in [
            &["results", "show"][..],
            &["results", "apply"],
            &["batch", "us-upper=30", "class"],
        ] {
            home.grader()
                .args(words)
                .args(["--gradebook", file])
                .assert()
                .code(2)
                .stderr(predicate::str::contains(format!("{file}: ")))
                .stderr(predicate::str::contains("it is no SQLite database"))
                .stderr(predicate::str::contains("--gradebook FILE"));
        }
        assert_eq!(fs::read(home.path().join(file)).unwrap(), before);
    }
    home.grader()
        .args(["batch", "us-upper=30", "class", "--gradebook", "none/g.db"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("none/g.db: it cannot be opened"))
        .stderr(predicate::str::contains("hint: the file and its directory"));
}
