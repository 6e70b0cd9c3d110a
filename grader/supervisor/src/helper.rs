//! The helper: PID 1 of a scenario, single-threaded. It drives the peers and the programs' streams,
//! traces, waits for quiescence after each step, and reports.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sched::CpuSet;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::beneath::resolve;
use crate::driver::peers::Peer;
use crate::driver::processor::TimeLimit;
use crate::driver::stdio::Stdio;
use crate::event::{Enforced, ExitStatus, Quiet, Settled, What};
use crate::inspect::Placed;
use crate::launch::{self, Launcher, Outcome};
use crate::plan::{Act, Inspection, Observation, PeerId, Plan, ProcessId, ProgramId, Step};
use crate::proc::{self, Scanner};
use crate::raw::to_poll;
use crate::recorder::Recorder;
use crate::resources::Watch;
use crate::room::Room;
use crate::scene::{PipeNames, ToOpen};
use crate::settle::timespec;
use crate::tracer::meeting::Meetings;
use crate::tracer::{Collected, Notice, Tracer};
use crate::waits::{Graph, Internet};
use crate::worker::{HelperContext, IPC_UNTOUCHED};

/// Tells when a child changes state.
pub(crate) struct ChildSignals(SignalFd);

impl ChildSignals {
    fn new() -> io::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGCHLD);
        set.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self(SignalFd::with_flags(&set, flags)?))
    }

    /// Sleeps until a child changes state (`true`) or `most` has passed. An old signal is taken for a
    /// new one.
    pub(crate) fn await_one(&self, most: Duration) -> bool {
        let mut set = SigSet::empty();
        set.add(Signal::SIGCHLD);
        let most = timespec(most);
        // SAFETY: the set and the time are live, and where the signal is told is left out.
        unsafe { libc::sigtimedwait(set.as_ref(), std::ptr::null_mut(), &raw const most) > 0 }
    }

    /// Forgets the signals that came; the statuses themselves are collected by wait.
    pub(crate) fn drain(&mut self) {
        while matches!(self.0.read_signal(), Ok(Some(_))) {}
    }
}

/// The helper's state.
pub(crate) struct Helper {
    pub(crate) plan: Plan,
    pub(crate) recorder: Recorder,
    pub(crate) tracer: Tracer,
    pub(crate) launcher: Launcher,
    pub(crate) stdio: Vec<Option<Stdio>>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) traced: bool,
    pub(crate) scanner: Scanner,
    pub(crate) graph: Graph,
    /// Looks at what is on its way over the loopback.
    pub(crate) internet: Internet,
    pub(crate) pipe_names: PipeNames,
    pub(crate) program_names: Vec<String>,
    pub(crate) signals: ChildSignals,
    pub(crate) limit_hit: bool,
    /// Of the scenario's time.
    pub(crate) time_limit: TimeLimit,
    pub(crate) watch: Watch,
    /// Nothing can happen any more by itself: the last step was proved, and nothing was done since.
    pub(crate) at_rest: bool,
    /// How often each thread had been given a processor when everything last slept.
    pub(crate) runs_at_rest: HashMap<i32, u64>,
    /// Open descriptors at the first look, by program.
    pub(crate) descriptors_before: HashMap<ProgramId, usize>,
    /// Where relative paths of the plan lead.
    pub(crate) workspace: PathBuf,
    /// What was put there before anything started.
    pub(crate) placed: Placed,
    /// Reports of programs that could not be executed.
    pub(crate) failures: Vec<(ProgramId, OwnedFd)>,
    /// Connections made to a listening socket and not yet accepted, in order; `None` is a
    /// program's.
    pub(crate) queued: HashMap<u64, VecDeque<Option<PeerId>>>,
    /// The ends of FIFOs that steps open, in order.
    pub(crate) to_open: Vec<ToOpen>,
    /// For one read of a stream.
    buffer: Room,
    /// Room for what is asked about the streams.
    watched: Vec<libc::pollfd>,
}

