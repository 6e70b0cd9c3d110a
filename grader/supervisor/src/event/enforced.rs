//! What the machine granted.

use serde::{Deserialize, Serialize};

/// How an entry of [`Enforced::missing`] begins that says that there is no IPv6.
pub const NO_IPV6: &str = "IPv6";

/// How an entry of [`Enforced::missing`] begins that says that no descriptor of a program can be copied.
pub const NO_COPIES: &str = "copies of descriptors";

/// What a scenario may need besides isolation and observation, and a machine may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// `::1`.
    Ipv6,
    /// A user besides that of the programs, for peers to be.
    OtherUser,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ipv6, Self::OtherUser];

    /// `ipv6`, `other-user`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ipv6 => "ipv6",
            Self::OtherUser => "other-user",
        }
    }
}

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
    /// What is not to be had here, whether or not this scenario needs it.
    #[serde(default)]
    pub lacks: Vec<Means>,
}

impl Enforced {
    /// Whether everything there is is in force.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.isolation == "full" && self.observation == "full" && self.missing.is_empty()
    }
}
