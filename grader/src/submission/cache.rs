//! Finished builds, by the hash of everything that went into them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::{AccessFlags, access};
use serde::{Deserialize, Serialize};
use supervisor::scratch::{self, Scratch};

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

/// A store of finished builds: a directory per key, written under another name and renamed, so
/// that graders that run at once never see half of one.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    /// Removed at the end, if nothing is to be kept.
    temporary: Option<Arc<Scratch>>,
}

/// A finished build, failed ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// One for each role of the unit.
    pub programs: Vec<ProgramRecord>,
    /// Programs that no role asks for: the name from the directory in which the roles start, and
    /// the hash of what lies beside under its index.
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
    /// Hash of the executable, which lies beside under the role's index.
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

const ENTRY: &str = "entry";

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
        let root = dir.join("builds");
        fs::create_dir_all(&root)?;
        // Writable? A read-only cache would fail after the build, not before.
        access(&root, AccessFlags::W_OK | AccessFlags::X_OK)?;
        scratch::sweep(&root);
        Ok(Self {
            root,
            temporary: None,
        })
    }

    fn temporary() -> Result<Self, Fault> {
        let (root, dir) = Scratch::new()
            .and_then(|scratch| Ok((scratch.inside()?, scratch)))
            .map_err(|error| fault(&std::env::temp_dir(), &error))?;
        Ok(Self {
            root,
            temporary: Some(Arc::new(dir)),
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

    /// The finished build with this key. An entry that is not what was written is removed.
    pub(super) fn get(&self, key: &str) -> Option<Stored> {
        let dir = self.root.join(key);
        match read(&dir) {
            Ok(stored) => Some(stored),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.exists() => None,
            Err(_) => {
                // Moved away first: another grader may be storing a good one meanwhile.
                if let Ok(grave) = Scratch::new_in(&self.root) {
                    let _ = fs::rename(&dir, grave.path().join("bad"));
                }
                None
            }
        }
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
        for (program, bytes) in record.programs.iter_mut().zip(executables) {
            program.executable = bytes.as_ref().map(|bytes| hash(bytes));
        }
        record.others = others
            .iter()
            .map(|(name, bytes)| (name.clone(), hash(bytes)))
            .collect();
        let dir = self.root.join(key);
        let store = || -> io::Result<()> {
            let scratch = Scratch::new_in(&self.root)?;
            let new = scratch.inside()?;
            for (i, bytes) in executables.iter().enumerate() {
                if let Some(bytes) = bytes {
                    write_new(&new.join(i.to_string()), bytes, 0o755)?;
                }
            }
            for (i, (_, bytes)) in others.iter().enumerate() {
                write_new(&new.join(other(i)), bytes, 0o755)?;
            }
            let text = serde_json::to_string(&record)?;
            let entry = format!("{}\n{text}", hash(text.as_bytes()));
            write_new(&new.join(ENTRY), entry.as_bytes(), 0o644)?;
            fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
            match fs::rename(&new, &dir) {
                Ok(()) => Ok(()),
                // Somebody else was first; what went in is the same.
                Err(error) if dir.is_dir() => match read(&dir) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(error),
                },
                Err(error) => Err(error),
            }
        };
        store().map_err(|error| fault(&dir, &error))?;
        read(&dir).map_err(|error| fault(&dir, &error))
    }
}

fn read(dir: &Path) -> io::Result<Stored> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let entry = fs::read_to_string(dir.join(ENTRY))?;
    let (sum, text) = entry.split_once('\n').ok_or_else(|| bad("no hash"))?;
    if sum != hash(text.as_bytes()) {
        return Err(bad("the entry is not what was written"));
    }
    let record: Record = serde_json::from_str(text)?;
    let mut executables = Vec::new();
    for (i, program) in record.programs.iter().enumerate() {
        let Some(sum) = &program.executable else {
            executables.push(None);
            continue;
        };
        let path = dir.join(i.to_string());
        if *sum != hash(&fs::read(&path)?) {
            return Err(bad("an executable is not what was written"));
        }
        executables.push(Some(path));
    }
    let mut others = Vec::new();
    for (i, (name, sum)) in record.others.iter().enumerate() {
        let path = dir.join(other(i));
        if *sum != hash(&fs::read(&path)?) {
            return Err(bad("a program is not what was written"));
        }
        others.push((name.clone(), path));
    }
    Ok(Stored {
        record,
        executables,
        others,
    })
}

/// The file of the program without a role that has this index.
fn other(index: usize) -> String {
    format!("other-{index}")
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)
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
mod tests {
    use super::*;
    use proptest::prelude::*;
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

    fn entries(dir: &TempDir) -> usize {
        fs::read_dir(dir.path().join("builds")).unwrap().count()
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
        assert_eq!(entries(&dir), 1);
    }

    #[test]
    fn a_damaged_entry_is_noticed_and_replaced() {
        let dir = TempDir::new().unwrap();
        let cache = cache(&dir);
        let path = put(&cache).executables[0].clone().unwrap();
        fs::write(&path, b"prograM").unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        let entry = dir.path().join("builds/k/entry");
        let text = fs::read_to_string(&entry).unwrap();
        fs::write(
            &entry,
            text.replace("\"failure\":\"error\"", "\"failure\":null"),
        )
        .unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        fs::write(dir.path().join("builds/k/other-0"), b"helpeR").unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        fs::remove_file(dir.path().join("builds/k/0")).unwrap();
        assert!(cache.get("k").is_none());
        put(&cache);
        assert!(cache.get("k").is_some());
        assert_eq!(entries(&dir), 1);
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
        assert_eq!(entries(&dir), 1);
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
