//! Virtual time: a scenario's programs live by a clock of their own, which goes on when the grader
//! lets it. What they wait for comes in the order of its moments, each when all that went before
//! has been dealt with.

mod calls;
mod clock;
mod sockets;
mod timers;
mod vdso;
mod wait;

use std::time::Duration;

pub(crate) use calls::ASKING;
use clock::Clock;
pub(crate) use clock::Moment;
pub(crate) use sockets::{RECEIVE, SEND, Sockets};
use timers::Timers;
pub(crate) use vdso::hide as hide_vdso;
pub(crate) use wait::{Resumed, Timed, gives_up};

use super::ptrace;
use super::task::InCall;
use super::{Standing, Tracer};

/// The clock, and what goes by it.
#[derive(Debug)]
pub(crate) struct Time {
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    pub(crate) sockets: Sockets,
    /// Counts what has been set, for those that end at the same moment.
    set: u64,
    /// Since when nothing has happened: the count of progress, and the moment.
    quiet: (u64, Moment),
}

impl Time {
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::new(),
            timers: Timers::default(),
            sockets: Sockets::default(),
            set: 0,
            quiet: (0, Duration::ZERO),
        }
    }

    /// The moment so long from now, with its place among those that come then.
    pub(crate) fn after(&mut self, length: Duration) -> (Moment, u64) {
        (self.clock.now().saturating_add(length), self.order())
    }

    fn order(&mut self) -> u64 {
        self.set += 1;
        self.set
    }

    /// At a call's entry: its timeout, if it has one, becomes ours.
    pub(crate) fn enter(
        &mut self,
        pid: i32,
        tid: i32,
        nr: i64,
        args: &[u64; 6],
        resumed: Option<Resumed>,
    ) -> Option<Timed> {
        if crate::waits::timeout::of_call(nr, args, tid).is_some() {
            self.clock.charge(pid);
            let order = self.order();
            return wait::enter(tid, nr, args, resumed, &self.clock, order);
        }
        let on_socket = crate::waits::calls::transfer(nr, args).is_some()
            || matches!(nr, libc::SYS_accept | libc::SYS_accept4 | libc::SYS_connect);
        let limit = on_socket
            .then(|| self.sockets.limit(pid, nr, args[0] as i32))
            .flatten()?;
        self.clock.charge(pid);
        let order = self.order();
        Some(wait::on_socket(
            nr,
            args,
            limit,
            resumed,
            &self.clock,
            order,
        ))
    }

    /// At its exit.
    pub(crate) fn leave(
        &mut self,
        pid: i32,
        tid: i32,
        call: &InCall,
        timed: &Timed,
        result: i64,
    ) -> (i64, Option<Resumed>) {
        self.clock.charge(pid);
        wait::leave(tid, call.nr, &call.args, timed, result, self.clock.now())
    }

    /// At its exit, where nothing but the tracer has interrupted it: it is made again.
    pub(crate) fn interrupted(
        &mut self,
        pid: i32,
        tid: i32,
        call: &InCall,
        timed: &Timed,
    ) -> Option<Resumed> {
        self.leave(pid, tid, call, timed, wait::RESTARTS).1
    }

    /// Everything is at rest, and so much progress was made until now. What passes without any
    /// more of it is part of the next `advance`: a program that polls is no further for it.
    pub(crate) fn at_rest(&mut self, progress: u64) {
        if self.quiet.0 != progress {
            self.quiet = (progress, self.clock.now());
        }
    }

    /// The moment from which an `advance` counts.
    pub(crate) fn since(&self) -> Moment {
        self.quiet.1
    }

    /// An `advance` has reached its end.
    pub(crate) fn reached(&mut self, progress: u64, moment: Moment) {
        self.clock.pass_to(moment);
        self.quiet = (progress, moment);
    }
}

/// What comes next.
enum Next {
    Thread(i32),
    Timer(usize),
    Kept(i32),
}

