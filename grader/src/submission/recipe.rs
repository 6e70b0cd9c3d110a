//! Builds as plans for the supervisor: which commands run in the sandbox, on which files.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use supervisor::Bytes;
use supervisor::plan::{
    Act, FileSource, Image, Input, Isolation, Limits, Observation, Output, PlacedFile, Plan,
    Program, ProgramId, Step, WORKSPACE,
};

use super::error::SubmissionError;
use super::find::{self, Make, Sources};
use super::source::{self, Magic};
use super::toolchain::{self, Tool, Toolchain};
use super::tree::{File, Tree};

/// Where the grader puts its own files in the workspace. No submission has such a name, because
/// hidden names are left out of a [`Tree`].
const OWN: &str = ".grader";

/// Wall time of one command, milliseconds.
const COMMAND_MS: u64 = 20_000;
/// Cargo compiles the dependencies as well.
const CARGO_MS: u64 = 120_000;

/// Bytes of what a build leaves behind, at most.
pub(super) const COLLECT: u64 = 64 << 20;

/// Commands to run one after another, and where their result is.
#[derive(Debug)]
pub(super) struct Recipe {
    commands: Vec<Command>,
    tools: Vec<Tool>,
    env: Vec<(&'static str, Bytes)>,
    readable: BTreeSet<PathBuf>,
    own: Vec<(String, FileSource)>,
    /// Directory whose files are wanted.
    collect: String,
    memory: u64,
}

#[derive(Debug)]
struct Command {
    tool: PathBuf,
    args: Vec<String>,
    ms: u64,
}

impl Recipe {
    fn new(tools: Vec<Tool>) -> Self {
        let readable = tools.iter().flat_map(Tool::homes).collect();
        Self {
            commands: Vec::new(),
            tools,
            env: Vec::new(),
            readable,
            own: vec![(format!("{OWN}/out"), FileSource::Directory)],
            collect: format!("{OWN}/out"),
            memory: 4 << 30,
        }
    }

    /// Seconds a command may take.
    pub(super) fn seconds(&self) -> u64 {
        self.commands.iter().map(|c| c.ms).max().unwrap_or_default() / 1000
    }

    /// The plan: the submission's files in a private copy, the commands, the result.
    pub(super) fn plan(&self, name: &str, tree: &Tree, isolation: Isolation) -> Plan {
        let mut files: Vec<PlacedFile> = tree.files.iter().filter_map(placed).collect();
        files.extend(self.own.iter().map(|(name, source)| PlacedFile {
            name: name.as_str().into(),
            source: source.clone(),
            mode: match source {
                FileSource::Directory => 0o755,
                _ => 0o644,
            },
        }));
        let tools: Vec<&Tool> = self.tools.iter().collect();
        let path = toolchain::path_with(&tools);
        let mut env: Vec<(Bytes, Bytes)> = vec![
            ("PATH".into(), path.as_bytes().into()),
            ("HOME".into(), WORKSPACE.into()),
            ("TMPDIR".into(), "/tmp".into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ];
        env.extend(self.env.iter().map(|(k, v)| ((*k).into(), v.clone())));
        let programs = self
            .commands
            .iter()
            .map(|command| program(command, &env))
            .collect();
        let mut steps: Vec<Step> = (0u16..)
            .zip(&self.commands)
            .map(|(i, command)| Step {
                acts: vec![
                    Act::Start(ProgramId(i)),
                    Act::WaitExit {
                        program: ProgramId(i),
                        ms: command.ms,
                    },
                ],
            })
            .collect();
        steps.push(Step {
            acts: vec![Act::Collect {
                under: self.collect.as_str().into(),
                bytes: COLLECT,
            }],
        });
        Plan {
            name: name.to_owned(),
            files,
            programs,
            peers: Vec::new(),
            steps,
            limits: Limits {
                wall_ms: self.seconds() * 1000 + 5_000,
                cpu_ms: 4 * self.seconds() * 1000,
                memory: self.memory,
                processes: 256,
                descriptors: 1024,
                file_size: 256 << 20,
                output: 64 << 10,
                ..Limits::default()
            },
            observation: Observation::Bare,
            isolation,
            readable: self.readable.iter().cloned().collect(),
        }
    }
}

fn program(command: &Command, env: &[(Bytes, Bytes)]) -> Program {
    let path = command.tool.as_os_str().as_bytes();
    let mut argv: Vec<Bytes> = vec![path.into()];
    argv.extend(command.args.iter().map(|arg| arg.as_str().into()));
    Program {
        name: command.tool.file_name().map_or_else(
            || "tool".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        ),
        image: Image::File(path.into()),
        argv,
        env: env.to_vec(),
        stdin: Input::Null,
        stdout: Output::Pipe,
        stderr: Output::Pipe,
        address: None,
        audit_handlers: false,
        small_buffers: false,
    }
}

/// What a build sees of the submission: everything but what an earlier build left, which would
/// make `make` believe that there is nothing to do.
fn placed(file: &File) -> Option<PlacedFile> {
    let bytes = file.bytes()?;
    if matches!(source::magic(bytes), Magic::Elf | Magic::Archive) {
        return None;
    }
    Some(PlacedFile {
        name: file.path.as_str().into(),
        source: FileSource::Bytes(bytes.into()),
        mode: if file.executable { 0o755 } else { 0o644 },
    })
}

/// Compiles and links one program.
pub(super) fn compile(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
    lenient: bool,
) -> Result<Recipe, SubmissionError> {
    let cxx = sources.files.iter().any(|file| find::is_cxx(file));
    let (tool, flags) = if cxx {
        let tool = toolchain
            .cxx
            .as_ref()
            .ok_or_else(|| no_compiler("C++", "CXX", "g++"))?;
        (tool, toolchain.cxx_flags())
    } else {
        let tool = toolchain
            .cc
            .as_ref()
            .ok_or_else(|| no_compiler("C", "CC", "gcc"))?;
        (tool, toolchain.c_flags())
    };
    let mut recipe = Recipe::new(vec![tool.clone()]);
    let mut args = tool.lead.clone();
    args.extend(flags.into_iter().map(str::to_owned));
    if lenient {
        let header = format!("{OWN}/solaris.h");
        args.extend([
            "-D_GNU_SOURCE".to_owned(),
            "-include".to_owned(),
            header.clone(),
        ]);
        recipe.own.push((header, FileSource::Bytes(SOLARIS.into())));
    }
    let headers: BTreeSet<&str> = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".h"))
        .map(File::directory)
        .collect();
    for directory in headers {
        args.push("-I".to_owned());
        args.push(if directory.is_empty() { "." } else { directory }.to_owned());
    }
    args.extend(["-o".to_owned(), format!("{OWN}/out/{executable}")]);
    args.extend(sources.files.iter().map(|file| as_operand(file)));
    args.extend(sources.flags.iter().cloned());
    args.push("-lm".to_owned());
    recipe.commands.push(Command {
        tool: tool.path.clone(),
        args,
        ms: COMMAND_MS,
    });
    Ok(recipe)
}

