//! The reference programs as processes, each held against its handout.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The example `reference`, which cargo builds beside the tests.
fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let path = profile.join("examples/reference");
    assert!(
        path.exists(),
        "{} is missing: run all targets, `cargo test -p reference`",
        path.display()
    );
    path
}

fn command(name: &str) -> Command {
    let mut command = Command::new(executable());
    command
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(name: &str, args: &[&str]) -> Running {
    let mut child = command(name).args(args).spawn().expect("starts");
    Running {
        stdin: child.stdin.take(),
        stdout: child.stdout.take().expect("piped"),
        stderr: child.stderr.take().expect("piped"),
        child,
    }
}

struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn type_in(&mut self, bytes: &[u8]) {
        self.stdin
            .as_mut()
            .expect("open")
            .write_all(bytes)
            .expect("takes input");
    }

    fn expect_output(&mut self, expected: &[u8]) {
        let mut got = vec![0; expected.len()];
        self.stdout.read_exact(&mut got).expect("enough output");
        assert_eq!(got, expected);
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("alive");
    }

    /// Closes the input and returns the rest of the output, the messages and the exit code.
    fn finish(mut self) -> (Vec<u8>, String, Option<i32>) {
        drop(self.stdin.take());
        let (mut output, mut messages) = (Vec::new(), String::new());
        self.stdout.read_to_end(&mut output).expect("readable");
        self.stderr.read_to_string(&mut messages).expect("text");
        (output, messages, self.child.wait().expect("ends").code())
    }
}

fn feed(name: &str, args: &[&str], input: &[u8]) -> Output {
    let mut child = command(name).args(args).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    std::thread::scope(|scope| {
        // A program that leaves early takes only part of it.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("ends")
    })
}

fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

fn large() -> Vec<u8> {
    (0..1_u32 << 20)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn wrong_usage_is_2() {
    for name in reference::NAMES {
        // Whatever `pipe-line` is given are commands; it must be given some.
        let args: &[&str] = if *name == "pipe-line" {
            &[]
        } else {
            &["1", "2", "3"]
        };
        let output = feed(name, args, b"");
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(&format!("usage: {name}")));
    }
}

mod pipe_upper {
    use super::*;

    #[test]
    fn changes_ascii_letters_only() {
        for input in [
            every_byte(),
            large(),
            Vec::new(),
            "без конца строки, caf\u{e9}".into(),
        ] {
            let output = feed("pipe-upper", &[], &input);
            assert_eq!(output.stdout, input.to_ascii_uppercase());
            assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        }
    }

