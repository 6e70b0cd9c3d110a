//! Control groups, version 2: one for the programs of each scenario, below a subtree that is delegated
//! to whoever calls the grader; cgroups(7), Documentation/admin-guide/cgroup-v2.rst.
//!
//! A group that has groups with controllers below it may hold no processes itself. So those of the
//! grader move into a group of their own, and each scenario gets another one beside it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::plan::Limits;
use crate::proc::number;

/// What limits are made of.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// The group that the grader's own processes move into.
const OWN: &str = "grader";

/// The delegated subtree, as a worker uses it.
#[derive(Debug)]
pub(crate) struct Subtree {
    place: OwnedFd,
    /// For the names of groups.
    worker: u32,
}

/// The group of one scenario: its directory.
#[derive(Debug)]
pub(crate) struct Group(OwnedFd);

/// Where this process is in the hierarchy of version 2, `OWN` left out.
///
/// # Errors
/// In words, why there is no such place.
pub(crate) fn place() -> Result<PathBuf, String> {
    let groups = fs::read_to_string("/proc/self/cgroup").map_err(|e| e.to_string())?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let own = own.ok_or("no cgroup v2 hierarchy")?;
    let mounts = fs::read_to_string("/proc/self/mounts").map_err(|e| e.to_string())?;
    let hierarchy = mounted(&mounts).ok_or("cgroup v2 is not mounted")?;
    let place = hierarchy.join(own);
    Ok(match place.file_name() {
        Some(name) if name == OWN => place.parent().unwrap_or(&hierarchy).to_owned(),
        _ => place,
    })
}

/// Where cgroup v2 is mounted.
fn mounted(mounts: &str) -> Option<PathBuf> {
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    mounts.find_map(|mut fields| {
        let (_, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(place))
    })
}

/// The controllers that a group lacks for limits; in words.
///
/// # Errors
/// See above.
pub(crate) fn granted(place: &Path) -> Result<(), String> {
    let controllers = fs::read_to_string(place.join("cgroup.controllers"))
        .map_err(|e| format!("{}: {e}", place.display()))?;
    let has = |wanted: &&&str| {
        controllers
            .split_whitespace()
            .any(|there| there == **wanted)
    };
    let missing: Vec<&str> = CONTROLLERS
        .iter()
        .filter(|wanted| !has(wanted))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "no {} controller in {}",
        missing.join(" and "),
        place.display()
    ))
}

impl Subtree {
    /// Makes the subtree at `place` ready: the grader's processes (`ours` says which) move out of the
    /// way, and the controllers are handed down.
    ///
    /// # Errors
    /// In words: it is not delegated, or somebody else is in the group.
    pub(crate) fn enter(place: &Path, ours: impl Fn(i32) -> bool) -> Result<Self, String> {
        granted(place)?;
        let wrong = |what: &str| {
            let at = place.join(what);
            move |e: io::Error| format!("{}: {e}", at.display())
        };
        let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = open(place, directory, Mode::empty()).map_err(io::Error::from);
        let opened = opened.map_err(wrong(""))?;
        // Others of ours may start meanwhile: as often as there are any left.
        for _ in 0..ROUNDS {
            let inside = read(&opened, "cgroup.procs").map_err(wrong("cgroup.procs"))?;
            let pids: Vec<i32> = inside.lines().filter_map(|pid| pid.parse().ok()).collect();
            if !pids.iter().all(|pid| ours(*pid)) {
                // A shell's group: nobody has given it to us.
                break;
            }
            let own = make(&opened, OWN).map_err(wrong(OWN))?;
            for pid in &pids {
                // It may have ended.
                let _ = write(&own, "cgroup.procs", &pid.to_string());
            }
            let wanted = CONTROLLERS.map(|name| format!("+{name}")).join(" ");
            match write(&opened, "cgroup.subtree_control", &wanted) {
                Ok(()) => {
                    return Ok(Self {
                        place: opened,
                        worker: std::process::id(),
                    });
                }
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
                Err(error) => return Err(wrong("cgroup.subtree_control")(error)),
            }
        }
        Err(format!(
            "{}: other processes are in this group",
            place.display()
        ))
    }

    fn name(&self) -> String {
        format!("scenario-{}", self.worker)
    }

    /// Makes the group of a scenario, with its limits. A worker has one scenario at a time.
    ///
    /// # Errors
    /// Those of the files of the group.
    pub(crate) fn group(&self, limits: &Limits) -> io::Result<Group> {
        let group = Group(make(&self.place, &self.name())?);
        group.limit(limits)?;
        Ok(group)
    }

    /// Closes the descriptor of this process, where it is not the one that made this.
    ///
    /// # Safety
    /// Nothing in this process may use it afterwards.
    pub(crate) unsafe fn close_copy(&self) {
        // SAFETY: the caller promises it.
        unsafe { crate::raw::close_copy(&self.place) };
    }

    /// Ends everything in the group of a scenario, if there is one, and removes it.
    pub(crate) fn remove(&self) {
        let name = self.name();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        if let Ok(directory) = openat(&self.place, name.as_str(), flags, Mode::empty()) {
            // Linux 5.14. The PID namespace has ended everything already.
            let _ = write(&directory, "cgroup.kill", "1");
            let _ = unlinkat(&self.place, name.as_str(), UnlinkatFlags::RemoveDir);
        }
    }
}

/// How often processes of ours are looked for: one worker after another begins.
const ROUNDS: usize = 50;

