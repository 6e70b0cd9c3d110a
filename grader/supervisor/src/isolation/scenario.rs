//! What every scenario gets afresh, on top of the worker's root and of what earlier ones had: run by the
//! helper as PID 1 of a new PID namespace.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use nix::sys::statvfs::statvfs;

use super::SetupError;
use super::files::{self, Owner};
use super::root::{Base, SYSTEM};
use super::spare;
use super::sys::{self, READ_ONLY};
use crate::limits;
use crate::plan::{Limits, Plan, TOOLS, WORKSPACE};

/// Files and directories of a private file system, at most.
const INODES: u32 = 65_536;

/// Mounts the private file systems and places the plan's files. Says what it could not do. The programs
/// will be `traced`: then the tracer limits System V IPC before it is first used.
pub(crate) fn set_up(
    base: &Base,
    plan: &Plan,
    owner: Owner,
    traced: bool,
) -> Result<Vec<String>, SetupError> {
    let mut missing = Vec::new();
    // Taken before `/proc` is covered: the way back leads through it.
    let readable = plan.readable.iter().filter(|path| !shown(path));
    let readable = readable
        .map(|path| Ok((path, base.host_directory(path)?)))
        .collect::<Result<Vec<(&PathBuf, OwnedFd)>, SetupError>>()?;

    private(WORKSPACE, "0755", &plan.limits, owner)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>).map_err(
        SetupError::refused("a private /proc (where containers mask parts of theirs, none is)"),
    )?;
    if let Err(reason) = limit_pids(&plan.limits) {
        missing.push(format!("pid limit of the namespace: {reason}"));
    }
    if !traced {
        limit_ipc(&plan.limits);
    }
    for (path, tree) in readable {
        make_mount_point(base, path)?;
        sys::move_mount(tree.as_fd(), &files::c_path(path)?).map_err(|e| {
            SetupError::NotSetUp(format!("{} cannot be shown inside: {e}", path.display()))
        })?;
    }
    base.cover_executable()?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let workspace =
        open(WORKSPACE, flags, Mode::empty()).map_err(SetupError::refused("the workspace"))?;
    files::place(&plan.files, workspace.as_fd(), base.host.as_fd(), owner)?;
    tools(base, plan)?;
    Ok(missing)
}

/// The lab's own programs, on a file system that is read-only from here on, whoever runs.
fn tools(base: &Base, plan: &Plan) -> Result<(), SetupError> {
    if plan.tools.is_empty() {
        return Ok(());
    }
    // The first user of the namespace, not that of the programs.
    let owner = (0, 0);
    private(TOOLS, "0755", &plan.limits, owner)?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory =
        open(TOOLS, flags, Mode::empty()).map_err(SetupError::refused("the lab's programs"))?;
    files::place(&plan.tools, directory.as_fd(), base.host.as_fd(), owner)?;
    sys::restrict(None, &files::c_path(Path::new(TOOLS))?, READ_ONLY, false)
        .map_err(SetupError::refused("making the lab's programs read-only"))
}

/// Mounts an empty file system in memory.
pub(super) fn private(
    at: &str,
    mode: &str,
    limits: &Limits,
    (user, group): Owner,
) -> Result<(), SetupError> {
    let size = limits.file_size;
    let options = format!("size={size},nr_inodes={INODES},mode={mode},uid={user},gid={group}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("grader"),
        at,
        Some("tmpfs"),
        flags,
        Some(options.as_str()),
    )
    .map_err(SetupError::refused(format_args!("a private {at}")))
}

/// More bytes, or more files, than this are not kept where nobody can see them any more.
const MUCH: (u64, u64) = (1 << 20, 256);

/// Whether the scenario that has just ended leaves so much that it has to go at once.
pub(crate) fn holds_much() -> bool {
    [WORKSPACE, spare::AT[0], spare::AT[1]].iter().any(|at| {
        statvfs(*at).map_or(true, |system| {
            let blocks = system.blocks().saturating_sub(system.blocks_free());
            let files = system.files().saturating_sub(system.files_free());
            blocks.saturating_mul(system.fragment_size()) > MUCH.0 || files > MUCH.1
        })
    })
}

/// Whether a directory is part of what every program sees anyway.
fn shown(path: &Path) -> bool {
    SYSTEM
        .iter()
        .any(|name| path.starts_with(Path::new("/").join(name)))
}

/// A place for `path` among what this scenario sees.
fn make_mount_point(base: &Base, path: &Path) -> Result<(), SetupError> {
    let Ok(below) = path.strip_prefix("/") else {
        let reason = format!("{}: not an absolute path", path.display());
        return Err(SetupError::NotSetUp(reason));
    };
    for private in [WORKSPACE, "/tmp"] {
        if let Ok(below) = path.strip_prefix(private) {
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let root = open(private, flags, Mode::empty())
                .map_err(SetupError::refused("a private directory"))?;
            return files::make_directories(root.as_fd(), below, None).map(drop);
        }
    }
    base.mount_point(below)
}

/// Limits the pids of this namespace, where the kernel has such a limit.
fn limit_pids(limits: &Limits) -> Result<(), String> {
    // By version, not by trying: on older kernels root would change the whole machine's limit.
    if !kernel_at_least(6, 14) {
        return Err("needs Linux 6.14".into());
    }
    let text = limits::pid_max(limits).to_string();
    fs::write("/proc/sys/kernel/pid_max", text).map_err(|e| e.to_string())
}

/// Limits what System V IPC may hold: it belongs to no process, so nobody else counts it. Refused
/// before Linux 5.19; it is gone with the namespace all the same.
pub(crate) fn limit_ipc(limits: &Limits) {
    // In pages of 4 KiB, bytes, and numbers; sysvipc(7), proc_sys_kernel(5).
    let settings = [
        ("shmall", (limits.file_size >> 12).to_string()),
        ("shmmax", limits.file_size.to_string()),
        ("shmmni", "64".to_owned()),
        ("msgmni", "64".to_owned()),
        ("msgmnb", "16384".to_owned()),
        ("sem", "250 8000 32 64".to_owned()),
    ];
    for (name, value) in settings {
        let _ = fs::write(format!("/proc/sys/kernel/{name}"), value);
    }
}

/// Compares the running kernel's version.
pub(crate) fn kernel_at_least(major: u32, minor: u32) -> bool {
    let Ok(name) = nix::sys::utsname::uname() else {
        return false;
    };
    let release = name.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
    (next(), next()) >= (major, minor)
}
