//! Limits that are reached are told as what they are.

use std::time::{Duration, Instant};

use supervisor::event::{ExitStatus, LimitKind, Quiet, What};
use supervisor::plan::{Observation, Plan, ProgramId};

use crate::support::{Bench, Recording, plan, start};

/// The limits that a run reached, in order.
fn reached(run: &Recording) -> Vec<(LimitKind, u64)> {
    let limits = run.0.iter().filter_map(|event| match event.what {
        What::Limit { limit, most, .. } => Some((limit, most)),
        _ => None,
    });
    limits.collect()
}

/// A run on a machine that had enough for it: where it was short, nobody is graded, and it is made again.
fn run_with(source: &str, change: impl FnOnce(&mut Plan)) -> Recording {
    const TRIES: u32 = 20;
    let mut bench = Bench::new();
    let exe = bench.compile("program", source);
    let mut plan = plan(&exe, &[], vec![start()]);
    change(&mut plan);
    let starved = |run: &Recording| {
        let mut events = run.0.iter();
        events.any(|event| matches!(event.what, What::Starved { .. }))
    };
    let mut runs = (0..TRIES).map(|_| bench.run(&plan));
    let run = runs.find(|run| !starved(run));
    run.unwrap_or_else(|| panic!("the machine was short {TRIES} times"))
}

#[test]
fn memory_is_bounded_for_all_processes_together() {
    // Each of them stays below its own limit.
    let source = r#"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 8; i++)
        if (fork() == 0) { char *p = malloc(60 << 20); memset(p, 1, 60 << 20); __asm__ volatile("" :: "r"(p) : "memory"); for (;;) pause(); }
    for (;;) pause();
}"#;
    let run = run_with(source, |plan| plan.limits.total_memory = 256 << 20);
    assert_eq!(reached(&run), [(LimitKind::Memory, 256 << 20)]);
    assert_eq!(run.how(1), Quiet::Limit);
    // Shared once is not taken eight times.
    let source = r#"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    char *p = malloc(100 << 20);
    memset(p, 1, 100 << 20);
    __asm__ volatile("" :: "r"(p) : "memory");
    for (int i = 0; i < 8; i++) if (fork() == 0) for (;;) pause();
    for (volatile long i = 0; i < 100000000; i++) { }
    for (;;) pause();
}"#;
    let run = run_with(source, |plan| {
        plan.limits.total_memory = 256 << 20;
        plan.limits.spin_ms = 20_000;
    });
    assert_eq!((reached(&run), run.how(1)), (vec![], Quiet::Proved));
}

#[test]
fn files_in_memory_count_as_memory() {
    let source = r#"
#include <fcntl.h>
#include <unistd.h>
static char block[1 << 20];
int main(void) {
    int fd = open("/tmp/f", O_CREAT | O_WRONLY, 0600);
    for (int i = 0; i < 60; i++) write(fd, block, sizeof block);
    for (volatile long i = 0; ; i++) { }
}"#;
    let run = run_with(source, |plan| {
        plan.limits.total_memory = 32 << 20;
        plan.limits.spin_ms = 20_000;
    });
    assert_eq!(reached(&run), [(LimitKind::Memory, 32 << 20)]);
}

#[test]
fn a_limit_that_a_call_tells_of_is_named_and_the_program_goes_on() {
    let ends = |source: &str, expected: (LimitKind, u64), status: ExitStatus| {
        let run = run_with(source, |_| {});
        assert_eq!(reached(&run), [expected], "{source}");
        assert_eq!(run.ended(), Some((1, status)), "{source}");
    };
    let descriptors = r#"
#include <sys/socket.h>
int main(void) { while (socket(AF_UNIX, SOCK_STREAM, 0) >= 0) { } return 3; }"#;
    ends(
        descriptors,
        (LimitKind::Descriptors, 256),
        ExitStatus::Code(3),
    );
    let disk = r#"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
static char block[1 << 20];
int main(void) {
    for (int n = 0; n < 3; n++) {
        char name[8];
        sprintf(name, "f%d", n);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        for (int i = 0; i < 40; i++) if (write(fd, block, sizeof block) < 0) return 4;
    }
    return 0;
}"#;
    ends(disk, (LimitKind::Disk, 64 << 20), ExitStatus::Code(4));
    let file = r#"
#include <fcntl.h>
#include <unistd.h>
static char block[1 << 20];
int main(void) {
    int fd = open("/dev/shm/f", O_CREAT | O_WRONLY, 0600);
    lseek(fd, 64 << 20, SEEK_SET);
    write(fd, block, sizeof block);
    return 0;
}"#;
    ends(
        file,
        (LimitKind::FileSize, 64 << 20),
        ExitStatus::Signal(libc::SIGXFSZ),
    );
    let memory = r#"
#include <stdlib.h>
void *volatile last;
int main(void) { do last = malloc(1 << 20); while (last); return 5; }"#;
    ends(
        memory,
        (LimitKind::AddressSpace, 1 << 30),
        ExitStatus::Code(5),
    );
}

