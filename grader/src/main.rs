//! The executable: parse, dispatch, exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A worker is started once per CPU and must be small and quick: it does not parse options.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == cli::WORKER)
    {
        return cli::worker();
    }
    supervisor::limits::outlive_file_size();
    cli::run()
}
