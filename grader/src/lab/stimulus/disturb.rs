//! Disturbances of system calls.

use super::keys::{exactly_one, known_name};
use crate::lab::decode::{At, Sink};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{DisturbOn, Disturbance, Effect, Nth};
use crate::lab::values::{required, small, within};
use crate::lab::{names, raw};

/// Calls that make a process.
const FORKS: &[&str] = &["fork", "vfork", "clone"];

pub(super) fn disturbance(at: &At<raw::Disturb>, sink: &mut Sink) -> Option<Disturbance> {
    let raw = &at.value;
    if raw.shape.damaged {
        return None;
    }
    let calls = required(
        raw.calls.as_ref(),
        &raw.shape,
        "calls",
        "a disturbance",
        &at.span,
        sink,
    )?;
    if calls.value.is_empty() {
        sink.push(Diagnostic::error(
            calls.span.clone(),
            "no call is disturbed",
        ));
    }
    let known: Vec<&str> = names::CALLS.iter().chain(names::WAITS).copied().collect();
    let calls = calls
        .value
        .iter()
        .filter_map(|c| known_name(c, &known, "system call", sink))
        .collect();
    let nth = match (&raw.nth, &raw.from) {
        (Some(nth), Some(from)) => {
            sink.push(
                Diagnostic::error(from.key.clone(), "a disturbance has either `nth` or `from`")
                    .also(nth.key.clone(), "the first one"),
            );
            Nth::Every
        }
        (Some(nth), None) => Nth::Only(small(nth, "an occurrence", 1, 1_000_000, sink)),
        (None, Some(from)) => Nth::From(small(from, "an occurrence", 1, 1_000_000, sink)),
        (None, None) => Nth::Every,
    };
    let keys = [
        ("fail", raw.fail.as_ref().map(|a| &a.key)),
        ("at-most", raw.at_most.as_ref().map(|a| &a.key)),
        ("signal-before", raw.signal_before.as_ref().map(|a| &a.key)),
        ("signal-after", raw.signal_after.as_ref().map(|a| &a.key)),
        ("delay", raw.delay.as_ref().map(|a| &a.key)),
        ("freeze", raw.freeze.as_ref().map(|a| &a.key)),
        ("first", raw.first.as_ref().map(|a| &a.key)),
    ];
    exactly_one(&keys, "a disturbance", &at.span, sink)?;
    let effect = if let Some(name) = &raw.fail {
        Effect::Fail(known_name(name, names::ERRNOS, "error", sink)?)
    } else if let Some(bytes) = &raw.at_most {
        Effect::AtMost(small(bytes, "bytes", 1, 1 << 30, sink))
    } else if let Some(name) = &raw.signal_before {
        Effect::SignalBefore(known_name(name, names::SIGNALS, "signal", sink)?)
    } else if let Some(ms) = &raw.delay {
        Effect::Delay(within(ms, "milliseconds", 1, 3_600_000, sink))
    } else if let Some(freeze) = &raw.freeze {
        if !freeze.value {
            sink.push(
                Diagnostic::error(
                    freeze.span.clone(),
                    "a thread that is not kept is not disturbed",
                )
                .help("`freeze = true`, until a step `thaw`"),
            );
        }
        Effect::Freeze
    } else if let Some(first) = &raw.first {
        for call in &raw.calls.as_ref()?.value {
            if !FORKS.contains(&call.value.as_str()) {
                sink.push(
                    Diagnostic::error(
                        call.span.clone(),
                        format!("`{}` makes no process", call.value),
                    )
                    .also(
                        first.key.clone(),
                        "who goes first is asked of calls that fork",
                    )
                    .help("`fork`, `vfork` or `clone`; the C library's fork is a clone"),
                );
            }
        }
        match first.value {
            raw::First::Child => Effect::ChildFirst,
            raw::First::Parent => Effect::ParentFirst,
        }
    } else {
        let name = raw.signal_after.as_ref()?;
        Effect::SignalAfter(known_name(name, names::SIGNALS, "signal", sink)?)
    };
    Some(Disturbance {
        calls,
        on: match raw.on.as_ref().map(|o| o.value) {
            None | Some(raw::On::Any) => DisturbOn::Any,
            Some(raw::On::Socket) => DisturbOn::Socket,
            Some(raw::On::Pipe) => DisturbOn::Pipe,
            Some(raw::On::Standard) => DisturbOn::Standard,
        },
        nth,
        effect,
    })
}
