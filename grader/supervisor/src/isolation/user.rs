//! User namespaces: one for the worker, and below it, where there is no second user id, one for
//! the programs.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, fork, getgid, getpid, getuid, pipe2};

use super::subordinate::{self, SECOND};
use super::{SetupError, sys};
use crate::wire::HelperEnd;

/// The ids programs run as where the namespace has them: a free one, or that of `nobody`.
const STUDENT: [u32; 2] = [61_000, 65_534];
/// The id programs see themselves as in a namespace of their own.
const NESTED: u32 = 1000;

/// Who the program is.
#[derive(Debug)]
pub(crate) enum Identity {
    /// A user id of its own, which the helper may take on.
    Separate {
        /// User and group id.
        id: u32,
    },
    /// The caller's user, in this user namespace below the helper's, as an ordinary user there.
    Nested(OwnedFd),
    /// The helper's own user.
    Same,
}

impl Identity {
    /// The user, and group, that programs are to the helper of the full rung, who is the first of its user
    /// namespace.
    pub(crate) fn owner_inside(&self) -> u32 {
        match *self {
            Self::Separate { id } => id,
            Self::Nested(_) | Self::Same => 0,
        }
    }

    /// An id that is neither the programs' nor privileged, and that the helper may take on.
    pub(crate) fn stranger(&self) -> Option<u32> {
        match *self {
            Self::Separate { .. } | Self::Nested(_) => other_id(self.owner_inside()),
            Self::Same => None,
        }
    }
}

/// Makes the worker's user namespace, and those it owns: mount, network, host name.
///
/// Root keeps all its ids (each mapped to itself); anybody else becomes root of a namespace that
/// holds a second id where the machine has set some apart, and else nobody else. `execve` afterwards, so
/// that the process's memory belongs to the namespace.
pub(crate) fn enter() -> Result<(), SetupError> {
    let ids = ["uid_map", "gid_map"].map(|map| identity(&read_map(map)));
    let namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS;
    if getuid().is_root() && may(Capability::SetUid) {
        let mapper = Mapper::start(move |worker| {
            let [users, groups] = ids;
            let write = |map: &str, ids: &str| fs::write(format!("/proc/{worker}/{map}"), ids);
            write("uid_map", &users).is_ok() && write("gid_map", &groups).is_ok()
        })?;
        unshare(namespaces).map_err(SetupError::refused("a user namespace"))?;
        return mapper.finish();
    }
    let (uid, gid) = (getuid(), getgid());
    let mapper = match subordinate::Ids::of(uid, gid) {
        Some(ids) => Some(Mapper::start(move |worker| ids.map_into(worker))?),
        None => None,
    };
    unshare(namespaces).map_err(SetupError::refused("a user namespace"))?;
    if mapper.is_some_and(|mapper| mapper.finish().is_ok()) {
        return Ok(());
    }
    // Refused here by AppArmor (Ubuntu 23.10 and later): the namespace is made, but powerless.
    if read_map("gid_map").is_empty() {
        write_map("/proc/self/setgroups", "deny")?;
        write_map("/proc/self/gid_map", &format!("0 {gid} 1"))?;
    }
    write_map("/proc/self/uid_map", &format!("0 {uid} 1"))
}

/// Who programs will be, in the namespace made by [`enter`].
pub(crate) fn identity_inside() -> Result<Identity, SetupError> {
    let maps = ["uid_map", "gid_map"].map(read_map);
    let mapped = |id: &u32| maps.iter().all(|map| contains(map, *id));
    match STUDENT.iter().find(|id| mapped(id)) {
        Some(id) => Ok(Identity::Separate { id: *id }),
        None => nested().map(Identity::Nested),
    }
}

/// The first of the programs' ids that exists here, if this process may take it on.
pub(crate) fn separate_id(offset: u32) -> Option<u32> {
    if !getuid().is_root() || !may(Capability::SetUid) || !may(Capability::SetGid) {
        return None;
    }
    let maps = ["uid_map", "gid_map"].map(read_map);
    let mut candidates = [STUDENT[0] + offset, STUDENT[1]].into_iter();
    candidates.find(|id| maps.iter().all(|map| contains(map, *id)))
}

/// An ordinary id that exists here besides the programs', if this process may take it on.
pub(crate) fn other_id(programs: u32) -> Option<u32> {
    if !getuid().is_root() || !may(Capability::SetUid) || !may(Capability::SetGid) {
        return None;
    }
    // Who cannot leave the own groups has their rights as any other user, too.
    if !fs::read_to_string("/proc/self/setgroups").is_ok_and(|said| said.trim() == "allow") {
        return None;
    }
    let maps = ["uid_map", "gid_map"].map(read_map);
    let mut candidates = [STUDENT[1], STUDENT[0] - 1, NESTED, SECOND].into_iter();
    candidates.find(|id| *id != programs && maps.iter().all(|map| contains(map, *id)))
}

