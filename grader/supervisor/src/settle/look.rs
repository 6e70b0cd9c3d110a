//! Whether everything sleeps: two looks at each thread.

use super::Scans;
use crate::driver::peers::Peer;
use crate::helper::Helper;
use crate::proc::ThreadScan;
use crate::tracer::ptrace;
use crate::tracer::task::Standing;
use crate::waits::Traffic;
use crate::waits::calls::{CLONE, CLONE3, VFORK};

/// What a double scan showed.
pub(super) enum Look {
    /// Something runs, or ran between the scans.
    Busy,
    /// Everything sleeps, but something is on its way over the loopback.
    Moving(Scans),
    /// Everything sleeps; what is on its way over the loopback, if anything, cannot be known.
    Asleep(Scans, Traffic),
}

impl Helper {
    /// One double scan.
    pub(super) fn look(&mut self) -> Look {
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
        let mut scans = Scans::new();
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
    pub(super) fn scan(&mut self, pid: i32, tid: i32) -> Option<ThreadScan> {
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
        b'D' => matches!(scan.nr, CLONE | CLONE3 | VFORK),
        _ => false,
    }
}
