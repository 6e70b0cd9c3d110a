//! Runs C programs through a real worker and looks at the recording.

use std::path::{Path, PathBuf};
use std::process::Command;

use supervisor::event::{Event, ExitStatus, Quiet, Settled, Stream, What, is_parted};
use supervisor::plan::{
    Act, FileSource, Image, Input, Isolation, Limits, Observation, Output, PeerId, PlacedFile,
    Plan, ProcessId, Program, ProgramId, Step,
};
use supervisor::worker::Worker;

/// The first program of a plan.
pub(crate) const P: ProgramId = ProgramId(0);
/// Its root process.
pub(crate) const ROOT: ProcessId = ProcessId {
    program: P,
    number: 0,
};

/// Compiled programs, removed at the end.
pub(crate) struct Bench {
    directory: tempfile::TempDir,
    worker: Worker,
}

/// What later compilers refuse to compile is refused by all.
const LIKE_GCC_14: [&str; 4] = [
    "-Werror=implicit-function-declaration",
    "-Werror=implicit-int",
    "-Werror=int-conversion",
    "-Werror=incompatible-pointer-types",
];

impl Bench {
    pub(crate) fn new() -> Self {
        let exe = Path::new(env!("CARGO_BIN_EXE_supervisor-worker"));
        Self {
            directory: tempfile::tempdir().unwrap(),
            worker: Worker::spawn(exe, Some(0)).unwrap(),
        }
    }

    /// Compiles C source.
    pub(crate) fn compile(&self, name: &str, source: &str) -> PathBuf {
        let file = self.directory.path().join(format!("{name}.c"));
        std::fs::write(&file, source).unwrap();
        self.compile_file(name, &file)
    }

    /// The same with more options.
    pub(crate) fn compile_with(&self, name: &str, source: &str, options: &[&str]) -> PathBuf {
        let file = self.directory.path().join(format!("{name}.c"));
        std::fs::write(&file, source).unwrap();
        self.compile_so(name, &file, options)
    }

    /// Compiles a C file.
    pub(crate) fn compile_file(&self, name: &str, file: &Path) -> PathBuf {
        self.compile_so(name, file, &[])
    }

    fn compile_so(&self, name: &str, file: &Path, options: &[&str]) -> PathBuf {
        let out = self.directory.path().join(name);
        let done = Command::new("cc")
            .args(["-D_GNU_SOURCE", "-O1", "-pthread"])
            .args(LIKE_GCC_14)
            .arg("-o")
            .arg(&out)
            .arg(file)
            .args(options)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        out
    }

    /// Runs a plan.
    pub(crate) fn run(&mut self, plan: &Plan) -> Recording {
        for _ in 0..100 {
            let mut events = Vec::new();
            self.worker
                .run(plan, &mut |event| events.push(event))
                .unwrap();
            if !is_parted(&events) {
                return Recording(events);
            }
        }
        panic!("acts that must come as one never did");
    }

    /// The process that runs plans.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.worker.pid().unwrap()).unwrap()
    }

    /// Compiles and runs a program through steps, with its arguments.
    pub(crate) fn steps(&mut self, source: &str, args: &[&str], steps: Vec<Vec<Act>>) -> Recording {
        let exe = self.compile("program", source);
        let plan = plan(&exe, args, steps);
        self.run(&plan)
    }
}

/// A plan for one program, its streams pipes, with peers alice and bob.
pub(crate) fn plan(exe: &Path, args: &[&str], steps: Vec<Vec<Act>>) -> Plan {
    let mut argv = vec!["./program".into()];
    argv.extend(args.iter().map(|arg| (*arg).into()));
    Plan {
        name: "test".into(),
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
        peers: vec!["alice".into(), "bob".into()],
        steps: steps.into_iter().map(|acts| Step { acts }).collect(),
        limits: Limits::default(),
        observation: Observation::Full,
        opens: false,
        isolation: Isolation::BestEffort,
        attempt: 0,
        readable: Vec::new(),
    }
}

/// Starts the program.
pub(crate) fn start() -> Vec<Act> {
    vec![Act::Start(P)]
}

/// Writes to its standard input.
pub(crate) fn type_(text: &str) -> Vec<Act> {
    vec![Act::Type {
        program: P,
        bytes: text.into(),
        pieces: vec![],
    }]
}

/// Closes its standard input.
pub(crate) fn eof() -> Vec<Act> {
    vec![Act::Eof(P)]
}

/// Sends it a signal.
pub(crate) fn signal(signal: i32, count: u32) -> Vec<Act> {
    vec![Act::Signal {
        to: ROOT,
        signal,
        count,
    }]
}

/// A peer connects to it.
pub(crate) fn connect(peer: u16) -> Vec<Act> {
    vec![Act::Connect {
        peer: PeerId(peer),
        to: P,
        stalled: false,
        stranger: false,
    }]
}

/// A peer sends.
pub(crate) fn send(peer: u16, text: &str) -> Vec<Act> {
    vec![Act::Send {
        peer: PeerId(peer),
        bytes: text.into(),
        pieces: vec![],
    }]
}

/// What happened.
pub(crate) struct Recording(pub(crate) Vec<Event>);

impl Recording {
    /// All events of a step.
    pub(crate) fn step(&self, step: u32) -> impl Iterator<Item = &What> {
        self.0
            .iter()
            .filter(move |event| event.step == step)
            .map(|event| &event.what)
    }

    /// How a step ended.
    pub(crate) fn settled(&self, step: u32) -> &Settled {
        self.step(step)
            .find_map(|what| match what {
                What::Settled(settled) => Some(settled),
                _ => None,
            })
            .unwrap_or_else(|| panic!("step {step} did not settle: {:#?}", self.0))
    }

    /// Why nothing more could happen in a step.
    pub(crate) fn how(&self, step: u32) -> Quiet {
        self.settled(step).how
    }

    /// Standard output of a step.
    pub(crate) fn out(&self, step: u32) -> String {
        let mut text = Vec::new();
        for what in self.step(step) {
            if let What::Output {
                stream: Stream::Out,
                bytes,
                ..
            } = what
            {
                text.extend_from_slice(bytes);
            }
        }
        supervisor::bytes::escape(&text)
    }

    /// What a peer received in a step.
    pub(crate) fn received(&self, step: u32, peer: u16) -> String {
        let mut text = Vec::new();
        for what in self.step(step) {
            if let What::PeerData { peer: of, bytes } = what
                && of.0 == peer
            {
                text.extend_from_slice(bytes);
            }
        }
        supervisor::bytes::escape(&text)
    }

    /// The messages that a peer received in a step.
    pub(crate) fn messages(&self, step: u32, peer: u16) -> Vec<String> {
        let of_peer = |what: &What| match what {
            What::PeerMessage {
                peer: of, bytes, ..
            } if of.0 == peer => Some(bytes.escaped()),
            _ => None,
        };
        self.step(step).filter_map(of_peer).collect()
    }

    /// How the program ended, with the step.
    pub(crate) fn ended(&self) -> Option<(u32, ExitStatus)> {
        self.0.iter().find_map(|event| match event.what {
            What::Exited { process, status } if process == ROOT => Some((event.step, status)),
            _ => None,
        })
    }

    /// Whether an event like this happened in a step.
    pub(crate) fn has(&self, step: u32, wanted: impl Fn(&What) -> bool) -> bool {
        self.step(step).any(wanted)
    }
}
