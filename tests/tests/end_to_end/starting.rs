//! `grader init` and `grader labs`: where a student begins.

use std::path::Path;
use std::process::Command;

use predicates::prelude::*;
use predicates::str::contains;

use end_to_end::on_path;

use crate::support::{Home, json};

fn labs(home: &Home) -> Vec<String> {
    let output = home.grader().args(["labs", "--format", "json"]).assert();
    let list = json(&output.success().get_output().stdout);
    assert_eq!(list["schema"], "grader-labs/1");
    let labs = list["labs"].as_array().unwrap();
    labs.iter()
        .map(|lab| lab["id"].as_str().unwrap().to_owned())
        .collect()
}

/// By its Makefile, without a warning, and cleaned up.
fn is_made(dir: &Path) {
    let flags = "CFLAGS=-std=c11 -O1 -Wall -Wextra -Werror";
    let make = Command::new("make").arg(flags).current_dir(dir).output();
    let make = make.unwrap();
    let said = String::from_utf8_lossy(&make.stderr);
    assert!(make.status.success(), "{}: {said}", dir.display());
    let clean = Command::new("make").arg("clean").current_dir(dir).status();
    assert!(clean.unwrap().success());
}

#[test]
fn every_starter_compiles_without_a_warning_and_earns_little() {
    let home = Home::new();
    let labs = labs(&home);
    assert!(labs.len() >= 14, "{labs:?}");
    for lab in &labs {
        let dir = home.path().join(lab);
        home.grader()
            .args(["init", lab])
            .arg(&dir)
            .assert()
            .success();
        let make = on_path("make");
        if make {
            is_made(&dir);
        }
        let output = home
            .grader()
            .args(["check", lab, ".", "--format", "json"])
            .current_dir(&dir)
            .assert()
            .code(1);
        let report = json(&output.get_output().stdout);
        for build in report["builds"].as_array().unwrap() {
            assert!(build["failure"].is_null(), "{lab}: {build}");
            assert!(build["from"] == "Makefile" || !make, "{lab}: {build}");
        }
        let points = report["points"].as_u64().unwrap();
        assert!(points <= 10, "{lab}: {points} points");
    }
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_is_laid_down() {
    let home = Home::new();
    home.file("work/us-server.c", "int main(void) { return 0; }\n");
    home.file("work/Makefile", "all:\n");
    home.grader()
        .args(["init", "us-upper", "work"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("work/Makefile, work/us-server.c are in the way"));
    let work = home.path().join("work");
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 2);
    assert_eq!(std::fs::read(work.join("Makefile")).unwrap(), b"all:\n");
}

#[test]
fn a_second_time_changes_nothing_and_brings_back_what_is_missing() {
    let home = Home::new();
    let init = || {
        let mut command = home.grader();
        command.args(["init", "sig-count"]);
        command.assert().success()
    };
    init().stdout(contains("sig-count.c").and(contains("grader check sig-count .")));
    init().stdout(contains("nothing was changed"));
    std::fs::remove_file(home.path().join("Makefile")).unwrap();
    init().stdout(contains("Makefile").and(contains("sig-count.c").not()));
}

#[test]
fn the_handout_is_in_the_readers_language() {
    let home = Home::new();
    let handout = |dir: &str| std::fs::read_to_string(home.path().join(dir).join("HANDOUT.md"));
    let init = |dir: &str, lang: &str| {
        let mut command = home.grader();
        command.args(["init", "at-exit", dir, "--lang", lang]);
        command.assert().success();
    };
    init("en", "en");
    init("ru", "ru");
    home.grader()
        .args(["init", "at-exit", "locale"])
        .env("LANG", "ru_RU.UTF-8")
        .assert()
        .success()
        .stdout(contains("создано"));
    assert_ne!(handout("en").unwrap(), handout("ru").unwrap());
    assert_eq!(handout("locale").unwrap(), handout("ru").unwrap());
}

#[test]
fn a_lab_on_disk_is_laid_down_and_graded_from_there() {
    let home = Home::new();
    let lab = end_to_end::root().join("tests/labs/says-live");
    home.grader()
        .arg("init")
        .arg(&lab)
        .arg("work")
        .assert()
        .success();
    let work = home.path().join("work");
    let makefile = std::fs::read_to_string(work.join("Makefile")).unwrap();
    let whole = lab.canonicalize().unwrap();
    assert!(makefile.contains(whole.to_str().unwrap()), "{makefile}");
    let workflow = std::fs::read_to_string(work.join(".github/workflows/grader.yml")).unwrap();
    assert!(workflow.contains("LAB: 'labs/says-live'"), "{workflow}");
    if on_path("make") {
        is_made(&work);
    }
}

#[test]
fn a_lab_is_listed_below_its_level() {
    let home = Home::new();
    let output = home.grader().arg("labs").assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let at = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("no {what}: {text}"))
    };
    assert!(at("Level 1") < at("  at-exit") && at("  at-exit") < at("Level 2"));
    assert!(at("Level 4") < at("  us-many"));
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}
