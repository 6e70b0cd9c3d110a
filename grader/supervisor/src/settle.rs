//! Quiescence: deciding from kernel state that nothing more can happen before the next act.
//!
//! The proof (engine notes, section 4): every thread is looked at twice; both times it sleeps in the
//! same call and was not given a processor since, in between no status waits to be collected and
//! nothing is left to deliver. Then there was an instant at which everything slept at once. If
//! moreover no wait has a timeout and no timer is armed, nothing inside can ever run again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::driver::peers::Peer;
use crate::driver::stdio::Stdio;
use crate::event::{LimitKind, Quiet, What};
use crate::helper::Helper;
use crate::proc::{self, ThreadScan};
use crate::tracer::task::Standing;
use crate::tracer::time::Moment;
use crate::tracer::{Collected, PATIENCE, ptrace};
use crate::waits::{self, ArmedTimer, Traffic, WaitKind};

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

/// What a double scan showed.
enum Look {
    /// Something runs, or ran between the scans.
    Busy,
    /// Everything sleeps, but something is on its way over the loopback.
    Moving(BTreeMap<i32, ThreadScan>),
    /// Everything sleeps; what is on its way over the loopback, if anything, cannot be known.
    Asleep(BTreeMap<i32, ThreadScan>, Traffic),
}

/// When the sleepers may wake by themselves.
#[derive(Default)]
struct Alarms {
    /// The earliest moment of the virtual clock at which a wait ends or a timer comes.
    moment: Option<Moment>,
    /// The same by the kernel's clock: what could not be taken from it, and untraced programs.
    real: Option<Duration>,
    /// A wait that cannot be proved quiet.
    unprovable: bool,
}

impl Alarms {
    /// How long until the first of them.
    fn earliest(&self, now: Moment) -> Option<Duration> {
        let left = self.moment.map(|moment| moment.saturating_sub(now));
        left.into_iter().chain(self.real).min()
    }

    /// The moment of the first of them, if it goes by the virtual clock.
    fn first_moment(&self, now: Moment) -> Option<Moment> {
        let moment = self.moment?;
        let first = self
            .real
            .is_none_or(|real| moment.saturating_sub(now) <= real);
        first.then_some(moment)
    }
}

/// The outcome of [`Helper::settle`].
pub(crate) struct Rest {
    /// Why nothing more can happen.
    pub(crate) how: Quiet,
    /// The last scan of each thread.
    pub(crate) scans: BTreeMap<i32, ThreadScan>,
    /// Something may come by the kernel's clock.
    pub(crate) real: bool,
}

/// How long to wait for something to happen before looking again: first only giving way, then
/// longer and longer.
#[derive(Default)]
struct Nap {
    pauses: u32,
    slept: bool,
}

impl Nap {
    const YIELDS: u32 = 3;
    /// Of these, so many before the first look: after most stops the next one follows at once,
    /// and a scan costs several times as much as giving way.
    const UNSEEN: u32 = 2;
    /// Who computes is waited for so long before the first look; its next stop ends the wait.
    const COMPUTES: Duration = Duration::from_micros(250);

    fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether to give way once more before looking. `computes`: somebody does not wait for anything,
    /// so that giving way in vain once is enough: the scheduler thinks it is our turn.
    fn has_to_give_way(&self, computes: bool) -> bool {
        self.pauses < if computes { 1 } else { Self::UNSEEN }
    }

    /// Whether to sleep once before looking.
    fn sleeps(&mut self) -> bool {
        !std::mem::replace(&mut self.slept, true)
    }

