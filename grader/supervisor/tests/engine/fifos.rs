//! Ends of FIFOs: the grader's, the programs', and who waits for whom.

use crate::support::{Bench, eof, plan, send, signal, start, type_};
use supervisor::event::{Ender, ExitStatus, Object, Quiet, What};
use supervisor::plan::{Act, FileAct, PeerId};

const ALICE: PeerId = PeerId(0);
const BOB: PeerId = PeerId(1);

fn fifo() -> Vec<Act> {
    let (path, mode) = ("fifo".into(), 0o600);
    vec![Act::File(FileAct::Fifo { path, mode })]
}

fn open(peer: PeerId, writing: bool) -> Vec<Act> {
    vec![Act::Open {
        peer,
        path: "fifo".into(),
        writing,
        stalled: false,
        room: None,
    }]
}

fn stalled(peer: PeerId, room: u32) -> Vec<Act> {
    vec![Act::Open {
        peer,
        path: "fifo".into(),
        writing: false,
        stalled: true,
        room: Some(room),
    }]
}

/// What happened to a peer's end in a step, in words.
fn fate(run: &crate::support::Recording, step: u32, peer: PeerId) -> Vec<String> {
    let words = |what: &What| match what {
        What::PeerOpen { peer: of } if *of == peer => Some("open".to_owned()),
        What::PeerWaits { peer: of } if *of == peer => Some("waits".to_owned()),
        What::PeerNoFifo { peer: of } if *of == peer => Some("no FIFO".to_owned()),
        What::PeerEof { peer: of } if *of == peer => Some("eof".to_owned()),
        What::PeerFailed { peer: of, errno } if *of == peer => Some(format!("failed {errno}")),
        What::PeerRefused {
            peer: of, errno, ..
        } if *of == peer => Some(format!("refused {errno}")),
        _ => None,
    };
    run.step(step).filter_map(words).collect()
}

/// Opens the FIFO when it gets a line, then copies it to standard output until its end.
const READER: &str = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[8192]; ssize_t n; read(0, b, sizeof b);
  int f = open("fifo", O_RDONLY);
  if (f < 0) return 9;
  while ((n = read(f, b, sizeof b)) > 0) write(1, b, n);
  return 0; }"#;

#[test]
fn a_writer_waits_until_somebody_opens_for_reading() {
    let mut bench = Bench::new();
    let steps = vec![
        fifo(),
        start(),
        open(ALICE, true),
        send(0, "early\n"),
        type_("\n"),
        vec![Act::Close(ALICE)],
    ];
    let exe = bench.compile("program", READER);
    for _ in 0..30 {
        let run = bench.run(&plan(&exe, &[], steps.clone()));
        assert_eq!(fate(&run, 3, ALICE), ["waits"]);
        assert_eq!(run.how(3), Quiet::Proved);
        // What it has to write waits with it.
        assert!(run.has(4, |what| matches!(what, What::Untaken { bytes: 6, .. })));
        assert_eq!(fate(&run, 4, ALICE), [""; 0]);
        assert_eq!(fate(&run, 5, ALICE), ["open"]);
        assert_eq!(run.out(5), "early\\n");
        assert_eq!(run.ended(), Some((6, ExitStatus::Code(0))));
    }
}

#[test]
fn a_program_that_waits_in_open_is_told_with_who_could_end_it() {
    let steps = |later: bool| {
        let mut steps = vec![fifo(), start(), type_("\n")];
        if later {
            steps.push(open(ALICE, true));
        }
        steps
    };
    let mut bench = Bench::new();
    let exe = bench.compile("program", READER);
    for (later, ender) in [(false, Ender::Nobody), (true, Ender::Grader)] {
        let run = bench.run(&plan(&exe, &[], steps(later)));
        let wait = &run.settled(3).waits[0];
        assert_eq!(run.how(3), Quiet::Proved);
        assert_eq!(wait.on, Object::Fifo("fifo".into()));
        assert_eq!(wait.call, "openat(\"fifo\", O_RDONLY)");
        assert_eq!(wait.enders, [ender]);
        if later {
            assert!(!run.settled(4).waits[0].call.starts_with("open"));
        }
    }
}

