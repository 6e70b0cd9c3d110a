//! Virtual time: what waits for time gets it when the grader lets it pass, in the right order, and
//! clocks show what has passed.

use std::time::{Duration, Instant};

use crate::support::{Bench, plan, signal, start, type_};
use supervisor::event::{ExitStatus, Quiet, WaitState};
use supervisor::plan::{Act, Observation};

/// Functions that the programs below share: `at()` is the time since the start in whole
/// milliseconds, and `say` prints it before a text.
const COMMON: &str = r#"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static struct timespec began;
static long ms(struct timespec a, struct timespec b) {
  return (a.tv_sec - b.tv_sec) * 1000 + (a.tv_nsec - b.tv_nsec) / 1000000; }
static long at(void) { struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now); return ms(now, began); }
/* In tenths of a second: computing takes a little time as well. */
static void say(const char *form, ...) { char text[200]; va_list list; va_start(list, form);
  int n = snprintf(text, 100, "%.1f ", at() / 1000.0); n += vsnprintf(text + n, 100, form, list);
  text[n++] = '\n'; write(1, text, n); va_end(list); }
static void handler(int s) { }
static void on(int s, void (*f)(int), int flags) { struct sigaction a = {.sa_handler = f, .sa_flags = flags}; sigaction(s, &a, 0); }
#define BEGIN clock_gettime(CLOCK_MONOTONIC, &began)
"#;

fn advance(ms: u64) -> Vec<Act> {
    vec![Act::Advance(ms)]
}

/// How often each program is run: `ENGINE_ROUNDS` for the hunt for races.
fn rounds() -> usize {
    let rounds = std::env::var("ENGINE_ROUNDS").ok();
    rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// Runs a program through steps again and again; the output of each step must always be this.
fn always(body: &str, steps: &[Vec<Act>], expected: &[&str]) {
    let mut bench = Bench::new();
    let exe = bench.compile("program", &format!("{COMMON}{body}"));
    for round in 0..rounds() {
        let began = Instant::now();
        let run = bench.run(&plan(&exe, &[], steps.to_vec()));
        for (step, text) in (1..).zip(expected) {
            let text = text.replace('\n', "\\n");
            assert_eq!(run.out(step), text, "round {round}, step {step}");
        }
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn an_hour_of_all_kinds_of_waits_comes_in_order() {
    let body = r#"
static void alarmed(int s) { say("alarm"); }
static void *a(void *x) { sleep(10); say("sleep 10"); return 0; }
static void *b(void *x) { struct pollfd p; int r = poll(&p, 0, 7000); say("poll 7 = %d", r);
  struct timeval t = {2, 500000}; r = select(0, 0, 0, 0, &t); say("select 2.5 = %d, %ld left", r, (long)(t.tv_sec + t.tv_usec)); return 0; }
static void *c(void *x) { pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t v = PTHREAD_COND_INITIALIZER;
  struct timespec t; clock_gettime(CLOCK_REALTIME, &t); t.tv_sec += 3; pthread_mutex_lock(&m);
  int r = pthread_cond_timedwait(&v, &m, &t); say("cond 3: %s", r == ETIMEDOUT ? "ETIMEDOUT" : "?"); return 0; }
int main(void) { BEGIN; time_t w = time(0); signal(SIGALRM, alarmed);
  sigset_t s; sigemptyset(&s); sigaddset(&s, SIGALRM); pthread_t t[3]; pthread_sigmask(SIG_BLOCK, &s, 0);
  pthread_create(t, 0, a, 0); pthread_create(t + 1, 0, b, 0); pthread_create(t + 2, 0, c, 0);
  pthread_sigmask(SIG_UNBLOCK, &s, 0); alarm(5); pause(); say("pause returned");
  for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
  if (fork() == 0) { sleep(60); say("child slept 60"); _exit(0); }
  wait(0); sleep(3600); say("end, time %ld", (long)(time(0) - w) / 10); return 0; }"#;
    always(
        body,
        &[start(), advance(3500), advance(4_000_000)],
        &[
            "",
            "3.0 cond 3: ETIMEDOUT\n",
            "5.0 alarm\n5.0 pause returned\n7.0 poll 7 = 0\n9.5 select 2.5 = 0, 0 left\n10.0 sleep 10\n\
             70.0 child slept 60\n3670.0 end, time 367\n",
        ],
    );
}

#[test]
fn nothing_comes_before_its_time() {
    let body = r#"
int main(void) { BEGIN; struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); t.tv_sec += 8;
  sleep(5); say("five"); clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0); say("eight");
  read(0, &t, 1); say("later"); return 0; }"#;
    always(
        body,
        &[
            start(),
            advance(3500),
            advance(2000),
            advance(2000),
            advance(50_000),
            type_("x"),
        ],
        &["", "", "5.0 five\n", "8.0 eight\n", "", "58.0 later\n"],
    );
}

#[test]
fn timers_of_all_kinds_come_again_and_again() {
    let body = r#"
static int n;
static void tick(int s) { say("itimer %d", ++n); }
static void info(int s, siginfo_t *i, void *c) { say("timer %d, %d", i->si_code == SI_TIMER, i->si_value.sival_int); }
int main(void) { BEGIN; on(SIGALRM, tick, SA_RESTART);
  struct sigaction a = {.sa_sigaction = info, .sa_flags = SA_SIGINFO | SA_RESTART}; sigaction(SIGRTMIN, &a, 0);
  struct itimerval v = {{1, 0}, {2, 0}}; setitimer(ITIMER_REAL, &v, 0);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42};
  timer_t t; timer_create(CLOCK_MONOTONIC, &e, &t);
  struct itimerspec s = {{0, 0}, {2, 700000000}}; timer_settime(t, 0, &s, 0);
  int f = timerfd_create(CLOCK_MONOTONIC, 0); struct itimerspec u = {{1, 0}, {1, 500000000}}; timerfd_settime(f, 0, &u, 0);
  uint64_t k;
  for (int i = 0; i < 4; i++) { read(f, &k, 8); say("timerfd %d", (int)k); }
  struct itimerval left; getitimer(ITIMER_REAL, &left); say("left %ld", (left.it_value.tv_usec + 50000) / 100000);
  timer_gettime(t, &s); say("posix %ld", (long)s.it_value.tv_sec);
  struct itimerval off = {{0, 0}, {0, 0}}; setitimer(ITIMER_REAL, &off, 0);
  sleep(3); read(f, &k, 8); say("missed %d", (int)k);
  timerfd_settime(f, 0, &s, &u); say("interval %ld", (long)u.it_interval.tv_sec);
  read(0, &k, 1); return 0; }"#;
    always(
        body,
        &[start(), advance(20_000)],
        &[
            "",
            "1.5 timerfd 1\n2.0 itimer 1\n2.5 timerfd 1\n2.7 timer 1, 42\n3.0 itimer 2\n3.5 timerfd 1\n\
             4.0 itimer 3\n4.5 timerfd 1\n4.5 left 5\n4.5 posix 0\n7.5 missed 3\n7.5 interval 1\n",
        ],
    );
}

