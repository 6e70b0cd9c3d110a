use super::super::tree::Content;
use super::*;
use proptest::prelude::*;

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut files: Vec<File> = files
        .iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            content: Content::Bytes(text.as_bytes().to_vec()),
            executable: path.ends_with(".sh"),
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Tree {
        files,
        ..Tree::default()
    }
}

fn found(files: &[(&str, &str)], made: &[&str]) -> Vec<Helper> {
    let made = made.iter().copied().collect();
    helpers(&tree(files), &[files[0].0.to_owned()], &made)
}

fn source(file: &str, name: &str) -> Helper {
    Helper::Source(file.into(), name.into())
}

#[test]
fn names_of_files_are_built_into_a_source() {
    let of = |text: &str| {
        let files = [
            ("a/6.c", text),
            ("a/poem", "Text"),
            ("a/common.h", ""),
            ("a/data/in.txt", "Text"),
            ("b/x.c", ""),
        ];
        opened(&tree(&files), "a")
    };
    for (text, name) in [
        (r#"f = fopen("story", "r");"#, "story"),
        (r#"fd = open ( "./story" , O_RDONLY);"#, "story"),
        (r#"#define NAME "my text.txt""#, "my text.txt"),
        (r#"char *name = "poem";"#, "poem"),
        (r#"popen("grep '^$' notes.txt | wc -l", "r");"#, "notes.txt"),
        (r#"system("wc -l <poem");"#, "poem"),
        (
            r#"open("./data/in.txt", 0); open("data/out.txt", 1);"#,
            "data/in.txt",
        ),
    ] {
        assert_eq!(of(text), [name], "{text}");
    }
    for none in [
        r#"open("/etc/passwd", 0); open("../story", 0); open("", 0);"#,
        r#"open("data/../../b/x.c", 0);"#,
        r#"printf("no such file: %s.txt\n"); puts(".txt"); popen("story", "r");"#,
        r#"#include "common.h""#,
        r#"/* fopen("story", "r") */"#,
    ] {
        assert_eq!(of(none), [""; 0], "{none}");
    }
}

const UPPER: (&str, &str) = ("upper.c", "int main(void) {}");

#[test]
fn a_helper_is_known_by_the_name_that_the_source_starts() {
    let of = |text: &str| found(&[("26.c", text), UPPER, ("other.c", "int main(){}")], &[]);
    let upper = [source("upper.c", "upper")];
    assert_eq!(of(r#"int main(){ popen("./upper", "w"); }"#), upper);
    assert_eq!(of(r#"int main(){ system("cat x | ./upper -n"); }"#), upper);
    assert_eq!(of(r#"int main(){ execl("upper", "upper", 0); }"#), upper);
    assert_eq!(
        of(r#"int main(){ popen("./upper.out", "w"); }"#),
        [source("upper.c", "upper.out")]
    );
    for none in [
        "int main(){ /* ./upper */ }",
        r#"int main(){ puts("upper case"); }"#,
        r#"int main(){ popen("../upper", "r"); popen("./../upper", "r"); }"#,
        r#"int main(){ popen("/tmp/./upper", "r"); }"#,
        r#"int main(){ strcpy(a.sun_path, "./upper"); bind(s, &a, 8); }"#,
    ] {
        assert_eq!(of(none), [], "{none}");
    }
}

#[test]
fn one_name_and_one_source_belong_together() {
    let text = r#"int main(){ popen("./to_upper", "w"); }"#;
    assert_eq!(
        found(&[("26.c", text), UPPER], &[]),
        [source("upper.c", "to_upper")]
    );
    assert_eq!(found(&[("26.c", text), UPPER], &["to_upper"]), []);
    // A name that is not started is the name of something else.
    let socket = r#"int main(){ strcpy(a.sun_path, "./socket"); }"#;
    assert_eq!(found(&[("server.c", socket), UPPER], &[]), []);
    let client = r#"int main(){ strcpy(a.sun_path, "./s30"); execlp("cat", "cat", 0); }"#;
    assert_eq!(found(&[("client.c", client), UPPER], &[]), []);
    let two = [("26.c", text), UPPER, ("b.c", "int main(){}")];
    assert_eq!(found(&two, &[]), []);
    // What was handed in need not be built.
    let script = [("26.c", text), UPPER, ("to_upper", "#!/bin/sh\ntr a-z A-Z")];
    assert_eq!(found(&script, &[]), []);
}

#[test]
fn a_program_may_start_itself() {
    let text = r#"int main(){ execl("./26", "26", "child", 0); system("./a.out"); }"#;
    assert_eq!(
        found(&[("26.c", text)], &[]),
        [Helper::Itself("26".into()), Helper::Itself("a.out".into())]
    );
}

#[test]
fn files_are_seen_from_the_programs_directory() {
    let long = "x".repeat(MOST_EACH + 1);
    let tree = tree(&[
        ("lab26/26.c", "int main(){}"),
        ("lab26/data/text.txt", "Text"),
        ("lab26/run.sh", "#!/bin/sh"),
        ("lab26/old", "\x7fELF"),
        ("lab26/long.txt", &long),
        ("lab261/x", ""),
        ("lab27/text", ""),
    ]);
    let (files, passed_over) = handed_in(&tree, "lab26");
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["26.c", "run.sh", "data/text.txt"]);
    assert_eq!(files[1].what, What::File(b"#!/bin/sh"[..].into(), true));
    assert_eq!(passed_over, 1);
}

#[test]
fn files_are_bounded() {
    let names: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(handed_in(&tree(&files), "").0.len(), MOST_FILES);
    let part = "x".repeat(MOST_EACH);
    let files = [("1", part.as_str()), ("2", &part), ("3", &part), ("4", "x")];
    assert_eq!(handed_in(&tree(&files), "").1, 2);
}

#[test]
fn what_a_build_made_is_seen_from_the_makefiles_directory() {
    let file = |name: &str, bytes: usize| (name.to_owned(), vec![0; bytes]);
    let of = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        made("lab26", files)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    let files = [
        file("lab26/upper", 1),
        file("lab26/bin/a", 1),
        file("upper", 1),
        file("lab26/a\nb", 1),
        file("lab26/large", MOST_BUILT),
    ];
    assert_eq!(of(&files), ["upper", "bin/a"]);
    let many: Vec<_> = (0..99).map(|n| file(&format!("lab26/{n}"), 1)).collect();
    assert_eq!(of(&many).len(), MOST_PROGRAMS);
}

proptest! {
    #[test]
    fn any_source_is_scanned(text in ".{0,200}") {
        let files = [("a.c", text.as_str()), UPPER];
        for helper in found(&files, &[]) {
            let (Helper::Itself(name) | Helper::Source(_, name)) = helper;
            prop_assert!(!name.starts_with('/') && !name.split('/').any(|part| part == ".."));
        }
    }
}

#[test]
fn a_client_that_opens_its_argument_gets_a_text() {
    let of = |files: &[(&str, &str)]| sent_file(&tree(files), "").map(|file| file.name);
    let client = "int main(int argc, char **argv) { connect(s, a, n); fopen(argv[1], \"r\"); }";
    let readme = ("README.txt", "how to call it");
    assert_eq!(of(&[("c.c", client), readme]).as_deref(), Some("Mixed.txt"));
    let own = ("poem.txt", "Apples");
    assert_eq!(
        of(&[("c.c", client), readme, own]).as_deref(),
        Some("poem.txt")
    );
    // A server's log is no text, and a path is no file.
    let server = "int main(int argc, char **argv) { listen(s, 1); connect(); open(argv[1], 1); }";
    let path = "int main(int argc, char **argv) { connect(s, argv[1], n); }";
    assert_eq!(of(&[("s.c", server), ("c.c", path), own]), None);
}

#[test]
fn who_looks_at_no_argument_and_has_no_name_asks_for_it() {
    let of = |text: &str| {
        let tree = tree(&[("6.c", text)]);
        asks(&tree, "", &opened(&tree, ""))
    };
    assert!(of("int main(void) { scanf(\"%s\", name); open(name, 0); }"));
    assert!(of(
        "main(argc, argv) char **argv; { gets(name); fopen(name, \"r\"); }"
    ));
    assert!(!of("int main(void) { fopen(\"poem\", \"r\"); }"));
    assert!(!of("int main(int n, char **v) { open(v[1], 0); }"));
    assert!(!of("int main(void) { scanf(\"%d\", &n); }"));
    assert!(!of("int f(void) { return open(name, 0); }"));
}
