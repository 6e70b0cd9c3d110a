//! What a worker of a store does with a task: unpacks it, grades it, and writes the record.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use supervisor::event::Means;
use supervisor::scratch::Scratch;
use thiserror::Error;

use super::pack::{PackError, unpack};
use super::task::{Task, TaskError, TaskLab};
use crate::batch::{Grader, Inputs, PlaceError, PreparedLab, ResultRecord};
use crate::lab::{Lang, catalog};
use crate::store::{Declined, Grade, Key, Store};
use crate::submission::Bounds;

/// Why this worker cannot go on with the tasks of a store.
#[derive(Debug, Error)]
pub enum HandError {
    /// The task is another version's, or no task.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The lab cannot be had.
    #[error("{0}")]
    Lab(String),
    /// This machine would come to another result.
    #[error(
        "its {what} is not the one that the batch was made with; install the same on every machine"
    )]
    Differs {
        /// `grader`, `compiler`, `options`.
        what: &'static str,
    },
    /// This machine cannot show all of it: its points would be of another total.
    #[error(
        "{lab} needs {}, which this machine does not have; where no machine has it, give the batch --without {}, and another --store",
        lacking(*.means, Lang::En),
        .means.word()
    )]
    Lacks {
        /// The lab.
        lab: String,
        /// What it needs.
        means: Means,
    },
    /// This machine has no room for the files.
    #[error("there is no room for submissions on this machine (TMPDIR names the place): {0}")]
    NoRoom(String),
}

/// What a machine may lack, in words.
#[must_use]
pub fn lacking(means: Means, lang: Lang) -> &'static str {
    match means {
        Means::Ipv6 => lang.pick("IPv6 (::1)", "IPv6 (::1)"),
        Means::OtherUser => lang.pick("a second user id", "второй идентификатор пользователя"),
    }
}

impl HandError {
    /// What it means for the item, and for the others.
    fn declined(self, key: &Key, lang: Lang) -> Declined {
        let said = self.text(lang);
        match self {
            Self::NoRoom(_) => Declined::Machine(said),
            Self::Task(_) => Declined::Damaged(format!("items/{key}.json: {said}")),
            Self::Lab(_) => Declined::Damaged(format!("{key}: {said}")),
            // Said of so many submissions, whichever came first: once for a host, however often it tries.
            Self::Lacks { .. } | Self::Differs { .. } => Declined::Item(said),
        }
    }

    /// In a language.
    fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Differs { what }, Lang::Ru) => {
                let what = match *what {
                    "grader" => "grader не тот, с которым",
                    "compiler" => "компилятор не тот, с которым",
                    _ => "параметры не те, с которыми",
                };
                format!("{what} начали проверку; установите на всех машинах одно и то же")
            }
            (Self::Lacks { lab, means }, Lang::Ru) => {
                let (means, word) = (lacking(*means, lang), means.word());
                format!(
                    "для {lab} нужен {means}, а на этой машине его нет; если его нет нигде, добавьте к команде проверки --without {word} и задайте другой --store"
                )
            }
            (Self::NoRoom(why), Lang::Ru) => {
                format!("на этой машине некуда положить работы (место задаёт TMPDIR): {why}")
            }
            (_, Lang::En) | (Self::Task(_) | Self::Lab(_), Lang::Ru) => self.to_string(),
        }
    }
}

/// Why the files of a task are not there.
enum NoFiles {
    /// The store does not have them, or not as they were.
    Lost(String),
    /// They cannot be put anywhere on this machine.
    NoRoom(String),
}

/// What is to be known of this machine.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// The language of what is said here; that of results is the store's.
    pub lang: Lang,
    /// What this machine lacks and is not to be done without.
    pub lacks: BTreeSet<Means>,
}

/// Grades tasks of a store, one after another.
#[derive(Debug)]
pub struct Hand<'a> {
    store: &'a Store,
    grader: &'a Grader<'a>,
    here: Here,
    /// Labs that were met, by what the task calls them.
    labs: BTreeMap<String, Arc<PreparedLab>>,
}

impl<'a> Hand<'a> {
    /// A pair of hands for this store.
    #[must_use]
    pub fn new(store: &'a Store, grader: &'a Grader<'a>, here: Here) -> Self {
        Self {
            store,
            grader,
            here,
            labs: BTreeMap::new(),
        }
    }