    #[test]
    fn reads_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "from a file").expect("written");
        let output = feed(
            "pipe-upper",
            &[file.path().to_str().expect("text")],
            b"not this",
        );
        assert_eq!(
            (&*output.stdout, output.status.code()),
            (&b"FROM A FILE"[..], Some(0))
        );
    }

    #[test]
    fn says_which_file_is_missing() {
        let output = feed("pipe-upper", &["/nowhere/x"], b"");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            output.stderr,
            b"pipe-upper: /nowhere/x: No such file or directory\n"
        );
    }

    #[test]
    fn answers_at_once_and_each_side_has_its_end_only() {
        let mut program = start("pipe-upper", &[]);
        program.type_in(b"one");
        program.expect_output(b"ONE");
        let root = program.child.id();
        let children = children(root);
        assert_eq!(children.len(), 1);
        // The child's input is the pipe; each of the two holds one end of it, once.
        let (parent_ends, child_ends) = (descriptors(root), descriptors(children[0]));
        let pipe = &child_ends[0];
        let held = |ends: &[PathBuf]| ends.iter().filter(|end| *end == pipe).count();
        assert_eq!(
            (held(&parent_ends), held(&child_ends)),
            (1, 1),
            "{parent_ends:?} {child_ends:?}"
        );
        assert_ne!(&parent_ends[0], pipe);
        // The parent's own input is no business of the child's.
        assert!(!child_ends.contains(&parent_ends[0]));
        assert_eq!(program.finish(), (Vec::new(), String::new(), Some(0)));
    }

    fn children(pid: u32) -> Vec<u32> {
        let list =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("alive");
        list.split_whitespace()
            .map(|pid| pid.parse().expect("a number"))
            .collect()
    }

    /// What the open descriptors lead to, in their order.
    fn descriptors(pid: u32) -> Vec<PathBuf> {
        let mut all: Vec<(u32, PathBuf)> = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .expect("alive")
            .map(|entry| entry.expect("readable").path())
            .map(|path| {
                let number = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .expect("a number");
                (
                    number.parse().expect("a number"),
                    std::fs::read_link(&path).expect("open"),
                )
            })
            .collect();
        all.sort();
        all.into_iter().map(|(_, target)| target).collect()
    }

    #[test]
    fn gives_the_status_of_a_killed_child() {
        let mut program = start("pipe-upper", &[]);
        program.type_in(b"x");
        program.expect_output(b"X");
        let child = Pid::from_raw(children(program.child.id())[0].cast_signed());
        kill(child, Signal::SIGKILL).expect("alive");
        assert_eq!(program.finish(), (Vec::new(), String::new(), Some(137)));
    }

    #[test]
    fn says_that_the_output_is_full() {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("there");
        let mut child = command("pipe-upper").stdout(full).spawn().expect("starts");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(b"x")
            .expect("taken");
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            output.stderr,
            b"pipe-upper: standard output: No space left on device\n"
        );
    }

    #[test]
    fn stops_when_nobody_reads_any_more() {
        let mut child = command("pipe-upper")
            .stdin(Stdio::null())
            .arg("/dev/zero")
            .spawn()
            .expect("starts");
        let mut stdout = child.stdout.take().expect("piped");
        stdout.read_exact(&mut [0]).expect("one byte");
        drop(stdout);
        assert_eq!(child.wait().expect("ends").code(), Some(1));
    }
}

mod sig_count {
    use super::*;

    const RT: i32 = 34;

    fn ready() -> Running {
        let mut program = start("sig-count", &[]);
        let line = format!("ready {}\n", program.child.id());
        program.expect_output(line.as_bytes());
        program
    }

    /// nix knows no real-time signals; the shell does.
    fn kill_by_number(pid: Pid, signal: i32, times: usize) {
        for _ in 0..times {
            let script = format!("kill -{signal} {pid}");
            let status = Command::new("sh").args(["-c", &script]).status();
            assert!(status.expect("a shell").success());
        }
    }

    #[test]
    fn a_bell_for_each_signal() {
        let mut program = ready();
        for _ in 0..20 {
            program.signal(Signal::SIGINT);
            program.expect_output(b"\x07");
        }
        program.signal(Signal::SIGQUIT);
        assert_eq!(
            program.finish(),
            (b"\ncount 20 rt 0\n".to_vec(), String::new(), Some(0))
        );
    }

    #[test]
    fn nothing_happened() {
        let program = ready();
        program.signal(Signal::SIGQUIT);
        assert_eq!(
            program.finish(),
            (b"\ncount 0 rt 0\n".to_vec(), String::new(), Some(0))
        );
    }

    #[test]
    fn real_time_signals_queue_and_quit_comes_last() {
        let program = ready();
        program.signal(Signal::SIGSTOP);
        let stopped = waitpid(program.pid(), Some(WaitPidFlag::WUNTRACED)).expect("ours");
        assert!(matches!(stopped, WaitStatus::Stopped(..)));
        kill_by_number(program.pid(), RT, 5);
        for _ in 0..50 {
            program.signal(Signal::SIGINT);
        }
        program.signal(Signal::SIGQUIT);
        program.signal(Signal::SIGCONT);
        assert_eq!(
            program.finish(),
            (b"\x07\ncount 1 rt 5\n".to_vec(), String::new(), Some(0))
        );
    }

