//! Where a submission's files are, and how they come into a directory.

use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::inside::{self, Inside};
use crate::lab::Text;
use crate::submission::{ArchiveBounds, ArchiveError, Repository, Stop, Unpacked, receive, unpack};
use crate::text::clean;

/// Where a submission's files are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In this directory, or in the archive in it.
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
    Unusable(Text),
    /// The grader or the machine failed.
    #[error("{0}")]
    Fault(String),
}

impl From<ArchiveError> for PlaceError {
    fn from(error: ArchiveError) -> Self {
        match &error {
            // The directory it is in may be a private one, of another name each time.
            ArchiveError::Unfit { path, why } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Self::Unusable(why.behind(format!("{}: ", clean(&name))))
            }
            ArchiveError::Fault { .. } | ArchiveError::Git { .. } => Self::Fault(error.to_string()),
        }
    }
}

/// A submission's files in a directory, for as long as this lives.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    /// What was passed over and why, one line each.
    pub notes: Vec<Text>,
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

    /// What is in the archive that was handed in in a directory or in another archive.
    fn unwrapped(mut self, bounds: &ArchiveBounds) -> Result<Self, PlaceError> {
        /// Archives in archives.
        const NESTED: usize = 3;
        for _ in 0..NESTED {
            match inside::look(&self.path) {
                Inside::Files => break,
                Inside::Archive(archive, beside) => {
                    let mut notes = std::mem::take(&mut self.notes);
                    if !beside.is_empty() {
                        let name = archive.file_name().unwrap_or_default().to_string_lossy();
                        let (name, beside) = (clean(&name), clean(&beside.join(", ")));
                        notes.push(Text::both(
                            format!("{name} is what is graded; beside it: {beside}"),
                            format!("проверяется {name}; рядом лежит: {beside}"),
                        ));
                    }
                    self = Self::of(unpack(&archive, bounds)?);
                    notes.append(&mut self.notes);
                    self.notes = notes;
                }
                Inside::Archives(names) => {
                    let names = clean(&names.join(", "));
                    return Err(PlaceError::Unusable(Text::both(
                        format!(
                            "several archives, and which of them counts cannot be told: {names}; hand in one"
                        ),
                        format!(
                            "несколько архивов, и какой из них считать, не видно: {names}; сдавайте один"
                        ),
                    )));
                }
            }
        }
        Ok(self)
    }
}

impl Place {
    /// Puts the files into a directory, if they are not in one already.
    ///
    /// # Errors
    /// The files cannot be had; whose fault that is says the error.
    pub fn open(&self) -> Result<Opened, PlaceError> {
        let bounds = ArchiveBounds::default();
        let opened = match self {
            Self::Directory(path) => Opened {
                path: path.clone(),
                notes: Vec::new(),
                _unpacked: None,
            },
            Self::Archive(path) => Opened::of(unpack(path, &bounds)?),
            Self::Files(files) => Opened::of(gather(files, &bounds)?),
            Self::Git {
                repository,
                commit,
                directory,
                ..
            } => {
                let gone = || PlaceError::Fault(format!("{}: no repository", repository.display()));
                let source = Repository::at(repository).ok_or_else(gone)?;
                Opened::of(source.unpack(commit, directory, &bounds)?)
            }
        };
        opened.unwrapped(&bounds)
    }
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
                    target.skip(
                        path.to_string_lossy().as_bytes(),
                        "it is no file",
                        "это не файл",
                    );
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
    use std::fs;
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
    fn what_lies_beside_an_archive_is_told_and_archives_in_archives_are_opened() {
        let dir = TempDir::new().unwrap();
        let inner = dir.path().join("inner.zip");
        zip(&inner, "server.c");
        let handed = dir.path().join("handed/lab30");
        fs::create_dir_all(&handed).unwrap();
        let mut out = zip::ZipWriter::new(fs::File::create(handed.join("a.zip")).unwrap());
        out.start_file("b/inner.zip", zip::write::SimpleFileOptions::default())
            .unwrap();
        out.write_all(&fs::read(&inner).unwrap()).unwrap();
        out.finish().unwrap();
        fs::write(handed.join("report.docx"), "").unwrap();
        let place = Place::Directory(dir.path().join("handed"));
        let opened = place.open().unwrap();
        assert!(opened.path().join("server.c").is_file());
        assert_eq!(
            opened.notes,
            [Text::both(
                "a.zip is what is graded; beside it: report.docx",
                "проверяется a.zip; рядом лежит: report.docx"
            )]
        );
        fs::copy(&inner, handed.join("c.zip")).unwrap();
        let why = place.open().unwrap_err().to_string();
        assert!(why.ends_with("a.zip, c.zip; hand in one"), "{why}");
    }

    #[test]
    fn archives_in_archives_are_not_opened_for_ever() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.zip");
        zip(&path, "server.c");
        for _ in 0..4 {
            let inner = fs::read(&path).unwrap();
            let mut out = zip::ZipWriter::new(fs::File::create(&path).unwrap());
            out.start_file("a.zip", zip::write::SimpleFileOptions::default())
                .unwrap();
            out.write_all(&inner).unwrap();
            out.finish().unwrap();
        }
        let opened = Place::Archive(path).open().unwrap();
        assert!(opened.path().join("a.zip").is_file());
    }

    #[test]
    fn why_it_cannot_be_unpacked_names_no_private_directory() {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("a.zip"), "").unwrap();
        let why = Place::Archive(dir.path().join("a.zip")).open().unwrap_err();
        assert!(
            why.to_string().starts_with("a.zip: not an archive"),
            "{why}"
        );
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
