//! Whether anybody is at work.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::{Duration, Instant, SystemTime};

use crate::store::{Store, StoreError};

/// It is told again after twice the time each time, but so often at least.
const RAREST: Duration = Duration::from_secs(600);

/// When somebody was last seen at work.
pub(super) struct Life {
    beats: BTreeMap<OsString, SystemTime>,
    seen: Instant,
    /// So long after that it is told.
    pub(super) patience: Duration,
    pub(super) first: Duration,
}

impl Life {
    pub(super) fn new(silence: Duration) -> Self {
        Self {
            beats: BTreeMap::new(),
            seen: Instant::now(),
            patience: silence,
            first: silence,
        }
    }

    pub(super) fn sign(&mut self) {
        self.seen = Instant::now();
        self.patience = self.first;
    }

    /// How long there was no sign of life, where that is worth telling now.
    pub(super) fn missed(&mut self, store: &Store) -> Result<Option<Duration>, StoreError> {
        let beats = store.beats()?;
        let beaten = beats
            .iter()
            .any(|(name, at)| self.beats.get(name) != Some(at));
        self.beats = beats;
        if beaten {
            self.sign();
            return Ok(None);
        }
        let since = self.seen.elapsed();
        if since < self.patience {
            return Ok(None);
        }
        self.patience = since + since.min(RAREST);
        Ok(Some(since))
    }
}
