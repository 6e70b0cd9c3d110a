//! The tracer: follows every process and thread of a scenario through ptrace stops at the calls of
//! interest, reports them, and interferes where the plan says so.
//!
//! Single-threaded; driven by [`Tracer::collect`], which never waits.

pub(crate) mod calls;
mod disturb;
mod exhausted;
pub(crate) mod lookup;
pub(crate) mod meeting;
mod names;
mod pipes;
pub(crate) mod ptrace;
pub(crate) mod task;
pub(crate) mod time;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::event::{Call, ExitStatus, Quiet, WaitState, What};
use crate::inspect::FamilyHistory;
use crate::isolation::scenario;
use crate::launch;
use crate::plan::{Address, First, Limits, ProcessId, Program, ProgramId};
use crate::proc;
use crate::recorder::Recorder;
use crate::waits::sockets;
use crate::{memory, shim};
use disturb::Disturbances;
use meeting::{Fate, Meetings};
use ptrace::{Status, SyscallStop};
use task::{Altered, InCall, Named, Process, Standing, Thread};
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

/// The calls that make an object in an IPC namespace: no other can be the first.
const MAKES_IPC: [i64; 4] = [
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
];

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
            let Some((tid, status)) = ptrace::next_status() else {
                break;
            };
            collected = collected.max(match status {
                Status::Seccomp => Collected::Entries,
                _ => Collected::More,
            });
            self.handle(tid, status, recorder);
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
                same_sent: (0, 0),
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
                self.exhausted.killed |= signal == libc::SIGKILL;
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

    fn forked(&mut self, tid: i32, recorder: &mut Recorder) {
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
                .get(&tid)
                .and_then(|thread| thread.call.as_ref());
            if let Some(Altered::First(first)) = call.and_then(|call| call.altered)
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

    /// Keeps a thread before a call: for so long, or until it is thawed.
    fn keep(&mut self, tid: i32, until: Option<time::Moment>) {
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
    fn let_go(&mut self, tid: i32) {
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

    fn executed(&mut self, tid: i32, recorder: &mut Recorder) {
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
                launch::dies_first(tid);
            }
            process_launched(&mut self.processes, tid);
        }
        self.go_on(tid, 0);
    }

    fn entry(&mut self, tid: i32, nr: i64, args: [u64; 6], ip: u64, recorder: &mut Recorder) {
        let known = |pid: i32| self.processes.get(&pid).map(|process| process.id.number);
        let pid_name = (nr == libc::SYS_wait4 || nr == libc::SYS_kill)
            .then(|| known(args[0] as i32))
            .flatten();
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        let Some(process) = self.processes.get_mut(&thread.pid) else {
            return;
        };
        if MAKES_IPC.contains(&nr) {
            if std::mem::take(&mut self.ipc_untouched) {
                scenario::limit_ipc(&self.limits);
            }
            ptrace::resume(tid, 0);
            return;
        }
        if nr == libc::SYS_prctl {
            if let Some(finding) = shim::decode(&args, tid) {
                self.handler_findings
                    .entry(process.id.program)
                    .or_default()
                    .insert(finding);
            }
            ptrace::resume(tid, 0);
            return;
        }
        if time::ASKING.contains(&nr) {
            let answer = self.time.ask(thread.pid, tid, nr, &args);
            if let Some(answer) = answer {
                disturb::answer(tid, answer);
            }
            if !self.watches_the_clock(tid, nr) {
                ptrace::resume(tid, 0);
            }
            return;
        }
        thread.looks = 0;
        let by_loader = !process.launched
            || process
                .loader
                .as_ref()
                .is_some_and(|range| range.contains(&ip));
        if by_loader && process.launched && !makes_task(nr) && nr != libc::SYS_execve {
            // Of no interest: not worth the stop at its end.
            ptrace::resume(tid, 0);
            return;
        }
        let (shown, data) = if by_loader {
            (String::new(), Vec::new())
        } else {
            calls::render(tid, nr, &args)
        };
        let shown = match pid_name {
            Some(number) if !by_loader => name_pid(&shown, number),
            _ => shown,
        };
        if nr == libc::SYS_execve {
            process.executing = memory::read_cstr(tid, args[0], 4096).unwrap_or_default();
        }
        let again = std::mem::take(&mut thread.rewound);
        let (pid, resumed) = (thread.pid, thread.resumed.take());
        let mut altered = None;
        let mut kept = None;
        if process.launched && !again && !by_loader {
            let fate = self
                .disturbances
                .at_entry(process.id, thread.pid, tid, nr, &args, recorder);
            match fate {
                Some(disturb::Fate::Altered(done)) => altered = Some(done),
                Some(disturb::Fate::Kept(until)) => kept = Some(until),
                None => {}
            }
        }
        if makes_task(nr) && self.threads.len() >= self.limits.processes as usize {
            altered = Some(disturb::fake(tid, -i64::from(libc::EAGAIN)));
            self.too_many(tid, recorder);
        }
        if nr == libc::SYS_exit_group && args[0] as i32 != 0 {
            self.about_to_fail(tid, recorder);
        }
        if let Some(until) = kept {
            self.keep(tid, until);
        }
        let mut timed = None;
        if altered.is_none() && kept.is_none() {
            let answer = self.time.set(pid, tid, nr, &args);
            altered = answer.map(|answer| disturb::fake(tid, answer));
        }
        if matches!(altered, None | Some(Altered::SignalAfter(_))) && kept.is_none() {
            timed = self.time.enter(pid, tid, nr, &args, resumed);
        }
        let free = altered.is_none() && kept.is_none();
        let meets = nr == libc::SYS_connect && !by_loader && free && names::may_meet(tid, &args);
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.call = Some(InCall {
                nr,
                args,
                shown,
                data,
                entered: Instant::now(),
                by_loader,
                altered,
                led: None,
                timed,
            });
        }
        if kept.is_some() || meets && self.connecting(tid, true, recorder) {
            return;
        }
        ptrace::resume_to_syscall(tid, 0);
    }

    /// Decides where a `connect` at its entry goes. `true`: it is held. `first`: it has just come.
    fn connecting(&mut self, tid: i32, first: bool, recorder: &mut Recorder) -> bool {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return false;
        };
        let (Some(call), Some(id)) = (
            &mut thread.call,
            self.processes.get(&thread.pid).map(|process| process.id),
        ) else {
            return false;
        };
        let Some((address, path)) = meeting::named_by(thread.pid, tid, &call.args) else {
            return false;
        };
        let wanted = self.nominal.get(usize::from(id.program.0));
        let wanted = wanted.and_then(Option::as_ref);
        // The port it was told: whoever tries one host after the other is answered by each of them.
        if names::same_port(wanted, &address) {
            return false;
        }
        let fate = (self.meetings).fate(id.program, &address, path.as_deref(), &self.named);
        if first && fate != Fate::AsItIs && !self.meetings.is_reference(id.program) {
            let nominal =
                wanted.is_some_and(|wanted| same_place(wanted, &address, path.as_deref()));
            if !nominal && self.meetings.is_news(id.program, &address) {
                recorder.emit(What::Connecting {
                    process: id,
                    address,
                });
            }
        }
        match fate {
            Fate::AsItIs => false,
            Fate::To(target) => {
                call.led = meeting::lead(tid, &call.args, &target);
                false
            }
            Fate::Hold => {
                thread.standing = Standing::Waiting;
                true
            }
        }
    }

    /// Lets go every `connect` held for somebody who listens now. `true` if there was one.
    pub(crate) fn meet(&mut self, recorder: &mut Recorder) -> bool {
        let mut any = false;
        for tid in self.waiting() {
            if !self.connecting(tid, false, recorder) {
                self.release(tid);
                any = true;
            }
        }
        any
    }

    /// Lets go every held `connect`, because nobody can answer it any more. `true` if there was one.
    pub(crate) fn give_up_meetings(&mut self) -> bool {
        let waiting = self.waiting();
        for tid in &waiting {
            let Some(thread) = self.threads.get_mut(tid) else {
                continue;
            };
            let program = self.processes.get(&thread.pid).map(|p| p.id.program);
            let nominal = program.and_then(|program| self.nominal.get(usize::from(program.0)));
            if let Some(call) = &mut thread.call
                && let Some((address, _)) = meeting::named_by(thread.pid, *tid, &call.args)
                && let Some(target) =
                    (self.meetings).nobody(nominal.and_then(Option::as_ref), &address)
            {
                call.led = meeting::lead(*tid, &call.args, &target);
            }
            self.release(*tid);
        }
        !waiting.is_empty()
    }

    fn waiting(&self) -> Vec<i32> {
        let threads = self.threads.values();
        threads
            .filter(|thread| thread.standing == Standing::Waiting)
            .map(|thread| thread.tid)
            .collect()
    }

    fn release(&mut self, tid: i32) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.standing = Standing::Free;
        }
        ptrace::resume_to_syscall(tid, 0);
    }

    fn exit(&mut self, tid: i32, result: i64, recorder: &mut Recorder) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        let Some(call) = thread.call.take() else {
            ptrace::resume(tid, 0);
            return;
        };
        let pid = thread.pid;
        let Some(id) = self.processes.get(&pid).map(|process| process.id) else {
            return;
        };
        let mut result = result;
        if let Some(led) = &call.led {
            meeting::undo(tid, &call.args, led);
        }
        match call.altered {
            Some(Altered::Restore { nr, buffer, count }) => {
                disturb::restore(tid, nr, buffer, count);
            }
            Some(Altered::Fake(value)) => {
                disturb::set_result(tid, value);
                result = value;
            }
            Some(Altered::Rewind(signal)) => {
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.rewound = true;
                }
                disturb::rewind(tid, call.nr);
                ptrace::signal_thread(pid, tid, signal);
                ptrace::resume(tid, 0);
                return;
            }
            Some(Altered::Again) => {
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.rewound = true;
                }
                disturb::rewind(tid, call.nr);
                ptrace::resume(tid, 0);
                return;
            }
            Some(Altered::SignalAfter(signal)) => ptrace::signal_thread(pid, tid, signal),
            Some(Altered::First(_)) | None => {}
        }
        if let Some(timed) = &call.timed {
            let (seen, resumed) = self.time.leave(pid, tid, &call, timed, result);
            result = seen;
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.resumed = resumed;
            }
        }
        // -ERESTARTSYS and its like never reach the program: the call is made again, or returns
        // EINTR after a handler.
        let restarts = (-516..=-512).contains(&result);
        if let (-516, Some(thread)) = (result, self.threads.get_mut(&tid)) {
            thread.restarting = Some(call.nr);
        }
        if restarts {
            result = -i64::from(libc::EINTR);
        }
        if result < 0 && call.altered.is_none() {
            self.refused(tid, pid, id, &call, result, recorder);
        }
        if !call.by_loader {
            self.weigh(tid, call.nr, result, restarts);
            self.count_repeats(tid, &call, result);
            let data = if result > 0 && call.data.is_empty() {
                calls::received(tid, call.nr, &call.args, result)
            } else {
                call.data.clone()
            };
            let thread = self.threads.get(&tid).map_or(0, |thread| thread.ordinal);
            recorder.call(Call {
                process: id,
                thread,
                name: calls::name(call.nr),
                args: call.shown.clone(),
                data: data.into(),
                result: Some(result),
                times: 1,
            });
            self.effects(pid, id, tid, &call, result, recorder);
        }
        let spinning = self.judge_spinning(tid, recorder);
        if !spinning {
            ptrace::resume(tid, 0);
        }
    }

    /// Counts a result as progress or not.
    fn weigh(&mut self, tid: i32, nr: i64, result: i64, restarts: bool) {
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

    /// Counts what is progress by every measure and comes to no end all the same: a thread that reads
    /// the same end of input whatever it writes in between, and one that does nothing but write the
    /// same. (A single byte may well be the same many times: data copied byte by byte.)
    fn count_repeats(&mut self, tid: i32, call: &InCall, result: i64) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        let [fd, _, asked, ..] = call.args;
        if matches!(call.nr, libc::SYS_read | libc::SYS_recvfrom) && asked > 0 {
            let (last, times) = thread.at_end;
            if result == 0 {
                thread.at_end = (fd, if last == fd { times + 1 } else { 1 });
            } else if result > 0 && last == fd {
                thread.at_end = (fd, 0);
            }
        }
        thread.same_sent = if calls::kind(call.nr) == calls::Kind::Send && result > 1 {
            let mut hasher = DefaultHasher::new();
            (call.nr, &call.shown, &call.data).hash(&mut hasher);
            let sent = hasher.finish();
            let (last, times) = thread.same_sent;
            (sent, if last == sent { times + 1 } else { 1 })
        } else {
            (0, 0)
        };
    }

    /// How many times a thread has repeated what is progress, if that is too many: the same end of
    /// input ten times as often as calls of no use at all, the same output thirty times.
    fn repeats_for_ever(&self, thread: &Thread) -> Option<u64> {
        let allowed = self.calls_allowed(thread);
        let ((_, ends), (_, same)) = (thread.at_end, thread.same_sent);
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
    fn judge_spinning(&mut self, tid: i32, recorder: &Recorder) -> bool {
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
            thread.same_sent.1 = 0;
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

    /// Makes a connection of a program hold little, where the plan asks for it.
    fn shrink(&self, id: ProcessId, tid: i32, fd: i32) {
        if self.small.get(usize::from(id.program.0)) == Some(&true) {
            // Refused, it only holds more than it need.
            let _ = sockets::shrink(tid, fd);
        }
    }

    /// What a call changed that others have to know.
    fn effects(
        &mut self,
        pid: i32,
        id: ProcessId,
        tid: i32,
        call: &InCall,
        result: i64,
        recorder: &mut Recorder,
    ) {
        let args = &call.args;
        match call.nr {
            libc::SYS_read | libc::SYS_readv | libc::SYS_write | libc::SYS_writev if result > 0 => {
                if call.nr == libc::SYS_read {
                    self.time.taken(pid, tid, args, result);
                }
                self.pipes.moved(pid, id, tid, call, result, recorder);
            }
            nr if calls::makes_pipe(nr) && result == 0 => self.pipes.made(),
            libc::SYS_bind => self.bound(pid, id, tid, args, result, recorder),
            libc::SYS_listen if result == 0 => self.listens(pid, id, tid, args[0] as i32, recorder),
            libc::SYS_socket
                if result >= 0 && matches!(args[0] as i32, libc::AF_INET | libc::AF_INET6) =>
            {
                self.internet = true;
            }
            libc::SYS_accept | libc::SYS_accept4 if result >= 0 => {
                self.shrink(id, tid, i32::try_from(result).unwrap_or(-1));
                if let Some(inode) = lookup::socket_inode(pid, args[0] as i32) {
                    self.notices.push(Notice::Accepted(inode));
                }
            }
            // A connection over the loopback that is made without waiting says so.
            libc::SYS_connect if result == 0 || result == -i64::from(libc::EINPROGRESS) => {
                self.shrink(id, tid, args[0] as i32);
                let target = match &call.led {
                    Some(led) => Some((led.target.clone(), lookup::absolute(pid, &led.target))),
                    None => meeting::named_by(pid, tid, args),
                };
                if let Some((address, path)) = target {
                    let target = self.named.iter().rev().find(|named| {
                        named.listening
                            && (named.address == address
                                || names::answers(&named.address, &address)
                                || (path.is_some() && named.path == path))
                    });
                    if let Some(target) = target {
                        self.notices.push(Notice::Connected(target.inode));
                    }
                }
            }
            libc::SYS_wait4 | libc::SYS_waitid if result >= 0 => {
                self.reaped(pid, tid, call, result, recorder);
            }
            libc::SYS_timer_create if result == 0 && !self.time.created(pid, tid, args) => {
                self.has_timers(pid);
            }
            // One that we do not keep is the kernel's.
            libc::SYS_timerfd_settime if result == 0 && call.altered.is_none() => {
                self.has_timers(pid);
            }
            libc::SYS_setsockopt if result == 0 => self.time.sockets.set(pid, tid, args),
            libc::SYS_unlinkat | libc::SYS_renameat2 => self.look_for_unlinked(recorder),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink | libc::SYS_rename => self.look_for_unlinked(recorder),
            _ => {}
        }
    }

    fn has_timers(&mut self, pid: i32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.has_timers = true;
        }
    }

    fn reaped(&mut self, pid: i32, tid: i32, call: &InCall, result: i64, recorder: &mut Recorder) {
        let child = if call.nr == libc::SYS_wait4 {
            i32::try_from(result).unwrap_or(0)
        } else {
            // waitid: si_pid begins the union of siginfo_t, which is aligned to 8 after signo, errno
            // and code.
            let raw = memory::read(tid, call.args[2].wrapping_add(16), 4);
            raw.try_into().map_or(0, i32::from_ne_bytes)
        };
        let parent = self.id_of(pid);
        if let Some(process) = self.processes.get_mut(&child) {
            // With WUNTRACED a living child can be reported.
            if process.status.is_some() && process.parent == parent && !process.reaped {
                process.reaped = true;
                self.family.reaped(process.id);
                recorder.emit(What::Reaped {
                    process: process.id,
                });
            }
        }
    }

    /// Reports socket files that are gone, and abstract names, which go with their sockets.
    pub(crate) fn look_for_unlinked(&mut self, recorder: &mut Recorder) {
        let mut bound: Option<BTreeSet<u64>> = None;
        for named in self.named.iter_mut().filter(|named| !named.unlinked) {
            let gone = match (&named.path, &named.address) {
                (Some(path), _) => std::fs::symlink_metadata(path)
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound),
                (None, Address::Abstract(_)) => !bound
                    .get_or_insert_with(lookup::unix_inodes)
                    .contains(&named.inode),
                _ => false,
            };
            if gone {
                named.unlinked = true;
                self.progress += 1;
                recorder.emit(What::Unlinked {
                    program: named.process.program,
                    address: named.address.clone(),
                });
            }
        }
    }

    /// Whether a socket has the name the handout asks for.
    pub(crate) fn is_nominal(&self, program: ProgramId, named: &Named) -> bool {
        let wanted = self.nominal.get(usize::from(program.0));
        wanted
            .and_then(Option::as_ref)
            .is_some_and(|wanted| same_place(wanted, &named.address, named.path.as_deref()))
    }

    /// Whether a process was forked by another of the scenario.
    pub(crate) fn is_descendant(&self, pid: i32) -> bool {
        self.processes
            .get(&pid)
            .is_some_and(|process| process.parent.is_some())
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
        let id = process.id;
        self.time.timers.ended(thread.pid);
        // Untraced, nobody told us of its unlink; it came before the end.
        self.look_for_unlinked(recorder);
        self.family.exited(id);
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
}

