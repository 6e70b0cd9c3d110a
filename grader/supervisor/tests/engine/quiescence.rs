//! When nothing more can happen, and when something still can.

use crate::support::{Bench, eof, plan, signal, start, type_};
use supervisor::event::{ExitStatus, Quiet, WaitState, What};
use supervisor::plan::{Act, Observation};

#[test]
fn a_filter_is_proved_quiet_between_its_lines() {
    let source = r#"
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) write(1, b, n);
  return 0; }"#;
    let run = Bench::new().steps(
        source,
        &[],
        vec![start(), type_("one\n"), type_("two"), eof()],
    );
    assert_eq!(run.how(1), Quiet::Proved);
    assert_eq!((run.out(2).as_str(), run.how(2)), ("one\\n", Quiet::Proved));
    assert_eq!((run.out(3).as_str(), run.how(3)), ("two", Quiet::Proved));
    assert_eq!(run.how(4), Quiet::Ended);
    assert_eq!(run.ended(), Some((4, ExitStatus::Code(0))));
}

#[test]
fn a_short_sleep_is_waited_through_and_a_long_one_is_left_to_the_clock() {
    let source = r#"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int c, char **v) { usleep(atoi(v[1]) * 1000); puts("awake"); return 0; }"#;
    let mut bench = Bench::new();
    let run = bench.steps(source, &["30"], vec![start()]);
    assert_eq!(
        (run.out(1).as_str(), run.how(1)),
        ("awake\\n", Quiet::Ended)
    );
    let run = bench.steps(source, &["100000"], vec![start()]);
    assert!(
        matches!(run.how(1), Quiet::Until(ms) if ms > 90_000 && ms <= 100_000),
        "{:?}",
        run.how(1)
    );
    assert_eq!(run.ended(), Some((1, ExitStatus::StillRunning)));
    let run = bench.steps(source, &["1200"], vec![start(), vec![Act::Advance(1300)]]);
    assert!(matches!(run.how(1), Quiet::Until(_)));
    assert_eq!(
        (run.out(2).as_str(), run.how(2)),
        ("awake\\n", Quiet::Ended)
    );
}

#[test]
fn an_alarm_is_known_to_be_armed() {
    let source = r#"
#include <unistd.h>
#include <stdlib.h>
#include <signal.h>
static void h(int s) { write(1, "beep", 4); _exit(0); }
int main(int c, char **v) { signal(SIGALRM, h); alarm(atoi(v[1])); for (;;) pause(); }"#;
    let run = Bench::new().steps(source, &["900"], vec![start()]);
    assert!(matches!(run.how(1), Quiet::Until(ms) if ms > 800_000));
}

#[test]
fn timers_that_cannot_be_followed_are_never_called_proved() {
    let source = r#"
#include <sys/timerfd.h>
#include <unistd.h>
#include <stdint.h>
int main(void) { int t = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec s = {.it_value = {.tv_sec = 600}}; timerfd_settime(t, 0, &s, 0);
  uint64_t n; read(t, &n, 8); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert!(
        matches!(run.how(1), Quiet::Until(ms) if ms > 500_000),
        "{:?}",
        run.how(1)
    );
}

#[test]
fn polling_with_short_timeouts_is_told_from_waiting() {
    let source = r#"
#include <unistd.h>
#include <signal.h>
static volatile sig_atomic_t flag;
static void h(int s) { flag = 1; }
int main(void) { signal(SIGINT, h); while (!flag) usleep(1000); write(1, "out", 3); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start(), signal(libc::SIGINT, 1)]);
    assert!(matches!(run.how(1), Quiet::Polling(_)), "{:?}", run.how(1));
    assert_eq!((run.out(2).as_str(), run.how(2)), ("out", Quiet::Ended));
}

#[test]
fn spinning_without_calls_ends_the_step_and_a_signal_still_arrives() {
    let source = r#"
#include <unistd.h>
#include <signal.h>
static volatile sig_atomic_t flag;
static void h(int s) { flag = 1; }
int main(void) { signal(SIGINT, h); while (!flag); write(1, "out", 3); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start(), vec![], signal(libc::SIGINT, 1)]);
    assert_eq!(run.how(1), Quiet::Spinning);
    assert_eq!(run.how(2), Quiet::Spinning);
    assert_eq!((run.out(3).as_str(), run.how(3)), ("out", Quiet::Ended));
}

