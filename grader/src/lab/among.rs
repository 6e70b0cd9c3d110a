//! What a check states about what peers have received.

use super::decode::{At, Shape, Sink, Span};
use super::diagnostics::Diagnostic;
use super::model::{Among, Property, Received};
use super::property::{groups, texts};
use super::raw;
use super::stimulus::Stage;
use super::values::required;

/// The peers of a property; every one of them must be on the stage.
fn peers(
    at: Option<&At<Vec<At<String>>>>,
    shape: &Shape,
    what: &str,
    span: &Span,
    stage: &Stage<'_>,
    sink: &mut Sink,
) -> Option<Vec<String>> {
    let at = required(at, shape, "peers", what, span, sink)?;
    let names = texts(at, sink)?;
    let mut known = true;
    for name in &at.value {
        known &= stage.met(name, sink);
    }
    known.then_some(names)
}

/// A text that is not empty.
fn beginning(
    at: Option<&At<String>>,
    shape: &Shape,
    what: &str,
    span: &Span,
    sink: &mut Sink,
) -> Option<String> {
    let at = required(at, shape, "begins", what, span, sink)?;
    if at.value.is_empty() {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "every line begins with the empty text",
        ));
        return None;
    }
    Some(at.value.clone())
}

pub(super) fn exclusive(
    at: &At<raw::Exclusive>,
    stage: &Stage<'_>,
    sink: &mut Sink,
) -> Option<Property> {
    let (raw, what) = (&at.value, "`exclusive`");
    let begins = beginning(raw.begins.as_ref(), &raw.shape, what, &at.span, sink);
    let peers = peers(raw.peers.as_ref(), &raw.shape, what, &at.span, stage, sink);
    among(peers, begins.map(Received::Exclusive))
}

pub(super) fn count(at: &At<raw::Count>, stage: &Stage<'_>, sink: &mut Sink) -> Option<Property> {
    let (raw, what) = (&at.value, "`count`");
    let begins = beginning(raw.begins.as_ref(), &raw.shape, what, &at.span, sink);
    let times = required(
        raw.times.as_ref(),
        &raw.shape,
        "times",
        what,
        &at.span,
        sink,
    );
    let peers = peers(raw.peers.as_ref(), &raw.shape, what, &at.span, stage, sink);
    let times = times?.value;
    among(
        peers,
        begins.map(|begins| Received::Count { begins, times }),
    )
}

/// `each-once` and `in-order`.
pub(super) fn lines(
    at: &At<raw::Lines>,
    what: &str,
    make: fn(Vec<String>) -> Received,
    stage: &Stage<'_>,
    sink: &mut Sink,
) -> Option<Property> {
    let raw = &at.value;
    let lines = required(
        raw.lines.as_ref(),
        &raw.shape,
        "lines",
        what,
        &at.span,
        sink,
    )
    .and_then(|lines| texts(lines, sink));
    let peers = peers(raw.peers.as_ref(), &raw.shape, what, &at.span, stage, sink);
    among(peers, lines.map(make))
}

pub(super) fn same_order(
    at: &At<raw::SameOrder>,
    stage: &Stage<'_>,
    sink: &mut Sink,
) -> Option<Property> {
    let (raw, what) = (&at.value, "`same-order`");
    let names = peers(raw.peers.as_ref(), &raw.shape, what, &at.span, stage, sink)?;
    if names.len() < 2 {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "an order is the same for two peers or more",
        ));
        return None;
    }
    among(Some(names), Some(Received::SameOrder))
}

pub(super) fn received(
    at: &At<raw::Received>,
    stage: &Stage<'_>,
    sink: &mut Sink,
) -> Option<Property> {
    let (raw, what) = (&at.value, "`received`");
    let expression = required(
        raw.matches.as_ref(),
        &raw.shape,
        "matches",
        what,
        &at.span,
        sink,
    )
    .filter(|at| groups(at, sink).is_some());
    let peers = peers(raw.peers.as_ref(), &raw.shape, what, &at.span, stage, sink);
    among(
        peers,
        expression.map(|at| Received::Matches(at.value.clone())),
    )
}

fn among(peers: Option<Vec<String>>, what: Option<Received>) -> Option<Property> {
    Some(Property::Among(Among {
        peers: peers?,
        what: what?,
    }))
}
