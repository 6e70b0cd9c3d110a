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
use super::find::{Make, Sources};
use super::language::Language;
use super::mend;
use super::rung::Help;
use super::solaris;
use super::source::{self, Magic};
use super::toolchain::{self, Tool, Toolchain};
use super::tree::{File, Tree};
use crate::lab::Tools;

/// Where the grader puts its own files in the workspace. No submission has such a name, because
/// hidden names are left out of a [`Tree`].
const OWN: &str = ".grader";

/// What a command may take, milliseconds. Processor time, of each process, decides, so that a busy
/// machine makes no difference; wall time is for what sleeps.
#[derive(Clone, Copy, Debug)]
struct Budget {
    cpu: u64,
    wall: u64,
}

/// A compiler, or all that a Makefile does.
const COMMAND: Budget = Budget {
    cpu: 10_000,
    wall: 60_000,
};
/// Cargo compiles the dependencies as well.
const CARGO: Budget = Budget {
    cpu: 240_000,
    wall: 120_000,
};

/// Memory of all that a build starts, bytes.
const TOGETHER: u64 = 6 << 30;
/// Bytes of what a build leaves behind, at most.
pub(super) const COLLECT: u64 = 64 << 20;

/// Commands to run one after another, and where their result is.
#[derive(Debug)]
pub(super) struct Recipe {
    commands: Vec<Command>,
    tools: Vec<Tool>,
    env: Vec<(&'static str, Bytes)>,
    readable: BTreeSet<PathBuf>,
    own: Vec<(String, FileSource, u32)>,
    /// Files of the submission that are not as they were handed in.
    changed: Vec<(String, Vec<u8>)>,
    /// A directory that comes first on `PATH`.
    path: Option<String>,
    /// Directory whose files are wanted.
    collect: String,
    memory: u64,
    budget: Budget,
}

#[derive(Debug)]
struct Command {
    tool: PathBuf,
    args: Vec<String>,
}

impl Recipe {
    fn new(tools: Vec<Tool>) -> Self {
        let readable = tools.iter().flat_map(Tool::homes).collect();
        Self {
            commands: Vec::new(),
            tools,
            env: Vec::new(),
            readable,
            own: vec![(format!("{OWN}/out"), FileSource::Directory, 0o755)],
            changed: Vec::new(),
            path: None,
            collect: format!("{OWN}/out"),
            memory: 4 << 30,
            budget: COMMAND,
        }
    }

    /// Seconds a command may take, waiting included.
    pub(super) fn seconds(&self) -> u64 {
        self.budget.wall / 1000
    }

    /// Seconds of processor time for all together.
    pub(super) fn cpu_seconds(&self) -> u64 {
        self.budget.cpu / 1000
    }

    fn own(&mut self, name: String, text: &str, mode: u32) {
        self.own.push((name, FileSource::Bytes(text.into()), mode));
    }

    /// A line for the shell, with its arguments.
    fn shell(&mut self, line: &str, args: &[&str]) {
        let mut all = vec!["-c".to_owned(), line.to_owned(), "sh".to_owned()];
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        self.command("/bin/sh".into(), all);
    }

    fn command(&mut self, tool: PathBuf, args: Vec<String>) {
        self.commands.push(Command { tool, args });
    }

