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
use crate::stack::Stack;

/// Bytes of the child's stack; it needs a tenth of that in a build without optimisation.
const STACK: usize = 64 << 10;

/// The memory that children use: lent to them until all of them have executed a program or are gone,
/// which the worker knows when everything below it has ended.
#[derive(Debug, Default)]
pub(crate) struct Lent {
    used: Vec<(Box<Start>, Stack)>,
    free: Vec<Stack>,
}

impl Lent {
    /// Takes everything back. For whoever has seen all children end.
    pub(crate) fn take_back(&mut self) {
        let back = self.used.drain(..).map(|(_, stack)| stack);
        self.free.extend(back);
    }
}

/// Starts a child that runs `start`; its pid. No signal reaches it before it has reset them.
///
/// # Errors
/// Those of `mmap`, `mprotect`, `sigprocmask` and `clone`.
pub(super) fn spawn(lent: &mut Lent, start: Start) -> io::Result<i32> {
    let stack = match lent.free.pop() {
        Some(stack) => stack,
        None => Stack::new(STACK)?,
    };
    let start = Box::new(start);
    let argument = std::ptr::from_ref::<Start>(&start).cast_mut().cast();
    let top = stack.top();
    lent.used.push((start, stack));
    // A handler of ours must not run in the child: it would find our memory.
    let blocked = raw::block_signals(u64::MAX).map_err(io::Error::from_raw_os_error)?;
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    // SAFETY: the stack is the child's alone and stays, as does what `start` refers to, until `Lent` is
    // taken back; `run` changes nothing outside its stack. Descriptors, directory and actions of
    // signals are copies.
    let pid = unsafe { libc::clone(run, top, flags, argument) };
    let made = Errno::result(pid);
    raw::block_signals(blocked).map_err(io::Error::from_raw_os_error)?;
    Ok(made?)
}

extern "C" fn run(start: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `spawn` passes a `&Start` that stays for as long as this process shares the memory.
    let start: &Start = unsafe { &*start.cast_const().cast() };
    start.run()
}
