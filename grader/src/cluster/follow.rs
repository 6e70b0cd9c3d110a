//! Following a batch from where it was begun: results as they come, and workers as long as work
//! remains.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime};

use thiserror::Error;

use super::launch::{LaunchError, Launcher, Presence};
use crate::store::{Key, Stop, Store, StoreError, Watch};

/// How often the store is looked at, at most: progress is for people.
const LOOK: Duration = Duration::from_millis(200);
/// Looks at the store for each look at the scheduler, which others use as well.
const LOOKS: u32 = 5;
/// Listing the results must not take more of the time than one part in so many.
const SHARE: u32 = 20;
/// How long nobody need work before that is told. A notice only: nothing follows from it.
const SILENCE: Duration = Duration::from_secs(30);
/// It is told again after twice the time each time, but so often at least.
const RAREST: Duration = Duration::from_secs(600);
/// Rounds of new workers that may end without a single result before one stops asking for more.
const FRUITLESS: usize = 3;
/// Where new workers end again and again, so many looks at the scheduler are the longest pause.
const LONGEST: u32 = 8;

/// What is followed.
#[derive(Debug)]
pub struct Follow<'a> {
    /// Where results appear.
    pub store: &'a Store,
    /// The results that are waited for.
    pub keys: BTreeSet<Key>,
    /// How many workers there should be while work remains.
    pub workers: usize,
    /// How long nobody need work before that is told, if not [half a minute, or the
    /// lease](Follow::new).
    pub silence: Duration,
    /// How often the store is looked at, at most.
    look: Duration,
}

impl<'a> Follow<'a> {
    /// Follows a store until these results are there.
    #[must_use]
    pub fn new(store: &'a Store, keys: BTreeSet<Key>, workers: usize) -> Self {
        Self {
            store,
            keys,
            workers,
            silence: SILENCE.max(store.lease()),
            look: LOOK,
        }
    }
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// So many workers were asked for.
    Asked(usize),
    /// So many more, because others are gone and work remains; what one of those complains of.
    ToppedUp(usize, Option<String>),
    /// What happened to workers.
    News(String),
    /// The scheduler does not answer; the results do not depend on it.
    Silent(String),
    /// It answers again.
    Answers,
    /// Workers that are not wanted any more could not be told so, and why.
    NotCancelled(String),
    /// Nobody works on the store: no heart beats, and no result comes.
    Nobody {
        /// Submissions without a result.
        left: usize,
        /// For how long.
        since: Duration,
        /// What to do about it.
        advice: String,
    },
}

/// How following ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// Every result has come.
    Done,
    /// It was told to stop; the workers were told as well.
    Stopped,
}

/// Why following ended early.
#[derive(Debug, Error)]
pub enum FollowError<E> {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No workers can be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Workers come and go, and nothing is done.
    #[error("workers end without grading anything ({left} submissions are left): see {log}")]
    Fruitless {
        /// Submissions without a result.
        left: usize,
        /// Where workers' messages are.
        log: String,
    },
    /// Whoever takes the results cannot.
    #[error("a result cannot be kept")]
    Sink(E),
}

/// Starts workers, hands out results as they appear, and replaces workers that are gone, until all
/// results are there. What is there already is handed out first: so a batch is resumed.
///
/// # Errors
/// See [`FollowError`]. Workers that are still there are cancelled.
pub fn follow<E>(
    what: Follow<'_>,
    launcher: &mut dyn Launcher,
    stop: &Stop,
    on_result: &mut dyn FnMut(Key, Vec<u8>) -> Result<(), E>,
    on_note: &mut dyn FnMut(Note),
) -> Result<Followed, FollowError<E>> {
    let result = Following {
        fruitless: 0,
        asked: false,
        pace: Pace::default(),
        silent: false,
        life: Life::new(what.silence),
        results: what.store.watch_results(),
        what,
    }
    .run(launcher, stop, on_result, on_note);
    // Finished workers have nothing more to do, the others are not wanted any more.
    let cancelled = launcher.cancel();
    if !matches!(result, Ok(Followed::Done))
        && let Err(why) = cancelled
    {
        on_note(Note::NotCancelled(why));
    }
    result
}

struct Following<'a> {
    what: Follow<'a>,
    /// Workers that were started since the last result.
    fruitless: usize,
    asked: bool,
    pace: Pace,
    silent: bool,
    life: Life,
    results: Watch,
}

/// How soon more workers are asked for: at once, but less and less often where those that come end
/// again and again, as on a node of no use, which is the first that has room for the next ones.
struct Pace {
    /// Looks to be sat out.
    rest: u32,
    /// So many from one asking to the next.
    next: u32,
    /// Looks since a worker was missing.
    calm: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            rest: 0,
            next: 1,
            calm: 0,
        }
    }
}

impl Pace {
    /// All are there.
    fn complete(&mut self) {
        self.rest = self.rest.saturating_sub(1);
        self.calm += 1;
        if self.calm > 2 * LONGEST {
            self.next = 1;
        }
    }

    /// Some are missing: whether to ask for them now.
    fn is_due(&mut self) -> bool {
        self.calm = 0;
        let due = self.rest == 0;
        self.rest = self.rest.saturating_sub(1);
        due
    }

