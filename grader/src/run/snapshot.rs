//! Expected transcripts, kept in insta's file format. Read with insta's runtime API, which only
//! reads the file: no assert macro, no environment variable has a say in grading.

use std::path::Path;
use std::sync::Arc;

use insta::Snapshot;
use thiserror::Error;

use super::check::Expected;
use crate::lab::catalog::LabSource;
use crate::transcript::{ParseError, Transcript, parse};

/// A stored transcript that cannot be used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The file cannot be read as a snapshot.
    #[error("{path}: {error}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What is wrong.
        error: String,
    },
    /// The text in it is no transcript.
    #[error("{path}: {error}; record it again with `grader record`")]
    Malformed {
        /// Which file.
        path: String,
        /// What is wrong.
        error: ParseError,
    },
}

/// Reads a snapshot file.
///
/// # Errors
/// The file cannot be read, or holds no transcript.
pub fn read_snapshot(path: &Path) -> Result<Transcript, SnapshotError> {
    let unreadable = |error: String| SnapshotError::Unreadable {
        path: path.display().to_string(),
        error,
    };
    let snapshot = Snapshot::from_file(path).map_err(|error| unreadable(error.to_string()))?;
    let text = snapshot
        .as_text()
        .ok_or_else(|| unreadable("a binary snapshot where text is expected".to_owned()))?;
    text_of(&text.to_string(), path)
}

/// Reads a snapshot that is part of the executable: the same format, from memory.
///
/// # Errors
/// As [`read_snapshot`]; `name` stands for the path.
pub fn parse_snapshot(content: &str, name: &Path) -> Result<Transcript, SnapshotError> {
    let unreadable = || SnapshotError::Unreadable {
        path: name.display().to_string(),
        error: "not a snapshot: the front matter between two lines `---` is missing".to_owned(),
    };
    let body = content.strip_prefix("---\n").ok_or_else(unreadable)?;
    let (_, text) = body.split_once("\n---\n").ok_or_else(unreadable)?;
    text_of(text, name)
}

fn text_of(text: &str, path: &Path) -> Result<Transcript, SnapshotError> {
    // insta trims the ends when it writes and when it reads.
    let text = format!("{}\n", text.trim_end());
    parse(&text).map_err(|error| SnapshotError::Malformed {
        path: path.display().to_string(),
        error,
    })
}

impl Expected for LabSource {
    fn expected(&self, scenario: &str) -> Result<Option<Arc<Transcript>>, SnapshotError> {
        let Some(text) = self.snapshots.get(scenario) else {
            return Ok(None);
        };
        let file = format!("{scenario}.snap");
        let transcript = match self.snapshots_dir() {
            Some(dir) => read_snapshot(&dir.join(file))?,
            None => parse_snapshot(text, &Path::new(&self.lab.id).join("snapshots").join(file))?,
        };
        Ok(Some(Arc::new(transcript)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Lane, Line, Op, Phase, Player};
    use proptest::prelude::*;
    use tempfile::TempDir;

    fn transcript(payload: &str) -> Transcript {
        Transcript {
            lab: "us-upper".into(),
            scenario: "one".into(),
            lanes: vec![Lane {
                name: "server".into(),
                command: "./us-server <socket>".into(),
                player: Player::Reference,
                ignore: crate::lab::Ignore::default(),
            }],
            phases: vec![Phase {
                number: 1,
                title: "start server".into(),
                lines: vec![Line {
                    lane: "server".into(),
                    channel: "out".into(),
                    op: Op::Out,
                    payload: payload.to_owned(),
                }],
            }],
            free: Vec::new(),
        }
    }

    fn stored(text: &str) -> String {
        format!("---\nsource: grader\ndescription: recorded\n---\n{text}")
    }

    fn both(content: &str) -> [Result<Transcript, String>; 2] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("one.snap");
        std::fs::write(&path, content).unwrap();
        let text =
            |result: Result<Transcript, SnapshotError>| result.map_err(|error| error.to_string());
        [
            text(read_snapshot(&path)),
            text(parse_snapshot(content, &path)),
        ]
    }

    #[test]
    fn a_stored_transcript_is_read_by_both_ways() {
        let expected = transcript("HELLO");
        for read in both(&stored(&expected.to_string())) {
            assert_eq!(read, Ok(expected.clone()));
        }
    }

    #[test]
    fn what_is_no_transcript_is_named_with_its_line() {
        for read in both(&stored("lanes/2\n")) {
            let error = read.unwrap_err();
            assert!(error.contains("one.snap: line 1"), "{error}");
            assert!(error.contains("grader record"), "{error}");
        }
        let error = parse_snapshot("lanes/1\n", Path::new("x.snap")).unwrap_err();
        assert!(error.to_string().starts_with("x.snap: not a snapshot"));
        let error = read_snapshot(Path::new("/nowhere/x.snap")).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/x.snap: "));
    }

    proptest! {
        /// insta trims and normalises line ends; no payload may be changed by that.
        #[test]
        fn payloads_survive_storage(bytes in proptest::collection::vec(any::<u8>(), 1..20)) {
            let payload = supervisor::bytes::escape(&bytes);
            prop_assume!(!payload.ends_with(' ') && !payload.starts_with(' '));
            let expected = transcript(&payload);
            for read in both(&stored(&expected.to_string())) {
                prop_assert_eq!(read, Ok(expected.clone()));
            }
        }
    }
}