/// Runs the submission's Makefile. `None` where there is no `make`.
pub(super) fn make(unit: &Make, toolchain: &Toolchain) -> Option<Recipe> {
    let make = toolchain.make.as_ref()?;
    let tools = [Some(make), toolchain.cc.as_ref(), toolchain.cxx.as_ref()];
    let mut recipe = Recipe::new(tools.into_iter().flatten().cloned().collect());
    // Empty archives satisfy -lsocket and -lnsl, which exist on Solaris only.
    for library in ["socket", "nsl"] {
        let empty = FileSource::Bytes("!<arch>\n".into());
        recipe
            .own
            .push((format!("{OWN}/lib/lib{library}.a"), empty));
    }
    let stubs = format!("{WORKSPACE}/{OWN}/lib");
    recipe.env.push(("LIBRARY_PATH", stubs.as_str().into()));
    recipe.collect = String::new();
    let mut command = |goals: &[String]| {
        let mut args = vec!["-f".to_owned(), unit.file.clone()];
        if !goals.is_empty() {
            args.push("--".to_owned());
            args.extend(goals.iter().cloned());
        }
        recipe.commands.push(Command {
            tool: make.path.clone(),
            args,
            ms: COMMAND_MS,
        });
    };
    if unit.goals.is_empty() || unit.roles.iter().any(|(_, path)| path.is_none()) {
        command(&[]);
    }
    if !unit.goals.is_empty() {
        command(&unit.goals);
    }
    Some(recipe)
}

