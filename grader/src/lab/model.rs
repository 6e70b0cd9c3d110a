//! A lab as the rest of the program sees it: typed, checked, without spans.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A text in the languages of the course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// English; always there.
    pub en: String,
    /// Russian; falls back to English.
    pub ru: Option<String>,
}

/// The language of titles, hints and reports.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Lang {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Ru,
            Self::Ru => Self::En,
        }
    }

    /// What is for this one.
    #[must_use]
    pub fn pick<T>(self, en: T, ru: T) -> T {
        match self {
            Self::En => en,
            Self::Ru => ru,
        }
    }
}

impl Text {
    /// The text in `lang`, or in English where it is not translated.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> &str {
        match (lang, &self.ru) {
            (Lang::Ru, Some(ru)) => ru,
            _ => &self.en,
        }
    }
}

/// A lab: programs, requirements, scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct Lab {
    /// `us-upper`.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// 1 (first week) to 6.
    pub level: u8,
    /// Concepts it teaches, for `grader labs`.
    pub concepts: Vec<String>,
    /// Its place in the course's list of tasks.
    pub task: Task,
    /// What a student hands in.
    pub programs: Vec<Program>,
    /// Programs of the lab's own that those may execute.
    pub tools: Tools,
    /// What earns points, in order.
    pub requirements: Vec<Requirement>,
    /// How it is found out.
    pub scenarios: Vec<Scenario>,
}

/// The lab's own programs, which stand on `PATH` for whatever a scenario runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    /// Each with the file it is compiled from.
    pub programs: Vec<Tool>,
    /// The C files of the lab's directory `tools`, by name: sources and what they include.
    pub files: BTreeMap<String, String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// By which it is executed: `child`.
    pub name: String,
    /// A name in [`Tools::files`]: `child.c`.
    pub source: String,
}

/// A place in the course's list of tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// The lab's numbers there; see [`Lab::numbers`] for those that its id implies.
    pub numbers: Vec<u32>,
    /// The semester, from 1.
    pub semester: Option<u8>,
}

impl Lab {
    /// Its numbers in the course's list of tasks: those it names, or the one in its id
    /// (`course-30`).
    #[must_use]
    pub fn numbers(&self) -> Vec<u32> {
        if !self.task.numbers.is_empty() {
            return self.task.numbers.clone();
        }
        let number = self.id.strip_prefix("course-");
        number.and_then(|n| n.parse().ok()).into_iter().collect()
    }
}

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The role's name, `server`.
    pub name: String,
    /// The name of the executable a student's build makes, and of the reference: `us-server`.
    pub executable: String,
    /// Globs by which a source file is found without Makefile or Cargo.toml, best first.
    pub sources: Vec<String>,
    /// Arguments after the program's name; `{socket}` is the address.
    pub args: Vec<String>,
    /// Where its address comes from.
    pub address: AddressMode,
    /// The reference program's name.
    pub reference: String,
    /// How its standard output is compared.
    pub stdout: StreamMode,
    /// How its standard error is compared.
    pub stderr: StreamMode,
    /// How its exit status is compared.
    pub exit: ExitMode,
    /// Environment variables it is started with; `{socket}` in a value is the address.
    pub env: Vec<(String, String)>,
    /// What becomes of text that stdio keeps back because its standard output is a pipe.
    pub unflushed: Unflushed,
    /// The file that it reads: what a step writes there stands under the names that a submission's
    /// source has built in, too.
    pub reads: Option<String>,
    /// What does not count where its output is compared.
    pub ignore: Ignore,
    /// What kind of socket it has at its address, where the lab says so.
    pub socket: Option<SocketKind>,
    /// The role whose program plays this one as well.
    pub same_as: Option<String>,
}

impl Program {
    /// Whether its address is a port.
    #[must_use]
    pub fn has_port(&self) -> bool {
        self.socket == Some(SocketKind::Tcp)
    }
}

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// A stream of bytes, unix(7).
    Stream,
    /// Datagrams, unix(7).
    Datagram,
    /// Sequenced packets, unix(7).
    Seqpacket,
    /// TCP over the loopback, tcp(7).
    Tcp,
}

/// How a peer reaches a program where that is not the plain way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The kind of its socket.
    pub kind: SocketKind,
    /// The name of its own socket.
    pub name: OwnName,
    /// Datagrams: it sends to the program's name without connecting.
    pub unconnected: bool,
    /// TCP: where it looks for the program, if not where the program listens.
    pub host: Option<IpAddr>,
}

/// The name of a peer's own socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OwnName {
    /// None.
    #[default]
    None,
    /// One that the kernel chooses.
    Auto,
    /// A path in the working directory.
    Path(String),
    /// An abstract name, without its leading NUL.
    Abstract(String),
}

