//! Starting one program inside the sandbox, from the single-threaded helper.
//!
//! The child gives everything up step by step (session, limits, user, signals, descriptors), then
//! waits at its *gate*, so that the helper can attach to it; only then it installs the filter, which
//! may hand calls to a tracer, and calls `execve`. Until then it shares the helper's memory where that
//! is safe (`Launcher::shares`), and has a copy of it otherwise.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use nix::fcntl::OFlag;

use crate::filter::{Filters, Stops};
use crate::isolation::user::Identity;
use crate::limits::{self, Rlimit};
use crate::plan::{Image, Input, Program};

mod child;
mod image;
mod session;
mod shared;
mod signals;
mod vdso;

use image::Prepared;
pub(crate) use shared::Lent;
pub(crate) use signals::Altered;

/// The programs that are functions of this executable: called with the name and the whole `argv`,
/// answers the exit code, or `None` for a name it does not know.
///
/// It runs in a forked process of its own with the program's environment and descriptors 0–2, and
/// the default action for every signal, as after `execve`.
pub type Builtins = fn(&str, &[OsString]) -> Option<i32>;

/// The standard descriptors of a program; `None` leaves one closed.
#[derive(Debug, Default)]
pub struct Stdio {
    /// Descriptor 0.
    pub stdin: Option<OwnedFd>,
    /// Descriptor 1.
    pub stdout: Option<OwnedFd>,
    /// Descriptor 2.
    pub stderr: Option<OwnedFd>,
}

/// A program that waits at its gate.
#[derive(Debug)]
pub struct Launched {
    /// Its pid: a child of the caller, and the leader of a session of its own, or, on a terminal
    /// with line editing, of a process group in a session whose leader outlives it.
    pub pid: i32,
    /// Write one byte here to let it go on to its filter and `execve`. Attach with `PTRACE_SEIZE`
    /// before: a call that the filter hands to a tracer fails with `ENOSYS` without one, `exit`
    /// included. Closing it unwritten ends the process.
    pub gate: OwnedFd,
    /// Tells how the start went; read it with [`outcome`]. Ends when the program runs.
    pub failure: OwnedFd,
}

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The program runs (or was killed before it could say otherwise).
    Runs,
    /// `execve` failed with this `errno`.
    ExecFailed(i32),
    /// The sandbox could not be closed around it: the machine's fault, never the program's.
    NotConfined {
        /// What failed.
        step: &'static str,
        /// `errno`.
        errno: i32,
    },
}

