//! Whether a directory may have other entries than at the last look: listing ten thousand names is
//! not for free, least of all over a network.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// The coarsest clock of a file system that counts here: within it two changes may bear one time.
const COARSEST: Duration = Duration::from_secs(2);

/// A directory that is looked at again and again.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    seen: Option<(SystemTime, Instant)>,
}

impl Watch {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// Whether names may have come or gone since this was asked last.
    ///
    /// # Errors
    /// The directory cannot be looked at.
    pub fn changed(&mut self) -> io::Result<bool> {
        let now = fs::metadata(&self.path)?.modified()?;
        Ok(match self.seen {
            Some((then, since)) if then == now => since.elapsed() < COARSEST,
            _ => {
                self.seen = Some((now, Instant::now()));
                true
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_directory_at_rest_is_not_listed_again() {
        let dir = TempDir::new().unwrap();
        let mut watch = Watch::new(dir.path().to_owned());
        assert!(watch.changed().unwrap());
        // A change within the same tick of the clock would look like none.
        assert!(watch.changed().unwrap());
        if let Some((_, since)) = &mut watch.seen {
            *since = since.checked_sub(COARSEST).unwrap();
        }
        assert!(!watch.changed().unwrap());
        fs::write(dir.path().join("new"), "").unwrap();
        assert!(watch.changed().unwrap());
    }
}
