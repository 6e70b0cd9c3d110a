//! Expected transcripts on disk: `snapshots/SCENARIO.snap` in insta's file format.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use insta::Snapshot;

/// Why a snapshot cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file system refused.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Not a file in insta's format, or not text.
    #[error("{path}: not a snapshot in insta's format: {why}")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl SnapshotError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            error,
        }
    }
}

/// Where the expected transcript of a scenario is kept.
#[must_use]
pub fn snapshot_path(lab_dir: &Path, scenario: &str) -> PathBuf {
    lab_dir.join("snapshots").join(format!("{scenario}.snap"))
}

/// Where a transcript waits for review: the name insta gives it.
pub(super) fn pending_path(snapshot: &Path) -> PathBuf {
    let mut name = snapshot.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// The text of a snapshot, read by insta; `None` where there is no such file.
///
/// # Errors
/// Where the file cannot be read or is not a text snapshot.
pub fn read_snapshot(path: &Path) -> Result<Option<String>, SnapshotError> {
    // Looked for first: insta does not tell a missing file from a damaged one.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SnapshotError::io(path, error)),
        Ok(_) => {}
    }
    let format = |why: String| SnapshotError::Format {
        path: path.display().to_string(),
        why,
    };
    let snapshot = Snapshot::from_file(path).map_err(|error| format(error.to_string()))?;
    let text = snapshot
        .as_text()
        .ok_or_else(|| format("it holds binary data".to_owned()))?;
    Ok(Some(text.to_string()))
}

/// A snapshot file: insta's front matter, then the text.
pub(super) fn snapshot_file(lab: &str, scenario: &str, text: &str) -> String {
    // Ids are made of letters, digits and dashes: plain scalars of YAML.
    format!(
        "---\nsource: labs/{lab}/lab.toml\nexpression: {scenario}\n---\n{}\n",
        text.trim_end()
    )
}

/// Whether two texts are the same snapshot: insta keeps no blanks at the end of a file.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.trim_end() == b.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_insta_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("talk.snap");
        let text = "lanes/1\nlab    us-upper / talk\n\n--- 1  start server\nserver  =  | exit 0\n---\nserver  <  | \\x00 | ---\n";
        fs::write(&path, snapshot_file("us-upper", "talk", text)).unwrap();
        let read = read_snapshot(&path).unwrap().unwrap();
        assert!(same(&read, text), "{read}");
        let snapshot = Snapshot::from_file(&path).unwrap();
        assert_eq!(snapshot.metadata().source(), Some("labs/us-upper/lab.toml"));
        assert_eq!(snapshot.metadata().expression(), Some("talk"));
    }

    #[test]
    fn a_missing_snapshot_is_not_an_error_and_a_damaged_one_is() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            read_snapshot(&dir.path().join("none.snap"))
                .unwrap()
                .is_none()
        );
        let path = dir.path().join("bad.snap");
        fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(matches!(
            read_snapshot(&path),
            Err(SnapshotError::Format { .. })
        ));
    }
}
