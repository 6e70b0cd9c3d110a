//! The command line: a file per command. Here: what they share, and which one it is.

mod batch;
mod cache;
mod check;
mod doctor;
mod explain;
mod failure;
mod help;
mod init;
mod labs;
mod lang;
mod lint;
mod lookup;
mod options;
mod output;
mod prove;
mod record;
mod reference;
mod results;
mod review;
pub(crate) mod sandbox;
mod schema;
mod tell;
mod usage;
mod words;
mod worker;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use grader::lab::Lang;

use failure::{Failure, USAGE};
use lang::lang;

/// Grades operating-systems labs: sockets, pipes and signals, settled by proof instead of sleeping.
#[derive(Parser)]
#[command(
    name = "grader",
    version,
    max_term_width = 80,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Exit status: 0 all requirements met, 1 some not, 2 usage or lab error,
3 the grader or the machine failed (never the submission's fault).")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// Each says of itself what it does: said here as well, only the first line of it would be shown.
#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Batch(Box<batch::Batch>),
    Results(results::Results),
    Labs(labs::Labs),
    Init(init::Init),
    Explain(explain::Explain),
    Reference(reference::Reference),
    Lint(lint::Lint),
    Schema(schema::Schema),
    Doctor(doctor::Doctor),
    Cache(cache::Cache),
    Record(record::Record),
    Review(review::Review),
    Prove(prove::Prove),
    Worker(worker::Worker),
}

/// Parses the arguments, runs the command, and gives the exit code.
pub(crate) fn run() -> ExitCode {
    let parsed = match lang() {
        Lang::En => Cli::try_parse(),
        Lang::Ru => help::in_russian(Cli::command())
            .try_get_matches()
            .and_then(|matches| Cli::from_arg_matches(&matches)),
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) if lang() == Lang::Ru && help::is_meant(&error) => {
            let text = help::headings(&error.render().ansi().to_string());
            if error.use_stderr() {
                anstream::eprint!("{text}");
                return ExitCode::from(USAGE);
            }
            return match write!(anstream::stdout(), "{text}") {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => Failure::from(error).report(),
            };
        }
        Err(error) if error.use_stderr() && lang() == Lang::Ru => {
            eprint!("{}", usage::in_russian(&error));
            return ExitCode::from(USAGE);
        }
        // Wrong usage ends here with status 2, help and version with 0.
        Err(error) => error.exit(),
    };
    let done = match &cli.command {
        Command::Check(command) => command.run(),
        Command::Batch(command) => command.run(),
        Command::Results(command) => command.run(),
        Command::Labs(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Reference(command) => command.run(),
        Command::Lint(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Cache(command) => command.run(),
        Command::Record(command) => command.run(),
        Command::Review(command) => command.run(),
        Command::Prove(command) => command.run(),
        Command::Worker(command) => command.run(),
    };
    done.unwrap_or_else(|failure: Failure| failure.report())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
