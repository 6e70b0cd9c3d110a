//! A worker without reference programs, for the tests and benchmarks of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    supervisor::worker::main(|_, _| None, supervisor::helper::main)
}
