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
    /// A limit was reached: which, and how much it is.
    pub limit: Option<(LimitKind, u64)>,
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
                What::Starved { what } => {
                    return Err(Fault::Act(format!("the machine ran short of {what}")));
                }
                What::Limit { limit, most, .. } => out.limit = out.limit.or(Some((limit, most))),
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

    /// It was stopped: more of the same would be stopped as well.
    pub(super) fn stopped(&self) -> bool {
        // What make and a shell say of a process that used up its time; strsignal(3) of SIGXCPU.
        let by_itself = "CPU time limit exceeded";
        self.timed_out() || self.limit.is_some() || self.output.contains(by_itself)
    }

    /// Some command did not end in its time.
    pub(super) fn timed_out(&self) -> bool {
        let wall = |(limit, _)| limit == LimitKind::Wall;
        self.limit.map_or_else(|| self.exits.contains(&None), wall)
    }
}

/// `make: …`, `/usr/bin/make[1]: …`.
fn is_makes_own(line: &str) -> bool {
    let speaker = line.split(':').next().unwrap_or_default();
    let base = speaker.rsplit('/').next().unwrap_or_default();
    base == "make" || base.starts_with("make[") || base.starts_with("gmake")
}

/// The compiler's own lines in a build's output: what make and cargo say themselves, and what the
/// commands of a Makefile print, is no warning.
pub(super) fn diagnostics(output: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    // Lines that lead up to a diagnostic, and whether the last one goes on.
    let mut lead: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in output.lines() {
        let said = ["warning:", "error:", "note:", "error["]
            .iter()
            .any(|word| line.contains(word))
            && !is_makes_own(line);
        let text = line.trim_start();
        let text = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let text = text.trim_start();
        // `    3 |   int x;`, ` --> src/main.rs:2:9`, `  = note: …`
        let quoted = ["|", "-->", "= "].iter().any(|mark| text.starts_with(mark));
        if said {
            out.append(&mut lead);
            out.push(line);
            inside = true;
        } else if inside && quoted {
            out.push(line);
        } else if line.contains(": In function")
            || line.contains(": At top level")
            || line.starts_with("In file included from")
        {
            lead.push(line);
            inside = false;
        } else {
            lead.clear();
            inside = false;
        }
    }
    out.join("\n")
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
    fn only_the_compilers_lines_are_warnings() {
        let warning = "a.c: In function 'f':\na.c:3:7: warning: unused variable 'x'\n    3 |   int x;\n      |       ^";
        let output = format!("gcc -o a a.c\n{warning}\nbuilt!\nmake: 'b' is up to date.");
        assert_eq!(diagnostics(&output), warning);
        assert_eq!(
            diagnostics("gcc -o a a.c\n/usr/bin/make: warning:  Clock skew detected."),
            ""
        );
        let rust = "warning: unused variable: `x`\n --> src/main.rs:2:9\n  |\n2 |     let x = 1;\n  = note: on by default";
        let output = format!("   Compiling a v0.1.0 (/lab)\n{rust}\n\n    Finished release");
        assert_eq!(diagnostics(&output), rust);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable(b"a\tb\nc\x1b[2J\r\n"), "a\tb\nc\\x1b[2J\\x0d");
        assert_eq!(printable(b"\xff\n"), "\u{fffd}");
    }
}