    /// The record of a task; one that cannot be graded has a record that says so, and stops nobody.
    fn record(&mut self, bytes: &[u8]) -> Result<ResultRecord, HandError> {
        let task = Task::from_json(bytes)?;
        let lab = self.lab(&task.lab).map_err(HandError::Lab)?;
        let mut lacks = self.here.lacks.iter();
        if let Some(means) = lacks.find(|means| lab.source.lab.needs(**means)) {
            return Err(HandError::Lacks {
                lab: lab.id().to_owned(),
                means: *means,
            });
        }
        match self.files(&task) {
            Ok((dir, _scratch)) => {
                let here = self.grader.inputs(&lab, &dir);
                differs(&here, &task.inputs)?;
                if here == task.inputs {
                    return Ok(self.grader.grade_in(&lab, &task.item(), &dir));
                }
                Ok(self.not_graded(
                    &lab,
                    &task,
                    "its files or its lab changed on the way".to_owned(),
                ))
            }
            Err(NoFiles::Lost(why)) => Ok(self.not_graded(&lab, &task, why)),
            Err(NoFiles::NoRoom(why)) => Err(HandError::NoRoom(why)),
        }
    }

    /// The files, and what keeps them there.
    fn files(&self, task: &Task) -> Result<(PathBuf, Scratch), NoFiles> {
        let blob = self.blob(&task.files).map_err(NoFiles::Lost)?;
        let (dir, scratch) = private().map_err(NoFiles::NoRoom)?;
        unpack(&blob, &dir, &Bounds::default()).map_err(|error| match &error {
            PackError::Io { error: io, .. } if is_the_machines(io.kind()) => {
                NoFiles::NoRoom(format!("{}: {io}", dir.display()))
            }
            _ => NoFiles::Lost(error.to_string()),
        })?;
        Ok((dir, scratch))
    }

    fn blob(&self, name: &str) -> Result<Vec<u8>, String> {
        let key = Key::parse(name).map_err(|e| e.to_string())?;
        self.store.kept(&key).map_err(|e| e.to_string())
    }

    fn lab(&mut self, lab: &TaskLab) -> Result<Arc<PreparedLab>, String> {
        let (TaskLab::Embedded(name) | TaskLab::Packed(name)) = lab;
        if let Some(known) = self.labs.get(name) {
            return Ok(Arc::clone(known));
        }
        let said = |error: &dyn std::error::Error| error.to_string();
        let prepare = |source| PreparedLab::new(source).map_err(|e| said(&e));
        let prepared = match lab {
            TaskLab::Embedded(id) => {
                let embedded = catalog::embedded().iter().find(|lab| lab.id == id);
                let embedded =
                    embedded.ok_or_else(|| format!("there is no lab `{id}` in this grader"))?;
                prepare(embedded.load(reference::NAMES).map_err(|e| said(&e))?)?
            }
            TaskLab::Packed(blob) => {
                let (dir, _scratch) = private()?;
                unpack(&self.blob(blob)?, &dir, &super::task::lab_bounds())
                    .map_err(|e| said(&e))?;
                // Its transcripts are read now: the directory ends here.
                prepare(catalog::load(&dir, reference::NAMES).map_err(|e| said(&e))?)?
            }
        };
        let prepared = Arc::new(prepared);
        self.labs.insert(name.clone(), Arc::clone(&prepared));
        Ok(prepared)
    }

    fn given_up(&mut self, bytes: &[u8], workers: &[String]) -> Result<ResultRecord, HandError> {
        let task = Task::from_json(bytes)?;
        let lab = self.lab(&task.lab).map_err(HandError::Lab)?;
        let why = format!(
            "{} workers were lost while they graded it, and none could tell why ({}): the machines' fault, or a submission that brings machines down; grade it by itself",
            workers.len(),
            workers.join(", ")
        );
        Ok(self.not_graded(&lab, &task, why))
    }

    /// A record of a failure of ours, in the place of the result that was asked for.
    fn not_graded(&self, lab: &PreparedLab, task: &Task, why: String) -> ResultRecord {
        let fault = PlaceError::Fault(why);
        ResultRecord {
            key: task.inputs.key(),
            inputs: task.inputs.clone(),
            ..self.grader.not_opened(lab, &task.item(), &fault)
        }
    }
}

