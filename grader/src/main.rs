//! The executable: parse, dispatch, exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    supervisor::limits::collect_children();
    if cli::sandbox::is_meant(std::env::args_os()) {
        return cli::sandbox::main();
    }
    supervisor::limits::outlive_file_size();
    cli::run()
}
