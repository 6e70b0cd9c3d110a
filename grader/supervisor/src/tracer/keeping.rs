//! Threads that are kept from going on until others have done something.

use super::task::Standing;
use super::{Tracer, disturb, ptrace, time};
use crate::plan::ProgramId;

impl Tracer {
    /// Keeps a thread before a call: for so long, or until it is thawed.
    pub(super) fn keep(&mut self, tid: i32, until: Option<time::Moment>) {
        let standing = match until {
            Some(length) => {
                let (moment, order) = self.time.after(length);
                Standing::Delayed(moment, order)
            }
            None => Standing::Frozen,
        };
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.standing = standing;
        }
    }

    /// Lets a kept thread go on: what came meanwhile is handled, then it makes its call.
    pub(super) fn let_go(&mut self, tid: i32) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.standing = Standing::Free;
            if let Some(call) = &mut thread.call {
                call.altered = Some(disturb::again(tid));
            }
        }
        ptrace::resume_to_syscall(tid, 0);
    }

    /// Lets go the frozen threads of a program.
    pub(crate) fn thaw(&mut self, program: ProgramId) {
        let frozen: Vec<i32> = self
            .threads
            .values()
            .filter(|thread| thread.standing == Standing::Frozen)
            .filter(|thread| {
                self.id_of(thread.pid)
                    .is_some_and(|id| id.program == program)
            })
            .map(|thread| thread.tid)
            .collect();
        for tid in frozen {
            self.let_go(tid);
        }
    }

    /// Everybody else rests: lets go one of those that wait for that. `false` if there is none.
    pub(crate) fn let_last_go(&mut self) -> bool {
        let mut threads = self.threads.values_mut();
        let Some(thread) = threads.find(|thread| thread.standing == Standing::Last) else {
            return false;
        };
        thread.standing = Standing::Free;
        let tid = thread.tid;
        self.go_on(tid, 0);
        true
    }
}
