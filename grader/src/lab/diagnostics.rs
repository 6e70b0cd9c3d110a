//! What is wrong with a lab file, and where: collected, then shown like a compiler's messages.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The lab cannot be used.
    Error,
    /// The lab works; its author will want to know.
    Warning,
}

/// One finding in a lab file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where, in bytes of the source.
    pub span: Range<usize>,
    /// What stands under the caret.
    pub label: Option<String>,
    /// Other places that explain it.
    pub also: Vec<(Range<usize>, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub(super) fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span,
            label: None,
            also: Vec::new(),
            help: None,
        }
    }

    /// A warning at a place.
    pub(super) fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    /// With a text under the caret.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With a text under the caret, if there is one.
    pub(super) fn maybe_label(mut self, label: Option<String>) -> Self {
        self.label = label.or(self.label);
        self
    }

    /// With another place that explains it.
    pub(super) fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }

    /// With what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The findings in one lab file, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    source: String,
    list: Vec<Diagnostic>,
}

/// More findings than this are counted, not shown: the first ones are what helps.
const SHOWN: usize = 25;

impl Diagnostics {
    pub(super) fn new(file: &str, source: &str, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by(|a, b| {
            (a.span.start, a.span.end, a.severity, &a.message).cmp(&(
                b.span.start,
                b.span.end,
                b.severity,
                &b.message,
            ))
        });
        // An unrolled `repeat` finds the same fault once for each round.
        list.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        Self {
            file: file.to_owned(),
            source: source.to_owned(),
            list,
        }
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|d| d.severity == severity).count()
    }

    /// The file as the caller named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line and column of a finding, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, finding: &Diagnostic) -> (usize, usize) {
        let before = self
            .source
            .get(..finding.span.start)
            .unwrap_or(&self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// All findings as text, in the manner of rustc, with a count at the end; empty when there is
    /// none.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut out = String::new();
        for finding in self.list.iter().take(SHOWN) {
            out.push_str(&renderer.render(&[self.group(finding)]));
            out.push_str("\n\n");
        }
        if self.list.len() > SHOWN {
            out.push_str(&format!("and {} more\n\n", self.list.len() - SHOWN));
        }
        let counts: Vec<String> = [(self.errors(), "error"), (self.warnings(), "warning")]
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}{}", if *n == 1 { "" } else { "s" }))
            .collect();
        if !counts.is_empty() {
            out.push_str(&counts.join(", "));
            out.push('\n');
        }
        out
    }

    fn group<'a>(&'a self, finding: &'a Diagnostic) -> Group<'a> {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut primary = AnnotationKind::Primary.span(self.clamp(&finding.span));
        if let Some(label) = &finding.label {
            primary = primary.label(label.as_str());
        }
        let snippet = Snippet::source(self.source.as_str())
            .path(self.file.as_str())
            .annotation(primary)
            .annotations(finding.also.iter().map(|(span, label)| {
                AnnotationKind::Context
                    .span(self.clamp(span))
                    .label(label.as_str())
            }));
        let mut group = level
            .primary_title(finding.message.as_str())
            .element(snippet);
        if let Some(help) = &finding.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }

    /// A span on character boundaries inside the source: the renderer panics on others.
    fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let boundary = |at: usize| {
            let at = at.min(self.source.len());
            (0..=at)
                .rev()
                .find(|at| self.source.is_char_boundary(*at))
                .unwrap_or(0)
        };
        let (start, end) = (boundary(span.start), boundary(span.end));
        start..end.max(start)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}
