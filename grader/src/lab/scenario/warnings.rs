//! What is no error in a scenario but will surprise the author.

use crate::lab::decode::{Sink, Span, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::Scenario;
use crate::lab::raw;
use crate::lab::stimulus::Stage;

/// Warns of what nothing uses and of what proves nothing, in a scenario that could be read whole.
pub(super) fn warnings(
    raw: &raw::Scenario,
    scenario: &Scenario,
    stage: &Stage<'_>,
    id_span: &Span,
    default_used: bool,
    sink: &mut Sink,
) {
    if scenario.checks.is_empty()
        && scenario.steps.iter().all(|s| s.proves.is_empty())
        && !scenario.steps.is_empty()
    {
        sink.push(
            Diagnostic::warning(
                id_span.clone(),
                format!("scenario `{}` proves nothing", shown(&scenario.id)),
            )
            .help("give a step `proves`, or remove the scenario"),
        );
    }
    if let Some(default) = &raw.proves
        && !default_used
    {
        sink.push(Diagnostic::warning(
            default.key.clone(),
            "every step has its own `proves`: this one is never used",
        ));
    }
    for (role, _) in raw.cast.iter().flat_map(|c| &c.value.0) {
        if !stage.has_started(&role.value) {
            sink.push(Diagnostic::warning(
                role.span.clone(),
                format!("`{}` is in the cast but never started", shown(&role.value)),
            ));
        }
    }
    for (role, _) in raw.setup.iter().flat_map(|s| &s.value.0) {
        if !stage.has_started(&role.value) {
            sink.push(Diagnostic::warning(
                role.span.clone(),
                format!("`{}` is set up but never started", shown(&role.value)),
            ));
        }
    }
    if scenario.students.iter().all(|s| !stage.has_started(s)) && !scenario.steps.is_empty() {
        sink.push(Diagnostic::warning(
            id_span.clone(),
            format!(
                "scenario `{}` starts no program of the student's",
                shown(&scenario.id)
            ),
        ));
    }
    stage.unused_peers(scenario, sink);
}
