//! The wait-for graph: for every thread, what it waits on and who could end the wait.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;

use super::calls::{
    ACCEPT, ACCEPT4, CLOCK_NANOSLEEP, CLONE, CLONE3, CONNECT, CREAT, EPOLL_PWAIT, EPOLL_PWAIT2,
    EPOLL_WAIT, FCNTL, FLOCK, FUTEX, FUTEX_WAIT, FUTEX_WAITV, MSGRCV, MSGSND, NANOSLEEP, OPEN,
    OPENAT, OPENAT2, PAUSE, POLL, PPOLL, PSELECT6, RESTART_SYSCALL, RT_SIGSUSPEND, RT_SIGTIMEDWAIT,
    SELECT, SEMOP, SEMTIMEDOP, Transfer, VFORK, WAIT4, WAITID, fd, name, transfer,
};
use super::classify::{Classifier, WaitKind};
use super::diag::{UnixDiag, UnixSocket};
use super::ends::{Ends, Target, Way, or_nobody, unix_address};
use super::stage::Stage;
use super::{filelocks, files, locks, polled, timeout};
use crate::bytes::{Bytes, escape};
use crate::event::{Ender, Object, Wait, WaitState};
use crate::memory;
use crate::plan::{Address, ProcessId};
use crate::proc::ThreadScan;
use crate::scene::{Scene, SceneProcess, SceneThread, within_program, words};

/// Explains waits. Keeps its netlink socket open and remembers the families of sockets.
#[derive(Debug, Default)]
pub struct Graph {
    diag: Option<UnixDiag>,
    classifier: Classifier,
}

impl Graph {
    /// A graph of this process's network namespace (the programs must share it).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same classifier as on the hot path, so that both agree.
    pub fn classifier(&mut self) -> &mut Classifier {
        &mut self.classifier
    }

    /// How many connections wait for `accept` on a listening Unix socket, and how many may;
    /// `None` where the kernel does not tell.
    pub fn unix_queue(&mut self, inode: u64) -> Option<(u32, u32)> {
        let answer = self.diag()?.one(inode);
        if answer.is_err() {
            self.diag = None;
        }
        Some(answer.ok()??.queue)
    }

    /// All Unix sockets of the network namespace by inode; `None` where the kernel does not tell.
    pub fn unix_sockets(&mut self) -> Option<HashMap<u64, UnixSocket>> {
        let answer = self.diag()?.all();
        if answer.is_err() {
            self.diag = None;
        }
        answer.ok()
    }

    /// The listening Unix sockets of the network namespace with their names; `None` where the
    /// kernel does not tell.
    pub(crate) fn listening_unix(&mut self) -> Option<Vec<(u64, Address)>> {
        let sockets = self.unix_sockets()?.into_iter();
        let mut listening: Vec<_> = sockets
            .filter(|(_, socket)| socket.listening)
            .filter_map(|(inode, socket)| Some((inode, unix_address(&socket.name?))))
            .collect();
        listening.sort_unstable_by_key(|(inode, _)| *inode);
        Some(listening)
    }

    fn diag(&mut self) -> Option<&mut UnixDiag> {
        if self.diag.is_none() {
            self.diag = UnixDiag::open().ok();
        }
        self.diag.as_mut()
    }

    /// What every thread on stage waits for, in the order of the scene. Threads that have ended
    /// while their process goes on are left out.
    pub fn explain(&mut self, scene: &mut Scene<'_>) -> Vec<Wait> {
        let Self { diag, classifier } = self;
        let stage = Stage::new(
            &scene.processes,
            &scene.own_ends,
            &scene.listeners,
            scene.program_names,
            scene.to_open,
        );
        let mut ends = Ends {
            stage,
            pipes: &mut *scene.pipe_names,
            diag,
        };
        let mut waits = Vec::new();
        for process in &scene.processes {
            if process.zombie {
                waits.push(zombie(process));
                continue;
            }
            for thread in &process.threads {
                let kind = classifier.classify(thread.tid, &thread.scan, thread.stopped);
                if kind != WaitKind::Dead {
                    waits.push(wait(&mut ends, process, thread, &kind));
                }
            }
        }
        waits
    }
}

fn zombie(process: &SceneProcess) -> Wait {
    let ender = match process.parent {
        Some(parent) => Ender::Process {
            process: parent,
            fd: None,
            itself: false,
        },
        None => Ender::Grader,
    };
    Wait {
        process: process.id,
        thread: 0,
        call: "exit".to_owned(),
        state: WaitState::Zombie,
        on: Object::Other("being waited for".to_owned()),
        enders: vec![ender],
    }
}

