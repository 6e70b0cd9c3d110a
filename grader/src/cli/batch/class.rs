//! The class that a batch is for: its labs, what was found of them, and how that is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use grader::batch::{self, Found, Item, LayoutError, PreparedLab, Query, Roster, RosterRow};
use grader::charset::Charset;
use grader::gradebook::{Gradebook, Late, time};
use grader::lab::guess::Candidate;
use grader::text::{clean, some_of};

use super::Batch;
use crate::cli::failure::Failure;
use crate::cli::lang::{both, lang};
use crate::cli::lookup;
use crate::cli::results;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// What is graded, found and made ready.
pub(super) struct Class {
    pub(super) labs: BTreeMap<String, PreparedLab>,
    pub(super) found: Found,
    /// The system's own numbers that the roster knows.
    pub(super) accounts: BTreeSet<String>,
}

impl Batch {
    pub(super) fn class(&self) -> Result<Class, Failure> {
        let Some((source, named)) = self.what.split_last() else {
            return Err(Failure::usage(both(
                "no source is named",
                "не сказано, где работы",
            )));
        };
        let mut labs = BTreeMap::new();
        let mut candidates = Vec::new();
        for name in named {
            let (name, numbers) = numbered(name)?;
            let source = lookup::lab(&name)?;
            let mut candidate = Candidate::of(&source.lab);
            if !numbers.is_empty() {
                candidate.numbers = numbers;
            }
            candidates.push(candidate);
            let lab = PreparedLab::new(source).map_err(|e| Failure::usage(e.to_string()))?;
            labs.insert(lab.id().to_owned(), lab);
        }
        let roster = match &self.roster {
            Some(path) => Some(Roster::read(path).map_err(|e| Failure::usage(e.told(lang())))?),
            None => None,
        };
        if let Some((path, Charset::Cp1251)) = self
            .roster
            .as_ref()
            .zip(roster.as_ref().map(|it| it.charset))
            && !self.quiet
        {
            tell!("{}", Words(self.lang.get()).read_as_cp1251(path));
        }
        let unused = roster.as_ref().map_or(&[][..], |roster| &roster.unused);
        if let (false, Some(path), false) = (unused.is_empty(), &self.roster, self.quiet) {
            let shown = some_of(unused.iter().map(String::as_str));
            tell!("{}", Words(self.lang.get()).unused_columns(path, &shown));
        }
        let only = self
            .only
            .iter()
            .map(|pattern| batch::only(pattern))
            .collect::<Result<_, _>>()
            .map_err(|error| {
                Failure::usage(both("--only is no pattern", "--only — не образец")).because(&error)
            })?;
        if let (Some(refs), None) = (&self.refs, &self.layout)
            && !refs.names_student()
        {
            let error = LayoutError::NoStudent(refs.to_string());
            return Err(Failure::usage(error.told(lang())).hint(both(
                "or say where students have their directories: --layout '{group}/{student}/lab{n}'; what a branch changes there is graded",
                "или скажите, где каталоги студентов: --layout '{group}/{student}/lab{n}'; проверено будет то, что ветка там меняет",
            )));
        }
        let query = Query {
            labs: candidates,
            layout: self.layout.clone(),
            refs: self.refs.clone(),
            roster,
            only,
            by_file_times: self.file_times,
            lang: self.lang.get(),
        };
        let mut found = batch::find(source, &query).map_err(|error| {
            let failure = Failure::usage(error.told(query.lang));
            match error {
                batch::FindError::Nothing { .. } if self.layout.is_none() => failure.hint(both(
                    "say where they are: --layout '{group}/{student}/lab{n}', or --refs '{student}/lab{n}' for branches",
                    "скажите, где они: --layout '{group}/{student}/lab{n}', а для веток --refs '{student}/lab{n}'",
                )),
                batch::FindError::WhichLab { .. } if self.layout.is_none() => failure.hint(both(
                    "where everybody has a directory for each lab say so: --layout '{student}/lab{n}', with what is before the names: 'os-course-{student}/lab{n}'",
                    "если у каждого по каталогу на задание, скажите: --layout '{student}/lab{n}', с тем, что стоит перед именами: 'os-course-{student}/lab{n}'",
                )),
                batch::FindError::Archive(_) if source.is_file() => {
                    failure.hint(both(
                        "unpack it by hand, and name the directory that it is unpacked to",
                        "распакуйте сами и укажите каталог с распакованным",
                    ))
                }
                _ => failure,
            }
        })?;
        if let Some(shard) = self.shard {
            found.items.retain(|item| shard.has(&item.identity));
        }
        let numbers = found.items.iter().filter_map(|item| {
            let number = item.person.lms.as_ref()?;
            query
                .roster
                .as_ref()?
                .account(number)
                .map(|_| number.clone())
        });
        let accounts = numbers.collect();
        Ok(Class {
            labs,
            found,
            accounts,
        })
    }

    /// Nobody is late whose time of handing in is not known: who asks for lateness must know that.
    /// An earlier batch may have found out what this one was not told.
    pub(super) fn say_times(&self, class: &Class, gradebook: &Gradebook) -> Result<(), Failure> {
        let asked = self.due.is_some() || self.late.as_ref().is_some_and(|l| *l != Late::default());
        let (mut unknown, mut all) = (Vec::new(), 0);
        for lab in class.labs.keys() {
            let counted = gradebook.handed_in_unknown(lab);
            let (some, of) = counted.map_err(|error| results::failed(&self.gradebook, error))?;
            unknown.extend(some);
            all += of;
        }
        if asked && !unknown.is_empty() {
            let words = Words(self.lang.get());
            let text = words.times_unknown(&unknown, all, self.file_times);
            tell!("{text}");
        }
        Ok(())
    }
}

