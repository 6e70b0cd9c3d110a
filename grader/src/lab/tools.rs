//! The lab's own programs: `[tools.NAME]` and the files they are compiled from.

use std::collections::BTreeMap;

use super::decode::{Named, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{Program, Tool, Tools};
use super::values::{is_file_name, kebab};
use super::{names, raw};

/// How many a lab may have: each is compiled, and copied into every scenario.
const MOST: usize = 16;

/// Checks the tools of a lab. `files` are those of its directory `tools`; without them nothing is
/// said about what is missing there.
pub(super) fn tools(
    list: &Named<raw::Tool>,
    programs: &[Program],
    files: Option<&BTreeMap<String, String>>,
    sink: &mut Sink,
) -> Tools {
    let mut out = Tools {
        programs: Vec::new(),
        files: files.cloned().unwrap_or_default(),
    };
    for (name, tool) in &list.0 {
        kebab(&name.value, &name.span, sink);
        if programs.iter().any(|p| p.executable == name.value) {
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("`{}` is what the student hands in", shown(&name.value)),
                )
                .help("a tool needs a name of its own: programs find it by that on `PATH`"),
            );
        }
        let (source, place) = match &tool.value.source {
            Some(source) => (source.value.clone(), &source.span),
            None => (format!("{}.c", name.value), &name.span),
        };
        if !tool.value.shape.damaged {
            check_source(&source, place, files, sink);
        }
        out.programs.push(Tool {
            name: name.value.clone(),
            source,
        });
    }
    if let Some((name, _)) = list.0.get(MOST) {
        sink.push(Diagnostic::error(
            name.span.clone(),
            format!("a lab may have {MOST} tools"),
        ));
    }
    out
}

fn check_source(
    source: &str,
    place: &Span,
    files: Option<&BTreeMap<String, String>>,
    sink: &mut Sink,
) {
    if !is_file_name(source) || !source.ends_with(".c") {
        sink.push(
            Diagnostic::error(place.clone(), "a tool is compiled from one C file")
                .help("its plain name, which ends in `.c`; it lies in the lab's directory `tools`"),
        );
    } else if let Some(files) = files
        && !files.contains_key(source)
    {
        let there = files.keys().map(String::as_str);
        let there = there.filter(|name| name.ends_with(".c"));
        sink.push(
            Diagnostic::error(
                place.clone(),
                format!("there is no `tools/{}` beside the lab file", shown(source)),
            )
            .maybe_label(names::did_you_mean(source, there.clone()))
            .help(format!("there: {}", names::list(there))),
        );
    }
}