/// Reads [`Launched::failure`] to its end: blocks until the program runs or could not be started.
/// A non-blocking descriptor with nothing to read yet gives `WouldBlock`.
///
/// Until this says [`Outcome::Runs`], calls seen by the tracer are the launcher's own: the
/// `execve`, and where that fails one `write` and an `exit_group`.
///
/// # Errors
/// Those of `read`.
pub fn outcome(failure: &OwnedFd) -> io::Result<Outcome> {
    let mut message = [0; child::MESSAGE];
    let mut file = std::fs::File::from(failure.try_clone()?);
    let mut have = 0;
    while have < message.len() {
        match file.read(&mut message[have..]) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    if have < message.len() {
        return Ok(Outcome::Runs);
    }
    let [step, errno @ ..] = message;
    let errno = i32::from_ne_bytes(errno);
    Ok(match child::Step::name(step) {
        None => Outcome::ExecFailed(errno),
        Some(step) => Outcome::NotConfined { step, errno },
    })
}

/// Why a program could not be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An argument, a path or a variable contains a NUL byte.
    #[error("{0} contains a NUL byte")]
    Nul(&'static str),
    /// A system call failed.
    #[error("{0} failed: {1}")]
    Os(&'static str, #[source] io::Error),
}

/// Starts programs as the plan's limits and the machine's grants say.
#[derive(Debug)]
pub struct Launcher {
    /// Kept by those that are starting, too.
    pub(crate) terms: Rc<Terms>,
    /// A Landlock ruleset to be confined by.
    pub(crate) ruleset: Option<OwnedFd>,
    /// The control group's `cgroup.procs`, for programs to enter by.
    pub(crate) group: Option<OwnedFd>,
    /// What programs that share the helper's memory use of it.
    pub(crate) lent: Rc<RefCell<Lent>>,
}

/// What all programs of a scenario are started with. No descriptors of the helper: who lives on with its
/// memory would close others under their numbers.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) identity: Rc<Identity>,
    pub(crate) rlimits: Vec<Rlimit>,
    pub(crate) filters: Rc<Filters>,
    /// What else stops for the tracer.
    pub(crate) stops: Stops,
    pub(crate) private_pids: bool,
    pub(crate) builtins: Builtins,
    /// Where programs start.
    pub(crate) workspace: std::ffi::CString,
    /// The helper may trace what is not dumpable, so nobody else needs to be able to.
    pub(crate) hidden: bool,
    /// The signals that programs find with another action than the default, without us.
    pub(crate) altered: Altered,
    /// Whether memory stays hidden when its process becomes another user: [`stays_hidden`].
    pub(crate) stays_hidden: bool,
    /// How late programs may be woken, nanoseconds, where that is not as for the helper.
    pub(crate) slack: Option<usize>,
}

/// Whether the kernel lets nobody look into a process that has just become another user
/// (`fs.suid_dumpable`, proc_sys_fs(5)). While a program shares the helper's memory, whoever could look
/// into the one could look into the other.
pub(crate) fn stays_hidden() -> bool {
    let setting = std::fs::read("/proc/sys/fs/suid_dumpable");
    setting.is_ok_and(|value| matches!(value.first(), Some(b'0' | b'2')))
}

impl Launcher {
    /// An id that is neither the programs' nor privileged, and that the helper may take on.
    pub(crate) fn stranger(&self) -> Option<u32> {
        self.terms.identity.stranger()
    }

    /// Whether a program may share the helper's memory until it is executed, which saves copying it.
    ///
    /// What is a property of the memory must come out the same for both: nobody may look into it, and
    /// whom the kernel takes when memory runs out is said after `execve` only, by the tracer. A control
    /// group that has run out of memory ends all who share it.
    fn shares(&self, program: &Program, observe: bool) -> bool {
        matches!(program.image, Image::File(_))
            && observe
            && self.terms.hidden
            && self.terms.stays_hidden
            && self.group.is_none()
            // Their leader makes another child of its own.
            && program.stdin != Input::Cooked
    }

    /// Starts a program that waits at its gate. `observe` installs the tracer's filter as well.
    ///
    /// # Errors
    /// See [`LaunchError`]. That `execve` fails is told through [`Launched::failure`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the streams are the program's: here they are closed"
    )]
    pub fn spawn(
        &self,
        program: &Program,
        stdio: Stdio,
        observe: bool,
    ) -> Result<Launched, LaunchError> {
        let prepared = Prepared::new(program)?;
        let pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC);
        let os = |what| move |e: nix::Error| LaunchError::Os(what, e.into());
        let (gate_read, gate) = pipe().map_err(os("pipe"))?;
        let (failure, failure_write) = pipe().map_err(os("pipe"))?;
        // Without privilege only what is dumpable can be traced, and the child is not from birth.
        let ready = (!self.terms.hidden)
            .then(pipe)
            .transpose()
            .map_err(os("pipe"))?;
        let leads = program.stdin == Input::Cooked;
        let leader = leads.then(pipe).transpose().map_err(os("pipe"))?;
        let start = child::Start {
            terms: Rc::clone(&self.terms),
            ruleset: self.ruleset.as_ref().map(AsRawFd::as_raw_fd),
            group: self.group.as_ref().map(AsRawFd::as_raw_fd),
            prepared,
            umask: program.umask,
            own_limits: [
                own_limit(program.descriptors, limits::descriptors)?,
                own_limit(program.file_size, limits::file_size)?,
            ],
            stdio: [&stdio.stdin, &stdio.stdout, &stdio.stderr]
                .map(|fd| fd.as_ref().map(AsRawFd::as_raw_fd)),
            traced: observe,
            shares_memory: self.shares(program, observe),
            terminal: program.stdin == Input::Terminal,
            leader: leader.as_ref().map(|(_, write)| write.as_raw_fd()),
            gate: gate_read.as_raw_fd(),
            failure: failure_write.as_raw_fd(),
            ready: ready.as_ref().map(|(_, write)| write.as_raw_fd()),
        };
        if start.shares_memory {
            let pid = shared::spawn(&mut self.lent.borrow_mut(), start);
            let pid = pid.map_err(|e| LaunchError::Os("clone", e))?;
            return Ok(Launched { pid, gate, failure });
        }
        // SAFETY: the helper is single-threaded, so the child may do whatever its parent could.
        match unsafe { nix::unistd::fork() }.map_err(os("fork"))? {
            nix::unistd::ForkResult::Child => start.run(),
            nix::unistd::ForkResult::Parent { child } => {
                let mut pid = child.as_raw();
                if let Some((read, write)) = leader {
                    drop(write);
                    pid = told_pid(&read).map_err(|e| LaunchError::Os("a session", e))?;
                }
                if let Some((read, write)) = ready {
                    drop(write);
                    wait_for_byte(&read).map_err(|e| LaunchError::Os("read", e))?;
                }
                Ok(Launched { pid, gate, failure })
            }
        }
    }
}

/// The pid that the leader of a session tells.
fn told_pid(pipe: &OwnedFd) -> io::Result<i32> {
    let mut message = [0; session::MESSAGE];
    let mut file = std::fs::File::from(pipe.try_clone()?);
    file.read_exact(&mut message)?;
    match i32::from_ne_bytes(message) {
        pid if pid > 0 => Ok(pid),
        errno => Err(io::Error::from_raw_os_error(-errno)),
    }
}

/// A limit of the program's own, as far as this process may set it.
fn own_limit(most: Option<u64>, limit: fn(u64) -> Rlimit) -> Result<Option<Rlimit>, LaunchError> {
    most.map(|most| limit(most).clamp())
        .transpose()
        .map_err(|error| LaunchError::Os("getrlimit", error))
}

/// Waits for one byte, or for the only writer to have ended.
fn wait_for_byte(pipe: &OwnedFd) -> io::Result<()> {
    loop {
        match nix::unistd::read(pipe, &mut [0]) {
            Err(nix::errno::Errno::EINTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}
