//! Workers that come, work, end and are silent, and what is done about it.

use super::*;
use std::convert::Infallible;
use std::sync::mpsc;
use tempfile::TempDir;

use crate::store::Worker;

fn key(n: u8) -> Key {
    Key::parse(&format!("{n:016x}")).unwrap()
}

type Does<'a> = Box<dyn FnMut(&Store, usize) + 'a>;
type Takes<'a> = Box<dyn FnMut(usize) -> bool + 'a>;

/// A launcher whose workers do something at once, or nothing, and are gone.
struct Fake<'a> {
    store: &'a Store,
    starts: Vec<usize>,
    does: Does<'a>,
    answers: Box<dyn FnMut() -> Presence + 'a>,
    /// Whether new workers are taken, the how many-th time they are asked for.
    takes: Takes<'a>,
    asked: usize,
    cancelled: bool,
}

impl Launcher for Fake<'_> {
    fn start(&mut self, workers: usize) -> Result<usize, LaunchError> {
        self.asked += 1;
        if !(self.takes)(self.asked) {
            return Err(LaunchError::Refused {
                program: "sbatch".to_owned(),
                why: "limit".to_owned(),
            });
        }
        self.starts.push(workers);
        (self.does)(self.store, self.starts.len());
        Ok(workers)
    }
    fn present(&mut self) -> Presence {
        (self.answers)()
    }
    fn cancel(&mut self) -> Result<(), String> {
        self.cancelled = true;
        Err("no answer".to_owned())
    }
    fn log(&self) -> String {
        "the log".to_owned()
    }
    fn complaint(&self) -> Option<String> {
        Some("full".to_owned())
    }
    fn advice(&self) -> String {
        "start some".to_owned()
    }
}

impl<'a> Fake<'a> {
    /// Workers that do something, and what the scheduler says of them.
    fn new(
        store: &'a Store,
        does: impl FnMut(&Store, usize) + 'a,
        answers: impl FnMut() -> Presence + 'a,
    ) -> Self {
        Self {
            store,
            starts: Vec::new(),
            does: Box::new(does),
            answers: Box::new(answers),
            takes: Box::new(|_| true),
            asked: 0,
            cancelled: false,
        }
    }
}

fn none() -> Presence {
    Presence::Workers(0)
}

fn result(store: &Store, n: u8) {
    let worker = Worker::join(store).unwrap();
    let text = n.to_string();
    store
        .commit(&key(n), &worker, text.as_bytes(), &|_, _| true)
        .unwrap();
}

/// Four results by so many workers, looked at all the time.
fn quick(store: &Store, workers: usize) -> Follow<'_> {
    Follow {
        look: Duration::from_millis(1),
        ..Follow::new(store, (0..4).map(key).collect(), workers)
    }
}

fn followed(
    store: &Store,
    fake: &mut Fake<'_>,
) -> (
    Result<Followed, FollowError<Infallible>>,
    Vec<Key>,
    Vec<Note>,
) {
    let (_keep, stop) = mpsc::channel();
    let (mut seen, mut notes) = (Vec::new(), Vec::new());
    let what = quick(store, 2);
    let result = follow(
        what,
        fake,
        &stop,
        &mut |key, _| {
            seen.push(key);
            Ok(())
        },
        &mut |note| notes.push(note),
    );
    (result, seen, notes)
}

#[test]
fn workers_that_are_gone_are_replaced_while_work_remains() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    // Each round of workers does two tasks and dies.
    let two = |store: &Store, round: usize| {
        let first = u8::try_from(round - 1).unwrap() * 2;
        result(store, first);
        result(store, first + 1);
    };
    let mut fake = Fake::new(&store, two, none);
    let (end, seen, notes) = followed(&store, &mut fake);
    assert_eq!(end.unwrap(), Followed::Done);
    assert_eq!(seen, (0..4).map(key).collect::<Vec<_>>());
    assert_eq!(fake.starts, [2, 2]);
    assert_eq!(
        notes,
        [Note::Asked(2), Note::ToppedUp(2, Some("full".to_owned()))]
    );
    assert!(fake.cancelled);
}

