//! What each event of a recording adds to the reaction of its phase.

use supervisor::event::{
    Event, ExitStatus, Fact, LimitKind, Queue, Settled, Stream, WaitState, What,
};
use supervisor::plan::{Inspection, ProcessId, ProgramId, SocketKind};

use super::Builder;
use crate::lab::ExitMode;
use crate::transcript::reaction::State;
use crate::transcript::{errno_name, modes, signal_name};

impl Builder<'_> {
    pub(super) fn take(&mut self, event: &Event) {
        let phase = usize::try_from(event.step).unwrap_or(usize::MAX);
        let phase = phase.saturating_sub(1).min(self.reactions.len() - 1);
        if self.is_renamed(event) {
            return;
        }
        match &event.what {
            What::ExecFailed { process, errno } => self.unstarted(phase, *process, *errno),
            What::Exited { process, status } if process.number == 0 => {
                self.exited(phase, *process, *status);
            }
            What::Output {
                program,
                stream,
                bytes,
            } => self.output(phase, *program, *stream, bytes),
            What::Listening {
                process,
                address,
                nominal,
            } => self.listening(phase, process.program, address, *nominal),
            What::Connecting { process, address } => {
                self.connecting(phase, process.program, address);
            }
            What::BindFailed {
                process,
                address,
                errno,
            } => {
                let (why, place) = (errno_name(*errno), self.address(address));
                self.life(phase, process.program, format!("bind failed {why} {place}"));
            }
            What::Unlinked { program, address } => {
                let text = format!("unlink {}", self.address(address));
                self.life(phase, *program, text);
            }
            What::Bound {
                process,
                address,
                kind: SocketKind::Datagram,
                nominal,
            } => self.bound(phase, process.program, address, *nominal),
            What::PeerOpen { .. }
            | What::PeerReady { .. }
            | What::PeerMessage { .. }
            | What::PeerAccepted { .. }
            | What::PeerRefused { .. }
            | What::PeerWaits { .. }
            | What::PeerNoFifo { .. }
            | What::PeerData { .. }
            | What::PeerEof { .. }
            | What::PeerFailed { .. } => self.peer_event(phase, &event.what),
            What::Untaken { queue, bytes } if *bytes > 0 => self.untaken(phase, *queue),
            What::Inspected {
                program,
                what,
                facts,
            } => self.inspected(phase, *program, *what, facts),
            What::Settled(settled) => self.settled(phase, settled),
            What::Limit { program, limit, .. } if limit.interferes() => {
                let program = program.unwrap_or(ProgramId(0));
                self.state(phase, program, State::Limit(limit_name(*limit)));
            }
            // The recording's own: shown in explanations, never compared.
            What::Enforced(_)
            | What::Bound { .. }
            | What::StepBegan
            | What::Limit { .. }
            | What::Starved { .. }
            | What::ActFailed { .. }
            | What::Parted
            | What::Started { .. }
            | What::Forked { .. }
            | What::Executed { .. }
            | What::PipeWritten { .. }
            | What::PipeRead { .. }
            | What::Exited { .. }
            | What::Reaped { .. }
            | What::Renamed { .. }
            | What::Orphaned { .. }
            | What::OutputEnd { .. }
            | What::Untaken { .. }
            | What::Call(_)
            | What::Signalled { .. }
            | What::Stopped { .. }
            | What::Disturbed { .. }
            | What::NoStranger { .. }
            | What::File { .. }
            | What::Ended => {}
        }
    }

    fn unstarted(&mut self, phase: usize, process: ProcessId, errno: i32) {
        self.unstarted.insert(process);
        if process.number == 0 {
            let text = format!("exec failed {}", errno_name(errno));
            self.life(phase, process.program, text);
        }
    }

    fn exited(&mut self, phase: usize, process: ProcessId, status: ExitStatus) {
        if self.unstarted.contains(&process) {
            return;
        }
        let Some(role) = self.role(process.program) else {
            return;
        };
        let mode = modes::of(self.context.lab, self.context.scenario, role).exit;
        let text = match (status, mode) {
            (ExitStatus::StillRunning, _) => {
                self.still_running.insert(process.program);
                return;
            }
            (_, ExitMode::Any) => "ended".to_owned(),
            (ExitStatus::Code(code), ExitMode::Class) if code != 0 => "exit failure".to_owned(),
            (ExitStatus::Code(code), _) => format!("exit {code}"),
            (ExitStatus::Signal(signal), _) => format!("killed {}", signal_name(signal)),
        };
        self.life(phase, process.program, text);
    }

    fn output(&mut self, phase: usize, program: ProgramId, stream: Stream, bytes: &[u8]) {
        let index = match stream {
            Stream::Out => 0,
            Stream::Err => 1,
            Stream::In => 2,
        };
        if let Some(reaction) = self.program(phase, program) {
            reaction.streams[index].extend_from_slice(bytes);
        }
        let whole = self.whole.get_mut(usize::from(program.0));
        if let Some(whole) = whole.and_then(|whole| whole.get_mut(index)) {
            whole.extend_from_slice(bytes);
        }
    }

    fn untaken(&mut self, phase: usize, queue: Queue) {
        let reaction = match queue {
            Queue::Stdin(program) => self.program(phase, program),
            Queue::Peer(peer) => self.peer(phase, peer),
        };
        if let Some(reaction) = reaction {
            reaction.states.push(State::NotTaken);
        }
    }

    fn inspected(&mut self, phase: usize, program: ProgramId, what: Inspection, facts: &[Fact]) {
        if let Some(reaction) = self.program(phase, program) {
            for channel in channels(what) {
                reaction.fact(channel, None);
            }
            for fact in facts {
                reaction.fact(&fact.channel, Some(&fact.text));
            }
        }
    }

    /// The last word on a phase's threads.
    fn settled(&mut self, phase: usize, settled: &Settled) {
        self.states.retain(|(at, _), _| *at != phase);
        for wait in &settled.waits {
            let state = match wait.state {
                WaitState::Spinning { .. } => State::Spinning,
                WaitState::Polling(_) => State::Polling,
                WaitState::Stopped => State::Stopped,
                WaitState::Blocked
                | WaitState::Timed(_)
                | WaitState::Zombie
                | WaitState::Unknown => continue,
            };
            let key = (phase, usize::from(wait.process.program.0));
            self.states.entry(key).or_default().push(state);
        }
    }
}

/// The channels that an inspection covers, found or not.
fn channels(what: Inspection) -> &'static [&'static str] {
    match what {
        Inspection::Tree => &["tree", "spare"],
        Inspection::Descriptors => &["fds"],
        Inspection::Idle => &["idle"],
        Inspection::Family => &["family"],
        Inspection::Handlers => &["handler"],
        Inspection::Signals => &["signals"],
        Inspection::Terminal => &["terminal"],
        Inspection::Files => &["files", "modes", "contents"],
        Inspection::Lines => &["lines"],
        Inspection::Counted => &["counted"],
        Inspection::Threads => &["threads"],
        Inspection::Children => &["held", "shared", "inherited"],
    }
}

fn limit_name(limit: LimitKind) -> &'static str {
    match limit {
        LimitKind::Wall => "wall time",
        LimitKind::Cpu => "cpu time",
        LimitKind::Memory => "memory",
        LimitKind::AddressSpace => "address space",
        LimitKind::Processes => "processes",
        LimitKind::Output => "output",
        LimitKind::FileSize => "file size",
        LimitKind::Disk => "disk",
        LimitKind::Descriptors => "descriptors",
    }
}
