//! Review: each transcript that waits is accepted, rejected or left.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::snapshot::{SnapshotError, pending_path, read_snapshot};

/// A transcript that waits for review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The scenario.
    pub scenario: String,
    /// The accepted snapshot, whether it exists or not.
    pub snapshot: PathBuf,
    /// The text that is accepted now.
    pub old: Option<String>,
    /// The text that waits.
    pub new: String,
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It becomes the expected transcript.
    Accept,
    /// It is removed.
    Reject,
    /// It stays where it is.
    Skip,
}

/// What was decided, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reviewed {
    /// Accepted.
    pub accepted: usize,
    /// Rejected.
    pub rejected: usize,
    /// Left.
    pub skipped: usize,
}

/// The transcripts of a lab that wait, in order of their names.
///
/// # Errors
/// Where the directory or one of the files cannot be read.
pub fn pending(lab_dir: &Path) -> Result<Vec<Pending>, SnapshotError> {
    let dir = lab_dir.join("snapshots");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SnapshotError::io(&dir, error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|error| SnapshotError::io(&dir, error))?
            .file_name();
        let Some(scenario) = name
            .to_str()
            .and_then(|name| name.strip_suffix(".snap.new"))
        else {
            continue;
        };
        let snapshot = dir.join(format!("{scenario}.snap"));
        if let Some(new) = read_snapshot(&pending_path(&snapshot))? {
            let old = read_snapshot(&snapshot)?;
            found.push(Pending {
                scenario: scenario.to_owned(),
                snapshot,
                old,
                new,
            });
        }
    }
    found.sort_by(|a, b| a.scenario.cmp(&b.scenario));
    Ok(found)
}

/// The difference, as a unified diff with three lines of context.
#[must_use]
pub fn diff(pending: &Pending) -> String {
    let old = pending.old.as_deref().unwrap_or("");
    let diff = TextDiff::from_lines(old, &pending.new);
    diff.unified_diff()
        .header("accepted", "recorded")
        .to_string()
}

/// Carries out a decision.
///
/// # Errors
/// Where a file cannot be moved or removed.
pub fn apply(pending: &Pending, decision: Decision) -> Result<(), SnapshotError> {
    let new = pending_path(&pending.snapshot);
    let done = match decision {
        Decision::Accept => fs::rename(&new, &pending.snapshot),
        Decision::Reject => fs::remove_file(&new),
        Decision::Skip => Ok(()),
    };
    done.map_err(|error| SnapshotError::io(&new, error))
}

/// Shows each difference and asks what to do. The end of the input leaves the rest.
///
/// # Errors
/// Where a decision cannot be carried out, or the terminal fails.
pub fn interactive(
    all: &[Pending],
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<Reviewed, SnapshotError> {
    let terminal = |error| SnapshotError::io(Path::new("terminal"), error);
    let mut reviewed = Reviewed::default();
    for (number, pending) in all.iter().enumerate() {
        show(out, pending, number + 1, all.len()).map_err(terminal)?;
        let Some(decision) = ask(input, out).map_err(terminal)? else {
            reviewed.skipped += all.len() - number;
            break;
        };
        apply(pending, decision)?;
        match decision {
            Decision::Accept => reviewed.accepted += 1,
            Decision::Reject => reviewed.rejected += 1,
            Decision::Skip => reviewed.skipped += 1,
        }
    }
    Ok(reviewed)
}

fn show(out: &mut dyn Write, pending: &Pending, number: usize, of: usize) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    writeln!(
        out,
        "{bold}{} ({number} of {of}){bold:#}",
        crate::text::clean(&pending.scenario)
    )?;
    for line in diff(pending).lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => anstyle::AnsiColor::Green.on_default(),
            Some(b'-') => anstyle::AnsiColor::Red.on_default(),
            _ => anstyle::Style::new(),
        };
        writeln!(out, "{style}{}{style:#}", crate::text::clean(line))?;
    }
    Ok(())
}

/// Asks until a key is understood; `None` at the end of the input.
fn ask(input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Option<Decision>> {
    loop {
        write!(out, "[a]ccept  [r]eject  [s]kip? ")?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            writeln!(out)?;
            return Ok(None);
        }
        match line.trim() {
            "a" => return Ok(Some(Decision::Accept)),
            "r" => return Ok(Some(Decision::Reject)),
            "s" => return Ok(Some(Decision::Skip)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::snapshot_file;
    use super::*;

    /// A lab directory in which three scenarios wait, one of them for the first time.
    fn lab() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = dir.path().join("snapshots");
        fs::create_dir(&snapshots).unwrap();
        for name in ["a", "b", "c"] {
            let new = snapshot_file("l", name, "lanes/1\nnew");
            fs::write(snapshots.join(format!("{name}.snap.new")), new).unwrap();
            if name != "c" {
                let old = snapshot_file("l", name, "lanes/1\nold");
                fs::write(snapshots.join(format!("{name}.snap")), old).unwrap();
            }
        }
        dir
    }

    fn text(dir: &Path, name: &str) -> Option<String> {
        read_snapshot(&dir.join("snapshots").join(name)).unwrap()
    }

    #[test]
    fn keys_decide_one_by_one() {
        let dir = lab();
        let all = pending(dir.path()).unwrap();
        let mut out = Vec::new();
        // A key that means nothing is asked again.
        let reviewed = interactive(&all, &mut "a\nx\nr\ns\n".as_bytes(), &mut out).unwrap();
        assert_eq!(
            reviewed,
            Reviewed {
                accepted: 1,
                rejected: 1,
                skipped: 1
            }
        );
        assert_eq!(text(dir.path(), "a.snap").as_deref(), Some("lanes/1\nnew"));
        assert_eq!(text(dir.path(), "b.snap").as_deref(), Some("lanes/1\nold"));
        assert_eq!(text(dir.path(), "b.snap.new"), None);
        assert_eq!(text(dir.path(), "c.snap"), None);
        assert!(text(dir.path(), "c.snap.new").is_some());
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("-old") && out.contains("+new"), "{out}");
    }

    #[test]
    fn the_end_of_the_input_leaves_the_rest() {
        let dir = lab();
        let all = pending(dir.path()).unwrap();
        let reviewed = interactive(&all, &mut "r\n".as_bytes(), &mut io::sink()).unwrap();
        assert_eq!(
            reviewed,
            Reviewed {
                accepted: 0,
                rejected: 1,
                skipped: 2
            }
        );
        assert_eq!(pending(dir.path()).unwrap().len(), 2);
    }
}
