//! Submissions as students of the course write them, which do not follow any contract of ours:
//! `fixtures/off-contract/LAB-WHAT`. Each says what a fair teacher would give it, and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;

use crate::support::{Home, is_of_this_library, json, not_shown_here, outcomes};

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
    /// It keeps the grader waiting for so long that it is left to `benches/tree`.
    #[serde(default)]
    slow: bool,
    /// What it teaches others hold as well, in these tests or as mutants: it is left to `benches/tree`, since all of
    /// them together take longer than a change should wait for.
    #[serde(default)]
    sampled: bool,
    /// See [`is_of_this_library`].
    #[serde(default)]
    #[expect(dead_code, reason = "read from the text")]
    glibc_before: Option<String>,
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
fn fixtures() -> Vec<(PathBuf, Expected)> {
    let labs = end_to_end::labs().into_iter();
    let labs: Vec<String> = labs.map(|lab| format!("{lab}-")).collect();
    let dir = end_to_end::root().join("fixtures/off-contract");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            labs.iter().any(|lab| name.starts_with(lab))
        })
        .collect();
    // One that is not found would be one that passes.
    assert!(all.len() >= 649, "{}", all.len());
    all.retain(|path| is_of_this_library(path) && !end_to_end::lacks_cxx(path));
    all.sort();
    all.into_iter()
        .map(|path| {
            let expected = Expected::of(&path);
            (path, expected)
        })
        .collect()
}

fn quick(all: Vec<(PathBuf, Expected)>) -> Vec<(PathBuf, Expected)> {
    all.into_iter()
        .filter(|(_, e)| !e.slow && !e.sampled)
        .collect()
}

/// What is wrong with the verdict on a submission, line by line.
fn compare(name: &str, expected: &Expected, output: &[u8]) -> Vec<String> {
    let report = json(output);
    let outcomes = outcomes(&report);
    let not_shown = not_shown_here(&report);
    let mut wrong: Vec<String> = outcomes
        .iter()
        .filter(|(id, _)| !not_shown.contains(id))
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

/// Grades each as it is, and holds it against what is written down.
fn grade_each(fixtures: Vec<(PathBuf, Expected)>) {
    let home = Home::new();
    let wrong = each(fixtures, |(fixture, expected)| {
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

#[test]
fn each_gets_what_a_fair_teacher_would_give() {
    grade_each(quick(fixtures()));
}

#[test]
#[ignore = "takes minutes: benches/tree runs it"]
fn each_that_is_left_out_gets_what_a_fair_teacher_would_give() {
    let left: Vec<_> = fixtures()
        .into_iter()
        .filter(|(_, e)| e.slow || e.sampled)
        .collect();
    assert!(!left.is_empty());
    grade_each(left);
}

/// How a directory for a task of the course is spelt.
const SPELLINGS: [&str; 7] = ["lab", "Lab_", "lab-", "lab ", "task_", "l", "LAB"];

const GROUPS: [&str; 4] = ["22931", "22932", "group 3", "Группа_4"];

/// One submission in a course's tree.
struct Handed {
    dir: PathBuf,
    name: String,
    expected: Expected,
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &copy);
        } else {
            std::fs::copy(entry.path(), copy).unwrap();
        }
    }
}

/// Makes `<group>/<student>/lab<N>/` of `count` submissions: from each fixture two students, who
/// are graded side by side and have the same names of sockets in their programs.
fn course_tree(root: &Path, count: usize, all: &[PathBuf]) -> Vec<Handed> {
    // A stride that is prime to their number mixes the labs.
    let stride = if all.len().is_multiple_of(29) { 31 } else { 29 };
    (0..count)
        .map(|number| {
            let fixture = &all[number / 2 * stride % all.len()];
            let expected = Expected::of(fixture);
            let lab = match expected.lab.strip_prefix("course-") {
                Some(task) => format!("{}{task}", SPELLINGS[number % SPELLINGS.len()]),
                None => expected.lab.clone(),
            };
            let student = format!("student{number:03}");
            let dir = root
                .join(GROUPS[number % GROUPS.len()])
                .join(student)
                .join(lab);
            let sources = match number % 5 {
                0 => dir.join("src"),
                _ => dir.clone(),
            };
            copy_tree(fixture, &sources);
            let _ = std::fs::remove_file(sources.join("fixture.toml"));
            match number % 7 {
                // What an earlier build on another machine left behind.
                1 => std::fs::write(sources.join("a.out"), b"\x7fELF\x02\x01\x01").unwrap(),
                2 => std::fs::write(sources.join(".gitignore"), "*.o\n").unwrap(),
                3 => std::fs::write(sources.join("README.md"), "# Task\n").unwrap(),
                _ => {}
            }
            let name = fixture.file_name().unwrap().to_str().unwrap();
            Handed {
                name: format!("{name} in {}", dir.strip_prefix(root).unwrap().display()),
                dir,
                expected,
            }
        })
        .collect()
}

/// Grades a tree without a single option: the lab is told by the directory's name.
fn grade_tree(count: usize, all: &[PathBuf]) -> Vec<String> {
    let home = Home::new();
    let tree = course_tree(&home.path().join("os course"), count, all);
    each(tree, |handed| {
        let output = home
            .grader()
            .arg("check")
            .arg(&handed.dir)
            .args(["--format", "json"])
            .output()
            .unwrap();
        if output.stdout.is_empty() {
            let error = String::from_utf8_lossy(&output.stderr);
            return vec![format!("{}: {error}", handed.name)];
        }
        compare(&handed.name, &handed.expected, &output.stdout)
    })
}

#[test]
fn a_course_tree_is_graded_without_an_option() {
    let quick: Vec<PathBuf> = quick(fixtures()).into_iter().map(|(p, _)| p).collect();
    let wrong = grade_tree(20, &quick);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "takes minutes: benches/tree runs it"]
fn a_whole_course_tree_is_graded_without_an_option() {
    let all: Vec<PathBuf> = fixtures().into_iter().map(|(p, _)| p).collect();
    let count = std::env::var("TREE").map_or(100, |n| n.parse().unwrap());
    let wrong = grade_tree(count, &all);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
