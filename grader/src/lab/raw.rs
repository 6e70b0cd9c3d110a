//! The lab file as it is written. Descriptions here become the descriptions of the JSON Schema, so
//! they speak to the author of a lab.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::decode::{At, Blocks, Decode, Named, Sink, Some1, table, word, words};

table! {
    /// A lab of `grader`: the programs a student hands in, the requirements that earn points, and
    /// the scenarios that show whether they are met.
    #[schemars(title = "lab.toml", extend("required" = ["lab", "programs", "requirement", "scenario"]))]
    "a lab file"
    struct LabFile {
        /// What the lab is called and what it teaches.
        lab("lab"): Header,
        /// The programs (roles) a student hands in, by name: `[programs.server]`. Their order is
        /// the order of their lanes in transcripts.
        programs("programs"): Named<Program>,
        /// Programs of the lab's own, by name: `[tools.child]`. They are compiled from C files in
        /// the lab's directory `tools`, and whatever a scenario runs can execute them by name.
        tools("tools"): Named<Tool>,
        /// What earns points. The points add up to 100.
        requirement("requirement"): Blocks<Requirement>,
        /// How it is found out whether the requirements are met. Each scenario starts afresh.
        scenario("scenario"): Blocks<Scenario>,
    }
}

table! {
    /// What the lab is called and what it teaches.
    #[schemars(extend("required" = ["id", "title"]))]
    "`[lab]`"
    struct Header {
        /// The lab's name on the command line: `us-upper`.
        id("id"): String,
        /// Its title.
        title("title"): Text,
        /// How hard: 1 (first week, the default) to 6.
        level("level"): u64,
        /// What it teaches, in a word each: `["socket", "bind"]`.
        concepts("concepts"): Vec<At<String>>,
        /// Its numbers in the course's list of tasks, by which `grader check DIR` knows it from a
        /// directory's name: `[30]`. An id like `course-30` says so by itself.
        numbers("numbers"): Vec<At<u64>>,
        /// The semester of that list: 1 (the default) to 8.
        semester("semester"): u64,
    }
}

table! {
    /// A text in the languages of the course.
    #[schemars(extend("required" = ["en"]))]
    "a text: a table with `en` and `ru`"
    struct Text {
        /// English.
        en("en"): String,
        /// Russian; English is shown where it is missing.
        ru("ru"): String,
    }
}

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
pub(super) enum Stream {
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

/// The schema of a value that has two forms.
macro_rules! either_schema {
    ($name:ident, $description:literal, [$($form:ty),*]) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(g: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "anyOf": [$(g.subschema_for::<$form>()),*] })
            }
        }
    };
}

either_schema!(
    Stream,
    "How a stream is compared.",
    [StreamWord, StreamContains]
);

table! {
    /// What earns points.
    #[schemars(extend("required" = ["id", "points", "title"]))]
    "a requirement"
    struct Requirement {
        /// Its name: `s-duplex`.
        id("id"): String,
        /// What it earns. 0: reported, not scored. All together: 100.
        points("points"): u64,
        /// One sentence: what is so when it is met.
        title("title"): Text,
        /// What to do when it is not met.
        hint("hint"): Text,
        /// Requirements without which this one cannot be judged: if one of them is not met, this
        /// one is "not reached" instead of failed.
        needs("needs"): Vec<At<String>>,
    }
}

table! {
    /// A scenario: stimuli, each followed by a wait until nothing more can happen.
    #[schemars(extend("required" = ["id"]))]
    "a scenario"
    struct Scenario {
        /// Its name: `one-then-the-next`.
        id("id"): String,
        /// For people.
        title("title"): Text,
        /// Who plays which role: `{ server = "student", client = "reference" }`. Without it all
        /// programs are the student's; with it the roles not named are the reference's.
        cast("cast"): Named<Player>,
        /// How a program is connected and compared in this scenario:
        /// `{ filter = { stdout-to = "full" } }`.
        setup("setup"): Named<Setup>,
        /// What the steps prove that say nothing themselves.
        proves("proves"): Proves,
        /// The steps, as inline tables: `steps = [ { start = "server" }, … ]`.
        steps("steps"): Blocks<Step>,
        /// The steps, as `[[scenario.step]]` tables.
        step("step"): Blocks<Step>,
        /// Properties judged over the whole scenario, where the text itself differs from run to
        /// run.
        check("check"): Blocks<Check>,
        /// What is right here depends on the kernel: a submission is compared with what the
        /// reference does on the same machine, not with the snapshot.
        calibrated("calibrated"): bool,
        /// Longest time in seconds: a last resort, not a judgement.
        wall_seconds("wall-seconds"): u64,
        /// What does not count in any lane of this scenario, where a program says nothing else:
        /// `["case", "cr"]`.
        ignore("ignore"): Vec<At<Ignore>>,
        /// The scenario has a network of its own, in which the port of a TCP connection stays taken
        /// for a while after its end (`true`).
        own_network("own-network"): bool,
    }
}

