//! The lab file as it is written. Descriptions here become the descriptions of the JSON Schema, so
//! they speak to the author of a lab.

use toml::Spanned;
use toml::de::DeValue;

use super::decode::{At, Blocks, Named, Sink, table};

mod check;
mod program;
mod scenario;
mod step;

pub(super) use check::*;
pub(super) use program::*;
pub(super) use scenario::*;
pub(super) use step::*;

table! {
    /// A lab of `grader`: the programs a student hands in, the requirements that earn points, and
    /// the scenarios that show whether they are met.
    #[schemars(title = "lab.toml", extend("required" = ["lab", "programs", "requirement", "scenario"]))]
    "a lab file"
    struct LabFile {
        /// What the lab is called and what it teaches.
        lab("lab"): Header,
        /// The programs (roles) a student hands in, by name: `[programs.server]`. Their order is
        /// the order of their lanes in transcripts.
        programs("programs"): Named<Program>,
        /// Programs of the lab's own, by name: `[tools.child]`. They are compiled from C files in
        /// the lab's directory `tools`, and whatever a scenario runs can execute them by name.
        tools("tools"): Named<Tool>,
        /// What earns points. The points add up to 100.
        requirement("requirement"): Blocks<Requirement>,
        /// How it is found out whether the requirements are met. Each scenario starts afresh.
        scenario("scenario"): Blocks<Scenario>,
    }
}

table! {
    /// What the lab is called and what it teaches.
    #[schemars(extend("required" = ["id", "title"]))]
    "`[lab]`"
    struct Header {
        /// The lab's name on the command line: `us-upper`.
        id("id"): String,
        /// Its title.
        title("title"): Text,
        /// How hard: 1 (first week, the default) to 6.
        level("level"): u64,
        /// What it teaches, in a word each: `["socket", "bind"]`.
        concepts("concepts"): Vec<At<String>>,
        /// Its numbers in the course's list of tasks, by which `grader check DIR` knows it from a
        /// directory's name: `[30]`. An id like `course-30` says so by itself.
        numbers("numbers"): Vec<At<u64>>,
        /// The semester of that list: 1 (the default) to 8.
        semester("semester"): u64,
    }
}

table! {
    /// A text in the languages of the course.
    #[schemars(extend("required" = ["en"]))]
    "a text: a table with `en` and `ru`"
    struct Text {
        /// English.
        en("en"): String,
        /// Russian; English is shown where it is missing.
        ru("ru"): String,
    }
}

/// The schema of a value that has two forms.
macro_rules! either_schema {
    ($name:ident, $description:literal, [$($form:ty),*]) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(g: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "anyOf": [$(g.subschema_for::<$form>()),*] })
            }
        }
    };
}
use either_schema;

/// A table with a short form: a string instead of its first key.
macro_rules! short_form {
    ($name:ident, $table:ident, $key:ident, $description:literal) => {
        #[derive(Clone, Debug)]
        pub(in crate::lab) struct $name(pub(in crate::lab) $table);
        impl Decode for $name {
            fn expected() -> Cow<'static, str> {
                $description.into()
            }
            fn decode(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Self> {
                match value.get_ref() {
                    DeValue::String(text) => Some(Self($table {
                        $key: Some(At {
                            key: value.span(),
                            span: value.span(),
                            value: text.clone().into_owned(),
                        }),
                        ..$table::default()
                    })),
                    DeValue::Table(_) => $table::decode(value, sink).map(Self),
                    _ => {
                        expected(value, &Self::expected(), sink);
                        None
                    }
                }
            }
        }
        either_schema!($name, $description, [String, $table]);
    };
}
use short_form;

fn expected(value: &Spanned<DeValue<'_>>, what: &str, sink: &mut Sink) {
    sink.push(super::diagnostics::Diagnostic::error(
        value.span(),
        format!("expected {what}"),
    ));
}
