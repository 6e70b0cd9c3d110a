//! Calls at their beginning: what they are, and what is done about them before they are carried out.

use std::time::Instant;

use super::task::{Altered, InCall};
use super::{Tracer, arguments, disturb, names, ptrace, time};
use crate::isolation::scenario;
use crate::recorder::Recorder;
use crate::{memory, shim};

/// The calls that make an object in an IPC namespace: no other can be the first.
pub(super) const MAKES_IPC: [i64; 4] = [
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
];

/// Whom a call kills for good, as for kill(2).
fn kills(nr: i64, args: &[u64; 6]) -> Option<i32> {
    let signal = match nr {
        libc::SYS_kill | libc::SYS_tkill => args[1],
        libc::SYS_tgkill => args[2],
        _ => return None,
    };
    (signal as i32 == libc::SIGKILL).then_some(args[0] as i32)
}

impl Tracer {
    /// A call is about to begin.
    pub(super) fn entry(
        &mut self,
        tid: i32,
        nr: i64,
        args: [u64; 6],
        ip: u64,
        recorder: &mut Recorder,
    ) {
        let known = |pid: i32| self.processes.get(&pid).map(|process| process.id.number);
        let pid_name = (nr == libc::SYS_wait4 || nr == libc::SYS_kill)
            .then(|| known(args[0] as i32))
            .flatten();
        if let Some(to) = kills(nr, &args) {
            // Of `tkill` it is a thread.
            let process = self.threads.get(&to).map_or(to, |thread| thread.pid);
            self.exhausted.kill_sent(process);
        }
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
            arguments::render(tid, nr, &args)
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
        if makes_task(nr) && self.tasks() >= self.limits.processes as usize {
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
                makes_task: makes_task(nr) && altered.is_none_or(Altered::is_carried_out),
            });
        }
        if kept.is_some() || meets && self.connecting(tid, true, recorder) {
            return;
        }
        ptrace::resume_to_syscall(tid, 0);
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

/// Whether a call makes a process or a thread.
pub(super) fn makes_task(nr: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if matches!(nr, libc::SYS_fork | libc::SYS_vfork) {
        return true;
    }
    nr == libc::SYS_clone
}
