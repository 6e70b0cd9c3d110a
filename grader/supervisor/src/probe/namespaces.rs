//! Namespaces, tried one after another below a user namespace.

use std::fs;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{ForkResult, fork, getgid, getuid};

use super::Check;
use super::checks::in_child;
use crate::isolation::scenario::kernel_at_least;
use crate::isolation::sys;
use crate::wire::HelperEnd;

/// The check that the others rest on.
pub(super) const USER: &str = "user namespace";

const CONTAINER: &str = "in a container: run it with --security-opt seccomp=unconfined \
                         --security-opt systempaths=unconfined, or as --privileged";

pub(super) fn check() -> Vec<Check> {
    let user = in_child(|| {
        enter()?;
        Ok(format!("uid {} is root inside", getuid()))
    });
    let user = user.map(|_| format!("for uid {}", getuid()));
    let below = |flags, and: fn() -> Result<String, String>| {
        in_child(move || {
            enter()?;
            unshare(flags).map_err(|e| e.desc().to_owned())?;
            and()
        })
    };
    let granted = || Ok("granted".to_owned());
    let (mounts, pids) = (CloneFlags::CLONE_NEWNS, CloneFlags::CLONE_NEWPID);
    vec![
        Check::new(USER, user).or(format!(
            "sysctl user.max_user_namespaces above 0 (and kernel.unprivileged_userns_clone=1 \
             where there is such a switch); {CONTAINER}"
        )),
        Check::new("mount namespace", below(mounts, private_file_system)).or(CONTAINER),
        Check::new("PID namespace", below(mounts | pids, private_proc)).or(CONTAINER),
        Check::new(
            "network namespace",
            below(CloneFlags::CLONE_NEWNET, granted),
        )
        .or(CONTAINER),
        Check::new("IPC namespace", below(CloneFlags::CLONE_NEWIPC, granted)).or(CONTAINER),
        Check::new("pid_max per namespace", below(mounts | pids, pid_max))
            .or("Linux 6.14; only a second fence behind RLIMIT_NPROC"),
    ]
}

fn enter() -> Result<(), String> {
    let (uid, gid) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|e| e.desc().to_owned())?;
    for (path, text) in [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ] {
        fs::write(path, text).map_err(|e| format!("made, but powerless: writing {path}: {e}"))?;
    }
    Ok(())
}

fn make_private() -> Result<(), String> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(|e| e.desc().to_owned())
}

fn private_file_system() -> Result<String, String> {
    make_private()?;
    mount(
        Some("grader"),
        "/tmp",
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )
    .map_err(|e| format!("a private file system: {}", e.desc()))?;
    Ok("granted".into())
}

fn private_proc() -> Result<String, String> {
    as_first_process(|| {
        let none = None::<&str>;
        mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).is_ok()
    })
    .and_then(|granted| {
        if granted {
            Ok("granted, with a /proc of its own".into())
        } else {
            Err("a private /proc is refused (containers mask parts of theirs)".into())
        }
    })
}

fn pid_max() -> Result<String, String> {
    // Not by trying on older kernels: root would change the whole machine's limit.
    if !kernel_at_least(6, 14) {
        return Err("needs Linux 6.14".into());
    }
    let done = as_first_process(|| {
        let none = None::<&str>;
        mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).is_ok()
            && fs::write("/proc/sys/kernel/pid_max", "400").is_ok()
    })?;
    if done {
        Ok("granted".into())
    } else {
        Err("refused".into())
    }
}

/// Asks something of the first process in a new PID namespace, with mounts of its own.
fn as_first_process(question: impl FnOnce() -> bool) -> Result<bool, String> {
    make_private()?;
    // SAFETY: this process is single-threaded.
    match unsafe { fork() }.map_err(|e| e.desc().to_owned())? {
        // SAFETY: ends the child without running anything of the parent's.
        ForkResult::Child => unsafe { libc::_exit(i32::from(!question())) },
        ForkResult::Parent { child } => {
            let end = sys::wait_for(child.as_raw()).map_err(|e| e.desc().to_owned())?;
            Ok(end == HelperEnd::Code(0))
        }
    }
}
