//! `grader prove`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use grader::lab::catalog::{self, LabSource};
use grader::prove::{self, Fixture, ProveError, ProveOptions};
use grader::run::{Engine, fresh_seed};

use super::failure::Failure;
use super::lookup;
use super::options::EngineArgs;
use super::output;

/// Prove that a lab passes what is right and fails what is wrong
#[derive(Args)]
pub(super) struct Prove {
    /// Labs: ids or directories
    #[arg(required_unless_present = "all", value_name = "LAB")]
    labs: Vec<PathBuf>,
    /// All labs inside the executable
    #[arg(long, conflicts_with = "labs")]
    all: bool,
    /// Where the fixtures are: DIR/LAB/… [default: `fixtures` beside the lab's `labs` directory]
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// How often the reference runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How often each fixture runs: its verdicts must not move
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Repeat a proof: the same seed gives the same data
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    engine: EngineArgs,
}

impl Prove {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let embedded = catalog::embedded().iter().map(|lab| PathBuf::from(lab.id));
        let labs = if self.all {
            embedded.collect()
        } else {
            self.labs.clone()
        };
        let mut sources = Vec::new();
        for name in &labs {
            let source = lookup::lab(name)?;
            let fixtures = self.fixtures_of(&source)?;
            sources.push((source, fixtures));
        }
        let engine = Engine::new(&self.engine.options())
            .map_err(|fault| Failure::fault(fault.to_string()))?;
        let options = ProveOptions {
            reference: self.runs,
            repeat: self.repeat,
            seed: self.seed.unwrap_or_else(fresh_seed),
        };
        let mut out = output::standard();
        let mut status = 0;
        for (source, fixtures) in &sources {
            let began = Instant::now();
            writeln!(out, "{}", source.lab.id)?;
            out.flush()?;
            let proof = prove::prove(&engine, source, fixtures, &options).map_err(failed)?;
            proof.write(&mut out)?;
            let word = match proof.exit_status() {
                0 => "proved",
                1 => "not proved",
                _ => "neither proved nor disproved",
            };
            writeln!(out, "{word} in {:.1} s\n", began.elapsed().as_secs_f64())?;
            out.flush()?;
            status = status.max(proof.exit_status());
        }
        Ok(ExitCode::from(status))
    }

    /// The fixtures of a lab: where the option says, or beside the directory that the lab is in.
    fn fixtures_of(&self, source: &LabSource) -> Result<Vec<Fixture>, Failure> {
        let root = match (&self.fixtures, &source.dir) {
            (Some(dir), _) => dir.clone(),
            (None, Some(lab)) => lab.join("../../fixtures"),
            (None, None) => Path::new("fixtures").to_owned(),
        };
        let dir = root.join(&source.lab.id);
        prove::fixtures(&dir, &source.lab).map_err(|error| {
            Failure::usage(format!("the fixtures of {} cannot be used", source.lab.id))
                .because(&error)
                .hint("say where they are with --fixtures DIR; those of a lab are in DIR/LAB")
        })
    }
}

fn failed(error: ProveError) -> Failure {
    match error {
        ProveError::Empty(_) => Failure::fault(error.to_string()),
        error => Failure::usage(error.to_string()),
    }
}
