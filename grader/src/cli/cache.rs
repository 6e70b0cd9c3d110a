//! `grader cache`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::report::clean;
use grader::submission::{self, CacheMode, Kept, UpkeepError};

use super::failure::Failure;
use super::words::pair;

/// Show how much built programs are kept, and remove them
#[derive(Args)]
pub(super) struct Cache {
    /// Remove them all: what is graded next is built anew
    #[arg(long)]
    clean: bool,
    /// Where they are kept [default: $XDG_CACHE_HOME/grader]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl Cache {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let mode = match &self.cache_dir {
            Some(dir) => CacheMode::At(dir.clone()),
            None => CacheMode::Standard,
        };
        let root = mode.root().ok_or_else(|| {
            Failure::usage("neither $XDG_CACHE_HOME nor $HOME is an absolute path")
                .hint("say where with --cache-dir DIR")
        })?;
        let (did, kept) = if self.clean {
            let kept = submission::Cache::empty(&root).map_err(|error| match error {
                UpkeepError::InUse(_) => {
                    Failure::usage(error.to_string()).hint("let it end, then do this again")
                }
                UpkeepError::Io { .. } => Failure::fault(error.to_string()),
            })?;
            ("removed ", kept)
        } else {
            ("", submission::Cache::kept(&root))
        };
        let place = clean(&root.display().to_string());
        writeln!(anstream::stdout(), "{place}: {did}{}", said(kept))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn said(kept: Kept) -> String {
    let builds = pair(kept.builds, "build", "builds");
    let size = match kept.bytes {
        0..1024 => pair(kept.bytes as usize, "byte", "bytes"),
        1024..1_048_576 => format!("{} KiB", kept.bytes >> 10),
        _ => format!("{} MiB", kept.bytes >> 20),
    };
    format!("{builds}, {size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let said = |builds, bytes| said(Kept { builds, bytes });
        assert_eq!(said(0, 0), "0 builds, 0 bytes");
        assert_eq!(said(1, 2048), "1 build, 2 KiB");
        assert_eq!(said(1170, 58_720_256), "1170 builds, 56 MiB");
    }
}
