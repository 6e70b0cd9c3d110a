//! What one lane did in one phase, sorted into the order in which it prints.
//!
//! Within a lane the order is canonical: lifecycle, data, end; then states; then channels. Only
//! what a program does itself one after another keeps the order of the events.

use super::frame::{self, MOST};
use supervisor::bytes::escape;

use super::names::{Binder, end_kept};
use super::{Line, Op};
use crate::lab::{Ignore, StreamMode};

/// The channels of inspections, in the order in which they print.
const CHANNELS: [&str; 6] = ["tree", "spare", "fds", "idle", "family", "handler"];
/// After [`CHANNELS`].
const LATER: [&str; 2] = ["signals", "terminal"];

/// The channels with what programs wrote into files: names are bound in them.
const WRITTEN: [&str; 3] = ["contents", "lines", "counted"];

/// What one lane did in one phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Reaction {
    /// Lifecycle before any data: `open`, `listen unix-stream <socket>`.
    pub(super) begins: Vec<String>,
    /// What a peer received as a stream.
    pub(super) data: Vec<u8>,
    /// What it received in messages, and whether they were cut.
    pub(super) messages: Vec<(Vec<u8>, bool)>,
    /// Lifecycle after all data: `eof`, `reset`.
    pub(super) ends: Vec<String>,
    /// How the lane was when nothing more could happen.
    pub(super) states: Vec<State>,
    /// Facts of inspections by channel; no facts: nothing found.
    pub(super) facts: Vec<(String, Vec<String>)>,
    /// Standard output, error, and input where it was written to.
    pub(super) streams: [Vec<u8>; 3],
}

/// How the streams of a lane are compared.
pub(super) struct Streams<'a> {
    /// What a peer receives.
    pub(super) data: &'a StreamMode,
    /// A program's standard output.
    pub(super) out: &'a StreamMode,
    /// A program's standard error.
    pub(super) err: &'a StreamMode,
    /// What does not count in them.
    pub(super) ignore: Ignore,
}

/// A state, in the order in which states print.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Stopped,
    Spinning,
    Polling,
    NotTaken,
    Limit(&'static str),
}

impl State {
    fn text(&self) -> String {
        match self {
            Self::Stopped => "stopped".to_owned(),
            Self::Spinning => "spinning".to_owned(),
            Self::Polling => "polling".to_owned(),
            // How much was taken is the kernel's affair (buffers), not the program's.
            Self::NotTaken => "input not taken".to_owned(),
            Self::Limit(which) => format!("limit: {which}"),
        }
    }
}

/// The standard streams with their channels, by index into [`Reaction::streams`].
pub(super) const STREAMS: [&str; 3] = ["out", "err", "in"];

impl Reaction {
    pub(super) fn begin(&mut self, text: &str) {
        once(&mut self.begins, text);
    }

    pub(super) fn end(&mut self, text: &str) {
        once(&mut self.ends, text);
    }

    pub(super) fn fact(&mut self, channel: &str, text: Option<&str>) {
        let index = match self.facts.iter().position(|(name, _)| name == channel) {
            Some(index) => index,
            None => {
                self.facts.push((channel.to_owned(), Vec::new()));
                self.facts.len() - 1
            }
        };
        self.facts[index].1.extend(text.map(str::to_owned));
    }

