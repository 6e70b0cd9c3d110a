//! Files that items name, by their digest: a submission's, a lab's.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::durable::{self, Wait};
use super::{Cannot, Key, Store, StoreError, at, corrupt};
use crate::locale::Text;

impl Store {
    /// Keeps bytes and gives their name. What lies there damaged is put right.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<Key, StoreError> {
        let key = Key::of_digest(blake3::hash(bytes).to_hex().as_str());
        let path = self.root.join("blobs").join(key.as_str());
        if self.kept(&key).is_err() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(at(&path, Cannot::Removed)(error));
                }
                _ => {}
            }
            durable::link_new(&path, bytes, Wait::Disk).map_err(at(&path, Cannot::Written))?;
        }
        Ok(key)
    }

    /// The bytes of that name.
    ///
    /// # Errors
    /// They are not there, or are not what was kept.
    pub fn kept(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        let path: &Path = &self.root.join("blobs").join(key.as_str());
        let bytes = fs::read(path).map_err(at(path, Cannot::Read))?;
        if blake3::hash(&bytes).to_hex().as_str() != key.as_str() {
            return Err(corrupt(
                path,
                Text::both(
                    "its bytes are not those that were kept",
                    "в нём не те байты, которые сохраняли",
                ),
            ));
        }
        Ok(bytes)
    }
}
