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

    /// The text. No line begins as a command to a runner does, wherever a page is shown: a call's
    /// arguments are wrapped, and what a program wrote may come first on a line.
    pub(super) fn finish(self) -> String {
        const COMMANDS: [(&str, &str); 2] = [("::", "\\x3a:"), ("##[", "\\x23#[")];
        if !COMMANDS
            .iter()
            .any(|(begins, _)| self.text.contains(begins))
        {
            return self.text;
        }
        let mut out = String::with_capacity(self.text.len() + 8);
        for line in self.text.split_inclusive('\n') {
            let (before, rest) = line.split_at(shown_from(line));
            out.push_str(before);
            let command = COMMANDS.iter().find_map(|(begins, instead)| {
                rest.strip_prefix(begins).map(|after| (instead, after))
            });
            match command {
                Some((instead, after)) => {
                    out.push_str(instead);
                    out.push_str(after);
                }
                None => out.push_str(rest),
            }
        }
        out
    }
}

/// Where a line begins that is not blank, colours left out.
fn shown_from(line: &str) -> usize {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let Some(codes) = rest.strip_prefix("\u{1b}[") else {
            return line.len() - rest.len();
        };
        rest = codes.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix('m').unwrap_or(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_begins_as_a_command_does() {
        for tone in [Tone::Plain, Tone::Bad] {
            let mut page = Page::plain();
            page.coloured = tone == Tone::Bad;
            page.put(tone, "::error::x").end();
            page.add("  ").put(tone, "##[error]x").end();
            page.line("write(1, \"::error::x\")").line("a:: b");
            let text = page.finish();
            let plain = text.replace("\u{1b}[1m", "").replace("\u{1b}[31m", "");
            assert_eq!(
                plain.replace("\u{1b}[0m", ""),
                "\\x3a:error::x\n  \\x23#[error]x\nwrite(1, \"::error::x\")\na:: b\n"
            );
        }
    }
}
