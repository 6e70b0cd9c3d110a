//! The system calls of interest: their names, what their arguments are, and whether a result is
//! progress.

use libc::c_long;

/// How one argument is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Number,
    /// A pid; shown as it is, the transcript never uses it.
    Pid,
    Signal,
    /// `AF_UNIX`.
    Family,
    /// `SOCK_STREAM`.
    SocketType,
    /// `SHUT_WR`.
    Direction,
    Path,
    /// Where a path begins, if that is not the working directory.
    Directory,
    /// How a file is opened: `O_WRONLY|O_NONBLOCK`.
    Opening,
    Address,
    /// Bytes written; the next argument is their number.
    Data,
    /// `struct iovec` array; the next argument is their number.
    Vector,
    /// `struct pollfd` array: the descriptors; the next argument is their number.
    Polled,
    /// `struct sigaction`: what is to be done with the signal, where the program says it.
    Action,
    Hex,
}

/// What a result means for the question whether a program gets anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It moved data or made something.
    Made,
    /// The same again could go on for ever: end of file, an error, a poll that reports.
    None,
    /// Says nothing (locks, clocks).
    Neutral,
}

#[derive(Clone, Copy)]
struct Shape {
    nr: c_long,
    name: &'static str,
    show: &'static [Show],
    kind: Kind,
}

/// What the tracer does about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Moves data in: `read` and its like.
    Receive,
    /// Moves data out.
    Send,
    /// Asks or waits for readiness or time.
    Ask,
    /// Everything else: a success is progress, an error is none.
    Act,
    /// Neither.
    Neutral,
}

macro_rules! shapes {
    ($($nr:ident $name:literal [$($show:ident)*] $kind:ident;)*) => {
        &[$(Shape { nr: libc::$nr, name: $name, show: &[$(Show::$show),*], kind: Kind::$kind }),*]
    };
}

#[rustfmt::skip]
const SHAPES: &[Shape] = shapes! {
    SYS_read "read" [Number] Receive;
    SYS_readv "readv" [Number] Receive;
    SYS_recvfrom "recvfrom" [Number] Receive;
    SYS_recvmsg "recvmsg" [Number] Receive;
    SYS_write "write" [Number Data] Send;
    SYS_writev "writev" [Number Vector] Send;
    SYS_sendto "sendto" [Number Data] Send;
    SYS_sendmsg "sendmsg" [Number] Send;
    SYS_socket "socket" [Family SocketType Number] Act;
    SYS_socketpair "socketpair" [Family SocketType Number] Act;
    SYS_bind "bind" [Number Address] Act;
    SYS_listen "listen" [Number Number] Act;
    SYS_accept "accept" [Number] Act;
    SYS_accept4 "accept4" [Number] Act;
    SYS_connect "connect" [Number Address] Act;
    SYS_shutdown "shutdown" [Number Direction] Act;
    SYS_pipe2 "pipe2" [] Act;
    SYS_mknodat "mknodat" [Directory Path] Act;
    SYS_unlinkat "unlinkat" [Number Path] Act;
    SYS_rt_sigaction "rt_sigaction" [Signal Action] Neutral;
    SYS_rt_sigsuspend "rt_sigsuspend" [] Ask;
    SYS_rt_sigtimedwait "rt_sigtimedwait" [] Ask;
    SYS_kill "kill" [Pid Signal] Act;
    SYS_tgkill "tgkill" [Pid Pid Signal] Act;
    SYS_tkill "tkill" [Pid Signal] Act;
    SYS_setitimer "setitimer" [Number] Neutral;
    SYS_nanosleep "nanosleep" [] Ask;
    SYS_clock_nanosleep "clock_nanosleep" [] Ask;
    SYS_ppoll "ppoll" [Polled] Ask;
    SYS_pselect6 "pselect6" [Number] Ask;
    SYS_epoll_pwait "epoll_pwait" [Number] Ask;
    SYS_epoll_pwait2 "epoll_pwait2" [Number] Ask;
    SYS_wait4 "wait4" [Number] Act;
    SYS_waitid "waitid" [Number Number] Act;
    SYS_clone "clone" [] Act;
    SYS_execve "execve" [Path] Act;
    SYS_execveat "execveat" [Number Path] Act;
    SYS_exit_group "exit_group" [Number] Neutral;
    SYS_prctl "prctl" [Number] Neutral;
    SYS_renameat "renameat" [Number Path] Act;
    SYS_renameat2 "renameat2" [Number Path] Act;
    SYS_timer_create "timer_create" [Number] Neutral;
    SYS_timer_settime "timer_settime" [Number] Neutral;
    SYS_timer_delete "timer_delete" [Number] Neutral;
    SYS_timerfd_create "timerfd_create" [Number] Neutral;
    SYS_timerfd_settime "timerfd_settime" [Number] Neutral;
    SYS_setsockopt "setsockopt" [Number Number Number] Neutral;
};

