//! The recipes with the real compiler and make of this machine, run in a plain directory: the
//! sandbox is tested elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use supervisor::event::{Event, ExitStatus, Stream, What};
use supervisor::plan::{Act, FileSource, Image, Plan, ProcessId, WORKSPACE};
use tempfile::TempDir;

use super::super::find::tests::program;
use super::super::tools::build_tools;
use super::*;
use crate::lab::{Tool, Tools, sample};

/// Runs a plan's commands where it is.
struct Plain;

impl BuildRunner for Plain {
    fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault> {
        let dir = TempDir::new().unwrap();
        for file in &plan.files {
            let path = dir.path().join(file.name.escaped());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match &file.source {
                FileSource::Bytes(bytes) => fs::write(&path, &bytes.0).unwrap(),
                FileSource::Directory => fs::create_dir_all(&path).unwrap(),
                FileSource::Host(from) => panic!("{}", from.display()),
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).unwrap();
        }
        let here = |text: String| text.replace(WORKSPACE, dir.path().to_str().unwrap());
        let mut events = Vec::new();
        let mut push = |step, what| events.push(Event { at: 0, step, what });
        for (step, acts) in (1..).zip(plan.steps.iter().map(|s| &s.acts)) {
            match &acts[0] {
                Act::Start(id) => {
                    let program = &plan.programs[usize::from(id.0)];
                    let Image::File(image) = &program.image else {
                        panic!("{:?}", program.image);
                    };
                    let said = Command::new(image.escaped())
                        .args(program.argv[1..].iter().map(|a| here(a.escaped())))
                        .env_clear()
                        .envs(
                            program
                                .env
                                .iter()
                                .map(|(k, v)| (k.escaped(), here(v.escaped()))),
                        )
                        .current_dir(dir.path())
                        .stdin(Stdio::null())
                        .output()
                        .unwrap();
                    for (stream, bytes) in [(Stream::Out, said.stdout), (Stream::Err, said.stderr)]
                    {
                        push(
                            step,
                            What::Output {
                                program: *id,
                                stream,
                                bytes: bytes.into(),
                            },
                        );
                    }
                    let status = ExitStatus::Code(said.status.code().unwrap());
                    let process = ProcessId {
                        program: *id,
                        number: 0,
                    };
                    push(step, What::Exited { process, status });
                }
                Act::Collect { under, .. } => {
                    let under = dir.path().join(under.escaped());
                    files(&under, &under, &mut |name, bytes| {
                        push(
                            step,
                            What::File {
                                name: name.into(),
                                mode: 0o755,
                                bytes: bytes.into(),
                            },
                        );
                    });
                }
                other => panic!("{other:?}"),
            }
        }
        push(u32::try_from(plan.steps.len()).unwrap(), What::Ended);
        Ok(events)
    }
}

fn files(root: &Path, dir: &Path, each: &mut dyn FnMut(&str, Vec<u8>)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, each);
        } else {
            let name = path.strip_prefix(root).unwrap();
            each(name.to_str().unwrap(), fs::read(&path).unwrap());
        }
    }
}

fn lab(names: &[&str]) -> Lab {
    Lab {
        programs: names
            .iter()
            .map(|name| program(name, &format!("us-{name}"), &[&format!("*{name}*.c")]))
            .collect(),
        ..sample::lab("l")
    }
}

fn build_here(roles: &[&str], files: &[(&str, &str)]) -> (TempDir, Built) {
    let dir = TempDir::new().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let options = BuildOptions {
        cache: &Cache::open(&CacheMode::Off).unwrap(),
        toolchain: &Toolchain::from_env(),
        lang: Lang::En,
        isolation: Isolation::BestEffort,
    };
    let built = build(&Plain, &lab(roles), dir.path(), &options).unwrap();
    (dir, built)
}

fn says(built: &Built, role: &str) -> String {
    let program = built
        .programs
        .get(role)
        .unwrap_or_else(|| panic!("{:?}", built.reports));
    let said = Command::new(&program.executable).output().unwrap();
    String::from_utf8(said.stdout).unwrap()
}

const HELPER: &str = "const char *word(void) { return \"help\"; }";
const SERVER: &str = r#"#include <stdio.h>
#include "word.h"
#include <math.h>
#include <pthread.h>
static void *run(void *p) { return p; }
int main(int argc, char **argv) {
    pthread_t t; int unused; (void)argv;
    pthread_create(&t, 0, run, 0); pthread_join(t, 0);
    printf("%s %.0f\n", word(), sqrt(argc * 4.0));
    return 0;
}"#;

#[test]
fn sources_and_helpers_become_a_program_with_warnings_kept() {
    let (_dir, built) = build_here(
        &["server"],
        &[
            ("src/server.c", SERVER),
            ("src/word.c", HELPER),
            ("include/word.h", "const char *word(void);"),
        ],
    );
    assert_eq!(says(&built, "server"), "help 2\n");
    let report = &built.reports[0];
    assert!(report.warnings.contains("unused variable"), "{report:?}");
}

#[test]
fn a_compilers_error_is_shown_with_its_place() {
    let broken = "int main(void) {\n  return 0\n}\n";
    let (_dir, built) = build_here(&["server"], &[("server.c", broken)]);
    let failure = built.reports[0].failure.as_ref().unwrap();
    assert!(failure.contains("server.c:2"), "{failure}");
    assert!(built.programs.is_empty());
}

