use super::*;

const PROGRAM: ProgramId = ProgramId(0);

fn process(number: u16) -> ProcessId {
    ProcessId {
        program: PROGRAM,
        number,
    }
}

fn wrote(number: u16, pipe: u32, text: &str) -> What {
    What::PipeWritten {
        process: process(number),
        pipe,
        bytes: text.into(),
    }
}

fn made(number: u16) -> What {
    What::Call(Call {
        process: process(number),
        thread: 0,
        name: "pipe2".to_owned(),
        args: "0x7ffd, 0".to_owned(),
        data: Vec::new().into(),
        result: Some(0),
        times: 1,
    })
}

fn read(number: u16, pipe: u32) -> What {
    What::PipeRead {
        process: process(number),
        pipe,
    }
}

fn judged(events: &[What], statement: Statement, output: &str) -> String {
    let mut facts = Facts::default();
    for what in events {
        facts.take(what);
    }
    match facts.judge(PROGRAM, statement, output.as_bytes()) {
        Ok(()) => "yes".to_owned(),
        Err(why) => format!("no, {why}"),
    }
}

#[test]
fn the_text_counts_and_not_its_layout() {
    let events = [wrote(0, 0, "Hello, "), wrote(0, 0, "World\n\0")];
    let upper = |output| judged(&events, Statement::PipedTextInUpperCase, output);
    assert_eq!(upper("HELLO, WORLD\n"), "yes");
    assert_eq!(
        upper("child got: H\r\nE\r\nLLO,\r\nWORLD\r\nbye\r\n"),
        "yes"
    );
    assert_eq!(upper("Hello, World\n"), "no, only up to H");
    assert_eq!(upper("HELLO, WORL"), "no, only up to HELLO,WORL");
    assert_eq!(upper(""), "no, nothing of it");
    assert_eq!(
        judged(&[], Statement::PipedTextInUpperCase, "HELLO"),
        "no, no text was written into a pipe"
    );
}

#[test]
fn what_comes_behind_a_text_that_is_told_in_part_is_more_of_it() {
    let line = "and this Line again and again\n";
    let told = line.repeat(PIPED_AT_MOST / line.len() + 1);
    let events = [wrote(0, 0, &told[..PIPED_AT_MOST])];
    let printed = told.to_uppercase().repeat(2);
    let judged = judged(&events, Statement::PipedTextInUpperCase, &printed);
    assert_eq!(judged, "yes");
}

#[test]
fn what_a_buffer_still_held_is_not_a_message() {
    let text = "Hello, World! This text is Longer than one Buffer.\nAnd a Line.\n";
    let events = [wrote(0, 0, text)];
    let upper = |more: &str| {
        let output = format!("{}{more}", text.to_uppercase());
        judged(&events, Statement::PipedTextInUpperCase, &output)
    };
    assert_eq!(
        upper("ER THAN ONE\n"),
        "no, after its end comes a piece of it again: ERTHANONE"
    );
    assert_eq!(
        upper("AND A LINE.\n"),
        "no, after its end comes a piece of it again: ANDALINE."
    );
    for message in [
        "",
        "The child has ended.\n",
        "BUFF",
        "HELLO, WORLD!",
        "AND A MAN.\n",
        "Hello, World!",
        "12345",
    ] {
        assert_eq!(upper(message), "yes", "{message}");
    }
}

#[test]
fn words_that_run_together_are_seen() {
    let text = "When I was One\nit was So\n";
    let upper = |output| {
        let events = [wrote(0, 0, text), wrote(0, 0, "\x0e\0\0\0and a struct")];
        judged(&events, Statement::PipedTextInUpperCase, output)
    };
    let lost = |line| format!("no, its blanks are lost: {line}");
    assert_eq!(
        upper("WHENIWASONE\nITWASSO\nANDASTRUCT\n"),
        lost("WHENIWASONE")
    );
    assert_eq!(
        upper("WHEN I WAS ONE\nIT WAS SO\nANDASTRUCT\n"),
        lost("ANDASTRUCT")
    );
    for output in [
        "WHEN I WAS ONE\nIT WAS SO\nAND A STRUCT\n",
        "WHEN I WAS ONEIT WAS SOAND A STRUCT",
        "WHEN\nI\nWAS\nONE\nIT\nWAS\nSO\nAND\nA\nSTRUCT\n",
        // A short line may stand there by chance.
        "WHEN I WAS ONE\nITWASSO\nAND A STRUCT\n",
    ] {
        assert_eq!(upper(output), "yes", "{output}");
    }
}