/// Calls that stop only where they wait with a timeout (the filter looks at their arguments).
#[rustfmt::skip]
const TIMED_SHAPES: &[Shape] = shapes! {
    SYS_futex "futex" [Hex Number Number] Neutral;
    SYS_semtimedop "semtimedop" [Number] Neutral;
    SYS_mq_timedsend "mq_timedsend" [Number] Neutral;
    SYS_mq_timedreceive "mq_timedreceive" [Number] Neutral;
};

/// Calls that stop only where a plan disturbs one of [`WAITING`].
#[rustfmt::skip]
const WAITING_SHAPES: &[Shape] = shapes! {
    SYS_semop "semop" [Number] Neutral;
    SYS_msgsnd "msgsnd" [Number] Neutral;
    SYS_msgrcv "msgrcv" [Number] Neutral;
};

/// The numbers of the calls that wait for a lock, a semaphore or a message, but for `futex`, which
/// does other things as well.
pub(crate) const WAITING: [c_long; 6] = [
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_timedreceive,
];

/// Whether a call of this name stops only where a plan asks for it.
pub(crate) fn waits_unseen(name: &str) -> bool {
    let shapes = WAITING_SHAPES.iter().chain(TIMED_SHAPES);
    shapes.map(|shape| shape.name).any(|shape| shape == name)
}

/// Calls that stop only where a plan asks for it. As to progress they say nothing: who opens a FIFO and
/// finds its end again and again gets nowhere.
#[rustfmt::skip]
const OPENING_SHAPES: &[Shape] = shapes! {
    SYS_openat "openat" [Directory Path Opening] Neutral;
};

/// The calls of [`OPENING_SHAPES`] that only x86-64 has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLD_OPENING_SHAPES: &[Shape] = shapes! {
    SYS_open "open" [Path Opening] Neutral;
    SYS_creat "creat" [Path] Neutral;
};
#[cfg(not(target_arch = "x86_64"))]
const OLD_OPENING_SHAPES: &[Shape] = &[];

/// The numbers of the calls that open a file.
#[cfg(target_arch = "x86_64")]
pub(crate) const OPENING: &[c_long] = &[libc::SYS_openat, libc::SYS_open, libc::SYS_creat];
/// The numbers of the calls that open a file.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const OPENING: &[c_long] = &[libc::SYS_openat];

/// Calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLD_SHAPES: &[Shape] = shapes! {
    SYS_pipe "pipe" [] Act;
    SYS_mknod "mknod" [Path] Act;
    SYS_unlink "unlink" [Path] Act;
    SYS_rename "rename" [Path Path] Act;
    SYS_rmdir "rmdir" [Path] Act;
    SYS_alarm "alarm" [Number] Neutral;
    SYS_pause "pause" [] Ask;
    SYS_poll "poll" [Polled] Ask;
    SYS_select "select" [Number] Ask;
    SYS_epoll_wait "epoll_wait" [Number] Ask;
    SYS_fork "fork" [] Act;
    SYS_vfork "vfork" [] Act;
};
#[cfg(not(target_arch = "x86_64"))]
const OLD_SHAPES: &[Shape] = &[];

/// The calls of [`OLD_SHAPES`], and what the C library makes where there are none: a lab that names one
/// means both.
#[cfg(target_arch = "x86_64")]
const REPLACED: &[(&str, &str)] = &[];
#[cfg(not(target_arch = "x86_64"))]
const REPLACED: &[(&str, &str)] = &[
    ("pipe", "pipe2"),
    ("mknod", "mknodat"),
    ("unlink", "unlinkat"),
    ("rename", "renameat"),
    ("rmdir", "unlinkat"),
    ("alarm", "setitimer"),
    ("pause", "ppoll"),
    ("poll", "ppoll"),
    ("select", "pselect6"),
    ("epoll_wait", "epoll_pwait"),
    ("fork", "clone"),
    ("vfork", "clone"),
];

fn shape(nr: i64) -> Option<&'static Shape> {
    let shapes = SHAPES.iter().chain(OLD_SHAPES).chain(TIMED_SHAPES);
    let shapes = shapes.chain(WAITING_SHAPES);
    let opening = OPENING_SHAPES.iter().chain(OLD_OPENING_SHAPES);
    shapes.chain(opening).find(|shape| shape.nr == nr)
}

