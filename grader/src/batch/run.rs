//! All items of a class on the engine of this machine. Nothing is printed: who wants to see
//! something is told.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::grade::Grader;
use super::item::{Identity, Item};
use super::journal::{Journal, JournalError};
use super::key::{Inputs, ItemKey};
use super::lab::PreparedLab;
use super::record::{ResultRecord, Status};

/// What has a result already.
pub type Known = HashSet<(Identity, ItemKey)>;

/// What is to be graded, and with what; wherever that is done.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// Grades one.
    pub grader: &'a Grader<'a>,
    /// The labs, by their ids.
    pub labs: &'a BTreeMap<String, PreparedLab>,
    /// The submissions.
    pub items: &'a [Item],
    /// Those that need not be graded again.
    pub known: &'a Known,
    /// Where results are kept.
    pub journal: &'a Journal,
}

/// How a workload is graded on this machine.
#[derive(Debug)]
pub struct Local<'a> {
    /// How many submissions are under way at once.
    pub at_once: usize,
    /// Set to stop: what is under way is finished, nothing new is begun. What the machine fails
    /// from then on is as if it had not been begun: the same signal may have ended its programs.
    pub stop: &'a AtomicBool,
}

/// How often whoever watches hears that nothing has happened.
const SILENCE: Duration = Duration::from_secs(1);

/// What happens.
#[derive(Debug)]
pub enum Progress<'a> {
    /// This one is under way.
    Begun(&'a Item),
    /// Nothing has happened for a second.
    Silence,
    /// This one has a result already.
    Unchanged(&'a Item),
    /// This one has a result now, and it is on the disk.
    Done(Box<ResultRecord>),
}

enum Told<'a> {
    Progress(Progress<'a>),
    Failed(JournalError),
}

/// Grades every item that has no result yet. A submission is built while scenarios of others run,
/// and the engine's workers are shared by all; `sink` is called on this thread.
///
/// # Errors
/// Results can no longer be written down.
pub fn run(
    work: &Workload<'_>,
    how: &Local<'_>,
    sink: &mut dyn FnMut(Progress<'_>),
) -> Result<(), JournalError> {
    let next = AtomicUsize::new(0);
    let threads = how.at_once.clamp(1, work.items.len().max(1));
    // Bounded, so that a slow terminal cannot fill the memory with records.
    let (send, receive) = sync_channel(threads * 4);
    let mut failed: Option<JournalError> = None;
    thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                while !how.stop.load(Ordering::Relaxed) {
                    let taken = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = work.items.get(taken) else {
                        return;
                    };
                    // Other submissions keep the workers busy, which costs fewer threads and
                    // switches than scenarios side by side. The last ones share the workers.
                    let left = work.items.len() - taken - 1;
                    let busy = threads > work.grader.workers() && left >= threads;
                    let at_once = usize::from(busy);
                    if send.send(Told::Progress(Progress::Begun(item))).is_err() {
                        return;
                    }
                    let told = match one(work, item, at_once, how.stop) {
                        Ok(Some(progress)) => Told::Progress(progress),
                        Ok(None) => return,
                        Err(error) => Told::Failed(error),
                    };
                    let stop = matches!(told, Told::Failed(_));
                    if send.send(told).is_err() || stop {
                        return;
                    }
                }
            });
        }
        drop(send);
        loop {
            match receive.recv_timeout(SILENCE) {
                Ok(Told::Progress(progress)) => sink(progress),
                Ok(Told::Failed(error)) => {
                    // The others cannot write either.
                    how.stop.store(true, Ordering::Relaxed);
                    failed.get_or_insert(error);
                }
                Err(RecvTimeoutError::Timeout) => sink(Progress::Silence),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    failed.map_or(Ok(()), Err)
}

/// What became of an item; nothing if it failed because this is being stopped.
fn one<'a>(
    work: &Workload<'a>,
    item: &'a Item,
    at_once: usize,
    stop: &AtomicBool,
) -> Result<Option<Progress<'a>>, JournalError> {
    let unchanged = Ok(Some(Progress::Unchanged(item)));
    let Some(lab) = work.labs.get(&item.identity.lab) else {
        return unchanged;
    };
    let is_known = |inputs: &Inputs| {
        let key = (item.identity.clone(), inputs.key());
        work.known.contains(&key)
    };
    let record = match item.place.open() {
        Ok(opened) => {
            // Where nothing is known, its key need not be found out beforehand.
            let looked_up = !work.known.is_empty();
            if looked_up && is_known(&work.grader.inputs(lab, opened.path())) {
                return unchanged;
            }
            work.grader.grade_opened(lab, item, &opened, at_once)
        }
        Err(error) => {
            let record = work.grader.not_opened(lab, item, &error);
            if is_known(&record.inputs) {
                return unchanged;
            }
            record
        }
    };
    if record.status == Status::Error && stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    work.journal.append(&record)?;
    Ok(Some(Progress::Done(Box::new(record))))
}
