//! Disturbances, signals at exact places, limits.

use crate::support::{Bench, P, eof, plan, signal, start, type_};
use supervisor::event::{ExitStatus, LimitKind, Quiet, WaitState, What};
use supervisor::plan::{Act, Disturbance, Effect, First, Input, Nth, On, Output};

fn disturb(calls: &[&str], on: On, nth: Nth, effect: Effect) -> Act {
    Act::Disturb {
        program: P,
        disturbance: Disturbance {
            calls: calls.iter().map(|call| (*call).to_owned()).collect(),
            on,
            nth,
            effect,
        },
    }
}

const COPY_ONCE: &str = r#"
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) write(1, b, n);
  return 0; }"#;

const COPY_ALL: &str = r#"
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0)
    for (ssize_t done = 0, w; done < n; done += w) if ((w = write(1, b + done, n - done)) < 0) return 1;
  return 0; }"#;

#[test]
fn short_writes_cost_only_those_who_do_not_loop() {
    let clamp = || {
        vec![
            disturb(&["write"], On::Any, Nth::Every, Effect::AtMost(3)),
            Act::Start(P),
        ]
    };
    let mut bench = Bench::new();
    let run = bench.steps(COPY_ONCE, &[], vec![clamp(), type_("abcdefgh"), eof()]);
    assert_eq!(run.out(2), "abc");
    let run = bench.steps(COPY_ALL, &[], vec![clamp(), type_("abcdefgh"), eof()]);
    assert_eq!(run.out(2), "abcdefgh");
    assert_eq!(run.ended(), Some((3, ExitStatus::Code(0))));
}

#[test]
fn short_vectors_are_cut_too() {
    let source = r#"
#include <sys/uio.h>
#include <stdio.h>
int main(void) { struct iovec v[2] = {{"abc", 3}, {"defg", 4}};
  ssize_t n = writev(1, v, 2); dprintf(1, "|%zd", n); return 0; }"#;
    let act = disturb(&["writev"], On::Any, Nth::Every, Effect::AtMost(2));
    let run = Bench::new().steps(source, &[], vec![vec![act, Act::Start(P)]]);
    assert_eq!(run.out(1), "ab|2");
}

#[test]
fn messages_are_cut_in_their_pieces_not_in_their_flags() {
    let source = r#"
#include <sys/socket.h>
#include <sys/uio.h>
#include <stdio.h>
int main(void) { int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); char a[4] = "", b[4] = "";
  struct iovec v[3] = {{"", 0}, {"abc", 3}, {"defg", 4}}, w[2] = {{a, 3}, {b, 3}};
  struct msghdr m = {.msg_iov = v, .msg_iovlen = 3}, r = {.msg_iov = w, .msg_iovlen = 2};
  ssize_t n = sendmsg(p[0], &m, MSG_NOSIGNAL); dprintf(1, "%zd %zu %zu|", n, m.msg_iovlen, v[1].iov_len);
  send(p[0], "xyz", 3, 0); n = recvmsg(p[1], &r, MSG_DONTWAIT); dprintf(1, "%zd %s %zu %zu|", n, a, r.msg_iovlen, w[0].iov_len);
  n = recvmsg(p[1], &r, 0); dprintf(1, "%zd %s", n, a); return 0; }"#;
    let calls = ["sendmsg", "recvmsg"];
    let act = disturb(&calls, On::Socket, Nth::Every, Effect::AtMost(2));
    let run = Bench::new().steps(source, &[], vec![vec![act, Act::Start(P)]]);
    assert_eq!(run.out(1), "2 3 3|2 ab 2 3|2 xy");
}

#[test]
fn an_injected_error_reaches_only_the_nth_call_on_such_a_descriptor() {
    let source = r#"
#include <unistd.h>
#include <errno.h>
#include <stdio.h>
int main(void) { char b; int p[2]; pipe(p); write(p[1], "xyz", 3);
  for (int i = 0; i < 3; i++) { errno = 0; int n = read(p[0], &b, 1); dprintf(1, "%d/%d ", n, errno); }
  return 0; }"#;
    let act = disturb(&["read"], On::Pipe, Nth::Only(2), Effect::Fail(libc::EIO));
    let run = Bench::new().steps(source, &[], vec![vec![act, Act::Start(P)]]);
    assert_eq!(run.out(1), format!("1/0 -1/{} 1/0 ", libc::EIO));
}

