//! Ending everything that runs below a process.

use std::collections::BTreeSet;
use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use crate::proc;

/// Kills and collects every descendant of this process. It must be PID 1 of its namespace or a
/// child subreaper.
pub(crate) fn end_everything() {
    loop {
        if getpid().as_raw() == 1 {
            // All of the namespace at once: nobody can fork away from it.
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        } else {
            stop_all();
            signal_all(&descendants(), Signal::SIGKILL);
        }
        // Collect those that have ended or are about to: their children are ours now.
        loop {
            // SAFETY: no status is asked for.
            let collected = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) };
            if collected < 0 && Errno::last() == Errno::ECHILD {
                return;
            }
            if children().iter().any(|pid| is_running(*pid)) {
                break;
            }
        }
    }
}

/// Stops every descendant. Who forks faster than one by one can be killed is caught by this: the
/// stopped ones keep their places among the processes there may be, until there are no more.
fn stop_all() {
    let mut stopped = BTreeSet::new();
    loop {
        let found = descendants();
        let new: Vec<i32> = found
            .into_iter()
            .filter(|pid| stopped.insert(*pid))
            .collect();
        if new.is_empty() {
            return;
        }
        signal_all(&new, Signal::SIGSTOP);
    }
}

fn signal_all(pids: &[i32], signal: Signal) {
    for pid in pids {
        // It may be gone already.
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}

/// Neither ended nor on the way there by a SIGKILL that has arrived.
fn is_running(pid: i32) -> bool {
    proc::is_alive(pid) && !killed(pid).unwrap_or(true)
}

/// Whether a SIGKILL waits to be delivered.
fn killed(pid: i32) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let pending = ["SigPnd:", "ShdPnd:"].into_iter().any(|name| {
        let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
        let set = lines
            .next()
            .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
        set.is_some_and(|set| set & (1 << (libc::SIGKILL - 1)) != 0)
    });
    Some(pending)
}

/// Living processes below this one.
fn descendants() -> Vec<i32> {
    let mut found = children();
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        for child in children_of(pid) {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found.retain(|pid| proc::is_alive(*pid));
    found
}

/// The children of this process.
fn children() -> Vec<i32> {
    children_of(getpid().as_raw())
}

fn children_of(parent: i32) -> Vec<i32> {
    // A child belongs to the thread that forked it.
    let threads = proc::threads_of(parent).unwrap_or_default();
    let lists: Option<Vec<String>> = threads
        .iter()
        .map(|tid| fs::read_to_string(format!("/proc/{parent}/task/{tid}/children")).ok())
        .collect();
    if let Some(lists) = lists {
        return lists
            .iter()
            .flat_map(|list| list.split_whitespace())
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
    pids.filter(|pid| proc::ppid(*pid) == Some(parent))
        .collect()
}
