//! From TOML values to the raw structs, keeping the place of every value and all errors.
//!
//! serde would stop at the first error and its untagged enums lose places; so the [`table!`] and
//! [`words!`] macros make, from one declaration, the struct, its decoder and its JSON Schema.

use std::borrow::Cow;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostics::{Diagnostic, Severity};
use super::names;

/// A place in the source, in bytes.
pub(super) type Span = Range<usize>;

/// Where errors are collected.
#[derive(Debug, Default)]
pub(super) struct Sink {
    pub(super) found: Vec<Diagnostic>,
    /// Warnings and errors kept.
    kept: [usize; 2],
}

/// So many errors and so many warnings are kept of one file.
const MOST_FINDINGS: usize = 500;

impl Sink {
    /// Keeps a finding, unless there are very many of its kind: no warning crowds out an error.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let kind = usize::from(diagnostic.severity == Severity::Error);
        if self.kept[kind] < MOST_FINDINGS {
            self.kept[kind] += 1;
            self.found.push(diagnostic);
        }
    }

    fn expected(&mut self, what: &str, value: &Spanned<DeValue<'_>>) {
        self.push(
            Diagnostic::error(value.span(), format!("expected {what}"))
                .label(found(value.get_ref())),
        );
    }
}

/// A value with the place where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    /// The place of its key; of the value itself in an array.
    pub(super) key: Span,
    /// The place of the value.
    pub(super) span: Span,
    /// The value.
    pub(super) value: T,
}

/// A type that can be read from a TOML value.
pub(super) trait Decode: Sized {
    /// What is expected, for messages: `a string`.
    fn expected() -> Cow<'static, str>;
    /// Reads it. `None`: an error has been put into the sink.
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self>;
}

fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "this is a string",
        DeValue::Integer(_) => "this is a number",
        DeValue::Float(_) => "this is a fraction",
        DeValue::Boolean(_) => "this is a yes or no (boolean)",
        DeValue::Datetime(_) => "this is a date",
        DeValue::Array(_) => "this is an array",
        DeValue::Table(_) => "this is a table",
    }
    .to_owned()
}

impl Decode for String {
    fn expected() -> Cow<'static, str> {
        "a string".into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.clone().into_owned()),
            _ => {
                sink.expected(&Self::expected(), value);
                None
            }
        }
    }
}

impl Decode for bool {
    fn expected() -> Cow<'static, str> {
        "`true` or `false`".into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(b) => Some(*b),
            _ => {
                sink.expected(&Self::expected(), value);
                None
            }
        }
    }
}

impl Decode for u64 {
    fn expected() -> Cow<'static, str> {
        "a number, 0 or more".into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        if let DeValue::Integer(number) = value.get_ref()
            && let Ok(number) = Self::from_str_radix(number.as_str(), number.radix())
        {
            return Some(number);
        }
        let label = match value.get_ref() {
            DeValue::Integer(_) => "out of range".to_owned(),
            other => found(other),
        };
        sink.push(
            Diagnostic::error(value.span(), format!("expected {}", Self::expected())).label(label),
        );
        None
    }
}

impl<T: Decode> Decode for Vec<At<T>> {
    fn expected() -> Cow<'static, str> {
        format!("an array, each item {}", T::expected()).into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        let DeValue::Array(items) = value.get_ref() else {
            sink.expected(&Self::expected(), value);
            return None;
        };
        let decoded: Vec<_> = items
            .iter()
            .filter_map(|item| element(item, sink))
            .collect();
        // A bad item makes the whole untrustworthy, so that nothing else is blamed for its absence.
        (decoded.len() == items.len()).then_some(decoded)
    }
}

fn element<T: Decode>(item: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<At<T>> {
    T::decode(item, sink).map(|value| At {
        key: item.span(),
        span: item.span(),
        value,
    })
}

/// An array of tables in which a bad item does not spoil the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks<T> {
    pub(super) items: Vec<At<T>>,
    /// Some items could not be read.
    pub(super) damaged: bool,
}