#[test]
fn a_signal_exactly_before_pause_is_lost_and_before_sigsuspend_is_not() {
    let common = r#"
#include <signal.h>
#include <unistd.h>
static volatile sig_atomic_t flag;
static void h(int s) { flag = 1; }
"#;
    let racy = format!(
        "{common} int main(void) {{ signal(SIGQUIT, h); while (!flag) pause(); return 0; }}"
    );
    let sound = format!(
        "{common} int main(void) {{ sigset_t b, o; sigemptyset(&b); sigaddset(&b, SIGQUIT);
           sigprocmask(SIG_BLOCK, &b, &o); signal(SIGQUIT, h); while (!flag) sigsuspend(&o); return 0; }}"
    );
    let act = || {
        let effect = Effect::SignalBefore(libc::SIGQUIT);
        disturb(&["pause", "rt_sigsuspend"], On::Any, Nth::Only(1), effect)
    };
    let mut bench = Bench::new();
    let run = bench.steps(&racy, &[], vec![vec![act(), Act::Start(P)]]);
    assert_eq!(
        run.how(1),
        Quiet::Proved,
        "the flag was tested too early: it waits for ever"
    );
    let run = bench.steps(&sound, &[], vec![vec![act(), Act::Start(P)]]);
    assert_eq!(run.ended(), Some((1, ExitStatus::Code(0))));
}

#[test]
fn a_signal_comes_exactly_before_waits_for_semaphores_and_messages_as_well() {
    let common = r#"
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
static volatile sig_atomic_t flag;
static int id;
static sem_t sem;
static struct { long type; char c; } m = { 1, 'x' };
static struct sembuf up = { 0, 1, 0 }, down = { 0, -1, 0 };
"#;
    let ways = [
        (
            "futex",
            "sem_init(&sem, 0, 0);",
            "sem_post(&sem);",
            "sem_wait(&sem)",
        ),
        (
            "semop",
            "id = semget(IPC_PRIVATE, 1, 0600);",
            "semop(id, &up, 1);",
            "semop(id, &down, 1)",
        ),
        (
            "msgrcv",
            "id = msgget(IPC_PRIVATE, 0600);",
            "msgsnd(id, &m, 1, 0);",
            "msgrcv(id, &m, 1, 0, 0)",
        ),
    ];
    let mut bench = Bench::new();
    for (call, make, wake, wait) in ways {
        let source = |wake: &str| {
            format!(
                "{common} static void h(int s) {{ flag = 1; {wake} }}
                 int main(void) {{ {make} signal(SIGQUIT, h); while (!flag) {wait}; return 0; }}"
            )
        };
        let act = || {
            let effect = Effect::SignalBefore(libc::SIGQUIT);
            // The C library makes a `semtimedop` of `semop`.
            let calls = [call, "semtimedop"];
            disturb(&calls, On::Any, Nth::Only(1), effect)
        };
        let run = bench.steps(&source(""), &[], vec![vec![act(), Act::Start(P)]]);
        let waits = Some((1, ExitStatus::StillRunning));
        assert_eq!(run.ended(), waits, "{call}: the flag was tested too early");
        let run = bench.steps(&source(wake), &[], vec![vec![act(), Act::Start(P)]]);
        assert_eq!(run.ended(), Some((1, ExitStatus::Code(0))), "{call}");
    }
}

#[test]
fn a_signal_exactly_after_the_first_write_finds_what_was_installed_before() {
    let source = |first: &str, second: &str| {
        format!(
            r#"
#include <signal.h>
#include <unistd.h>
static void h(int s) {{ }}
int main(void) {{ {first} {second} return 0; }}"#
        )
    };
    let install = "signal(SIGINT, h);";
    let announce = "write(1, \"ready\", 5);";
    let act = || {
        let effect = Effect::SignalAfter(libc::SIGINT);
        disturb(&["write"], On::Standard, Nth::Only(1), effect)
    };
    let mut bench = Bench::new();
    let run = bench.steps(
        &source(install, announce),
        &[],
        vec![vec![act(), Act::Start(P)]],
    );
    assert_eq!(run.ended(), Some((1, ExitStatus::Code(0))));
    let run = bench.steps(
        &source(announce, install),
        &[],
        vec![vec![act(), Act::Start(P)]],
    );
    assert_eq!(run.ended(), Some((1, ExitStatus::Signal(libc::SIGINT))));
}

