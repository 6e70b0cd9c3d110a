//! What the programs of a scenario take together, and whether the machine has enough left for a
//! judgement: a machine that runs short is an error, never the programs' failure.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cgroup;
use crate::proc::number;

/// How often to look. Looking costs some ten microseconds for each process.
const EVERY: Duration = Duration::from_millis(20);
/// So many times as long as a look took, nobody looks again: to tell apart what many processes share
/// takes the kernel a tenth of a second, and that would be most of what a run has.
const REST: u32 = 9;
/// Below this share of all memory (and below [`FLOOR`]) the machine is short of it.
const SHARE: u64 = 50;
/// See [`SHARE`].
const FLOOR: u64 = 128 << 20;

/// What a look has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All is well, or it is not time to look.
    Fine,
    /// The programs have more memory together than they may.
    TooMuch,
    /// They have filled the room they have for files.
    Full,
    /// The machine has too little left: of what, in words.
    Short(String),
}

/// Looks after memory and, where the workspace is on a disk of the machine, after room on it.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Memory of all together, bytes; 0 for any.
    most: u64,
    last: Instant,
    /// Not before this is measured again what the programs take.
    rests_until: Instant,
    /// File systems in memory that count as the programs'.
    in_memory: Vec<PathBuf>,
    /// Directories on the machine's own disk, and the bytes they may hold together.
    on_disk: Vec<PathBuf>,
    room: u64,
    /// Processes that the kernel had killed for want of memory before the scenario began.
    killed: Option<u64>,
    /// `memory.events` of the scenario's control group.
    group: Option<OwnedFd>,
}

impl Watch {
    /// `private`: the workspace and its neighbours are file systems in memory of the scenario's
    /// own; otherwise they are at `places` on the disk, for `room` bytes.
    pub(crate) fn new(
        most: u64,
        private: bool,
        places: Vec<PathBuf>,
        room: u64,
        killed: Option<u64>,
        group: Option<OwnedFd>,
    ) -> Self {
        let in_memory = ["/lab", "/tmp", "/dev/shm"].map(PathBuf::from).to_vec();
        Self {
            most,
            last: Instant::now(),
            rests_until: Instant::now(),
            in_memory: if private { in_memory } else { Vec::new() },
            on_disk: if private { Vec::new() } else { places },
            room,
            killed,
            group,
        }
    }

    /// Looks at the processes `pids`, if it is time to.
    pub(crate) fn look(&mut self, pids: impl FnOnce() -> Vec<i32>) -> Found {
        let begun = Instant::now();
        if begun - self.last < EVERY {
            return Found::Fine;
        }
        self.last = begun;
        if begun >= self.rests_until {
            if self.most > 0 && self.exceeds(&pids()) {
                return Found::TooMuch;
            }
            if !self.on_disk.is_empty() && self.fills() {
                return Found::Full;
            }
            self.rests_until = Instant::now() + begun.elapsed() * REST;
        }
        shortage().map_or(Found::Fine, Found::Short)
    }

    fn exceeds(&self, pids: &[i32]) -> bool {
        let files: u64 = self.in_memory.iter().map(|place| used(place)).sum();
        let resident: u64 = pids.iter().filter_map(|pid| resident(*pid)).sum();
        // What processes share is in each one's sum: only where that is too much, the dearer
        // question is asked.
        resident.saturating_add(files) > self.most && {
            let own: u64 = pids.iter().filter_map(|pid| proportional(*pid)).sum();
            own.saturating_add(files) > self.most
        }
    }

    fn fills(&self) -> bool {
        let mut left = self.room;
        let mut entries = MOST_ENTRIES;
        !self
            .on_disk
            .iter()
            .all(|place| measure(place, &mut left, &mut entries))
    }

    /// Whether the kernel has killed somebody at the limit of the scenario's own control group.
    pub(crate) fn group_is_full(&self) -> bool {
        self.group
            .as_ref()
            .is_some_and(|events| cgroup::killed(events) > 0)
    }

    /// Whether the kernel has killed somebody for want of memory since the scenario began.
    pub(crate) fn was_killed_for_memory(&self) -> bool {
        match (self.killed, killed_for_memory()) {
            (Some(before), Some(now)) => now > before,
            _ => false,
        }
    }

