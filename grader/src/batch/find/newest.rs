//! When files were changed: the last word on when a submission was handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::batch::place::Place;
use crate::submission::{ArchiveError, Repository};

/// What tells when the submissions of a class were changed.
#[derive(Default)]
pub(super) struct Times {
    root: PathBuf,
    /// Of what is in a repository's working tree: when a commit has changed it last, if that is known.
    /// Its files have the time at which they were checked out, which says nothing.
    committed: BTreeMap<String, Option<i64>>,
}

impl Times {
    /// The times of `places` below `root`.
    ///
    /// # Errors
    /// It is in a repository that cannot be read.
    pub(super) fn of<'p>(
        root: &Path,
        places: impl Iterator<Item = &'p Place>,
    ) -> Result<Self, ArchiveError> {
        let (Some(repository), Ok(root)) = (Repository::around(root), root.canonicalize()) else {
            return Ok(Self::default());
        };
        let paths: BTreeSet<String> = places
            .flat_map(paths)
            .filter_map(|path| inside(&root, path))
            .collect();
        let committed = repository.last_changes(&paths)?;
        Ok(Self { root, committed })
    }

    /// When a submission was last changed: by a commit, or as its newest file has it.
    pub(super) fn newest(&self, place: &Place) -> Option<i64> {
        let known = paths(place)
            .into_iter()
            .filter_map(|path| self.committed.get(&inside(&self.root, path)?));
        known.max().copied().unwrap_or_else(|| newest(place))
    }
}

/// Where a submission's files are, on this machine.
fn paths(place: &Place) -> Vec<&Path> {
    match place {
        Place::Directory(path) | Place::Archive(path) => vec![path],
        Place::Files(files) => files.iter().map(|(path, _)| path.as_path()).collect(),
        Place::Git { .. } => Vec::new(),
    }
}

/// The path below `root` as git names it; `None` where it is not there, or a link leads elsewhere.
fn inside(root: &Path, path: &Path) -> Option<String> {
    let real = path.canonicalize().ok()?;
    Some(real.strip_prefix(root).ok()?.to_str()?.to_owned())
}

/// The time of the newest file, as far as a few thousand are looked at.
fn newest(place: &Place) -> Option<i64> {
    use std::os::unix::fs::MetadataExt as _;
    // What came out of an archive that tells no times is of 1970.
    let time = |path: &Path| {
        let changed = std::fs::symlink_metadata(path).ok().map(|m| m.mtime());
        changed.filter(|changed| *changed > 0)
    };
    match place {
        Place::Archive(path) => time(path),
        Place::Files(files) => files.iter().filter_map(|(path, _)| time(path)).max(),
        Place::Git { .. } => None,
        Place::Directory(path) => ignore::WalkBuilder::new(path)
            .standard_filters(false)
            .hidden(true)
            .max_depth(Some(8))
            .build()
            .take(4096)
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .filter_map(|entry| time(entry.path()))
            .max(),
    }
}
