//! Scenarios: how programs are set up, the steps, and what they prove.

use std::collections::BTreeMap;
use std::net::IpAddr;

use supervisor::event::Means;

use super::{Check, ExitMode, Ignore, SocketKind, Stimulus, StreamMode, Text};

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `one-then-the-next`.
    pub id: String,
    /// For people.
    pub title: Option<Text>,
    /// Roles played by the student; every other role that is started is the reference's.
    pub students: Vec<String>,
    /// How each started program is connected, where it is not the default.
    pub setup: BTreeMap<String, Setup>,
    /// How what a peer receives is compared, where it is not [`StreamMode::Exact`]. Only `Exact`,
    /// `Free`, `Some`, `Digest` and `BySender` occur.
    pub peers: BTreeMap<String, StreamMode>,
    /// The steps.
    pub steps: Vec<Step>,
    /// Properties judged over the whole scenario.
    pub checks: Vec<Check>,
    /// Longest wall time in seconds, if not the default.
    pub wall_seconds: Option<u64>,
    /// What is right depends on the kernel: the reference is run on this machine, and what it does
    /// is expected.
    pub calibrated: bool,
    /// What does not count in any of its lanes, where a program says nothing else.
    pub ignore: Option<Ignore>,
    /// It has a network of its own, which remembers connections that have ended.
    pub own_network: bool,
}

impl Scenario {
    /// Whether it cannot be run on a machine without IPv6.
    #[must_use]
    pub fn needs_ipv6(&self) -> bool {
        let mut stimuli = self.steps.iter().flat_map(|step| &step.stimuli);
        let peer = stimuli.any(|stimulus| match stimulus {
            Stimulus::Connect { reach, .. } => reach
                .as_ref()
                .and_then(|reach| reach.host)
                .is_some_and(|host| host.is_ipv6()),
            Stimulus::Listen { host, .. } => host.is_some_and(|host| host.is_ipv6()),
            _ => false,
        });
        let mut args = self.setup.values().flat_map(|setup| &setup.args).flatten();
        peer || args.any(|arg| arg.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()))
    }

    /// Whether sockets of programs are to hold little.
    #[must_use]
    pub fn wants_small_sockets(&self) -> bool {
        self.setup.values().any(|setup| setup.small_buffers)
    }

    /// Whether it cannot be run on a machine that lacks this.
    #[must_use]
    pub fn needs(&self, means: Means) -> bool {
        match means {
            Means::Ipv6 => self.needs_ipv6(),
            Means::OtherUser => {
                let mut stimuli = self.steps.iter().flat_map(|step| &step.stimuli);
                stimuli.any(|stimulus| matches!(stimulus, Stimulus::Connect { stranger: true, .. }))
            }
        }
    }

    /// Whether a program looks up `localhost`, which is 127.0.0.1 and ::1 in a network of its own and
    /// anything elsewhere.
    #[must_use]
    pub fn looks_up_localhost(&self) -> bool {
        let mut args = self.setup.values().flat_map(|setup| &setup.args).flatten();
        args.any(|arg| arg == "localhost")
    }
}

/// How one program is connected and compared in one scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// Arguments instead of the program's.
    pub args: Option<Vec<String>>,
    /// Standard input: a pipe unless said otherwise.
    pub stdin: Option<InputKind>,
    /// Standard output: a pipe unless said otherwise.
    pub stdout_to: Option<OutputKind>,
    /// Standard error: a pipe unless said otherwise.
    pub stderr_to: Option<OutputKind>,
    /// Comparison instead of the program's.
    pub stdout: Option<StreamMode>,
    /// Comparison instead of the program's.
    pub stderr: Option<StreamMode>,
    /// Comparison instead of the program's.
    pub exit: Option<ExitMode>,
    /// Audit its signal handlers.
    pub audit_handlers: bool,
    /// Its connections hold as little as the kernel allows.
    pub small_buffers: bool,
    /// What does not count here, instead of what the scenario or the program says.
    pub ignore: Option<Ignore>,
    /// What peers that connect to it send waits in little room as well.
    pub small_peers: bool,
    /// Its umask, where it is not 0o022.
    pub umask: Option<u32>,
    /// How many descriptors it may have open, where it is not the usual number.
    pub descriptors: Option<u32>,
    /// What kind of socket it has here.
    pub socket: Option<SocketKind>,
    /// How many bytes its files may have, where it is not the usual number.
    pub file_size: Option<u64>,
}

/// Standard input of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A pipe held by the grader.
    Pipe,
    /// `/dev/null`.
    Null,
    /// Not open.
    Closed,
    /// A raw terminal.
    Pty,
    /// A terminal with line editing, echo and output processing.
    Tty,
}

/// Standard output of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A pipe read by the grader.
    Pipe,
    /// `/dev/null`.
    Null,
    /// `/dev/full`.
    Full,
    /// Not open.
    Closed,
    /// A raw terminal.
    Pty,
}

/// One step: stimuli, then the wait for quiescence.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Usually one; several where they must happen without a wait in between.
    pub stimuli: Vec<Stimulus>,
    /// What the reaction proves.
    pub proves: Vec<Proof>,
}

/// Evidence for a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The requirement's id.
    pub requirement: String,
    /// Which lanes count; empty: the step's whole reaction.
    pub lanes: Vec<Selector>,
}

/// Picks lines of a reaction: `server exit`, `alice <`, `server.out`, `filter.spare`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// `server`.
    pub lane: String,
    /// `out`, `err`, `tree`, …; `None`: every channel of the lane, the lane's own included.
    pub channel: Option<String>,
    /// An operator (`<`, `=`, `~`, `?`; `<` stands for `<.` and `<#` too) or the first word of the
    /// payload of a `=` or `~` line (`exit`, `unlink`, and `calls` of `handler ~ | calls printf`).
    pub filter: Option<String>,
}
