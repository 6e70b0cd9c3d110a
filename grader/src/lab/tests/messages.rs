//! What an author reads.

use super::{HEAD, bad, errors, good, lint, step_errors, warnings, with};
use crate::lab::{Severity, Stimulus, lint_with};

const START: &str = "{ start = \"filter\", proves = [\"r\"] },";
const SERVE: &str = "{ start = \"server\", proves = [\"r\"] },";

#[test]
fn a_misspelt_step_is_shown_like_a_compiler_shows_it() {
    insta::assert_snapshot!(bad(&with("", "{ start = \"server\" },\n{ conect = \"alice\" },\n{ send = { alice = \"x\" }, proves = [\"r\"] },")).render(false), @r#"
    error: unknown step `conect`
      --> lab.toml:23:3
       |
    23 | { conect = "alice" },
       |   ^^^^^^ did you mean `connect`?

    1 error
    "#);
}

#[test]
fn several_errors_come_at_once() {
    let source = with("", "{ start = \"servr\" },\n{ start = \"filter\", prove = [\"r\"] },\n{ eof = \"filter\", proves = [\"q\"] },")
        .replace("points = 100", "points = \"100\"");
    insta::assert_snapshot!(bad(&source).render(false), @r#"
    error: expected a number, 0 or more
      --> lab.toml:14:10
       |
    14 | points = "100"
       |          ^^^^^ this is a string

    error: there is no program `servr`
      --> lab.toml:22:11
       |
    22 | { start = "servr" },
       |           ^^^^^^^ did you mean `server`?
       |
       = help: known: `server` and `filter`

    error: unknown key `prove` in a step
      --> lab.toml:23:21
       |
    23 | { start = "filter", prove = ["r"] },
       |                     ^^^^^ did you mean `proves`?

    3 errors
    "#);
}

#[test]
fn syntax_errors_are_all_shown() {
    insta::assert_snapshot!(bad("[lab\nid = \"x\"\ntitle = = 3\n[lab]\nid = 1\n").render(false), @r#"
    error: unclosed table, expected `]`
     --> lab.toml:1:5
      |
    1 | [lab
      |     ^

    error: extra `=`, expected nothing
     --> lab.toml:3:9
      |
    3 | title = = 3
      |         ^

    error: unexpected key or value, expected newline, `#`
     --> lab.toml:3:11
      |
    3 | title = = 3
      |           ^

    3 errors
    "#);
}

#[test]
fn points_needs_and_proofs() {
    let source = with("", START).replace("points = 100\n", "points = 30\nneeds = [\"q\"]\n")
        + "[[requirement]]\nid = \"q\"\npoints = 60\ntitle.en = \"Q\"\nneeds = [\"r\"]\n";
    insta::assert_snapshot!(bad(&source).render(false), @r#"
    error: requirement `q` is proved by no step
      --> lab.toml:26:6
       |
    26 | id = "q"
       |      ^^^
       |
       = help: name it in a step's `proves`, or in a `[[scenario.check]]`

    error: the points of 2 requirements add up to 90, not 100
      --> lab.toml:27:10
       |
    27 | points = 60
       |          ^^ 10 are missing

    error: requirements need each other in a circle
      --> lab.toml:29:10
       |
    29 | needs = ["r"]
       |          ^^^ `r` needs `q` needs `r`

    3 errors
    "#);
}

#[test]
fn colour_only_adds() {
    let diagnostics = bad(&with("", "{ conect = \"alice\" },"));
    let coloured = diagnostics.render(true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    assert_eq!(plain, diagnostics.render(false));
}

#[test]
fn positions_count_characters() {
    let source = "[lab]\nid = \"x\"\ntitle = { en = \"é\", eng = \"ü\" }\n";
    let diagnostics = bad(source);
    let finding = diagnostics
        .iter()
        .find(|d| d.message.contains("eng"))
        .unwrap();
    assert_eq!(diagnostics.position(finding), (3, 21));
}

#[test]
fn names_that_are_not_there() {
    for (steps, message) in [
        ("{ start = \"nobody\" },", "there is no program `nobody`"),
        ("{ eof = \"filter\" },", "`filter` has not been started"),
        ("{ send = { bob = \"x\" } },", "peer `bob` is not connected"),
        ("{ connect = \"bob\" },", "there is nothing to connect to"),
        ("{ accept = \"bob\" },", "no peer listens"),
        (
            "{ start = \"filter\", proves = [\"rr\"] },",
            "there is no requirement `rr`",
        ),
        (
            "{ start = \"filter\", proves = { rr = [\"filter\"] } },",
            "there is no requirement `rr`",
        ),
        (
            "{ start = \"filter\", proves = { r = [\"bob <\"] } },",
            "there is no lane `bob` in this step",
        ),
        (
            "{ start = \"filter\", proves = { r = [\"filter.output\"] } },",
            "the lane `filter` has no channel `output`",
        ),
        (
            "{ start = \"filter\", proves = { r = [\"filter exits\"] } },",
            "no line of a lane begins with `exits`",
        ),
        (
            "{ start = \"filter\", proves = { r = [\"a b c\"] } },",
            "`a b c` picks no lane",
        ),
        (
            "{ start = \"filter\" }, { signal = { filter = \"TERM\" } },",
            "there is no signal `TERM`",
        ),
        (
            "{ disturb = { filter = { calls = [\"read\"], first = \"child\" } } },",
            "`read` makes no process",
        ),
        (
            "{ disturb = { filter = { calls = [\"read\"], freeze = false } } },",
            "a thread that is not kept is not disturbed",
        ),
        (
            "{ disturb = { filter = { calls = [\"red\"], fail = \"EIO\" } } },",
            "there is no system call `red`",
        ),
        (
            "{ disturb = { filter = { calls = [\"read\"], fail = \"EOI\" } } },",
            "there is no error `EOI`",
        ),
        (
            "{ start = \"filter\" }, { inspect = { filter = \"sockets\" } },",
            "`sockets` is not something to inspect",
        ),
    ] {
        let found = step_errors(steps);
        assert!(found.iter().any(|m| m == message), "{steps}: {found:?}");
    }
}

#[test]
fn things_done_twice_or_too_late() {
    for (steps, message) in [
        (
            "{ start = \"filter\" }, { start = \"filter\" },",
            "`filter` is started twice",
        ),
        (
            "{ start = \"filter\" }, { eof = \"filter\" }, { type = { filter = \"x\" } },",
            "the standard input of `filter` is closed",
        ),
        (
            "{ start = \"server\" }, { connect = \"a\" }, { connect = \"a\" },",
            "peer `a` is connected twice",
        ),
        (
            "{ start = \"server\" }, { connect = \"a\" }, { close = \"a\" }, { send = { a = \"x\" } },",
            "peer `a` is closed",
        ),
        (
            "{ start = \"server\" }, { repeat = { times = 2, steps = [ { connect = \"a\" } ] } },",
            "peer `a` is connected twice",
        ),
        (
            "{ start = \"server\" }, { connect = \"filter\" },",
            "`filter` is a program",
        ),
        (
            "{ listen = \"desk\" }, { send = { desk = \"x\" } },",
            "the peer `desk` only listens",
        ),
        (
            "{ start = \"filter\", proves = [\"r\", \"r\"] },",
            "`r` stands here twice",
        ),
        (
            "{ start = \"filter\", eof = \"filter\" },",
            "a step has one stimulus, not `start` and `eof`",
        ),
        ("{ proves = [\"r\"] },", "a step without a stimulus"),
        (
            "{ all = [ { all = [] } ] },",
            "`all` cannot stand inside `all`",
        ),
        (
            "{ all = [ { start = \"filter\", proves = [\"r\"] } ] },",
            "`proves` cannot stand inside `all`",
        ),
    ] {
        let found = step_errors(steps);
        assert!(found.iter().any(|m| m == message), "{steps}: {found:?}");
    }
}

#[test]
fn evidence_that_is_always_empty_is_an_error() {
    for (steps, message) in [
        (
            "{ start = \"server\", proves = { r = [\"server.out\"] } },",
            "`server.out` is always empty here",
        ),
        (
            "{ start = \"filter\", proves = { r = [\"filter.err\"] } },",
            "`filter.err` is always empty here",
        ),
        (
            "{ start = \"filter\", proves = { r = [\"filter.tree\"] } },",
            "`filter.tree` is always empty here",
        ),
        (
            "{ start = \"server\" }, { connect = \"a\", proves = { r = [\"a.out\"] } },",
            "the lane `a` has no channel `out`",
        ),
        (
            "{ start = \"filter\", proves = { r = [] } },",
            "no lane counts for `r`",
        ),
    ] {
        let found = step_errors(steps);
        assert!(found.iter().any(|m| m == message), "{steps}: {found:?}");
    }
}

#[test]
fn hostile_sizes_are_refused() {
    let huge = "x".repeat(1 << 20);
    let send = |data: &str| {
        format!(
            "{{ start = \"server\", proves = [\"r\"] }}, {{ connect = \"a\" }}, {{ send = {{ a = {data} }} }},"
        )
    };
    for (steps, message) in [
        (send("{ random = 67108865 }"), "random bytes must be from 1 to 67108864"),
        (send("{ repeat = \"abc\", times = 9223372036854775807 }"), "this sends more than 64 MiB"),
        (send("{ random = 67108864 }") + "{ send = { a = { random = 1 } } },", "the lab is too big"),
        (send("{ random = 20001, pieces = [1] }"), "these are 20001 pieces"),
        (send("\"\""), "this sends nothing"),
        ("{ repeat = { times = 10001, steps = [ { start = \"filter\" } ] } },".to_owned(), "a repetition must be from 1 to 10000"),
        (
            "{ start = \"filter\" }, { repeat = { times = 10000, steps = [ { repeat = { times = 10000, steps = [ { signal = { filter = \"SIGINT\" } } ] } } ] } },".to_owned(),
            "the lab is too big",
        ),
        ("{ start = \"filter\" }, { signal = { filter = { signal = \"SIGINT\", count = 10001 } } },".to_owned(), "a count must be from 1 to 10000"),
        (format!("{{ start = \"filter\" }}, {{ repeat = {{ times = 100, steps = [ {{ type = {{ filter = \"{}\" }} }} ] }} }},", &huge[..1 << 19]) + &format!("{{ repeat = {{ times = 100, steps = [ {{ type = {{ filter = \"{}\" }} }} ] }} }},", &huge[..1 << 18]), "the lab is too big"),
    ] {
        let found = step_errors(&steps);
        assert!(found.iter().any(|m| m == message), "{}: {found:?}", &steps[..steps.len().min(200)]);
    }
    assert_eq!(
        errors(&huge.repeat(2)),
        ["the file has 2097152 bytes, more than 1024 KiB"]
    );
}

#[test]
fn paths_stay_inside() {
    for path in ["../x", "/etc/passwd", "a/../../b", "", "a\\u0000b"] {
        let found = step_errors(&format!("{{ file = {{ remove = \"{path}\" }} }},"));
        assert!(
            found
                .iter()
                .any(|m| m == "this path leaves the working directory"),
            "{path}: {found:?}"
        );
    }
    good(&with(
        "",
        &format!(
            "{{ file = {{ write = \"a/b\", content = \"{{socket}}\", mode = 0o600 }} }}, {START}"
        ),
    ));
}

#[test]
fn a_long_file_is_written_by_its_lines() {
    let steps = |file: &str| format!("{{ file = {{ {file} }} }}, {START}");
    good(&with(
        "",
        &steps("write = \"a\", content = \"a line\\n\", times = 100"),
    ));
    assert_eq!(
        step_errors(&steps("write = \"a\", content = \"ab\", times = 0")),
        ["times must be from 1 to 33554432"]
    );
    assert_eq!(
        step_errors(&steps("remove = \"a\", times = 2")),
        step_errors(&steps("remove = \"a\", content = \"x\""))
            .iter()
            .map(|message| message.replace("content", "times"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn permission_bits_are_told_in_octal() {
    let steps = |mode: &str| {
        format!("{{ file = {{ write = \"a\", content = \"\", mode = {mode} }} }}, {START}")
    };
    for slip in ["0o10000", "7777"] {
        assert_eq!(
            step_errors(&steps(slip)),
            ["permission bits must be from 0 to 0o7777"]
        );
    }
    good(&with("", &steps("0o7777")));
    let text = with("", START) + "[scenario.setup.filter]\numask = 0o1000\n";
    assert_eq!(errors(&text), ["a umask must be from 0 to 0o777"]);
}

#[test]
fn a_lab_that_is_not_whole() {
    assert_eq!(
        errors("[lab]\n"),
        [
            "`[lab]` has no `id`",
            "`[lab]` has no `title`",
            "the lab has no `programs`",
            "the lab has no `requirement`",
            "the lab has no `scenario`",
        ]
    );
    assert_eq!(
        errors(""),
        [
            "the file has no `lab`",
            "the lab has no `programs`",
            "the lab has no `requirement`",
            "the lab has no `scenario`"
        ]
    );
    assert!(
        errors(&format!("{HEAD}[[scenario]]\nid = \"s\"\n"))
            .contains(&"a scenario without steps".to_owned())
    );
    assert!(
        errors(&with("", START).replace("\"pipe-upper\"", "\"pipe-uper\""))
            .contains(&"there is no reference program `pipe-uper`".to_owned())
    );
    assert!(
        errors(&with("", START).replace("id = \"r\"", "id = \"R one\""))
            .contains(&"`R one` is not a name".to_owned())
    );
    assert!(
        errors(&with("cast = { sever = \"student\" }", START))
            .contains(&"there is no program `sever`".to_owned())
    );
    assert!(
        errors(&with("", "{ start = \"filter\" },"))
            .contains(&"requirement `r` is proved by no step".to_owned())
    );
    let twice = with("", START) + "[[scenario]]\nid = \"s\"\nsteps = [ { start = \"filter\" } ]\n";
    assert_eq!(errors(&twice), ["scenario `s` is there twice"]);
}

#[test]
fn checks_are_checked() {
    let check = |keys: &str| {
        format!(
            "{}\n[[scenario.check]]\nid = \"c\"\nproves = [\"r\"]\n{keys}\n",
            with("", START)
        )
    };
    for (keys, message) in [
        ("", "a check states exactly one property"),
        (
            "contains = [\"a\"]\nabsent = [\"b\"]",
            "a check states exactly one property",
        ),
        ("counts = {}", "a count needs a text"),
        (
            "subsequence = \" \"",
            "white space does not count, so this text is always there",
        ),
        ("absent = []", "expected texts, none of them empty"),
        ("matches = '('", "not a regular expression"),
        ("live = false", "this is either `true` or left out"),
        ("unlinked = false", "this is either `true` or left out"),
        ("ended = \"exit\"\nuntil = 2", "there is no such step"),
        (
            "count-equals = { text = \"x\", says = '(' }",
            "not a regular expression",
        ),
        (
            "count-equals = { text = \"x\", says = 'n' }",
            "this expression needs exactly one group, around the number",
        ),
        (
            "count-equals = { text = \"\", says = '(n)' }",
            "the empty text cannot be counted",
        ),
        (
            "count-between = { text = \"x\", least = 3, most = 2 }",
            "`most` is less than `least`",
        ),
        (
            "program = \"server\"\ncount-between = { text = \"x\", least = 1, most = 2 }",
            "`server` has not been started",
        ),
        (
            "each-once = { lines = [\"x\"], peers = [\"alice\"] }",
            "there is no peer `alice`",
        ),
        (
            "exclusive = { begins = \"\", peers = [\"alice\"] }",
            "every line begins with the empty text",
        ),
        (
            "count = { begins = \"x\", peers = [] }",
            "`count` has no `times`",
        ),
        ("in-order = { peers = [] }", "`in-order` has no `lines`"),
        (
            "received = { matches = '(', peers = [] }",
            "not a regular expression",
        ),
    ] {
        let found = errors(&check(keys));
        assert!(found.iter().any(|m| m == message), "{keys}: {found:?}");
    }
    assert_eq!(
        good(&check(
            "count-between = { text = \"x\", least = 1, most = 2 }"
        ))
        .scenarios[0]
            .checks[0]
            .program,
        "filter"
    );
}

#[test]
fn an_error_in_one_step_blames_nothing_else() {
    // `alice` would be connected, and `r` proved, were it not for the slips.
    let found = step_errors(
        "{ start = \"server\" },\n{ connct = \"alice\" },\n{ send = { alice = \"x\" }, provs = [\"r\"] },",
    );
    assert_eq!(
        found,
        ["unknown step `connct`", "unknown key `provs` in a step"]
    );
}

#[test]
fn ends_of_fifos_do_what_fifos_can() {
    let open = "{ open = { writer = \"alice\", path = \"fifo\" } }, { open = { reader = \"bob\", path = \"fifo\" } },";
    let after = |step: &str| step_errors(&format!("{START} {open} {step}"));
    let fine =
        "{ write = { alice = \"x\" } }, { stall = \"bob\" }, { close = [\"alice\", \"bob\"] },";
    good(&with("", &format!("{START} {open} {fine}")));
    assert_eq!(
        after("{ send = { alice = \"x\" } },"),
        ["`alice` is the end of a FIFO"]
    );
    assert_eq!(
        after("{ shutdown = \"alice\" },"),
        ["`alice` is the end of a FIFO"]
    );
    assert_eq!(
        after("{ resume = \"alice\" },"),
        ["`alice` is the end of a FIFO"]
    );
    assert_eq!(after("{ write = { bob = \"x\" } },"), ["`bob` only reads"]);
    let other = "{ connect = \"carol\" }, { write = { carol = \"x\" } },";
    assert_eq!(
        step_errors(&format!("{SERVE} {other}")),
        ["`carol` is no end of a FIFO"]
    );
    let open = |table: &str| step_errors(&format!("{START} {{ open = {{ {table} }} }},"));
    assert_eq!(open("path = \"fifo\""), ["an open FIFO says nothing"]);
    assert_eq!(
        open("reader = \"a\", writer = \"b\", path = \"fifo\""),
        ["an open FIFO has either `reader` or `writer`"]
    );
    assert_eq!(
        open("writer = \"a\", path = \"fifo\", room = 4096"),
        ["`room` means nothing beside `writer`"]
    );
    assert_eq!(
        open("reader = \"a\", path = \"../fifo\""),
        ["this path leaves the working directory"]
    );
    assert_eq!(open("reader = \"a\", path = \"fifo\", room = 10").len(), 1);
}

#[test]
fn repetitions_are_unrolled() {
    let lab = good(&with(
        "",
        &format!(
            "{SERVE} {{ repeat = {{ times = 3, steps = [ {{ connect = \"c-{{n}}\" }}, {{ send = {{ \"c-{{n}}\" = \"hi {{n}} {{nonce}}\" }}, proves = {{ r = [\"c-{{n}} <\"] }} }} ] }} }},"
        ),
    ));
    let steps = &lab.scenarios[0].steps;
    assert_eq!(steps.len(), 7);
    assert!(matches!(&steps[6].stimuli[0], Stimulus::Send { peer, data }
        if peer == "c-3" && data.source == crate::lab::DataSource::Text("hi 3 {nonce}".to_owned())));
    assert_eq!(steps[6].proves[0].lanes[0].lane, "c-3");
}

#[test]
fn lint_says_what_is_no_error() {
    assert_eq!(warnings(&with("", START)), Vec::<String>::new());
    let of_nothing = with(
        "setup = { filter = { stdout = \"free\", stderr = \"free\", ignore = [\"cr\"] } }",
        START,
    );
    assert_eq!(
        warnings(&of_nothing),
        ["nothing is compared text by text here"]
    );
    let source = with("", START)
        .replace(", ru = \"Крошка\"", "")
        .replace("hint = { en = \"Make it work\", ru = \"Почините\" }", "");
    assert_eq!(
        warnings(&source),
        [
            "the title is not translated",
            "requirement `r` has no `hint`"
        ]
    );
    let idle = with("", START)
        + "[[scenario]]\nid = \"t\"\nsteps = [ { start = \"server\" }, { connect = \"a\" } ]\n";
    assert_eq!(
        warnings(&idle),
        ["scenario `t` proves nothing", "peer `a` is never used"]
    );
    let cast = with(
        "cast = { server = \"student\" }\nproves = [\"r\"]\nsetup = { server = { exit = \"any\" } }",
        START,
    );
    assert_eq!(
        warnings(&cast),
        [
            "scenario `s` starts no program of the student's",
            "`server` is in the cast but never started",
            "every step has its own `proves`: this one is never used",
            "`server` is set up but never started",
        ]
    );
    let diagnostics = lint("lab.toml", &cast, super::REFERENCES);
    assert!(diagnostics.iter().all(|d| d.severity == Severity::Warning));
    assert!(diagnostics.render(false).ends_with("4 warnings\n"));
}

#[test]
fn a_tool_needs_its_source() {
    let tools =
        "[tools.child]\n[tools.gate]\nsource = \"gaet.c\"\n[tools.us-server]\nsource = \"../x\"\n";
    let source = format!("{}{tools}", with("", START));
    let files = ["child.c", "gate.c", "word.h"].map(|name| (name.to_owned(), String::new()));
    let found = lint_with("lab.toml", &source, super::REFERENCES, &files.into());
    insta::assert_snapshot!(found.render(false), @r#"
    error: there is no `tools/gaet.c` beside the lab file
      --> lab.toml:26:10
       |
    26 | source = "gaet.c"
       |          ^^^^^^^^ did you mean `gate.c`?
       |
       = help: there: `child.c` and `gate.c`

    error: `us-server` is what the student hands in
      --> lab.toml:27:8
       |
    27 | [tools.us-server]
       |        ^^^^^^^^^
       |
       = help: a tool needs a name of its own: programs find it by that on `PATH`

    error: a tool is compiled from one C file
      --> lab.toml:28:10
       |
    28 | source = "../x"
       |          ^^^^^^
       |
       = help: its plain name, which ends in `.c`; it lies in the lab's directory `tools`

    3 errors
    "#);
    let text = source
        .replace("gaet.c", "gate.c")
        .replace("[tools.us-server]\nsource = \"../x\"\n", "");
    let lab = good(&text);
    let sources = lab.tools.programs.iter().map(|tool| tool.source.as_str());
    assert_eq!(sources.collect::<Vec<_>>(), ["child.c", "gate.c"]);
}

#[test]
fn very_many_findings_are_not_all_kept() {
    let many: String = (0..50_000).map(|n| format!("key{n} = 1\n")).collect();
    let found = bad(&many);
    assert!((1..=500).contains(&found.errors()));
    assert!(
        found
            .render(false)
            .contains("\nand 475 more\n\n500 errors\n")
    );
    // Warnings do not crowd out the error behind them.
    let needless: String = (0..600)
        .map(|n| format!("[[requirement]]\nid = \"q{n}\"\npoints = 0\ntitle.en = \"Q\"\n"))
        .collect();
    let source = format!("{}{needless}", with("", START));
    assert_eq!(errors(&source).len(), 500);
}
