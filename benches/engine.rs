//! What the engine costs, and how often the rule for "nothing more can happen" is wrong: run by
//! `benches/run`, prints `name<TAB>value` lines. Variants of one measurement take turns.
//!
//!   engine [ROUNDS] [TRIPS] [SCANS]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use supervisor::event::{Quiet, Stream, What};
use supervisor::plan::{
    Act, FileSource, Image, Input, Isolation, Limits, Observation, Output, PlacedFile, Plan,
    Program, ProgramId, Step,
};
use supervisor::proc::{Scanner, threads_of};
use supervisor::worker::Worker;

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let of = |index: usize, usual: u64| numbers.get(index).copied().unwrap_or(usual);
    let (rounds, trips, scans) = (of(0, 5), of(1, 100_000), of(2, 300_000));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let made = tempfile::tempdir().expect("a directory for programs");
    // Two sources may have one name.
    let compile = |source: &str| {
        let out = made.path().join(source.replace('/', "-"));
        compile(&out, &root.join(source));
        out
    };
    let echo = compile("benches/echo.c");
    let compute = compile("benches/compute.c");
    let healthy = ["echo", "fork-heavy", "thread-heavy", "mutex-heavy"]
        .map(|name| (name, compile(&format!("fixtures/healthy/{name}.c"))));

    let exe = Path::new(env!("CARGO_BIN_EXE_supervisor-worker"));
    let mut worker = Worker::spawn(exe, Some(0)).expect("a worker");
    loops(&mut worker, "echo", &echo, trips, rounds);
    loops(&mut worker, "compute", &compute, 200_000_000, rounds);
    scenario(&mut worker);
    let proved: u64 = healthy
        .iter()
        .map(|(name, exe)| false_proofs(&mut worker, name, exe))
        .sum();
    println!("healthy, traced: false proofs\t{proved}");
    false_alarms(&healthy, scans);
}

fn compile(out: &Path, source: &Path) {
    let done = Command::new("cc")
        .args(["-O2", "-pthread", "-o"])
        .args([out, source])
        .status()
        .expect("a C compiler");
    assert!(done.success(), "{} does not compile", source.display());
}

fn plan(exe: &Path, argument: Option<u64>, observation: Observation) -> Plan {
    let mut argv = vec!["./program".into()];
    argv.extend(argument.map(|n| n.to_string().as_str().into()));
    Plan {
        name: "bench".into(),
        files: vec![PlacedFile {
            name: "program".into(),
            source: FileSource::Host(exe.to_owned()),
            mode: 0o755,
        }],
        tools: Vec::new(),
        programs: vec![Program {
            name: "program".into(),
            image: Image::File("./program".into()),
            argv,
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            stdin: Input::Pipe,
            stdout: Output::Pipe,
            stderr: Output::Pipe,
            address: None,
            audit_handlers: false,
            small_buffers: false,
            small_peers: false,
            umask: None,
            descriptors: None,
            file_size: None,
        }],
        peers: Vec::new(),
        steps: vec![Step {
            acts: vec![Act::Start(ProgramId(0))],
        }],
        // This is about speed, not about budgets.
        limits: Limits {
            wall_ms: 300_000,
            cpu_ms: 300_000,
            spin_ms: 300_000,
            ..Limits::default()
        },
        observation,
        opens: false,
        isolation: Isolation::BestEffort,
        attempt: 0,
        readable: Vec::new(),
    }
}

/// How the step ended, and what the program printed.
fn run(worker: &mut Worker, plan: &Plan) -> (Option<Quiet>, String) {
    let (mut how, mut out) = (None, Vec::new());
    worker
        .run(plan, &mut |event| match event.what {
            What::Settled(settled) => how = Some(settled.how),
            What::Output {
                stream: Stream::Out,
                bytes,
                ..
            } => out.extend_from_slice(&bytes.0),
            _ => {}
        })
        .expect("the worker");
    (how, String::from_utf8_lossy(&out).into_owned())
}

