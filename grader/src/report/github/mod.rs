//! For GitHub Actions: annotations, a step summary, and outputs.
//!
//! Nothing a submission wrote can become a workflow command: it stands only in messages and
//! properties, escaped as the runner's toolkit does (`%`, CR, LF, and `:` and `,` in properties),
//! and in fenced blocks of the summary.

mod annotations;
mod summary;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use super::findings::difference;
use super::json::result_word;
use super::page::Page;
use super::phrases::Phrases;
use super::{Context, Reporter, exit_status};
use crate::lab::{Lab, Requirement};
use crate::run::RunEvent;
use crate::submission::BuildReport;
use crate::text::one_line;
use crate::verdict::{Reason, Verdict};

/// The report for a GitHub runner.
pub struct GitHub<W> {
    out: W,
    summary: Option<Box<dyn Write>>,
    output: Option<Box<dyn Write>>,
    context: Context,
    lab: Option<Lab>,
    builds: Vec<BuildReport>,
    missing: Vec<String>,
}

impl<W: Write> GitHub<W> {
    /// Writes commands to `out`; Markdown to `summary` (`$GITHUB_STEP_SUMMARY`, opened to append)
    /// and values to `output` (`$GITHUB_OUTPUT`), where the runner gave them.
    pub fn new(
        out: W,
        summary: Option<Box<dyn Write>>,
        output: Option<Box<dyn Write>>,
        context: Context,
    ) -> Self {
        Self {
            out,
            summary,
            output,
            context,
            lab: None,
            builds: Vec::new(),
            missing: Vec::new(),
        }
    }
}

impl<W: Write> Reporter for GitHub<W> {
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Began { lab, .. } => self.lab = Some((*lab).clone()),
            RunEvent::Built(build) => self.builds.push((*build).clone()),
            RunEvent::Enforced(enforced) => self.missing.clone_from(&enforced.missing),
            RunEvent::ScenarioDone { .. } => {}
            RunEvent::Finished(summary) => {
                let commands = self.commands(summary);
                self.out.write_all(commands.as_bytes())?;
                self.out.flush()?;
                let markdown = self.markdown(summary);
                if let Some(file) = &mut self.summary {
                    file.write_all(markdown.as_bytes())?;
                    file.flush()?;
                }
                if let Some(file) = &mut self.output {
                    let result = result_word(exit_status(summary));
                    writeln!(
                        file,
                        "points={}\nmax-points={}\nresult={result}",
                        summary.points, summary.of
                    )?;
                    file.flush()?;
                }
            }
            RunEvent::Refused(refusal) => {
                let command = annotations::refused(refusal);
                self.out.write_all(command.as_bytes())?;
                self.out.flush()?;
                if let Some(file) = &mut self.summary {
                    file.write_all(summary::refused(refusal).as_bytes())?;
                    file.flush()?;
                }
                if let Some(file) = &mut self.output {
                    let result = result_word(refusal.exit_status);
                    writeln!(file, "points=0\nmax-points=0\nresult={result}")?;
                    file.flush()?;
                }
            }
        }
        Ok(())
    }
}

impl<W> GitHub<W> {
    fn requirement(&self, verdict: &Verdict) -> Option<&Requirement> {
        let mut known = self.lab.iter().flat_map(|lab| &lab.requirements);
        known.find(|requirement| requirement.id == verdict.requirement)
    }

    fn title(&self, verdict: &Verdict) -> &str {
        let found = self.requirement(verdict);
        found.map_or("", |r| r.title.in_lang(self.context.lang))
    }

    /// The explanation of a verdict, as plain text.
    fn details(&self, verdict: &Verdict, words: &dyn Phrases) -> String {
        let Some(Reason::Difference(found)) = &verdict.reason else {
            return String::new();
        };
        let mut page = Page::plain();
        difference(&mut page, found, words);
        if let Some(hint) = self
            .requirement(verdict)
            .map(|r| r.hint.in_lang(self.context.lang))
            .filter(|hint| !hint.is_empty())
        {
            page.line(&format!("  {}  {}", words.hint(), one_line(hint)));
        }
        page.line(&format!(
            "  {}  {}",
            words.try_this(),
            self.context.replay.scenario(&found.scenario)
        ));
        page.finish()
    }
}
