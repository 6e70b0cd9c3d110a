//! What is on stage: the scene for explanations and inspections, and what an untraced run can
//! learn from `/proc` instead of from calls.

use std::collections::BTreeSet;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use super::stdio::Stdio;
use crate::beneath::resolve;
use crate::event::{Call, ExitStatus, Fact, What};
use crate::helper::Helper;
use crate::inspect;
use crate::plan::{Image, Inspection, ProgramId, SocketKind};
use crate::proc::{self, ThreadScan};
use crate::scene::{OwnEnd, OwnKind, Scene, SceneProcess, SceneThread};
use crate::settle::Rest;
use crate::shim::elf;
use crate::tracer::task::{Named, Standing};
use crate::tracer::{calls, lookup};

/// Rounds in which children of untraced processes are looked for.
const MOST_ROUNDS: usize = 16;

impl Helper {
    /// The processes that have not been reaped, and the grader's own ends.
    pub(crate) fn scene(&mut self, rest: &Rest) -> Scene<'_> {
        let mut processes = Vec::new();
        for process in self.tracer.processes.values() {
            if process.reaped
                || (process.status.is_some() && process.parent.is_none())
                || process.orphaned && process.status.is_some()
                // A parent that ignores SIGCHLD need not wait: the kernel has collected it.
                || process.status.is_some() && proc::state(process.pid).is_none()
            {
                continue;
            }
            let threads = self
                .tracer
                .threads
                .values()
                .filter(|thread| thread.pid == process.pid)
                .map(|thread| SceneThread {
                    tid: thread.tid,
                    ordinal: thread.ordinal,
                    scan: rest
                        .scans
                        .get(&thread.tid)
                        .cloned()
                        .or_else(|| self.scanner.scan(thread.pid, thread.tid))
                        .unwrap_or_else(ThreadScan::unreadable),
                    held: match thread.standing {
                        Standing::Frozen => Some("being let go: the grader has frozen it"),
                        Standing::Delayed(..) => Some("being let go: the grader delays it"),
                        _ => None,
                    },
                    stopped: thread.standing == Standing::Stopped,
                    state_hint: self.tracer.state_hint(thread.tid, rest.how),
                })
                .collect();
            processes.push(SceneProcess {
                id: process.id,
                pid: process.pid,
                parent: process.parent,
                threads,
                zombie: process.status.is_some(),
            });
        }
        processes.sort_by_key(|process| process.id);
        let mut own_ends = Vec::new();
        for (index, stdio) in self.stdio.iter().enumerate() {
            let Some(stdio) = stdio else { continue };
            let name = &self.program_names[index];
            if let Some(fd) = &stdio.input {
                own_ends.push(OwnEnd {
                    fd: fd.as_raw_fd(),
                    name: format!("{name}'s stdin"),
                    kind: if stdio.input_is_terminal {
                        OwnKind::Terminal
                    } else {
                        OwnKind::Pipe
                    },
                });
            }
            for output in &stdio.outputs {
                if let Some(fd) = &output.fd {
                    own_ends.push(OwnEnd {
                        fd: fd.as_raw_fd(),
                        name: format!("{name}'s {}", output.name()),
                        kind: if output.terminal {
                            OwnKind::Terminal
                        } else {
                            OwnKind::Pipe
                        },
                    });
                }
            }
        }
        for (peer, name) in self.peers.iter().zip(&self.plan.peers) {
            if let Some(fd) = &peer.fd {
                own_ends.push(OwnEnd {
                    fd: fd.as_raw_fd(),
                    name: name.clone(),
                    kind: match (peer.listening, &peer.fifo) {
                        (true, _) => OwnKind::Listener,
                        (_, Some(_)) => OwnKind::Pipe,
                        _ => OwnKind::Socket,
                    },
                });
            }
        }
        let now = self.recorder.step();
        let opened = self.to_open.partition_point(|end| end.step <= now);
        let listeners = self
            .tracer
            .named
            .iter()
            .filter(|named| named.listening)
            .map(|named| (named.inode, named.address.clone()))
            .collect();
        Scene {
            processes,
            own_ends,
            listeners,
            program_names: &self.program_names,
            pipe_names: &mut self.pipe_names,
            to_open: &self.to_open[opened..],
        }
    }

    /// Looks at a program at rest.
    pub(crate) fn inspect(
        &mut self,
        program: ProgramId,
        what: Inspection,
        rest: &Rest,
    ) -> Vec<Fact> {
        match what {
            Inspection::Family => inspect::family(&self.tracer.family, program),
            Inspection::Handlers => {
                let none = BTreeSet::new();
                let found = self.tracer.handler_findings.get(&program);
                let preloaded = self.is_preloaded(program);
                inspect::handlers(found.unwrap_or(&none), preloaded)
            }
            Inspection::Tree => inspect::tree(&self.scene(rest), program),
            Inspection::Descriptors => self.compare_descriptors(program, rest),
            Inspection::Idle => {
                let mut graph = std::mem::take(&mut self.graph);
                let facts = inspect::idle(&self.scene(rest), program, graph.classifier());
                self.graph = graph;
                facts
            }
            Inspection::Signals => inspect::signals(&self.scene(rest), program),
            Inspection::Terminal => {
                let stdio = self.stdio.get(usize::from(program.0));
                let changes = stdio
                    .and_then(Option::as_ref)
                    .and_then(Stdio::terminal_changes);
                inspect::terminal(changes.as_deref())
            }
            Inspection::Threads => inspect::threads(&self.scene(rest), program),
            Inspection::Children => inspect::children(&self.scene(rest), program),
            Inspection::Files => inspect::files(&self.workspace, &self.placed),
            Inspection::Lines => inspect::lines(&self.workspace, &self.placed),
            Inspection::Counted => inspect::counted(&self.workspace, &self.placed),
        }
    }

    /// The number of descriptors says nothing by itself (one program has a signalfd, another has
    /// not); that it grows does.
    fn compare_descriptors(&mut self, program: ProgramId, rest: &Rest) -> Vec<Fact> {
        let Some(open) = inspect::descriptors(&self.scene(rest), program) else {
            return Vec::new();
        };
        let text = match self.descriptors_before.get(&program) {
            None => "counted".to_owned(),
            Some(&before) if open <= before => "no more than before".to_owned(),
            Some(&before) => format!("{} more than before", open - before),
        };
        self.descriptors_before.entry(program).or_insert(open);
        vec![Fact {
            channel: "fds".to_owned(),
            text,
        }]
    }

    /// Whether the handler audit can see this program: the shim works in dynamic executables only.
    /// A reference program is ours and has no handlers of C.
    fn is_preloaded(&self, program: ProgramId) -> bool {
        let Some(program) = self.plan.programs.get(usize::from(program.0)) else {
            return false;
        };
        match &program.image {
            // A script has no handlers of C either.
            Image::File(path) => elf::is_dynamic(&resolve(&self.workspace, path)).unwrap_or(true),
            Image::Builtin(_) => true,
        }
    }

    /// Reports the calls that have not returned.
    pub(crate) fn report_pending_calls(&mut self) {
        for thread in self.tracer.threads.values() {
            let (Some(call), Some(process)) = (&thread.call, self.tracer.id_of(thread.pid)) else {
                continue;
            };
            if !call.by_loader {
                self.recorder.call(Call {
                    process,
                    thread: thread.ordinal,
                    name: calls::name(call.nr),
                    args: call.shown.clone(),
                    data: call.data.clone().into(),
                    result: None,
                    times: 1,
                });
            }
        }
    }

    /// Untraced: brings the list of processes and threads up to date.
    pub(crate) fn find_processes(&mut self) {
        // Parents before children: repeat until nothing new is found. Who forks without end is not
        // followed for ever.
        for _ in 0..MOST_ROUNDS {
            let mut found = Vec::new();
            for pid in lookup::all_pids() {
                if self.tracer.processes.contains_key(&pid) {
                    continue;
                }
                let parent = proc::ppid(pid).and_then(|parent| self.tracer.id_of(parent));
                if let (Some(parent), true) = (parent, proc::is_alive(pid)) {
                    found.push((pid, parent));
                }
            }
            if found.is_empty() {
                break;
            }
            for (pid, parent) in found {
                let child = self
                    .tracer
                    .add_process(parent.program, pid, Some(parent), true);
                self.tracer.family.forked(parent, child);
                self.recorder.emit(What::Forked { parent, child, pid });
            }
        }
        let alive: Vec<i32> = self
            .tracer
            .processes
            .values()
            .filter(|process| process.status.is_none())
            .map(|process| process.pid)
            .collect();
        for pid in alive {
            match proc::threads_of(pid) {
                Some(tids) => {
                    for tid in &tids {
                        if !self.tracer.threads.contains_key(tid) {
                            self.tracer.add_thread(pid, *tid);
                        }
                    }
                    let tids: BTreeSet<i32> = tids.into_iter().collect();
                    self.tracer
                        .threads
                        .retain(|tid, thread| thread.pid != pid || tids.contains(tid));
                }
                // A descendant that is gone; how it ended its parent knows, not we. The status of
                // a root process is collected as a child's.
                None if self.tracer.is_descendant(pid) => {
                    self.tracer
                        .ended(pid, ExitStatus::Code(0), &mut self.recorder);
                }
                None => {}
            }
        }
    }

    /// Untraced: finds sockets that programs listen on, and connections they have taken.
    pub(crate) fn find_listeners(&mut self) {
        // `/proc/net/unix` shows the NULs of abstract names as `@`; the kernel's answer has the bytes.
        let listening = self
            .graph
            .listening_unix()
            .unwrap_or_else(lookup::listening_unix);
        for (inode, address) in listening {
            if self.tracer.named.iter().any(|named| named.inode == inode) {
                continue;
            }
            let holder = self
                .tracer
                .processes
                .values()
                .filter(|process| process.status.is_none())
                .find(|process| lookup::holds_socket(process.pid, inode))
                .map(|process| (process.id, process.pid));
            let Some((process, pid)) = holder else {
                continue;
            };
            let path: Option<PathBuf> = lookup::absolute(pid, &address);
            let named = Named {
                inode,
                process,
                address: address.clone(),
                path,
                listening: true,
                kind: SocketKind::Stream,
                unlinked: false,
            };
            let nominal = self.tracer.is_nominal(process.program, &named);
            self.tracer.named.push(named);
            self.recorder.emit(What::Listening {
                process,
                address,
                nominal,
            });
        }
        let inodes: Vec<u64> = self.queued.keys().copied().collect();
        for inode in inodes {
            let Some((pending, _)) = self.graph.unix_queue(inode) else {
                continue;
            };
            let pending = usize::try_from(pending).unwrap_or(usize::MAX);
            let queue = self.queued.entry(inode).or_default();
            while queue.len() > pending {
                if let Some(Some(peer)) = queue.pop_front() {
                    self.recorder.emit(What::PeerAccepted { peer });
                }
            }
        }
    }
}