#[test]
fn a_full_device_is_no_limit_and_neither_is_what_the_lab_itself_imposes() {
    let full = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) { return write(open("/dev/full", O_WRONLY), "x", 1) < 0 ? 3 : 0; }"#;
    let run = run_with(full, |_| {});
    assert_eq!(reached(&run), []);
    let few = r#"
#include <sys/socket.h>
int main(void) { while (socket(AF_UNIX, SOCK_STREAM, 0) >= 0) { } return 3; }"#;
    let run = run_with(few, |plan| plan.programs[0].descriptors = Some(8));
    assert_eq!(reached(&run), []);
}

#[test]
fn processor_time_is_named_whoever_notices_it() {
    let source = "int main(void) { for (;;) { } }";
    let run = run_with(source, |plan| {
        plan.limits.cpu_ms = 1000;
        plan.limits.spin_ms = 20_000;
    });
    assert_eq!(reached(&run), [(LimitKind::Cpu, 1000)]);
    let whose = run.0.iter().find_map(|event| match event.what {
        What::Limit { program, .. } => Some(program),
        _ => None,
    });
    assert_eq!(whose, Some(Some(ProgramId(0))));
}

#[test]
fn who_writes_without_end_is_stopped_by_the_clock() {
    // No process of them computes for long: each hands over to the next.
    let source = r#"
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    for (;;) {
        if (fork() == 0) { for (int i = 0; i < 200; i++) write(1, "x", 1); _exit(0); }
        wait(0);
    }
}"#;
    let run = run_with(source, |plan| plan.limits.wall_ms = 1500);
    assert_eq!(reached(&run), [(LimitKind::Wall, 1500)]);
}

#[test]
fn who_writes_far_more_than_is_kept_is_stopped() {
    let source = r#"
#include <unistd.h>
static char block[65536];
int main(void) { for (;;) write(1, block, sizeof block); }"#;
    let run = run_with(source, |plan| plan.limits.output = 1 << 20);
    assert_eq!(reached(&run), [(LimitKind::Output, 1 << 20)]);
    assert_eq!(run.how(1), Quiet::Limit);
}

#[test]
fn children_that_are_never_waited_for_are_processes_too() {
    let source = r#"
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 200; i++) {
        int pid = fork();
        if (pid == 0) _exit(0);
        if (pid < 0) { for (;;) pause(); }
    }
    return 0;
}"#;
    let run = run_with(source, |_| {});
    assert_eq!(reached(&run), [(LimitKind::Processes, 64)]);
}

#[test]
fn forks_at_the_same_time_reach_the_limit_and_not_the_machine() {
    // Each fork alone is far from the limit. The kernel counts them before any is told of, and with so
    // much memory to copy each takes long.
    let source = r#"
#include <string.h>
#include <unistd.h>
static char memory[40 << 20];
int main(void) {
    memset(memory, 1, sizeof memory);
    int gate[2];
    char byte;
    if (pipe(gate) < 0) return 1;
    for (int i = 0; i < 40; i++)
        if (fork() == 0) {
            close(gate[1]);
            read(gate[0], &byte, 1);
            fork();
            for (;;) pause();
        }
    close(gate[1]);
    for (;;) pause();
}"#;
    let run = run_with(source, |_| {});
    assert_eq!(reached(&run), [(LimitKind::Processes, 64)]);
    assert_eq!(run.how(1), Quiet::Proved);
}

