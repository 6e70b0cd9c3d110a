//! What `/proc` says about processes and threads.
//!
//! Everything here tolerates processes that vanish: `None` means "gone" (or never there), and
//! what exists but may not be read is said to be unreadable, so that nobody takes it for quiet.
//! Functions that take a `pid` also take the tid of any thread of it: `/proc/TID` exists for
//! every thread, and descriptors are looked up in that thread's table.

mod fds;
mod scan;
mod sockets;
pub(crate) mod tree;

use std::io;

pub use fds::{
    Access, Link, access, epoll_targets, fd_flags, fd_link, fds, inode_of, is_terminal,
    timerfd_remaining,
};
pub(crate) use fds::{forget_descriptors, timerfd_mark};
pub use scan::{NOT_IN_CALL, RUNNING, Scanner, ThreadScan, UNREADABLE};
pub(crate) use sockets::listed_socket;

/// The threads of a process in order of their tids; `None` when the process is gone.
#[must_use]
pub fn threads_of(pid: i32) -> Option<Vec<i32>> {
    let mut tids: Vec<i32> = std::fs::read_dir(format!("/proc/{pid}/task"))
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    tids.sort_unstable();
    (!tids.is_empty()).then_some(tids)
}

/// CPU time a thread has used, in nanoseconds (`/proc/PID/task/TID/schedstat`).
#[must_use]
pub fn cpu_ns(pid: i32, tid: i32) -> Option<u64> {
    time_of_thread(pid, tid).map(|(ran, _)| ran)
}

/// How long a thread has run and how long it was ready to, in nanoseconds
/// (`/proc/PID/task/TID/schedstat`).
pub(crate) fn time_of_thread(pid: i32, tid: i32) -> Option<(u64, u64)> {
    let text = std::fs::read(format!("/proc/{pid}/task/{tid}/schedstat")).ok()?;
    let mut numbers = text.split(|&b| b == b' ').map(number);
    Some((numbers.next()??, numbers.next()??))
}

/// How long a process, those of its threads that have ended, and those of its children that it has
/// waited for, have run: `utime` to `cstime` of `/proc/PID/stat`, in ticks of the clock.
pub(crate) fn ticks_of_process(pid: i32) -> Option<u64> {
    let (_, rest) = stat(pid)?;
    // The state is the third field, `utime` the 14th.
    let times = rest.split(|&b| b == b' ').skip(11).take(4);
    times.map(number).sum()
}

/// The largest address space a process has had, in bytes (`VmPeak`).
#[must_use]
pub fn peak_address_space(pid: i32) -> Option<u64> {
    let text = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let mut lines = text.split(|&b| b == b'\n');
    let kilobytes = lines.find_map(|line| number(line.strip_prefix(b"VmPeak:")?))?;
    Some(kilobytes.saturating_mul(1024))
}

/// Whether the process has POSIX timers (`timer_create`), armed or not: `/proc/PID/timers` does
/// not tell the difference.
///
/// # Errors
/// The error with which the file cannot be read; `ENOENT` also where the kernel has no such file.
pub fn posix_timers(pid: i32) -> io::Result<bool> {
    let text = std::fs::read(format!("/proc/{pid}/timers"))?;
    Ok(!text.trim_ascii().is_empty())
}

/// Whether a signal is pending for a thread or its process.
#[must_use]
pub(crate) fn is_pending(pid: i32, tid: i32, signal: i32) -> bool {
    let keys = [b"SigPnd:".as_slice(), b"ShdPnd:"];
    has_signal(pid, tid, &keys, signal)
}

/// Whether the process has a handler for a signal.
#[must_use]
pub(crate) fn is_caught(pid: i32, signal: i32) -> bool {
    has_signal(pid, pid, &[b"SigCgt:"], signal)
}

fn has_signal(pid: i32, tid: i32, keys: &[&[u8]], signal: i32) -> bool {
    signals(&thread_status(pid, tid), keys) >> (signal - 1) & 1 == 1
}

/// Whether a thread would have noticed none of the signals that are pending for it without a
/// tracer: the kernel drops what is ignored when it is sent, unless the process is traced. That
/// none is left says the same: another thread has taken it.
#[must_use]
pub(crate) fn hears_nothing(pid: i32, tid: i32) -> bool {
    const BY_DEFAULT: [i32; 4] = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
    let status = thread_status(pid, tid);
    let of = |keys: &[&[u8]]| signals(&status, keys);
    let by_default = BY_DEFAULT.iter().fold(0, |set, s| set | 1 << (s - 1));
    let pending = of(&[b"SigPnd:", b"ShdPnd:"]) & !of(&[b"SigBlk:"]);
    let ignored = of(&[b"SigIgn:"]) | by_default & !of(&[b"SigCgt:"]);
    pending & !ignored == 0
}

