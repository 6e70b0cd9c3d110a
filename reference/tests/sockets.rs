//! The reference programs for messages and for TCP, each held against its handout.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The example `reference`, which cargo builds beside the tests.
fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(Path::parent).expect("a profile");
    profile.join("examples/reference")
}

fn start(args: &[&str]) -> Child {
    Command::new(executable())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts")
}

fn feed(args: &[&str], input: &[u8]) -> Output {
    let mut child = start(args);
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input)
        .expect("taken");
    child.wait_with_output().expect("ends")
}

/// Ends a program as its user would; its exit code.
fn end(mut child: Child) -> Option<i32> {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("alive");
    child.wait().expect("ends").code()
}

/// A server of messages that has its name, in a directory of its own.
fn messenger(mode: &str) -> (tempfile::TempDir, PathBuf, Child) {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("s");
    let child = start(&["us-msg", mode, path.to_str().expect("text")]);
    // The name is there a moment before it can be used; asking is the only way to know.
    while !path.exists() {
        std::thread::yield_now();
    }
    (home, path, child)
}

#[test]
fn datagrams_are_answered_one_by_one() {
    let (home, path, server) = messenger("dgram");
    let own = UnixDatagram::bind(home.path().join("own")).expect("a name");
    own.connect(&path).expect("a server");
    let mut buffer = [0; 2000];
    for (message, answer) in [
        ("hello \u{44f}", "HELLO \u{44f}".to_owned()),
        ("", String::new()),
        (&"x".repeat(1024), "X".repeat(1024)),
        (&"x".repeat(1025), "ERR too long".to_owned()),
    ] {
        own.send(message.as_bytes()).expect("sent");
        let length = own.recv(&mut buffer).expect("an answer");
        assert_eq!(&buffer[..length], answer.as_bytes());
    }
    let nobody = UnixDatagram::unbound().expect("a socket");
    nobody.send_to(b"?", &path).expect("sent");
    own.send(b"after").expect("sent");
    let length = own.recv(&mut buffer).expect("an answer");
    assert_eq!(&buffer[..length], b"AFTER");
    assert_eq!(end(server), Some(0));
    assert!(!path.exists());
}

#[test]
fn the_clients_talk_to_the_server_in_both_modes_and_tell_that_there_is_none() {
    for mode in ["dgram", "seq"] {
        let (_home, path, server) = messenger(mode);
        let text = path.to_str().expect("text");
        // `seq` listens a moment after it has its name.
        let output = loop {
            let output = feed(&["us-msg-cli", mode, text], b"one\ntwo and a bit");
            if !String::from_utf8_lossy(&output.stderr).contains("refused") {
                break output;
            }
        };
        assert_eq!(output.stdout, b"ONE\nTWO AND A BIT\n");
        assert_eq!(output.status.code(), Some(0));
        end(server);
        let output = feed(&["us-msg-cli", mode, text], b"");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("No such file"));
    }
}

/// A server over TCP at a port of the kernel's choice.
fn web(args: &[&str]) -> (Child, u16) {
    let mut child = start(args);
    let mut line = String::new();
    let output = child.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let port = line.strip_prefix("listening ").expect("the port");
    (child, port.trim_end().parse().expect("a number"))
}

fn ask(mut server: TcpStream, text: &str) -> String {
    server.write_all(text.as_bytes()).expect("sent");
    server.shutdown(Shutdown::Write).expect("half-closed");
    let mut answer = String::new();
    server.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_server_takes_both_families_or_the_one_it_is_told() {
    let (server, port) = web(&["inet-server", "0"]);
    let has_ipv6 = TcpListener::bind(("::1", 0)).is_ok();
    let hosts = ["127.0.0.1", "::1"].into_iter();
    for host in hosts.filter(|host| *host != "::1" || has_ipv6) {
        let connected = TcpStream::connect((host, port)).expect("a server");
        assert_eq!(ask(connected, "hello"), "HELLO");
    }
    assert_eq!(end(server), Some(0));
    if has_ipv6 {
        let (server, port) = web(&["inet-server", "-6", "0"]);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        end(server);
    }
    let (server, port) = web(&["inet-server", "127.0.0.1", "0"]);
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
    end(server);
}

#[test]
fn a_client_talks_and_tells_why_it_cannot() {
    let (server, port) = web(&["inet-server", "-4", "0"]);
    let port = port.to_string();
    let output = feed(&["inet-client", "localhost", &port], b"from a client");
    assert_eq!(output.stdout, b"FROM A CLIENT");
    assert_eq!(output.status.code(), Some(0));
    end(server);
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port().to_string();
    drop(closed);
    let output = feed(&["inet-client", "127.0.0.1", &port], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Connection refused"));
}