#[test]
fn a_reader_sees_the_end_only_after_there_was_a_writer() {
    let writer = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) {
    int f = open("fifo", O_WRONLY); if (b[0] != '-') write(f, b, n); close(f); }
  return 0; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", writer);
    let steps = vec![
        fifo(),
        open(ALICE, false),
        start(),
        type_("one"),
        type_("two"),
        type_("-"),
        eof(),
    ];
    for _ in 0..30 {
        let run = bench.run(&plan(&exe, &[], steps.clone()));
        assert_eq!(fate(&run, 2, ALICE), ["waits"]);
        assert_eq!(fate(&run, 3, ALICE), [""; 0]);
        assert_eq!(run.received(4, 0), "one");
        assert_eq!(fate(&run, 4, ALICE), ["open", "eof"]);
        assert_eq!(run.received(5, 0), "two");
        assert_eq!(fate(&run, 5, ALICE), ["eof"]);
        // Whoever says nothing leaves nothing that could be told apart from silence.
        assert_eq!(fate(&run, 6, ALICE), [""; 0]);
        assert_eq!(run.ended(), Some((7, ExitStatus::Code(0))));
    }
}

#[test]
fn pieces_are_written_by_one_call_each_and_never_torn() {
    // Two writers, more than the FIFO holds: records go whole or not yet.
    let reader = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[65536]; ssize_t n;
  int f = open("fifo", O_RDONLY); fcntl(f, F_SETPIPE_SZ, 4096);
  write(1, "ready", 5); read(0, b, 1);
  while ((n = read(f, b, sizeof b)) > 0) write(1, b, n);
  return 0; }"#;
    let record = |letter: &str| format!("{}\n", letter.repeat(2999));
    let mut bench = Bench::new();
    let exe = bench.compile("program", reader);
    let mut both = Vec::new();
    for _ in 0..5 {
        both.extend(send(0, &record("a")));
        both.extend(send(1, &record("b")));
    }
    let steps = vec![
        fifo(),
        start(),
        [open(ALICE, true), open(BOB, true)].concat(),
        both,
        vec![Act::Close(ALICE)],
        type_("\n"),
    ];
    for _ in 0..20 {
        let mut steps = steps.clone();
        // Closing loses what is not written: only where nothing waits.
        steps.swap(4, 5);
        let run = bench.run(&plan(&exe, &[], steps));
        assert!(run.has(4, |what| matches!(what, What::Untaken { .. })));
        let out = run.out(5);
        let records: Vec<&str> = out.split_inclusive("\\n").collect();
        assert_eq!(records.len(), 10, "{}", out.len());
        for record in records {
            let text = record.strip_suffix("\\n").unwrap();
            assert_eq!(text.len(), 2999);
            assert!(text.bytes().all(|b| b == text.as_bytes()[0]));
        }
    }
}

#[test]
fn a_writer_finds_that_the_reader_has_left() {
    let steps = vec![
        fifo(),
        start(),
        type_("\n"),
        open(ALICE, true),
        send(0, "heard\n"),
        signal(libc::SIGKILL, 1),
        send(0, "not heard\n"),
    ];
    let run = Bench::new().steps(READER, &[], steps);
    assert_eq!(run.out(5), "heard\\n");
    assert_eq!(fate(&run, 6, ALICE), [""; 0]);
    assert_eq!(fate(&run, 7, ALICE), [format!("failed {}", libc::EPIPE)]);
}

#[test]
fn a_reader_that_does_not_read_holds_writers_up_and_leaves_them_when_it_closes() {
    let writer = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[4096]; int f = open("fifo", O_WRONLY);
  for (;;) if (write(f, b, sizeof b) < 0) return 7; }"#;
    let steps = vec![
        fifo(),
        stalled(ALICE, 4096),
        start(),
        vec![Act::Close(ALICE)],
    ];
    let run = Bench::new().steps(writer, &[], steps);
    assert_eq!(run.how(3), Quiet::Proved);
    let wait = &run.settled(3).waits[0];
    assert!(
        matches!(&wait.on, Object::Pipe { name, writing: true } if name.ends_with("/fifo")),
        "{:?}",
        wait.on
    );
    assert_eq!(wait.enders, [Ender::Grader]);
    assert_eq!(run.received(3, 0), "");
    assert_eq!(fate(&run, 3, ALICE), ["open"]);
    assert_eq!(run.ended(), Some((4, ExitStatus::Signal(libc::SIGPIPE))));
}

