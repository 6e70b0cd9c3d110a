//! The system calls of interest: their names, how a person writes their arguments, and whether a
//! result is progress.

use libc::c_long;

use super::opening;
use crate::bytes::escape;
use crate::memory;
use crate::plan::Address;

/// How one argument is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
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
    SYS_renameat2 "renameat2" [Number Path] Act;
    SYS_timer_create "timer_create" [Number] Neutral;
    SYS_timer_settime "timer_settime" [Number] Neutral;
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

fn shape(nr: i64) -> Option<&'static Shape> {
    let shapes = SHAPES.iter().chain(OLD_SHAPES).chain(TIMED_SHAPES);
    let opening = OPENING_SHAPES.iter().chain(OLD_OPENING_SHAPES);
    shapes.chain(opening).find(|shape| shape.nr == nr)
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
    ) || TIMED_SHAPES.iter().any(|shape| shape.nr == nr)
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

/// At most so many bytes of a call's data are kept.
const DATA_KEPT: usize = 256;
/// At most so many of them stand in the arguments.
const DATA_SHOWN: usize = 32;

/// `sizeof(struct sockaddr_un)`, unix(7).
const SOCKADDR_UN: usize = 110;

/// The arguments as a person writes them, and the data of a sending call; read at its entry.
pub(crate) fn render(tid: i32, nr: i64, args: &[u64; 6]) -> (String, Vec<u8>) {
    let mut out = Vec::new();
    let mut data = Vec::new();
    for (index, show) in shape(nr)
        .map_or(&[][..], |shape| shape.show)
        .iter()
        .enumerate()
    {
        let value = args[index];
        out.push(match show {
            Show::Directory if value as i32 == libc::AT_FDCWD => continue,
            // Arguments of these calls are C ints; the upper half of the register is noise.
            Show::Number | Show::Pid | Show::Directory => (value as i32).to_string(),
            Show::Hex => format!("{value:#x}"),
            Show::Polled => polled(tid, value, args[index + 1]),
            Show::Action => match action(tid, value) {
                Some(action) => action,
                None => continue,
            },
            Show::Signal => signal_name(value as i32),
            Show::Family => family_name(value as i32),
            Show::SocketType => socket_type_name(value as i32),
            Show::Direction => direction_name(value as i32),
            Show::Path => format!(
                "\"{}\"",
                escape(&memory::read_cstr(tid, value, 256).unwrap_or_default())
            ),
            Show::Opening => opening::flags(value as i32),
            Show::Address => {
                let raw = memory::read(
                    tid,
                    value,
                    usize::try_from(args[index + 1]).unwrap_or(0).min(128),
                );
                // All of the struct, however short the call says it is: it may cut the name.
                data = memory::read(tid, value, SOCKADDR_UN);
                parse_address(&raw).map_or_else(|| "?".to_owned(), |address| show_address(&address))
            }
            Show::Data => {
                let length = usize::try_from(args[index + 1]).unwrap_or(usize::MAX);
                data = memory::read(tid, value, length.min(DATA_KEPT));
                quote(&data, length)
            }
            Show::Vector => {
                data = gather(tid, value, args[index + 1]);
                quote(&data, data.len())
            }
        });
    }
    (out.join(", "), data)
}

/// The data of a receiving call that returned `result`; read at its exit.
pub(crate) fn received(tid: i32, nr: i64, args: &[u64; 6], result: i64) -> Vec<u8> {
    let Ok(length) = usize::try_from(result) else {
        return Vec::new();
    };
    match nr {
        libc::SYS_read | libc::SYS_recvfrom => memory::read(tid, args[1], length.min(DATA_KEPT)),
        libc::SYS_readv => {
            let mut data = gather(tid, args[1], args[2]);
            data.truncate(length);
            data
        }
        _ => Vec::new(),
    }
}

/// At most so many descriptors of a poll are named.
const POLLED_SHOWN: usize = 8;

/// The descriptors of a `struct pollfd` array, poll(2): those that are not negative, which it passes over.
fn polled(tid: i32, array: u64, count: u64) -> String {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let raw = memory::read(
        tid,
        array,
        count.min(POLLED_SHOWN) * size_of::<libc::pollfd>(),
    );
    let mut shown: Vec<String> = raw
        .chunks_exact(size_of::<libc::pollfd>())
        .filter_map(|entry| Some(i32::from_ne_bytes(entry.get(..4)?.try_into().ok()?)))
        .filter(|&fd| fd >= 0)
        .map(|fd| fd.to_string())
        .collect();
    if count > POLLED_SHOWN {
        shown.push("…".to_owned());
    }
    format!("{{{}}}", shown.join(" "))
}

/// What a `struct sigaction` asks for: its first word is the handler on all architectures of ours.
/// `None` where the program only asks what was there before.
fn action(tid: i32, act: u64) -> Option<String> {
    if act == 0 {
        return None;
    }
    let word = memory::read(tid, act, size_of::<usize>());
    let handler = usize::from_ne_bytes(word.try_into().ok()?);
    Some(match handler {
        libc::SIG_DFL => "SIG_DFL".to_owned(),
        libc::SIG_IGN => "SIG_IGN".to_owned(),
        _ => "a handler".to_owned(),
    })
}

/// The beginning of what an iovec array points to.
fn gather(tid: i32, vector: u64, count: u64) -> Vec<u8> {
    let mut data = Vec::new();
    for (base, length) in iovecs(tid, vector, count) {
        let room = DATA_KEPT - data.len();
        data.extend(memory::read(tid, base, length.min(room)));
        if data.len() >= DATA_KEPT {
            break;
        }
    }
    data
}

