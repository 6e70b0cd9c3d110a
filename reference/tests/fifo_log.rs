//! `fifo-log` as processes, held against its handout.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

fn command(args: &[&Path]) -> Command {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let mut command = Command::new(profile.join("examples/reference"));
    command
        .arg("fifo-log")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn send(args: &[&Path], input: &str) -> Output {
    let mut child = command(args).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    // Who refuses a record does not read on.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ends")
}

fn terminate(server: Child) -> Output {
    let pid = Pid::from_raw(server.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("it lives");
    server.wait_with_output().expect("ends")
}

struct Place {
    _directory: tempfile::TempDir,
    fifo: PathBuf,
    out: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().expect("a directory");
    Place {
        fifo: directory.path().join("fifo"),
        out: directory.path().join("out"),
        _directory: directory,
    }
}

#[test]
fn records_of_senders_are_numbered_and_the_fifo_is_removed() {
    let Place { fifo, out, .. } = &place();
    mkfifo(fifo, Mode::S_IRWXU).expect("made");
    let server = command(&["serve".as_ref(), fifo, out])
        .spawn()
        .expect("starts");
    for (id, input) in [("ann", "one\ntwo\n"), ("bob", "no newline"), ("eve", "")] {
        let sent = send(&["send".as_ref(), fifo, id.as_ref()], input);
        assert_eq!(sent.status.code(), Some(0), "{sent:?}");
    }
    assert_eq!(terminate(server).status.code(), Some(0));
    let log = fs::read_to_string(out).expect("written");
    assert_eq!(log, "1\tann: one\n2\tann: two\n3\tbob: no newline\n");
    assert!(!fifo.exists());
}

#[test]
fn a_record_is_at_most_4096_bytes_long() {
    let Place { fifo, out, .. } = &place();
    mkfifo(fifo, Mode::S_IRWXU).expect("made");
    let server = command(&["serve".as_ref(), fifo, out])
        .spawn()
        .expect("starts");
    let line = |bytes: usize| format!("{}\n", "x".repeat(bytes));
    let words: [&Path; 3] = ["send".as_ref(), fifo, "ann".as_ref()];
    assert_eq!(send(&words, &line(4090)).status.code(), Some(0));
    let refused = send(&words, &line(4091));
    assert_eq!(refused.status.code(), Some(3));
    assert!(!refused.stderr.is_empty());
    // However long it is, it is not kept.
    assert_eq!(send(&words, &"x".repeat(1 << 20)).status.code(), Some(3));
    assert_eq!(terminate(server).status.code(), Some(0));
    let log = fs::read_to_string(out).expect("written");
    assert_eq!(log, format!("1\tann: {}", line(4090)));
}

#[test]
fn without_a_reader_an_impatient_sender_ends_and_other_files_are_left_alone() {
    let Place { fifo, out, .. } = &place();
    mkfifo(fifo, Mode::S_IRWXU).expect("made");
    let words: [&Path; 4] = ["send".as_ref(), "-n".as_ref(), fifo, "ann".as_ref()];
    let sent = send(&words, "lost\n");
    assert_eq!(
        (sent.status.code(), sent.stderr.is_empty()),
        (Some(4), false)
    );
    fs::write(out, "precious\n").expect("written");
    let refused = send(&["serve".as_ref(), out, fifo], "");
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(fs::read_to_string(out).expect("there"), "precious\n");
    // Nor does a sender write into a file.
    assert_eq!(
        send(&["send".as_ref(), out, "ann".as_ref()], "x\n")
            .status
            .code(),
        Some(1)
    );
    assert_eq!(fs::read_to_string(out).expect("there"), "precious\n");
}

#[test]
fn the_fifo_is_made_with_exactly_its_rights() {
    let Place { fifo, out, .. } = &place();
    let mut server = command(&["serve".as_ref(), fifo, out])
        .spawn()
        .expect("starts");
    // A writer waits for the reader; the file has to be there first.
    while !fifo.exists() {
        assert_eq!(server.try_wait().expect("a child"), None, "it lives");
        std::thread::yield_now();
    }
    let sent = send(&["send".as_ref(), fifo, "ann".as_ref()], "x\n");
    assert_eq!(sent.status.code(), Some(0));
    let meta = fs::symlink_metadata(fifo).expect("there");
    assert!(meta.file_type().is_fifo());
    assert_eq!(meta.permissions().mode() & 0o7777, 0o600);
    assert_eq!(terminate(server).status.code(), Some(0));
}
