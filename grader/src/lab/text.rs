//! Placeholders in the texts of a lab: `{socket}`, `{nonce}`, `{n}`.

use super::decode::{Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::SocketKind;
use super::names;

/// Which placeholders a place understands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed(&'static [&'static str]);

impl Allowed {
    /// The address.
    pub(super) const SOCKET: Self = Self(&["socket"]);
    /// A port of the loopback as well.
    pub(super) const PORT: Self = Self(&["host", "port", "socket"]);
    /// A word drawn anew for each run.
    pub(super) const NONCE: Self = Self(&["nonce"]);
    /// None but `{n}`.
    pub(super) const NOTHING: Self = Self(&[]);

    /// The address of a program with this kind of socket.
    pub(super) fn address(kind: Option<SocketKind>) -> Self {
        match kind {
            Some(SocketKind::Tcp) => Self::PORT,
            _ => Self::SOCKET,
        }
    }
}

/// Replaces `{n}` by the round of the `repeat` around it, and complains about placeholders that
/// mean nothing here. A placeholder is a lower-case word in braces; other braces are text.
pub(super) fn expand(
    text: &str,
    allowed: Allowed,
    round: Option<u32>,
    span: &Span,
    sink: &mut Sink,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let Some(name) = placeholder(rest) else {
            out.push('{');
            rest = &rest[1..];
            continue;
        };
        match (name, round) {
            ("n", Some(round)) => out.push_str(&round.to_string()),
            _ => {
                if !allowed.0.contains(&name) {
                    sink.push(unknown(name, allowed, round, span));
                }
                out.push_str(&rest[..name.len() + 2]);
            }
        }
        rest = &rest[name.len() + 2..];
    }
    out.push_str(rest);
    out
}

/// The word of the placeholder with which a text begins.
fn placeholder(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?;
    let end = inner
        .bytes()
        .position(|b| !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))?;
    let name = &inner[..end];
    (inner[end..].starts_with('}') && name.starts_with(|c: char| c.is_ascii_lowercase()))
        .then_some(name)
}

fn unknown(name: &str, allowed: Allowed, round: Option<u32>, span: &Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        span.clone(),
        format!("`{{{}}}` means nothing here", shown(name)),
    );
    if name == "n" {
        return diagnostic.help("`{n}` is the round of a `repeat`, and this stands in none");
    }
    let mut known: Vec<&str> = allowed.0.to_vec();
    if round.is_some() {
        known.push("n");
    }
    let help = match known.as_slice() {
        [] => "there are no placeholders here".to_owned(),
        known => format!(
            "known here: {}",
            names::list(
                known
                    .iter()
                    .map(|n| format!("{{{n}}}"))
                    .collect::<Vec<_>>()
                    .iter()
                    .map(String::as_str)
            )
        ),
    };
    let label =
        names::nearest(name, known.iter().copied()).map(|c| format!("did you mean `{{{c}}}`?"));
    diagnostic.maybe_label(label).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, round: Option<u32>) -> (String, Vec<String>) {
        let mut sink = Sink::default();
        let out = expand(text, Allowed::NONCE, round, &(0..0), &mut sink);
        (out, sink.found.into_iter().map(|d| d.message).collect())
    }

    #[test]
    fn the_round_is_replaced_and_others_stay() {
        assert_eq!(
            expanded("client-{n}: {nonce}", Some(3)),
            ("client-3: {nonce}".to_owned(), vec![])
        );
    }

    #[test]
    fn other_braces_are_text() {
        for text in [
            "{",
            "{}",
            "{ n }",
            "{\"a\": 1}",
            "}{",
            "{A}",
            "{1}",
            "{n",
            "{é}",
        ] {
            assert_eq!(expanded(text, Some(1)), (text.to_owned(), vec![]));
        }
    }

    #[test]
    fn a_placeholder_that_means_nothing_is_an_error() {
        assert_eq!(
            expanded("{sokcet}", None).1,
            ["`{sokcet}` means nothing here"]
        );
        assert_eq!(expanded("{n}", None).1, ["`{n}` means nothing here"]);
    }
}
