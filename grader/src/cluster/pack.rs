//! Directories as bytes, so that they can be kept in a store: exactly what the grader would have
//! read of them, nothing else.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::submission::{Bounds, Content, SubmissionError, Tree};

/// Why a directory cannot be packed or unpacked.
#[derive(Debug, Error)]
pub enum PackError {
    /// What is to be packed cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SubmissionError),
    /// The bytes are no packed directory.
    #[error("not a packed directory: {0}")]
    Malformed(String),
    /// The files cannot be written.
    #[error("{path}: {error}")]
    Io {
        /// The file, relative to the directory.
        path: String,
        /// Why not.
        error: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Packed {
    path: String,
    executable: bool,
    content: PackedContent,
}

#[derive(Serialize, Deserialize)]
enum PackedContent {
    Bytes(Vec<u8>),
    /// It was not read for its size; as a file with a hole it is not read again.
    TooLarge,
}

/// Reads a directory within `bounds`.
///
/// # Errors
/// It cannot be read, or exceeds the bounds.
pub fn pack(dir: &Path, bounds: &Bounds) -> Result<Vec<u8>, PackError> {
    let tree = Tree::read(dir, bounds)?;
    let files: Vec<Packed> = tree
        .files
        .into_iter()
        .map(|file| Packed {
            path: file.path,
            executable: file.executable,
            content: match file.content {
                Content::Bytes(bytes) => PackedContent::Bytes(bytes),
                Content::Refused(_) => PackedContent::TooLarge,
            },
        })
        .collect();
    postcard::to_stdvec(&files).map_err(|error| PackError::Malformed(error.to_string()))
}

/// Writes what was packed into the empty directory `into`; `bounds` are those it was packed with.
///
/// # Errors
/// The bytes are something else, or the files cannot be written.
pub fn unpack(bytes: &[u8], into: &Path, bounds: &Bounds) -> Result<(), PackError> {
    let files: Vec<Packed> =
        postcard::from_bytes(bytes).map_err(|error| PackError::Malformed(error.to_string()))?;
    for file in &files {
        // Packed paths lead down; bytes from elsewhere might not.
        let mut parts = Path::new(&file.path).components().peekable();
        if parts.peek().is_none() || !parts.all(|part| matches!(part, Component::Normal(_))) {
            let shown = crate::text::clean(&file.path);
            return Err(PackError::Malformed(format!("it names the file `{shown}`")));
        }
        write(file, into, bounds).map_err(|error| PackError::Io {
            path: file.path.clone(),
            error,
        })?;
    }
    Ok(())
}

fn write(file: &Packed, into: &Path, bounds: &Bounds) -> io::Result<()> {
    let path = into.join(&file.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = if file.executable { 0o755 } else { 0o644 };
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)?;
    match &file.content {
        PackedContent::Bytes(bytes) => out.write_all(bytes),
        PackedContent::TooLarge => out.set_len(bounds.file + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::fingerprint;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use tempfile::TempDir;

    #[test]
    fn what_comes_out_is_graded_as_what_went_in() {
        let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::create_dir(from.path().join("src")).unwrap();
        fs::write(from.path().join("src/server.c"), "int main;").unwrap();
        fs::write(from.path().join("run.sh"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(
            from.path().join("run.sh"),
            fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        symlink("src/server.c", from.path().join("us-server.c")).unwrap();
        let large = fs::File::create(from.path().join("core")).unwrap();
        large.set_len(1 << 30).unwrap();
        let bounds = Bounds::default();
        let bytes = pack(from.path(), &bounds).unwrap();
        assert!(bytes.len() < 1000, "{}", bytes.len());
        unpack(&bytes, to.path(), &bounds).unwrap();
        assert_eq!(
            fingerprint(from.path()).unwrap(),
            fingerprint(to.path()).unwrap()
        );
        let mode = fs::metadata(to.path().join("run.sh"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111);
    }

    #[test]
    fn no_path_leads_out() {
        let to = TempDir::new().unwrap();
        for path in ["../x", "/etc/x", "", "a/../../x"] {
            let files = [Packed {
                path: path.to_owned(),
                executable: false,
                content: PackedContent::Bytes(Vec::new()),
            }];
            let bytes = postcard::to_stdvec(&files[..]).unwrap();
            let error = unpack(&bytes, to.path(), &Bounds::default()).unwrap_err();
            assert!(matches!(error, PackError::Malformed(_)), "{path}: {error}");
        }
        assert!(unpack(b"\xff\xff\xff", to.path(), &Bounds::default()).is_err());
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
    }
}
