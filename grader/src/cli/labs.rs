//! `grader labs`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use grader::lab::catalog::{self, LabSource};
use grader::report;

use super::failure::Failure;
use super::lookup;
use super::options::LangOption;
use super::output;

/// How the list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs: grader-labs/1
    Json,
}

/// List the labs, by level
#[derive(Args)]
pub(super) struct Labs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    lang: LangOption,
}

impl Labs {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let sources = catalog::embedded()
            .iter()
            .map(|lab| lab.load(reference::NAMES).map_err(lookup::failed))
            .collect::<Result<Vec<LabSource>, Failure>>()?;
        let labs = sources.iter().map(|source| &source.lab);
        match self.format {
            Format::Human => {
                let mut out = output::standard();
                out.write_all(report::labs_page(labs, self.lang.get()).as_bytes())?;
                out.flush()?;
            }
            Format::Json => {
                let text = report::labs_json(labs).map_err(std::io::Error::from)?;
                let mut out = std::io::stdout();
                out.write_all(text.as_bytes())?;
                out.flush()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
