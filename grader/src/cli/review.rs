//! `grader review`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::prove::{self, Decision, Pending, Reviewed, SnapshotError};

use super::failure::Failure;
use super::lookup;
use super::output;

/// Accept or reject recorded transcripts
#[derive(Args)]
pub(super) struct Review {
    /// The lab's directory
    #[arg(value_name = "LAB-DIR")]
    lab: PathBuf,
    /// Accept these scenarios, or all, without asking
    #[arg(long, value_name = "SCENARIO", num_args = 0.., conflicts_with = "reject")]
    accept: Option<Vec<String>>,
    /// Reject these scenarios, or all, without asking
    #[arg(long, value_name = "SCENARIO", num_args = 0..)]
    reject: Option<Vec<String>>,
}

impl Review {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let dir = lookup::directory(&self.lab)?;
        let pending = prove::pending(&dir).map_err(|error| failed(&error))?;
        let reviewed = match (&self.accept, &self.reject) {
            (Some(named), _) => all(&pending, named, Decision::Accept)?,
            (_, Some(named)) => all(&pending, named, Decision::Reject)?,
            _ if pending.is_empty() => Reviewed::default(),
            _ if !io::stdin().is_terminal() => {
                return Err(Failure::usage(format!(
                    "{} transcripts wait, and there is no terminal to ask on",
                    pending.len()
                ))
                .hint("use --accept or --reject, with the names of scenarios or alone for all"));
            }
            _ => prove::interactive(&pending, &mut io::stdin().lock(), &mut output::standard())
                .map_err(|error| failed(&error))?,
        };
        writeln!(
            output::standard(),
            "{} accepted, {} rejected, {} left",
            reviewed.accepted,
            reviewed.rejected,
            reviewed.skipped
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

fn failed(error: &SnapshotError) -> Failure {
    Failure::usage("the snapshots cannot be reviewed").because(error)
}

/// Decides the same for the named scenarios, or for all where none is named.
fn all(pending: &[Pending], named: &[String], decision: Decision) -> Result<Reviewed, Failure> {
    if let Some(unknown) = named
        .iter()
        .find(|name| !pending.iter().any(|p| p.scenario == **name))
    {
        let waiting: Vec<&str> = pending.iter().map(|p| p.scenario.as_str()).collect();
        let waiting = if waiting.is_empty() {
            "nothing".to_owned()
        } else {
            waiting.join(", ")
        };
        return Err(
            Failure::usage(format!("no transcript of `{unknown}` waits for review"))
                .hint(format!("{waiting} waits")),
        );
    }
    let mut reviewed = Reviewed::default();
    for one in pending {
        if named.is_empty() || named.contains(&one.scenario) {
            prove::apply(one, decision).map_err(|error| failed(&error))?;
            match decision {
                Decision::Accept => reviewed.accepted += 1,
                Decision::Reject => reviewed.rejected += 1,
                Decision::Skip => {}
            }
        } else {
            reviewed.skipped += 1;
        }
    }
    Ok(reviewed)
}
