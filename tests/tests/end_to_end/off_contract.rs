//! Submissions as students of the course write them, which do not follow any contract of ours:
//! `fixtures/off-contract/LAB-WHAT`. Each says what a fair teacher would give it, and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;

use crate::support::{Home, json, outcomes};

/// Submissions graded at a time.
const AT_A_TIME: usize = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expected {
    lab: String,
    #[expect(dead_code, reason = "for the reader")]
    title: String,
    /// Why a teacher would judge so.
    why: String,
    fails: Vec<String>,
    not_reached: Vec<String>,
    /// What the tool says where it does not agree with the teacher.
    #[serde(default)]
    disagrees: BTreeMap<String, String>,
    /// Each stands in one of the report's notes.
    #[serde(default)]
    notes: Vec<String>,
}

impl Expected {
    fn of(fixture: &Path) -> Self {
        let text = std::fs::read_to_string(fixture.join("fixture.toml")).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", fixture.display()))
    }

    /// What the tool must say of a requirement.
    fn outcome(&self, requirement: &str) -> &str {
        let listed = |list: &[String]| list.iter().any(|id| id == requirement);
        if let Some(other) = self.disagrees.get(requirement) {
            other
        } else if listed(&self.fails) {
            "fail"
        } else if listed(&self.not_reached) {
            "not-reached"
        } else {
            "pass"
        }
    }
}

/// The directories of this kind: named after their lab. The others have tests of their own.
fn fixtures() -> Vec<PathBuf> {
    const LABS: [&str; 4] = ["course-", "us-upper-", "pipe-upper-", "sig-count-"];
    let dir = end_to_end::root().join("fixtures/off-contract");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            LABS.iter().any(|lab| name.starts_with(lab))
        })
        .collect();
    all.sort();
    all
}

/// What is wrong with the verdict on a submission, line by line.
fn compare(name: &str, expected: &Expected, output: &[u8]) -> Vec<String> {
    let report = json(output);
    let outcomes = outcomes(&report);
    let mut wrong: Vec<String> = outcomes
        .iter()
        .filter(|(id, outcome)| expected.outcome(id) != outcome)
        .map(|(id, outcome)| {
            let teacher = expected.outcome(id);
            format!("{name}: {id} is {outcome}, not {teacher}: {}", expected.why)
        })
        .collect();
    let listed = expected.fails.iter().chain(&expected.not_reached);
    for id in listed.chain(expected.disagrees.keys()) {
        if !outcomes.iter().any(|(known, _)| known == id) {
            wrong.push(format!("{name}: {} has no {id}", expected.lab));
        }
    }
    let notes = report["notes"].as_array().unwrap();
    for wanted in &expected.notes {
        if !notes.iter().any(|n| n.as_str().unwrap().contains(wanted)) {
            wrong.push(format!("{name}: {notes:?} lack {wanted:?}"));
        }
    }
    wrong
}

/// Does the work on all of them, some at a time.
fn each<T: Send>(work: Vec<T>, job: impl Fn(T) -> Vec<String> + Sync) -> Vec<String> {
    let work = Mutex::new(work.into_iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next();
                    let Some(item) = next else { break };
                    let found = job(item);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

#[test]
fn each_gets_what_a_fair_teacher_would_give() {
    let home = Home::new();
    let fixtures = fixtures();
    assert!(fixtures.len() >= 40, "{}", fixtures.len());
    let wrong = each(fixtures, |fixture| {
        let expected = Expected::of(&fixture);
        let output = home
            .grader()
            .args(["check", &expected.lab])
            .arg(&fixture)
            .args(["--format", "json"])
            .output()
            .unwrap();
        let name = fixture.file_name().unwrap().to_str().unwrap();
        compare(name, &expected, &output.stdout)
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
