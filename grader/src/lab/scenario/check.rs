//! The checks of a scenario: properties of a program's whole run or a part of it.

use std::collections::BTreeMap;

use super::Known;
use crate::lab::decode::{At, Sink, Span};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::Check;
use crate::lab::stimulus::Stage;
use crate::lab::values::{kebab, required, unique};
use crate::lab::{property, raw};

pub(super) fn check(
    at: &At<raw::Check>,
    known: &Known<'_>,
    stage: &Stage<'_>,
    steps: usize,
    seen: &mut BTreeMap<String, Span>,
    sink: &mut Sink,
) -> Option<Check> {
    let raw = &at.value;
    let id = required(raw.id.as_ref(), &raw.shape, "id", "a check", &at.span, sink)?;
    kebab(&id.value, &id.span, sink);
    unique(
        seen,
        &id.value,
        &id.span,
        |n| format!("check `{n}` is there twice"),
        sink,
    );
    let proves = required(
        raw.proves.as_ref(),
        &raw.shape,
        "proves",
        "a check",
        &at.span,
        sink,
    )?;
    for requirement in &proves.value {
        known.requirements.expect(requirement, sink);
    }
    if proves.value.is_empty() {
        sink.push(Diagnostic::error(
            proves.span.clone(),
            "this check proves nothing",
        ));
    }
    let program = match &raw.program {
        Some(name) => stage.started(name, sink)?,
        None => stage.only_program(&id.span, sink)?,
    };
    let property = property::property(raw, &id.span, stage, sink)?;
    let window = property::window(raw, steps, sink);
    let stderr = raw.stream.as_ref();
    let stderr = stderr.filter(|at| at.value == raw::CheckStream::Stderr);
    if let Some(at) = stderr
        && !property.is_about_text()
    {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "this property is not about what was written",
        ));
    }
    Some(Check {
        id: id.value.clone(),
        proves: proves.value.iter().map(|p| p.value.clone()).collect(),
        program,
        stderr: stderr.is_some(),
        window,
        property,
    })
}
