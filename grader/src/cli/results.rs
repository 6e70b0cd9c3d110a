//! `grader results`.

mod compare;
mod export;
mod failed;
mod forget;
mod merge;
mod outdone;
mod overrides;
mod pages;
mod parts;
mod show;
mod stats;
mod words;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use grader::batch::Journal;
use grader::gradebook::{Gradebook, GradebookError};
use grader::text::clean;

pub(super) use self::failed::failed;
pub(super) use self::outdone::say_outdone;
pub(super) use self::stats::{FIRST, look_at, summary};
use super::batch::journal_path;
use super::failure::Failure;
use super::options::LangOption;
use super::tell::tell;
use super::words::Words;

/// The gradebook that is meant where none is named.
const GRADEBOOK: &str = "grades.db";

/// Show, compare, change and export what was graded
#[derive(Args)]
pub(super) struct Results {
    #[command(subcommand)]
    command: Command,
    /// The gradebook
    #[arg(long, global = true, value_name = "FILE", default_value = GRADEBOOK)]
    gradebook: PathBuf,
}

// Each says of itself what it does: said here as well, only the first line of it would be shown.
#[derive(Subcommand)]
enum Command {
    Show(show::Show),
    Compare(compare::Compare),
    /// Let the pending regrade count, as a whole
    Apply(Decide),
    /// Give the pending regrade up, as a whole
    Discard(Decide),
    Stats(stats::StatsArgs),
    Override(overrides::OverrideArgs),
    Forget(forget::Forget),
    Export(export::Export),
    Merge(merge::Merge),
}

/// What is decided about a regrade as a whole.
#[derive(Args)]
struct Decide {
    #[command(flatten)]
    lang: LangOption,
}

impl Decide {
    fn words(&self) -> Words {
        Words(self.lang.get())
    }
}

impl Results {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let failed = |error| failed(&self.gradebook, error);
        let write = || Gradebook::existing(&self.gradebook).map_err(failed);
        let read = || Gradebook::read_only(&self.gradebook).map_err(failed);
        if let Some(lang) = self.command.reads() {
            self.say_what_is_missing(&read()?, Words(lang.get()))
                .map_err(failed)?;
        }
        match &self.command {
            Command::Show(show) => show.run(&read()?, &failed)?,
            Command::Compare(compare) => compare.run(&mut write()?, &failed)?,
            Command::Apply(args) => {
                let mut gradebook = write()?;
                let count = gradebook.apply().map_err(failed)?;
                say(&args.words().applied(count))?;
                say_outdone(&gradebook, args.words()).map_err(failed)?;
            }
            Command::Discard(args) => {
                let count = write()?.discard().map_err(failed)?;
                say(&args.words().discarded(count))?;
            }
            Command::Stats(args) => args.run(&read()?, &failed)?,
            Command::Merge(merge) => return merge.run(&self.gradebook),
            Command::Export(export) => export.run(&read()?, &failed)?,
            Command::Override(args) => args.run(&mut write()?, &failed)?,
            Command::Forget(forget) => forget.run(&mut write()?, &self.gradebook, &failed)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Results {
    /// Results that are still in the journal are in none of what is shown, nor are parts that nobody
    /// has merged.
    fn say_what_is_missing(&self, book: &Gradebook, words: Words) -> Result<(), GradebookError> {
        let journal = journal_path(&self.gradebook);
        if Journal::holds_results(&journal) {
            let name = clean(&journal.display().to_string());
            tell!("{}", words.in_the_journal(&name));
        }
        for (lab, division) in book.parts()? {
            for (parts, missing) in division.missing() {
                tell!("{}", clean(&words.missing_parts(&lab, parts, &missing)));
            }
        }
        Ok(())
    }
}

impl Command {
    /// The language of a command that tells how the class stands.
    fn reads(&self) -> Option<&LangOption> {
        match self {
            Self::Show(show) => Some(&show.lang),
            Self::Compare(compare) => Some(&compare.lang),
            Self::Stats(stats) => Some(&stats.lang),
            Self::Export(export) => Some(&export.lang),
            Self::Apply(_)
            | Self::Discard(_)
            | Self::Override(_)
            | Self::Forget(_)
            | Self::Merge(_) => None,
        }
    }
}

fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(anstream::stdout().lock(), "{text}")?)
}

type Failed<'f> = &'f dyn Fn(GradebookError) -> Failure;
