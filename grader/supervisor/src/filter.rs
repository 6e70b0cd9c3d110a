//! The seccomp programs of a started program: what is refused, and what stops for the tracer.
//!
//! Denied calls fail with `EPERM`, as they would for an ordinary user; `clone3`, `io_uring_*` and
//! `memfd_*` with `ENOSYS`, so that libraries fall back to what a filter can look into and what
//! counts as somebody's memory. The kernel lets the
//! strictest answer win, so a denied call never reaches the tracer.

use std::collections::BTreeMap;

use crate::tracer::{calls, time};
use tree::{Fate, Is, Program, Rule, Test};

pub(crate) use tree::install;

mod tree;

/// A system call by name and number.
pub(crate) type Named = (&'static str, i64);

/// `SYS_read` -> `("read", 0)`.
macro_rules! calls {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name).split_at(4).1, libc::$name)),*] };
}

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
    SYS_seccomp,
    SYS_quotactl_fd,
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
    SYS_modify_ldt,
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
    SYS_memfd_create,
    SYS_memfd_secret,
];

/// Calls from this number on are newer than the lists here: answered as if the kernel did not know
/// them either. Numbers from 424 on are the same for all architectures.
const NEWER: u32 = 463;

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
const REFUSED: Fate = Fate::Fail(libc::EPERM as u16);

/// The programs, ready to install.
#[derive(Clone)]
pub(crate) struct Filters {
    /// For programs that are traced: what is refused, and what stops for the tracer; by what of
    /// [`Stops`] stops as well.
    traced: [Program; 4],
    /// For programs that are not: what is refused.
    pub(crate) untraced: Program,
}

impl std::fmt::Debug for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<usize> = self.traced.iter().map(Vec::len).collect();
        write!(f, "Filters({lines:?})")
    }
}

impl Filters {
    /// Compiles the programs. `traced` are the numbers of the calls that stop for the tracer.
    /// `private_pids` says that the scenario has its own PID namespace;
    /// without one `kill(-1)` would reach strangers and is refused.
    #[must_use]
    pub(crate) fn new(traced: &[i64], private_pids: bool) -> Self {
        let traced: Vec<u32> = traced
            .iter()
            .filter_map(|n| u32::try_from(*n).ok())
            .collect();
        let opening = calls::OPENING.iter().filter_map(|n| u32::try_from(*n).ok());
        let opening: Vec<u32> = traced.iter().copied().chain(opening).collect();
        let compiled = |traced: &[u32], waits: Waits| {
            tree::compile(&rules(traced, waits, private_pids, true), NEWER)
        };
        Self {
            traced: [
                compiled(&traced, Waits::Timed),
                compiled(&opening, Waits::Timed),
                compiled(&traced, Waits::All),
                compiled(&opening, Waits::All),
            ],
            // Builds, for the most part: they need no network, and without namespaces it would be
            // the machine's.
            untraced: tree::compile(&rules(&[], Waits::None, private_pids, private_pids), NEWER),
        }
    }

    /// For a program that is traced.
    pub(crate) fn traced(&self, stops: Stops) -> &Program {
        let [plain, opening, waiting, both] = &self.traced;
        match (stops.opens, stops.waits) {
            (false, false) => plain,
            (true, false) => opening,
            (false, true) => waiting,
            (true, true) => both,
        }
    }
}

/// What stops for the tracer in some plans only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stops {
    /// Opening a file.
    pub(crate) opens: bool,
    /// Waits for a lock, a semaphore or a message ([`calls::WAITING`]) also where they have no timeout.
    pub(crate) waits: bool,
}

/// Which of those waits stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    None,
    Timed,
    All,
}