fn process_launched(processes: &mut BTreeMap<i32, Process>, pid: i32) {
    if let Some(process) = processes.get_mut(&pid) {
        process.launched = true;
    }
}

/// Puts a process's name in the place of its pid, the first argument.
fn name_pid(shown: &str, number: u16) -> String {
    let name = match number {
        0 => "root".to_owned(),
        n => format!("child {n}"),
    };
    match shown.split_once(", ") {
        Some((_, rest)) => format!("{name}, {rest}"),
        None => name,
    }
}

fn makes_task(nr: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if matches!(nr, libc::SYS_fork | libc::SYS_vfork) {
        return true;
    }
    nr == libc::SYS_clone
}

/// Whether a socket has the name the handout asks for, however it is spelt.
fn same_place(wanted: &Address, given: &Address, path: Option<&std::path::Path>) -> bool {
    use std::os::unix::ffi::OsStrExt;
    match (wanted, path) {
        (Address::Path(wanted), Some(path)) => {
            let normal = |path: &std::path::Path| path.components().collect::<PathBuf>();
            normal(std::path::Path::new(std::ffi::OsStr::from_bytes(wanted))) == normal(path)
        }
        (Address::Inet(wanted), None) => {
            matches!(given, Address::Inet(given) if given.port() == wanted.port())
        }
        _ => wanted == given,
    }
}
