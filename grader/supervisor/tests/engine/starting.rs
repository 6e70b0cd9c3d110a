//! What a program finds when it starts, and what its start leaves behind in the helper.

use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::support::{Bench, P, plan, start};
use supervisor::plan::{Act, Input, Observation};
use supervisor::wire;

/// Says what the kernel says of the program and of the helper, and whether the helper can be looked
/// into; once for each line.
const LOOK: &str = r#"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
static void lines(const char *path, const char *wanted) { char b[256]; FILE *f = fopen(path, "r");
  while (f && fgets(b, sizeof b, f)) if (strstr(b, wanted)) printf("%s", b);
  if (f) fclose(f); }
static void refused(const char *path) { int f = open(path, O_RDONLY); if (f >= 0) { puts(path); close(f); } }
int main(void) { char b[99];
  do { lines("/proc/self/oom_score_adj", ""); lines("/proc/self/status", "Sig");
    lines("/proc/self/status", "NoNewPrivs"); lines("/proc/self/status", "CapEff");
    printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
    for (int f = 3; f < 256; f++) if (fcntl(f, F_GETFD) >= 0) printf("descriptor %d\n", f);
    lines("/proc/1/oom_score_adj", "");
    refused("/proc/1/environ"); refused("/proc/1/maps"); refused("/proc/1/mem"); refused("/proc/1/auxv");
    fflush(stdout);
  } while (fgets(b, sizeof b, stdin));
  return 0; }"#;

/// The program's score is the highest, the helper's that of whoever runs the tests.
fn expected() -> String {
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    let slack = nix::sys::prctl::get_timerslack().unwrap();
    let text = format!(
        "1000\nSigQ:\t?\nSigPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\nNoNewPrivs:\t1\nCapEff:\t0\n\
         slack {slack}\n{own}"
    );
    supervisor::bytes::escape(text.as_bytes())
}

/// What was said, without the zeros of sets and the numbers of other processes.
fn shown(out: &str) -> String {
    let mut out = out.replace("0000000000000000", "0");
    if let (Some(from), Some(to)) = (out.find("SigQ:"), out.find("\\nSigPnd")) {
        out.replace_range(from..to, "SigQ:\\t?");
    }
    out
}

#[test]
fn a_program_starts_clean_and_the_helper_stays_closed() {
    for (observation, stdin) in [
        (Observation::Full, Input::Pipe),
        (Observation::Full, Input::Cooked),
        (Observation::Bare, Input::Pipe),
    ] {
        let mut bench = Bench::new();
        let exe = bench.compile("program", LOOK);
        let mut plan = plan(&exe, &[], vec![start()]);
        plan.observation = observation;
        plan.programs[0].stdin = stdin;
        let out = bench.run(&plan).out(1);
        assert_eq!(shown(&out), expected(), "{observation:?} {stdin:?}");
    }
}

/// One start changes nothing for those that come after it, or run already.
#[test]
fn many_programs_start_one_after_the_other() {
    const MANY: u16 = 40;
    let mut bench = Bench::new();
    let exe = bench.compile("program", LOOK);
    let programs = (0..MANY).map(supervisor::plan::ProgramId);
    let mut steps: Vec<Vec<Act>> = vec![programs.clone().map(Act::Start).collect()];
    let line = |program| Act::Type {
        program,
        bytes: "again\n".into(),
        pieces: vec![],
    };
    steps.push(vec![line(P)]);
    steps.push(programs.map(Act::Eof).collect());
    let mut plan = plan(&exe, &[], steps);
    plan.programs = vec![plan.programs[0].clone(); usize::from(MANY)];
    // All together.
    plan.limits.processes = 200;
    let recording = bench.run(&plan);
    assert_eq!(shown(&recording.out(2)), expected());
    let all = recording.out(1);
    let said = shown(&all).matches("CapEff").count();
    assert_eq!(said, usize::from(MANY), "{all}");
    assert!(
        !all.contains("/proc/1") && !all.contains("descriptor"),
        "{all}"
    );
}

/// Makes what its argument says in the IPC namespace and leaves it there, and tells which namespace it
/// is and what was there before.
const OBJECTS: &str = r#"
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>
static int lines(const char *path) { int n = 0, c; FILE *f = fopen(path, "r");
  while (f && (c = getc(f)) != EOF) n += c == '\n';
  return n - 1; }
int main(int argc, char **argv) { char name[99]; int make = argc > 1 ? argv[1][0] : 0;
  ssize_t n = readlink("/proc/self/ns/ipc", name, sizeof name);
  printf("%d %d %d %.*s", lines("/proc/sysvipc/shm"), lines("/proc/sysvipc/sem"),
    lines("/proc/sysvipc/msg"), (int)n, name);
  if (make && mq_open("/left", O_RDWR) >= 0) printf(" a queue");
  if (make == 'm' && shmget(0x4711, 4096, IPC_CREAT | 0666) < 0) printf(" no memory");
  if (make == 's' && semget(0x4711, 3, IPC_CREAT | 0666) < 0) printf(" no semaphores");
  if (make == 'q' && msgget(0x4711, IPC_CREAT | 0666) < 0) printf(" no queue");
  if (make == 'p' && mq_open("/left", O_RDWR | O_CREAT, 0666, NULL) < 0) printf(" no posix queue");
  if (make == 'f' && fork() == 0) return shmget(0x4711, 4096, IPC_CREAT | 0666) < 0;
  return 0; }"#;

/// What one scenario leaves in an IPC namespace no other sees; one that is not used is kept.
#[test]
fn nothing_is_left_in_an_ipc_namespace_for_the_next() {
    let mut bench = Bench::new();
    let exe = bench.compile_with("program", OBJECTS, &["-lrt"]);
    let mut look = |args: &[&str], observation| {
        let mut plan = plan(&exe, args, vec![start()]);
        plan.observation = observation;
        let out = bench.run(&plan).out(1);
        assert!(!out.contains(" no "), "{args:?}: {out}");
        let name = out.strip_prefix("0 0 0 ").map(str::to_owned);
        name.unwrap_or_else(|| panic!("{args:?}: {out}"))
    };
    let kept = nix::unistd::getuid().is_root();
    let (full, bare) = (Observation::Full, Observation::Bare);
    let mut before = look(&[], full);
    assert!(before.starts_with("ipc:["), "{before}");
    for what in ["m", "s", "q", "p", "f"] {
        for observation in [full, bare] {
            look(&[what], observation);
            let after = look(&[], full);
            // Names of those that are gone are given again.
            assert!(!kept || before != after, "{what} {observation:?}");
            assert!(after.ends_with(']'), "{what} {observation:?}: {after}");
            before = after;
        }
    }
    if kept {
        assert_eq!(before, look(&[], full));
    }
}

/// The helper finds out first, and ends in the memory that it shares with the worker.
#[test]
fn a_worker_to_which_nobody_listens_ends_without_a_word() {
    let bench = Bench::new();
    let source =
        "#include <stdio.h>\nint main(void) { for (;;) { puts(\"more\"); fflush(stdout); } }";
    let endless = plan(&bench.compile("program", source), &[], vec![start()]);
    let (mut near, far) = UnixStream::pair().unwrap();
    let worker = Command::new(env!("CARGO_BIN_EXE_supervisor-worker"))
        .args(["worker", "full", "any"])
        .stdin(OwnedFd::from(far))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wire::send(&mut near, wire::Kind::Plan, &endless).unwrap();
    while wire::receive(&mut near).unwrap().kind != wire::Kind::Event {}
    near.shutdown(Shutdown::Read).unwrap();
    let ended = worker.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert!(ended.status.success(), "{}", ended.status);
}
