//! How texts are laid out: below a mark, beside a label, some lines of many.

use crate::report::findings::pad;
use crate::report::page::{Page, Tone};
use crate::report::phrases::Phrases;
use crate::text::{WIDTH, clean, columns, one_line, wrap};

/// Text after a mark of two columns, wrapped below itself.
pub(super) fn hanging(page: &mut Page, text: &str) {
    for (row, part) in wrap(text, WIDTH - 2).iter().enumerate() {
        page.add(if row == 0 { "" } else { "  " }).line(part);
    }
}

/// The first lines of a text that somebody else wrote; nothing is wrapped.
pub(super) fn some_lines(
    page: &mut Page,
    indent: &str,
    text: &str,
    most: usize,
    words: &dyn Phrases,
) {
    let text = clean(text);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    for line in lines.iter().take(most) {
        page.add(indent).line(line);
    }
    if lines.len() > most {
        page.put(
            Tone::Dim,
            &format!("{indent}{}", words.cut(lines.len() - most)),
        )
        .end();
    }
}

/// What the lab or the compiler's message suggests.
pub(super) fn hint(page: &mut Page, words: &dyn Phrases, text: &str) {
    let text = [one_line(text)];
    labelled(page, words, "  ", words.hint(), Tone::Warn, &text);
}

/// A word on the left, paragraphs on the right. Commands are not broken: they are to be copied.
pub(super) fn labelled(
    page: &mut Page,
    words: &dyn Phrases,
    indent: &str,
    label: &str,
    tone: Tone,
    texts: &[String],
) {
    let width = columns(words.hint()).max(columns(words.try_this())).max(4);
    let left = pad(label, width) + "  ";
    let commands = tone == Tone::Strong;
    let mut first = true;
    for text in texts {
        let room = WIDTH - columns(indent) - columns(&left);
        let rows = if commands {
            vec![text.clone()]
        } else {
            wrap(text, room)
        };
        for row in rows {
            page.add(indent);
            if first {
                page.put(tone, &left);
            } else {
                page.add(&" ".repeat(columns(&left)));
            }
            first = false;
            page.line(&row);
        }
    }
}