#[test]
fn headers_that_solaris_brings_along_are_lent() {
    let source = "#include <sys/socket.h>\n#include <stdio.h>\nint main(void) {\n\
                  struct sockaddr_un a; a.sun_family = AF_UNIX; return printf(\"%d\", a.sun_family) < 0; }";
    let (_dir, built) = build_here(&["server"], &[("server.c", source)]);
    assert_eq!(says(&built, "server"), "1");
    assert_eq!(built.reports[0].rung, Some(Rung::CompilerHeaders));
}

#[test]
fn a_solaris_makefile_with_one_default_target_gives_both_programs() {
    let makefile = "CC=cc\nserver: server.c\n\t$(CC) server.c -o server -lsocket -lnsl\n\
                    client: client.c\n\t$(CC) client.c -o client -lsocket\n";
    let main = |text: &str| {
        format!("#include <stdio.h>\nint main(void) {{ puts(\"{text}\"); return 0; }}")
    };
    let (_dir, built) = build_here(
        &["server", "client"],
        &[
            ("Makefile", makefile),
            ("server.c", &main("server")),
            ("client.c", &main("client")),
        ],
    );
    assert_eq!(says(&built, "server"), "server\n");
    assert_eq!(says(&built, "client"), "client\n");
    assert!(built.reports.iter().all(|r| r.from == "Makefile"));
    for report in &built.reports {
        assert_eq!(report.rung, Some(Rung::MakeStubs));
        assert!(report.tried[0].why.contains("-lsocket"), "{report:?}");
    }
}

#[test]
fn a_makefile_with_spaces_for_a_tab_does_not_keep_the_source_from_being_built() {
    let main = "#include <stdio.h>\nint main(void) { puts(\"built\"); return 0; }";
    let (_dir, built) = build_here(
        &["server"],
        &[
            ("Makefile", "all:\n    cc -o server server.c\n"),
            ("server.c", main),
        ],
    );
    assert_eq!(says(&built, "server"), "built\n");
    let tried = &built.reports[0].tried;
    assert!(tried[0].why.contains("missing separator"), "{tried:?}");
}

#[test]
fn leftovers_of_an_earlier_build_are_not_used() {
    let main = "#include <stdio.h>\nint main(void) { puts(\"new\"); return 0; }";
    let (_dir, built) = build_here(
        &["server"],
        &[
            ("Makefile", "server: server.o\n\tcc -o server server.o\n"),
            ("server.c", main),
            ("server.o", "\x7fELF old"),
            ("server", "\x7fELF old"),
        ],
    );
    assert_eq!(says(&built, "server"), "new\n");
}

const CHILD: &str =
    "#include \"word.h\"\n#include <stdio.h>\nint main(void) { puts(WORD); return 0; }";

fn lab_tools(files: &[(&str, &str)]) -> Tools {
    Tools {
        programs: ["child", "other"]
            .map(|name| Tool {
                name: name.into(),
                source: "child.c".into(),
            })
            .into(),
        files: files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

/// Refuses to build: what is asked for is in the cache, or cannot even be tried.
struct Nobody;

impl BuildRunner for Nobody {
    fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault> {
        panic!("{}", plan.name);
    }
}

#[test]
fn the_labs_own_programs_are_built_once() {
    let cache = Cache::open(&CacheMode::Off).unwrap();
    let options = BuildOptions {
        cache: &cache,
        toolchain: &Toolchain::from_env(),
        lang: Lang::En,
        isolation: Isolation::BestEffort,
    };
    let tools = lab_tools(&[("child.c", CHILD), ("word.h", "#define WORD \"hello\"")]);
    let built = build_tools(&Plain, "l", &tools, &options).unwrap();
    assert_eq!(built.keys().collect::<Vec<_>>(), ["child", "other"]);
    for path in built.values() {
        let said = Command::new(path).output().unwrap();
        assert_eq!(said.stdout, b"hello\n");
    }
    assert_eq!(build_tools(&Nobody, "l", &tools, &options), Ok(built));
    // Whatever they include makes another program of them.
    let changed = lab_tools(&[("child.c", CHILD), ("word.h", "#define WORD \"bye\"")]);
    let built = build_tools(&Plain, "l", &changed, &options).unwrap();
    let said = Command::new(&built["child"]).output().unwrap();
    assert_eq!(said.stdout, b"bye\n");
}

#[test]
fn a_tool_that_cannot_be_built_is_the_labs_or_the_machines_fault() {
    let cache = Cache::open(&CacheMode::Off).unwrap();
    let mut options = BuildOptions {
        cache: &cache,
        toolchain: &Toolchain::from_env(),
        lang: Lang::En,
        isolation: Isolation::BestEffort,
    };
    let tools = lab_tools(&[("child.c", "int main(void) {\n  return 0\n}\n")]);
    let Err(Fault::Act(why)) = build_tools(&Plain, "l", &tools, &options) else {
        panic!("it was built");
    };
    assert!(why.contains("the tools of lab l"), "{why}");
    assert!(why.contains("tools/child.c:2"), "{why}");
    let none = Toolchain::default();
    options.toolchain = &none;
    let error = build_tools(&Nobody, "l", &tools, &options).unwrap_err();
    assert!(error.to_string().contains("there is no `cc`"), "{error}");
}