#[test]
fn a_nul_is_no_blank() {
    let upper = |text: &str, output| {
        judged(
            &[wrote(0, 0, text)],
            Statement::PipedTextInUpperCase,
            output,
        )
    };
    let lost = "no, NUL bytes stand in place of its blanks";
    assert_eq!(upper("Hello World\n", "HELLO\0WORLD\r\n"), lost);
    assert_eq!(upper("Hello World\n", "HELLO WORLD\r\n\0\0"), "yes");
    // One word a line, and what was written with its NULs.
    assert_eq!(upper("Hello World\n", "HELLO\r\nWORLD\r\n"), "yes");
    assert_eq!(upper("Hello\0 World\0", "HELLO\0WORLD\0"), "yes");
}

#[test]
fn a_text_that_lost_its_reader_did_not_come_whole() {
    let refused = What::Call(Call {
        process: process(1),
        thread: 0,
        name: "write".to_owned(),
        args: "1, \"Second Line\\n\"".to_owned(),
        data: Vec::new().into(),
        result: Some(-32),
        times: 1,
    });
    let events = [wrote(1, 0, "First Line\n"), refused];
    let upper = |events| judged(events, Statement::PipedTextInUpperCase, "FIRST LINE\n");
    assert_eq!(upper(&events[..1]), "yes");
    assert_eq!(upper(&events), "no, the reader left before all was written");
}

#[test]
fn of_several_pipes_the_one_that_carries_most_counts() {
    let events = [
        wrote(1, 0, "Some Text"),
        wrote(2, 1, "SOME"),
        wrote(2, 2, "k"),
    ];
    let upper = |output| judged(&events, Statement::PipedTextInUpperCase, output);
    assert_eq!(upper("SOME TEXT"), "yes");
    assert_ne!(upper("SOME"), "yes");
}

#[test]
fn a_pipe_joins_only_different_processes() {
    let joins = |events: &[What]| judged(events, Statement::PipeJoinsProcesses, "");
    assert_eq!(joins(&[made(0), wrote(0, 0, "a"), read(1, 0)]), "yes");
    assert!(joins(&[made(0), wrote(0, 0, "a"), read(0, 0)]).starts_with("no"));
    assert!(joins(&[made(0), wrote(0, 0, "a"), read(1, 1)]).starts_with("no"));
    assert!(joins(&[]).starts_with("no"));
}

#[test]
fn a_pipe_of_a_command_is_not_the_programs_own() {
    let forked = |parent, child| What::Forked {
        parent: process(parent),
        child: process(child),
        pid: 5,
    };
    let executed = |number| What::Executed {
        process: process(number),
        path: "/bin/sh".into(),
    };
    let moved = [wrote(2, 0, "a"), read(3, 0)];
    let joins = |events: &[What]| {
        let all = [events, &moved[..]].concat();
        judged(&all, Statement::PipeJoinsProcesses, "")
    };
    let system = [forked(0, 1), executed(1), forked(1, 2), forked(1, 3)];
    let said = "no, only a command that it started made a pipe";
    for shell in [1, 2] {
        assert_eq!(joins(&[&system[..], &[made(shell)]].concat()), said);
    }
    // The program is whatever was executed first: an interpreter's script, too.
    assert_eq!(joins(&[executed(0), made(0)]), "yes");
    assert_eq!(joins(&[forked(0, 1), made(1)]), "yes");
}

#[test]
fn both_cases_are_asked_for() {
    let cases = |text| judged(&[wrote(0, 0, text)], Statement::PipedTextInBothCases, "");
    assert_eq!(cases("aB"), "yes");
    assert_eq!(cases("ab"), "no, only small letters");
    assert_eq!(cases("AB"), "no, only capital letters");
    assert_eq!(cases("12"), "no, no letters");
}

#[test]
fn a_child_left_behind_is_named() {
    let forked = |child| What::Forked {
        parent: process(0),
        child: process(child),
        pid: 100 + i32::from(child),
    };
    let reaped = |child| What::Reaped {
        process: process(child),
    };
    let events = [forked(1), forked(2), reaped(1)];
    let state = |events: &[What]| judged(events, Statement::ChildrenReaped, "");
    assert_eq!(state(&events), "no, child 2 was not");
    assert_eq!(state(&[&events[..], &[reaped(2)]].concat()), "yes");
    // Where SIGCHLD is ignored a wait tells of nobody, and that nobody is left.
    let waited = |number, name: &str, args: &str| {
        What::Call(Call {
            process: process(number),
            thread: 0,
            name: name.to_owned(),
            args: args.to_owned(),
            data: Vec::new().into(),
            result: Some(-10),
            times: 1,
        })
    };
    let after = |wait: What| state(&[&events[..], &[wait]].concat());
    for (name, args) in [
        ("wait4", "-1"),
        ("wait4", "child 2"),
        ("waitid", "0, 0"),
        ("waitid", "1, 102"),
    ] {
        assert_eq!(after(waited(0, name, args)), "yes", "{name} {args}");
    }
    // Nor does it tell of who is no child, of another child, or of a child's own.
    for (number, name, args) in [
        (0, "wait4", "7"),
        (0, "wait4", "child 1"),
        (0, "waitid", "1, 7"),
        (1, "wait4", "-1"),
    ] {
        let said = after(waited(number, name, args));
        assert_eq!(said, "no, child 2 was not", "{name} {args}");
    }
}

