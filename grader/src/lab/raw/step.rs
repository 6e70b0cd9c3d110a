//! Steps: what the grader does, and what that proves.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::{SocketWord, Stream, either_schema, expected, short_form};
use crate::lab::decode::{At, Blocks, Decode, Named, Sink, Some1, table, words};

/// What a step proves.
#[derive(Clone, Debug)]
pub(in crate::lab) enum Proves {
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
pub(in crate::lab) enum Leave {
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
pub(in crate::lab) type Sends = Named<Data>;

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
pub(in crate::lab) type Peers = Some1<String>;

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
        /// So many times the content, for a long file.
        times("times"): u64,
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
        /// The same as if the first number before a tab in each file were 1 (channel `counted`): of a
        /// count that begins elsewhere the rest may be right.
        Counted = "counted",
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
