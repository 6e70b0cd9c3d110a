//! GitHub Classroom: directories with a repository each, `ASSIGNMENT-LOGIN`, below one that
//! `gh classroom clone student-repos` calls `ASSIGNMENT-submissions`.

use std::path::Path;

use crate::batch::find::hit::{Hit, HitLab};
use crate::batch::find::layout::{Meaning, meaning};
use crate::batch::find::search::{Entry, Search};
use crate::batch::find::tree::{committed, name_of};
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
    for (name, path, _) in clones {
        let student = name.get(assignment.len() + 1..).unwrap_or(name);
        let submitted = committed(search, path);
        search.hits.push(Hit {
            group: String::new(),
            student: student.to_owned(),
            aliases: Vec::new(),
            person: Person::default(),
            lab: lab.clone(),
            attempt: None,
            submitted,
            place: Place::Directory(path.clone()),
        });
    }
    true
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
