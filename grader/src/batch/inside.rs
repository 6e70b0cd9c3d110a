//! What is in a directory that was handed in: sources, or archives that hold them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::submission::is_archive_name;

/// What is to be graded in a directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// What lies there.
    Files,
    /// What is in this archive; beside it is nothing that could be graded, only these.
    Archive(PathBuf, Vec<String>),
    /// Several archives and no sources.
    Archives(Vec<String>),
}

/// Looks into `dir`, and where it holds but one directory into that one.
pub(super) fn look(dir: &Path) -> Inside {
    /// As deep as a lone directory in a lone directory is looked at.
    const DEPTH: usize = 8;
    let mut dir = dir.to_owned();
    for _ in 0..DEPTH {
        let Some(Listed { dirs, mut files }) = list(&dir) else {
            return Inside::Files;
        };
        match (&dirs[..], files.is_empty()) {
            ([only], true) => dir = only.clone(),
            ([], false) if !files.iter().any(|name| is_source(name)) => {
                let archives: Vec<String> =
                    files.extract_if(.., |name| is_archive_name(name)).collect();
                return match &archives[..] {
                    [] => Inside::Files,
                    [only] => Inside::Archive(dir.join(only), files),
                    _ => Inside::Archives(archives),
                };
            }
            _ => return Inside::Files,
        }
    }
    Inside::Files
}

/// What is in a directory, hidden files and what systems leave behind left out.
#[derive(Default)]
struct Listed {
    dirs: Vec<PathBuf>,
    files: Vec<String>,
}

/// `None`: it cannot be read, or there is more than anybody hands in beside an archive.
fn list(dir: &Path) -> Option<Listed> {
    const MOST: usize = 64;
    let mut out = Listed::default();
    for (i, entry) in fs::read_dir(dir).ok()?.enumerate() {
        let entry = entry.ok().filter(|_| i < MOST)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let left = ["__MACOSX", "Thumbs.db", "desktop.ini"];
        if name.starts_with('.') || left.iter().any(|left| name.eq_ignore_ascii_case(left)) {
            continue;
        }
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            out.dirs.push(entry.path());
        } else if kind.is_file() {
            out.files.push(name.into_owned());
        }
    }
    out.files.sort();
    Some(out)
}

/// A file that belongs to a submission's own directory.
pub(super) fn is_source(name: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        "c", "h", "cc", "cpp", "cxx", "hpp", "rs", "go", "java", "py", "pl", "sh",
    ];
    let lower = name.to_lowercase();
    let ending = lower.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
        || matches!(
            lower.as_str(),
            "makefile" | "gnumakefile" | "cargo.toml" | "grader.toml" | "go.mod"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn look_at(names: &[&str]) -> (TempDir, Inside) {
        let dir = TempDir::new().unwrap();
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let inside = look(dir.path());
        (dir, inside)
    }

    #[test]
    fn an_archive_counts_where_there_are_no_sources() {
        for (names, archive, beside) in [
            (&["a.zip"][..], "a.zip", &[][..]),
            (&["a.zip", "report.docx"], "a.zip", &["report.docx"]),
            (&["lab30/a.tgz", ".DS_Store"], "lab30/a.tgz", &[]),
            (&["a.7z", "__MACOSX/x", "Thumbs.db"], "a.7z", &[]),
        ] {
            let (dir, inside) = look_at(names);
            let beside = beside.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(inside, Inside::Archive(dir.path().join(archive), beside));
        }
        for names in [
            &["a.zip", "main.c"][..],
            &["a.zip", "Makefile"],
            &["a.zip", "src/main.c"],
            &["report.docx"],
            &[],
        ] {
            assert_eq!(look_at(names).1, Inside::Files, "{names:?}");
        }
        let both = Inside::Archives(vec!["a.zip".to_owned(), "b.tar.gz".to_owned()]);
        assert_eq!(look_at(&["b.tar.gz", "a.zip", "note.txt"]).1, both);
    }
}
