//! Real scenarios through worker, helper and launcher.
//!
//! The executable is its own worker process, as `grader` is, so it brings its own small test
//! runner. Started as root it runs everything a second time as an ordinary user.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

mod builtins;
mod confinement;
mod harness;
mod helper;
mod lifetimes;
mod reduced;
mod speed;

/// A test: what it shows, and how.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|argument| argument == "worker")
    {
        return supervisor::worker::main(builtins::run, helper::run);
    }
    let tests: Vec<Test> = [
        confinement::TESTS,
        lifetimes::TESTS,
        reduced::TESTS,
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
