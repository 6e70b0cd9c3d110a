//! A class: found, graded, interrupted, regraded, exported.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;

use crate::support::Home;

/// A class of four: right, wrong, nothing to grade, in an archive.
pub(crate) fn class(home: &Home) {
    for (student, fixture) in [("anna", "good-poll"), ("boris", "mutants/serve-one")] {
        let from = end_to_end::root().join("fixtures/us-upper").join(fixture);
        home.copy_of(&from, &format!("class/g1/{student}/lab30"));
    }
    home.file("class/g2/clara/Lab_30/essay.txt", "I could not do it");
    let good = end_to_end::root().join("fixtures/us-upper/good-raw");
    fs::create_dir_all(home.path().join("class/g2/dora")).unwrap();
    let packed = Command::new("tar")
        .arg("czf")
        .arg(home.path().join("class/g2/dora/lab30.tar.gz"))
        .arg("-C")
        .arg(good)
        .arg(".")
        .status();
    assert!(packed.unwrap().success());
}

/// The batch of the class that [`class`] makes.
pub(crate) const BATCH: [&str; 7] = [
    "batch",
    "us-upper=30",
    "class",
    "--seed",
    "7",
    "--lang",
    "en",
];

pub(crate) fn batch(home: &Home, more: &[&str]) -> assert_cmd::Command {
    let mut command = home.grader();
    command.args(BATCH).args(more);
    command
}

pub(crate) fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// The grades as a table: student, attempt, status, points; what must not depend on interruptions.
pub(crate) fn grades(home: &Home, gradebook: &str) -> String {
    let output = home
        .grader()
        .args([
            "results",
            "export",
            "csv",
            "us-upper",
            "--gradebook",
            gradebook,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_class_is_graded_once_and_its_grades_are_exported() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--dry-run"])
        .assert()
        .success()
        .stdout(predicate::str::contains(
            "g2/dora us-upper  class/g2/dora/lab30.tar.gz",
        ));
    assert!(!home.path().join("grades.db").exists());

    // One that cannot be graded stops nobody, and is told.
    batch(&home, &[])
        .assert()
        .code(1)
        .stderr(predicate::str::contains(
            "found 4 submissions of 4 students",
        ))
        .stdout(predicate::str::contains("1 to be looked at:\n  g2/clara"))
        .stdout(predicate::str::contains("most failed: s-next 1"));
    let csv = grades(&home, "grades.db");
    let row = |student: &str| {
        let line = csv.lines().find(|line| line.contains(student));
        line.unwrap_or_else(|| panic!("{student}: {csv}"))
            .to_owned()
    };
    assert!(row("anna").contains(",graded,100,0,100,100,"), "{csv}");
    assert!(row("dora").contains(",graded,100,0,100,100,"), "{csv}");
    assert!(row("boris").contains("failed: s-next"), "{csv}");
    assert!(row("clara").contains(",ungradable,,0,,100,"), "{csv}");

    // Where the instructor keeps it is no business of the student's.
    let mut pages = home.grader();
    pages.args(["results", "export", "text", "us-upper", "--lang", "en"]);
    pages.args(["--output", "pages"]).assert().success();
    assert_eq!(
        fs::read_to_string(home.path().join("pages/g2-clara.txt")).unwrap(),
        "not graded: the submission: no program of this lab found\n"
    );

    // Nothing has changed: nothing is graded.
    batch(&home, &[])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("graded 0 in"))
        .stderr(predicate::str::contains("4 unchanged"));

    // A submission that changes waits until somebody has seen it.
    let from = end_to_end::root().join("fixtures/us-upper/good-poll");
    fs::remove_dir_all(home.path().join("class/g1/boris/lab30")).unwrap();
    home.copy_of(&from, "class/g1/boris/lab30");
    batch(&home, &[])
        .assert()
        .code(1)
        .stdout(predicate::str::contains("1 result would change"));
    // Nor is it forgotten by a batch that finds nothing to do.
    batch(&home, &[])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("graded 0 in"))
        .stdout(predicate::str::contains("1 result would change"));
    let before = csv;
    assert_eq!(grades(&home, "grades.db"), before);
    home.grader()
        .args(["results", "compare"])
        .assert()
        .success()
        .stdout(predicate::str::contains("submission changed"))
        .stdout(predicate::str::is_match(r"g1/boris +us-upper/s-next +✗ 0 +✓ 10").unwrap());
    home.grader().args(["results", "apply"]).assert().success();
    let after = grades(&home, "grades.db");
    assert!(
        after
            .lines()
            .any(|line| line.contains("boris") && line.contains(",graded,100,")),
        "{after}"
    );

    home.grader()
        .args([
            "results", "override", "clara", "us-upper", "15", "--who", "teacher",
        ])
        .args(["--why", "shown in person"])
        .assert()
        .success();
    home.grader()
        .args(["results", "show"])
        .assert()
        .success()
        .stdout(predicate::str::is_match(r"g2/clara +15 \(by hand\)").unwrap());
    home.grader()
        .args(["results", "export", "html", "us-upper", "--output", "pages"])
        .assert()
        .success();
    let page = fs::read_to_string(home.path().join("pages/g1-anna.html")).unwrap();
    assert!(page.contains("100 / 100"));
}