words! {
    /// Who plays a role.
    "a player"
    enum Player {
        /// The submission.
        Student = "student",
        /// The reference program.
        Reference = "reference",
    }
}

table! {
    /// How a program is connected and compared in one scenario.
    "a setup"
    struct Setup {
        /// Arguments instead of the program's. `{socket}` is the address.
        args("args"): Vec<At<String>>,
        /// Its standard input: a pipe held by the grader unless said otherwise.
        stdin("stdin"): Input,
        /// Its standard output: a pipe read by the grader unless said otherwise.
        stdout_to("stdout-to"): Output,
        /// Its standard error: a pipe read by the grader unless said otherwise. A terminal is the
        /// one that its other streams have, and what it writes there is its standard output.
        stderr_to("stderr-to"): Output,
        /// How its standard output is compared here.
        stdout("stdout"): Stream,
        /// How its standard error is compared here.
        stderr("stderr"): Stream,
        /// How its exit status is compared here.
        exit("exit"): Exit,
        /// Watch what its signal handlers do (for `inspect = "handlers"`).
        audit_handlers("audit-handlers"): bool,
        /// Its connections hold as little as the kernel allows: whoever has to wait for room waits
        /// after a few kilobytes.
        small_buffers("small-buffers"): bool,
        /// What does not count where its output is compared here.
        ignore("ignore"): Vec<At<Ignore>>,
        /// What peers that connect to it send waits in little room as well.
        small_peers("small-peers"): bool,
        /// Its file mode creation mask, `0o022` unless said otherwise.
        umask("umask"): u64,
        /// How many descriptors it may have open, 8 or more.
        descriptors("descriptors"): u64,
        /// What kind of socket it has here.
        socket("socket"): SocketWord,
        /// How many bytes its files may have (`RLIMIT_FSIZE`).
        file_size("file-size"): u64,
    }
}

words! {
    /// Standard input of a program.
    "a standard input"
    enum Input {
        /// A pipe held by the grader; see the steps `type` and `eof`.
        Pipe = "pipe",
        /// `/dev/null`.
        Null = "null",
        /// Not open.
        Closed = "closed",
        /// A raw terminal.
        Pty = "pty",
        /// The controlling terminal, with line editing, echo and output processing; `eof` types its
        /// end-of-file character. When the first process ends, its children are not hung up.
        Tty = "tty",
    }
}

words! {
    /// Standard output of a program.
    "a standard output"
    enum Output {
        /// A pipe read by the grader.
        Pipe = "pipe",
        /// `/dev/null`.
        Null = "null",
        /// `/dev/full`: every write fails with `ENOSPC`.
        Full = "full",
        /// Not open.
        Closed = "closed",
        /// A raw terminal.
        Pty = "pty",
    }
}

/// What a step proves.
#[derive(Clone, Debug)]
pub(super) enum Proves {
    /// Requirements; the step's whole reaction counts.
    Whole(Vec<At<String>>),
    /// Requirements with the lanes that count.
    Lanes(Named<Some1<String>>),
}

impl Decode for Proves {
    fn expected() -> Cow<'static, str> {
        "a list of requirements, or a table from requirements to lanes".into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(_) => Named::decode(value, sink).map(Self::Lanes),
            _ => Vec::decode(value, sink).map(Self::Whole),
        }
    }
}

either_schema!(
    Proves,
    "What a step proves: a list of requirements (then the step's whole reaction counts), or a table from requirement \
     to the lanes that count: `{ s-bye = [\"server exit\", \"server unlink\"] }`. A lane is `LANE[.CHANNEL] [WORD]`: \
     `server`, `server.out`, `alice <`, `server =`, `server exit`.",
    [Vec<String>, Named<Some1<String>>]
);