    fn next(&mut self) -> Option<Duration> {
        self.pauses += 1;
        let doublings = self.pauses.checked_sub(Self::YIELDS + 1)?;
        Some(Duration::from_micros(30) * 2u32.pow(doublings.min(6)))
    }
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
    pub(crate) fn settle_within(&mut self, mut patience: Duration) -> Rest {
        let polls = !patience.is_zero();
        let mut nap = Nap::default();
        let mut idle_wakes = 0;
        let mut progress_at_rest = None;
        let mut asleep_since: Option<(Instant, BTreeMap<i32, ThreadScan>)> = None;
        let mut cpu_seen = Instant::now();
        let mut last_due = Duration::ZERO;
        let mut last_rest = BTreeMap::new();
        let mut retried_at = None;
        let mut moving_since: Option<Instant> = None;
        let mut calls_begun = 0;
        let mut begins = true;
        loop {
            let collected = self.tracer.collect(&mut self.recorder);
            // Nothing has come of a call that only begins; but who begins one after the other must
            // not keep what others have written from being read.
            calls_begun = match collected {
                Collected::Entries => calls_begun + 1,
                _ => 0,
            };
            // What the step does comes first.
            let exchanges = std::mem::take(&mut begins)
                || match collected {
                    Collected::More => true,
                    Collected::Entries => calls_begun > MOST_BEGUN,
                    // Nothing is left to do when somebody looks.
                    Collected::Nothing => !nap.has_to_give_way(self.computes()),
                };
            if exchanges && self.exchange() || collected != Collected::Nothing {
                // Who does something all the time comes to no end by it.
                if self.out_of_time() {
                    return Rest::without_scans(Quiet::Limit);
                }
                nap.reset();
                asleep_since = None;
                moving_since = None;
            }
            // Programs share our processor, so giving way lets them reach their next stop: most of
            // the time there is nothing new before.
            let computes = self.computes();
            if nap.has_to_give_way(computes) {
                nap.pauses += 1;
                let _ = nix::sched::sched_yield();
                continue;
            }
            // A look would only show that it runs, and driving it from the processor takes time too.
            if computes && nap.sleeps() {
                self.wait_for_status(Nap::COMPUTES);
                continue;
            }
            if self.out_of_time() {
                return Rest::without_scans(Quiet::Limit);
            }
            if !self.tracer.any_alive() {
                return Rest::without_scans(Quiet::Ended);
            }
            let look = match self.look() {
                // It has had its time.
                Look::Moving(scans)
                    if moving_since.get_or_insert_with(Instant::now).elapsed() > ARRIVAL =>
                {
                    Look::Asleep(scans, Traffic::Unknown)
                }
                look => look,
            };
            let (scans, traffic) = match look {
                Look::Busy | Look::Moving(_) => {
                    asleep_since = None;
                    if cpu_seen.elapsed() >= CPU_LOOKS {
                        self.watch_cpu();
                        cpu_seen = Instant::now();
                    }
                    match nap.next() {
                        None => {
                            let _ = nix::sched::sched_yield();
                        }
                        // Whatever comes so soon comes with a stop.
                        Some(wait) if self.traced && wait <= Nap::COMPUTES => {
                            self.wait_for_status(wait);
                        }
                        Some(wait) => self.wait(wait),
                    }
                    continue;
                }
                Look::Asleep(scans, traffic) => (scans, traffic),
            };
            if self.tracer.let_last_go() {
                nap.reset();
                continue;
            }
            let mut alarms = self.alarms(&scans);
            alarms.unprovable |= traffic == Traffic::Unknown;
            self.tracer.time.at_rest(self.tracer.progress);
            let now = self.tracer.time.clock.now();
            let earliest = alarms.earliest(now);
            if self.anyone_spinning() && earliest.is_none() {
                // What it asks for may have come after it was held: it gets another chance, until
                // nobody makes progress any more.
                if retried_at != Some(self.tracer.progress) {
                    retried_at = Some(self.tracer.progress);
                    self.tracer.release_held();
                    continue;
                }
                return Rest {
                    how: Quiet::Spinning,
                    scans,
                    real: alarms.unprovable,
                };
            }
            let silence = if !self.traced {
                Some(BARE_SILENCE)
            } else if alarms.unprovable {
                // What would have come before a wait's end comes before it here as well.
                Some(
                    SILENCE.min(
                        alarms
                            .first_moment(now)
                            .map_or(SILENCE, |first| first.saturating_sub(now)),
                    ),
                )
            } else {
                None
            };
            if let Some(silence) = silence {
                let unchanged = asleep_since
                    .as_ref()
                    .is_some_and(|(_, before)| *before == scans);
                if !unchanged {
                    asleep_since = Some((Instant::now(), scans));
                    self.wait(silence.min(alarms.real.unwrap_or(silence)));
                    continue;
                }
                let quiet_for = asleep_since
                    .as_ref()
                    .map_or(Duration::ZERO, |(since, _)| since.elapsed());
                if quiet_for < silence {
                    self.wait(silence - quiet_for);
                    continue;
                }
                if earliest.is_none() {
                    return Rest {
                        how: Quiet::Silent(millis(silence)),
                        scans,
                        real: true,
                    };
                }
            }
            let Some(due) = earliest else {
                return Rest {
                    how: Quiet::Proved,
                    scans,
                    real: false,
                };
            };
            // A timed wait: it may lead to something, or only to the next timed wait.
            if progress_at_rest != Some(self.tracer.progress) {
                idle_wakes = 0;
            } else if last_rest != scans {
                idle_wakes += 1;
            }
            progress_at_rest = Some(self.tracer.progress);
            last_rest.clone_from(&scans);
            let real = alarms.real.is_some() || alarms.unprovable;
            if idle_wakes >= IDLE_WAKES {
                return Rest {
                    how: Quiet::Polling(millis(last_due.max(due)).max(1)),
                    scans,
                    real,
                };
            }
            let first = alarms.first_moment(now);
            // One that has woken to no effect may do so again: that it polls is to be seen, and the
            // virtual clock costs nothing.
            let again = polls && first.is_some() && idle_wakes > 0 && due <= PATIENCE;
            if due > patience && !again {
                return Rest {
                    how: Quiet::Until(millis(due)),
                    scans,
                    real,
                };
            }
            last_due = due;
            let before = Instant::now();
            match first {
                Some(moment) => self.tracer.pass_to(moment),
                None => {
                    self.wait_for_change(&scans, due);
                    self.tracer.time.clock.pass_to(now + before.elapsed());
                }
            }
            patience = patience.saturating_sub(due.max(before.elapsed()));
            asleep_since = None;
        }
    }

