//! Finished builds, by the hash of everything that went into them.

mod place;
mod upkeep;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::Flock;
use nix::unistd::{AccessFlags, access};
use serde::{Deserialize, Serialize};
use supervisor::scratch::{self, Scratch};

use self::place::place;
pub use self::upkeep::{Kept, UpkeepError};
use super::note::Note;
use super::rung::{Attempt, Rung};
use super::runner::Fault;

/// Where builds are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheMode {
    /// `$XDG_CACHE_HOME/grader`, or `~/.cache/grader`.
    #[default]
    Standard,
    /// This directory.
    At(PathBuf),
    /// Nowhere: built anew, and forgotten at the end.
    Off,
}

impl CacheMode {
    /// Where builds are kept; `None` if nowhere.
    #[must_use]
    pub fn root(&self) -> Option<PathBuf> {
        match self {
            Self::Standard => standard_directory(),
            Self::At(dir) => Some(dir.clone()),
            Self::Off => None,
        }
    }
}

/// A store of finished builds: a record per key, and the programs by their hashes. A file has its name
/// only when it is whole, and a record comes after its programs, so that graders that run at once
/// never see half of one. It makes two files for a build: a cold class makes little else.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    /// Removed at the end, if nothing is to be kept.
    temporary: Option<Arc<Scratch>>,
    /// Keeps others from emptying it.
    _in_use: Option<Arc<Flock<File>>>,
}

/// A finished build, failed ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// One for each role of the unit.
    pub programs: Vec<ProgramRecord>,
    /// Programs that no role asks for: the name from the directory in which the roles start, and
    /// the hash of the program.
    #[serde(default)]
    pub others: Vec<(String, String)>,
    /// Things worth saying.
    pub notes: Vec<Note>,
}

/// One program of a finished build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProgramRecord {
    /// The role.
    pub role: String,
    /// What it was built from.
    pub from: String,
    /// How it was built; `None` where it was not.
    pub rung: Option<Rung>,
    /// What was tried before, in vain.
    pub tried: Vec<Attempt>,
    /// Warnings.
    pub warnings: String,
    /// Why it was not built.
    pub failure: Option<String>,
    /// What this machine lacks to build or run it: no failure of the submission.
    pub unavailable: Option<String>,
    /// Hash of the executable.
    pub executable: Option<String>,
}

/// A record and where its executables are (in the order of its programs).
#[derive(Debug)]
pub(super) struct Stored {
    pub record: Record,
    pub executables: Vec<Option<PathBuf>>,
    /// Where those without a role are, by name.
    pub others: Vec<(String, PathBuf)>,
}

/// Where the records are, by key.
const RECORDS: &str = "records";
/// Where the programs are, by hash.
const PROGRAMS: &str = "programs";

impl Cache {
    /// Opens the cache. Where the standard place cannot be written, builds are kept for this run
    /// only: a missing cache costs time, not a result.
    ///
    /// # Errors
    /// The directory named explicitly, or the one for temporary files, cannot be used.
    pub fn open(mode: &CacheMode) -> Result<Self, Fault> {
        match mode {
            CacheMode::Off => Self::temporary(),
            CacheMode::At(dir) => Self::at(dir).map_err(|error| fault(dir, &error)),
            CacheMode::Standard => {
                let dir = standard_directory();
                match dir.as_deref().map(Self::at) {
                    Some(Ok(cache)) => Ok(cache),
                    _ => Self::temporary(),
                }
            }
        }
    }

    fn at(dir: &Path) -> io::Result<Self> {
        // Programs run in directories of their own, and are named from the root.
        let dir = &std::path::absolute(dir)?;
        fs::create_dir_all(dir)?;
        let in_use = upkeep::in_use(dir).map(Arc::new);
        for part in [RECORDS, PROGRAMS].map(|part| dir.join(part)) {
            fs::create_dir_all(&part)?;
            // Writable? A read-only cache would fail after the build, not before.
            access(&part, AccessFlags::W_OK | AccessFlags::X_OK)?;
            scratch::sweep(&part);
        }
        Ok(Self {
            root: dir.clone(),
            temporary: None,
            _in_use: in_use,
        })
    }

