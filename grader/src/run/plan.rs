//! A scenario as the supervisor's plan.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use supervisor::Bytes;
use supervisor::plan as sv;
use thiserror::Error;

use super::{beside, seed};
use crate::lab::{
    AddressMode, Data, DataSource, DisturbOn, Disturbance, Effect, FileStep, InputKind, Inspection,
    Lab, Nth, OutputKind, OwnName, Program, Reach, Scenario, Setup, SocketKind, Stimulus,
};
use crate::submission::{Beside, BuiltProgram, Declared};
use crate::transcript::{Actors, Names, errno_name, in_environment, signal_name};
use crate::verdict::Taken;

/// The address a lab calls `{socket}`, in the sandbox.
pub(super) const SOCKET: &str = "/lab/socket";
/// The TCP port for programs that ask for one, where the submission names none.
const PORT: u16 = 5000;
/// Where the handler audit's library lies in the workspace.
const SHIM: &str = ".grader/handlers.so";

/// Who plays the programs of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cast {
    /// Roles played by the submission; every other role is the reference's.
    pub students: Vec<String>,
}

impl Cast {
    /// All roles played by the reference programs: what is recorded.
    #[must_use]
    pub fn reference() -> Self {
        Self::default()
    }

    /// As the lab says.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            students: scenario.students.clone(),
        }
    }
}

/// How far from the handout the programs of a submission had to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rungs {
    /// Roles started with other arguments than the handout's, which they refuse.
    pub starts: BTreeMap<String, Taken>,
    /// Roles whose standard output is a terminal although the lab says a pipe.
    pub terminals: BTreeSet<String>,
}

/// The arguments by which a program is tried that refuses those of the handout, in this order;
/// never the same twice.
pub(super) fn alternatives(program: &Program) -> Vec<Taken> {
    let mut known = vec![program.args.clone()];
    let mut out = Vec::new();
    for taken in [
        Taken::NoArguments,
        Taken::Path,
        Taken::PathRole,
        Taken::Port,
    ] {
        let args = arguments(&program.name, taken);
        let fits = taken == Taken::NoArguments || program.address != AddressMode::None;
        if fits && !known.contains(&args) {
            known.push(args);
            out.push(taken);
        }
    }
    out
}

fn arguments(role: &str, taken: Taken) -> Vec<String> {
    match taken {
        Taken::Path => vec!["{socket}".to_owned()],
        Taken::PathRole => vec!["{socket}".to_owned(), role.to_owned()],
        Taken::Port => vec![PORT.to_string()],
        _ => Vec::new(),
    }
}

/// What a plan is made of besides the lab.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// Who plays.
    pub cast: &'a Cast,
    /// The submission's programs.
    pub programs: &'a BTreeMap<String, BuiltProgram>,
    /// What is known of how they must be started.
    pub rungs: &'a Rungs,
    /// The handler audit's library, where the scenario asks for it.
    pub shim: Option<&'a Path>,
    /// The lab's own programs: name and file.
    pub tools: &'a BTreeMap<String, PathBuf>,
    /// Seed of this run of this scenario: the nonce comes from it.
    pub seed: u64,
    /// How closely to watch.
    pub observation: sv::Observation,
    /// How strictly to isolate.
    pub isolation: sv::Isolation,
}

/// A scenario ready to be run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// For the supervisor.
    pub plan: sv::Plan,
    /// What the transcript must bind.
    pub names: Names,
}

/// Why a scenario cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A program of the submission that the scenario needs was not built.
    #[error("{program} was not built")]
    NotBuilt {
        /// The role.
        program: String,
    },
    /// The handler audit cannot be prepared on this machine.
    #[error("the handler audit needs a C compiler for its library")]
    NoShim,
    /// The lab says something that means nothing; `grader lint` explains it.
    #[error("scenario {scenario}: {what}")]
    Lab {
        /// The scenario's id.
        scenario: String,
        /// What is wrong.
        what: String,
    },
}

