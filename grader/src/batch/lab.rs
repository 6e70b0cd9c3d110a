//! A lab made ready for many submissions: its transcripts read once, its content hashed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lab::catalog::LabSource;
use crate::run::{Expected, SnapshotError};
use crate::submission::Key;
use crate::transcript::Transcript;

/// A lab with its transcripts.
#[derive(Debug)]
pub struct PreparedLab {
    /// The lab and its texts.
    pub source: LabSource,
    /// Hash of everything in it that can change a verdict or an explanation.
    pub digest: String,
    expected: BTreeMap<String, Arc<Transcript>>,
}

impl PreparedLab {
    /// Reads the stored transcripts. A scenario without one is found out when it is graded.
    ///
    /// # Errors
    /// A stored transcript cannot be used.
    pub fn new(source: LabSource) -> Result<Self, SnapshotError> {
        let mut expected = BTreeMap::new();
        for scenario in &source.lab.scenarios {
            if let Some(transcript) = source.expected(&scenario.id)? {
                expected.insert(scenario.id.clone(), transcript);
            }
        }
        let mut key = Key::default();
        key.add(source.lab.id.as_bytes())
            .add(source.toml.as_bytes());
        for (name, text) in source.snapshots.iter().chain(&source.lab.tools.files) {
            key.add(name.as_bytes()).add(text.as_bytes());
        }
        Ok(Self {
            digest: key.finish(),
            source,
            expected,
        })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.source.lab.id
    }

    /// The reference's transcript of a scenario.
    #[must_use]
    pub fn transcript(&self, scenario: &str) -> Option<&Transcript> {
        self.expected.get(scenario).map(AsRef::as_ref)
    }
}

impl Expected for PreparedLab {
    fn expected(&self, scenario: &str) -> Result<Option<Arc<Transcript>>, SnapshotError> {
        Ok(self.expected.get(scenario).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn whatever_can_change_a_verdict_changes_the_digest() {
        let source = || crate::lab::catalog::load(Path::new("us-upper"), reference::NAMES).unwrap();
        let digest = |source| PreparedLab::new(source).unwrap().digest;
        let plain = digest(source());
        assert_eq!(plain, digest(source()));
        let mut other = source();
        other.toml.push_str("# harder\n");
        assert_ne!(plain, digest(other));
        let mut other = source();
        let scenario = other.snapshots.keys().next().unwrap().clone();
        other.snapshots.remove(&scenario);
        assert_ne!(
            plain,
            PreparedLab {
                digest: digest(other),
                source: source(),
                expected: BTreeMap::new()
            }
            .digest
        );
        let mut other = source();
        let tools = &mut other.lab.tools.files;
        tools.insert("child.c".to_owned(), "int main(void) {}".to_owned());
        assert_ne!(plain, digest(other));
        // What a student reads is no part of it.
        let mut other = source();
        other.handouts.clear();
        assert_eq!(plain, digest(other));
    }
}