/// How the arguments of a call are shown, in their order.
pub(super) fn shown_as(nr: i64) -> &'static [Show] {
    shape(nr).map_or(&[], |shape| shape.show)
}

/// The numbers the seccomp filter stops at whatever the arguments.
pub(crate) fn of_interest() -> Vec<i64> {
    let asking = super::time::ASKING.iter().copied();
    SHAPES
        .iter()
        .chain(OLD_SHAPES)
        .map(|shape| shape.nr)
        .chain(asking.filter(|&nr| nr != libc::SYS_getsockopt))
        .chain(super::entry::MAKES_IPC)
        .collect()
}

/// The call's name, or `syscall N`.
pub(crate) fn name(nr: i64) -> String {
    shape(nr).map_or_else(|| format!("syscall {nr}"), |shape| shape.name.to_owned())
}

/// Whether a call that has begun returns without waiting for anybody.
pub(crate) fn returns_at_once(nr: i64) -> bool {
    let waits = matches!(
        nr,
        libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_connect
            | libc::SYS_wait4
            | libc::SYS_waitid
    ) || TIMED_SHAPES.iter().chain(WAITING_SHAPES).any(|shape| shape.nr == nr)
        // Of a FIFO that nobody has at its other end.
        || OPENING.contains(&nr)
        || shape(nr).is_some_and(|shape| shape.name == "vfork");
    !waits && matches!(kind(nr), Kind::Act | Kind::Neutral)
}

/// Whether a call makes a pipe.
pub(crate) fn makes_pipe(nr: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if nr == libc::SYS_pipe {
        return true;
    }
    nr == libc::SYS_pipe2
}

/// Whether a call makes a FIFO: mknod(2).
pub(crate) fn makes_fifo(nr: i64, args: &[u64; 6]) -> bool {
    let mode = match nr {
        libc::SYS_mknodat => args[2],
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mknod => args[1],
        _ => return false,
    };
    mode & u64::from(libc::S_IFMT) == u64::from(libc::S_IFIFO)
}

/// The kind of a call.
pub(crate) fn kind(nr: i64) -> Kind {
    shape(nr).map_or(Kind::Neutral, |shape| shape.kind)
}

/// Whether a result is progress.
pub(crate) fn progress(nr: i64, result: i64) -> Progress {
    match kind(nr) {
        Kind::Neutral => Progress::Neutral,
        // A parent that asks again and again with WNOHANG gets 0.
        Kind::Receive | Kind::Send if result > 0 => Progress::Made,
        Kind::Act if result > 0 || (result == 0 && nr != libc::SYS_wait4) => Progress::Made,
        // What only asks is none either.
        _ => Progress::None,
    }
}

fn disturbed() -> impl Iterator<Item = &'static Shape> {
    let always = SHAPES.iter().chain(OLD_SHAPES);
    always.chain(TIMED_SHAPES).chain(WAITING_SHAPES)
}

/// The number behind a call's name; names of calls that are not of interest are unknown.
pub(crate) fn number(name: &str) -> Option<i64> {
    let made_of_it = REPLACED.iter().find(|(old, _)| *old == name);
    let name = made_of_it.map_or(name, |(_, new)| new);
    disturbed()
        .find(|shape| shape.name == name)
        .map(|shape| shape.nr)
}

/// The names that a [`Disturbance`](crate::plan::Disturbance) may use.
#[must_use]
pub fn watched_calls() -> Vec<&'static str> {
    let replaced = REPLACED.iter().map(|(old, _)| *old);
    disturbed()
        .map(|shape| shape.name)
        .chain(replaced)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_mknod_makes_only_a_fifo_is_a_pipe() {
        let made = |kind: u32| {
            let args = [0, 0, u64::from(kind | 0o666), 0, 0, 0];
            makes_fifo(libc::SYS_mknodat, &args)
        };
        assert!(made(libc::S_IFIFO));
        assert!(!made(libc::S_IFREG) && !made(libc::S_IFSOCK));
        assert!(!makes_fifo(
            libc::SYS_openat,
            &[u64::from(libc::S_IFIFO); 6]
        ));
    }

    #[test]
    fn an_end_of_file_is_no_progress_and_a_byte_is() {
        assert_eq!(progress(libc::SYS_read, 0), Progress::None);
        assert_eq!(progress(libc::SYS_read, 1), Progress::Made);
        assert_eq!(progress(libc::SYS_accept, -11), Progress::None);
        assert_eq!(progress(libc::SYS_wait4, 0), Progress::None);
        assert_eq!(progress(libc::SYS_bind, 0), Progress::Made);
        assert_eq!(progress(libc::SYS_futex, 0), Progress::Neutral);
    }
}