/// Fills in what there is, without waiting. Where that is refused, something may be everywhere.
fn look(watched: &mut [libc::pollfd]) {
    let length = watched.len() as libc::nfds_t;
    // SAFETY: the entries are live and as many as said.
    let told = unsafe { libc::poll(watched.as_mut_ptr(), length, 0) };
    if told < 0 {
        watched
            .iter_mut()
            .for_each(|one| one.revents = libc::POLLIN);
    }
}

/// Runs a scenario and gives the code to exit with. For [`worker::main`](crate::worker::main).
#[must_use]
pub fn main(context: HelperContext) -> i32 {
    let code = match Helper::new(context) {
        Ok(mut helper) => {
            helper.run();
            let untouched = helper.tracer.ipc_untouched;
            if untouched { IPC_UNTOUCHED } else { 0 }
        }
        Err(_) => 1,
    };
    // The next scenario's processes have the same numbers.
    proc::forget_descriptors();
    code
}

impl Helper {
    fn new(context: HelperContext) -> io::Result<Self> {
        let HelperContext {
            plan,
            up,
            granted,
            launcher,
            started,
            workspace,
            killed_before,
            memory_events,
        } = context;
        let traced = plan.observation == Observation::Full && granted.observation == "full";
        let mut recorder = Recorder::new(up, started, &workspace);
        recorder.emit(What::Enforced(Enforced { ..granted }));
        raise_pids();
        let to_open = ends_to_open(&plan, &workspace);
        let mut tracer = Tracer::new(&plan.programs, Meetings::of(&plan), plan.limits);
        // Without a namespace of its own it would be the machine's.
        tracer.ipc_untouched = traced && launcher.terms.private_pids;
        Ok(Self {
            recorder,
            tracer,
            launcher,
            stdio: plan.programs.iter().map(|_| None).collect(),
            peers: plan.peers.iter().map(|_| Peer::default()).collect(),
            traced,
            scanner: Scanner::new().with_one_processor(is_pinned()),
            graph: Graph::new(),
            internet: Internet::default(),
            pipe_names: PipeNames::default(),
            program_names: plan
                .programs
                .iter()
                .map(|program| program.name.clone())
                .collect(),
            signals: ChildSignals::new()?,
            limit_hit: false,
            time_limit: TimeLimit::of(Duration::from_millis(plan.limits.wall_ms)),
            watch: Watch::new(
                plan.limits.total_memory,
                std::process::id() == 1,
                vec![workspace.clone(), workspace.with_file_name("tmp")],
                plan.limits.file_size.saturating_mul(2),
                killed_before,
                memory_events,
            ),
            at_rest: false,
            runs_at_rest: HashMap::new(),
            descriptors_before: HashMap::new(),
            placed: if looks_at_files(&plan) {
                Placed::look(&workspace, &plan.files)
            } else {
                Placed::default()
            },
            workspace,
            failures: Vec::new(),
            queued: HashMap::new(),
            to_open,
            buffer: Room::new(),
            watched: Vec::new(),
            plan,
        })
    }

    fn run(&mut self) {
        let steps = std::mem::take(&mut self.plan.steps);
        for step in &steps {
            if self.limit_hit {
                break;
            }
            self.recorder.next_step();
            self.tracer.begin_step();
            self.peers.iter_mut().for_each(Peer::begin);
            for (index, act) in steps_acts(step) {
                if let Err(error) = self.perform(act) {
                    self.recorder.emit(What::ActFailed { act: index, error });
                }
                self.watch_for_parting();
            }
            self.finish_step(step);
        }
        self.finish();
    }

    /// Collects, delivers and receives what there is. `true` if anything happened.
    pub(crate) fn turn(&mut self) -> bool {
        // A stop is no progress by itself; the tracer counts what is.
        let collected = self.tracer.collect(&mut self.recorder);
        self.exchange() || collected != Collected::Nothing
    }

