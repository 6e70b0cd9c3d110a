//! Requirements, scenarios, and how a scenario sets its programs up.

use super::{Check, Exit, Ignore, Proves, SocketWord, Step, Stream, Text};
use crate::lab::decode::{At, Blocks, Named, table, words};

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