#[test]
fn a_signal_ends_a_sleep_and_the_rest_of_it_is_right() {
    let body = r#"
int main(void) { BEGIN; on(SIGUSR1, handler, SA_RESTART); on(SIGUSR2, handler, 0);
  struct timespec t = {10, 0}, r = {0, 0};
  int n = nanosleep(&t, &r); say("%d %d, %ld left", n, errno, (ms(r, (struct timespec){0}) + 50) / 100);
  n = clock_nanosleep(CLOCK_MONOTONIC, 0, &r, &r); say("%d, %ld left", n, (ms(r, (struct timespec){0}) + 50) / 100);
  unsigned s = sleep(10); say("sleep: %u", s);
  struct pollfd p = {0, POLLIN}; n = poll(&p, 1, 9000); say("poll %d %d", n, errno);
  struct timeval v = {9, 0}; fd_set set; FD_ZERO(&set); FD_SET(0, &set);
  n = select(1, &set, 0, 0, &v); say("select %d %d, %ld left", n, errno, (v.tv_sec * 1000 + v.tv_usec / 1000 + 50) / 100);
  alarm(9); sleep(2); say("alarm %u", alarm(0));
  read(0, &t, 1); return 0; }"#;
    always(
        body,
        &[
            start(),
            advance(4000),
            signal(libc::SIGUSR1, 1),
            advance(4000),
            signal(libc::SIGUSR2, 1),
            advance(2500),
            signal(libc::SIGUSR1, 1),
            advance(4000),
            signal(libc::SIGUSR1, 1),
            advance(3000),
            signal(libc::SIGUSR2, 1),
            advance(2000),
        ],
        &[
            "",
            "",
            "4.0 -1 4, 60 left\n",
            "",
            "8.0 4, 20 left\n",
            "",
            "10.5 sleep: 7\n",
            "",
            "14.5 poll -1 4\n",
            "",
            "17.5 select -1 4, 60 left\n",
            "19.5 alarm 7\n",
        ],
    );
}

