//! Help, names, schemas, exit codes: what needs no engine.

use predicates::prelude::*;
use predicates::str::contains;

use crate::support::{Home, json};

#[test]
fn help_lists_every_command_and_the_exit_codes() {
    let output = Home::new().grader().arg("--help").assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn every_command_has_help_in_eighty_columns() {
    let home = Home::new();
    for command in [
        "check",
        "batch",
        "results",
        "labs",
        "init",
        "explain",
        "reference",
        "lint",
        "schema",
        "doctor",
        "record",
        "review",
        "prove",
        "worker",
        "cache",
    ] {
        let output = home.grader().args([command, "--help"]).assert().success();
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        // `{n}` is a new line in help: no pattern in it may be torn.
        let torn = |line: &str| line.trim() == "'" || line.trim().starts_with("' [");
        assert!(!text.lines().any(torn), "{text}");
    }
}

#[test]
fn built_programs_are_counted_and_removed() {
    let home = Home::new();
    home.grader()
        .args(["check", "us-upper"])
        .arg(end_to_end::fixture("us-upper", "good-raw"))
        .args(["--scenario", "one-then-the-next"])
        .assert()
        .success();
    let kept = home.grader().arg("cache").assert().success();
    let kept = String::from_utf8(kept.get_output().stdout.clone()).unwrap();
    assert!(kept.contains("/cache/grader: "), "{kept}");
    assert!(!kept.contains(" 0 builds"), "{kept}");
    home.grader()
        .args(["cache", "--clean"])
        .assert()
        .success()
        .stdout(contains(": removed "));
    home.grader()
        .arg("cache")
        .assert()
        .success()
        .stdout(contains(": 0 builds, 0 bytes"));
}

#[test]
fn no_command_is_a_usage_error() {
    Home::new()
        .grader()
        .assert()
        .code(2)
        .stderr(contains("Usage: grader"));
}

#[test]
fn an_unknown_option_is_a_usage_error_with_a_suggestion() {
    let home = Home::new();
    home.grader()
        .args(["labs", "--lnag", "ru"])
        .assert()
        .code(2)
        .stderr(contains("--lang"));
}

#[test]
fn an_unknown_lab_is_a_usage_error_with_a_suggestion() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("work")).unwrap();
    for command in [
        &["check", "us-uper", "work"][..],
        &["explain", "us-uper/s-next"],
        &["prove", "us-uper"],
    ] {
        home.grader()
            .args(command)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("us-uper").and(contains("us-upper")));
    }
}

#[test]
fn an_unknown_requirement_is_a_usage_error_with_a_suggestion() {
    Home::new()
        .grader()
        .args(["explain", "us-upper/s-nxt"])
        .assert()
        .code(2)
        .stderr(contains("s-nxt").and(contains("s-next")));
}

#[test]
fn an_unknown_format_names_the_known_ones() {
    Home::new()
        .grader()
        .args(["check", "us-upper", ".", "--format", "html"])
        .assert()
        .code(2)
        .stderr(contains("human, json, junit, github, jsonl"));
}

#[test]
fn labs_are_listed_in_both_languages() {
    let home = Home::new();
    let english = home
        .grader()
        .args(["labs", "--lang", "en"])
        .output()
        .unwrap()
        .stdout;
    let russian = home
        .grader()
        .args(["labs", "--lang", "ru"])
        .output()
        .unwrap()
        .stdout;
    assert_ne!(english, russian);
    for text in [&english, &russian] {
        let text = String::from_utf8_lossy(text);
        let listed = text.lines().filter_map(|line| line.strip_prefix("  "));
        let mut listed: Vec<&str> = listed
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, end_to_end::labs());
    }
    let locale = home
        .grader()
        .arg("labs")
        .env("LANG", "ru_RU.UTF-8")
        .output()
        .unwrap()
        .stdout;
    assert_eq!(locale, russian);
}

#[test]
fn explain_shows_the_steps_that_prove_a_requirement() {
    Home::new()
        .grader()
        .args(["explain", "us-upper/s-next"])
        .assert()
        .success()
        .stdout(contains("us-upper/s-next").and(contains("connect next-1")));
}

#[test]
fn a_reference_program_runs_with_the_callers_streams() {
    let home = Home::new();
    home.grader()
        .args(["reference", "pipe-upper"])
        .write_stdin("ab\n")
        .assert()
        .success()
        .stdout("AB\n");
    home.grader()
        .args(["reference", "pip-upper"])
        .assert()
        .code(2)
        .stderr(contains("pipe-upper"));
}

#[test]
fn doctor_says_what_is_granted() {
    let home = Home::new();
    home.grader().arg("doctor").assert().stdout(
        contains("user namespace")
            .and(contains("ptrace"))
            .and(contains("✓ IPv6"))
            .and(contains("a whole scenario")),
    );
}

#[test]
fn doctor_says_what_a_skipped_requirement_wants() {
    let home = Home::new();
    let doctor = end_to_end::grader(home.path());
    for (lang, name, remedy) in [
        ("en", "✗ second user id", "→ install newuidmap"),
        ("ru", "✗ второй идентификатор", "→ установить newuidmap"),
    ] {
        let mut one_user = std::process::Command::new("unshare");
        one_user.args(["--user", "--map-root-user"]);
        one_user.arg(doctor.get_program()).env_clear();
        one_user.envs(doctor.get_envs().filter_map(|(n, v)| Some((n, v?))));
        let output = one_user.args(["doctor", "--lang", lang]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(name) && said.contains(remedy), "{said}");
    }
}

#[test]
fn both_schemas_are_json_schemas() {
    let home = Home::new();
    for args in [&["schema"][..], &["schema", "--report"]] {
        let output = home.grader().args(args).assert().success();
        let schema = json(&output.get_output().stdout);
        assert!(
            schema["$schema"]
                .as_str()
                .unwrap()
                .contains("json-schema.org"),
            "{schema}"
        );
        assert!(schema["properties"].is_object(), "{schema}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = end_to_end::grader(home.path());
    let output = command.arg("schema").stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_check_whose_reader_goes_away_keeps_its_exit_status() {
    let home = Home::new();
    for (fixture, code) in [("good-raw", 0), ("serve-one", 1)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = end_to_end::grader(home.path());
        command
            .args(["check", "us-upper"])
            .arg(end_to_end::fixture("us-upper", fixture));
        let output = command.stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{fixture}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{fixture}");
    }
}

#[test]
fn the_help_of_a_command_says_all_that_is_written_of_it() {
    let home = Home::new();
    for (command, says) in [
        (&["batch"][..], "a batch that was killed goes on"),
        (&["init"], "No file that exists is changed."),
        (&["worker"], "any number may be started by hand"),
        (&["results", "forget"], "Nothing is removed until it is"),
        (&["results", "merge"], "Two results of the same files"),
    ] {
        let output = home.grader().args(command).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(says), "{command:?}: {help}");
    }
}