/// `us-upper=30` as the lab and the numbers by which directories call it.
fn numbered(name: &Path) -> Result<(PathBuf, Vec<u32>), Failure> {
    let text = name.to_string_lossy();
    let Some((lab, numbers)) = text.rsplit_once('=').filter(|_| !name.exists()) else {
        return Ok((name.to_owned(), Vec::new()));
    };
    let numbers = numbers
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<u32>, _>>()
        .map_err(|_| {
            Failure::usage(both(
                format!("`{text}`: a lab's number is wanted behind `=`"),
                format!("`{text}`: после `=` нужен номер задания"),
            ))
        })?;
    Ok((lab.into(), numbers))
}

/// What was found. As with all of standard error, that nobody reads it stops no batch.
pub(super) fn say_found(class: &Class, most: usize, words: Words) {
    let found = &class.found;
    let mut students: Vec<_> = found
        .items
        .iter()
        .map(|item| (&item.identity.group, &item.identity.student))
        .collect();
    students.sort();
    students.dedup();
    tell!(
        "{} ({})",
        words.found(found.items.len(), students.len()),
        clean(&found.how)
    );
    say(&found.notes, most, words);
    let ahead = from_the_future(&found.items, time::now());
    if !ahead.is_empty() {
        let ahead = some_of(ahead.iter().map(String::as_str));
        tell!("{}", words.handed_in_ahead(&ahead));
    }
    if !found.missing.is_empty() {
        let names: Vec<String> = found.missing.iter().map(who).collect();
        let names = some_of(names.iter().map(String::as_str));
        tell!("{}: {names}", words.nothing_from(found.missing.len()));
    }
}

/// Whose work was handed in later than it is now, with the times: a clock was wrong, and what comes of
/// it is lateness. Clocks that agree as clocks do are not worth a word.
fn from_the_future(items: &[Item], now: i64) -> Vec<String> {
    const AGREE: i64 = 300;
    let late = |item: &Item| item.submitted.filter(|at| *at > now + AGREE);
    let late = items.iter().filter_map(|item| Some((item, late(item)?)));
    late.map(|(item, at)| format!("{} ({})", item.identity, time::shown(at)))
        .collect()
}

/// A student of the roster, as everywhere: two of one name are told apart by their groups.
fn who(row: &RosterRow) -> String {
    batch::qualified(&row.group, &row.student)
}

/// What is lost of a class must be known, whoever wants quiet.
pub(super) fn say_lost(class: &Class, most: usize, words: Words) {
    say(&class.found.lost, most, words);
}

fn say(notes: &[String], most: usize, words: Words) {
    for note in notes.iter().take(most) {
        tell!("{}: {}", words.pick("note", "заметка"), clean(note));
    }
    if notes.len() > most {
        tell!("{}", words.more_notes(notes.len() - most));
    }
}

pub(super) fn dry(class: &Class) -> Result<ExitCode, Failure> {
    let mut out = anstream::stdout().lock();
    for line in listing(&class.found.items) {
        writeln!(out, "{line}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each submission: whose it is, where it is, and when it was handed in, in columns.
fn listing(items: &[Item]) -> Vec<String> {
    let cells = items.iter().map(|item| {
        let whose = clean(&item.identity.to_string());
        (whose, clean(&item.origin()), item.submitted)
    });
    let cells: Vec<(String, String, Option<i64>)> = cells.collect();
    let width = |text: &String| text.chars().count();
    let whose_width = cells.iter().map(|(whose, ..)| width(whose)).max();
    let place_width = cells.iter().map(|(_, place, _)| width(place)).max();
    let (whose_width, place_width) = (whose_width.unwrap_or(0), place_width.unwrap_or(0));
    let lines = cells.into_iter().map(|(whose, place, submitted)| {
        let submitted = submitted.map(time::shown).unwrap_or_default();
        let line = format!("{whose:<whose_width$}  {place:<place_width$}  {submitted}");
        line.trim_end().to_owned()
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use grader::batch::{Identity, Person, Place};

    #[test]
    fn a_lab_may_have_a_number() {
        let read = |text: &str| numbered(Path::new(text)).ok();
        assert_eq!(read("us-upper"), Some(("us-upper".into(), vec![])));
        assert_eq!(read("us-upper=30"), Some(("us-upper".into(), vec![30])));
        assert_eq!(
            read("us-upper=30,31"),
            Some(("us-upper".into(), vec![30, 31]))
        );
        assert_eq!(read("us-upper=x"), None);
    }

    fn item(student: &str, at: &str, submitted: Option<i64>) -> Item {
        Item {
            identity: Identity {
                group: String::new(),
                student: student.into(),
                lab: "us-upper".into(),
                attempt: 1,
            },
            person: Person::default(),
            submitted,
            place: Place::Directory(at.into()),
            origin: None,
        }
    }

    #[test]
    fn nobody_hands_in_tomorrow() {
        let items = [
            item("anna", "a", Some(86_400)),
            item("boris", "b", Some(100)),
            item("vera", "v", None),
        ];
        let says = format!("anna us-upper ({})", time::shown(86_400));
        assert_eq!(from_the_future(&items, 0), [says]);
        assert!(from_the_future(&items, 86_400).is_empty());
    }

    #[test]
    fn what_was_found_stands_in_columns() {
        let items = [
            item("Ян", "a/lab30", Some(0)),
            item("Anna Petrova", "anna/lab30", None),
        ];
        let lines = listing(&items);
        assert_eq!(
            lines,
            [
                format!("Ян us-upper            a/lab30     {}", time::shown(0)),
                "Anna Petrova us-upper  anna/lab30".to_owned(),
            ]
        );
        assert!(listing(&[]).is_empty());
    }
}
