//! Processes by their descent, for those that nobody traces.

use std::collections::BTreeMap;

/// Names shown at most, and of each so many characters.
const MOST: usize = 4;
const MOST_CHARS: usize = 60;

/// What the last ones below a process are, and what they do: those that others wait for have no
/// children themselves.
pub(crate) fn last_ones(root: i32) -> Vec<String> {
    let Ok(listing) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = listing
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in pids.filter(|pid| super::is_alive(*pid)) {
        if let Some(parent) = super::ppid(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut open = vec![root];
    let mut out = Vec::new();
    while let Some(pid) = open.pop() {
        // Taken out, so that a pid that is given again while this reads leads to no circle.
        match children.remove(&pid) {
            Some(below) => open.extend(below),
            None if out.len() < MOST => out.extend(described(pid)),
            None => {}
        }
    }
    out
}

/// `sleep 1000, asleep`.
fn described(pid: i32) -> Option<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split(|&b| b == 0).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
    let name: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST_CHARS)
        .collect();
    let doing = match super::state(pid)? {
        b'R' => "running",
        b'S' | b'D' => "asleep",
        b'T' | b't' => "stopped",
        _ => return None,
    };
    (!name.is_empty()).then(|| format!("{name}, {doing}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    #[test]
    fn the_last_ones_of_a_tree_are_named() {
        // Both shells wait; it is the innermost program that they wait for.
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sh -c 'sleep 777; :'; :"])
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let found = loop {
            let found = super::last_ones(pid);
            if found.iter().any(|one| one.starts_with("sleep 777")) {
                break found;
            }
            std::thread::yield_now();
        };
        let of_shell = |one: &&String| one.starts_with("sh");
        assert_eq!(found.iter().filter(of_shell).count(), 0, "{found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(super::last_ones(0x3fff_fff0), [""; 0]);
        let group = nix::unistd::Pid::from_raw(pid);
        nix::sys::signal::killpg(group, nix::sys::signal::SIGKILL).unwrap();
        child.wait().unwrap();
    }
}
