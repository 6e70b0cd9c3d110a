//! Where a submission's files are, and how they come into a directory.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::submission::{
    ArchiveBounds, ArchiveError, Repository, Stop, Unpacked, is_archive_name, receive, unpack,
};

/// Where a submission's files are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In this directory; or in the only archive in it.
    Directory(PathBuf),
    /// In this archive.
    Archive(PathBuf),
    /// These files, with the names they had when they were handed in.
    Files(Vec<(PathBuf, String)>),
    /// In a commit.
    Git {
        /// The repository.
        repository: PathBuf,
        /// The branch, for people.
        name: String,
        /// The commit's hash.
        commit: String,
        /// The directory in it; empty: all of it.
        directory: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) | Self::Archive(path) => write!(f, "{}", path.display()),
            Self::Files(files) => match files.first() {
                Some((path, _)) => write!(f, "{}", path.display()),
                None => f.write_str("no files"),
            },
            Self::Git {
                repository,
                name,
                commit,
                directory,
            } => {
                let short = commit.get(..10).unwrap_or(commit);
                write!(f, "{}@{name} ({short})", repository.display())?;
                if !directory.is_empty() {
                    write!(f, " {directory}")?;
                }
                Ok(())
            }
        }
    }
}

/// Why a submission's files cannot be had.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// What was handed in is at fault.
    #[error("{0}")]
    Unusable(String),
    /// The grader or the machine failed.
    #[error("{0}")]
    Fault(String),
}

impl From<ArchiveError> for PlaceError {
    fn from(error: ArchiveError) -> Self {
        match &error {
            ArchiveError::Unfit { .. } => Self::Unusable(error.to_string()),
            ArchiveError::Fault { .. } => Self::Fault(error.to_string()),
        }
    }
}

/// A submission's files in a directory, for as long as this lives.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    /// What was passed over and why, one line each.
    pub notes: Vec<String>,
    _unpacked: Option<Unpacked>,
}

impl Opened {
    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn of(unpacked: Unpacked) -> Self {
        Self {
            path: unpacked.path().to_owned(),
            notes: unpacked.notes.clone(),
            _unpacked: Some(unpacked),
        }
    }
}

impl Place {
    /// Puts the files into a directory, if they are not in one already.
    ///
    /// # Errors
    /// The files cannot be had; whose fault that is says the error.
    pub fn open(&self) -> Result<Opened, PlaceError> {
        let bounds = ArchiveBounds::default();
        match self {
            Self::Directory(path) => match lone_archive(path) {
                Some(archive) => Ok(Opened::of(unpack(&archive, &bounds)?)),
                None => Ok(Opened {
                    path: path.clone(),
                    notes: Vec::new(),
                    _unpacked: None,
                }),
            },
            Self::Archive(path) => Ok(Opened::of(unpack(path, &bounds)?)),
            Self::Files(files) => match &files[..] {
                [(path, name)] if is_archive_name(name) => Ok(Opened::of(unpack(path, &bounds)?)),
                _ => Ok(Opened::of(gather(files, &bounds)?)),
            },
            Self::Git {
                repository,
                commit,
                directory,
                ..
            } => {
                let gone = || PlaceError::Fault(format!("{}: no repository", repository.display()));
                let source = Repository::at(repository).ok_or_else(gone)?;
                Ok(Opened::of(source.unpack(commit, directory, &bounds)?))
            }
        }
    }
}

/// The archive that is all there is in a directory, hidden files left out.
fn lone_archive(dir: &Path) -> Option<PathBuf> {
    /// With more than these an archive would not be alone.
    const LOOKED_AT: usize = 16;
    let mut only = None;
    for entry in fs::read_dir(dir).ok()?.take(LOOKED_AT) {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        let file = entry.file_type().ok()?.is_file();
        if only.is_some() || !file || !is_archive_name(&name) {
            return None;
        }
        only = Some(entry.path());
    }
    only
}

/// Loose files, put together.
fn gather(files: &[(PathBuf, String)], bounds: &ArchiveBounds) -> Result<Unpacked, ArchiveError> {
    /// open(2): neither wait for a FIFO's writer nor follow a link out of the download.
    const CAREFULLY: i32 = 0o4000 | 0o400_000;
    let place = files.first().map(|(path, _)| path.as_path());
    receive(
        place.unwrap_or(Path::new("")),
        bounds.total,
        bounds,
        |target| {
            for (path, name) in files {
                let Some(name) = target.name(name.as_bytes())? else {
                    continue;
                };
                let mut file = OpenOptions::new()
                    .read(true)
                    .custom_flags(CAREFULLY)
                    .open(path)
                    .map_err(Stop::Fault)?;
                if !file.metadata().map_err(Stop::Fault)?.is_file() {
                    target.skip(path.to_string_lossy().as_bytes(), "it is no file");
                    continue;
                }
                target.file(&name, false, None, &mut file)?;
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use tempfile::TempDir;

    fn zip(path: &Path, name: &str) {
        let mut out = zip::ZipWriter::new(fs::File::create(path).unwrap());
        out.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        out.write_all(b"int main;").unwrap();
        out.finish().unwrap();
    }

    #[test]
    fn an_archive_alone_in_a_directory_is_the_submission() {
        let dir = TempDir::new().unwrap();
        zip(&dir.path().join("work.zip"), "server.c");
        fs::write(dir.path().join(".DS_Store"), "").unwrap();
        let place = Place::Directory(dir.path().to_owned());
        let opened = place.open().unwrap();
        assert!(opened.path().join("server.c").is_file());
        assert_ne!(opened.path(), dir.path());
        let private = opened.path().to_owned();
        drop(opened);
        assert!(!private.exists());
        // With sources beside it, it is one file among others.
        fs::write(dir.path().join("server.c"), "").unwrap();
        assert_eq!(place.open().unwrap().path(), dir.path());
    }

    #[test]
    fn loose_files_get_their_names_back() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("ivanov_1_2_server.c");
        fs::write(&path, "s").unwrap();
        let secret = dir.path().join("ivanov_1_2_client.c");
        std::os::unix::fs::symlink("/etc/passwd", &secret).unwrap();
        let one = |path: &Path, name: &str| Place::Files(vec![(path.to_owned(), name.to_owned())]);
        let opened = one(&path, "server.c").open().unwrap();
        assert_eq!(
            fs::read_to_string(opened.path().join("server.c")).unwrap(),
            "s"
        );
        assert!(one(&secret, "client.c").open().is_err());
        assert!(matches!(
            one(&path, "../server.c").open(),
            Err(PlaceError::Unusable(_))
        ));
        zip(&path, "server.c");
        let opened = one(&path, "work.zip").open().unwrap();
        assert!(opened.path().join("server.c").is_file());
    }
}
