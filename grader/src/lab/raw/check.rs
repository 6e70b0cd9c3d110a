//! Properties of a scenario.

use crate::lab::decode::{At, Named, table, words};

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
    /// `absent`, `matches`, `tells-children`, `ended`, `unlinked`, `no-socket-left`, `live`, `waits-in`, `holds`, `executed`, `called`,
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
        /// A regular expression with one group that captures a pid: each time it is found, that is the
        /// one of another process that the program made: `'(?m)^[0-9]+ ([0-9]+) [0-9]+$'`.
        tells_children("tells-children"): String,
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
        /// system calls: `["poll", "select"]`. If it only joins its one other thread, that does.
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
        /// A process of the program read letters, from whatever descriptor.
        LettersRead = "letters-read",
        /// The last key that the program read was not the same one as the key before, or it wrote
        /// something between them.
        KeysAnswered = "keys-answered",
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
        /// SIGSYS, SIGABRT, SIGALRM.
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