#[test]
fn system_v_ipc_is_bounded_whoever_uses_it_and_however() {
    let source = r#"
#include <stdio.h>
#include <pthread.h>
#include <unistd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
static void *by_thread(void *at) {
    while (msgget(IPC_PRIVATE, 0600) >= 0) ++*(int *)at;
    return 0;
}
int main(void) {
    int shared = 0, sets = 0, queues = 0, large = shmget(IPC_PRIVATE, (64 << 20) + 4096, 0600);
    if (fork() == 0) { while (semget(IPC_PRIVATE, 1, 0600) >= 0) sets++; _exit(sets); }
    int status;
    wait(&status);
    while (shmget(IPC_PRIVATE, 4096, 0600) >= 0) shared++;
    pthread_t thread;
    pthread_create(&thread, 0, by_thread, &queues);
    pthread_join(thread, 0);
    printf("%d %d %d %d\n", large, WEXITSTATUS(status), shared, queues);
}"#;
    for observation in [Observation::Full, Observation::Bare] {
        let run = run_with(source, |plan| plan.observation = observation);
        assert_eq!(run.out(1), "-1 64 64 64\\n", "{observation:?}");
    }
}

#[test]
fn a_machine_without_time_for_the_programs_is_short_of_it() {
    // Who is not root may not touch what nobody may look into, nor may root of a container.
    if !has_capability(CAP_SYS_NICE) {
        return;
    }
    let mut bench = Bench::new();
    // It gets somewhere with each call, and would for ever.
    let source = r#"
#include <unistd.h>
int main(void) {
    int p[2];
    pipe(p);
    for (char c = 0;; c++) { write(p[1], &c, 1); read(p[0], &c, 1); }
}"#;
    let exe = bench.compile("program", source);
    let mut plan = plan(&exe, &[], vec![start()]);
    // It is put off five times.
    plan.limits.wall_ms = 500;
    // Where the others come too late, the program has had so much that it is its own fault: once more.
    let starved = (0..100).find_map(|_| beside_others(&mut bench, &plan));
    let run = starved.expect("others begin in time");
    let starved = |what: &What| matches!(what, What::Starved { what } if what == "processor time");
    assert!(
        run.0.iter().any(|event| starved(&event.what)),
        "{:?}",
        run.0
    );
    assert_eq!(reached(&run), []);
}

/// A run for which somebody else on their processor leaves little to the helper and the program; `None` where
/// that began too late.
fn beside_others(bench: &mut Bench, plan: &Plan) -> Option<Recording> {
    /// Half of the limit.
    const LATE: Duration = Duration::from_millis(250);
    let worker = bench.pid();
    let began = Instant::now();
    let others = std::thread::spawn(move || {
        let (helper, program) = loop {
            let helper = children(worker).first().copied();
            let program = helper.and_then(|helper| children(helper).first().copied());
            if let (Some(helper), Some(program)) = (helper, program)
                && std::fs::read_to_string(format!("/proc/{program}/comm"))
                    .is_ok_and(|name| name == "program\n")
            {
                break (helper, program);
            }
            if began.elapsed() > LATE {
                return false;
            }
        };
        yield_to_everybody(program);
        yield_to_everybody(helper);
        let in_time = began.elapsed() < LATE;
        if in_time {
            compute_on_their_processor();
        }
        in_time
    });
    let run = bench.run(plan);
    others.join().unwrap().then_some(run)
}

fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Whether this process has a capability, capabilities(7).
fn has_capability(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let effective = lines.find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() & (1 << number) != 0
}

/// May change how others are scheduled.
const CAP_SYS_NICE: u32 = 23;

/// `SCHED_IDLE`, and the lowest niceness for its session, sched(7).
fn yield_to_everybody(pid: i32) {
    // Where sessions do not share the processor as groups there is no such file.
    let _ = std::fs::write(format!("/proc/{pid}/autogroup"), "19");
    let parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameter is live.
    let set = unsafe { libc::sched_setscheduler(pid, libc::SCHED_IDLE, &raw const parameter) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

/// Longer than the limit, and no longer than need be.
fn compute_on_their_processor() {
    let mut first = nix::sched::CpuSet::new();
    first.set(0).unwrap();
    nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &first).unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(3000) {
        std::hint::spin_loop();
    }
}
