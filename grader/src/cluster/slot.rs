//! Which processor a worker settles on, where several share a machine and nobody has told them.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, getuid};

/// More workers on one machine than this are not counted.
const MOST: usize = 1024;

/// A place among the workers of this machine, for as long as it lives.
#[derive(Debug)]
pub struct Slot {
    _ticket: UnixListener,
}

/// Takes the next place among this user's workers on this machine and settles this process on
/// `cpus` processors of its own, as far as there are enough: each worker pins what it runs to the
/// first processors it may use, so that without this all would use the same ones.
///
/// A place is an abstract Unix address: it needs no file, and the kernel frees it with the process
/// (unix(7)). Schedulers that bind their tasks leave nothing to choose, and nothing is changed.
#[must_use]
pub fn settle(cpus: usize) -> Option<Slot> {
    let me = Pid::from_raw(0);
    let allowed: Vec<usize> = {
        let set = sched_getaffinity(me).ok()?;
        (0..CpuSet::count())
            .filter(|cpu| set.is_set(*cpu).unwrap_or(false))
            .collect()
    };
    if cpus == 0 || cpus >= allowed.len() {
        return None;
    }
    let (place, ticket) = (0..MOST).find_map(|place| {
        let name = format!("grader-worker-{}-{place}", getuid());
        let address = SocketAddr::from_abstract_name(name).ok()?;
        Some((place, UnixListener::bind_addr(&address).ok()?))
    })?;
    let mut set = CpuSet::new();
    for i in 0..cpus {
        set.set(allowed[(place * cpus + i) % allowed.len()]).ok()?;
    }
    sched_setaffinity(me, &set).ok()?;
    Some(Slot { _ticket: ticket })
}
