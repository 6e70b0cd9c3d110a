//! What is seen while a class is graded: a bar on a terminal, lines elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use grader::batch::{Identity, Progress, Status};
use grader::text::clean;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::tell::tell;
use crate::cli::words::Words;

/// How often a line is written where there is no terminal.
const LINES: Duration = Duration::from_secs(10);
/// The same where nothing has come since the last one.
const LINES_OF_WAITING: Duration = Duration::from_secs(60);
/// From when on it is told what is waited for.
const LONG: Duration = Duration::from_secs(10);

/// How many there were of each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) graded: usize,
    pub(super) unchanged: usize,
    pub(super) ungradable: usize,
    pub(super) errors: usize,
}

impl Counts {
    /// How many need nothing more.
    pub(super) fn done(self) -> usize {
        self.graded + self.unchanged + self.ungradable + self.errors
    }
}

/// Shows how far it is.
pub(super) struct Display {
    counts: Counts,
    total: usize,
    began: Instant,
    told: Instant,
    /// How many there were when a line was written.
    told_of: usize,
    under_way: HashMap<Identity, Instant>,
    bar: Option<ProgressBar>,
    quiet: bool,
    words: Words,
}

impl Display {
    pub(super) fn new(total: usize, quiet: bool, words: Words) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(total as u64),
                ProgressDrawTarget::stderr_with_hz(8),
            );
            let template = " {bar:25.green/dim} {pos:>6}/{len}  {wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("██░"));
            }
            bar
        });
        // A terminal that cannot move its cursor (`TERM=dumb`) gets lines.
        let bar = bar.filter(|bar| !bar.is_hidden());
        let now = Instant::now();
        Self {
            counts: Counts::default(),
            total,
            began: now,
            told: now,
            told_of: 0,
            under_way: HashMap::new(),
            bar,
            quiet,
            words,
        }
    }

    /// Says something while the bar is there, from any thread.
    pub(super) fn sayer(&self) -> impl Fn(&str) + Send + use<> {
        let bar = self.bar.clone();
        move |text| match &bar {
            Some(bar) => bar.println(text),
            None => tell!("{text}"),
        }
    }

    /// The language.
    pub(super) fn words(&self) -> Words {
        self.words
    }

    /// Whether only what is wrong is told.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(super) fn take(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Begun(item) => {
                self.under_way.insert(item.identity.clone(), Instant::now());
                return;
            }
            Progress::Silence => {}
            Progress::Unchanged(item) => {
                self.under_way.remove(&item.identity);
                self.counts.unchanged += 1;
            }
            Progress::Done(record) => {
                self.under_way.remove(&record.identity);
                match record.status {
                    Status::Graded => self.counts.graded += 1,
                    Status::Ungradable => self.counts.ungradable += 1,
                    Status::Error => self.counts.errors += 1,
                }
            }
        }
        let done = self.counts.done();
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(self.pace());
            return;
        }
        let pause = if done > self.told_of {
            LINES
        } else {
            LINES_OF_WAITING
        };
        if !self.quiet && self.told.elapsed() >= pause {
            (self.told, self.told_of) = (Instant::now(), done);
            self.line();
        }
    }

    fn line(&self) {
        tell!("{}/{}  {}", self.counts.done(), self.total, self.pace());
    }

    /// `41 a second   1 s left · waiting for g1/boris, 83 s`
    fn pace(&self) -> String {
        let fresh = self.counts.done() - self.counts.unchanged;
        let left = self.total - self.counts.done();
        let mut text = pace(fresh, left, self.began.elapsed(), self.words);
        let longest = self.under_way.iter().min_by_key(|(_, since)| **since);
        if let Some((who, since)) = longest
            && since.elapsed() >= LONG
        {
            if !text.is_empty() {
                text.push_str(" · ");
            }
            let who = clean(&who.to_string());
            text.push_str(&self.words.waiting_for(&who, since.elapsed().as_secs()));
        }
        text
    }

    /// Says what came of it; where it came to `nothing`, why not is told by whoever knows.
    pub(super) fn finish(self, nothing: bool) -> Counts {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !(self.quiet || nothing && self.counts.done() == 0) {
            tell!(
                "{}",
                self.words
                    .graded(self.counts, self.total, self.began.elapsed())
            );
        }
        self.counts
    }
}

fn pace(fresh: usize, left: usize, took: Duration, words: Words) -> String {
    let rate = fresh as f64 / took.as_secs_f64().max(0.001);
    if fresh == 0 {
        return String::new();
    }
    let seconds = left as f64 / rate;
    let [s, min, h] = words.pick(["s", "min", "h"], ["с", "мин", "ч"]);
    let left = if seconds < 100.0 {
        format!("{seconds:.0} {s}")
    } else if seconds < 6000.0 {
        format!("{:.0} {min}", seconds / 60.0)
    } else {
        format!("{} {h}", words.decimal(seconds / 3600.0, 1))
    };
    let rate = words.decimal(rate, usize::from(rate < 10.0));
    words.pick(
        format!("{rate} a second   {left} left"),
        format!("{rate} в секунду   осталось {left}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use grader::batch::{Item, Person, Place};
    use grader::lab::Lang;

    #[test]
    fn what_takes_long_is_named_until_it_is_through() {
        let item = Item {
            identity: Identity {
                group: "g1".into(),
                student: "boris".into(),
                lab: "us-upper".into(),
                attempt: 1,
            },
            person: Person::default(),
            submitted: None,
            place: Place::Directory("boris".into()),
            origin: None,
        };
        let mut display = Display::new(2, true, Words(Lang::En));
        display.take(&Progress::Begun(&item));
        assert_eq!(display.pace(), "");
        let long_ago = Instant::now().checked_sub(LONG * 3).unwrap();
        display.under_way.insert(item.identity.clone(), long_ago);
        display.take(&Progress::Silence);
        assert_eq!(display.pace(), "waiting for g1/boris us-upper, 30 s");
        display.take(&Progress::Unchanged(&item));
        assert_eq!(display.pace(), "");
        assert_eq!(display.finish(false).done(), 1);
    }

    #[test]
    fn an_error_is_nothing_that_was_graded() {
        let counts = Counts {
            graded: 3,
            ungradable: 1,
            errors: 2,
            unchanged: 5,
        };
        assert_eq!(
            Words(Lang::En).graded(counts, 11, Duration::from_secs(2)),
            "graded 4 in 2.0 s (2.0 a second), 5 unchanged, 2 not: errors"
        );
        let unchanged = |all| {
            let counts = Counts {
                unchanged: 5,
                ..Counts::default()
            };
            Words(Lang::En).graded(counts, all, Duration::from_secs(2))
        };
        assert_eq!(unchanged(5), "nothing to be graded, 5 unchanged");
        // Told to end before the others had their turn.
        assert!(unchanged(7).starts_with("graded 0 in"));
    }

    #[test]
    fn the_pace_is_told_in_words() {
        let second = Duration::from_secs(1);
        let en = |fresh, left| pace(fresh, left, second, Words(Lang::En));
        assert_eq!(en(41, 41), "41 a second   1 s left");
        assert_eq!(en(3, 1000), "3.0 a second   6 min left");
        assert_eq!(en(0, 1000), "");
        let ru = pace(3, 1000, second, Words(Lang::Ru));
        assert_eq!(ru, "3,0 в секунду   осталось 6 мин");
    }
}
