//! GitHub Classroom: directories with a repository each, `ASSIGNMENT-LOGIN`, below one that
//! `gh classroom clone student-repos` calls `ASSIGNMENT-submissions`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::batch::find::hit::{Hit, HitLab};
use crate::batch::find::layout::{Meaning, meaning};
use crate::batch::find::search::{Entry, Search};
use crate::batch::find::tree::{committed, committed_in, name_of};
use crate::batch::item::Person;
use crate::batch::place::Place;

pub(super) fn find(search: &mut Search<'_>, dir: &Path, entries: &[Entry]) -> bool {
    let clones: Vec<&Entry> = entries
        .iter()
        .filter(|(_, path, is_dir)| *is_dir && path.join(".git").exists())
        .collect();
    if clones.is_empty() || clones.len() * 2 < entries.len() {
        return false;
    }
    let names: Vec<&str> = clones.iter().map(|(name, ..)| name.as_str()).collect();
    let Some(assignment) = assignment(search, &name_of(dir), &names) else {
        return false;
    };
    let lab = match meaning(&search.query.labs, &assignment) {
        Meaning::Lab(id) => HitLab::Known(id),
        _ => HitLab::Only,
    };
    let is_clone = |path: &Path| clones.iter().any(|(_, clone, _)| clone == path);
    let others = entries.iter().filter(|(_, path, _)| !is_clone(path));
    super::tell_of_others(search, others);
    let tasks: Vec<Tasks> = clones
        .iter()
        .map(|(_, path, _)| tasks(search, path))
        .collect();
    let whole_course = tasks.iter().any(Tasks::are_a_course);
    for ((name, path, _), tasks) in clones.into_iter().zip(tasks) {
        let student = name.get(assignment.len() + 1..).unwrap_or(name);
        let hit = |lab: HitLab, submitted, place: PathBuf| Hit {
            group: String::new(),
            student: student.to_owned(),
            aliases: Vec::new(),
            person: Person::default(),
            lab,
            attempt: None,
            submitted,
            place: Place::Directory(place),
        };
        if !whole_course || tasks.labs.is_empty() && tasks.others == 0 {
            let submitted = committed(search, path);
            search.hits.push(hit(lab.clone(), submitted, path.clone()));
            continue;
        }
        // A later commit to another task says nothing of this one.
        let dirs: BTreeSet<String> = tasks.labs.iter().map(|(dir, _)| dir.clone()).collect();
        let times = committed_in(search, path, &dirs);
        for (dir, id) in tasks.labs {
            let submitted = times.get(&dir).copied().flatten();
            search
                .hits
                .push(hit(HitLab::Known(id), submitted, path.join(dir)));
        }
    }
    true
}

/// The directories of tasks in a clone: those of labs that are graded, with the lab, and how many others.
#[derive(Default)]
struct Tasks {
    labs: Vec<(String, String)>,
    others: usize,
}

impl Tasks {
    /// Two states of one lab beside each other are no course.
    fn are_a_course(&self) -> bool {
        let ids: BTreeSet<&str> = self.labs.iter().map(|(_, id)| id.as_str()).collect();
        ids.len() > 1 || ids.len() == 1 && self.others > 0
    }
}

fn tasks(search: &mut Search<'_>, clone: &Path) -> Tasks {
    let mut out = Tasks::default();
    let entries = search.list(clone).unwrap_or_else(|_| Rc::new([]));
    for (name, ..) in entries.iter().filter(|(.., is_dir)| *is_dir) {
        match meaning(&search.query.labs, name) {
            Meaning::Lab(id) => out.labs.push((name.clone(), id)),
            Meaning::Number(_) => out.others += 1,
            _ => {}
        }
    }
    out
}

/// What is before the login in every name. Logins may have hyphens, and begin alike.
fn assignment(search: &Search<'_>, parent: &str, names: &[&str]) -> Option<String> {
    let before = |name: &str, slug: &str| {
        let rest = name.strip_prefix(slug).and_then(|r| r.strip_prefix('-'));
        rest.is_some_and(|login| !login.is_empty())
    };
    let all = |slug: &str| names.iter().all(|name| before(name, slug));
    if let Some(slug) = parent.strip_suffix("-submissions").filter(|slug| all(slug)) {
        return Some(slug.to_owned());
    }
    if names.len() < 2 {
        return None;
    }
    let first = names.first()?;
    let common: Vec<&str> = first
        .match_indices('-')
        .map(|(at, _)| &first[..at])
        .filter(|slug| all(slug))
        .collect();
    let means = |slug: &&&str| !matches!(meaning(&search.query.labs, slug), Meaning::Nothing);
    let telling = common.iter().find(means);
    telling.or(common.last()).map(|slug| (*slug).to_owned())
}
