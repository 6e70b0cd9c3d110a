//! A helper from its birth to the moment it takes over: it sets its scenario up.

use std::ffi::CString;
use std::net::{Ipv6Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;

use super::HelperContext;
use super::inside::{Full, Hands, Reduced, tell};
use crate::event::{Enforced, Means, NO_COPIES, NO_IPV6};
use crate::filter::Stops;
use crate::isolation::user::{Capability, Identity};
use crate::isolation::{SetupError, files, ipc, landlock, reduced, root, scenario, sys, user};
use crate::launch::{Launcher, Terms};
use crate::limits::{self, Rlimit};
use crate::plan::{Act, Address, Isolation, Limits, Observation, Plan, WORKSPACE};
use crate::raw;
use crate::tracer::calls;
use crate::waits::sockets;
use crate::wire::{EventSink, Frame, Kind};

/// A helper of the full rung: PID 1 of its namespaces. The code to exit with.
pub(super) fn full(worker: &Full, ipc: &ipc::Ipc, plan: Plan, started: Instant) -> i32 {
    let Full {
        hands,
        base,
        identity,
        filters,
        altered,
        stays_hidden,
        traceable,
        alive,
        lent,
        groups,
        lacks,
    } = worker;
    let traceable = *traceable;
    let prepare = || {
        follow(alive)?;
        // Who asks for everything or nothing has not asked to be graded without the calls.
        if plan.isolation == Isolation::Required
            && plan.observation == Observation::Full
            && !traceable
        {
            return Err(SetupError::NotGranted(
                "ptrace: refused, so calls are not seen".into(),
            ));
        }
        let owner = (identity.owner_inside(), identity.owner_inside());
        let traced = traceable && plan.observation == Observation::Full;
        let mut missing = scenario::set_up(base, &plan, owner, traced)?;
        let mut active: Vec<String> = NAMESPACES.map(Into::into).to_vec();
        active.extend(EVERYWHERE.map(Into::into));
        // So far only the limit on pids can be among them.
        if missing.is_empty() {
            active.push("pid limit".into());
        }
        if let Identity::Nested(_) = **identity {
            active.push("user namespace of the programs".into());
            // What the groups let read has been placed.
            let dropped = drop_groups().is_ok();
            let own = nix::unistd::getgid();
            let groups = nix::unistd::getgroups().unwrap_or_default();
            if !dropped && groups.iter().any(|group| *group != own) {
                missing.push("supplementary groups: an ordinary user cannot drop them".into());
            }
        } else {
            active.push("user id of the programs".into());
        }
        let group = match groups.as_ref().map(|groups| groups.group(&plan.limits)) {
            Some(Ok(group)) => {
                active.push("control group for memory and processes".into());
                Some(group)
            }
            Some(Err(error)) => {
                missing.push(format!("control group: {error}"));
                None
            }
            None => None,
        };
        let (door, events) = match &group {
            Some(group) => (
                Some(group.door().map_err(not_set_up)?),
                Some(group.events().map_err(not_set_up)?),
            ),
            None => (None, None),
        };
        let everything = std::iter::once(Path::new("/"));
        // Where programs are the helper's user to the kernel, its files in /proc would be theirs to
        // write: `oom_score_adj`; proc(5).
        let nested = matches!(**identity, Identity::Nested(_));
        let writable = ["/lab", "/tmp", "/dev"].map(Path::new).into_iter();
        let writable = writable.chain((!nested).then_some(Path::new("/proc")));
        // Programs of a scenario may meet by abstract names, each under a ruleset of its own; others
        // are in other namespaces.
        // In a namespace of its own it makes its own.
        let own = ipc.queues().is_none().then(ipc::queues).flatten();
        let queues = ipc.queues().or(own.as_ref()).map(AsFd::as_fd);
        let ruleset = ruleset(
            everything,
            writable,
            queues,
            false,
            &mut active,
            &mut missing,
        );
        let granted = enforced("full", &plan, traceable, active, (missing, lacks.clone()));
        let terms = Terms {
            rlimits: rlimits(&plan.limits, 0)?,
            identity: Rc::clone(identity),
            filters: Rc::clone(filters),
            stops: stops(&plan),
            private_pids: true,
            builtins: hands.builtins,
            workspace: c_path(Path::new(WORKSPACE))?,
            hidden: true,
            altered: *altered,
            stays_hidden: *stays_hidden,
            slack: wake_sooner(),
        };
        let launcher = Launcher {
            terms: terms.into(),
            ruleset,
            group: door,
            lent: Rc::clone(lent),
        };
        // The host's files are out of reach from here on.
        // SAFETY: this function has used them for the last time, and nobody else here knows of them.
        unsafe {
            base.close_copies();
            raw::close_copy(alive);
            if let Some(queues) = ipc.queues() {
                raw::close_copy(queues);
            }
            if let Some(groups) = groups {
                groups.close_copy();
            }
        }
        Ok((plan, granted, launcher, events))
    };
    match prepare() {
        Ok(ready) => take_over(hands, ready, PathBuf::from(WORKSPACE), started),
        Err(error) => fail(hands, error),
    }
}

/// A helper of the reduced rung: an ordinary process, and a child subreaper. The code to exit with.
pub(super) fn reduced(worker: &Reduced, frame: &Frame, started: Instant) -> i32 {
    let Reduced {
        hands,
        places,
        identity_offset,
        strangers,
        reason,
        filters,
        altered,
        stays_hidden,
        traceable,
        alive,
    } = worker;
    let traceable = *traceable;
    let prepare = || {
        let mut plan = decode(frame)?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let host = open_directory(Path::new("/"), flags)?;
        let id = user::separate_id(*identity_offset);
        let owner = id.map_or_else(own_ids, |id| (id, id));
        places.make(owner)?;
        let workspace = open_directory(&places.workspace, flags & !OFlag::O_PATH)?;
        files::place(&plan.files, workspace.as_fd(), host.as_fd(), owner)?;
        let tools = open_directory(&places.tools, flags & !OFlag::O_PATH)?;
        files::place(&plan.tools, tools.as_fd(), host.as_fd(), own_ids())?;
        places.rewrite(&mut plan);

        let mut missing = lost(reason);
        let mut active: Vec<String> = EVERYWHERE.map(Into::into).to_vec();
        let (identity, strangers) = match id {
            Some(id) if user::may(Capability::Ptrace) => {
                active.push("user id of the programs".into());
                (Identity::Separate { id }, 0)
            }
            Some(id) => {
                // Tracing another user's process needs a privilege: become that user.
                become_user(id)?;
                active.push("user id of the programs and their helper".into());
                (Identity::Same, HELPER_TASKS)
            }
            None => {
                if landlock::version().is_none_or(|version| version < landlock::SCOPES_FROM) {
                    missing.push(SAME_USER.into());
                }
                (Identity::Same, *strangers + HEADROOM)
            }
        };
        follow(alive)?;
        sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1).map_err(not_set_up)?;
        let ruleset = confinement(places, &plan, &mut active, &mut missing);
        let lacks = lacks(&identity);
        let granted = enforced("reduced", &plan, traceable, active, (missing, lacks));
        let terms = Terms {
            rlimits: rlimits(&plan.limits, strangers)?,
            hidden: matches!(identity, Identity::Separate { .. }),
            altered: *altered,
            stays_hidden: *stays_hidden,
            slack: wake_sooner(),
            identity: identity.into(),
            filters: Rc::clone(filters),
            stops: stops(&plan),
            private_pids: false,
            builtins: hands.builtins,
            workspace: c_path(&places.workspace)?,
        };
        let launcher = Launcher {
            terms: terms.into(),
            ruleset,
            group: None,
            lent: Rc::default(),
        };
        // SAFETY: this function has used it for the last time, and nobody else here knows of it.
        unsafe { raw::close_copy(alive) };
        drop((host, workspace));
        Ok((plan, granted, launcher, None))
    };
    match prepare() {
        Ok(ready) => take_over(hands, ready, places.workspace.clone(), started),
        Err(error) => fail(hands, error),
    }
}

