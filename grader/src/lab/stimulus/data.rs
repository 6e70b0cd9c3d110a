//! Data that is sent, typed or written.

use super::keys::{exactly_one, only_with};
use crate::lab::decode::{At, Sink};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{Data, DataSource};
use crate::lab::raw;
use crate::lab::scenario::Means;
use crate::lab::text::{self, Allowed};
use crate::lab::values::{required, small, within};

/// At most so many bytes in one datum.
pub(super) const MOST_DATA: u64 = 64 << 20;
/// At most so many pieces of one datum: after each the grader waits.
const MOST_PIECES: u64 = 10_000;

/// A datum. `messages`: it goes over a socket that keeps their borders.
pub(super) fn data(
    at: &At<raw::Data>,
    messages: bool,
    round: Option<u32>,
    means: &mut Means,
    sink: &mut Sink,
) -> Option<Data> {
    let raw = &at.value.0;
    if raw.shape.damaged {
        return None;
    }
    let keys = [
        ("text", raw.text.as_ref().map(|a| &a.key)),
        ("bytes", raw.bytes.as_ref().map(|a| &a.key)),
        ("random", raw.random.as_ref().map(|a| &a.key)),
        ("repeat", raw.repeat.as_ref().map(|a| &a.key)),
    ];
    let (chosen, _) = exactly_one(&keys, "data", &at.span, sink)?;
    only_with(raw.seed.as_ref(), "seed", chosen, &["random"], sink);
    only_with(raw.times.as_ref(), "times", chosen, &["repeat"], sink);
    only_with(raw.fills.as_ref(), "fills", chosen, &["text"], sink);
    if let Some(fills) = &raw.fills
        && !messages
    {
        sink.push(
            Diagnostic::error(fills.key.clone(), "`fills` is for peers that send messages")
                .help("this one sends a stream: `repeat` with `times`"),
        );
    }
    let (source, length) = if let Some(text) = &raw.text {
        let expanded = text::expand(&text.value, Allowed::NONCE, round, &text.span, sink);
        let length = expanded.len() as u64;
        match &raw.fills {
            Some(fills) => {
                let fills = small(fills, "queues", 1, 10, sink);
                (
                    DataSource::Fill {
                        text: expanded,
                        fills,
                    },
                    length,
                )
            }
            None => (DataSource::Text(expanded), length),
        }
    } else if let Some(random) = &raw.random {
        let bytes = within(random, "random bytes", 1, MOST_DATA, sink);
        let seed = raw.seed.as_ref().map_or(1, |s| s.value);
        let source = DataSource::Random {
            bytes: usize::try_from(bytes).unwrap_or(0),
            seed,
        };
        (source, bytes)
    } else if let Some(repeat) = &raw.repeat {
        let times = required(
            raw.times.as_ref(),
            &raw.shape,
            "times",
            "`repeat`",
            &at.span,
            sink,
        )?;
        let text = text::expand(&repeat.value, Allowed::NOTHING, round, &repeat.span, sink);
        let length = (text.len() as u64).saturating_mul(times.value);
        if length > MOST_DATA || length == 0 {
            let problem = if length == 0 {
                "sends nothing"
            } else {
                "sends more than 64 MiB"
            };
            sink.push(Diagnostic::error(
                at.span.clone(),
                format!("this {problem}"),
            ));
            return None;
        }
        let times = usize::try_from(times.value).unwrap_or(0);
        (DataSource::Repeat { text, times }, length)
    } else {
        (DataSource::AllBytes, 256)
    };
    // An empty message is a message.
    if length == 0 && !messages {
        sink.push(Diagnostic::error(at.span.clone(), "this sends nothing"));
    }
    if !means.bytes(length, &at.span, sink) {
        return None;
    }
    let pieces = pieces(raw.pieces.as_ref(), length, sink);
    Some(Data { source, pieces })
}

pub(super) fn pieces(field: Option<&At<Vec<At<u64>>>>, length: u64, sink: &mut Sink) -> Vec<usize> {
    let Some(at) = field else { return Vec::new() };
    let lengths: Vec<u64> = at
        .value
        .iter()
        .map(|p| within(p, "a piece", 1, MOST_DATA, sink))
        .collect();
    let Some(last) = lengths.last() else {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "`pieces` without lengths",
        ));
        return Vec::new();
    };
    let rest = length.saturating_sub(lengths.iter().fold(0, |sum: u64, l| sum.saturating_add(*l)));
    let count = lengths.len() as u64 + rest.div_ceil(*last);
    if count > MOST_PIECES {
        sink.push(
            Diagnostic::error(at.span.clone(), format!("these are {count} pieces")).help(format!(
                "after each piece the grader waits: at most {MOST_PIECES}"
            )),
        );
    }
    lengths
        .iter()
        .map(|l| usize::try_from(*l).unwrap_or(1))
        .collect()
}
