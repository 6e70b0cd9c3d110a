//! `grader record`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::prove::{self, RecordError, Recorded};
use grader::run::{Engine, RunError, fresh_seed};

use super::failure::{Failure, NOT_MET};
use super::lookup;
use super::options::EngineArgs;
use super::output;

/// Run the reference and write down its transcripts, to be reviewed
#[derive(Args)]
pub(super) struct Record {
    /// The lab's directory
    #[arg(value_name = "LAB-DIR")]
    lab: PathBuf,
    /// How often: a scenario is refused whose transcript is not the same each time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Record only this scenario (may be repeated)
    #[arg(long, value_name = "SCENARIO")]
    scenario: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
}

impl Record {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let dir = lookup::directory(&self.lab)?;
        let source = lookup::lab(&dir.join("lab.toml"))?;
        let lab = &source.lab;
        for id in &self.scenario {
            lookup::scenario(lab, id)?;
        }
        let engine = Engine::new(&self.engine.options())
            .map_err(|fault| Failure::fault(fault.to_string()))?;
        let seed = fresh_seed();
        let mut out = output::standard();
        let mut refused = false;
        for scenario in lab
            .scenarios
            .iter()
            .filter(|s| self.scenario.is_empty() || self.scenario.contains(&s.id))
        {
            let transcript = match prove::record(&engine, lab, scenario, self.runs, seed) {
                Ok(transcript) => transcript,
                Err(error @ RecordError::Moved(_)) => {
                    refused = true;
                    writeln!(
                        out,
                        "refused    {}",
                        grader::text::clean(&error.to_string()).replace('\n', "\n           ")
                    )?;
                    continue;
                }
                Err(RecordError::Run(RunError::Fault(fault))) => {
                    return Err(Failure::fault(format!("scenario {}: {fault}", scenario.id)));
                }
                Err(error) => return Err(Failure::usage(error.to_string())),
            };
            let stored = prove::store(&dir, &transcript).map_err(|error| {
                Failure::usage("the transcript cannot be stored").because(&error)
            })?;
            match stored {
                Recorded::Unchanged => writeln!(out, "unchanged  {}", scenario.id)?,
                Recorded::Changed(_) => writeln!(out, "changed    {}", scenario.id)?,
                Recorded::New(_) => writeln!(out, "new        {}", scenario.id)?,
            }
            out.flush()?;
        }
        let waiting = prove::pending(&dir)
            .map_err(|error| Failure::usage("the snapshots cannot be read").because(&error))?;
        if !waiting.is_empty() {
            writeln!(
                out,
                "{} to be reviewed: grader review {}",
                waiting.len(),
                dir.display()
            )?;
        }
        out.flush()?;
        Ok(if refused {
            ExitCode::from(NOT_MET)
        } else {
            ExitCode::SUCCESS
        })
    }
}