#[test]
fn pages_speak_the_language_that_is_asked_for() {
    let home = Home::new();
    let from = end_to_end::root().join("fixtures/us-upper/mutants/serve-one");
    home.copy_of(&from, "class/g1/boris/lab30");
    batch(&home, &[]).assert().code(0);
    let page = |lang: &str, format: &str, ending: &str| {
        home.grader()
            .args(["results", "export", format, "us-upper", "--lang", lang])
            .args(["--output", lang])
            .assert()
            .success();
        fs::read_to_string(home.path().join(lang).join(format!("g1-boris.{ending}"))).unwrap()
    };
    // Graded in English; a reader of Russian finds no English sentence about the reason.
    for (format, ending) in [("html", "html"), ("markdown", "md")] {
        let (en, ru) = (page("en", format, ending), page("ru", format, ending));
        for (words, translated) in [
            ("expected", "ожидалось"),
            ("yours", "у вас"),
            ("Met", "Выполнено"),
            ("who waits for whom", "кто кого ждёт"),
            (", step ", ", шаг "),
            ("waits for", "ждёт"),
        ] {
            assert!(en.contains(words), "{words}: {en}");
            assert!(ru.contains(translated), "{translated}: {ru}");
            assert!(!ru.contains(words), "{words}: {ru}");
        }
    }
    let feedback = |lang: &str| {
        let output = home
            .grader()
            .args(["results", "export", "csv", "us-upper", "--lang", lang])
            .output();
        text(&output.unwrap().stdout)
    };
    assert!(feedback("en").contains("failed: s-next"));
    assert!(feedback("ru").contains("не выполнено: s-next"));
}

