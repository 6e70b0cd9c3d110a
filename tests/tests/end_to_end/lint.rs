//! Lab files with mistakes.

use predicates::prelude::*;
use predicates::str::contains;

use crate::support::Home;

fn lab(home: &Home, change: impl Fn(String) -> String) -> std::path::PathBuf {
    let source = end_to_end::root().join("labs/us-upper/lab.toml");
    let text = change(std::fs::read_to_string(source).unwrap());
    home.file("us-upper/lab.toml", text);
    home.path().join("us-upper")
}

#[test]
fn the_labs_themselves_have_no_mistake() {
    let home = Home::new();
    let labs = end_to_end::root().join("labs");
    let all = end_to_end::labs();
    assert!(all.len() > 20, "{all:?}");
    home.grader()
        .arg("lint")
        .args(all.iter().map(|name| labs.join(name)))
        .assert()
        .success();
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_a_suggestion() {
    let home = Home::new();
    let dir = lab(&home, |text| {
        text.replacen("[lab]", "[lab]\ntitel = 'x'", 1)
    });
    home.grader().arg("lint").arg(&dir).assert().code(2).stderr(
        contains("lab.toml:")
            .and(contains("titel"))
            .and(contains("^^^^^"))
            .and(contains("title")),
    );
}

#[test]
fn several_mistakes_are_shown_at_once() {
    let home = Home::new();
    let dir = lab(&home, |text| {
        text.replacen("[lab]", "[lab]\ntitel = 'x'\nlevle = 3", 1)
    });
    home.grader()
        .arg("lint")
        .arg(&dir)
        .assert()
        .code(2)
        .stderr(contains("titel").and(contains("levle")));
}

#[test]
fn a_lab_with_mistakes_grades_nobody() {
    let home = Home::new();
    let dir = lab(&home, |text| {
        text.replacen("[lab]", "[lab]\ntitel = 'x'", 1)
    });
    let work = home.copy("us-upper", "good-raw");
    home.grader()
        .arg("check")
        .arg(&dir)
        .arg(&work)
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("titel"));
}

#[test]
fn a_missing_lab_file_is_named() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("nothing")).unwrap();
    home.grader()
        .args(["lint", "./nothing"])
        .assert()
        .code(2)
        .stderr(contains("lab.toml"));
    home.grader()
        .args(["lint", "./none"])
        .assert()
        .code(2)
        .stderr(contains("./none"));
}

#[test]
fn a_lab_that_names_a_missing_reference_is_refused() {
    let home = Home::new();
    let dir = lab(&home, |text| {
        text.replace("reference = \"us-server\"", "reference = \"us-sever\"")
    });
    home.grader()
        .arg("lint")
        .arg(&dir)
        .assert()
        .code(2)
        .stderr(contains("us-sever").and(contains("us-server")));
}

#[test]
fn hostile_bytes_in_a_lab_file_reach_no_terminal() {
    let home = Home::new();
    let dir = lab(&home, |text| {
        text.replacen("[lab]", "[lab]\n\"a\\u001b[2Jb\" = 1", 1)
    });
    let output = home.grader().arg("lint").arg(&dir).assert().code(2);
    assert!(!output.get_output().stderr.contains(&0x1b));
}