impl Group {
    fn limit(&self, limits: &Limits) -> io::Result<()> {
        if limits.total_memory > 0 {
            let most = limits.total_memory.to_string();
            write(&self.0, "memory.max", &most)?;
            // Not where the kernel has no swap.
            let _ = write(&self.0, "memory.swap.max", "0");
            // One victim alone would leave a scenario that nobody can judge.
            write(&self.0, "memory.oom.group", "1")?;
        }
        // The tracer refuses one more before the kernel does; untraced, this is the limit.
        write(
            &self.0,
            "pids.max",
            &limits.processes.saturating_add(1).to_string(),
        )
    }

    /// Where a program writes its own pid, to be under the limits from its first instruction on.
    ///
    /// # Errors
    /// Those of `open`.
    pub(crate) fn door(&self) -> io::Result<OwnedFd> {
        let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        Ok(openat(&self.0, "cgroup.procs", flags, Mode::empty())?)
    }

    /// What tells of programs that were killed at the limit of memory.
    ///
    /// # Errors
    /// Those of `open`.
    pub(crate) fn events(&self) -> io::Result<OwnedFd> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        Ok(openat(&self.0, "memory.events", flags, Mode::empty())?)
    }
}

/// How many programs were killed at the limit of memory, by an open `memory.events`.
pub(crate) fn killed(events: &OwnedFd) -> u64 {
    use std::os::unix::fs::FileExt;
    let Ok(file) = events.try_clone().map(File::from) else {
        return 0;
    };
    let mut text = [0; 512];
    let length = file.read_at(&mut text, 0).unwrap_or(0);
    let mut lines = text[..length].split(|b| *b == b'\n');
    lines
        .find_map(|line| number(line.strip_prefix(b"oom_kill ")?))
        .unwrap_or(0)
}

fn make(at: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match mkdirat(at, name, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?)
}

fn read(at: &OwnedFd, name: &str) -> io::Result<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(at.as_fd(), name, flags, Mode::empty())?);
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn write(at: &OwnedFd, name: &str, text: &str) -> io::Result<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    File::from(openat(at.as_fd(), name, flags, Mode::empty())?).write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A directory that looks like a group.
    fn group(at: &Path, controllers: &str) {
        fs::create_dir_all(at).unwrap();
        for (name, text) in [
            ("cgroup.controllers", controllers),
            ("cgroup.procs", ""),
            ("cgroup.subtree_control", ""),
            ("cgroup.kill", ""),
            ("memory.max", "max\n"),
            ("memory.swap.max", "max\n"),
            ("memory.oom.group", "0\n"),
            (
                "memory.events",
                "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n",
            ),
            ("pids.max", "max\n"),
        ] {
            fs::write(at.join(name), text).unwrap();
        }
    }

    fn delegated() -> TempDir {
        let temp = tempfile::tempdir().unwrap();
        group(temp.path(), "cpu memory pids\n");
        fs::write(temp.path().join("cgroup.procs"), "7\n8\n9\n").unwrap();
        group(&temp.path().join(OWN), "");
        temp
    }

    #[test]
    fn our_processes_move_and_the_controllers_are_handed_down() {
        let temp = delegated();
        let said = Subtree::enter(temp.path(), |pid| pid != 8).unwrap_err();
        assert!(
            said.ends_with("other processes are in this group"),
            "{said}"
        );
        let told = |name: &str| fs::read_to_string(temp.path().join(name)).unwrap();
        assert_eq!(told("cgroup.subtree_control"), "", "nothing was touched");
        let subtree = Subtree::enter(temp.path(), |_| true).unwrap();
        assert_eq!(told("cgroup.subtree_control"), "+memory +pids");
        // A plain file keeps what was written last, at its beginning.
        assert_eq!(told("grader/cgroup.procs"), "9");
        drop(subtree);
    }

    #[test]
    fn a_scenario_has_its_limits_a_door_and_an_end() {
        let temp = delegated();
        let subtree = Subtree::enter(temp.path(), |_| true).unwrap();
        let name = format!("scenario-{}", std::process::id());
        group(&temp.path().join(&name), "");
        let limits = Limits::default();
        let made = subtree.group(&limits).unwrap();
        let told = |file: &str| fs::read_to_string(temp.path().join(&name).join(file)).unwrap();
        assert!(told("memory.max").starts_with("1073741824"));
        // Plain files keep what is longer than what was written.
        assert!(told("pids.max").starts_with("65"));
        assert!(told("memory.oom.group").starts_with('1'));
        File::from(made.door().unwrap()).write_all(b"0").unwrap();
        assert_eq!(told("cgroup.procs"), "0");
        assert_eq!(killed(&made.events().unwrap()), 2);
        subtree.remove();
        assert_eq!(told("cgroup.kill"), "1");
    }

    #[test]
    fn a_group_without_controllers_or_rights_is_refused_in_words() {
        let temp = tempfile::tempdir().unwrap();
        group(temp.path(), "cpu pids\n");
        let said = Subtree::enter(temp.path(), |_| true).unwrap_err();
        assert!(said.starts_with("no memory controller in "), "{said}");
        let said = Subtree::enter(&temp.path().join("none"), |_| true).unwrap_err();
        assert!(said.contains("No such file"), "{said}");
    }

    #[test]
    fn the_hierarchy_is_found_among_the_mounts() {
        let mounts =
            "tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(mounted(mounts), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mounted("proc /proc proc rw 0 0\n"), None);
    }
}