#[test]
fn a_stop_and_a_continue_neither_end_nor_lengthen_a_wait() {
    let body = r#"
int main(void) { BEGIN; sleep(5); say("slept"); struct pollfd p = {0, POLLIN};
  int n = poll(&p, 1, 5000); say("poll %d", n); struct timespec t = {3, 0}; sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1);
  sigprocmask(SIG_BLOCK, &s, 0); n = sigtimedwait(&s, 0, &t); say("sigtimedwait %d %d", n, errno == EAGAIN);
  n = sigtimedwait(&s, 0, &t); say("sigtimedwait %d", n == SIGUSR1); return 0; }"#;
    always(
        body,
        &[
            start(),
            advance(3000),
            signal(libc::SIGSTOP, 1),
            signal(libc::SIGCONT, 1),
            advance(3500),
            signal(libc::SIGSTOP, 1),
            advance(1000),
            signal(libc::SIGCONT, 1),
            advance(3000),
            advance(3000),
            signal(libc::SIGUSR1, 1),
        ],
        &[
            "",
            "",
            "",
            "",
            "5.0 slept\n",
            "",
            "",
            "",
            "10.0 poll 0\n",
            "13.0 sigtimedwait -1 1\n",
            "13.5 sigtimedwait 1\n",
        ],
    );
}

#[test]
fn data_ends_a_timed_wait_and_what_is_left_is_told() {
    let body = r#"
int main(void) { BEGIN; char c; struct timeval v = {8, 0}; fd_set set; FD_ZERO(&set); FD_SET(0, &set);
  int n = select(1, &set, 0, 0, &v); say("select %d %d, %ld left", n, !!FD_ISSET(0, &set), (v.tv_sec * 1000 + v.tv_usec / 1000 + 50) / 100); read(0, &c, 1);
  v = (struct timeval){1, 500000}; FD_SET(0, &set); n = select(1, &set, 0, 0, &v); say("select %d %d", n, !!FD_ISSET(0, &set));
  int e = epoll_create1(0); struct epoll_event ev = {.events = EPOLLIN}; epoll_ctl(e, EPOLL_CTL_ADD, 0, &ev);
  n = epoll_wait(e, &ev, 1, 4000); say("epoll %d", n); n = epoll_wait(e, &ev, 1, 4000); say("epoll %d", n); return 0; }"#;
    always(
        body,
        &[
            start(),
            advance(2000),
            type_("x"),
            advance(1600),
            advance(4000),
            type_("x"),
        ],
        &[
            "",
            "",
            "2.0 select 1 1, 60 left\n",
            "3.5 select 0 0\n",
            "7.5 epoll 0\n",
            "7.6 epoll 1\n",
        ],
    );
}

#[test]
fn locks_and_sockets_wait_by_the_same_clock() {
    let body = r#"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *other(void *x) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); t.tv_sec += 2;
  say("lock %d", pthread_mutex_timedlock(&m, &t) == ETIMEDOUT); return 0; }
int main(void) { BEGIN; pthread_mutex_lock(&m); pthread_t t; pthread_create(&t, 0, other, 0); pthread_join(t, 0);
  int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); struct timeval v = {3, 0}, got; socklen_t n = sizeof got;
  setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &v, sizeof v); getsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &got, &n);
  say("limit %ld", (long)got.tv_sec); char c; int r = recv(p[0], &c, 1, 0); say("recv %d %d", r, errno == EAGAIN);
  write(p[1], "x", 1); r = recv(p[0], &c, 1, 0); say("recv %d", r); on(SIGUSR1, handler, SA_RESTART);
  r = read(p[0], &c, 1); say("read %d %d", r, errno == EINTR); return 0; }"#;
    always(
        body,
        &[start(), advance(7000), signal(libc::SIGUSR1, 1)],
        &[
            "",
            "2.0 lock 1\n2.0 limit 3\n5.0 recv -1 1\n5.0 recv 1\n",
            "7.0 read -1 1\n",
        ],
    );
}