impl Grade for Hand<'_> {
    fn grade(&mut self, key: &Key, item: &[u8]) -> Result<Vec<u8>, Declined> {
        let record = self.record(item);
        let record = record.map_err(|e| e.declined(key, self.here.lang))?;
        Ok(record.to_json().into_bytes())
    }

    fn give_up(&mut self, key: &Key, item: &[u8], workers: &[String]) -> Result<Vec<u8>, Declined> {
        let record = self.given_up(item, workers);
        let record = record.map_err(|e| e.declined(key, self.here.lang))?;
        Ok(record.to_json().into_bytes())
    }

    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        match (ResultRecord::from_json(one), ResultRecord::from_json(other)) {
            (Ok(one), Ok(other)) => !one.contradicts(&other),
            _ => one == other,
        }
    }
}

/// Whether this machine may come to another result than the one that was asked for.
fn differs(here: &Inputs, wanted: &Inputs) -> Result<(), HandError> {
    for (what, here, wanted) in [
        ("grader", &here.grader, &wanted.grader),
        ("compiler", &here.compiler, &wanted.compiler),
        ("list of options", &here.options, &wanted.options),
    ] {
        if here != wanted {
            return Err(HandError::Differs { what });
        }
    }
    Ok(())
}

fn private() -> Result<(PathBuf, Scratch), String> {
    Scratch::new()
        .and_then(|scratch| Ok((scratch.inside()?, scratch)))
        .map_err(|error| format!("{}: {error}", std::env::temp_dir().display()))
}

/// Whether no file of any submission could be written any more.
fn is_the_machines(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::{engine, item, lab};
    use crate::batch::{Options, Status};
    use crate::store::SHORTEST_LEASE;
    use std::fs;
    use tempfile::TempDir;

    #[test]
    fn a_machine_that_lacks_what_a_lab_needs_takes_none_of_it() {
        let engine = engine();
        let grader = Grader::new(&engine, Options::default()).unwrap();
        let (dir, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let store = Store::create(place.path(), SHORTEST_LEASE).unwrap();
        fs::write(dir.path().join("server.c"), "int main(void) { }").unwrap();
        let files = store.keep(&super::super::pack(dir.path(), &Bounds::default()).unwrap());
        let files = files.unwrap();
        for (lab, means, needs) in [
            ("inet-upper", Means::Ipv6, true),
            ("inet-upper", Means::OtherUser, false),
            ("us-name", Means::OtherUser, true),
            ("us-upper", Means::OtherUser, false),
        ] {
            for lang in [Lang::En, Lang::Ru] {
                let lacks = BTreeSet::from([means]);
                let mut hand = Hand::new(&store, &grader, Here { lang, lacks });
                let prepared = hand.lab(&TaskLab::Embedded(lab.to_owned())).unwrap();
                let inputs = grader.inputs(&prepared, dir.path());
                let lab = TaskLab::Embedded(lab.to_owned());
                let task = Task::new(&item(&dir), lab, &files, inputs);
                match hand.grade(&task.key(), &task.to_json()) {
                    Err(Declined::Item(why)) => {
                        assert!(needs && why.contains(lacking(means, lang)), "{why}");
                    }
                    // Its workers die at once: an error is a result.
                    other => assert!(!needs && other.is_ok(), "{other:?}"),
                }
            }
        }
    }

    #[test]
    fn an_error_is_no_other_result() {
        // Its workers die at once: whatever has to be built is an error.
        let engine = engine();
        let grader = Grader::new(&engine, Options::default()).unwrap();
        let (dir, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (lab, item) = (lab(), item(&dir));
        let empty = grader.grade(&lab, &item);
        fs::write(dir.path().join("us-server.c"), "int main(void) { }").unwrap();
        let broken = grader.grade(&lab, &item);
        assert_eq!(
            (empty.status, broken.status),
            (Status::Ungradable, Status::Error)
        );
        let moved = ResultRecord {
            points: 1,
            ..empty.clone()
        };
        let store = Store::create(place.path(), SHORTEST_LEASE).unwrap();
        let hand = Hand::new(&store, &grader, Here::default());
        let same = |one: &ResultRecord, other: &ResultRecord| {
            hand.same(one.to_json().as_bytes(), other.to_json().as_bytes())
        };
        assert!(same(&empty, &empty));
        assert!(!same(&empty, &moved));
        assert!(same(&empty, &broken) && same(&broken, &empty));
    }
}