    /// Delivers and receives what there is. `true` if there was anything.
    pub(crate) fn exchange(&mut self) -> bool {
        let mut any = self.tracer.meet(&mut self.recorder);
        let cap = self.plan.limits.output;
        self.watched.clear();
        for stdio in self.stdio.iter().flatten() {
            stdio.watch(&mut self.watched);
        }
        let outputs = self.watched.len();
        self.watched.extend(self.peers.iter().map(Peer::watch));
        look(&mut self.watched);
        let mut watched = self.watched.as_slice();
        for (index, stdio) in self.stdio.iter_mut().enumerate() {
            if let Some(stdio) = stdio {
                let (own, others) = watched.split_at(stdio.outputs.len());
                watched = others;
                any |= stdio.pump(
                    program_id(index),
                    own,
                    cap,
                    &mut self.buffer,
                    self.plan.attempt,
                    &mut self.recorder,
                );
            }
        }
        for index in 0..self.peers.len() {
            // Those that were accepted just now were not asked.
            let ready = self.watched[outputs + index].revents != 0;
            any |=
                self.peers[index].pump(peer_id(index), ready, &mut self.buffer, &mut self.recorder);
            if ready && self.peers[index].listening {
                for (name, connection) in self.peers[index].accept() {
                    any = true;
                    self.peers[usize::from(name.0)] = connection;
                    self.recorder.emit(What::PeerAccepted { peer: name });
                }
            }
        }
        self.watch_for_parting();
        for notice in self.tracer.take_notices() {
            match notice {
                Notice::Connected(inode) => self.queued.entry(inode).or_default().push_back(None),
                Notice::Accepted(inode) => {
                    let taken = self.queued.get_mut(&inode).and_then(VecDeque::pop_front);
                    if let Some(Some(peer)) = taken {
                        self.recorder.emit(What::PeerAccepted { peer });
                    }
                }
            }
        }
        if any {
            self.tracer.progress += 1;
        }
        any
    }

    /// What to watch while waiting: statuses, streams, peers.
    pub(crate) fn watched(&self) -> Vec<libc::pollfd> {
        let entry = |fd: i32, reading: bool, writing: bool| {
            let mut events = 0;
            if reading {
                events |= libc::POLLIN;
            }
            if writing {
                events |= libc::POLLOUT;
            }
            to_poll(fd, events)
        };
        let mut watched = vec![entry(self.signals.0.as_raw_fd(), true, false)];
        for stdio in self.stdio.iter().flatten() {
            for output in &stdio.outputs {
                if let Some(fd) = &output.fd {
                    watched.push(entry(fd.as_raw_fd(), true, false));
                }
            }
            if let (Some(fd), true) = (&stdio.input, stdio.pending() > 0) {
                watched.push(entry(fd.as_raw_fd(), false, true));
            }
        }
        for peer in &self.peers {
            let (reading, writing) = peer.interest();
            if let (Some(fd), true) = (&peer.fd, reading || writing) {
                watched.push(entry(fd.as_raw_fd(), reading, writing));
            }
        }
        watched
    }

    /// Waits for quiescence and reports the end of the step.
    fn finish_step(&mut self, step: &Step) {
        let rest = self.settle();
        self.at_rest = rest.how == Quiet::Proved;
        let took = self.recorder.last_event().elapsed();
        self.report_failures();
        if !self.traced {
            self.find_listeners();
        }
        self.tracer.look_for_unlinked(&mut self.recorder);
        for (index, stdio) in self.stdio.iter().enumerate() {
            let id = program_id(index);
            let alive = self
                .tracer
                .root_of(id)
                .is_some_and(|root| root.status.is_none());
            if let (Some(stdio), true) = (stdio, alive) {
                stdio.report_untaken(id, &mut self.recorder);
            }
        }
        for (index, peer) in self.peers.iter_mut().enumerate() {
            peer.report_rest(peer_id(index), &mut self.recorder);
        }
        for act in &step.acts {
            if let Act::Inspect { program, what } = *act {
                let facts = self.inspect(program, what, &rest);
                self.recorder.emit(What::Inspected {
                    program,
                    what,
                    facts,
                });
            }
        }
        self.report_pending_calls();
        let mut graph = std::mem::take(&mut self.graph);
        let waits = graph.explain(&mut self.scene(&rest));
        self.graph = graph;
        self.recorder.emit(What::Settled(Settled {
            how: rest.how,
            waits,
            took: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        }));
        self.recorder.flush_old();
    }

