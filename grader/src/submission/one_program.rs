//! One program for both roles: `lab30 server` and `lab30 client`, or `-s` and `-c`.
//!
//! Which argument makes it which is read out of the source: the words that it compares its
//! arguments with, their first letters, and the letters that it gives to getopt.

use std::sync::LazyLock;

use regex::Regex;

use super::find::{Sources, is_source};
use super::language::Language;
use super::source;
use super::tree::{File, Tree};
use super::words;

/// The roles that one program may play.
pub(super) const ROLES: [&str; 2] = ["server", "client"];

/// A program that is both, and how it is called as which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Both {
    /// Its sources, the one with `main` first.
    pub(super) files: Vec<String>,
    /// The arguments, in the order of [`ROLES`].
    pub(super) arguments: [Vec<String>; 2],
}

impl Both {
    /// What a role is built from.
    pub(super) fn sources(&self, role: &str, tree: &Tree) -> Sources {
        let cxx = self.files.iter().any(|path| {
            let bytes = tree.get(path).and_then(File::bytes).unwrap_or_default();
            Language::of(path, bytes) == Some(Language::Cxx)
        });
        Sources {
            role: role.to_owned(),
            language: if cxx { Language::Cxx } else { Language::C },
            files: self.files.clone(),
            flags: Vec::new(),
        }
    }
}

/// The one program among the files that are `wanted`, if it is both server and client.
pub(super) fn find(tree: &Tree, wanted: impl Fn(&File) -> bool) -> Option<Both> {
    let mut mains = Vec::new();
    let mut others = Vec::new();
    let mut all = Vec::new();
    let files = tree.files.iter().filter(|file| is_source(&file.path));
    for file in files.filter(|file| wanted(file)) {
        let bytes = file.bytes()?;
        if source::has_main(bytes) {
            mains.push(file.path.clone());
        } else {
            others.push(file.path.clone());
        }
        all.extend_from_slice(bytes);
        all.push(b'\n');
    }
    let does = |name: &str| source::names_function(&all, name);
    if mains.len() != 1 || !does("listen") || !does("connect") {
        return None;
    }
    let arguments = arguments(&all)?;
    mains.append(&mut others);
    Some(Both {
        files: mains,
        arguments,
    })
}

/// The arguments that make a program the server, and the client. One of the roles may be the one
/// that it plays without an argument.
fn arguments(source: &[u8]) -> Option<[Vec<String>; 2]> {
    let mut known = compared(source);
    known.extend(letters(source));
    known.extend(initials(source));
    let best = |role: &str| {
        let ranked = known
            .iter()
            .filter_map(|word| Some((words::rank(role, word)?, word)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, word)| word)
    };
    let [server, client] = ROLES.map(best);
    // `usage: lab30 server|client` asks for a word that need not be compared with anything.
    let beside = |role: &str, other: Option<&String>| choice_beside(source, role, other?);
    let asked = [
        beside(ROLES[0], client.filter(|_| server.is_none())),
        beside(ROLES[1], server.filter(|_| client.is_none())),
    ];
    let [server, client] = [server.or(asked[0].as_ref()), client.or(asked[1].as_ref())];
    if server.is_none() && client.is_none() || server == client {
        return None;
    }
    // What else is asked for are the arguments of the handout.
    let more = source::names(source, "argv[2]");
    Some([server, client].map(|word| {
        let mut out: Vec<String> = word.into_iter().cloned().collect();
        if more && !out.is_empty() {
            out.push("{args}".to_owned());
        }
        out
    }))
}

/// The words that the source compares something with.
fn compared(source: &[u8]) -> Vec<String> {
    const FUNCTIONS: [&str; 5] = ["strcmp", "strcasecmp", "strncmp", "strncasecmp", "compare"];
    let mut out = Vec::new();
    for (before, text, after) in source::constants(source) {
        let call = before.rsplit(';').next().unwrap_or_default();
        // The call that is still open where the constant stands.
        let open = call.rfind('(').is_some_and(|at| {
            let inner = call.get(at..).unwrap_or_default();
            let name = call.get(..at).unwrap_or_default().trim_end();
            !inner.contains(')') && FUNCTIONS.iter().any(|f| name.ends_with(f))
        });
        let equals = call.trim_end().ends_with("==") || after.trim_start().starts_with("==");
        if open || equals {
            out.push(text);
        }
    }
    out
}

