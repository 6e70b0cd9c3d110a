//! `grader cache`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::submission::{self, CacheMode, Kept, UpkeepError};
use grader::text::clean;

use super::failure::Failure;
use super::lang::both;
use super::options::LangOption;
use super::words::Words;

/// Show how much built programs are kept, and remove them
#[derive(Args)]
pub(super) struct Cache {
    /// Remove them all: what is graded next is built anew
    #[arg(long)]
    clean: bool,
    /// Where they are kept [default: $XDG_CACHE_HOME/grader]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    #[command(flatten)]
    lang: LangOption,
}

impl Cache {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let words = Words(self.lang.get());
        let mode = match &self.cache_dir {
            Some(dir) => CacheMode::At(dir.clone()),
            None => CacheMode::Standard,
        };
        let root = mode.root().ok_or_else(|| {
            Failure::usage(both(
                "neither $XDG_CACHE_HOME nor $HOME is an absolute path",
                "ни $XDG_CACHE_HOME, ни $HOME — не абсолютный путь",
            ))
            .hint(both(
                "say where with --cache-dir DIR",
                "скажите где: --cache-dir DIR",
            ))
        })?;
        let (did, kept) = if self.clean {
            let kept = submission::Cache::empty(&root).map_err(|error| match error {
                UpkeepError::InUse(ref place) => Failure::usage(both(
                    error.to_string(),
                    format!("{place}: его использует другой grader"),
                ))
                .hint(both(
                    "let it end, then do this again",
                    "дождитесь его конца и повторите",
                )),
                UpkeepError::Io { .. } => Failure::fault(error.to_string()),
            })?;
            (words.pick("removed ", "удалено: "), kept)
        } else {
            ("", submission::Cache::kept(&root))
        };
        let place = clean(&root.display().to_string());
        writeln!(anstream::stdout(), "{place}: {did}{}", said(kept, words))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn said(kept: Kept, words: Words) -> String {
    let builds = words.count(
        kept.builds,
        ["build", "builds"],
        ["сборка", "сборки", "сборок"],
    );
    let size = match kept.bytes {
        0..1024 => words.count(
            kept.bytes as usize,
            ["byte", "bytes"],
            ["байт", "байта", "байт"],
        ),
        1024..1_048_576 => format!("{} {}", kept.bytes >> 10, words.pick("KiB", "КиБ")),
        _ => format!("{} {}", kept.bytes >> 20, words.pick("MiB", "МиБ")),
    };
    format!("{builds}, {size}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use grader::lab::Lang;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let said = |builds, bytes| said(Kept { builds, bytes }, Words(Lang::En));
        assert_eq!(said(0, 0), "0 builds, 0 bytes");
        assert_eq!(said(1, 2048), "1 build, 2 KiB");
        assert_eq!(said(1170, 58_720_256), "1170 builds, 56 MiB");
    }
}
