//! Quiescence: deciding from kernel state that nothing more can happen before the next act.
//!
//! The proof (engine notes, section 4): every thread is looked at twice; both times it sleeps in the
//! same call and was not given a processor since, in between no status waits to be collected and
//! nothing is left to deliver. Then there was an instant at which everything slept at once. If
//! moreover no wait has a timeout and no timer is armed, nothing inside can ever run again.

mod alarms;
mod budget;
mod look;
mod nap;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::event::Quiet;
use crate::helper::Helper;
use crate::proc::ThreadScan;
use crate::tracer::time::Moment;
use crate::tracer::{Collected, PATIENCE, ptrace};
use crate::waits::Traffic;
use alarms::Alarms;
use look::Look;
use nap::Nap;

/// Wakes from timed waits without progress, after which a program is called polling.
const IDLE_WAKES: u32 = 2;
/// What hangs on timers of the kernel's own (a TCP connection whose other side has no room), and
/// what is typed ahead on a terminal and may be on its way: quiet after this silence, never proved.
const SILENCE: Duration = Duration::from_millis(200);
/// What moves over the loopback arrives within this time, or hangs on such a timer.
const ARRIVAL: Duration = Duration::from_millis(1000);
/// Budgets of processor time are looked after so often; they are far larger.
const CPU_LOOKS: Duration = Duration::from_millis(1);
/// Without tracing nobody tells us of calls: the scans must agree for this long.
const BARE_SILENCE: Duration = Duration::from_millis(20);

/// Beginnings of calls in a row after which what has been written meanwhile is read.
const MOST_BEGUN: u32 = 16;

/// Threads that were looked at, by tid.
type Scans = BTreeMap<i32, ThreadScan>;

/// What is remembered from one turn to the next until everything rests.
struct Waiting {
    /// So much time may still pass by itself.
    patience: Duration,
    /// Whether any might at the beginning.
    polls: bool,
    /// The first turn is still to come.
    begins: bool,
    /// Calls in a row of which no more than the beginning was seen.
    calls_begun: u32,
    nap: Nap,
    /// When processor time was last looked after.
    cpu_seen: Instant,
    /// Since when something has been on its way over the loopback.
    moving_since: Option<Instant>,
    /// Since when all have been asleep like this.
    asleep_since: Option<(Instant, Scans)>,
    /// The progress at which those who were held were last let go.
    retried_at: Option<u64>,
    wakes: Wakes,
}

/// Timed waits that have come to their end.
#[derive(Default)]
struct Wakes {
    /// How many of them have led to nothing but the next.
    idle: u32,
    /// How long the last one was.
    due: Duration,
    /// The progress before it.
    progress: Option<u64>,
    /// Who slept before it.
    rest: Scans,
}

impl Waiting {
    fn new(patience: Duration) -> Self {
        Self {
            patience,
            polls: !patience.is_zero(),
            begins: true,
            calls_begun: 0,
            nap: Nap::default(),
            cpu_seen: Instant::now(),
            moving_since: None,
            asleep_since: None,
            retried_at: None,
            wakes: Wakes::default(),
        }
    }

    fn something_happened(&mut self) {
        self.nap.reset();
        self.asleep_since = None;
        self.moving_since = None;
    }

    /// Something is on its way over the loopback: for how long.
    fn has_moved_for(&mut self) -> Duration {
        self.moving_since.get_or_insert_with(Instant::now).elapsed()
    }
}

impl Wakes {
    /// All sleep again: how many wakes have led to nothing.
    fn count(&mut self, progress: u64, scans: &Scans) -> u32 {
        if self.progress != Some(progress) {
            self.idle = 0;
        } else if self.rest != *scans {
            self.idle += 1;
        }
        self.progress = Some(progress);
        self.rest.clone_from(scans);
        self.idle
    }
}

/// The outcome of [`Helper::settle`].
pub(crate) struct Rest {
    /// Why nothing more can happen.
    pub(crate) how: Quiet,
    /// The last scan of each thread.
    pub(crate) scans: Scans,
    /// Something may come by the kernel's clock.
    pub(crate) real: bool,
}

impl Helper {
    /// Waits until nothing more can happen.
    pub(crate) fn settle(&mut self) -> Rest {
        loop {
            let rest = self.settle_as_it_is();
            // Whoever waited to be met by somebody: nobody comes any more.
            if rest.how == Quiet::Limit || !self.tracer.give_up_meetings() {
                self.remember_rest(&rest);
                return rest;
            }
            self.tracer.progress += 1;
        }
    }

    /// The same, but whoever waits to be met goes on waiting: the step is not over.
    pub(crate) fn settle_as_it_is(&mut self) -> Rest {
        self.settle_within(PATIENCE)
    }

    /// The same, letting no more time pass by itself than this.
    pub(crate) fn settle_within(&mut self, patience: Duration) -> Rest {
        let mut waiting = Waiting::new(patience);
        loop {
            if let ControlFlow::Break(rest) = self.look_after(&mut waiting) {
                return rest;
            }
        }
    }

