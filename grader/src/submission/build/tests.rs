//! With a runner that answers from a table: what is asked of it, and what becomes of its answers.

use std::ffi::OsStr;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor::Bytes;
use supervisor::event::{Event, ExitStatus, Stream, What};
use supervisor::plan::{Plan, ProcessId, ProgramId};
use tempfile::TempDir;

use super::super::find::tests::{MAIN, program};
use super::super::toolchain::Tool;
use super::*;
use crate::lab::sample;

/// What a fake compiler does with a command line.
struct Answer {
    code: i32,
    says: &'static str,
    leaves: Vec<&'static str>,
}

struct Fake<F> {
    answer: F,
    calls: AtomicUsize,
    seen: Mutex<Vec<String>>,
}

fn fake<F: Fn(&str) -> Answer + Sync>(answer: F) -> Fake<F> {
    Fake {
        answer,
        calls: AtomicUsize::new(0),
        seen: Mutex::new(Vec::new()),
    }
}

fn elf(name: &str) -> Bytes {
    let mut out = b"\x7fELF".to_vec();
    out.resize(16, 0);
    out.extend([3, 0]);
    out.extend(name.bytes());
    Bytes(out)
}

fn ok(leaves: &[&'static str]) -> Answer {
    Answer {
        code: 0,
        says: "",
        leaves: leaves.to_vec(),
    }
}

fn fails(says: &'static str) -> Answer {
    Answer {
        code: 1,
        says,
        leaves: Vec::new(),
    }
}

/// The answer code that stands for "never ends".
const NEVER: i32 = -1;

impl<F: Fn(&str) -> Answer + Sync> BuildRunner for Fake<F> {
    fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault> {
        let of_the_machine = plan.name == compiler::NAME;
        if !of_the_machine {
            self.calls.fetch_add(1, Ordering::SeqCst);
        }
        let mut events = Vec::new();
        let mut step = 0;
        let mut left = std::collections::BTreeSet::new();
        let mut push = |step, what| events.push(Event { at: 0, step, what });
        for (i, program) in (0u16..).zip(&plan.programs) {
            step += 1;
            let words: Vec<String> = program.argv.iter().map(Bytes::escaped).collect();
            let line = words.join(" ");
            let Answer { code, says, leaves } = if of_the_machine {
                // It can build, whatever becomes of submissions.
                ok(&[])
            } else {
                (self.answer)(&line)
            };
            if !of_the_machine {
                self.seen.lock().unwrap().push(line);
            }
            push(
                step,
                What::Output {
                    program: ProgramId(i),
                    stream: Stream::Err,
                    bytes: says.into(),
                },
            );
            let process = ProcessId {
                program: ProgramId(i),
                number: 0,
            };
            let status = match code {
                NEVER => ExitStatus::StillRunning,
                code => ExitStatus::Code(code),
            };
            push(step, What::Exited { process, status });
            left.extend(leaves);
        }
        for name in left {
            push(
                step + 1,
                What::File {
                    name: name.into(),
                    mode: 0o755,
                    bytes: elf(name),
                },
            );
        }
        push(step + 1, What::Ended);
        Ok(events)
    }
}

pub(in crate::submission) fn lab() -> Lab {
    Lab {
        programs: vec![
            program("server", "us-server", &["us-server.c", "server.c"]),
            program("client", "us-client", &["us-client.c", "client.c"]),
        ],
        ..sample::lab("us-upper")
    }
}

struct Bench {
    dir: TempDir,
    cache: Cache,
    toolchain: Toolchain,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        for (name, content) in files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let mut toolchain = Toolchain::look_up(OsStr::new(""), None, None, None);
        let tool = |path: &str| {
            Some(Tool {
                path: path.into(),
                lead: Vec::new(),
            })
        };
        toolchain.cc = tool("/nowhere/cc");
        toolchain.make = tool("/nowhere/make");
        // The standard directories of this machine may have them.
        (toolchain.go, toolchain.javac) = (None, None);
        Self {
            dir,
            cache: Cache::open(&CacheMode::Off).unwrap(),
            toolchain,
        }
    }

    fn build(&self, runner: &dyn BuildRunner) -> Result<Built, SubmissionError> {
        build(
            runner,
            &lab(),
            self.dir.path(),
            &BuildOptions {
                cache: &self.cache,
                toolchain: &self.toolchain,
                lang: Lang::En,
                isolation: Isolation::BestEffort,
            },
        )
    }
}

