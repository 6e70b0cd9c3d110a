//! Directories: by a layout, or by what they look like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::FindError;
use super::hit::{Hit, HitLab};
use super::layout::{Bindings, Layout, Meaning, meaning, without_lab};
use super::search::{Search, some_of};
use super::shape::{
    by_group, by_student, has_labs_below, has_one_archive_as_others, has_sources,
    is_beside_students, is_called_by_both, is_numbered_group, is_numbered_student,
    keeps_them_below, names_tasks, stem_of,
};
use crate::batch::inside::is_source;
use crate::batch::item::Person;
use crate::batch::place::Place;
use crate::submission::Repository;

/// Levels of directories that are looked through when the layout is guessed.
const DEPTH: usize = 6;

/// The lab that a name means; `None`: another one, or none.
pub(super) fn lab_of(search: &mut Search<'_>, name: &str) -> Option<HitLab> {
    match meaning(&search.query.labs, name) {
        Meaning::Lab(id) => Some(HitLab::Known(id)),
        Meaning::Number(n) => Some(HitLab::Number(n)),
        Meaning::Several(ids) => {
            let (name, ids) = (crate::text::clean(name), ids.join(", "));
            search.lose(
                &name,
                &format!("it can mean {ids}"),
                &format!("это может быть {ids}"),
            );
            None
        }
        Meaning::Nothing => None,
    }
}

pub(super) fn by_layout(
    search: &mut Search<'_>,
    root: &Path,
    layout: &Layout,
) -> Result<(), FindError> {
    descend(search, root, layout, 0, &Bindings::default())?;
    if search.hits.is_empty() {
        let there = search.list(root)?;
        let there = there.iter().map(|(name, ..)| name.as_str());
        let there = some_of(there, search.query.lang);
        search.note(
            format!("nothing there is called so; there are: {there}"),
            format!("ничего с такими именами нет; есть: {there}"),
        );
    }
    Ok(())
}

fn descend(
    search: &mut Search<'_>,
    dir: &Path,
    layout: &Layout,
    depth: usize,
    known: &Bindings,
) -> Result<(), FindError> {
    let last = depth + 1 == layout.depth();
    for (name, path, is_dir) in search.list(dir)?.iter() {
        // Where a submission is expected an archive of it will do.
        let stem = stem_of(name, *is_dir).filter(|_| *is_dir || last);
        let Some(bound) = stem.and_then(|stem| layout.read(depth, stem, known)) else {
            continue;
        };
        if !last {
            descend(search, path, layout, depth + 1, &bound)?;
            continue;
        }
        let lab = match &bound.lab {
            Some(name) => match lab_of(search, name) {
                Some(lab) => lab,
                None => continue,
            },
            None => HitLab::Only,
        };
        let submitted = committed(search, path);
        search.hits.push(Hit {
            group: bound.group.unwrap_or_default(),
            student: bound.student.unwrap_or_default(),
            aliases: bound.number.iter().chain(&bound.name).cloned().collect(),
            person: Person {
                name: bound.name,
                number: bound.number,
                ..Person::default()
            },
            lab,
            attempt: bound.attempt,
            submitted,
            place: place(path, *is_dir),
        });
    }
    Ok(())
}

pub(super) fn place(path: &Path, is_dir: bool) -> Place {
    if is_dir {
        Place::Directory(path.to_owned())
    } else {
        Place::Archive(path.to_owned())
    }
}

/// When the commit in a clone was made.
pub(super) fn committed(search: &mut Search<'_>, path: &Path) -> Option<i64> {
    // A directory inside somebody's repository says nothing about when it was handed in.
    let cloned = path.join(".git").exists();
    cloned.then(|| clone_at(search, path)?.head_time())?
}

/// When each of these directories in a clone was changed last, by its commits.
pub(super) fn committed_in(
    search: &mut Search<'_>,
    path: &Path,
    dirs: &BTreeSet<String>,
) -> BTreeMap<String, Option<i64>> {
    let clone = clone_at(search, path);
    let times = clone.and_then(|clone| clone.last_changes(dirs).ok());
    times.unwrap_or_default()
}

fn clone_at(search: &mut Search<'_>, path: &Path) -> Option<Repository> {
    match Repository::clone_at(path) {
        Ok(clone) => Some(clone),
        Err(leading) => {
            let shown = search.shown(&path.join(leading));
            search.lose(
                &shown,
                "it is no file or leads out of the clone, so git was not asked when this was handed in; clone it anew",
                "не файл или ведёт за пределы клона, поэтому время сдачи у git не спрашивали; склонируйте заново",
            );
            None
        }
    }
}

/// Looks for directories that name a lab; where only one lab is graded, also for directories with
/// sources. Those above are the student and the group.
pub(super) fn guess(search: &mut Search<'_>, root: &Path) -> Result<(), FindError> {
    look(search, root, &mut Vec::new())
}

