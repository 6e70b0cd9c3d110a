//! Waiting for the end of a command of a build.

use std::time::{Duration, Instant};

use super::for_good::Rest;
use crate::driver::processor::TimeLimit;
use crate::event::{LimitKind, Stream, What};
use crate::helper::Helper;
use crate::isolation::reaper;
use crate::plan::ProgramId;
use crate::proc;

impl Helper {
    /// Waits for the end of a program that may compute as long as it likes.
    pub(super) fn wait_exit(&mut self, program: ProgramId, most: Duration) {
        let began = Instant::now();
        let mut limit = TimeLimit::of(most);
        let mut rest = Rest::new();
        loop {
            self.turn();
            let running = self
                .tracer
                .root_of(program)
                .is_some_and(|root| root.status.is_none());
            if !running {
                // A build is over with its command: who goes on must neither hold up what follows
                // nor change what is collected.
                reaper::end_everything();
                self.turn();
                return;
            }
            let Some(left) = self.left_of(&mut limit, began.elapsed()) else {
                return;
            };
            if left.is_zero() {
                let seconds = most.as_secs();
                self.stop_waiting(program, most, &format!("after {seconds} s there is still"));
                return;
            }
            if rest.is_for_good() {
                self.stop_waiting(program, began.elapsed(), "asleep for good");
                return;
            }
            if self.overtaxed() {
                return;
            }
            self.wait(left.min(Duration::from_millis(20)));
        }
    }

    /// Ends the run, and says on the program's standard error what was waited for.
    fn stop_waiting(&mut self, program: ProgramId, most: Duration, why: &str) {
        self.limit_hit = true;
        let root = self.tracer.root_of(program).map(|root| root.pid);
        let there = root.map(proc::tree::last_ones).unwrap_or_default();
        if !there.is_empty() {
            let text = format!("\n{why}: {}\n", there.join("; "));
            self.recorder.emit(What::Output {
                program,
                stream: Stream::Err,
                bytes: text.as_str().into(),
            });
        }
        self.recorder.emit(What::Limit {
            program: Some(program),
            limit: LimitKind::Wall,
            most: u64::try_from(most.as_millis()).unwrap_or(u64::MAX),
        });
    }
}