fn wait(
    ends: &mut Ends<'_>,
    process: &SceneProcess,
    thread: &SceneThread,
    kind: &WaitKind,
) -> Wait {
    if let Some(why) = thread.held {
        return Wait {
            process: process.id,
            thread: thread.ordinal,
            call: name(thread.scan.nr).unwrap_or("stopped").to_owned(),
            state: WaitState::Blocked,
            on: Object::Other(why.to_owned()),
            enders: vec![Ender::Grader],
        };
    }
    let state = match (&thread.state_hint, kind) {
        (Some(hint), _) => hint.clone(),
        (None, WaitKind::Forever) => WaitState::Blocked,
        (None, WaitKind::Timed(Some(ms)) | WaitKind::Left(ms)) => WaitState::Timed(*ms),
        (None, WaitKind::Stopped) => WaitState::Stopped,
        (None, WaitKind::Timed(None) | WaitKind::Dead | WaitKind::Runs | WaitKind::Unknown(_)) => {
            WaitState::Unknown
        }
    };
    let (call, target) = if *kind == WaitKind::Stopped {
        // Whoever may send a signal may continue it; in a quiet scenario that is the grader.
        (
            "stopped".to_owned(),
            Target::new(Object::Signal, vec![Ender::Grader]),
        )
    } else if thread.scan.nr < 0 {
        let why = match kind {
            WaitKind::Unknown(why) => why.clone(),
            _ => "running".to_owned(),
        };
        (String::new(), Target::new(Object::Other(why), Vec::new()))
    } else {
        Waiter {
            ends,
            process,
            thread,
        }
        .follow()
    };
    Wait {
        process: process.id,
        thread: thread.ordinal,
        call,
        state,
        on: target.on,
        enders: target.enders,
    }
}

/// One waiting thread.
struct Waiter<'w, 'a> {
    ends: &'w mut Ends<'a>,
    process: &'w SceneProcess,
    thread: &'w SceneThread,
}

impl Waiter<'_, '_> {
    fn scan(&self) -> &ThreadScan {
        &self.thread.scan
    }

    /// The call in words, and what it leads to.
    fn follow(&mut self) -> (String, Target) {
        let (nr, args, tid) = (self.scan().nr, self.scan().args, self.thread.tid);
        let name = name(nr).map_or_else(|| format!("system call {nr}"), str::to_owned);
        if let Some(transfer) = transfer(nr, &args) {
            return match transfer {
                Transfer::In(fd) => (format!("{name}({fd})"), self.descriptor(fd, Way::Read)),
                Transfer::Out(fd) => (format!("{name}({fd})"), self.descriptor(fd, Way::Write)),
                Transfer::Through(from, to) => {
                    (format!("{name}({from}, {to})"), self.through(from, to))
                }
            };
        }
        let first = fd(args[0]);
        match nr {
            ACCEPT | ACCEPT4 => (
                format!("{name}({first})"),
                self.descriptor(first, Way::Read),
            ),
            CONNECT => (format!("{name}({first})"), self.connect(args[1], args[2])),
            WAIT4 | WAITID | VFORK | CLONE | CLONE3 => self.children(&name),
            POLL | PPOLL | SELECT | PSELECT6 | EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 => {
                self.several(&name)
            }
            FUTEX | FUTEX_WAIT | FUTEX_WAITV => {
                locks::follow(&self.ends.stage, self.process.id, tid, self.scan())
            }
            PAUSE | RT_SIGSUSPEND | RT_SIGTIMEDWAIT => (format!("{name}()"), self.signal()),
            NANOSLEEP | CLOCK_NANOSLEEP => {
                let length = timeout::of_call(nr, &args, tid).and_then(timeout::Timeout::ms);
                let length = length.map_or_else(String::new, duration);
                (
                    format!("{name}({length})"),
                    Target::new(Object::Time, Vec::new()),
                )
            }
            RESTART_SYSCALL => (name, Target::new(Object::Time, Vec::new())),
            OPEN | CREAT | OPENAT | OPENAT2 => self.open(&name),
            FLOCK | FCNTL => {
                let target =
                    filelocks::follow(&self.ends.stage, self.process, tid, first, nr == FLOCK);
                (format!("{name}({first})"), target)
            }
            SEMOP | SEMTIMEDOP => (name, shared("semaphore set", first)),
            MSGRCV | MSGSND => (name, shared("message queue", first)),
            _ => (format!("{name}()"), shared("call", nr_number(nr))),
        }
    }

    fn descriptor(&mut self, fd: i32, way: Way) -> Target {
        self.ends.follow(self.process.id, self.thread.tid, fd, way)
    }

