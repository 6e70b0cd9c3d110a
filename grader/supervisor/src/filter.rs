//! The seccomp programs of a started program: what is refused, and what stops for the tracer.
//!
//! Denied calls fail with `EPERM`, as they would for an ordinary user; `clone3` and `io_uring_*`
//! with `ENOSYS`, so that libraries fall back to what a filter can look into. The kernel lets the
//! strictest answer win, so a denied call never reaches the tracer.

use std::collections::BTreeMap;

use tree::{Fate, Is, Program, Rule, Test};

pub(crate) use tree::install;

mod tree;

/// A system call by name and number.
pub type Named = (&'static str, i64);

/// `SYS_read` -> `("read", 0)`.
macro_rules! calls {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name).split_at(4).1, libc::$name)),*] };
}

/// The calls that stop for the tracer: those that make, use or wait for what a transcript shows.
///
/// `futex`, `mmap` and the like are left out: they are frequent, and waits are read from `/proc`.
pub const TRACED: &[Named] = calls![
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_sendfile,
    SYS_splice,
    SYS_tee,
    SYS_socket,
    SYS_socketpair,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_connect,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    SYS_setsockopt,
    SYS_close,
    SYS_pipe2,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_openat,
    SYS_mknodat,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_mkdirat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_truncate,
    SYS_ftruncate,
    SYS_flock,
    SYS_rt_sigaction,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_pidfd_send_signal,
    SYS_signalfd4,
    SYS_eventfd2,
    SYS_setitimer,
    SYS_timer_create,
    SYS_timer_settime,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_wait4,
    SYS_waitid,
    SYS_clone,
    SYS_execve,
    SYS_execveat,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_setpgid,
    SYS_setsid,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_semget,
    SYS_semop,
    SYS_semtimedop,
    SYS_semctl,
    SYS_mq_open,
    SYS_mq_timedsend,
    SYS_mq_timedreceive,
];

/// The calls of [`TRACED`] that only this architecture has.
#[cfg(target_arch = "x86_64")]
pub const TRACED_HERE: &[Named] = calls![
    SYS_open,
    SYS_creat,
    SYS_pipe,
    SYS_dup2,
    SYS_mknod,
    SYS_unlink,
    SYS_rename,
    SYS_renameat,
    SYS_link,
    SYS_symlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_chmod,
    SYS_alarm,
    SYS_pause,
    SYS_poll,
    SYS_select,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_epoll_pwait2,
    SYS_eventfd,
    SYS_signalfd,
    SYS_fork,
    SYS_vfork,
];

/// The calls of [`TRACED`] that only this architecture has.
#[cfg(target_arch = "aarch64")]
pub const TRACED_HERE: &[Named] = calls![SYS_epoll_pwait2];

/// Refused whatever the arguments, with `EPERM`.
const DENIED: &[Named] = calls![
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_open_tree,
    SYS_move_mount,
    SYS_mount_setattr,
    SYS_setns,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_fanotify_init,
    SYS_open_by_handle_at,
    SYS_kexec_load,
    SYS_reboot,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_swapon,
    SYS_swapoff,
    SYS_quotactl,
    SYS_acct,
    SYS_syslog,
    SYS_vhangup,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_ioprio_set,
    SYS_migrate_pages,
    SYS_move_pages,
];

/// The calls of [`DENIED`] that only this architecture has.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[Named] = calls![
    SYS_kexec_file_load,
    SYS_iopl,
    SYS_ioperm,
    SYS_uselib,
    SYS_sysfs,
    SYS_lookup_dcookie,
];

/// The calls of [`DENIED`] that only this architecture has.
#[cfg(target_arch = "aarch64")]
const DENIED_HERE: &[Named] = calls![SYS_lookup_dcookie];

/// Answered as if the kernel did not know them.
const UNKNOWN: &[Named] = calls![
    SYS_clone3,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
];

/// Flags by which `clone` and `unshare` make namespaces.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;
/// `CLONE_NEWTIME`: in `clone` these bits belong to the exit signal, so only for `unshare`.
const CLONE_NEWTIME: i32 = 0x80;
/// Lets programs turn address randomisation off for themselves, as ThreadSanitizer does.
const ADDR_NO_RANDOMIZE: u32 = 0x0004_0000;
/// `personality` with this value only asks.
const PERSONALITY_QUERY: u32 = u32::MAX;
/// Numbers from here on are the x32 ABI's names for the same calls: a way around any list.
const X32: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0x4000_0000)
} else {
    None
};

const REFUSED: Fate = Fate::Fail(libc::EPERM as u16);

/// The programs, ready to install.
#[derive(Clone)]
pub struct Filters {
    /// For programs that are traced: what is refused, and what stops for the tracer.
    pub(crate) traced: Program,
    /// For programs that are not: what is refused.
    pub(crate) untraced: Program,
}

impl std::fmt::Debug for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filters({}, {})", self.traced.len(), self.untraced.len())
    }
}

