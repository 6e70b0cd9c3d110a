//! Results: each is committed once and stays.

use std::fs;

use super::{Key, Store, StoreError, Worker, at, durable};

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
        if durable::link_new(&path, result).map_err(at(&path, "cannot be written"))? {
            return Ok(Commit::First);
        }
        let first = fs::read(&path).map_err(at(&path, "cannot be read"))?;
        if same(&first, result) {
            return Ok(Commit::Same);
        }
        let name = format!("{key}.{}.json", worker.name());
        let path = self.root.join("disputes").join(name);
        durable::link_new(&path, result).map_err(at(&path, "cannot be written"))?;
        Ok(Commit::Disputed)
    }

    /// The result of an item; `None` while it has none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn result(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.result_path(key);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path, "cannot be read")(error)),
        }
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
                Err(at(&path, "cannot be removed")(error))
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
        let listing = fs::read_dir(&path).map_err(at(&path, "cannot be listed"))?;
        let mut names = Vec::new();
        for entry in listing {
            let name = entry.map_err(at(&path, "cannot be listed"))?.file_name();
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
