//! Programs: how they are started, addressed and compared.

use std::net::IpAddr;

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
    /// Its arguments are only offered: who refuses them does nothing wrong.
    pub args_offered: bool,
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