const NAMESPACES: [&str; 6] = [
    "user namespace",
    "mount namespace with a read-only system",
    "PID namespace",
    "IPC namespace",
    "network namespace with loopback only",
    "UTS namespace",
];
const EVERYWHERE: [&str; 3] = ["no new privileges", "seccomp deny list", "resource limits"];
const SAME_USER: &str = "user id of the programs: an ordinary user has only one, so they could \
                         signal this user's other processes";
/// What stops for the tracer for this plan's sake.
fn stops(plan: &Plan) -> Stops {
    let acts = plan.steps.iter().flat_map(|step| &step.acts);
    let mut disturbed = acts.filter_map(|act| match act {
        Act::Disturb { disturbance, .. } => Some(disturbance),
        _ => None,
    });
    Stops {
        opens: plan.opens,
        waits: disturbed.any(|it| it.calls.iter().any(|name| calls::waits_unseen(name))),
    }
}

/// The helper counts against the limit of a user it shares.
const HELPER_TASKS: u64 = 1;
/// For whatever else the user starts meanwhile.
const HEADROOM: u64 = 256;

/// What goes with the namespaces.
fn lost(reason: &str) -> Vec<String> {
    [
        format!("namespaces: {reason}"),
        "private /tmp: programs that name a file in /tmp themselves are refused".into(),
        "private network: the machine's network and its socket files can be reached".into(),
        "private processes: other processes are visible".into(),
    ]
    .into()
}