table! {
    /// A step: exactly one stimulus (or `all` for several without a wait between them), and what
    /// the reaction proves. After it the grader waits until nothing more can happen.
    "a step"
    struct Step {
        /// Start a program, by its role: `start = "server"`.
        start("start"): String,
        /// Write to a program's standard input: `type = { filter = "text" }`.
        type_("type"): Named<Data>,
        /// Close a program's standard input once it has taken everything: `eof = "filter"`.
        eof("eof"): String,
        /// Stop reading a program's output and close the reading end: at once
        /// (`leave = "filter"`), or after so many bytes more (`leave = { filter = 1 }`).
        leave("leave"): Leave,
        /// A peer played by the grader connects: `connect = "alice"`, or
        /// `connect = { peer = "alice", to = "server", stalled = true }`.
        connect("connect"): Connect,
        /// A peer listens at the scenario's address, in place of a server: `listen = "desk"`, or
        /// `listen = { peer = "desk", socket = "datagram" }`.
        listen("listen"): Listen,
        /// A listening peer takes the next connection: `accept = "alice"`, or
        /// `accept = { peer = "alice", on = "desk", stalled = true }`.
        accept("accept"): Accept,
        /// A peer opens one end of a FIFO: `open = { writer = "alice", path = "fifo" }`.
        open("open"): Open,
        /// A peer writes into a FIFO, each piece by one `write`: `write = { alice = "record\n" }`.
        write("write"): Sends,
        /// A peer sends: `send = { alice = "ab" }`.
        send("send"): Sends,
        /// A peer half-closes: nothing more will be sent. `shutdown = "alice"`.
        shutdown("shutdown"): Peers,
        /// A peer closes at once, with whatever is unread: `close = "alice"`.
        close("close"): Peers,
        /// A peer closes at once, and the other side sees a reset, even if nothing is unread. Over TCP
        /// only: `reset = "alice"`.
        reset("reset"): Peers,
        /// A peer stops reading: `stall = "alice"`.
        stall("stall"): Peers,
        /// A peer reads again: `resume = "alice"`.
        resume("resume"): Peers,
        /// Send a signal: `signal = { server = "SIGTERM" }`, or
        /// `signal = { server = { signal = "SIGINT", count = 50, process = 1 } }`.
        signal("signal"): Named<Signal>,
        /// Let so many milliseconds pass: `advance = 5000`.
        advance("advance"): u64,
        /// Change a file of the working directory: `file = { stale = "{socket}" }`.
        file("file"): File,
        /// Look at a program: `inspect = { filter = "tree" }`. What is seen stands in the lane's
        /// channels.
        inspect("inspect"): Named<Some1<Inspect>>,
        /// Interfere with a program's system calls from now on; allowed before its `start`.
        disturb("disturb"): Named<Disturb>,
        /// Let go the threads of a program that `freeze` keeps: `thaw = "server"`.
        thaw("thaw"): String,
        /// Several stimuli, one after another without a wait in between:
        /// `all = [ { send = { alice = "x" } }, { shutdown = "alice" } ]`.
        all("all"): Blocks<Step>,
        /// Steps to be done several times. `{n}` in names and texts is the round, from 1:
        /// `repeat = { times = 3, steps = [ { connect = "client-{n}" } ] }`.
        repeat("repeat"): Repeat,
        /// What the reaction proves.
        proves("proves"): Proves,
    }
}

table! {
    /// Steps to be done several times.
    #[schemars(extend("required" = ["times", "steps"]))]
    "a repetition"
    struct Repeat {
        /// How often.
        times("times"): u64,
        /// What.
        steps("steps"): Blocks<Step>,
    }
}

/// When a program's output is left.
#[derive(Clone, Debug)]
pub(super) enum Leave {
    Now(String),
    After(Named<u64>),
}

impl Decode for Leave {
    fn expected() -> Cow<'static, str> {
        "a program, or a table from a program to a number of bytes".into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(_) => Named::decode(value, sink).map(Self::After),
            _ => String::decode(value, sink).map(Self::Now),
        }
    }
}

either_schema!(Leave, "A program, or a table from a program to a number of bytes.", [String, Named<u64>]);

/// Data by peer.
pub(super) type Sends = Named<Data>;

