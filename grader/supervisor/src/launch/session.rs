//! A session with a controlling terminal whose leader outlives the program, as a login shell does.
//!
//! When the leader of a session ends, the kernel hangs its terminal up: children that go on get
//! `SIGHUP`, and nobody can see any more how the terminal was left. So the leader is not the
//! program but a process that only waits. The program is made with `CLONE_PARENT`: the helper's
//! child like any other.

use std::os::fd::RawFd;

use nix::errno::Errno;

/// Length of a message: the program's pid, or a negative `errno`.
pub(super) const MESSAGE: usize = 4;

/// Makes the calling process, a child of the helper with one thread, the leader of a session with
/// the terminal `terminal`, and tells the program's pid through `report`. Returns in the program
/// only; the leader never returns.
pub(super) fn lead(terminal: RawFd, report: RawFd) {
    // SAFETY: plain system calls with numbers. With no stack of its own the clone goes on in a copy
    // of this one's memory, as after `fork`.
    let made = unsafe {
        if libc::setsid() < 0 || libc::ioctl(terminal, libc::TIOCSCTTY, 0) < 0 {
            -1
        } else {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
            let flags = libc::CLONE_PARENT | libc::SIGCHLD;
            libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0)
        }
    };
    if made == 0 {
        return;
    }
    let told = if made < 0 {
        -Errno::last_raw()
    } else {
        // A pid fits.
        made as i32
    };
    let message = told.to_ne_bytes();
    // SAFETY: `message` is live and as long as said. What is closed belongs to this process only;
    // ends of pipes that it kept would never report their end.
    unsafe {
        libc::write(report, message.as_ptr().cast(), MESSAGE);
        crate::raw::close_from(0);
        if made < 0 {
            libc::_exit(127);
        }
        loop {
            libc::pause();
        }
    }
}

/// Makes the calling process a process group of its own, the one in the foreground of `terminal`.
pub(super) fn come_to_the_foreground(terminal: RawFd) -> Result<(), i32> {
    let done = |result: i32| {
        if result < 0 {
            Err(Errno::last_raw())
        } else {
            Ok(())
        }
    };
    // SAFETY: plain system calls on live values. Who is in the background may do this only while it
    // blocks SIGTTOU, tcsetpgrp(3); the mask is reset later.
    unsafe {
        done(libc::setpgid(0, 0))?;
        let mut blocked = std::mem::zeroed();
        libc::sigemptyset(&raw mut blocked);
        libc::sigaddset(&raw mut blocked, libc::SIGTTOU);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const blocked, std::ptr::null_mut());
        let own = libc::getpid();
        done(libc::ioctl(terminal, libc::TIOCSPGRP, &raw const own))
    }
}