/// Turns a scenario into a plan: step k of the lab is step k of the plan, programs and peers are
/// numbered as [`Actors`] does.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(lab: &Lab, scenario: &Scenario, setting: &Setting<'_>) -> Result<Planned, PlanError> {
    let actors = Actors::of(lab, scenario);
    let planner = Planner {
        lab,
        scenario,
        setting,
        actors: &actors,
        nonce: seed::nonce(setting.seed),
        port: seed::port(setting.seed),
    };
    let mut files = Vec::new();
    let mut beside = Vec::new();
    let mut programs = Vec::new();
    for role in &actors.programs {
        programs.push(planner.program(role, &mut files, &mut beside)?);
    }
    beside::place(&beside, &planner.spoken_for(), &mut files);
    let mut steps = scenario
        .steps
        .iter()
        .map(|step| {
            let mut acts = Vec::new();
            for stimulus in &step.stimuli {
                acts.push(planner.act(stimulus)?);
                acts.extend(planner.under_other_names(stimulus));
            }
            Ok(sv::Step { acts })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if let (true, Some(first)) = (scenario.own_network, steps.first_mut()) {
        first.acts.insert(0, sv::Act::OwnNetwork);
    }
    let mut limits = sv::Limits::default();
    if let Some(seconds) = scenario.wall_seconds {
        limits.wall_ms = seconds.saturating_mul(1000);
    }
    let names = Names {
        socket: Some(SOCKET.into()),
        nonce: Some(planner.nonce.clone()),
        port: lab
            .programs
            .iter()
            .any(Program::has_port)
            .then_some(planner.port),
    };
    Ok(Planned {
        plan: sv::Plan {
            name: format!("{}/{}", lab.id, scenario.id),
            files,
            tools: setting
                .tools
                .iter()
                .map(|(name, path)| host(name, path))
                .collect(),
            programs,
            peers: actors.peers.clone(),
            steps,
            limits,
            observation: setting.observation,
            isolation: setting.isolation,
            readable: Vec::new(),
        },
        names,
    })
}

struct Planner<'a> {
    lab: &'a Lab,
    scenario: &'a Scenario,
    setting: &'a Setting<'a>,
    actors: &'a Actors,
    nonce: String,
    port: u16,
}

impl<'a> Planner<'a> {
    fn wrong(&self, what: String) -> PlanError {
        PlanError::Lab {
            scenario: self.scenario.id.clone(),
            what,
        }
    }

    fn program(
        &self,
        role: &str,
        files: &mut Vec<sv::PlacedFile>,
        beside: &mut Vec<&'a Beside>,
    ) -> Result<sv::Program, PlanError> {
        let program = self
            .lab
            .programs
            .iter()
            .find(|program| program.name == role)
            .ok_or_else(|| self.wrong(format!("there is no program `{role}`")))?;
        let plain = Setup::default();
        let setup = self.scenario.setup.get(role).unwrap_or(&plain);
        let mut args = self.words(setup.args.as_ref().unwrap_or(&program.args));
        let mut env = environment(!self.setting.tools.is_empty());
        for (name, value) in &program.env {
            set(&mut env, name, &self.fill_variable(value));
        }
        let student = self.setting.cast.students.iter().any(|s| s == role);
        let image = if student {
            let built = self
                .setting
                .programs
                .get(role)
                .ok_or_else(|| PlanError::NotBuilt {
                    program: role.to_owned(),
                })?;
            if let Some(run) = &built.run {
                args = self.own_words(run, &args, built.address.as_ref());
            } else if setup.args.is_none()
                && let Some(taken) = self.setting.rungs.starts.get(role)
            {
                args = self.words(&arguments(role, *taken));
            }
            for (name, value) in &built.env {
                set(&mut env, name, &self.fill_variable(value));
            }
            // Where the submission's address lies in a directory of its own, that is there.
            if let Some(Declared::Socket(own)) = &built.address
                && let Some((directory, _)) = relative(own.as_str()).rsplit_once('/')
            {
                files.push(sv::PlacedFile {
                    name: directory.into(),
                    source: sv::FileSource::Directory,
                    mode: 0o777,
                });
            }
            let executable = host(&program.executable, &built.executable);
            // Two roles may be played by one program.
            if !files.iter().any(|file| file.name == executable.name) {
                files.push(executable);
            }
            beside.extend(&built.beside);
            if setup.audit_handlers {
                let shim = self.setting.shim.ok_or(PlanError::NoShim)?;
                if !files.iter().any(|file| file.name.0 == SHIM.as_bytes()) {
                    files.push(host(SHIM, shim));
                }
                let place = format!("{}/{SHIM}", sv::WORKSPACE);
                env.push(("LD_PRELOAD".into(), place.as_str().into()));
            }
            sv::Image::File(program.executable.as_str().into())
        } else {
            sv::Image::Builtin(program.reference.clone())
        };
        let mut argv: Vec<Bytes> = vec![format!("./{}", program.executable).as_str().into()];
        argv.append(&mut args);
        Ok(sv::Program {
            name: role.to_owned(),
            image,
            argv,
            env,
            stdin: setup.stdin.map_or(sv::Input::Pipe, input),
            stdout: match setup.stdout_to.map_or(sv::Output::Pipe, output) {
                sv::Output::Pipe if student && self.setting.rungs.terminals.contains(role) => {
                    sv::Output::Terminal
                }
                asked => asked,
            },
            stderr: setup.stderr_to.map_or(sv::Output::Pipe, output),
            address: self.address(program, setup),
            // A reference program is not executed, so nothing can be preloaded into it.
            audit_handlers: student && setup.audit_handlers,
            small_buffers: setup.small_buffers,
            small_peers: setup.small_peers,
            umask: setup.umask,
            descriptors: setup.descriptors.map(u64::from),
            file_size: setup.file_size,
        })
    }

