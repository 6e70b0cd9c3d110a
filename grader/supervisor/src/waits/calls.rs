//! Numbers of the calls in which a thread can wait. Those that an architecture does not have get
//! negative numbers of their own, which no thread shows.

macro_rules! everywhere {
    ($($name:ident = $sys:ident),* $(,)?) => {$(
        #[doc = concat!("`", stringify!($sys), "`")]
        pub const $name: i64 = libc::$sys;
    )*};
}

macro_rules! only_x86_64 {
    ($($name:ident = $sys:ident or $absent:literal),* $(,)?) => {$(
        #[doc = concat!("`", stringify!($sys), "`; x86-64 only")]
        #[cfg(target_arch = "x86_64")]
        pub const $name: i64 = libc::$sys;
        #[doc = concat!("`", stringify!($sys), "`; x86-64 only")]
        #[cfg(not(target_arch = "x86_64"))]
        pub const $name: i64 = $absent;
    )*};
}

everywhere! {
    READ = SYS_read, READV = SYS_readv, PREAD64 = SYS_pread64, PREADV = SYS_preadv, PREADV2 = SYS_preadv2,
    WRITE = SYS_write, WRITEV = SYS_writev, PWRITE64 = SYS_pwrite64, PWRITEV = SYS_pwritev, PWRITEV2 = SYS_pwritev2,
    RECVFROM = SYS_recvfrom, RECVMSG = SYS_recvmsg, RECVMMSG = SYS_recvmmsg,
    SENDTO = SYS_sendto, SENDMSG = SYS_sendmsg, SENDMMSG = SYS_sendmmsg, SENDFILE = SYS_sendfile,
    SPLICE = SYS_splice, TEE = SYS_tee, VMSPLICE = SYS_vmsplice,
    ACCEPT = SYS_accept, ACCEPT4 = SYS_accept4, CONNECT = SYS_connect,
    WAIT4 = SYS_wait4, WAITID = SYS_waitid,
    RT_SIGSUSPEND = SYS_rt_sigsuspend, RT_SIGTIMEDWAIT = SYS_rt_sigtimedwait,
    PPOLL = SYS_ppoll, PSELECT6 = SYS_pselect6,
    EPOLL_PWAIT = SYS_epoll_pwait, EPOLL_PWAIT2 = SYS_epoll_pwait2,
    FUTEX = SYS_futex, FUTEX_WAITV = SYS_futex_waitv,
    NANOSLEEP = SYS_nanosleep, CLOCK_NANOSLEEP = SYS_clock_nanosleep, RESTART_SYSCALL = SYS_restart_syscall,
    OPENAT = SYS_openat, OPENAT2 = SYS_openat2, FLOCK = SYS_flock, FCNTL = SYS_fcntl,
    MSGRCV = SYS_msgrcv, MSGSND = SYS_msgsnd, SEMOP = SYS_semop, SEMTIMEDOP = SYS_semtimedop,
    MQ_TIMEDSEND = SYS_mq_timedsend, MQ_TIMEDRECEIVE = SYS_mq_timedreceive,
    CLONE = SYS_clone, CLONE3 = SYS_clone3,
}

only_x86_64! {
    POLL = SYS_poll or -101, SELECT = SYS_select or -102, EPOLL_WAIT = SYS_epoll_wait or -103,
    PAUSE = SYS_pause or -104, OPEN = SYS_open or -105, CREAT = SYS_creat or -106, VFORK = SYS_vfork or -107,
    ALARM = SYS_alarm or -108,
}

/// `futex_wait` (Linux 6.7), the same number everywhere.
pub const FUTEX_WAIT: i64 = 455;

/// The name of a call of this list.
#[must_use]
pub fn name(nr: i64) -> Option<&'static str> {
    Some(match nr {
        READ => "read",
        READV => "readv",
        PREAD64 => "pread",
        PREADV => "preadv",
        PREADV2 => "preadv2",
        WRITE => "write",
        WRITEV => "writev",
        PWRITE64 => "pwrite",
        PWRITEV => "pwritev",
        PWRITEV2 => "pwritev2",
        RECVFROM => "recvfrom",
        RECVMSG => "recvmsg",
        RECVMMSG => "recvmmsg",
        SENDTO => "sendto",
        SENDMSG => "sendmsg",
        SENDMMSG => "sendmmsg",
        SENDFILE => "sendfile",
        SPLICE => "splice",
        TEE => "tee",
        VMSPLICE => "vmsplice",
        ACCEPT => "accept",
        ACCEPT4 => "accept4",
        CONNECT => "connect",
        WAIT4 => "wait4",
        WAITID => "waitid",
        RT_SIGSUSPEND => "sigsuspend",
        RT_SIGTIMEDWAIT => "sigwait",
        PPOLL => "ppoll",
        PSELECT6 => "pselect6",
        EPOLL_PWAIT => "epoll_pwait",
        EPOLL_PWAIT2 => "epoll_pwait2",
        FUTEX | FUTEX_WAIT | FUTEX_WAITV => "futex",
        NANOSLEEP => "nanosleep",
        CLOCK_NANOSLEEP => "clock_nanosleep",
        RESTART_SYSCALL => "restart_syscall",
        OPENAT => "openat",
        OPENAT2 => "openat2",
        FLOCK => "flock",
        FCNTL => "fcntl",
        MSGRCV => "msgrcv",
        MSGSND => "msgsnd",
        SEMOP => "semop",
        SEMTIMEDOP => "semtimedop",
        MQ_TIMEDSEND => "mq_timedsend",
        MQ_TIMEDRECEIVE => "mq_timedreceive",
        CLONE => "clone",
        CLONE3 => "clone3",
        POLL => "poll",
        SELECT => "select",
        EPOLL_WAIT => "epoll_wait",
        PAUSE => "pause",
        OPEN => "open",
        CREAT => "creat",
        VFORK => "vfork",
        _ => return None,
    })
}

/// What a call transfers, and through which argument's descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Takes from a descriptor.
    In(i32),
    /// Gives to a descriptor.
    Out(i32),
    /// Moves from the first descriptor to the second.
    Through(i32, i32),
}

/// The descriptors of a call that reads or writes; descriptors are `int`, the upper half of the
/// register is not part of them.
#[must_use]
pub fn transfer(nr: i64, args: &[u64; 6]) -> Option<Transfer> {
    Some(match nr {
        READ | READV | PREAD64 | PREADV | PREADV2 | RECVFROM | RECVMSG | RECVMMSG => {
            Transfer::In(fd(args[0]))
        }
        WRITE | WRITEV | PWRITE64 | PWRITEV | PWRITEV2 | SENDTO | SENDMSG | SENDMMSG | VMSPLICE => {
            Transfer::Out(fd(args[0]))
        }
        SENDFILE => Transfer::Through(fd(args[1]), fd(args[0])),
        SPLICE => Transfer::Through(fd(args[0]), fd(args[2])),
        TEE => Transfer::Through(fd(args[0]), fd(args[1])),
        _ => return None,
    })
}

/// The descriptor in an argument register.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the kernel takes the lower 32 bits"
)]
pub fn fd(arg: u64) -> i32 {
    arg as i32
}
