//! What a call is given and what it gives: read from the program, and written as a person writes it.

use super::calls::{Show, shown_as};
use super::opening;
use crate::bytes::escape;
use crate::memory;
use crate::plan::Address;

/// At most so many bytes of a call's data are kept.
const DATA_KEPT: usize = 256;
/// At most so many of them stand in the arguments.
const DATA_SHOWN: usize = 32;

/// `sizeof(struct sockaddr_un)`, unix(7).
const SOCKADDR_UN: usize = 110;

/// The arguments as a person writes them, and the data of a sending call; read at its entry.
pub(crate) fn render(tid: i32, nr: i64, args: &[u64; 6]) -> (String, Vec<u8>) {
    let mut out = Vec::new();
    let mut data = Vec::new();
    for (index, show) in shown_as(nr).iter().enumerate() {
        let value = args[index];
        out.push(match show {
            Show::Directory if value as i32 == libc::AT_FDCWD => continue,
            // Arguments of these calls are C ints; the upper half of the register is noise.
            Show::Number | Show::Pid | Show::Directory => (value as i32).to_string(),
            Show::Hex => format!("{value:#x}"),
            Show::Polled => polled(tid, value, args[index + 1]),
            Show::Action => match action(tid, value) {
                Some(action) => action,
                None => continue,
            },
            Show::Signal => signal_name(value as i32),
            Show::Family => family_name(value as i32),
            Show::SocketType => socket_type_name(value as i32),
            Show::Direction => direction_name(value as i32),
            Show::Path => format!(
                "\"{}\"",
                escape(&memory::read_cstr(tid, value, 256).unwrap_or_default())
            ),
            Show::Opening => opening::flags(value as i32),
            Show::Address => {
                let raw = memory::read(
                    tid,
                    value,
                    usize::try_from(args[index + 1]).unwrap_or(0).min(128),
                );
                // All of the struct, however short the call says it is: it may cut the name.
                data = memory::read(tid, value, SOCKADDR_UN);
                parse_address(&raw).map_or_else(|| "?".to_owned(), |address| show_address(&address))
            }
            Show::Data => {
                let length = usize::try_from(args[index + 1]).unwrap_or(usize::MAX);
                data = memory::read(tid, value, length.min(DATA_KEPT));
                quote(&data, length)
            }
            Show::Vector => {
                data = gather(tid, value, args[index + 1]);
                quote(&data, data.len())
            }
        });
    }
    (out.join(", "), data)
}

/// The data of a receiving call that returned `result`; read at its exit.
pub(crate) fn received(tid: i32, nr: i64, args: &[u64; 6], result: i64) -> Vec<u8> {
    let Ok(length) = usize::try_from(result) else {
        return Vec::new();
    };
    match nr {
        libc::SYS_read | libc::SYS_recvfrom => memory::read(tid, args[1], length.min(DATA_KEPT)),
        libc::SYS_readv => {
            let mut data = gather(tid, args[1], args[2]);
            data.truncate(length);
            data
        }
        _ => Vec::new(),
    }
}

/// At most so many descriptors of a poll are named.
const POLLED_SHOWN: usize = 8;

/// The descriptors of a `struct pollfd` array, poll(2): those that are not negative, which it passes over.
fn polled(tid: i32, array: u64, count: u64) -> String {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let raw = memory::read(
        tid,
        array,
        count.min(POLLED_SHOWN) * size_of::<libc::pollfd>(),
    );
    let mut shown: Vec<String> = raw
        .chunks_exact(size_of::<libc::pollfd>())
        .filter_map(|entry| Some(i32::from_ne_bytes(entry.get(..4)?.try_into().ok()?)))
        .filter(|&fd| fd >= 0)
        .map(|fd| fd.to_string())
        .collect();
    if count > POLLED_SHOWN {
        shown.push("…".to_owned());
    }
    format!("{{{}}}", shown.join(" "))
}

/// What a `struct sigaction` asks for: its first word is the handler on all architectures of ours.
/// `None` where the program only asks what was there before.
fn action(tid: i32, act: u64) -> Option<String> {
    if act == 0 {
        return None;
    }
    let word = memory::read(tid, act, size_of::<usize>());
    let handler = usize::from_ne_bytes(word.try_into().ok()?);
    Some(match handler {
        libc::SIG_DFL => "SIG_DFL".to_owned(),
        libc::SIG_IGN => "SIG_IGN".to_owned(),
        _ => "a handler".to_owned(),
    })
}

/// The beginning of what an iovec array points to.
fn gather(tid: i32, vector: u64, count: u64) -> Vec<u8> {
    let mut data = Vec::new();
    for (base, length) in iovecs(tid, vector, count) {
        let room = DATA_KEPT - data.len();
        data.extend(memory::read(tid, base, length.min(room)));
        if data.len() >= DATA_KEPT {
            break;
        }
    }
    data
}

