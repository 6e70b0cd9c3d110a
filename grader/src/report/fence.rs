//! Keeps what is printed from being taken for workflow commands by a GitHub runner.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};

/// A writer that stops the runner's command processing around everything that is written before a
/// flush (`::stop-commands::TOKEN` … `::TOKEN::`). The token is drawn at random, so that no
/// submission can end the fence.
pub struct Fenced<W: Write> {
    out: W,
    token: String,
    held: Vec<u8>,
}

impl<W: Write> Fenced<W> {
    /// A fence with a token of its own.
    pub fn new(out: W) -> Self {
        // The keys of `RandomState` come from the system's random source; 128 bits of hash.
        let draw = || RandomState::new().build_hasher().finish();
        Self::with_token(out, format!("{:016x}{:016x}", draw(), draw()))
    }

    fn with_token(out: W, token: String) -> Self {
        Self {
            out,
            token,
            held: Vec::new(),
        }
    }
}

impl<W: Write> Write for Fenced<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            writeln!(self.out, "::stop-commands::{}", self.token)?;
            self.out.write_all(&held)?;
            if !held.ends_with(b"\n") {
                self.out.write_all(b"\n")?;
            }
            writeln!(self.out, "::{}::", self.token)?;
        }
        self.out.flush()
    }
}

impl<W: Write> Drop for Fenced<W> {
    fn drop(&mut self) {
        // Nobody is left to be told; a closed pipe has been reported by an earlier flush.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_written_stands_between_stop_and_resume() {
        let mut out = Vec::new();
        let mut fence = Fenced::with_token(&mut out, "T".to_owned());
        fence.write_all(b"::error::a\n").unwrap();
        fence.flush().unwrap();
        fence.write_all(b"b").unwrap();
        drop(fence);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "::stop-commands::T\n::error::a\n::T::\n::stop-commands::T\nb\n::T::\n"
        );
    }

    #[test]
    fn tokens_are_drawn_anew() {
        let (a, b) = (Fenced::new(io::sink()), Fenced::new(io::sink()));
        assert_ne!(a.token, b.token);
        assert_eq!(a.token.len(), 32);
    }
}
