//! How often an item was started, so that one that ends its workers is given up.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Cannot, Key, MOST_STARTS, Store, StoreError, Worker, at};

/// What the starts of an item say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// It may be tried; which start this is, from 1.
    Start(u32),
    /// So many starts came to no result: it is not tried again.
    GivenUp,
}

impl Store {
    /// Counts a start of an item that `worker` has claimed. The mark stays, unless the worker
    /// [abandons](Worker::abandon) the item: to be told to stop is no fault of the item's.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn start(&self, key: &Key, worker: &Worker) -> Result<Tally, StoreError> {
        for number in 1..=MOST_STARTS {
            let path = self.start_path(key, number);
            match worker.does(&path, || mark(&path, worker)) {
                // Told to end: what it starts now counts nothing.
                None | Some(Ok(())) => return Ok(Tally::Start(number)),
                Some(Err(error)) if error.kind() == ErrorKind::AlreadyExists => {}
                Some(Err(error)) => return Err(at(&path, Cannot::Written)(error)),
            }
        }
        Ok(Tally::GivenUp)
    }

    /// Who has started the item, first start first.
    #[must_use]
    pub fn starts(&self, key: &Key) -> Vec<String> {
        (1..=MOST_STARTS)
            .filter_map(|n| fs::read_to_string(self.start_path(key, n)).ok())
            .map(|name| name.trim_end().to_owned())
            .collect()
    }

    pub(super) fn start_path(&self, key: &Key, number: u32) -> PathBuf {
        self.root.join("starts").join(format!("{key}.{number}"))
    }
}

/// A mark is another name of the worker's heart, in which the worker's name stands: a file system
/// makes a name sooner than a file. Where it makes no more of them (EMLINK), it is a file.
fn mark(path: &Path, worker: &Worker) -> io::Result<()> {
    match fs::hard_link(worker.heart(), path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            // Whose it was is for people who look; the mark itself is what counts.
            let _ = writeln!(file, "{}", worker.name());
            Ok(())
        }
    }
}
