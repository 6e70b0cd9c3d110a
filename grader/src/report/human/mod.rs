//! For people: what is wrong and why, then the rest, then the score.

mod builds;
mod layout;
mod verdicts;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use self::builds::not_built;
use self::layout::labelled;
use self::verdicts::{passes, skipped};
use super::findings::{of_kind, paragraph};
use super::page::{Page, Tone};
use super::phrases::{Phrases, phrases};
use super::{Context, Reporter, exit_status};
use crate::lab::Lab;
use crate::run::{RunEvent, Summary};
use crate::submission::BuildReport;
use crate::text::{WIDTH, columns, one_line};
use crate::verdict::Outcome;

/// The report for people. It writes colours; the sink decides whether they stay.
pub struct Human<W> {
    out: W,
    context: Context,
    lab: Option<Lab>,
    untitled: bool,
    builds: Vec<BuildReport>,
    enforced: Option<supervisor::event::Enforced>,
    faults: Vec<(String, String)>,
}

impl<W: Write> Human<W> {
    /// Writes to `out`.
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out,
            context,
            lab: None,
            untitled: false,
            builds: Vec::new(),
            enforced: None,
            faults: Vec::new(),
        }
    }

    /// Writes the head line, once.
    fn title(&mut self) -> io::Result<()> {
        let Some(lab) = self.lab.as_ref().filter(|_| self.untitled) else {
            return Ok(());
        };
        let title = format!(
            "{}  {}",
            lab.id,
            one_line(lab.title.in_lang(self.context.lang))
        );
        let mut page = Page::coloured();
        page.put(Tone::Strong, &title).end();
        self.untitled = false;
        self.write(page)
    }

    fn write(&mut self, page: Page) -> io::Result<()> {
        self.out.write_all(page.finish().as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Reporter for Human<W> {
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Began { lab, .. } => {
                self.lab = Some((*lab).clone());
                self.untitled = true;
                Ok(())
            }
            RunEvent::Built(report) => {
                self.builds.push((*report).clone());
                // Not before: a submission that cannot be graded at all is one error message.
                self.title()
            }
            RunEvent::Enforced(enforced) => {
                self.enforced = Some((*enforced).clone());
                Ok(())
            }
            RunEvent::ScenarioDone {
                scenario, fault, ..
            } => {
                self.faults
                    .extend(fault.map(|why| ((*scenario).to_owned(), why.to_owned())));
                Ok(())
            }
            RunEvent::Finished(summary) => {
                self.title()?;
                let mut page = Page::coloured();
                self.body(&mut page, summary);
                self.write(page)
            }
            // The command line says it.
            RunEvent::Refused(_) => Ok(()),
        }
    }
}

impl<W> Human<W> {
    fn body(&self, page: &mut Page, summary: &Summary) {
        let words = phrases(self.context.lang);
        self.header(page, summary, words);
        for build in self.builds.iter().filter(|build| build.failure.is_some()) {
            not_built(page, build, words);
        }
        let mut failed = of_kind(summary, &[Outcome::Fail, Outcome::Unstable]);
        // What costs points comes first.
        failed.sort_by_key(|verdict| verdict.of == 0);
        for verdict in failed {
            self.failure(page, verdict, words);
        }
        self.faults(page, summary, words);
        passes(page, summary);
        self.not_reached(page, summary, words);
        skipped(page, summary, words);
        self.warnings(page, words);
        self.ladders(page, words);
        for note in &summary.notes {
            page.end();
            labelled(page, words, "", words.note(), Tone::Dim, &[one_line(note)]);
        }
        score(page, summary, words);
    }

    fn header(&self, page: &mut Page, summary: &Summary, words: &dyn Phrases) {
        let built: Vec<String> = self
            .builds
            .iter()
            .filter(|build| build.failure.is_none() && build.unavailable.is_none())
            .map(|build| {
                words.built_one(
                    &one_line(&build.executable),
                    &one_line(&build.from),
                    build.cached,
                )
            })
            .collect();
        if !built.is_empty() {
            paragraph(page, "", &words.built(&built.join(", ")));
        }
        let mut line = String::new();
        if let Some(enforced) = &self.enforced {
            line = words.enforced(
                &one_line(&enforced.isolation),
                &one_line(&enforced.observation),
            ) + " · ";
        }
        line += &words.counts(summary.verdicts.len(), summary.scenarios);
        page.put(Tone::Dim, &line).end();
        for missing in self.enforced.iter().flat_map(|enforced| &enforced.missing) {
            paragraph(page, "  ", &words.not_enforced(&one_line(missing)));
        }
        page.end();
    }
}

fn score(page: &mut Page, summary: &Summary, words: &dyn Phrases) {
    let status = exit_status(summary);
    let left = format!("{} / {}", summary.points, summary.of);
    let right = format!(
        "{} · {}",
        words.seconds(summary.took.as_secs_f64()),
        words.exit_status(status)
    );
    let gap = WIDTH
        .saturating_sub(columns(&left) + columns(&right))
        .max(2);
    let tone = if status == 0 {
        Tone::Good
    } else {
        Tone::Strong
    };
    page.gap()
        .put(tone, &left)
        .add(&" ".repeat(gap))
        .put(Tone::Dim, &right)
        .end();
}