/// Two words between which a message leaves the choice: `server|client`, `[-s] or [-c]`.
static CHOICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(-?\p{L}+)[>\])}'\x22]*\s*(?:[|/]|\bor\b|\bили\b)\s*[<\[({'\x22]*(-?\p{L}+)").ok()
});

/// The word for `role` that a message offers beside the `other` role's.
fn choice_beside(source: &[u8], role: &str, other: &str) -> Option<String> {
    let choice = CHOICE.as_ref()?;
    source::constants(source)
        .into_iter()
        .find_map(|(_, text, _)| {
            choice.captures_iter(&text).find_map(|found| {
                let (first, second) = (found.get(1)?.as_str(), found.get(2)?.as_str());
                let word = match other {
                    _ if other == first => second,
                    _ if other == second => first,
                    _ => return None,
                };
                words::rank(role, word).map(|_| word.to_owned())
            })
        })
}

/// The options of getopt: `"sc"` are `-s` and `-c`. Those that want an argument are not the role's.
fn letters(source: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    for (before, text, _) in source::constants(source) {
        let call = before.rsplit(';').next().unwrap_or_default();
        let Some(at) = call.rfind("getopt") else {
            continue;
        };
        if call.get(at..).is_some_and(|call| call.contains(')')) {
            continue;
        }
        let all: Vec<char> = text.chars().collect();
        for (i, letter) in all.iter().enumerate() {
            if letter.is_ascii_alphabetic() && all.get(i + 1) != Some(&':') {
                out.push(format!("-{letter}"));
            }
        }
    }
    out
}

/// A letter of the first argument, in a comparison or a switch: `argv[1][0]`, `*argv[1]`,
/// `tolower(argv[1][1])`.
const LETTER: &str = r"(?:to(?:lower|upper)\s*\(\s*)?(?:\w+\s*\[\s*1\s*\]\s*\[\s*(?<at>[01])\s*\]|\*\s*\w+\s*\[\s*1\s*\])";

/// Compared with a constant, on either side; or the head of a switch.
static COMPARISONS: LazyLock<[Option<Regex>; 3]> = LazyLock::new(|| {
    [
        format!(r"{LETTER}[\s)]*==\s*'(?<letter>[A-Za-z])'"),
        format!(r"'(?<letter>[A-Za-z])'\s*==[\s(]*{LETTER}"),
        format!(r"\bswitch\s*\(\s*{LETTER}[\s)]*\{{"),
    ]
    .map(|pattern| Regex::new(&pattern).ok())
});
static CASE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bcase\s*'(?<letter>[A-Za-z])'\s*:|\}").ok());

