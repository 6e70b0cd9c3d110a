//! Calls of `connect` that wait for somebody to listen.

use std::path::PathBuf;

use super::meeting::Fate;
use super::task::{Named, Standing};
use super::{Tracer, meeting, names, ptrace};
use crate::event::What;
use crate::plan::{Address, ProgramId};
use crate::recorder::Recorder;

impl Tracer {
    /// Decides where a `connect` at its entry goes. `true`: it is held. `first`: it has just come.
    pub(super) fn connecting(&mut self, tid: i32, first: bool, recorder: &mut Recorder) -> bool {
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

    /// Whether a socket has the name the handout asks for.
    pub(crate) fn is_nominal(&self, program: ProgramId, named: &Named) -> bool {
        let wanted = self.nominal.get(usize::from(program.0));
        wanted
            .and_then(Option::as_ref)
            .is_some_and(|wanted| same_place(wanted, &named.address, named.path.as_deref()))
    }
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
