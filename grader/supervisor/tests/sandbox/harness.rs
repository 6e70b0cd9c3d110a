//! Plans, runs and what they give.

use std::path::{Path, PathBuf};
use std::process::Command;

use supervisor::bytes::Bytes;
use supervisor::event::{Enforced, Event, ExitStatus, Stream, What};
use supervisor::plan::{
    Act, Image, Input, Isolation, Limits, Observation, Output, PlacedFile, Plan, Program,
    ProgramId, Step,
};
use supervisor::worker::{Worker, WorkerError};

/// Set for everything that a test starts from this executable, but its workers.
pub(crate) const INSIDE: &str = "GRADER_SANDBOX_TEST";
/// Its value for the one run of all tests as another user.
pub(crate) const NOBODY: &str = "nobody";

/// This executable, with a subcommand of [`main`](crate::main).
pub(crate) fn again(subcommand: &str) -> Command {
    let mut command = Command::new(exe());
    command.arg(subcommand).env(INSIDE, subcommand);
    command
}

/// The path that the tests use for their own worker.
pub(crate) fn exe() -> PathBuf {
    std::env::current_exe().unwrap()
}

pub(crate) fn worker() -> Worker {
    Worker::spawn(&exe(), Some(0)).unwrap()
}

pub(crate) fn is_root() -> bool {
    nix::unistd::getuid().is_root()
}

pub(crate) fn user_name() -> String {
    format!("uid {}", nix::unistd::getuid())
}

/// A plan that starts its programs one after another, each when the one before has ended.
pub(crate) fn plan(programs: Vec<Program>) -> Plan {
    let starts = (0..programs.len()).map(|n| Step {
        acts: vec![Act::Start(ProgramId(u16::try_from(n).unwrap()))],
    });
    Plan {
        name: "test".into(),
        files: Vec::new(),
        tools: Vec::new(),
        steps: starts.collect(),
        programs,
        peers: Vec::new(),
        limits: Limits::default(),
        observation: Observation::Bare,
        opens: false,
        isolation: Isolation::Required,
        attempt: 0,
        readable: Vec::new(),
    }
}

pub(crate) fn program(image: Image, argv: &[&str]) -> Program {
    Program {
        name: "program".into(),
        image,
        argv: argv.iter().map(|a| Bytes::from(*a)).collect(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
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

pub(crate) fn shell(script: &str) -> Program {
    program(Image::File("/bin/sh".into()), &["sh", "-c", script])
}

pub(crate) fn builtin(name: &str, arguments: &[&str]) -> Program {
    let argv = [&[name], arguments].concat();
    program(Image::Builtin(name.into()), &argv)
}

pub(crate) fn file(name: &str, content: &str) -> PlacedFile {
    PlacedFile {
        name: name.into(),
        source: supervisor::plan::FileSource::Bytes(content.into()),
        mode: 0o644,
    }
}

/// What a run gave.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) events: Vec<Event>,
}

impl Ran {
    fn text(&self, of: Stream) -> String {
        let mut all = Vec::new();
        for event in &self.events {
            if let What::Output { stream, bytes, .. } = &event.what
                && *stream == of
            {
                all.extend_from_slice(bytes);
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    pub(crate) fn out(&self) -> String {
        self.text(Stream::Out)
    }

    pub(crate) fn err(&self) -> String {
        self.text(Stream::Err)
    }

    pub(crate) fn enforced(&self) -> &Enforced {
        match self.events.first().map(|event| &event.what) {
            Some(What::Enforced(enforced)) => enforced,
            other => panic!("the first event is {other:?}"),
        }
    }

    /// How the programs ended, in order.
    pub(crate) fn ends(&self) -> Vec<ExitStatus> {
        let ends = self.events.iter().filter_map(|event| match event.what {
            What::Exited { status, .. } => Some(status),
            _ => None,
        });
        ends.collect()
    }

    pub(crate) fn exec_error(&self) -> Option<i32> {
        self.events.iter().find_map(|event| match event.what {
            What::ExecFailed { errno, .. } => Some(errno),
            _ => None,
        })
    }
}

pub(crate) fn try_run(worker: &mut Worker, plan: &Plan) -> (Ran, Result<(), WorkerError>) {
    let mut ran = Ran::default();
    let result = worker.run(plan, &mut |event| ran.events.push(event));
    (ran, result)
}

pub(crate) fn run(worker: &mut Worker, plan: &Plan) -> Ran {
    let (ran, result) = try_run(worker, plan);
    if let Err(error) = result {
        panic!("{error}; so far: {:#?}", ran.events);
    }
    assert_eq!(ran.events.last().map(|e| &e.what), Some(&What::Ended));
    ran
}

/// Runs one shell script in a new worker; it must succeed.
pub(crate) fn says(script: &str) -> String {
    output_of(plan(vec![shell(script)]))
}

/// Runs a plan of one program in a new worker; it must succeed.
pub(crate) fn output_of(plan: Plan) -> String {
    let ran = run(&mut worker(), &plan);
    assert_eq!(ran.err(), "", "{:#?}", plan.programs);
    assert_eq!(ran.ends(), [ExitStatus::Code(0)], "{:#?}", plan.programs);
    ran.out()
}

/// Runs the whole executable once more as `nobody`, from a place where that user may.
pub(crate) fn again_as_nobody(arguments: &[String]) -> bool {
    let place = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .prefix("grader-test-")
        .tempdir()
        .unwrap();
    let copy = place.path().join("sandbox");
    std::fs::copy(exe(), &copy).unwrap();
    let status = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&copy)
        .args(arguments)
        .current_dir("/")
        .env("HOME", "/")
        .env(INSIDE, NOBODY)
        .status();
    match status {
        Ok(status) => status.success(),
        Err(error) => {
            println!("skipped as an ordinary user: setpriv cannot be run: {error}");
            true
        }
    }
}

/// Children of a process.
pub(crate) fn children(pid: u32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Whether a process exists, and is not merely waiting to be collected.
pub(crate) fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}