fn confinement(
    places: &reduced::Places,
    plan: &Plan,
    active: &mut Vec<String>,
    missing: &mut Vec<String>,
) -> Option<OwnedFd> {
    let system = root::SYSTEM
        .iter()
        .chain(&["proc", "dev", "sys/devices/system/cpu"]);
    let system: Vec<PathBuf> = system.map(|name| Path::new("/").join(name)).collect();
    let readable = system.iter().chain(&plan.readable).chain([&places.tools]);
    let readable = readable.map(PathBuf::as_path);
    // Not `/dev` itself: whatever permissions allow there would be open.
    let devices = [
        "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm",
    ];
    let devices: Vec<PathBuf> = devices
        .iter()
        .map(|name| Path::new("/dev").join(name))
        .collect();
    let own = [places.workspace.as_path(), places.temporary.as_path()];
    let writable = devices.iter().map(PathBuf::as_path).chain(own);
    if landlock::version().is_none_or(|version| version < landlock::SCOPES_FROM) {
        missing.push("abstract sockets and signals lead to this machine's processes".into());
    }
    // The machine's own message queues are nobody's here.
    ruleset(readable, writable, None, true, active, missing)
}

fn ruleset<'a>(
    readable: impl Iterator<Item = &'a Path>,
    writable: impl Iterator<Item = &'a Path>,
    queues: Option<BorrowedFd<'_>>,
    scoped: bool,
    active: &mut Vec<String>,
    missing: &mut Vec<String>,
) -> Option<OwnedFd> {
    match landlock::ruleset(readable, writable, queues, scoped) {
        Ok(ruleset) => {
            let version = landlock::version().unwrap_or_default();
            active.push(format!("Landlock ABI {version}"));
            Some(ruleset)
        }
        Err(reason) => {
            missing.push(format!(
                "Landlock: {reason}: files are protected by permissions only"
            ));
            None
        }
    }
}

fn enforced(
    isolation: &str,
    plan: &Plan,
    traceable: bool,
    active: Vec<String>,
    (mut missing, lacks): (Vec<String>, Vec<Means>),
) -> Enforced {
    let observation = match plan.observation {
        Observation::Full if traceable => "full",
        Observation::Full => {
            missing.push("ptrace: refused, so calls are not seen".into());
            "bare"
        }
        Observation::Bare => "bare",
    };
    if wants_ipv6(plan) && lacks.contains(&Means::Ipv6) {
        missing.push(format!("{NO_IPV6}: ::1 is not there"));
    }
    if observation == "full" && wants_small_sockets(plan) && !can_copy() {
        missing.push(format!(
            "{NO_COPIES}: refused, so sockets hold as much as they do"
        ));
    }
    Enforced {
        isolation: isolation.into(),
        observation: observation.into(),
        active,
        missing,
        lacks,
    }
}

/// What is not to be had in the network that this process is in, by programs that are these users.
pub(super) fn lacks(identity: &Identity) -> Vec<Means> {
    let lacks = |means: &Means| match means {
        Means::Ipv6 => UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err(),
        Means::OtherUser => identity.stranger().is_none(),
    };
    Means::ALL.into_iter().filter(lacks).collect()
}

/// Whether a plan asks for sockets of programs that hold little.
fn wants_small_sockets(plan: &Plan) -> bool {
    plan.programs.iter().any(|program| program.small_buffers)
}

/// Whether `pidfd_getfd(2)` is to be had, asked for one of our own.
fn can_copy() -> bool {
    let me = std::process::id().cast_signed();
    !matches!(sockets::copy_fd(me, 0), Err(Errno::EPERM | Errno::ENOSYS))
}