#[test]
fn signals_to_a_stopped_program_merge_and_real_time_ones_queue() {
    let source = r#"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static volatile sig_atomic_t n, r, q;
static void h(int s) { if (s == SIGINT) n++; else if (s == SIGQUIT) q = 1; else r++; }
int main(void) { struct sigaction a = {.sa_handler = h}; sigfillset(&a.sa_mask);
  sigaction(SIGINT, &a, 0); sigaction(SIGQUIT, &a, 0); sigaction(SIGRTMIN, &a, 0);
  sigset_t b, o; sigfillset(&b); sigprocmask(SIG_BLOCK, &b, &o);
  while (!q) sigsuspend(&o);
  printf("%d %d\n", (int)n, (int)r); return 0; }"#;
    let steps = vec![
        start(),
        signal(libc::SIGSTOP, 1),
        [signal(libc::SIGINT, 50), signal(34, 50)].concat(),
        signal(libc::SIGCONT, 1),
        signal(libc::SIGQUIT, 1),
    ];
    let run = Bench::new().steps(source, &[], steps);
    assert_eq!(run.out(5), "1 50\\n");
    assert_eq!(run.how(5), Quiet::Ended);
}

#[test]
fn a_reader_that_leaves_gives_sigpipe() {
    let run = Bench::new().steps(
        COPY_ALL,
        &[],
        vec![
            start(),
            vec![
                Act::LeaveOutput {
                    program: P,
                    after: 1,
                },
                Act::Type {
                    program: P,
                    bytes: vec![b'x'; 1 << 20].into(),
                    pieces: vec![],
                },
            ],
        ],
    );
    assert_eq!(run.ended(), Some((2, ExitStatus::Signal(libc::SIGPIPE))));
}

