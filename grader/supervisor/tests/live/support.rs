//! Starts a case of `programs/waits.c`, waits until everything of it sleeps, and sets the scene.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use supervisor::plan::{Address, ProcessId, ProgramId};
use supervisor::proc::{self, Scanner, ThreadScan};
use supervisor::scene::{OwnEnd, OwnKind, PipeNames, Scene, SceneProcess, SceneThread};
use supervisor::waits::calls;

/// The compiled cases, made anew by every run of the tests; it appears whole.
fn cases() -> &'static PathBuf {
    static CASES: OnceLock<PathBuf> = OnceLock::new();
    CASES.get_or_init(|| {
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/programs/waits.c");
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("waits");
        let unfinished = program.with_extension(std::process::id().to_string());
        let mut cc = Command::new("cc");
        cc.args([
            "-O1",
            "-pthread",
            "-Werror=implicit-function-declaration",
            "-o",
        ])
        .arg(&unfinished)
        .arg(&source)
        .arg("-lrt");
        assert!(cc.status().unwrap().success(), "cc {}", source.display());
        std::fs::rename(&unfinished, &program).unwrap();
        program
    })
}

/// Parent and threads of every process.
type Tree = BTreeMap<i32, (Option<i32>, BTreeMap<i32, ThreadScan>)>;

/// A running case; dropped, it is killed with all it started.
pub(crate) struct Case {
    child: Child,
    pub(crate) stdin: Option<OwnedFd>,
    _dir: tempfile::TempDir,
    scanner: Scanner,
    pub(crate) names: PipeNames,
}

pub(crate) const PROGRAMS: [&str; 1] = ["server"];

pub(crate) fn id(number: u16) -> ProcessId {
    ProcessId {
        program: ProgramId(0),
        number,
    }
}

/// Everything that stands still: processes in order of creation.
pub(crate) struct Still {
    pub(crate) processes: Vec<SceneProcess>,
}

impl Case {
    pub(crate) fn start(name: &str) -> Self {
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        Self::start_on(name, reader, writer)
    }

    /// Starts with a standard input of which the grader holds the other end.
    pub(crate) fn start_on(name: &str, stdin: OwnedFd, ours: OwnedFd) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new(cases())
            .arg(name)
            .current_dir(dir.path())
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            child,
            stdin: Some(ours),
            _dir: dir,
            scanner: Scanner::new(),
            names: PipeNames::default(),
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// The root and its descendants, by pid (in order of creation, short of a wrap-around).
    fn tree(&self) -> BTreeMap<i32, Option<i32>> {
        let mut tree = BTreeMap::from([(self.pid(), None)]);
        let mut parents: Vec<(i32, i32)> = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, proc::ppid(pid)?)))
            .collect();
        loop {
            let before = tree.len();
            parents.retain(|&(pid, parent)| {
                let ours = tree.contains_key(&parent);
                if ours {
                    tree.insert(pid, Some(parent));
                }
                !ours
            });
            if tree.len() == before {
                return tree;
            }
        }
    }

    fn scan(&mut self) -> Option<Tree> {
        let mut all = BTreeMap::new();
        for (pid, parent) in self.tree() {
            let mut threads = BTreeMap::new();
            for tid in proc::threads_of(pid)? {
                threads.insert(tid, self.scanner.scan(pid, tid)?);
            }
            all.insert(pid, (parent, threads));
        }
        Some(all)
    }

    /// Waits until so many processes exist, with so many threads in all, and sleep.
    pub(crate) fn still(&mut self, processes: usize, threads: usize) -> Still {
        loop {
            let (first, second) = (self.scan(), self.scan());
            // State D while it is being loaded from disk passes; that of a vfork lasts. A sleep in a
            // call that only makes or maps a program waits for a lock of the kernel's, and passes.
            let loads = |nr: i64| {
                [
                    libc::SYS_execve,
                    libc::SYS_mmap,
                    libc::SYS_munmap,
                    libc::SYS_mprotect,
                    libc::SYS_brk,
                ]
                .contains(&nr)
            };
            let asleep = |scan: &ThreadScan| match scan.state {
                b'S' => scan.nr >= 0 && !loads(scan.nr),
                b'D' => [calls::VFORK, calls::CLONE, calls::CLONE3].contains(&scan.nr),
                state => matches!(state, b'T' | b'Z'),
            };
            if let Some(all) = first.filter(|first| second.as_ref() == Some(first))
                && all.len() == processes
                && all
                    .values()
                    .map(|(_, threads)| threads.len())
                    .sum::<usize>()
                    == threads
                && all
                    .values()
                    .flat_map(|(_, threads)| threads.values())
                    .all(asleep)
            {
                return still(all);
            }
            nix::sched::sched_yield().unwrap();
        }
    }
}

fn still(all: Tree) -> Still {
    let numbers: BTreeMap<i32, ProcessId> = all
        .keys()
        .zip(0..)
        .map(|(&pid, number)| (pid, id(number)))
        .collect();
    let processes = all
        .into_iter()
        .map(|(pid, (parent, threads))| SceneProcess {
            id: numbers[&pid],
            pid,
            parent: parent.map(|parent| numbers[&parent]),
            zombie: threads.values().all(ThreadScan::is_dead),
            threads: threads
                .into_iter()
                .zip(0..)
                .map(|((tid, scan), ordinal)| SceneThread {
                    tid,
                    ordinal,
                    scan,
                    held: None,
                    stopped: false,
                    state_hint: None,
                })
                .collect(),
        })
        .collect();
    Still { processes }
}

/// The scene of a still case, seen by a grader that holds the other end of its standard input.
pub(crate) fn scene<'a>(
    case: &'a mut Case,
    still: &Still,
    programs: &'a [String],
    listeners: Vec<(u64, Address)>,
) -> Scene<'a> {
    let own_ends = case
        .stdin
        .iter()
        .map(|end| OwnEnd {
            fd: end.as_raw_fd(),
            name: "server's stdin".into(),
            kind: OwnKind::Pipe,
        })
        .collect();
    Scene {
        processes: still.processes.clone(),
        own_ends,
        listeners,
        program_names: programs,
        pipe_names: &mut case.names,
        to_open: &[],
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