    /// Names in the workspace that the scenario itself gives a meaning: what was handed in under
    /// them would be in its way.
    fn spoken_for(&self) -> BTreeSet<String> {
        let mut words: Vec<String> = vec![SOCKET.to_owned(), SHIM.to_owned()];
        for program in &self.lab.programs {
            words.push(program.executable.clone());
            words.extend(program.args.iter().cloned());
            words.extend(program.env.iter().map(|(_, value)| value.clone()));
        }
        for setup in self.scenario.setup.values() {
            words.extend(setup.args.iter().flatten().cloned());
        }
        for stimulus in self.scenario.steps.iter().flat_map(|step| &step.stimuli) {
            match stimulus {
                Stimulus::File(
                    FileStep::Write { path, .. }
                    | FileStep::Stale { path }
                    | FileStep::Fifo { path, .. }
                    | FileStep::Directory { path, .. }
                    | FileStep::Chmod { path, .. }
                    | FileStep::Remove { path },
                )
                | Stimulus::Open { path, .. } => words.push(path.clone()),
                _ => {}
            }
        }
        for built in self.setting.programs.values() {
            if let Some(Declared::Socket(own)) = &built.address {
                words.push(own.clone());
            }
        }
        let top = |word: &String| {
            let path = self.fill(word);
            relative(&path).split('/').next().map(str::to_owned)
        };
        words.iter().filter_map(top).collect()
    }

    /// Arguments with their placeholders filled in.
    fn words(&self, args: &[String]) -> Vec<Bytes> {
        args.iter()
            .map(|arg| self.fill(arg).as_str().into())
            .collect()
    }

    /// A variable's value: the address is spelt so that a recording tells it from that in `argv`.
    fn fill_variable(&self, value: &str) -> String {
        let value = value.replace("{socket}", &in_environment(SOCKET));
        self.fill(&value)
    }

    /// The manifest's `run`: `{args}` stands for the lab's arguments.
    fn own_words(&self, run: &[String], args: &[Bytes], address: Option<&Declared>) -> Vec<Bytes> {
        let port = match address {
            Some(Declared::Port(port)) => *port,
            _ => PORT,
        };
        let mut out = Vec::new();
        for word in run {
            if word == "{args}" {
                out.extend(args.iter().cloned());
            } else {
                let word = word.replace("{port}", &port.to_string());
                out.push(self.fill(&word).as_str().into());
            }
        }
        out
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{socket}", SOCKET)
            .replace("{host}", "127.0.0.1")
            .replace("{port}", &self.port.to_string())
            .replace("{nonce}", &self.nonce)
    }

    fn address(&self, program: &Program, setup: &Setup) -> Option<sv::Address> {
        let kind = setup.socket.or(program.socket);
        match program.address {
            AddressMode::Argv => Some(self.place(kind, None)),
            AddressMode::None | AddressMode::Discover => None,
        }
    }

    /// The scenario's address for a kind of socket.
    fn place(&self, kind: Option<SocketKind>, host: Option<IpAddr>) -> sv::Address {
        match kind {
            Some(SocketKind::Tcp) => {
                let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
                sv::Address::Inet((host, self.port).into())
            }
            _ => sv::Address::Path(SOCKET.into()),
        }
    }

