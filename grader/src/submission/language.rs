//! Which language a file is in, and what of it can be told without a compiler.

use memchr::memmem;

use super::source::{self, Magic};

/// The languages a program may be handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// C, and what its compiler takes.
    C,
    /// C++.
    Cxx,
    /// Rust without a Cargo package.
    Rust,
    /// Java.
    Java,
    /// Go.
    Go,
    /// Anything with an interpreter: Python, shell.
    Script,
}

/// All, those of compiled programs first: a script beside C sources is more often a helper.
pub(super) const TIERS: [&[Language]; 3] = [
    &[Language::C, Language::Cxx],
    &[Language::Rust, Language::Java, Language::Go],
    &[Language::Script],
];

impl Language {
    /// By the file's name, and for scripts by its first line.
    #[must_use]
    pub(super) fn of(path: &str, content: &[u8]) -> Option<Self> {
        if source::magic(content) == Magic::Script {
            return Some(Self::Script);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(match name.rsplit_once('.')?.1 {
            "c" => Self::C,
            "cc" | "cpp" | "cxx" | "C" => Self::Cxx,
            "rs" => Self::Rust,
            "java" => Self::Java,
            "go" => Self::Go,
            "py" | "sh" | "bash" | "pl" | "rb" => Self::Script,
            _ => return None,
        })
    }

    /// Whether a program begins in this file, as far as its text tells.
    #[must_use]
    pub(super) fn has_main(self, content: &[u8]) -> bool {
        match self {
            Self::C | Self::Cxx => source::has_main(content),
            Self::Rust => has(content, &["fn main"]),
            Self::Java => has(content, &["void main"]),
            Self::Go => has(content, &["func main"]),
            Self::Script => true,
        }
    }

    /// Whether the code waits for clients.
    #[must_use]
    pub(super) fn listens(self, content: &[u8]) -> bool {
        match self {
            Self::C | Self::Cxx => ["listen", "accept"]
                .iter()
                .any(|name| source::names_function(content, name)),
            Self::Rust => has(content, &["UnixListener", "TcpListener"]),
            Self::Java => has(content, &["ServerSocket"]),
            Self::Go => has(content, &["net.Listen"]),
            Self::Script => has(content, &[".listen(", ".accept(", "LISTEN:"]),
        }
    }

    /// Whether the code goes to a server.
    #[must_use]
    pub(super) fn connects(self, content: &[u8]) -> bool {
        match self {
            Self::C | Self::Cxx => source::names_function(content, "connect"),
            Self::Rust => has(content, &["UnixStream::connect", "TcpStream::connect"]),
            Self::Java => has(content, &["SocketChannel.open", "new Socket(", ".connect("]),
            Self::Go => has(content, &["net.Dial"]),
            Self::Script => has(content, &[".connect(", "CONNECT:"]),
        }
    }
}

/// Whether any of the words occurs.
pub(super) fn has(content: &[u8], words: &[&str]) -> bool {
    words
        .iter()
        .any(|word| memmem::find(content, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_by_its_first_line_whatever_its_name() {
        assert_eq!(
            Language::of("server", b"#!/bin/sh\n"),
            Some(Language::Script)
        );
        assert_eq!(Language::of("server", b""), None);
        assert_eq!(Language::of("a/b.C", b""), Some(Language::Cxx));
        assert_eq!(Language::of("a.c", b""), Some(Language::C));
    }

    #[test]
    fn the_code_of_every_language_tells_the_role() {
        for (language, server, client) in [
            (Language::C, "accept(fd, 0, 0);", "connect (fd, a, n);"),
            (
                Language::Rust,
                "UnixListener::bind(p)",
                "UnixStream::connect(p)",
            ),
            (
                Language::Java,
                "ServerSocketChannel.open(x)",
                "SocketChannel.open(a)",
            ),
            (
                Language::Go,
                "net.Listen(\"unix\", p)",
                "net.Dial(\"unix\", p)",
            ),
            (Language::Script, "s.listen(5)", "s.connect(path)"),
        ] {
            assert!(language.listens(server.as_bytes()), "{server}");
            assert!(!language.listens(client.as_bytes()), "{client}");
            assert!(language.connects(client.as_bytes()), "{client}");
        }
    }
}
