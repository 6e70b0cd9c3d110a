//! Letting time pass.

use std::time::{Duration, Instant};

use crate::event::Quiet;
use crate::helper::Helper;

impl Helper {
    /// Lets time pass. Whatever comes meanwhile comes in its turn, each after everything has come
    /// to rest from what went before. By the virtual clock that takes no time, or as much as the
    /// programs compute; what goes by the kernel's takes its own.
    pub(crate) fn advance(&mut self, by: Duration) {
        if !self.traced {
            return self.wait_out(by);
        }
        let mut rest = self.settle_within(Duration::ZERO);
        let target = self.tracer.time.since().saturating_add(by);
        let from = self.tracer.time.clock.now();
        let began = Instant::now();
        loop {
            if matches!(rest.how, Quiet::Ended | Quiet::Limit) || self.out_of_time() {
                break;
            }
            let now = self.tracer.time.clock.now();
            let next = self.tracer.next_moment().filter(|next| *next <= target);
            if rest.real && next.is_none_or(|next| next > now) && now < target {
                let most = next.unwrap_or(target).saturating_sub(now);
                let waited = Instant::now();
                self.wait(most.min(Duration::from_millis(100)));
                rest = self.settle_within(Duration::ZERO);
                let passed = waited.elapsed().min(most);
                self.tracer.time.clock.pass_to(now.saturating_add(passed));
                continue;
            } else if let Some(next) = next {
                // Never slower than real time: where more comes than can be dealt with, it comes
                // late and in heaps, as it would.
                let late = from.saturating_add(began.elapsed()).min(target);
                self.tracer.pass_to(next.max(late));
            } else {
                break;
            }
            rest = self.settle_within(Duration::ZERO);
        }
        let progress = self.tracer.progress;
        self.tracer.time.reached(progress, target);
        if rest.how == Quiet::Spinning {
            // Who computes may come to an end, or sees what time it is.
            self.tracer.release_held();
        }
    }

    /// Nothing comes: the clock goes on, and that is all.
    pub(super) fn skip(&mut self, by: Duration) {
        let target = self.tracer.time.since().saturating_add(by);
        let progress = self.tracer.progress;
        self.tracer.time.reached(progress, target);
    }

    /// The same by the kernel's clock.
    fn wait_out(&mut self, by: Duration) {
        let deadline = Instant::now() + by;
        match self.settle_as_it_is().how {
            Quiet::Ended | Quiet::Proved | Quiet::Limit => return,
            Quiet::Spinning => self.tracer.release_held(),
            _ => {}
        }
        loop {
            self.turn();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.tracer.any_alive() || self.out_of_time() {
                return;
            }
            self.wait(left.min(Duration::from_millis(100)));
        }
    }
}
