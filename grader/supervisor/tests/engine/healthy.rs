//! Programs that never stop doing something: no false "nothing more can happen".
//!
//! They run until told to end, so each `Proved` before that would be a lie. The naive rule (every
//! thread looked asleep once) is tried beside ours and does lie.

use crate::support::{Bench, plan, start};
use supervisor::event::{ExitStatus, Quiet};
use supervisor::plan::Observation;

/// Two processes that hand a byte to and fro.
const ECHO: &str = r#"
#include <unistd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
int main(int c, char **v) { int s[2], n = atoi(v[1]); char b = 'x';
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  if (fork() == 0) { close(s[0]); while (read(s[1], &b, 1) == 1) write(s[1], &b, 1); _exit(0); }
  close(s[1]);
  for (int i = 0; i < n; i++) { write(s[0], &b, 1); read(s[0], &b, 1); }
  close(s[0]); wait(0); return 42; }"#;

const FORKS: &str = r#"
#include <unistd.h>
#include <stdlib.h>
#include <sys/wait.h>
int main(int c, char **v) { int n = atoi(v[1]);
  for (int i = 0; i < n; i++) { if (fork() == 0) _exit(0); wait(0); }
  return 42; }"#;

const THREADS: &str = r#"
#include <pthread.h>
#include <stdlib.h>
static void *f(void *p) { return p; }
int main(int c, char **v) { int n = atoi(v[1]); pthread_t t[4];
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < 4; k++) pthread_create(&t[k], 0, f, 0);
    for (int k = 0; k < 4; k++) pthread_join(t[k], 0); }
  return 42; }"#;

const HANDOVER: &str = r#"
#include <pthread.h>
#include <stdlib.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int turn, n;
static void *f(void *p) { int me = p != 0;
  for (int i = 0; i < n; i++) { pthread_mutex_lock(&m); while (turn != me) pthread_cond_wait(&c, &m);
    turn = !me; pthread_cond_broadcast(&c); pthread_mutex_unlock(&m); }
  return 0; }
int main(int argc, char **v) { n = atoi(v[1]); pthread_t a, b;
  pthread_create(&a, 0, f, 0); pthread_create(&b, 0, f, (void *)1);
  pthread_join(a, 0); pthread_join(b, 0); return 42; }"#;

fn runs_to_its_end(source: &str, rounds: &str, observation: Observation) {
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let mut plan = plan(&exe, &[rounds], vec![start()]);
    plan.observation = observation;
    // This is about waiting, not about budgets.
    plan.limits.spin_ms = 60_000;
    plan.limits.wall_ms = 120_000;
    plan.limits.cpu_ms = 120_000;
    let run = bench.run(&plan);
    assert_eq!(run.how(1), Quiet::Ended);
    assert_eq!(run.ended(), Some((1, ExitStatus::Code(42))));
}

#[test]
fn an_echo_loop_is_never_quiet() {
    runs_to_its_end(ECHO, "3000", Observation::Full);
}

#[test]
fn a_forking_loop_is_never_quiet() {
    runs_to_its_end(FORKS, "300", Observation::Full);
}

#[test]
fn a_loop_of_threads_is_never_quiet() {
    runs_to_its_end(THREADS, "300", Observation::Full);
}

#[test]
fn handing_over_a_condition_is_never_quiet() {
    runs_to_its_end(HANDOVER, "5000", Observation::Full);
}

#[test]
fn untraced_loops_are_never_quiet_either() {
    runs_to_its_end(ECHO, "20000", Observation::Bare);
    runs_to_its_end(HANDOVER, "20000", Observation::Bare);
}

/// Scans a healthy untraced program at full rate by both rules: how often each says "asleep". `one`: on one
/// processor, as the engine has it; or wherever the kernel puts them.
fn alarms(source: &str, rounds: &str, one: bool) -> (u64, u64, u64) {
    let bench = Bench::new();
    let exe = bench.compile("program", source);
    if one {
        // The thread of this test, and what it starts.
        let mut set = nix::sched::CpuSet::new();
        set.set(nix::sched::sched_getcpu().unwrap()).unwrap();
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set).unwrap();
    }
    let mut child = std::process::Command::new(exe).arg(rounds).spawn().unwrap();
    let root = i32::try_from(child.id()).unwrap();
    let mut scanner = supervisor::proc::Scanner::new().with_one_processor(one);
    let (mut scans, mut naive, mut sound) = (0, 0, 0);
    while child.try_wait().unwrap().is_none() {
        let there = members(root);
        if there.len() < 2 {
            continue;
        }
        scans += 1;
        let scan: Option<Vec<_>> = there
            .iter()
            .map(|&(pid, tid)| scanner.scan(pid, tid))
            .collect();
        let asleep = scan.filter(|scan| scan.iter().all(|thread| thread.state == b'S'));
        if let Some(first) = asleep {
            naive += 1;
            let mut both = there.iter().zip(&first);
            if both.all(|(&(pid, tid), before)| scanner.sleeps_on(pid, tid, before))
                && members(root) == there
            {
                sound += 1;
            }
        }
    }
    (scans, naive, sound)
}

/// The threads of a process and of its children.
fn members(root: i32) -> Vec<(i32, i32)> {
    let children = std::fs::read_to_string(format!("/proc/{root}/task/{root}/children"));
    let mut pids = vec![root];
    pids.extend(
        children
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|pid| pid.parse::<i32>().ok()),
    );
    pids.iter()
        .flat_map(|&pid| {
            let tids = supervisor::proc::threads_of(pid).unwrap_or_default();
            tids.into_iter().map(move |tid| (pid, tid))
        })
        .collect()
}

#[test]
fn two_equal_scans_never_lie_where_one_scan_does() {
    let (mut scans, mut naive, mut sound) = (0, 0, 0);
    // One scan lies seldom; enough of them do.
    for _ in 0..40 {
        for source in [ECHO, HANDOVER] {
            let found = alarms(source, "20000", false);
            scans += found.0;
            naive += found.1;
            sound += found.2;
        }
        if naive > 20 {
            break;
        }
    }
    println!(
        "{scans} scans of healthy programs: one-scan rule {naive} false alarms, two-scan rule {sound}"
    );
    assert_eq!(sound, 0);
    assert!(naive > 0, "the naive rule was never wrong in {scans} scans");
}

#[test]
fn on_one_processor_two_looks_at_what_ran_do_not_lie_either() {
    for source in [ECHO, HANDOVER] {
        let (scans, _, sound) = alarms(source, "20000", true);
        assert_eq!(sound, 0, "{scans} scans");
    }
}
