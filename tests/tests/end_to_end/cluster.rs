//! A class on more machines than one, as far as one machine can show it: workers by hand, parts that
//! are put together. What takes a real scheduler is in `.ci/cluster`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;

use crate::batch::{BATCH, batch, class, grades, text};
use crate::support::Home;

/// The batch that fills the store and waits for what workers somebody else starts bring.
fn collector(home: &Home) -> Command {
    collector_of(home, "store", "far.db")
}

fn collector_of(home: &Home, store: &str, gradebook: &str) -> Command {
    let mut command = end_to_end::grader(home.path());
    command.args(BATCH);
    command.args(["--engine", "none", "--store", store, "--lease", "2"]);
    command.args(["--gradebook", gradebook, "--quiet"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Begins a batch and waits until all that is to be graded is in the store.
fn begin(home: &Home, items: usize) -> std::process::Child {
    let child = collector(home).spawn().unwrap();
    wait_for(&home.path().join("store/items"), items);
    child
}

fn wait_for(store: &Path, items: usize) {
    // A file that is being written has another name.
    let whole = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|e| e.path().extension().is_some_and(|end| end == "json"))
    };
    while fs::read_dir(store).map_or(0, |all| all.map(whole).filter(|is| *is).count()) < items {
        std::thread::yield_now();
    }
}

fn worker(home: &Home) -> assert_cmd::Command {
    let mut command = home.grader();
    command.args(["worker", "--store", "store", "--slots", "1"]);
    command
}

#[test]
fn workers_elsewhere_come_to_the_gradebook_of_one_machine() {
    let home = Home::new();
    class(&home);
    // What cannot be graded goes to workers as well: who grades says why not.
    batch(&home, &["--gradebook", "near.db", "--quiet"])
        .assert()
        .code(1);
    let collecting = begin(&home, 4);
    let others = std::thread::scope(|scope| {
        let other = scope.spawn(|| worker(&home).output().unwrap());
        let one = worker(&home).output().unwrap();
        [one, other.join().unwrap()]
    });
    for output in &others {
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(grades(&home, "near.db"), grades(&home, "far.db"));
    // Begun again, nothing is left to do, and no worker is needed.
    let again = collector(&home).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
}

#[test]
fn a_batch_that_died_collects_what_its_workers_did() {
    let home = Home::new();
    class(&home);
    let mut doomed = begin(&home, 4);
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    worker(&home).assert().success();
    let output = collector(&home).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    batch(&home, &["--gradebook", "near.db", "--quiet"])
        .assert()
        .code(1);
    assert_eq!(grades(&home, "near.db"), grades(&home, "far.db"));
}

#[test]
fn a_batch_elsewhere_that_is_interrupted_ends_as_one_here() {
    let home = Home::new();
    class(&home);
    let all = begin(&home, 4);
    worker(&home).assert().success();
    assert_eq!(all.wait_with_output().unwrap().status.code(), Some(1));
    let whole = grades(&home, "far.db");
    // The class once more, with one result yet to come.
    for name in ["far.db", "far.journal"] {
        fs::remove_file(home.path().join(name)).unwrap();
    }
    let mut results = fs::read_dir(home.path().join("store/results")).unwrap();
    fs::remove_file(results.next().unwrap().unwrap().path()).unwrap();
    let collecting = collector(&home).spawn().unwrap();
    let journal = home.path().join("far.journal");
    while fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < 4 {
        std::thread::yield_now();
    }
    let pid = Pid::from_raw(i32::try_from(collecting.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(2), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(said.contains("stopped: 3 of 4 have a result"), "{said}");
    assert_eq!(grades(&home, "far.db").lines().count(), 4);
    let next = collector(&home).spawn().unwrap();
    worker(&home).assert().success();
    let output = next.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(grades(&home, "far.db"), whole);
}

#[test]
fn a_worker_needs_a_store_that_somebody_has_filled() {
    let home = Home::new();
    let stderr = predicate::str::contains("no store of grader");
    worker(&home).assert().code(2).stderr(stderr);
}

#[test]
fn a_machine_that_can_grade_nothing_takes_nothing_from_the_class() {
    let home = Home::new();
    class(&home);
    let collecting = begin(&home, 4);
    let results = home.path().join("store/results");
    let nothing = || fs::read_dir(&results).unwrap().count() == 0;
    worker(&home)
        .env("TMPDIR", home.path().join("nowhere"))
        .assert()
        .code(3)
        .stderr(predicate::str::contains("no room").and(predicate::str::contains("nowhere")));
    assert!(nothing());
    worker(&home).assert().success();
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    for name in ["lease", "beat"] {
        let left = fs::read_dir(home.path().join("store").join(name)).unwrap();
        assert_eq!(left.count(), 0, "{name}");
    }
}

/// A grader where no user namespace is to be had.
const LESS: &str = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";

#[test]
fn a_machine_that_grants_less_takes_nothing_unless_that_was_asked_for() {
    let home = Home::new();
    class(&home);
    let less = |store: &str| {
        let mut command = assert_cmd::Command::from_std(Command::new("unshare"));
        command.args(["--user", "--map-root-user", "sh", "-c", LESS]);
        let worker = end_to_end::grader(home.path());
        command.arg(worker.get_program()).env_clear();
        command.envs(worker.get_envs().filter_map(|(n, v)| Some((n, v?))));
        command.args(["worker", "--slots", "1", "--store", store]);
        command.current_dir(home.path());
        command
    };
    let collecting = begin(&home, 4);
    less("store")
        .assert()
        .code(3)
        .stderr(predicate::str::contains("grants reduced isolation"))
        .stderr(predicate::str::contains("--isolation reduced"));
    let store = home.path().join("store");
    assert_eq!(fs::read_dir(store.join("results")).unwrap().count(), 0);
    worker(&home).assert().success();
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    // Whoever is content with it says so.
    let mut content = collector_of(&home, "other", "less.db");
    let content = content.args(["--isolation", "reduced"]).spawn().unwrap();
    wait_for(&home.path().join("other/items"), 4);
    less("other").assert().success();
    let output = content.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

/// `ssh` that reaches one host, when it is told to, and is refused by the other.
const SSH: &str = r#"#!/bin/bash
while [ "$1" != -- ]; do shift; done
case $2 in
  refused) echo "me@refused: Permission denied (publickey)." >&2; exit 255 ;;
esac
until [ -e go ]; do read -rt 0.05 <> <(:); done
exec sh -c "$3"
"#;

#[test]
fn a_host_that_refuses_is_told_and_the_others_go_on() {
    let home = Home::new();
    class(&home);
    let ssh = home.path().join("ssh");
    fs::write(&ssh, SSH).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = end_to_end::grader(home.path());
    command.args(BATCH);
    command.args([
        "--engine",
        "ssh",
        "--store",
        "store",
        "--gradebook",
        "far.db",
    ]);
    command.args([
        "--host",
        "refused:3",
        "--host",
        "open:1",
        "--quiet",
        "--ssh",
    ]);
    command
        .arg(&ssh)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut batch = command.spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(batch.stderr.take().unwrap()).lines();
    for line in &mut lines {
        said = line.unwrap();
        if said.contains("refused") {
            break;
        }
    }
    assert_eq!(
        said,
        "note: refused: its worker ended (exit status: 255): me@refused: Permission denied (publickey)."
    );
    // Only now the other one begins.
    fs::write(home.path().join("go"), "").unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(batch.wait().unwrap().code(), Some(1), "{rest:?}");
    // The reason is told once.
    assert!(
        !rest.iter().any(|line| line.contains("refused")),
        "{rest:?}"
    );
}

#[test]
fn a_machine_without_slurm_is_told_at_once() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--engine", "slurm", "--store", "store", "--quiet"])
        .env("PATH", home.path())
        .assert()
        .code(3)
        .stderr(predicate::str::contains("sbatch: ").and(predicate::str::contains("in PATH?")));
}

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
