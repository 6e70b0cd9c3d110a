//! Putting a class into a store.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::pack::{PackError, pack};
use super::task::{Task, TaskLab, lab_bounds};
use crate::batch::{Item, JournalError, Progress, ResultRecord, Status, Workload};
use crate::lab::Lang;
use crate::lab::catalog::LabSource;
use crate::store::{Key, Store, StoreError};
use crate::submission::Bounds;

/// Why a class cannot be put into a store.
#[derive(Debug, Error)]
pub enum FillError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A lab cannot travel.
    #[error("the lab {lab}: {error}")]
    Lab {
        /// The lab.
        lab: String,
        /// Why not.
        error: PackError,
    },
    /// Results can no longer be written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl FillError {
    /// The same for who reads `lang`.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Store(error), _) => error.told(lang),
            (Self::Journal(error), _) => error.told(lang),
            (Self::Lab { lab, error }, Lang::Ru) => format!("задание {lab}: {error}"),
            (Self::Lab { .. }, Lang::En) => self.to_string(),
        }
    }
}

/// Adds every item that has no result yet, and gives the keys that are to be waited for. An item
/// whose files cannot be had gets its record at once.
///
/// # Errors
/// See [`FillError`].
pub fn fill(
    store: &Store,
    what: &Workload<'_>,
    sink: &mut dyn FnMut(Progress<'_>),
) -> Result<BTreeSet<Key>, FillError> {
    let mut labs = BTreeMap::new();
    for (id, lab) in what.labs {
        labs.insert(id.as_str(), sent(store, &lab.source)?);
    }
    let mut keys = BTreeSet::new();
    for item in what.items {
        let (Some(lab), Some(sent)) = (
            what.labs.get(&item.identity.lab),
            labs.get(item.identity.lab.as_str()),
        ) else {
            sink(Progress::Unchanged(item));
            continue;
        };
        let opened = match item.place.open() {
            Ok(opened) => opened,
            Err(error) => {
                record(what, what.grader.not_opened(lab, item, &error), item, sink)?;
                continue;
            }
        };
        let inputs = what.grader.inputs(lab, opened.path());
        if what.known.contains(&(item.identity.clone(), inputs.key())) {
            sink(Progress::Unchanged(item));
            continue;
        }
        let Ok(bytes) = pack(opened.path(), &Bounds::default()) else {
            // Whoever cannot read it cannot grade it: the record says why, in the usual words.
            record(
                what,
                what.grader.grade_in(lab, item, opened.path()),
                item,
                sink,
            )?;
            continue;
        };
        let task = Task::new(item, sent.clone(), &store.keep(&bytes)?, inputs);
        let key = task.key();
        if failed(store, &key)? {
            store.forget(&key)?;
        }
        put(store, &key, &task)?;
        keys.insert(key);
    }
    Ok(keys)
}

/// Adds a task; one that is there and damaged, which every worker leaves alone, is put right.
fn put(store: &Store, key: &Key, task: &Task) -> Result<(), StoreError> {
    store.add(key, &task.to_json())?;
    let there = Task::from_json(&store.item(key)?);
    if there.is_ok_and(|there| there.key() == *key) {
        return Ok(());
    }
    store.mend(key, &task.to_json())
}

fn record(
    what: &Workload<'_>,
    record: ResultRecord,
    item: &Item,
    sink: &mut dyn FnMut(Progress<'_>),
) -> Result<(), JournalError> {
    if what
        .known
        .contains(&(item.identity.clone(), record.key.clone()))
    {
        sink(Progress::Unchanged(item));
        return Ok(());
    }
    what.journal.append(&record)?;
    sink(Progress::Done(Box::new(record)));
    Ok(())
}

/// Whether the item was tried before and failed by no fault of its own: then it is tried again.
fn failed(store: &Store, key: &Key) -> Result<bool, StoreError> {
    let result = store.result(key)?;
    let record = result.and_then(|bytes| ResultRecord::from_json(&bytes).ok());
    Ok(record.is_some_and(|record| record.status == Status::Error))
}

/// How a lab gets to the workers: by its name, where they have it in their executable.
fn sent(store: &Store, lab: &LabSource) -> Result<TaskLab, FillError> {
    let Some(dir) = &lab.dir else {
        return Ok(TaskLab::Embedded(lab.lab.id.clone()));
    };
    let bytes = pack(dir, &lab_bounds()).map_err(|error| FillError::Lab {
        lab: lab.lab.id.clone(),
        error,
    })?;
    Ok(TaskLab::Packed(store.keep(&bytes)?.to_string()))
}