/// The milliseconds a loop program says it took: the last number before ` ms`.
fn said(text: &str) -> f64 {
    text.split(" ms")
        .next()
        .and_then(|before| before.rsplit(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("not the output of a loop: {text:?}"))
}

/// A loop untraced, under the supervisor, and under strace where there is one.
fn loops(worker: &mut Worker, name: &str, exe: &Path, n: u64, rounds: u64) {
    let strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let (mut plain, mut pinned, mut ours, mut theirs) = (vec![], vec![], vec![], vec![]);
    let output = |command: &mut Command| {
        let done = command.arg(n.to_string()).output().expect("a loop");
        said(&String::from_utf8_lossy(&done.stdout))
    };
    for _ in 0..rounds {
        plain.push(output(&mut Command::new(exe)));
        let mut one_cpu = Command::new("taskset");
        pinned.push(output(one_cpu.args(["-c", "0"]).arg(exe)));
        let (how, text) = run(worker, &plan(exe, Some(n), Observation::Full));
        assert_eq!(how, Some(Quiet::Ended), "{name} was cut short");
        ours.push(said(&text));
        if strace {
            let mut tracing = Command::new("strace");
            tracing.args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"]);
            tracing.args(["-e", "trace=%file,%process,%network,%ipc,%signal,%desc"]);
            theirs.push(output(tracing.arg(exe)));
        }
    }
    print(&format!("{name}: untraced"), plain, "ms");
    print(&format!("{name}: untraced, on one processor"), pinned, "ms");
    print(&format!("{name}: under the supervisor"), ours, "ms");
    if strace {
        print(&format!("{name}: strace -f --seccomp-bpf"), theirs, "ms");
    } else {
        println!("{name}: strace -f --seccomp-bpf\tnot installed");
    }
}

/// A program that ends at once: started plainly, isolated, isolated and traced.
fn scenario(worker: &mut Worker) {
    let nothing = Path::new("/bin/true");
    let (mut plain, mut bare, mut full) = (vec![], vec![], vec![]);
    for _ in 0..200 {
        let began = Instant::now();
        let _ = Command::new(nothing).status().expect("/bin/true");
        plain.push(ms(began));
        for (observation, times) in [
            (Observation::Bare, &mut bare),
            (Observation::Full, &mut full),
        ] {
            let began = Instant::now();
            let _ = run(worker, &plan(nothing, None, observation));
            times.push(ms(began));
        }
    }
    print("scenario: /bin/true started plainly", plain, "ms");
    print("scenario: isolated, untraced", bare, "ms");
    print("scenario: isolated and traced", full, "ms");
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// How many: a healthy program runs until it ends, so any other end of its step is a lie.
fn false_proofs(worker: &mut Worker, name: &str, exe: &Path) -> u64 {
    let (how, _) = run(worker, &plan(exe, Some(1000), Observation::Full));
    if how == Some(Quiet::Ended) {
        return 0;
    }
    println!("healthy, traced: {name}\t{how:?}");
    1
}

/// Scans the healthy programs, untraced and at full rate, by both rules.
fn false_alarms(healthy: &[(&str, PathBuf)], wanted: u64) {
    let (mut scans, mut naive, mut sound) = (0_u64, 0_u64, 0_u64);
    while scans < wanted {
        for (_, exe) in healthy {
            let mut child = Command::new(exe)
                .arg("20000")
                .stdout(Stdio::null())
                .spawn()
                .expect("a healthy program");
            let root = i32::try_from(child.id()).unwrap_or(i32::MAX);
            let until = Instant::now() + std::time::Duration::from_secs(10);
            let mut scanner = Scanner::new();
            let mut look = |members: &[(i32, i32)]| -> Option<Vec<_>> {
                let seen = members.iter().map(|&(pid, tid)| scanner.scan(pid, tid));
                seen.collect::<Option<Vec<_>>>()
                    .filter(|all| all.iter().all(|thread| thread.state == b'S'))
            };
            while child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
                let there = members(root);
                if there.is_empty() {
                    continue;
                }
                scans += 1;
                let Some(first) = look(&there) else { continue };
                // One scan, all asleep: the naive rule speaks.
                naive += 1;
                // Nobody tells of new tasks here: they are listed before, between and after.
                let same = members(root) == there
                    && look(&there).as_ref() == Some(&first)
                    && members(root) == there;
                sound += u64::from(same);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
    println!("healthy: scans\t{scans}");
    println!("healthy: false alarms of the one-scan rule\t{naive}");
    println!("healthy: false alarms of the two-scan rule\t{sound}");
}

/// All threads of a process and of its descendants.
fn members(root: i32) -> Vec<(i32, i32)> {
    let mut pids = vec![root];
    let mut at = 0;
    let mut found = Vec::new();
    while let Some(&pid) = pids.get(at) {
        at += 1;
        for tid in threads_of(pid).unwrap_or_default() {
            found.push((pid, tid));
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"));
            let children = children.unwrap_or_default();
            pids.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            );
        }
    }
    found
}

/// Median and 90th percentile.
fn print(name: &str, mut values: Vec<f64>, unit: &str) {
    values.sort_by(f64::total_cmp);
    let at = |share: usize| values.get((values.len() * share / 100).min(values.len() - 1));
    if let (Some(median), Some(p90)) = (at(50), at(90)) {
        println!("{name}\t{median:.2}\t{p90:.2}\t{unit}");
    }
}
