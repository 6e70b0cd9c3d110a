//! What a directory is by what lies in it: a student's with a directory for each task, a group's, or
//! a course's. A stray source in one of them makes it no submission, and a directory beside those of
//! tasks is no student.

use std::collections::BTreeSet;
use std::path::Path;

use super::FindError;
use super::layout::{Meaning, meaning, without_lab};
use super::search::{Entry, Search};
use crate::batch::inside::is_source;
use crate::submission::archive_stem;

/// Whether labs that are graded have directories in this one, or its directories' directories: then
/// sources beside them are not a submission.
pub(super) fn has_labs_below(
    search: &mut Search<'_>,
    entries: &[Entry],
) -> Result<bool, FindError> {
    if is_students(search, entries) || students(search, entries)? > 1 {
        return Ok(true);
    }
    for (_, path, _) in entries.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        if students(search, &inside)? > 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many of these directories are a student's. It counts to two, which are a group: what somebody
/// keeps of old in a directory of the submission makes none.
fn students(search: &mut Search<'_>, entries: &[Entry]) -> Result<usize, FindError> {
    let mut students = 0;
    for (_, path, _) in entries.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        students += usize::from(is_students(search, &inside));
        if students > 1 {
            break;
        }
    }
    Ok(students)
}

/// Whether a directory called by a number that is no graded lab's is a group: students in it have
/// directories of labs.
pub(super) fn is_numbered_group(
    search: &mut Search<'_>,
    name: &str,
    dir: &Path,
) -> Result<bool, FindError> {
    if !matches!(meaning(&search.query.labs, name), Meaning::Number(_)) {
        return Ok(false);
    }
    let inside = search.list(dir)?;
    Ok(students(search, &inside)? > 0)
}

/// What names a submission: a directory's name, or an archive's up to its suffix.
pub(super) fn stem_of(name: &str, is_dir: bool) -> Option<&str> {
    if is_dir {
        Some(name)
    } else {
        archive_stem(name)
    }
}

/// Whether a directory that is called by a number only is a student's, and not that of a task: it has
/// labs in it, as another one beside it has.
pub(super) fn is_numbered_student(
    search: &mut Search<'_>,
    beside: &[Entry],
    name: &str,
    dir: &Path,
) -> Result<bool, FindError> {
    let is_number = |name: &str| name.bytes().all(|c| c.is_ascii_digit());
    if !is_number(name) {
        return Ok(false);
    }
    let labs = |entries: &[Entry]| {
        let stems = entries
            .iter()
            .filter_map(|(name, _, is_dir)| stem_of(name, *is_dir));
        let mut meanings = stems.map(|stem| meaning(&search.query.labs, stem));
        meanings.any(|meaning| matches!(meaning, Meaning::Lab(_)))
    };
    if !labs(&search.list(dir)?) {
        return Ok(false);
    }
    let others = beside
        .iter()
        .filter(|(other, _, is_dir)| *is_dir && other != name);
    for (_, path, _) in others {
        if labs(&search.list(path)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether directories beside this one have directories of labs in them, at least half of them all: it
/// is a student's as they are, and what in it is named otherwise is no other student's.
pub(super) fn is_beside_students(search: &mut Search<'_>, dir: &Path) -> Result<bool, FindError> {
    let Some(above) = dir.parent() else {
        return Ok(false);
    };
    if let Some(known) = search.have_labs.get(above) {
        return Ok(*known);
    }
    let (mut all, mut with) = (0, 0);
    for (_, path, _) in search.list(above)?.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        all += 1;
        with += usize::from(is_students(search, &inside));
    }
    let known = with > 0 && 2 * with >= all;
    search.have_labs.insert(above.to_owned(), known);
    Ok(known)
}

/// Whether the directories beside this one, and itself, have one archive each in them and nothing else
/// that could be somebody's work: they are the students', whatever the archives are called.
pub(super) fn has_one_archive_as_others(
    search: &mut Search<'_>,
    dir: &Path,
) -> Result<bool, FindError> {
    let Some(above) = dir.parent() else {
        return Ok(false);
    };
    if let Some(known) = search.one_archive.get(above) {
        return Ok(*known);
    }
    let (mut all, mut other) = (0, false);
    for (_, path, _) in search.list(above)?.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        let archives = inside
            .iter()
            .filter(|(name, _, is_dir)| !is_dir && archive_stem(name).is_some());
        let archives = archives.count();
        all += archives;
        other |= archives > 1 || inside.iter().any(|(.., is_dir)| *is_dir);
    }
    let known = all > 1 && !other;
    search.one_archive.insert(above.to_owned(), known);
    Ok(known)
}

/// Whether what a lab's directory holds are groups: no sources lie in them themselves, and one has
/// several directories in it where sources do.
pub(super) fn by_group(search: &mut Search<'_>, dir: &Path) -> Result<bool, FindError> {
    let mut groups = false;
    for (_, path, _) in search.list(dir)?.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        if has_sources(&inside) {
            return Ok(false);
        }
        let mut students = 0;
        for (_, path, _) in inside
            .iter()
            .filter(|(name, _, is_dir)| *is_dir && !is_part(name))
        {
            let work = search.list(path)?;
            students += usize::from(has_sources(&work) || keeps_them_below(search, &work)?);
        }
        groups |= students > 1;
    }
    Ok(groups)
}

