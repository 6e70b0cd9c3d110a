//! Processes and threads: how they come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use super::spinning::Sent;
use super::task::{Altered, Process, Standing, Thread};
use super::{Tracer, lookup, ptrace, time};
use crate::event::{ExitStatus, What};
use crate::limits;
use crate::plan::{First, ProcessId, ProgramId};
use crate::proc;
use crate::recorder::Recorder;

impl Tracer {
    /// Adds a process found or forked.
    pub(crate) fn add_process(
        &mut self,
        program: ProgramId,
        pid: i32,
        parent: Option<ProcessId>,
        launched: bool,
    ) -> ProcessId {
        let number = self.made.entry(program).or_insert(0);
        let id = ProcessId {
            program,
            number: *number,
        };
        *number = number.saturating_add(1);
        let process = Process {
            id,
            pid,
            parent,
            status: None,
            reaped: false,
            unawaited: false,
            orphaned: false,
            threads_made: 0,
            launched,
            loader: None,
            has_timers: false,
            executing: Vec::new(),
        };
        self.processes.insert(pid, process);
        self.add_thread(pid, pid);
        id
    }

    /// Adds a thread of a known process.
    pub(crate) fn add_thread(&mut self, pid: i32, tid: i32) {
        let Some(process) = self.processes.get_mut(&pid) else {
            return;
        };
        let ordinal = process.threads_made;
        process.threads_made = process.threads_made.saturating_add(1);
        self.threads.insert(
            tid,
            Thread {
                tid,
                pid,
                ordinal,
                call: None,
                standing: Standing::Free,
                fruitless: 0,
                fruitless_in_step: 0,
                made: 0,
                made_seen: 0,
                cpu_mark: Some(0),
                at_end: (0, 0),
                same_sent: Sent::default(),
                repeats: false,
                spun: false,
                spinning: None,
                rewound: false,
                restarting: None,
                looks: 0,
                resumed: None,
                sleeps_unseen: false,
            },
        );
    }

    pub(super) fn forked(&mut self, tid: i32, recorder: &mut Recorder) {
        if let Some(new) = ptrace::event_message(tid) {
            self.progress += 1;
            let parent_pid = self.threads.get(&tid).map_or(tid, |thread| thread.pid);
            let is_thread = lookup::is_thread_of(parent_pid, new);
            if is_thread {
                self.add_thread(parent_pid, new);
            } else if let Some((parent, launched, loader)) = self
                .processes
                .get(&parent_pid)
                .map(|process| (process.id, process.launched, process.loader.clone()))
            {
                let child = self.add_process(parent.program, new, Some(parent), launched);
                if let Some(process) = self.processes.get_mut(&new) {
                    process.loader = loader;
                }
                self.family.forked(parent, child);
                recorder.emit(What::Forked {
                    parent,
                    child,
                    pid: new,
                });
            }
            let call = self
                .threads
                .get_mut(&tid)
                .and_then(|thread| thread.call.as_mut());
            let altered = call.and_then(|call| {
                call.makes_task = false;
                call.altered
            });
            if let Some(Altered::First(first)) = altered
                && !is_thread
            {
                let last = match first {
                    First::Child => tid,
                    First::Parent => new,
                };
                if let Some(thread) = self.threads.get_mut(&last) {
                    thread.standing = Standing::Last;
                }
            }
            if let Some(status) = self.early.remove(&new) {
                self.handle(new, status, recorder);
            }
        }
        let last = self.threads.get(&tid);
        if last.is_none_or(|thread| thread.standing != Standing::Last) {
            self.go_on(tid, 0);
        }
    }

    pub(super) fn executed(&mut self, tid: i32, recorder: &mut Recorder) {
        self.progress += 1;
        // exec from another thread than the first: the caller takes the leader's id and all the
        // other threads vanish without a status (ptrace(2), "execve(2) under ptrace").
        if let Some(former) = ptrace::event_message(tid) {
            if former != tid
                && let Some(caller) = self.threads.remove(&former)
                && let Some(leader) = self.threads.get_mut(&tid)
            {
                leader.call = caller.call;
            }
            self.threads
                .retain(|&other, thread| thread.pid != tid || other == tid);
        }
        let loader = time::hide_vdso(tid).filter(|&base| base != 0);
        self.time.timers.executed(tid);
        if let Some(process) = self.processes.get_mut(&tid) {
            process.loader = loader.and_then(|base| lookup::loader(tid, base));
            let path = std::mem::take(&mut process.executing);
            if process.launched {
                let process = process.id;
                recorder.emit(What::Executed {
                    process,
                    path: path.into(),
                });
            } else {
                limits::dies_first(tid);
            }
            process_launched(&mut self.processes, tid);
        }
        self.go_on(tid, 0);
    }

