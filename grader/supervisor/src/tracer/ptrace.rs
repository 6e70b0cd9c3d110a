//! The ptrace and wait calls the tracer is made of: ptrace(2), wait4(2).
//!
//! `wait4` is libc's, not nix's: nix turns the status of a real-time signal into an error and
//! loses it.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// `PTRACE_EVENT_STOP`, which libc does not name.
const EVENT_STOP: i32 = 128;

/// A decoded stop or end of a tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// `exit(code)`.
    Exited(i32),
    /// Killed by a signal.
    Killed(i32),
    /// A call of interest is about to begin.
    Seccomp,
    /// The entry or exit of a call under `PTRACE_SYSCALL`.
    Syscall,
    /// fork, vfork or clone made a new task.
    Forked,
    /// A process replaced itself.
    Executed,
    /// Stopped by a stopping signal.
    GroupStop(i32),
    /// A stop without a cause of the program's: first stop, interrupt, end of a group stop.
    Trap,
    /// A signal is about to be delivered.
    Signal(i32),
}

fn decode(status: i32) -> Status {
    if libc::WIFEXITED(status) {
        return Status::Exited(libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        return Status::Killed(libc::WTERMSIG(status));
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_SECCOMP => Status::Seccomp,
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            Status::Forked
        }
        libc::PTRACE_EVENT_EXEC => Status::Executed,
        EVENT_STOP
            if matches!(
                signal,
                libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU
            ) =>
        {
            Status::GroupStop(signal)
        }
        0 if signal == libc::SIGTRAP | 0x80 => Status::Syscall,
        0 => Status::Signal(signal),
        _ => Status::Trap,
    }
}

/// The next status of any child or tracee, without waiting, and the processor time so far of its process
/// and of the children that it has waited for.
pub(crate) fn next_status() -> Option<(i32, Status, Duration)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let options = libc::__WALL | libc::WNOHANG;
    // SAFETY: `status` and `usage` are valid places for the results.
    let pid = unsafe { libc::wait4(-1, &raw mut status, options, usage.as_mut_ptr()) };
    // SAFETY: all bit patterns are valid for this struct of integers, and it was zeroed.
    let usage = unsafe { usage.assume_init() };
    (pid > 0).then(|| (pid, decode(status), processor_time(&usage)))
}

fn processor_time(usage: &libc::rusage) -> Duration {
    let parts = [usage.ru_utime, usage.ru_stime];
    let microseconds = parts.map(|part| part.tv_sec * 1_000_000 + part.tv_usec);
    Duration::from_micros(microseconds.iter().sum::<i64>().unsigned_abs())
}

/// Whether a status waits to be collected; does not collect it.
pub(crate) fn status_pending() -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // Stops of those we trace are told without `WSTOPPED`; an untraced child that is merely stopped
    // has nothing to collect.
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: `info` is a valid place for the result; zeroed, it reads as "none" where the kernel
    // leaves it untouched.
    unsafe {
        libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) == 0
            && info.assume_init().si_pid() != 0
    }
}

