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
use crate::cli::lang::both;

/// A file for each student.
pub(super) enum Pages {
    /// In this directory.
    Directory(PathBuf),
    /// In this archive, which has its name when it is whole.
    Archive {
        path: PathBuf,
        zip: Box<ZipWriter<Attempt>>,
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
        let file = beside_it(beside).map_err(|error| cannot(path, &error))?;
        Ok(Self::Archive {
            path: path.to_owned(),
            zip: Box::new(ZipWriter::new(Attempt {
                file,
                failed: false,
            })),
        })
    }

    /// Adds the file `name`, which may be below a directory.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        match self {
            Self::Directory(dir) => put(&dir.join(name), text.as_bytes()),
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
        let attempt = zip.finish().map_err(|error| cannot(&path, &error.into()))?;
        (attempt.file.persist(&path)).map_err(|error| cannot(&path, &error.error))?;
        Ok(())
    }
}

/// An archive that has no name yet. Behind a write that failed nothing is written and nothing fails:
/// the library would tell on the terminal, in its own words, that it cannot close what nobody wants.
pub(super) struct Attempt {
    file: NamedTempFile,
    failed: bool,
}

impl Attempt {
    fn until_it_fails<T>(
        &mut self,
        instead: T,
        act: impl FnOnce(&mut NamedTempFile) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failed {
            return Ok(instead);
        }
        let done = act(&mut self.file);
        self.failed = done.is_err();
        done
    }
}

impl io::Write for Attempt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_it_fails(bytes.len(), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_it_fails((), io::Write::flush)
    }
}

impl io::Seek for Attempt {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.until_it_fails(0, |file| file.seek(to))
    }
}

/// A file without a name in a directory. As of any new file, less the umask: grades need not be
/// everybody's.
fn beside_it(dir: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(dir)
}

/// Writes a file, below directories that need not be there yet. One of this name is replaced when the
/// new one is whole: half a table of grades must not be uploaded.
pub(super) fn put(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let failed = |error| cannot(path, &error);
    let dir = parent(path).unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(failed)?;
    let there = fs::symlink_metadata(path).ok();
    // What is no file (a terminal, a pipe, a link to one) is written to as it is.
    let replaced = there.as_ref().is_none_or(fs::Metadata::is_file);
    let Some(mut file) = replaced.then(|| beside_it(dir).ok()).flatten() else {
        return fs::write(path, text).map_err(failed);
    };
    if let Some(there) = there {
        // Who may read it stays as it was.
        let file = file.as_file();
        file.set_permissions(there.permissions()).map_err(failed)?;
    }
    file.write_all(text).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|dir| !dir.as_os_str().is_empty())
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let what = both(
        format!("{path} cannot be written"),
        format!("{path} не записать"),
    );
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::InvalidFilename => Failure::usage(what).because(error).hint(both(
            "name another place, where you may write, with --output PATH",
            "назовите другое место, куда можно писать: --output PATH",
        )),
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
    fn what_cannot_be_written_leaves_the_last_file_and_the_librarys_words_unsaid() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("filled.csv");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        put(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let link = dir.path().join("link.csv");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        put(&link, b"by the link").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "by the link");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);

        // A disk that is full at the first write and stays so.
        let file = NamedTempFile::from_parts(
            File::open("/dev/null").unwrap(),
            beside_it(dir.path()).unwrap().into_temp_path(),
        );
        let mut attempt = Attempt {
            file,
            failed: false,
        };
        assert!(attempt.write(b"PK").is_err());
        assert_eq!(attempt.write(b"PK").unwrap(), 2);
        attempt.flush().unwrap();
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