    fn path(&self, path: &str) -> Bytes {
        self.fill(path).as_str().into()
    }

    fn role(&self, name: &str) -> Result<sv::ProgramId, PlanError> {
        self.actors
            .program(name)
            .map(sv::ProgramId)
            .ok_or_else(|| self.wrong(format!("there is no program `{name}`")))
    }

    fn peer(&self, name: &str) -> Result<sv::PeerId, PlanError> {
        self.actors
            .peer(name)
            .map(sv::PeerId)
            .ok_or_else(|| self.wrong(format!("there is no peer `{name}`")))
    }

    fn act(&self, stimulus: &Stimulus) -> Result<sv::Act, PlanError> {
        Ok(match stimulus {
            Stimulus::Start(program) => sv::Act::Start(self.role(program)?),
            Stimulus::Type { program, data } => sv::Act::Type {
                program: self.role(program)?,
                bytes: self.bytes(data),
                pieces: data.pieces.clone(),
            },
            Stimulus::Eof(program) => sv::Act::Eof(self.role(program)?),
            Stimulus::LeaveOutput { program, after } => sv::Act::LeaveOutput {
                program: self.role(program)?,
                after: *after,
            },
            Stimulus::Connect {
                peer,
                to,
                stalled,
                reach,
                stranger,
            } => {
                let (peer, to, stalled) = (self.peer(peer)?, self.role(to)?, *stalled);
                match reach {
                    None => sv::Act::Connect {
                        peer,
                        to,
                        stalled,
                        stranger: *stranger,
                    },
                    Some(how) => sv::Act::Reach {
                        peer,
                        to,
                        stalled,
                        how: reach_of(how),
                    },
                }
            }
            Stimulus::Listen { peer, kind, host } => {
                let (peer, address) = (self.peer(peer)?, self.place(Some(*kind), *host));
                match kind {
                    SocketKind::Stream | SocketKind::Tcp => sv::Act::Listen { peer, address },
                    SocketKind::Datagram | SocketKind::Seqpacket => sv::Act::Desk {
                        peer,
                        address,
                        kind: carries(*kind),
                    },
                }
            }
            Stimulus::Accept {
                peer,
                listener,
                stalled,
            } => sv::Act::Accept {
                listener: self.peer(listener)?,
                peer: self.peer(peer)?,
                stalled: *stalled,
            },
            Stimulus::Open {
                peer,
                path,
                writing,
                stalled,
                room,
            } => sv::Act::Open {
                peer: self.peer(peer)?,
                path: self.path(path),
                writing: *writing,
                stalled: *stalled,
                room: *room,
            },
            Stimulus::Send {
                peer,
                data:
                    Data {
                        source: DataSource::Fill { text, fills },
                        ..
                    },
            } => sv::Act::Flood {
                peer: self.peer(peer)?,
                bytes: self.fill(text).as_str().into(),
                fills: *fills,
            },
            Stimulus::Send { peer, data } => sv::Act::Send {
                peer: self.peer(peer)?,
                bytes: self.bytes(data),
                pieces: data.pieces.clone(),
            },
            Stimulus::Shutdown(peer) => sv::Act::Shutdown(self.peer(peer)?),
            Stimulus::Close(peer) => sv::Act::Close(self.peer(peer)?),
            Stimulus::Reset(peer) => sv::Act::Reset(self.peer(peer)?),
            Stimulus::Stall(peer) => sv::Act::Stall(self.peer(peer)?),
            Stimulus::Thaw(program) => sv::Act::Thaw(self.role(program)?),
            Stimulus::Resume(peer) => sv::Act::Resume(self.peer(peer)?),
            Stimulus::Signal {
                program,
                process,
                signal,
                count,
            } => sv::Act::Signal {
                to: sv::ProcessId {
                    program: self.role(program)?,
                    number: *process,
                },
                signal: self.signal(signal)?,
                count: *count,
            },
            Stimulus::Advance { ms } => sv::Act::Advance(*ms),
            Stimulus::File(file) => sv::Act::File(self.file(file)),
            Stimulus::Inspect { program, what } => sv::Act::Inspect {
                program: self.role(program)?,
                what: inspection(*what),
            },
            Stimulus::Disturb {
                program,
                disturbance,
            } => sv::Act::Disturb {
                program: self.role(program)?,
                disturbance: self.disturbance(disturbance)?,
            },
        })
    }

