//! Ending everything that runs below a process.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

/// Kills and collects every child of this process, and again those it inherits by that, until
/// there is none. This process must be PID 1 of its namespace or a child subreaper.
pub(crate) fn end_everything() {
    loop {
        for child in children() {
            // It may be gone already.
            let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
        }
        // Collect one, waiting, and go on: its children are ours now.
        // SAFETY: no status is asked for.
        let collected = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) };
        if collected < 0 && Errno::last() == Errno::ECHILD {
            return;
        }
    }
}

/// The children of this process.
fn children() -> Vec<i32> {
    let own = getpid();
    let list = fs::read_to_string(format!("/proc/self/task/{own}/children"));
    if let Ok(list) = list {
        return list
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect();
    }
    // Without CONFIG_PROC_CHILDREN: look at everybody's parent.
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name, in parentheses, may contain anything: the state follows the last one.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(own.to_string().as_str())
    })
    .collect()
}
