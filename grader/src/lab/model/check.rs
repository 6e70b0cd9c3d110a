//! Properties of a scenario that hold for it as a whole, or for a window of its steps.

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
    /// Some process read a text with letters in it, from whatever descriptor.
    LettersRead,
    /// The last key that was read was not the same one as the key before, or something was written
    /// between them: who takes a key without a word and then the same one again needed two for one
    /// answer.
    KeysAnswered,
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
    /// What the expression's one group captures, each time it is found, is the pid of another process
    /// that the program made.
    TellsChildren(String),
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
                | Self::TellsChildren(_)
        )
    }
}
