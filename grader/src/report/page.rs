//! A page of text in which colour only adds.

use anstyle::{AnsiColor, Style};

/// How a piece of text is shown where colour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it is.
    Plain,
    /// A heading.
    Strong,
    /// Met.
    Good,
    /// Not met.
    Bad,
    /// Worth a look.
    Warn,
    /// Less important.
    Dim,
}

/// Text being written, with or without colour; without the codes both read the same.
pub(super) struct Page {
    text: String,
    coloured: bool,
}

impl Page {
    pub(super) fn plain() -> Self {
        Self {
            text: String::new(),
            coloured: false,
        }
    }

    pub(super) fn coloured() -> Self {
        Self {
            text: String::new(),
            coloured: true,
        }
    }

    /// Writes a piece of text.
    pub(super) fn put(&mut self, tone: Tone, text: &str) -> &mut Self {
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Warn => AnsiColor::Yellow.on_default(),
            Tone::Dim => Style::new().dimmed(),
        };
        if self.coloured && tone != Tone::Plain {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
        self
    }

    /// Writes plain text.
    pub(super) fn add(&mut self, text: &str) -> &mut Self {
        self.put(Tone::Plain, text)
    }

    /// Ends the line.
    pub(super) fn end(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// Writes a whole line.
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        self.add(text).end()
    }

    /// Makes sure that one empty line, and not two, comes before what follows.
    pub(super) fn gap(&mut self) -> &mut Self {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
        self
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
