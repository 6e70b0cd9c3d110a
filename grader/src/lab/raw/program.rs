//! The roles: programs, tools, and how what they say is compared.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::{either_schema, expected};
use crate::lab::decode::{At, Decode, Named, Sink, table, word, words};

table! {
    /// A program (role) a student hands in, with the reference program that plays it otherwise.
    #[schemars(extend("anyOf" = [{ "required": ["reference"] }, { "required": ["same-as"] }]))]
    "a program"
    struct Program {
        /// The executable a student's build makes: `us-server`. The default is the reference's
        /// name.
        executable("executable"): String,
        /// File name patterns that find its source where there is no Makefile or Cargo.toml, best
        /// first.
        sources("sources"): Vec<At<String>>,
        /// Arguments after the program's name. `{socket}` is the address chosen by the grader; with
        /// `socket = "tcp"`, `{port}` its port and `{host}` 127.0.0.1.
        args("args"): Vec<At<String>>,
        /// Its arguments are only offered: no sentence of the handout asks for them.
        args_offered("args-offered"): bool,
        /// Where its address comes from.
        address("address"): Address,
        /// The reference program that plays this role: `us-server`.
        reference("reference"): String,
        /// How its standard output is compared: `"exact"` unless said otherwise.
        stdout("stdout"): Stream,
        /// How its standard error is compared: `"free"` unless said otherwise.
        stderr("stderr"): Stream,
        /// How its exit status is compared.
        exit("exit"): Exit,
        /// Environment variables it is started with. `{socket}` in a value is the address:
        /// `{ SOCKET_PATH = "{socket}" }`.
        env("env"): Named<String>,
        /// What becomes of text that stdio keeps back because its output is a pipe.
        unflushed("unflushed"): Unflushed,
        /// The file that it reads: where a step writes it, a submission finds the same text under
        /// the names that its source has built in.
        reads("reads"): String,
        /// What does not count where its output is compared: `["cr", "trailing-space"]`.
        ignore("ignore"): Vec<At<Ignore>>,
        /// What kind of socket it has at its address: `"stream"` unless said otherwise. With
        /// `"tcp"`, `{port}` in its arguments is a port chosen by the grader.
        socket("socket"): SocketWord,
        /// This role is played by the same program as that one: a second client, a server that is
        /// started again. Everything not said here is as it is there.
        same_as("same-as"): String,
    }
}

words! {
    /// A kind of socket.
    "a kind of socket"
    enum SocketWord {
        /// A stream of bytes, unix(7).
        Stream = "stream",
        /// Datagrams, unix(7).
        Datagram = "datagram",
        /// Sequenced packets, unix(7).
        Seqpacket = "seqpacket",
        /// TCP over the loopback, tcp(7).
        Tcp = "tcp",
    }
}

table! {
    /// A program of the lab's own, which a student's program may execute.
    "a tool"
    struct Tool {
        /// Its source, a C file in the lab's directory `tools`. The default is the tool's name:
        /// `child.c`.
        source("source"): String,
    }
}

words! {
    /// What becomes of text that stdio keeps back because its output is a pipe.
    "a way to judge text that was not flushed"
    enum Unflushed {
        /// It is missing where it is due, and costs what is proved there.
        Costs = "costs",
        /// The scenario is run once more on a terminal. That run is judged, and the report tells
        /// of the missing flush.
        Noted = "noted",
    }
}

words! {
    /// What does not count where text is compared.
    "something that does not count"
    enum Ignore {
        /// Upper and lower case.
        Case = "case",
        /// Carriage returns at the end of a line.
        Cr = "cr",
        /// Blanks and tabs at the end of a line.
        TrailingSpace = "trailing-space",
        /// A newline that is missing, or one too many, at the end of what came in a step.
        LastNewline = "last-newline",
    }
}

words! {
    /// Where a program's address comes from.
    "a source of addresses"
    enum Address {
        /// It has none.
        None = "none",
        /// Its arguments name it. A program that uses another one is graded all the same, but
        /// loses the requirement that proves its `listen` line.
        Argv = "argv",
        /// Learnt from its own `bind` or `connect`; any is right.
        Discover = "discover",
    }
}

words! {
    /// How an exit status is compared.
    "a way to compare exit statuses"
    enum Exit {
        /// `exit 3`, `killed SIGPIPE`.
        Exact = "exact",
        /// `exit 0`, `exit failure` (whatever other code), `killed SIGPIPE`.
        Class = "class",
        /// `ended`, however it ended.
        Any = "any",
    }
}

words! {
    /// How a stream is compared, in a word.
    "a way to compare streams"
    enum StreamWord {
        /// Every byte, in the step in which it came.
        Exact = "exact",
        /// Shown once at the end, not compared.
        Free = "free",
        /// The expected lines come in order; others between them do not matter.
        LinesInOrder = "lines-in-order",
        /// Only whether something was written, in its step.
        Some = "some",
        /// Length and hash of what was written in the step: for large amounts.
        Digest = "digest",
        /// Whole lines, ordered by what stands before their first colon; those of one sender keep
        /// their order.
        BySender = "by-sender",
    }
}

/// How a stream is compared.
#[derive(Clone, Debug)]
pub(in crate::lab) enum Stream {
    Word(StreamWord),
    Contains(Vec<At<String>>),
}

table! {
    /// Which of these texts were written, in the step in which they came.
    #[schemars(extend("required" = ["contains"]))]
    "a table with `contains`"
    struct StreamContains {
        /// The texts. `{socket}` is the address, `{port}` its port.
        contains("contains"): Vec<At<String>>,
    }
}

impl Decode for Stream {
    fn expected() -> Cow<'static, str> {
        format!(
            "{} or {}",
            StreamWord::expected(),
            StreamContains::expected()
        )
        .into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(_) => {
                let table = StreamContains::decode(value, sink)?;
                if table.contains.is_none() && !table.shape.damaged {
                    expected(value, &StreamContains::expected(), sink);
                }
                table.contains.map(|texts| Self::Contains(texts.value))
            }
            _ => word(
                value,
                "a way to compare streams",
                StreamWord::WORDS,
                StreamWord::from_word,
                sink,
            )
            .map(Self::Word),
        }
    }
}

either_schema!(
    Stream,
    "How a stream is compared.",
    [StreamWord, StreamContains]
);
