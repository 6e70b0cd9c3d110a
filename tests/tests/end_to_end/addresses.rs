//! Submissions that take their address from anywhere but the handout, or whose output does not come as
//! it should: `fixtures/off-contract`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::{Home, json, outcomes};

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let dir = end_to_end::root().join("fixtures/off-contract");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(kind)
        })
        .collect();
    all.sort();
    all
}

fn texts(table: &toml::Table, key: &str) -> BTreeSet<String> {
    let list = table[key].as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn as_written_down(home: &Home, fixture: &Path) {
    let table: toml::Table = std::fs::read_to_string(fixture.join("fixture.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let output = home
        .grader()
        .current_dir(end_to_end::root())
        .args(["check", table["lab"].as_str().unwrap()])
        .arg(fixture)
        .args(["--format", "json"])
        .output()
        .unwrap();
    let report = json(&output.stdout);
    let with = |wanted: &str| -> BTreeSet<String> {
        let all = outcomes(&report).into_iter();
        all.filter(|(_, outcome)| outcome == wanted)
            .map(|(id, _)| id)
            .collect()
    };
    let name = fixture.display();
    assert_eq!(with("fail"), texts(&table, "fails"), "{name}: {report:#}");
    assert_eq!(with("not-reached"), texts(&table, "not-reached"), "{name}");
    let notes: Vec<&str> = report["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note.as_str().unwrap())
        .collect();
    for wanted in texts(&table, "notes") {
        assert!(
            notes.iter().any(|note| note.contains(&wanted)),
            "{name}: {notes:?} lacks {wanted}"
        );
    }
    if table.contains_key("rungs") {
        let taken = rungs(&report);
        let missing: Vec<String> = texts(&table, "rungs").difference(&taken).cloned().collect();
        assert!(missing.is_empty(), "{name}: {taken:?} lacks {missing:?}");
    }
}

/// `PROGRAM LADDER RUNG` of each.
fn rungs(report: &serde_json::Value) -> BTreeSet<String> {
    let all = report["rungs"].as_array().unwrap().iter();
    all.map(|rung| {
        let word = |key: &str| rung[key].as_str().unwrap();
        format!("{} {} {}", word("program"), word("ladder"), word("rung"))
    })
    .collect()
}

#[test]
fn an_address_of_its_own_costs_only_what_asks_for_it() {
    let home = Home::new();
    let fixtures = fixtures("address-");
    assert!(fixtures.len() >= 21, "{fixtures:?}");
    for fixture in fixtures {
        as_written_down(&home, &fixture);
    }
}

#[test]
fn output_is_judged_as_the_lab_says_and_explained() {
    let home = Home::new();
    let fixtures = fixtures("output-");
    assert!(fixtures.len() >= 11, "{fixtures:?}");
    for fixture in fixtures {
        as_written_down(&home, &fixture);
    }
}

#[test]
fn a_rung_tells_what_it_cost_and_how_to_leave_it_in_both_languages() {
    let home = Home::new();
    for (lang, parts) in [
        (
            "en",
            [
                "server listens at /tmp/sock",
                "It cost s-address",
                "Take the address from argv",
            ],
        ),
        (
            "ru",
            [
                "server слушает по адресу /tmp/sock",
                "Цена: s-address",
                "Берите адрес из argv",
            ],
        ),
    ] {
        let output = home
            .grader()
            .args(["check", "us-upper"])
            .arg(end_to_end::root().join("fixtures/off-contract/address-server-absolute"))
            .args([
                "--scenario",
                "one-then-the-next",
                "--scenario",
                "listen-and-leave",
            ])
            .args(["--format", "json", "--lang", lang])
            .output()
            .unwrap();
        let report = json(&output.stdout);
        let rungs = report["rungs"].as_array().unwrap();
        let own = rungs
            .iter()
            .find(|rung| rung["rung"] == "discovered")
            .unwrap();
        assert_eq!(own["cost"][0], "s-address", "{own:#}");
        assert_eq!(own["address"], "/tmp/sock");
        assert_eq!(own["kind"], "unix-path");
        let text = own["text"].as_str().unwrap();
        for part in parts {
            assert!(text.contains(part), "{lang}: {text}");
        }
    }
}

#[test]
fn a_socket_file_that_was_left_in_the_submission_does_not_matter() {
    let home = Home::new();
    let copy = home.copy_of(
        &end_to_end::root().join("fixtures/off-contract/address-server-relative"),
        "submission",
    );
    // What the student's own test run has left: the server binds this very name without unlinking.
    let _listener = std::os::unix::net::UnixListener::bind(copy.join("my_socket")).unwrap();
    as_written_down(&home, &copy);
}