/// Whether a plan is about IPv6.
fn wants_ipv6(plan: &Plan) -> bool {
    let mut acts = plan.steps.iter().flat_map(|step| &step.acts);
    let peer = acts.any(|act| match act {
        Act::Reach { how, .. } => how.host.is_some_and(|host| host.is_ipv6()),
        Act::Listen {
            address: Address::Inet(address),
            ..
        } => address.is_ipv6(),
        _ => false,
    });
    let mut args = plan.programs.iter().flat_map(|program| &program.argv);
    peer || args.any(|arg| arg.0 == b"::1")
}

/// Ends with the worker, and is nobody else's to look into.
fn follow(worker: &OwnedFd) -> Result<(), SetupError> {
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).map_err(not_set_up)?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0).map_err(not_set_up)?;
    let mut ended = [PollFd::new(worker.as_fd(), PollFlags::POLLIN)];
    if poll(&mut ended, PollTimeout::ZERO).map_err(not_set_up)? > 0 {
        // It was gone before the first line took effect.
        raw::exit(1);
    }
    Ok(())
}

/// How late the helper may be woken, nanoseconds. With much less a sleep of a nanosecond
/// (`driver/together.rs`) is over before it has begun, and the processor was never left: tried with
/// 5 µs here.
const SLACK: usize = 20_000;

/// Has the helper's short waits end sooner than the kernel would end them by itself
/// (`PR_SET_TIMERSLACK`, prctl(2)). Gives what programs are to have again.
fn wake_sooner() -> Option<usize> {
    // SAFETY: takes numbers only.
    let before = unsafe { libc::prctl(libc::PR_GET_TIMERSLACK, 0, 0, 0, 0) };
    let before = usize::try_from(before)
        .ok()
        .filter(|before| *before > SLACK)?;
    sys::prctl(libc::PR_SET_TIMERSLACK, SLACK as libc::c_ulong).ok()?;
    Some(before)
}

/// The plan in a frame.
pub(super) fn decode(frame: &Frame) -> Result<Plan, SetupError> {
    if frame.kind != Kind::Plan {
        return Err(not_set_up("not a plan"));
    }
    frame.decode().map_err(not_set_up)
}

fn rlimits(limits: &Limits, strangers: u64) -> Result<Vec<Rlimit>, SetupError> {
    // Nothing is set of what is only looked at.
    limits::pending_signals().grantable().map_err(not_set_up)?;
    let list = limits::rlimits(limits, strangers).into_iter();
    list.map(Rlimit::grantable)
        .collect::<Result<_, _>>()
        .map_err(not_set_up)
}

/// Leaves all supplementary groups, and so do the programs; an ordinary user may where ids are set apart.
fn drop_groups() -> Result<(), i32> {
    // SAFETY: an empty list. The C library's call would look for other threads.
    unsafe { raw::call(libc::SYS_setgroups, [0, 0]) }.map(drop)
}

fn become_user(id: u32) -> Result<(), SetupError> {
    use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    setgroups(&[])
        .and_then(|()| setresgid(group, group, group))
        .and_then(|()| setresuid(user, user, user))
        .map_err(not_set_up)
}

fn own_ids() -> (u32, u32) {
    (
        nix::unistd::getuid().as_raw(),
        nix::unistd::getgid().as_raw(),
    )
}

fn open_directory(path: &Path, flags: OFlag) -> Result<OwnedFd, SetupError> {
    open(path, flags, Mode::empty())
        .map_err(|e| SetupError::NotSetUp(format!("{}: {}", path.display(), e.desc())))
}

fn c_path(path: &Path) -> Result<CString, SetupError> {
    CString::new(path.as_os_str().as_bytes()).map_err(not_set_up)
}

fn not_set_up(error: impl std::fmt::Display) -> SetupError {
    SetupError::NotSetUp(error.to_string())
}

fn take_over(
    hands: &Hands,
    (plan, granted, launcher, memory_events): (Plan, Enforced, Launcher, Option<OwnedFd>),
    workspace: PathBuf,
    started: Instant,
) -> i32 {
    let up = match hands.socket.try_clone() {
        Ok(socket) => EventSink::new(socket.into()),
        Err(error) => return fail(hands, not_set_up(error)),
    };
    (hands.helper)(HelperContext {
        plan,
        up,
        granted,
        launcher,
        started,
        workspace,
        killed_before: hands.killed_before,
        memory_events,
    })
}

/// Tells why nothing has run; the code to exit with.
pub(super) fn fail(hands: &Hands, error: SetupError) -> i32 {
    tell(&hands.socket, error);
    1
}
