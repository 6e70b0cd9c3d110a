//! Submissions, graded from source to verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;

use crate::support::{Home, json, not_shown_here, outcomes};

/// Of every kind some: `grader prove --all` grades the fixtures of all of them.
const LABS: &[&str] = &[
    "ask-alarm",
    "at-exit",
    "nanny",
    "pipe-line",
    "pipe-upper",
    "sig-count",
    "us-many",
    "us-name",
    "us-upper",
];

fn check(home: &Home, lab: &str, dir: &Path) -> (i32, serde_json::Value) {
    let mut command = home.grader();
    command
        .arg("check")
        .arg(lab)
        .arg(dir)
        .args(["--format", "json"]);
    let output = command.output().unwrap();
    let code = output.status.code().unwrap();
    assert!(
        code < 2,
        "{}: {}",
        dir.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    (code, json(&output.stdout))
}

#[test]
fn good_submissions_get_full_marks() {
    let home = Home::new();
    for lab in LABS {
        for (fixture, dir, fails) in end_to_end::fixtures(lab) {
            if fails.is_empty() {
                let (code, report) = check(&home, lab, &dir);
                assert_eq!(code, 0, "{lab}/{fixture}: {report:#}");
                assert_eq!(report["points"], report["of"], "{lab}/{fixture}");
                assert_eq!(report["result"], "pass");
            }
        }
    }
}

/// Labs whose mutants are checked one by one, as everybody's submissions are; `grader prove --all` has
/// those of all labs.
const WITH_MUTANTS: &[&str] = &["pipe-upper", "sig-count", "us-name", "us-upper"];

#[test]
fn mutants_fail_exactly_what_they_break() {
    let home = Home::new();
    for lab in WITH_MUTANTS {
        for (fixture, dir, mut fails) in end_to_end::fixtures(lab) {
            if !fails.is_empty() {
                let (code, report) = check(&home, lab, &dir);
                fails.retain(|id| !not_shown_here(&report).contains(id));
                // What earns no points is only reported.
                let full = report["points"] == report["of"];
                assert_eq!(code, i32::from(!full), "{lab}/{fixture}");
                let failed = outcomes(&report)
                    .into_iter()
                    .filter(|(_, outcome)| outcome == "fail");
                let failed: BTreeSet<String> = failed.map(|(id, _)| id).collect();
                assert_eq!(failed, fails, "{lab}/{fixture}: {report:#}");
            }
        }
    }
}

#[test]
fn a_failure_says_what_was_expected_who_waits_and_what_to_do() {
    let home = Home::new();
    home.grader()
        .args(["check", "us-upper"])
        .arg(end_to_end::fixture("us-upper", "serve-one"))
        .assert()
        .code(1)
        .stdout(
            contains("✗ s-next")
                .and(contains("expected"))
                .and(contains("yours"))
                .and(contains("your server since step"))
                .and(contains("who waits for whom"))
                .and(contains("--scenario"))
                .and(contains("grader explain us-upper/s-next"))
                .and(contains("exit status 1")),
        );
}

#[test]
fn the_proposed_command_shows_the_same_failure_and_what_happened() {
    let home = Home::new();
    let fixture = end_to_end::fixture("us-upper", "serve-one");
    let output = home
        .grader()
        .args(["check", "us-upper"])
        .arg(&fixture)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("--scenario"))
        .unwrap();
    let (_, command) = line.split_once("grader ").unwrap();
    let again = home.grader().args(command.split(' ')).assert().code(1);
    let again = String::from_utf8(again.get_output().stdout.clone()).unwrap();
    assert!(again.contains("✗ s-next"), "{again}");
    assert!(again.contains("accept"), "no call is shown: {again}");
    assert!(
        again.contains("--- 1  start server"),
        "no step is shown: {again}"
    );
}