    /// Whether room on the machine's disk has run out, not that of the programs.
    pub(crate) fn disk_is_full(&self) -> bool {
        self.on_disk.iter().any(|place| left(place) < LEAST_DISK)
    }
}

/// A disk with less room than this is full.
const LEAST_DISK: u64 = 1 << 20;
/// Entries of private directories on disk, at most: what the file systems in memory allow.
const MOST_ENTRIES: usize = 65_536;

/// Takes what a directory holds off what is left. `false` if it is more.
fn measure(place: &std::path::Path, left: &mut u64, entries: &mut usize) -> bool {
    use std::os::unix::fs::MetadataExt;
    let mut pending = vec![place.to_path_buf()];
    while let Some(directory) = pending.pop() {
        // Programs may make and remove things meanwhile.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            let (Some(fewer), Some(less)) = (
                entries.checked_sub(1),
                left.checked_sub(meta.blocks().saturating_mul(512)),
            ) else {
                return false;
            };
            (*entries, *left) = (fewer, less);
            if meta.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    true
}

/// Bytes used on the file system of a directory.
fn used(place: &std::path::Path) -> u64 {
    nix::sys::statvfs::statvfs(place).map_or(0, |about| {
        (about.blocks() - about.blocks_free().min(about.blocks())) * about.fragment_size()
    })
}

/// Bytes left there for ordinary users.
fn left(place: &std::path::Path) -> u64 {
    nix::sys::statvfs::statvfs(place).map_or(u64::MAX, |about| {
        about.blocks_available() * about.fragment_size()
    })
}

/// Resident memory of a process, what it shares included.
fn resident(pid: i32) -> Option<u64> {
    let text = fs::read(format!("/proc/{pid}/statm")).ok()?;
    let pages = number(text.split(|b| *b == b' ').nth(1)?)?;
    // Every architecture we run on has pages of four kilobytes or more.
    Some(pages.saturating_mul(page_size()))
}

/// Its share of anonymous memory and shared memory; all that is resident where that is not told.
fn proportional(pid: i32) -> Option<u64> {
    let Ok(text) = fs::read(format!("/proc/{pid}/smaps_rollup")) else {
        return resident(pid);
    };
    let of = |name: &[u8]| {
        let mut lines = text.split(|b| *b == b'\n');
        lines.find_map(|line| number(line.strip_prefix(name)?))
    };
    match (of(b"Pss_Anon:"), of(b"Pss_Shmem:")) {
        (Some(anonymous), Some(shared)) => Some((anonymous + shared).saturating_mul(1024)),
        _ => resident(pid),
    }
}

fn page_size() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|size| u64::try_from(size).ok())
        .unwrap_or(4096)
}

/// Whether the machine is short of memory, in words.
fn shortage() -> Option<String> {
    let text = fs::read("/proc/meminfo").ok()?;
    short(&text)
}

fn short(meminfo: &[u8]) -> Option<String> {
    let of = |name: &[u8]| {
        let mut lines = meminfo.split(|b| *b == b'\n');
        lines.find_map(|line| number(line.strip_prefix(name)?))
    };
    let (total, available) = (of(b"MemTotal:")? << 10, of(b"MemAvailable:")? << 10);
    (available < (total / SHARE).min(FLOOR)).then(|| {
        format!(
            "memory: {} MiB of {} MiB are left",
            available >> 20,
            total >> 20
        )
    })
}

/// How many processes the kernel had killed for want of memory a moment ago. The file that tells is as
/// dear as a scenario's namespaces, so it is read no more than once a second: a kill within the second
/// before a scenario counts as one of its time, which may cost a repetition, never a verdict.
#[derive(Debug, Default)]
pub(crate) struct KillCount(Option<(Instant, Option<u64>)>);

impl KillCount {
    const AGE: Duration = Duration::from_secs(1);

    /// The count, at most [`Self::AGE`] old; `None` where the kernel does not tell.
    pub(crate) fn lately(&mut self) -> Option<u64> {
        match self.0 {
            Some((when, count)) if when.elapsed() < Self::AGE => count,
            _ => {
                let count = killed_for_memory();
                self.0 = Some((Instant::now(), count));
                count
            }
        }
    }
}