fn rules(traced: &[u32], waits: Waits, private_pids: bool, internet: bool) -> BTreeMap<u32, Rule> {
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
    // The programs stay on the helper's processor (`driver/together.rs`), and are told that they
    // went where they wanted.
    always(calls![SYS_sched_setaffinity], Fate::Fail(0));
    if waits == Waits::All {
        for number in calls::WAITING {
            rules.extend(u32::try_from(number).map(|n| (n, Rule::Always(Fate::Trace))));
        }
    }
    let stopping = match waits {
        Waits::None => Vec::new(),
        Waits::Timed => with_timeout(true),
        Waits::All => with_timeout(false),
    };
    for (number, any) in stopping {
        if let Ok(number) = u32::try_from(number) {
            let rule = Rule::When {
                any,
                then: Fate::Trace,
                otherwise: Fate::Allow,
            };
            rules.insert(number, rule);
        }
    }
    for (number, any) in conditional(private_pids, internet) {
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
fn conditional(private_pids: bool, internet: bool) -> Vec<(i64, Vec<Vec<Test>>)> {
    use Is::{Equal, HasAny, Not};
    let when = |argument, is| Test { argument, is };
    let bits = |flags: i32| vec![vec![when(0, HasAny(flags.cast_unsigned()))]];
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];
    let families = &families[..if internet { 3 } else { 1 }];
    let refused = families.iter().map(|f| when(0, Not(f.cast_unsigned())));
    let foreign = vec![refused.collect()];
    let personalities = [0, PERSONALITY_QUERY, ADDR_NO_RANDOMIZE];
    let first_process = || vec![vec![when(0, Equal(1))]];
    let mut calls = vec![
        // A child made with CLONE_UNTRACED would escape the tracer.
        (libc::SYS_clone, bits(NAMESPACES | libc::CLONE_UNTRACED)),
        (libc::SYS_unshare, bits(NAMESPACES | CLONE_NEWTIME)),
        // A filter of the program's own could answer a call before the tracer sees it.
        (
            libc::SYS_prctl,
            vec![vec![when(0, Equal(libc::PR_SET_SECCOMP.cast_unsigned()))]],
        ),
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

/// The calls that stop for the tracer only where they wait with a timeout, or ask for one. Of a
/// pointer its low half is looked at: one that is zero there passes in real time. Unless `timed`, a
/// futex need only wait, and what is in [`calls::WAITING`] is left out.
fn with_timeout(timed: bool) -> Vec<(i64, Vec<Vec<Test>>)> {
    use crate::waits::timeout::futex;
    use Is::{Equal, Masked, Not};
    let when = |argument, is| Test { argument, is };
    let given = |argument| vec![vec![when(argument, Not(0))]];
    let waits = [
        futex::WAIT,
        futex::WAIT_BITSET,
        futex::LOCK_PI,
        futex::LOCK_PI2,
        futex::WAIT_REQUEUE_PI,
    ];
    // The operation without its flags.
    let bits = !((futex::PRIVATE | futex::CLOCK_REALTIME) as u32);
    let futexes = waits.iter().map(|wait| {
        let value = *wait as u32;
        let waits = when(1, Masked { bits, value });
        let limited = timed.then(|| when(3, Not(0)));
        std::iter::once(waits).chain(limited).collect()
    });
    let limits = [time::RECEIVE, time::SEND].concat();
    let limits = limits.into_iter().map(|option| {
        let level = libc::SOL_SOCKET.cast_unsigned();
        vec![
            when(1, Equal(level)),
            when(2, Equal(option.cast_unsigned())),
        ]
    });
    let mut all = vec![
        (libc::SYS_futex, futexes.collect()),
        (libc::SYS_getsockopt, limits.collect()),
    ];
    if timed {
        all.extend([
            (libc::SYS_semtimedop, given(3)),
            (libc::SYS_mq_timedsend, given(4)),
            (libc::SYS_mq_timedreceive, given(4)),
        ]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_either_traced_or_denied() {
        let traced = calls::of_interest();
        for (call, number) in DENIED.iter().chain(DENIED_HERE).chain(UNKNOWN) {
            assert!(!traced.contains(number), "{call}");
        }
    }

    /// Each line costs every program started some time in the kernel.
    #[test]
    fn the_programs_are_short() {
        let filters = Filters::new(&calls::of_interest(), true);
        let programs = filters.traced.iter().chain([&filters.untraced]);
        let lines: Vec<usize> = programs.map(Vec::len).collect();
        assert!(lines.iter().all(|lines| *lines < 200), "{lines:?}");
    }
}
