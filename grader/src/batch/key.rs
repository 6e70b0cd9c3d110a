//! What a result depends on: the same inputs need not be graded again.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::submission::Key;

/// Hashes of everything that can change a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// What was handed in.
    pub sources: String,
    /// The lab with its transcripts.
    pub lab: String,
    /// This executable, the reference programs in it.
    pub grader: String,
    /// The compilers and build tools.
    pub compiler: String,
    /// The options that change what happens.
    pub options: String,
}

impl Inputs {
    /// The one hash of them all.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        let mut key = Key::default();
        key.add(b"grader item 1");
        for part in [
            &self.sources,
            &self.lab,
            &self.grader,
            &self.compiler,
            &self.options,
        ] {
            key.add(part.as_bytes());
        }
        ItemKey(key.finish())
    }
}

/// What a result is found by: 64 hexadecimal digits, fit for a file name.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct ItemKey(String);

impl ItemKey {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ItemKey> for String {
    fn from(key: ItemKey) -> Self {
        key.0
    }
}

impl TryFrom<String> for ItemKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if text.len() == 64 && text.bytes().all(digit) {
            Ok(Self(text))
        } else {
            Err("a key has 64 hexadecimal digits".to_owned())
        }
    }
}

impl FromStr for ItemKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_counts_and_none_runs_into_the_next() {
        let base = Inputs {
            sources: "a".into(),
            lab: "b".into(),
            grader: "c".into(),
            compiler: "d".into(),
            options: "e".into(),
        };
        let changes: [fn(&mut Inputs); 6] = [
            |i| i.sources.push('x'),
            |i| i.lab.push('x'),
            |i| i.grader.push('x'),
            |i| i.compiler.push('x'),
            |i| i.options.push('x'),
            |i| (i.sources, i.lab) = ("ab".into(), String::new()),
        ];
        for change in changes {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(base.key(), other.key());
        }
        assert_eq!(base.key(), base.clone().key());
    }

    #[test]
    fn only_a_hash_is_a_key() {
        let key = Inputs::default().key();
        assert_eq!(key.as_str().parse::<ItemKey>().unwrap(), key);
        for bad in ["", "../../etc/passwd", &"g".repeat(64), &"A".repeat(64)] {
            assert!(bad.parse::<ItemKey>().is_err(), "{bad}");
        }
    }
}
