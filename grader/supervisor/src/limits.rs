//! Hard limits of a scenario as the kernel takes them.

use std::io;

use crate::plan::Limits;
use crate::raw;

/// One `setrlimit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rlimit {
    resource: Resource,
    soft: u64,
    hard: u64,
}

/// The C library's type of resource numbers.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// How the shell calls the limits: what they are of, in which unit, and the option of `ulimit`.
const OPTIONS: [(Resource, &str, u64, char); 7] = [
    (libc::RLIMIT_CPU, "processor time in seconds", 1, 't'),
    (libc::RLIMIT_NPROC, "processes", 1, 'u'),
    (libc::RLIMIT_NOFILE, "open files", 1, 'n'),
    (libc::RLIMIT_FSIZE, "file size in kilobytes", 1024, 'f'),
    (libc::RLIMIT_STACK, "stack in kilobytes", 1024, 's'),
    (libc::RLIMIT_AS, "address space in kilobytes", 1024, 'v'),
    (libc::RLIMIT_SIGPENDING, "pending signals", 1, 'i'),
];

/// The stack a program gets, bytes: what nearly every system has by default.
const STACK: u64 = 8 << 20;

/// The limits of each process of a scenario.
///
/// `strangers` is the number of tasks that already count against the program's user id
/// (`RLIMIT_NPROC` counts tasks per user id and user namespace): 0 where that id, or the
/// namespace, is the scenario's own.
#[must_use]
pub fn rlimits(limits: &Limits, strangers: u64) -> Vec<Rlimit> {
    let seconds = limits.cpu_ms.div_ceil(1000).saturating_add(1);
    let tasks = u64::from(limits.processes).saturating_add(strangers);
    let mut list = vec![
        // The helper counts the time of all together, and ends the run in time; this is for whom it does
        // not see: SIGXCPU a second later, SIGKILL one more.
        limit(libc::RLIMIT_CPU, seconds, seconds.saturating_add(1)),
        limit(libc::RLIMIT_NPROC, tasks, tasks),
        limit(libc::RLIMIT_NOFILE, limits.descriptors, limits.descriptors),
        limit(libc::RLIMIT_FSIZE, limits.file_size, limits.file_size),
        // Not 0: only with 1 the kernel also leaves out a dump that goes to a program by a pipe
        // (systemd-coredump, apport); see core_pattern(5) and do_coredump(). A file needs more.
        limit(libc::RLIMIT_CORE, 1, 1),
        limit(libc::RLIMIT_STACK, STACK, libc::RLIM_INFINITY),
    ];
    if limits.memory > 0 {
        list.push(limit(libc::RLIMIT_AS, limits.memory, limits.memory));
    }
    list
}

/// The signals that may be queued for one user, and the timers it may have: what is above is lost, and
/// programs have what this process has; sigqueue(3). Systems give thousands.
#[must_use]
pub fn pending_signals() -> Rlimit {
    const ENOUGH: u64 = 512;
    limit(libc::RLIMIT_SIGPENDING, ENOUGH, libc::RLIM_INFINITY)
}

/// The number of descriptors of one program.
#[must_use]
pub fn descriptors(most: u64) -> Rlimit {
    limit(libc::RLIMIT_NOFILE, most, most)
}

/// The size of the files of one program.
#[must_use]
pub fn file_size(most: u64) -> Rlimit {
    limit(libc::RLIMIT_FSIZE, most, most)
}

fn limit(resource: Resource, soft: u64, hard: u64) -> Rlimit {
    Rlimit {
        resource,
        soft,
        hard,
    }
}

impl Rlimit {
    /// Whether this process may give a program so much: nobody raises a hard limit here, and a
    /// program must not fail for want of what its scenario promises.
    ///
    /// # Errors
    /// In words, what must be raised; or the error of `getrlimit`.
    pub fn grantable(self) -> Result<Self, String> {
        let clamped = self.clamp().map_err(|error| error.to_string())?;
        if clamped.soft >= self.soft {
            return Ok(clamped);
        }
        let option = OPTIONS
            .iter()
            .find(|(resource, ..)| *resource == self.resource);
        let (what, unit, letter) = option.map_or(("a limit", 1, '?'), |(_, what, unit, letter)| {
            (*what, *unit, *letter)
        });
        Err(format!(
            "this machine's limit of {what} is {}, a scenario needs {}: raise `ulimit -{letter}` \
             for the grader",
            clamped.soft / unit,
            self.soft / unit
        ))
    }

