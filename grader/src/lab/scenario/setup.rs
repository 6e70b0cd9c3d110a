//! How the programs of a scenario are set up: what differs there from what the lab says of them.

use std::collections::BTreeMap;

use super::Known;
use crate::lab::decode::{At, Named, Sink};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{InputKind, OutputKind, Program, Setup, StreamMode};
use crate::lab::program::{self, no_such_program};
use crate::lab::raw;
use crate::lab::text::Allowed;
use crate::lab::values::{bits, small, within};

/// What is set up for each role.
pub(super) fn setups(
    raw: Option<&At<Named<raw::Setup>>>,
    known: &Known<'_>,
    sink: &mut Sink,
) -> BTreeMap<String, Setup> {
    let mut setups = BTreeMap::new();
    for (role, at) in raw.iter().flat_map(|r| &r.value.0) {
        if !known.programs.iter().any(|p| p.name == role.value) {
            sink.push(no_such_program(&role.value, &role.span, known.programs));
            continue;
        }
        let raw = &at.value;
        let program = known.programs.iter().find(|p| p.name == role.value);
        let socket = raw.socket.as_ref().map(|s| program::socket(s.value));
        let kind = socket.or(program.and_then(|program| program.socket));
        let setup = Setup {
            socket,
            args: raw
                .args
                .as_ref()
                .map(|a| program::args(&a.value, Allowed::address(kind), sink)),
            stdin: raw.stdin.as_ref().map(|i| match i.value {
                raw::Input::Pipe => InputKind::Pipe,
                raw::Input::Null => InputKind::Null,
                raw::Input::Closed => InputKind::Closed,
                raw::Input::Pty => InputKind::Pty,
                raw::Input::Tty => InputKind::Tty,
            }),
            stdout_to: raw.stdout_to.as_ref().map(|o| output_kind(o.value)),
            stderr_to: raw.stderr_to.as_ref().map(|o| output_kind(o.value)),
            stdout: raw.stdout.as_ref().map(|s| program::stream(&s.value, sink)),
            stderr: raw.stderr.as_ref().map(|s| program::stream(&s.value, sink)),
            exit: raw.exit.as_ref().map(|e| program::exit(e.value)),
            audit_handlers: raw.audit_handlers.as_ref().is_some_and(|a| a.value),
            small_buffers: raw.small_buffers.as_ref().is_some_and(|b| b.value),
            ignore: raw.ignore.as_ref().map(|i| program::ignore(&i.value)),
            small_peers: raw.small_peers.as_ref().is_some_and(|b| b.value),
            umask: raw.umask.as_ref().map(|u| bits(u, "a umask", 0o777, sink)),
            descriptors: raw
                .descriptors
                .as_ref()
                .map(|d| small(d, "a number of descriptors", 8, 256, sink)),
            file_size: raw
                .file_size
                .as_ref()
                .map(|s| within(s, "bytes", 0, 64 << 20, sink)),
        };
        if let (Some(ignore), Some(program)) = (&raw.ignore, program) {
            let out = setup.stdout.as_ref().unwrap_or(&program.stdout);
            let err = setup.stderr.as_ref().unwrap_or(&program.stderr);
            let by_text = |mode| matches!(mode, &StreamMode::Exact | &StreamMode::LinesInOrder);
            if !by_text(out) && !by_text(err) {
                sink.push(
                    Diagnostic::warning(
                        ignore.key.clone(),
                        "nothing is compared text by text here",
                    )
                    .help("`ignore` is for streams compared \"exact\" or \"lines-in-order\""),
                );
            }
        }
        setups.insert(role.value.clone(), setup);
    }
    setups
}

fn output_kind(raw: raw::Output) -> OutputKind {
    match raw {
        raw::Output::Pipe => OutputKind::Pipe,
        raw::Output::Null => OutputKind::Null,
        raw::Output::Full => OutputKind::Full,
        raw::Output::Closed => OutputKind::Closed,
        raw::Output::Pty => OutputKind::Pty,
    }
}

/// How a program's standard output is compared in a scenario, and where it goes.
pub(in crate::lab) fn stdout_of(
    program: &Program,
    setup: Option<&Setup>,
) -> (StreamMode, OutputKind) {
    (
        setup
            .and_then(|s| s.stdout.clone())
            .unwrap_or_else(|| program.stdout.clone()),
        setup.and_then(|s| s.stdout_to).unwrap_or(OutputKind::Pipe),
    )
}

/// How a program's standard error is compared in a scenario.
pub(in crate::lab) fn stderr_of(program: &Program, setup: Option<&Setup>) -> StreamMode {
    setup
        .and_then(|s| s.stderr.clone())
        .unwrap_or_else(|| program.stderr.clone())
}