    /// A call that moves data waits on either side; which one is not known.
    fn through(&mut self, from: i32, to: i32) -> Target {
        let read = self.descriptor(from, Way::Read);
        let write = self.descriptor(to, Way::Write);
        let names = vec![in_words(&read.on, "read"), in_words(&write.on, "write")];
        Target::new(Object::Several(names), merged([read, write]))
    }

    fn several(&mut self, name: &str) -> (String, Target) {
        let Some(set) = polled::set(self.thread.tid, self.scan()) else {
            let why = "the descriptors it polls cannot be read".to_owned();
            return (
                name.to_owned(),
                Target::new(Object::Several(Vec::new()), vec![Ender::Unknown(why)]),
            );
        };
        let call = match set.len() {
            0 => format!("{name}()"),
            1 => format!("{name}(1 descriptor)"),
            n => format!("{name}({n} descriptors)"),
        };
        if set.is_empty() {
            // The portable way to sleep; without a timeout only a signal ends it.
            let timed = timeout::of_call(self.scan().nr, &self.scan().args, self.thread.tid)
                .is_some_and(|timeout| timeout != timeout::Timeout::Never);
            let target = if timed {
                Target::new(Object::Time, Vec::new())
            } else {
                self.signal()
            };
            return (call, target);
        }
        let mut names = Vec::new();
        let mut targets = Vec::new();
        for polled in set {
            let ways = match (polled.read, polled.write) {
                (true, true) => "read, write",
                (_, true) => "write",
                _ => "read",
            };
            let read = polled.read.then(|| self.descriptor(polled.fd, Way::Read));
            let write = polled.write.then(|| self.descriptor(polled.fd, Way::Write));
            if let Some(any) = read.as_ref().or(write.as_ref()) {
                names.push(in_words(&any.on, ways));
            }
            targets.extend(read.into_iter().chain(write));
        }
        (call, Target::new(Object::Several(names), merged(targets)))
    }

    fn children(&self, name: &str) -> (String, Target) {
        let args = &self.scan().args;
        let wanted = match self.scan().nr {
            WAIT4 if fd(args[0]) > 0 => Some(fd(args[0])),
            WAITID if fd(args[0]) == 1 => Some(fd(args[1])), // P_PID
            _ => None,
        };
        let living = self.ends.stage.processes.iter().filter(|child| {
            child.parent == Some(self.process.id)
                && !child.zombie
                && wanted.is_none_or(|pid| pid == child.pid)
        });
        let mut children: Vec<ProcessId> = living.map(|child| child.id).collect();
        let call = match (self.scan().nr, wanted, children.as_slice()) {
            // The child that has not executed yet is the youngest.
            (VFORK | CLONE | CLONE3, _, all) => {
                children = all.last().copied().into_iter().collect();
                format!("{name}()")
            }
            (_, Some(_), [child]) => format!("{name}({})", self.name_child(*child)),
            (_, Some(pid), _) => format!("{name}(pid {pid})"),
            (_, None, _) => format!("{name}(any child)"),
        };
        let enders = children.into_iter().map(|process| Ender::Process {
            process,
            fd: None,
            itself: false,
        });
        (
            call,
            Target::new(Object::Children, or_nobody(enders.collect())),
        )
    }

    fn name_child(&self, child: ProcessId) -> String {
        if child.program == self.process.id.program {
            within_program(child)
        } else {
            words(self.ends.stage.program_names, child)
        }
    }

    /// Signals come from the grader, and `SIGCHLD` from children.
    fn signal(&self) -> Target {
        let scan = self.scan();
        let child_bit = 1_u64 << (libc::SIGCHLD - 1);
        let hears = match scan.nr {
            RT_SIGTIMEDWAIT => memory::read_array::<8>(self.thread.tid, scan.args[0])
                .is_some_and(|set| u64::from_ne_bytes(set) & child_bit != 0),
            _ => scan.caught & !scan.blocked & child_bit != 0,
        };
        let children = self
            .ends
            .stage
            .processes
            .iter()
            .filter(|child| hears && child.parent == Some(self.process.id) && !child.zombie);
        let children = children.map(|child| Ender::Process {
            process: child.id,
            fd: None,
            itself: false,
        });
        Target::new(Object::Signal, children.chain([Ender::Grader]).collect())
    }

