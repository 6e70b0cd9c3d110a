//! The tracer: follows every process and thread of a scenario through ptrace stops at the calls of
//! interest, reports them, and interferes where the plan says so.
//!
//! Single-threaded; driven by [`Tracer::collect`], which never waits.

mod arguments;
pub(crate) mod calls;
mod connecting;
mod disturb;
mod entry;
mod exhausted;
mod exit;
mod keeping;
pub(crate) mod lookup;
pub(crate) mod meeting;
mod names;
mod opening;
mod pipes;
mod processes;
pub(crate) mod ptrace;
pub(crate) mod registers;
mod spinning;
pub(crate) mod task;
pub(crate) mod time;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::event::{ExitStatus, Quiet, WaitState, What};
use crate::inspect::FamilyHistory;
use crate::plan::{Address, Limits, ProcessId, Program, ProgramId};
use crate::proc;
use crate::recorder::Recorder;
use disturb::Disturbances;
use meeting::Meetings;
use ptrace::{Status, SyscallStop};
use task::{Named, Process, Standing, Thread};
use time::Time;

/// Timed waits that end within this time pass by themselves, once: a program that sleeps for a moment
/// goes on. Longer ones are left to `advance`.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1000);

/// What [`Tracer::collect`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Collected {
    /// Nothing.
    Nothing,
    /// Calls that are about to begin: nobody can have felt anything of them yet.
    Entries,
    /// Something has happened.
    More,
}

/// Statuses handled in one turn.
const MOST_AT_ONCE: usize = 1000;

/// Something the driver has to know about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A connection was taken from the listening socket with this inode.
    Accepted(u64),
    /// A program connected to the listening socket with this inode.
    Connected(u64),
}

/// The processes and threads of a scenario.
pub(crate) struct Tracer {
    /// By tid.
    pub(crate) threads: BTreeMap<i32, Thread>,
    /// By pid; the dead stay.
    pub(crate) processes: BTreeMap<i32, Process>,
    /// Sockets with names, in the order of their `bind`.
    pub(crate) named: Vec<Named>,
    /// Who may meet whom.
    pub(crate) meetings: Meetings,
    /// Disturbances in force.
    pub(crate) disturbances: Disturbances,
    /// Who waited for whom.
    pub(crate) family: FamilyHistory,
    /// Findings of the handler audit by program.
    pub(crate) handler_findings: BTreeMap<ProgramId, BTreeSet<String>>,
    /// Processor time of processes that are gone and that nobody waited for, so that getrusage(2) knows
    /// nothing of it.
    pub(crate) ran_unawaited: Duration,
    /// Counts everything that is progress; two equal readings mean nothing happened in between.
    pub(crate) progress: u64,
    notices: Vec<Notice>,
    /// First stops of tasks whose parent has not reported them yet.
    early: HashMap<i32, Status>,
    /// Processes made so far, by program.
    made: HashMap<ProgramId, u16>,
    /// Addresses the handout asks for, by program.
    nominal: Vec<Option<Address>>,
    /// Programs whose connections are to hold as little as possible.
    small: Vec<bool>,
    limits: Limits,
    /// Nothing has been made in the scenario's IPC namespace. It is still to be limited, which is dear
    /// and most never use it.
    pub(crate) ipc_untouched: bool,
    /// A program has made a socket of the internet protocols.
    pub(crate) internet: bool,
    /// Limits that were reached, each told once.
    pub(crate) exhausted: exhausted::Exhausted,
    /// What goes through the programs' own pipes.
    pub(crate) pipes: pipes::Pipes,
    /// The clock the programs live by.
    pub(crate) time: Time,
}