/// The entries of an iovec array (at most 16): base and length.
pub(crate) fn iovecs(tid: i32, vector: u64, count: u64) -> Vec<(u64, usize)> {
    let raw = memory::read(
        tid,
        vector,
        usize::try_from(count.min(16)).unwrap_or(0) * 16,
    );
    raw.chunks_exact(16)
        .map(|entry| {
            let word = |at: usize| {
                entry[at..at + 8]
                    .try_into()
                    .map(u64::from_ne_bytes)
                    .unwrap_or(0)
            };
            (word(0), usize::try_from(word(8)).unwrap_or(0))
        })
        .collect()
}

fn quote(data: &[u8], length: usize) -> String {
    let shown = &data[..data.len().min(DATA_SHOWN)];
    if length > shown.len() {
        format!("\"{}\"…, {length}", escape(shown))
    } else {
        format!("\"{}\"", escape(shown))
    }
}

/// A `struct sockaddr` as an address. `None` for other families.
///
/// A path is cut at its first NUL, as unix(7) says the kernel does; one that fills the whole
/// length has none.
pub(crate) fn parse_address(raw: &[u8]) -> Option<Address> {
    let family = i32::from(u16::from_ne_bytes(raw.get(..2)?.try_into().ok()?));
    match family {
        libc::AF_UNIX => match &raw[2..] {
            [] => None,
            [0, name @ ..] => Some(Address::Abstract(name.into())),
            path => {
                let end = path.iter().position(|&b| b == 0).unwrap_or(path.len());
                Some(Address::Path(path[..end].into()))
            }
        },
        libc::AF_INET => {
            let port = u16::from_be_bytes(raw.get(2..4)?.try_into().ok()?);
            let ip: [u8; 4] = raw.get(4..8)?.try_into().ok()?;
            Some(Address::Inet((ip, port).into()))
        }
        libc::AF_INET6 => {
            let port = u16::from_be_bytes(raw.get(2..4)?.try_into().ok()?);
            let ip: [u8; 16] = raw.get(8..24)?.try_into().ok()?;
            Some(Address::Inet((ip, port).into()))
        }
        _ => None,
    }
}

fn show_address(address: &Address) -> String {
    match address {
        Address::Path(path) => format!("\"{}\"", escape(path)),
        Address::Abstract(name) => {
            // Most programs give the whole struct: the rest of the name is NULs.
            let end = name
                .iter()
                .rposition(|&b| b != 0)
                .map_or(0, |last| last + 1);
            let more = if end < name.len() { "\\0…" } else { "" };
            format!("\"@{}{more}\"", escape(&name[..end]))
        }
        Address::Inet(inet) => inet.to_string(),
    }
}

fn family_name(family: i32) -> String {
    match family {
        libc::AF_UNIX => "AF_UNIX".to_owned(),
        libc::AF_INET => "AF_INET".to_owned(),
        libc::AF_INET6 => "AF_INET6".to_owned(),
        other => other.to_string(),
    }
}

fn socket_type_name(kind: i32) -> String {
    let mut name = match kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) {
        libc::SOCK_STREAM => "SOCK_STREAM".to_owned(),
        libc::SOCK_DGRAM => "SOCK_DGRAM".to_owned(),
        libc::SOCK_SEQPACKET => "SOCK_SEQPACKET".to_owned(),
        other => other.to_string(),
    };
    for (flag, flag_name) in [
        (libc::SOCK_CLOEXEC, "|SOCK_CLOEXEC"),
        (libc::SOCK_NONBLOCK, "|SOCK_NONBLOCK"),
    ] {
        if kind & flag != 0 {
            name.push_str(flag_name);
        }
    }
    name
}

fn direction_name(how: i32) -> String {
    match how {
        libc::SHUT_RD => "SHUT_RD".to_owned(),
        libc::SHUT_WR => "SHUT_WR".to_owned(),
        libc::SHUT_RDWR => "SHUT_RDWR".to_owned(),
        other => other.to_string(),
    }
}

/// `SIGTERM`, `SIGRTMIN+3`.
pub(crate) fn signal_name(signal: i32) -> String {
    // The first real-time signals are glibc's own; programs see SIGRTMIN as 34.
    match signal {
        34 => "SIGRTMIN".to_owned(),
        35..=64 => format!("SIGRTMIN+{}", signal - 34),
        _ => nix::sys::signal::Signal::try_from(signal)
            .map_or_else(|_| signal.to_string(), |signal| signal.as_str().to_owned()),
    }
}

/// The number behind a call's name; names of calls that are not of interest are unknown.
pub(crate) fn number(name: &str) -> Option<i64> {
    SHAPES
        .iter()
        .chain(OLD_SHAPES)
        .find(|shape| shape.name == name)
        .map(|shape| shape.nr)
}

/// The names that a [`Disturbance`](crate::plan::Disturbance) may use.
#[must_use]
pub fn watched_calls() -> Vec<&'static str> {
    SHAPES
        .iter()
        .chain(OLD_SHAPES)
        .map(|shape| shape.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_at_its_nul_and_an_abstract_name_does_not() {
        let family = u16::try_from(libc::AF_UNIX).unwrap().to_ne_bytes();
        let unix = |rest: &[u8]| parse_address(&[&family, rest].concat());
        assert_eq!(
            unix(b"/tmp/s\0\xfe\xfe"),
            Some(Address::Path("/tmp/s".into()))
        );
        assert_eq!(unix(b"/tmp/s"), Some(Address::Path("/tmp/s".into())));
        assert_eq!(unix(b"\0a\0b"), Some(Address::Abstract(b"a\0b"[..].into())));
        assert_eq!(unix(b""), None);
        assert_eq!(parse_address(b"\x01"), None);
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

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(15), "SIGTERM");
        assert_eq!(signal_name(34), "SIGRTMIN");
        assert_eq!(signal_name(36), "SIGRTMIN+2");
    }
}
