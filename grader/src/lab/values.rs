//! What the values of every table must be: there at all, a name, new, within bounds, translated.

use std::collections::BTreeMap;

use super::decode::{At, Shape, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::Text;
use super::raw;

/// The value of a required key; where the key is missing, says so at `at`.
pub(super) fn required<'a, T>(
    field: Option<&'a At<T>>,
    shape: &Shape,
    key: &'static str,
    what: &str,
    at: &Span,
    sink: &mut Sink,
) -> Option<&'a At<T>> {
    if field.is_none() && !shape.bad.contains(&key) {
        sink.push(Diagnostic::error(
            at.clone(),
            format!("{what} has no `{key}`"),
        ));
    }
    field
}

/// A name that may be an id: lower-case words joined by `-`, at most 64 characters.
pub(super) fn is_kebab(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// Complains about a name that is no id.
pub(super) fn kebab(name: &str, span: &Span, sink: &mut Sink) {
    if !is_kebab(name) {
        let mut diagnostic = Diagnostic::error(
            span.clone(),
            format!("`{}` is not a name", shown(name)),
        )
        .help(
            "names are lower-case words joined by `-`, at most 64 characters: `one-then-the-next`",
        );
        let better = name.to_lowercase().replace(['_', ' ', '.'], "-");
        if is_kebab(&better) {
            diagnostic = diagnostic.label(format!("write `{better}`"));
        }
        sink.push(diagnostic);
    }
}

/// A plain file name.
pub(super) fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with(['.', '-'])
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
}

/// Complains about a name that stood before.
pub(super) fn unique(
    seen: &mut BTreeMap<String, Span>,
    name: &str,
    span: &Span,
    message: impl Fn(&str) -> String,
    sink: &mut Sink,
) -> bool {
    if let Some(first) = seen.get(name) {
        sink.push(
            Diagnostic::error(span.clone(), message(&shown(name)))
                .label("again here")
                .also(first.clone(), "first here"),
        );
        return false;
    }
    seen.insert(name.to_owned(), span.clone());
    true
}

/// A number that must lie between two bounds.
pub(super) fn within(number: &At<u64>, what: &str, least: u64, most: u64, sink: &mut Sink) -> u64 {
    if number.value < least || number.value > most {
        sink.push(
            Diagnostic::error(
                number.span.clone(),
                format!("{what} must be from {least} to {most}"),
            )
            .label(if number.value > most {
                "too many"
            } else {
                "too few"
            }),
        );
    }
    number.value.clamp(least, most)
}

/// The same as `u32`.
pub(super) fn small(number: &At<u64>, what: &str, least: u32, most: u32, sink: &mut Sink) -> u32 {
    u32::try_from(within(number, what, least.into(), most.into(), sink)).unwrap_or(most)
}

/// Permission bits: bounds and value are told in octal, as such bits are written.
pub(super) fn bits(number: &At<u64>, what: &str, most: u32, sink: &mut Sink) -> u32 {
    let bits = u32::try_from(number.value).unwrap_or(u32::MAX);
    if bits > most {
        sink.push(
            Diagnostic::error(
                number.span.clone(),
                format!("{what} must be from 0 to 0o{most:o}"),
            )
            .label(format!("this is 0o{:o}", number.value))
            .help("permission bits are written in octal: `0o644`"),
        );
    }
    bits.min(most)
}

/// A text in the languages it is written in; says so where it is not translated.
pub(super) fn localised(field: &At<raw::Text>, what: &str, sink: &mut Sink) -> Text {
    let text = &field.value;
    let en = required(text.en.as_ref(), &text.shape, "en", what, &field.span, sink);
    if text.ru.is_none() && !text.shape.damaged {
        sink.push(
            Diagnostic::warning(field.span.clone(), format!("{what} is not translated"))
                .label("no `ru`"),
        );
    }
    Text {
        en: en.map(|t| t.value.clone()).unwrap_or_default(),
        ru: text.ru.as_ref().map(|t| t.value.clone()),
    }
}