table! {
    /// One end of a FIFO: exactly one of `reader`, `writer`.
    #[schemars(extend("required" = ["path"]))]
    "an open FIFO"
    struct Open {
        /// A peer that reads, with a name new in this scenario. It is there at once.
        reader("reader"): String,
        /// A peer that writes. It waits until somebody opens the FIFO for reading.
        writer("writer"): String,
        /// The FIFO.
        path("path"): String,
        /// The reader does not read until `resume`.
        stalled("stalled"): bool,
        /// How what the reader receives is compared: `"exact"` unless said otherwise.
        receives("receives"): Stream,
        /// How many bytes the FIFO holds, 4096 or more.
        room("room"): u64,
    }
}

/// One peer or several.
pub(super) type Peers = Some1<String>;

/// A table with a short form: a string instead of its first key.
macro_rules! short_form {
    ($name:ident, $table:ident, $key:ident, $description:literal) => {
        #[derive(Clone, Debug)]
        pub(super) struct $name(pub(super) $table);
        impl Decode for $name {
            fn expected() -> Cow<'static, str> {
                $description.into()
            }
            fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
                match value.get_ref() {
                    DeValue::String(text) => Some(Self($table {
                        $key: Some(At {
                            key: value.span(),
                            span: value.span(),
                            value: text.clone().into_owned(),
                        }),
                        ..$table::default()
                    })),
                    DeValue::Table(_) => $table::decode(value, sink).map(Self),
                    _ => {
                        expected(value, &Self::expected(), sink);
                        None
                    }
                }
            }
        }
        either_schema!($name, $description, [String, $table]);
    };
}

fn expected(value: &Spanned<DeValue<'_>>, what: &str, sink: &mut Sink) {
    sink.push(super::diagnostics::Diagnostic::error(
        value.span(),
        format!("expected {what}"),
    ));
}

short_form!(
    Connect,
    ConnectTable,
    peer,
    "the name of a peer, or a table with `peer`"
);
table! {
    /// A connection made by a peer.
    #[schemars(extend("required" = ["peer"]))]
    "a connection"
    struct ConnectTable {
        /// The peer's name, new in this scenario.
        peer("peer"): String,
        /// The program it connects to; needed only where several have an address.
        to("to"): String,
        /// It does not read until `resume`.
        stalled("stalled"): bool,
        /// It connects as another user than the program's: the rights of the socket's file count.
        stranger("stranger"): bool,
        /// How what it receives is compared: `"exact"` unless said otherwise.
        receives("receives"): Stream,
        /// What kind of socket the peer has: that of the program unless said otherwise.
        socket("socket"): SocketWord,
        /// The name of the peer's own socket: a path in the working directory, `"@name"` for an
        /// abstract one, or `"auto"` for one that the kernel chooses. Without a name nobody can
        /// answer a datagram.
        bind("bind"): String,
        /// Datagrams: `false` for a peer that sends to the program's name without connecting, and
        /// takes messages from anybody.
        connected("connected"): bool,
        /// With TCP: the address at which it looks for the program, such as `"127.0.0.1"` or `"::1"`.
        host("host"): String,
    }
}

short_form!(
    Listen,
    ListenTable,
    peer,
    "the name of a peer, or a table with `peer`"
);
table! {
    /// A peer that listens.
    #[schemars(extend("required" = ["peer"]))]
    "a peer that listens"
    struct ListenTable {
        /// The peer's name, new in this scenario.
        peer("peer"): String,
        /// What kind of socket; that of the program with an address unless said otherwise. One of
        /// datagrams receives what is sent to it, and answers to whoever sent the last one.
        socket("socket"): SocketWord,
        /// With TCP: the address, `"127.0.0.1"` unless said otherwise, or `"::1"`.
        host("host"): String,
        /// How what it receives is compared, if it takes datagrams: `"exact"` unless said
        /// otherwise.
        receives("receives"): Stream,
    }
}

short_form!(
    Accept,
    AcceptTable,
    peer,
    "the name of a connection, or a table with `peer`"
);
table! {
    /// A connection taken by a listening peer.
    #[schemars(extend("required" = ["peer"]))]
    "a connection"
    struct AcceptTable {
        /// The name of the connection, new in this scenario.
        peer("peer"): String,
        /// The listening peer; needed only where there are several.
        on("on"): String,
        /// It does not read until `resume`.
        stalled("stalled"): bool,
        /// How what it receives is compared: `"exact"` unless said otherwise.
        receives("receives"): Stream,
    }
}

