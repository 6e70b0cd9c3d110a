//! When a lab is due, for all and for some; and points by hand that hold back what comes later.

use predicates::prelude::*;

use super::{batch, text};
use crate::support::Home;

#[test]
fn an_extension_is_for_some_and_a_date_that_moves_is_told() {
    let home = Home::new();
    for student in ["anna", "boris"] {
        let good = end_to_end::root().join("fixtures/us-upper/good-poll");
        home.copy_of(&good, &format!("class/g1/{student}/lab30"));
    }
    let batch = |more: &[&str]| batch(&home, &[more, &["--file-times"]].concat());
    let shown = |more: &[&str]| {
        let output = home.grader().args(["results", "show"]).args(more).output();
        text(&output.unwrap().stdout)
    };
    batch(&[
        "--due",
        "2020-01-01 23:59+07:00",
        "--late",
        "50%/day, max 50%",
    ])
    .assert()
    .stderr(predicate::str::contains("due 2020-01-01 23:59+07:00\n"));
    assert!(shown(&[]).contains("g1/anna   50 (late -50)"));
    let longer = ["--only", "boris", "--due", "2999-01-01"];
    batch(&longer).assert().success().stderr(
        predicate::str::contains("due 2999-01-01 23:59 UTC for these students alone").and(
            predicate::str::contains(
                "us-upper: 1 student has a date of his own: 1 grade changes by it",
            ),
        ),
    );
    let all = shown(&[]);
    assert!(all.contains("g1/anna   50 (late -50)"), "{all}");
    assert!(all.contains("g1/boris            100"), "{all}");
    let one = shown(&["--student", "boris", "--lang", "ru"]);
    let says = "срок сдачи для этого студента — 2999-01-01 23:59 UTC";
    assert!(one.contains(says), "{one}");
    // For all, who wants quiet as well.
    batch(&["--due", "2998-01-01", "--quiet"])
        .assert()
        .success()
        .stderr(
            "us-upper: due 2998-01-01 23:59 UTC, was 2020-01-01 16:59 UTC: 1 grade changes by it\n",
        );
    let all = shown(&[]);
    assert!(!all.contains("late"), "{all}");
    assert!(shown(&["--student", "boris"]).contains("due 2999-01-01"));
}

#[test]
fn an_override_below_a_better_resubmission_is_told() {
    let home = Home::new();
    let fixture = |name: &str| {
        let from = end_to_end::root().join("fixtures/us-upper").join(name);
        home.copy_of(&from, "class/g1/anna/lab30");
    };
    fixture("mutants/serve-one");
    home.file("class.csv", "group,student,Бюджет\ng1,anna,да\n");
    let batch = || batch(&home, &["--roster", "class.csv"]);
    let unused = "note: class.csv: columns that are not understood were not used: Бюджет\n";
    batch().assert().stderr(predicate::str::contains(unused));
    let set = [
        "results", "override", "anna", "us-upper", "85", "--why", "oral", "--who", "eva",
    ];
    home.grader().args(set).assert().success();
    std::fs::remove_dir_all(home.path().join("class/g1/anna/lab30")).unwrap();
    fixture("good-poll");
    let told = predicate::str::contains(
        "note: g1/anna: override 1 keeps us-upper at 85, but 100 points were earned since; \
         `grader results override --withdraw 1` lets them count\n",
    );
    batch().assert().success().stderr(told.clone());
    let compare = ["results", "compare", "--lang", "en"];
    home.grader().args(compare).assert().success().stderr(told);
}