    /// One turn.
    fn look_after(&mut self, waiting: &mut Waiting) -> ControlFlow<Rest> {
        self.take_in(waiting)?;
        if self.gives_way(waiting) {
            return ControlFlow::Continue(());
        }
        if self.out_of_time() {
            return ControlFlow::Break(Rest::without_scans(Quiet::Limit));
        }
        if !self.tracer.any_alive() {
            return ControlFlow::Break(Rest::without_scans(Quiet::Ended));
        }
        let Some((scans, traffic)) = self.sleepers(waiting) else {
            return ControlFlow::Continue(());
        };
        if self.tracer.let_last_go() {
            waiting.nap.reset();
            return ControlFlow::Continue(());
        }
        let mut alarms = self.alarms(&scans);
        alarms.unprovable |= traffic == Traffic::Unknown;
        self.tracer.time.at_rest(self.tracer.progress);
        let now = self.tracer.time.clock.now();
        let earliest = alarms.earliest(now);
        if self.anyone_spinning() && earliest.is_none() {
            return self.try_again(waiting, scans, &alarms);
        }
        if let Some(silence) = self.silence(&alarms, now) {
            if !self.was_silent(silence, waiting, &scans, &alarms) {
                return ControlFlow::Continue(());
            }
            if earliest.is_none() {
                return ControlFlow::Break(Rest {
                    how: Quiet::Silent(millis(silence)),
                    scans,
                    real: true,
                });
            }
        }
        match earliest {
            Some(due) => self.pass_time(waiting, scans, &alarms, now, due),
            None => ControlFlow::Break(Rest {
                how: Quiet::Proved,
                scans,
                real: false,
            }),
        }
    }

    /// Takes in what has happened since the last turn.
    fn take_in(&mut self, waiting: &mut Waiting) -> ControlFlow<Rest> {
        let collected = self.tracer.collect(&mut self.recorder);
        // Nothing has come of a call that only begins; but who begins one after the other must
        // not keep what others have written from being read.
        waiting.calls_begun = match collected {
            Collected::Entries => waiting.calls_begun + 1,
            _ => 0,
        };
        // What the step does comes first.
        let exchanges = std::mem::take(&mut waiting.begins)
            || match collected {
                Collected::More => true,
                Collected::Entries => waiting.calls_begun > MOST_BEGUN,
                // Nothing is left to do when somebody looks.
                Collected::Nothing => !waiting.nap.has_to_give_way(self.computes()),
            };
        if exchanges && self.exchange() || collected != Collected::Nothing {
            // Who does something all the time comes to no end by it.
            if self.out_of_time() {
                return ControlFlow::Break(Rest::without_scans(Quiet::Limit));
            }
            waiting.something_happened();
        }
        ControlFlow::Continue(())
    }

    /// Leaves the processor to the programs for a moment, where a look would show too little. `true`: it
    /// has.
    fn gives_way(&mut self, waiting: &mut Waiting) -> bool {
        // Programs share our processor, so giving way lets them reach their next stop: most of
        // the time there is nothing new before.
        let computes = self.computes();
        if waiting.nap.has_to_give_way(computes) {
            waiting.nap.pauses += 1;
            let _ = nix::sched::sched_yield();
            return true;
        }
        // A look would only show that it runs, and driving it from the processor takes time too.
        if computes && waiting.nap.sleeps() {
            self.wait_for_status(Nap::COMPUTES);
            return true;
        }
        false
    }

    /// All threads, if all of them sleep. If not, time has been given to them.
    fn sleepers(&mut self, waiting: &mut Waiting) -> Option<(Scans, Traffic)> {
        match self.look() {
            Look::Asleep(scans, traffic) => return Some((scans, traffic)),
            // It has had its time.
            Look::Moving(scans) if waiting.has_moved_for() > ARRIVAL => {
                return Some((scans, Traffic::Unknown));
            }
            Look::Busy | Look::Moving(_) => {}
        }
        waiting.asleep_since = None;
        if waiting.cpu_seen.elapsed() >= CPU_LOOKS {
            self.watch_cpu();
            waiting.cpu_seen = Instant::now();
        }
        match waiting.nap.next() {
            None => {
                let _ = nix::sched::sched_yield();
            }
            // Whatever comes so soon comes with a stop.
            Some(wait) if self.traced && wait <= Nap::COMPUTES => self.wait_for_status(wait),
            Some(wait) => self.wait(wait),
        }
        None
    }

    /// Everybody sleeps, but for those who are held because they got nowhere: they are let go once more, or
    /// that is the end.
    fn try_again(
        &mut self,
        waiting: &mut Waiting,
        scans: Scans,
        alarms: &Alarms,
    ) -> ControlFlow<Rest> {
        // What it asks for may have come after it was held: it gets another chance, until
        // nobody makes progress any more.
        if waiting.retried_at != Some(self.tracer.progress) {
            waiting.retried_at = Some(self.tracer.progress);
            self.tracer.release_held();
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Rest {
            how: Quiet::Spinning,
            scans,
            real: alarms.unprovable,
        })
    }

