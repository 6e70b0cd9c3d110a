//! No variable of the environment has a say in a grade.

use crate::support::{Home, json, outcomes};

/// Every variable by which insta's macros, or cargo-insta, change what passes.
const INSTA: &[(&str, &str)] = &[
    ("INSTA_FORCE_PASS", "1"),
    ("INSTA_UPDATE", "always"),
    ("INSTA_FORCE_UPDATE", "1"),
    ("INSTA_OUTPUT", "none"),
    ("INSTA_WORKSPACE_ROOT", "/nonexistent"),
    ("INSTA_SNAPSHOT_REFERENCES_FILE", "references"),
    ("CI", "1"),
];

#[test]
fn insta_variables_turn_no_fail_into_a_pass_and_write_nothing() {
    let home = Home::new();
    let lab = end_to_end::root().join("labs/us-upper");
    // A copy, so that a write into the snapshots would be seen and do no harm.
    let copy = home.path().join("us-upper");
    std::fs::create_dir_all(copy.join("snapshots")).unwrap();
    std::fs::copy(lab.join("lab.toml"), copy.join("lab.toml")).unwrap();
    for entry in std::fs::read_dir(lab.join("snapshots")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join("snapshots").join(entry.file_name())).unwrap();
    }
    let listing = || {
        let entries = std::fs::read_dir(copy.join("snapshots"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = entries
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        all.sort();
        all
    };
    let before = listing();
    let work = home.copy("us-upper", "serve-one");
    let check = |variables: &[(&str, &str)]| {
        let mut command = home.grader();
        command.envs(variables.iter().copied());
        let output = command
            .arg("check")
            .arg(&copy)
            .arg(&work)
            .args(["--format", "json"])
            .assert()
            .code(1);
        outcomes(&json(&output.get_output().stdout))
    };
    let plain = check(&[]);
    assert!(
        plain.iter().any(|(_, outcome)| outcome == "fail"),
        "{plain:?}"
    );
    assert_eq!(check(INSTA), plain);
    assert_eq!(listing(), before);
}
