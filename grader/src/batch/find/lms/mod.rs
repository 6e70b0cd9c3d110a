//! What learning management systems call the files that they give to a teacher.

mod canvas;
mod classroom;
mod moodle;

use std::path::Path;

use super::FindError;
use super::search::{Entry, Search};
use crate::batch::inside::is_source;
use crate::submission::is_archive_name;

/// Finds the submissions of a download, where it is one; says of what.
pub(super) fn find(
    search: &mut Search<'_>,
    root: &Path,
) -> Result<Option<&'static str>, FindError> {
    // Moodle's are hidden nowhere, but a whole download may be one directory in a directory.
    let entries = search.list(root)?;
    if let [(_, inner, true)] = &entries[..] {
        let inside = search.list(inner)?;
        if let Some(how) = download(search, inner, &inside) {
            return Ok(Some(how));
        }
    }
    Ok(download(search, root, &entries))
}

fn download(search: &mut Search<'_>, dir: &Path, entries: &[Entry]) -> Option<&'static str> {
    let lang = search.query.lang;
    if moodle::find(search, entries) {
        Some(lang.pick("Moodle's download", "выгрузка из Moodle"))
    } else if canvas::find(search, entries) {
        Some(lang.pick("Canvas's download", "выгрузка из Canvas"))
    } else if classroom::find(search, dir, entries) {
        Some(lang.pick("clones of GitHub Classroom", "клоны GitHub Classroom"))
    } else {
        None
    }
}

/// Tells of what lies in a download and is not called as the system calls what was handed in: somebody
/// may have put a late work there.
fn tell_of_others<'e>(search: &mut Search<'_>, others: impl Iterator<Item = &'e Entry>) {
    for (name, path, is_dir) in others {
        if *is_dir || is_source(name) || is_archive_name(name) {
            let shown = search.shown(path);
            search.lose(
                &shown,
                "its name is none that this download gives to what a student handed in; grade it apart, or name it like the others",
                "имя не такое, какие эта выгрузка даёт сданному; оцените отдельно или назовите так же",
            );
        }
    }
}
