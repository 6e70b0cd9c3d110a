//! Finding a class's submissions: by a layout, by what learning management systems call them, by
//! branches, or by what directories look like.

mod layout;
mod lms;
mod newest;
mod refs;
mod roster;
mod settle;
mod shape;
#[cfg(test)]
mod tests;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

pub use layout::{Bindings, Layout, LayoutError};
pub use roster::{Roster, RosterError, RosterRow};

use self::settle::settle;
use super::item::{Item, Person, composed};
use super::place::Place;
use crate::lab::Lang;
use crate::lab::guess::Candidate;
use crate::locale::system_error;
use crate::submission::{
    ArchiveBounds, ArchiveError, Repository, Unpacked, is_archive_name, unpack,
};

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The labs that are graded, with the numbers by which directories name them.
    pub labs: Vec<Candidate>,
    /// The layout of directories; guessed if not given.
    pub layout: Option<Layout>,
    /// The layout of branches' names: one submission for each that fits.
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

/// Why nothing can be looked for, or nothing was found.
#[derive(Debug, Error)]
pub enum FindError {
    /// The source cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// An archive or a repository cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There are branches, but no repository.
    #[error("{}: not a git repository, so there are no branches in it", .0.display())]
    NoRepository(PathBuf),
    /// Nothing fits.
    #[error("{}: no submission found ({looked}){notes}", path.display())]
    Nothing {
        /// What was named.
        path: PathBuf,
        /// How it was looked for.
        looked: String,
        /// What was passed over.
        notes: String,
    },
    /// Nobody is called as `--only` says.
    #[error(
        "--only fits none of the {students} submissions that were found; it is a student, group/student, or a pattern such as '21214/*'"
    )]
    NobodyChosen {
        /// How many there were.
        students: usize,
    },
    /// Names mean several tasks, and the lab is none of them by its own word.
    #[error(
        "{lab} has no number of its own, and there are directories of the tasks {numbers}; say which is meant: {lab}={first}"
    )]
    WhichNumber {
        /// The lab.
        lab: String,
        /// The numbers seen.
        numbers: String,
        /// One of them.
        first: u32,
    },
    /// A download is of one assignment, and does not say of which.
    #[error(
        "{}: no name says which of the labs {} the submissions are of ({how}); name only that one lab", path.display(), labs.join(", ")
    )]
    WhichLab {
        /// What was named.
        path: PathBuf,
        /// How the submissions were told apart.
        how: String,
        /// The labs that were named.
        labs: Vec<String>,
    },
    /// More than any class has.
    #[error("{}: more than {most} directories and files", path.display())]
    TooMany {
        /// What was named.
        path: PathBuf,
        /// The bound.
        most: usize,
    },
}

impl FindError {
    /// The same for who reads `lang`. What names files or comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Unreadable { path, error } => {
                format!("{}: {}", path.display(), system_error(error, lang))
            }
            Self::Archive(error) => error.told(lang),
            Self::NoRepository(path) => {
                format!(
                    "{}: это не репозиторий git, веток в нём нет",
                    path.display()
                )
            }
            Self::Nothing {
                path,
                looked,
                notes,
            } => format!(
                "{}: ни одной работы не найдено ({looked}){notes}",
                path.display()
            ),
            Self::NobodyChosen { students } => format!(
                "--only не подходит ни к одной из найденных работ ({students}); это студент, группа/студент или образец вроде '21214/*'"
            ),
            Self::WhichNumber {
                lab,
                numbers,
                first,
            } => format!(
                "у {lab} нет своего номера, а каталоги есть для заданий {numbers}; скажите, какое это: {lab}={first}"
            ),
            Self::WhichLab { path, how, labs } => format!(
                "{}: по именам не видно, по какому из заданий {} эти работы ({how}); назовите только его",
                path.display(),
                labs.join(", ")
            ),
            Self::TooMany { path, most } => {
                format!("{}: каталогов и файлов больше {most}", path.display())
            }
        }
    }
}

/// A submission before it is known whose it really is.
#[derive(Clone, Debug)]
struct Hit {
    group: String,
    student: String,
    /// Further names by which a roster may know the student.
    aliases: Vec<String>,
    person: Person,
    lab: HitLab,
    attempt: Option<u32>,
    submitted: Option<i64>,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HitLab {
    Known(String),
    /// A number that no chosen lab says it is.
    Number(u32),
    /// Nothing says which; the only one is meant.
    Only,
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
        found.notes = unpacked.notes.iter().map(|n| n.told(lang)).collect();
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
    let repository = Repository::at(&root);
    let mut search = Search {
        query,
        hits: Vec::new(),
        notes: Vec::new(),
        lost: Vec::new(),
        entries: 0,
        root: root.clone(),
    };
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
        hits, notes, lost, ..
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

/// What is being looked through.
struct Search<'a> {
    query: &'a Query,
    hits: Vec<Hit>,
    notes: Vec<String>,
    lost: Vec<String>,
    entries: usize,
    root: PathBuf,
}

/// Directories and files that are looked at, at most.
const MOST: usize = 1_000_000;

/// The first few of these names, for a person who looks for the right one; the word for none.
fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>, lang: Lang) -> String {
    const SHOWN: usize = 8;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    if names.len() == 0 {
        return lang.pick("nothing", "ничего").to_owned();
    }
    let names: Vec<&str> = names.take(SHOWN).collect();
    format!("{}{more}", crate::text::clean(&names.join(", ")))
}

