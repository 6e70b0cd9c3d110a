//! A recipe as a plan for the supervisor.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use supervisor::Bytes;
use supervisor::plan::{
    Act, FileSource, Image, Input, Isolation, Limits, Observation, Output, PlacedFile, Plan,
    Program, ProgramId, Step, WORKSPACE,
};

use super::{COLLECT, Command, Recipe, TOGETHER};
use crate::submission::source::{self, Magic};
use crate::submission::toolchain::{self, Tool};
use crate::submission::tree::{File, Tree};

impl Recipe {
    /// The plan: the submission's files in a private copy, the commands, the result.
    pub(in crate::submission) fn plan(
        &self,
        name: &str,
        tree: &Tree,
        isolation: Isolation,
    ) -> Plan {
        let env = self.environment();
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
            files: self.files(tree),
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
            opens: false,
            isolation,
            attempt: 0,
            readable: self.readable.iter().cloned().collect(),
        }
    }

    fn files(&self, tree: &Tree) -> Vec<PlacedFile> {
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
        files
    }

    fn environment(&self) -> Vec<(Bytes, Bytes)> {
        let tools: Vec<&Tool> = self.tools.iter().collect();
        let mut path = toolchain::path_with(&tools);
        if let Some(first) = &self.path {
            let mut led = OsString::from(first);
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
        env
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