    #[test]
    fn other_signals_keep_their_meaning() {
        let mut program = ready();
        program.signal(Signal::SIGTERM);
        assert_eq!(program.child.wait().expect("ends").signal(), Some(15));
    }
}

mod us {
    use super::*;

    struct Place {
        directory: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self {
                directory: tempfile::tempdir().expect("a directory"),
            }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("socket")
        }

        fn text(&self) -> String {
            self.path().to_str().expect("text").to_owned()
        }

        fn server(&self) -> Running {
            let mut server = start("us-server", &[&self.text()]);
            server.expect_output(b"listening\n");
            server
        }

        fn connect(&self) -> UnixStream {
            UnixStream::connect(self.path()).expect("somebody listens")
        }

        fn leave(&self, server: Running, signal: Signal) {
            server.signal(signal);
            assert_eq!(server.finish(), (Vec::new(), String::new(), Some(0)));
            assert!(!self.path().exists());
        }
    }

    fn ask(mut client: &UnixStream, text: &[u8]) {
        client.write_all(text).expect("taken");
        let mut reply = vec![0; text.len()];
        client.read_exact(&mut reply).expect("answered");
        assert_eq!(reply, text.to_ascii_uppercase());
    }

    fn session(mut client: UnixStream, text: &[u8]) {
        ask(&client, text);
        client.shutdown(std::net::Shutdown::Write).expect("open");
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).expect("ended");
        assert!(rest.is_empty());
    }

    #[test]
    fn one_after_another_and_nothing_is_left_of_them() {
        let place = Place::new();
        let server = place.server();
        let descriptors = || {
            std::fs::read_dir(format!("/proc/{}/fd", server.child.id()))
                .expect("alive")
                .count()
        };
        let before = descriptors();
        for _ in 0..50 {
            session(place.connect(), &every_byte());
        }
        session(place.connect(), b"");
        let idle = place.connect();
        ask(&idle, b"as it arrives");
        assert_eq!(descriptors(), before + 1);
        place.leave(server, Signal::SIGTERM);
    }

    #[test]
    fn survives_rude_clients() {
        let place = Place::new();
        let server = place.server();
        drop(place.connect());
        let unread = place.connect();
        (&unread).write_all(b"nobody reads this").expect("taken");
        drop(unread);
        let stalled = place.connect();
        stalled.set_nonblocking(true).expect("a socket");
        while (&stalled).write(&large()).is_ok() {}
        drop(stalled);
        session(place.connect(), b"still here");
        place.leave(server, Signal::SIGINT);
    }

    #[test]
    fn leaves_while_a_client_does_not_read() {
        let place = Place::new();
        let server = place.server();
        let stalled = place.connect();
        std::thread::scope(|scope| {
            // Ends when the server closes the connection, and not before: it never reads.
            let writer = scope.spawn(|| {
                (&stalled)
                    .write_all(&large())
                    .and_then(|()| (&stalled).write_all(&large()))
            });
            place.leave(server, Signal::SIGTERM);
            writer
                .join()
                .expect("no panic")
                .expect_err("the server has left");
        });
    }

    #[test]
    fn replaces_a_dead_socket_but_nothing_else() {
        let place = Place::new();
        drop(UnixListener::bind(place.path()).expect("bound"));
        let server = place.server();

        let second = feed("us-server", &[&place.text()], b"");
        assert_eq!(second.status.code(), Some(1));
        let message = format!("us-server: {}: Address already in use\n", place.text());
        assert_eq!(String::from_utf8_lossy(&second.stderr), message);
        session(place.connect(), b"the first goes on");
        place.leave(server, Signal::SIGTERM);

        std::fs::write(place.path(), "precious").expect("written");
        assert_eq!(
            feed("us-server", &[&place.text()], b"").status.code(),
            Some(1)
        );
        assert_eq!(
            std::fs::read(place.path()).expect("still there"),
            b"precious"
        );
    }

    #[test]
    fn client_and_server_together() {
        let place = Place::new();
        let server = place.server();
        for input in [every_byte(), large(), b"\n\n".to_vec(), Vec::new()] {
            let output = feed("us-client", &[&place.text()], &input);
            assert_eq!(output.stdout, input.to_ascii_uppercase());
            assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        }
        place.leave(server, Signal::SIGTERM);
    }

    #[test]
    fn client_says_what_failed() {
        let place = Place::new();
        let check = |reason: &str| {
            let output = feed("us-client", &[&place.text()], b"x");
            assert_eq!(output.status.code(), Some(1));
            assert!(output.stdout.is_empty());
            let message = format!("us-client: {}: {reason}\n", place.text());
            assert_eq!(String::from_utf8_lossy(&output.stderr), message);
        };
        check("No such file or directory");
        drop(UnixListener::bind(place.path()).expect("bound"));
        check("Connection refused");
    }

    #[test]
    fn client_prints_what_came_before_the_end() {
        let place = Place::new();
        let listener = UnixListener::bind(place.path()).expect("bound");
        let mut client = start("us-client", &[&place.text()]);
        let (mut connection, _) = listener.accept().expect("connected");
        client.type_in(b"abc");
        connection.read_exact(&mut [0; 3]).expect("sent");
        connection.write_all(b"AB").expect("taken");
        drop(connection);
        client.expect_output(b"AB");
        // Its input is still open: it must not wait for that.
        let mut message = String::new();
        client.stderr.read_to_string(&mut message).expect("text");
        assert_eq!(
            message,
            format!(
                "us-client: {}: the server closed the connection\n",
                place.text()
            )
        );
        assert_eq!(client.finish().2, Some(1));
    }

    #[test]
    fn client_does_not_die_of_a_closed_connection() {
        let place = Place::new();
        let listener = UnixListener::bind(place.path()).expect("bound");
        let client = start("us-client", &[&place.text()]);
        let (mut connection, _) = listener.accept().expect("connected");
        // The server stops reading but still answers; the client's write finds that out.
        connection.shutdown(std::net::Shutdown::Read).expect("open");
        let mut client = client;
        client.type_in(b"abc");
        connection.write_all(b"LAST WORDS").expect("taken");
        client.expect_output(b"LAST WORDS");
        drop(connection);
        let (rest, message, status) = client.finish();
        assert_eq!((rest.len(), status), (0, Some(1)));
        assert!(message.contains("closed the connection"), "{message}");
    }
}

