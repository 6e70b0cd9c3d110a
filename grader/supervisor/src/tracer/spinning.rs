//! Threads that do much and get nowhere.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::task::{InCall, Standing, Thread};
use super::{Tracer, calls};
use crate::recorder::Recorder;
use crate::waits::calls::ALARM;

/// What a thread sends again and again: a question, an answer and what stands between them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    /// The texts, by their hashes, the first `known` of them.
    texts: [u64; 4],
    known: usize,
    /// Texts sent, one of these each time.
    times: u64,
}

impl Sent {
    fn count(&mut self, sent: u64) {
        if !self.texts.iter().take(self.known).any(|text| *text == sent) {
            if self.known == self.texts.len() {
                *self = Self::default();
            }
            if let Some(free) = self.texts.get_mut(self.known) {
                *free = sent;
                self.known += 1;
            }
        }
        self.times += 1;
    }
}

/// Whether a result is an error that the same call will give again.
fn stays(result: i64) -> bool {
    const PASSING: [i32; 3] = [libc::EAGAIN, libc::EINTR, libc::ECONNABORTED];
    // Beyond -511 are those that the program never sees: the call is made again.
    (-511..0).contains(&result) && !PASSING.iter().any(|error| result == -i64::from(*error))
}

impl Tracer {
    /// Counts a result as progress or not.
    pub(super) fn weigh(&mut self, tid: i32, nr: i64, result: i64, restarts: bool) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        match calls::progress(nr, result) {
            calls::Progress::Made => {
                thread.fruitless = 0;
                thread.fruitless_in_step = 0;
                thread.made += 1;
                self.progress += 1;
            }
            calls::Progress::None if !restarts => {
                thread.fruitless += 1;
                thread.fruitless_in_step += 1;
            }
            _ => {}
        }
    }

    /// Counts what is progress by every measure and comes to no end all the same: a thread to which a
    /// descriptor has nothing more to give, the end of its input or an error that stays, whatever it
    /// writes in between; and one that does nothing but write the same few texts. (A single byte may
    /// well be the same many times: data copied byte by byte.)
    pub(super) fn count_repeats(&mut self, tid: i32, call: &InCall, result: i64) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        let [fd, _, asked, ..] = call.args;
        let read = matches!(call.nr, libc::SYS_read | libc::SYS_recvfrom) && asked > 0;
        let takes = matches!(call.nr, libc::SYS_accept | libc::SYS_accept4);
        if read || takes {
            let (last, times) = thread.at_end;
            if read && result == 0 || stays(result) {
                thread.at_end = (fd, if last == fd { times + 1 } else { 1 });
            } else if last == fd && (result > 0 || takes && result == 0) {
                thread.at_end = (fd, 0);
            }
        }
        if calls::kind(call.nr) == calls::Kind::Send && result > 0 {
            if result > 1 {
                let mut hasher = DefaultHasher::new();
                (call.nr, &call.shown, &call.data).hash(&mut hasher);
                thread.same_sent.count(hasher.finish());
            }
        } else if !matches!(
            call.nr,
            // A question with a limit of time is still the same question.
            ALARM | libc::SYS_setitimer | libc::SYS_rt_sigaction
        ) {
            thread.same_sent = Sent::default();
        }
    }

    /// How many times a thread has repeated what is progress, if that is too many: the same end of
    /// input ten times as often as calls of no use at all, the same output thirty times.
    fn repeats_for_ever(&self, thread: &Thread) -> Option<u64> {
        let allowed = self.calls_allowed(thread);
        let ((_, ends), same) = (thread.at_end, thread.same_sent.times);
        (ends > 10 * allowed || same > 30 * allowed).then_some(ends.max(same))
    }

    /// How many calls without progress are too many for a thread.
    fn calls_allowed(&self, thread: &Thread) -> u64 {
        if thread.spun {
            u64::from(self.limits.spin_calls / 10 + 1)
        } else {
            u64::from(self.limits.spin_calls)
        }
    }

    /// Holds a thread that has made too many calls without progress. `true`: held.
    pub(super) fn judge_spinning(&mut self, tid: i32, recorder: &Recorder) -> bool {
        let Some(thread) = self.threads.get(&tid) else {
            return false;
        };
        let fruitless = thread.fruitless > self.calls_allowed(thread);
        let calls = match self.repeats_for_ever(thread) {
            _ if fruitless => thread.fruitless_in_step,
            Some(times) => times,
            None => return false,
        };
        let repeated = self
            .processes
            .get(&thread.pid)
            .and_then(|process| recorder.repetition(process.id, thread.ordinal));
        let found = (calls, repeated.map(|(text, _)| text));
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.spinning = Some(found);
            thread.repeats = !fruitless;
            thread.spun = true;
            thread.standing = Standing::Held;
        }
        true
    }

    /// Lets go the threads that were held for spinning and forgets their account; for the beginning
    /// of a step.
    pub(crate) fn begin_step(&mut self) {
        for thread in self.threads.values_mut() {
            thread.fruitless_in_step = 0;
            thread.at_end.1 = 0;
            thread.same_sent.times = 0;
            thread.repeats = false;
        }
        self.release_held();
    }

    /// Lets go the threads that were held for spinning. One that repeats what counts as progress gets
    /// another chance only in the next step: there would be chances without end.
    pub(crate) fn release_held(&mut self) {
        let mut released = Vec::new();
        for thread in self.threads.values_mut() {
            if thread.standing == Standing::Held && thread.repeats {
                continue;
            }
            thread.fruitless = 0;
            // Most steps are over before anybody would look at it.
            thread.cpu_mark = None;
            if thread.standing == Standing::Held {
                thread.standing = Standing::Free;
                thread.spinning = None;
                released.push(thread.tid);
            }
        }
        for tid in released {
            self.go_on(tid, 0);
        }
    }
}
