//! Recording: the reference runs several times; what is the same each time becomes the snapshot.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::transcript::{Line, Phase, Transcript};

use super::snapshot::{
    SnapshotError, pending_path, read_snapshot, same, snapshot_file, snapshot_path,
};

/// A lane that was not the same in two runs of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The scenario.
    pub scenario: String,
    /// `3  alice > c`, or `checks`.
    pub phase: String,
    /// `server.out`.
    pub lane: String,
    /// Its lines in the first run.
    pub first: Vec<String>,
    /// Its lines in run `run`.
    pub other: Vec<String>,
    /// Which run differed, counted from 1.
    pub run: usize,
}

impl Moved {
    /// `talk (alice)`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} ({})", self.scenario, self.lane)
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: lane `{}` moves in phase {}",
            self.scenario, self.lane, self.phase
        )?;
        let side = |f: &mut fmt::Formatter<'_>, name: &str, lines: &[String]| {
            let lines = if lines.is_empty() {
                &["(nothing)".to_owned()][..]
            } else {
                lines
            };
            for (number, line) in lines.iter().enumerate() {
                let name = if number == 0 { name } else { "" };
                write!(f, "\n  {name:<9} {line}")?;
            }
            Ok(())
        };
        side(f, "run 1", &self.first)?;
        side(f, &format!("run {}", self.run), &self.other)
    }
}

/// Whether all runs gave the same transcript; if not, the first lane that moved. Free streams are
/// not compared: nothing waits for them.
///
/// # Errors
/// The first lane that differs between the first run and another one.
pub fn compare_runs(runs: &[Transcript]) -> Result<(), Box<Moved>> {
    let Some((first, others)) = runs.split_first() else {
        return Ok(());
    };
    for (index, other) in others.iter().enumerate() {
        if let Some((phase, lane, one, two)) = difference(first, other) {
            return Err(Box::new(Moved {
                scenario: first.scenario.clone(),
                phase,
                lane,
                first: one,
                other: two,
                run: index + 2,
            }));
        }
    }
    Ok(())
}

type Found = (String, String, Vec<String>, Vec<String>);

fn difference(a: &Transcript, b: &Transcript) -> Option<Found> {
    let none = Phase::default();
    for index in 0..a.phases.len().max(b.phases.len()) {
        let one = a.phases.get(index).unwrap_or(&none);
        let two = b.phases.get(index).unwrap_or(&none);
        let named = if index < a.phases.len() { one } else { two };
        let phase = match named.number {
            0 => named.title.clone(),
            number => format!("{number}  {}", named.title),
        };
        let lanes: BTreeSet<String> = one.lines.iter().chain(&two.lines).map(stream).collect();
        for lane in lanes {
            let of = |phase: &Phase| -> Vec<String> {
                let lines = phase.lines.iter().filter(|line| stream(line) == lane);
                lines.map(ToString::to_string).collect()
            };
            let (one, two) = (of(one), of(two));
            if one != two {
                return Some((phase, lane, one, two));
            }
        }
        if one.title != two.title || one.number != two.number {
            return Some((
                phase,
                "title".to_owned(),
                vec![one.title.clone()],
                vec![two.title.clone()],
            ));
        }
    }
    None
}

fn stream(line: &Line) -> String {
    if line.channel.is_empty() {
        line.lane.clone()
    } else {
        format!("{}.{}", line.lane, line.channel)
    }
}

/// What became of a scenario's snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The stored one says the same.
    Unchanged,
    /// Written beside it, to be reviewed.
    Changed(PathBuf),
    /// There was none: written, to be reviewed.
    New(PathBuf),
}

/// Writes the transcript of a scenario as `.snap.new` where it differs from the stored one, and
/// removes a `.snap.new` that says nothing new.
///
/// # Errors
/// Where the stored snapshot cannot be read or the new one not written.
pub fn store(lab_dir: &Path, transcript: &Transcript) -> Result<Recorded, SnapshotError> {
    let path = snapshot_path(lab_dir, &transcript.scenario);
    let pending = pending_path(&path);
    let text = transcript.to_string();
    let stored = read_snapshot(&path)?;
    if stored.as_ref().is_some_and(|stored| same(stored, &text)) {
        remove(&pending)?;
        return Ok(Recorded::Unchanged);
    }
    let dir = lab_dir.join("snapshots");
    fs::create_dir_all(&dir).map_err(|error| SnapshotError::io(&dir, error))?;
    let file = snapshot_file(&transcript.lab, &transcript.scenario, &text);
    fs::write(&pending, file).map_err(|error| SnapshotError::io(&pending, error))?;
    Ok(if stored.is_some() {
        Recorded::Changed(pending)
    } else {
        Recorded::New(pending)
    })
}

fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(SnapshotError::io(path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Lane, Op, Player};

    fn transcript(reply: &str) -> Transcript {
        let line = |lane: &str, channel: &str, op, payload: &str| Line {
            lane: lane.to_owned(),
            channel: channel.to_owned(),
            op,
            payload: payload.to_owned(),
        };
        let lane = |name: &str, player| Lane {
            name: name.to_owned(),
            command: String::new(),
            player,
            ignore: crate::lab::Ignore::default(),
        };
        Transcript {
            lab: "us-upper".to_owned(),
            scenario: "talk".to_owned(),
            lanes: vec![
                lane("server", Player::Reference),
                lane("alice", Player::Peer),
            ],
            phases: vec![Phase {
                number: 1,
                title: "alice > ab".to_owned(),
                lines: vec![
                    line("alice", "", Op::Out, reply),
                    line("server", "err", Op::Out, "log"),
                ],
            }],
            free: vec![line("server", "out", Op::Out, reply)],
        }
    }

    #[test]
    fn a_lane_that_moves_is_named_with_both_texts() {
        let runs = [transcript("AB"), transcript("AB"), transcript("A")];
        let moved = compare_runs(&runs).unwrap_err();
        assert_eq!(
            (moved.lane.as_str(), moved.phase.as_str(), moved.run),
            ("alice", "1  alice > ab", 3)
        );
        let text = moved.to_string();
        assert!(
            text.starts_with("talk: lane `alice` moves in phase 1  alice > ab\n"),
            "{text}"
        );
        assert!(
            text.contains("run 1     alice") && text.contains("run 3     alice"),
            "{text}"
        );
    }

    #[test]
    fn free_streams_may_move() {
        let mut other = transcript("AB");
        other.free[0].payload = "something else".to_owned();
        assert!(compare_runs(&[transcript("AB"), other]).is_ok());
        assert!(compare_runs(&[]).is_ok());
    }

    #[test]
    fn a_missing_phase_moves() {
        let mut other = transcript("AB");
        other.phases.clear();
        assert!(compare_runs(&[transcript("AB"), other]).is_err());
    }

    #[test]
    fn only_what_differs_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let pending = dir.path().join("snapshots/talk.snap.new");
        let stored = dir.path().join("snapshots/talk.snap");
        assert_eq!(
            store(dir.path(), &transcript("AB")).unwrap(),
            Recorded::New(pending.clone())
        );
        fs::rename(&pending, &stored).unwrap();
        assert_eq!(
            store(dir.path(), &transcript("A")).unwrap(),
            Recorded::Changed(pending.clone())
        );
        // The reference does again what is stored: the pending change is stale.
        assert_eq!(
            store(dir.path(), &transcript("AB")).unwrap(),
            Recorded::Unchanged
        );
        assert!(!pending.exists());
    }
}
