//! How the programs were built, or why they were not.

use super::Human;
use super::layout::{self, labelled, some_lines};
use crate::report::findings::paragraph;
use crate::report::ladder::{ladders, tried};
use crate::report::page::{Page, Tone};
use crate::report::phrases::Phrases;
use crate::submission::BuildReport;
use crate::text::one_line;

/// Lines of a compiler's complaint that are shown; the first ones matter most.
const COMPILER_LINES: usize = 30;
/// Lines of compiler warnings that are shown.
const WARNING_LINES: usize = 8;

impl<W> Human<W> {
    /// What the compiler said of programs that it built all the same; one make's words once.
    pub(super) fn warnings(&self, page: &mut Page, words: &dyn Phrases) {
        let mut alike: Vec<(&str, Vec<&str>)> = Vec::new();
        for build in self
            .builds
            .iter()
            .filter(|build| !build.warnings.is_empty())
        {
            match alike.iter_mut().find(|(text, _)| *text == build.warnings) {
                Some((_, names)) => names.push(&build.executable),
                None => alike.push((&build.warnings, vec![&build.executable])),
            }
        }
        for (text, names) in alike {
            page.end()
                .put(Tone::Dim, &one_line(&words.warnings(&names.join(", "))))
                .end();
            some_lines(page, "  ", text, WARNING_LINES, words);
        }
    }

    /// How programs were built whose first way did not work.
    pub(super) fn ladders(&self, page: &mut Page, words: &dyn Phrases) {
        for texts in ladders(&self.builds, self.context.lang) {
            page.end();
            labelled(page, words, "", words.note(), Tone::Dim, &texts);
        }
    }
}

pub(super) fn not_built(page: &mut Page, build: &BuildReport, words: &dyn Phrases) {
    let what = one_line(&words.not_built(&build.executable, &build.from));
    page.put(Tone::Bad, "✗ ")
        .put(Tone::Strong, "build   ")
        .line(&what);
    some_lines(
        page,
        "  ",
        build.failure.as_deref().unwrap_or(""),
        COMPILER_LINES,
        words,
    );
    // One attempt alone is what has just been shown.
    if build.tried.len() > 1 {
        for text in tried(build, words) {
            paragraph(page, "  ", &text);
        }
    }
    if let Some(hint) = &build.hint {
        layout::hint(page, words, hint);
    }
    page.end();
}
