//! Terminals: what is typed is handed over before a step counts as over.

use crate::support::{Bench, P, eof, plan, start, type_};
use supervisor::event::{ExitStatus, Quiet};
use supervisor::plan::{Act, Input, Output, Plan};

/// A plan for a program on a terminal with line editing.
fn on_a_terminal(exe: &std::path::Path, input: Input, steps: Vec<Vec<Act>>) -> Plan {
    let mut plan = plan(exe, &[], steps);
    plan.programs[0].stdin = input;
    plan.programs[0].stdout = Output::Terminal;
    plan
}

/// Each key typed on a terminal without line editing is answered in its own step, however late the
/// kernel's work queue comes to it.
#[test]
fn each_key_is_answered_in_its_step() {
    let source = r#"
#include <unistd.h>
int main(void) { char c;
  while (read(0, &c, 1) == 1) { c++; write(1, &c, 1); }
  return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let keys = 500;
    let mut steps = vec![start()];
    steps.extend((0..keys).map(|_| type_("a")));
    let run = bench.run(&on_a_terminal(&exe, Input::Terminal, steps));
    for step in 2..keys + 2 {
        assert_eq!(
            (run.out(step).as_str(), run.how(step)),
            ("b", Quiet::Proved),
            "step {step}"
        );
    }
}

/// The same with line editing and echo, for a program that waits in `poll`, and an end of input.
#[test]
fn lines_and_their_echo_come_in_their_step() {
    let source = r#"
#include <poll.h>
#include <unistd.h>
int main(void) { char b[100]; ssize_t n; struct pollfd p = { 0, POLLIN, 0 };
  while (poll(&p, 1, -1) == 1 && (n = read(0, b, sizeof b)) > 0) write(1, b, n);
  return 7; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let lines = 200;
    let mut steps = vec![start()];
    for _ in 0..lines {
        steps.push(type_("ab"));
        steps.push(type_("c\n"));
    }
    steps.push(eof());
    let run = bench.run(&on_a_terminal(&exe, Input::Cooked, steps));
    for line in 0..lines {
        let first = 2 + 2 * line;
        assert_eq!(
            (run.out(first).as_str(), run.how(first)),
            ("ab", Quiet::Proved)
        );
        assert_eq!(
            (run.out(first + 1).as_str(), run.how(first + 1)),
            ("c\\r\\nabc\\r\\n", Quiet::Proved)
        );
    }
    assert_eq!(run.ended(), Some((2 + 2 * lines, ExitStatus::Code(7))));
}

/// What nobody reads has been handed over when all of it can be read. (The interrupt key throws the
/// unread away.)
#[test]
fn what_stays_unread_is_counted() {
    let source = r#"
#include <signal.h>
#include <unistd.h>
static void on(int s) { write(1, "^", 1); }
int main(void) { signal(SIGINT, on); for (;;) pause(); }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let steps = |end: Option<Vec<Act>>| {
        let typed = ["un", "read\n", "\u{3}"].map(type_);
        let mut steps = vec![start()];
        steps.extend(typed);
        steps.splice(3..3, end);
        steps
    };
    let run = bench.run(&on_a_terminal(&exe, Input::Terminal, steps(None)));
    for (step, out) in [(2, ""), (3, ""), (4, "^")] {
        assert_eq!(
            (run.out(step).as_str(), run.how(step)),
            (out, Quiet::Proved)
        );
    }
    // A line that is being edited can be read by nobody.
    let run = bench.run(&on_a_terminal(&exe, Input::Cooked, steps(Some(eof()))));
    for (step, out) in [(3, "read\\r\\n"), (4, ""), (5, "^C^")] {
        assert_eq!(
            (run.out(step).as_str(), run.how(step)),
            (out, Quiet::Proved)
        );
    }
}

/// Of what was read in part the kernel does not say what is still to come.
#[test]
fn behind_what_was_read_in_part_nothing_is_proved() {
    let source = r#"
#include <unistd.h>
int main(void) { char c; read(0, &c, 1); for (;;) pause(); }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let steps = vec![start(), type_("unread"), type_("more")];
    let run = bench.run(&on_a_terminal(&exe, Input::Terminal, steps));
    assert_eq!(run.how(1), Quiet::Proved);
    // All of the first has come, or the program has read before it was all there.
    let second = run.how(2);
    assert!(
        matches!(second, Quiet::Proved | Quiet::Silent(_)),
        "{second:?}"
    );
    assert!(matches!(run.how(3), Quiet::Silent(_)), "{:?}", run.how(3));
}

/// Time begins to pass when what was typed before it has been answered.
#[test]
fn time_passes_after_what_was_typed_and_only_where_it_matters() {
    let source = r#"
#include <poll.h>
#include <unistd.h>
int main(void) { char c; struct pollfd p = { 0, POLLIN, 0 };
  while (read(0, &c, 1) == 1)
    write(1, poll(&p, 1, 1100) == 0 ? "silence" : "again", 7);
  return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let advance = |ms| Act::Advance(ms);
    let typed = |text: &str| Act::Type {
        program: P,
        bytes: text.into(),
        pieces: vec![],
    };
    let steps = vec![
        start(),
        vec![typed("a"), advance(1200)],
        // Nothing can happen until somebody types: this hour costs nothing.
        vec![advance(3_600_000)],
    ];
    let run = bench.run(&on_a_terminal(&exe, Input::Terminal, steps));
    assert_eq!(
        (run.out(2).as_str(), run.how(2)),
        ("silence", Quiet::Proved)
    );
    assert_eq!((run.out(3).as_str(), run.how(3)), ("", Quiet::Proved));
}

/// As under a shell: the terminal is the controlling one, the interrupt key is a signal for the whole
/// group, and the end of the first process does not hang up on the others.
#[test]
fn a_terminal_with_line_editing_is_the_controlling_one() {
    let source = r#"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static int tty;
static void on(int s) { write(tty, s == SIGINT ? "int " : "other ", s == SIGINT ? 4 : 6); }
int main(void) {
  tty = open("/dev/tty", O_RDWR);
  signal(SIGINT, on); signal(SIGQUIT, on); signal(SIGHUP, on);
  dprintf(tty, "%d %d %d ", tty >= 0, tcgetpgrp(tty) == getpgrp(), getsid(0) != getpid());
  if (fork()) { pause(); return 3; }
  for (int i = 0; i < 3; i++) pause();
  return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let steps = vec![start(), type_("\u{3}"), type_("\u{1c}")];
    let run = bench.run(&on_a_terminal(&exe, Input::Cooked, steps));
    assert_eq!(run.out(1), "1 1 1 ");
    // Both get it; the first ends with it. What the terminal echoes may come before or after.
    let heard = |step, what: &str| run.out(step).matches(what).count();
    assert_eq!((heard(2, "int "), heard(2, "^C")), (2, 1));
    assert_eq!(run.ended(), Some((2, ExitStatus::Code(3))));
    // No SIGHUP came meanwhile.
    assert_eq!((heard(3, "other "), heard(3, "^")), (1, 1));
    assert_eq!(run.how(3), Quiet::Proved);
}