impl<T: Decode> Decode for Blocks<T> {
    fn expected() -> Cow<'static, str> {
        format!("an array, each item {}", T::expected()).into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        let DeValue::Array(list) = value.get_ref() else {
            sink.expected(&Self::expected(), value);
            return None;
        };
        let items: Vec<_> = list.iter().filter_map(|item| element(item, sink)).collect();
        let damaged = items.len() != list.len();
        Some(Self { items, damaged })
    }
}

/// One value, or an array of them.
#[derive(Clone, Debug)]
pub(super) struct Some1<T>(pub(super) Vec<At<T>>);

impl<T: Decode> Decode for Some1<T> {
    fn expected() -> Cow<'static, str> {
        format!("{}, or an array of them", T::expected()).into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        match value.get_ref() {
            DeValue::Array(_) => Vec::decode(value, sink).map(Self),
            _ => element(value, sink).map(|one| Self(vec![one])),
        }
    }
}

/// A table whose keys are names the author chose, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Named<T>(pub(super) Vec<(At<String>, At<T>)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for Named<T> {
    fn expected() -> Cow<'static, str> {
        format!("a table from names to {}", T::expected()).into()
    }
    fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            sink.expected(&Self::expected(), value);
            return None;
        };
        let mut entries = Vec::new();
        let mut whole = true;
        for (key, item) in table {
            match T::decode(item, sink) {
                Some(value) => entries.push((
                    At {
                        key: key.span(),
                        span: key.span(),
                        value: key.get_ref().clone().into_owned(),
                    },
                    At {
                        key: key.span(),
                        span: item.span(),
                        value,
                    },
                )),
                None => whole = false,
            }
        }
        entries.sort_by_key(|(key, _)| key.span.start);
        whole.then_some(Self(entries))
    }
}

/// Schemas of the wrappers: transparent, or what JSON knows.
macro_rules! wrapper_schema {
    ($name:ident, $id:literal, |$generator:ident| $schema:expr) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                format!(concat!($id, "_{}"), T::schema_name()).into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

wrapper_schema!(At, "at", |g| g.subschema_for::<T>());
wrapper_schema!(
    Blocks,
    "blocks",
    |g| json_schema!({ "type": "array", "items": g.subschema_for::<T>() })
);
wrapper_schema!(Some1, "some", |g| json_schema!({
    "anyOf": [g.subschema_for::<T>(), { "type": "array", "items": g.subschema_for::<T>() }]
}));
wrapper_schema!(
    Named,
    "named",
    |g| json_schema!({ "type": "object", "additionalProperties": g.subschema_for::<T>() })
);

/// What every decoded table knows about itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Keys that are there but could not be read: nobody need say they are missing.
    pub(super) bad: Vec<&'static str>,
    /// There were unknown keys, or bad ones.
    pub(super) damaged: bool,
}

/// Reads the keys of a table; used by [`table!`].
pub(super) struct TableReader<'v, 'i> {
    entries: Vec<(&'v Spanned<Cow<'i, str>>, &'v Spanned<DeValue<'i>>)>,
    shape: Shape,
    /// Some known key other than `proves` is there.
    has_subject: bool,
}

impl<'v, 'i> TableReader<'v, 'i> {
    pub(super) fn new(
        value: &'v Spanned<DeValue<'i>>,
        what: &str,
        sink: &mut Sink,
    ) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            sink.expected(what, value);
            return None;
        };
        Some(Self {
            entries: table.iter().collect(),
            shape: Shape::default(),
            has_subject: false,
        })
    }

    pub(super) fn take<T: Decode>(&mut self, name: &'static str, sink: &mut Sink) -> Option<At<T>> {
        let index = self
            .entries
            .iter()
            .position(|(key, _)| key.get_ref().as_ref() == name)?;
        let (key, item) = self.entries.swap_remove(index);
        let value = T::decode(item, sink);
        self.has_subject |= name != "proves";
        if value.is_none() {
            self.shape.bad.push(name);
            self.shape.damaged = true;
        }
        value.map(|value| At {
            key: key.span(),
            span: item.span(),
            value,
        })
    }

    /// What is left is unknown.
    pub(super) fn finish(mut self, what: &str, known: &[&'static str], sink: &mut Sink) -> Shape {
        self.shape.damaged |= !self.entries.is_empty();
        // Finding the name that was meant takes time: not for thousands.
        for (key, _) in self.entries.iter().take(MOST_FINDINGS) {
            let name = key.get_ref().as_ref();
            let message = match what {
                "a step" if !self.has_subject => format!("unknown step `{}`", shown(name)),
                _ => format!("unknown key `{}` in {what}", shown(name)),
            };
            let mut diagnostic = Diagnostic::error(key.span(), message);
            diagnostic = match names::did_you_mean(name, known.iter().copied()) {
                Some(label) => diagnostic.label(label),
                None => diagnostic.help(format!("known: {}", names::list(known.iter().copied()))),
            };
            sink.push(diagnostic);
        }
        self.shape
    }
}

