//! `pipe-upper [FILE]`: the parent copies its input into a pipe, the child upper-cases it.

use std::ffi::OsString;
use std::io::{stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stdin, pipe2};
use supervisor::fork::{Forked, fork};

use crate::io;

const NAME: &str = "pipe-upper";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let result = match args {
        [] => pipe_through_child(stdin(), b"standard input"),
        [file] => match nix::fcntl::open(
            file.as_os_str(),
            OFlag::O_RDONLY | OFlag::O_CLOEXEC,
            Mode::empty(),
        ) {
            Ok(input) => pipe_through_child(input, file.as_bytes()),
            Err(error) => Err(Failure::of(file.as_bytes())(error)),
        },
        _ => return io::usage("pipe-upper [FILE]"),
    };
    report(result)
}

/// The exit status; a failure is said first.
fn report(result: Result<i32, Failure>) -> i32 {
    result.unwrap_or_else(|failure| {
        io::complain(NAME, &failure.subject, &failure.reason);
        1
    })
}

/// What could not be done, and why.
struct Failure {
    subject: Vec<u8>,
    reason: String,
}

impl Failure {
    fn of(subject: &[u8]) -> impl FnOnce(Errno) -> Self {
        move |error| Self {
            subject: subject.to_vec(),
            reason: error.desc().to_owned(),
        }
    }
}

/// The whole program; returns the exit status.
fn pipe_through_child(input: impl AsFd, name: &[u8]) -> Result<i32, Failure> {
    io::block_sigpipe().map_err(Failure::of(b"sigprocmask"))?;
    let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).map_err(Failure::of(b"pipe"))?;
    let forked = fork().map_err(|error| Failure {
        subject: b"fork".to_vec(),
        reason: io::reason(&error),
    })?;
    match forked {
        Forked::Child => {
            // The child's copies of what belongs to the parent: with the write end open here the
            // pipe would never end.
            drop(write_end);
            drop(input);
            // The child ends here: only one process goes back to the caller.
            std::process::exit(report(filter(read_end).map(|()| 0)));
        }
        Forked::Parent(child) => {
            drop(read_end);
            let copied = copy(input, &write_end, name);
            // Without this the child would wait for more, and the parent for the child.
            drop(write_end);
            let status = wait(child).map_err(Failure::of(b"waitpid"))?;
            copied.map(|()| status)
        }
    }
}

/// The child: pipe to standard output, upper-cased.
fn filter(pipe: OwnedFd) -> Result<(), Failure> {
    dup2_stdin(&pipe).map_err(Failure::of(b"dup2"))?;
    drop(pipe);
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let length = io::read(stdin(), &mut buffer).map_err(Failure::of(b"pipe"))?;
        if length == 0 {
            return Ok(());
        }
        let bytes = &mut buffer[..length];
        io::upper(bytes);
        io::write_all(stdout(), bytes).map_err(Failure::of(b"standard output"))?;
    }
}

/// The parent: input to pipe.
fn copy(input: impl AsFd, pipe: &OwnedFd, name: &[u8]) -> Result<(), Failure> {
    let mut buffer = vec![0; io::CHUNK];
    loop {
        let length = io::read(&input, &mut buffer).map_err(Failure::of(name))?;
        if length == 0 {
            return Ok(());
        }
        match io::write_all(pipe, &buffer[..length]) {
            Ok(()) => {}
            // The child is gone; how it ended is its exit status.
            Err(Errno::EPIPE) => return Ok(()),
            Err(error) => return Err(Failure::of(b"pipe")(error)),
        }
    }
}

/// Waits for the child and returns its exit status, as a shell would give it.
fn wait(child: Pid) -> nix::Result<i32> {
    loop {
        match io::retry(|| waitpid(child, None))? {
            WaitStatus::Exited(_, status) => return Ok(status),
            WaitStatus::Signaled(_, signal, _) => return Ok(128 + signal as i32),
            _ => {}
        }
    }
}