#[test]
fn a_silent_scheduler_stops_nothing() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let mut asked = 0;
    let answers = || {
        asked += 1;
        if asked == 2 {
            (0..4).for_each(|n| result(&store, n));
        }
        Presence::Unknown("connection refused".to_owned())
    };
    let mut fake = Fake::new(&store, |_, _| {}, answers);
    let (end, seen, notes) = followed(&store, &mut fake);
    assert_eq!(end.unwrap(), Followed::Done);
    assert_eq!(seen.len(), 4);
    assert_eq!(notes, [Note::Silent("connection refused".to_owned())]);
}

#[test]
fn workers_that_do_nothing_are_not_asked_for_for_ever() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let mut fake = Fake::new(&store, |_, _| {}, none);
    let (end, _, notes) = followed(&store, &mut fake);
    // They may be there still: nobody could tell them to end.
    let last = Note::NotCancelled("no answer".to_owned());
    assert_eq!(notes.last(), Some(&last));
    let error = end.unwrap_err();
    assert!(matches!(error, FollowError::Fruitless { left: 4, .. }));
    assert!(error.to_string().contains("the log"), "{error}");
    assert_eq!(fake.starts.len(), FRUITLESS);
    assert!(fake.cancelled);
}

#[test]
fn the_last_submission_is_not_tried_as_often_as_there_could_be_workers() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    (0..3).for_each(|n| result(&store, n));
    let mut fake = Fake::new(&store, |_, _| {}, none);
    let (end, seen, _) = followed(&store, &mut fake);
    assert!(matches!(end, Err(FollowError::Fruitless { left: 1, .. })));
    assert_eq!((seen.len(), &*fake.starts), (3, &[1; FRUITLESS][..]));
}

#[test]
fn who_is_at_work_goes_on_where_no_more_are_taken() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let mut looks = 0;
    // One of two is gone, and the scheduler has its limits.
    let answers = || {
        looks += 1;
        if looks == 60 {
            (0..4).for_each(|n| result(&store, n));
        }
        Presence::Workers(1)
    };
    let mut fake = Fake::new(&store, |_, _| {}, answers);
    fake.takes = Box::new(|_| false);
    let (end, _, notes) = followed(&store, &mut fake);
    assert_eq!(end.unwrap(), Followed::Done);
    let told = Note::Refused {
        program: "sbatch".to_owned(),
        why: "limit".to_owned(),
    };
    assert_eq!(notes, [told]);
    assert!(fake.asked > FRUITLESS);
}

#[test]
fn nobody_is_waited_for_whom_the_scheduler_never_takes() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    for (takes, asked) in [(0, 1), (1, 1 + FRUITLESS)] {
        let mut fake = Fake::new(&store, |_, _| {}, none);
        fake.takes = Box::new(move |time| time <= takes);
        let (end, _, _) = followed(&store, &mut fake);
        let refused = matches!(end, Err(FollowError::Launch(LaunchError::Refused { .. })));
        assert!(refused && fake.asked == asked, "{}", fake.asked);
    }
}

#[test]
fn a_scheduler_that_thinks_keeps_no_result_back() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let mut looks = 0;
    let answers = || {
        looks += 1;
        if looks == 3 {
            (0..4).for_each(|n| result(&store, n));
        }
        Presence::Asked
    };
    let mut fake = Fake::new(&store, |_, _| {}, answers);
    let (end, seen, notes) = followed(&store, &mut fake);
    assert_eq!(end.unwrap(), Followed::Done);
    assert_eq!((seen.len(), notes, fake.asked), (4, vec![], 0));
}

#[test]
fn a_store_that_takes_no_result_ends_the_batch() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    // Its workers cannot even say why they end: it can be listed, and nothing be put there.
    let full = |store: &Store, _: usize| {
        let results = store.root().join("results");
        std::fs::remove_dir(&results).unwrap();
        std::os::unix::fs::symlink("/proc/self/task", results).unwrap();
    };
    let mut fake = Fake::new(&store, full, none);
    let (end, _, _) = followed(&store, &mut fake);
    let why = end.unwrap_err().to_string();
    assert!(why.contains("/results: cannot be written: "), "{why}");
    assert_eq!(fake.starts, [2]);
}

