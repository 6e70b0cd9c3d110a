//! Budgets of processor time and of time.

use std::time::Duration;

use crate::event::{LimitKind, What};
use crate::helper::Helper;
use crate::proc;
use crate::tracer::ptrace;
use crate::tracer::task::Standing;

impl Helper {
    /// Stops threads that compute beyond their budget without any progress.
    pub(super) fn watch_cpu(&mut self) {
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
    pub(super) fn out_of_time(&mut self) -> bool {
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
}