impl Tracer {
    /// The next moment at which something ends or comes by the virtual clock.
    pub(crate) fn next_moment(&self) -> Option<Moment> {
        self.next().map(|(moment, _, _)| moment)
    }

    fn next(&self) -> Option<(Moment, u64, Next)> {
        let waits = self.threads.values().filter_map(|thread| {
            let timed = thread.call.as_ref()?.timed?;
            (!timed.over).then_some((timed.until, timed.order, Next::Thread(thread.tid)))
        });
        let timers = self.time.timers.all.iter().enumerate();
        let timers = timers
            .filter_map(|(index, timer)| Some((timer.next?, timer.order, Next::Timer(index))));
        let kept = self.threads.values();
        let kept = kept.filter_map(|thread| match thread.standing {
            Standing::Delayed(moment, order) => Some((moment, order, Next::Kept(thread.tid))),
            _ => None,
        });
        waits
            .chain(timers)
            .chain(kept)
            .min_by_key(|(moment, order, _)| (*moment, *order))
    }

    /// Goes on to a moment and lets the first of what is due then come. Everything has to be at
    /// rest, and has to come to rest again before this is called once more.
    pub(crate) fn pass_to(&mut self, moment: Moment) {
        self.time.clock.pass_to(moment);
        let now = self.time.clock.now();
        let Some((due, _, next)) = self.next() else {
            return;
        };
        if due > now {
            return;
        }
        match next {
            Next::Thread(tid) => {
                if let Some(thread) = self.threads.get_mut(&tid)
                    && let Some(timed) = thread.call.as_mut().and_then(|call| call.timed.as_mut())
                {
                    timed.over = true;
                    // Who waits for time does not spin.
                    thread.fruitless = 0;
                    ptrace::interrupt(tid);
                }
            }
            Next::Kept(tid) => self.let_go(tid),
            Next::Timer(index) => {
                let order = self.time.order();
                if let Some(timer) = self.time.timers.all.get_mut(index) {
                    timer.come(now, order);
                }
            }
        }
    }

    /// Counts a look at the clock. Who does nothing else waits for time to pass: some of it does, and
    /// who goes on for longer spins. `true`: the thread is held for that.
    pub(crate) fn watches_the_clock(&mut self, tid: i32, nr: i64) -> bool {
        /// So many looks may be measurements.
        const PATIENT: u32 = 300;
        /// And so many, of which each lets a step of time pass, are a wait.
        const MOST: u32 = 3000;
        const STEP: Duration = Duration::from_millis(1);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return false;
        };
        let Some(name) = calls::clock_name(nr) else {
            return false;
        };
        thread.looks += 1;
        thread.fruitless_in_step += 1;
        if thread.looks > if thread.spun { MOST / 10 } else { MOST } {
            thread.spinning = Some((thread.fruitless_in_step, Some(format!("{name}()"))));
            thread.spun = true;
            thread.looks = 0;
            thread.standing = Standing::Held;
            return true;
        }
        if thread.looks > PATIENT {
            self.time.at_rest(self.progress);
            let most = self.time.since() + super::PATIENCE;
            let next = self.time.clock.now() + STEP;
            if next <= most {
                self.time.clock.pass_to(next);
            }
        }
        false
    }

    /// Forgets timers that nobody can hear any more.
    pub(crate) fn forget_timers(&mut self) {
        let living = self
            .processes
            .values()
            .filter(|process| process.status.is_none())
            .map(|process| process.pid);
        self.time.timers.forget_closed(living);
    }

    /// Whether a thread sleeps in a wait whose end has come: it is on its way.
    pub(crate) fn is_called(&self, tid: i32) -> bool {
        self.threads.get(&tid).is_some_and(|thread| {
            thread.standing == Standing::Free
                && thread
                    .call
                    .as_ref()
                    .and_then(|call| call.timed)
                    .is_some_and(|timed| timed.over)
        })
    }
}
