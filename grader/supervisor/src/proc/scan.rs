//! One thread at one moment: its state, its call and its context-switch counts.
//!
//! The files stay open: reading one again at offset 0 makes the kernel write it anew, and saves
//! the path lookup. An entry of `/proc` belongs to the thread itself, not to its number, so a
//! reused tid is noticed (`ESRCH`) and never confused.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::{number, radix};

/// [`ThreadScan::nr`] of a thread that sleeps outside a system call (page fault, freezer), or is dead.
pub const NOT_IN_CALL: i64 = -1;
/// [`ThreadScan::nr`] of a thread that runs.
pub const RUNNING: i64 = -2;
/// [`ThreadScan::nr`] of a thread whose call the kernel does not let us see.
pub const UNREADABLE: i64 = -3;

/// A thread as `/proc/PID/task/TID/{status,syscall}` showed it.
///
/// Two equal scans in a sleeping state mean that the thread slept from the end of the first to
/// the beginning of the second: had it run, a switch count would have moved, and the kernel shows
/// the call only of a thread that is really off its CPU (not of one about to sleep). Of a thread
/// that runs, only the state is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadScan {
    /// State letter: `R`, `S`, `D`, `T`, `t`, `Z`, `X`; `?` where it cannot be read.
    pub state: u8,
    /// Voluntary context switches.
    pub voluntary: u64,
    /// Involuntary context switches.
    pub involuntary: u64,
    /// Number of the call it is in, or [`NOT_IN_CALL`], [`RUNNING`], [`UNREADABLE`].
    pub nr: i64,
    /// The call's arguments.
    pub args: [u64; 6],
    /// Stack pointer.
    pub sp: u64,
    /// Instruction pointer.
    pub pc: u64,
    /// Pending signals of the thread and of the process, bit 0 for signal 1.
    pub pending: u64,
    /// Blocked signals.
    pub blocked: u64,
    /// Ignored signals.
    pub ignored: u64,
    /// Signals with a handler.
    pub caught: u64,
    /// How many times it was given a processor, as `/proc/PID/task/TID/schedstat` showed it before
    /// anything else was read; `None` where the kernel does not count.
    pub runs: Option<u64>,
}

impl ThreadScan {
    /// A thread about which nothing is known.
    #[must_use]
    pub fn unreadable() -> Self {
        Self {
            state: b'?',
            voluntary: 0,
            involuntary: 0,
            nr: UNREADABLE,
            args: [0; 6],
            sp: 0,
            pc: 0,
            pending: 0,
            blocked: 0,
            ignored: 0,
            caught: 0,
            runs: None,
        }
    }

    /// The thread has ended.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    /// A signal is pending that the thread does not block and the process does not ignore: it
    /// will run although it still looks asleep.
    #[must_use]
    pub fn has_deliverable_signal(&self) -> bool {
        self.pending & !self.blocked & !self.ignored != 0
    }
}

/// Scans threads, keeping their files open between scans.
#[derive(Debug, Default)]
pub struct Scanner {
    kept: HashMap<i32, Kept>,
    buffer: Vec<u8>,
    /// See [`Scanner::with_one_processor`].
    one_processor: bool,
}

#[derive(Debug)]
struct Kept {
    status: File,
    syscall: Option<File>,
    schedstat: Option<File>,
}

