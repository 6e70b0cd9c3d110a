//! `grader labs`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use grader::lab::catalog;

use super::failure::Failure;
use super::lookup;
use super::options::LangOption;
use super::output;

/// List the labs
#[derive(Args)]
pub(super) struct Labs {
    #[command(flatten)]
    lang: LangOption,
}

impl Labs {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let mut out = output::standard();
        for embedded in catalog::embedded() {
            let source = embedded.load(reference::NAMES).map_err(lookup::failed)?;
            out.write_all(grader::report::lab_line(&source.lab, self.lang.get()).as_bytes())?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
