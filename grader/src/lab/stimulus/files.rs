//! Steps that change files.

use super::data::MOST_DATA;
use super::keys::{exactly_one, only_with};
use crate::lab::decode::{At, Sink};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::FileStep;
use crate::lab::raw;
use crate::lab::scenario::Means;
use crate::lab::text::{self, Allowed};
use crate::lab::values::{bits, required, within};

pub(super) fn file_step(
    at: &At<raw::File>,
    round: Option<u32>,
    means: &mut Means,
    sink: &mut Sink,
) -> Option<FileStep> {
    let raw = &at.value;
    if raw.shape.damaged {
        return None;
    }
    let keys = [
        ("write", raw.write.as_ref().map(|a| &a.key)),
        ("stale", raw.stale.as_ref().map(|a| &a.key)),
        ("fifo", raw.fifo.as_ref().map(|a| &a.key)),
        ("directory", raw.directory.as_ref().map(|a| &a.key)),
        ("chmod", raw.chmod.as_ref().map(|a| &a.key)),
        ("remove", raw.remove.as_ref().map(|a| &a.key)),
    ];
    let (chosen, _) = exactly_one(&keys, "a file step", &at.span, sink)?;
    only_with(raw.content.as_ref(), "content", chosen, &["write"], sink);
    only_with(raw.times.as_ref(), "times", chosen, &["write"], sink);
    let with_mode = &["write", "fifo", "directory", "chmod"];
    only_with(raw.mode.as_ref(), "mode", chosen, with_mode, sink);
    let path = raw
        .write
        .as_ref()
        .or(raw.stale.as_ref())
        .or(raw.fifo.as_ref())
        .or(raw.directory.as_ref())
        .or(raw.chmod.as_ref())
        .or(raw.remove.as_ref())?;
    let name = inside(path, round, sink)?;
    let mode = raw
        .mode
        .as_ref()
        .map(|m| bits(m, "permission bits", 0o7777, sink));
    Some(match chosen {
        "write" => {
            let content = match &raw.content {
                Some(c) => text::expand(&c.value, Allowed::SOCKET, round, &c.span, sink),
                None => String::new(),
            };
            let times = raw.times.as_ref().map_or(1, |times| {
                within(
                    times,
                    "times",
                    1,
                    MOST_DATA / content.len().max(1) as u64,
                    sink,
                )
            });
            if !means.bytes((content.len() as u64).saturating_mul(times), &at.span, sink) {
                return None;
            }
            let content = content.repeat(usize::try_from(times).unwrap_or(1));
            FileStep::Write {
                path: name,
                content,
                mode: mode.unwrap_or(0o644),
            }
        }
        "stale" => FileStep::Stale { path: name },
        "fifo" => FileStep::Fifo {
            path: name,
            mode: mode.unwrap_or(0o600),
        },
        "directory" => FileStep::Directory {
            path: name,
            mode: mode.unwrap_or(0o755),
        },
        "chmod" => {
            if mode.is_none() {
                required(
                    raw.mode.as_ref(),
                    &raw.shape,
                    "mode",
                    "`chmod`",
                    &at.span,
                    sink,
                )?;
            }
            FileStep::Chmod {
                path: name,
                mode: mode.unwrap_or(0o644),
            }
        }
        _ => FileStep::Remove { path: name },
    })
}

/// A path that stays in the scenario's working directory or in its private `/tmp`.
pub(super) fn inside(path: &At<String>, round: Option<u32>, sink: &mut Sink) -> Option<String> {
    let name = text::expand(&path.value, Allowed::SOCKET, round, &path.span, sink);
    let outside = name.is_empty()
        || name.contains('\0')
        || name.split('/').any(|part| part == "..")
        || (name.starts_with('/') && !name.starts_with("/tmp/"));
    if outside {
        sink.push(
            Diagnostic::error(path.span.clone(), "this path leaves the working directory")
                .help("a relative path without `..`, `{socket}`, or a path below `/tmp/`"),
        );
        return None;
    }
    Some(name)
}
