//! When files were changed: the last word on when a submission was handed in.

use std::path::Path;

use crate::batch::place::Place;

/// The time of the newest file, as far as a few thousand are looked at.
pub(super) fn newest(place: &Place) -> Option<i64> {
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