fn out(line: &str) -> Vec<&'static str> {
    if line.contains("us-server") {
        vec![".grader/out/us-server"]
    } else {
        vec![".grader/out/us-client"]
    }
}

#[test]
fn both_programs_are_built_and_then_taken_from_the_cache() {
    let bench = Bench::new(&[("server.c", MAIN), ("client.c", MAIN)]);
    let cc = fake(|line| Answer {
        says: "server.c:1: warning: unused",
        ..ok(&out(line))
    });
    let built = bench.build(&cc).unwrap();
    assert_eq!(cc.calls.load(Ordering::SeqCst), 2);
    let names: Vec<&str> = built
        .reports
        .iter()
        .map(|r| r.executable.as_str())
        .collect();
    assert_eq!(names, ["us-server", "us-client"]);
    assert_eq!(built.reports[0].from, "server.c");
    assert!(built.reports[0].warnings.contains("unused"));
    assert!(!built.reports[0].cached);
    let server = fs::read(&built.programs["server"].executable).unwrap();
    assert_eq!(server, elf(".grader/out/us-server").0);

    let again = bench.build(&cc).unwrap();
    assert_eq!(cc.calls.load(Ordering::SeqCst), 2);
    assert!(again.reports.iter().all(|r| r.cached));
    assert!(again.reports[0].warnings.contains("unused"));
    assert_eq!(again.fingerprint, built.fingerprint);

    fs::write(bench.dir.path().join("common.h"), "#define X 1").unwrap();
    let changed = bench.build(&cc).unwrap();
    assert_eq!(cc.calls.load(Ordering::SeqCst), 4);
    assert_ne!(changed.fingerprint, built.fingerprint);
}

#[test]
fn a_failed_build_is_reported_with_a_hint_and_cached() {
    let bench = Bench::new(&[("server.c", MAIN)]);
    let cc = fake(|_| fails("/usr/bin/ld: undefined reference to `helper'"));
    for _ in 0..2 {
        let built = bench.build(&cc).unwrap();
        assert!(built.programs.is_empty());
        let [server, client] = built.reports.as_slice() else {
            panic!("{:?}", built.reports);
        };
        assert!(server.failure.as_ref().unwrap().contains("`helper'"));
        assert!(server.hint.as_ref().unwrap().contains("not compiled"));
        assert_eq!(
            client.failure.as_deref(),
            Some("no source found: looked for us-client.c, client.c")
        );
    }
    assert_eq!(cc.calls.load(Ordering::SeqCst), 1);
}

#[test]
fn another_compiler_or_flag_builds_anew() {
    let mut bench = Bench::new(&[("server.c", MAIN)]);
    let cc = fake(|line| ok(&out(line)));
    bench.build(&cc).unwrap();
    // Tools are named once, so another compiler is another set of them.
    let mut other = Toolchain::default();
    other.make = bench.toolchain.make.clone();
    other.cc = bench.toolchain.cc.clone();
    other.cc.as_mut().unwrap().lead = vec!["-m32".into()];
    bench.toolchain = other;
    bench.build(&cc).unwrap();
    assert_eq!(cc.calls.load(Ordering::SeqCst), 2);
}

#[test]
fn missing_solaris_headers_are_lent_with_a_note() {
    let bench = Bench::new(&[("server.c", MAIN)]);
    let cc = fake(|line| {
        if line.contains("-include") {
            ok(&out(line))
        } else {
            fails("error: storage size of 'a' isn't known: struct sockaddr_un a;")
        }
    });
    let built = bench.build(&cc).unwrap();
    assert!(built.programs.contains_key("server"));
    let server = &built.reports[0];
    assert_eq!(server.rung, Some(Rung::CompilerHeaders));
    assert_eq!(server.tried.len(), 1);
    assert_eq!(server.tried[0].how, "cc server.c");
    assert!(server.tried[0].why.contains("storage size"), "{server:?}");
    assert!(server.hint.as_ref().unwrap().contains("<sys/un.h>"));
}

