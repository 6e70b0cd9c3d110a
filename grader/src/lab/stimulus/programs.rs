//! What is done to programs.

use super::data::MOST_DATA;
use super::keys::known_name;
use super::{Running, Stage};
use crate::lab::decode::{At, Sink, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{InputKind, Inspection, Stimulus};
use crate::lab::values::{required, small, within};
use crate::lab::{names, raw};

impl Stage<'_> {
    pub(super) fn start(&mut self, role: &At<String>, sink: &mut Sink) -> Option<Stimulus> {
        self.program(role, sink)?;
        if let Some(before) = self.started.get(&role.value) {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!("`{}` is started twice", shown(&role.value)),
                )
                .also(before.at.clone(), "first here"),
            );
            return None;
        }
        if let Some(peer) = self.peers.get(&role.value) {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!("`{}` is a peer already", shown(&role.value)),
                )
                .also(peer.at.clone(), "here"),
            );
        }
        self.started.insert(
            role.value.clone(),
            Running {
                at: role.span.clone(),
                stdin_ended: None,
            },
        );
        Some(Stimulus::Start(role.value.clone()))
    }

    /// A started program whose standard input can be written to.
    pub(super) fn stdin(&self, role: &At<String>, sink: &mut Sink) -> Option<String> {
        let program = self.started(role, sink)?;
        let input = self
            .setup
            .get(&program)
            .and_then(|s| s.stdin)
            .unwrap_or(InputKind::Pipe);
        if matches!(input, InputKind::Null | InputKind::Closed) {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!(
                        "the standard input of `{}` is not held by the grader",
                        shown(&program)
                    ),
                )
                .help("the scenario's `setup` says so"),
            );
            return None;
        }
        if let Some(ended) = self
            .started
            .get(&program)
            .and_then(|r| r.stdin_ended.clone())
        {
            sink.push(
                Diagnostic::error(
                    role.span.clone(),
                    format!("the standard input of `{}` is closed", shown(&program)),
                )
                .also(ended, "closed here"),
            );
            return None;
        }
        Some(program)
    }

    pub(super) fn leave(&self, leave: &At<raw::Leave>, out: &mut Vec<Stimulus>, sink: &mut Sink) {
        match &leave.value {
            raw::Leave::Now(role) => {
                let role = At {
                    key: leave.key.clone(),
                    span: leave.span.clone(),
                    value: role.clone(),
                };
                out.extend(
                    self.started(&role, sink)
                        .map(|program| Stimulus::LeaveOutput { program, after: 0 }),
                );
            }
            raw::Leave::After(entries) => {
                for (role, after) in &entries.0 {
                    let after =
                        usize::try_from(within(after, "bytes", 0, MOST_DATA, sink)).unwrap_or(0);
                    out.extend(
                        self.started(role, sink)
                            .map(|program| Stimulus::LeaveOutput { program, after }),
                    );
                }
            }
        }
    }

    pub(super) fn signal(
        &self,
        role: &At<String>,
        at: &At<raw::Signal>,
        sink: &mut Sink,
    ) -> Option<Stimulus> {
        let program = self.started(role, sink);
        let raw = &at.value.0;
        let name = required(
            raw.signal.as_ref(),
            &raw.shape,
            "signal",
            "a signal",
            &at.span,
            sink,
        )?;
        let signal = known_name(name, names::SIGNALS, "signal", sink)?;
        let count = raw
            .count
            .as_ref()
            .map_or(1, |c| small(c, "a count", 1, 10_000, sink));
        let process = raw
            .process
            .as_ref()
            .map_or(0, |p| small(p, "a process number", 0, 1000, sink));
        Some(Stimulus::Signal {
            program: program?,
            process: u16::try_from(process).unwrap_or(0),
            signal,
            count,
        })
    }

    pub(super) fn inspect(
        &mut self,
        program: &str,
        what: &At<raw::Inspect>,
        sink: &mut Sink,
    ) -> Stimulus {
        let (inspection, channels): (_, &[&'static str]) = match what.value {
            raw::Inspect::Tree => (Inspection::Tree, &["tree", "spare"]),
            raw::Inspect::Fds => (Inspection::Descriptors, &["fds"]),
            raw::Inspect::Idle => (Inspection::Idle, &["idle"]),
            raw::Inspect::Family => (Inspection::Family, &["family"]),
            raw::Inspect::Handlers => (Inspection::Handlers, &["handler"]),
            raw::Inspect::Signals => (Inspection::Signals, &["signals"]),
            raw::Inspect::Terminal => (Inspection::Terminal, &["terminal"]),
            raw::Inspect::Files => (Inspection::Files, &["files", "modes", "contents"]),
            raw::Inspect::Lines => (Inspection::Lines, &["lines"]),
            raw::Inspect::Counted => (Inspection::Counted, &["counted"]),
            raw::Inspect::Threads => (Inspection::Threads, &["threads"]),
            raw::Inspect::Children => (Inspection::Children, &["held", "shared", "inherited"]),
        };
        if inspection == Inspection::Handlers
            && !self.setup.get(program).is_some_and(|s| s.audit_handlers)
        {
            sink.push(
                Diagnostic::error(
                    what.span.clone(),
                    format!("the handlers of `{}` are not audited", shown(program)),
                )
                .help(format!(
                    "the scenario needs `setup = {{ {} = {{ audit-handlers = true }} }}`",
                    shown(program)
                )),
            );
        }
        for channel in channels {
            self.inspected.insert((program.to_owned(), channel));
        }
        Stimulus::Inspect {
            program: program.to_owned(),
            what: inspection,
        }
    }
}
