//! Parts of a class that machines have graded which share nothing, and what is made of them.

use std::fs;
use std::process::Command;

use predicates::prelude::*;

use crate::batch::{batch, class, grades, text};
use crate::support::Home;

#[test]
fn parts_of_a_class_make_the_whole() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--gradebook", "whole.db", "--quiet"])
        .assert()
        .code(1);
    for shard in ["0", "1", "2"] {
        let (part, book) = (format!("{shard}/3"), format!("part-{shard}.db"));
        // A part may be empty, right, or have something to be looked at.
        let code = predicate::in_iter([0, 1]);
        batch(&home, &["--shard", &part, "--gradebook", &book, "--quiet"])
            .assert()
            .code(code);
    }
    let merge = [
        "results",
        "merge",
        "part-0.db",
        "part-1.db",
        "part-2.db",
        "--gradebook",
        "all.db",
    ];
    home.grader()
        .args(merge)
        .assert()
        .success()
        .stdout(predicate::str::contains("4 new results"));
    assert_eq!(grades(&home, "whole.db"), grades(&home, "all.db"));
    home.grader()
        .args(merge)
        .args(["--lang", "ru"])
        .assert()
        .success()
        .stdout("0 новых результатов из 3 частей\n")
        .stderr("");
    // One that is forgotten is missed, by whoever reads what came of it as well, until it comes.
    let merge = |parts: &[&str]| {
        let mut command = home.grader();
        command.args(["results", "merge", "--gradebook", "some.db", "--lang", "en"]);
        command.args(parts).assert()
    };
    let missed = "warning: us-upper: part 1 of 3 is missing, and the students in it; add it with grader results merge\n";
    merge(&["part-0.db", "part-2.db"]).code(1).stderr(missed);
    home.grader()
        .args([
            "results",
            "export",
            "csv",
            "us-upper",
            "--gradebook",
            "some.db",
        ])
        .assert()
        .success()
        .stderr(missed);
    fs::copy(home.path().join("part-2.db"), home.path().join("copy.db")).unwrap();
    merge(&["part-1.db", "part-2.db", "copy.db"])
        .success()
        .stderr("note: part-2.db and copy.db both are part 2 of 3 of us-upper\n");
    assert_eq!(grades(&home, "whole.db"), grades(&home, "some.db"));
    // A part again, of a class that is there, takes nothing away from it.
    merge(&["part-0.db"]).success().stderr("");
    // Parts of unlike divisions leave out some students and have others twice.
    let code = predicate::in_iter([0, 1]);
    batch(
        &home,
        &["--shard", "1/2", "--gradebook", "half.db", "--quiet"],
    )
    .assert()
    .code(code);
    merge(&["half.db"])
        .success()
        .stderr(predicate::str::contains(
            "not all of its 2 parts were named",
        ));
    let mut unlike = home.grader();
    unlike.args(["results", "merge", "part-0.db", "half.db"]);
    unlike.args(["--gradebook", "none.db"]);
    unlike.assert().code(2).stderr(predicate::str::contains(
        "1 of 2 in half.db, 0 of 3 in part-0.db",
    ));
    assert!(!home.path().join("none.db").exists());
}

#[test]
fn parts_of_machines_that_grant_unlike_things_are_told() {
    let home = Home::new();
    class(&home);
    for (part, book, isolation) in [
        ("0/2", "part-0.db", "best-effort"),
        ("1/2", "part-1.db", "reduced"),
    ] {
        let code = predicate::in_iter([0, 1]);
        batch(&home, &["--shard", part, "--gradebook", book, "--quiet"])
            .args(["--isolation", isolation])
            .assert()
            .code(code);
    }
    home.grader()
        .args(["results", "merge", "part-0.db", "part-1.db"])
        .args(["--gradebook", "all.db", "--lang", "en"])
        .assert()
        .success()
        .stderr(predicate::str::contains(
            "warning: us-upper: points cannot be compared, machines granted unlike things: ",
        ))
        .stderr(predicate::str::contains(
            " with isolation reduced · observation full (",
        ));
}

#[test]
fn pods_do_what_the_manifest_says() {
    let home = Home::new();
    class(&home);
    let options = ["--engine", "kubernetes", "--dry-run", "--shards", "2"];
    home.grader()
        .args(["batch", "us-upper=30", "class/../class"])
        .args(options)
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "class/../class: pods have another root",
        ));
    batch(&home, &[&options[..], &["--shard", "0/2"]].concat())
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--shards N says how many"));
    let output = batch(&home, &options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let job: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(job["spec"]["completions"], 2);
    let command = &job["spec"]["template"]["spec"]["containers"][0]["command"];
    let command = command.as_array().unwrap().iter();
    let command: Vec<&str> = command.map(|word| word.as_str().unwrap()).collect();
    let here = end_to_end::grader(home.path());
    let bin = std::path::Path::new(here.get_program()).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for index in ["0", "1"] {
        let words = command.iter();
        let words = words.map(|word| word.replace("$(JOB_COMPLETION_INDEX)", index));
        let words: Vec<String> = words.collect();
        let mut pod = Command::new(&words[0]);
        pod.args(&words[1..]).current_dir(home.path()).env_clear();
        pod.envs(here.get_envs().filter_map(|(n, v)| Some((n, v?))));
        // One that cannot be graded is no reason for a pod to be started again.
        let output = pod.env("PATH", &path).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    home.grader()
        .args(["results", "merge", "grader-0.db", "grader-1.db"])
        .args(["--gradebook", "all.db"])
        .assert()
        .success()
        .stderr("");
    batch(&home, &["--gradebook", "whole.db", "--quiet"])
        .assert()
        .code(1);
    assert_eq!(grades(&home, "whole.db"), grades(&home, "all.db"));
}
