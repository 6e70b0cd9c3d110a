//! Finding a class's submissions: by a layout, by what learning management systems call them, by
//! branches, or by what directories look like.

mod changes;
mod error;
mod hit;
mod layout;
mod links;
mod lms;
mod newest;
mod refs;
mod roster;
mod search;
mod settle;
mod shape;
#[cfg(test)]
mod tests;
mod tree;

use std::io;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

pub use error::FindError;
pub use layout::{Bindings, Layout, LayoutError};
pub use roster::{Roster, RosterError, RosterRow};

use self::hit::{HitLab, other_tasks, tasks, tell_of_labs_without_any, tell_of_no_lab, with_labs};
use self::search::Search;
use self::settle::settle;
use super::item::Item;
use crate::lab::Lang;
use crate::lab::guess::Candidate;
use crate::submission::{ArchiveBounds, Repository, Unpacked, is_archive_name, unpack};

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The labs that are graded, with the numbers by which directories name them.
    pub labs: Vec<Candidate>,
    /// The layout of directories; guessed if not given.
    pub layout: Option<Layout>,
    /// The layout of branches' names: one submission for each that fits. Where it does not say
    /// whose it is, `layout` must: each directory that a branch changes is a submission then.
    pub refs: Option<Layout>,
    /// The class.
    pub roster: Option<Roster>,
    /// Only students whose `student` or `group/student` matches one of these; empty: all.
    pub only: Vec<GlobMatcher>,
    /// The newest file's time is when it was handed in, where nothing else tells; in a repository
    /// that of the last commit that changed it.
    pub by_file_times: bool,
    /// The language of notes.
    pub lang: Lang,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The submissions, by group, student, lab and attempt.
    pub items: Vec<Item>,
    /// Things worth saying, one line each.
    pub notes: Vec<String>,
    /// What may be somebody's work and cannot be graded, with why, one line each.
    pub lost: Vec<String>,
    /// Students of the roster from whom nothing was found.
    pub missing: Vec<RosterRow>,
    /// How the submissions were told apart: `Moodle's download`.
    pub how: String,
    /// Keeps an unpacked download.
    _unpacked: Option<Unpacked>,
}

/// A glob over `student` or `group/student`.
///
/// # Errors
/// It is no pattern.
pub fn only(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .case_insensitive(true)
        .build()?;
    Ok(glob.compile_matcher())
}

