//! A child that shares this process's memory until it executes a program: copying the memory for
//! somebody who throws it away is most of what `fork` costs.
//!
//! As `posix_spawn` does it, but the parent goes on meanwhile: it has to attach to the child before
//! that executes. So the child has a stack of its own and touches nothing else that the parent may be
//! changing: see `child.rs`.

use std::io;

use nix::errno::Errno;

use super::child::Start;
use crate::raw;

/// Bytes of the child's stack; it needs a tenth of that in a build without optimisation.
const STACK: usize = 64 << 10;
/// Below it, what nobody may touch; no page is larger.
const GUARD: usize = 64 << 10;

/// Starts a child that runs `start`; its pid. No signal reaches it before it has reset them.
///
/// # Errors
/// Those of `mmap`, `mprotect`, `sigprocmask` and `clone`.
pub(super) fn spawn(start: &'static Start) -> io::Result<i32> {
    let top = stack()?;
    // A handler of ours must not run in the child: it would find our memory.
    let blocked = raw::block_signals(u64::MAX).map_err(io::Error::from_raw_os_error)?;
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    let argument = std::ptr::from_ref(start).cast_mut().cast();
    // SAFETY: the stack is the child's alone and stays, as does what `start` refers to; `run` changes
    // nothing outside its stack. Descriptors, directory and actions of signals are copies.
    let pid = unsafe { libc::clone(run, top, flags, argument) };
    let made = Errno::result(pid);
    raw::block_signals(blocked).map_err(io::Error::from_raw_os_error)?;
    Ok(made?)
}

extern "C" fn run(start: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `spawn` passes a `&'static Start`.
    let start: &'static Start = unsafe { &*start.cast_const().cast() };
    start.run()
}

/// The upper end of a new stack. It is never given back: when the child has left it is known to
/// nobody, and a helper starts few programs.
fn stack() -> io::Result<*mut libc::c_void> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
    let none = std::ptr::null_mut();
    // SAFETY: a fresh mapping, which nothing refers to.
    let base = unsafe { libc::mmap(none, GUARD + STACK, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the upper part of the mapping made above; its end is aligned to a page.
    unsafe {
        let usable = base.byte_add(GUARD);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        if libc::mprotect(usable, STACK, protection) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(usable.byte_add(STACK))
    }
}
