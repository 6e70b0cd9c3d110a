//! What the tests share.

use std::collections::BTreeSet;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// A home directory of its own for each test.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The executable, with a clean environment.
    pub(crate) fn grader(&self) -> Command {
        Command::from_std(end_to_end::grader(self.path()))
    }

    /// Writes a file below the home directory and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a name below home")).expect("directories");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// A copy of a fixture, to be changed or moved.
    pub(crate) fn copy(&self, lab: &str, fixture: &str) -> std::path::PathBuf {
        self.copy_of(&end_to_end::fixture(lab, fixture), fixture)
    }

    /// A copy of a directory of files.
    pub(crate) fn copy_of(&self, from: &Path, name: &str) -> std::path::PathBuf {
        let to = self.path().join(name);
        std::fs::create_dir_all(&to).expect("a directory");
        for entry in std::fs::read_dir(from).expect("the fixture") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
        to
    }
}

/// The JSON report on standard output.
pub(crate) fn json(output: &[u8]) -> serde_json::Value {
    serde_json::from_slice(output)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(output)))
}

/// The requirements that cannot be shown here because the machine lacks something, which an
/// ordinary user's does: a second user id. As root there are none.
pub(crate) fn not_shown_here(report: &serde_json::Value) -> BTreeSet<String> {
    let lacks = report["enforced"]["lacks"].as_array();
    if lacks.is_none_or(Vec::is_empty) {
        return BTreeSet::new();
    }
    let requirements = report["requirements"].as_array().into_iter().flatten();
    requirements
        .filter(|r| r["outcome"] == "skipped" && r["reason"]["unavailable"].is_string())
        .filter_map(|r| r["id"].as_str().map(str::to_owned))
        .collect()
}

/// Whether what is written down of a fixture holds with the C library here: `glibc-before` in its `fixture.toml`
/// names the first version with which it does not.
pub(crate) fn is_of_this_library(fixture: &Path) -> bool {
    let text = std::fs::read_to_string(fixture.join("fixture.toml")).unwrap();
    let Some((_, rest)) = text.split_once("glibc-before = \"") else {
        return true;
    };
    let number = |version: &str| -> Option<(u32, u32)> {
        let (major, minor) = version.trim().split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let before = number(rest.split_once('"').unwrap().0).unwrap();
    let said = std::process::Command::new("getconf")
        .arg("GNU_LIBC_VERSION")
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    // Another library than glibc has no such number.
    said.split_once(' ')
        .and_then(|(_, version)| number(version))
        .is_none_or(|here| here < before)
}

/// The outcome of each requirement in a report.
pub(crate) fn outcomes(report: &serde_json::Value) -> Vec<(String, String)> {
    let requirements = report["requirements"]
        .as_array()
        .expect("a list of requirements");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    requirements
        .iter()
        .map(|r| (text(&r["id"]), text(&r["outcome"])))
        .collect()
}
