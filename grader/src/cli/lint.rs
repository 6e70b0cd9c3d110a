//! `grader lint`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::lab::catalog::{self, LabText};
use grader::lab::lint_with;

use super::failure::{Failure, USAGE};
use super::lookup;
use super::output;

/// Check lab files and show every mistake in them
#[derive(Args)]
pub(super) struct Lint {
    /// Labs: ids, directories, or lab.toml files
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
}

impl Lint {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let mut errors = 0;
        for name in &self.labs {
            let LabText { file, toml, tools } =
                catalog::read_source(name).map_err(lookup::failed)?;
            let found = lint_with(&file, &toml, reference::NAMES, &tools);
            errors += found.errors();
            if found.is_empty() {
                writeln!(
                    output::standard(),
                    "{}: nothing to say",
                    grader::text::clean(&file)
                )?;
            } else {
                lookup::show(&found);
            }
        }
        Ok(if errors == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(USAGE)
        })
    }
}
