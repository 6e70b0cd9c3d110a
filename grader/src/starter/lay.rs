//! Laying down the files that a student begins with, beside whatever is there already.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::lab::Lang;

/// Why files could not be laid down.
#[derive(Debug, thiserror::Error)]
pub enum LayError {
    /// Other files have these names. Nothing was written.
    #[error("{} in the way", in_the_way(.0))]
    InTheWay(Vec<PathBuf>),
    /// A file or directory cannot be written.
    #[error("{path} cannot be written: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl LayError {
    /// The same for who reads `lang`. What comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::InTheWay(paths), Lang::Ru) => {
                let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
                format!("уже есть другое с именем {}", names.join(", "))
            }
            (Self::Io { path, error }, Lang::Ru) => {
                format!("{} не записать: {error}", path.display())
            }
        }
    }
}

fn in_the_way(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(", "))
}

/// Writes `files` (path below `dir`, text) into `dir`, which is made where it is missing. Nothing
/// that exists is changed: what has the very same text already stays, and anything else of the same
/// name is an error before anything is written. Gives the paths that were written.
///
/// # Errors
/// See [`LayError`].
pub fn lay(dir: &Path, files: &BTreeMap<String, String>) -> Result<Vec<PathBuf>, LayError> {
    let mut blocked = Vec::new();
    let mut missing = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        match obstacle(dir, &path, text) {
            Some(Obstacle::Other(other)) if !blocked.contains(&other) => blocked.push(other),
            Some(_) => {}
            None => missing.push((path, text)),
        }
    }
    if !blocked.is_empty() {
        return Err(LayError::InTheWay(blocked));
    }
    let mut written = Vec::with_capacity(missing.len());
    for (path, text) in missing {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => LayError::InTheWay(vec![path.clone()]),
            _ => LayError::Io {
                path: path.clone(),
                error,
            },
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        // Never through a link, never over a file that came a moment ago.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        written.push(path);
    }
    Ok(written)
}

enum Obstacle {
    /// What should be there is there.
    Same,
    /// This is in the way.
    Other(PathBuf),
}

/// What keeps `path` from being written.
fn obstacle(dir: &Path, path: &Path, text: &str) -> Option<Obstacle> {
    let above = path.ancestors().skip(1).take_while(|p| p.starts_with(dir));
    for folder in above.filter(|p| !p.as_os_str().is_empty()) {
        if folder.symlink_metadata().is_ok() && !folder.is_dir() {
            return Some(Obstacle::Other(folder.to_owned()));
        }
    }
    let there = path.symlink_metadata().ok()?;
    let same = there.is_file()
        && there.len() == text.len() as u64
        && fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes());
    Some(if same {
        Obstacle::Same
    } else {
        Obstacle::Other(path.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
        list.iter().map(pair).collect()
    }

    #[test]
    fn files_are_laid_down_once() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("new/work");
        let files = files(&[("a.c", "a\n"), (".github/workflows/g.yml", "g\n")]);
        assert_eq!(lay(&dir, &files).unwrap().len(), 2);
        assert_eq!(
            fs::read_to_string(dir.join(".github/workflows/g.yml")).unwrap(),
            "g\n"
        );
        assert!(lay(&dir, &files).unwrap().is_empty());
        fs::remove_file(dir.join("a.c")).unwrap();
        assert_eq!(lay(&dir, &files).unwrap(), [dir.join("a.c")]);
    }

    #[test]
    fn what_is_in_the_way_is_named_and_nothing_is_written() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        fs::write(dir.join("b.c"), "mine").unwrap();
        fs::write(dir.join(".github"), "no directory").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.join("c.c")).unwrap();
        let files = files(&[
            ("a.c", "a"),
            ("b.c", "your"),
            ("c.c", "c"),
            (".github/x/g.yml", "g"),
        ]);
        let error = lay(dir, &files).unwrap_err();
        let names = [".github", "b.c", "c.c"].map(|name| dir.join(name));
        assert!(
            matches!(&error, LayError::InTheWay(paths) if paths == &names),
            "{error}"
        );
        assert!(error.to_string().ends_with("c.c are in the way"), "{error}");
        assert!(!dir.join("a.c").exists() && !dir.join("nowhere").exists());
        assert_eq!(fs::read_to_string(dir.join("b.c")).unwrap(), "mine");
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_in_the_way() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("work");
        fs::write(&dir, "").unwrap();
        let error = lay(&dir, &files(&[("a.c", "a")])).unwrap_err();
        assert!(
            matches!(&error, LayError::InTheWay(paths) if paths == &[dir]),
            "{error}"
        );
    }
}
