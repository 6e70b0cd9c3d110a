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
                let dir = root();
                match dir.as_deref().map(Self::at) {
                    Some(Ok(cache)) => Ok(cache),
                    _ => Self::temporary(),
                }
            }
        }
    }

    fn at(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let in_use = upkeep::in_use(dir).map(Arc::new);
        for part in [RECORDS, PROGRAMS].map(|part| dir.join(part)) {
            fs::create_dir_all(&part)?;
            // Writable? A read-only cache would fail after the build, not before.
            access(&part, AccessFlags::W_OK | AccessFlags::X_OK)?;
            scratch::sweep(&part);
        }
        Ok(Self {
            root: dir.to_path_buf(),
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
fn root() -> Option<PathBuf> {
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    fn record() -> Record {
        Record {
            programs: vec![
                ProgramRecord {
                    role: "server".into(),
                    from: "server.c".into(),
                    ..ProgramRecord::default()
                },
                ProgramRecord {
                    role: "client".into(),
                    failure: Some("error".into()),
                    ..ProgramRecord::default()
                },
            ],
            notes: vec![Note::Compiled("a".into())],
            ..Record::default()
        }
    }

    fn cache(dir: &TempDir) -> Cache {
        Cache::open(&CacheMode::At(dir.path().to_path_buf())).unwrap()
    }

    fn put(cache: &Cache) -> Stored {
        cache
            .put(
                "k",
                record(),
                &[Some(b"program".to_vec()), None],
                &[("upper".to_owned(), b"helper".to_vec())],
            )
            .unwrap()
    }

    /// How many files each part has.
    fn files(dir: &TempDir) -> [usize; 2] {
        [RECORDS, PROGRAMS].map(|part| fs::read_dir(dir.path().join(part)).unwrap().count())
    }

    #[test]
    fn what_was_stored_comes_back() {
        let dir = TempDir::new().unwrap();
        let cache = cache(&dir);
        assert!(cache.get("k").is_none());
        put(&cache);
        let stored = cache.get("k").unwrap();
        assert_eq!(stored.record.programs[1].failure.as_deref(), Some("error"));
        assert_eq!(stored.record.notes, [Note::Compiled("a".into())]);
        let path = stored.executables[0].as_ref().unwrap();
        assert_eq!(fs::read(path).unwrap(), b"program");
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o755
        );
        assert!(stored.executables[1].is_none());
        let [(name, other)] = stored.others.as_slice() else {
            panic!("{:?}", stored.others);
        };
        assert_eq!(name, "upper");
        assert_eq!(fs::read(other).unwrap(), b"helper");
        assert_eq!(files(&dir), [1, 2]);
    }

    #[test]
    fn a_damaged_entry_is_noticed_and_replaced() {
        let dir = TempDir::new().unwrap();
        let cache = cache(&dir);
        let stored = put(&cache);
        let path = stored.executables[0].clone().unwrap();
        fs::write(&path, b"prograM").unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        let entry = dir.path().join("records/k");
        let text = fs::read_to_string(&entry).unwrap();
        fs::write(
            &entry,
            text.replace("\"failure\":\"error\"", "\"failure\":null"),
        )
        .unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        fs::write(&stored.others[0].1, b"helpeR").unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        fs::remove_file(&path).unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        assert!(cache.get("k").is_some());
        assert_eq!(files(&dir), [1, 2]);
    }

    #[test]
    fn a_program_that_several_builds_have_is_stored_once() {
        let dir = TempDir::new().unwrap();
        let cache = cache(&dir);
        let build = |key: &str| {
            let executables = [Some(b"program".to_vec()), None];
            cache.put(key, record(), &executables, &[]).unwrap()
        };
        assert_eq!(build("k").executables, build("l").executables);
        assert_eq!(files(&dir), [2, 1]);
    }

    #[test]
    fn graders_that_store_at_once_agree() {
        let dir = TempDir::new().unwrap();
        let cache = cache(&dir);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let stored = put(&cache);
                        let path = stored.executables[0].as_ref().unwrap();
                        assert_eq!(fs::read(path).unwrap(), b"program");
                    }
                });
            }
        });
        assert_eq!(files(&dir), [1, 2]);
    }

    #[test]
    fn a_file_is_made_once() {
        let dir = TempDir::new().unwrap();
        let cache = cache(&dir);
        let made = cache.keep(&[b"a"], || Ok(b"one".to_vec())).unwrap();
        assert_eq!(fs::read(&made).unwrap(), b"one");
        let again = cache.keep(&[b"a"], || panic!("it is there"));
        assert_eq!(again, Some(made));
        let other = cache.keep(&[b"b"], || Err(io::Error::other("no compiler")));
        assert_eq!(other, None);
    }

    #[test]
    fn nothing_is_kept_when_it_is_off() {
        let cache = Cache::open(&CacheMode::Off).unwrap();
        assert!(!cache.is_kept());
        let path = put(&cache).executables[0].clone().unwrap();
        assert!(path.exists());
        drop(cache);
        assert!(!path.exists());
    }

    #[test]
    fn a_place_that_cannot_be_used_is_named() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Cache::open(&CacheMode::At(file.clone())).unwrap_err();
        assert!(error.to_string().contains(file.to_str().unwrap()));
    }

    proptest! {
        #[test]
        fn fields_do_not_run_into_each_other(a in ".{0,8}", b in ".{1,8}") {
            let key = |fields: &[&str]| {
                let mut key = Key::default();
                for field in fields {
                    key.add(field.as_bytes());
                }
                key.finish()
            };
            let joined = format!("{a}{b}");
            prop_assert_ne!(key(&[&a, &b]), key(&[&joined]));
            prop_assert_ne!(key(&[&a, &b]), key(&[&joined, ""]));
        }
    }
}
