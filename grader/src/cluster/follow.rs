//! Following a batch from where it was begun: results as they come, and workers as long as work
//! remains.

use std::collections::BTreeSet;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use thiserror::Error;

use super::launch::{LaunchError, Launcher, Presence};
use crate::store::{Key, Stop, Store, StoreError};

/// How often the store is looked at: progress is for people.
const LOOK: Duration = Duration::from_millis(200);
/// Looks at the store for each look at the scheduler, which others use as well.
const LOOKS: u32 = 5;
/// Rounds of new workers that may end without a single result before one stops asking for more.
const FRUITLESS: usize = 3;

/// What is followed.
#[derive(Debug)]
pub struct Follow<'a> {
    /// Where results appear.
    pub store: &'a Store,
    /// The results that are waited for.
    pub keys: BTreeSet<Key>,
    /// How many workers there should be while work remains.
    pub workers: usize,
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// So many workers were asked for.
    Asked(usize),
    /// So many more, because others are gone and work remains.
    ToppedUp(usize),
    /// The scheduler does not answer; the results do not depend on it.
    Silent(String),
    /// It answers again.
    Answers,
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
        silent: false,
        what,
    }
    .run(launcher, stop, on_result, on_note);
    // Finished workers have nothing more to do, the others are not wanted any more.
    launcher.cancel();
    result
}

struct Following<'a> {
    what: Follow<'a>,
    /// Workers that were started since the last result.
    fruitless: usize,
    asked: bool,
    silent: bool,
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
            self.collect(on_result)?;
            if self.what.keys.is_empty() {
                return Ok(Followed::Done);
            }
            if look % LOOKS == 0 {
                self.top_up(launcher, on_note)?;
            }
            match stop.recv_timeout(LOOK) {
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
        for key in self.what.store.finished()? {
            if self.what.keys.contains(&key)
                && let Some(result) = self.what.store.result(&key)?
            {
                self.what.keys.remove(&key);
                self.fruitless = 0;
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
        let wanted = self.what.workers.min(self.what.keys.len());
        let Some(missing) = wanted.checked_sub(present).filter(|n| *n > 0) else {
            self.asked = true;
            return Ok(());
        };
        if self.fruitless >= FRUITLESS * self.what.workers.max(1) {
            return Err(FollowError::Fruitless {
                left: self.what.keys.len(),
                log: launcher.log(),
            });
        }
        launcher.start(missing)?;
        self.fruitless += missing;
        on_note(if std::mem::replace(&mut self.asked, true) {
            Note::ToppedUp(missing)
        } else {
            Note::Asked(missing)
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
        fn start(&mut self, workers: usize) -> Result<(), LaunchError> {
            self.starts.push(workers);
            (self.does)(self.store, self.starts.len());
            Ok(())
        }
        fn present(&mut self) -> Presence {
            (self.answers)()
        }
        fn cancel(&mut self) {
            self.cancelled = true;
        }
        fn log(&self) -> String {
            "the log".to_owned()
        }
    }

    fn result(store: &Store, n: u8) {
        let worker = Worker::join(store).unwrap();
        let text = n.to_string();
        store
            .commit(&key(n), &worker, text.as_bytes(), &|_, _| true)
            .unwrap();
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
        let what = Follow {
            store,
            keys: (0..4).map(key).collect(),
            workers: 2,
        };
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
        let mut fake = Fake {
            store: &store,
            starts: Vec::new(),
            // Each round of workers does two tasks and dies.
            does: Box::new(|store, round| {
                let first = u8::try_from(round - 1).unwrap() * 2;
                result(store, first);
                result(store, first + 1);
            }),
            answers: Box::new(|| Presence::Workers(0)),
            cancelled: false,
        };
        let (end, seen, notes) = followed(&store, &mut fake);
        assert_eq!(end.unwrap(), Followed::Done);
        assert_eq!(seen, (0..4).map(key).collect::<Vec<_>>());
        assert_eq!(fake.starts, [2, 2]);
        assert_eq!(notes, [Note::Asked(2), Note::ToppedUp(2)]);
        assert!(fake.cancelled);
    }

    #[test]
    fn a_silent_scheduler_stops_nothing() {
        let dir = TempDir::new().unwrap();
        let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
        let mut asked = 0;
        let mut fake = Fake {
            store: &store,
            starts: Vec::new(),
            does: Box::new(|_, _| {}),
            answers: Box::new(|| {
                asked += 1;
                if asked == 2 {
                    (0..4).for_each(|n| result(&store, n));
                }
                Presence::Unknown("connection refused".to_owned())
            }),
            cancelled: false,
        };
        let (end, seen, notes) = followed(&store, &mut fake);
        assert_eq!(end.unwrap(), Followed::Done);
        assert_eq!(seen.len(), 4);
        assert_eq!(notes, [Note::Silent("connection refused".to_owned())]);
    }

    #[test]
    fn workers_that_do_nothing_are_not_asked_for_for_ever() {
        let dir = TempDir::new().unwrap();
        let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
        let mut fake = Fake {
            store: &store,
            starts: Vec::new(),
            does: Box::new(|_, _| {}),
            answers: Box::new(|| Presence::Workers(0)),
            cancelled: false,
        };
        let (end, _, _) = followed(&store, &mut fake);
        let error = end.unwrap_err();
        assert!(matches!(error, FollowError::Fruitless { left: 4, .. }));
        assert!(error.to_string().contains("the log"), "{error}");
        assert_eq!(fake.starts.len(), FRUITLESS);
        assert!(fake.cancelled);
    }

    #[test]
    fn what_is_there_is_taken_without_a_single_worker() {
        let dir = TempDir::new().unwrap();
        let store = Store::create(dir.path(), Duration::from_secs(60)).unwrap();
        (0..4).for_each(|n| result(&store, n));
        let mut fake = Fake {
            store: &store,
            starts: Vec::new(),
            does: Box::new(|_, _| {}),
            answers: Box::new(|| Presence::Workers(0)),
            cancelled: false,
        };
        let (end, seen, notes) = followed(&store, &mut fake);
        assert_eq!(end.unwrap(), Followed::Done);
        assert_eq!((seen.len(), fake.starts.len(), notes.len()), (4, 0, 0));
    }
}
