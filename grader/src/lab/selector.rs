//! Selectors: which lines of a reaction count. A selector that can pick nothing is an error,
//! because evidence that is always empty is always equal.

use std::collections::BTreeMap;

use super::decode::{At, Sink, shown};
use super::diagnostics::Diagnostic;
use super::model::{OutputKind, Program, Selector, Setup, StreamMode};
use super::names;
use super::scenario::{stderr_of, stdout_of};
use super::stimulus::Stage;
use super::text::{self, Allowed};

/// Operators that stand in reactions.
const OPERATORS: &[&str] = &["<", "=", "~", "?"];

/// First words of the lines of a lane's own channel. Programs first, then peers.
const WORDS: &[&str] = &[
    "listen", "connect", "unlink", "exit", "killed", "ended", "still", "bind", "exec", "limit",
    "spinning", "polling", "stopped", "stdin", "open", "queued", "waits", "refused", "eof",
    "reset", "failed",
];

/// Where a selector stands.
pub(super) struct Context<'a> {
    pub(super) programs: &'a [Program],
    pub(super) setup: &'a BTreeMap<String, Setup>,
    pub(super) stage: &'a Stage<'a>,
    pub(super) round: Option<u32>,
}

/// Reads `LANE[.CHANNEL] [WORD]`.
pub(super) fn parse(at: &At<String>, context: &Context<'_>, sink: &mut Sink) -> Option<Selector> {
    let text = text::expand(&at.value, Allowed::NOTHING, context.round, &at.span, sink);
    let mut words = text.split_whitespace();
    let (Some(place), filter, None) = (words.next(), words.next(), words.next()) else {
        sink.push(
            Diagnostic::error(at.span.clone(), format!("`{}` picks no lane", shown(&text))).help(
                "a lane, its channel after a point, then an operator or a word: `server.out`, `alice <`, `server exit`",
            ),
        );
        return None;
    };
    let (lane, channel) = match place.split_once('.') {
        Some((lane, channel)) => (lane, Some(channel)),
        None => (place, None),
    };
    if !context.stage.lenient {
        let good = if context.stage.is_peer(lane) {
            peer_channel(at, lane, channel, sink)
        } else if let Some(program) = context.programs.iter().find(|p| p.name == lane)
            && context.stage.has_started(lane)
        {
            program_channel(at, program, channel, context, sink)
        } else {
            let lanes: Vec<&str> = context.stage.lanes().collect();
            sink.push(
                Diagnostic::error(
                    at.span.clone(),
                    format!("there is no lane `{}` in this step", shown(lane)),
                )
                .maybe_label(names::did_you_mean(lane, lanes.iter().copied()))
                .help(format!("lanes up to here: {}", names::list(lanes))),
            );
            false
        };
        if !good {
            return None;
        }
    }
    if let Some(filter) = filter
        && !OPERATORS.contains(&filter)
        && channel.is_none()
        && !WORDS.contains(&filter)
    {
        let known = || OPERATORS.iter().chain(WORDS).copied();
        sink.push(
            Diagnostic::error(
                at.span.clone(),
                format!("no line of a lane begins with `{}`", shown(filter)),
            )
            .maybe_label(names::did_you_mean(filter, known()))
            .help(format!("known: {}", names::list(known()))),
        );
        return None;
    }
    Some(Selector {
        lane: lane.to_owned(),
        channel: channel.map(str::to_owned),
        filter: filter.map(str::to_owned),
    })
}

fn peer_channel(at: &At<String>, lane: &str, channel: Option<&str>, sink: &mut Sink) -> bool {
    let Some(channel) = channel else { return true };
    sink.push(
        Diagnostic::error(at.span.clone(), format!("the lane `{}` has no channel `{}`", shown(lane), shown(channel)))
            .help("a peer has one channel only: what it receives is picked by `<`, what becomes of it by `=`"),
    );
    false
}

/// The channels a program's lane can have: its streams, and what inspections show.
const CHANNELS: &[&str] = &[
    "out",
    "err",
    "tree",
    "spare",
    "fds",
    "idle",
    "family",
    "handler",
    "signals",
    "terminal",
    "files",
    "modes",
    "contents",
    "lines",
    "counted",
    "threads",
    "held",
    "shared",
    "inherited",
];

fn program_channel(
    at: &At<String>,
    program: &Program,
    channel: Option<&str>,
    context: &Context<'_>,
    sink: &mut Sink,
) -> bool {
    let Some(channel) = channel else { return true };
    let setup = context.setup.get(&program.name);
    let place = format!("`{}.{}`", shown(&program.name), shown(channel));
    let trouble = match channel {
        "out" => match stdout_of(program, setup) {
            (StreamMode::Free, _) => Some("its standard output is free, so it stands in no step"),
            (_, OutputKind::Pipe | OutputKind::Pty) => None,
            _ => Some("its standard output does not go to the grader here"),
        },
        "err" => (stderr_of(program, setup) == StreamMode::Free)
            .then_some("its standard error is free, so it stands in no step"),
        known if CHANNELS.contains(&known) => {
            let inspected = context
                .stage
                .inspected
                .iter()
                .any(|(p, c)| *p == program.name && *c == known);
            (!inspected).then_some("this step does not inspect it")
        }
        _ => {
            sink.push(
                Diagnostic::error(
                    at.span.clone(),
                    format!(
                        "the lane `{}` has no channel `{}`",
                        shown(&program.name),
                        shown(channel)
                    ),
                )
                .maybe_label(names::did_you_mean(channel, CHANNELS.iter().copied()))
                .help(format!("known: {}", names::list(CHANNELS.iter().copied()))),
            );
            return false;
        }
    };
    if let Some(trouble) = trouble {
        sink.push(
            Diagnostic::error(at.span.clone(), format!("{place} is always empty here"))
                .label(trouble),
        );
    }
    trouble.is_none()
}