mod course {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(content.as_bytes()).expect("takes it");
        file
    }

    fn with_file(name: &str, content: &str, input: &[u8]) -> Output {
        let file = file(content);
        let path = file.path().to_str().expect("text").to_owned();
        feed(name, &[&path], input)
    }

    #[test]
    fn a_bell_for_each_signal_and_their_number_at_the_end() {
        let mut program = start("course-21", &[]);
        // The signals are blocked before anything is read, so it is safe to begin when the mask
        // says so.
        let status = format!("/proc/{}/status", program.child.id());
        let blocked = || {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
            line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .is_some_and(|mask| mask & 0b110 == 0b110)
        };
        while !blocked() {
            std::thread::yield_now();
        }
        for _ in 0..13 {
            program.signal(Signal::SIGINT);
            program.expect_output(b"\x07");
        }
        program.signal(Signal::SIGQUIT);
        assert_eq!(
            program.finish(),
            (
                b"\nThe bell rang 13 times.\n".to_vec(),
                String::new(),
                Some(0)
            )
        );
    }

    #[test]
    fn a_text_in_capitals_through_a_pipe_and_through_a_command() {
        for name in ["course-25", "course-26"] {
            let output = feed(name, &[], b"");
            assert_eq!(output.status.code(), Some(0), "{name}");
            let text = String::from_utf8(output.stdout).expect("text");
            assert!(text.starts_with("THE QUICK BROWN FOX"), "{name}: {text}");
            assert_eq!(text, text.to_uppercase(), "{name}");
        }
    }

    #[test]
    fn empty_lines_are_counted_wherever_they_stand() {
        for (content, count) in [
            ("", 0),
            ("a\nb\n", 0),
            ("\n", 1),
            ("\n\na\n\nb", 3),
            ("a\n \n\t\n\n", 1),
        ] {
            let output = with_file("course-27", content, b"");
            let said = String::from_utf8(output.stdout).expect("text");
            assert_eq!(said.trim(), count.to_string(), "{content:?}");
            assert_eq!(output.status.code(), Some(0), "{content:?}");
        }
        let output = feed("course-27", &["/nowhere"], b"");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("No such file"));
    }

    #[test]
    fn who_does_not_answer_in_time_gets_the_whole_file() {
        let output = with_file("ask-alarm", "one\n\nthree", b"3\n2\nx\n4\n0\n");
        assert_eq!(output.stdout, b"three\n\n");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.matches("no such line").count(), 2, "{said}");
        assert_eq!(output.status.code(), Some(0));

        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "one\n\nthree").expect("written");
        let path = file.path().to_str().expect("text");
        let mut program = start("ask-alarm", &[path, "1"]);
        let stdin = program.stdin.as_mut().expect("piped");
        stdin.write_all(b"3").expect("written");
        let mut text = String::new();
        program.stdout.read_to_string(&mut text).expect("read");
        assert_eq!(text, "one\n\nthree");
        assert_eq!(program.child.wait().expect("ends").code(), Some(0));
    }

    #[test]
    fn lines_are_found_by_their_numbers() {
        let output = with_file("course-06", "one\ntwo\nthree", b"2\n3\n9\nx\n0\n");
        let text = String::from_utf8(output.stdout).expect("text");
        let answers: Vec<&str> = text.split("Line number: ").collect();
        assert_eq!(
            answers,
            [
                "",
                "two\n",
                "three\n",
                "There are only 3 lines.\n",
                "That is no number.\n",
                ""
            ]
        );
        assert_eq!(output.status.code(), Some(0));
    }

    #[test]
    fn a_question_needs_a_terminal() {
        let output = feed("course-16", &[], b"y");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("terminal"));
    }
}

