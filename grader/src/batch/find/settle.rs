//! From what was found to whose it is: the roster's names, namesakes, the chosen, attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use globset::GlobMatcher;

use super::hit::{Hit, HitLab};
use super::newest::Times;
use super::{Found, Query, Roster, RosterRow};
use crate::batch::item::{Identity, Item, Person, qualified};
use crate::lab::Lang;
use crate::submission::archive_stem;
use crate::text::{clean, some_of};

/// A hit, and by which account of a learning management system it was handed in.
struct Handed {
    account: Option<String>,
    hit: Hit,
}

/// Joins with the roster, chooses, finds out the times, numbers the attempts, sorts.
pub(super) fn settle(hits: Vec<Hit>, root: &Path, query: &Query, found: &mut Found) {
    let mut unknown = BTreeSet::new();
    let there = query.roster.as_ref().map(|roster| exact(&hits, roster));
    let there = there.unwrap_or_default();
    let mut handed: Vec<Handed> = hits
        .into_iter()
        .map(|mut hit| {
            let account = hit.person.lms.clone();
            if let Some(roster) = &query.roster {
                join(
                    &mut hit,
                    roster,
                    &there,
                    query,
                    &mut unknown,
                    &mut found.lost,
                );
            }
            Handed { account, hit }
        })
        .collect();
    let lang = query.lang;
    tell_apart(&mut handed, &mut found.notes, lang);
    handed.retain(|it| chosen(query, &it.hit.group, &it.hit.student));
    if query.by_file_times {
        by_file_times(&mut handed, root, &mut found.notes, lang);
    }
    if !unknown.is_empty() {
        let unknown = some_of(unknown.iter().map(String::as_str));
        found.notes.push(lang.pick(
            format!("not in the roster: {unknown}"),
            format!("нет в списке: {unknown}"),
        ));
    }
    let mut rows: BTreeMap<(String, String, String), Vec<Hit>> = BTreeMap::new();
    for Handed { hit, .. } in handed {
        let HitLab::Known(lab) = &hit.lab else {
            continue;
        };
        let key = (hit.group.clone(), hit.student.clone(), lab.clone());
        rows.entry(key).or_default().push(hit);
    }
    tell_of_alike(rows.keys(), &mut found.notes, lang);
    if let Some(roster) = &query.roster {
        let there: BTreeSet<(&str, &str)> = rows
            .keys()
            .map(|(group, student, _)| (group.as_str(), student.as_str()))
            .collect();
        let missing = roster.students.iter().filter(|row| {
            !there.contains(&(row.group.as_str(), row.student.as_str()))
                && chosen(query, &row.group, &row.student)
        });
        found.missing = missing.cloned().collect();
    }
    for ((group, student, lab), hits) in rows {
        attempts(&Whose(group, student, lab), hits, query, found);
    }
}

/// Gives a time of handing in to what has none yet.
fn by_file_times(handed: &mut [Handed], root: &Path, notes: &mut Vec<String>, lang: Lang) {
    let without = handed.iter().filter(|it| it.hit.submitted.is_none());
    let times = match Times::of(root, without.map(|it| &it.hit.place)) {
        Ok(times) => times,
        // The files' own times are those of the checkout: nobody is late by them.
        Err(error) => {
            let error = error.told(lang);
            notes.push(lang.pick(
                format!("the times of commits cannot be read, so none is known: {error}"),
                format!("времена коммитов не читаются, поэтому неизвестны: {error}"),
            ));
            return;
        }
    };
    for Handed { hit, .. } in handed {
        hit.submitted = hit.submitted.or_else(|| times.newest(&hit.place));
    }
}

pub(super) fn chosen(query: &Query, group: &str, student: &str) -> bool {
    let whole = qualified(group, student);
    let fits = |glob: &GlobMatcher| glob.is_match(student) || glob.is_match(&whole);
    query.only.is_empty() || query.only.iter().any(fits)
}

