//! A worker's life: claim, grade, commit, until everything has a result.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use thiserror::Error;

use super::{Cannot, Claim, Commit, Key, Store, StoreError, Tally, Watch, Worker, at};

/// How often one looks whether other workers are done or gone, in parts of a lease.
const LOOKS: u32 = 10;
/// At least so often: nobody likes to wait for a long lease when all is done.
const RAREST_LOOK: Duration = Duration::from_millis(500);

/// So many items are asked for one by one rather than by a list of all.
const FEW: usize = 64;

/// Why a worker leaves an item to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declined {
    /// It would come to another result than the one that was asked for: the item was put in by
    /// another version. It may be fit for the other items.
    Item(String),
    /// What the store says of the item is damaged, and nobody can grade it before it is put right.
    Damaged(String),
    /// Nothing can be graded on this machine: no room, no compiler.
    Machine(String),
}

/// What a worker does with an item.
pub trait Grade {
    /// Grades an item: the result, self-contained. A failure over this item is a result as well.
    ///
    /// # Errors
    /// This worker is not fit and says why; the item is left to others.
    fn grade(&mut self, key: &Key, item: &[u8]) -> Result<Vec<u8>, Declined>;

    /// The result of an item that was started [`MOST_STARTS`](super::MOST_STARTS) times by
    /// `workers`, none of which has told what came of it.
    ///
    /// # Errors
    /// As for [`Grade::grade`].
    fn give_up(&mut self, key: &Key, item: &[u8], workers: &[String]) -> Result<Vec<u8>, Declined>;

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
    /// The worker would not come to the results that are wanted; whoever tells it says so.
    #[error("{why}")]
    Unfit {
        /// Why not.
        why: String,
        /// So many submissions are left to others; 0 where nothing can be graded here.
        left: usize,
        /// What it is about is damaged.
        damaged: bool,
    },
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
    let mut declined = BTreeMap::new();
    loop {
        if !open.look(store)? {
            return Ok(());
        }
        let mut idle = true;
        for key in &open.keys {
            if stopped(stop, Duration::ZERO) {
                return Ok(());
            }
            if declined.contains_key(key) {
                continue;
            }
            match one(store, worker, grade, key)? {
                One::Handled(handled) => {
                    idle = false;
                    told(handled);
                }
                One::Declined(why, damaged) => {
                    idle = false;
                    declined.insert(key.clone(), (why, damaged));
                }
                One::Others => {}
            }
        }
        let left = || {
            open.keys
                .iter()
                .filter(|key| !store.result_path(key).exists())
        };
        if let Some(why) = left().next().and_then(|first| declined.get(first))
            && left().all(|key| declined.contains_key(key))
        {
            let (why, damaged) = why.clone();
            let left = left().count();
            return Err(WorkError::Unfit { why, left, damaged });
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
        if changed.map_err(at(&path, Cannot::LookedAt))? || self.keys.len() > FEW {
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

/// What became of one item.
enum One {
    Handled(Handled),
    /// It has a result, or somebody who works on it.
    Others,
    /// This worker is not fit for it, or it is damaged.
    Declined(String, bool),
}

/// Does one item, if nobody else does.
fn one(store: &Store, worker: &Worker, grade: &mut dyn Grade, key: &Key) -> Result<One, WorkError> {
    let has_result = || store.result_path(key).exists();
    if has_result() {
        return Ok(One::Others);
    }
    let Claim::Granted(lease) = store.claim(key, worker)? else {
        return Ok(One::Others);
    };
    // Finished between the look and the claim.
    if has_result() {
        worker.done();
        return Ok(One::Others);
    }
    let item = store.item(key)?;
    let started = store.start(key, worker)?;
    let result = match started {
        Tally::Start(_) => grade.grade(key, &item),
        Tally::GivenUp => grade.give_up(key, &item, &store.starts(key)),
    };
    let result = match result {
        Ok(result) => result,
        Err(declined) => {
            worker.let_go();
            return match declined {
                Declined::Item(why) => Ok(One::Declined(why, false)),
                Declined::Damaged(why) => Ok(One::Declined(why, true)),
                Declined::Machine(why) => Err(WorkError::Unfit {
                    why,
                    left: 0,
                    damaged: false,
                }),
            };
        }
    };
    // A store that takes no result (its disk is full) is no fault of the item's.
    let commit = store
        .commit(key, worker, &result, &|a, b| grade.same(a, b))
        .inspect_err(|_| worker.let_go())?;
    worker.done();
    Ok(One::Handled(Handled {
        key: key.clone(),
        commit,
        taken_over: lease.taken_over,
        given_up: started == Tally::GivenUp,
    }))
}

fn stopped(stop: &Stop, within: Duration) -> bool {
    !matches!(stop.recv_timeout(within), Err(RecvTimeoutError::Timeout))
}
