//! `fork` as a safe function, for code that may contain no `unsafe`.

use std::io;

use nix::unistd::{ForkResult, Pid};

/// On which side of [`fork`] the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// In the process that called; the new child's id.
    Parent(Pid),
    /// In the new child.
    Child,
}

/// `fork(2)`, allowed only in a process that has one thread.
///
/// # Errors
///
/// [`io::ErrorKind::Unsupported`] when the process has other threads; otherwise what reading
/// `/proc/self/status` or `fork(2)` reports.
pub fn fork() -> io::Result<Forked> {
    let threads = threads()?;
    if threads != 1 {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("cannot fork a process that has {threads} threads"),
        ));
    }
    // SAFETY: what makes fork unsafe is another thread, whose locks (the allocator's, stdio's) and
    // half-done changes the child would inherit without the thread that ends them. The caller is
    // the only thread, as the kernel has just said, and no other thread exists that could start
    // one in between.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Forked::Parent(child)),
        ForkResult::Child => Ok(Forked::Child),
    }
}

/// Number of threads of this process (proc_pid_status(5), `Threads`).
fn threads() -> io::Result<usize> {
    let status = std::fs::read("/proc/self/status")?;
    status
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Threads:"))
        .and_then(|value| str::from_utf8(value).ok()?.trim().parse().ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "no thread count in /proc/self/status",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    // That the fork itself works is shown by the tests of the reference programs: a test of the
    // standard harness never has one thread.
    #[test]
    fn refuses_beside_another_thread() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        let refused = fork().expect_err("two threads at least");
        assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
        drop(release);
        assert!(other.join().expect("no panic").is_err());
    }

    #[test]
    fn counts_this_thread() {
        assert!(threads().expect("/proc is there") >= 1);
    }
}
