//! Acts that must come to the programs as one: a peer that sends and closes in one step, before
//! anybody has seen the data without the end.
//!
//! Nothing in the kernel does both in one call. But the programs share the helper's processor and cannot
//! leave it, so nobody has run between two calls if the helper has not left the processor between
//! them, and the kernel counts how often it has. Where it has, on a machine with more to do, the
//! programs' own counts may still say that none of them was given a processor since everything slept.

use std::collections::HashMap;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

use crate::event::What;
use crate::helper::Helper;
use crate::settle::Rest;

/// How often this thread has left its processor: by itself and driven away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switches(i64, i64);

impl Switches {
    /// So far.
    pub(crate) fn now() -> Self {
        match getrusage(UsageWho::RUSAGE_THREAD) {
            Ok(usage) => Self(
                usage.voluntary_context_switches(),
                usage.involuntary_context_switches(),
            ),
            // Never equal to a reading: what cannot be proved is not said.
            Err(_) => Self(-1, -1),
        }
    }

    /// So far, with a slice of processor time ahead that has just begun: whoever leaves the
    /// processor for a moment is chosen anew, and not driven away before it is used up.
    ///
    /// But whoever has had more than its share stays in the queue while it sleeps, with what is left of its
    /// old slice, until it is its turn (`DELAY_DEQUEUE`, Linux 6.12). A scenario that was tried before sleeps
    /// for longer: in a control group with four spinning processes, beside six others, 64 of 100 attempts came
    /// apart with a nanosecond, 6 with one millisecond, none with five.
    pub(crate) fn afresh(attempt: u32) -> Self {
        std::thread::sleep(match attempt {
            0 => Duration::from_nanos(1),
            1 => Duration::from_millis(1),
            _ => Duration::from_millis(5),
        });
        Self::now()
    }

    /// Whether nobody else has run on this processor since.
    pub(crate) fn unbroken(self) -> bool {
        self.0 >= 0 && self == Self::now()
    }
}

impl Helper {
    /// Takes down how often each thread had been given a processor when everything last slept. Those that
    /// are held at a stop are not scanned.
    pub(crate) fn remember_rest(&mut self, rest: &Rest) {
        let scanner = &mut self.scanner;
        let threads = self.tracer.threads.values();
        let counted = threads.filter_map(|thread| match rest.scans.get(&thread.tid) {
            Some(scan) => Some((thread.tid, scan.runs?)),
            None => Some((thread.tid, scanner.runs(thread.pid, thread.tid)?)),
        });
        self.runs_at_rest = counted.collect();
    }

    /// Whether it is certain that no thread has run since then.
    fn nobody_has_run(&mut self) -> bool {
        let scanner = &mut self.scanner;
        let runs: &HashMap<i32, u64> = &self.runs_at_rest;
        self.tracer.threads.values().all(|thread| {
            // Who is held now may have run up to its stop.
            let before = runs.get(&thread.tid).copied();
            before.is_some() && scanner.runs(thread.pid, thread.tid) == before
        })
    }

    /// Ends the run if somebody may have run between acts that belong together: whatever comes of it is
    /// worth nothing.
    pub(crate) fn watch_for_parting(&mut self) {
        let mut parted = false;
        for peer in &mut self.peers {
            parted |= peer.was_parted();
        }
        for stdio in self.stdio.iter_mut().flatten() {
            parted |= stdio.was_parted();
        }
        if parted && !self.nobody_has_run() {
            self.recorder.emit(What::Parted);
            self.limit_hit = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sleeps_has_left_the_processor() {
        // Under load a single attempt may be driven away.
        assert!((0..1000).any(|_| Switches::now().unbroken()));
        let before = Switches::now();
        std::thread::sleep(Duration::from_millis(1));
        assert!(!before.unbroken());
    }
}
