//! What students really hand in: `fixtures/builds`, each with what it must come to.
//!
//! `work/` is the submission. `fixture.toml` says, written before the first run: `lab`; `points`, or
//! the `error` where nothing can be graded; `programs.ROLE` with the `rung` that built it, what it
//! was built `from` and the rungs `tried` before; requirements in `fails` and `not-reached`, all
//! others pass; what the report `says`, and what not (`silent`). Where `toolchain` is not on this
//! machine, the requirements `without` are skipped, or some where there is no such list. One with `glibc-before` is left
//! out where the library has what it lacked then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use end_to_end::on_path;

use crate::support::{Home, is_of_this_library, json, outcomes};

/// So many at least: a fixture that is not found would be one that passes.
const FIXTURES: usize = 66;

fn fixtures() -> Vec<PathBuf> {
    let dir = end_to_end::root().join("fixtures/builds");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(all.len() >= FIXTURES, "{}", all.len());
    all.retain(|fixture| is_of_this_library(fixture));
    all.sort();
    all
}

fn texts(table: &toml::Table, key: &str) -> BTreeSet<String> {
    let list = table.get(key).and_then(toml::Value::as_array);
    let list = list.map(Vec::as_slice).unwrap_or_default().iter();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Lines are broken where the page ends: blanks do not count.
fn flat(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What differs from what is written down.
fn differences(home: &Home, fixture: &Path) -> Vec<String> {
    let table: toml::Table = std::fs::read_to_string(fixture.join("fixture.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let file = home.path().join("report.json");
    let output = home
        .grader()
        .args(["check", table["lab"].as_str().unwrap()])
        .arg(fixture.join("work"))
        .args(["--format", "human", "--format"])
        .arg(format!("json={}", file.display()))
        .output()
        .unwrap();
    if let Some(error) = table.get("error") {
        let said = flat(&output.stderr);
        let as_wanted = output.status.code() == Some(2) && said.contains(error.as_str().unwrap());
        return if as_wanted { Vec::new() } else { vec![said] };
    }
    let here = table
        .get("toolchain")
        .is_none_or(|tool| on_path(tool.as_str().unwrap()));
    // 3: nothing of it can be shown here.
    let most = if here { 1 } else { 3 };
    if output.status.code().is_none_or(|code| code > most) {
        return vec![flat(&output.stderr)];
    }
    let report = json(&std::fs::read(&file).unwrap());
    if !here && texts(&table, "without").is_empty() {
        let some = outcomes(&report);
        let fair = |outcome: &str| matches!(outcome, "skipped" | "pass");
        return if some.iter().all(|(_, outcome)| fair(outcome)) {
            Vec::new()
        } else {
            vec![format!("without its tool: {some:?}")]
        };
    }
    let mut out = verdicts(&table, &report, here);
    let said = flat(&output.stdout);
    for text in texts(&table, "says") {
        if !said.contains(&text) {
            out.push(format!("does not say `{text}`: {said}"));
        }
    }
    for text in texts(&table, "silent") {
        if said.contains(&text) {
            out.push(format!("says `{text}`: {said}"));
        }
    }
    if here {
        out.extend(rungs(&table, &report));
    }
    out
}

fn verdicts(table: &toml::Table, report: &Value, here: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut wanted = |outcome: &str, ids: BTreeSet<String>| {
        let is: BTreeSet<String> = outcomes(report)
            .into_iter()
            .filter(|(_, is)| is == outcome)
            .map(|(id, _)| id)
            .collect();
        if is != ids {
            out.push(format!("{outcome}: {is:?}, not {ids:?}"));
        }
    };
    wanted("fail", texts(table, "fails"));
    wanted("not-reached", texts(table, "not-reached"));
    wanted("unstable", BTreeSet::new());
    wanted("error", BTreeSet::new());
    let without = texts(table, "without");
    if here {
        wanted("skipped", BTreeSet::new());
        let points = table["points"].as_integer().unwrap();
        if report["points"].as_i64() != Some(points) {
            out.push(format!("{} points, not {points}", report["points"]));
        }
    } else {
        wanted("skipped", without);
    }
    out
}

fn rungs(table: &toml::Table, report: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (role, wanted) in table["programs"].as_table().unwrap() {
        let builds = report["builds"].as_array().unwrap();
        let build = builds.iter().find(|b| b["program"] == **role).unwrap();
        let tried: Vec<&str> = build["tried"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(|tried| tried["rung"].as_str().unwrap())
            .collect();
        let text = |key: &str| wanted.get(key).and_then(toml::Value::as_str);
        let before = texts(wanted.as_table().unwrap(), "tried");
        let as_wanted = build["rung"].as_str() == text("rung")
            && (text("from").is_none() || build["from"].as_str() == text("from"))
            && tried
                .iter()
                .map(|t| (*t).to_owned())
                .collect::<BTreeSet<_>>()
                == before;
        if !as_wanted {
            out.push(format!("{role}: {build:#}, not {wanted}"));
        }
    }
    out
}

#[test]
fn what_is_handed_in_is_built_and_graded_as_written_down() {
    let home = Home::new();
    let fixtures = fixtures();
    let wrong: Vec<String> = fixtures
        .iter()
        .map(|fixture| (fixture, differences(&home, fixture)))
        .filter(|(_, differences)| !differences.is_empty())
        .map(|(fixture, differences)| format!("{}: {}", fixture.display(), differences.join("\n")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_ladder_is_told_in_russian() {
    let home = Home::new();
    let work = end_to_end::root().join("fixtures/builds/make-spaces-solaris/work");
    let output = home
        .grader()
        .args(["check", "us-upper", "--lang", "ru"])
        .arg(work)
        .output()
        .unwrap();
    let said = flat(&output.stdout);
    for part in [
        "собрано так: make с пустыми библиотеками",
        "Сначала пробовали:",
        "начинается с табуляции",
        "-lsocket нужна в Solaris",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
