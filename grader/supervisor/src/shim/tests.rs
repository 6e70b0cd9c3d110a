//! The library in real programs; it reports to a descriptor instead of the tracer.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::*;

const UNSAFE: &str = include_str!("../../tests/programs/unsafe.c");
const BEHAVIOUR: &str = include_str!("../../tests/programs/behaviour.c");

struct Built {
    dir: tempfile::TempDir,
}

impl Built {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// The library and the test programs, compiled once.
fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Built {
            dir: tempfile::tempdir_in(std::env::temp_dir()).unwrap(),
        };
        compile_with(Path::new("cc"), &built.path("shim.so"), &["-DSHIM_TEST"]).unwrap();
        for (name, text, options) in [
            ("unsafe", UNSAFE, "-O0"),
            ("unsafe-fortified", UNSAFE, "-O2"),
            ("behaviour", BEHAVIOUR, "-O0"),
        ] {
            let source = built.path(&format!("{name}.c"));
            std::fs::write(&source, text).unwrap();
            let mut cc = Command::new("cc");
            cc.args([options, "-w", "-pthread", "-o"])
                .arg(built.path(name))
                .arg(&source);
            if options == "-O2" {
                cc.arg("-D_FORTIFY_SOURCE=2");
            }
            assert!(cc.status().unwrap().success(), "{name}");
        }
        built
    })
}

/// What the library reported, sorted, and what the program printed.
fn audited(program: &str, mode: &str) -> (Vec<String>, String, Option<i32>) {
    let built = built();
    let output = Command::new(built.path(program))
        .arg(mode)
        .env("LD_PRELOAD", built.path("shim.so"))
        .env("GRADER_SHIM_FD", "2")
        .output()
        .unwrap();
    let mut reports: Vec<String> = String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    reports.sort();
    (
        reports,
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

#[test]
fn unsafe_calls_in_handlers_are_reported_once_each() {
    for (mode, expected) in [
        ("printf", &["calls printf"][..]),
        ("puts", &["calls puts"]),
        ("putchar", &["calls putchar"]),
        ("fprintf", &["calls fprintf"]),
        ("snprintf", &["calls snprintf"]),
        ("malloc", &["calls free", "calls malloc"]),
        ("fopen", &["calls fclose", "calls fopen"]),
        ("exit", &["calls exit"]),
        ("mutex", &["calls pthread_mutex_lock"]),
        ("localtime", &["calls localtime"]),
        ("strtok", &["calls strtok"]),
        ("nested", &["calls puts"]),
        ("thread", &["calls malloc"]),
        ("errno", &["changes errno"]),
        ("sysv", &["calls printf"]),
        ("sigset", &["calls printf"]),
        ("info", &["calls printf"]),
        ("jump", &["calls printf"]),
    ] {
        let (reports, _, status) = audited("unsafe", mode);
        assert_eq!(status, Some(0), "{mode}");
        assert_eq!(reports, expected, "{mode}");
    }
}

#[test]
fn fortified_calls_have_their_plain_names() {
    for (mode, expected) in [
        ("printf", "calls printf"),
        ("fprintf", "calls fprintf"),
        ("snprintf", "calls snprintf"),
        ("jump", "calls printf"),
    ] {
        assert_eq!(audited("unsafe-fortified", mode).0, [expected], "{mode}");
    }
}

#[test]
fn honest_handlers_are_left_in_peace() {
    // write, waitpid with errno kept, _exit, free(NULL), a second handler, sigaction in a handler;
    // and outside of handlers anything goes, also after a jump out of one.
    for mode in [
        "honest",
        "keeps_errno",
        "_exit",
        "free_null",
        "reinstall",
        "ignored",
        "outside",
        "after_jump",
    ] {
        let (reports, _, status) = audited("unsafe", mode);
        assert_eq!(status, Some(0), "{mode}");
        assert_eq!(reports, Vec::<String>::new(), "{mode}");
    }
}

#[test]
fn programs_behave_as_without_it() {
    let alone = Command::new(built().path("behaviour")).output().unwrap();
    let alone_out = String::from_utf8(alone.stdout).unwrap();
    assert!(alone_out.lines().count() > 30, "{alone_out}");
    assert_eq!(alone.status.code(), Some(0));
    let (_, with, status) = audited("behaviour", "");
    assert_eq!(with, alone_out);
    assert_eq!(status, Some(0));
}

#[test]
fn a_failing_compiler_is_quoted_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("shim.so");
    let error = compile_with(Path::new("cc"), &out, &["-include", "nonexistent.h"]).unwrap_err();
    assert!(error.to_string().contains("does not compile: "), "{error}");
    assert!(compile(Path::new("/nonexistent/cc"), &out).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    compile(Path::new("cc"), &out).unwrap();
    assert!(out.exists());
}

#[test]
fn reports_are_read_and_forgeries_are_not() {
    let me = i32::try_from(std::process::id()).unwrap();
    let decoded = |text: &str| {
        decode(
            &[REPORT, text.as_ptr() as u64, text.len() as u64, 0, 0, 0],
            me,
        )
    };
    assert_eq!(decoded("calls printf").as_deref(), Some("calls printf"));
    assert_eq!(decoded("changes errno").as_deref(), Some("changes errno"));
    assert_eq!(decoded("calls \x1b[2J"), None);
    assert_eq!(decoded("calls "), None);
    assert_eq!(decoded("earns 100 points"), None);
    assert_eq!(decode(&[libc::PR_SET_NAME as u64, 0, 0, 0, 0, 0], me), None);
    assert_eq!(decode(&[REPORT, 8, 12, 0, 0, 0], me), None);
}

#[test]
fn the_number_is_the_one_in_the_source() {
    assert!(source().contains(&format!("#define REPORT 0x{REPORT:x}L")));
}
