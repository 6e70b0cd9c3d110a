//! Sockets' names, and how a peer reaches a program.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// A socket's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Address {
    /// A path, absolute or relative to the binder's working directory; bytes, not text.
    Path(Bytes),
    /// An abstract Unix name, without the leading NUL.
    Abstract(Bytes),
    /// `127.0.0.1:port` or `[::1]:port`.
    Inet(std::net::SocketAddr),
}

/// As people write it: a path, `@name`, `127.0.0.1:5000`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&path.escaped()),
            Self::Abstract(name) => write!(f, "@{}", name.escaped()),
            Self::Inet(address) => address.fmt(f),
        }
    }
}

/// What a socket carries.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum SocketKind {
    /// A stream of bytes.
    #[default]
    Stream,
    /// Messages without a connection.
    Datagram,
    /// Messages over a connection.
    SeqPacket,
}

/// How a peer reaches a program, where that is not the plain way ([`Act::Reach`](super::Act::Reach)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The kind of its socket.
    pub kind: SocketKind,
    /// The name that it gives its own socket.
    pub name: OwnName,
    /// Datagrams only: it sends to the program's name without `connect`, and takes messages from
    /// anybody.
    pub unconnected: bool,
    /// The host at which it looks for the program, instead of the one at which the program
    /// listens; the port is the program's.
    pub host: Option<std::net::IpAddr>,
}

/// The name of a peer's own socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnName {
    /// None: nobody can answer a datagram from it.
    #[default]
    None,
    /// An abstract name chosen by the kernel, unix(7).
    Auto,
    /// This one.
    At(Address),
}
