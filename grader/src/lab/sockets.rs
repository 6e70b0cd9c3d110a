//! The sockets of peers: their kind, their own name, the host they look at.

use std::net::IpAddr;

use super::decode::{At, Sink, shown};
use super::diagnostics::Diagnostic;
use super::model::{OwnName, Reach, SocketKind};
use super::program;
use super::raw;

/// The longest name of a peer's socket: `sun_path` has 108 bytes, and the directory needs some.
const MOST_NAME: usize = 64;

/// Whether messages keep their borders.
pub(super) fn keeps_borders(kind: SocketKind) -> bool {
    matches!(kind, SocketKind::Datagram | SocketKind::Seqpacket)
}

/// How a peer connects, where it says so or the program's `kind` does; `None`: in the plain way.
pub(super) fn reach(
    raw: &raw::ConnectTable,
    kind: Option<SocketKind>,
    sink: &mut Sink,
) -> Option<Reach> {
    let said = raw.socket.as_ref().map(|s| program::socket(s.value));
    let any =
        raw.socket.is_some() || raw.bind.is_some() || raw.connected.is_some() || raw.host.is_some();
    if !any && kind.is_none() {
        return None;
    }
    let kind = said.or(kind).unwrap_or(SocketKind::Stream);
    if let Some(connected) = &raw.connected
        && kind != SocketKind::Datagram
    {
        sink.push(
            Diagnostic::error(
                connected.key.clone(),
                "only a datagram peer can do without connecting",
            )
            .help("`socket = \"datagram\"`"),
        );
    }
    let name = match &raw.bind {
        Some(bind) if kind == SocketKind::Tcp => {
            sink.push(
                Diagnostic::error(bind.key.clone(), "a TCP peer has no name of its own")
                    .help("the kernel gives it a port"),
            );
            OwnName::None
        }
        Some(bind) => own_name(bind, sink),
        None => OwnName::None,
    };
    Some(Reach {
        kind,
        name,
        unconnected: raw.connected.as_ref().is_some_and(|c| !c.value),
        host: host(raw.host.as_ref(), kind, sink),
    })
}

fn own_name(at: &At<String>, sink: &mut Sink) -> OwnName {
    let plain = |name: &str| {
        !name.is_empty()
            && name.len() <= MOST_NAME
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    match at.value.strip_prefix('@') {
        Some(name) if plain(name) => OwnName::Abstract(name.to_owned()),
        None if at.value == "auto" => OwnName::Auto,
        None if plain(&at.value) => OwnName::Path(at.value.clone()),
        _ => {
            sink.push(
                Diagnostic::error(
                    at.span.clone(),
                    format!("`{}` is no name for a peer's socket", shown(&at.value)),
                )
                .help("a file name such as `alice.sock`, `@alice` for an abstract name, or `auto`"),
            );
            OwnName::None
        }
    }
}

/// An address of the loopback.
pub(super) fn host(at: Option<&At<String>>, kind: SocketKind, sink: &mut Sink) -> Option<IpAddr> {
    let at = at?;
    if kind != SocketKind::Tcp {
        sink.push(
            Diagnostic::error(at.key.clone(), "only TCP has hosts").help("`socket = \"tcp\"`"),
        );
        return None;
    }
    let host = at.value.parse::<IpAddr>().ok();
    let host = host.filter(IpAddr::is_loopback);
    if host.is_none() {
        sink.push(
            Diagnostic::error(
                at.span.clone(),
                format!("`{}` is no address of the loopback", shown(&at.value)),
            )
            .help("`127.0.0.1`, another one that begins with 127, or `::1`: there is no other network"),
        );
    }
    host
}
