//! What is asked of keys and of names, whatever they are for.

use crate::lab::decode::{At, Sink, Span, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::names;

/// A name from a list.
pub(in crate::lab) fn known_name(
    name: &At<String>,
    known: &[&str],
    what: &str,
    sink: &mut Sink,
) -> Option<String> {
    if known.contains(&name.value.as_str()) {
        return Some(name.value.clone());
    }
    // `TERM` for `SIGTERM` is the usual slip.
    let prefixed = format!("SIG{}", name.value.to_uppercase());
    let label = if known.contains(&prefixed.as_str()) {
        Some(format!("did you mean `{prefixed}`?"))
    } else {
        names::did_you_mean(&name.value, known.iter().copied())
    };
    sink.push(
        Diagnostic::error(
            name.span.clone(),
            format!("there is no {what} `{}`", shown(&name.value)),
        )
        .maybe_label(label),
    );
    None
}

/// The value of the one key of several that is there.
pub(super) fn exactly_one<'a>(
    found: &[(&'static str, Option<&'a Span>)],
    what: &str,
    at: &Span,
    sink: &mut Sink,
) -> Option<(&'static str, &'a Span)> {
    let there: Vec<(&'static str, &Span)> = found
        .iter()
        .filter_map(|(k, s)| s.map(|s| (*k, s)))
        .collect();
    match there.as_slice() {
        [one] => Some(*one),
        [] => {
            sink.push(
                Diagnostic::error(at.clone(), format!("{what} says nothing")).help(format!(
                    "it needs one of {}",
                    names::list(found.iter().map(|(k, _)| *k))
                )),
            );
            None
        }
        [(first, first_span), (second, second_span), ..] => {
            sink.push(
                Diagnostic::error(
                    (*second_span).clone(),
                    format!("{what} has either `{first}` or `{second}`"),
                )
                .also((*first_span).clone(), "the first one"),
            );
            None
        }
    }
}

/// Complains about a key that means nothing beside `chosen`.
pub(super) fn only_with<T>(
    field: Option<&At<T>>,
    key: &str,
    chosen: &str,
    with: &[&str],
    sink: &mut Sink,
) {
    if let Some(at) = field
        && !with.contains(&chosen)
    {
        sink.push(Diagnostic::error(
            at.key.clone(),
            format!("`{key}` means nothing beside `{chosen}`"),
        ));
    }
}