#[test]
fn an_error_that_no_header_mends_is_not_tried_again() {
    let bench = Bench::new(&[("server.c", MAIN)]);
    let cc = fake(|_| fails("error: expected ';' before '}' token"));
    bench.build(&cc).unwrap();
    assert_eq!(cc.calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_makefile_that_loops_is_stopped_and_not_cached() {
    let bench = Bench::new(&[("Makefile", "all:\n\twhile :; do :; done\n")]);
    let make = fake(|_| Answer {
        code: NEVER,
        ..ok(&[])
    });
    for calls in 1..=2 {
        let built = bench.build(&make).unwrap();
        assert_eq!(
            built.reports[0].failure.as_deref(),
            Some("make runs past 60 s")
        );
        assert_eq!(make.calls.load(Ordering::SeqCst), calls);
    }
}

#[test]
fn what_make_leaves_out_is_compiled_directly() {
    let bench = Bench::new(&[
        ("Makefile", "server: server.c\n\tcc -o server server.c\n"),
        ("server.c", MAIN),
        ("client.c", MAIN),
    ]);
    let tools = fake(|line| {
        if line.contains("/make") {
            ok(&["server"])
        } else {
            ok(&out(line))
        }
    });
    let built = bench.build(&tools).unwrap();
    assert_eq!(built.reports[0].from, "Makefile");
    assert_eq!(built.reports[1].from, "client.c");
    assert_eq!(built.programs.len(), 2);
    assert_eq!(built.reports[0].rung, Some(Rung::Make));
    let client = &built.reports[1];
    assert_eq!(client.rung, Some(Rung::Compiler));
    assert_eq!(client.tried[0].why, "ended well, but made no us-client");
}

#[test]
fn a_role_that_nobody_handed_in_is_not_built() {
    let bench = Bench::new(&[("Makefile", "server: server.c\n"), ("server.c", MAIN)]);
    let make = fake(|_| ok(&["server"]));
    let built = bench.build(&make).unwrap();
    assert!(built.reports[0].failure.is_none());
    assert_eq!(
        built.reports[1].failure.as_deref(),
        Some(
            "no source found, and Makefile made no such program; \
             looked for us-client, client, us-client.c, client.c"
        )
    );
}

#[test]
fn a_failing_makefile_is_told_beside_the_compilers_error() {
    let bench = Bench::new(&[("Makefile", "all:\n\tfalse\n"), ("server.c", MAIN)]);
    let tools = fake(|line| {
        if line.contains("/make") {
            fails("Makefile:2: *** missing separator.  Stop.")
        } else {
            fails("server.c:1: error: expected ';'")
        }
    });
    let built = bench.build(&tools).unwrap();
    let server = &built.reports[0];
    let failure = server.failure.as_ref().unwrap();
    assert!(failure.starts_with("server.c:1: error"), "{failure}");
    let tried: Vec<Rung> = server.tried.iter().map(|tried| tried.rung).collect();
    assert_eq!(tried, [Rung::Make, Rung::Compiler]);
    assert!(server.tried[0].why.contains("missing separator"));
    assert!(server.hint.as_ref().unwrap().contains("tab"));
}

#[test]
fn make_is_helped_step_by_step_and_each_step_is_told() {
    let bench = Bench::new(&[(
        "Makefile",
        "us-server us-client:\n    gcc -o $@ $@.c -lsocket\n",
    )]);
    let make = fake(|_| fails(""));
    bench.build(&make).unwrap();
    assert_eq!(make.calls.load(Ordering::SeqCst), 3, "{:?}", make.seen);
    // What helps is asked for by what make says.
    let step = AtomicUsize::new(0);
    let make = fake(|_| match step.fetch_add(1, Ordering::SeqCst) {
        0 => fails("Makefile:2: *** missing separator.  Stop."),
        1 => fails("/usr/bin/ld: cannot find -lsocket: No such file"),
        2 => fails("error: storage size of 'a' isn't known: struct sockaddr_un a"),
        _ => ok(&["us-server", "us-client"]),
    });
    let bench = Bench::new(&[(
        "Makefile",
        "us-server us-client:\n    gcc -o $@ $@.c -lsocket -DX\n",
    )]);
    let built = bench.build(&make).unwrap();
    for report in &built.reports {
        assert_eq!(report.rung, Some(Rung::MakeHeaders));
        let tried: Vec<Rung> = report.tried.iter().map(|tried| tried.rung).collect();
        assert_eq!(tried, [Rung::Make, Rung::MakeRepaired, Rung::MakeStubs]);
        let hint = report.hint.as_ref().unwrap();
        for part in ["tab", "-lsocket", "<sys/un.h>"] {
            assert!(hint.contains(part), "{hint}");
        }
    }
}

#[test]
fn a_language_that_this_machine_lacks_is_no_failure() {
    let bench = Bench::new(&[
        ("server.go", "package main\nfunc main() {}"),
        ("client.c", MAIN),
    ]);
    let cc = fake(|line| ok(&out(line)));
    let built = bench.build(&cc).unwrap();
    let server = &built.reports[0];
    assert_eq!(server.failure, None);
    assert_eq!(
        server.unavailable.as_deref(),
        Some("server.go needs `go`, which is not here")
    );
    assert!(built.unavailable.contains_key("server"));
    assert!(built.programs.contains_key("client"));
}

#[test]
fn the_manifest_names_target_executable_and_arguments() {
    let bench = Bench::new(&[
        ("Makefile", "app:\n"),
        (
            "grader.toml",
            "[programs.client]\nmake = 'app'\nexecutable = 'bin/app'\nrun = ['{client}', '--talk', '{args}']",
        ),
        ("server.c", MAIN),
    ]);
    let tools = fake(|line| {
        if line.contains("/make") {
            ok(&["bin/app", "server"])
        } else {
            panic!("nothing else is needed: {line}")
        }
    });
    let built = bench.build(&tools).unwrap();
    let client = &built.programs["client"];
    assert_eq!(
        client.run.as_deref(),
        Some(&["--talk".to_owned(), "{args}".to_owned()][..])
    );
    assert_eq!(fs::read(&client.executable).unwrap(), elf("bin/app").0);
    assert_eq!(
        fs::read(&built.programs["server"].executable).unwrap(),
        elf("server").0
    );
}

#[test]
fn the_machines_fault_is_not_the_submissions() {
    struct Broken;
    impl BuildRunner for Broken {
        fn run(&self, _: &Plan) -> Result<Vec<Event>, Fault> {
            Err(Fault::Lost("killed by signal 9".into()))
        }
    }
    let bench = Bench::new(&[("server.c", MAIN)]);
    let error = bench.build(&Broken).unwrap_err();
    assert!(matches!(error, SubmissionError::Fault(Fault::Lost(_))));
    struct Cut;
    impl BuildRunner for Cut {
        fn run(&self, _: &Plan) -> Result<Vec<Event>, Fault> {
            Ok(Vec::new())
        }
    }
    assert!(matches!(
        bench.build(&Cut).unwrap_err(),
        SubmissionError::Fault(Fault::Lost(_))
    ));
}

#[test]
fn a_compiler_that_builds_nothing_is_not_the_submissions_fault() {
    /// Refuses whatever it is given: its headers are missing.
    struct Bare(Fake<fn(&str) -> Answer>);
    impl BuildRunner for Bare {
        fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault> {
            let mut plan = plan.clone();
            plan.name.push('!');
            self.0.run(&plan)
        }
    }
    let bench = Bench::new(&[("server.c", MAIN), ("client.c", MAIN)]);
    let says = |_: &str| fails("x.c:1:10: fatal error: stdio.h: No such file or directory\n");
    let bare = Bare(fake(says as fn(&str) -> Answer));
    let error = bench.build(&bare).unwrap_err();
    let SubmissionError::NoTool(why) = error else {
        panic!("{error}");
    };
    assert!(why.en.contains("stdio.h: No such file"), "{why}");
    assert!(why.en.contains("build-essential"), "{why}");
    // It was asked once, and remembers: nothing of it is kept as a result.
    let asked = |bare: &Bare| {
        let seen = bare.0.seen.lock().unwrap();
        seen.iter().filter(|line| line.contains("plain.c")).count()
    };
    let first = asked(&bare);
    assert!(first > 0);
    bench.build(&bare).unwrap_err();
    assert_eq!(asked(&bare), first);
}

#[test]
fn without_a_compiler_there_is_one_clear_error() {
    let mut bench = Bench::new(&[("server.c", MAIN), ("client.c", MAIN)]);
    bench.toolchain = Toolchain::default();
    let cc = fake(|_| ok(&[]));
    let error = bench.build(&cc).unwrap_err().to_string();
    assert!(error.contains("no C compiler found"), "{error}");
    assert_eq!(cc.calls.load(Ordering::SeqCst), 0);
}

#[path = "../../../build/rules.rs"]
mod rules;

#[test]
fn other_rules_have_other_builds() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/submission");
    assert_eq!(rules::rules(&here).unwrap(), env!("GRADER_BUILD_RULES"));
    let dir = TempDir::new().unwrap();
    let of = |text: &str| {
        fs::write(dir.path().join("a.rs"), text).unwrap();
        rules::rules(dir.path()).unwrap()
    };
    assert_eq!(of("one"), of("one"));
    assert_ne!(of("one"), of("two"));
}
