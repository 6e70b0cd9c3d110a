//! Fixtures: submissions of which it is known what they must get.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::lab::Lab;

/// A submission with what it must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// The name of its directory.
    pub name: String,
    /// Its directory.
    pub dir: PathBuf,
    /// What is wrong with it, or how it is written.
    pub title: String,
    /// Exactly the requirements it must fail; none: a good one.
    pub fails: BTreeSet<String>,
    /// Requirements that may be left open, because what they rest on failed.
    pub not_reached: BTreeSet<String>,
}

impl Fixture {
    /// Whether it must get full marks.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.fails.is_empty()
    }
}

/// Why the fixtures of a lab cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// A directory or file cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// `fixture.toml` is not what it should be.
    #[error("{path}: {why}")]
    Bad {
        /// Which file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// There are none.
    #[error("{0}: no directory in it has a fixture.toml")]
    None(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    title: String,
    #[serde(default)]
    fails: BTreeSet<String>,
    #[serde(default)]
    not_reached: BTreeSet<String>,
}

/// The fixtures in the directories of `root`, and one level below, in order of their names: each
/// directory that has a `fixture.toml`.
///
/// # Errors
/// See [`FixtureError`]; a requirement that the lab does not have is one.
pub fn fixtures(root: &Path, lab: &Lab) -> Result<Vec<Fixture>, FixtureError> {
    let mut found = Vec::new();
    collect(root, lab, DEPTH, &mut found)?;
    if found.is_empty() {
        return Err(FixtureError::None(root.display().to_string()));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Directories below the lab's own in which fixtures are looked for: `mutants/serve-one`.
const DEPTH: usize = 2;

fn collect(
    dir: &Path,
    lab: &Lab,
    depth: usize,
    found: &mut Vec<Fixture>,
) -> Result<(), FixtureError> {
    let io_error = |path: &Path, error| FixtureError::Io {
        path: path.display().to_string(),
        error,
    };
    for entry in fs::read_dir(dir).map_err(|error| io_error(dir, error))? {
        let entry = entry.map_err(|error| io_error(dir, error))?;
        if !entry
            .file_type()
            .map_err(|error| io_error(&entry.path(), error))?
            .is_dir()
        {
            continue;
        }
        let file = entry.path().join("fixture.toml");
        match fs::read_to_string(&file) {
            Ok(text) => found.push(read(&entry.path(), &file, &text, lab)?),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(&file, error));
            }
            Err(_) if depth > 1 => collect(&entry.path(), lab, depth - 1, found)?,
            Err(_) => {}
        }
    }
    Ok(())
}

fn read(dir: &Path, file: &Path, text: &str, lab: &Lab) -> Result<Fixture, FixtureError> {
    let bad = |why: String| FixtureError::Bad {
        path: file.display().to_string(),
        why,
    };
    let raw: Raw =
        toml::from_str(text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
    for id in raw.fails.iter().chain(&raw.not_reached) {
        if !lab
            .requirements
            .iter()
            .any(|requirement| requirement.id == *id)
        {
            return Err(bad(format!("the lab {} has no requirement `{id}`", lab.id)));
        }
    }
    if let Some(id) = raw.fails.intersection(&raw.not_reached).next() {
        return Err(bad(format!(
            "`{id}` is in `fails` and in `not-reached`; it can be in one of them"
        )));
    }
    Ok(Fixture {
        name: dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        dir: dir.to_owned(),
        title: raw.title,
        fails: raw.fails,
        not_reached: raw.not_reached,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_lab;

    fn with(name: &str, text: &str) -> Result<Vec<Fixture>, FixtureError> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(name)).unwrap();
        fs::create_dir_all(dir.path().join("not-a-fixture")).unwrap();
        fs::write(dir.path().join("README.md"), "text").unwrap();
        if !text.is_empty() {
            fs::write(dir.path().join(name).join("fixture.toml"), text).unwrap();
        }
        fixtures(dir.path(), &sample_lab())
    }

    #[test]
    fn a_mutant_names_what_it_fails() {
        let found = with(
            "one",
            "title = 'serves one'\nfails = ['s-next']\nnot-reached = ['s-bye']",
        )
        .unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].fails.contains("s-next") && found[0].not_reached.contains("s-bye"));
        assert!(!found[0].is_good());
        assert!(with("good", "title = 'poll'").unwrap()[0].is_good());
        let below = with("mutants/two", "title = 't'\nfails = ['s-bye']").unwrap();
        assert_eq!(below[0].name, "two");
    }

    #[test]
    fn mistakes_in_a_fixture_name_the_file() {
        let error = |text| with("one", text).unwrap_err().to_string();
        assert!(error("title = 't'\nfails = ['s-nxt']").contains("no requirement `s-nxt`"));
        assert!(error("title = 't'\nfail = []").contains("one/fixture.toml"));
        assert!(
            error("title = 't'\nfails = ['s-bye']\nnot-reached = ['s-bye']")
                .contains("one of them")
        );
        assert!(error("").contains("no directory in it"));
    }
}
