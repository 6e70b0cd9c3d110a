//! One bounded walk over a submission's directory; afterwards the disk is not looked at again, so
//! that what was hashed is what is built.

mod walk;

#[cfg(test)]
mod tests;

pub(super) use walk::O_NONBLOCK;

use std::path::{Path, PathBuf};

use super::error::SubmissionError;
use crate::lab::Text;

/// Bounds of the walk.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Directory entries, of all kinds.
    pub entries: usize,
    /// Levels of directories below the root.
    pub depth: usize,
    /// Bytes of one file; a larger one is listed but not read.
    pub file: u64,
    /// Bytes of all files read.
    pub total: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: 4096,
            depth: 16,
            file: 4 << 20,
            total: 32 << 20,
        }
    }
}

/// A submission's files, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// As the user named it.
    pub root: PathBuf,
    /// The files, relative to the directory in which the submission really begins.
    pub files: Vec<File>,
    /// What was passed over and why, one line each.
    pub notes: Vec<Text>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// It may be executed (a script).
    pub executable: bool,
}

/// The content of a [`File`], as far as it can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It cannot be used, for this reason.
    Refused(Text),
}

impl File {
    /// Its bytes, where it can be used.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Bytes(bytes) => Some(bytes),
            Content::Refused(_) => None,
        }
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The directory it is in, empty for the root.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(dir, _)| dir)
    }

    /// Levels of directories above it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.path.matches('/').count()
    }
}

impl Tree {
    /// Reads the directory `root`.
    ///
    /// Hidden files and build directories are left out. Links that lead out of the submission,
    /// FIFOs, sockets, devices and names that are not UTF-8 are left out with a note; files that
    /// cannot be read stay in the list as [`Content::Refused`], because it depends on their name
    /// whether they matter. Where the directory holds nothing but one directory, that one is the
    /// submission.
    ///
    /// # Errors
    /// The directory does not exist, cannot be listed, is empty, or exceeds `bounds`.
    pub fn read(root: &Path, bounds: &Bounds) -> Result<Self, SubmissionError> {
        let walk::Found { mut files, notes } = walk::walk(root, bounds)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        unwrap_single_directory(&mut files);
        Ok(Self {
            root: root.to_path_buf(),
            files,
            notes,
        })
    }

    /// The file with this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()
            .and_then(|i| self.files.get(i))
    }
}

/// An unpacked archive often is one directory in a directory.
fn unwrap_single_directory(files: &mut [File]) {
    loop {
        let Some((first, _)) = files.first().and_then(|f| f.path.split_once('/')) else {
            return;
        };
        let prefix = format!("{first}/");
        if !files.iter().all(|f| f.path.starts_with(&prefix)) {
            return;
        }
        for file in files.iter_mut() {
            file.path.drain(..prefix.len());
        }
    }
}