#[test]
fn what_is_no_fifo_is_not_opened() {
    let write = Act::File(FileAct::Write {
        path: "fifo".into(),
        content: "precious".into(),
        mode: 0o666,
    });
    let steps = vec![vec![write], open(ALICE, true), start()];
    let run = Bench::new().steps("int main(void) { return 0; }", &[], steps);
    assert_eq!(fate(&run, 2, ALICE), ["no FIFO"]);
    let run = Bench::new().steps(
        "int main(void) { return 0; }",
        &[],
        vec![open(BOB, false), start()],
    );
    assert_eq!(fate(&run, 1, BOB), [format!("refused {}", libc::ENOENT)]);
}

#[test]
fn a_fifo_of_the_graders_belongs_to_the_programs() {
    let both = r#"
#include <fcntl.h>
#include <sys/stat.h>
int main(void) { struct stat s; stat("fifo", &s);
  return open("fifo", O_RDWR) >= 0 && chmod("fifo", 0620) == 0 && (s.st_mode & 07777) == 0600 ? 0 : 1; }"#;
    let run = Bench::new().steps(both, &[], vec![fifo(), start()]);
    assert_eq!(run.ended(), Some((2, ExitStatus::Code(0))));
}

#[test]
fn files_may_have_a_limit_of_their_own() {
    let writer = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[100] = {0}; int f = open("out", O_WRONLY | O_CREAT, 0600);
  return write(f, b, sizeof b) == 100 && write(f, b, sizeof b) == 50 ? (write(f, b, 1), 0) : 1; }"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", writer);
    let mut plan = plan(&exe, &[], vec![start()]);
    plan.programs[0].file_size = Some(150);
    let run = bench.run(&plan);
    assert_eq!(run.ended(), Some((1, ExitStatus::Signal(libc::SIGXFSZ))));
}

/// A FIFO opened for writing without waiting, a file that is not there, then a wait in `open`.
const OPENER: &str = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { char b[8192];
  open("fifo", O_WRONLY | O_NONBLOCK);
  open("nowhere", O_RDWR | O_APPEND);
  int f = open("fifo", O_RDONLY);
  return f < 0 || read(f, b, sizeof b) != 3; }"#;

#[test]
fn files_that_are_opened_are_told_where_that_is_asked_for() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", OPENER);
    let steps = vec![fifo(), start(), open(ALICE, true), send(0, "ab\n")];
    for opens in [true, false].into_iter().cycle().take(20) {
        let mut plan = plan(&exe, &[], steps.clone());
        plan.opens = opens;
        let run = bench.run(&plan);
        let told = |step: u32| -> Vec<(String, Option<i64>)> {
            let calls = run.step(step).filter_map(|what| match what {
                What::Call(call) if call.name.starts_with("open") => {
                    Some((call.args.clone(), call.result))
                }
                _ => None,
            });
            calls.collect()
        };
        assert_eq!(run.how(2), Quiet::Proved);
        assert_eq!(run.ended(), Some((4, ExitStatus::Code(0))));
        if opens {
            let call = |args: &str, result: Option<i64>| (args.to_owned(), result);
            // What the loader opens is not the program's affair.
            assert_eq!(
                told(2),
                [
                    call("\"fifo\", O_WRONLY|O_NONBLOCK", Some(-6)),
                    call("\"nowhere\", O_RDWR|O_APPEND", Some(-2)),
                    call("\"fifo\", O_RDONLY", None),
                ]
            );
            assert_eq!(told(3), [call("\"fifo\", O_RDONLY", Some(3))]);
        } else {
            assert_eq!((told(2), told(3)), (Vec::new(), Vec::new()));
        }
    }
}
