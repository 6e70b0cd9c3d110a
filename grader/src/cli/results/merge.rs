//! `grader results merge`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use grader::batch::{Identity, ItemKey, ResultRecord, Status, qualified};
use grader::gradebook::{Gradebook, LabInfo};
use grader::text::clean;

use super::parts::{Parts, granted};
use super::{failed, say};
use crate::cli::batch::namesakes::{Account, account};
use crate::cli::failure::{Failure, NOT_MET};
use crate::cli::lang::both;
use crate::cli::options::LangOption;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Put the parts of a class that several machines have graded into one gradebook
///
/// Parts are what `grader batch --shard` made. Two results of the same files that disagree are
/// refused, and nothing is merged: a verdict that moves is somebody's fault, and not the student's.
/// Students of whom there is nothing, due dates, late policies and points set by hand come along. Where
/// a part of the class is missing that is told, and the exit status is 1.
#[derive(Args)]
pub(super) struct Merge {
    /// The parts' gradebooks
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// The course, where one gradebook is for several [default: that of the parts]
    #[arg(long, value_name = "NAME")]
    course: Option<String>,
    #[command(flatten)]
    lang: LangOption,
}

pub(super) type Seen = HashMap<(Identity, ItemKey), (PathBuf, ResultRecord)>;

impl Merge {
    pub(super) fn run(&self, into: &Path) -> Result<ExitCode, Failure> {
        let mut seen = Seen::new();
        let mut class = Parts::default();
        if into.is_file() {
            let known = Gradebook::read_only(into).map_err(|e| failed(into, e))?;
            take(&known, into, &mut seen)?;
            class.before(&known)?;
        }
        let before = seen.len();
        let mut parts = Vec::new();
        for path in &self.parts {
            let part = Gradebook::read_only(path).map_err(|e| failed(path, e))?;
            take(&part, path, &mut seen)?;
            class.part(&part)?;
            parts.push(part);
        }
        same_settings(&parts)?;
        no_namesakes(&seen)?;
        class.same_division()?;
        let granted = granted(&seen);
        let course = self.course(&parts)?;
        let mut records: Vec<ResultRecord> = seen.into_values().map(|(_, record)| record).collect();
        records.sort_by(|a, b| (&a.identity, a.started).cmp(&(&b.identity, b.started)));
        let labs: BTreeSet<&String> = records.iter().map(|r| &r.identity.lab).collect();
        // Only now: what is refused leaves no file behind.
        let mut gradebook = Gradebook::open(into).map_err(|e| failed(into, e))?;
        gradebook
            .check_course(&course, labs)
            .map_err(|e| failed(into, e))?;
        let merged = {
            let mut put = || {
                // The parts know what their labs were.
                let labs = BTreeMap::new();
                let mut merge = gradebook.merge(&course, &labs, "results merge")?;
                for part in &parts {
                    merge.part(part)?;
                }
                for record in &records {
                    merge.record(record)?;
                }
                merge.finish()
            };
            put().map_err(|e| failed(into, e))?
        };
        let words = Words(self.lang.get());
        let new = records.len() - before;
        say(&words.merged(new, self.parts.len(), merged.pending))?;
        for lab in granted {
            tell!("{}", clean(&words.unlike_machines(&lab)));
        }
        Ok(ExitCode::from(if class.tell(into, words) {
            0
        } else {
            NOT_MET
        }))
    }

    fn course(&self, parts: &[Gradebook]) -> Result<String, Failure> {
        if let Some(course) = &self.course {
            return Ok(course.clone());
        }
        let mut courses = BTreeSet::new();
        for part in parts {
            courses.extend(part.courses().map_err(|e| failed(part.path(), e))?);
        }
        let names: Vec<String> = courses.into_iter().collect();
        match &names[..] {
            [] => Ok("course".to_owned()),
            [one] => Ok(one.clone()),
            _ => {
                let names = clean(&names.join(", "));
                Err(Failure::usage(both(
                    format!("the parts are of several courses: {names}"),
                    format!("части из разных курсов: {names}"),
                ))
                .hint(both(
                    "merge those of one course at a time, or say --course NAME",
                    "объединяйте по одному курсу за раз или укажите --course NAME",
                )))
            }
        }
    }
}

/// Takes what counts or waits in a gradebook; the same twice is one, and an error is less than a result.
fn take(gradebook: &Gradebook, path: &Path, seen: &mut Seen) -> Result<(), Failure> {
    let mut disagree = None;
    gradebook
        .standing_records(&mut |record| {
            let key = (record.identity.clone(), record.key.clone());
            match seen.get(&key) {
                Some(_) if record.status == Status::Error => {}
                Some((other, known)) if known.status != Status::Error => {
                    if !known.agrees_with(&record) {
                        disagree.get_or_insert_with(|| disagreement(other, known, path, &record));
                    }
                }
                _ => {
                    seen.insert(key, (path.to_owned(), record));
                }
            }
        })
        .map_err(|e| failed(path, e))?;
    disagree.map_or(Ok(()), Err)
}