#[test]
fn a_signal_that_is_ignored_ends_no_wait() {
    let body = r#"
static pid_t child(int ms) { pid_t pid = fork(); if (pid) return pid; struct timespec t = {0, ms * 1000000L}; nanosleep(&t, 0); _exit(0); }
static void *nurse(void *pid) { waitpid((pid_t)(long)pid, 0, 0); return 0; }
int main(void) { BEGIN; int e = epoll_create1(0); struct epoll_event ev = {.events = EPOLLIN};
  epoll_ctl(e, EPOLL_CTL_ADD, 0, &ev); child(500); int n = epoll_wait(e, &ev, 1, -1); say("epoll %d", n); char c; read(0, &c, 1);
  child(500); n = epoll_wait(e, &ev, 1, 2000); say("epoll %d", n);
  sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); sigprocmask(SIG_BLOCK, &s, 0); struct timespec t = {2, 0};
  pthread_t nurses[3]; for (int i = 0; i < 3; i++) pthread_create(&nurses[i], 0, nurse, (void *)(long)child(500 + 100 * i));
  n = sigtimedwait(&s, 0, &t); say("signal %d %d", n, errno == EAGAIN);
  int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); struct timeval v = {2, 0}; setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &v, sizeof v);
  child(500); n = recv(p[0], &c, 1, 0); say("recv %d %d", n, errno == EAGAIN);
  for (int i = 0; i < 3; i++) pthread_join(nurses[i], 0);
  on(SIGCHLD, handler, SA_RESTART); child(500); n = epoll_wait(e, &ev, 1, -1); say("epoll %d %d", n, errno == EINTR); return 0; }"#;
    always(
        body,
        &[start(), type_("x"), advance(8000)],
        &[
            "",
            "0.5 epoll 1\n",
            "2.5 epoll 0\n4.5 signal -1 1\n6.5 recv -1 1\n7.0 epoll -1 1\n",
        ],
    );
}

#[test]
fn a_function_that_a_timer_calls_is_called() {
    let body = r#"
static void called(union sigval v) { say("called %d", v.sival_int); }
int main(void) { BEGIN; struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = called, .sigev_value.sival_int = 7};
  timer_t t; timer_create(CLOCK_REALTIME, &e, &t); struct itimerspec s = {{2, 0}, {3, 0}}; timer_settime(t, 0, &s, 0);
  for (;;) pause(); }"#;
    always(
        body,
        &[start(), advance(3500), advance(3500)],
        &["", "3.0 called 7\n", "5.0 called 7\n7.0 called 7\n"],
    );
}

#[test]
fn a_timer_that_was_deleted_does_not_come() {
    let body = r#"
static void tick(int s) { say("tick"); }
int main(void) { BEGIN; on(SIGALRM, tick, SA_RESTART); char c; timer_t t; struct itimerspec s = {{0, 0}, {5, 0}};
  timer_create(CLOCK_MONOTONIC, 0, &t); timer_settime(t, 0, &s, 0); read(0, &c, 1); timer_delete(t);
  timer_create(CLOCK_MONOTONIC, 0, &t); timer_settime(t, 0, &s, 0); read(0, &c, 1); return 0; }"#;
    always(
        body,
        &[
            start(),
            advance(3000),
            type_("x"),
            advance(3000),
            advance(3000),
        ],
        &["", "", "", "", "8.0 tick\n"],
    );
}

