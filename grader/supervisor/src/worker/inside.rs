//! The worker process itself.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::time::Instant;

use super::context::{HelperMain, IPC_UNTOUCHED};
use super::helper;
use super::process::mode;
use super::sharing::{Ended, Sharing, attend};
use crate::cgroup::{self, Subtree};
use crate::event::Means;
use crate::filter::Filters;
use crate::isolation::ipc::Ipc;
use crate::isolation::root::Base;
use crate::isolation::spare::Spares;
use crate::isolation::sys::{self, Cloned};
use crate::isolation::user::Identity;
use crate::isolation::{SetupError, net, reaper, reduced, removal, scenario, user};
use crate::launch::{self, Altered, Builtins, Lent};
use crate::raw;
use crate::resources::KillCount;
use crate::tracer::calls;
use crate::wire::{self, Farewell, Frame, HelperEnd, Kind, Quiet, WireError};

/// The worker process: call it from `main`, before anything else is started there, when the first
/// argument is `worker`.
///
/// `builtins` are the programs that [`Image::Builtin`](crate::plan::Image) names; `helper` runs a
/// scenario.
#[must_use]
pub fn main(builtins: Builtins, helper: HelperMain) -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let mode = arguments.next().unwrap_or_default();
    let cpu = arguments.next().unwrap_or_default();
    let socket = match take_socket() {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("grader worker: this command is started by grader itself ({error})");
            return ExitCode::from(2);
        }
    };
    let hands = Hands {
        socket,
        builtins,
        helper,
        killed_before: None,
    };
    let result = match mode.to_str() {
        Some(mode::FULL) => full(&cpu, &hands.socket),
        Some(mode::INSIDE) => inside(&cpu, hands),
        Some(mode::REDUCED) => {
            let private = PathBuf::from(arguments.next().unwrap_or_default());
            let reason = arguments.next().unwrap_or_default();
            let reason = reason.to_string_lossy().into_owned();
            lower(&cpu, &private, reason, hands)
        }
        Some(mode::PROBE) => crate::probe::answer(&hands.socket),
        _ => Err(SetupError::NotSetUp("no such mode of the worker".into())),
    };
    match result {
        Ok(code) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What every mode needs.
pub(super) struct Hands {
    pub(super) socket: UnixStream,
    pub(super) builtins: Builtins,
    pub(super) helper: HelperMain,
    /// Processes that the kernel had killed for want of memory before the next scenario.
    pub(super) killed_before: Option<u64>,
}

/// Everything a helper of the full rung is made from.
pub(super) struct Full {
    pub(super) hands: Hands,
    pub(super) base: Base,
    pub(super) identity: Rc<Identity>,
    pub(super) filters: Rc<Filters>,
    pub(super) altered: Altered,
    pub(super) stays_hidden: bool,
    pub(super) traceable: bool,
    pub(super) alive: OwnedFd,
    pub(super) lent: Rc<RefCell<Lent>>,
    /// Where a control group is delegated.
    pub(super) groups: Option<Subtree>,
    /// What is not to be had here.
    pub(super) lacks: Vec<Means>,
}

/// Everything a helper of the reduced rung is made from.
pub(super) struct Reduced {
    pub(super) hands: Hands,
    pub(super) places: reduced::Places,
    pub(super) identity_offset: u32,
    /// Tasks that this worker's user had when it began.
    pub(super) strangers: u64,
    pub(super) reason: String,
    pub(super) filters: Rc<Filters>,
    pub(super) altered: Altered,
    pub(super) stays_hidden: bool,
    pub(super) traceable: bool,
    pub(super) alive: OwnedFd,
}

/// First half: the namespaces. Then `execve`, so that the memory of this process and of its
/// children belongs to the new user namespace: only then may the helper trace a child that nobody
/// else may look into.
fn full(cpu: &OsStr, socket: &UnixStream) -> Result<ExitCode, SetupError> {
    own_session();
    let entered = pin(cpu).and_then(|()| user::enter()).and_then(|()| {
        let again = Command::new("/proc/self/exe")
            .args([OsStr::new("worker"), OsStr::new(mode::INSIDE), cpu])
            .stdin(OwnedFd::from(socket.try_clone().map_err(not_set_up)?))
            .exec();
        Err(SetupError::NotGranted(format!(
            "starting again inside the namespace: {again}"
        )))
    });
    entered
        .map_err(|error| tell(socket, error))
        .map(|()| ExitCode::SUCCESS)
}

/// Second half: the root, and then one plan after another.
fn inside(_cpu: &OsStr, hands: Hands) -> Result<ExitCode, SetupError> {
    let prepare = || {
        net::set_up()?;
        let identity = user::identity_inside()?;
        let lacks = helper::lacks(&identity);
        let traceable = crate::probe::may_trace();
        // While the host's files are in sight.
        let groups = cgroup::place()
            .and_then(|place| Subtree::enter(&place, is_ours))
            .ok();
        let base = Base::build(identity.owner_inside())?;
        let sharing = Sharing::new().map_err(not_set_up)?;
        // Helpers hide their memory, and it is ours: so for the first it is as for all others.
        sys::prctl(libc::PR_SET_DUMPABLE, 0).map_err(not_set_up)?;
        let rest = (own_life()?, groups, sharing, lacks);
        Ok((identity, base, traceable, rest))
    };
    let (identity, base, traceable, (alive, groups, sharing, lacks)) =
        prepare().map_err(|error| tell(&hands.socket, error))?;
    keep_memory();
    let mut ipc = Ipc::new(&identity);
    let mut spares = Spares::new((identity.owner_inside(), identity.owner_inside()));
    let mut kills = KillCount::default();
    let mut full = Full {
        hands,
        base,
        identity: identity.into(),
        filters: Filters::new(&calls::of_interest(), true).into(),
        altered: Altered::look(),
        stays_hidden: launch::stays_hidden(),
        traceable,
        alive,
        lent: Rc::default(),
        groups,
        lacks,
    };
    loop {
        let Some((frame, started)) = next_plan(&full.hands.socket) else {
            return Ok(ExitCode::SUCCESS);
        };
        full.hands.killed_before = kills.lately();
        let namespaces = libc::CLONE_NEWPID | ipc.flags();
        let prepared = helper::decode(&frame).and_then(|plan| {
            if full.base.mounts.renew()? {
                spares.forget();
            }
            spares.renew(&plan.limits)?;
            if !(plan.readable.is_empty() && plan.tools.is_empty()) {
                full.base.mounts.spoil();
            }
            Ok(plan)
        });
        let work = || match prepared {
            Ok(plan) => helper::full(&full, &ipc, plan, started),
            Err(error) => helper::fail(&full.hands, error),
        };
        // SAFETY: this process has one thread.
        let ended = unsafe { sharing.run(namespaces, full.hands.socket.as_fd(), work) };
        let ended = ended.map_err(|errno| {
            let refused = SetupError::refused("a PID namespace")(errno);
            tell(&full.hands.socket, refused)
        })?;
        // With the helper its namespace has ended, and all that were in it.
        full.lent.borrow_mut().take_back();
        full.groups.iter().for_each(Subtree::remove);
        if scenario::holds_much() {
            full.base.mounts.spoil();
        }
        ipc.ended(ended.end == HelperEnd::Code(IPC_UNTOUCHED));
        if !say_farewell(&full.hands.socket, &ended) {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Tells the caller how a helper ended. `false` if this worker ends too: the caller is gone, or the helper
/// has perhaps left something half done in the memory.
fn say_farewell(socket: &UnixStream, ended: &Ended) -> bool {
    let goes_on = ended.returned && !ended.caller_left;
    let farewell = Farewell {
        end: ended.end,
        goes_on,
    };
    let told = wire::send(&mut Quiet(socket), Kind::HelperEnded, &farewell);
    told.is_ok() && goes_on
}

/// Has the allocator keep what one helper gives back for the next one.
fn keep_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes numbers.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Bytes that stay with the worker unused, at most.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 8 << 20;

/// The reduced rung.
fn lower(
    cpu: &OsStr,
    private: &Path,
    reason: String,
    hands: Hands,
) -> Result<ExitCode, SetupError> {
    let prepare = || {
        pin(cpu)?;
        own_session();
        // What a helper leaves behind when it is killed becomes ours, to be ended.
        sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1).map_err(not_set_up)?;
        own_life()
    };
    let alive = prepare().map_err(|error| tell(&hands.socket, error))?;
    let mut reduced = Reduced {
        places: reduced::Places::below(private),
        identity_offset: cpu.to_str().and_then(|cpu| cpu.parse().ok()).unwrap_or(0),
        strangers: reduced::tasks_of_this_user(),
        reason,
        filters: Filters::new(&calls::of_interest(), false).into(),
        altered: Altered::look(),
        stays_hidden: launch::stays_hidden(),
        traceable: crate::probe::may_trace(),
        alive,
        hands,
    };
    let mut kills = KillCount::default();
    let goes_on = loop {
        let Some((frame, started)) = next_plan(&reduced.hands.socket) else {
            break Ok(ExitCode::SUCCESS);
        };
        reduced.hands.killed_before = kills.lately();
        // A helper has a copy of the memory here: where its end is not the end of all that it started,
        // this process must be in a state to end them, however the helper ended.
        // SAFETY: this process has one thread.
        match unsafe { sys::clone_process() } {
            Ok(Cloned::Child) => raw::exit(helper::reduced(&reduced, &frame, started)),
            Ok(Cloned::Parent { pid, ended }) => {
                let caller = reduced.hands.socket.as_raw_fd();
                let (end, caller_left) =
                    attend(pid, ended.as_raw_fd(), caller).map_err(not_set_up)?;
                reaper::end_everything();
                reduced.places.remove();
                let ended = Ended {
                    end,
                    returned: true,
                    caller_left,
                };
                if !say_farewell(&reduced.hands.socket, &ended) {
                    break Ok(ExitCode::SUCCESS);
                }
            }
            Err(errno) => {
                let error = SetupError::NotSetUp(format!("starting a helper: {errno}"));
                break Err(tell(&reduced.hands.socket, error));
            }
        }
    };
    reaper::end_everything();
    reduced.places.remove();
    // Where the one that made it lives, it does this too.
    let _ = removal::remove(private);
    goes_on
}

/// Whether a process is the caller of this worker, or below it.
fn is_ours(pid: i32) -> bool {
    let caller = nix::unistd::getppid().as_raw();
    let mut at = Some(pid);
    // Nobody is so many generations away.
    for _ in 0..64 {
        match at {
            Some(pid) if pid == caller => return true,
            Some(pid) if pid > 1 => at = crate::proc::ppid(pid),
            _ => return false,
        }
    }
    false
}

/// The next plan, undecoded, with the moment at which it came; `None` when there is none to come.
fn next_plan(socket: &UnixStream) -> Option<(Frame, Instant)> {
    let mut source = socket;
    match wire::receive(&mut source) {
        Ok(frame) => Some((frame, Instant::now())),
        Err(WireError::Closed) => None,
        Err(error) => {
            tell(socket, SetupError::NotSetUp(error.to_string()));
            None
        }
    }
}

/// Tells the caller why nothing will run, and gives the error back.
pub(super) fn tell(socket: &UnixStream, error: SetupError) -> SetupError {
    let (kind, text) = match &error {
        SetupError::NotGranted(text) => (Kind::NotGranted, text),
        SetupError::NotSetUp(text) => (Kind::NotSetUp, text),
    };
    // If it cannot be told, the caller sees us gone.
    let _ = wire::send(&mut Quiet(socket), kind, text);
    error
}

/// Moves the socket away from descriptor 0 and puts `/dev/null` there.
fn take_socket() -> io::Result<UnixStream> {
    let stdin = io::stdin();
    let socket = UnixStream::from(stdin.as_fd().try_clone_to_owned()?);
    socket.peer_addr()?;
    let null = File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    Ok(socket)
}

/// A descriptor by which children see that this process has ended.
fn own_life() -> Result<OwnedFd, SetupError> {
    sys::pidfd_open(nix::unistd::getpid().as_raw())
        .map_err(SetupError::refused("a descriptor of the process"))
}

/// Sessions share the processor as groups (sched(7), autogroup). In one with whatever else runs in the
/// caller's, a helper would have to give way to each program that it wakes.
fn own_session() {
    let _ = nix::unistd::setsid();
}

fn pin(cpu: &OsStr) -> Result<(), SetupError> {
    let number = cpu.to_str().and_then(|cpu| cpu.parse().ok());
    match number {
        None if cpu == mode::ANY_CPU => Ok(()),
        None => Err(SetupError::NotSetUp("no such processor".into())),
        Some(number) => {
            // Not being pinned costs time, nothing else: `Scanner::with_one_processor`.
            let _ = sys::pin(number);
            Ok(())
        }
    }
}

fn not_set_up(error: impl std::fmt::Display) -> SetupError {
    SetupError::NotSetUp(error.to_string())
}
