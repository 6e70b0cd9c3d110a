//! Who waits for whom, of real programs through the real engine.

use crate::support::{Bench, P, eof, plan, start, type_};
use supervisor::event::{Ender, Object, Quiet, Wait, WaitState};
use supervisor::plan::ProcessId;

fn process(number: u16) -> ProcessId {
    ProcessId { program: P, number }
}

fn wait_of(waits: &[Wait], number: u16) -> &Wait {
    waits
        .iter()
        .find(|wait| wait.process == process(number))
        .unwrap_or_else(|| panic!("no wait of {number}: {waits:#?}"))
}

#[test]
fn a_forgotten_copy_of_the_write_end_is_named() {
    let source = r#"
#include <unistd.h>
#include <sys/wait.h>
int main(void) { int p[2]; pipe(p); char b[100]; ssize_t n;
  if (fork() == 0) { while ((n = read(p[0], b, sizeof b)) > 0) write(1, b, n); _exit(0); }
  close(p[0]);
  while ((n = read(0, b, sizeof b)) > 0) write(p[1], b, n);
  close(p[1]); wait(0); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start(), type_("x\n"), eof()]);
    assert_eq!(run.how(3), Quiet::Proved);
    let waits = &run.settled(3).waits;
    let child = wait_of(waits, 1);
    assert_eq!(child.call, "read(3)");
    let own_copy = Ender::Process {
        process: process(1),
        fd: Some(4),
        itself: true,
    };
    assert_eq!(child.enders, vec![own_copy]);
    let parent = wait_of(waits, 0);
    assert_eq!(parent.on, Object::Children);
    assert!(matches!(parent.enders[..], [Ender::Process { process: p, .. }] if p == process(1)));
}

#[test]
fn two_processes_that_read_from_each_other_are_a_cycle() {
    let source = r#"
#include <unistd.h>
#include <sys/socket.h>
int main(void) { int s[2]; char b; socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  if (fork() == 0) { close(s[0]); read(s[1], &b, 1); _exit(0); }
  close(s[1]); read(s[0], &b, 1); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert_eq!(run.how(1), Quiet::Proved);
    let cycle = supervisor::waits::cycle(&run.settled(1).waits).unwrap();
    assert_eq!(cycle.len(), 2);
}

#[test]
fn a_mutex_has_an_owner_and_a_condition_has_none() {
    let source = r#"
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int ready;
static void *holder(void *p) { pthread_mutex_lock(&a); __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST); for (;;) pause(); }
static void *waiter(void *p) { pthread_mutex_lock(&b); pthread_cond_wait(&c, &b); return 0; }
int main(void) { pthread_t t, u; pthread_create(&t, 0, holder, 0);
  while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST)) sched_yield();
  pthread_create(&u, 0, waiter, 0); pthread_mutex_lock(&a); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert_eq!(run.how(1), Quiet::Proved);
    let waits = &run.settled(1).waits;
    let main = waits.iter().find(|wait| wait.thread == 0).unwrap();
    assert!(matches!(main.on, Object::Lock(_)), "{main:?}");
    assert!(matches!(main.enders[0], Ender::Process { .. }), "{main:?}");
    let waiter = waits.iter().find(|wait| wait.thread == 2).unwrap();
    assert!(matches!(waiter.enders[0], Ender::Unknown(_)), "{waiter:?}");
}

#[test]
fn a_child_that_the_kernel_has_collected_waits_for_nobody() {
    let source = r#"
#include <signal.h>
#include <unistd.h>
int main(int argc, char **argv) { if (argc > 1) signal(SIGCHLD, SIG_IGN);
  if (fork() == 0) _exit(0);
  for (;;) pause(); }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    for (args, zombies) in [(&[][..], 1), (&["ignores"][..], 0)] {
        for _ in 0..10 {
            let run = bench.run(&plan(&exe, args, vec![start()]));
            assert_eq!(run.how(1), Quiet::Proved);
            let waits = &run.settled(1).waits;
            let dead = waits.iter().filter(|w| w.state == WaitState::Zombie);
            assert_eq!(dead.count(), zombies, "{waits:?}");
        }
    }
}
