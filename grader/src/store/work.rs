//! A worker's life: claim, grade, commit, until everything has a result.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use thiserror::Error;

use super::{Claim, Commit, Key, Store, StoreError, Tally, Watch, Worker, at};

/// How often one looks whether other workers are done or gone, in parts of a lease.
const LOOKS: u32 = 10;
/// At least so often: nobody likes to wait for a long lease when all is done.
const RAREST_LOOK: Duration = Duration::from_millis(500);

/// So many items are asked for one by one rather than by a list of all.
const FEW: usize = 64;

/// What a worker does with an item.
pub trait Grade {
    /// Grades an item: the result, self-contained. A failure of the machine is a result as well.
    ///
    /// # Errors
    /// This worker is not fit for this store and says why; the item is left to others.
    fn grade(&mut self, key: &Key, item: &[u8]) -> Result<Vec<u8>, String>;

    /// The result of an item that was started [`MOST_STARTS`](super::MOST_STARTS) times by
    /// `workers`, none of which has told what came of it.
    ///
    /// # Errors
    /// As for [`Grade::grade`].
    fn give_up(&mut self, key: &Key, item: &[u8], workers: &[String]) -> Result<Vec<u8>, String>;

    /// Whether two results of one item say the same.
    fn same(&self, one: &[u8], other: &[u8]) -> bool;
}

/// What a worker has done with one item, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The item.
    pub key: Key,
    /// What became of its result.
    pub commit: Commit,
    /// It was taken over from a worker that is gone.
    pub taken_over: bool,
    /// It was given up without being graded.
    pub given_up: bool,
}

/// Why a worker cannot go on.
#[derive(Debug, Error)]
pub enum WorkError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The worker would not come to the results that are wanted.
    #[error("this machine cannot work on this store: {0}")]
    Unfit(String),
}

/// Tells a worker to stop: by a message, or by being dropped.
pub type Stop = Receiver<()>;

/// Works until every item has a result, or until told to stop. `seed` decides where to begin, so
/// that workers do not all want the same item.
///
/// # Errors
/// The store cannot be used any more, or this worker is not fit for it. What was committed stays.
pub fn work(
    store: &Store,
    worker: &Worker,
    grade: &mut dyn Grade,
    seed: u64,
    stop: &Stop,
    told: &mut dyn FnMut(Handled),
) -> Result<(), WorkError> {
    let look = (store.lease() / LOOKS).min(RAREST_LOOK);
    let mut open = Open::new(store, seed);
    loop {
        if !open.look(store)? {
            return Ok(());
        }
        let mut idle = true;
        for key in &open.keys {
            if stopped(stop, Duration::ZERO) {
                return Ok(());
            }
            if let Some(handled) = one(store, worker, grade, key)? {
                idle = false;
                told(handled);
            }
        }
        // Others have the rest: they will finish it, or their leases will end.
        if idle && stopped(stop, look) {
            return Ok(());
        }
    }
}

/// What has no result yet, beginning somewhere.
struct Open {
    keys: Vec<Key>,
    items: Watch,
    seed: u64,
}

impl Open {
    fn new(store: &Store, seed: u64) -> Self {
        Self {
            keys: Vec::new(),
            items: store.watch_items(),
            seed,
        }
    }

    /// Looks again; `false`: everything has a result.
    fn look(&mut self, store: &Store) -> Result<bool, StoreError> {
        let path = store.root().join("items");
        let changed = self.items.changed();
        if changed.map_err(at(&path, "cannot be looked at"))? || self.keys.len() > FEW {
            self.list(store)?;
        } else {
            self.keys.retain(|key| !store.result_path(key).exists());
        }
        if self.keys.is_empty() {
            // The time of a directory may be an old one where a network lies between.
            self.list(store)?;
        }
        Ok(!self.keys.is_empty())
    }

    fn list(&mut self, store: &Store) -> Result<(), StoreError> {
        let done: BTreeSet<Key> = store.finished()?.into_iter().collect();
        self.keys = store.items()?;
        self.keys.retain(|key| !done.contains(key));
        let length = u64::try_from(self.keys.len()).unwrap_or(u64::MAX).max(1);
        let first = usize::try_from(self.seed % length).unwrap_or(0);
        self.keys.rotate_left(first);
        Ok(())
    }
}

/// Does one item, if nobody else does.
fn one(
    store: &Store,
    worker: &Worker,
    grade: &mut dyn Grade,
    key: &Key,
) -> Result<Option<Handled>, WorkError> {
    let has_result = || store.result_path(key).exists();
    if has_result() {
        return Ok(None);
    }
    let Claim::Granted(lease) = store.claim(key, worker)? else {
        return Ok(None);
    };
    // Finished between the look and the claim.
    if has_result() {
        worker.done();
        return Ok(None);
    }
    let item = store.item(key)?;
    let started = store.start(key, worker)?;
    let result = match started {
        Tally::Start(_) => grade.grade(key, &item),
        Tally::GivenUp => grade.give_up(key, &item, &store.starts(key)),
    };
    let result = match result {
        Ok(result) => result,
        Err(why) => {
            worker.let_go();
            return Err(WorkError::Unfit(why));
        }
    };
    let commit = store.commit(key, worker, &result, &|a, b| grade.same(a, b))?;
    worker.done();
    Ok(Some(Handled {
        key: key.clone(),
        commit,
        taken_over: lease.taken_over,
        given_up: started == Tally::GivenUp,
    }))
}

fn stopped(stop: &Stop, within: Duration) -> bool {
    !matches!(stop.recv_timeout(within), Err(RecvTimeoutError::Timeout))
}
