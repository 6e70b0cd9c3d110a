//! The summary of a step, in Markdown.

use super::GitHub;
use crate::report::findings::{of_kind, sentence};
use crate::report::ladder::ladders;
use crate::report::phrases::{Phrases, phrases};
use crate::run::{Refusal, Summary};
use crate::text::{clean, one_line};
use crate::verdict::Outcome;

/// The runner refuses the whole summary of a step beyond 1 MiB.
pub(super) const SUMMARY_BYTES: usize = 900_000;

/// A heading and what is wrong.
pub(super) fn refused(refusal: &Refusal<'_>) -> String {
    let lines = refusal.message.lines().map(inline);
    let message = lines.collect::<Vec<_>>().join("  \n");
    format!("## {}\n\n{message}\n", inline(&refusal.lab.id))
}

impl<W> GitHub<W> {
    pub(super) fn markdown(&self, summary: &Summary) -> String {
        let words = phrases(self.context.lang);
        let title = self
            .lab
            .as_ref()
            .map_or("", |lab| lab.title.in_lang(self.context.lang));
        let mut out = format!(
            "## {}: {} / {}\n\n{}\n\n",
            inline(&summary.lab),
            summary.points,
            summary.of,
            inline(title)
        );
        for missing in &self.missing {
            out += &format!("- {}\n", inline(&words.not_enforced(missing)));
        }
        out += &format!(
            "\n| | {} | {} | {} |\n|---|---|---:|---|\n",
            words.requirement(),
            words.points(),
            words.result()
        );
        for verdict in &summary.verdicts {
            out += &format!(
                "| {} | {} {} | {}/{} | {} |\n",
                mark(verdict.outcome),
                inline(&verdict.requirement),
                inline(self.title(verdict)),
                verdict.points,
                verdict.of,
                inline(&sentence(verdict, words)),
            );
        }
        let mut blocks = Vec::new();
        for build in &self.builds {
            if let Some(failure) = &build.failure {
                let title = words.not_built(&build.executable, &build.from);
                blocks.push((title, clean(failure)));
            }
        }
        for verdict in of_kind(summary, &[Outcome::Fail, Outcome::Unstable]) {
            let details = self.details(verdict, words);
            if !details.is_empty() {
                blocks.push((
                    format!("{} {}", verdict.requirement, self.title(verdict)),
                    details,
                ));
            }
        }
        append_within(&mut out, &blocks, SUMMARY_BYTES, words);
        for texts in ladders(&self.builds, self.context.lang) {
            out += &format!("\n{}: {}\n", words.note(), inline(&texts.join(" ")));
        }
        for note in &summary.notes {
            out += &format!("\n{}: {}\n", words.note(), inline(note));
        }
        out
    }
}

/// Adds one folded block each, as long as the whole stays below `most` bytes.
fn append_within(out: &mut String, blocks: &[(String, String)], most: usize, words: &dyn Phrases) {
    for (number, (title, text)) in blocks.iter().enumerate() {
        let block = fenced(title, text);
        // A kilobyte is kept for the line that says what is missing.
        if out.len() + block.len() + 1024 > most {
            *out += &format!("\n{}\n", inline(&words.cut(blocks.len() - number)));
            return;
        }
        *out += &block;
    }
}

/// A block whose fence is longer than any run of backquotes in it.
pub(super) fn fenced(title: &str, text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "\n<details><summary>{}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
        inline(title),
        clean(text).trim_matches('\n')
    )
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✅",
        Outcome::Fail | Outcome::Unstable => "❌",
        Outcome::NotReached | Outcome::Skipped => "➖",
        Outcome::Error => "⚠️",
    }
}

/// Text inside a line of Markdown: nothing in it is markup.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        if c.is_ascii_punctuation() && !".,:;-/()=+'\"!?".contains(c) {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}
