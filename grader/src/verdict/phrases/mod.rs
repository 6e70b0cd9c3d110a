//! What explanations say, once per language.
//!
//! Everything that is said is a [`Phrase`]; each language says every phrase, so that a sentence
//! cannot be forgotten in one of them.

mod en;
mod ru;

use supervisor::event::LimitKind;

use crate::lab::Lang;

/// Something an explanation can say. Texts inside are names, calls and bytes, the same in every
/// language, or parts said by a phrase before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phrase<'a> {
    // What makes two lines differ though they look alike.
    NewlineMissing,
    NewlineTooMany,
    BlankMissing,
    BlankTooMany,
    CarriageReturn,
    NulByte,
    BlanksDiffer,
    CaseOnly,
    LookAlikes(&'a str),
    Encoding(&'a str),
    LineBreaks,
    EmptyLine,
    CameLater(u32),
    OnStderr,
    Wrote(&'a str),
    WroteNothing,

    // What a call means.
    PeerFinished(&'a str),
    OtherSideFinished,
    EndOfFile,
    EmptyMessage,
    InputEnded,
    NothingTyped,
    ReaderGone,
    Reset,
    AddressTaken,
    PortTaken,
    Interrupted,
    MadeAgain,
    NothingListens,
    NoSuchFile,
    NobodyReads,
    Short {
        done: i64,
        asked: i64,
    },
    Repeated(u64),
    StillWaits,

    // Who is meant.
    Child(u16),
    ChildOf(&'a str, u16),

    // Who waits for whom.
    InQueue {
        peer: &'a str,
        server: &'a str,
    },
    Waits {
        who: &'a str,
        call: &'a str,
        what: &'a str,
        ends: &'a str,
    },
    WaitsAtMost {
        who: &'a str,
        call: &'a str,
        what: &'a str,
        ms: u64,
    },
    Polls {
        who: &'a str,
        call: &'a str,
        ms: u64,
    },
    SpinsInCall {
        who: &'a str,
        call: &'a str,
    },
    SpinsBetween {
        who: &'a str,
        call: &'a str,
    },
    Computes(&'a str),
    IsStopped(&'a str),
    IsZombie(&'a str),
    CannotBeSeen(&'a str),

    // What is waited for.
    PipeToRead(&'a str),
    PipeToWrite(&'a str),
    SocketToRead(&'a str),
    SocketToWrite(&'a str),
    Connection(&'a str),
    OneOf(&'a str),
    AnyChild,
    /// A thread of the process that waits, by its number.
    Thread(u16),
    ThreadOf(&'a str, u16),
    EndOf(&'a str),
    MutexOf(&'a str),
    MutexOfNobody,
    StreamOf(&'a str),
    FileLock(&'a str),
    SomeLock,
    ASignal,
    FifoEnd(&'a str),
    ATerminal,
    TimeOnly,

    // Who could end it.
    WriteEndInItself {
        who: &'a str,
        fd: Option<i32>,
    },
    ReadEndInItself {
        who: &'a str,
        fd: Option<i32>,
    },
    WriteEndIn {
        who: &'a str,
        fd: Option<i32>,
    },
    ReadEndIn {
        who: &'a str,
        fd: Option<i32>,
    },
    EndedBy(&'a str),
    HeldByItself {
        who: &'a str,
        fd: Option<i32>,
    },
    HeldBy {
        who: &'a str,
        fd: Option<i32>,
    },
    ByGrader,
    GraderOpens,
    ByPeer(&'a str),
    ByNobody,
    ByUnknown(&'a str),
    ByUnowned,

    // Ends and crashes.
    Killed {
        who: &'a str,
        signal: &'a str,
        meaning: &'a str,
    },
    EndedEarlier {
        who: &'a str,
        step: u32,
        how: &'a str,
    },
    NeverListened(&'a str),
    BindFailed {
        who: &'a str,
        address: &'a str,
        error: &'a str,
    },
    ExecFailed {
        who: &'a str,
        error: &'a str,
    },
    LimitReached {
        who: &'a str,
        limit: LimitKind,
        most: u64,
    },
    RunLimit {
        limit: LimitKind,
        most: u64,
    },
    ActFailed(&'a str),
    SignalMeaning(i32),

    // Notes that cost nothing.
    WithoutArguments(&'a str),
    WroteToInput(&'a str),
    ListensElsewhere {
        who: &'a str,
        address: &'a str,
    },
    ConnectsElsewhere {
        who: &'a str,
        address: &'a str,
    },
    NameNotCleared {
        who: &'a str,
        address: &'a str,
    },
    NameCut {
        who: &'a str,
        address: &'a str,
    },
    NameFull {
        who: &'a str,
        address: &'a str,
    },
    NameBehindNul {
        who: &'a str,
        address: &'a str,
    },
    NameEmpty(&'a str),
    IsTcp {
        who: &'a str,
        address: &'a str,
        listens: bool,
    },
    AtDeclared {
        who: &'a str,
        address: &'a str,
        listens: bool,
    },
    FromEnvironment(&'a str),
    WithPath(&'a str),
    WithPathRole(&'a str),
    WithPort(&'a str),
    OwnArguments(&'a str),
    OnTerminal(&'a str),
    CostsNothing,
    Costs(&'a str),
    HowToClear,
    HowToMeasure,
    HowToFill,
    HowToUnix,
    HowToArgv,
    HowToArguments,
    HowToFlush,
    Ignored {
        who: &'a str,
        what: &'a str,
    },
    OnlyAtExit(&'a str),
    TwiceAfterFork {
        who: &'a str,
        text: &'a str,
    },
}

impl Phrase<'_> {
    pub(super) fn say(self, lang: Lang) -> String {
        match lang {
            Lang::En => en::say(self),
            Lang::Ru => ru::say(self),
        }
    }
}

/// `41 812`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    // Four digits are read at a glance.
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `, fd 4`, where the descriptor is known.
fn by_fd(fd: Option<i32>) -> String {
    fd.map_or_else(String::new, |fd| format!(", fd {fd}"))
}

/// ` (text)`, where there is one.
fn in_brackets(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

/// `, text`, where there is one.
fn comma(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(", {text}")
    }
}

/// `; text`, where there is one.
fn semicolon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("; {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(41_812), "41 812");
        assert_eq!(grouped(1_000_000), "1 000 000");
    }

    #[test]
    fn each_language_has_its_own_sentence() {
        let phrase = Phrase::InQueue {
            peer: "bob",
            server: "server",
        };
        assert_eq!(
            phrase.say(Lang::En),
            "bob waits in the queue of <socket> until server calls accept"
        );
        assert_eq!(
            phrase.say(Lang::Ru),
            "bob ждёт в очереди <socket>, пока server не вызовет accept"
        );
    }
}
