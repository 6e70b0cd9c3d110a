//! The recording as JSON lines.

use std::io::{self, Write};

use serde::Serialize;

use super::Recording;
use crate::text::inert_json;

/// The first line of a raw recording.
#[derive(Serialize)]
struct Header<'a> {
    schema: &'static str,
    lab: &'a str,
    scenario: &'a str,
    programs: &'a [String],
    peers: &'a [String],
    steps: &'a [String],
}

/// Writes the recording as JSON lines: a header (`grader-recording/1`), then one event a line.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_raw(out: &mut dyn Write, recording: &Recording<'_>) -> io::Result<()> {
    let header = Header {
        schema: "grader-recording/1",
        lab: recording.lab,
        scenario: recording.scenario,
        programs: recording.programs,
        peers: recording.peers,
        steps: recording.titles,
    };
    let mut line = |value: serde_json::Result<String>| -> io::Result<()> {
        writeln!(out, "{}", inert_json(&value?))
    };
    line(serde_json::to_string(&header))?;
    for event in recording.events {
        line(serde_json::to_string(event))?;
    }
    out.flush()
}