    /// The plan: the submission's files in a private copy, the commands, the result.
    pub(super) fn plan(&self, name: &str, tree: &Tree, isolation: Isolation) -> Plan {
        let mut files: Vec<PlacedFile> = tree.files.iter().filter_map(placed).collect();
        for (name, text) in &self.changed {
            let bytes = FileSource::Bytes(text.as_slice().into());
            if let Some(file) = files.iter_mut().find(|f| f.name.0 == name.as_bytes()) {
                file.source = bytes;
            }
        }
        files.extend(self.own.iter().map(|(name, source, mode)| PlacedFile {
            name: name.as_str().into(),
            source: source.clone(),
            mode: *mode,
        }));
        let tools: Vec<&Tool> = self.tools.iter().collect();
        let mut path = toolchain::path_with(&tools);
        if let Some(first) = &self.path {
            let mut led = std::ffi::OsString::from(first);
            led.push(":");
            led.push(&path);
            path = led;
        }
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
            .map(|(i, _)| Step {
                acts: vec![
                    Act::Start(ProgramId(i)),
                    Act::WaitExit {
                        program: ProgramId(i),
                        ms: self.budget.wall,
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
            tools: Vec::new(),
            programs,
            peers: Vec::new(),
            steps,
            limits: Limits {
                wall_ms: self.budget.wall + 5_000,
                cpu_ms: self.budget.cpu,
                memory: self.memory,
                total_memory: TOGETHER,
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
        small_peers: false,
        umask: None,
        descriptors: None,
        file_size: None,
    }
}

/// What a build sees of the submission: everything but what an earlier build left, which would
/// make `make` believe that there is nothing to do.
fn placed(file: &File) -> Option<PlacedFile> {
    let bytes = file.bytes()?;
    if matches!(
        source::magic(bytes),
        Magic::Elf | Magic::Archive | Magic::Foreign
    ) {
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
) -> Result<Recipe, Missing> {
    let (tool, flags) = if sources.language == Language::Cxx {
        let tool = toolchain
            .cxx
            .as_ref()
            .ok_or_else(|| Missing("g++".to_owned()))?;
        (tool, toolchain.cxx_flags())
    } else {
        let tool = toolchain
            .cc
            .as_ref()
            .ok_or_else(|| Missing("cc".to_owned()))?;
        (tool, toolchain.c_flags())
    };
    let mut recipe = Recipe::new(vec![tool.clone()]);
    let mut args = tool.lead.clone();
    args.extend(flags.into_iter().map(str::to_owned));
    if lenient {
        let header = format!("{OWN}/solaris.h");
        args.extend(["-include".to_owned(), header.clone()]);
        recipe.own(header, solaris::HEADER, 0o644);
    }
    let headers: BTreeSet<&str> = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".h") || file.path.ends_with(".hpp"))
        .map(File::directory)
        .collect();
    for directory in headers {
        args.push("-I".to_owned());
        args.push(if directory.is_empty() { "." } else { directory }.to_owned());
    }
    args.extend(["-o".to_owned(), format!("{OWN}/out/{executable}")]);
    args.extend(sources.files.iter().map(|file| as_operand(file)));
    args.extend(sources.flags.iter().cloned());
    args.extend(["-lrt".to_owned(), "-lm".to_owned()]);
    recipe.command(tool.path.clone(), args);
    Ok(recipe)
}

/// Compiles the lab's own programs, each from one file.
pub(super) fn tools(tools: &Tools, toolchain: &Toolchain) -> Result<Recipe, Missing> {
    let cc = toolchain.cc.as_ref();
    let cc = cc.ok_or_else(|| Missing("cc".to_owned()))?;
    let mut recipe = Recipe::new(vec![cc.clone()]);
    for (name, text) in &tools.files {
        recipe.own(format!("tools/{name}"), text, 0o644);
    }
    for tool in &tools.programs {
        let mut args = cc.lead.clone();
        args.extend(toolchain.c_flags().into_iter().map(str::to_owned));
        args.extend(["-o".to_owned(), format!("{OWN}/out/{}", tool.name)]);
        args.push(format!("tools/{}", tool.source));
        recipe.command(cc.path.clone(), args);
    }
    Ok(recipe)
}

/// Runs the submission's Makefile with so much help, and all its goals where `all` is wanted.
/// `None` where there is no `make`.
pub(super) fn make(unit: &Make, help: Help, all: bool, toolchain: &Toolchain) -> Option<Recipe> {
    let make = toolchain.make.as_ref()?;
    let tools = [
        Some(make),
        toolchain.cc.as_ref(),
        toolchain.cxx.as_ref(),
        toolchain.go.as_ref(),
    ];
    let mut recipe = Recipe::new(tools.into_iter().flatten().cloned().collect());
    if help.repaired
        && let Some(text) = &unit.mended
    {
        recipe.changed.push((unit.file.clone(), text.clone()));
    }
    if help.stubs {
        for library in solaris::stubs() {
            recipe.own(
                format!("{OWN}/lib/{library}"),
                solaris::EMPTY_ARCHIVE,
                0o644,
            );
        }
        let stubs = format!("{WORKSPACE}/{OWN}/lib");
        recipe.env.push(("LIBRARY_PATH", stubs.as_str().into()));
    }
    if help.headers {
        let header = format!("{OWN}/solaris.h");
        recipe.own(header.clone(), solaris::HEADER, 0o644);
        for (name, cxx) in solaris::COMPILERS {
            let real = match (cxx, &toolchain.cc, &toolchain.cxx) {
                (true, _, Some(tool)) | (false, Some(tool), _) => &tool.path,
                _ => continue,
            };
            let script = solaris::wrapper(
                &real.display().to_string(),
                &format!("{WORKSPACE}/{header}"),
            );
            recipe.own(format!("{OWN}/bin/{name}"), &script, 0o755);
        }
        recipe.path = Some(format!("{WORKSPACE}/{OWN}/bin"));
    }
    recipe.collect = String::new();
    let mut args = Vec::new();
    let (directory, name) = unit.file.rsplit_once('/').unwrap_or(("", &unit.file));
    if !directory.is_empty() {
        args.extend(["-C".to_owned(), directory.to_owned()]);
    }
    if !mend::NAMES.contains(&name) {
        args.extend(["-f".to_owned(), name.to_owned()]);
    }
    let mut command = |goals: &[String]| {
        let mut args = args.clone();
        if !goals.is_empty() {
            args.push("--".to_owned());
            args.extend(goals.iter().cloned());
        }
        recipe.command(make.path.clone(), args);
    };
    if unit.goals.is_empty() || unit.roles.iter().any(|(_, path)| path.is_none()) {
        command(&[]);
    }
    if !unit.goals.is_empty() {
        command(&unit.goals);
    }
    if all && !unit.others.is_empty() {
        command(&unit.others);
    }
    Some(recipe)
}

/// Builds the Cargo package.
pub(super) fn cargo(toolchain: &Toolchain) -> Result<Recipe, Missing> {
    let sysroot = toolchain
        .rust_sysroot()
        .ok_or_else(|| Missing("cargo".to_owned()))?;
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
    recipe.budget = CARGO;
    recipe.command(
        cargo.path,
        ["build", "--release", "--offline"]
            .map(str::to_owned)
            .to_vec(),
    );
    // The target directory holds much more than the programs.
    recipe.shell(
        &format!(
            "for f in target/release/*; do \
             if [ -f \"$f\" ] && [ -x \"$f\" ]; then cp \"$f\" {OWN}/out/; fi; done"
        ),
        &[],
    );
    Ok(recipe)
}

/// Compiles one program that is in neither C nor C++ nor a script.
pub(super) fn foreign(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    match sources.language {
        Language::Rust => rustc(sources, executable, toolchain),
        Language::Java => java(tree, sources, executable, toolchain),
        Language::Go => go(tree, sources, executable, toolchain),
        Language::C | Language::Cxx | Language::Script => {
            compile(tree, sources, executable, toolchain, false)
        }
    }
}

fn rustc(sources: &Sources, executable: &str, toolchain: &Toolchain) -> Result<Recipe, Missing> {
    let sysroot = toolchain
        .rust_sysroot()
        .ok_or_else(|| Missing("rustc".to_owned()))?;
    let rustc = Tool {
        path: sysroot.join("bin/rustc"),
        lead: Vec::new(),
    };
    let mut tools = vec![rustc.clone()];
    tools.extend(toolchain.cc.clone());
    let mut recipe = Recipe::new(tools);
    recipe.readable.insert(sysroot.to_path_buf());
    recipe.memory = 0;
    recipe.budget = CARGO;
    let mut args: Vec<String> = ["--edition", "2021", "-O", "--crate-name", "program", "-o"]
        .map(str::to_owned)
        .to_vec();
    args.push(format!("{OWN}/out/{executable}"));
    args.extend(sources.files.iter().map(|file| as_operand(file)));
    recipe.command(rustc.path, args);
    Ok(recipe)
}

/// Java's classes in one file that can be started: an archive with a line for the shell before
/// it, which readers of archives skip.
fn java(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    let javac = toolchain
        .javac
        .as_ref()
        .ok_or_else(|| Missing("javac".to_owned()))?;
    let real = javac
        .path
        .canonicalize()
        .unwrap_or_else(|_| javac.path.clone());
    let [java, jar] = ["java", "jar"].map(|name| real.with_file_name(name));
    for tool in [&java, &jar] {
        let shown = tool.to_str().and_then(toolchain::in_sandbox);
        shown.ok_or_else(|| Missing(tool.display().to_string()))?;
    }
    let file = sources.files.first().map_or("", String::as_str);
    let text = tree.get(file).and_then(File::bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let package = text.lines().find_map(|line| {
        let name = line.trim().strip_prefix("package ")?.trim_end();
        Some(name.strip_suffix(';')?.trim().to_owned())
    });
    let (directory, base) = file.rsplit_once('/').unwrap_or((".", file));
    let class = base.strip_suffix(".java").unwrap_or(base);
    let (class, root) = match package {
        Some(package) => {
            let inner = package.replace('.', "/");
            let root = directory.strip_suffix(&inner).unwrap_or(directory);
            let root = root.trim_end_matches('/');
            (
                format!("{package}.{class}"),
                if root.is_empty() { "." } else { root },
            )
        }
        None => (class.to_owned(), directory),
    };
    let mut recipe = Recipe::new(vec![javac.clone()]);
    recipe.memory = 0;
    recipe.budget = CARGO;
    recipe.command(
        javac.path.clone(),
        [
            "-encoding",
            "UTF-8",
            "-d",
            &format!("{OWN}/classes"),
            "-sourcepath",
            root,
            &as_operand(file),
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    // Small and single-threaded where it can be: the address space of a program is limited.
    let start = format!(
        "#!/bin/sh\nexec {} -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m \
         -Xss512k -XX:ReservedCodeCacheSize=16m -XX:CompressedClassSpaceSize=32m -jar \"$0\" \"$@\"\n",
        java.display()
    );
    recipe.own(format!("{OWN}/start"), &start, 0o644);
    recipe.shell(
        &format!(
            "\"$1\" --create --file {OWN}/program.jar --main-class \"$2\" -C {OWN}/classes . && \
             cat {OWN}/start {OWN}/program.jar > \"$3\""
        ),
        &[
            &jar.display().to_string(),
            &class,
            &format!("{OWN}/out/{executable}"),
        ],
    );
    Ok(recipe)
}

fn go(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    let go = toolchain
        .go
        .as_ref()
        .ok_or_else(|| Missing("go".to_owned()))?;
    let mut recipe = Recipe::new(vec![go.clone()]);
    recipe.memory = 0;
    recipe.budget = CARGO;
    let module = tree.get("go.mod").is_some();
    recipe.env.extend([
        ("GOPROXY", "off".into()),
        ("GOFLAGS", "-trimpath".into()),
        ("GOCACHE", "/tmp/go-cache".into()),
        ("GOPATH", "/tmp/go".into()),
        ("GO111MODULE", if module { "on" } else { "off" }.into()),
        ("CGO_ENABLED", "0".into()),
    ]);
    let mut args = vec![
        "build".to_owned(),
        "-o".to_owned(),
        format!("{OWN}/out/{executable}"),
    ];
    args.extend(sources.files.iter().map(|file| format!("./{file}")));
    recipe.command(go.path.clone(), args);
    Ok(recipe)
}

/// A tool that is not on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

/// A path that cannot be taken for an option or a response file.
fn as_operand(path: &str) -> String {
    if path.starts_with(['-', '@']) {
        format!("./{path}")
    } else {
        path.to_owned()
    }
}

/// A machine without a C compiler can grade nothing.
pub(super) fn no_compiler() -> SubmissionError {
    SubmissionError::NoTool(
        "no C compiler found: install gcc (Debian, Ubuntu: apt install build-essential; \
         Fedora: dnf install gcc gcc-c++ make), or name one in CC"
            .to_owned(),
    )
}

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
        assert!(
            matches!(&header.source, FileSource::Bytes(b) if b.escaped().contains("<sys/un.h>"))
        );
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
}