#[test]
fn a_write_to_descriptor_0_is_named_even_if_it_failed() {
    let call = |args: &str| {
        What::Call(Call {
            process: process(1),
            thread: 0,
            name: "write".to_owned(),
            args: args.to_owned(),
            data: Vec::new().into(),
            result: Some(-9),
            times: 1,
        })
    };
    let state = |args| judged(&[call(args)], Statement::InputNotWritten, "");
    assert_eq!(state("0, \"A\""), "no, write(0, \"A\")");
    assert_eq!(state("1, \"A\""), "yes");
}

#[test]
fn what_an_array_still_held_of_a_message_is_no_message() {
    let events = [wrote(0, 0, "a Text"), read(1, 0)];
    let upper = |output: &str| judged(&events, Statement::PipedTextInUpperCase, output);
    let told = "the program is started, and its parent writes\n";
    assert_eq!(
        upper(&format!(
            "{told}A TEXTam is started, and its parent writes\n"
        )),
        "no, after its end comes what an array still held: AM IS STARTED, A"
    );
    // A message again, from its beginning or that of a word, or on a line of its own.
    for honest in [
        "A TEXT the program is started, and it ends",
        "A TEXT\nam is started, and its parent writes",
        "A TEXTis started, and its parent",
        "A TEXT",
    ] {
        assert_eq!(upper(&format!("{told}{honest}\n")), "yes", "{honest}");
    }
}

#[test]
fn letters_are_what_somebody_has_read() {
    let read = |name: &str, data: &[u8]| {
        What::Call(Call {
            process: process(1),
            thread: 0,
            name: name.to_owned(),
            args: "4".to_owned(),
            data: data.to_vec().into(),
            result: Some(data.len() as i64),
            times: 1,
        })
    };
    let state = |what| judged(&[what], Statement::LettersRead, "SERVER");
    assert_eq!(state(read("recvfrom", b"1 a")), "yes");
    let mut scattered = read("recvmsg", b"");
    if let What::Call(call) = &mut scattered {
        call.result = Some(3);
    }
    assert_eq!(state(scattered), "yes");
    for nothing in [
        read("read", b""),
        read("read", b"1\n"),
        read("read", b"\x7fELF and so on"),
        read("write", b"abc"),
    ] {
        assert_eq!(state(nothing), "no, no letters came");
    }
}

#[test]
fn a_key_that_had_to_be_pressed_again_was_not_answered() {
    let call = |name: &str, data: &[u8]| {
        What::Call(Call {
            process: process(1),
            thread: 0,
            name: name.to_owned(),
            args: "0".to_owned(),
            data: data.to_vec().into(),
            result: Some(data.len() as i64),
            times: 1,
        })
    };
    let state = |calls: &[(&str, &[u8])]| {
        let calls: Vec<What> = calls.iter().map(|(name, data)| call(name, data)).collect();
        judged(&calls, Statement::KeysAnswered, "")
    };
    let key: (&str, &[u8]) = ("read", b"y");
    let says: (&str, &[u8]) = ("write", b"Sure?");
    assert_eq!(state(&[key, says]), "yes");
    assert_eq!(state(&[key, says, key, says]), "yes");
    // It takes none but this one.
    assert_eq!(state(&[key, key, ("read", b"a")]), "yes");
    let twice = "no, it took the same key twice for one answer";
    assert_eq!(state(&[key, key, says]), twice);
    let mut merged = call("read", b"y");
    if let What::Call(call) = &mut merged {
        call.times = 2;
    }
    assert_eq!(judged(&[merged], Statement::KeysAnswered, ""), twice);
}

#[test]
fn programs_are_known_by_the_names_of_their_files() {
    let mut facts = Facts::default();
    facts.take(&What::Executed {
        process: process(1),
        path: "/usr/bin/wc".into(),
    });
    assert_eq!(facts.executed(PROGRAM, &["wc".to_owned()]), Ok(()));
    assert_eq!(
        facts.executed(PROGRAM, &["wc".to_owned(), "sh".to_owned()]),
        Err("sh was not".to_owned())
    );
}
