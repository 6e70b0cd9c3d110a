//! Canvas (canvas-lms, `lib/content_zipper.rb`): `name_LATE_123_456_file.zip`, loose files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::batch::find::hit::{Hit, HitLab};
use crate::batch::find::search::{Entry, Search, some_of};
use crate::batch::item::Person;
use crate::batch::place::Place;

/// A file, or what was typed into the form: `name_123_text.html`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<name>.+?)(?P<late>_LATE)?_(?P<id>\d+)_(?:\d+_(?P<file>.+)|(?P<typed>text|link)\.html)$",
    )
    .ok()
});
/// Where names are hidden: `LATE_anon_x5Tz2_456_file.zip`.
static ANONYMOUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<late>LATE_)?(?P<name>anon_[0-9A-Za-z]+)_(?:\d+_(?P<file>.+)|(?P<typed>text|link)\.html)$",
    )
    .ok()
});
/// What Canvas adds to the name of a file that is handed in again: `server-1.c`.
static AGAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.*[^-])-\d{1,2}(\.[A-Za-z0-9.]+)$").ok());

/// Loose files with the names they were handed in by.
type Files = Vec<(PathBuf, String)>;

pub(super) fn find(search: &mut Search<'_>, entries: &[Entry]) -> bool {
    let files = entries.iter().filter(|(_, _, is_dir)| !is_dir);
    let fitting: Vec<_> = files
        .filter_map(|(name, path, _)| Some((read(name)?, path)))
        .collect();
    // `sem_2_1_lab.c` alone is no download.
    if fitting.is_empty() || fitting.len() * 2 < entries.len() {
        return false;
    }
    let others = entries.iter();
    let others = others.filter(|(name, _, is_dir)| *is_dir || read(name).is_none());
    super::tell_of_others(search, others);
    let mut students: BTreeMap<(String, Option<String>), Files> = BTreeMap::new();
    let mut late = BTreeSet::new();
    for (found, path) in fitting {
        let id = found.name("id").map(|id| id.as_str().to_owned());
        let who = (found["name"].to_owned(), id);
        if found.name("late").is_some() {
            late.insert(who.clone());
        }
        let file = match (found.name("file"), found.name("typed")) {
            (Some(file), _) => file.as_str().to_owned(),
            (None, typed) => format!("{}.html", typed.map_or("", |m| m.as_str())),
        };
        students.entry(who).or_default().push((path.clone(), file));
    }
    if !late.is_empty() {
        let names = late.iter().map(|(name, _)| name.as_str());
        let names = some_of(names, search.query.lang);
        let (late, all) = (late.len(), students.len());
        search.note(
            format!(
                "late by Canvas's word, {late} of {all} students: {names}; its file names do not tell how late, so nothing is taken away"
            ),
            format!(
                "по словам Canvas опоздали {late} из {all}: {names}; насколько, по именам файлов не видно, поэтому баллы не сняты"
            ),
        );
    }
    for ((name, id), mut files) in students {
        first_names(&mut files);
        search.hits.push(Hit {
            group: String::new(),
            student: name,
            aliases: Vec::new(),
            person: Person {
                lms: id,
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

fn read(name: &str) -> Option<Captures<'_>> {
    let patterns = [&*ANONYMOUS, &*NAMED];
    patterns
        .into_iter()
        .flatten()
        .find_map(|pattern| pattern.captures(name))
}

/// Gives files the names they had before Canvas numbered them, unless two would then have one:
/// `part-1.c` and `part-2.c` were called so by the student.
fn first_names(files: &mut Files) {
    let names: Vec<String> = files.iter().map(|(_, name)| first_name(name)).collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *uses.entry(name).or_default() += 1;
    }
    for ((_, file), name) in files.iter_mut().zip(&names) {
        if uses.get(name.as_str()) == Some(&1) {
            file.clone_from(name);
        }
    }
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

    #[test]
    fn names_are_read_as_canvas_writes_them() {
        let parts = |name: &str| {
            let found = read(name)?;
            let part = |part| found.name(part).map_or("", |m| m.as_str()).to_owned();
            Some([part("name"), part("id"), part("file"), part("typed")].join(" "))
        };
        for (name, is) in [
            ("doejane_LATE_12_34_a_b.c", "doejane 12 a_b.c "),
            ("иванов_иван_12_34_a.c", "иванов_иван 12 a.c "),
            ("doejane_12_text.html", "doejane 12  text"),
            ("LATE_anon_x5Tz2_34_a.c", "anon_x5Tz2  a.c "),
            ("anon_12345_34_a.c", "anon_12345  a.c "),
            ("anon_x5Tz2_link.html", "anon_x5Tz2   link"),
        ] {
            assert_eq!(parts(name).as_deref(), Some(is), "{name}");
        }
        assert_eq!(parts("report_12.html"), None);
    }

    #[test]
    fn files_that_the_student_numbered_stay_apart() {
        let mut files: Files = ["part-1.c", "part-2.c", "main-1.c"]
            .map(|name| (PathBuf::new(), name.to_owned()))
            .into();
        first_names(&mut files);
        let names: Vec<&str> = files.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["part-1.c", "part-2.c", "main.c"]);
    }
}
