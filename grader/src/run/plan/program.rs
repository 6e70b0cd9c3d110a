//! The programs of a scenario: what each is, its arguments, its environment, its streams.

use supervisor::Bytes;
use supervisor::plan as sv;

use super::workspace::Workspace;
use super::{PlanError, Planner, SOCKET};
use crate::lab::{AddressMode, InputKind, OutputKind, Program, Setup};
use crate::submission::BuiltProgram;
use crate::transcript::in_environment;
use crate::verdict::Taken;

/// The TCP port for programs that ask for one, where the submission names none.
pub(super) const PORT: u16 = 5000;

/// The arguments by which a program is tried that refuses those of the handout, in this order;
/// never the same twice.
pub(in crate::run) fn alternatives(program: &Program) -> Vec<Taken> {
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

impl<'a> Planner<'a> {
    pub(super) fn program(
        &self,
        role: &str,
        workspace: &mut Workspace<'a>,
    ) -> Result<sv::Program, PlanError> {
        let program = self
            .lab
            .programs
            .iter()
            .find(|program| program.name == role)
            .ok_or_else(|| self.wrong(format!("there is no program `{role}`")))?;
        let plain = Setup::default();
        let setup = self.scenario.setup.get(role).unwrap_or(&plain);
        let mut env = environment(!self.setting.tools.is_empty());
        self.set_all(&mut env, &program.env);
        let student = self.setting.cast.students.iter().any(|s| s == role);
        let (image, words) = if student {
            let built = self.built(role)?;
            self.set_all(&mut env, &built.env);
            workspace.put(program, built);
            if setup.audit_handlers {
                let shim = self.setting.shim.ok_or(PlanError::NoShim)?;
                let place = workspace.put_shim(shim);
                env.push(("LD_PRELOAD".into(), place.as_str().into()));
            }
            let image = sv::Image::File(program.executable.as_str().into());
            (image, self.students_words(program, setup, built))
        } else {
            let image = sv::Image::Builtin(program.reference.clone());
            (image, self.labs_words(program, setup))
        };
        let mut argv: Vec<Bytes> = vec![format!("./{}", program.executable).as_str().into()];
        argv.extend(words);
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

    fn built(&self, role: &str) -> Result<&'a BuiltProgram, PlanError> {
        let built = self.setting.programs.get(role);
        built.ok_or_else(|| PlanError::NotBuilt {
            program: role.to_owned(),
        })
    }

    /// The arguments that the lab gives a program in this scenario.
    fn labs_words(&self, program: &Program, setup: &Setup) -> Vec<Bytes> {
        self.words(setup.args.as_ref().unwrap_or(&program.args))
    }

    /// The arguments of a submission's program: as its manifest says, as it was found to take
    /// them, or else the lab's.
    fn students_words(&self, program: &Program, setup: &Setup, built: &BuiltProgram) -> Vec<Bytes> {
        if let Some(run) = &built.run {
            let args = self.labs_words(program, setup);
            return self.own_words(run, &args, built.address.as_ref());
        }
        match self.setting.rungs.starts.get(&program.name) {
            Some(taken) if setup.args.is_none() => self.words(&arguments(&program.name, *taken)),
            _ => self.labs_words(program, setup),
        }
    }

    fn set_all(&self, env: &mut Vec<(Bytes, Bytes)>, variables: &[(String, String)]) {
        for (name, value) in variables {
            set(env, name, &self.fill_variable(value));
        }
    }

    fn address(&self, program: &Program, setup: &Setup) -> Option<sv::Address> {
        let kind = setup.socket.or(program.socket);
        match program.address {
            AddressMode::Argv => Some(self.place(kind, None)),
            AddressMode::None | AddressMode::Discover => None,
        }
    }
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The lab's own programs come first: no program of the machine stands in for one.
const PATH_TO_TOOLS: &str = "/tools:/usr/local/bin:/usr/bin:/bin";

/// The whole environment of a program: nothing of the caller's. The locale keeps `strerror` and
/// messages in English and still knows UTF-8. glibc would reserve 64 MiB of addresses for each thread
/// that allocates, for as many threads as the machine has processors times eight (mallopt(3)).
fn environment(tools: bool) -> Vec<(Bytes, Bytes)> {
    let path = if tools { PATH_TO_TOOLS } else { PATH };
    [
        ("PATH", path),
        ("HOME", sv::WORKSPACE),
        ("TMPDIR", "/tmp"),
        ("LC_ALL", "C.UTF-8"),
        ("LAB_SOCK", &in_environment(SOCKET)),
        ("MALLOC_ARENA_MAX", "1"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .to_vec()
}

/// Sets a variable, in place of one of the same name.
fn set(env: &mut Vec<(Bytes, Bytes)>, name: &str, value: &str) {
    env.retain(|(known, _)| **known != *name.as_bytes());
    env.push((name.into(), value.into()));
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