short_form!(
    Signal,
    SignalTable,
    signal,
    "the name of a signal, or a table with `signal`"
);
table! {
    /// A signal.
    #[schemars(extend("required" = ["signal"]))]
    "a signal"
    struct SignalTable {
        /// Its name: `SIGTERM`.
        signal("signal"): String,
        /// How often, in a row without a wait.
        count("count"): u64,
        /// To which process: 0 (the default) is the one the grader started, 1 the first it forked.
        process("process"): u64,
    }
}

short_form!(
    Data,
    DataTable,
    text,
    "a text, or a table with `text`, `bytes`, `random` or `repeat`"
);
table! {
    /// Bytes to send: exactly one of `text`, `bytes`, `random`, `repeat`.
    "data"
    struct DataTable {
        /// This text. `{nonce}` is a word drawn anew for each run (written `<nonce>` in
        /// transcripts, `<NONCE>` in upper case).
        text("text"): String,
        /// `"all"`: each byte value once, 0 to 255.
        bytes("bytes"): BytesWord,
        /// So many random letters, digits and newlines.
        random("random"): u64,
        /// The seed of `random`; 1 unless said otherwise.
        seed("seed"): u64,
        /// This text again and again.
        repeat("repeat"): String,
        /// How often `repeat`.
        times("times"): u64,
        /// Send `text` so often as would fill so many queues of datagrams of this machine.
        fills("fills"): u64,
        /// Send in pieces of these lengths (the last one repeats), waiting after each until
        /// nothing more can happen.
        pieces("pieces"): Vec<At<u64>>,
    }
}

words! {
    /// Which bytes.
    "a set of bytes"
    enum BytesWord {
        /// Each value once, 0 to 255.
        All = "all",
    }
}

table! {
    /// A change of a file: exactly one of `write`, `stale`, `fifo`, `directory`, `chmod`, `remove`.
    "a file step"
    struct File {
        /// Write this file. `{socket}` is the address.
        write("write"): String,
        /// The content for `write`.
        content("content"): String,
        /// Leave a socket file on which nobody listens.
        stale("stale"): String,
        /// Make a FIFO.
        fifo("fifo"): String,
        /// Make an empty directory.
        directory("directory"): String,
        /// Change the permission bits of this file.
        chmod("chmod"): String,
        /// Permission bits for `write` (0o644 unless said otherwise), `fifo` (0o600), `directory`
        /// (0o755) and `chmod`: `0o600`.
        mode("mode"): u64,
        /// Remove this file.
        remove("remove"): String,
    }
}

words! {
    /// What to look at.
    "something to inspect"
    enum Inspect {
        /// Live processes and the pipes between them (channel `tree`), descriptors they should not
        /// have kept (channel `spare`).
        Tree = "tree",
        /// The number of open descriptors (channel `fds`).
        Fds = "fds",
        /// Whether it waits without using CPU (channel `idle`).
        Idle = "idle",
        /// Which children were reaped, orphaned, left as zombies (channel `family`).
        Family = "family",
        /// What its signal handlers did that they must not (channel `handler`).
        Handlers = "handlers",
        /// Which signals have a handler, are ignored, are blocked (channel `signals`).
        Signals = "signals",
        /// Whether the terminal at its standard input is set as it was before the program started
        /// (channel `terminal`).
        Terminal = "terminal",
        /// What is in the working directory beside the programs: what each file is (channel
        /// `files`), its permission bits (`modes`), how it begins (`contents`).
        Files = "files",
        /// The lines of the regular files there (channel `lines`).
        Lines = "lines",
        /// How many threads each process has (channel `threads`).
        Threads = "threads",
        /// Which descriptors its descendants hold (channel `held`), which signals they block or
        /// ignore (channel `inherited`), which of their standard streams are the grader's own
        /// (channel `shared`).
        Children = "children",
    }
}