    fn asked(&mut self) {
        self.rest = self.next - 1;
        self.next = (self.next * 2).min(LONGEST);
    }
}

/// When somebody was last seen at work.
struct Life {
    beats: BTreeMap<OsString, SystemTime>,
    seen: Instant,
    /// So long after that it is told.
    patience: Duration,
    first: Duration,
}

impl Life {
    fn new(silence: Duration) -> Self {
        Self {
            beats: BTreeMap::new(),
            seen: Instant::now(),
            patience: silence,
            first: silence,
        }
    }

    fn sign(&mut self) {
        self.seen = Instant::now();
        self.patience = self.first;
    }

    /// How long there was no sign of life, where that is worth telling now.
    fn missed(&mut self, store: &Store) -> Result<Option<Duration>, StoreError> {
        let beats = store.beats()?;
        let beaten = beats
            .iter()
            .any(|(name, at)| self.beats.get(name) != Some(at));
        self.beats = beats;
        if beaten {
            self.sign();
            return Ok(None);
        }
        let since = self.seen.elapsed();
        if since < self.patience {
            return Ok(None);
        }
        self.patience = since + since.min(RAREST);
        Ok(Some(since))
    }
}

impl Following<'_> {
    fn run<E>(
        &mut self,
        launcher: &mut dyn Launcher,
        stop: &Stop,
        on_result: &mut dyn FnMut(Key, Vec<u8>) -> Result<(), E>,
        on_note: &mut dyn FnMut(Note),
    ) -> Result<Followed, FollowError<E>> {
        for look in 0_u32.. {
            let began = Instant::now();
            self.collect(on_result)?;
            let pause = self.what.look.max(began.elapsed() * SHARE);
            if self.what.keys.is_empty() {
                return Ok(Followed::Done);
            }
            if look % LOOKS == 0 {
                self.top_up(launcher, on_note)?;
                if let Some(since) = self.life.missed(self.what.store)? {
                    on_note(Note::Nobody {
                        left: self.what.keys.len(),
                        since,
                        advice: launcher.advice(),
                    });
                }
            }
            match stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(Followed::Stopped),
            }
        }
        Ok(Followed::Stopped)
    }

    fn collect<E>(
        &mut self,
        on_result: &mut dyn FnMut(Key, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), FollowError<E>> {
        // What cannot be looked at cannot be listed either, and that says why.
        if !self.results.changed().unwrap_or(true) {
            return Ok(());
        }
        for key in self.what.store.finished()? {
            if self.what.keys.contains(&key)
                && let Some(result) = self.what.store.result(&key)?
            {
                self.what.keys.remove(&key);
                self.fruitless = 0;
                self.life.sign();
                on_result(key, result).map_err(FollowError::Sink)?;
            }
        }
        Ok(())
    }

    /// Sees to it that there are as many workers as there is work for.
    fn top_up<E>(
        &mut self,
        launcher: &mut dyn Launcher,
        on_note: &mut dyn FnMut(Note),
    ) -> Result<(), FollowError<E>> {
        let present = match launcher.present() {
            Presence::Workers(n) => {
                if std::mem::take(&mut self.silent) {
                    on_note(Note::Answers);
                }
                n
            }
            Presence::Unknown(why) => {
                if !std::mem::replace(&mut self.silent, true) {
                    on_note(Note::Silent(why));
                }
                return Ok(());
            }
        };
        for news in launcher.news() {
            on_note(Note::News(news));
        }
        let wanted = self.what.workers.min(self.what.keys.len());
        let Some(missing) = wanted.checked_sub(present).filter(|n| *n > 0) else {
            self.asked = true;
            self.pace.complete();
            return Ok(());
        };
        if self.fruitless >= FRUITLESS * self.what.workers.max(1) {
            // Some machines are of no use; whoever is at work on another has not failed.
            if present > 0 {
                return Ok(());
            }
            return Err(FollowError::Fruitless {
                left: self.what.keys.len(),
                log: launcher.log(),
            });
        }
        if !self.pace.is_due() {
            return Ok(());
        }
        let complaint = if self.asked {
            launcher.complaint()
        } else {
            None
        };
        let started = launcher.start(missing)?;
        if started == 0 {
            return Ok(());
        }
        self.pace.asked();
        self.fruitless += started;
        on_note(if std::mem::replace(&mut self.asked, true) {
            Note::ToppedUp(started, complaint)
        } else {
            Note::Asked(started)
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::mpsc;
    use tempfile::TempDir;

    use crate::store::Worker;

    fn key(n: u8) -> Key {
        Key::parse(&format!("{n:016x}")).unwrap()
    }

    type Does<'a> = Box<dyn FnMut(&Store, usize) + 'a>;

    /// A launcher whose workers do something at once, or nothing, and are gone.
    struct Fake<'a> {
        store: &'a Store,
        starts: Vec<usize>,
        does: Does<'a>,
        answers: Box<dyn FnMut() -> Presence + 'a>,
        cancelled: bool,
    }

    impl Launcher for Fake<'_> {
        fn start(&mut self, workers: usize) -> Result<usize, LaunchError> {
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
        for _ in 0..=2 * LONGEST {
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
}
