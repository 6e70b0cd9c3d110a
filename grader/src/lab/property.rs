//! What a check states: its property, and the steps it is about.

use super::decode::{At, Named, Sink, Span};
use super::diagnostics::Diagnostic;
use super::model::{Ended, Property, Received, Statement, Window};
use super::stimulus::Stage;
use super::values::required;
use super::{among, names, raw};

/// The longest regular expression, in bytes.
const MOST_REGEX: usize = 1000;

/// The one property of a check.
pub(super) fn property(
    raw: &raw::Check,
    id: &Span,
    stage: &Stage<'_>,
    sink: &mut Sink,
) -> Option<Property> {
    let before = sink.found.len();
    let all = [
        raw.count_equals.as_ref().map(|at| count_equals(at, sink)),
        raw.count_between.as_ref().map(|at| count_between(at, sink)),
        raw.counts.as_ref().map(|at| counts(at, true, sink)),
        raw.counts_least.as_ref().map(|at| counts(at, false, sink)),
        raw.subsequence.as_ref().map(|at| subsequence(at, sink)),
        raw.contains
            .as_ref()
            .map(|at| texts(at, sink).map(Property::Contains)),
        raw.absent
            .as_ref()
            .map(|at| texts(at, sink).map(Property::Absent)),
        raw.matches
            .as_ref()
            .map(|at| groups(at, sink).map(|_| Property::Matches(at.value.clone()))),
        raw.tells_children.as_ref().map(|at| {
            one_group(at, "pid", sink).map(|()| Property::TellsChildren(at.value.clone()))
        }),
        raw.ended.as_ref().map(|at| {
            Some(Property::Ended(match at.value {
                raw::Ended::Exit => Ended::Exit,
                raw::Ended::Zero => Ended::Zero,
                raw::Ended::NoCrash => Ended::NoCrash,
                raw::Ended::NotCrashed => Ended::NotCrashed,
                raw::Ended::Anyhow => Ended::Anyhow,
            }))
        }),
        raw.unlinked
            .as_ref()
            .map(|at| stated_true(at, Property::Unlinked, sink)),
        raw.no_socket_left
            .as_ref()
            .map(|at| stated_true(at, Property::NoSocketLeft, sink)),
        raw.live
            .as_ref()
            .map(|at| stated_true(at, Property::Live, sink)),
        raw.waits_in
            .as_ref()
            .map(|at| texts(at, sink).map(Property::WaitsIn)),
        raw.holds
            .as_ref()
            .map(|at| Some(Property::Holds(statement(at.value)))),
        raw.executed
            .as_ref()
            .map(|at| texts(at, sink).map(Property::Executed)),
        raw.called
            .as_ref()
            .map(|at| calls(at, sink).map(Property::Called)),
        raw.not_called
            .as_ref()
            .map(|at| calls(at, sink).map(Property::NotCalled)),
        raw.exclusive
            .as_ref()
            .map(|at| among::exclusive(at, stage, sink)),
        raw.count.as_ref().map(|at| among::count(at, stage, sink)),
        raw.each_once
            .as_ref()
            .map(|at| among::lines(at, "`each-once`", Received::EachOnce, stage, sink)),
        raw.in_order
            .as_ref()
            .map(|at| among::lines(at, "`in-order`", Received::InOrder, stage, sink)),
        raw.same_order
            .as_ref()
            .map(|at| among::same_order(at, stage, sink)),
        raw.received
            .as_ref()
            .map(|at| among::received(at, stage, sink)),
    ];
    let mut stated = all.into_iter().flatten();
    match (stated.next(), stated.next()) {
        (Some(property), None) => property,
        _ if raw.shape.damaged || sink.found.len() > before => None,
        _ => {
            sink.push(
                Diagnostic::error(id.clone(), "a check states exactly one property").help(format!(
                    "one of {}",
                    names::list(raw::Check::KEYS.iter().copied().filter(|key| {
                        !["id", "proves", "program", "stream", "from", "until"].contains(key)
                    }))
                )),
            );
            None
        }
    }
}

/// System calls at which the grader stops.
fn calls(at: &At<Vec<At<String>>>, sink: &mut Sink) -> Option<Vec<String>> {
    let called = texts(at, sink)?;
    for call in &at.value {
        super::stimulus::known_name(call, names::CALLS, "system call", sink);
    }
    Some(called)
}

fn statement(raw: raw::Statement) -> Statement {
    match raw {
        raw::Statement::PipedTextInUpperCase => Statement::PipedTextInUpperCase,
        raw::Statement::PipedTextInBothCases => Statement::PipedTextInBothCases,
        raw::Statement::PipeJoinsProcesses => Statement::PipeJoinsProcesses,
        raw::Statement::ChildrenReaped => Statement::ChildrenReaped,
        raw::Statement::InputNotWritten => Statement::InputNotWritten,
        raw::Statement::LettersRead => Statement::LettersRead,
        raw::Statement::KeysAnswered => Statement::KeysAnswered,
    }
}