    fn bytes(&self, data: &Data) -> Bytes {
        let fill = |text: &str| text.replace("{nonce}", &self.nonce);
        Bytes(match &data.source {
            DataSource::Text(text) | DataSource::Fill { text, .. } => fill(text).into_bytes(),
            DataSource::AllBytes => (0..=u8::MAX).collect(),
            DataSource::Random { bytes, seed } => seed::random_bytes(*bytes, *seed),
            DataSource::Repeat { text, times } => fill(text).repeat(*times).into_bytes(),
        })
    }

    /// A file that the lab lets a program read, under the names that the submission has built in.
    fn under_other_names(&self, stimulus: &Stimulus) -> Vec<sv::Act> {
        let Stimulus::File(FileStep::Write {
            path,
            content,
            mode,
        }) = stimulus
        else {
            return Vec::new();
        };
        let taken = self.spoken_for();
        let readers = self.lab.programs.iter().filter(|program| {
            let students = &self.setting.cast.students;
            program.reads.as_ref() == Some(path) && students.contains(&program.name)
        });
        let names = readers
            .filter_map(|program| self.setting.programs.get(&program.name))
            .flat_map(|built| &built.opens)
            .filter(|name| !taken.contains(*name));
        let acts = names.map(|name| {
            sv::Act::File(sv::FileAct::Write {
                path: self.path(name),
                content: self.fill(content).as_str().into(),
                mode: *mode,
            })
        });
        acts.collect()
    }

    fn file(&self, file: &FileStep) -> sv::FileAct {
        match file {
            FileStep::Write {
                path,
                content,
                mode,
            } => sv::FileAct::Write {
                path: self.path(path),
                content: self.fill(content).as_str().into(),
                mode: *mode,
            },
            FileStep::Stale { path } => sv::FileAct::StaleSocket(self.path(path)),
            FileStep::Fifo { path, mode } => sv::FileAct::Fifo {
                path: self.path(path),
                mode: *mode,
            },
            FileStep::Directory { path, mode } => sv::FileAct::Directory {
                path: self.path(path),
                mode: *mode,
            },
            FileStep::Chmod { path, mode } => sv::FileAct::Chmod {
                path: self.path(path),
                mode: *mode,
            },
            FileStep::Remove { path } => sv::FileAct::Remove(self.path(path)),
        }
    }

    fn disturbance(&self, disturbance: &Disturbance) -> Result<sv::Disturbance, PlanError> {
        Ok(sv::Disturbance {
            calls: disturbance.calls.clone(),
            on: match disturbance.on {
                DisturbOn::Any => sv::On::Any,
                DisturbOn::Socket => sv::On::Socket,
                DisturbOn::Pipe => sv::On::Pipe,
                DisturbOn::Standard => sv::On::Standard,
            },
            nth: match disturbance.nth {
                Nth::Every => sv::Nth::Every,
                Nth::Only(n) => sv::Nth::Only(n),
                Nth::From(n) => sv::Nth::From(n),
            },
            effect: match &disturbance.effect {
                Effect::AtMost(bytes) => sv::Effect::AtMost(*bytes),
                Effect::Fail(error) => sv::Effect::Fail(self.errno(error)?),
                Effect::SignalBefore(signal) => sv::Effect::SignalBefore(self.signal(signal)?),
                Effect::SignalAfter(signal) => sv::Effect::SignalAfter(self.signal(signal)?),
                Effect::Delay(ms) => sv::Effect::Delay(*ms),
                Effect::Freeze => sv::Effect::Freeze,
                Effect::ChildFirst => sv::Effect::First(sv::First::Child),
                Effect::ParentFirst => sv::Effect::First(sv::First::Parent),
            },
        })
    }

    fn signal(&self, name: &str) -> Result<i32, PlanError> {
        // SIGPOLL is SIGIO's other name, signal(7).
        let name = if name == "SIGPOLL" { "SIGIO" } else { name };
        (1..=64)
            .find(|number| signal_name(*number) == name)
            .ok_or_else(|| self.wrong(format!("there is no signal `{name}`")))
    }

