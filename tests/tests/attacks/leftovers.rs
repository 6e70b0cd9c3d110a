//! After the attacks: no process, mount, file, socket or shared memory of theirs is left.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Directories in which attacks try to leave something.
const PLACES: [&str; 12] = [
    "/", "/tmp", "/var/tmp", "/dev/shm", "/dev", "/etc", "/usr/bin", "/usr/lib", "/home", "/root",
    "/run", "/lab",
];

/// The machine before the attacks.
pub(crate) struct Before {
    mounts: BTreeSet<String>,
    memory: BTreeSet<String>,
    namespaces: BTreeSet<PathBuf>,
    held: usize,
    sockets: BTreeSet<String>,
}

impl Before {
    pub(crate) fn now() -> Self {
        Self {
            mounts: lines("/proc/self/mountinfo"),
            memory: ["shm", "sem", "msg"]
                .into_iter()
                .flat_map(|kind| identities(&format!("/proc/sysvipc/{kind}")))
                .collect(),
            namespaces: own_namespaces(),
            held: descriptors(),
            sockets: lines("/proc/net/unix")
                .into_iter()
                .filter(|line| line.contains("attack"))
                .collect(),
        }
    }

    pub(crate) fn nothing_is_left(&self) -> Result<(), String> {
        let mut left = Vec::new();
        let now = Self::now();
        left.extend(
            now.mounts
                .difference(&self.mounts)
                .map(|m| format!("mount {m}")),
        );
        left.extend(
            now.memory
                .difference(&self.memory)
                .map(|m| format!("System V: {m}")),
        );
        if now.namespaces != self.namespaces {
            left.push("our own namespaces have changed".to_owned());
        }
        // A namespace lives by a process, a mount or a descriptor.
        if now.held != self.held {
            left.push(format!(
                "{} descriptors of ours, not {}",
                now.held, self.held
            ));
        }
        left.extend(processes().into_iter().map(|p| format!("process {p}")));
        for place in PLACES {
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with("attack-") {
                    left.push(format!("file {place}/{name}"));
                }
            }
        }
        // Directories of the reduced rung, by what attacks put into them.
        let temporary = std::env::temp_dir();
        let temporary = [Path::new("/tmp"), &temporary];
        let entries = temporary.iter().flat_map(fs::read_dir);
        for entry in entries.flatten().flatten() {
            let lab = entry.path().join("lab");
            let ours = [
                "attacker",
                "locked",
                "dddddddddddddddddddd",
                "fifo",
                "place",
                "sparse",
            ];
            if ours
                .iter()
                .any(|name| lab.join(name).symlink_metadata().is_ok())
            {
                left.push(format!("directory {}", lab.display()));
            }
        }
        left.extend(
            now.sockets
                .difference(&self.sockets)
                .map(|line| format!("socket {line}")),
        );
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join("\n"))
        }
    }
}

fn lines(path: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Key and identifier of what System V has: counts change, these do not.
fn identities(path: &str) -> Vec<String> {
    let of = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().take(2).collect();
        format!("{path} {}", words.join(" "))
    };
    lines(path).iter().map(of).collect()
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn own_namespaces() -> BTreeSet<PathBuf> {
    let entries = fs::read_dir("/proc/self/ns").unwrap().flatten();
    entries
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .collect()
}

/// Our descendants, orphans included, and whoever runs the attacks' program.
fn processes() -> Vec<String> {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    // Orphans that have ended are ours to collect; only who lives on is left behind.
    while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive)
    {
    }
    let own = std::process::id();
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            format!(
                "{pid}, a child of ours: {}",
                String::from_utf8_lossy(&line).replace('\0', " ")
            )
        }));
    }
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.parse::<u32>().is_ok_and(|pid| pid != own) {
            let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            if comm.starts_with("attacker") {
                found.push(format!("{name} ({})", comm.trim_end()));
            }
        }
    }
    found
}

/// Whether a process can be started in reasonable time.
pub(crate) fn responsive() -> Result<(), String> {
    let began = Instant::now();
    let done = Command::new("true").status();
    let took = began.elapsed();
    match done {
        Ok(status) if status.success() && took < Duration::from_secs(5) => Ok(()),
        other => Err(format!("starting `true` took {took:?}: {other:?}")),
    }
}