fn request(request: libc::c_uint, tid: i32, address: usize, data: usize) -> io::Result<i64> {
    // SAFETY: the requests used here take integers, or pointers to places that the callers below
    // own and that are as large as the request writes.
    let result = unsafe { libc::ptrace(request, tid, address, data) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Attaches without stopping the tracee; its descendants are attached by themselves, and all die
/// when the tracer does.
pub(crate) fn seize(pid: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACESECCOMP
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    request(
        libc::PTRACE_SEIZE,
        pid,
        0,
        usize::try_from(options).unwrap_or(0),
    )
    .map(drop)
}

fn signal_data(signal: i32) -> usize {
    usize::try_from(signal).unwrap_or(0)
}

// Every request below may meet a task that SIGKILL has just removed (ESRCH); its end is reported
// by the next wait, so these errors are dropped.

/// Lets a tracee run to its next call of interest, delivering `signal` (0: none).
pub(crate) fn resume(tid: i32, signal: i32) {
    let _ = request(libc::PTRACE_CONT, tid, 0, signal_data(signal));
}

/// As [`resume`], stopping at the next entry or exit of any call.
pub(crate) fn resume_to_syscall(tid: i32, signal: i32) {
    let _ = request(libc::PTRACE_SYSCALL, tid, 0, signal_data(signal));
}

/// Leaves a tracee in its group stop, listening for `SIGCONT`.
pub(crate) fn listen(tid: i32) {
    let _ = request(libc::PTRACE_LISTEN, tid, 0, 0);
}

/// Stops a running tracee. Visible to programs inside some calls (engine notes), so only for those
/// that compute.
pub(crate) fn interrupt(tid: i32) {
    let _ = request(libc::PTRACE_INTERRUPT, tid, 0, 0);
}

/// The message of the current event stop: the new task of a fork, the former tid of an exec.
pub(crate) fn event_message(tid: i32) -> Option<i32> {
    let mut message: libc::c_ulong = 0;
    request(
        libc::PTRACE_GETEVENTMSG,
        tid,
        0,
        (&raw mut message) as usize,
    )
    .ok()?;
    i32::try_from(message).ok()
}

/// What a syscall stop is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SyscallStop {
    /// About to begin.
    Entry {
        /// Number.
        nr: i64,
        /// Arguments.
        args: [u64; 6],
        /// Instruction pointer.
        ip: u64,
    },
    /// Returned, with the result or `-errno`.
    Exit(i64),
}

#[repr(C)]
struct SyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    ip: u64,
    sp: u64,
    data: [u64; 8],
}

/// `PTRACE_GET_SYSCALL_INFO` at a seccomp, entry or exit stop.
pub(crate) fn syscall_stop(tid: i32) -> Option<SyscallStop> {
    let mut info = SyscallInfo {
        op: 0,
        pad: [0; 3],
        arch: 0,
        ip: 0,
        sp: 0,
        data: [0; 8],
    };
    request(
        libc::PTRACE_GET_SYSCALL_INFO,
        tid,
        size_of::<SyscallInfo>(),
        (&raw mut info) as usize,
    )
    .ok()?;
    let data = &info.data;
    match info.op {
        1 | 3 => Some(SyscallStop::Entry {
            nr: data[0].cast_signed(),
            args: [data[1], data[2], data[3], data[4], data[5], data[6]],
            ip: info.ip,
        }),
        2 => Some(SyscallStop::Exit(data[0].cast_signed())),
        _ => None,
    }
}

/// `NT_ARM_SYSTEM_CALL` of `linux/elf.h`: the number of the system call.
#[cfg(target_arch = "aarch64")]
const NT_ARM_SYSTEM_CALL: libc::c_int = 0x404;

/// Reads or writes (`PTRACE_GETREGSET`, `PTRACE_SETREGSET`) the registers of a set.
fn register_set<T>(how: libc::c_uint, tid: i32, set: libc::c_int, place: *mut T) -> io::Result<()> {
    let mut vector = libc::iovec {
        iov_base: place.cast(),
        iov_len: size_of::<T>(),
    };
    let set = usize::try_from(set).unwrap_or(0);
    request(how, tid, set, (&raw mut vector) as usize).map(drop)
}

/// The general registers.
pub(crate) fn registers(tid: i32) -> io::Result<libc::user_regs_struct> {
    let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
    let place = registers.as_mut_ptr();
    register_set(libc::PTRACE_GETREGSET, tid, libc::NT_PRSTATUS, place)?;
    // SAFETY: all bit patterns are valid for this struct of integers, and the call filled it.
    Ok(unsafe { registers.assume_init() })
}

/// Sets the general registers.
pub(crate) fn set_registers(tid: i32, registers: &libc::user_regs_struct) -> io::Result<()> {
    let place = ptr::from_ref(registers).cast_mut();
    register_set(libc::PTRACE_SETREGSET, tid, libc::NT_PRSTATUS, place)
}

/// Sets the number of the call that is about to begin.
#[cfg(target_arch = "aarch64")]
pub(crate) fn set_call_number(tid: i32, number: i64) -> io::Result<()> {
    let mut number = number as libc::c_int;
    let place = &raw mut number;
    register_set(libc::PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, place)
}

/// Sends a signal to one thread.
pub(crate) fn signal_thread(pid: i32, tid: i32, signal: i32) {
    // SAFETY: takes integers only; a thread that is gone gives ESRCH.
    unsafe {
        libc::syscall(libc::SYS_tgkill, pid, tid, signal);
    }
}