/// What becomes of text that stdio keeps back because standard output is a pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unflushed {
    /// It is missing where it is due, and costs what is proved there.
    #[default]
    Costs,
    /// The scenario is run once more on a terminal, where stdio writes every line. That run is
    /// judged, and the missing flush is told.
    Noted,
}

/// What does not count where text is compared exactly or line by line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignore {
    /// Upper and lower case.
    pub case: bool,
    /// Carriage returns at the end of a line.
    pub cr: bool,
    /// Blanks and tabs at the end of a line.
    pub trailing_space: bool,
    /// A newline missing or one too many at the end of what came in a step.
    pub last_newline: bool,
}

impl Ignore {
    /// The words of a lab file, in the order in which they are shown.
    pub const WORDS: [&str; 4] = ["case", "cr", "trailing-space", "last-newline"];

    /// The words that are set.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let set = [self.case, self.cr, self.trailing_space, self.last_newline];
        Self::WORDS
            .into_iter()
            .zip(set)
            .filter_map(|(word, set)| set.then_some(word))
    }

    /// Sets a word; `false` if there is none such.
    pub fn set(&mut self, word: &str) -> bool {
        match word {
            "case" => self.case = true,
            "cr" => self.cr = true,
            "trailing-space" => self.trailing_space = true,
            "last-newline" => self.last_newline = true,
            _ => return false,
        }
        true
    }

    /// Whether everything counts.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Where a program's address comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressMode {
    /// It has none.
    #[default]
    None,
    /// Named in its arguments; another one is found and used, but costs the requirement that
    /// names it.
    Argv,
    /// Learnt from its own `bind` or `connect`; any is right.
    Discover,
}

/// How a stream enters the transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StreamMode {
    /// Every byte, in the phase in which it came.
    #[default]
    Exact,
    /// Shown once at the end, not compared.
    Free,
    /// The expected lines must come in order; others between them do not matter. Over the whole
    /// scenario.
    LinesInOrder,
    /// Only whether something was written: `(some text)`. In its phase.
    Some,
    /// Which of these texts occur, one line each. `{socket}` is the address. In its phase.
    Contains(Vec<String>),
    /// Length and hash of the whole phase's bytes.
    Digest,
    /// Whole lines in the order of their senders: of what stands before the first colon. Lines of
    /// one sender keep their order. In its phase.
    BySender,
}

/// How an exit status enters the transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitMode {
    /// `exit 3`, `killed SIGPIPE`.
    #[default]
    Exact,
    /// `exit 0`, `exit failure` (any other code), `killed SIGPIPE`.
    Class,
    /// `ended`, however it ended.
    Any,
}

/// What earns points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// `s-duplex`.
    pub id: String,
    /// 0: reported, not scored.
    pub points: u32,
    /// One sentence: what is so when it is met.
    pub title: Text,
    /// What to do when it is not.
    pub hint: Text,
    /// Requirements without which this one cannot be judged.
    pub needs: Vec<String>,
}

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

/// What the grader does in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Stimulus {
    /// Start a program (by role).
    Start(String),
    /// Write to a program's standard input.
    Type {
        /// The role.
        program: String,
        /// What.
        data: Data,
    },
    /// Close a program's standard input.
    Eof(String),
    /// Stop reading a program's output after so many more bytes.
    LeaveOutput {
        /// The role.
        program: String,
        /// Bytes read before leaving.
        after: usize,
    },
    /// A peer connects.
    Connect {
        /// The peer.
        peer: String,
        /// The role it connects to.
        to: String,
        /// It does not read until `resume`.
        stalled: bool,
        /// How, where the lab says so.
        reach: Option<Reach>,
        /// It connects as another user.
        stranger: bool,
    },
    /// A peer listens at the scenario's address, in place of a server.
    Listen {
        /// The peer.
        peer: String,
        /// What kind of socket.
        kind: SocketKind,
        /// TCP: where, if not at 127.0.0.1.
        host: Option<IpAddr>,
    },
    /// A listening peer takes the next connection.
    Accept {
        /// The name of the connection.
        peer: String,
        /// The listening peer.
        listener: String,
        /// It does not read until `resume`.
        stalled: bool,
    },
    /// A peer opens one end of a FIFO.
    Open {
        /// The peer.
        peer: String,
        /// The FIFO.
        path: String,
        /// It writes; otherwise it reads.
        writing: bool,
        /// It does not read until `resume`.
        stalled: bool,
        /// How many bytes the FIFO is to hold, if not the usual number.
        room: Option<u32>,
    },
    /// A peer sends, or writes into a FIFO.
    Send {
        /// The peer.
        peer: String,
        /// What.
        data: Data,
    },
    /// A peer half-closes.
    Shutdown(String),
    /// A peer closes.
    Close(String),
    /// A peer closes with a reset.
    Reset(String),
    /// A peer stops reading.
    Stall(String),
    /// A peer reads again.
    Resume(String),
    /// Send a signal.
    Signal {
        /// The role.
        program: String,
        /// 0 the root process, 1 its first descendant, …
        process: u16,
        /// `SIGTERM`, `SIGRTMIN`.
        signal: String,
        /// How often, in a row.
        count: u32,
    },
    /// Let time pass.
    Advance {
        /// Milliseconds.
        ms: u64,
    },
    /// Change the workspace.
    File(FileStep),
    /// Look at a program.
    Inspect {
        /// The role.
        program: String,
        /// What to look at.
        what: Inspection,
    },
    /// Let go the threads of a program that a disturbance has frozen.
    Thaw(String),
    /// Interfere with its calls from now on.
    Disturb {
        /// The role.
        program: String,
        /// How.
        disturbance: Disturbance,
    },
}

