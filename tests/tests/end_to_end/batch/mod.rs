//! A class: found, graded, interrupted, regraded, exported.

mod calendar;
mod interrupted;
mod refs;
mod refused;

use std::fs;
use std::process::Command;

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
            "g2/dora us-upper   class/g2/dora/lab30.tar.gz",
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
        "not graded: no program of this lab found\n"
    );

    // Nothing has changed: nothing is graded.
    batch(&home, &[])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("nothing to be graded"))
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
        .stderr(predicate::str::contains("nothing to be graded"))
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
    // Nor is anything graded again for another reader.
    home.grader()
        .args(&BATCH[..5])
        .args(["--lang", "ru"])
        .assert()
        .code(0)
        .stderr(predicate::str::contains("без изменений: 1"));
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