    fn temporary() -> Result<Self, Fault> {
        let (cache, dir) = Scratch::new()
            .and_then(|scratch| Ok((Self::at(&scratch.inside()?)?, scratch)))
            .map_err(|error| fault(&std::env::temp_dir(), &error))?;
        Ok(Self {
            temporary: Some(Arc::new(dir)),
            ..cache
        })
    }

    /// Whether what is stored stays after this run.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }

    /// A file that is made once: the stored one, or what `make` gives. `None` where that fails or
    /// cannot be stored.
    pub(crate) fn keep(
        &self,
        inputs: &[&[u8]],
        make: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> Option<PathBuf> {
        let mut key = Key::default();
        for input in inputs {
            key.add(input);
        }
        let key = key.finish();
        let stored = match self.get(&key) {
            Some(stored) => stored,
            None => {
                let record = Record {
                    programs: vec![ProgramRecord::default()],
                    ..Record::default()
                };
                self.put(&key, record, &[Some(make().ok()?)], &[]).ok()?
            }
        };
        stored.executables.into_iter().next().flatten()
    }

    /// The finished build with this key. One that is not what was written counts for none, and the next
    /// takes its place.
    pub(super) fn get(&self, key: &str) -> Option<Stored> {
        self.read(key).ok()
    }

    /// Stores a build under its key and returns it as stored. `executables` are in the order of
    /// `record.programs`, and `others` have no role; their hashes are filled in.
    pub(super) fn put(
        &self,
        key: &str,
        mut record: Record,
        executables: &[Option<Vec<u8>>],
        others: &[(String, Vec<u8>)],
    ) -> Result<Stored, Fault> {
        let store = |bytes: &Vec<u8>| {
            let sum = hash(bytes);
            let path = self.program(&sum);
            place(&path, bytes, 0o755).map_err(|error| fault(&path, &error))?;
            Ok(sum)
        };
        for (program, bytes) in record.programs.iter_mut().zip(executables) {
            program.executable = bytes.as_ref().map(store).transpose()?;
        }
        record.others = others
            .iter()
            .map(|(name, bytes)| Ok((name.clone(), store(bytes)?)))
            .collect::<Result<_, _>>()?;
        let path = self.entry(key);
        let stored = || -> io::Result<Stored> {
            let text = serde_json::to_string(&record)?;
            let entry = format!("{}\n{text}", hash(text.as_bytes()));
            place(&path, entry.as_bytes(), 0o644)?;
            self.read(key)
        };
        stored().map_err(|error| fault(&path, &error))
    }

    fn entry(&self, key: &str) -> PathBuf {
        self.root.join(RECORDS).join(key)
    }

    fn program(&self, sum: &str) -> PathBuf {
        self.root.join(PROGRAMS).join(sum)
    }

    fn read(&self, key: &str) -> io::Result<Stored> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let entry = fs::read_to_string(self.entry(key))?;
        let (sum, text) = entry.split_once('\n').ok_or_else(|| bad("no hash"))?;
        if sum != hash(text.as_bytes()) {
            return Err(bad("the entry is not what was written"));
        }
        let record: Record = serde_json::from_str(text)?;
        let program = |sum: &String| {
            let path = self.program(sum);
            if *sum != hash(&fs::read(&path)?) {
                return Err(bad("a program is not what was written"));
            }
            Ok(path)
        };
        let executables = record.programs.iter();
        let executables = executables.map(|one| one.executable.as_ref().map(program).transpose());
        let others = record.others.iter();
        let others = others.map(|(name, sum)| Ok((name.clone(), program(sum)?)));
        Ok(Stored {
            executables: executables.collect::<io::Result<_>>()?,
            others: others.collect::<io::Result<_>>()?,
            record,
        })
    }
}

pub(super) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// `$XDG_CACHE_HOME/grader` or `~/.cache/grader` (XDG Base Directory: relative values are ignored).
fn standard_directory() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|dir| dir.join("grader"))
}

fn fault(path: &Path, error: &io::Error) -> Fault {
    Fault::Io {
        path: path.display().to_string(),
        error: error.to_string(),
    }
}

/// A hash over fields that cannot run into each other.
#[derive(Default)]
pub(crate) struct Key(blake3::Hasher);

impl Key {
    pub(crate) fn add(&mut self, field: &[u8]) -> &mut Self {
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    pub(crate) fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests;