impl Scanner {
    /// A scanner that keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kept: HashMap::new(),
            buffer: vec![0; 2048],
            one_processor: false,
        }
    }

    /// Says whether the threads run on the caller's processor only. Then whoever is woken by another of them is
    /// ready to run at once. Elsewhere it first looks as if it still slept, until the other processor has
    /// heard of it (`TASK_WAKING`, `ttwu_queue_wakelist()` in kernel/sched/core.c): in a virtual machine whose
    /// host has too much to do, for milliseconds.
    #[must_use]
    pub fn with_one_processor(mut self, one: bool) -> Self {
        self.one_processor = one;
        self
    }

    /// The thread as it is now; `None` when it is gone.
    pub fn scan(&mut self, pid: i32, tid: i32) -> Option<ThreadScan> {
        if let Some(kept) = self.kept.get_mut(&tid) {
            // Refused for a moment while a program of an ordinary user is executed: its memory is new
            // and not to be dumped yet, so its files are root's; task_dump_owner() in fs/proc/base.c.
            if kept.syscall.is_none() {
                kept.syscall = open_file(pid, tid, "syscall").ok();
            }
            match read(kept, &mut self.buffer) {
                Ok(scan) => return Some(scan),
                // Gone, or its number belongs to another thread by now: look it up again.
                Err(_) => self.kept.remove(&tid),
            };
        }
        let kept = match self.open(pid, tid) {
            Ok(kept) => kept,
            Err(error) => return absent_or_unreadable(&error),
        };
        match read(&kept, &mut self.buffer) {
            Ok(scan) => {
                self.kept.insert(tid, kept);
                Some(scan)
            }
            Err(error) => absent_or_unreadable(&error),
        }
    }

    /// Whether a thread still sleeps as in `before`, a scan of this scanner in which it slept, and has
    /// not run in between. Cheaper than another scan: a thread that has not been given a processor
    /// since before the first, and is not about to (its call can be seen), has slept all the time. Not where
    /// there is [more than one processor](Self::with_one_processor).
    pub fn sleeps_on(&mut self, pid: i32, tid: i32, before: &ThreadScan) -> bool {
        let (true, Some(runs), b'S', 0..) =
            (self.one_processor, before.runs, before.state, before.nr)
        else {
            return self.scan(pid, tid).as_ref() == Some(before);
        };
        let Some(kept) = self.kept.get(&tid) else {
            return false;
        };
        let (Some(syscall), Some(schedstat)) = (&kept.syscall, &kept.schedstat) else {
            return false;
        };
        let mut now = ThreadScan::unreadable();
        let Ok(n) = syscall.read_at(&mut self.buffer, 0) else {
            return false;
        };
        parse_syscall(&self.buffer[..n], &mut now);
        (now.nr, now.args, now.sp, now.pc) == (before.nr, before.args, before.sp, before.pc)
            && now.nr != RUNNING
            && read_runs(schedstat, &mut self.buffer) == Some(runs)
    }

    /// How many times a thread was given a processor until now; `None` where the kernel does not count,
    /// or the thread has ended. See [`ThreadScan::runs`].
    pub fn runs(&mut self, pid: i32, tid: i32) -> Option<u64> {
        if !self.kept.contains_key(&tid) {
            let kept = self.open(pid, tid).ok()?;
            self.kept.insert(tid, kept);
        }
        let schedstat = self.kept.get(&tid)?.schedstat.as_ref()?;
        read_runs(schedstat, &mut self.buffer)
    }

    /// Closes the files of a thread that has ended.
    pub fn forget(&mut self, tid: i32) {
        self.kept.remove(&tid);
    }

    fn open(&mut self, pid: i32, tid: i32) -> io::Result<Kept> {
        let open = |name| open_file(pid, tid, name);
        let status = match open("status") {
            // Out of descriptors: those kept are a convenience.
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) => {
                self.kept.clear();
                open("status")?
            }
            other => other?,
        };
        // Absent without CONFIG_HAVE_ARCH_TRACEHOOK, refused where tracing would be.
        Ok(Kept {
            status,
            syscall: open("syscall").ok(),
            // Absent without CONFIG_SCHED_INFO.
            schedstat: open("schedstat").ok(),
        })
    }
}

fn open_file(pid: i32, tid: i32, name: &str) -> io::Result<File> {
    File::open(format!("/proc/{pid}/task/{tid}/{name}"))
}

fn absent_or_unreadable(error: &io::Error) -> Option<ThreadScan> {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) => None,
        _ => Some(ThreadScan::unreadable()),
    }
}

