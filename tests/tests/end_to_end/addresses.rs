//! Submissions that take their address from anywhere but the handout: `fixtures/off-contract`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::{Home, json, outcomes};

fn fixtures() -> Vec<PathBuf> {
    let dir = end_to_end::root().join("fixtures/off-contract");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("address-")
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
}

#[test]
fn an_address_of_its_own_costs_only_what_asks_for_it() {
    let home = Home::new();
    let fixtures = fixtures();
    assert!(fixtures.len() >= 7, "{fixtures:?}");
    for fixture in fixtures {
        as_written_down(&home, &fixture);
    }
}
