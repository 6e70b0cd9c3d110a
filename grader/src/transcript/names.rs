//! Binding of names: what changes from run to run is written as `<socket>`, `<nonce>`,
//! `<pid:server>` wherever it recurs, so that agreement stays checkable.

use std::collections::BTreeMap;

use supervisor::Bytes;
use supervisor::bytes::escape;

/// Numbers below this are never taken for a process id: `count 3` must not become
/// `count <pid:server>` because the server happens to be process 3.
pub const LEAST_BOUND_PID: i32 = 100;

/// What a run has bound before it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The address the handout asks for, as the program gets it: `{socket}`.
    pub socket: Option<Bytes>,
    /// The word drawn for this run: `{nonce}`.
    pub nonce: Option<String>,
    /// The port the handout asks for: `{port}`.
    pub port: Option<u16>,
}

/// The address as environment variables have it: the same file, spelt in another way, so that a
/// recording shows from where a program has taken it.
#[must_use]
pub fn in_environment(socket: &str) -> String {
    match socket.rsplit_once('/') {
        Some((directory, name)) => format!("{directory}/./{name}"),
        None => format!("./{socket}"),
    }
}

/// Where a name is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edges {
    /// Anywhere.
    Any,
    /// Not inside a longer path.
    Path,
}

struct Bound {
    bytes: Vec<u8>,
    name: String,
    edges: Edges,
}

/// Addresses and nonces that are bound at most: a hostile program could listen at thousands.
const MOST_BOUND: usize = 32;

/// All that is bound in one run.
pub(super) struct Binder {
    bound: Vec<Bound>,
    /// Process ids and ports by their digits. A run may have thousands of processes.
    numbers: BTreeMap<Vec<u8>, String>,
    first: [bool; 256],
}

impl Binder {
    pub(super) fn new(names: &Names) -> Self {
        let mut binder = Self {
            bound: Vec::new(),
            numbers: BTreeMap::new(),
            first: [false; 256],
        };
        // A name that a program prints itself must not pass for a bound one.
        binder.first[usize::from(b'<')] = true;
        if let Some(socket) = &names.socket {
            binder.add(socket, "<socket>".to_owned(), Edges::Any);
            let other = in_environment(&String::from_utf8_lossy(socket));
            binder.add(other.as_bytes(), "<socket>".to_owned(), Edges::Any);
        }
        if let Some(nonce) = &names.nonce {
            let upper = nonce.to_ascii_uppercase();
            binder.add(nonce.as_bytes(), "<nonce>".to_owned(), Edges::Any);
            if upper != *nonce {
                binder.add(upper.as_bytes(), "<NONCE>".to_owned(), Edges::Any);
            }
        }
        if let Some(port) = names.port {
            binder.add_port(port);
        }
        binder
    }

    /// A path that a program bound although another was asked for.
    pub(super) fn add_address(&mut self, path: &[u8]) {
        self.add(path, "<socket>".to_owned(), Edges::Path);
    }

    /// A port: of the handout, or chosen by the kernel or the program.
    pub(super) fn add_port(&mut self, port: u16) {
        let digits = port.to_string().into_bytes();
        self.first[usize::from(digits[0])] = true;
        self.numbers.insert(digits, "<port>".to_owned());
    }

    /// A process: `who` is `server` or `server/1`.
    pub(super) fn add_pid(&mut self, pid: i32, who: &str) {
        if pid >= LEAST_BOUND_PID {
            let digits = pid.to_string().into_bytes();
            self.first[usize::from(digits[0])] = true;
            self.numbers
                .entry(digits)
                .or_insert_with(|| format!("<pid:{who}>"));
        }
    }

    fn add(&mut self, bytes: &[u8], name: String, edges: Edges) {
        let known = |bound: &Bound| bound.bytes == bytes;
        let Some(first) = bytes.first() else { return };
        if self.bound.iter().any(known) || self.bound.len() == MOST_BOUND {
            return;
        }
        self.first[usize::from(*first)] = true;
        self.bound.push(Bound {
            bytes: bytes.to_vec(),
            name,
            edges,
        });
        // The longest match wins.
        self.bound
            .sort_by(|a, b| b.bytes.len().cmp(&a.bytes.len()).then(a.name.cmp(&b.name)));
    }