/// The letters that the source looks for at the beginning of its first argument: `s`, or `-s` where
/// it is the second of them.
fn initials(source: &[u8]) -> Vec<String> {
    let code = source::with_characters(source);
    let mut out = Vec::new();
    for comparison in COMPARISONS.iter().flatten() {
        for found in comparison.captures_iter(&code) {
            let second = found.name("at").is_some_and(|at| at.as_str() == "1");
            let mut add = |letter: &str| {
                out.push(format!("{}{letter}", if second { "-" } else { "" }));
            };
            if let Some(letter) = found.name("letter") {
                add(letter.as_str());
                continue;
            }
            // The cases of a switch, to its end or that of a block in it.
            let body = found
                .get(0)
                .and_then(|head| code.get(head.end()..))
                .unwrap_or_default();
            let cases = CASE.iter().flat_map(|case| case.captures_iter(body));
            for letter in cases.map_while(|case| case.name("letter")) {
                add(letter.as_str());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::find::tests::tree;
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Option<[Vec<String>; 2]> {
        arguments(text.as_bytes())
    }

    fn both(server: &[&str], client: &[&str]) -> Option<[Vec<String>; 2]> {
        Some([server, client].map(|all| all.iter().map(|s| (*s).to_owned()).collect()))
    }

    #[test]
    fn the_words_that_an_argument_is_compared_with_tell_the_roles() {
        for (text, server, client) in [
            (
                r#"if (argc > 1 && strcmp(argv[1], "client") == 0)"#,
                "",
                "client",
            ),
            (r#"if (!strcmp("server", argv[1])) serve();"#, "server", ""),
            (
                r#"strcasecmp (argv[1], "Srv"); strncmp(argv[1], "cli", 3);"#,
                "Srv",
                "cli",
            ),
            (
                r#"if (std::string(argv[1]) == "-c") go(); if ("-s" == mode) serve();"#,
                "-s",
                "-c",
            ),
            (r#"getopt(argc, argv, "sc")"#, "-s", "-c"),
            (
                "if (argv[1][0] == 's') serve(); else if (*argv[1]=='c')",
                "s",
                "c",
            ),
            ("if ('C' == toupper(v[1][0])) talk();", "", "C"),
            ("if (v[1][0]=='-' && v[1][1]=='s') serve();", "-s", ""),
            (
                "switch (tolower(argv[1][0])) { case 's': serve(); break; case 'c': talk(); }",
                "s",
                "c",
            ),
            (
                r#"while ((o = getopt(argc, argv, ":hcsp:")) != -1)"#,
                "-s",
                "-c",
            ),
            (
                r#"if (argc < 2) printf("usage: %s server|client\n", *argv); strcmp(argv[1], "server");"#,
                "server",
                "client",
            ),
            (
                r#"puts("Запуск: [-s] или [-c]"); if (!strcmp(argv[1], "-c")) talk(); else serve();"#,
                "-s",
                "-c",
            ),
            (
                r#"puts("client: no server"); if (!strcmp(argv[1], "server")) serve(); else talk();"#,
                "server",
                "",
            ),
        ] {
            let list = |word: &str| -> Vec<String> {
                (!word.is_empty())
                    .then(|| word.to_owned())
                    .into_iter()
                    .collect()
            };
            assert_eq!(of(text), Some([list(server), list(client)]), "{text}");
        }
        for none in [
            r#"perror("server"); printf("client\n");"#,
            r#"strcmp(buffer, "exit"); puts("server");"#,
            r#"strcpy(a.sun_path, "server"); f(strlen(x), "client");"#,
            r#"getopt(argc, argv, "s:c:")"#,
            "if (buffer[0] == 's' || line[2][0] == 'c')",
            "/* argv[1][0] == 's' */ printf(\"argv[1][0] == 'c'\");",
            "switch (argv[1][0]) { } switch (c) { case 's': ; case 'c': ; }",
            r#"/* strcmp(argv[1], "client") */"#,
            "",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn the_other_arguments_are_those_of_the_handout() {
        let text = r#"strcmp(argv[1], "server"); strcmp(argv[1], "client"); open(argv[2]);"#;
        assert_eq!(of(text), both(&["server", "{args}"], &["client", "{args}"]));
    }

    #[test]
    fn only_one_program_that_does_both_is_both() {
        const BOTH: &str =
            r#"int main(int c, char **v) { if (!strcmp(v[1], "client")) talk(); serve(); }"#;
        const SERVE: &str = "void serve() { listen(s, 1); }";
        const TALK: &str = "void talk() { connect(s, a, n); }";
        let found = |files: &[(&str, &str)]| find(&tree(files), |_| true);
        let files = [("client.c", TALK), ("main.c", BOTH), ("server.c", SERVE)];
        let both = found(&files).unwrap();
        assert_eq!(both.files, ["main.c", "client.c", "server.c"]);
        assert_eq!(both.arguments, [vec![], vec!["client".to_owned()]]);
        assert_eq!(found(&files[..2]), None);
        let two = [&files[..], &[("x.c", "int main() {}")]].concat();
        assert_eq!(found(&two), None);
    }

    proptest! {
        #[test]
        fn any_source_is_read(text in "(strcmp|getopt|\\(|\\)|\"|==|;|argv\\[1\\]|server|-c|\\PC){0,30}") {
            if let Some(arguments) = of(&text) {
                prop_assert_ne!(&arguments[0], &arguments[1]);
            }
        }
    }
}