impl Tracer {
    pub(crate) fn new(programs: &[Program], meetings: Meetings, limits: Limits) -> Self {
        Self {
            threads: BTreeMap::new(),
            processes: BTreeMap::new(),
            named: Vec::new(),
            meetings,
            disturbances: Disturbances::default(),
            family: FamilyHistory::default(),
            handler_findings: BTreeMap::new(),
            ran_unawaited: Duration::ZERO,
            progress: 0,
            notices: Vec::new(),
            early: HashMap::new(),
            made: HashMap::new(),
            nominal: programs
                .iter()
                .map(|program| program.address.clone())
                .collect(),
            small: programs
                .iter()
                .map(|program| program.small_buffers)
                .collect(),
            limits,
            ipc_untouched: false,
            internet: false,
            exhausted: exhausted::Exhausted::new(programs),
            pipes: pipes::Pipes::default(),
            time: Time::new(),
        }
    }

    /// Takes a freshly forked root process under observation. `launched`: it will not `execve`.
    pub(crate) fn adopt(
        &mut self,
        program: ProgramId,
        pid: i32,
        launched: bool,
        traced: bool,
    ) -> std::io::Result<()> {
        if traced {
            ptrace::seize(pid)?;
        }
        self.add_process(program, pid, None, launched);
        Ok(())
    }

    /// What the driver has to know, once.
    pub(crate) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Handles every status that is waiting.
    pub(crate) fn collect(&mut self, recorder: &mut Recorder) -> Collected {
        let mut collected = Collected::Nothing;
        // Who makes them faster than they are handled must not keep us from looking at the clock.
        for _ in 0..MOST_AT_ONCE {
            let Some((tid, status, ran)) = ptrace::next_status() else {
                break;
            };
            collected = collected.max(match status {
                Status::Seccomp => Collected::Entries,
                _ => Collected::More,
            });
            self.handle(tid, status, recorder);
            if matches!(status, Status::Exited(_) | Status::Killed(_)) {
                self.ran(tid, ran);
            }
            // Where there is one thread, it has just been let go.
            if self.threads.len() == 1 {
                break;
            }
        }
        collected
    }

    /// The name of a process.
    pub(crate) fn id_of(&self, pid: i32) -> Option<ProcessId> {
        self.processes.get(&pid).map(|process| process.id)
    }

    /// The live root process of a program.
    pub(crate) fn root_of(&self, program: ProgramId) -> Option<&Process> {
        self.processes
            .values()
            .find(|process| process.id == ProcessId { program, number: 0 })
    }

