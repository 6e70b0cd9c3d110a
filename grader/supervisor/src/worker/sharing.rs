//! A helper that shares the worker's memory: to copy it for each scenario, to have it fault in page by
//! page and to take it down again costs more than starting a program does.
//!
//! As with a scoped thread, but it is a process of its own, with namespaces, descriptors and a user of
//! its own. The C library knows only one thread and keeps that one's things (`errno`, what the allocator
//! holds in store) where both would find them. So until the helper has ended the worker makes no call of
//! the C library and allocates nothing.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

use crate::isolation::sys;
use crate::raw::{self, at, number, to_poll};
use crate::stack::Stack;
use crate::wire::HelperEnd;

/// Bytes of the helper's stack, as many as the first thread of a process has.
const STACK: usize = 8 << 20;

/// What became of a helper.
#[derive(Debug)]
pub(super) struct Ended {
    /// How it ended.
    pub(super) end: HelperEnd,
    /// It came to its proper end. Otherwise nobody knows what it was about to change in the memory.
    pub(super) returned: bool,
    /// The caller was gone, and the helper was killed for it.
    pub(super) caller_left: bool,
}

/// A place for one helper at a time.
#[derive(Debug)]
pub(super) struct Sharing(Stack);

/// What the helper finds.
struct Job<F> {
    /// It takes it.
    work: Option<F>,
    returned: AtomicBool,
}

impl Sharing {
    /// # Errors
    /// Those of `mmap`.
    pub(super) fn new() -> std::io::Result<Self> {
        Stack::new(STACK).map(Self)
    }

    /// Has a new process do `work` and exit with the code it gives, and waits for its end. It is killed
    /// once nobody holds the other end of `caller` any more.
    ///
    /// # Errors
    /// Those of `clone`.
    ///
    /// # Safety
    /// The calling process must have one thread.
    pub(super) unsafe fn run<F: FnOnce() -> i32>(
        &self,
        namespaces: i32,
        caller: BorrowedFd<'_>,
        work: F,
    ) -> nix::Result<Ended> {
        let mut job = Job {
            work: Some(work),
            returned: AtomicBool::new(false),
        };
        let flags = namespaces | libc::CLONE_VM | libc::CLONE_PIDFD | libc::SIGCHLD;
        let mut ended: RawFd = -1;
        let argument = (&raw mut job).cast();
        // SAFETY: the stack is the child's alone and stays, as does the job: this function waits for its
        // end, and touches nothing meanwhile but what is its own.
        let pid = unsafe { libc::clone(enter::<F>, self.0.top(), flags, argument, &raw mut ended) };
        let pid = Errno::result(pid)?;
        let Ok((end, caller_left)) = attend(pid, ended, caller.as_raw_fd()) else {
            // It has the memory still, and ends with us.
            raw::exit(1)
        };
        // SAFETY: the kernel has made this descriptor for us, and nobody else knows of it.
        let _ = unsafe { raw::call(libc::SYS_close, [number(ended)]) };
        Ok(Ended {
            end,
            returned: job.returned.load(Ordering::Relaxed),
            caller_left,
        })
    }
}

extern "C" fn enter<F: FnOnce() -> i32>(job: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `run` passes its job, and does not touch it before this process has ended.
    let job = unsafe { &mut *job.cast::<Job<F>>() };
    let work = job.work.take();
    match std::panic::catch_unwind(AssertUnwindSafe(|| work.map(|work| work()))) {
        Ok(Some(code)) => {
            job.returned.store(true, Ordering::Relaxed);
            code
        }
        // As after a panic in `main`.
        Ok(None) | Err(_) => 101,
    }
}

/// Waits for the child `pid`, whose descriptor is `ended`; kills it if the other end of `caller` is gone,
/// which is the second answer. Without the C library.
pub(super) fn attend(pid: i32, ended: RawFd, caller: RawFd) -> nix::Result<(HelperEnd, bool)> {
    let mut caller_left = false;
    loop {
        let mut watched = [to_poll(ended, libc::POLLIN), to_poll(caller, libc::POLLHUP)];
        let arguments = [at(watched.as_mut_ptr()), watched.len(), 0, 0, 0];
        // SAFETY: the array is live and as long as said; no time and no mask are given.
        match unsafe { raw::call(libc::SYS_ppoll, arguments) } {
            Ok(_) | Err(libc::EINTR) => {}
            Err(errno) => return Err(Errno::from_raw(errno)),
        }
        let [helper, caller] = watched.map(|fd| fd.revents != 0);
        if helper {
            break;
        }
        if caller {
            caller_left = true;
            let arguments = [number(pid), number(libc::SIGKILL)];
            // SAFETY: takes numbers. It is ours and not yet collected, so the pid is still its.
            let _ = unsafe { raw::call(libc::SYS_kill, arguments) };
            break;
        }
    }
    Ok((sys::wait_for(pid)?, caller_left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    /// The other threads of the tests have things of their own that the C library keeps; those of this
    /// one are the child's meanwhile.
    fn run(caller: &UnixStream, work: &mut dyn FnMut() -> i32) -> Ended {
        let sharing = Sharing::new().unwrap();
        // SAFETY: as just said.
        unsafe { sharing.run(0, caller.as_fd(), work) }.unwrap()
    }

    #[test]
    fn what_the_helper_makes_is_found_and_its_code_is_told() {
        let (_near, far) = UnixStream::pair().unwrap();
        let own = std::process::id();
        let mut made = Vec::new();
        let ended = run(&far, &mut || {
            made.push(format!("by another: {}", std::process::id() != own));
            // SAFETY: the socket is not used here.
            unsafe { raw::close_copy(&far) };
            7
        });
        assert_eq!(made, ["by another: true"]);
        assert_eq!(ended.end, HelperEnd::Code(7));
        assert!(ended.returned && !ended.caller_left);
        assert!(far.peer_addr().is_ok());
    }

    #[test]
    fn whoever_does_not_return_is_told_from_who_does() {
        let (_near, far) = UnixStream::pair().unwrap();
        let panicked = run(&far, &mut || panic!("as a test"));
        assert_eq!(panicked.end, HelperEnd::Code(101));
        assert!(!panicked.returned);
        let left = run(&far, &mut || raw::exit(7));
        assert_eq!(left.end, HelperEnd::Code(7));
        assert!(!left.returned);
        let killed = run(&far, &mut || {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
            7
        });
        assert_eq!(killed.end, HelperEnd::Signal(libc::SIGKILL));
        assert!(!killed.returned && !killed.caller_left);
    }

    #[test]
    fn without_a_caller_the_helper_is_killed() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(near);
        let ended = run(&far, &mut || {
            loop {
                nix::unistd::pause();
            }
        });
        assert_eq!(ended.end, HelperEnd::Signal(libc::SIGKILL));
        assert!(ended.caller_left && !ended.returned);
    }
}
