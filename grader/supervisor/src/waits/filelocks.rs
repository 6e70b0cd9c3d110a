//! Locks on files (`flock`, `fcntl`), from `/proc/locks`.

use super::ends::Target;
use super::stage::Stage;
use crate::event::{Ender, Lock, Object};
use crate::proc::{self, number, radix};
use crate::scene::SceneProcess;

/// What a blocked `flock` or `fcntl` waits for.
pub(super) fn follow(
    stage: &Stage<'_>,
    waiter: &SceneProcess,
    tid: i32,
    fd: i32,
    flock: bool,
) -> Target {
    let path = proc::fd_link(tid, fd).unwrap_or_default();
    let on = Object::Lock(Lock::File(path.into()));
    let owners = || -> Option<Vec<i32>> {
        let (device, inode, _) = proc::inode_of(tid, fd)?;
        let file = (libc::major(device), libc::minor(device), inode);
        Some(owners(&std::fs::read("/proc/locks").ok()?, file, flock))
    };
    let owners = owners().unwrap_or_default();
    let holders: Vec<Ender> = stage
        .processes
        .iter()
        .filter(|process| process.id != waiter.id && owners.contains(&process.pid))
        .map(|process| Ender::Process {
            process: process.id,
            fd: None,
            itself: false,
        })
        .collect();
    if holders.is_empty() {
        return Target::new(
            on,
            vec![Ender::Unknown("who holds the lock is not known".to_owned())],
        );
    }
    Target::new(on, holders)
}

/// The pids that hold a lock of the right sort on a file (`proc_locks(5)`); lines with `->` wait.
fn owners(text: &[u8], file: (u32, u32, u64), flock: bool) -> Vec<i32> {
    let mut owners = Vec::new();
    for line in text.split(|&b| b == b'\n') {
        let words: Vec<&[u8]> = line
            .split(|&b| b == b' ')
            .filter(|word| !word.is_empty())
            .collect();
        let [_, sort, _, _, pid, place, ..] = words.as_slice() else {
            continue;
        };
        if (*sort == b"FLOCK") != flock || *sort == b"->" || *sort == b"LEASE" {
            continue;
        }
        let mut parts = place.split(|&b| b == b':');
        let mut part = |base| radix(parts.next()?, base);
        let (Some(major), Some(minor), Some(inode)) = (part(16), part(16), part(10)) else {
            continue;
        };
        let pid = number(pid).and_then(|pid| i32::try_from(pid).ok());
        if (major, minor, inode) == (u64::from(file.0), u64::from(file.1), file.2) {
            owners.extend(pid);
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOCKS: &[u8] = b"1: FLOCK  ADVISORY  WRITE 12 00:1f:77 0 EOF\n\
        1: -> FLOCK  ADVISORY  WRITE 13 00:1f:77 0 EOF\n\
        2: POSIX  ADVISORY  WRITE 14 00:1f:77 0 9\n\
        3: OFDLCK ADVISORY  READ  -1 00:1f:77 0 9\n\
        4: FLOCK  ADVISORY  WRITE 15 00:1f:78 0 EOF\n";

    #[test]
    fn holders_are_told_from_those_that_wait() {
        assert_eq!(owners(LOCKS, (0, 0x1f, 77), true), [12]);
        assert_eq!(owners(LOCKS, (0, 0x1f, 77), false), [14]);
        assert_eq!(owners(LOCKS, (0, 0x1f, 79), true), Vec::<i32>::new());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes: Vec<u8>) {
            let _ = owners(&bytes, (0, 0, 0), true);
        }
    }
}