#[test]
fn reading_at_end_of_file_for_ever_is_spinning_and_names_the_call() {
    let source = r#"
#include <unistd.h>
int main(void) { char b; for (;;) read(0, &b, 1); }"#;
    let run = Bench::new().steps(source, &[], vec![start(), eof()]);
    assert_eq!(run.how(1), Quiet::Proved);
    assert_eq!(run.how(2), Quiet::Spinning);
    let state = &run.settled(2).waits[0].state;
    assert!(
        matches!(state, WaitState::Spinning { calls, repeats: Some(call) } if *calls > 100 && call == "read(0) = 0"),
        "{state:?}"
    );
}

/// Who does not see the end of its input writes the last line again and again: progress by every
/// measure, for ever.
#[test]
fn writing_after_the_end_of_the_input_for_ever_is_spinning() {
    let source = r#"
#include <unistd.h>
int main(void) { char b = 0; for (;;) { read(0, &b, 1); if (b) write(1, &b, 1); } }"#;
    let run = Bench::new().steps(source, &[], vec![start(), type_("x"), eof(), vec![]]);
    assert_eq!(run.how(2), Quiet::Proved);
    for step in [3, 4] {
        assert_eq!(run.how(step), Quiet::Spinning, "step {step}");
        let state = &run.settled(step).waits[0].state;
        assert!(
            matches!(state, WaitState::Spinning { repeats: Some(call), .. } if call == "read(0) = 0"),
            "{state:?}"
        );
        assert!(run.out(step).len() < 10_000);
    }
}

/// The same with an error that does not pass: a message each time is progress by every measure.
#[test]
fn writing_after_the_same_error_for_ever_is_spinning() {
    for call in ["read(9, &b, 1)", "accept(9, 0, 0)"] {
        let source = format!(
            r#"
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {{ char b; for (int i = 0;; i++) if ({call} < 0) dprintf(1, "%d: error\n", i); }}"#
        );
        let run = Bench::new().steps(&source, &[], vec![start(), vec![]]);
        for step in [1, 2] {
            assert_eq!(run.how(step), Quiet::Spinning, "{call}, step {step}");
            let state = &run.settled(step).waits[0].state;
            assert!(
                matches!(
                    state,
                    WaitState::Spinning {
                        repeats: Some(_),
                        ..
                    }
                ),
                "{state:?}"
            );
            assert!(run.out(step).len() < 100_000);
        }
    }
}

/// The same where the end of the input is remembered, as stdio does: only the writing is left.
#[test]
fn writing_the_same_for_ever_is_spinning() {
    let source = r#"
#include <unistd.h>
int main(void) { for (;;) write(1, "no end\n", 7); }"#;
    let run = Bench::new().steps(source, &[], vec![start(), vec![]]);
    for step in [1, 2] {
        assert_eq!(run.how(step), Quiet::Spinning, "step {step}");
        let state = &run.settled(step).waits[0].state;
        assert!(
            matches!(state, WaitState::Spinning { repeats: Some(call), .. } if call.starts_with("write(1, ")),
            "{state:?}"
        );
    }
}

/// Nor do a question and its answer come to an end, where an alarm is switched off in between.
#[test]
fn asking_and_answering_for_ever_is_spinning() {
    let source = r#"
#include <unistd.h>
int main(void) { for (;;) { write(1, "number? ", 8); alarm(0);
    write(1, "no such line", 12); write(1, "\n", 1); } }"#;
    let run = Bench::new().steps(source, &[], vec![start(), vec![]]);
    for step in [1, 2] {
        assert_eq!(run.how(step), Quiet::Spinning, "step {step}");
        assert!(run.out(step).len() < 200_000);
    }
}