mod course_sockets {
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a directory"))
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("socket")
        }

        /// A server that listens: a connection is the proof. It is the server's first client.
        fn server(&self, name: &str) -> (Running, UnixStream) {
            let server = start(name, &[self.path().to_str().expect("text")]);
            loop {
                match UnixStream::connect(self.path()) {
                    Ok(client) => return (server, client),
                    Err(_) => std::thread::yield_now(),
                }
            }
        }
    }

    #[test]
    fn prints_one_client_and_ends_with_it() {
        let place = Place::new();
        let (mut server, mut client) = place.server("course-30-server");
        for text in ["mixed Case, ", "\n", "and the Last"] {
            client.write_all(text.as_bytes()).expect("takes it");
            server.expect_output(text.to_uppercase().as_bytes());
        }
        drop(client);
        assert_eq!(server.finish(), (Vec::new(), String::new(), Some(0)));
        assert!(!place.path().exists());
    }

    #[test]
    fn prints_whoever_speaks_while_others_are_silent() {
        let place = Place::new();
        let (mut server, mut first) = place.server("course-31-server");
        let mut second = UnixStream::connect(place.path()).expect("listens");
        second.write_all(b"second").expect("takes it");
        server.expect_output(b"SECOND");
        first.write_all(b"first").expect("takes it");
        server.expect_output(b"FIRST");
        drop(second);
        let mut third = UnixStream::connect(place.path()).expect("listens");
        third.write_all(b"third").expect("takes it");
        drop(third);
        server.expect_output(b"THIRD");
        first.write_all(b"still there").expect("takes it");
        server.expect_output(b"STILL THERE");
        server.signal(Signal::SIGTERM);
        assert_eq!(server.finish(), (Vec::new(), String::new(), Some(0)));
        assert!(!place.path().exists());
    }

    #[test]
    fn the_client_sends_its_input_and_leaves() {
        let place = Place::new();
        let path = place.path();
        let listener = UnixListener::bind(&path).expect("a socket");
        let mut client = start("course-30-client", &[path.to_str().expect("text")]);
        let (mut connection, _) = listener.accept().expect("a client");
        client.type_in(b"Some Text\n");
        assert_eq!(client.finish(), (Vec::new(), String::new(), Some(0)));
        let mut text = String::new();
        connection.read_to_string(&mut text).expect("text");
        assert_eq!(text, "Some Text\n");
        drop(listener);
        let late = feed("course-30-client", &[path.to_str().expect("text")], b"");
        assert_eq!(late.status.code(), Some(1));
    }
}