/// Finds the submissions in `source`: a directory, an LMS's archive, or a repository.
///
/// # Errors
/// See [`FindError`].
pub fn find(source: &Path, query: &Query) -> Result<Found, FindError> {
    let lang = query.lang;
    let mut found = Found::default();
    let meta = std::fs::metadata(source).map_err(|error| FindError::Unreadable {
        path: source.to_owned(),
        error,
    })?;
    let mut root = source.to_owned();
    if meta.is_file() && is_archive_name(&source.to_string_lossy()) {
        let unpacked = unpack(source, &class_bounds())?;
        // It may be somebody's work that was passed over.
        found.lost = unpacked.notes.iter().map(|n| n.told(lang)).collect();
        unpacked.path().clone_into(&mut root);
        found._unpacked = Some(unpacked);
    } else if !meta.is_dir() {
        return Err(FindError::Unreadable {
            path: source.to_owned(),
            error: io::Error::other(lang.pick(
                "neither a directory nor an archive (zip, tar, tar.gz)",
                "не каталог и не архив (zip, tar, tar.gz)",
            )),
        });
    }
    let repository = Repository::found_at(&root);
    let mut search = Search::new(query, &root);
    if let Some(repository) = &repository {
        tell_of_borrowed(&mut search, repository);
    }
    found.how = match (&query.refs, &query.layout, &repository) {
        (Some(names), _, Some(repository)) => {
            refs::find(&mut search, repository, &root, names)?;
            lang.pick(format!("branches `{names}`"), format!("ветки `{names}`"))
        }
        (Some(_), _, None) => return Err(FindError::NoRepository(source.to_owned())),
        (None, _, Some(repository)) if !repository.has_tree() => {
            refs::guess(&mut search, repository, &root)?;
            lang.pick("one for each branch", "по одной на ветку")
                .to_owned()
        }
        (None, Some(layout), _) => {
            tree::by_layout(&mut search, &root, layout)?;
            lang.pick(
                format!("layout `{layout}`"),
                format!("раскладка `{layout}`"),
            )
        }
        (None, None, _) => match lms::find(&mut search, &root)? {
            Some(how) => how.to_owned(),
            None => {
                tree::guess(&mut search, &root)?;
                let how = "guessed from the names of directories";
                lang.pick(how, "угадано по именам каталогов").to_owned()
            }
        },
    };
    let Search {
        hits,
        links,
        notes,
        lost,
        ..
    } = search;
    found.notes.extend(notes);
    // A directory may have been looked into twice.
    for line in lost {
        if !found.lost.contains(&line) {
            found.lost.push(line);
        }
    }
    if query.labs.len() > 1 && !hits.is_empty() && hits.iter().all(|h| h.lab == HitLab::Only) {
        return Err(FindError::WhichLab {
            path: source.to_owned(),
            how: found.how,
            labs: query.labs.iter().map(|lab| lab.id.clone()).collect(),
        });
    }
    let hits = links::leave_out(hits, &links, &root, query, &mut found.lost);
    tell_of_no_lab(&hits, query, &mut found.lost);
    let tasks = tasks(&hits);
    let hits = with_labs(hits, query, &tasks)?;
    if hits.is_empty() {
        if !tasks.is_empty() {
            found.notes.insert(0, other_tasks(&tasks, query));
        }
        let notes = found.notes.iter().chain(&found.lost).take(5);
        return Err(FindError::Nothing {
            path: source.to_owned(),
            looked: found.how,
            notes: notes.map(|note| format!("\n  {note}")).collect(),
        });
    }
    tell_of_labs_without_any(&hits, &tasks, query, &mut found);
    let students = hits.len();
    settle(hits, &root, query, &mut found);
    if found.items.is_empty() && found.missing.is_empty() && !query.only.is_empty() {
        return Err(FindError::NobodyChosen { students });
    }
    if found._unpacked.is_some() {
        call_by_origin(&mut found, &root, source);
    }
    Ok(found)
}

/// What branches say is read from the repository, and from where it leads: one that a student has made
/// could hand in the work of others so.
fn tell_of_borrowed(search: &mut Search<'_>, repository: &Repository) {
    let by_branch = search.query.refs.is_some() || !repository.has_tree();
    let Some(path) = by_branch.then(|| repository.borrows()).flatten() else {
        return;
    };
    let shown = search.shown(&path);
    search.lost.push(search.query.lang.pick(
        format!(
            "{shown}: branches or objects are read from another repository; if a student has made this one, they may be of others: ask for a clone of it"
        ),
        format!(
            "{shown}: ветки или объекты читаются из другого репозитория; если этот сделал студент, там может быть чужая работа: попросите его клон"
        ),
    ));
}

/// People know the download, not where it was unpacked to.
fn call_by_origin(found: &mut Found, unpacked: &Path, source: &Path) {
    let (unpacked, source) = (unpacked.display().to_string(), source.display().to_string());
    for item in &mut found.items {
        let place = item.place.to_string();
        item.origin = Some(place.replacen(&unpacked, &source, 1));
    }
    for note in found.notes.iter_mut().chain(&mut found.lost) {
        *note = note.replace(&unpacked, &source);
    }
}

/// Bounds of a whole class's download: one student's zeros or directories in directories, which
/// have bounds of their own later, must not cost the others theirs.
fn class_bounds() -> ArchiveBounds {
    ArchiveBounds {
        archive: 512 << 20,
        entries: 200_000,
        total: 4 << 30,
        // More than deflate can do.
        ratio: 2000,
        depth: 64,
    }
}