    /// The bytes as payload: names bound, the rest escaped.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        end_kept(self.text_inside(bytes))
    }

    /// [`Binder::text`] of what does not end a line.
    pub(super) fn text_inside(&self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        self.split(bytes, true, |piece| match piece {
            Piece::Raw(raw) => out.push_str(&escape(raw)),
            Piece::Name(name) => out.push_str(name),
            Piece::Forged => out.push_str("\\x3c"),
        });
        out
    }

    /// Length and hash of the bytes with names bound (process ids excepted: in bulk data any
    /// number may look like one).
    pub(super) fn digest(&self, bytes: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut length = 0;
        self.split(bytes, false, |piece| {
            let part = match piece {
                Piece::Raw(raw) => raw,
                Piece::Name(name) => name.as_bytes(),
                Piece::Forged => b"\\x3c",
            };
            length += part.len();
            hasher.update(part);
        });
        let hash = hasher.finalize().to_hex();
        let short: String = hash.chars().take(16).collect();
        format!("{length} bytes, blake3 {short}")
    }

    fn split<'a>(&'a self, bytes: &'a [u8], pids: bool, mut each: impl FnMut(Piece<'a>)) {
        let mut start = 0;
        let mut at = 0;
        while at < bytes.len() {
            if !self.first[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            let (piece, length) = match self.at(bytes, at, pids) {
                Some((name, length)) => (Piece::Name(name), length),
                None if bytes[at] == b'<' && is_forged(&bytes[at..]) => (Piece::Forged, 1),
                None => {
                    at += 1;
                    continue;
                }
            };
            if start < at {
                each(Piece::Raw(&bytes[start..at]));
            }
            each(piece);
            at += length;
            start = at;
        }
        if start < bytes.len() {
            each(Piece::Raw(&bytes[start..]));
        }
    }

    /// The name that stands at this place, and the length of what it stands for.
    fn at(&self, bytes: &[u8], at: usize, pids: bool) -> Option<(&str, usize)> {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        let first = bytes.get(at);
        let found = self.bound.iter().find(|bound| {
            let after = bytes.get(at + bound.bytes.len());
            // In bulk data almost every place is refused by its first byte.
            bound.bytes.first() == first
                && bytes[at..].starts_with(&bound.bytes)
                && match bound.edges {
                    Edges::Any => true,
                    Edges::Path => {
                        let in_path = |b: &u8| b.is_ascii_alphanumeric() || b"_/-".contains(b);
                        !before.is_some_and(|b| in_path(b) || *b == b'.')
                            && !after.is_some_and(in_path)
                    }
                }
        });
        if let Some(bound) = found {
            return Some((&bound.name, bound.bytes.len()));
        }
        let in_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        if !pids || before.is_some_and(in_word) {
            return None;
        }
        /// No process id has more digits: a `pid_t` has 32 bits.
        const LONGEST: usize = 10;
        let word = &bytes[at..];
        let length = word
            .iter()
            .take(LONGEST + 1)
            .take_while(|b| in_word(b))
            .count();
        let name = self.numbers.get(&word[..length])?;
        Some((name, length))
    }
}

/// Editors and insta take blanks of any kind off the end of a line: the last one is written by its
/// bytes, `\x20`.
pub(super) fn end_kept(mut text: String) -> String {
    if let Some(last) = text.chars().next_back().filter(|c| c.is_whitespace()) {
        text.pop();
        let mut bytes = [0; 4];
        for byte in last.encode_utf8(&mut bytes).bytes() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

enum Piece<'a> {
    Raw(&'a [u8]),
    Name(&'a str),
    /// The `<` of a name that the program wrote itself.
    Forged,
}

fn is_forged(bytes: &[u8]) -> bool {
    ["<socket>", "<nonce>", "<NONCE>", "<pid:", "<port>"]
        .iter()
        .any(|name| bytes.starts_with(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binder() -> Binder {
        Binder::new(&Names {
            socket: Some("/tmp/us.sock".into()),
            nonce: Some("qx7rk".to_owned()),
            port: Some(9123),
        })
    }

    #[test]
    fn names_are_bound_in_both_cases() {
        assert_eq!(
            binder().text(b"qx7rk QX7RK at /tmp/us.sock"),
            "<nonce> <NONCE> at <socket>"
        );
    }

    #[test]
    fn a_name_that_the_program_prints_itself_is_not_the_bound_one() {
        assert_eq!(binder().text(b"<NONCE> <b>"), "\\x3cNONCE> <b>");
        assert_ne!(binder().digest(b"<NONCE>"), binder().digest(b"QX7RK"));
    }

    #[test]
    fn process_ids_are_whole_words_and_never_small_numbers() {
        let mut binder = binder();
        binder.add_pid(4711, "server");
        binder.add_pid(3, "server/1");
        assert_eq!(
            binder.text(b"ready 4711, 14711, 4711a, count 3"),
            "ready <pid:server>, 14711, 4711a, count 3"
        );
    }

    #[test]
    fn a_port_is_a_whole_number() {
        assert_eq!(
            binder().text(b"127.0.0.1:9123, 91234, <port>"),
            "127.0.0.1:<port>, 91234, \\x3cport>"
        );
    }

    #[test]
    fn an_address_of_the_programs_own_is_bound_as_a_whole_path() {
        let mut binder = binder();
        binder.add_address(b"./s");
        assert_eq!(
            binder.text(b"on ./s, not ../s or ./sock"),
            "on <socket>, not ../s or ./sock"
        );
    }

    #[test]
    fn a_blank_at_the_end_is_written_so_that_it_lasts() {
        assert_eq!(binder().text(b"bye  "), "bye \\x20");
        assert_eq!(binder().text("bye\u{a0}".as_bytes()), "bye\\xc2\\xa0");
    }
}
