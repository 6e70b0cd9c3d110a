//! The process that carries out scenarios, hidden: `grader worker MODE …` is started by the grader
//! itself.

use std::ffi::OsString;
use std::process::ExitCode;

/// Whether these are the arguments of such a process. It is started once per CPU and must be small
/// and quick: it does not parse options.
pub(crate) fn is_meant(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.nth(1).is_some_and(|word| word == "worker")
        && arguments
            .next()
            .is_some_and(|mode| !mode.as_encoded_bytes().starts_with(b"-"))
}

/// Serves one scenario after another.
pub(crate) fn main() -> ExitCode {
    supervisor::worker::main(builtin, supervisor::helper::main)
}

/// The reference programs, by name, called with their whole `argv`.
fn builtin(name: &str, argv: &[OsString]) -> Option<i32> {
    reference::run(name, argv.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_say_worker_with_options_the_grader_with_a_mode() {
        let meant = |words: &[&str]| is_meant(words.iter().map(OsString::from));
        assert!(meant(&["grader", "worker", "full", "0"]));
        assert!(!meant(&["grader", "worker", "--store", "/s"]));
        assert!(!meant(&["grader", "worker"]));
        assert!(!meant(&["grader", "check", "worker", "x"]));
        assert!(!meant(&["grader"]));
    }
}
