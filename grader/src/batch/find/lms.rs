//! What learning management systems call the files that they give to a teacher.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::tree::committed;
use super::{FindError, Hit, HitLab, Search};
use crate::batch::item::Person;
use crate::batch::place::Place;

/// `Name_123_assignsubmission_file_`, a directory, or with the file's name behind it.
static MOODLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?$")
        .ok()
});
/// `name_LATE_123_456_file.zip`.
static CANVAS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)$").ok()
});
/// What Canvas adds to the name of a file that is handed in again: `server-1.c`.
static AGAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.*[^-])-\d{1,2}(\.[A-Za-z0-9.]+)$").ok());

type Entry = (String, PathBuf, bool);

/// Finds the submissions of a download, where it is one; says of what.
pub(super) fn find(
    search: &mut Search<'_>,
    root: &Path,
) -> Result<Option<&'static str>, FindError> {
    // Moodle's are hidden nowhere, but a whole download may be one directory in a directory.
    let entries = search.list(root)?;
    if let [(_, inner, true)] = &entries[..] {
        let inside = search.list(inner)?;
        if let Some(how) = download(search, &inside) {
            return Ok(Some(how));
        }
    }
    Ok(download(search, &entries))
}

fn download(search: &mut Search<'_>, entries: &[Entry]) -> Option<&'static str> {
    if moodle(search, entries) {
        Some("Moodle's download")
    } else if canvas(search, entries) {
        Some("Canvas's download")
    } else if classroom(search, entries) {
        Some("clones of GitHub Classroom")
    } else {
        None
    }
}

fn moodle(search: &mut Search<'_>, entries: &[Entry]) -> bool {
    let Some(pattern) = &*MOODLE else {
        return false;
    };
    let mut students: BTreeMap<(String, String), Hit> = BTreeMap::new();
    let mut any = false;
    for (name, path, is_dir) in entries {
        let Some(found) = pattern.captures(name) else {
            continue;
        };
        any = true;
        // Text typed into a form, feedback: no submission.
        if &found["kind"] != "file" {
            continue;
        }
        let (who, id) = (found["name"].to_owned(), found["id"].to_owned());
        let file = found.name("file").map_or("", |m| m.as_str());
        let hit = students.entry((who.clone(), id.clone())).or_insert(Hit {
            group: String::new(),
            student: who.clone(),
            aliases: vec![who.clone(), id.clone()],
            person: Person {
                name: Some(who),
                lms: Some(id),
                ..Person::default()
            },
            lab: HitLab::Only,
            attempt: None,
            submitted: None,
            place: Place::Files(Vec::new()),
        });
        match &mut hit.place {
            _ if *is_dir => hit.place = Place::Directory(path.clone()),
            Place::Files(files) if !file.is_empty() => {
                files.push((path.clone(), file.to_owned()));
            }
            _ => {}
        }
    }
    search.hits.extend(students.into_values());
    any
}

fn canvas(search: &mut Search<'_>, entries: &[Entry]) -> bool {
    let Some(pattern) = &*CANVAS else {
        return false;
    };
    let files = entries.iter().filter(|(_, _, is_dir)| !is_dir);
    let fitting = files.clone().filter(|(name, ..)| pattern.is_match(name));
    // `sem_2_1_lab.c` alone is no download.
    if fitting.clone().count() == 0 || fitting.count() * 2 < entries.len() {
        return false;
    }
    let mut students: BTreeMap<(String, String), Vec<(PathBuf, String)>> = BTreeMap::new();
    let mut late = BTreeSet::new();
    for (name, path, _) in files {
        let Some(found) = pattern.captures(name) else {
            continue;
        };
        let who = (found["name"].to_owned(), found["id"].to_owned());
        let file = first_name(&found["file"]);
        if found.name("late").is_some() {
            late.insert(who.0.clone());
        }
        students.entry(who).or_default().push((path.clone(), file));
    }
    if !late.is_empty() {
        let names: Vec<&str> = late.iter().take(8).map(String::as_str).collect();
        search.notes.push(format!(
            "late by Canvas's word, {} of {} students: {}{}; its file names do not tell how late, so nothing is taken away",
            late.len(),
            students.len(),
            crate::report::clean(&names.join(", ")),
            if late.len() > names.len() { ", …" } else { "" }
        ));
    }
    for ((name, id), files) in students {
        search.hits.push(Hit {
            group: String::new(),
            student: name.clone(),
            aliases: vec![id.clone(), name.clone()],
            person: Person {
                lms: Some(id),
                ..Person::default()
            },
            lab: HitLab::Only,
            attempt: None,
            submitted: None,
            place: Place::Files(files),
        });
    }
    true
}

/// The name a file had before Canvas numbered it.
fn first_name(file: &str) -> String {
    AGAIN
        .as_ref()
        .and_then(|again| again.captures(file))
        .map_or_else(
            || file.to_owned(),
            |found| format!("{}{}", &found[1], &found[2]),
        )
}

/// Directories with a repository each whose names begin alike: `lab30-ivanov`.
fn classroom(search: &mut Search<'_>, entries: &[Entry]) -> bool {
    let clones: Vec<&Entry> = entries
        .iter()
        .filter(|(_, path, is_dir)| *is_dir && path.join(".git").exists())
        .collect();
    if clones.len() < 2 || clones.len() * 2 < entries.len() {
        return false;
    }
    let common = clones
        .iter()
        .map(|(name, ..)| name.as_str())
        .reduce(|a, b| {
            let same = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y);
            let shorter = a.len().min(b.len());
            a.get(..same.map_or(shorter, |((at, _), _)| at))
                .unwrap_or("")
        })
        .unwrap_or_default();
    let Some(end) = common.rfind('-') else {
        return false;
    };
    for (name, path, _) in clones {
        let student = name.get(end + 1..).unwrap_or(name);
        search.hits.push(Hit {
            group: String::new(),
            student: student.to_owned(),
            aliases: vec![student.to_owned()],
            person: Person::default(),
            lab: HitLab::Only,
            attempt: None,
            submitted: committed(path),
            place: Place::Directory(path.clone()),
        });
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_handed_in_again_has_its_first_name() {
        assert_eq!(first_name("server-2.c"), "server.c");
        assert_eq!(first_name("lab30-1.tar.gz"), "lab30.tar.gz");
        assert_eq!(first_name("us-server.c"), "us-server.c");
        assert_eq!(first_name("Makefile"), "Makefile");
    }
}