fn look(search: &mut Search<'_>, dir: &Path, above: &mut Vec<String>) -> Result<(), FindError> {
    let entries = search.list(dir)?;
    let mut own = has_sources(&entries) || !above.is_empty() && keeps_them_below(search, &entries)?;
    if own && has_labs_below(search, &entries)? {
        own = false;
        let mut files = entries.iter().filter(|(.., is_dir)| !is_dir);
        if let Some((_, path, _)) = files.find(|(name, ..)| is_source(name)) {
            let shown = search.shown(path);
            search.lose(
                &shown,
                "it lies beside the directories of labs",
                "лежит рядом с каталогами заданий",
            );
        }
    }
    if own {
        if search.query.labs.len() == 1 {
            let names = if above.is_empty() {
                vec![name_of(dir)]
            } else {
                above.clone()
            };
            add(search, &names, HitLab::Only, place(dir, true));
        } else {
            tell_no_lab(search, dir);
        }
        return Ok(());
    }
    let below = !above.is_empty();
    let tasks = below && (names_tasks(search, &entries)? || is_beside_students(search, dir)?);
    let by_both = is_called_by_both(search, dir, &entries, !below)?;
    let mut without = Vec::new();
    let mut by_sources = false;
    for (name, path, is_dir) in entries.iter() {
        let is_dir = *is_dir;
        let Some(stem) = stem_of(name, is_dir) else {
            continue;
        };
        let is_number = is_dir && above.len() < 2;
        let lab = match is_number
            && (is_numbered_student(search, &entries, stem, path)?
                || is_numbered_group(search, stem, path)?)
        {
            true => None,
            false => lab_of(search, stem),
        };
        match lab {
            Some(lab) if is_dir && by_student(search, path, above.is_empty())? => {
                // `lab30/ivanov`, not `ivanov/lab30`; or `lab30/21214/ivanov`.
                if by_group(search, path)? {
                    for (group, path, is_dir) in search.list(path)?.iter() {
                        if *is_dir {
                            above.push(group.clone());
                            students(search, path, above, &lab)?;
                            above.pop();
                        }
                    }
                } else {
                    students(search, path, above, &lab)?;
                }
            }
            Some(lab) => {
                let mut names = above.clone();
                if by_both || !below && !is_dir {
                    // `ivanov-lab30.zip`
                    names.push(without_lab(&search.query.labs, stem).to_owned());
                } else if !below {
                    // The one student's own directory.
                    names.push(name_of(dir));
                }
                add(search, &names, lab, place(path, is_dir));
            }
            None if is_dir => {
                if tasks && is_work(search, path)? {
                    tell_no_lab(search, path);
                } else if above.len() < DEPTH {
                    let before = search.hits.len();
                    above.push(name.clone());
                    look(search, path, above)?;
                    above.pop();
                    match search.hits.get(before..).and_then(<[Hit]>::first) {
                        None => without.push(path),
                        Some(hit) => {
                            by_sources |= matches!(&hit.place, Place::Directory(at) if at == path);
                        }
                    }
                }
            }
            None if search.query.labs.len() == 1 && !tasks => {
                // `g1/ivanov.zip`; in a student's own directory its name says nothing.
                let mut names = above.clone();
                if !below || !has_one_archive_as_others(search, dir)? {
                    names.push(stem.to_owned());
                }
                add(search, &names, HitLab::Only, place(path, false));
            }
            None => tell_no_lab(search, path),
        }
    }
    // Where those beside it are submissions it may be a student's who must not vanish.
    for path in without.iter().filter(|_| by_sources) {
        let shown = search.shown(path);
        search.lose(
            &shown,
            "there is no source in it",
            "исходных текстов в нём нет",
        );
    }
    Ok(())
}

/// Adds what lies in a lab's directory, or in a group's in it: one directory or archive a student.
fn students(
    search: &mut Search<'_>,
    dir: &Path,
    above: &[String],
    lab: &HitLab,
) -> Result<(), FindError> {
    for (student, path, is_dir) in search.list(dir)?.iter() {
        let Some(stem) = stem_of(student, *is_dir) else {
            continue;
        };
        let mut names = above.to_vec();
        names.push(match is_dir {
            true => stem.to_owned(),
            false => without_lab(&search.query.labs, stem).to_owned(),
        });
        add(search, &names, lab.clone(), place(path, *is_dir));
    }
    Ok(())
}

/// Whether there is somebody's work in a directory itself.
fn is_work(search: &mut Search<'_>, dir: &Path) -> Result<bool, FindError> {
    let entries = search.list(dir)?;
    Ok(has_sources(&entries) || keeps_them_below(search, &entries)?)
}

/// Tells of what may be somebody's work of a lab, and has no name that says so.
fn tell_no_lab(search: &mut Search<'_>, path: &Path) {
    let shown = search.shown(path);
    search.lose(
        &shown,
        "its name does not say which lab it is",
        "по имени не видно, какое это задание",
    );
}

fn add(search: &mut Search<'_>, names: &[String], lab: HitLab, place: Place) {
    let mut names = names.iter().rev();
    let student = names.next().cloned().unwrap_or_default();
    let group = names.next().cloned().unwrap_or_default();
    let submitted = match &place {
        Place::Directory(path) => committed(search, path),
        _ => None,
    };
    search.hits.push(Hit {
        group,
        student,
        aliases: Vec::new(),
        person: Person::default(),
        lab,
        attempt: None,
        submitted,
        place,
    });
}

pub(super) fn name_of(dir: &Path) -> String {
    let real = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let name = real.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