/// Group and student of the roster's rows whose work is where the roster says, in their group's
/// directory.
fn exact(hits: &[Hit], roster: &Roster) -> BTreeSet<(String, String)> {
    let rows = hits.iter().filter_map(|hit| in_group(hit, roster));
    rows.map(|row| (row.group.clone(), row.student.clone()))
        .collect()
}

/// The student of the roster with this name in this group.
fn in_group<'r>(hit: &Hit, roster: &'r Roster) -> Option<&'r RosterRow> {
    let whole = qualified(&hit.group, &hit.student);
    let row = roster.find([whole.as_str()])?;
    (!hit.group.is_empty() && !row.group.is_empty()).then_some(row)
}

/// The student of the roster who bears any of the names.
pub(super) fn by_name<'r>(hit: &Hit, roster: &'r Roster) -> Option<&'r RosterRow> {
    let whole = qualified(&hit.group, &hit.student);
    let names = [whole.as_str(), hit.student.as_str()].into_iter();
    roster.find(names.chain(hit.aliases.iter().map(String::as_str)))
}

fn join(
    hit: &mut Hit,
    roster: &Roster,
    there: &BTreeSet<(String, String)>,
    query: &Query,
    unknown: &mut BTreeSet<String>,
    lost: &mut Vec<String>,
) {
    // An account's number means the account's owner, not whom the university gave that number.
    let by_account = hit.person.lms.as_deref().and_then(|id| roster.account(id));
    // Who is in another group, where the student's own work is in its own, is a namesake.
    let by_name = by_name(hit, roster).filter(|row| {
        hit.group.is_empty()
            || in_group(hit, roster).is_some()
            || !there.contains(&(row.group.clone(), row.student.clone()))
    });
    if let Some(row) = by_account.or(by_name) {
        hit.student.clone_from(&row.student);
        hit.group.clone_from(&row.group);
        let lms = hit.person.lms.take();
        hit.person = row.person.clone();
        hit.person.lms = hit.person.lms.take().or(lms);
        return;
    }
    if !chosen(query, &hit.group, &hit.student) {
        return;
    }
    match roster.namesakes(&hit.student)[..] {
        [] => {
            unknown.insert(qualified(&hit.group, &hit.student));
        }
        ref all => {
            let note = namesakes(&hit.student, all, query.lang);
            if !lost.contains(&note) {
                lost.push(note);
            }
        }
    }
}

/// What is said of a name that several students of the roster bear.
fn namesakes(name: &str, all: &[&RosterRow], lang: Lang) -> String {
    let all: Vec<String> = all
        .iter()
        .map(|row| clean(&qualified(&row.group, &row.student)))
        .collect();
    let (name, all) = (clean(name), all.join(", "));
    lang.pick(
        format!(
            "{name} may be any of these of the roster, so it is taken for none of them: {all}; give them a column `alias`, or `lms` with the number in the names of the download's files"
        ),
        format!(
            "{name} может быть любым из этих в списке, поэтому не отнесён ни к кому: {all}; добавьте столбец `alias` или `lms` с номером из имён файлов выгрузки"
        ),
    )
}

/// The work of two accounts is never taken for two attempts of one student: namesakes get the
/// number of their account behind the name.
fn tell_apart(handed: &mut [Handed], notes: &mut Vec<String>, lang: Lang) {
    let mut accounts: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for it in &*handed {
        let who = (it.hit.group.clone(), it.hit.student.clone());
        accounts.entry(who).or_default().extend(it.account.clone());
    }
    accounts.retain(|_, numbers| numbers.len() > 1);
    for ((_, name), numbers) in &accounts {
        let (count, name) = (numbers.len(), clean(name));
        let numbers = some_of(numbers.iter().map(String::as_str));
        notes.push(lang.pick(
            format!(
                "{count} different students are called {name}: the number of the account is put behind the name ({numbers}); a column `lms` of the roster may tell who they are"
            ),
            format!(
                "разных студентов с именем {name}: {count}; к имени добавлен номер учётной записи ({numbers}); кто они, может сказать столбец `lms` списка"
            ),
        ));
    }
    for Handed { account, hit } in handed {
        let who = (hit.group.clone(), hit.student.clone());
        let Some(account) = account.as_ref().filter(|_| accounts.contains_key(&who)) else {
            continue;
        };
        hit.student = format!("{} {account}", hit.student);
        // What the roster says is only one's, and nobody knows whose.
        hit.person = Person {
            name: hit.person.name.take(),
            lms: Some(account.clone()),
            ..Person::default()
        };
    }
}

