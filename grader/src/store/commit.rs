//! Results: each is committed once and stays.

use std::fs;

use super::durable::{self, Wait};
use super::{Cannot, Key, Store, StoreError, Worker, at, corrupt};
use crate::locale::Text;

/// What became of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is the result.
    First,
    /// Another came first and says the same.
    Same,
    /// Another came first and says something else; this one is kept among the disputes.
    Disputed,
}

/// A result as it is kept: in a second line its hash, by which half of one is told from a whole.
fn sealed(result: &[u8]) -> Vec<u8> {
    [result, b"\n", seal(result).as_bytes()].concat()
}

fn seal(result: &[u8]) -> String {
    format!("{{\"blake3\":\"{}\"}}\n", blake3::hash(result).to_hex())
}

/// The result, if it is what was written.
fn unsealed(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let length = bytes.len().checked_sub(seal(b"").len() + 1)?;
    let (result, end) = bytes.split_at(length);
    if end.strip_prefix(b"\n") != Some(seal(result).as_bytes()) {
        return None;
    }
    bytes.truncate(length);
    Some(bytes)
}

impl Store {
    /// Commits a result; `same` tells whether two results say the same.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn commit(
        &self,
        key: &Key,
        worker: &Worker,
        result: &[u8],
        same: &dyn Fn(&[u8], &[u8]) -> bool,
    ) -> Result<Commit, StoreError> {
        let path = self.result_path(key);
        let sealed = sealed(result);
        let mut first = None;
        // Twice: what a power cut has left of a result makes room.
        for _ in 0..2 {
            // To wait for the disk would take longer than all the rest of a claim and a commit, and
            // what is lost is graded again.
            let linked = durable::link_new(&path, &sealed, Wait::Server);
            if linked.map_err(at(&path, Cannot::Written))? {
                return Ok(Commit::First);
            }
            first = self.result(key)?;
            if first.is_some() {
                break;
            }
        }
        let first = first.ok_or_else(|| {
            corrupt(
                &path,
                Text::both(
                    "it comes and goes, and never is what was written",
                    "то появляется, то пропадает, и записанного в нём нет",
                ),
            )
        })?;
        if same(&first, result) {
            return Ok(Commit::Same);
        }
        let name = format!("{key}.{}.json", worker.name());
        let path = self.root.join("disputes").join(name);
        durable::link_new(&path, result, Wait::Disk).map_err(at(&path, Cannot::Written))?;
        Ok(Commit::Disputed)
    }

    /// The result of an item; `None` while it has none. What is not what was written (the file
    /// server lost its power) is removed, so that the item is graded again.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn result(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.result_path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path, Cannot::Read)(error)),
        };
        let result = unsealed(bytes);
        if result.is_none() {
            self.forget(key)?;
        }
        Ok(result)
    }

    /// Lets an item be graded anew: its result failed by no fault of its own.
    ///
    /// # Errors
    /// The result cannot be removed.
    pub fn forget(&self, key: &Key) -> Result<(), StoreError> {
        for number in 1..=super::MOST_STARTS {
            let _ = fs::remove_file(self.start_path(key, number));
        }
        let path = self.result_path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(at(&path, Cannot::Removed)(error))
            }
            _ => Ok(()),
        }
    }

    /// The names of results that came second and say something else.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn disputes(&self) -> Result<Vec<String>, StoreError> {
        let path = self.root.join("disputes");
        let listing = fs::read_dir(&path).map_err(at(&path, Cannot::Listed))?;
        let mut names = Vec::new();
        for entry in listing {
            let name = entry.map_err(at(&path, Cannot::Listed))?.file_name();
            names.extend(
                name.to_str()
                    .filter(|name| name.ends_with(".json"))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }
}
