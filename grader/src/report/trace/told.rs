//! One line about what happened.

use supervisor::event::{Enforced, ExitStatus, Queue, What};

use super::Recording;
use crate::lab::Lang;
use crate::locale::limit_words;
use crate::transcript::{errno_name, signal_name};

/// Said of a program that does not use the address of the lab.
const OTHER_ADDRESS: &str = " (not the address it was given)";

impl Recording<'_> {
    /// Who, and in one line what was done or happened.
    pub(super) fn told(&self, what: &What) -> (String, String) {
        match what {
            What::Started { process, .. }
            | What::ExecFailed { process, .. }
            | What::Forked {
                parent: process, ..
            }
            | What::Executed { process, .. }
            | What::Exited { process, .. }
            | What::PipeWritten { process, .. }
            | What::PipeRead { process, .. }
            | What::Reaped { process }
            | What::Orphaned { process }
            | What::Listening { process, .. }
            | What::Bound { process, .. }
            | What::BindFailed { process, .. }
            | What::Connecting { process, .. }
            | What::Renamed { process, .. }
            | What::Signalled { process, .. }
            | What::Stopped { process, .. }
            | What::Disturbed { process, .. } => (self.process(*process), self.of_process(what)),
            What::PeerOpen { peer }
            | What::PeerAccepted { peer }
            | What::PeerReady { peer }
            | What::PeerMessage { peer, .. }
            | What::PeerRefused { peer, .. }
            | What::PeerWaits { peer }
            | What::PeerNoFifo { peer }
            | What::PeerData { peer, .. }
            | What::PeerEof { peer }
            | What::PeerFailed { peer, .. }
            | What::NoStranger { peer } => (self.peer(*peer).to_owned(), of_peer(what)),
            What::Output {
                program,
                stream,
                bytes,
            } => (
                self.stream(*program, *stream),
                format!("\"{}\"", bytes.escaped()),
            ),
            What::OutputEnd { program, stream } => {
                (self.stream(*program, *stream), "end".to_owned())
            }
            What::Unlinked { program, address } => (
                self.program(*program).to_owned(),
                format!("{address} is gone"),
            ),
            What::Untaken { queue, bytes } => {
                let who = match queue {
                    Queue::Stdin(program) => format!("{}.in", self.program(*program)),
                    Queue::Peer(peer) => self.peer(*peer).to_owned(),
                };
                (who, format!("{bytes} bytes not taken"))
            }
            What::Limit {
                program,
                limit,
                most,
            } => {
                let who = program.map_or("", |program| self.program(program));
                let words = limit_words(*limit, *most, Lang::En);
                (who.to_owned(), format!("limit reached: {words}"))
            }
            What::ActFailed { .. } | What::Parted => ("grader".to_owned(), of_run(what)),
            What::Enforced(_) | What::Starved { .. } | What::File { .. } | What::Ended => {
                (String::new(), of_run(what))
            }
            // Told by more than one line, or with a place of their own: `event`.
            What::StepBegan | What::Call(_) | What::Settled(_) | What::Inspected { .. } => {
                Default::default()
            }
        }
    }

    fn of_process(&self, what: &What) -> String {
        match what {
            What::Started { pid, .. } => format!("started, pid {pid}"),
            What::ExecFailed { errno, .. } => format!("execve failed: {}", errno_name(*errno)),
            What::Forked { child, pid, .. } => {
                format!("forked {}, pid {pid}", self.process(*child))
            }
            What::Executed { path, .. } => format!("executes {}", path.escaped()),
            What::Exited { status, .. } => exit(*status),
            What::PipeWritten { pipe, bytes, .. } => {
                format!("wrote \"{}\" into its pipe {}", bytes.escaped(), pipe + 1)
            }
            What::PipeRead { pipe, .. } => format!("read from its pipe {}", pipe + 1),
            What::Reaped { .. } => "was waited for".to_owned(),
            What::Orphaned { .. } => "outlived its parent".to_owned(),
            What::Listening {
                address, nominal, ..
            } => {
                let other = if *nominal { "" } else { OTHER_ADDRESS };
                format!("listens at {address}{other}")
            }
            What::Bound { address, .. } => format!("has the name {address}"),
            What::Renamed { from, to, .. } => format!("gives {from} the name {to}"),
            What::BindFailed { address, errno, .. } => {
                format!("cannot bind {address}: {}", errno_name(*errno))
            }
            What::Connecting { address, .. } => {
                format!("connects to {address}{OTHER_ADDRESS}")
            }
            What::Signalled { signal, .. } => format!("gets {}", signal_name(*signal)),
            What::Stopped { stopped: true, .. } => "stopped".to_owned(),
            What::Stopped { stopped: false, .. } => "continued".to_owned(),
            What::Disturbed { what, .. } => format!("disturbed: {what}"),
            _ => String::new(),
        }
    }
}

fn of_peer(what: &What) -> String {
    match what {
        What::PeerOpen { .. } => "connected, in the queue".to_owned(),
        What::PeerAccepted { .. } => "accepted".to_owned(),
        What::PeerReady { .. } => "ready".to_owned(),
        What::PeerMessage { bytes, cut, .. } => {
            let cut = if *cut { ", cut" } else { "" };
            format!("got the message \"{}\"{cut}", bytes.escaped())
        }
        What::PeerRefused { address, errno, .. } => {
            let to = address.as_ref().map(|to| format!(" at {to}"));
            let to = to.unwrap_or_default();
            format!("refused{to}: {}", errno_name(*errno))
        }
        What::PeerWaits { .. } => "waits for the other end of the FIFO".to_owned(),
        What::NoStranger { .. } => "cannot be another user on this machine".to_owned(),
        What::PeerNoFifo { .. } => "finds no FIFO".to_owned(),
        What::PeerData { bytes, .. } => format!("got \"{}\"", bytes.escaped()),
        What::PeerEof { .. } => "got the end of the stream".to_owned(),
        What::PeerFailed { errno, .. } => format!("failed: {}", errno_name(*errno)),
        _ => String::new(),
    }
}

fn of_run(what: &What) -> String {
    match what {
        What::ActFailed { error, .. } => format!("could not do this: {error}"),
        What::Parted => "driven from the processor between acts that belong together".to_owned(),
        What::Enforced(Enforced {
            isolation,
            observation,
            ..
        }) => format!("isolation {isolation}, observation {observation}"),
        What::Starved { what } => format!("the machine ran short of {what}"),
        What::File { name, mode, bytes } => format!(
            "file {}, mode {mode:o}, {} bytes",
            name.escaped(),
            bytes.len()
        ),
        What::Ended => "everything the scenario started is gone".to_owned(),
        _ => String::new(),
    }
}

fn exit(status: ExitStatus) -> String {
    match status {
        ExitStatus::Code(code) => format!("exits with {code}"),
        ExitStatus::Signal(signal) => format!("is killed by {}", signal_name(signal)),
        ExitStatus::StillRunning => "was still running at the end".to_owned(),
    }
}