    /// A thread or, if it is the last, a process has ended.
    pub(crate) fn ended(&mut self, tid: i32, status: ExitStatus, recorder: &mut Recorder) {
        self.progress += 1;
        let Some(thread) = self.threads.remove(&tid) else {
            return;
        };
        if thread.tid != thread.pid {
            return;
        }
        self.threads.retain(|_, other| other.pid != thread.pid);
        let Some(process) = self.processes.get_mut(&thread.pid) else {
            return;
        };
        if process.status.is_some() {
            return;
        }
        process.status = Some(status);
        let (id, forked) = (process.id, process.parent.is_some());
        self.time.timers.ended(thread.pid);
        // Untraced, nobody told us of its unlink; it came before the end.
        self.look_for_unlinked(recorder);
        self.family.exited(id);
        // Of a child whose parent ignores SIGCHLD nothing is left once we know its status (wait(2)); who
        // waits for it comes before us at most.
        if forked && proc::state(thread.pid).is_none() {
            if let Some(process) = self.processes.get_mut(&thread.pid) {
                process.unawaited = !process.orphaned;
            }
            self.family.reaped(id);
        }
        recorder.emit(What::Exited {
            process: id,
            status,
        });
        let mut orphans = Vec::new();
        for child in self.processes.values_mut() {
            if child.parent == Some(id) && !child.reaped && !child.orphaned {
                child.orphaned = true;
                if child.status.is_none() {
                    orphans.push(child.id);
                }
            }
        }
        for process in orphans {
            recorder.emit(What::Orphaned { process });
        }
    }

    /// So long has a process that has ended run, with the children that it has waited for.
    /// Twice, where somebody on another processor has waited for it meanwhile.
    pub(super) fn ran(&mut self, pid: i32, time: Duration) {
        if self
            .processes
            .get(&pid)
            .is_some_and(|process| process.unawaited)
        {
            self.ran_unawaited += time;
        }
    }

    /// Whether a process was forked by another of the scenario.
    pub(crate) fn is_descendant(&self, pid: i32) -> bool {
        self.processes
            .get(&pid)
            .is_some_and(|process| process.parent.is_some())
    }
}

fn process_launched(processes: &mut BTreeMap<i32, Process>, pid: i32) {
    if let Some(process) = processes.get_mut(&pid) {
        process.launched = true;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::time::Instant;

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, Pid, fork, pipe, read, write};

    use super::super::Tracer;
    use super::*;
    use crate::plan::Limits;
    use crate::tracer::meeting::Meetings;
    use crate::wire::EventSink;

    const RUNS: Duration = Duration::from_millis(20);

    /// A process that ignores SIGCHLD, and ends when a child of its has run for a while.
    fn parent_of_one() -> ! {
        // SAFETY: no handler is set.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        // SAFETY: a process with one thread.
        if let Ok(ForkResult::Child) = unsafe { fork() } {
            let ran = || getrusage(UsageWho::RUSAGE_SELF).map(|usage| usage.user_time());
            let most = i64::try_from(RUNS.as_micros()).unwrap_or(0);
            while ran().is_ok_and(|ran| ran.tv_sec() == 0 && ran.tv_usec() < most) {}
        } else {
            let _ = waitpid(Pid::from_raw(-1), None);
        }
        // SAFETY: ends the process.
        unsafe { libc::_exit(0) }
    }

    /// What the tracer counts of it.
    fn unawaited() -> Option<Duration> {
        let (gate, key) = pipe().ok()?;
        // SAFETY: a process with one thread.
        let child = match unsafe { fork() }.ok()? {
            ForkResult::Child => {
                let _ = read(&gate, &mut [0]);
                parent_of_one()
            }
            ForkResult::Parent { child } => child,
        };
        let (sink, _other) = UnixStream::pair().ok()?;
        let mut recorder =
            Recorder::new(EventSink::new(sink.into()), Instant::now(), Path::new("/"));
        let mut tracer = Tracer::new(&[], Meetings::default(), Limits::default());
        tracer
            .adopt(ProgramId(0), child.as_raw(), true, true)
            .ok()?;
        write(&key, b"x").ok()?;
        while tracer.any_alive() {
            tracer.collect(&mut recorder);
            std::thread::yield_now();
        }
        Some(tracer.ran_unawaited)
    }

    // In a child: every status is the tracer's.
    #[test]
    fn the_time_of_whom_nobody_waits_for_is_counted() {
        // SAFETY: the child runs nothing of the harness, and the C library keeps its allocator whole.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                let counted = unawaited().is_some_and(|time| time >= RUNS);
                // SAFETY: ends the child.
                unsafe { libc::_exit(i32::from(!counted)) }
            }
            ForkResult::Parent { child } => {
                assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
            }
        }
    }
}
