//! Placeholders filled in, and the data of a step.

use supervisor::Bytes;

use super::program::PORT;
use super::{Planner, SOCKET};
use crate::lab::{Data, DataSource};
use crate::run::seed;
use crate::submission::Declared;
use crate::transcript::in_environment;

impl Planner<'_> {
    /// Arguments with their placeholders filled in.
    pub(super) fn words(&self, args: &[String]) -> Vec<Bytes> {
        args.iter()
            .map(|arg| self.fill(arg).as_str().into())
            .collect()
    }

    /// A variable's value: the address is spelt so that a recording tells it from that in `argv`.
    pub(super) fn fill_variable(&self, value: &str) -> String {
        let value = value.replace("{socket}", &in_environment(SOCKET));
        self.fill(&value)
    }

    /// The manifest's `run`: `{args}` stands for the lab's arguments.
    pub(super) fn own_words(
        &self,
        run: &[String],
        args: &[Bytes],
        address: Option<&Declared>,
    ) -> Vec<Bytes> {
        let port = match address {
            Some(Declared::Port(port)) => *port,
            _ => PORT,
        };
        let mut out = Vec::new();
        for word in run {
            if word == "{args}" {
                out.extend(args.iter().cloned());
            } else {
                let word = word.replace("{port}", &port.to_string());
                out.push(self.fill(&word).as_str().into());
            }
        }
        out
    }

    pub(super) fn fill(&self, text: &str) -> String {
        text.replace("{socket}", SOCKET)
            .replace("{host}", "127.0.0.1")
            .replace("{port}", &self.port.to_string())
            .replace("{nonce}", &self.nonce)
    }

    pub(super) fn path(&self, path: &str) -> Bytes {
        self.fill(path).as_str().into()
    }

    pub(super) fn bytes(&self, data: &Data) -> Bytes {
        let fill = |text: &str| text.replace("{nonce}", &self.nonce);
        Bytes(match &data.source {
            DataSource::Text(text) | DataSource::Fill { text, .. } => fill(text).into_bytes(),
            DataSource::AllBytes => (0..=u8::MAX).collect(),
            DataSource::Random { bytes, seed } => seed::random_bytes(*bytes, *seed),
            DataSource::Repeat { text, times } => fill(text).repeat(*times).into_bytes(),
        })
    }
}
