//! Ends of FIFOs played by the grader, never blocking.
//!
//! `open` with `O_NONBLOCK` refuses a writer with `ENXIO` while nobody reads (fifo(7)). It is tried
//! again at each turn of the helper. The last try lies between the two scans that prove that nothing
//! more can happen, so a writer that still waits then waits for good.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, FcntlArg, OFlag, fcntl, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, fstatat};

use crate::beneath::Place;
use crate::bytes::Bytes;
use crate::event::What;
use crate::plan::PeerId;
use crate::recorder::Recorder;

/// What a peer knows of its end of a FIFO.
#[derive(Debug)]
pub(crate) struct Fifo {
    workspace: PathBuf,
    path: Bytes,
    writing: bool,
    room: Option<u32>,
    /// Not opened, and not refused either.
    to_open: bool,
    /// It was said that the open waits.
    waits_told: bool,
    /// The other end has been there.
    met: bool,
    /// Reading found that nobody had it open for writing.
    nobody_writes: bool,
    /// It was said that all writers have gone.
    end_told: bool,
    /// Lengths of what is still to be written, each by one call.
    writes: VecDeque<usize>,
}

impl Fifo {
    /// An end that is to be opened.
    pub(crate) fn new(workspace: &Path, path: &Bytes, writing: bool, room: Option<u32>) -> Self {
        Self {
            workspace: workspace.to_owned(),
            path: path.clone(),
            writing,
            room,
            to_open: true,
            waits_told: false,
            met: false,
            nobody_writes: true,
            end_told: false,
            writes: VecDeque::new(),
        }
    }

    /// So many bytes more are to be written by one call.
    pub(crate) fn queued(&mut self, bytes: usize) {
        self.writes.push_back(bytes);
    }

    /// So many bytes have been written.
    pub(crate) fn taken(&mut self, bytes: usize) {
        if let Some(first) = self.writes.front_mut() {
            *first = first.saturating_sub(bytes);
            if *first == 0 {
                self.writes.pop_front();
            }
        }
    }

    /// Writes the next piece by one call.
    pub(crate) fn write(&self, fd: &OwnedFd, queue: &[u8]) -> nix::Result<usize> {
        let length = self.writes.front().copied().unwrap_or(queue.len());
        nix::unistd::write(fd, &queue[..length.min(queue.len())])
    }

    /// Whether it makes sense to wait for something to read: without writers the end would be
    /// readable all the time.
    pub(crate) fn may_have_data(&self) -> bool {
        !self.writing && !self.nobody_writes
    }

    /// Opens, reads. `true` if anything happened.
    pub(crate) fn pump(
        &mut self,
        peer: PeerId,
        fd: &mut Option<OwnedFd>,
        stalled: bool,
        buffer: &mut [u8],
        recorder: &mut Recorder,
    ) -> bool {
        let mut moved = self.to_open && self.try_open(peer, fd, recorder);
        let Some(fd) = fd.as_ref().filter(|_| !self.writing && !stalled) else {
            return moved;
        };
        loop {
            match nix::unistd::read(fd, buffer) {
                Ok(0) => {
                    self.nobody_writes = true;
                    return moved;
                }
                Ok(n) => {
                    self.meet(peer, recorder);
                    self.end_told = false;
                    recorder.emit(What::PeerData {
                        peer,
                        bytes: buffer[..n].into(),
                    });
                    moved = true;
                }
                Err(_) => {
                    self.nobody_writes = false;
                    return moved;
                }
            }
        }
    }

    /// One try. `true` if it is decided now.
    fn try_open(
        &mut self,
        peer: PeerId,
        fd: &mut Option<OwnedFd>,
        recorder: &mut Recorder,
    ) -> bool {
        let place = match Place::of(&self.workspace, &self.path) {
            Ok(place) => place,
            Err(error) => {
                self.to_open = false;
                recorder.emit(What::PeerRefused {
                    peer,
                    address: None,
                    errno: error.raw_os_error().unwrap_or(libc::ENOENT),
                });
                return true;
            }
        };
        let name = place.name.as_os_str();
        let kind = fstatat(&place.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        // `open` would say ENXIO of a socket as well.
        if kind.is_ok_and(|meta| meta.st_mode & libc::S_IFMT != libc::S_IFIFO) {
            self.to_open = false;
            recorder.emit(What::PeerNoFifo { peer });
            return true;
        }
        let way = if self.writing {
            OFlag::O_WRONLY
        } else {
            OFlag::O_RDONLY
        };
        let flags = way | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        match openat(&place.directory, name, flags, Mode::empty()) {
            Ok(end) => {
                if let Some(room) = self.room.and_then(|room| i32::try_from(room).ok()) {
                    // Refused to nobody who asks for less than the system's limit: fcntl(2).
                    let _ = fcntl(&end, FcntlArg::F_SETPIPE_SZ(room));
                }
                *fd = Some(end);
                if self.writing {
                    self.meet(peer, recorder);
                }
            }
            Err(nix::Error::ENXIO) => return false,
            Err(errno) => recorder.emit(What::PeerRefused {
                peer,
                address: None,
                errno: errno as i32,
            }),
        }
        self.to_open = false;
        true
    }

    /// The other end is there.
    fn meet(&mut self, peer: PeerId, recorder: &mut Recorder) {
        if !std::mem::replace(&mut self.met, true) {
            recorder.emit(What::PeerOpen { peer });
            recorder.emit(What::PeerAccepted { peer });
        }
    }

    /// Tells how the end stands when nothing more can happen: whether somebody has the other end
    /// or had it (`POLLHUP` stays away until there was a writer: `pipe_poll` in the kernel).
    pub(crate) fn report(
        &mut self,
        peer: PeerId,
        fd: Option<&OwnedFd>,
        stalled: bool,
        recorder: &mut Recorder,
    ) {
        let waits = match fd {
            None => self.to_open,
            Some(_) if self.writing => false,
            Some(fd) => {
                let mut watched = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
                let _ = poll(&mut watched, PollTimeout::ZERO);
                let seen = watched[0].revents().unwrap_or(PollFlags::empty());
                let gone = seen.contains(PollFlags::POLLHUP);
                let there = if seen.intersects(PollFlags::POLLIN | PollFlags::POLLHUP) {
                    true
                } else {
                    // There is nothing to read: only whether anybody could write.
                    nix::unistd::read(fd, &mut [0]) == Err(nix::Error::EAGAIN)
                };
                if there {
                    self.meet(peer, recorder);
                }
                if gone && !stalled && !std::mem::replace(&mut self.end_told, true) {
                    recorder.emit(What::PeerEof { peer });
                }
                if !gone && there {
                    self.end_told = false;
                }
                !self.met
            }
        };
        if waits && !std::mem::replace(&mut self.waits_told, true) {
            recorder.emit(What::PeerWaits { peer });
        }
    }
}