/// Bytes to send, with the lengths of the pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What.
    pub source: DataSource,
    /// Lengths of the pieces (the last repeats); empty: one piece. After each piece the grader
    /// waits for quiescence.
    pub pieces: Vec<usize>,
}

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// This text; `{nonce}` is a word drawn anew for each run and written `<nonce>` in the
    /// transcript (`<NONCE>` in upper case).
    Text(String),
    /// Each byte value once, 0 to 255.
    AllBytes,
    /// So many bytes drawn from a seed (lower- and upper-case letters, digits, newlines).
    Random {
        /// How many.
        bytes: usize,
        /// The seed.
        seed: u64,
    },
    /// A message so often as would fill so many queues of datagrams.
    Fill {
        /// The message; `{nonce}` as in [`DataSource::Text`].
        text: String,
        /// How many queues.
        fills: u32,
    },
    /// A text again and again.
    Repeat {
        /// The text.
        text: String,
        /// How often.
        times: usize,
    },
}

/// A change of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStep {
    /// Write a file.
    Write {
        /// Its path; `{socket}` is the address.
        path: String,
        /// Its content.
        content: String,
        /// Permission bits.
        mode: u32,
    },
    /// A socket file on which nobody listens.
    Stale {
        /// Its path.
        path: String,
    },
    /// A FIFO.
    Fifo {
        /// Its path.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// An empty directory.
    Directory {
        /// Its path.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// Change permission bits.
    Chmod {
        /// Its path.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// Remove it.
    Remove {
        /// Its path.
        path: String,
    },
}

/// What `inspect` looks at; each is a channel of the program's lane (`tree` gives `tree` and
/// `spare`, `files` gives `files`, `modes` and `contents`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspection {
    /// Processes and pipes between them: channels `tree`, `spare`.
    Tree,
    /// Open descriptors: channel `fds`. Counted relative to the first inspection of the program in
    /// the scenario (a right server may need more than the reference for itself).
    Descriptors,
    /// Waits without CPU: channel `idle`.
    Idle,
    /// Children reaped, orphaned, zombies: channel `family`.
    Family,
    /// Signal handler audit: channel `handler`.
    Handlers,
    /// Signal dispositions: channel `signals`.
    Signals,
    /// Settings of the terminal at its standard input: channel `terminal`.
    Terminal,
    /// What is in the working directory: channels `files`, `modes`, `contents`.
    Files,
    /// The lines of the files there: channel `lines`.
    Lines,
    /// How many threads each process has: channel `threads`.
    Threads,
    /// What descendants hold: channels `held` (descriptors), `shared` (those of the standard ones
    /// that lead to the grader, without a process in between), `inherited` (signals blocked and
    /// ignored).
    Children,
}

/// An interference with calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// Names of system calls.
    pub calls: Vec<String>,
    /// `any`, `socket`, `pipe`, `standard`.
    pub on: DisturbOn,
    /// Which occurrences.
    pub nth: Nth,
    /// What happens.
    pub effect: Effect,
}

/// Which descriptors a disturbance concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DisturbOn {
    /// Any call.
    #[default]
    Any,
    /// Sockets.
    Socket,
    /// Pipes and FIFOs.
    Pipe,
    /// Descriptors 0 to 2.
    Standard,
}

/// Which occurrences a disturbance concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nth {
    /// All.
    #[default]
    Every,
    /// The nth, from 1.
    Only(u32),
    /// The nth and later ones.
    From(u32),
}

/// The effect of a disturbance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Short reads and writes.
    AtMost(u32),
    /// The call fails with this error (`EIO`).
    Fail(String),
    /// A signal exactly before the call.
    SignalBefore(String),
    /// A signal exactly after the call.
    SignalAfter(String),
    /// The thread is kept before the call for so many milliseconds.
    Delay(u64),
    /// The thread is kept before the call until it is thawed.
    Freeze,
    /// After this fork the child goes first.
    ChildFirst,
    /// After this fork the parent goes first.
    ParentFirst,
}