/// Runs the batch and kills it with SIGKILL once so many results are in the journal; whether it was
/// killed.
fn kill_after(home: &Home, results: usize) -> bool {
    let journal = home.path().join("grades.journal");
    let lines = |path: &Path| {
        let text = fs::read(path).unwrap_or_default();
        text.iter()
            .filter(|c| **c == b'\n')
            .count()
            .saturating_sub(1)
    };
    let before = lines(&journal);
    let mut command = end_to_end::grader(home.path());
    command
        .args([
            "batch",
            "us-upper=30",
            "class",
            "--seed",
            "7",
            "--lang",
            "en",
        ])
        .env("TMPDIR", home.path().join("tmp"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert_ne!(status.code(), Some(3), "no fault of ours is a result");
            return status.signal().is_some();
        }
        if lines(&journal) >= before + results {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Tells a batch to end once there is a result, as Ctrl-C does: every process of its group. It is held
/// until it is told, so that it cannot be through before.
fn interrupted(home: &Home, signal: Signal, more: &[&str]) -> Output {
    let journal = home.path().join("grades.journal");
    let mut command = end_to_end::grader(home.path());
    command
        .args(["batch", "us-upper=30", "class", "--seed", "7"])
        .args(["--lang", "en", "--at-once", "1"])
        .args(more)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let group = Pid::from_raw(-i32::try_from(child.id()).unwrap());
    while fs::read(&journal).is_ok_and(|text| text.len() < 20) || !journal.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it is through already");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    for signal in [Signal::SIGSTOP, signal, Signal::SIGCONT] {
        kill(group, signal).unwrap();
    }
    child.wait_with_output().unwrap()
}

/// Thirty students with the same work, each with a mark of his own.
fn thirty(home: &Home, fixture: &str) {
    let from = end_to_end::root().join("fixtures/us-upper").join(fixture);
    for student in 0..30 {
        let directory = format!("class/g1/s{student}/lab30");
        if home.path().join(&directory).exists() {
            fs::remove_dir_all(home.path().join(&directory)).unwrap();
        }
        home.copy_of(&from, &directory);
        home.file(&format!("{directory}/mark.h"), format!("/* {student} */"));
    }
}

#[test]
fn a_regrade_that_is_interrupted_is_not_applied_by_halves() {
    let home = Home::new();
    thirty(&home, "mutants/serve-one");
    batch(&home, &[]).assert().success();
    let before = grades(&home, "grades.db");
    assert_eq!(before.matches(",graded,80,").count(), 30, "{before}");
    thirty(&home, "good-poll");
    let output = interrupted(&home, Signal::SIGINT, &["--apply"]);
    let said = text(&output.stdout);
    assert!(said.contains(" would change: look at them"), "{said}");
    assert_eq!(grades(&home, "grades.db"), before);
    batch(&home, &["--apply"]).assert().success();
    let after = grades(&home, "grades.db");
    assert_eq!(after.matches(",graded,100,").count(), 30, "{after}");
    // What grades everything again goes on as well, and does not begin anew.
    let output = interrupted(&home, Signal::SIGTERM, &["--regrade"]);
    let said = text(&output.stderr);
    assert!(
        said.contains(" of 30 have a result, and it is kept"),
        "{said}"
    );
    let going_on = predicate::str::contains("going on: an interrupted batch left");
    let rest = batch(&home, &["--regrade"]).assert().success();
    rest.stderr(going_on.and(predicate::str::contains("graded 30 in").not()));
    assert_eq!(grades(&home, "grades.db"), after);
}

#[test]
fn told_to_end_a_batch_keeps_what_it_has_and_the_next_goes_on() {
    let home = Home::new();
    thirty(&home, "mutants/serve-one");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let output = interrupted(&home, signal, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.signal(), Some(signal as i32), "{said}");
        assert!(said.contains("\nstopping: what is under way"), "{said}");
        assert!(said.contains(" of 30 have a result"), "{said}");
        assert!(!text(&output.stdout).contains("to be looked at"));
        let journal = fs::read_to_string(home.path().join("grades.journal"));
        assert_eq!(journal.unwrap(), "grader-journal/1\n");
    }
    let shown = grades(&home, "grades.db");
    let graded = shown.matches(",graded,").count();
    assert!((3..30).contains(&graded), "{shown}");
    let unchanged = format!("graded {} in ", 30 - graded);
    let at_last = batch(&home, &["--resume"]).assert().success();
    at_last.stderr(predicate::str::contains(unchanged));
    assert_eq!(grades(&home, "grades.db").matches(",graded,").count(), 30);
}

#[test]
fn what_is_still_in_the_journal_is_told_by_whoever_shows_the_class() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--only", "anna"]).assert().success();
    let show = |what: &str| {
        let mut command = home.grader();
        command.args(["results", what, "--lang", "en"]).assert()
    };
    let note = "note: grades.journal holds results that are not in the gradebook yet";
    show("show").stderr("");
    if !kill_after(&home, 1) {
        // It was through before it could be killed: as if it had not been.
        let line = "0 g1/anna/us-upper/1 {}\n";
        let journal = format!("grader-journal/1\n{line}");
        home.file("grades.journal", &journal);
    }
    for what in ["show", "stats", "compare"] {
        show(what).stderr(predicate::str::contains(note));
    }
}

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
fn killed_again_and_again_a_batch_comes_to_the_same_grades() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--gradebook", "calm.db"]).assert().code(1);
    // What somebody left who was killed while unpacking.
    home.file("tmp/grader-Ab3dE6/.scratch", "");
    home.file("tmp/grader-Ab3dE6/files/server.c", "int main;");
    home.file("tmp/grader-thesis/chapter.tex", "not ours");
    // Or before its directory had a mark.
    fs::DirBuilder::new()
        .mode(0o700)
        .create(home.path().join("tmp/grader-Qw7rT2"))
        .unwrap();
    let mut kills = 0;
    // At most one result is lost each time, and at least one is kept.
    for round in 0..8 {
        if !kill_after(&home, 1 + round % 2) {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 2, "it was never interrupted");
    // Twice: a child that was being started when its grader was killed may hold the lock of its
    // temporary directory for a moment longer, and the next start but one finds it free.
    for _ in 0..2 {
        batch(&home, &[])
            .env("TMPDIR", home.path().join("tmp"))
            .assert()
            .stdout(predicate::str::contains("us-upper"));
    }
    assert_eq!(grades(&home, "grades.db"), grades(&home, "calm.db"));
    let left = fs::read_dir(home.path().join("tmp")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["grader-thesis"]);
    // Whatever was killed, the journal is empty at the end.
    assert_eq!(
        fs::read_to_string(home.path().join("grades.journal")).unwrap(),
        "grader-journal/1\n"
    );
}

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
    git(&["clone", "-q", "--mirror", ".", "../bare.git"]);
    dry("bare.git", &[])
        .success()
        .stderr(predicate::str::contains("found 1 submission of 1 student"));
}

#[test]
fn who_wants_quiet_is_told_of_what_is_lost() {
    let home = Home::new();
    class(&home);
    std::os::unix::fs::symlink("gone", home.path().join("class/g1/emil")).unwrap();
    batch(&home, &["--dry-run", "--quiet"])
        .assert()
        .success()
        .stderr("note: passed over g1/emil: a link that leads nowhere\n");
}

#[test]
fn a_late_policy_without_a_date_is_told() {
    let home = Home::new();
    class(&home);
    let says = "it is not known when us-upper is due, so nobody is late";
    let late = ["--late", "10%/day", "--only", "clara"];
    batch(&home, &late)
        .assert()
        .stderr(predicate::str::contains(says));
    batch(&home, &[&late[..], &["--due", "2026-11-20"]].concat())
        .assert()
        .stderr(predicate::str::contains(says).not());
    // The gradebook knows it from now on.
    batch(&home, &late)
        .assert()
        .stderr(predicate::str::contains(says).not());
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
