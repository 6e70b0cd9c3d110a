//! Names of items: hexadecimal digests, safe as names of files.

use std::fmt;

use thiserror::Error;

/// The name of an item: what it is graded from, hashed. 16 to 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no key: 16 to 64 hexadecimal digits in lower case are")]
pub struct BadKey(String);

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// It is something else; then it is never used as the name of a file.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if (16..=64).contains(&text.len()) && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadKey(text.chars().take(80).collect()))
        }
    }

    /// The key that a digest is: hashed once more where it has not the form of one.
    #[must_use]
    pub fn of_digest(digest: &str) -> Self {
        Self::parse(digest)
            .unwrap_or_else(|_| Self(blake3::hash(digest.as_bytes()).to_hex().to_string()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digests_are_keys() {
        assert!(Key::parse("0123456789abcdef").is_ok());
        for bad in [
            "",
            "0123",
            "../../../../etc/passwd",
            "0123456789ABCDEF",
            "0123456789abcde/",
        ] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
        assert!(Key::parse(&"a".repeat(65)).is_err());
    }
}