/// Tells of names that differ only in what people overlook: capitals, blanks, `ё` and `е`, signs.
fn tell_of_alike<'r>(
    rows: impl Iterator<Item = &'r (String, String, String)>,
    notes: &mut Vec<String>,
    lang: Lang,
) {
    let simple = |name: &str| {
        let name = name.to_lowercase().replace('ё', "е");
        let parts = name.split(|c: char| !c.is_alphanumeric());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    };
    let mut alike: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (group, student, _) in rows {
        let names = alike.entry((simple(group), simple(student))).or_default();
        names.insert(format!("`{}`", qualified(group, student)));
    }
    for names in alike.values().filter(|names| names.len() > 1) {
        let names = some_of(names.iter().map(String::as_str));
        notes.push(lang.pick(
            format!(
                "{names} may be one student, and are not taken for one: give the directories one name, or the roster a column `alias`"
            ),
            format!(
                "{names} — может быть, один студент, но считаются разными: назовите каталоги одинаково или добавьте в список столбец `alias`"
            ),
        ));
    }
}

/// A name for sorting as people count: `lab30_2` is before `lab30_10`.
fn counted(name: &str) -> Vec<(String, usize, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at(letters);
        let digits = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(digits);
        let number = number.trim_start_matches('0');
        // Of numbers the longer is the larger, however large.
        parts.push((word.to_owned(), number.len(), number.to_owned()));
        rest = tail;
    }
    parts
}

/// Group, student, lab.
struct Whose(String, String, String);

/// Numbers a student's attempts at a lab.
fn attempts(
    Whose(group, student, lab): &Whose,
    mut hits: Vec<Hit>,
    query: &Query,
    found: &mut Found,
) {
    // Attempts that are not numbered: in the order of time, then of names.
    hits.sort_by_cached_key(|hit| {
        let place = hit.place.to_string();
        // `lab30 (1).zip` is behind `lab30.zip`, though a blank is before a dot.
        let name = archive_stem(&place).unwrap_or(&place);
        (hit.attempt, hit.submitted, counted(name))
    });
    if hits.len() > 1 && hits.iter().all(|hit| hit.attempt.is_none()) {
        let places: Vec<String> = hits.iter().map(|hit| hit.place.to_string()).collect();
        let places = some_of(places.iter().map(String::as_str));
        let (count, student) = (hits.len(), clean(&qualified(group, student)));
        let guessed = query.layout.is_none() && query.refs.is_none();
        let hint = query.lang.pick(
            "; if they are of different students, say where the names are (--layout '{student}_lab{n}'), or give the roster a column `group`",
            "; если они разных студентов, скажите, где имена (--layout '{student}_lab{n}'), или добавьте в список столбец `group`",
        );
        let hint = if guessed { hint } else { "" };
        found.notes.push(query.lang.pick(
            format!(
                "{student} of {lab}: {count} directories, taken as attempts in this order: {places}{hint}"
            ),
            format!(
                "{student}, {lab}: каталогов {count}, взяты как попытки в таком порядке: {places}{hint}"
            ),
        ));
    }
    let mut last = 0;
    for hit in hits {
        let attempt = hit.attempt.unwrap_or(0).max(last + 1);
        last = attempt;
        found.items.push(Item {
            identity: Identity {
                group: group.clone(),
                student: student.clone(),
                lab: lab.clone(),
                attempt,
            },
            person: hit.person,
            submitted: hit.submitted,
            place: hit.place,
            origin: None,
        });
    }
}