#[test]
fn a_closed_timer_is_forgotten_and_an_alarm_outlives_exec() {
    let body = r#"
int main(int n, char **v) { BEGIN; if (n > 1) { pause(); return 0; }
  int f = timerfd_create(CLOCK_MONOTONIC, 0); struct itimerspec u = {{1, 0}, {5, 0}}; timerfd_settime(f, 0, &u, 0);
  char c; read(0, &c, 1); close(f); read(0, &c, 1); alarm(4); execl("/proc/self/exe", "program", "again", (char *)0); return 1; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", &format!("{COMMON}{body}"));
    let steps = vec![
        start(),
        type_("x"),
        type_("x"),
        advance(2000),
        advance(2000),
    ];
    for _ in 0..rounds() {
        let run = bench.run(&plan(&exe, &[], steps.clone()));
        assert!(matches!(run.how(1), Quiet::Until(ms) if ms > 4900));
        assert_eq!(run.how(2), Quiet::Proved);
        assert!(matches!(run.how(3), Quiet::Until(ms) if (3900..=4000).contains(&ms)));
        assert!(matches!(run.how(4), Quiet::Until(ms) if (1900..=2000).contains(&ms)));
        assert_eq!(run.ended(), Some((5, ExitStatus::Signal(libc::SIGALRM))));
    }
}

#[test]
fn who_sleeps_for_a_second_again_and_again_polls_and_is_no_further_for_it() {
    let body = r#"
int main(void) { BEGIN; int i = 0; struct pollfd p = {0, POLLIN};
  while (i < 5 && poll(&p, 1, 0) == 0) { sleep(1); i++; }
  say("%d", i); return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", &format!("{COMMON}{body}"));
    for _ in 0..rounds() {
        let began = Instant::now();
        let run = bench.run(&plan(
            &exe,
            &[],
            vec![start(), advance(3000), advance(3000)],
        ));
        assert_eq!(run.how(1), Quiet::Polling(1000));
        assert_eq!(run.settled(1).waits[0].state, WaitState::Polling(1000));
        assert_eq!(
            (run.out(2), run.out(3)),
            (String::new(), "5.0 5\\n".to_owned())
        );
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn who_looks_at_the_clock_all_the_time_sees_it_go_on() {
    let body = r#"
int main(void) { BEGIN; while (at() < 20); say("soon"); time_t t = time(0); while (time(0) < t + 5); write(1, "late\n", 5); return 0; }"#;
    let steps = [start(), advance(3000), advance(3000)];
    always(body, &steps, &["0.0 soon\n", "", "late\n"]);
    let mut bench = Bench::new();
    let run = bench.steps(&format!("{COMMON}{body}"), &[], steps.to_vec());
    assert_eq!(run.how(2), Quiet::Spinning);
    let state = &run.settled(2).waits[0].state;
    let expected = Some("time()".to_owned());
    assert!(
        matches!(state, WaitState::Spinning { calls, repeats } if *calls >= 300 && *repeats == expected)
    );
}

#[test]
fn a_heap_of_short_sleeps_takes_no_longer_than_in_real_time() {
    let body = r#"
static volatile int done;
static void stop(int s) { done = 1; }
int main(void) { BEGIN; signal(SIGALRM, stop); alarm(2); long n = 0; struct timespec t = {0, 1000};
  while (!done) { nanosleep(&t, 0); n++; } say("%s", n > 100 ? "many" : "few"); return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", &format!("{COMMON}{body}"));
    let began = Instant::now();
    let run = bench.run(&plan(&exe, &[], vec![start(), advance(3000)]));
    assert!(began.elapsed() < Duration::from_secs(15));
    assert!(run.out(2).ends_with("many\\n"), "{}", run.out(2));
    assert_eq!(run.how(2), Quiet::Ended);
}

#[test]
fn without_tracing_time_passes_really_and_the_same_is_seen() {
    let body = r#"
static void alarmed(int s) { write(1, "alarm\n", 6); }
int main(void) { struct sigaction a = {.sa_handler = alarmed}; sigaction(SIGALRM, &a, 0);
  struct pollfd p = {0, POLLIN}; int n = poll(&p, 1, 1800); dprintf(1, "poll %d\n", n);
  alarm(2); char c; n = read(0, &c, 1); dprintf(1, "read %d %d\n", n, errno == EINTR);
  while (read(0, &c, 1) == 1) write(1, &c, 1);
  return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", &format!("{COMMON}{body}"));
    let steps = vec![start(), advance(2500), advance(2500), type_("x")];
    let mut plan = plan(&exe, &[], steps);
    let mut seen = Vec::new();
    for observation in [Observation::Full, Observation::Bare] {
        plan.observation = observation;
        let began = Instant::now();
        let run = bench.run(&plan);
        let really = began.elapsed() > Duration::from_secs(4);
        assert_eq!(really, observation == Observation::Bare);
        seen.push([run.out(1), run.out(2), run.out(3), run.out(4)]);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(
        seen[0],
        ["", "poll 0\\n", "alarm\\nread -1 1\\n", "x"].map(str::to_owned)
    );
}

#[test]
fn static_programs_see_the_same_clock() {
    let mut bench = Bench::new();
    let source = format!(
        "{COMMON} int main(void) {{ BEGIN; time_t t = time(0); sleep(100); say(\"%d\", (int)(time(0) - t) / 10); return 0; }}"
    );
    let exe = bench.compile_with("program", &source, &["-static"]);
    let run = bench.run(&plan(&exe, &[], vec![start(), advance(200_000)]));
    assert_eq!(run.out(2), "100.0 10\\n");
}