    fn open(&self, name: &str) -> (String, Target) {
        let Some(fifo) = files::opened_fifo(self.thread.tid, self.scan()) else {
            let why = "it is no FIFO".to_owned();
            return (
                name.to_owned(),
                Target::new(
                    Object::Other("a file".to_owned()),
                    vec![Ender::Unknown(why)],
                ),
            );
        };
        let way = if fifo.writing { "O_WRONLY" } else { "O_RDONLY" };
        let call = format!("{name}(\"{}\", {way})", escape(&fifo.path));
        // Nobody has the other end open, or the call would have returned.
        let mut later = self.ends.stage.to_open.iter();
        let opens = later.any(|end| {
            let meta = std::fs::metadata(&end.path);
            end.writing != fifo.writing
                && meta.is_ok_and(|meta| (meta.dev(), meta.ino()) == fifo.identity)
        });
        let ender = if opens { Ender::Grader } else { Ender::Nobody };
        let on = Object::Fifo(Bytes(fifo.path));
        (call, Target::new(on, vec![ender]))
    }

    /// A `connect` that waits for room in the listener's queue.
    fn connect(&mut self, at: u64, len: u64) -> Target {
        let len = usize::try_from(len)
            .unwrap_or(0)
            .min(size_of::<libc::sockaddr_un>());
        let bytes = memory::read(self.thread.tid, at, len);
        let name = match bytes.split_first_chunk::<2>() {
            Some((family, name)) if i32::from(u16::from_ne_bytes(*family)) == libc::AF_UNIX => name,
            _ => return self.descriptor(fd(self.scan().args[0]), Way::Write),
        };
        let address = match name.first() {
            Some(0) => unix_address(name),
            _ => unix_address(name.split(|&b| b == 0).next().unwrap_or_default()),
        };
        // Names are relative to whoever bound them, so that several sockets may have the same:
        // the one meant is held by somebody on stage.
        let known = self.ends.stage.listeners.iter();
        let known = known
            .filter(|(_, known)| *known == address)
            .map(|(inode, _)| *inode);
        let mut listeners: Vec<u64> = known.collect();
        if let Some(all) = self.ends.stage.unix_all(self.ends.diag) {
            let named = |socket: &UnixSocket| {
                socket.listening
                    && socket
                        .name
                        .as_deref()
                        .is_some_and(|name| unix_address(name) == address)
            };
            let mut found: Vec<u64> = all
                .iter()
                .filter(|(_, socket)| named(socket))
                .map(|(&inode, _)| inode)
                .collect();
            found.sort_unstable();
            listeners.extend(found);
        }
        let targets = listeners
            .into_iter()
            .map(|listener| self.ends.acceptor(self.process.id, listener, true));
        let target = targets
            .into_iter()
            .find(|target| target.enders != [Ender::Nobody]);
        target.unwrap_or_else(|| {
            let on = Object::Socket {
                peer: address.to_string(),
                writing: true,
            };
            Target::new(
                on,
                vec![Ender::Unknown("who listens there is not known".to_owned())],
            )
        })
    }
}

fn shared(what: &str, number: i32) -> Target {
    let why = format!("whoever uses the {what} may end it");
    Target::new(
        Object::Other(format!("{what} {number}")),
        vec![Ender::Unknown(why)],
    )
}

fn nr_number(nr: i64) -> i32 {
    i32::try_from(nr).unwrap_or(i32::MAX)
}

/// The enders of several targets, each once. Where one target has no enders known (time), the
/// others still count.
fn merged(targets: impl IntoIterator<Item = Target>) -> Vec<Ender> {
    let mut all: Vec<Ender> = Vec::new();
    for ender in targets.into_iter().flat_map(|target| target.enders) {
        if !all.contains(&ender) {
            all.push(ender);
        }
    }
    // Somebody for one descriptor is somebody for the whole set.
    if all.iter().any(|ender| *ender != Ender::Nobody) {
        all.retain(|ender| *ender != Ender::Nobody);
    }
    all
}

/// An object as an item of a list: `alice (read)`.
fn in_words(on: &Object, ways: &str) -> String {
    match on {
        Object::Pipe { name, .. } if name.contains(' ') => format!("{name} ({ways})"),
        Object::Pipe { name, .. } => format!("pipe {name} ({ways})"),
        Object::Socket { peer, .. } => format!("{peer} ({ways})"),
        Object::Listener(address) => format!("connections to {address}"),
        Object::Terminal => format!("terminal ({ways})"),
        Object::Time => "timer".to_owned(),
        Object::Signal => "signals".to_owned(),
        Object::Children => "children".to_owned(),
        Object::Fifo(path) => format!("FIFO {} ({ways})", path.escaped()),
        Object::Lock(_) => "a lock".to_owned(),
        Object::Other(text) => text.clone(),
        Object::Several(all) => all.join(", "),
    }
}

fn duration(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        format!("{ms} ms")
    }
}
