//! Where an export puts what it writes: one file, or a file for each student in a directory or in an
//! archive, ready to be uploaded.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cli::failure::Failure;

/// A file for each student.
pub(super) enum Pages {
    /// In this directory.
    Directory(PathBuf),
    /// In this archive, which has its name when it is whole.
    Archive {
        path: PathBuf,
        zip: Box<ZipWriter<NamedTempFile>>,
    },
}

impl Pages {
    /// An archive if `path` ends with `.zip`, otherwise a directory.
    pub(super) fn at(path: &Path) -> Result<Self, Failure> {
        let zipped = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("zip"));
        // Somebody may have unpacked one under its own name.
        if !zipped || path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        let beside = parent(path).unwrap_or(Path::new("."));
        fs::create_dir_all(beside).map_err(|error| cannot(path, &error))?;
        let file = tempfile::Builder::new()
            // As of any new file, less the umask: grades need not be everybody's.
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(beside)
            .map_err(|error| cannot(path, &error))?;
        Ok(Self::Archive {
            path: path.to_owned(),
            zip: Box::new(ZipWriter::new(file)),
        })
    }

    /// Adds the file `name`, which may be below a directory.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        match self {
            Self::Directory(dir) => put(&dir.join(name), text),
            Self::Archive { path, zip } => zip
                .start_file(name, SimpleFileOptions::default().unix_permissions(0o644))
                .map_err(io::Error::from)
                .and_then(|()| zip.write_all(text.as_bytes()))
                .map_err(|error| cannot(path, &error)),
        }
    }

    /// Everything is in it.
    pub(super) fn close(self) -> Result<(), Failure> {
        let Self::Archive { path, zip } = self else {
            return Ok(());
        };
        let file = zip.finish().map_err(|error| cannot(&path, &error.into()))?;
        file.persist(&path)
            .map_err(|error| cannot(&path, &error.error))?;
        Ok(())
    }
}

/// Writes a file, below directories that need not be there yet.
pub(super) fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| cannot(path, &error);
    if let Some(parent) = parent(path) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|dir| !dir.as_os_str().is_empty())
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    let what = format!("{} cannot be written", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::InvalidFilename => Failure::usage(what)
            .because(error)
            .hint("name another place, where you may write, with --output PATH"),
        // The disk is full, or fails.
        _ => Failure::fault(what).because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read as _;
    use tempfile::TempDir;

    #[test]
    fn an_archive_has_its_name_when_it_is_whole_and_takes_the_place_of_the_last() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("new/feedback.zip");
        let mut pages = Pages::at(&path).unwrap();
        pages.add("Иванов_1_file_/feedback.html", "сто").unwrap();
        assert!(!path.exists());
        pages.close().unwrap();
        let mut again = Pages::at(&path).unwrap();
        again.add("Smith_2_file_/feedback.html", "80").unwrap();
        let names = |path: &Path| -> Vec<String> {
            let zip = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
            zip.file_names()
                .map(|name| name.unwrap().into_owned())
                .collect()
        };
        assert_eq!(names(&path), ["Иванов_1_file_/feedback.html"]);
        let mut zip = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let mut text = String::new();
        (zip.by_index(0).unwrap().read_to_string(&mut text)).unwrap();
        assert_eq!(text, "сто");
        again.close().unwrap();
        assert_eq!(names(&path), ["Smith_2_file_/feedback.html"]);
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn anything_else_is_a_directory() {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("unpacked.zip")).unwrap();
        for name in ["pages", "unpacked.zip"] {
            let mut pages = Pages::at(&dir.path().join(name)).unwrap();
            pages.add("a/b.html", "x").unwrap();
            pages.close().unwrap();
            let written = fs::read_to_string(dir.path().join(name).join("a/b.html"));
            assert_eq!(written.unwrap(), "x");
        }
    }
}
