//! The caller's side of one worker process: its socket and its end.

use std::fs::{self, Permissions};
use std::io::{self, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::isolation::sys;
use crate::plan::{LONGEST, Plan};
use crate::scratch::Scratch;
use crate::wire::{self, Frame, Kind, Quiet, WireError};

/// Added to a plan's own wall time before a silent worker is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// For a worker without PID namespace to end what it started.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a worker process is to do.
#[derive(Clone, Debug)]
pub(super) enum Rung {
    /// Run plans in namespaces.
    Full,
    /// Run plans without them.
    Reduced {
        /// Why, for the reports.
        reason: String,
    },
}

/// Names of the modes, the second argument of a worker process.
pub(crate) mod mode {
    /// First half of the full rung: makes the namespaces.
    pub(crate) const FULL: &str = "full";
    /// Second half of the full rung, after `execve`.
    pub(crate) const INSIDE: &str = "inside";
    /// The reduced rung; followed by the private directory and the reason.
    pub(crate) const REDUCED: &str = "reduced";
    /// Probes what the machine grants.
    pub(crate) const PROBE: &str = "probe";
    /// Instead of a processor's number: not pinned.
    pub(crate) const ANY_CPU: &str = "any";
}

/// A running worker process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    incoming: BufReader<Incoming>,
    /// Stands in for `/lab` and `/tmp` on the reduced rung.
    private: Option<Scratch>,
}

impl Process {
    pub(super) fn spawn(exe: &Path, rung: &Rung, cpu: Option<usize>) -> io::Result<Self> {
        match rung {
            Rung::Full => Self::start(exe, mode::FULL, cpu, None, None),
            Rung::Reduced { reason } => {
                let private = private_directory()?;
                Self::start(exe, mode::REDUCED, cpu, Some(private), Some(reason))
            }
        }
    }

    /// Starts `exe worker MODE CPU [DIRECTORY REASON]` with a socket as its standard input.
    pub(crate) fn start(
        exe: &Path,
        mode: &str,
        cpu: Option<usize>,
        private: Option<Scratch>,
        reason: Option<&str>,
    ) -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        let cpu = cpu.map_or(mode::ANY_CPU.to_owned(), |cpu| cpu.to_string());
        // No `pre_exec`: this is `posix_spawn`, which does not copy the caller's memory.
        let child = Command::new(exe)
            .args(["worker", mode, &cpu])
            .args(private.as_ref().map(Scratch::path))
            .args(reason)
            .stdin(OwnedFd::from(far))
            .stdout(Stdio::null())
            .spawn()?;
        // Without it (before Linux 5.3) the end of the stream tells that the process is gone.
        let ended = i32::try_from(child.id())
            .ok()
            .and_then(|pid| sys::pidfd_open(pid).ok());
        Ok(Self {
            child,
            incoming: BufReader::with_capacity(
                64 << 10,
                Incoming {
                    socket: near,
                    ended,
                    until: None,
                },
            ),
            private,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From now on, waiting ends so long after the longest that a limit of `wall_ms` lasts, and a little.
    pub(crate) fn expect_answer_within(&mut self, wall_ms: u64) {
        let longest = Duration::from_millis(wall_ms).saturating_mul(LONGEST);
        let patience = longest.saturating_add(PATIENCE);
        self.incoming.get_mut().until = Instant::now().checked_add(patience);
    }

    pub(super) fn send(&mut self, plan: &Plan) -> Result<(), WireError> {
        wire::send(
            &mut Quiet(&self.incoming.get_ref().socket),
            Kind::Plan,
            plan,
        )
    }

    /// Waits for a frame, the end of the process, or the end of patience (`TimedOut`).
    pub(crate) fn receive(&mut self) -> Result<Frame, WireError> {
        wire::receive(&mut self.incoming)
    }

    pub(super) fn kill(&mut self) {
        // It fails if the process has been collected already.
        let _ = self.child.kill();
    }

    /// Makes sure that the process has ended, and says how.
    pub(super) fn end(&mut self) -> String {
        self.kill();
        match self.child.wait() {
            Ok(status) => match status.signal() {
                Some(signal) => format!("killed by signal {signal}"),
                None => format!("exit code {}", status.code().unwrap_or(-1)),
            },
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let incoming = self.incoming.get_mut();
        if self.private.is_some() {
            // Only the worker itself can end what it started: ask, and wait a little.
            let _ = incoming.socket.shutdown(std::net::Shutdown::Both);
            if let Some(ended) = &incoming.ended {
                let farewell = PollTimeout::try_from(FAREWELL).unwrap_or(PollTimeout::ZERO);
                let _ = poll(
                    &mut [PollFd::new(ended.as_fd(), PollFlags::POLLIN)],
                    farewell,
                );
            }
        }
        self.kill();
        let _ = self.child.wait();
    }
}

/// A new directory that only lets pass: the worker makes those in it that programs see.
fn private_directory() -> io::Result<Scratch> {
    // Not TMPDIR first: the path of a socket has 107 bytes.
    let made = Scratch::new_in(Path::new("/tmp")).or_else(|_| Scratch::new())?;
    fs::set_permissions(made.path(), Permissions::from_mode(0o711))?;
    Ok(made)
}

/// Reads from the worker, noticing its end even where something else holds its socket open.
#[derive(Debug)]
struct Incoming {
    socket: UnixStream,
    ended: Option<OwnedFd>,
    until: Option<Instant>,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let timeout = match self.until {
                None => PollTimeout::NONE,
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    // Rounded up, so that it has passed when `poll` returns.
                    let left = left.as_millis().saturating_add(1);
                    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
                }
            };
            let mut watched = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            if let Some(ended) = &self.ended {
                watched.push(PollFd::new(ended.as_fd(), PollFlags::POLLIN));
            }
            match poll(&mut watched, timeout) {
                Err(nix::errno::Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(0) if self.until.is_some_and(|until| Instant::now() >= until) => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Ok(_) => {}
            }
            let happened = |at: usize| watched.get(at).and_then(PollFd::any).unwrap_or(false);
            // What was sent before the end is read first.
            if happened(0) {
                return self.socket.read(buffer);
            }
            if happened(1) {
                return Ok(0);
            }
        }
    }
}