    /// Lowers the values to what this process may set: nobody raises a hard limit here.
    ///
    /// # Errors
    /// The error of `getrlimit`.
    pub fn clamp(mut self) -> io::Result<Self> {
        let mut now = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `now` is a live, writable `rlimit`.
        if unsafe { libc::getrlimit(self.resource, &raw mut now) } != 0 {
            return Err(io::Error::last_os_error());
        }
        self.hard = self.hard.min(now.rlim_max);
        self.soft = self.soft.min(self.hard);
        Ok(self)
    }

    /// Sets it for the calling process, which may share its memory with another.
    ///
    /// # Errors
    /// The `errno` of `prlimit`.
    pub(crate) fn set(&self) -> Result<(), i32> {
        let value = libc::rlimit64 {
            rlim_cur: self.soft,
            rlim_max: self.hard,
        };
        let arguments = [0, self.resource as usize, raw::at(&raw const value), 0];
        // SAFETY: `value` is a live `rlimit64`, which the kernel only reads.
        unsafe { raw::call(libc::SYS_prlimit64, arguments) }.map(drop)
    }
}

/// From now on a file that may not grow is an error for this process, where the system would end it;
/// setrlimit(2). Programs start with the default again.
pub fn outlive_file_size() {
    // SAFETY: ignoring a signal installs no handler.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// From now on who is started here can be waited for, also where the caller ignores SIGCHLD: then the
/// kernel keeps no status of children; wait(2).
pub fn collect_children() {
    // SAFETY: taking the default installs no handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// What programs have in `/proc/PID/oom_score_adj`; proc(5).
pub(crate) const DIE_FIRST: &[u8] = b"1000";

/// Sees to it that the kernel takes this process first when memory runs out, as whoever starts a program
/// does for one that does not share the helper's memory. For a program that has just been executed.
/// Refused, nothing else changes.
pub(crate) fn dies_first(pid: i32) {
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), DIE_FIRST);
}

/// Highest pid of a PID namespace of its own: the second fence behind `RLIMIT_NPROC`.
///
/// Once pids wrap, those up to 300 are not used again, and a small range would give the pid of a
/// child just reaped to the next one, which no ordinary system does: hence the generous room.
#[must_use]
pub fn pid_max(limits: &Limits) -> u32 {
    limits.processes.saturating_mul(4).clamp(4096, 4_194_303)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(limits: &Limits, resource: Resource) -> Option<(u64, u64)> {
        let list = rlimits(limits, 0);
        let found = list.iter().find(|l| l.resource == resource);
        found.map(|l| (l.soft, l.hard))
    }

    #[test]
    fn processor_time_of_a_process_is_whole_seconds_and_one_more() {
        let mut limits = Limits::default();
        for (ms, seconds) in [(0, 1), (1, 2), (1000, 2), (1001, 3), (5000, 6)] {
            limits.cpu_ms = ms;
            let expected = Some((seconds, seconds + 1));
            assert_eq!(of(&limits, libc::RLIMIT_CPU), expected, "{ms} ms");
        }
    }

    #[test]
    fn no_memory_limit_where_none_is_asked_for() {
        let mut limits = Limits {
            memory: 0,
            ..Limits::default()
        };
        assert_eq!(of(&limits, libc::RLIMIT_AS), None);
        limits.memory = 1 << 28;
        assert_eq!(of(&limits, libc::RLIMIT_AS), Some((1 << 28, 1 << 28)));
    }

    #[test]
    fn less_than_asked_for_is_refused_with_what_to_raise() {
        let modest = limit(libc::RLIMIT_NOFILE, 8, 8);
        assert_eq!(modest.grantable().unwrap(), modest);
        let said = limit(libc::RLIMIT_NOFILE, u64::MAX - 1, u64::MAX - 1).grantable();
        let said = said.unwrap_err();
        assert!(
            said.starts_with("this machine's limit of open files is ")
                && said.ends_with("raise `ulimit -n` for the grader"),
            "{said}"
        );
        // A dump needs none.
        limit(libc::RLIMIT_CORE, 0, 0).grantable().unwrap();
    }

    #[test]
    fn a_limit_above_the_hard_one_is_lowered_to_it() {
        let mut now = limit(libc::RLIMIT_NOFILE, u64::MAX - 1, u64::MAX - 1);
        now = now.clamp().unwrap();
        assert!(now.hard < u64::MAX - 1);
        assert_eq!(now.soft, now.hard);
    }
}