impl Filters {
    /// Compiles the programs. `traced` are the numbers of the calls that stop for the tracer
    /// ([`default_traced`]). `private_pids` says that the scenario has its own PID namespace;
    /// without one `kill(-1)` would reach strangers and is refused.
    #[must_use]
    pub fn new(traced: &[i64], private_pids: bool) -> Self {
        let traced: Vec<u32> = traced
            .iter()
            .filter_map(|n| u32::try_from(*n).ok())
            .collect();
        Self {
            traced: tree::compile(&rules(&traced, private_pids), X32),
            untraced: tree::compile(&rules(&[], private_pids), X32),
        }
    }
}

/// The numbers of [`TRACED`] and [`TRACED_HERE`].
#[must_use]
pub fn default_traced() -> Vec<i64> {
    let both = TRACED.iter().chain(TRACED_HERE);
    both.map(|(_, number)| *number).collect()
}

/// The number of a call in [`TRACED`] or [`TRACED_HERE`].
#[must_use]
pub fn number(name: &str) -> Option<i64> {
    let mut both = TRACED.iter().chain(TRACED_HERE);
    both.find(|(n, _)| *n == name).map(|(_, number)| *number)
}

/// The name of a call in [`TRACED`] or [`TRACED_HERE`].
#[must_use]
pub fn name(number: i64) -> Option<&'static str> {
    let mut both = TRACED.iter().chain(TRACED_HERE);
    both.find(|(_, n)| *n == number).map(|(name, _)| *name)
}

fn rules(traced: &[u32], private_pids: bool) -> BTreeMap<u32, Rule> {
    let mut rules: BTreeMap<u32, Rule> = traced
        .iter()
        .map(|number| (*number, Rule::Always(Fate::Trace)))
        .collect();
    let mut always = |calls: &[Named], fate| {
        for (_, number) in calls {
            if let Ok(number) = u32::try_from(*number) {
                rules.insert(number, Rule::Always(fate));
            }
        }
    };
    always(DENIED, REFUSED);
    always(DENIED_HERE, REFUSED);
    always(UNKNOWN, Fate::Fail(libc::ENOSYS as u16));
    for (number, any) in conditional(private_pids) {
        let Ok(number) = u32::try_from(number) else {
            continue;
        };
        let otherwise = match rules.get(&number) {
            Some(Rule::Always(fate)) => *fate,
            _ => Fate::Allow,
        };
        let then = REFUSED;
        rules.insert(
            number,
            Rule::When {
                any,
                then,
                otherwise,
            },
        );
    }
    rules
}

/// The calls refused only with certain arguments: any of the lists, all tests of it.
fn conditional(private_pids: bool) -> Vec<(i64, Vec<Vec<Test>>)> {
    use Is::{Equal, HasAny, Not};
    let when = |argument, is| Test { argument, is };
    let bits = |flags: i32| vec![vec![when(0, HasAny(flags.cast_unsigned()))]];
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];
    let foreign = vec![families.map(|f| when(0, Not(f.cast_unsigned()))).to_vec()];
    let personalities = [0, PERSONALITY_QUERY, ADDR_NO_RANDOMIZE];
    let first_process = || vec![vec![when(0, Equal(1))]];
    let mut calls = vec![
        // A child made with CLONE_UNTRACED would escape the tracer.
        (libc::SYS_clone, bits(NAMESPACES | libc::CLONE_UNTRACED)),
        (libc::SYS_unshare, bits(NAMESPACES | CLONE_NEWTIME)),
        (libc::SYS_socket, foreign.clone()),
        (libc::SYS_socketpair, foreign),
        (
            libc::SYS_personality,
            vec![personalities.map(|value| when(0, Not(value))).to_vec()],
        ),
        // The helper may have the program's kernel uid: its limits, processor and priority are
        // not the program's to change. A pointer is null when both its halves are zero.
        (
            libc::SYS_prlimit64,
            vec![
                vec![when(0, Not(0)), when(2, Not(0))],
                vec![
                    when(0, Not(0)),
                    Test {
                        argument: 2,
                        is: HasAny(u32::MAX),
                    },
                ],
            ],
        ),
        (libc::SYS_sched_setaffinity, first_process()),
        (libc::SYS_sched_setscheduler, first_process()),
        (libc::SYS_sched_setparam, first_process()),
        (libc::SYS_sched_setattr, first_process()),
        (
            libc::SYS_setpriority,
            vec![
                vec![when(0, Equal(libc::PRIO_USER))],
                vec![when(1, Equal(1))],
            ],
        ),
    ];
    if !private_pids {
        calls.push((libc::SYS_kill, vec![vec![when(0, Equal(u32::MAX))]]));
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for (call, number_of_it) in TRACED.iter().chain(TRACED_HERE) {
            assert_eq!(number(call), Some(*number_of_it));
            assert_eq!(name(*number_of_it), Some(*call));
        }
    }

    #[test]
    fn a_call_is_either_traced_or_denied() {
        for (call, number) in DENIED.iter().chain(DENIED_HERE).chain(UNKNOWN) {
            assert_eq!(name(*number), None, "{call}");
        }
    }
}
