//! What a build's recording says.

use std::fmt::Write as _;

use supervisor::event::{Event, ExitStatus, LimitKind, What};

use super::runner::Fault;

/// The end of a build.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How each command ended; `None`: it had not ended when its time was over.
    pub exits: Vec<Option<ExitStatus>>,
    /// Everything written, as text without control characters.
    pub output: String,
    /// Files left behind: name, content.
    pub files: Vec<(String, Vec<u8>)>,
    /// A limit was reached.
    pub limit: Option<LimitKind>,
    /// What was left behind could not be taken.
    pub uncollected: Option<String>,
}

impl Outcome {
    /// Reads a recording of a plan with `commands` programs.
    ///
    /// # Errors
    /// The recording shows that the plan could not be carried out.
    pub(super) fn read(events: Vec<Event>, commands: usize) -> Result<Self, Fault> {
        let mut out = Self {
            exits: vec![None; commands],
            ..Self::default()
        };
        let mut raw = Vec::new();
        let mut ended = false;
        for event in events {
            match event.what {
                What::Exited { process, status } if process.number == 0 => {
                    if let Some(exit) = out.exits.get_mut(usize::from(process.program.0)) {
                        *exit = (status != ExitStatus::StillRunning).then_some(status);
                    }
                }
                What::ExecFailed { process, errno } => {
                    let error = std::io::Error::from_raw_os_error(errno);
                    return Err(Fault::Act(format!(
                        "build command {} cannot be executed in the sandbox: {error}",
                        process.program.0 + 1
                    )));
                }
                What::ActFailed { error, .. } if event.step as usize > commands => {
                    out.uncollected = Some(error);
                }
                What::ActFailed { error, .. } => return Err(Fault::Act(error)),
                What::Output { bytes, .. } => raw.extend_from_slice(&bytes),
                What::Limit { limit, .. } => out.limit = out.limit.or(Some(limit)),
                What::File { name, bytes, .. } => {
                    out.files
                        .push((String::from_utf8_lossy(&name).into_owned(), bytes.0));
                }
                What::Ended => ended = true,
                _ => {}
            }
        }
        if !ended {
            return Err(Fault::Lost("the build's recording has no end".to_owned()));
        }
        out.output = printable(&raw);
        Ok(out)
    }

    /// Every command ended with status 0.
    pub(super) fn succeeded(&self) -> bool {
        self.exits
            .iter()
            .all(|exit| *exit == Some(ExitStatus::Code(0)))
    }

    /// Some command did not end in its time.
    pub(super) fn timed_out(&self) -> bool {
        self.limit == Some(LimitKind::Wall) || self.exits.contains(&None)
    }
}

/// Text for a terminal: lines and tabs stay, other control characters are written as escapes, so
/// that a quoted source line cannot move the cursor.
pub(super) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable(b"a\tb\nc\x1b[2J\r\n"), "a\tb\nc\\x1b[2J\\x0d");
        assert_eq!(printable(b"\xff\n"), "\u{fffd}");
    }
}