/// The entries of an iovec array (at most 16): base and length.
pub(crate) fn iovecs(tid: i32, vector: u64, count: u64) -> Vec<(u64, usize)> {
    let raw = memory::read(
        tid,
        vector,
        usize::try_from(count.min(16)).unwrap_or(0) * 16,
    );
    raw.chunks_exact(16)
        .map(|entry| {
            let word = |at: usize| {
                entry[at..at + 8]
                    .try_into()
                    .map(u64::from_ne_bytes)
                    .unwrap_or(0)
            };
            (word(0), usize::try_from(word(8)).unwrap_or(0))
        })
        .collect()
}

fn quote(data: &[u8], length: usize) -> String {
    let shown = &data[..data.len().min(DATA_SHOWN)];
    if length > shown.len() {
        format!("\"{}\"…, {length}", escape(shown))
    } else {
        format!("\"{}\"", escape(shown))
    }
}

/// A `struct sockaddr` as an address. `None` for other families.
///
/// A path is cut at its first NUL, as unix(7) says the kernel does; one that fills the whole
/// length has none.
pub(crate) fn parse_address(raw: &[u8]) -> Option<Address> {
    let family = i32::from(u16::from_ne_bytes(raw.get(..2)?.try_into().ok()?));
    match family {
        libc::AF_UNIX => match &raw[2..] {
            [] => None,
            [0, name @ ..] => Some(Address::Abstract(name.into())),
            path => {
                let end = path.iter().position(|&b| b == 0).unwrap_or(path.len());
                Some(Address::Path(path[..end].into()))
            }
        },
        libc::AF_INET => {
            let port = u16::from_be_bytes(raw.get(2..4)?.try_into().ok()?);
            let ip: [u8; 4] = raw.get(4..8)?.try_into().ok()?;
            Some(Address::Inet((ip, port).into()))
        }
        libc::AF_INET6 => {
            let port = u16::from_be_bytes(raw.get(2..4)?.try_into().ok()?);
            let ip: [u8; 16] = raw.get(8..24)?.try_into().ok()?;
            Some(Address::Inet((ip, port).into()))
        }
        _ => None,
    }
}

fn show_address(address: &Address) -> String {
    match address {
        Address::Path(path) => format!("\"{}\"", escape(path)),
        Address::Abstract(name) => {
            // Most programs give the whole struct: the rest of the name is NULs.
            let end = name
                .iter()
                .rposition(|&b| b != 0)
                .map_or(0, |last| last + 1);
            let more = if end < name.len() { "\\0…" } else { "" };
            format!("\"@{}{more}\"", escape(&name[..end]))
        }
        Address::Inet(inet) => inet.to_string(),
    }
}

fn family_name(family: i32) -> String {
    match family {
        libc::AF_UNIX => "AF_UNIX".to_owned(),
        libc::AF_INET => "AF_INET".to_owned(),
        libc::AF_INET6 => "AF_INET6".to_owned(),
        other => other.to_string(),
    }
}

fn socket_type_name(kind: i32) -> String {
    let mut name = match kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) {
        libc::SOCK_STREAM => "SOCK_STREAM".to_owned(),
        libc::SOCK_DGRAM => "SOCK_DGRAM".to_owned(),
        libc::SOCK_SEQPACKET => "SOCK_SEQPACKET".to_owned(),
        other => other.to_string(),
    };
    for (flag, flag_name) in [
        (libc::SOCK_CLOEXEC, "|SOCK_CLOEXEC"),
        (libc::SOCK_NONBLOCK, "|SOCK_NONBLOCK"),
    ] {
        if kind & flag != 0 {
            name.push_str(flag_name);
        }
    }
    name
}

fn direction_name(how: i32) -> String {
    match how {
        libc::SHUT_RD => "SHUT_RD".to_owned(),
        libc::SHUT_WR => "SHUT_WR".to_owned(),
        libc::SHUT_RDWR => "SHUT_RDWR".to_owned(),
        other => other.to_string(),
    }
}

/// `SIGTERM`, `SIGRTMIN+3`.
pub(crate) fn signal_name(signal: i32) -> String {
    // The first real-time signals are glibc's own; programs see SIGRTMIN as 34.
    match signal {
        34 => "SIGRTMIN".to_owned(),
        35..=64 => format!("SIGRTMIN+{}", signal - 34),
        _ => nix::sys::signal::Signal::try_from(signal)
            .map_or_else(|_| signal.to_string(), |signal| signal.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_at_its_nul_and_an_abstract_name_does_not() {
        let family = u16::try_from(libc::AF_UNIX).unwrap().to_ne_bytes();
        let unix = |rest: &[u8]| parse_address(&[&family, rest].concat());
        assert_eq!(
            unix(b"/tmp/s\0\xfe\xfe"),
            Some(Address::Path("/tmp/s".into()))
        );
        assert_eq!(unix(b"/tmp/s"), Some(Address::Path("/tmp/s".into())));
        assert_eq!(unix(b"\0a\0b"), Some(Address::Abstract(b"a\0b"[..].into())));
        assert_eq!(unix(b""), None);
        assert_eq!(parse_address(b"\x01"), None);
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(15), "SIGTERM");
        assert_eq!(signal_name(34), "SIGRTMIN");
        assert_eq!(signal_name(36), "SIGRTMIN+2");
    }
}
