//! `grader schema`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;

/// Print the JSON Schema of lab.toml, or of the JSON report
#[derive(Args)]
pub(super) struct Schema {
    /// The schema of `check --format json` instead
    #[arg(long)]
    report: bool,
}

impl Schema {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let schema = if self.report {
            schemars::schema_for!(grader::report::JsonReport).to_value()
        } else {
            grader::lab::schema()
        };
        let text = serde_json::to_string_pretty(&schema).map_err(io::Error::from)?;
        writeln!(io::stdout(), "{text}")?;
        Ok(ExitCode::SUCCESS)
    }
}