#[test]
fn each_way_to_end_leaves_what_the_handout_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("report");
    let ways = [
        ("return", Some(7), "C\nB\nA\nbody", false),
        ("helper", Some(0), "back\nC\nB\nA\nbody", false),
        ("exit", Some(5), "C\nB\nA\nbody", false),
        ("_exit", Some(6), "", true),
        ("abort", None, "", true),
        ("nested", Some(0), "C\nD\nB\nA\nbody", false),
        ("fork", Some(0), "C\nB\nA\nbody", false),
    ];
    for (way, status, printed, left) in ways {
        let output = feed("at-exit", &[way, file.to_str().expect("text")], b"");
        assert_eq!(output.status.code(), status, "{way}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{way}");
        assert_eq!(file.exists(), left, "{way}");
    }
}

#[test]
fn many_clients_are_answered_line_by_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let mut server = start("us-many", &[path.to_str().expect("text")]);
    server.expect_output(b"listening\n");
    let connect = || UnixStream::connect(&path).expect("listens");
    let [mut first, _silent, mut second] = [connect(), connect(), connect()];
    let read = |from: &mut UnixStream, wanted: &[u8]| {
        let mut answer = vec![0; wanted.len()];
        from.read_exact(&mut answer).expect("an answer");
        assert_eq!(answer, wanted);
    };
    first.write_all(b"hel").expect("takes it");
    second.write_all(b"one\ntwo\n").expect("takes it");
    read(&mut second, b"ONE\nTWO\n");
    first.write_all(b"lo\nrest").expect("takes it");
    read(&mut first, b"HELLO\n");
    first
        .shutdown(std::net::Shutdown::Write)
        .expect("half closes");
    read(&mut first, b"REST");
    assert_eq!(first.read(&mut [0; 8]).expect("the end"), 0);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.finish(), (Vec::new(), String::new(), Some(0)));
    assert!(!path.exists());
}

#[test]
fn a_name_is_made_with_its_rights_and_its_queue_served_in_order() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    drop(UnixListener::bind(&path).expect("a stale socket"));
    let text = path.to_str().expect("text");
    let mut server = start("us-name", &["-m", "0640", "-b", "2", text]);
    server.expect_output(b"listening\n");
    let mode = path.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let clients = [1, 2].map(|_| UnixStream::connect(&path).expect("listens"));
    server.signal(Signal::SIGUSR1);
    for (mut client, number) in clients.into_iter().zip(1..) {
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an answer");
        assert_eq!(answer, format!("served {number}\n"));
    }
    // Its knock on the door would be served as well, so it comes last.
    let second = feed("us-name", &[text], b"");
    assert_eq!(second.status.code(), Some(1));
    assert!(path.exists());
    server.signal(Signal::SIGTERM);
    assert_eq!(server.finish(), (Vec::new(), String::new(), Some(0)));
    assert!(!path.exists());
}