    /// The lines of the phase, its streams as `modes` say.
    pub(super) fn lines(mut self, lane: &str, modes: &Streams<'_>, binder: &Binder) -> Vec<Line> {
        let ignore = modes.ignore;
        let mut lines = Vec::new();
        let mut push = |channel: &str, op: Op, payload: String| {
            lines.push(Line {
                lane: lane.to_owned(),
                channel: channel.to_owned(),
                op,
                payload,
            });
        };
        for text in self.begins {
            push("", Op::Life, text);
        }
        for (op, payload) in stream(&self.data, modes.data, binder, ignore) {
            push("", op, payload);
        }
        for (message, cut) in &self.messages {
            let framed = frame::message(message, *cut, modes.data, binder, ignore);
            if let Some((op, payload)) = framed {
                push("", op, payload);
            }
        }
        for text in self.ends {
            push("", Op::Life, text);
        }
        self.states.sort();
        self.states.dedup();
        for state in self.states {
            push("", Op::Quiet, state.text());
        }
        self.facts.sort_by_key(|(channel, _)| rank(channel));
        for (channel, facts) in self.facts {
            if facts.is_empty() {
                push(&channel, Op::Quiet, "(nothing)".to_owned());
            }
            for fact in facts {
                let text = if WRITTEN.contains(&channel.as_str()) {
                    binder.text(fact.as_bytes())
                } else {
                    // Words of the supervisor; should one quote a file's name, it still is one line.
                    end_kept(escape(fact.as_bytes()))
                };
                push(&channel, Op::Life, text);
            }
        }
        let modes = [modes.out, modes.err, &StreamMode::Exact];
        for ((bytes, mode), channel) in self.streams.iter().zip(modes).zip(STREAMS) {
            for (op, payload) in stream(bytes, mode, binder, ignore) {
                push(channel, op, payload);
            }
        }
        lines
    }
}

fn once(texts: &mut Vec<String>, text: &str) {
    if !texts.iter().any(|known| known == text) {
        texts.push(text.to_owned());
    }
}

fn rank(channel: &str) -> usize {
    let known = CHANNELS
        .iter()
        .chain(&LATER)
        .position(|name| *name == channel);
    known.unwrap_or(usize::MAX)
}

/// One phase of a stream. Streams compared as a whole have no line here.
fn stream(bytes: &[u8], mode: &StreamMode, binder: &Binder, ignore: Ignore) -> Vec<(Op, String)> {
    if bytes.is_empty() {
        return Vec::new();
    }
    match mode {
        StreamMode::Exact => frame::lines(bytes, binder, MOST, ignore),
        StreamMode::Free | StreamMode::LinesInOrder => Vec::new(),
        StreamMode::Some => vec![(Op::Out, "(some text)".to_owned())],
        StreamMode::BySender => by_sender(frame::lines(bytes, binder, MOST, ignore)),
        StreamMode::Digest => vec![(Op::OutBinary, binder.digest(bytes))],
        StreamMode::Contains(texts) => {
            let bound = binder.text_inside(bytes);
            texts
                .iter()
                .map(|text| wanted(text))
                .filter(|text| bound.contains(text))
                .map(|text| (Op::Out, format!("[..]{text}[..]")))
                .collect()
        }
    }
}

/// Lines in the order of their senders; of one sender in the order in which they came.
fn by_sender(mut lines: Vec<(Op, String)>) -> Vec<(Op, String)> {
    let sender = |line: &(Op, String)| line.1.split(':').next().unwrap_or_default().to_owned();
    lines.sort_by_key(sender);
    lines
}

/// A text of `contains` as it looks when bound and escaped.
fn wanted(text: &str) -> String {
    let parts: Vec<String> = text
        .split("{socket}")
        .map(|part| escape(part.as_bytes()))
        .collect();
    parts
        .join("<socket>")
        .replace("{port}", "<port>")
        .replace("{host}", "127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Names;

    #[test]
    fn lines_of_senders_are_sorted_and_those_of_one_keep_their_order() {
        let binder = Binder::new(&Names::default());
        let shown = |bytes: &[u8]| -> Vec<String> {
            let lines = stream(bytes, &StreamMode::BySender, &binder, Ignore::default());
            lines.into_iter().map(|(_, text)| text).collect()
        };
        let one = shown(b"b: 2\na: 2\nb: 1\na: 1\n");
        assert_eq!(one, ["a: 2", "a: 1", "b: 2", "b: 1"]);
        assert_eq!(one, shown(b"a: 2\nb: 2\na: 1\nb: 1\n"));
        // What is torn is another line, wherever it stands.
        assert_ne!(one, shown(b"a: b: 2\n2\nb: 1\na: 1\n"));
        assert_ne!(one, shown(b"b: 2\na: 1\nb: 1\na: 2\n"));
    }
}