/// How many processes the kernel has killed for want of memory, control groups included.
fn killed_for_memory() -> Option<u64> {
    let text = fs::read("/proc/vmstat").ok()?;
    let mut lines = text.split(|b| *b == b'\n');
    lines.find_map(|line| number(line.strip_prefix(b"oom_kill ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    #[test]
    fn memory_is_counted_for_all_together_and_once_where_it_is_shared() {
        let memory = vec![1u8; 64 << 20];
        std::hint::black_box(&memory);
        let (all, own_share) = (resident(own()).unwrap(), proportional(own()).unwrap());
        assert!(
            own_share >= 64 << 20 && own_share <= all,
            "{own_share} {all}"
        );
        let watch = |most| Watch::new(most, false, Vec::new(), 0, None, None);
        assert!(watch(32 << 20).exceeds(&[own()]));
        assert!(!watch(u64::MAX / 2).exceeds(&[own()]));
        // Twice the same process is twice as much.
        assert!(watch(own_share + own_share / 2).exceeds(&[own(), own()]));
    }

    #[test]
    fn nothing_is_looked_at_before_it_is_time() {
        let mut watch = Watch::new(1, false, Vec::new(), 0, None, None);
        assert_eq!(watch.look(|| vec![own()]), Found::Fine);
        watch.last = Instant::now() - EVERY;
        assert_eq!(watch.look(|| vec![own()]), Found::TooMuch);
    }

    #[test]
    fn who_has_looked_rests() {
        let mut watch = Watch::new(u64::MAX, false, Vec::new(), 0, None, None);
        let long_ago = Instant::now() - EVERY;
        watch.last = long_ago;
        assert_eq!(watch.look(|| vec![own()]), Found::Fine);
        assert!(watch.rests_until > watch.last);
        watch.last = long_ago;
        watch.rests_until = Instant::now() + Duration::from_secs(3600);
        assert_eq!(watch.look(|| panic!("it rests")), Found::Fine);
    }

    #[test]
    fn a_directory_on_disk_is_measured() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("d")).unwrap();
        fs::write(temp.path().join("d/f"), vec![1; 1 << 20]).unwrap();
        let fills = |room| {
            let places = vec![temp.path().to_owned()];
            Watch::new(0, false, places, room, None, None).fills()
        };
        assert!(fills(1 << 19) && !fills(8 << 20));
        for n in 0..10 {
            fs::write(temp.path().join(n.to_string()), "").unwrap();
        }
        let (mut left, mut entries) = (8 << 20, 5);
        assert!(!measure(temp.path(), &mut left, &mut entries));
    }

    #[test]
    fn a_machine_is_short_when_little_is_left_of_all_its_memory() {
        let info =
            |available: u64| format!("MemTotal: 24576000 kB\nMemAvailable: {available} kB\n");
        assert_eq!(short(info(1 << 20).as_bytes()), None);
        let words = short(info(100 << 10).as_bytes()).unwrap();
        assert_eq!(words, "memory: 100 MiB of 24000 MiB are left");
        assert_eq!(short(b"MemTotal: 1 kB\n"), None);
        assert!(shortage().is_none(), "this machine is short of memory");
        let now = killed_for_memory().unwrap();
        assert!(
            KillCount::default()
                .lately()
                .is_some_and(|lately| lately >= now)
        );
    }

    #[test]
    fn a_kill_since_the_scenario_began_is_seen_and_an_earlier_one_is_not() {
        let now = killed_for_memory().unwrap();
        let watch = |killed| Watch::new(0, false, Vec::new(), 0, killed, None);
        assert!(watch(now.checked_sub(1)).was_killed_for_memory() == (now > 0));
        assert!(!watch(Some(u64::MAX)).was_killed_for_memory());
        assert!(!watch(None).was_killed_for_memory());
        // A count is believed for a second, and then looked up anew.
        let mut old = KillCount(Some((Instant::now(), Some(u64::MAX))));
        assert_eq!(old.lately(), Some(u64::MAX));
        old.0 = Some((Instant::now() - KillCount::AGE, Some(u64::MAX)));
        assert!(old.lately().is_some_and(|count| count < u64::MAX));
    }
}
