//! Limits that programs reach, told from the calls that fail and the signals that come; and the
//! failures that are the machine's.

use std::collections::BTreeSet;

use super::Tracer;
use super::entry::makes_task;
use super::task::InCall;
use crate::event::{LimitKind, What};
use crate::plan::{ProcessId, Program, ProgramId};
use crate::proc;
use crate::recorder::Recorder;

/// What has been told, and what the driver has to look into.
#[derive(Debug, Default)]
pub(crate) struct Exhausted {
    told: BTreeSet<(Option<ProgramId>, LimitKind)>,
    /// Programs with a limit on descriptors of the lab's own.
    few: Vec<bool>,
    /// Somebody was killed by SIGKILL that nobody here had sent, since this was last asked.
    pub(crate) killed: bool,
    /// Processes to which somebody here has sent SIGKILL.
    sent: BTreeSet<i32>,
    /// Somebody here has sent SIGKILL to a group, or to everybody.
    sent_to_many: bool,
    /// A file could not grow for want of room.
    pub(crate) no_room: Option<ProgramId>,
    /// What only the machine can have run short of.
    pub(crate) machine: Option<String>,
}

impl Exhausted {
    pub(super) fn new(programs: &[Program]) -> Self {
        Self {
            few: programs.iter().map(|p| p.descriptors.is_some()).collect(),
            ..Self::default()
        }
    }

    /// A program or the lab sends SIGKILL, `to` as for kill(2).
    pub(crate) fn kill_sent(&mut self, to: i32) {
        if to > 0 {
            self.sent.insert(to);
        } else {
            self.sent_to_many = true;
        }
    }

    /// A process was killed by SIGKILL: by the kernel, unless somebody here has sent it.
    pub(super) fn was_killed(&mut self, pid: i32) {
        self.killed |= !self.sent_to_many && !self.sent.contains(&pid);
    }

    /// Reports a limit, the first time it is reached: by a program, or by all together.
    pub(crate) fn tell(
        &mut self,
        program: Option<ProgramId>,
        limit: LimitKind,
        most: u64,
        recorder: &mut Recorder,
    ) {
        // Which of them comes first is a matter of microseconds.
        let same = |of: Option<ProgramId>| of == program || of.is_none() || program.is_none();
        if self
            .told
            .iter()
            .any(|(of, told)| *told == limit && same(*of))
        {
            return;
        }
        self.told.insert((program, limit));
        recorder.emit(What::Limit {
            program,
            limit,
            most,
        });
    }
}

impl Tracer {
    /// Processes and threads, those included that a call under way makes: the kernel counts them before
    /// we hear of them, and a fork bomb has many such calls under way at once.
    pub(super) fn tasks(&self) -> usize {
        let calls = self.threads.values().filter_map(|t| t.call.as_ref());
        self.threads.len() + calls.filter(|call| call.makes_task).count()
    }

    /// A process or thread more than there may be was asked for.
    pub(super) fn too_many(&mut self, tid: i32, recorder: &mut Recorder) {
        let thread = self.threads.get(&tid);
        let program = thread.and_then(|thread| self.id_of(thread.pid));
        let most = self.limits.processes.into();
        let program = program.map(|id| id.program);
        self.exhausted
            .tell(program, LimitKind::Processes, most, recorder);
    }

    /// A call failed by itself.
    pub(super) fn refused(
        &mut self,
        tid: i32,
        pid: i32,
        id: ProcessId,
        call: &InCall,
        result: i64,
        recorder: &mut Recorder,
    ) {
        let program = Some(id.program);
        let errno = i32::try_from(-result).unwrap_or(0);
        match errno {
            libc::EAGAIN if makes_task(call.nr) => {
                // The kernel counts those that have ended and were not waited for as well.
                let ended = self.processes.values();
                let ended = ended.filter(|p| p.status.is_some() && !p.reaped).count();
                let most = self.limits.processes as usize;
                if self.tasks() + ended >= most - most / 4 {
                    self.too_many(tid, recorder);
                } else {
                    self.machine_short(call, "processes");
                }
            }
            libc::ENOMEM if makes_task(call.nr) => self.machine_short(call, "memory"),
            libc::ENFILE => self.machine_short(call, "open files"),
            libc::EMFILE if self.exhausted.few.get(usize::from(id.program.0)) != Some(&true) => {
                let most = self.limits.descriptors;
                self.exhausted
                    .tell(program, LimitKind::Descriptors, most, recorder);
            }
            libc::EFBIG if is_write(call.nr) => {
                let most = self.limits.file_size;
                self.exhausted
                    .tell(program, LimitKind::FileSize, most, recorder);
            }
            libc::ENOSPC | libc::EDQUOT if is_write(call.nr) => {
                let device = proc::fd_link(pid, call.args[0] as i32);
                if device.is_none_or(|path| !path.starts_with(b"/dev/full")) {
                    self.exhausted.no_room = program;
                }
            }
            _ => {}
        }
    }

    fn machine_short(&mut self, call: &InCall, of: &str) {
        let name = super::calls::name(call.nr);
        self.exhausted
            .machine
            .get_or_insert_with(|| format!("{of}: {name} failed"));
    }

    /// A signal by which the kernel tells of a limit, or by which a program ends that could not
    /// get memory.
    pub(super) fn signal_of_a_limit(&mut self, tid: i32, signal: i32, recorder: &mut Recorder) {
        let thread = self.threads.get(&tid);
        let program = thread.and_then(|thread| self.id_of(thread.pid));
        let program = program.map(|id| id.program);
        let (limit, most) = match signal {
            libc::SIGXCPU => (LimitKind::Cpu, self.limits.cpu_ms),
            libc::SIGXFSZ => (LimitKind::FileSize, self.limits.file_size),
            libc::SIGSEGV | libc::SIGBUS | libc::SIGABRT => {
                return self.about_to_fail(tid, recorder);
            }
            _ => return,
        };
        self.exhausted.tell(program, limit, most, recorder);
    }

    /// A process is about to end badly: was it for want of memory?
    pub(super) fn about_to_fail(&mut self, tid: i32, recorder: &mut Recorder) {
        let most = self.limits.memory;
        let Some(thread) = self.threads.get(&tid).filter(|_| most > 0) else {
            return;
        };
        // Memory is asked for in pieces: what was refused would have gone beyond.
        let peak = proc::peak_address_space(thread.pid).unwrap_or(0);
        if peak >= most - most / 8 {
            let program = self.id_of(thread.pid).map(|id| id.program);
            self.exhausted
                .tell(program, LimitKind::AddressSpace, most, recorder);
        }
    }
}

fn is_write(nr: i64) -> bool {
    matches!(nr, libc::SYS_write | libc::SYS_writev)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_sent_sigkill_was_not_killed_for_want_of_memory() {
        let killed = |sent: &[i32], pid| {
            let mut exhausted = Exhausted::default();
            sent.iter().for_each(|to| exhausted.kill_sent(*to));
            exhausted.was_killed(pid);
            exhausted.killed
        };
        assert!(killed(&[], 7));
        assert!(killed(&[8], 7));
        assert!(!killed(&[8, 7], 7));
        assert!(!killed(&[0], 7));
        assert!(!killed(&[-1], 7));
    }
}
