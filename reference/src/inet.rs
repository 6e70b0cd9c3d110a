//! What the programs over TCP are told: `[-4|-6] [HOST] PORT`.

use std::ffi::OsString;
use std::fmt;

/// Which of the two families.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Both,
    V4,
    V6,
}

/// Where to listen or to connect.
pub(crate) struct Place {
    pub(crate) family: Family,
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
}

impl Place {
    /// From the arguments; `None` if they make no sense.
    pub(crate) fn of(args: &[OsString]) -> Option<Self> {
        let mut words: Vec<&str> = args.iter().map(|arg| arg.to_str()).collect::<Option<_>>()?;
        let family = match words.first() {
            Some(&"-4") => Family::V4,
            Some(&"-6") => Family::V6,
            _ => Family::Both,
        };
        if family != Family::Both {
            words.remove(0);
        }
        let (host, port) = match words.as_slice() {
            [port] => (None, port),
            [host, port] => (Some((*host).to_owned()), port),
            _ => return None,
        };
        Some(Self {
            family,
            host,
            port: port.parse().ok()?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "{host} {}", self.port),
            None => write!(f, "{}", self.port),
        }
    }
}