#[test]
fn a_full_device_and_a_closed_descriptor_refuse_writes() {
    let source = r#"
#include <unistd.h>
#include <errno.h>
int main(void) { return write(1, "x", 1) < 0 ? errno : 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    for (output, code) in [
        (Output::Full, libc::ENOSPC),
        (Output::Closed, libc::EBADF),
        (Output::Null, 0),
    ] {
        let mut plan = plan(&exe, &[], vec![start()]);
        plan.programs[0].stdout = output;
        let run = bench.run(&plan);
        assert_eq!(run.ended(), Some((1, ExitStatus::Code(code))), "{output:?}");
    }
}

#[test]
fn a_terminal_makes_stdio_line_buffered() {
    let source = r#"
#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d%d\n", isatty(0), isatty(1)); for (;;) pause(); }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let mut piped = plan(&exe, &[], vec![start()]);
    let run = bench.run(&piped);
    assert_eq!(run.out(1), "", "on a pipe the text stays in the buffer");
    piped.programs[0].stdin = Input::Terminal;
    piped.programs[0].stdout = Output::Terminal;
    let run = bench.run(&piped);
    assert_eq!(run.out(1), "11\\n");
}

#[test]
fn a_fork_bomb_is_stopped_at_the_limit_and_named() {
    let source = r#"
#include <unistd.h>
int main(void) { for (;;) if (fork() < 0) pause(); }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert!(run.has(1, |what| matches!(
        what,
        What::Limit {
            limit: LimitKind::Processes,
            ..
        }
    )));
}

#[test]
fn output_is_capped_but_drained() {
    let source = r#"
#include <unistd.h>
int main(void) { static char b[65536]; for (int i = 0; i < 256; i++) write(1, b, sizeof b); return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let mut plan = plan(&exe, &[], vec![start()]);
    plan.limits.output = 100_000;
    let run = bench.run(&plan);
    assert_eq!(
        run.ended(),
        Some((1, ExitStatus::Code(0))),
        "the writer never blocks"
    );
    let kept: usize = run
        .step(1)
        .map(|what| match what {
            What::Output { bytes, .. } => bytes.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(kept, 100_000);
    assert!(run.has(1, |what| matches!(
        what,
        What::Limit {
            limit: LimitKind::Output,
            ..
        }
    )));
}

#[test]
fn a_program_that_cannot_be_executed_is_told_with_its_error() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", "int main(void) { return 0; }");
    let mut plan = plan(&exe, &[], vec![start()]);
    plan.files[0].mode = 0o644;
    let run = bench.run(&plan);
    assert!(run.has(
        1,
        |what| matches!(what, What::ExecFailed { errno, .. } if *errno == libc::EACCES)
    ));
}

#[test]
fn an_injected_eintr_costs_only_those_who_do_not_try_again() {
    let source = |again: &str| {
        format!(
            r#"
#include <errno.h>
#include <signal.h>
#include <unistd.h>
static void h(int s) {{ }}
int main(void) {{ struct sigaction a = {{.sa_handler = h, .sa_flags = SA_RESTART}}; sigaction(SIGINT, &a, 0);
  char c; ssize_t n; for (;;) {{ n = read(0, &c, 1); if (n == 1) write(1, &c, 1); else if (n < 0 && errno == EINTR) {again} else return 0; }} }}"#
        )
    };
    let act = || disturb(&["read"], On::Any, Nth::Only(2), Effect::Fail(libc::EINTR));
    let steps = || vec![vec![act(), Act::Start(P)], type_("abc"), eof()];
    let mut bench = Bench::new();
    let run = bench.steps(&source("continue;"), &[], steps());
    assert_eq!(run.out(2), "abc");
    assert_eq!(run.ended(), Some((3, ExitStatus::Code(0))));
    let run = bench.steps(&source("return 4;"), &[], steps());
    assert_eq!(
        (run.out(2).as_str(), run.ended()),
        ("a", Some((2, ExitStatus::Code(4))))
    );
}

#[test]
fn a_delayed_call_is_made_after_what_came_meanwhile() {
    // The alarm goes off between being set and being waited for: lost without a test of the flag.
    let source = r#"
#include <signal.h>
#include <unistd.h>
static void h(int s) { write(1, "alarm ", 6); }
int main(void) { signal(SIGALRM, h); alarm(3); pause(); write(1, "woken", 5); return 0; }"#;
    let act = disturb(&["pause"], On::Any, Nth::Only(1), Effect::Delay(4000));
    let steps = vec![
        vec![act, Act::Start(P)],
        vec![Act::Advance(1500)],
        vec![Act::Advance(1200)],
        vec![Act::Advance(3000)],
    ];
    let run = Bench::new().steps(source, &[], steps);
    assert!(matches!(run.how(1), Quiet::Until(ms) if (2900..=3000).contains(&ms)));
    assert_eq!(run.out(2), "");
    // At three seconds the alarm is pending, at four it is handled, and then pause waits for ever.
    assert!(matches!(run.how(3), Quiet::Until(_)));
    assert_eq!(
        (run.out(3).as_str(), run.out(4).as_str(), run.how(4)),
        ("", "alarm ", Quiet::Proved)
    );
}

#[test]
fn a_frozen_thread_waits_to_be_thawed_while_the_others_go_on() {
    let source = r#"
#include <pthread.h>
#include <unistd.h>
static void *other(void *p) { char c; while (read(0, &c, 1) == 1) write(1, &c, 1); return 0; }
int main(void) { pthread_t t; pthread_create(&t, 0, other, 0); getppid(); char c = '!';
  write(1, &c, 1); pthread_join(t, 0); return 0; }"#;
    let act = disturb(&["write"], On::Standard, Nth::Only(1), Effect::Freeze);
    let steps = vec![
        vec![act, Act::Start(P)],
        type_("ab"),
        vec![Act::Advance(5000)],
        vec![Act::Thaw(P)],
        eof(),
    ];
    let run = Bench::new().steps(source, &[], steps);
    assert_eq!((run.out(1).as_str(), run.how(1)), ("", Quiet::Proved));
    let frozen = &run.settled(1).waits[0];
    assert_eq!(
        (frozen.call.as_str(), &frozen.state),
        ("write", &WaitState::Blocked)
    );
    assert_eq!((run.out(2).as_str(), run.out(3).as_str()), ("ab", ""));
    assert_eq!((run.out(4).as_str(), run.how(4)), ("!", Quiet::Proved));
    assert_eq!(run.ended(), Some((5, ExitStatus::Code(0))));
}

#[test]
fn after_a_fork_the_one_that_is_named_goes_first() {
    let source = r#"
#include <sys/wait.h>
#include <unistd.h>
int main(void) { if (fork() == 0) { for (int i = 0; i < 3; i++) write(1, "c", 1); _exit(0); }
  for (int i = 0; i < 3; i++) write(1, "p", 1); wait(0); return 0; }"#;
    let mut bench = Bench::new();
    for (first, text) in [(First::Child, "cccppp"), (First::Parent, "pppccc")] {
        for _ in 0..10 {
            let act = disturb(
                &["fork", "clone"],
                On::Any,
                Nth::Every,
                Effect::First(first),
            );
            let run = bench.steps(source, &[], vec![vec![act, Act::Start(P)]]);
            assert_eq!((run.out(1).as_str(), run.how(1)), (text, Quiet::Ended));
        }
    }
}