/// A property of a scenario where text would move from run to run. Its line stands in a last
/// phase, `LANE ? | ID: yes` or `no, 3 and 4`.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name, unique in the scenario: `bels-are-counted`.
    pub id: String,
    /// Requirements it proves.
    pub proves: Vec<String>,
    /// The program it is about.
    pub program: String,
    /// It is about standard error, where it is about what was written.
    pub stderr: bool,
    /// The steps it is about.
    pub window: Window,
    /// What must hold.
    pub property: Property,
}

/// Steps, the first and the last one included; `None`: no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first step, from 1.
    pub from: Option<u32>,
    /// The last step.
    pub until: Option<u32>,
}

impl Window {
    /// Whether a step lies in the window.
    #[must_use]
    pub fn has(&self, step: u32) -> bool {
        self.from.is_none_or(|from| from <= step) && self.until.is_none_or(|until| step <= until)
    }
}

/// How a program has ended, for [`Property::Ended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Not by a signal.
    Exit,
    /// With status 0.
    Zero,
    /// By a signal too, but not by one that its own fault has raised, such as SIGSEGV.
    NoCrash,
    /// If at all, not by a signal that its own fault has raised.
    NotCrashed,
    /// By a signal too.
    Anyhow,
}

/// What [`Property::Holds`] states about a program's processes and pipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The text that was written into the program's own pipe (of several: the one into which most
    /// was written) was printed in upper case: its visible ASCII characters come in this order,
    /// with whatever between them.
    PipedTextInUpperCase,
    /// That text has small and capital letters.
    PipedTextInBothCases,
    /// A process read from a pipe into which another one wrote.
    PipeJoinsProcesses,
    /// The program's first process waited for each child it made.
    ChildrenReaped,
    /// No process wrote to descriptor 0.
    InputNotWritten,
}

/// What a [`Check`] states about a program: most of them about its standard output in the check's
/// [`Window`].
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    /// The number of occurrences of a byte string equals the number captured by the first group
    /// of a regular expression.
    CountEquals {
        /// What is counted.
        text: String,
        /// The expression with one group of digits.
        capture: String,
    },
    /// The number of occurrences lies between two bounds, both included.
    CountBetween {
        /// What is counted.
        text: String,
        /// At least.
        least: u64,
        /// At most.
        most: u64,
    },
    /// Each text occurs so often.
    Counts {
        /// The texts, with how often.
        counts: Vec<(String, u64)>,
        /// More often is wrong as well.
        exactly: bool,
    },
    /// The bytes of a text, white space aside, come in this order, with whatever between them.
    Subsequence(String),
    /// Each text occurs.
    Contains(Vec<String>),
    /// No text occurs.
    Absent(Vec<String>),
    /// The regular expression matches somewhere.
    Matches(String),
    /// The program has ended by the last step of the window.
    Ended(Ended),
    /// The socket file that the program bound was gone in the window.
    Unlinked,
    /// Every socket file that the program bound was gone in the window.
    NoSocketLeft,
    /// Some of its output came in the window and before the step in which the program ended.
    Live,
    /// At the end of the last step of the window the first thread of the program's first process
    /// waits in one of these calls.
    WaitsIn(Vec<String>),
    /// A statement about the program's processes and pipes.
    Holds(Statement),
    /// Each of these programs was executed by a process of the program, by the name of its file.
    Executed(Vec<String>),
    /// A process of the program made each of these system calls.
    Called(Vec<String>),
    /// No process of the program made any of these system calls.
    NotCalled(Vec<String>),
    /// What peers have received.
    Among(Among),
}

/// A property of the lines that peers received in the check's [`Window`]. It does not hold where
/// nobody received anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Among {
    /// The peers.
    pub peers: Vec<String>,
    /// What must hold.
    pub what: Received,
}

/// What [`Among`] states.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// One line that begins so, in all, came to one of them.
    Exclusive(String),
    /// So many lines that begin so came to each.
    Count {
        /// How they begin.
        begins: String,
        /// How many.
        times: u64,
    },
    /// Each of these lines came to each of them exactly once.
    EachOnce(Vec<String>),
    /// These lines came to each of them in this order, whatever came between.
    InOrder(Vec<String>),
    /// Lines that two of them received came to both in the same order.
    SameOrder,
    /// The regular expression matches somewhere in what each of them received.
    Matches(String),
}

impl Property {
    /// Whether it is about what was written.
    #[must_use]
    pub fn is_about_text(&self) -> bool {
        matches!(
            self,
            Self::CountEquals { .. }
                | Self::CountBetween { .. }
                | Self::Counts { .. }
                | Self::Subsequence(_)
                | Self::Contains(_)
                | Self::Absent(_)
                | Self::Matches(_)
        )
    }
}
