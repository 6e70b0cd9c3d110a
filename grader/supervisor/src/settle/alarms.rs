//! When the sleepers may wake by themselves.

use std::time::Duration;

use super::Scans;
use crate::driver::stdio::Stdio;
use crate::helper::Helper;
use crate::tracer::task::Standing;
use crate::tracer::time::Moment;
use crate::waits::{self, ArmedTimer, WaitKind};

/// When the sleepers may wake by themselves.
#[derive(Default)]
pub(super) struct Alarms {
    /// The earliest moment of the virtual clock at which a wait ends or a timer comes.
    pub(super) moment: Option<Moment>,
    /// The same by the kernel's clock: what could not be taken from it, and untraced programs.
    pub(super) real: Option<Duration>,
    /// A wait that cannot be proved quiet.
    pub(super) unprovable: bool,
}

impl Alarms {
    /// How long until the first of them.
    pub(super) fn earliest(&self, now: Moment) -> Option<Duration> {
        let left = self.moment.map(|moment| moment.saturating_sub(now));
        left.into_iter().chain(self.real).min()
    }

    /// The moment of the first of them, if it goes by the virtual clock.
    pub(super) fn first_moment(&self, now: Moment) -> Option<Moment> {
        let moment = self.moment?;
        let first = self
            .real
            .is_none_or(|real| moment.saturating_sub(now) <= real);
        first.then_some(moment)
    }
}

impl Helper {
    /// Which of the sleepers may wake by themselves, and when.
    pub(super) fn alarms(&mut self, scans: &Scans) -> Alarms {
        self.tracer.forget_timers();
        let mut alarms = Alarms {
            moment: self.tracer.next_moment(),
            ..Alarms::default()
        };
        let mut due = |when: Duration| {
            alarms.real = Some(alarms.real.map_or(when, |earliest| earliest.min(when)));
        };
        let unlimited = self.traced && !self.tracer.time.sockets.any_left_to_the_kernel();
        self.graph.classifier().sockets_are_unlimited(unlimited);
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
                WaitKind::Left(ms) => due(Duration::from_millis(ms)),
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
}
