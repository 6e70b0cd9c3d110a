//! One submission for each branch, by its name.

use std::path::Path;

use super::FindError;
use super::changes::Changes;
use super::hit::{Hit, HitLab};
use super::layout::{Bindings, Layout, Meaning, meaning};
use super::search::{Search, some_of};
use super::tree::lab_of;
use crate::batch::item::{Person, composed};
use crate::batch::place::Place;
use crate::lab::Lang;
use crate::submission::{ArchiveError, GitRef, Repository};
use crate::text::clean;

/// The branches whose names fit.
pub(super) fn find(
    search: &mut Search<'_>,
    repository: &Repository,
    root: &Path,
    names: &Layout,
) -> Result<(), FindError> {
    let refs = repository.refs()?;
    let read = |branch: &GitRef| {
        let named = |name: &str| names.read_all(&composed(name));
        named(&branch.name).or_else(|| named(&branch.from))
    };
    if !refs.iter().any(|branch| read(branch).is_some()) {
        let there = refs.iter().map(|branch| branch.name.as_str());
        let there = some_of(there, search.query.lang);
        search.note(
            format!("no branch is called so; there are: {there}"),
            format!("веток с такими именами нет; есть: {there}"),
        );
    }
    let mut changes = match &search.query.layout {
        Some(layout) if !names.names_student() => Some(Changes::of(repository, layout)?),
        _ => None,
    };
    for branch in refs {
        let Some(found) = read(&branch) else {
            continue;
        };
        if tell_unreadable(search, &branch) {
            continue;
        }
        let lab = match &found.lab {
            Some(name) => match lab_of(search, name) {
                Some(lab) => lab,
                None => continue,
            },
            None => HitLab::Only,
        };
        let hit = Hit {
            group: found.group.unwrap_or_default(),
            student: found.student.unwrap_or_default(),
            aliases: found.number.iter().chain(&found.name).cloned().collect(),
            person: Person {
                name: found.name,
                number: found.number,
                ..Person::default()
            },
            lab,
            attempt: found.attempt,
            submitted: Some(branch.time),
            place: at(root, &branch, String::new()),
        };
        match &mut changes {
            Some(changes) => changes.place(search, root, &branch, &hit),
            None => place(search, repository, root, &branch, hit),
        }
    }
    if let Some(changes) = changes {
        changes.tell_of_none(search);
    }
    Ok(())
}

/// Every branch but the main one; its name's first part is the student.
pub(super) fn guess(
    search: &mut Search<'_>,
    repository: &Repository,
    root: &Path,
) -> Result<(), FindError> {
    // Tags are versions more often than somebody's work.
    let refs = repository.refs()?.into_iter();
    for branch in refs.filter(|r| r.is_branch) {
        if matches!(
            branch.name.as_str(),
            "main" | "master" | "trunk" | "develop"
        ) {
            continue;
        }
        if tell_unreadable(search, &branch) {
            continue;
        }
        let whole = composed(&branch.name);
        let parts: Vec<&str> = whole.split('/').collect();
        let mut student = Vec::new();
        let mut lab = HitLab::Only;
        let mut other = false;
        for part in parts {
            match meaning(&search.query.labs, part) {
                Meaning::Lab(id) => lab = HitLab::Known(id),
                Meaning::Number(n) => lab = HitLab::Number(n),
                Meaning::Several(_) => other = true,
                Meaning::Nothing => student.push(part),
            }
        }
        let Some(name) = student.pop().filter(|_| !other) else {
            let name = &branch.name;
            search.lose(
                name,
                "the name of the branch does not say whose it is",
                "по имени ветки не видно, чья она",
            );
            continue;
        };
        let hit = Hit {
            group: student.pop().unwrap_or_default().to_owned(),
            student: name.to_owned(),
            aliases: vec![whole.clone()],
            person: Person::default(),
            lab,
            attempt: None,
            submitted: Some(branch.time),
            place: at(root, &branch, String::new()),
        };
        place(search, repository, root, &branch, hit);
    }
    Ok(())
}

pub(super) fn at(root: &Path, branch: &GitRef, directory: String) -> Place {
    Place::Git {
        repository: root.to_owned(),
        name: branch.name.clone(),
        commit: branch.commit.clone(),
        directory,
    }
}

/// Adds the hit: all of the commit, or the directories in it that the layout names and that are the
/// same student's.
fn place(search: &mut Search<'_>, repository: &Repository, root: &Path, branch: &GitRef, hit: Hit) {
    let Some(layout) = &search.query.layout else {
        search.hits.push(hit);
        return;
    };
    let directories = match repository.directories(&branch.commit) {
        Ok(directories) => directories,
        Err(error) => return unreadable(search, branch, &error),
    };
    let mut any = false;
    for directory in directories {
        let Some(found) = layout.read_all(&composed(&directory)) else {
            continue;
        };
        let student = found.student.as_deref().unwrap_or_default();
        if student.to_lowercase() != hit.student.to_lowercase() {
            continue;
        }
        if let Some(hit) = below(search, &hit, found, at(root, branch, directory)) {
            any = true;
            search.hits.push(hit);
        }
    }
    if !any {
        let student = clean(&hit.student);
        search.lose(
            &branch.name,
            &format!("there is no directory of {student} by the layout in this branch"),
            &format!("в этой ветке по раскладке нет каталога {student}"),
        );
    }
}

/// Tells of a branch whose commit is not there or is damaged.
fn tell_unreadable(search: &mut Search<'_>, branch: &GitRef) -> bool {
    let unreadable = branch.commit.is_empty();
    if unreadable {
        search.lose(
            &branch.name,
            "git cannot read what the branch points to; have it pushed again",
            "git не может прочитать, на что указывает ветка; попросите отправить её ещё раз",
        );
    }
    unreadable
}

/// Tells of a branch that cannot be read: the others are graded all the same.
pub(super) fn unreadable(search: &mut Search<'_>, branch: &GitRef, error: &ArchiveError) {
    let [en, ru] = [Lang::En, Lang::Ru].map(|lang| error.told(lang));
    search.lose(&branch.name, &en, &ru);
}

/// What is in a directory of a branch, of which the branch's name says what it says; `None`: it is
/// of another lab.
pub(super) fn below(
    search: &mut Search<'_>,
    branch: &Hit,
    found: Bindings,
    place: Place,
) -> Option<Hit> {
    let lab = match found.lab.as_deref() {
        Some(name) => lab_of(search, name)?,
        None => branch.lab.clone(),
    };
    (branch.lab == HitLab::Only || lab == branch.lab).then(|| Hit {
        group: found.group.unwrap_or_else(|| branch.group.clone()),
        lab,
        place,
        attempt: found.attempt.or(branch.attempt),
        ..branch.clone()
    })
}
