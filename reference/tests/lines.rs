//! The servers of lines and their client as processes, held against their handouts.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server that listens.
struct Server {
    child: Child,
    path: std::path::PathBuf,
    _home: tempfile::TempDir,
}

fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(Path::parent);
    let mut command = Command::new(profile.expect("a profile").join("examples/reference"));
    command
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

impl Server {
    fn start(name: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("socket");
        let mut child = program(name).arg(&path).spawn().expect("starts");
        let out: &mut ChildStdout = child.stdout.as_mut().expect("piped");
        let mut line = [0; 10];
        out.read_exact(&mut line).expect("a line");
        assert_eq!(&line, b"listening\n");
        Self {
            child,
            path,
            _home: home,
        }
    }

    fn connect(&self) -> Peer {
        let stream = UnixStream::connect(&self.path).expect("it listens");
        Peer(BufReader::new(stream))
    }

    fn end(mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGTERM).expect("alive");
        assert_eq!(self.child.wait().expect("ends").code(), Some(0));
        assert!(!self.path.exists());
    }
}

/// A test that has failed leaves nothing behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Peer(BufReader<UnixStream>);

impl Peer {
    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("taken");
    }

    fn hears(&mut self, expected: &str) {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        assert_eq!(line, format!("{expected}\n"));
    }

    fn ask(&mut self, request: &str, answer: &str) {
        self.say(&format!("{request}\n"));
        self.hears(answer);
    }

    /// Its connection ends, and nothing more came; a reset is an end as well.
    fn ends(mut self) {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        assert_eq!(rest, b"");
    }
}

#[test]
fn copies_are_private_and_merged_key_by_key() {
    let server = Server::start("cmm");
    let (mut alice, mut bob) = (server.connect(), server.connect());
    alice.ask("GET k", "ERR");
    alice.ask("CHECKOUT", "BASE 0");
    bob.ask("CHECKOUT", "BASE 0");
    alice.ask("PUT a 1", "OK");
    bob.ask("GET a", "NONE");
    bob.ask("PUT b 2", "OK");
    alice.ask("COMMIT", "OK 1");
    bob.ask("GET a", "NONE");
    bob.ask("COMMIT", "OK 2");
    bob.ask("GET a", "VAL 1");
    alice.ask("COMMIT", "OK 2");
    alice.ask("ABORT", "OK");
    server.end();
}

#[test]
fn conflicts_are_resolved_or_rolled_back() {
    let server = Server::start("cmm");
    let (mut alice, mut bob) = (server.connect(), server.connect());
    alice.ask("CHECKOUT", "BASE 0");
    bob.ask("TXN", "BASE 0");
    for (who, value) in [(&mut alice, "mine"), (&mut bob, "his")] {
        for key in ["b", "a"] {
            who.ask(&format!("PUT {key} {value}"), "OK");
        }
    }
    bob.ask("COMMIT", "OK 1");
    alice.ask("RESOLVE c mine", "ERR");
    alice.ask("COMMIT", "CONFLICT a b");
    alice.ask("RESOLVE a theirs", "OK");
    alice.ask("GET a", "VAL his");
    alice.ask("COMMIT", "CONFLICT b");
    alice.ask("RESOLVE b mine", "OK");
    alice.ask("COMMIT", "OK 2");
    bob.ask("GET b", "VAL his");
    bob.ask("PUT b again", "OK");
    bob.ask("COMMIT", "ROLLBACK");
    bob.ask("GET b", "ERR");
    bob.ask("TXN", "BASE 2");
    bob.ask("GET b", "VAL mine");
    server.end();
}

#[test]
fn requests_may_come_in_pieces_and_before_the_half_close() {
    let server = Server::start("cmm");
    let mut alice = server.connect();
    alice.say("CHECK");
    alice.say("OUT\nPUT a 1\nCOMM");
    alice.say("IT\n");
    let stream = alice.0.get_ref();
    stream.shutdown(std::net::Shutdown::Write).expect("open");
    alice.hears("BASE 0");
    alice.hears("OK");
    alice.hears("OK 1");
    alice.ends();
    let mut bob = server.connect();
    bob.say(&"x".repeat(3000));
    bob.ends();
    server.end();
}

#[test]
fn members_hear_each_other() {
    let server = Server::start("chat-server");
    let mut ann = server.connect();
    ann.ask("ann\n/who", "* here: ann");
    let mut bob = server.connect();
    bob.say("bob\n");
    ann.hears("* bob joined");
    bob.ask("/who", "* here: ann bob");
    ann.say("hel");
    ann.say("lo\n");
    bob.hears("<ann> hello");
    for (nick, answer) in [
        ("ann", "! nick taken"),
        ("", "! bad nick"),
        ("a b", "! bad nick"),
    ] {
        let mut other = server.connect();
        other.ask(nick, answer);
        other.ends();
    }
    bob.say("/quit\nnot said any more\n");
    bob.ends();
    ann.hears("* bob left");
    server.end();
    ann.ends();
}

#[test]
fn a_member_who_does_not_read_is_sent_away() {
    let server = Server::start("chat-server");
    let (mut ann, mut slow, mut bob) = (server.connect(), server.connect(), server.connect());
    ann.ask("ann\n/who", "* here: ann");
    slow.say("slow\n");
    ann.hears("* slow joined");
    bob.say("bob\n");
    ann.hears("* bob joined");
    let text = "x".repeat(1000);
    let mut left = false;
    // A thousand bytes each: what waits for it is soon more than the room that the kernel gives.
    for _ in 0..2000 {
        ann.say(&format!("{text}\n"));
        let mut line = String::new();
        bob.0.read_line(&mut line).expect("a line");
        if line == "* slow left\n" {
            left = true;
            bob.hears(&format!("<ann> {text}"));
            break;
        }
        assert_eq!(line, format!("<ann> {text}\n"));
    }
    assert!(left);
    ann.hears("* slow left");
    server.end();
}

#[test]
fn the_client_talks_and_listens_at_once() {
    let server = Server::start("chat-server");
    let mut bob = server.connect();
    bob.ask("bob\n/who", "* here: bob");
    let mut client = program("chat-client");
    let mut client = client.arg(&server.path).arg("ann").spawn().expect("starts");
    bob.hears("* ann joined");
    bob.say("hello\n");
    let mut shown = BufReader::new(client.stdout.take().expect("piped"));
    let mut line = String::new();
    shown.read_line(&mut line).expect("a line");
    assert_eq!(line, "<bob> hello\n");
    let mut typed = client.stdin.take().expect("piped");
    typed.write_all(b"hi\n").expect("taken");
    bob.hears("<ann> hi");
    drop(typed);
    bob.hears("* ann left");
    assert_eq!(client.wait().expect("ends").code(), Some(0));
    server.end();
}