fn read(kept: &Kept, buffer: &mut Vec<u8>) -> io::Result<ThreadScan> {
    let mut scan = ThreadScan::unreadable();
    // Before all else: who has not run since has not run since any of this was read.
    scan.runs = (kept.schedstat.as_ref()).and_then(|file| read_runs(file, buffer));
    // The call first. Then the counts of the first scan come before the call of the second, and
    // a thread that first fell asleep between the two has a higher count in the second.
    if let Some(file) = &kept.syscall {
        match file.read_at(buffer, 0) {
            Ok(n) => parse_syscall(&buffer[..n], &mut scan),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Err(error),
            Err(_) => {}
        }
    }
    if scan.nr == RUNNING {
        // That it runs is all there is to know, and the dearer file would only repeat it.
        scan.state = b'R';
        return Ok(scan);
    }
    let mut n = kept.status.read_at(buffer, 0)?;
    while n == buffer.len() {
        buffer.resize(n * 2, 0);
        n = kept.status.read_at(buffer, 0)?;
    }
    if n == 0 {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    parse_status(&buffer[..n], &mut scan);
    Ok(scan)
}

/// The third number of `/proc/PID/task/TID/schedstat`: "time spent on the cpu", "time spent waiting on a
/// runqueue", "number of timeslices run on this cpu" (Documentation/scheduler/sched-stats). A thread that
/// can be looked at has run once at least; 0 means that nobody counts.
fn read_runs(file: &File, buffer: &mut [u8]) -> Option<u64> {
    let n = file.read_at(buffer, 0).ok()?;
    let last = buffer[..n].trim_ascii().rsplit(|&b| b == b' ').next()?;
    number(last).filter(|&runs| runs > 0)
}

/// `running`, `-1 SP PC`, or `NR A0 .. A5 SP PC` (`proc_pid_syscall(5)`).
fn parse_syscall(text: &[u8], scan: &mut ThreadScan) {
    let text = text.trim_ascii();
    if text == b"running" {
        scan.nr = RUNNING;
        return;
    }
    let mut words = [b"".as_slice(); 9];
    let mut count = 0;
    for word in text.split(|&b| b == b' ') {
        let Some(slot) = words.get_mut(count) else {
            return;
        };
        *slot = word;
        count += 1;
    }
    let hex = |word: &[u8]| radix(word, 16);
    match count {
        3 if words[0] == b"-1" => {
            let (Some(sp), Some(pc)) = (hex(words[1]), hex(words[2])) else {
                return;
            };
            (scan.nr, scan.sp, scan.pc) = (NOT_IN_CALL, sp, pc);
        }
        9 => {
            let Some(nr) = number(words[0]).and_then(|n| i64::try_from(n).ok()) else {
                return;
            };
            let mut values = [0; 8];
            for (value, word) in values.iter_mut().zip(&words[1..]) {
                let Some(parsed) = hex(word) else { return };
                *value = parsed;
            }
            let [a0, a1, a2, a3, a4, a5, sp, pc] = values;
            (scan.nr, scan.args, scan.sp, scan.pc) = (nr, [a0, a1, a2, a3, a4, a5], sp, pc);
        }
        _ => {}
    }
}

/// The lines of interest of `proc_pid_status(5)`; only whole, known lines count.
fn parse_status(text: &[u8], scan: &mut ThreadScan) {
    for line in text.split(|&b| b == b'\n') {
        let Some(colon) = line.iter().position(|&b| b == b':') else {
            continue;
        };
        let (key, value) = (&line[..colon], &line[colon + 1..]);
        match key {
            b"State" => scan.state = value.trim_ascii_start().first().copied().unwrap_or(b'?'),
            b"SigPnd" | b"ShdPnd" => scan.pending |= radix(value, 16).unwrap_or(0),
            b"SigBlk" => scan.blocked = radix(value, 16).unwrap_or(0),
            b"SigIgn" => scan.ignored = radix(value, 16).unwrap_or(0),
            b"SigCgt" => scan.caught = radix(value, 16).unwrap_or(0),
            b"voluntary_ctxt_switches" => scan.voluntary = number(value).unwrap_or(0),
            b"nonvoluntary_ctxt_switches" => scan.involuntary = number(value).unwrap_or(0),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn the_three_forms_of_a_call_are_told_apart() {
        let parsed = |text: &[u8]| {
            let mut scan = ThreadScan::unreadable();
            parse_syscall(text, &mut scan);
            scan
        };
        let read = parsed(b"0 0x3 0x7ffe 0x1 0x0 0x0 0xff 0x7ffd 0x7f00\n");
        assert_eq!((read.nr, read.args), (0, [3, 0x7ffe, 1, 0, 0, 0xff]));
        assert_eq!((read.sp, read.pc), (0x7ffd, 0x7f00));
        assert_eq!(parsed(b"running\n").nr, RUNNING);
        assert_eq!(parsed(b"-1 0x7ffd 0x7f00\n").nr, NOT_IN_CALL);
        assert_eq!(parsed(b"").nr, UNREADABLE);
    }

    #[test]
    fn a_name_that_looks_like_a_status_line_is_not_believed() {
        let mut scan = ThreadScan::unreadable();
        // The kernel escapes the newline of a name, so that it stays on its line.
        parse_status(
            b"Name:\tx\\nState: R\nState:\tS (sleeping)\nvoluntary_ctxt_switches:\t7\n",
            &mut scan,
        );
        assert_eq!((scan.state, scan.voluntary), (b'S', 7));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes: Vec<u8>) {
            let mut scan = ThreadScan::unreadable();
            parse_syscall(&bytes, &mut scan);
            parse_status(&bytes, &mut scan);
        }
    }

    #[test]
    fn a_sleeping_child_scans_alike_until_it_runs() {
        for one_processor in [false, true] {
            sleeps_until_it_runs(Scanner::new().with_one_processor(one_processor));
        }
    }

    fn sleeps_until_it_runs(mut scanner: Scanner) {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let asleep = loop {
            let scan = scanner.scan(pid, pid).unwrap();
            // Its parts may be of different moments while it runs.
            let sleeps = scan.state == b'S' && scanner.sleeps_on(pid, pid, &scan);
            if sleeps && scan.nr == libc::SYS_read && scan.args[0] == 0 {
                break scan;
            }
            nix::sched::sched_yield().unwrap();
        };
        assert_eq!(scanner.scan(pid, pid).unwrap(), asleep);
        assert!(scanner.sleeps_on(pid, pid, &asleep));
        let uncounted = ThreadScan {
            runs: None,
            ..asleep.clone()
        };
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        let later = loop {
            let scan = scanner.scan(pid, pid).unwrap();
            if scan.voluntary > asleep.voluntary && scanner.sleeps_on(pid, pid, &scan) {
                break scan;
            }
            nix::sched::sched_yield().unwrap();
        };
        assert!(later.voluntary > asleep.voluntary);
        assert!(later.runs > asleep.runs);
        assert_eq!(scanner.runs(pid, pid), later.runs);
        // That others run, this one among them, does not count.
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert_eq!(scanner.runs(pid, pid), later.runs);
        // It sleeps in the same call again, and has run all the same.
        assert!(!scanner.sleeps_on(pid, pid, &asleep));
        assert!(!scanner.sleeps_on(pid, pid, &uncounted));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!scanner.sleeps_on(pid, pid, &later));
        assert_eq!(scanner.scan(pid, pid), None);
    }
}