/// Builds the Cargo package.
pub(super) fn cargo(toolchain: &Toolchain) -> Result<Recipe, SubmissionError> {
    let missing = || {
        SubmissionError::NoTool(
            "Cargo.toml: no Rust toolchain found (cargo and rustc on PATH); install one from \
             https://rustup.rs"
                .to_owned(),
        )
    };
    let sysroot = toolchain.rust_sysroot().ok_or_else(missing)?;
    let cargo = Tool {
        path: sysroot.join("bin/cargo"),
        lead: Vec::new(),
    };
    let mut tools = vec![cargo.clone()];
    tools.extend(toolchain.cc.clone());
    let mut recipe = Recipe::new(tools);
    recipe.readable.insert(sysroot.to_path_buf());
    // Crates fetched earlier, but never CARGO_HOME itself: it holds credentials.
    if let Some(home) = &toolchain.cargo_home {
        let fetched = ["registry", "git"].map(|part| home.join(part));
        recipe
            .readable
            .extend(fetched.into_iter().filter(|dir| dir.is_dir()));
        recipe
            .env
            .push(("CARGO_HOME", home.as_os_str().as_bytes().into()));
    }
    recipe.env.push(("CARGO_TARGET_DIR", "target".into()));
    recipe.env.push(("CARGO_TERM_COLOR", "never".into()));
    // rustc reserves far more addresses than it uses.
    recipe.memory = 0;
    recipe.commands.push(Command {
        tool: cargo.path,
        args: ["build", "--release", "--offline"]
            .map(str::to_owned)
            .to_vec(),
        ms: CARGO_MS,
    });
    // The target directory holds much more than the programs.
    recipe.commands.push(Command {
        tool: "/bin/sh".into(),
        args: vec![
            "-c".to_owned(),
            format!(
                "for f in target/release/*; do \
                 if [ -f \"$f\" ] && [ -x \"$f\" ]; then cp \"$f\" {OWN}/out/; fi; done"
            ),
        ],
        ms: COMMAND_MS,
    });
    Ok(recipe)
}

/// A path that cannot be taken for an option or a response file.
fn as_operand(path: &str) -> String {
    if path.starts_with(['-', '@']) {
        format!("./{path}")
    } else {
        path.to_owned()
    }
}

fn no_compiler(language: &str, variable: &str, usual: &str) -> SubmissionError {
    SubmissionError::NoTool(format!(
        "no {language} compiler found: install {usual} (Debian, Ubuntu: apt install build-essential; \
         Fedora: dnf install gcc gcc-c++ make), or name one in {variable}"
    ))
}

/// What Solaris headers declare without being asked.
const SOLARIS: &str = "#ifndef GRADER_SOLARIS_H
#define GRADER_SOLARIS_H
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#endif
";

#[cfg(test)]
mod tests {
    use super::super::find::tests::{MAIN, tree};
    use super::*;
    use std::ffi::OsStr;

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
            argv[argv.len() - 8..],
            [
                "-I",
                "include",
                "-o",
                ".grader/out/us-server",
                "server.c",
                "./-odd.c",
                "-lrt",
                "-lm"
            ]
        );
        assert_eq!(plan.isolation, Isolation::Required);
        assert_eq!(plan.observation, Observation::Bare);
        assert!(matches!(
            plan.steps[0].acts[1],
            Act::WaitExit { ms: 20_000, .. }
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
        assert!(plan.limits.wall_ms > 20_000);
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
        assert!(
            matches!(&header.source, FileSource::Bytes(b) if b.escaped().contains("<sys/un.h>"))
        );
    }

    #[test]
    fn make_runs_the_default_goal_and_then_the_targets_named_like_programs() {
        let tree = tree(&[("Makefile", "all:\n")]);
        let mut unit = Make {
            file: "Makefile".into(),
            goals: vec!["server".into()],
            roles: vec![("server".into(), None)],
            fallback: Vec::new(),
        };
        let plan =
            make(&unit, &named("/usr/bin/cc"))
                .unwrap()
                .plan("x", &tree, Isolation::BestEffort);
        assert_eq!(argv(&plan, 0), ["/usr/bin/make", "-f", "Makefile"]);
        assert_eq!(
            argv(&plan, 1),
            ["/usr/bin/make", "-f", "Makefile", "--", "server"]
        );
        let env = &plan.programs[0].env;
        assert!(
            env.iter()
                .any(|(k, v)| k.escaped() == "LIBRARY_PATH" && v.escaped() == "/lab/.grader/lib")
        );
        assert!(
            plan.files
                .iter()
                .any(|f| f.name.escaped() == ".grader/lib/libsocket.a")
        );
        unit.roles = vec![("server".into(), Some("bin/server".into()))];
        let plan =
            make(&unit, &named("/usr/bin/cc"))
                .unwrap()
                .plan("x", &tree, Isolation::BestEffort);
        assert_eq!(plan.programs.len(), 1);
        let mut without = named("/usr/bin/cc");
        without.make = None;
        assert!(make(&unit, &without).is_none());
    }

    #[test]
    fn no_compiler_is_one_clear_message() {
        let tree = tree(&[("server.c", MAIN)]);
        let error = compile(&tree, &server(), "s", &Toolchain::default(), false).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("no C compiler found: install gcc"),
            "{message}"
        );
        assert!(message.contains("CC"), "{message}");
        assert!(
            cargo(&Toolchain::default())
                .unwrap_err()
                .to_string()
                .contains("rustup")
        );
    }
}
