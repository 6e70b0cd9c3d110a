//! Tables of one explanation, each made when first asked for: who holds which descriptor, what
//! the grader holds, which Unix sockets there are.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::os::fd::BorrowedFd;

use nix::fcntl::{FcntlArg, fcntl};

use super::diag::{UnixDiag, UnixSocket};
use crate::event::Ender;
use crate::plan::{Address, ProcessId};
use crate::proc::{self, Access, Link};
use crate::scene::{OwnEnd, OwnKind, SceneProcess, SceneThread, ToOpen};

/// The unchanging part of a scene, with tables.
pub(super) struct Stage<'a> {
    pub(super) processes: &'a [SceneProcess],
    pub(super) listeners: &'a [(u64, Address)],
    pub(super) program_names: &'a [String],
    pub(super) to_open: &'a [ToOpen],
    own_ends: &'a [OwnEnd],
    held: OnceCell<Vec<Held>>,
    own: OnceCell<Vec<Own<'a>>>,
    unix: OnceCell<Option<HashMap<u64, UnixSocket>>>,
}

/// A descriptor of a program.
pub(super) struct Held {
    pub(super) process: ProcessId,
    pub(super) pid: i32,
    pub(super) fd: i32,
    pub(super) link: Link,
}

/// A descriptor of the grader's.
pub(super) struct Own<'a> {
    pub(super) end: &'a OwnEnd,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) access: Access,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        processes: &'a [SceneProcess],
        own_ends: &'a [OwnEnd],
        listeners: &'a [(u64, Address)],
        program_names: &'a [String],
        to_open: &'a [ToOpen],
    ) -> Self {
        Self {
            processes,
            listeners,
            program_names,
            to_open,
            own_ends,
            held: OnceCell::new(),
            own: OnceCell::new(),
            unix: OnceCell::new(),
        }
    }

    /// Every descriptor of every process.
    pub(super) fn held(&self) -> &[Held] {
        self.held.get_or_init(|| {
            let living = self.processes.iter().filter(|process| !process.zombie);
            living
                .flat_map(|process| {
                    let fds = proc::fds(process.pid).unwrap_or_default();
                    fds.into_iter().map(|(fd, link)| Held {
                        process: process.id,
                        pid: process.pid,
                        fd,
                        link: Link::parse(&link),
                    })
                })
                .collect()
        })
    }

    /// The grader's ends that are open.
    pub(super) fn own(&self) -> &[Own<'a>] {
        self.own.get_or_init(|| {
            self.own_ends
                .iter()
                .filter_map(|end| {
                    let fd = borrow(end);
                    let stat = nix::sys::stat::fstat(fd).ok()?;
                    let flags = fcntl(fd, FcntlArg::F_GETFL).ok()? & libc::O_ACCMODE;
                    let access = Access {
                        read: flags != libc::O_WRONLY,
                        write: flags != libc::O_RDONLY,
                    };
                    Some(Own {
                        end,
                        device: stat.st_dev,
                        inode: stat.st_ino,
                        access,
                    })
                })
                .collect()
        })
    }

    /// A Unix socket; `None` where the kernel does not tell or it is of another family.
    pub(super) fn unix(&self, diag: &mut Option<UnixDiag>, inode: u64) -> Option<&UnixSocket> {
        self.unix_all(diag)?.get(&inode)
    }

    /// All Unix sockets; `None` where the kernel does not tell.
    pub(super) fn unix_all(
        &self,
        diag: &mut Option<UnixDiag>,
    ) -> Option<&HashMap<u64, UnixSocket>> {
        self.unix
            .get_or_init(|| {
                if diag.is_none() {
                    *diag = UnixDiag::open().ok();
                }
                let all = diag.as_mut()?.all();
                if all.is_err() {
                    // What is left of the answer would be taken for the next one.
                    *diag = None;
                }
                all.ok()
            })
            .as_ref()
    }

    /// Who holds a descriptor that fits, as seen by `waiter`. `wanted` gets the descriptor only
    /// after its link fits, because looking at its access costs a call.
    pub(super) fn holders(
        &self,
        waiter: ProcessId,
        fits: impl Fn(&Link) -> bool,
        wanted: impl Fn(&Held) -> bool,
    ) -> Vec<Ender> {
        self.held()
            .iter()
            .filter(|held| fits(&held.link) && wanted(held))
            .map(|held| Ender::Process {
                process: held.process,
                fd: Some(held.fd),
                itself: held.process == waiter,
            })
            .collect()
    }

    /// The grader's end with this socket inode.
    pub(super) fn own_socket(&self, inode: u64, kind: OwnKind) -> Option<&'a OwnEnd> {
        self.own()
            .iter()
            .find(|own| own.inode == inode && own.end.kind == kind)
            .map(|own| own.end)
    }

    /// The living threads of a process.
    pub(super) fn threads_of(&self, process: ProcessId) -> impl Iterator<Item = &SceneThread> {
        let found = self.processes.iter().find(move |found| found.id == process);
        let threads = found.into_iter().flat_map(|process| &process.threads);
        threads.filter(|thread| !thread.scan.is_dead())
    }

    /// The process and the number of the living thread that have this tid.
    pub(super) fn thread(&self, tid: i32) -> Option<(ProcessId, u16)> {
        self.processes.iter().find_map(|process| {
            let thread = process
                .threads
                .iter()
                .find(|thread| thread.tid == tid && !thread.scan.is_dead())?;
            Some((process.id, thread.ordinal))
        })
    }
}

/// The descriptor of an own end, for calls that only look.
pub(super) fn borrow(end: &OwnEnd) -> BorrowedFd<'_> {
    // SAFETY: the caller of `explain` keeps its ends open while it runs; of one that is closed
    // nothing is asked but what fails with EBADF.
    unsafe { BorrowedFd::borrow_raw(end.fd) }
}
