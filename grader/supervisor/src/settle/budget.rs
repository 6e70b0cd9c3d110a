//! Budgets of processor time and of time.

use std::collections::BTreeMap;

use crate::event::{LimitKind, What};
use crate::helper::Helper;
use crate::plan::ProgramId;
use crate::proc;
use crate::tracer::ptrace;
use crate::tracer::task::Standing;

impl Helper {
    /// Stops threads that compute beyond their budget without any progress.
    pub(super) fn watch_cpu(&mut self) {
        let limits = self.plan.limits;
        let mut used: BTreeMap<Option<ProgramId>, u64> = BTreeMap::new();
        for thread in self.tracer.threads.values_mut() {
            let Some(cpu) = proc::cpu_ns(thread.pid, thread.tid) else {
                continue;
            };
            let process = self.tracer.processes.get(&thread.pid);
            *used
                .entry(process.map(|process| process.id.program))
                .or_default() += cpu;
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
        let sum: u64 = used.values().sum();
        if sum > limits.cpu_ms.saturating_mul(1_000_000) && !self.limit_hit {
            self.limit_hit = true;
            let (kind, most) = (LimitKind::Cpu, limits.cpu_ms);
            let whose = whose(&used, sum);
            let exhausted = &mut self.tracer.exhausted;
            exhausted.tell(whose, kind, most, &mut self.recorder);
        }
    }

    /// The wall-time limit of the scenario, put off by what others took, or of the whole tree's CPU time.
    pub(crate) fn out_of_time(&mut self) -> bool {
        if self.limit_hit {
            return true;
        }
        let passed = self.recorder.started().elapsed();
        let mut limit = self.time_limit;
        let Some(left) = self.left_of(&mut limit, passed) else {
            return true;
        };
        self.time_limit = limit;
        if left.is_zero() {
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

/// The program whose time it is: that of more than half of it.
fn whose(used: &BTreeMap<Option<ProgramId>, u64>, sum: u64) -> Option<ProgramId> {
    let (program, _) = used.iter().find(|(_, used)| **used > sum / 2)?;
    *program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_who_has_used_most_of_it() {
        let [server, client] = [0, 1].map(|number| Some(ProgramId(number)));
        for (used, expected) in [
            (vec![(server, 3), (client, 997)], client),
            (vec![(server, 1000)], server),
            (vec![(server, 500), (client, 500)], None),
            (vec![(None, 900), (client, 100)], None),
        ] {
            assert_eq!(whose(&used.into_iter().collect(), 1000), expected);
        }
    }
}
