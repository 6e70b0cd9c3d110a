//! From the text of a lab file to the [`Lab`], or to everything that is wrong with it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::{Decode, Sink};
use super::diagnostics::{Diagnostic, Diagnostics, Severity};
use super::model::Lab;
use super::{check, raw};

/// The longest lab file, in bytes.
pub const MOST_SOURCE: usize = 1 << 20;

/// Reads a lab file. `file` is its name in messages; `known_references` are the reference programs
/// there are.
///
/// # Errors
/// All errors of the file, at least one. Warnings are [`lint`]'s.
pub fn parse(file: &str, source: &str, known_references: &[&str]) -> Result<Lab, Diagnostics> {
    parse_with(file, source, known_references, None)
}

/// [`parse()`] with the files of the lab's directory `tools`.
pub(super) fn parse_with(
    file: &str,
    source: &str,
    known_references: &[&str],
    tool_files: Option<&BTreeMap<String, String>>,
) -> Result<Lab, Diagnostics> {
    let (lab, mut found) = examine(source, known_references, tool_files);
    found.retain(|d| d.severity == Severity::Error);
    match lab {
        Some(lab) if found.is_empty() => Ok(lab),
        _ => Err(Diagnostics::new(file, source, found)),
    }
}

/// Everything that can be said about a lab file: errors, and what its author will want to know.
#[must_use]
pub fn lint(file: &str, source: &str, known_references: &[&str]) -> Diagnostics {
    Diagnostics::new(file, source, examine(source, known_references, None).1)
}

/// [`lint`] with the files of the lab's directory `tools`, so that a missing one is told.
#[must_use]
pub fn lint_with(
    file: &str,
    source: &str,
    known_references: &[&str],
    tool_files: &BTreeMap<String, String>,
) -> Diagnostics {
    let found = examine(source, known_references, Some(tool_files)).1;
    Diagnostics::new(file, source, found)
}

fn examine(
    source: &str,
    known_references: &[&str],
    tool_files: Option<&BTreeMap<String, String>>,
) -> (Option<Lab>, Vec<Diagnostic>) {
    if source.len() > MOST_SOURCE {
        let message = format!(
            "the file has {} bytes, more than {} KiB",
            source.len(),
            MOST_SOURCE >> 10
        );
        return (None, vec![Diagnostic::error(0..0, message)]);
    }
    let (table, errors) = DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        // What could be recovered says little: its errors would be consequences of these.
        let list = errors
            .iter()
            .map(|e| Diagnostic::error(e.span().unwrap_or(0..0), e.message().replace('\n', ", ")))
            .collect();
        return (None, list);
    }
    let span = table.span();
    let value = Spanned::new(span, DeValue::Table(table.into_inner()));
    let mut sink = Sink::default();
    let end = source.trim_end().len();
    let lab = raw::LabFile::decode(&value, &mut sink)
        .map(|file| check::lab(&file, end, known_references, tool_files, &mut sink));
    (lab, sink.found)
}
