//! Recording, reviewing and proving a lab.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::*;
use predicates::str::contains;

use crate::support::Home;

/// A copy of a lab without its snapshots.
fn bare_lab(home: &Home, id: &str) -> PathBuf {
    let text = fs::read(end_to_end::root().join("labs").join(id).join("lab.toml")).unwrap();
    home.file(&format!("labs/{id}/lab.toml"), text);
    home.path().join("labs").join(id)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_recorded_and_accepted_is_what_the_repository_holds() {
    let home = Home::new();
    let lab = bare_lab(&home, "us-upper");
    home.grader()
        .arg("record")
        .arg(&lab)
        .args(["--runs", "3"])
        .assert()
        .success();
    let pending = names(&lab.join("snapshots"));
    assert!(
        pending.iter().all(|name| name.ends_with(".snap.new")),
        "{pending:?}"
    );
    home.grader()
        .arg("review")
        .arg(&lab)
        .arg("--accept")
        .assert()
        .success()
        .stdout(contains("0 left"));
    let stored = end_to_end::root().join("labs/us-upper/snapshots");
    let accepted = names(&lab.join("snapshots"));
    assert_eq!(accepted, names(&stored));
    for name in accepted {
        let recorded = fs::read_to_string(lab.join("snapshots").join(&name)).unwrap();
        assert_eq!(
            recorded,
            fs::read_to_string(stored.join(&name)).unwrap(),
            "{name}"
        );
    }
    // Recorded again there is nothing new.
    home.grader()
        .arg("record")
        .arg(&lab)
        .args(["--runs", "3"])
        .assert()
        .success();
    assert!(
        names(&lab.join("snapshots"))
            .iter()
            .all(|name| name.ends_with(".snap"))
    );
}

#[test]
fn review_needs_a_terminal_or_an_answer() {
    let home = Home::new();
    let lab = bare_lab(&home, "us-upper");
    let text = "---\nsource: labs/us-upper/lab.toml\nexpression: talk\n---\nlanes/1\n";
    home.file("labs/us-upper/snapshots/talk.snap.new", text);
    home.file("labs/us-upper/snapshots/bye.snap.new", text);
    home.grader()
        .arg("review")
        .arg(&lab)
        .assert()
        .code(2)
        .stderr(contains("--accept"));
    home.grader()
        .arg("review")
        .arg(&lab)
        .args(["--accept", "tlak"])
        .assert()
        .code(2)
        .stderr(contains("talk"));
    home.grader()
        .arg("review")
        .arg(&lab)
        .args(["--accept", "talk"])
        .assert()
        .success()
        .stdout(contains("1 accepted, 0 rejected, 1 left"));
    home.grader()
        .arg("review")
        .arg(&lab)
        .arg("--reject")
        .assert()
        .success()
        .stdout(contains("1 rejected"));
    assert_eq!(names(&lab.join("snapshots")), ["talk.snap"]);
    assert_eq!(
        fs::read_to_string(lab.join("snapshots/talk.snap")).unwrap(),
        text
    );
}

#[test]
fn an_embedded_lab_is_not_recorded() {
    Home::new()
        .grader()
        .args(["record", "us-upper"])
        .assert()
        .code(2)
        .stderr(contains("directory"));
}

#[test]
fn a_lab_is_proved_with_its_fixtures() {
    let home = Home::new();
    home.grader()
        .args(["prove", "pipe-upper", "--repeat", "2", "--fixtures"])
        .arg(end_to_end::root().join("fixtures"))
        .assert()
        .success()
        .stdout(
            contains("reference")
                .and(contains("every requirement is killed"))
                .and(contains("0 moved")),
        );
}

#[test]
fn a_fixture_that_promises_too_much_disproves() {
    let home = Home::new();
    let fixtures = home.path().join("fixtures/pipe-upper");
    fs::create_dir_all(&fixtures).unwrap();
    let good = home.copy("pipe-upper", "good-raw");
    fs::rename(good, fixtures.join("good-raw")).unwrap();
    home.file(
        "fixtures/pipe-upper/good-raw/fixture.toml",
        "title = 'nothing is wrong'\nfails = ['eof']\n",
    );
    home.grader()
        .args(["prove", "pipe-upper", "--fixtures"])
        .arg(home.path().join("fixtures"))
        .assert()
        .code(1)
        .stdout(
            contains("good-raw: must fail, but does not: eof").and(contains("untested promise")),
        );
}

#[test]
fn without_fixtures_nothing_is_proved() {
    let home = Home::new();
    home.grader()
        .args(["prove", "us-upper"])
        .assert()
        .code(2)
        .stderr(contains("--fixtures"));
}