    /// A process by its name.
    pub(crate) fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.values().find(|process| process.id == id)
    }

    /// Whether a process of the scenario lives.
    pub(crate) fn any_alive(&self) -> bool {
        self.processes
            .values()
            .any(|process| process.status.is_none())
    }

    /// Whether a thread is in no call that we know of, or in one that waits for nobody: most likely it
    /// runs, and its next stop is not far.
    pub(crate) fn anyone_computes(&self) -> bool {
        self.threads.values().any(|thread| {
            thread.standing == Standing::Free
                && !thread.sleeps_unseen
                && (thread.call.as_ref()).is_none_or(|call| calls::returns_at_once(call.nr))
        })
    }

    /// These threads sleep, whether they are in a call that we know of or not.
    pub(crate) fn found_asleep<'a>(&mut self, tids: impl Iterator<Item = &'a i32>) {
        for tid in tids {
            if let Some(thread) = self.threads.get_mut(tid) {
                thread.sleeps_unseen = true;
            }
        }
    }

    fn handle(&mut self, tid: i32, status: Status, recorder: &mut Recorder) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.sleeps_unseen = false;
        } else {
            match status {
                Status::Exited(_) | Status::Killed(_) => {
                    // An orphan's second status, which we get as PID 1; or a task that died
                    // before its parent's report.
                    self.early.remove(&tid);
                }
                _ => {
                    self.early.insert(tid, status);
                }
            }
            return;
        }
        match status {
            Status::Exited(code) => self.ended(tid, ExitStatus::Code(code), recorder),
            Status::Killed(signal) => {
                if signal == libc::SIGKILL {
                    let process = self.threads.get(&tid).map_or(tid, |thread| thread.pid);
                    self.exhausted.was_killed(process);
                }
                self.ended(tid, ExitStatus::Signal(signal), recorder);
            }
            Status::Seccomp => match ptrace::syscall_stop(tid) {
                Some(SyscallStop::Entry { nr, args, ip }) => {
                    self.entry(tid, nr, args, ip, recorder);
                }
                _ => ptrace::resume(tid, 0),
            },
            Status::Syscall => match ptrace::syscall_stop(tid) {
                Some(SyscallStop::Exit(result)) => self.exit(tid, result, recorder),
                _ => self.go_on(tid, 0),
            },
            Status::Forked => self.forked(tid, recorder),
            Status::Executed => self.executed(tid, recorder),
            Status::GroupStop(_) => {
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.standing = Standing::Stopped;
                    let (pid, leader) = (thread.pid, thread.tid == thread.pid);
                    ptrace::listen(tid);
                    if leader {
                        self.note_stop(pid, true, recorder);
                    }
                }
            }
            Status::Trap => {
                let held = self.threads.get_mut(&tid).is_some_and(|thread| {
                    let was_stopped = thread.standing == Standing::Stopped;
                    if was_stopped {
                        thread.standing = Standing::Free;
                    }
                    // Its first stop, if it is to wait for everybody else.
                    thread.standing == Standing::Last
                    // Interrupted by us because it computes without end.
                    || thread.spinning.is_some() && {
                        thread.standing = Standing::Held;
                        true
                    }
                });
                if !held {
                    self.go_on(tid, 0);
                }
            }
            Status::Signal(signal) => {
                if let Some(thread) = self.threads.get_mut(&tid) {
                    // A SIGPIPE is the thread's own doing, and comes even where it is ignored: who
                    // writes to a broken pipe for ever must be seen to do so.
                    if signal != libc::SIGPIPE {
                        thread.fruitless = 0;
                        self.progress += 1;
                    }
                    let pid = thread.pid;
                    // After a handler an interrupted wait is over; without one it goes on.
                    if thread.resumed.is_some() && proc::is_caught(pid, signal) {
                        thread.resumed = None;
                    }
                    if signal == libc::SIGCONT {
                        self.note_stop(pid, false, recorder);
                    }
                    self.signal_of_a_limit(tid, signal, recorder);
                    if let Some(process) = self.id_of(pid) {
                        recorder.emit(What::Signalled { process, signal });
                    }
                }
                self.go_on(tid, signal);
            }
        }
    }

    fn note_stop(&mut self, pid: i32, stopped: bool, recorder: &mut Recorder) {
        self.progress += 1;
        if let Some(process) = self.id_of(pid) {
            recorder.emit(What::Stopped { process, stopped });
        }
    }

    /// Lets a stopped thread run on: to the exit of its call if it is in one, else to the next
    /// call of interest.
    fn go_on(&self, tid: i32, signal: i32) {
        let in_call = self
            .threads
            .get(&tid)
            .is_some_and(|thread| thread.call.is_some());
        if in_call {
            ptrace::resume_to_syscall(tid, signal);
        } else {
            ptrace::resume(tid, signal);
        }
    }

    /// The state to report for a thread where scanning alone does not tell it.
    pub(crate) fn state_hint(&self, tid: i32, how: Quiet) -> Option<WaitState> {
        let thread = self.threads.get(&tid)?;
        if let Some((calls, repeats)) = &thread.spinning {
            return Some(WaitState::Spinning {
                calls: *calls,
                repeats: repeats.clone(),
            });
        }
        if thread.standing == Standing::Stopped {
            return Some(WaitState::Stopped);
        }
        let call = thread.call.as_ref()?;
        if let Quiet::Polling(ms) = how
            && (calls::kind(call.nr) == calls::Kind::Ask || call.timed.is_some())
        {
            return Some(WaitState::Polling(ms));
        }
        let length = call.timed?.length;
        let ms = length.as_nanos().div_ceil(1_000_000);
        Some(WaitState::Timed(u64::try_from(ms).unwrap_or(u64::MAX)))
    }
}
