//! Sockets of peers, ports, and roles played by one program.

use super::{errors, good, step_errors, warnings, with};
use crate::lab::{OwnName, SocketKind, Stimulus};

const MESSENGER: &str = r#"
[programs.messenger]
reference = "us-server"
args      = ["{socket}"]
address   = "argv"
socket    = "datagram"
[programs.web]
reference = "us-server"
args      = ["{host}", "{port}"]
address   = "argv"
socket    = "tcp"
[programs.second]
same-as = "web"
"#;

/// A lab with these programs as well.
fn lab(steps: &str) -> String {
    with("", steps).replacen("[[requirement]]", &format!("{MESSENGER}[[requirement]]"), 1)
}

#[test]
fn a_peer_has_the_kind_of_the_program_unless_it_says_otherwise() {
    let lab = good(&lab(r#"
{ start = "messenger", proves = ["r"] },
{ connect = { peer = "alice", bind = "@alice" } },
{ all = [ { send = { alice = "" } }, { send = { alice = { text = "x", fills = 2 } } } ] },
{ connect = { peer = "eve", socket = "seqpacket", to = "messenger" } },
{ listen = { peer = "desk", socket = "datagram" } },
{ send = { desk = "answer" } },
"#));
    let stimuli: Vec<&Stimulus> = lab.scenarios[0]
        .steps
        .iter()
        .flat_map(|step| &step.stimuli)
        .collect();
    let kind_of = |n: usize| match stimuli[n] {
        Stimulus::Connect { reach, .. } => reach.as_ref().map(|reach| reach.kind),
        Stimulus::Listen { kind, .. } => Some(*kind),
        _ => None,
    };
    assert_eq!(kind_of(1), Some(SocketKind::Datagram));
    assert_eq!(kind_of(4), Some(SocketKind::Seqpacket));
    assert_eq!(kind_of(5), Some(SocketKind::Datagram));
    assert!(matches!(
        stimuli[1],
        Stimulus::Connect { reach: Some(reach), .. }
            if reach.name == OwnName::Abstract("alice".into()) && !reach.unconnected
    ));
}

#[test]
fn what_a_socket_cannot_do_is_an_error() {
    let cases = [
        (
            r#"{ start = "messenger", proves = ["r"] }, { connect = { peer = "alice", host = "::1" } },"#,
            "only TCP has hosts",
        ),
        (
            r#"{ start = "web", proves = ["r"] }, { connect = { peer = "alice", host = "192.168.0.1" } },"#,
            "`192.168.0.1` is no address of the loopback",
        ),
        (
            r#"{ start = "web", proves = ["r"] }, { connect = { peer = "alice", bind = "alice" } },"#,
            "a TCP peer has no name of its own",
        ),
        (
            r#"{ start = "web", proves = ["r"] }, { connect = { peer = "alice", connected = false } },"#,
            "only a datagram peer can do without connecting",
        ),
        (
            r#"{ start = "messenger", proves = ["r"] }, { connect = "alice" }, { reset = "alice" },"#,
            "`alice` has no TCP connection to reset",
        ),
        (
            r#"{ start = "messenger", proves = ["r"] }, { connect = { peer = "alice", bind = "../x" } },"#,
            "`../x` is no name for a peer's socket",
        ),
        (
            r#"{ start = "web", proves = ["r"] }, { connect = "alice" }, { send = { alice = "" } },"#,
            "this sends nothing",
        ),
        (
            r#"{ start = "web", proves = ["r"] }, { connect = "alice" }, { send = { alice = { text = "x", fills = 2 } } },"#,
            "`fills` is for peers that send messages",
        ),
        (
            r#"{ start = "messenger", proves = ["r"] }, { connect = "alice" }, { send = { alice = { random = 9, fills = 2 } } },"#,
            "`fills` means nothing beside `random`",
        ),
        (
            r#"{ start = "messenger", proves = ["r"] }, { listen = { peer = "desk", socket = "datagram" } }, { accept = "alice" },"#,
            "no peer listens",
        ),
        (
            r#"{ start = "messenger", proves = ["r"] }, { listen = { peer = "desk", socket = "seqpacket", receives = "some" } },"#,
            "a peer that listens receives nothing itself",
        ),
    ];
    for (steps, message) in cases {
        assert_eq!(errors(&lab(steps)), [message], "{steps}");
    }
}

#[test]
fn a_port_is_for_programs_with_one() {
    assert_eq!(
        step_errors(r#"{ start = "server", proves = ["r"] },"#.replace("server", "srv").as_str()),
        ["there is no program `srv`"]
    );
    let source = lab(r#"{ start = "web", proves = ["r"] },"#);
    let unix = source.replacen("socket    = \"tcp\"", "", 1);
    assert_eq!(
        errors(&unix),
        ["`{host}` means nothing here", "`{port}` means nothing here"]
    );
}

#[test]
fn a_role_may_be_played_by_the_program_of_another() {
    let source = lab(r#"{ start = "web", proves = ["r"] }, { start = "second" },"#);
    let lab_ = good(&source);
    let second = lab_.programs.iter().find(|p| p.name == "second").unwrap();
    assert_eq!(second.same_as.as_deref(), Some("web"));
    assert_eq!(second.args, ["{host}", "{port}"]);
    assert!(second.has_port());
    assert!(warnings(&source).is_empty(), "{:?}", warnings(&source));
    let later = source.replace("same-as = \"web\"", "same-as = \"wob\"");
    assert_eq!(errors(&later), ["no program `wob` stands above"]);
    let own = source.replace(
        "same-as = \"web\"",
        "same-as = \"web\"\nreference = \"us-server\"",
    );
    assert_eq!(errors(&own), ["`reference` means nothing beside `same-as`"]);
}