impl Search<'_> {
    /// The names in a directory, sorted; those that cannot be printed are noted.
    fn list(&mut self, dir: &Path) -> Result<Vec<(String, PathBuf, bool)>, FindError> {
        let unreadable = |error| FindError::Unreadable {
            path: dir.to_owned(),
            error,
        };
        let listing = match std::fs::read_dir(dir) {
            Ok(listing) => listing,
            // One student's directory stops nobody else.
            Err(error) if dir != self.root => {
                let shown = self.shown(dir);
                self.lose(&shown, &error.to_string(), &error.to_string());
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut out = Vec::new();
        for entry in listing {
            let entry = entry.map_err(unreadable)?;
            self.entries += 1;
            if self.entries > MOST {
                return Err(FindError::TooMany {
                    path: self.root.clone(),
                    most: MOST,
                });
            }
            let name = entry.file_name();
            let Some(text) = name
                .to_str()
                .filter(|name| !name.chars().any(char::is_control))
            else {
                use std::os::unix::ffi::OsStrExt as _;
                let shown = supervisor::bytes::escape(name.as_bytes());
                let shown = match self.shown(dir).as_str() {
                    "" => shown,
                    dir => format!("{dir}/{shown}"),
                };
                self.lose(
                    &shown,
                    "its name is not printable UTF-8",
                    "имя — не печатаемый текст в UTF-8",
                );
                continue;
            };
            if text.starts_with('.') || text == "__MACOSX" {
                continue;
            }
            // Links are followed: an instructor may have put the class together with them.
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if let Some(why) = is_link.then(|| leads_astray(dir, &path)).flatten() {
                let shown = self.shown(&path);
                self.lose(&shown, why.0, why.1);
                continue;
            }
            let is_dir = path.is_dir();
            out.push((composed(text), path, is_dir));
        }
        out.sort();
        Ok(out)
    }

    /// Notes something in the language that was asked for.
    fn note(&mut self, en: String, ru: String) {
        self.notes.push(self.query.lang.pick(en, ru));
    }

    /// Notes what may be somebody's work, and why it cannot be graded.
    fn lose(&mut self, shown: &str, en: &str, ru: &str) {
        self.lost.push(passed_over(self.query.lang, shown, en, ru));
    }

    /// A path below the source, for people.
    fn shown(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        crate::text::clean(&inside.display().to_string())
    }
}

/// That something is not graded, and why.
fn passed_over(lang: Lang, shown: &str, en: &str, ru: &str) -> String {
    lang.pick(
        format!("passed over {shown}: {en}"),
        format!("пропущено {shown}: {ru}"),
    )
}

/// What is wrong with a link in `dir`: following it would find nothing, or the class again. In both
/// languages.
fn leads_astray(dir: &Path, link: &Path) -> Option<(&'static str, &'static str)> {
    let Ok(target) = link.canonicalize() else {
        return Some(("a link that leads nowhere", "ссылка никуда не ведёт"));
    };
    let dir = dir.canonicalize().ok()?;
    (dir.starts_with(&target)).then_some((
        "a link to a directory that it is in itself",
        "ссылка на каталог, в котором она сама лежит",
    ))
}

/// Tells which submissions are left out because nothing says which of several labs they are of.
fn tell_of_no_lab(hits: &[Hit], query: &Query, lost: &mut Vec<String>) {
    let left = hits.iter().filter(|hit| hit.lab == HitLab::Only);
    for hit in left.filter(|_| query.labs.len() > 1) {
        lost.push(passed_over(
            query.lang,
            &crate::text::clean(&hit.place.to_string()),
            "no name says which lab it is",
            "по именам не видно, какое это задание",
        ));
    }
}

/// The numbers of tasks that names say and no lab that was named is.
fn tasks(hits: &[Hit]) -> Vec<u32> {
    let mut numbers: Vec<u32> = hits
        .iter()
        .filter_map(|hit| match hit.lab {
            HitLab::Number(n) => Some(n),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn listed(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(", ")
}

fn other_tasks(tasks: &[u32], query: &Query) -> String {
    let of = query.lang.pick("of", "—");
    let labs: Vec<String> = query
        .labs
        .iter()
        .map(|lab| format!("{} {of} {}", lab.id, listed(&lab.numbers)))
        .collect();
    let (tasks, labs) = (listed(tasks), labs.join(", "));
    query.lang.pick(
        format!("names are of the tasks {tasks}, but {labs}; write LAB=N for the number that the names have"),
        format!("имена — заданий {tasks}, а {labs}; напишите LAB=N с номером, который в именах"),
    )
}

/// Gives each hit its lab. A lab without a number of its own takes the only number there is.
fn with_labs(mut hits: Vec<Hit>, query: &Query, tasks: &[u32]) -> Result<Vec<Hit>, FindError> {
    let only = match &query.labs[..] {
        [lab] => Some(lab),
        _ => None,
    };
    let takes = only.filter(|lab| {
        lab.numbers.is_empty() && !hits.iter().any(|h| matches!(h.lab, HitLab::Known(_)))
    });
    if let (Some(lab), [first, _, ..]) = (takes, tasks) {
        return Err(FindError::WhichNumber {
            lab: lab.id.clone(),
            numbers: listed(tasks),
            first: *first,
        });
    }
    hits.retain_mut(|hit| match (&hit.lab, takes, only) {
        (HitLab::Known(_), ..) => true,
        (HitLab::Number(_), Some(lab), _) | (HitLab::Only, _, Some(lab)) => {
            hit.lab = HitLab::Known(lab.id.clone());
            true
        }
        _ => false,
    });
    Ok(hits)
}