/// A name as it may stand in a message: short, on one line.
pub(super) fn shown(name: &str) -> String {
    let escaped: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    if name.chars().count() > 64 {
        format!("{escaped}…")
    } else {
        escaped
    }
}

/// Declares a table of optional keys: the struct, its decoder, its schema. `field` is the key
/// `field` with `-` for `_`. A trailing underscore keeps a key off Rust's keywords.
macro_rules! table {
    (
        $(#[$meta:meta])*
        $what:literal
        struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident ($key:literal): $type:ty, )*
        }
    ) => {
        #[derive(Clone, Debug, Default, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$meta])*
        pub(in crate::lab) struct $name {
            #[schemars(skip)]
            pub(in crate::lab) shape: $crate::lab::decode::Shape,
            $( $(#[$field_meta])* #[schemars(rename = $key)]
               pub(in crate::lab) $field: Option<$crate::lab::decode::At<$type>>, )*
        }
        impl $name {
            /// Every key.
            pub(in crate::lab) const KEYS: &'static [&'static str] = &[$($key),*];
        }
        impl $crate::lab::decode::Decode for $name {
            fn expected() -> std::borrow::Cow<'static, str> {
                $what.into()
            }
            fn decode(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                sink: &mut $crate::lab::decode::Sink,
            ) -> Option<Self> {
                let mut reader = $crate::lab::decode::TableReader::new(value, $what, sink)?;
                $( let $field = reader.take($key, sink); )*
                let shape = reader.finish($what, Self::KEYS, sink);
                Some(Self { shape, $($field),* })
            }
        }
    };
}
pub(super) use table;

/// Declares a set of words: the enum, its decoder, its schema.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $what:literal
        enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )*
        }
    ) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema)]
        $(#[$meta])*
        pub(in crate::lab) enum $name {
            $( $(#[$variant_meta])* #[schemars(rename = $word)] $variant, )*
        }
        impl $name {
            /// Every word.
            pub(in crate::lab) const WORDS: &'static [&'static str] = &[$($word),*];
            /// The word as a value.
            pub(in crate::lab) fn from_word(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$variant), )*
                    _ => None,
                }
            }
        }
        impl $crate::lab::decode::Decode for $name {
            fn expected() -> std::borrow::Cow<'static, str> {
                format!("{} ({})", $what, $crate::lab::names::list(Self::WORDS.iter().copied())).into()
            }
            fn decode(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                sink: &mut $crate::lab::decode::Sink,
            ) -> Option<Self> {
                $crate::lab::decode::word(value, $what, Self::WORDS, Self::from_word, sink)
            }
        }
    };
}
pub(super) use words;

/// Reads a word of a set; used by [`words!`].
pub(super) fn word<T>(
    value: &Spanned<DeValue<'_>>,
    what: &str,
    words: &[&'static str],
    from_word: impl Fn(&str) -> Option<T>,
    sink: &mut Sink,
) -> Option<T> {
    let DeValue::String(text) = value.get_ref() else {
        sink.expected(
            &format!("{what} ({})", names::list(words.iter().copied())),
            value,
        );
        return None;
    };
    let decoded = from_word(text);
    if decoded.is_none() {
        sink.push(
            Diagnostic::error(value.span(), format!("`{}` is not {what}", shown(text)))
                .maybe_label(names::did_you_mean(text, words.iter().copied()))
                .help(format!(
                    "it is one of {}",
                    names::list(words.iter().copied())
                )),
        );
    }
    decoded
}
