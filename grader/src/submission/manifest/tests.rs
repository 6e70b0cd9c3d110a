use super::super::find::tests::program;
use super::*;

fn roles() -> Vec<lab::Program> {
    vec![
        program("server", "us-server", &["server.c"]),
        program("client", "us-client", &["client.c"]),
    ]
}

fn ok(text: &str) -> BTreeMap<String, Settled> {
    parse(text, &roles()).unwrap()
}

fn error(text: &str) -> String {
    parse(text, &roles()).unwrap_err().to_string()
}

#[test]
fn argv_is_what_follows_the_program() {
    let short = ok("[programs.server]\nargv = [\"{socket}\", \"-v\"]\n");
    let run = ok("[programs.server]\nrun = [\"{server}\", \"{socket}\", \"-v\"]\n");
    assert_eq!(short, run);
    let none = ok("[programs.server]\nargv = []\n");
    assert_eq!(none["server"].run, Some(vec!["{server}".to_owned()]));
    let both = error("[programs.server]\nargv = []\nrun = [\"{server}\"]\n");
    assert!(both.contains("keep one"), "{both}");
}

#[test]
fn every_way_is_read() {
    let all = ok(r#"
        [programs.server]
        sources = ["srv/main.c", "srv/net.c"]
        flags = ["-lrt"]
        [programs.client]
        make = "client"
        executable = "bin/client"
        run = ["{client}", "--talk", "{args}"]
    "#);
    assert_eq!(
        all["server"].way,
        Some(Way::Sources {
            sources: vec!["srv/main.c".into(), "srv/net.c".into()],
            flags: vec!["-lrt".into()],
        })
    );
    assert_eq!(
        all["client"].way,
        Some(Way::Make {
            target: "client".into(),
            executable: "bin/client".into(),
        })
    );
    assert_eq!(all["client"].run.as_ref().unwrap()[1], "--talk");
    assert_eq!(
        ok("[programs.server]\ncargo = 'srv'")["server"].way,
        Some(Way::Cargo {
            binary: "srv".into()
        })
    );
    assert_eq!(
        ok("[programs.server]\nexecutable = 'srv.py'")["server"].way,
        Some(Way::Script {
            file: "srv.py".into()
        })
    );
    let only_run = ok("[programs.server]\nrun = ['{server}', '-p', '{socket}']");
    assert_eq!(only_run["server"].way, None);
}

#[test]
fn an_address_and_variables_are_read() {
    let all = ok(
        "[programs.server]\nsocket = \"run/my.sock\"\nenv = { SOCK = \"{socket}\" }\n\
         [programs.client]\nport = 5000\n",
    );
    let server = &all["server"];
    assert_eq!(server.way, None);
    assert_eq!(server.address, Some(Declared::Socket("run/my.sock".into())));
    assert_eq!(server.env, [("SOCK".to_owned(), "{socket}".to_owned())]);
    assert_eq!(all["client"].address, Some(Declared::Port(5000)));
    for path in ["/tmp/sock", "./sock", "sock", "/lab/a/b"] {
        ok(&format!("[programs.server]\nsocket = \"{path}\"\n"));
    }
}

#[test]
fn wrong_addresses_name_their_line() {
    let long = format!("socket = \"{}\"", "x".repeat(108));
    for (entry, part) in [
        ("socket = \"\"", "give a path relative"),
        ("socket = \"/etc/sock\"", "below /tmp/"),
        ("socket = \"../sock\"", "give a path relative"),
        ("socket = \"@abstract\"", "give a path relative"),
        ("socket = \"a\\u0000b\"", "give a path relative"),
        (long.as_str(), "at most 107 bytes"),
        ("port = 80", "from 1024 to 65535"),
        ("port = 65536", "from 1024 to 65535"),
        ("port = -1", "from 1024 to 65535"),
        ("port = \"5000\"", "line 3"),
        ("env = { LD_PRELOAD = \"x\" }", "the grader sets it"),
        ("env = { \"1A\" = \"x\" }", "begins with no digit"),
        ("env = { A = \"a\\u0000\" }", "no NUL"),
    ] {
        let message = error(&format!("[programs.server]\nmake = \"all\"\n{entry}\n"));
        assert!(message.contains("grader.toml"), "{entry}: {message}");
        assert!(message.contains("line 3"), "{entry}: {message}");
        assert!(message.contains(part), "{entry}: {message}");
    }
    let both = error("[programs.server]\nsocket = \"s\"\nport = 5000\n");
    assert!(both.contains("line 3") && both.contains("keep"), "{both}");
}

#[test]
fn errors_name_the_place_and_the_fix() {
    let unknown = error("[programs.server]\nsourcs = ['a.c']");
    assert!(unknown.contains("grader.toml"), "{unknown}");
    assert!(unknown.contains("line 2"), "{unknown}");
    assert!(unknown.contains("sourcs"), "{unknown}");
    for (text, part) in [
        ("[programs.sever]\nmake = 'x'", "it has server, client"),
        (
            "[programs.server]\nsources = ['../x.c']",
            "inside the submission",
        ),
        (
            "[programs.server]\nsources = ['/etc/passwd']",
            "inside the submission",
        ),
        ("[programs.server]\nsources = []", "is empty"),
        ("[programs.server]\nmake = '-f/etc/x'", "no target"),
        ("[programs.server]\nmake = 'CC=evil'", "no target"),
        (
            "[programs.server]\nmake = 'a'\ncargo = 'b'",
            "exclude each other",
        ),
        ("[programs.server]", "say how it is built"),
        ("[programs.server]\nmake = 'a'\nflags = ['-g']", "belong to"),
        (
            "[programs.server]\nrun = ['/bin/cat']",
            "must begin with \"{server}\"",
        ),
        ("programs = 3", "grader.toml"),
    ] {
        let message = error(text);
        assert!(message.contains(part), "{text}: {message}");
    }
}
