//! `pipe-line [-v] CMD ARGS... -- CMD ARGS... -- ...`: a pipeline like a shell's.

use std::ffi::{OsStr, OsString};
use std::io::stderr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use crate::io;

const NAME: &str = "pipe-line";
const USAGE: &str = "pipe-line [-v] CMD [ARG...] [-- CMD [ARG...]]...";
/// The longest pipeline.
const MOST: usize = 16;
/// The status of a command that could not be executed, as in a shell.
const NOT_EXECUTED: i32 = 127;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let (verbose, words) = match args.split_first() {
        Some((first, rest)) if first == "-v" => (true, rest),
        _ => (false, args),
    };
    let commands: Vec<&[OsString]> = words.split(|word| word == "--").collect();
    if commands.len() > MOST || commands.iter().any(|command| command.is_empty()) {
        return io::usage(USAGE);
    }
    if verbose {
        tell(&format!("{} stages\n", commands.len()));
    }
    let stages = match start_all(&commands) {
        Ok(stages) => stages,
        Err(error) => {
            io::complain(NAME, b"pipe", error.desc());
            return 1;
        }
    };
    let ends: Vec<(u32, i32)> = stages.into_iter().map(Stage::wait).collect();
    if verbose {
        for (number, (pid, status)) in (1..).zip(&ends) {
            tell(&format!("{number} {pid} {status}\n"));
        }
    }
    ends.last().map_or(0, |(_, status)| *status)
}

/// A stage that was started, or was not.
enum Stage {
    Runs(Child),
    NotExecuted,
}

impl Stage {
    /// Its pid and its status as a shell would give it.
    fn wait(self) -> (u32, i32) {
        match self {
            Self::NotExecuted => (0, NOT_EXECUTED),
            Self::Runs(mut child) => {
                let pid = child.id();
                // There is nobody else who could have waited for it.
                (pid, child.wait().map_or(NOT_EXECUTED, shell_status))
            }
        }
    }
}

fn shell_status(status: ExitStatus) -> i32 {
    let signal = || status.signal().unwrap_or(0);
    status.code().unwrap_or_else(|| 128 + signal())
}

/// Starts every stage. All pipes are close-on-exec, and a stage's ends go to it alone, so that
/// nobody keeps one that is not his.
fn start_all(commands: &[&[OsString]]) -> nix::Result<Vec<Stage>> {
    let mut stages = Vec::new();
    let mut input: Option<OwnedFd> = None;
    for (at, command) in commands.iter().enumerate() {
        let (next, output) = if at + 1 < commands.len() {
            let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC)?;
            (Some(read_end), Some(write_end))
        } else {
            (None, None)
        };
        stages.push(start(command, input.take(), output));
        input = next;
    }
    Ok(stages)
}

/// Starts one stage, with default dispositions and an empty mask; without a pipe it has what this
/// process has.
fn start(command: &[OsString], input: Option<OwnedFd>, output: Option<OwnedFd>) -> Stage {
    let name = command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let end = |pipe: Option<OwnedFd>| pipe.map_or_else(Stdio::inherit, Stdio::from);
    let started = Command::new(name)
        .args(&command[1..])
        .stdin(end(input))
        .stdout(end(output))
        .spawn();
    started.map_or_else(
        |error| {
            io::complain(NAME, name.as_bytes(), &io::reason(&error));
            Stage::NotExecuted
        },
        Stage::Runs,
    )
}

/// A line on standard error; the exit status tells all the same where it cannot be written.
fn tell(line: &str) {
    let _ = io::write_all(stderr(), line.as_bytes());
}