    /// Whether somebody runs most likely.
    fn computes(&self) -> bool {
        self.traced && self.tracer.anyone_computes()
    }

    /// Waits until a thread has run, something can be moved, or `due` and a little has passed.
    fn wait_for_change(&mut self, scans: &BTreeMap<i32, ThreadScan>, due: Duration) {
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

    /// One double scan.
    fn look(&mut self) -> Look {
        if !self.traced {
            self.find_processes();
        }
        // A held thread is stopped by us. One in a group stop is scanned as well: SIGCONT wakes it
        // before it reports.
        let mut watched: Vec<(i32, i32, bool)> = self
            .tracer
            .threads
            .values()
            .filter(|thread| !thread.standing.is_held())
            .map(|thread| {
                let stopped = thread.standing == Standing::Stopped;
                (thread.pid, thread.tid, stopped)
            })
            .collect();
        // Who is in no call that we know of runs most likely: one look at it settles the matter.
        watched.sort_by_key(|(_, tid, _)| {
            let thread = self.tracer.threads.get(tid);
            thread.is_some_and(|thread| thread.call.is_some())
        });
        let mut scans = BTreeMap::new();
        let mut seen = Vec::with_capacity(watched.len());
        for &(pid, tid, stopped) in &watched {
            if self.tracer.is_called(tid) {
                return Look::Busy;
            }
            match self.scanner.scan(pid, tid) {
                Some(scan) if asleep(&scan, stopped) => {
                    scans.insert(tid, self.as_called(tid, scan.clone()));
                    seen.push(scan);
                }
                _ => return Look::Busy,
            }
        }
        // Between the scans: nothing to deliver, nothing to collect.
        if self.turn() {
            return Look::Busy;
        }
        let traffic = self.traffic();
        for (&(pid, tid, _), before) in watched.iter().zip(&seen) {
            if !self.scanner.sleeps_on(pid, tid, before) {
                return Look::Busy;
            }
        }
        // What has come over the loopback may be for a peer.
        if ptrace::status_pending() || (self.uses_internet() && self.turn()) {
            return Look::Busy;
        }
        self.tracer.found_asleep(scans.keys());
        match traffic {
            Traffic::Moving => Look::Moving(scans),
            traffic => Look::Asleep(scans, traffic),
        }
    }

    /// Whether anything can be on its way over the loopback at all.
    fn uses_internet(&self) -> bool {
        self.traced && (self.tracer.internet || self.peers.iter().any(Peer::is_internet))
    }

    fn traffic(&mut self) -> Traffic {
        if !self.uses_internet() {
            return Traffic::None;
        }
        self.internet.traffic(self.tracer.threads.keys().copied())
    }

    /// One scan of a thread, as it made its call.
    fn scan(&mut self, pid: i32, tid: i32) -> Option<ThreadScan> {
        let scan = self.scanner.scan(pid, tid)?;
        Some(self.as_called(tid, scan))
    }

    /// A restarted call is told by the number it was first made with, and a timed wait as the program has
    /// made it.
    fn as_called(&self, tid: i32, mut scan: ThreadScan) -> ThreadScan {
        let call = self
            .tracer
            .threads
            .get(&tid)
            .and_then(|thread| thread.call.as_ref());
        if let Some(call) = call.filter(|call| call.timed.is_some() && scan.nr >= 0) {
            (scan.nr, scan.args) = (call.nr, call.args);
        }
        if scan.nr == libc::SYS_restart_syscall {
            let first = self.tracer.threads.get(&tid);
            scan.nr = first
                .and_then(|thread| thread.restarting)
                .unwrap_or(scan.nr);
        }
        scan
    }

    /// Which of the sleepers may wake by themselves, and when.
    fn alarms(&mut self, scans: &BTreeMap<i32, ThreadScan>) -> Alarms {
        self.tracer.forget_timers();
        let mut alarms = Alarms {
            moment: self.tracer.next_moment(),
            ..Alarms::default()
        };
        let mut due = |when: Duration| {
            alarms.real = Some(alarms.real.map_or(when, |earliest| earliest.min(when)));
        };
        let mut unprovable = false;
        for (&tid, scan) in scans {
            let thread = self.tracer.threads.get(&tid);
            let stopped = thread.is_some_and(|thread| thread.standing == Standing::Stopped);
            let call = thread.and_then(|thread| thread.call.as_ref());
            let classifier = self.graph.classifier();
            if call.is_some_and(|call| call.timed.is_some()) {
                unprovable |= matches!(classifier.watches(tid, scan), WaitKind::Unknown(_));
                continue;
            }
            match classifier.classify(tid, scan, stopped) {
                WaitKind::Forever | WaitKind::Stopped | WaitKind::Dead => {}
                WaitKind::Timed(ms) => {
                    let entered = call.map(|call| call.entered.elapsed()).unwrap_or_default();
                    due(ms.map_or(Duration::from_millis(10), |ms| {
                        Duration::from_millis(ms).saturating_sub(entered)
                    }));
                }
                WaitKind::Runs | WaitKind::Unknown(_) => unprovable = true,
            }
        }
        for process in self.tracer.processes.values() {
            if process.status.is_none()
                && (process.has_timers || !self.traced)
                && let Some(timer) = waits::armed(process.pid)
            {
                match timer {
                    ArmedTimer::TimerFd { ms, .. } => due(Duration::from_millis(ms)),
                    _ => unprovable = true,
                }
            }
        }
        let typing = self.stdio.iter().flatten().any(Stdio::on_its_way);
        alarms.unprovable = unprovable || typing;
        alarms
    }

    fn anyone_spinning(&self) -> bool {
        self.tracer
            .threads
            .values()
            .any(|thread| thread.spinning.is_some())
    }

    /// Stops threads that compute beyond their budget without any progress.
    fn watch_cpu(&mut self) {
        let limits = self.plan.limits;
        let mut sum = 0;
        for thread in self.tracer.threads.values_mut() {
            let Some(cpu) = proc::cpu_ns(thread.pid, thread.tid) else {
                continue;
            };
            sum += cpu;
            if thread.standing != Standing::Free || thread.spinning.is_some() {
                continue;
            }
            if thread.made != thread.made_seen {
                thread.made_seen = thread.made;
                thread.cpu_mark = None;
            }
            let mark = *thread.cpu_mark.get_or_insert(cpu);
            let budget_ms = if thread.spun {
                limits.spin_ms / 10 + 1
            } else {
                limits.spin_ms
            };
            if cpu.saturating_sub(mark) > budget_ms * 1_000_000 {
                thread.spinning = Some((thread.fruitless_in_step, None));
                thread.spun = true;
                if self.traced {
                    ptrace::interrupt(thread.tid);
                } else {
                    thread.standing = Standing::Held;
                }
            }
        }
        // The dead no longer count; RLIMIT_CPU bounds each of them.
        if sum > limits.cpu_ms.saturating_mul(1_000_000) && !self.limit_hit {
            self.limit_hit = true;
            self.recorder.emit(What::Limit {
                program: None,
                limit: LimitKind::Cpu,
                most: limits.cpu_ms,
            });
        }
    }

    /// The wall-time limit of the scenario, or of the whole tree's CPU time.
    fn out_of_time(&mut self) -> bool {
        if self.limit_hit {
            return true;
        }
        let passed = self.recorder.started().elapsed();
        if passed > Duration::from_millis(self.plan.limits.wall_ms) {
            if self.had_no_processor(passed) {
                return true;
            }
            self.limit_hit = true;
            self.recorder.emit(What::Limit {
                program: None,
                limit: LimitKind::Wall,
                most: self.plan.limits.wall_ms,
            });
        }
        self.overtaxed()
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
            scans: BTreeMap::new(),
            real: false,
        }
    }
}

/// Whether a scan shows a thread that sleeps, and will go on sleeping unless woken.
fn asleep(scan: &ThreadScan, stopped: bool) -> bool {
    match scan.state {
        // In a group stop under PTRACE_LISTEN.
        b't' => stopped,
        // Dead; or stopped, in an untraced run.
        b'Z' | b'X' | b'T' => true,
        b'S' => !scan.has_deliverable_signal(),
        // A vfork parent sleeps uninterruptibly until its child has executed or ended.
        b'D' => matches!(scan.nr, libc::SYS_clone | libc::SYS_clone3) || is_vfork(scan.nr),
        _ => false,
    }
}

/// A length of time as the kernel takes it.
pub(crate) fn timespec(length: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(length.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(length.subsec_nanos().cast_signed()),
    }
}

fn is_vfork(nr: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        nr == libc::SYS_vfork
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = nr;
        false
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
