//! What the machine granted.

use serde::{Deserialize, Serialize};

/// How an entry of [`Enforced::missing`] begins that says that there is no IPv6.
pub const NO_IPV6: &str = "IPv6";

/// What the machine granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// `full` or `reduced`.
    pub isolation: String,
    /// `full` or `bare`.
    pub observation: String,
    /// What is in force, each in a word or two: `user namespace`, `seccomp`, `Landlock ABI 7`.
    pub active: Vec<String>,
    /// What was refused, with the reason and the consequence.
    pub missing: Vec<String>,
}

impl Enforced {
    /// Whether everything there is is in force.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.isolation == "full" && self.observation == "full" && self.missing.is_empty()
    }
}