#[test]
fn machines_of_no_use_do_not_end_the_work_of_others() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let mut looks = 0;
    // One of four works on something that takes long; the others end at once, again and again.
    let answers = || {
        looks += 1;
        if looks > 100 {
            (0..4).for_each(|n| result(&store, n));
        }
        Presence::Workers(1)
    };
    let mut fake = Fake::new(&store, |_, _| {}, answers);
    let (_keep, stop) = mpsc::channel();
    let end = follow(
        quick(&store, 4),
        &mut fake,
        &stop,
        &mut |_, _| Ok::<(), Infallible>(()),
        &mut |_| {},
    );
    assert_eq!(end.unwrap(), Followed::Done);
    // Three rounds, rounded up: no more are asked for in vain.
    assert_eq!(fake.starts, [3; 4]);
}

#[test]
fn a_node_of_no_use_is_not_asked_all_the_time() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let (mut looks, mut asked) = (0, Vec::new());
    let present = std::cell::Cell::new(0);
    let does = |_: &Store, _: usize| asked.push(present.get());
    // One works and brings a result now and then, another ends at once whenever it comes.
    let answers = || {
        present.set(looks);
        looks += 1;
        if looks % 20 == 0 {
            result(&store, looks / 20 - 1);
        }
        Presence::Workers(1)
    };
    let mut fake = Fake::new(&store, does, answers);
    let (_keep, stop) = mpsc::channel();
    let end = follow(
        quick(&store, 2),
        &mut fake,
        &stop,
        &mut |_, _| Ok::<(), Infallible>(()),
        &mut |_| {},
    );
    assert_eq!(end.unwrap(), Followed::Done);
    drop(fake);
    // The last result is work for one alone.
    assert_eq!(asked, [0, 1, 3, 7, 15, 23, 31, 39, 47, 55]);
}

#[test]
fn who_has_been_complete_for_long_is_helped_at_once() {
    let mut pace = Pace::default();
    for _ in 0..9 {
        if pace.is_due() {
            pace.asked();
        }
    }
    assert!(!pace.is_due());
    for _ in 0..=2 * pace::LONGEST {
        pace.complete();
    }
    assert!(pace.is_due());
    pace.asked();
    assert!(pace.is_due());
}

#[test]
fn what_is_there_is_taken_without_a_single_worker() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    (0..4).for_each(|n| result(&store, n));
    let mut fake = Fake::new(&store, |_, _| {}, none);
    let (end, seen, notes) = followed(&store, &mut fake);
    assert_eq!(end.unwrap(), Followed::Done);
    assert_eq!((seen.len(), fake.starts.len(), notes.len()), (4, 0, 0));
}

#[test]
fn a_store_that_nobody_works_on_is_told() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let what = Follow {
        silence: Duration::from_millis(1),
        ..Follow::new(&store, (0..4).map(key).collect(), 2)
    };
    let (_keep, stop) = mpsc::channel();
    let mut told = Vec::new();
    let end = follow(
        what,
        &mut Fake::new(&store, |_, _| {}, || Presence::Workers(2)),
        &stop,
        &mut |_, _| Ok::<(), Infallible>(()),
        &mut |note| {
            told.push(note);
            // Whoever reads it starts workers.
            (0..4).for_each(|n| result(&store, n));
        },
    );
    assert_eq!(end.unwrap(), Followed::Done);
    assert!(
        matches!(&told[..], [Note::Nobody { left: 4, advice, .. }] if advice == "start some"),
        "{told:?}"
    );
}

#[test]
fn a_beating_heart_is_a_sign_of_life() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
    let mut life = Life::new(Duration::ZERO);
    assert!(life.missed(&store).unwrap().is_some());
    let worker = Worker::join(&store).unwrap();
    assert_eq!(life.missed(&store).unwrap(), None);
    // No beat since: it is missed, and then less and less often.
    assert!(life.missed(&store).unwrap().is_some());
    drop(worker);
    assert!(life.patience > life.first);
}