    fn errno(&self, name: &str) -> Result<i32, PlanError> {
        // Two names for one number, errno(3).
        let name = match name {
            "EWOULDBLOCK" => "EAGAIN",
            "ENOTSUP" => "EOPNOTSUPP",
            "EDEADLOCK" => "EDEADLK",
            name => name,
        };
        (1..=133)
            .find(|number| errno_name(*number) == name)
            .ok_or_else(|| self.wrong(format!("there is no error `{name}`")))
    }
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The lab's own programs come first: no program of the machine stands in for one.
const PATH_TO_TOOLS: &str = "/tools:/usr/local/bin:/usr/bin:/bin";

/// The whole environment of a program: nothing of the caller's. The locale keeps `strerror` and
/// messages in English and still knows UTF-8.
fn environment(tools: bool) -> Vec<(Bytes, Bytes)> {
    let path = if tools { PATH_TO_TOOLS } else { PATH };
    [
        ("PATH", path),
        ("HOME", sv::WORKSPACE),
        ("TMPDIR", "/tmp"),
        ("LC_ALL", "C.UTF-8"),
        ("LAB_SOCK", &in_environment(SOCKET)),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .to_vec()
}

/// Sets a variable, in place of one of the same name.
fn set(env: &mut Vec<(Bytes, Bytes)>, name: &str, value: &str) {
    env.retain(|(known, _)| **known != *name.as_bytes());
    env.push((name.into(), value.into()));
}

/// A path below the workspace as one relative to it; nothing of other paths.
fn relative(path: &str) -> &str {
    let path = path.strip_prefix("/lab/").unwrap_or(path);
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') { "" } else { path }
}

/// What a submission declares, as an address.
pub(super) fn declared(address: &Declared) -> sv::Address {
    match address {
        Declared::Socket(path) => sv::Address::Path(path.as_str().into()),
        Declared::Port(port) => sv::Address::Inet((Ipv4Addr::LOCALHOST, *port).into()),
    }
}

fn reach_of(how: &Reach) -> sv::Reach {
    sv::Reach {
        kind: carries(how.kind),
        name: match &how.name {
            OwnName::None => sv::OwnName::None,
            OwnName::Auto => sv::OwnName::Auto,
            OwnName::Path(name) => {
                let path = format!("{}/{name}", sv::WORKSPACE);
                sv::OwnName::At(sv::Address::Path(path.as_str().into()))
            }
            OwnName::Abstract(name) => sv::OwnName::At(sv::Address::Abstract(name.as_str().into())),
        },
        unconnected: how.unconnected,
        host: how.host,
    }
}

fn carries(kind: SocketKind) -> sv::SocketKind {
    match kind {
        SocketKind::Stream | SocketKind::Tcp => sv::SocketKind::Stream,
        SocketKind::Datagram => sv::SocketKind::Datagram,
        SocketKind::Seqpacket => sv::SocketKind::SeqPacket,
    }
}

fn host(name: &str, path: &Path) -> sv::PlacedFile {
    sv::PlacedFile {
        name: name.into(),
        source: sv::FileSource::Host(path.to_path_buf()),
        mode: 0o755,
    }
}

fn input(kind: InputKind) -> sv::Input {
    match kind {
        InputKind::Pipe => sv::Input::Pipe,
        InputKind::Null => sv::Input::Null,
        InputKind::Closed => sv::Input::Closed,
        InputKind::Pty => sv::Input::Terminal,
        InputKind::Tty => sv::Input::Cooked,
    }
}

fn output(kind: OutputKind) -> sv::Output {
    match kind {
        OutputKind::Pipe => sv::Output::Pipe,
        OutputKind::Null => sv::Output::Null,
        OutputKind::Full => sv::Output::Full,
        OutputKind::Closed => sv::Output::Closed,
        OutputKind::Pty => sv::Output::Terminal,
    }
}

fn inspection(what: Inspection) -> sv::Inspection {
    match what {
        Inspection::Tree => sv::Inspection::Tree,
        Inspection::Descriptors => sv::Inspection::Descriptors,
        Inspection::Idle => sv::Inspection::Idle,
        Inspection::Family => sv::Inspection::Family,
        Inspection::Handlers => sv::Inspection::Handlers,
        Inspection::Signals => sv::Inspection::Signals,
        Inspection::Terminal => sv::Inspection::Terminal,
        Inspection::Files => sv::Inspection::Files,
        Inspection::Lines => sv::Inspection::Lines,
        Inspection::Threads => sv::Inspection::Threads,
        Inspection::Children => sv::Inspection::Children,
    }
}

#[cfg(test)]
mod tests;