/// Bytes copied one by one, all of them the same, and lines that many programs would print.
#[test]
fn writing_the_same_many_times_is_not_spinning() {
    let source = r#"
#include <unistd.h>
int main(void) { for (int i = 0; i < 12000; i++) write(1, "x", 1);
  for (int i = 0; i < 4000; i++) write(1, "ho", 2);
  return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert_eq!((run.out(1).len(), run.how(1)), (20_000, Quiet::Ended));
}

/// Empty files in between are an end of input each, and not the same one.
#[test]
fn reading_many_small_files_is_not_spinning() {
    let source = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[2]; for (int i = 0; i < 8000; i++) {
    int fd = open(i % 2 ? "/dev/null" : "/etc/hostname", O_RDONLY);
    while (read(fd, b, sizeof b) > 0); close(fd);
    if (i % 100 == 0) write(1, ".", 1); }
  return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert_eq!((run.out(1).len(), run.how(1)), (80, Quiet::Ended));
}

#[test]
fn a_program_that_reads_byte_by_byte_is_not_spinning() {
    let source = r#"
#include <unistd.h>
int main(void) { char b; while (read(0, &b, 1) == 1); write(1, "end", 3); return 0; }"#;
    let text = "x".repeat(5000);
    let run = Bench::new().steps(source, &[], vec![start(), type_(&text), eof()]);
    assert_eq!(run.how(2), Quiet::Proved);
    assert_eq!((run.out(3).as_str(), run.how(3)), ("end", Quiet::Ended));
}

#[test]
fn a_stopped_program_is_quiet_and_goes_on() {
    let source = r#"
#include <unistd.h>
#include <signal.h>
int main(void) { write(1, "a", 1); raise(SIGSTOP); write(1, "b", 1); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start(), signal(libc::SIGCONT, 1)]);
    assert_eq!((run.out(1).as_str(), run.how(1)), ("a", Quiet::Proved));
    assert!(run.has(1, |what| matches!(
        what,
        What::Stopped { stopped: true, .. }
    )));
    assert_eq!((run.out(2).as_str(), run.how(2)), ("b", Quiet::Ended));
}

#[test]
fn without_tracing_silence_stands_in_for_proof() {
    let source = r#"
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) write(1, b, n);
  return 3; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let mut plan = plan(&exe, &[], vec![start(), type_("one\n"), eof()]);
    plan.observation = Observation::Bare;
    let run = bench.run(&plan);
    assert!(matches!(run.how(1), Quiet::Silent(_)));
    assert_eq!(run.out(2), "one\\n");
    assert_eq!(run.ended(), Some((3, ExitStatus::Code(3))));
}

#[test]
fn without_tracing_a_stopped_program_is_quiet_until_it_is_continued() {
    let source = r#"
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) write(1, b, n);
  return 3; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let steps = vec![
        start(),
        signal(libc::SIGSTOP, 1),
        type_("one\n"),
        signal(libc::SIGCONT, 1),
        eof(),
    ];
    let mut plan = plan(&exe, &[], steps);
    plan.observation = Observation::Bare;
    let run = bench.run(&plan);
    for step in 1..5 {
        assert!(
            matches!(run.how(step), Quiet::Silent(_)),
            "step {step}: {:?}",
            run.how(step)
        );
    }
    assert_eq!(
        (run.out(3), run.out(4)),
        (String::new(), "one\\n".to_owned())
    );
    assert_eq!(run.ended(), Some((5, ExitStatus::Code(3))));
}

#[test]
fn threads_forks_and_execs_are_followed_to_their_end() {
    let source = r#"
#include <pthread.h>
#include <unistd.h>
#include <sys/wait.h>
#include <stdio.h>
#include <string.h>
static void *sleeper(void *p) { pause(); return 0; }
static void *execer(void *p) { execl("/proc/self/exe", "program", "again", (char *)0); return 0; }
int main(int c, char **v) {
  if (c > 1 && !strcmp(v[1], "again")) { puts("again"); return 4; }
  if (vfork() == 0) _exit(1);
  wait(0);
  pthread_t a[3], b;
  for (int i = 0; i < 3; i++) pthread_create(&a[i], 0, sleeper, 0);
  pthread_cancel(a[0]); pthread_join(a[0], 0);
  pthread_create(&b, 0, execer, 0);
  pthread_join(b, 0);
  return 5; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert_eq!(run.ended(), Some((1, ExitStatus::Code(4))));
    assert_eq!(
        (run.out(1).as_str(), run.how(1)),
        ("again\\n", Quiet::Ended)
    );
}

#[test]
fn no_time_passes_for_a_program_that_is_proved_to_wait() {
    let source = r#"
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) write(1, b, n);
  return 0; }"#;
    // Longer than the whole scenario may take.
    let hour = Act::Advance(3_600_000);
    let run = Bench::new().steps(
        source,
        &[],
        vec![start(), vec![hour], type_("one\n"), eof()],
    );
    assert_eq!(run.how(2), Quiet::Proved);
    assert_eq!(run.out(3), "one\\n");
    assert_eq!(run.ended(), Some((4, ExitStatus::Code(0))));
}
