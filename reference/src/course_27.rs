//! `course-27 FILE`: the number of empty lines of a file, counted by wc(1).
//!
//! This process writes the empty lines into a pipe, and wc at its other end counts them: no shell
//! sees the name of the file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::io as own;

const NAME: &str = "course-27";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [file] = args else {
        return own::usage("course-27 FILE");
    };
    match count(file) {
        Ok(status) => status,
        Err((subject, error)) => {
            own::complain(NAME, &subject, &own::reason(&error));
            1
        }
    }
}

/// What could not be used, and why.
type Failure = (Vec<u8>, io::Error);

fn count(file: &OsStr) -> Result<i32, Failure> {
    let with_file = |error: nix::Error| (file.as_bytes().to_vec(), error.into());
    let with_wc = |error: io::Error| (b"wc".to_vec(), error);
    let input = nix::fcntl::open(file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(with_file)?;
    own::block_sigpipe().map_err(|error| with_wc(error.into()))?;
    let mut wc = Command::new("wc")
        .arg("-l")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(with_wc)?;
    // Taken, hence closed before the wait: otherwise wc would wait for more.
    let passed = match wc.stdin.take() {
        Some(pipe) => pass_empty_lines(input, &pipe),
        None => Ok(()),
    };
    let status = wc.wait().map_err(with_wc)?;
    passed.map_err(with_file)?;
    Ok(status.code().unwrap_or(1))
}

/// An empty line is a newline at the beginning of the file or after another newline.
fn pass_empty_lines(input: impl AsFd, pipe: impl AsFd) -> nix::Result<()> {
    let mut buffer = vec![0; own::CHUNK];
    let mut at_beginning = true;
    loop {
        let length = own::read(&input, &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let mut empty = 0;
        for byte in &buffer[..length] {
            empty += usize::from(at_beginning && *byte == b'\n');
            at_beginning = *byte == b'\n';
        }
        own::write_all(&pipe, &vec![b'\n'; empty])?;
    }
}
