//! `grader explain`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use grader::report::{Sources, explain};
use grader::run::parse_snapshot;

use super::failure::Failure;
use super::lookup;
use super::options::LangOption;
use super::output;

/// Say what a requirement asks for and which steps prove it
#[derive(Args)]
pub(super) struct Explain {
    /// A lab and one of its requirements, like us-upper/s-next; or a lab alone
    #[arg(value_name = "LAB/REQUIREMENT")]
    what: String,
    #[command(flatten)]
    lang: LangOption,
}

impl Explain {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let (source, id) = match self.what.rsplit_once('/') {
            Some((lab, id))
                if !lab.is_empty() && !id.is_empty() && !Path::new(&self.what).is_dir() =>
            {
                (lookup::lab(Path::new(lab))?, Some(id))
            }
            _ => (lookup::lab(Path::new(&self.what))?, None),
        };
        let lang = self.lang.get();
        // A snapshot that cannot be read is a matter of `check` and `lint`; here it shows nothing.
        let expected = |scenario: &str| {
            let text = source.snapshots.get(scenario)?;
            parse_snapshot(text, Path::new(scenario)).ok()
        };
        let sources = Sources {
            expected: &expected,
            handout: source.handout(lang),
        };
        let mut out = output::standard();
        match id {
            Some(id) => {
                let requirement = lookup::requirement(&source.lab, id)?;
                out.write_all(explain(&source.lab, requirement, &sources, lang).as_bytes())?;
            }
            None => out.write_all(grader::report::lab_page(&source.lab, lang).as_bytes())?,
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
