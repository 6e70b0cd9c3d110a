//! Calls at their end: what has come of them, and whom else it concerns.

use super::task::{Altered, InCall};
use super::time;
use super::{Notice, Tracer, arguments, calls, disturb, lookup, meeting, names, ptrace};
use crate::event::{Call, What};
use crate::memory;
use crate::plan::ProcessId;
use crate::proc;
use crate::recorder::Recorder;
use crate::waits::sockets;

impl Tracer {
    /// A call has ended.
    pub(super) fn exit(&mut self, tid: i32, result: i64, recorder: &mut Recorder) {
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
            Some(Altered::Message {
                pieces_at,
                pieces,
                length_at,
                length,
            }) => disturb::restore_message(tid, [(pieces_at, pieces), (length_at, length)]),
            Some(Altered::Fake(value)) => {
                disturb::set_result(tid, value);
                result = value;
            }
            Some(Altered::Rewind(signal)) => {
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.rewound = true;
                }
                disturb::rewind(tid, call.nr, call.args[0]);
                ptrace::signal_thread(pid, tid, signal);
                ptrace::resume(tid, 0);
                return;
            }
            Some(Altered::Again) => {
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.rewound = true;
                }
                disturb::rewind(tid, call.nr, call.args[0]);
                ptrace::resume(tid, 0);
                return;
            }
            Some(Altered::SignalAfter(signal)) => ptrace::signal_thread(pid, tid, signal),
            Some(Altered::First(_)) | None => {}
        }
        if self.makes_again(pid, tid, &call, result) {
            ptrace::resume(tid, 0);
            return;
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
                arguments::received(tid, call.nr, &call.args, result)
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

    /// Makes a call again that nothing but the tracer has interrupted, and that the kernel would let
    /// fail. Answers whether it does.
    fn makes_again(&mut self, pid: i32, tid: i32, call: &InCall, result: i64) -> bool {
        let interrupted = result == -i64::from(libc::EINTR) || (-516..=-512).contains(&result);
        let timed = call.timed.as_ref();
        let again = interrupted
            && call.altered.is_none()
            && time::gives_up(call.nr, timed)
            && proc::hears_nothing(pid, tid);
        if again {
            let resumed = timed.and_then(|timed| self.time.interrupted(pid, tid, call, timed));
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.resumed = resumed;
                thread.rewound = true;
            }
            disturb::rewind(tid, call.nr, call.args[0]);
        }
        again
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
            nr if calls::makes_fifo(nr, args) && result == 0 => self.pipes.made_fifo(),
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
            libc::SYS_timer_delete if result == 0 => self.time.deleted(pid, args[0] as i32),
            // One that we do not keep is the kernel's.
            libc::SYS_timerfd_settime if result == 0 && call.altered.is_none() => {
                self.has_timers(pid);
            }
            libc::SYS_setsockopt if result == 0 => self.time.sockets.set(pid, tid, args),
            // What rename(3) is where there is no call of this name: glibc takes the one, musl the other.
            libc::SYS_renameat | libc::SYS_renameat2 => {
                let here = |at: u64| at as i32 == libc::AT_FDCWD;
                if result == 0 && here(args[0]) && here(args[2]) {
                    self.renames(pid, id, tid, [args[1], args[3]], recorder);
                }
                self.look_for_unlinked(recorder);
            }
            libc::SYS_unlinkat => self.look_for_unlinked(recorder),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename => {
                if result == 0 {
                    self.renames(pid, id, tid, [args[0], args[1]], recorder);
                }
                self.look_for_unlinked(recorder);
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink => self.look_for_unlinked(recorder),
            _ => {}
        }
    }

    /// A file got another name; the arguments say where both stand.
    fn renames(
        &mut self,
        pid: i32,
        id: ProcessId,
        tid: i32,
        names: [u64; 2],
        recorder: &mut Recorder,
    ) {
        // Without a socket of its own nothing of it is told.
        if self.named.is_empty() {
            return;
        }
        let [from, to] = names.map(|at| memory::read_cstr(tid, at, 4096));
        if let (Some(from), Some(to)) = (from, to) {
            self.renamed(pid, id, from, to, recorder);
        }
    }

    /// Makes a connection of a program hold little, where the plan asks for it.
    fn shrink(&self, id: ProcessId, tid: i32, fd: i32) {
        if self.small.get(usize::from(id.program.0)) == Some(&true) {
            // Refused, it only holds more than it need.
            let _ = sockets::shrink(tid, fd);
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
}
