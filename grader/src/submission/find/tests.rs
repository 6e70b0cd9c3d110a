use super::super::tree::Content;
use super::*;
use crate::lab::sample;
use proptest::prelude::*;

pub(in crate::submission) fn program(name: &str, executable: &str, sources: &[&str]) -> Program {
    Program {
        sources: sources.iter().map(|s| (*s).to_owned()).collect(),
        ..sample::program(name, executable)
    }
}

fn pair() -> Vec<Program> {
    vec![
        program(
            "server",
            "us-server",
            &["us-server.c", "server.c", "*server*.c"],
        ),
        program(
            "client",
            "us-client",
            &["us-client.c", "client.c", "*client*.c"],
        ),
    ]
}

pub(in crate::submission) const MAIN: &str = "int main(void) { return 0; }";

pub(in crate::submission) fn tree(files: &[(&str, &str)]) -> Tree {
    let mut files: Vec<File> = files
        .iter()
        .map(|(path, content)| File {
            path: (*path).to_owned(),
            content: Content::Bytes(content.as_bytes().to_vec()),
            executable: false,
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Tree {
        root: "sub".into(),
        files,
        notes: Vec::new(),
    }
}

fn layout(files: &[(&str, &str)]) -> Layout {
    find(&tree(files), &pair(), None, &[]).unwrap()
}

fn error(files: &[(&str, &str)]) -> String {
    find(&tree(files), &pair(), None, &[])
        .unwrap_err()
        .to_string()
}

fn sources(layout: &Layout, role: &str) -> Vec<String> {
    layout
        .units
        .iter()
        .find_map(|unit| match unit {
            Unit::Sources(s) if s.role == role => Some(s.files.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

#[test]
fn the_best_pattern_wins() {
    let found = layout(&[
        ("my_server_old.c", MAIN),
        ("server.c", MAIN),
        ("us-client.c", MAIN),
        ("client.c", MAIN),
    ]);
    assert_eq!(sources(&found, "server"), ["server.c"]);
    assert_eq!(sources(&found, "client"), ["us-client.c"]);
    assert!(found.missing.is_empty());
}

#[test]
fn who_hands_in_two_servers_is_told_which_is_graded() {
    const SERVER: &str = "int main(void) { listen(3, 1); }";
    const CLIENT: &str = "int main(void) { connect(3, 0, 0); }";
    let found = layout(&[
        ("server2.c", SERVER),
        ("us-server.c", SERVER),
        ("us-client.c", CLIENT),
        ("words.c", MAIN),
    ]);
    assert_eq!(sources(&found, "server"), ["us-server.c"]);
    let another = Note::Another("server2.c".into(), "us-server.c".into());
    assert_eq!(found.notes, [another]);
}

#[test]
fn case_does_not_matter() {
    let found = layout(&[("Server.c", MAIN), ("UnixClient.c", MAIN)]);
    assert_eq!(sources(&found, "server"), ["Server.c"]);
    assert_eq!(sources(&found, "client"), ["UnixClient.c"]);
}

#[test]
fn helpers_are_linked_where_they_belong() {
    let found = layout(&[
        ("server.c", MAIN),
        ("client.c", MAIN),
        ("connection.c", "int open_it(void);"),
        ("server_util.c", "void serve(void) {}"),
        ("client_util.c", "void talk(void) {}"),
        ("lib/io.c", "int io;"),
        ("README.md", "hello"),
    ]);
    assert_eq!(
        sources(&found, "server"),
        ["server.c", "connection.c", "lib/io.c", "server_util.c"]
    );
    assert_eq!(
        sources(&found, "client"),
        ["client.c", "client_util.c", "connection.c", "lib/io.c"]
    );
}

#[test]
fn a_directory_per_program_keeps_its_helpers() {
    let found = layout(&[
        ("srv/server.c", MAIN),
        ("srv/util.c", "int u;"),
        ("cli/client.c", MAIN),
        ("cli/util.c", "int u;"),
        ("common/io.c", "int io;"),
    ]);
    assert_eq!(
        sources(&found, "server"),
        ["srv/server.c", "common/io.c", "srv/util.c"]
    );
    assert_eq!(
        sources(&found, "client"),
        ["cli/client.c", "cli/util.c", "common/io.c"]
    );
}

#[test]
fn one_role_is_enough() {
    let found = layout(&[("server.c", MAIN)]);
    assert_eq!(sources(&found, "server"), ["server.c"]);
    let [(role, names)] = found.missing.as_slice() else {
        panic!("{:?}", found.missing);
    };
    assert_eq!(role, "client");
    assert_eq!(names, "us-client.c, client.c, *client*.c");
}

#[test]
fn the_code_tells_a_server_from_a_client() {
    let found = layout(&[
        ("s.c", "int main(void) { bind(f,a,n); listen(f, 5); }"),
        ("c.c", "int main(void) { connect(f,a,n); }"),
    ]);
    assert_eq!(sources(&found, "server"), ["s.c"]);
    assert_eq!(sources(&found, "client"), ["c.c"]);
}

#[test]
fn a_lone_program_is_the_one_asked_for() {
    let one = [program("filter", "pipe-upper", &["pipe-upper.c"])];
    let found = find(
        &tree(&[("lab25.c", MAIN), ("x.c", "int x;")]),
        &one,
        None,
        &[],
    )
    .unwrap();
    assert_eq!(sources(&found, "filter"), ["lab25.c", "x.c"]);
    let error = find(&tree(&[("a.c", MAIN), ("b.c", MAIN)]), &one, None, &[]).unwrap_err();
    assert!(error.to_string().contains("a.c, b.c"), "{error}");
}

#[test]
fn what_is_ambiguous_is_said_with_the_way_out() {
    let message = error(&[("server1.c", MAIN), ("server2.c", MAIN), ("client.c", MAIN)]);
    assert!(
        message.contains("server: several files could be it: server1.c, server2.c"),
        "{message}"
    );
    assert!(
        message.contains("[programs.server]\n    sources = [\"server1.c\"]"),
        "{message}"
    );
    let both = error(&[("client_server.c", MAIN)]);
    assert!(both.contains("client_server.c"), "{both}");
}

#[test]
fn the_least_nested_file_wins() {
    let found = layout(&[
        ("server.c", MAIN),
        ("old/server.c", MAIN),
        ("client.c", MAIN),
    ]);
    assert_eq!(sources(&found, "server"), ["server.c"]);
    assert!(error(&[("a/server.c", MAIN), ("b/server.c", MAIN)]).contains("a/server.c"));
}

#[test]
fn a_file_without_main_is_a_last_resort() {
    let found = layout(&[("server.c", "#include \"body.inc\""), ("client.c", MAIN)]);
    assert_eq!(sources(&found, "server"), ["server.c"]);
    let found = layout(&[("server.c", "int helper;"), ("serverapp.c", MAIN)]);
    assert_eq!(sources(&found, "server"), ["serverapp.c", "server.c"]);
}

#[test]
fn the_manifest_settles_it() {
    let found = layout(&[
        ("server1.c", MAIN),
        ("server2.c", MAIN),
        ("client.c", MAIN),
        (
            "grader.toml",
            "[programs.server]\nsources = ['server2.c']\nflags = ['-lm']",
        ),
    ]);
    assert_eq!(sources(&found, "server"), ["server2.c"]);
    assert_eq!(sources(&found, "client"), ["client.c"]);
    let missing = error(&[
        ("server1.c", MAIN),
        ("grader.toml", "[programs.server]\nsources = ['server3.c']"),
    ]);
    assert!(missing.contains("no file `server3.c`"), "{missing}");
    assert!(missing.contains("server1.c"), "{missing}");
}

#[test]
fn a_script_must_be_one() {
    let script = "[programs.server]\nexecutable = 'srv.py'";
    let found = layout(&[("srv.py", "#!/usr/bin/python3\n"), ("grader.toml", script)]);
    assert_eq!(sources(&found, "server"), ["srv.py"]);
    let plain = error(&[("srv.py", "import os"), ("grader.toml", script)]);
    assert!(plain.contains("srv.py: it cannot be executed"), "{plain}");
    let elf = error(&[("srv.py", "\x7fELF..."), ("grader.toml", script)]);
    assert!(elf.contains("compiled program (ELF)"), "{elf}");
}

#[test]
fn a_makefile_comes_before_patterns_which_stay_as_second_choice() {
    let found = layout(&[
        (
            "Makefile",
            "all: server\nserver: server.c\n\tgcc -o server server.c -lsocket\nclient: client.c\nclean:\nX := 3\n",
        ),
        ("server.c", MAIN),
        ("client.c", MAIN),
    ]);
    let [Unit::Make(make)] = found.units.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(make.file, "Makefile");
    assert_eq!(make.others, ["server", "client"]);
    assert_eq!(make.mended, None);
    assert_eq!(make.roles.len(), 2);
    assert_eq!(make.fallback.len(), 2);
    let below = layout(&[("src/Makefile", "all:"), ("src/server.c", MAIN), ("x", "")]);
    assert!(matches!(&below.units[0], Unit::Make(make) if make.file == "src/Makefile"));
    let several = layout(&[("a/Makefile", ""), ("b/Makefile", ""), ("server.c", MAIN)]);
    assert!(matches!(&several.units[0], Unit::Sources(_)));
    let odd = layout(&[("makeFile", "all:"), ("server.c", MAIN)]);
    assert!(matches!(&odd.units[0], Unit::Make(make) if make.file == "makeFile"));
}

#[test]
fn of_several_tasks_that_with_the_labs_number_is_meant() {
    let files = ["30client.c", "30server.c", "31client.c", "31server.c"];
    let all = tree(&files.map(|name| (name, MAIN)));
    let found = |numbers: &[u32]| {
        let found = find(&all, &pair(), None, numbers).ok()?;
        let files = found.units.iter().map(|unit| match unit {
            Unit::Sources(sources) => sources.files.join(" "),
            _ => String::new(),
        });
        Some(files.collect::<Vec<_>>())
    };
    assert_eq!(found(&[30]).unwrap(), ["30server.c", "30client.c"]);
    assert_eq!(found(&[31]).unwrap(), ["31server.c", "31client.c"]);
    assert_eq!(found(&[]), None);
    assert_eq!(found(&[25]), None);
}

#[test]
fn one_program_for_both_is_built_for_both() {
    const BOTH: &str = "int main(int c, char **v) { if (!strcmp(v[1], \"client\")) connect(s); \
                        else listen(s); }";
    let found = layout(&[("lab30.c", BOTH)]);
    assert_eq!(found.units.len(), 2);
    assert!(found.missing.is_empty());
    assert_eq!(found.runs["server"], ["lab30"]);
    assert_eq!(found.runs["client"], ["lab30", "client"]);
    assert!(matches!(&found.notes[..], [Note::OneProgram(..)]));
    let made = layout(&[("lab30.c", BOTH), ("Makefile", "lab30: lab30.c\n")]);
    assert!(matches!(&made.units[..], [Unit::Make(make)] if make.both));
}

#[test]
fn what_another_program_starts_is_not_the_one_asked_for() {
    let one = [program("talk", "course-26", &["*.c"])];
    let starts = r#"int main() { popen("./receiver", "w"); }"#;
    let files = [("receiver.c", MAIN), ("sender.c", starts)];
    let found = find(&tree(&files), &one, None, &[]).unwrap();
    assert!(
        matches!(&found.units[..], [Unit::Sources(s)] if s.files == ["sender.c"]),
        "{:?}",
        found.units
    );
}

#[test]
fn what_make_leaves_is_matched_by_name() {
    let programs = pair();
    let roles: Vec<&Program> = programs.iter().collect();
    let made = |names: &[&str]| -> Result<Vec<(String, String)>, String> {
        let made: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| {
                let code: &[u8] = match *name {
                    "a" => b"\0listen\0connect\0",
                    "b" => b"\0connect\0",
                    _ => b"",
                };
                (*name, code)
            })
            .collect();
        executables(&made, &roles)
            .map(|found| {
                let mut found: Vec<_> = found
                    .into_iter()
                    .map(|(role, path)| (role, path.to_owned()))
                    .collect();
                found.sort();
                found
            })
            .map_err(|error| error.to_string())
    };
    let both = |client: &str, server: &str| {
        Ok(vec![
            ("client".to_owned(), client.to_owned()),
            ("server".to_owned(), server.to_owned()),
        ])
    };
    assert_eq!(
        made(&["bin/server", "bin/client"]),
        both("bin/client", "bin/server")
    );
    assert_eq!(
        made(&["my_server.out", "cli"]),
        both("cli", "my_server.out")
    );
    assert_eq!(
        made(&["us-server", "server", "client"]),
        both("client", "us-server")
    );
    assert!(
        made(&["server-a", "server-b"])
            .unwrap_err()
            .contains("make = \"server-a\"")
    );
    assert_eq!(made(&["foo", "bar"]), Ok(vec![]));
    // What they import, and then single letters.
    assert_eq!(made(&["a", "b"]), both("b", "a"));
    assert_eq!(made(&["30c", "30s"]), both("30c", "30s"));
}

#[test]
fn goals_are_named_like_roles_or_are_all_that_build() {
    let goals = |text: &str| {
        let found = layout(&[("Makefile", text), ("server.c", MAIN)]);
        match &found.units[..] {
            [Unit::Make(make)] => make.others.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        goals("clean:\nserv: a.c\nclnt: b.c\nrun_server:\n"),
        ["serv", "clnt"]
    );
    assert_eq!(
        goals("clean:\np1: a.c\np2: b.c\nx.o:\ntest:\n"),
        ["p1", "p2"]
    );
}

#[test]
fn other_languages_are_found_by_name_and_by_code() {
    let found = layout(&[
        ("Server.java", "static void main(String[] a) {}"),
        ("talk.py", "#!/usr/bin/python3\ns.connect(p)"),
        ("test.sh", "#!/bin/sh\n"),
    ]);
    assert_eq!(sources(&found, "server"), ["Server.java"]);
    assert_eq!(sources(&found, "client"), ["talk.py"]);
    let c_first = layout(&[
        ("server.c", MAIN),
        ("server.py", "#!/bin/sh"),
        ("client.c", MAIN),
    ]);
    assert_eq!(sources(&c_first, "server"), ["server.c"]);
}

#[test]
fn of_many_tasks_the_labs_own_directory_is_taken() {
    let mut lab = crate::submission::build::tests::lab();
    lab.id = "course-30".into();
    let files = [
        ("i/lab25/Makefile", ""),
        ("i/lab30/Makefile", ""),
        ("i/lab30/server.c", MAIN),
        ("i/lab30/client.c", MAIN),
        ("i/lab31/server.c", MAIN),
    ];
    let all = tree(&files);
    assert_eq!(home(&all, &lab), Some("i/lab30"));
    let found = find(&all, &pair(), home(&all, &lab), &[30]).unwrap();
    assert!(
        matches!(&found.units[..], [Unit::Make(make)] if make.file == "i/lab30/Makefile" && make.fallback.len() == 2)
    );
    let two = tree(&[("a/lab30/x.c", MAIN), ("b/lab30/x.c", MAIN)]);
    assert_eq!(home(&two, &lab), None);
    let earlier = tree(&[("lab30/x.c", MAIN), ("lab30_old/x.c", MAIN)]);
    assert_eq!(home(&earlier, &lab), Some("lab30"));
    let only = tree(&[("lab30 old/x.c", MAIN)]);
    assert_eq!(home(&only, &lab), Some("lab30 old"));
    assert_eq!(home(&tree(&[("x.c", MAIN)]), &lab), None);
}

#[test]
fn a_helper_may_hold_the_calls() {
    let found = layout(&[
        ("one.c", "int main(void) { accept(serve(), 0, 0); }"),
        (
            "two.c",
            "#include <sys/socket.h>\nint main(void) { reach(); }",
        ),
        (
            "net.c",
            "int serve(void) { listen(1, 2); } int reach(void) { connect(1, a, n); }",
        ),
    ]);
    assert_eq!(sources(&found, "server"), ["one.c", "net.c"]);
    assert_eq!(sources(&found, "client"), ["two.c", "net.c"]);
    let none = layout(&[("server.c", MAIN), ("unit_tests.c", MAIN)]);
    assert_eq!(none.missing.len(), 1);
}

#[test]
fn cargo_packages_are_known() {
    let found = layout(&[("Cargo.toml", "[package]"), ("src/main.rs", "fn main() {}")]);
    assert!(matches!(&found.units[..], [Unit::Cargo(roles)] if roles.len() == 2));
}

#[test]
fn compiled_programs_are_refused_as_source_and_ignored_otherwise() {
    let mut elf = "\x7fELF".to_owned();
    elf.extend(std::iter::repeat_n('\0', 12));
    elf.push('\x03');
    elf.push('\0');
    let message = error(&[("server.c", &elf)]);
    assert!(message.contains("server.c: this is a compiled program (ELF)"));
    let found = layout(&[("server.c", MAIN), ("server", &elf)]);
    assert!(found.notes.contains(&Note::Compiled("server".to_owned())));
    let nothing = error(&[("server", &elf), ("notes.txt", "x")]);
    assert!(
        nothing.contains("no program of this lab found"),
        "{nothing}"
    );
    assert!(nothing.contains("us-server.c, server.c"), "{nothing}");
    assert!(
        nothing.contains("server (a compiled program: hand in"),
        "{nothing}"
    );
}

#[test]
fn a_needed_file_that_cannot_be_read_is_an_error_others_are_not() {
    let mut tree = tree(&[("server.c", MAIN), ("data.bin", "")]);
    for file in &mut tree.files {
        if file.path == "data.bin" {
            file.content = Content::Refused(Text::both(
                "cannot be read: permission denied",
                "не читается",
            ));
        }
    }
    assert!(find(&tree, &pair(), None, &[]).is_ok());
    for file in &mut tree.files {
        file.content = Content::Refused(Text::both(
            "cannot be read: permission denied",
            "не читается",
        ));
    }
    let error = find(&tree, &pair(), None, &[]).unwrap_err().to_string();
    assert_eq!(error, "server.c: cannot be read: permission denied");
}

proptest! {
    /// Whatever the files are called, no file is two programs, and the order of the lab's
    /// roles decides nothing.
    #[test]
    fn no_file_is_two_programs(names in proptest::collection::btree_set("(us-|my_|a/)?(server|client|both_server_client|x)[12]?\\.c", 1..6)) {
        let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), MAIN)).collect();
        let mut roles = pair();
        let one = find(&tree(&files), &roles, None, &[]);
        roles.reverse();
        let other = find(&tree(&files), &roles, None, &[]);
        match (one, other) {
            (Ok(one), Ok(other)) => {
                let (server, client) = (sources(&one, "server"), sources(&one, "client"));
                if let (Some(a), Some(b)) = (server.first(), client.first()) {
                    prop_assert_ne!(a, b);
                }
                prop_assert_eq!(server, sources(&other, "server"));
                prop_assert_eq!(client, sources(&other, "client"));
            }
            (one, other) => prop_assert_eq!(one.is_err(), other.is_err()),
        }
    }
}