/// The steps a check is about, in a scenario of so many.
pub(super) fn window(raw: &raw::Check, steps: usize, sink: &mut Sink) -> Window {
    let mut bound = |at: &At<u64>| {
        let number = u32::try_from(at.value).ok();
        let known = number
            .filter(|number| (1..=steps).contains(&usize::try_from(*number).unwrap_or(usize::MAX)));
        if known.is_none() {
            sink.push(
                Diagnostic::error(at.span.clone(), "there is no such step")
                    .label(format!("steps are counted from 1 to {steps}")),
            );
        }
        known
    };
    let window = Window {
        from: raw.from.as_ref().and_then(&mut bound),
        until: raw.until.as_ref().and_then(&mut bound),
    };
    if let (Some(from), Some(until), Some(at)) = (window.from, window.until, &raw.until)
        && from > until
    {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "`until` is before `from`",
        ));
    }
    window
}

fn counts(at: &At<Named<u64>>, exactly: bool, sink: &mut Sink) -> Option<Property> {
    let counts: Vec<(String, u64)> = at
        .value
        .0
        .iter()
        .map(|(text, count)| (text.value.clone(), count.value))
        .collect();
    if counts.is_empty() || counts.iter().any(|(text, _)| text.is_empty()) {
        sink.push(
            Diagnostic::error(at.span.clone(), "a count needs a text")
                .help("for example `counts = { B = 4000 }`"),
        );
        return None;
    }
    Some(Property::Counts { counts, exactly })
}

fn subsequence(at: &At<String>, sink: &mut Sink) -> Option<Property> {
    if at.value.trim().is_empty() {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "white space does not count, so this text is always there",
        ));
        return None;
    }
    Some(Property::Subsequence(at.value.clone()))
}

pub(super) fn texts(at: &At<Vec<At<String>>>, sink: &mut Sink) -> Option<Vec<String>> {
    if at.value.is_empty() || at.value.iter().any(|text| text.value.is_empty()) {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "expected texts, none of them empty",
        ));
        return None;
    }
    Some(at.value.iter().map(|text| text.value.clone()).collect())
}

fn stated_true(at: &At<bool>, property: Property, sink: &mut Sink) -> Option<Property> {
    if !at.value {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "this is either `true` or left out",
        ));
        return None;
    }
    Some(property)
}

/// An expression of a check. It sees bytes: `[^0-9]` is any other byte, whatever the encoding of the
/// output (students write in CP1251, too). Where it names letters beyond ASCII it sees characters.
///
/// # Errors
/// When it is not a regular expression.
pub fn expression(text: &str) -> Result<regex::bytes::Regex, regex::Error> {
    let mut of_bytes = regex::bytes::RegexBuilder::new(text);
    of_bytes
        .unicode(false)
        .build()
        .or_else(|_| regex::bytes::Regex::new(text))
}

/// The number of groups of an expression that is one.
pub(super) fn groups(at: &At<String>, sink: &mut Sink) -> Option<usize> {
    if at.value.len() > MOST_REGEX {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "this expression is too long",
        ));
        return None;
    }
    match expression(&at.value) {
        Ok(regex) => Some(regex.captures_len() - 1),
        Err(error) => {
            let text = error.to_string();
            let last = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            sink.push(Diagnostic::error(at.span.clone(), "not a regular expression").label(last));
            None
        }
    }
}

/// An expression with one group around what it is about.
fn one_group(at: &At<String>, around: &str, sink: &mut Sink) -> Option<()> {
    if groups(at, sink)? == 1 {
        return Some(());
    }
    let what = format!("this expression needs exactly one group, around the {around}");
    sink.push(Diagnostic::error(at.span.clone(), what).help("for example 'count (\\d+)'"));
    None
}

/// The text a check counts.
fn counted(
    text: Option<&At<String>>,
    shape: &super::decode::Shape,
    at: &Span,
    sink: &mut Sink,
) -> Option<String> {
    let text = required(text, shape, "text", "a count", at, sink)?;
    if text.value.is_empty() {
        sink.push(Diagnostic::error(
            text.span.clone(),
            "the empty text cannot be counted",
        ));
        return None;
    }
    Some(text.value.clone())
}

fn count_equals(at: &At<raw::CountEquals>, sink: &mut Sink) -> Option<Property> {
    let raw = &at.value;
    let text = counted(raw.text.as_ref(), &raw.shape, &at.span, sink);
    let says = required(
        raw.says.as_ref(),
        &raw.shape,
        "says",
        "`count-equals`",
        &at.span,
        sink,
    )?;
    let _ = one_group(says, "number", sink);
    Some(Property::CountEquals {
        text: text?,
        capture: says.value.clone(),
    })
}

fn count_between(at: &At<raw::CountBetween>, sink: &mut Sink) -> Option<Property> {
    let raw = &at.value;
    let text = counted(raw.text.as_ref(), &raw.shape, &at.span, sink);
    let least = required(
        raw.least.as_ref(),
        &raw.shape,
        "least",
        "`count-between`",
        &at.span,
        sink,
    )?;
    let most = required(
        raw.most.as_ref(),
        &raw.shape,
        "most",
        "`count-between`",
        &at.span,
        sink,
    )?;
    if least.value > most.value {
        sink.push(
            Diagnostic::error(most.span.clone(), "`most` is less than `least`")
                .also(least.span.clone(), "`least`"),
        );
    }
    Some(Property::CountBetween {
        text: text?,
        least: least.value,
        most: most.value,
    })
}
