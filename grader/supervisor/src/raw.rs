//! System calls as the kernel answers them, without the C library: who shares memory with another
//! process must not write to the `errno` it would share too.

use std::os::fd::RawFd;

/// What a call gives, or its `errno`.
pub(crate) type Answer = Result<i64, i32>;

/// A call with up to five arguments.
///
/// # Safety
/// As for the call: pointers among the arguments must be live and as long as it reads or writes.
pub(crate) unsafe fn call<const N: usize>(number: libc::c_long, arguments: [usize; N]) -> Answer {
    const { assert!(N <= 5) };
    let mut five = [0; 5];
    for (place, argument) in five.iter_mut().zip(arguments) {
        *place = argument;
    }
    // SAFETY: the caller answers for the arguments.
    let result = unsafe { enter(number, five) };
    // The last page of addresses is the kernel's, and its numbers are errors.
    if (-4095..0).contains(&result) {
        Err(-result as i32)
    } else {
        Ok(result as i64)
    }
}

/// # Safety
/// See [`call`].
#[cfg(target_arch = "x86_64")]
unsafe fn enter(number: libc::c_long, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the kernel changes these three registers and what the arguments point to, for which
    // the caller answers; the flags too, which is assumed anyway.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") 0usize,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// # Safety
/// See [`call`].
#[cfg(target_arch = "aarch64")]
unsafe fn enter(number: libc::c_long, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result;
    // SAFETY: the kernel changes the first register and what the arguments point to, for which the
    // caller answers.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            in("x4") e,
            in("x5") 0usize,
            options(nostack),
        );
    }
    result
}

/// A number as an argument; a negative one is extended, as the kernel expects it.
pub(crate) fn number(value: i32) -> usize {
    value as isize as usize
}

/// A pointer as an argument.
pub(crate) fn at<T>(pointer: *const T) -> usize {
    pointer as usize
}

/// What poll(2) is asked about a descriptor; a negative one is passed over.
pub(crate) fn to_poll(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

/// `prctl` with one number.
pub(crate) fn prctl(option: i32, value: usize) -> Answer {
    // SAFETY: only used with options that take a number.
    unsafe { call(libc::SYS_prctl, [number(option), value, 0, 0, 0]) }
}

/// Writes; how many bytes.
pub(crate) fn write(fd: RawFd, bytes: &[u8]) -> Answer {
    let arguments = [number(fd), at(bytes.as_ptr()), bytes.len()];
    // SAFETY: `bytes` is live and as long as said; a wrong descriptor is an error.
    unsafe { call(libc::SYS_write, arguments) }
}

/// Ends the process, without running anything of the parent's.
pub(crate) fn exit(code: i32) -> ! {
    loop {
        // SAFETY: takes a number. It does not return.
        let _ = unsafe { call(libc::SYS_exit_group, [number(code)]) };
    }
}

/// Closes this process's own copy of a descriptor whose owner is somebody in another process: as far as
/// the owner's value goes, nothing is closed.
///
/// # Safety
/// Nothing in this process may use it afterwards.
pub(crate) unsafe fn close_copy(fd: &impl std::os::fd::AsRawFd) {
    // SAFETY: takes a number; the caller promises that nobody uses it.
    let _ = unsafe { call(libc::SYS_close, [number(fd.as_raw_fd())]) };
}

/// Closes all descriptors from `first` on.
///
/// # Safety
/// Nothing in this process may use them afterwards.
pub(crate) unsafe fn close_from(first: RawFd) {
    // SAFETY: the caller promises that nobody uses them.
    unsafe {
        let all = [number(first), u32::MAX as usize, 0];
        if call(libc::SYS_close_range, all).is_err() {
            // Before Linux 5.9. The helper has few descriptors, all low.
            for fd in first..1024 {
                let _ = call(libc::SYS_close, [number(fd)]);
            }
        }
    }
}

/// The set of signals to block, changed to `set`; the one before.
pub(crate) fn block_signals(set: u64) -> Result<u64, i32> {
    let mut before = 0u64;
    let arguments = [
        number(libc::SIG_SETMASK),
        at(&raw const set),
        at(&raw mut before),
        size_of::<u64>(),
    ];
    // SAFETY: both sets are live and as long as said.
    unsafe { call(libc::SYS_rt_sigprocmask, arguments) }?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn answers_and_errors_are_told_apart_and_errno_is_left_alone() {
        Errno::set_raw(1234);
        // SAFETY: takes no argument.
        let pid = unsafe { call(libc::SYS_getpid, []) };
        assert_eq!(pid, Ok(i64::from(std::process::id())));
        assert_eq!(write(-1, b"x"), Err(libc::EBADF));
        assert_eq!(prctl(-1, 0), Err(libc::EINVAL));
        assert_eq!(Errno::last_raw(), 1234);
    }
}
