//! `grader reference`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::failure::Failure;

/// Run a reference program, to see how it behaves
#[derive(Args)]
pub(super) struct Reference {
    /// Its name
    #[arg(value_parser = PossibleValuesParser::new(reference::NAMES))]
    name: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

impl Reference {
    /// Runs it in this process: standard input, output and error are its own.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let status = reference::run(&self.name, &self.args).ok_or_else(|| {
            Failure::usage(format!("there is no reference program {}", self.name))
        })?;
        // An exit status has eight bits (`_exit(2)`).
        Ok(ExitCode::from(status.to_le_bytes()[0]))
    }
}