table! {
    /// An interference with system calls: exactly one of `fail`, `at-most`, `signal-before`,
    /// `signal-after`, `delay`, `freeze`, `first`.
    #[schemars(extend("required" = ["calls"]))]
    "a disturbance"
    struct Disturb {
        /// The calls, by name: `["read", "recvfrom"]`.
        calls("calls"): Vec<At<String>>,
        /// Only on descriptors that lead to this.
        on("on"): On,
        /// Only the nth such call from now on, from 1.
        nth("nth"): u64,
        /// The nth such call from now on and all later ones.
        from("from"): u64,
        /// The call fails with this error: `"EIO"`.
        fail("fail"): String,
        /// The call reads or writes at most so many bytes.
        at_most("at-most"): u64,
        /// This signal comes exactly before the call.
        signal_before("signal-before"): String,
        /// This signal comes exactly after the call.
        signal_after("signal-after"): String,
        /// The thread is kept before the call for so many milliseconds.
        delay("delay"): u64,
        /// The thread is kept before the call until `thaw` (`true`).
        freeze("freeze"): bool,
        /// After this fork the other side goes on when everybody else rests.
        first("first"): First,
    }
}

words! {
    /// Who goes on first after a fork.
    "a side of a fork"
    enum First {
        /// The new process.
        Child = "child",
        /// The one that has forked.
        Parent = "parent",
    }
}

words! {
    /// What a descriptor leads to.
    "a kind of descriptor"
    enum On {
        /// Anything; also calls without a descriptor.
        Any = "any",
        /// A socket.
        Socket = "socket",
        /// A pipe or FIFO.
        Pipe = "pipe",
        /// Descriptor 0, 1 or 2.
        Standard = "standard",
    }
}

words! {
    /// What a program writes to.
    "an output stream"
    enum CheckStream {
        /// Standard output.
        Stdout = "stdout",
        /// Standard error.
        Stderr = "stderr",
    }
}

table! {
    /// A property of a program in the whole scenario, or in some of its steps: exactly one of
    /// `count-equals`, `count-between`, `counts`, `counts-least`, `subsequence`, `contains`,
    /// `absent`, `matches`, `ended`, `unlinked`, `no-socket-left`, `live`, `waits-in`, `holds`, `executed`, `called`,
    /// `not-called`, or, of what peers received, `exclusive`, `count`, `each-once`, `in-order`, `same-order`,
    /// `received`.
    #[schemars(extend("required" = ["id", "proves"]))]
    "a check"
    struct Check {
        /// Its name, unique in the scenario: `bels-are-counted`.
        id("id"): String,
        /// Requirements it proves.
        proves("proves"): Vec<At<String>>,
        /// The program; needed only where the scenario starts several.
        program("program"): String,
        /// Where it is looked for: `"stdout"` unless said otherwise.
        stream("stream"): CheckStream,
        /// A text occurs as often as the output itself says.
        count_equals("count-equals"): CountEquals,
        /// A text occurs between so and so often.
        count_between("count-between"): CountBetween,
        /// Texts with the number of times each occurs, no more and no less:
        /// `{ B = 4000, C = 4000 }`.
        counts("counts"): Named<u64>,
        /// Texts with the number of times each occurs at least.
        counts_least("counts-least"): Named<u64>,
        /// The bytes of this text come in this order; others may stand between them, and white
        /// space does not count.
        subsequence("subsequence"): String,
        /// Each of these texts occurs.
        contains("contains"): Vec<At<String>>,
        /// None of these texts occurs.
        absent("absent"): Vec<At<String>>,
        /// A regular expression that is found somewhere: `'(^|\D)42(\D|$)'`.
        matches("matches"): String,
        /// The program has ended.
        ended("ended"): Ended,
        /// The socket file that the program bound, if its address is a file, is gone (`true`).
        unlinked("unlinked"): bool,
        /// Every socket file that the program bound, if any, is gone (`true`).
        no_socket_left("no-socket-left"): bool,
        /// Some of the program's output is there before the program has ended (`true`): in an
        /// earlier step, or while it still runs.
        live("live"): bool,
        /// When nothing more can happen, the program's first process waits in one of these
        /// system calls: `["poll", "select"]`.
        waits_in("waits-in"): Vec<At<String>>,
        /// A statement about the program's processes and pipes.
        holds("holds"): Statement,
        /// Each of these programs was executed: `["sh", "wc"]`.
        executed("executed"): Vec<At<String>>,
        /// The program made each of these system calls: `["bind"]`.
        called("called"): Vec<At<String>>,
        /// The program made none of these system calls: `["listen", "accept"]`.
        not_called("not-called"): Vec<At<String>>,
        /// Of these peers exactly one received a line that begins so, and it once.
        exclusive("exclusive"): Exclusive,
        /// Each of these peers received so many lines that begin so.
        count("count"): Count,
        /// Each of these peers received each of these lines exactly once.
        each_once("each-once"): Lines,
        /// Each of these peers received these lines in this order; others may stand between them.
        in_order("in-order"): Lines,
        /// What two of these peers both received came to both in the same order.
        same_order("same-order"): SameOrder,
        /// What each of these peers received matches a regular expression.
        received("received"): Received,
        /// Only what came in this step or later, counted from 1, repetitions unrolled.
        from("from"): u64,
        /// Only what came in this step or earlier.
        until("until"): u64,
    }
}