#[test]
fn several_reports_come_from_one_run() {
    let home = Home::new();
    let fixture = end_to_end::fixture("us-upper", "serve-one");
    home.grader()
        .args(["check", "us-upper"])
        .arg(&fixture)
        .args([
            "--format",
            "human",
            "--format",
            "json=r.json",
            "--format",
            "junit=r.xml",
            "--format",
            "jsonl=r.jsonl",
        ])
        .assert()
        .code(1)
        .stdout(contains("✗ s-next"));
    let report = json(&std::fs::read(home.path().join("r.json")).unwrap());
    assert_eq!(report["schema"], "grader-report/1");
    let xml = std::fs::read_to_string(home.path().join("r.xml")).unwrap();
    assert!(
        xml.contains("<failure") && xml.contains("name=\"s-next"),
        "{xml}"
    );
    let raw = std::fs::read_to_string(home.path().join("r.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(raw.lines().next().unwrap()).unwrap();
    assert_eq!(first["schema"], "grader-recording/1");
    let headers = raw
        .lines()
        .filter(|line| line.contains("grader-recording/1"))
        .count();
    assert_eq!(headers, report["scenarios"].as_array().unwrap().len());
}

#[test]
fn a_github_runner_gets_annotations_a_summary_and_outputs() {
    let home = Home::new();
    let fixture = end_to_end::fixture("us-upper", "serve-one");
    home.grader()
        .args(["check", "us-upper"])
        .arg(&fixture)
        .args(["--format", "github", "--format", "human"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", home.path().join("summary.md"))
        .env("GITHUB_OUTPUT", home.path().join("output"))
        .assert()
        .code(1)
        .stdout(contains("::error title=s-next 0/").and(contains("::stop-commands::")));
    let summary = std::fs::read_to_string(home.path().join("summary.md")).unwrap();
    assert!(summary.contains("s-next"), "{summary}");
    let output = std::fs::read_to_string(home.path().join("output")).unwrap();
    assert!(output.contains("result=fail\n"), "{output}");
}

#[test]
fn what_cannot_be_graded_is_in_every_report() {
    let home = Home::new();
    home.file("work/readme.txt", "later\n");
    home.grader()
        .args(["check", "us-upper", "work", "--format", "github"])
        .args(["--format", "json=r.json", "--format", "junit=r.xml"])
        .env("GITHUB_STEP_SUMMARY", home.path().join("summary.md"))
        .env("GITHUB_OUTPUT", home.path().join("output"))
        .assert()
        .code(2)
        .stderr(contains("no program of this lab found"))
        .stdout(contains("::error title=grader us-upper::work: no program"));
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    let report = json(read("r.json").as_bytes());
    assert_eq!(report["result"], "error");
    assert_eq!(report["exit-status"], 2);
    let xml = read("r.xml");
    assert!(xml.contains("<error message=\"work: no program"), "{xml}");
    assert!(read("summary.md").contains("no program of this lab found"));
    assert!(read("output").contains("result=error\n"));
}

#[test]
fn what_a_submission_prints_starts_no_workflow_command() {
    let home = Home::new();
    home.file(
        "work/pipe-upper.c",
        "#include <stdio.h>\nint main(void) { puts(\"::error::pwned\"); puts(\"##[error]pwned\"); return 0; }\n",
    );
    for formats in [&["github", "human"][..], &["json"], &["junit"]] {
        let mut check = home.grader();
        check.args(["check", "pipe-upper", "work"]);
        for format in formats {
            check.args(["--format", format]);
        }
        let output = check.env("GITHUB_ACTIONS", "true").assert().code(1);
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        assert!(
            text.contains("pwned"),
            "the attack is not part of the report: {text}"
        );
        starts_no_command(&text);
    }
}

/// What a runner would take for a command is one of ours, or fenced.
fn starts_no_command(text: &str) {
    let mut stopped: Option<&str> = None;
    for line in text.lines() {
        match stopped {
            Some(token) if line == format!("::{token}::") => stopped = None,
            Some(_) => {}
            None => {
                if let Some(token) = line.strip_prefix("::stop-commands::") {
                    stopped = Some(token);
                } else {
                    // A line is a command by its start; ours hold what was printed as data.
                    let ours =
                        line.starts_with("::error title=") || line.starts_with("::notice title=");
                    assert!(ours || !line.contains("##["), "{line}");
                    assert!(ours || !line.trim_start().starts_with("::"), "{line}");
                }
            }
        }
    }
    assert!(stopped.is_none(), "the fence is not closed");
}

#[test]
fn two_reports_are_not_written_into_one_another() {
    let home = Home::new();
    home.grader()
        .args(["check", "us-upper", "work"])
        .args(["--format", "json", "--format", "junit"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains(
            "json and junit would both be written to standard output",
        ))
        .stderr(contains("--format junit=FILE"));
}

#[test]
fn only_the_asked_scenario_is_run() {
    let home = Home::new();
    let output = home
        .grader()
        .args(["check", "us-upper"])
        .arg(end_to_end::fixture("us-upper", "good-raw"))
        .args(["--scenario", "one-then-the-next", "--format", "json"])
        .assert()
        .code(0);
    let report = json(&output.get_output().stdout);
    assert_eq!(report["scenarios"].as_array().unwrap().len(), 1);
    assert_eq!(report["scenarios"][0]["id"], "one-then-the-next");
}

#[test]
fn the_same_seed_gives_the_same_recording_of_bytes() {
    let home = Home::new();
    let fixture = end_to_end::fixture("us-upper", "good-raw");
    let raw = |seed: &str| {
        let mut command = home.grader();
        command.args(["check", "us-upper"]).arg(&fixture);
        let output = command
            .args([
                "--scenario",
                "one-then-the-next",
                "--format",
                "jsonl",
                "--seed",
                seed,
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // What the peers received: the rest holds times.
        text.lines()
            .filter(|line| line.contains("PeerData"))
            .map(|line| line.split_once("\"what\"").unwrap().1.to_owned())
            .collect::<Vec<_>>()
    };
    assert!(!raw("7").is_empty());
    assert_eq!(raw("7"), raw("7"));
}

#[test]
fn colour_comes_only_where_it_is_asked_for() {
    let home = Home::new();
    let check = |variables: &[(&str, &str)]| {
        let mut command = home.grader();
        command
            .envs(variables.iter().copied())
            .args(["check", "us-upper"]);
        command
            .arg(end_to_end::fixture("us-upper", "good-raw"))
            .output()
            .unwrap()
            .stdout
    };
    assert!(!check(&[]).contains(&0x1b));
    assert!(check(&[("CLICOLOR_FORCE", "1")]).contains(&0x1b));
    assert!(!check(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains(&0x1b));
}

#[test]
fn a_second_check_takes_the_programs_from_the_cache() {
    let home = Home::new();
    let fixture = end_to_end::fixture("us-upper", "good-raw");
    let check = || {
        let mut command = home.grader();
        command
            .args(["check", "us-upper"])
            .arg(&fixture)
            .args(["--format", "json"]);
        json(&command.output().unwrap().stdout)
    };
    let cached = |report: &serde_json::Value| {
        let builds = report["builds"].as_array().unwrap();
        builds
            .iter()
            .map(|build| build["cached"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(cached(&check()), [false, false]);
    assert_eq!(cached(&check()), [true, true]);
}

#[test]
fn the_lower_rungs_of_isolation_and_observation_say_so() {
    let home = Home::new();
    let fixture = end_to_end::fixture("us-upper", "good-raw");
    let report = |option: &str, value: &str| {
        let mut command = home.grader();
        command
            .args(["check", "us-upper"])
            .arg(&fixture)
            .args(["--format", "json", option, value]);
        json(&command.output().unwrap().stdout)
    };
    assert_eq!(
        report("--isolation", "reduced")["enforced"]["isolation"],
        "reduced"
    );
    assert_eq!(
        report("--observation", "bare")["enforced"]["observation"],
        "bare"
    );
}

// What is compared was recorded on the virtual clock: untraced, the same comes in real time.
#[test]
fn waits_give_the_same_in_virtual_and_in_real_time() {
    let home = Home::new();
    let fixture = end_to_end::fixture("ask-alarm", "good-deadline");
    let verdicts = |observation: &str| {
        let mut command = home.grader();
        command.args(["check", "ask-alarm"]).arg(&fixture).args([
            "--format",
            "json",
            "--workers",
            "16",
            "--observation",
            observation,
        ]);
        let began = Instant::now();
        let report = json(&command.output().unwrap().stdout);
        let verdicts: BTreeMap<String, String> = report["requirements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|requirement| {
                let word = |key: &str| requirement[key].as_str().unwrap().to_owned();
                (word("id"), word("outcome"))
            })
            .collect();
        (verdicts, began.elapsed())
    };
    let (traced, _) = verdicts("full");
    let (untraced, took) = verdicts("bare");
    for id in ["lookup", "timeout", "rearm", "partial", "bad-input", "edge"] {
        assert_eq!(traced[id], "pass", "{id}");
        assert_eq!(untraced[id], "pass", "{id}");
    }
    assert!(
        took > Duration::from_secs(9),
        "time passed really: {took:?}"
    );
}
