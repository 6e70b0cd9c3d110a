//! What containers refuse although they let programs be traced: copies of descriptors
//! (`pidfd_getfd`, of which Docker's default profile lets nobody make any).

use std::time::{Duration, Instant};

use crate::refusing::refuse;
use crate::support::{Bench, Recording, connect, send, start, type_};
use supervisor::event::{NO_COPIES, Quiet, What};
use supervisor::plan::{Act, Input, Plan};

/// Runs a program where no descriptor can be copied, as its helper is this thread's child, and tells how
/// long that took.
fn without_copies(
    source: &'static str,
    steps: Vec<Vec<Act>>,
    change: fn(&mut Plan),
) -> (Recording, Duration) {
    let run = std::thread::spawn(move || {
        refuse(libc::SYS_pidfd_getfd);
        let mut bench = Bench::new();
        let exe = bench.compile("program", source);
        let mut plan = crate::support::plan(&exe, &[], steps);
        change(&mut plan);
        let began = Instant::now();
        (bench.run(&plan), began.elapsed())
    });
    run.join().unwrap()
}

#[test]
fn waits_on_sockets_are_proved_nevertheless() {
    let source = r#"
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX}; strcpy(a.sun_path, "socket");
  int s = socket(AF_UNIX, SOCK_STREAM, 0); bind(s, (struct sockaddr *)&a, sizeof a); listen(s, 5);
  int c = accept(s, 0, 0); struct pollfd p = {c, POLLIN};
  for (char b; poll(&p, 1, -1) == 1 && read(c, &b, 1) == 1; ) write(c, &b, 1);
  for (;;) pause(); }"#;
    let (run, _) = without_copies(source, vec![start(), connect(0), send(0, "ab")], |_| {});
    assert_eq!(run.received(3, 0), "ab");
    for step in 1..=3 {
        assert_eq!(run.how(step), Quiet::Proved, "{step}");
    }
}

#[test]
fn a_limit_of_time_that_stays_with_the_kernel_is_no_wait_for_ever() {
    let source = r#"
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
int main(void) { int p[2]; char b; struct timeval limit = {.tv_usec = 300000};
  socketpair(AF_UNIX, SOCK_STREAM, 0, p); setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  read(0, &b, 1);
  if (read(p[0], &b, 1) < 0) write(1, "late", 4);
  return 0; }"#;
    let steps = vec![start(), type_("x"), vec![Act::Advance(1000)]];
    let (run, _) = without_copies(source, steps, |_| {});
    assert_ne!(run.how(2), Quiet::Proved);
    assert_eq!(run.out(2) + &run.out(3), "late");
}

#[test]
fn what_is_left_of_a_timer_that_stays_with_the_kernel_is_told() {
    let source = r#"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
int main(void) { int t = timerfd_create(CLOCK_MONOTONIC, 0), e = epoll_create1(0);
  struct itimerspec s = {.it_value = {.tv_sec = 600}}; struct epoll_event all = {.events = EPOLLIN};
  epoll_ctl(e, EPOLL_CTL_ADD, t, &all); timerfd_settime(t, 0, &s, 0);
  epoll_wait(e, &all, 1, -1); write(1, "came", 4); return 0; }"#;
    let steps = vec![start(), vec![Act::Advance(1500)]];
    let (run, passed) = without_copies(source, steps, |_| {});
    let passed = u64::try_from(passed.as_millis()).unwrap();
    let Quiet::Until(left) = run.how(2) else {
        panic!("{:?}", run.how(2));
    };
    // The timer was set after the run had begun.
    assert!((600_000 - passed..600_000).contains(&left), "{left}");
}

#[test]
fn the_timer_of_a_terminal_is_read_nevertheless() {
    let source = r#"
#include <termios.h>
#include <unistd.h>
int main(void) { struct termios t; char b; tcgetattr(0, &t); t.c_lflag &= ~ICANON;
  t.c_cc[VMIN] = 1; t.c_cc[VTIME] = 0; tcsetattr(0, TCSANOW, &t);
  read(0, &b, 1); write(1, &b, 1); return 0; }"#;
    let (run, _) = without_copies(source, vec![start(), type_("x")], |plan| {
        plan.programs[0].stdin = Input::Terminal;
    });
    assert_eq!(run.how(1), Quiet::Proved);
    assert_eq!(run.out(2), "x");
}

#[test]
fn that_sockets_cannot_be_made_to_hold_little_is_told() {
    let told = |change: fn(&mut Plan)| {
        let source = "int main(void) { return 0; }";
        let (run, _) = without_copies(source, vec![start()], change);
        run.has(0, |what| match what {
            What::Enforced(enforced) => enforced.missing.iter().any(|m| m.starts_with(NO_COPIES)),
            _ => false,
        })
    };
    assert!(told(|plan| plan.programs[0].small_buffers = true));
    // Whoever does not ask for it need not know.
    assert!(!told(|_| {}));
}
