//! Who starts workers: thin, so that nothing of the grading depends on it.

mod reserved;
mod running;
mod slurm;
mod ssh;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::lab::{Lang, Text};
use crate::locale::system_error;

pub use slurm::{MOST_TASKS, Slurm, SlurmOptions};
pub use ssh::{Ssh, SshOptions};

/// No more of a log is read for its last line.
const TAIL: u64 = 4096;

/// Starts workers of a store somewhere, counts and cancels them.
pub trait Launcher {
    /// Starts so many more workers, and says how many were: fewer where there is no place for them.
    ///
    /// # Errors
    /// None could be started.
    fn start(&mut self, workers: usize) -> Result<usize, LaunchError>;

    /// How many workers are there, or will be when there is room for them.
    fn present(&mut self) -> Presence;

    /// What happened to workers since this was asked last, as far as people can do something
    /// about it.
    fn news(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Ends all workers; what cannot be ended ends by itself when no work is left.
    ///
    /// # Errors
    /// What kept them from being told, and how people can do it.
    fn cancel(&mut self) -> Result<(), String>;

    /// Where people find what workers say.
    fn log(&self) -> String;

    /// What the worker that has ended last gives as the reason, if it was none to be content with.
    fn complaint(&self) -> Option<String> {
        None
    }

    /// What people can do when no worker comes.
    fn advice(&self) -> String;
}

/// Starts nobody: workers are somebody else's affair.
#[derive(Clone, Debug)]
pub struct Idle {
    /// The store that they work on.
    pub store: PathBuf,
    /// The language of advice.
    pub lang: Lang,
}

impl Launcher for Idle {
    fn start(&mut self, workers: usize) -> Result<usize, LaunchError> {
        Ok(workers)
    }

    fn present(&mut self) -> Presence {
        Presence::Workers(usize::MAX)
    }

    fn cancel(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn log(&self) -> String {
        let said = self
            .lang
            .pick("what the workers say", "что говорят исполнители");
        said.to_owned()
    }

    fn advice(&self) -> String {
        let store = self.store.display().to_string();
        let start = self.lang.pick("start workers", "запустите исполнителей");
        let command = shell_words::join(["grader", "worker", "--store", &store]);
        format!("{start}: {command}")
    }
}

/// What a launcher knows of its workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// So many are there.
    Workers(usize),
    /// It was asked and has not answered yet.
    Asked,
    /// It cannot tell now, and why.
    Unknown(String),
}

/// Why no workers can be started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The scheduler's command is not there, or cannot be run.
    #[error("{program}: {error}; is it installed on this machine, and in PATH?")]
    Command {
        /// The command.
        program: String,
        /// What the system said.
        error: io::Error,
    },
    /// It refuses.
    #[error("{program} refuses: {why}")]
    Refused {
        /// The command.
        program: String,
        /// What it said.
        why: String,
    },
    /// A name cannot be used there.
    #[error("{0}")]
    Name(Text),
}

impl LaunchError {
    /// The same for who reads `lang`. What a command says stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Command { program, error }, _) => format!(
                "{program}: {}; установлена ли эта программа и есть ли она в PATH?",
                system_error(error, lang)
            ),
            (Self::Refused { program, why }, _) => format!("{program} отказывает: {why}"),
            (Self::Name(why), _) => why.told(lang),
        }
    }

    /// A file that cannot be written.
    fn unwritten(path: &Path, error: &io::Error) -> Self {
        let why = Text::both(error.to_string(), system_error(error, Lang::Ru));
        Self::Name(why.behind(format!("{}: ", path.display())))
    }
}

/// The last thing that a command said on its standard error, for a message of one line. What grader
/// advises stands below what it is about.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut lines = text.lines().rev().map(str::trim);
    let last = lines.find(|line| !line.is_empty() && !line.starts_with("hint: "));
    crate::text::clean(last.unwrap_or("it says nothing"))
}

/// The last thing that was said in a log from `begin` on.
fn last_words(log: &Path, begin: u64) -> String {
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(begin.max(length.saturating_sub(TAIL))))?;
        let mut text = Vec::new();
        file.take(TAIL).read_to_end(&mut text)?;
        io::Result::Ok(text)
    };
    said(&read().unwrap_or_default())
}

/// The log in a directory that was written to last.
fn newest(logs: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(logs).ok()?.flatten();
    let written = entries.filter_map(|entry| {
        let meta = entry.metadata().ok().filter(|meta| meta.len() > 0)?;
        Some((meta.modified().ok()?, entry.path()))
    });
    written.max().map(|(_, path)| path)
}

/// Where the logs are, and what was said in them last.
fn place_and_last(logs: &Path, lang: Lang) -> String {
    match newest(logs) {
        Some(log) => format!(
            "{}; {}: {}",
            logs.display(),
            lang.pick("the last one says", "в последнем сказано"),
            last_words(&log, 0)
        ),
        None => logs.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_those_since_the_beginning() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(
            place_and_last(dir.path(), Lang::En),
            dir.path().display().to_string()
        );
        let log = dir.path().join("beta.log");
        std::fs::write(&log, "banner\nno such store\n\n").unwrap();
        assert_eq!(last_words(&log, 0), "no such store");
        assert_eq!(last_words(&log, 22), "it says nothing");
        std::fs::write(&log, "error: no room\nhint: make some\n").unwrap();
        assert_eq!(last_words(&log, 0), "error: no room");
        std::fs::write(&log, "banner\nno such store\n").unwrap();
        assert!(place_and_last(dir.path(), Lang::En).ends_with("says: no such store"));
        std::fs::write(&log, "x".repeat(100_000)).unwrap();
        assert!(last_words(&log, 0).len() <= 4096);
    }
}
