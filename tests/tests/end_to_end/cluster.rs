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
use crate::support::{Home, json, not_shown_here};

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
fn a_store_without_an_engine_is_a_mistake() {
    let home = Home::new();
    home.file("class/anna/lab30/us-server.c", "int main;");
    for (words, said) in [
        (
            &["--store", "store"][..],
            "--store: only for --engine slurm, ssh, none",
        ),
        (
            &["--engine", "none", "--store", "store", "--host", "a"],
            "--host: only for --engine ssh",
        ),
    ] {
        home.grader()
            .args(["batch", "us-upper=30", "class", "--lang", "en"])
            .args(words)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(said));
    }
    assert!(!home.path().join("store").exists());
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
    // A result that came second and says something else is told, with whose it is.
    let store = home.path().join("store");
    let result = fs::read_dir(store.join("results")).unwrap().next();
    let result = fs::read_to_string(result.unwrap().unwrap().path()).unwrap();
    let (record, _seal) = result.split_once('\n').unwrap();
    fs::write(store.join("disputes/a.json"), record).unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    let whose = record["identity"]["student"].as_str().unwrap();
    // Begun again, nothing is left to do, and no worker is needed.
    let again = collector(&home).output().unwrap();
    let said = text(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{said}");
    let told = said.lines().find(|line| line.contains("disputes/a.json"));
    let told = told.unwrap_or_else(|| panic!("{said}"));
    assert!(told.contains(&format!("/{whose} us-upper: ")), "{told}");
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
fn two_may_collect_from_one_store() {
    let home = Home::new();
    class(&home);
    let one = begin(&home, 4);
    let other = collector_of(&home, "store", "other.db").spawn().unwrap();
    worker(&home).assert().success();
    for collecting in [one, other] {
        let output = collecting.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    }
    assert_eq!(grades(&home, "far.db"), grades(&home, "other.db"));
    assert_eq!(grades(&home, "far.db").lines().count(), 5);
}

#[test]
fn a_store_that_is_gone_is_named_and_one_that_is_back_goes_on() {
    let home = Home::new();
    class(&home);
    let (store, away) = (home.path().join("store"), home.path().join("away"));
    let collecting = begin(&home, 4);
    fs::rename(&store, &away).unwrap();
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(said.contains("error: store "), "{said}");
    assert!(!said.contains("disputes"), "{said}");
    fs::rename(&away, &store).unwrap();
    let collecting = begin(&home, 4);
    worker(&home).assert().success();
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[test]
fn a_lab_that_is_damaged_in_the_store_is_named_and_put_right() {
    let home = Home::new();
    class(&home);
    let lab = end_to_end::root().join("labs/us-upper=30");
    let collecting = || {
        let mut command = end_to_end::grader(home.path());
        command.arg("batch").arg(&lab);
        command.args(["class", "--seed", "7"]);
        command.args(["--engine", "none", "--store", "store", "--quiet"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut first = collecting();
    wait_for(&home.path().join("store/items"), 4);
    first.kill().unwrap();
    first.wait().unwrap();
    // The largest by far.
    let blobs = fs::read_dir(home.path().join("store/blobs")).unwrap();
    let lab = blobs
        .map(|entry| entry.unwrap())
        .max_by_key(|entry| entry.metadata().unwrap().len());
    let lab = lab.unwrap().path();
    fs::write(&lab, "half").unwrap();
    worker(&home)
        .assert()
        .code(3)
        .stderr(predicate::str::contains(
            lab.file_name().unwrap().to_str().unwrap(),
        ))
        .stderr(predicate::str::contains(
            "given again, puts back what is damaged",
        ));
    let second = collecting();
    while fs::read(&lab).unwrap_or_default().len() < 5 {
        std::thread::yield_now();
    }
    worker(&home).assert().success();
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[test]
fn a_submission_that_is_damaged_in_the_store_is_named_and_put_right() {
    let home = Home::new();
    class(&home);
    let mut first = begin(&home, 4);
    first.kill().unwrap();
    first.wait().unwrap();
    let items = home.path().join("store/items");
    let item = fs::read_dir(&items)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = fs::read(&item).unwrap();
    fs::write(&item, &whole[..whole.len() / 2]).unwrap();
    worker(&home)
        .assert()
        .code(3)
        .stderr(predicate::str::contains(
            item.file_name().unwrap().to_str().unwrap(),
        ))
        .stderr(predicate::str::contains(
            "given again, puts back what is damaged",
        ));
    let second = collector(&home).spawn().unwrap();
    while fs::read(&item).unwrap() != whole {
        std::thread::yield_now();
    }
    worker(&home).assert().success();
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(grades(&home, "far.db").lines().count(), 5);
    // Nobody knows what a damaged job said: that is told, and not taken for other options.
    let job = home.path().join("store/job.json");
    fs::write(&job, "{\"schema\"").unwrap();
    let again = collector(&home).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("/store: job.json: "));
    worker(&home)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("error: store: job.json: "));
}

#[test]
fn a_worker_that_stood_still_for_longer_than_its_lease_changes_nothing() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--gradebook", "near.db", "--quiet"])
        .assert()
        .code(1);
    let collecting = begin(&home, 4);
    let mut frozen = end_to_end::grader(home.path());
    // What it needs is not built yet: there is time to stop it.
    frozen.env("XDG_CACHE_HOME", home.path().join("fresh"));
    frozen.args(["worker", "--store", "store", "--slots", "1"]);
    let frozen = frozen.stderr(Stdio::piped()).spawn().unwrap();
    let leases = home.path().join("store/lease");
    while fs::read_dir(&leases).unwrap().count() == 0 {
        std::thread::yield_now();
    }
    let pid = Pid::from_raw(i32::try_from(frozen.id()).unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    worker(&home).assert().success();
    let results = || {
        let mut all: Vec<_> = fs::read_dir(home.path().join("store/results"))
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        all.sort();
        all
    };
    let before = results();
    assert_eq!(before.len(), 4);
    kill(pid, Signal::SIGCONT).unwrap();
    let output = frozen.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(results() == before, "a result was replaced");
    let disputes = home.path().join("store/disputes");
    assert_eq!(fs::read_dir(disputes).unwrap().count(), 0);
    let output = collecting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(grades(&home, "near.db"), grades(&home, "far.db"));
}

#[test]
fn a_worker_whose_terminal_is_gone_gives_back_what_it_has_begun() {
    let home = Home::new();
    class(&home);
    let mut collecting = begin(&home, 4);
    let mut hung_up = end_to_end::grader(home.path());
    // What it needs is not built yet: it is told in the midst of it.
    hung_up.env("XDG_CACHE_HOME", home.path().join("fresh"));
    hung_up.args(["worker", "--store", "store", "--slots", "1"]);
    let mut hung_up = hung_up.spawn().unwrap();
    let count = |name: &str| {
        let entries = fs::read_dir(home.path().join("store").join(name));
        entries.unwrap().count()
    };
    while count("starts") == 0 {
        std::thread::yield_now();
    }
    kill(
        Pid::from_raw(i32::try_from(hung_up.id()).unwrap()),
        Signal::SIGHUP,
    )
    .unwrap();
    assert_eq!(hung_up.wait().unwrap().code(), Some(143));
    for trace in ["lease", "beat"] {
        assert_eq!(count(trace), 0, "{trace}");
    }
    assert_eq!(
        count("starts"),
        count("results"),
        "it was counted as a loss"
    );
    collecting.kill().unwrap();
    collecting.wait().unwrap();
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

/// A command where there is one user id only, and otherwise everything.
fn one_user(home: &Home, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(Command::new("unshare"));
    command.args(["--user", "--map-root-user"]);
    let grader = end_to_end::grader(home.path());
    command.arg(grader.get_program()).env_clear();
    command.envs(grader.get_envs().filter_map(|(n, v)| Some((n, v?))));
    command.args(arguments).current_dir(home.path());
    command
}

#[test]
fn a_machine_that_lacks_what_one_lab_needs_leaves_that_lab_to_others() {
    let home = Home::new();
    let fixtures = end_to_end::root().join("fixtures");
    let good = fixtures.join("us-upper/good-poll");
    home.copy_of(&good, "class/anna/us-upper");
    let good = fixtures.join("us-name/good-umask");
    home.copy_of(&good, "class/anna/us-name");
    let batch = |more: &[&str]| {
        let mut command = end_to_end::grader(home.path());
        command.args(["batch", "us-upper", "us-name", "class", "--seed", "7"]);
        command.args(["--layout", "{student}/{lab}", "--quiet"]);
        command.args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let far = ["--engine", "none", "--lease", "2", "--gradebook"];
    let far =
        |book: &'static str, store: &'static str| [&far[..], &[book, "--store", store]].concat();
    let mut collecting = batch(&far("far.db", "store")).spawn().unwrap();
    wait_for(&home.path().join("store/items"), 2);
    let here = ["worker", "--store", "store", "--slots", "1"];
    one_user(&home, &[&here[..], &["--lang", "ru"]].concat())
        .assert()
        .code(3)
        .stderr(predicate::str::contains(
            "для us-name нужен второй идентификатор пользователя",
        ));
    let results = home.path().join("store/results");
    assert_eq!(fs::read_dir(&results).unwrap().count(), 1, "us-upper");
    // An ordinary user's machine is such a one itself: then there are no others.
    let mut check = home.grader();
    check
        .args(["check", "us-name", "--format", "json"])
        .arg(&good);
    let checked = check.output().unwrap();
    let alone = !not_shown_here(&json(&checked.stdout)).is_empty();
    if alone {
        collecting.kill().unwrap();
        collecting.wait().unwrap();
    } else {
        worker(&home).assert().success();
        let output = collecting.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    // Whoever is content without it says so: then all do without, wherever they are.
    let without = ["--without", "other-user"];
    let without = |book, store| [&far(book, store)[..], &without[..]].concat();
    for (book, store) in [("all.db", "all"), ("one.db", "one")] {
        let collecting = batch(&without(book, store)).spawn().unwrap();
        wait_for(&home.path().join(store).join("items"), 2);
        let here = ["worker", "--store", store, "--slots", "1"];
        match store {
            "one" => one_user(&home, &here).assert().success(),
            _ => home.grader().args(here).assert().success(),
        };
        let output = collecting.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let points = |book: &str| {
        let mut command = home.grader();
        command.args(["results", "export", "csv", "us-name", "--gradebook", book]);
        text(&command.output().unwrap().stdout)
    };
    assert!(alone || points("far.db").contains(",graded,100,0,100,100,"));
    assert!(
        points("all.db").contains(",graded,90,0,90,100,,90 of 90;"),
        "{}",
        points("all.db")
    );
    assert_eq!(points("all.db"), points("one.db"));
    // On one machine it is told, and where parts are put together as well.
    let class = [
        "batch",
        "us-name",
        "class",
        "--layout",
        "{student}/{lab}",
        "--quiet",
    ];
    let part = ["--shard", "0/2", "--gradebook", "part-0.db"];
    let other = ["--shard", "1/2", "--gradebook", "part-1.db"];
    home.copy_of(&good, "class/boris/us-name");
    home.copy_of(&good, "class/clara/us-name");
    one_user(&home, &[&class[..], &part].concat())
        .assert()
        .success()
        .stderr(predicate::str::contains(
            "note: us-name needs a second user id",
        ));
    let full = home.grader().args(class).args(other).assert().success();
    if alone {
        return;
    }
    full.stderr("");
    let mut merge = home.grader();
    merge.args([
        "results",
        "merge",
        "part-0.db",
        "part-1.db",
        "--gradebook",
        "m.db",
    ]);
    merge.assert().success().stderr(predicate::str::contains(
        "observation full · without other-user (",
    ));
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
        .stderr(predicate::str::contains("sbatch: ").and(predicate::str::contains("in PATH?")))
        // Nor is there anybody who could be told to end.
        .stderr(predicate::str::contains("scancel").not());
}

/// A Slurm whose controller answers once and then never again. It says so where a job's name would be
/// another one's.
const SLURM: [(&str, &str); 3] = [
    (
        "sbatch",
        "[ -z \"$SBATCH_JOB_NAME\" ] || { echo 'no such name' >&2; exit 1; }\ncat >job\nsh job </dev/null >/dev/null 2>&1 &",
    ),
    ("squeue", "[ ! -e job ] || exec cat never"),
    ("scancel", ""),
];

#[test]
fn a_slurm_that_is_silent_keeps_no_result_back() {
    let home = Home::new();
    class(&home);
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for (name, does) in SLURM {
        fs::write(bin.join(name), format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    nix::unistd::mkfifo(&home.path().join("never"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let slurm = ["--engine", "slurm", "--store", "store", "--workers", "1"];
    let hidden = [&slurm[..], &["--slurm-option=--job-name=lab30"]].concat();
    batch(&home, &hidden)
        .env("PATH", &path)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("`--job-name=lab30`: grader says"));
    batch(&home, &slurm)
        .env("PATH", &path)
        .env("SBATCH_JOB_NAME", "lab30")
        .assert()
        .code(1)
        .stderr(predicate::str::contains("graded 4 in "));
}