words! {
    /// A statement about a program's processes and pipes.
    "a statement"
    enum Statement {
        /// The text that was written into the program's own pipe (of several: the one into which
        /// most was written) was printed in upper case, whatever stands between its characters.
        PipedTextInUpperCase = "piped-text-in-upper-case",
        /// That text has small and capital letters.
        PipedTextInBothCases = "piped-text-in-both-cases",
        /// A process read from a pipe into which another one wrote.
        PipeJoinsProcesses = "pipe-joins-processes",
        /// The program's first process waited for each child it made.
        ChildrenReaped = "children-reaped",
        /// No process wrote to descriptor 0.
        InputNotWritten = "input-not-written",
    }
}

words! {
    /// How a program has ended.
    "a way to end"
    enum Ended {
        /// It called exit or returned from main, with whatever status.
        Exit = "exit",
        /// With status 0.
        Zero = "zero",
        /// By a signal too (SIGPIPE, SIGTERM), but not by a crash: SIGSEGV, SIGBUS, SIGFPE, SIGILL,
        /// SIGSYS, SIGABRT.
        NoCrash = "no-crash",
        /// It may still run; if it has ended, then not by a crash.
        NotCrashed = "not-crashed",
        /// However it ended, by a signal too.
        Anyhow = "anyhow",
    }
}

table! {
    /// A text occurs as often as the output itself says.
    #[schemars(extend("required" = ["text", "says"]))]
    "a table with `text` and `says`"
    struct CountEquals {
        /// What is counted.
        text("text"): String,
        /// A regular expression whose first group captures the number: `'count (\d+)'`.
        says("says"): String,
    }
}

table! {
    /// A text occurs between so and so often, both included.
    #[schemars(extend("required" = ["text", "least", "most"]))]
    "a table with `text`, `least` and `most`"
    struct CountBetween {
        /// What is counted.
        text("text"): String,
        /// At least.
        least("least"): u64,
        /// At most.
        most("most"): u64,
    }
}

table! {
    /// One peer of several received it.
    #[schemars(extend("required" = ["begins", "peers"]))]
    "a table with `begins` and `peers`"
    struct Exclusive {
        /// How the line begins: `"OK "`.
        begins("begins"): String,
        /// The peers.
        peers("peers"): Vec<At<String>>,
    }
}

table! {
    /// How many lines each peer received.
    #[schemars(extend("required" = ["begins", "times", "peers"]))]
    "a table with `begins`, `times` and `peers`"
    struct Count {
        /// How the lines begin: `"<ann> "`.
        begins("begins"): String,
        /// How many there are.
        times("times"): u64,
        /// The peers.
        peers("peers"): Vec<At<String>>,
    }
}

table! {
    /// Lines that each peer received.
    #[schemars(extend("required" = ["lines", "peers"]))]
    "a table with `lines` and `peers`"
    struct Lines {
        /// The lines, whole, without their newlines.
        lines("lines"): Vec<At<String>>,
        /// The peers.
        peers("peers"): Vec<At<String>>,
    }
}

table! {
    /// Peers that see the same order.
    #[schemars(extend("required" = ["peers"]))]
    "a table with `peers`"
    struct SameOrder {
        /// The peers, two or more.
        peers("peers"): Vec<At<String>>,
    }
}

table! {
    /// What each peer received as a whole.
    #[schemars(extend("required" = ["matches", "peers"]))]
    "a table with `matches` and `peers`"
    struct Received {
        /// A regular expression that is found in it: `'^(A\nB\n)*$'`.
        matches("matches"): String,
        /// The peers.
        peers("peers"): Vec<At<String>>,
    }
}
