//! Following a batch from where it was begun: results as they come, and workers as long as work
//! remains.

mod life;
mod pace;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use thiserror::Error;

use self::life::Life;
use self::pace::Pace;
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
    /// The scheduler takes no more of them, and what it says; those that are there go on.
    Refused {
        /// Its command.
        program: String,
        /// What it says.
        why: String,
    },
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
        refused: 0,
        refusal: None,
        pace: Pace::default(),
        silent: false,
        life: Life::new(what.silence),
        results: what.store.watch_results(),
        what,
    }
    .run(launcher, stop, on_result, on_note);
    // Finished workers have nothing more to do, the others are not wanted any more.
    let cancelled = launcher.cancel();
    // Where the command that starts them is not there, the one that ends them is not either.
    let never = matches!(
        result,
        Err(FollowError::Launch(LaunchError::Command { .. }))
    );
    if !matches!(result, Ok(Followed::Done))
        && !never
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
    /// Times in a row that no more were taken while nobody was there.
    refused: usize,
    /// What was told of that.
    refusal: Option<String>,
    pace: Pace,
    silent: bool,
    life: Life,
    results: Watch,
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
            let listed = self.collect(on_result)?;
            let pause = self.what.look.max(listed * SHARE);
            if self.what.keys.is_empty() {
                return Ok(Followed::Done);
            }
            if look % LOOKS == 0 {
                match self.top_up(launcher, on_note) {
                    // Whoever told it to stop told the scheduler's command as well (Ctrl-C).
                    Err(FollowError::Launch(_))
                        if stop.recv_timeout(self.what.look) != Err(RecvTimeoutError::Timeout) =>
                    {
                        return Ok(Followed::Stopped);
                    }
                    other => other?,
                }
                if let Some(since) = self.life.missed(self.what.store)? {
                    self.what.store.takes_more()?;
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

    /// Hands out the results that have come, and says how long listing them took. Taking them in is not
    /// counted: each is taken once, however often one looks.
    fn collect<E>(
        &mut self,
        on_result: &mut dyn FnMut(Key, Vec<u8>) -> Result<(), E>,
    ) -> Result<Duration, FollowError<E>> {
        let began = Instant::now();
        // What cannot be looked at cannot be listed either, and that says why.
        if !self.results.changed().unwrap_or(true) {
            return Ok(began.elapsed());
        }
        let finished = self.what.store.finished()?;
        let listed = began.elapsed();
        for key in finished {
            if self.what.keys.contains(&key)
                && let Some(result) = self.what.store.result(&key)?
            {
                self.what.keys.remove(&key);
                self.fruitless = 0;
                self.life.sign();
                on_result(key, result).map_err(FollowError::Sink)?;
            }
        }
        Ok(listed)
    }

    /// Whether one waits where no more workers are taken: others are at work, or were taken before, and
    /// it was not tried often.
    fn may_wait(&mut self, present: usize) -> bool {
        if present > 0 {
            self.refused = 0;
            return true;
        }
        self.refused += 1;
        self.asked && self.refused < FRUITLESS
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
            Presence::Asked => return Ok(()),
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
        if self.fruitless >= FRUITLESS * wanted {
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
            // Workers that end for want of room could not even say so in their logs.
            self.what.store.takes_more()?;
            launcher.complaint()
        } else {
            None
        };
        let started = match launcher.start(missing) {
            // A site's limits and a controller's illness pass; whoever is at work has not failed.
            Err(LaunchError::Refused { program, why }) if self.may_wait(present) => {
                self.pace.asked();
                if self.refusal.replace(why.clone()).as_ref() != Some(&why) {
                    on_note(Note::Refused { program, why });
                }
                return Ok(());
            }
            other => other?,
        };
        (self.refused, self.refusal) = (0, None);
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
