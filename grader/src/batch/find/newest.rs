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
    committed: Committed,
    /// The same of what is in clones below `root`; nothing of one in which git is not asked.
    clones: BTreeMap<PathBuf, Option<Committed>>,
}

/// By the path in a repository.
type Committed = BTreeMap<String, Option<i64>>;

impl Times {
    /// The times of `places` below `root`.
    ///
    /// # Errors
    /// It is in a repository that cannot be read.
    pub(super) fn of<'p>(
        root: &Path,
        places: impl Iterator<Item = &'p Place>,
    ) -> Result<Self, ArchiveError> {
        let Ok(real) = root.canonicalize() else {
            return Ok(Self::default());
        };
        let (mut own, mut cloned) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<String>>::new());
        for path in places.flat_map(paths) {
            let Some(path) = path.canonicalize().ok() else {
                continue;
            };
            match clone_of(&real, &path) {
                Some(clone) => {
                    let paths = cloned.entry(clone.to_owned()).or_default();
                    paths.extend(inside(clone, &path));
                }
                None => own.extend(inside(&real, &path)),
            }
        }
        let asked = |(clone, paths): (PathBuf, BTreeSet<String>)| {
            let repository = Repository::clone_at(&clone).ok();
            let committed = repository.and_then(|it| it.last_changes(&paths).ok());
            (clone, committed)
        };
        let clones = cloned.into_iter().map(asked).collect();
        let committed = match Repository::around(root) {
            Some(repository) => repository.last_changes(&own)?,
            None => Committed::default(),
        };
        Ok(Self {
            root: real,
            committed,
            clones,
        })
    }

    /// When a submission was last changed: by a commit, or as its newest file has it.
    pub(super) fn newest(&self, place: &Place) -> Option<i64> {
        let mut known: Option<Option<i64>> = None;
        for path in paths(place) {
            let Ok(path) = path.canonicalize() else {
                continue;
            };
            let time = match clone_of(&self.root, &path) {
                Some(clone) => match self.clones.get(clone) {
                    Some(Some(committed)) => committed.get(&inside(clone, &path)?),
                    // Its files have the time of the checkout.
                    _ => return None,
                },
                None => inside(&self.root, &path).and_then(|path| self.committed.get(&path)),
            };
            known = known.max(time.copied());
        }
        known.unwrap_or_else(|| newest(place))
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

/// The clone below `root` that a path is in.
fn clone_of<'p>(root: &Path, path: &'p Path) -> Option<&'p Path> {
    let mut below = path.ancestors().take_while(|dir| *dir != root);
    path.starts_with(root)
        .then(|| below.find(|dir| dir.join(".git").exists()))?
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