fn thread_status(pid: i32, tid: i32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default()
}

/// The union of some sets of signals in a thread's status.
fn signals(status: &[u8], keys: &[&[u8]]) -> u64 {
    status
        .split(|&b| b == b'\n')
        .filter_map(|line| keys.iter().find_map(|key| line.strip_prefix(*key)))
        .filter_map(|mask| radix(mask, 16))
        .fold(0, |union, mask| union | mask)
}

/// The parent's pid.
#[must_use]
pub fn ppid(pid: i32) -> Option<i32> {
    let (_, rest) = stat(pid)?;
    number(rest.split(|&b| b == b' ').nth(1)?).and_then(|n| i32::try_from(n).ok())
}

/// The state letter of a process or thread: `R`, `S`, `D`, `T`, `t`, `Z`, `X`.
#[must_use]
pub fn state(pid: i32) -> Option<u8> {
    let (state, _) = stat(pid)?;
    Some(state)
}

/// Whether the process still exists and is not a zombie.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    !matches!(state(pid), None | Some(b'Z' | b'X'))
}

/// The executable's path.
#[must_use]
pub fn exe(pid: i32) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    std::fs::read_link(format!("/proc/{pid}/exe"))
        .ok()
        .map(|p| p.into_os_string().into_vec())
}

/// State letter, and what follows the name in `/proc/PID/stat` (state first).
fn stat(pid: i32) -> Option<(u8, Vec<u8>)> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain blanks and parentheses; it ends at the last one.
    let end = text.iter().rposition(|&b| b == b')')?;
    let rest = text.get(end + 2..)?.to_vec();
    Some((*rest.first()?, rest))
}

/// Decimal digits after blanks.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    radix(text, 10)
}

/// Digits of a radix up to 16 after blanks, an `0x` allowed; `None` where there is none or they
/// do not fit.
pub(crate) fn radix(text: &[u8], radix: u32) -> Option<u64> {
    let text = text.trim_ascii_start();
    let text = if radix == 16 {
        text.strip_prefix(b"0x").unwrap_or(text)
    } else {
        text
    };
    let mut value: u64 = 0;
    let mut any = false;
    for &b in text {
        let Some(digit) = char::from(b).to_digit(radix) else {
            break;
        };
        value = value
            .checked_mul(u64::from(radix))?
            .checked_add(u64::from(digit))?;
        any = true;
    }
    any.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::gettid;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_printed(n: u64) {
            prop_assert_eq!(number(format!("  {n}\n").as_bytes()), Some(n));
            prop_assert_eq!(radix(format!("0x{n:x} ").as_bytes(), 16), Some(n));
            prop_assert_eq!(radix(format!("0{n:o}").as_bytes(), 8), Some(n));
        }

        #[test]
        fn numbers_never_panic(bytes: Vec<u8>) {
            let _ = (number(&bytes), radix(&bytes, 16));
        }
    }

    #[test]
    fn this_process_is_found() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert_eq!(ppid(pid), Some(nix::unistd::getppid().as_raw()));
        assert!(threads_of(pid).unwrap().contains(&pid));
        assert!(cpu_ns(pid, pid).is_some());
        let before = ticks_of_process(pid).unwrap();
        let own = gettid().as_raw();
        // Three ticks of the clock, or more where it ticks faster.
        while time_of_thread(pid, own).unwrap().0 < 30_000_000 {}
        assert!(ticks_of_process(pid).unwrap() > before);
        assert!(is_alive(pid));
        assert_eq!(
            exe(pid).unwrap(),
            std::env::current_exe()
                .unwrap()
                .as_os_str()
                .as_encoded_bytes()
        );
        assert!(!posix_timers(pid).unwrap());
    }

    #[test]
    fn a_vanished_process_is_none() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        child.wait().unwrap();
        assert_eq!(threads_of(pid), None);
        assert_eq!(fds(pid), None);
        assert_eq!(fd_link(pid, 0), None);
        assert_eq!(cpu_ns(pid, pid), None);
        assert_eq!(state(pid), None);
        assert_eq!(Scanner::new().scan(pid, pid), None);
    }
}
