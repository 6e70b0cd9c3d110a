//! Moodle: `Name_123_assignsubmission_file_`, a directory, or with the file's name behind it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::batch::find::hit::{Hit, HitLab};
use crate::batch::find::search::{Entry, Search};
use crate::batch::item::Person;
use crate::batch::place::Place;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?$")
        .ok()
});

/// What one student handed in.
#[derive(Default)]
struct Handed {
    files: Option<Place>,
    /// Text typed into the form: counts only where there are no files, so that nobody is lost.
    typed: Option<Place>,
}

pub(super) fn find(search: &mut Search<'_>, entries: &[Entry]) -> bool {
    let Some(pattern) = &*NAME else {
        return false;
    };
    let mut students: BTreeMap<(String, String), Handed> = BTreeMap::new();
    let (named, others): (Vec<_>, Vec<_>) = entries
        .iter()
        .partition(|(name, ..)| pattern.is_match(name));
    if named.is_empty() {
        return false;
    }
    super::tell_of_others(search, others.into_iter());
    for (name, path, is_dir) in named {
        let Some(found) = pattern.captures(name) else {
            continue;
        };
        let kind = &found["kind"];
        if !matches!(kind, "file" | "onlinetext") {
            continue;
        }
        let who = (found["name"].to_owned(), found["id"].to_owned());
        let handed = students.entry(who).or_default();
        let place = match kind {
            "file" => &mut handed.files,
            _ => &mut handed.typed,
        };
        let file = found.name("file").map_or("", |m| m.as_str());
        match place.get_or_insert(Place::Files(Vec::new())) {
            place if *is_dir => *place = Place::Directory(path.clone()),
            Place::Files(files) if !file.is_empty() => {
                files.push((path.clone(), file.to_owned()));
            }
            _ => {}
        }
    }
    // Of an assignment to teams every name has the team's before it.
    let teams = students.len() > 1
        && students
            .keys()
            .all(|(name, _)| behind(name).next().is_some());
    for ((name, id), handed) in students {
        let Some(place) = handed.files.or(handed.typed) else {
            continue;
        };
        search.hits.push(Hit {
            group: String::new(),
            aliases: with_group(&name)
                .chain(behind(&name).filter(|_| teams))
                .collect(),
            person: Person {
                name: Some(name.clone()),
                lms: Some(id),
                ..Person::default()
            },
            student: name,
            lab: HitLab::Only,
            attempt: None,
            submitted: None,
            place,
        });
    }
    true
}

/// `Petrova Anna` of `Team 7-Petrova Anna`: what of several words stands behind a hyphen.
fn behind(name: &str) -> impl Iterator<Item = String> + '_ {
    let ends = name.match_indices('-').map(|(at, _)| name[at + 1..].trim());
    ends.filter(|end| end.contains(' ')).map(str::to_owned)
}

/// `21214-Petrova Anna`, as Moodle writes when one group is downloaded, as `21214/Petrova Anna`.
/// Groups and names may have hyphens of their own.
fn with_group(name: &str) -> impl Iterator<Item = String> + '_ {
    name.match_indices('-')
        .map(|(at, _)| format!("{}/{}", &name[..at], &name[at + 1..]))
}
