//! Real scenarios through worker, helper and launcher.
//!
//! The executable is its own worker process, as `grader` is, so it brings its own small test
//! runner. Started as root it runs everything a second time as an ordinary user.

#![expect(
    unsafe_code,
    clippy::needless_pass_by_value,
    reason = "it does what programs and tracers do, and holds what it is given until the end"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test, though built without cfg(test) because it brings its own runner"
)]

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

mod builtins;
mod confinement;
mod degrading;
mod harness;
mod helper;
mod lifetimes;
mod probing;
mod reduced;
#[path = "../common/refusing.rs"]
mod refusing;
mod speed;
mod tracing;

/// A test: what it shows, and how.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("worker") => return supervisor::worker::main(builtins::run, helper::run),
        Some("caller") => return lifetimes::caller(),
        Some("without") => return degrading::without(&arguments[1..]),
        _ => {}
    }
    // A test that starts this executable must never start the tests again.
    let inside = std::env::var_os(harness::INSIDE);
    if inside.is_some_and(|who| who != harness::NOBODY || harness::is_root()) {
        eprintln!("the tests do not run inside themselves");
        return ExitCode::FAILURE;
    }
    let tests: Vec<Test> = [
        confinement::TESTS,
        lifetimes::TESTS,
        reduced::TESTS,
        degrading::TESTS,
        tracing::TESTS,
        probing::TESTS,
        speed::TESTS,
    ]
    .concat();
    if arguments.iter().any(|argument| argument == "--list") {
        for (name, _) in tests {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<_> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(*w));
    let who = harness::user_name();
    let mut failed = false;
    for (name, test) in tests.iter().filter(|(name, _)| chosen(name)) {
        let passed = std::panic::catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!(
            "test {name} ({who}) ... {}",
            if passed { "ok" } else { "FAILED" }
        );
        failed |= !passed;
    }
    if harness::is_root() {
        failed |= !harness::again_as_nobody(&arguments);
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