/// The accounts that somebody has in each part.
type Accounts<'a> = BTreeMap<&'a Path, BTreeSet<Account<'a>>>;

/// Two students of one name, each in a part of his own, would be one: their accounts tell them apart.
/// Where all who are in several parts have other numbers there, and nobody the same, it is another
/// assignment of Moodle's.
fn no_namesakes(seen: &Seen) -> Result<(), Failure> {
    let mut accounts: BTreeMap<&Identity, Accounts<'_>> = BTreeMap::new();
    for ((identity, _), (path, record)) in seen {
        if let Some(account) = account(&record.place, record.person.lms.as_deref()) {
            let parts = accounts.entry(identity).or_default();
            parts.entry(path).or_default().insert(account);
        }
    }
    let (mut same, mut several) = (0, Vec::new());
    for (identity, parts) in accounts.iter().filter(|(_, parts)| parts.len() > 1) {
        let mut parts = parts.iter();
        let Some((first, numbers)) = parts.next() else {
            continue;
        };
        let kinds: BTreeSet<bool> = numbers.iter().map(|number| number.0).collect();
        let other = parts.find(|(_, others)| {
            numbers.is_disjoint(others) && others.iter().any(|number| kinds.contains(&number.0))
        });
        match other {
            Some((other, _)) => several.push((identity, first, other)),
            None => same += 1,
        }
    }
    let system = |identity: &&Identity| {
        let parts = accounts.get(*identity).into_iter().flatten();
        parts
            .flat_map(|(_, numbers)| numbers)
            .any(|number| !number.0)
    };
    let another = same == 0 && several.len() > 1 && !several.iter().any(|it| system(it.0));
    let Some((identity, first, other)) = several.first().filter(|_| !another) else {
        return Ok(());
    };
    let who = clean(&qualified(&identity.group, &identity.student));
    let (lab, first, other) = (&identity.lab, first.display(), other.display());
    Err(Failure::usage(both(
        format!("{who} of {lab} has one account in {first} and another in {other}: two students of one name"),
        format!("{who}, {lab}: в {first} одна учётная запись, в {other} другая: это два студента с одним именем"),
    ))
    .hint(both(
        format!("grade both into one gradebook, which tells them apart: grader batch {lab} … --gradebook {first}"),
        format!("проверьте обе части в одну ведомость, она их различает: grader batch {lab} … --gradebook {first}"),
    )))
}

/// Who has two results of the same files, where, and the first thing in which they differ.
fn disagreement(other: &Path, known: &ResultRecord, path: &Path, record: &ResultRecord) -> Failure {
    let said = |record: &ResultRecord, name: Option<&str>| {
        let whole = || format!("{} {}/{}", record.status.word(), record.points, record.of);
        match name.and_then(|name| record.requirements().iter().find(|r| r.id == name)) {
            Some(r) => format!("{} {} {}/{}", r.id, r.outcome, r.points, r.of),
            None => whole(),
        }
    };
    let differs = known.requirements().iter().find(|r| {
        let mut others = record.requirements().iter();
        !others
            .any(|o| o.id == r.id && (&o.outcome, o.points, o.of) == (&r.outcome, r.points, r.of))
    });
    let name = differs.map(|r| r.id.as_str());
    let key: String = record.key.as_str().chars().take(12).collect();
    let whose = &record.identity;
    let (one, another) = (said(known, name), said(record, name));
    let (other, path) = (other.display(), path.display());
    Failure::fault(clean(&both(
        format!("{whose}: two results of the same files (key {key}…) disagree: {one} in {other}, {another} in {path}"),
        format!("{whose}: два результата по тем же файлам (ключ {key}…) разные: {one} в {other}, {another} в {path}"),
    )))
    .hint(both(
        "nothing was merged; grade this submission again with --repeat 20 and see what moves",
        "ничего не объединено; проверьте эту работу снова с --repeat 20 и посмотрите, что меняется",
    ))
}

/// Parts of one class have the same dates and policies.
fn same_settings(parts: &[Gradebook]) -> Result<(), Failure> {
    let mut known: HashMap<String, (&Path, LabInfo)> = HashMap::new();
    for part in parts {
        for lab in part.labs().map_err(|e| failed(part.path(), e))? {
            match known.get(&lab.name) {
                Some((path, other))
                    if (&other.due, &other.late, other.pick) != (&lab.due, &lab.late, lab.pick) =>
                {
                    let (one, other, lab) =
                        (path.display(), part.path().display(), clean(&lab.name));
                    return Err(Failure::usage(both(
                        format!("{one} and {other} have another due date, late policy or choice of attempts for {lab}"),
                        format!("в {one} и {other} для {lab} разные срок сдачи, снижение за опоздание или выбор попытки"),
                    ))
                    .hint(both(
                        "grade all parts with the same --due, --late and --attempt; nothing was merged",
                        "проверьте все части с одинаковыми --due, --late и --attempt; ничего не объединено",
                    )));
                }
                Some(_) => {}
                None => {
                    known.insert(lab.name.clone(), (part.path(), lab));
                }
            }
        }
    }
    Ok(())
}
