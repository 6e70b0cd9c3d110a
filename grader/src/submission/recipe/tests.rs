use std::ffi::OsStr;

use supervisor::plan::{Act, Isolation, Observation, PlacedFile, Plan};

use super::super::find::Make;
use super::super::find::tests::{MAIN, tree};
use super::super::rung::Help;
use super::*;

fn argv(plan: &Plan, i: usize) -> Vec<String> {
    plan.programs[i].argv.iter().map(Bytes::escaped).collect()
}

fn named(cc: &str) -> Toolchain {
    let mut out = Toolchain::look_up(OsStr::new(""), None, None, None);
    out.cc = Some(Tool {
        path: cc.into(),
        lead: vec!["-m64".into()],
    });
    out.make = Some(Tool {
        path: "/usr/bin/make".into(),
        lead: Vec::new(),
    });
    out
}

fn server() -> Sources {
    Sources {
        role: "server".into(),
        language: Language::C,
        files: vec!["server.c".into(), "-odd.c".into()],
        flags: vec!["-lrt".into()],
    }
}

#[test]
fn a_compilation_is_one_isolated_command() {
    let tree = tree(&[
        ("server.c", MAIN),
        ("-odd.c", ""),
        ("include/x.h", ""),
        ("server.o", "\x7fELF"),
        ("libx.a", "!<arch>\n"),
    ]);
    let recipe = compile(&tree, &server(), "us-server", &named("/nowhere/cc"), false).unwrap();
    let plan = recipe.plan("x", &tree, Isolation::Required);
    let names: Vec<String> = plan.files.iter().map(|f| f.name.escaped()).collect();
    assert_eq!(names, ["-odd.c", "include/x.h", "server.c", ".grader/out"]);
    let argv = argv(&plan, 0);
    assert_eq!(&argv[..3], ["/nowhere/cc", "-m64", "-std=gnu11"]);
    assert_eq!(
        argv[argv.len() - 9..],
        [
            "-I",
            "include",
            "-o",
            ".grader/out/us-server",
            "server.c",
            "./-odd.c",
            "-lrt",
            "-lrt",
            "-lm"
        ]
    );
    assert_eq!(plan.isolation, Isolation::Required);
    assert_eq!(plan.observation, Observation::Bare);
    assert!(matches!(
        plan.steps[0].acts[1],
        Act::WaitExit { ms: 60_000, .. }
    ));
    assert!(
        matches!(&plan.steps[1].acts[0], Act::Collect { under, .. } if under.escaped() == ".grader/out")
    );
    let env: Vec<String> = plan.programs[0]
        .env
        .iter()
        .map(|(k, _)| k.escaped())
        .collect();
    assert_eq!(env, ["PATH", "HOME", "TMPDIR", "LC_ALL"]);
    assert!(plan.limits.wall_ms > 60_000);
}

#[test]
fn the_lenient_way_adds_what_solaris_headers_bring() {
    let tree = tree(&[("server.c", MAIN)]);
    let recipe = compile(&tree, &server(), "us-server", &named("/nowhere/cc"), true).unwrap();
    let plan = recipe.plan("x", &tree, Isolation::BestEffort);
    assert!(argv(&plan, 0).contains(&".grader/solaris.h".to_owned()));
    let header = plan
        .files
        .iter()
        .find(|f| f.name.escaped() == ".grader/solaris.h")
        .unwrap();
    assert!(matches!(&header.source, FileSource::Bytes(b) if b.escaped().contains("<sys/un.h>")));
}

fn unit() -> Make {
    Make {
        file: "Makefile".into(),
        mended: Some(b"all:\n\ttrue\n".to_vec()),
        goals: Vec::new(),
        others: vec!["server".into()],
        roles: vec![("server".into(), None)],
        fallback: Vec::new(),
        both: false,
    }
}

fn planned(unit: &Make, help: Help, all: bool) -> Plan {
    let tree = tree(&[("Makefile", "all:\n"), ("server", "\u{feff}")]);
    let recipe = make(unit, help, all, &named("/usr/bin/cc")).unwrap();
    recipe.plan("x", &tree, Isolation::BestEffort)
}

fn place<'p>(plan: &'p Plan, name: &str) -> Option<&'p PlacedFile> {
    plan.files.iter().find(|f| f.name.escaped() == name)
}

#[test]
fn make_runs_as_it_is_before_it_gets_any_help() {
    let plan = planned(&unit(), Help::default(), false);
    assert_eq!(plan.programs.len(), 1);
    assert_eq!(argv(&plan, 0), ["/usr/bin/make"]);
    assert!(place(&plan, ".grader/lib/libsocket.a").is_none());
    assert!(
        matches!(&place(&plan, "Makefile").unwrap().source, FileSource::Bytes(b) if b.0 == b"all:\n")
    );
    let all = planned(&unit(), Help::default(), true);
    assert_eq!(argv(&all, 1), ["/usr/bin/make", "--", "server"]);
    let mut settled = unit();
    settled.goals = vec!["app".into()];
    settled.roles = vec![("server".into(), Some("bin/app".into()))];
    let plan = planned(&settled, Help::default(), false);
    assert_eq!(plan.programs.len(), 1);
    assert_eq!(argv(&plan, 0), ["/usr/bin/make", "--", "app"]);
    let mut without = named("/usr/bin/cc");
    without.make = None;
    assert!(make(&unit(), Help::default(), false, &without).is_none());
}

#[test]
fn help_is_a_mended_copy_empty_libraries_and_a_compiler_in_between() {
    let help = Help {
        repaired: true,
        stubs: true,
        headers: true,
    };
    let mut odd = unit();
    odd.file = "src/makeFile".into();
    odd.mended = None;
    let plan = planned(&odd, help, false);
    assert_eq!(
        argv(&plan, 0),
        ["/usr/bin/make", "-C", "src", "-f", "makeFile"]
    );
    let env = |name: &str| {
        let found = plan.programs[0]
            .env
            .iter()
            .find(|(k, _)| k.escaped() == name);
        found.unwrap().1.escaped()
    };
    assert_eq!(env("LIBRARY_PATH"), "/lab/.grader/lib");
    assert!(
        env("PATH").starts_with("/lab/.grader/bin:"),
        "{}",
        env("PATH")
    );
    assert!(place(&plan, ".grader/lib/libsocket.a").is_some());
    assert_eq!(place(&plan, ".grader/bin/gcc").unwrap().mode, 0o755);
    let plan = planned(&unit(), help, false);
    assert!(
        matches!(&place(&plan, "Makefile").unwrap().source, FileSource::Bytes(b) if b.0 == b"all:\n\ttrue\n")
    );
}

#[test]
fn a_missing_tool_is_named() {
    let none = Toolchain::default();
    let tree = tree(&[("server.c", MAIN)]);
    let mut sources = server();
    for (language, tool) in [
        (Language::C, "cc"),
        (Language::Cxx, "g++"),
        (Language::Rust, "rustc"),
        (Language::Java, "javac"),
        (Language::Go, "go"),
    ] {
        sources.language = language;
        let missing = foreign(&tree, &sources, "s", &none).unwrap_err();
        assert_eq!(missing, Missing(tool.to_owned()));
    }
    assert_eq!(cargo(&none).unwrap_err(), Missing("cargo".to_owned()));
    let message = no_compiler().to_string();
    assert!(
        message.contains("no C compiler found: install gcc"),
        "{message}"
    );
}