    /// Reports `execve` errors of programs that ended before they began.
    fn report_failures(&mut self) {
        for (program, fd) in std::mem::take(&mut self.failures) {
            match launch::outcome(&fd) {
                Ok(Outcome::Runs) => {}
                Ok(Outcome::ExecFailed(errno)) => {
                    let process = ProcessId { program, number: 0 };
                    self.recorder.emit(What::ExecFailed { process, errno });
                }
                Ok(outcome) => self.recorder.emit(What::ActFailed {
                    act: 0,
                    error: format!(
                        "starting {}: {outcome:?}",
                        self.program_names[usize::from(program.0)]
                    ),
                }),
                // Nothing to read yet: it is on its way.
                Err(_) => self.failures.push((program, fd)),
            }
        }
    }

    /// Ends everything.
    fn finish(&mut self) {
        let running: Vec<_> = self
            .tracer
            .processes
            .values()
            .filter(|process| process.status.is_none())
            .map(|process| process.id)
            .collect();
        for process in running {
            self.recorder.emit(What::Exited {
                process,
                status: ExitStatus::StillRunning,
            });
        }
        self.kill_everything();
        self.recorder.emit(What::Ended);
        self.recorder.flush();
    }

    /// Kills every process of the scenario. Inside a PID namespace the end of this process does
    /// the same, and the worker waits for that.
    pub(crate) fn kill_everything(&mut self) {
        if !self.traced {
            self.find_processes();
        }
        for process in self.tracer.processes.values() {
            if process.status.is_none() {
                let pid = nix::unistd::Pid::from_raw(process.pid);
                let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
            }
        }
    }
}

/// Whether this process, and with it the programs, which cannot change it, keeps to one processor.
fn is_pinned() -> bool {
    let allowed = nix::sched::sched_getaffinity(nix::unistd::Pid::this());
    let processors = |set: &CpuSet| {
        let all = 0..CpuSet::count();
        all.filter(|&cpu| set.is_set(cpu).unwrap_or(false)).count()
    };
    allowed.is_ok_and(|set| processors(&set) == 1)
}

/// Gives the programs pids of four digits and more, different in each run: a small number in a
/// program's output would pass for a pid, and a printed constant for the right one. Refused
/// outside a PID namespace of our own, where pids are such anyway.
fn raise_pids() {
    if std::process::id() != 1 {
        return;
    }
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    // Well below the highest pid of the namespace (limits.rs).
    let last = 1000 + nanos / 1000 % 1000;
    let _ = std::fs::write("/proc/sys/kernel/ns_last_pid", last.to_string());
}

/// Whether some step asks what programs have left behind.
fn looks_at_files(plan: &Plan) -> bool {
    let mut acts = plan.steps.iter().flat_map(|step| &step.acts);
    let files = |what| {
        matches!(
            what,
            Inspection::Files | Inspection::Lines | Inspection::Counted
        )
    };
    acts.any(|act| matches!(act, Act::Inspect { what, .. } if files(*what)))
}

/// The ends of FIFOs that the steps of a plan open, in order.
fn ends_to_open(plan: &Plan, workspace: &Path) -> Vec<ToOpen> {
    let steps = (1..).zip(&plan.steps);
    let acts = steps.flat_map(|(step, of)| of.acts.iter().map(move |act| (step, act)));
    acts.filter_map(|(step, act)| match act {
        Act::Open { path, writing, .. } => Some(ToOpen {
            step,
            path: resolve(workspace, path),
            writing: *writing,
        }),
        _ => None,
    })
    .collect()
}

fn steps_acts(step: &Step) -> impl Iterator<Item = (u32, &Act)> {
    (0..).zip(&step.acts)
}

/// The id of the program at this place of the plan.
pub(crate) fn program_id(index: usize) -> ProgramId {
    ProgramId(u16::try_from(index).unwrap_or(u16::MAX))
}

/// The id of the peer at this place of the plan.
pub(crate) fn peer_id(index: usize) -> PeerId {
    PeerId(u16::try_from(index).unwrap_or(u16::MAX))
}