/// Whether what is in a directory is called by its student and the lab: `ivanov_lab30`, `petrov_lab30`.
/// One's own is called by the lab, or alike in several directories (`lab30_old`).
pub(super) fn is_called_by_both(
    search: &mut Search<'_>,
    dir: &Path,
    entries: &[Entry],
    at_root: bool,
) -> Result<bool, FindError> {
    let Some(own) = students_in_names(search, entries).filter(|own| !own.is_empty()) else {
        return Ok(false);
    };
    let Some(above) = dir.parent().filter(|_| !at_root) else {
        return Ok(own.len() > 1);
    };
    let mut all = BTreeSet::new();
    let (mut groups, mut most) = (0, 0);
    for (_, path, _) in search.list(above)?.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        let Some(names) = students_in_names(search, &inside) else {
            return Ok(false);
        };
        groups += usize::from(!names.is_empty());
        most = most.max(names.len());
        for name in names {
            if !all.insert(name) {
                return Ok(false);
            }
        }
    }
    Ok(groups > 1 && most > 1 || most > 2)
}

/// Who is named besides the lab, in names of directories and archives; `None` where one names the lab
/// alone.
fn students_in_names(search: &Search<'_>, entries: &[Entry]) -> Option<Vec<String>> {
    let labs = &search.query.labs;
    let mut out = Vec::new();
    for (name, _, is_dir) in entries {
        let Some(stem) = stem_of(name, *is_dir) else {
            continue;
        };
        match without_lab(labs, stem) {
            student if student != stem => out.push(student.to_lowercase()),
            _ if matches!(meaning(labs, stem), Meaning::Lab(_)) => return None,
            _ => {}
        }
    }
    Some(out)
}

/// Whether a directory of a lab that is graded is among these; of several labs an archive will do, as
/// what names no lab cannot be a submission then.
fn is_students(search: &Search<'_>, entries: &[Entry]) -> bool {
    let labs = &search.query.labs;
    entries.iter().any(|(name, _, is_dir)| {
        let stem = match is_dir {
            true => Some(name.as_str()),
            false => archive_stem(name).filter(|_| labs.len() > 1),
        };
        stem.is_some_and(|stem| matches!(meaning(labs, stem), Meaning::Lab(_)))
    })
}

/// Whether directories in a student's are named after tasks, of whatever lab: then what is named
/// otherwise is no other student's.
pub(super) fn names_tasks(search: &mut Search<'_>, entries: &[Entry]) -> Result<bool, FindError> {
    for (name, path, _) in entries.iter().filter(|(.., is_dir)| *is_dir) {
        let task = !matches!(meaning(&search.query.labs, name), Meaning::Nothing);
        if task && !by_student(search, path, false)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a lab's directory holds one directory for each student: no file of a submission's own, no
/// directory that is called as parts of a program are, and, but at the root, more than one of them
/// where the directories beside it are no students'.
pub(super) fn by_student(
    search: &mut Search<'_>,
    dir: &Path,
    at_root: bool,
) -> Result<bool, FindError> {
    let entries = search.list(dir)?;
    let own = entries.iter().any(|(name, _, is_dir)| match is_dir {
        true => is_part(name),
        false => archive_stem(name).is_none(),
    });
    if own {
        return Ok(false);
    }
    let mut inside = entries
        .iter()
        .filter(|(name, _, is_dir)| *is_dir || archive_stem(name).is_some());
    if at_root || inside.nth(1).is_none() {
        return Ok(at_root);
    }
    match dir.parent().and_then(Path::parent) {
        Some(beside) => Ok(!holds_students(search, beside)?),
        None => Ok(true),
    }
}

/// Whether the directories in this one are those of students: in at least half of those that have
/// directories of labs the sources lie in these themselves, or in a directory of their own.
fn holds_students(search: &mut Search<'_>, dir: &Path) -> Result<bool, FindError> {
    if let Some(known) = search.students.get(dir) {
        return Ok(*known);
    }
    let (mut all, mut students) = (0, 0);
    for (_, path, _) in search.list(dir)?.iter().filter(|(.., is_dir)| *is_dir) {
        let inside = search.list(path)?;
        let mut labs = inside.iter().filter(|(name, _, is_dir)| {
            *is_dir && !matches!(meaning(&search.query.labs, name), Meaning::Nothing)
        });
        let Some((_, lab, _)) = labs.next() else {
            continue;
        };
        let work = search.list(lab)?;
        all += 1;
        let mut parts = work.iter().filter(|(.., is_dir)| *is_dir);
        students += usize::from(has_sources(&work) || parts.any(|(name, ..)| is_part(name)));
    }
    let known = students > 0 && 2 * students >= all;
    search.students.insert(dir.to_owned(), known);
    Ok(known)
}

/// Whether a directory is called as parts of a program are, and nobody is.
fn is_part(name: &str) -> bool {
    const PARTS: [&str; 16] = [
        "src", "source", "sources", "code", "include", "lib", "doc", "docs", "report", "test",
        "tests", "server", "client", "common", "build", "bin",
    ];
    PARTS.iter().any(|part| name.eq_ignore_ascii_case(part))
}

/// Whether a directory is a submission whose sources are in a directory of their own, which is
/// nobody's name. Only where one lab is graded: else the name of a directory tells the lab.
pub(super) fn keeps_them_below(
    search: &mut Search<'_>,
    entries: &[Entry],
) -> Result<bool, FindError> {
    let below = entries.iter().find(|(name, _, is_dir)| {
        let known = ["src", "source", "sources", "code"];
        *is_dir && known.iter().any(|known| name.eq_ignore_ascii_case(known))
    });
    let Some((_, below, _)) = below.filter(|_| search.query.labs.len() == 1) else {
        return Ok(false);
    };
    Ok(has_sources(&search.list(below)?))
}

/// Whether a source is among these.
pub(super) fn has_sources(entries: &[Entry]) -> bool {
    let mut entries = entries.iter();
    entries.any(|(name, _, is_dir)| !is_dir && is_source(name))
}
