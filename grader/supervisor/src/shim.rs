//! The preloaded library that watches signal handlers from inside the program: it reports calls
//! that are not async-signal-safe and handlers that change `errno`.
//!
//! A report is a `prctl` that the kernel refuses and the tracer sees at its entry, where
//! [`decode`] reads it. What the program can see stays as it is without the library.

pub mod elf;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::memory;

/// First argument of a `prctl` that is a report ("grad").
pub const REPORT: u64 = 0x6772_6164;

/// No report is longer.
const MAX_REPORT: usize = 64;

/// The library's C source.
#[must_use]
pub fn source() -> &'static str {
    include_str!("shim/handlers.c")
}

/// Compiles the library for this machine with the C compiler `cc`; `out` appears whole or not at
/// all. It belongs to the C library that it was compiled with.
///
/// # Errors
/// When the compiler cannot be run or fails (then with what it said), or `out` cannot be written.
pub fn compile(cc: &Path, out: &Path) -> io::Result<()> {
    compile_with(cc, out, &[])
}

fn compile_with(cc: &Path, out: &Path, options: &[&str]) -> io::Result<()> {
    let mut unfinished = out.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let done = run_compiler(cc, &unfinished, options);
    let done = done.and_then(|()| std::fs::rename(&unfinished, out));
    if done.is_err() {
        // Whether there is anything to remove does not matter any more.
        let _ = std::fs::remove_file(&unfinished);
    }
    done
}

fn run_compiler(cc: &Path, out: &Path, options: &[&str]) -> io::Result<()> {
    let mut child = Command::new(cc)
        .args(["-shared", "-fPIC", "-O2", "-fno-builtin", "-w"])
        .args(options)
        .arg("-o")
        .arg(out)
        .args(["-x", "c", "-", "-ldl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let fed = child
        .stdin
        .take()
        .map_or(Ok(()), |mut stdin| stdin.write_all(source().as_bytes()));
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!(
            "the handler shim does not compile: {}",
            said.trim()
        )));
    }
    fed
}

/// The report in the arguments of a `prctl`; `None` when it is none. The program could make such
/// calls itself, so only texts that the library can send are taken.
#[must_use]
pub fn decode(args: &[u64; 6], tid: i32) -> Option<String> {
    if args[0] != REPORT {
        return None;
    }
    let len = usize::try_from(args[2])
        .ok()
        .filter(|len| *len <= MAX_REPORT)?;
    let text = String::from_utf8(memory::read(tid, args[1], len))
        .ok()
        .filter(|text| text.len() == len)?;
    is_report(&text).then_some(text)
}

fn is_report(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text == "changes errno" || text.strip_prefix("calls ").is_some_and(is_name)
}

#[cfg(test)]
mod tests;