/// A namespace below this one, where the caller's user is an ordinary one.
fn nested() -> Result<OwnedFd, SetupError> {
    let (ready_read, ready_write) = pipe2(OFlag::O_CLOEXEC).map_err(refused_nested)?;
    let (done_read, done_write) = pipe2(OFlag::O_CLOEXEC).map_err(refused_nested)?;
    // SAFETY: the worker is single-threaded.
    match unsafe { fork() }.map_err(refused_nested)? {
        ForkResult::Child => {
            drop((ready_read, done_write));
            let made = unshare(CloneFlags::CLONE_NEWUSER)
                .map_err(refused_nested)
                .and_then(|()| write_map("/proc/self/uid_map", &format!("{NESTED} 0 1")))
                .and_then(|()| write_map("/proc/self/setgroups", "deny"))
                .and_then(|()| write_map("/proc/self/gid_map", &format!("{NESTED} 0 1")));
            let answer = made.err().map_or(String::new(), |e| e.to_string());
            let _ = fs::File::from(ready_write).write_all(format!("{answer}\n").as_bytes());
            // Stay until the parent has taken hold of the namespace.
            let _ = fs::File::from(done_read).read(&mut [0]);
            // SAFETY: ends this process without running anything of the parent's.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            drop((ready_write, done_read));
            let mut answer = Vec::new();
            let mut ready = fs::File::from(ready_read);
            let mut byte = [0];
            while matches!(ready.read(&mut byte), Ok(1)) && byte != *b"\n" {
                answer.extend(byte);
            }
            let path = format!("/proc/{child}/ns/user");
            let namespace = open(
                path.as_str(),
                OFlag::O_RDONLY | OFlag::O_CLOEXEC,
                Mode::empty(),
            );
            drop(done_write);
            sys::wait_for(child.as_raw()).map_err(refused_nested)?;
            if answer.is_empty() && byte == *b"\n" {
                return namespace.map_err(refused_nested);
            }
            let reason = String::from_utf8_lossy(&answer).into_owned();
            Err(SetupError::NotGranted(reason))
        }
    }
}

fn refused_nested(errno: nix::Error) -> SetupError {
    SetupError::refused("a user namespace for the programs")(errno)
}

/// A process that stays outside the namespace in order to map several ids into it, which it does as
/// soon as there is one.
struct Mapper {
    pid: i32,
    go: OwnedFd,
}

impl Mapper {
    fn start(map: impl FnOnce(i32) -> bool) -> Result<Self, SetupError> {
        let refused = || SetupError::refused("a process that maps ids");
        let worker = getpid();
        let (wait, go) = pipe2(OFlag::O_CLOEXEC).map_err(refused())?;
        // SAFETY: the worker is single-threaded.
        match unsafe { fork() }.map_err(refused())? {
            ForkResult::Parent { child } => Ok(Self {
                pid: child.as_raw(),
                go,
            }),
            ForkResult::Child => {
                drop(go);
                let mut code = 1;
                if matches!(fs::File::from(wait).read(&mut [0]), Ok(1)) {
                    code = i32::from(!map(worker.as_raw()));
                }
                // SAFETY: ends this process without running anything of the parent's.
                unsafe { libc::_exit(code) }
            }
        }
    }

    fn finish(self) -> Result<(), SetupError> {
        let sent = nix::unistd::write(self.go.as_fd(), b"x");
        drop(self.go);
        match (sent, sys::wait_for(self.pid)) {
            (Ok(_), Ok(HelperEnd::Code(0))) => Ok(()),
            _ => Err(SetupError::NotGranted(
                "mapping user ids into a user namespace".into(),
            )),
        }
    }
}

fn write_map(path: &str, text: &str) -> Result<(), SetupError> {
    fs::write(path, text).map_err(|e| SetupError::NotGranted(format!("writing {path}: {e}")))
}

/// The extents of an id map: first id inside, first id outside, how many.
fn read_map(name: &str) -> Vec<[u32; 3]> {
    let text = fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    parse_map(&text)
}

fn parse_map(text: &str) -> Vec<[u32; 3]> {
    let extent = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some([next()?, next()?, next()?])
    };
    text.lines().filter_map(extent).collect()
}

fn contains(map: &[[u32; 3]], id: u32) -> bool {
    map.iter()
        .any(|[inside, _, count]| id.checked_sub(*inside).is_some_and(|above| above < *count))
}

/// The map that gives a child namespace the same ids as this one.
fn identity(map: &[[u32; 3]]) -> String {
    map.iter()
        .map(|[inside, _, count]| format!("{inside} {inside} {count}\n"))
        .collect()
}

/// Capabilities asked about, by number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Capability {
    SetGid = 6,
    SetUid = 7,
    Ptrace = 19,
}

/// Whether this process has a capability in its user namespace.
pub(crate) fn may(capability: Capability) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut effective = status.lines().filter_map(|l| l.strip_prefix("CapEff:"));
    let set = effective
        .next()
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    set.is_some_and(|set| set & (1 << capability as u64) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_and_repeated() {
        let rootless =
            parse_map("         0       1000          1\n         1     100000      65536\n");
        assert_eq!(rootless, [[0, 1000, 1], [1, 100_000, 65_536]]);
        assert_eq!(identity(&rootless), "0 0 1\n1 1 65536\n");
        assert!(contains(&rootless, 61_000) && contains(&rootless, 65_536));
        assert!(!contains(&rootless, 65_537));
        assert!(contains(&parse_map("0 0 4294967295"), 61_000));
    }
}