    /// How long there has to be silence, where nothing can be proved.
    fn silence(&self, alarms: &Alarms, now: Moment) -> Option<Duration> {
        if !self.traced {
            return Some(BARE_SILENCE);
        }
        // What would have come before a wait's end comes before it here as well.
        let first = alarms.first_moment(now);
        let before = first.map_or(SILENCE, |first| first.saturating_sub(now));
        alarms.unprovable.then(|| SILENCE.min(before))
    }

    /// Whether all have been asleep like this for so long. If not, time has passed.
    fn was_silent(
        &mut self,
        silence: Duration,
        waiting: &mut Waiting,
        scans: &Scans,
        alarms: &Alarms,
    ) -> bool {
        let quiet_for = match &waiting.asleep_since {
            Some((since, before)) if before == scans => since.elapsed(),
            _ => {
                waiting.asleep_since = Some((Instant::now(), scans.clone()));
                self.wait(silence.min(alarms.real.unwrap_or(silence)));
                return false;
            }
        };
        if quiet_for < silence {
            self.wait(silence - quiet_for);
        }
        quiet_for >= silence
    }

    /// Everybody sleeps, and somebody will wake by himself, `due` from now: it may lead to something, or
    /// only to the next timed wait.
    fn pass_time(
        &mut self,
        waiting: &mut Waiting,
        scans: Scans,
        alarms: &Alarms,
        now: Moment,
        due: Duration,
    ) -> ControlFlow<Rest> {
        let last_due = waiting.wakes.due;
        let idle_wakes = waiting.wakes.count(self.tracer.progress, &scans);
        let first = alarms.first_moment(now);
        // One that has woken to no effect may do so again: that it polls is to be seen, and the
        // virtual clock costs nothing.
        let again = waiting.polls && first.is_some() && idle_wakes > 0 && due <= PATIENCE;
        let how = if idle_wakes >= IDLE_WAKES {
            Some(Quiet::Polling(millis(last_due.max(due)).max(1)))
        } else if due > waiting.patience && !again {
            Some(Quiet::Until(millis(due)))
        } else {
            None
        };
        if let Some(how) = how {
            let real = alarms.real.is_some() || alarms.unprovable;
            return ControlFlow::Break(Rest { how, scans, real });
        }
        waiting.wakes.due = due;
        let before = Instant::now();
        match first {
            Some(moment) => self.tracer.pass_to(moment),
            None => {
                self.wait_for_change(&scans, due);
                self.tracer.time.clock.pass_to(now + before.elapsed());
            }
        }
        waiting.patience = waiting.patience.saturating_sub(due.max(before.elapsed()));
        waiting.asleep_since = None;
        ControlFlow::Continue(())
    }

    /// Whether somebody runs most likely.
    fn computes(&self) -> bool {
        self.traced && self.tracer.anyone_computes()
    }

    /// Waits until a thread has run, something can be moved, or `due` and a little has passed.
    fn wait_for_change(&mut self, scans: &Scans, due: Duration) {
        let deadline = Instant::now() + due;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.wait(left.clamp(Duration::from_micros(200), Duration::from_millis(50)));
            if self.turn() || ptrace::status_pending() {
                return;
            }
            let moved = scans.iter().any(|(&tid, before)| {
                let Some(pid) = self.tracer.threads.get(&tid).map(|thread| thread.pid) else {
                    return true;
                };
                self.scan(pid, tid).as_ref() != Some(before)
            });
            if moved || left.is_zero() {
                return;
            }
        }
    }

    fn anyone_spinning(&self) -> bool {
        self.tracer
            .threads
            .values()
            .any(|thread| thread.spinning.is_some())
    }

    /// Sleeps in the kernel until a status is to be collected or `most` has passed.
    fn wait_for_status(&mut self, most: Duration) {
        self.recorder.flush_old();
        // The first may be the signal of a status that was collected long ago.
        if self.signals.await_one(most) && !ptrace::status_pending() {
            self.signals.await_one(most);
        }
    }

    /// Sleeps in the kernel until a status is to be collected, a descriptor is ready, or `most`
    /// has passed.
    pub(crate) fn wait(&mut self, most: Duration) {
        self.recorder.flush_old();
        let mut watched = self.watched();
        let timeout = timespec(most);
        // SAFETY: `watched` is an array of pollfd of the stated length; the mask is absent.
        unsafe {
            libc::ppoll(
                watched.as_mut_ptr(),
                watched.len() as libc::nfds_t,
                &raw const timeout,
                std::ptr::null(),
            );
        }
        self.signals.drain();
    }
}

impl Rest {
    fn without_scans(how: Quiet) -> Self {
        Self {
            how,
            scans: Scans::new(),
            real: false,
        }
    }
}

/// A length of time as the kernel takes it.
pub(crate) fn timespec(length: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(length.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(length.subsec_nanos().cast_signed()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
