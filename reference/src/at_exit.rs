//! `at-exit MODE FILE`: the ways in which a process ends.
//!
//! The list of handlers and the buffer that C keeps are kept here, so that what happens to them at
//! each end is said and not left to a library of another language.

use std::ffi::OsString;
use std::io::{stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use supervisor::fork::{Forked, fork};

use crate::io;

const NAME: &str = "at-exit";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [mode, file] = args else {
        return usage();
    };
    let Some(mode) = mode.to_str().and_then(Way::of) else {
        return usage();
    };
    match Process::begin(file) {
        Ok(process) => process.end_by(mode),
        Err(error) => {
            io::complain(NAME, file.as_bytes(), error.desc());
            1
        }
    }
}

fn usage() -> i32 {
    io::usage("at-exit return|helper|exit|_exit|abort|wait|nested|fork FILE")
}

#[derive(Clone, Copy)]
enum Way {
    Return,
    Helper,
    Exit,
    UnderscoreExit,
    Abort,
    Wait,
    Nested,
    Fork,
}

impl Way {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "return" => Self::Return,
            "helper" => Self::Helper,
            "exit" => Self::Exit,
            "_exit" => Self::UnderscoreExit,
            "abort" => Self::Abort,
            "wait" => Self::Wait,
            "nested" => Self::Nested,
            "fork" => Self::Fork,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy)]
enum Handler {
    A,
    B,
    C,
    D,
}

/// What C's library keeps for a process.
struct Process<'a> {
    file: &'a OsString,
    handlers: Vec<Handler>,
    /// Printed, but not written yet.
    buffer: &'static [u8],
    /// C registers D.
    nested: bool,
}

impl<'a> Process<'a> {
    fn begin(file: &'a OsString) -> nix::Result<Self> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
        let made: OwnedFd =
            nix::fcntl::open(file.as_os_str(), flags, Mode::from_bits_truncate(0o644))?;
        drop(made);
        Ok(Self {
            file,
            handlers: vec![Handler::A, Handler::B, Handler::C],
            buffer: b"body",
            nested: false,
        })
    }

    /// Returns the exit status.
    fn end_by(mut self, way: Way) -> i32 {
        match way {
            Way::Return => self.exit(7),
            Way::Helper => {
                // A function that returns 5 has only returned.
                say(b"back\n");
                self.exit(0)
            }
            Way::Exit => self.exit(5),
            // Neither handlers nor buffer.
            Way::UnderscoreExit => 6,
            Way::Abort => std::process::abort(),
            Way::Wait => match wait_for_interrupt() {
                Ok(()) => self.exit(0),
                Err(error) => {
                    io::complain(NAME, b"sigwait", error.desc());
                    self.exit(1)
                }
            },
            Way::Nested => {
                self.nested = true;
                self.exit(0)
            }
            Way::Fork => self.fork(),
        }
    }

    fn fork(self) -> i32 {
        match fork() {
            // The child has copies of the handlers and of the buffer, and leaves both alone.
            Ok(Forked::Child) => std::process::exit(0),
            Ok(Forked::Parent(child)) => {
                let ended = io::retry(|| waitpid(child, None)).and_then(|_| input_ended(stdin()));
                self.exit(i32::from(ended.is_err()))
            }
            Err(error) => {
                io::complain(NAME, b"fork", &io::reason(&error));
                self.exit(1)
            }
        }
    }

    /// As exit(3): the handlers from the last to the first, then the buffers.
    fn exit(mut self, status: i32) -> i32 {
        while let Some(handler) = self.handlers.pop() {
            match handler {
                Handler::A => {
                    say(b"A\n");
                    // That it is gone already would be no reason to complain.
                    let _ = nix::unistd::unlink(self.file.as_os_str());
                }
                Handler::B => say(b"B\n"),
                Handler::C => {
                    say(b"C\n");
                    if self.nested {
                        self.handlers.push(Handler::D);
                    }
                }
                Handler::D => say(b"D\n"),
            }
        }
        say(self.buffer);
        status
    }
}

/// A standard output that takes nothing changes nothing.
fn say(text: &[u8]) {
    let _ = io::write_all(stdout(), text);
}

/// Prints `ready` and waits for SIGINT. SIGTERM keeps its default.
fn wait_for_interrupt() -> nix::Result<()> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.thread_block()?;
    say(b"ready\n");
    set.wait().map(drop)
}

/// Waits for the end of the input.
fn input_ended(input: impl AsFd) -> nix::Result<()> {
    let mut buffer = [0; 512];
    while io::read(&input, &mut buffer)? > 0 {}
    Ok(())
}
