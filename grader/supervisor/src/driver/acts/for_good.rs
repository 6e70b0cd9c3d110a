//! Whether the processes of a build sleep for good: a Makefile may start the server that it has built.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::proc::{self, Scanner, ThreadScan};
use crate::tracer::lookup;
use crate::waits::timeout::{self, Timeout};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// So long must all of them have slept: alarms (`setitimer`) and time limits of sockets cannot be seen from
/// outside, and commands of a build have none that are longer.
const LONG: Duration = Duration::from_secs(5);

/// The rest of all processes below the helper.
#[derive(Debug)]
pub(super) struct Rest {
    scanner: Scanner,
    looked: Instant,
    since: Instant,
    threads: Option<BTreeMap<i32, ThreadScan>>,
}

impl Rest {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            // They may run on any processor: what does not move for seconds was not woken meanwhile.
            scanner: Scanner::new(),
            looked: now,
            since: now,
            threads: None,
        }
    }

    /// Whether all have slept for long, and wait for each other or for what nobody else will do: nobody has
    /// a way into a build.
    pub(super) fn is_for_good(&mut self) -> bool {
        if self.looked.elapsed() < PAUSE {
            return false;
        }
        self.looked = Instant::now();
        let threads = asleep(&lookup::below_this_process(), &mut self.scanner);
        if threads.is_none() || threads != self.threads {
            self.threads = threads;
            self.since = self.looked;
            return false;
        }
        self.since.elapsed() >= LONG
    }
}

/// The threads of these processes, if all of them sleep in calls without a limit of time.
fn asleep(pids: &[i32], scanner: &mut Scanner) -> Option<BTreeMap<i32, ThreadScan>> {
    let own = std::process::id().cast_signed();
    let mut found = BTreeMap::new();
    for &pid in pids.iter().filter(|pid| **pid != own) {
        // Gone meanwhile: something moves.
        for tid in proc::threads_of(pid)? {
            let scan = scanner.scan(pid, tid)?;
            if scan.is_dead() {
                continue;
            }
            let limited = !matches!(
                timeout::of_call(scan.nr, &scan.args, tid),
                None | Some(Timeout::Never)
            );
            if scan.state != b'S' || scan.nr < 0 || limited || scan.has_deliverable_signal() {
                return None;
            }
            found.insert(tid, scan);
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Whether a shell with this line comes to rest for good, or to a wait that ends.
    fn rests(line: &str) -> bool {
        let mut child: Child = Command::new("sh")
            .args(["-c", line])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut scanner = Scanner::new();
        let rests = loop {
            let tid = proc::threads_of(pid).unwrap()[0];
            let scan = scanner.scan(pid, tid).unwrap();
            // Where it waits for time or for its input, not for the disk or its libraries.
            if scan.state == b'S' && matches!(scan.nr, libc::SYS_read | libc::SYS_clock_nanosleep) {
                break asleep(&[pid], &mut scanner).is_some();
            }
            std::thread::yield_now();
        };
        child.kill().unwrap();
        child.wait().unwrap();
        rests
    }

    #[test]
    fn who_waits_for_time_does_not_sleep_for_good() {
        assert!(rests("exec cat"));
        assert!(!rests("exec sleep 777"));
    }

    #[test]
    fn who_computes_or_is_gone_does_not_sleep() {
        let mut child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(asleep(&[pid], &mut Scanner::new()), None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(asleep(&[pid], &mut Scanner::new()), None);
        assert_eq!(asleep(&[], &mut Scanner::new()), None);
    }
}
