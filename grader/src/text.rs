//! Text that is safe to print, wrapped and quoted.

use supervisor::bytes::escape;

/// Columns of a report for people.
pub(crate) const WIDTH: usize = 80;

/// Text without controls and without characters that reorder or hide others: each is written as
/// `\xNN`. Tabs become spaces. Newlines are kept, carriage returns dropped.
///
/// Payloads of a transcript are escaped already and pass unchanged; compiler output and file names
/// are not.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let line = line.trim_end_matches('\r').replace('\t', "    ");
        // `escape` would double the backslash, which is plain here.
        for (number, part) in line.split('\\').enumerate() {
            if number > 0 {
                out.push('\\');
            }
            out.push_str(&escape(part.as_bytes()));
        }
    }
    out
}

/// [`clean`], and on one line.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).replace('\n', "\\n")
}

/// The first few of these names, on one line.
#[must_use]
pub fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 8;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let names: Vec<&str> = names.take(SHOWN).collect();
    format!("{}{more}", clean(&names.join(", ")))
}

/// Breaks a paragraph into lines of at most `width` columns, at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while line.is_empty() && columns(word) > width {
            let cut = word
                .char_indices()
                .nth(width)
                .map_or(word.len(), |(at, _)| at);
            lines.push(word[..cut].to_owned());
            word = &word[cut..];
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Columns a text takes; the scripts of the course take one each.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A word as a POSIX shell (or, for controls, bash) reads it back.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:=@%+-,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if clean(word) == word && !word.contains('\n') {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    format!("$'{}'", escape(word.as_bytes()).replace('\'', r"\'"))
}

/// At most `most` characters of `text`, those around position `at`; what is left out is counted.
pub(crate) fn excerpt(text: &str, at: usize, most: usize) -> String {
    let length = columns(text);
    if length <= most {
        return text.to_owned();
    }
    let start = at.saturating_sub(most / 3).min(length - most);
    let middle: String = text.chars().skip(start).take(most).collect();
    let end = length - most - start;
    let before = if start > 0 {
        format!("[+{start}]…")
    } else {
        String::new()
    };
    let after = if end > 0 {
        format!("…[+{end}]")
    } else {
        String::new()
    };
    format!("{before}{middle}{after}")
}

/// The number of leading characters that two texts share.
pub(crate) fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// A JSON document that says the same, in which no runner takes the rest of a line for its command:
/// `##[` can stand in strings only.
pub(crate) fn inert_json(json: &str) -> String {
    json.replace("##[", "\\u0023#[")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_become_visible_and_escapes_stay() {
        assert_eq!(
            clean("a\u{1b}[31m\tb\\x00\r\nc\u{202e}"),
            "a\\x1b[31m    b\\x00\nc\\xe2\\x80\\xae"
        );
    }

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quote("labs/us-upper"), "labs/us-upper");
        assert_eq!(quote("my work"), "'my work'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("a\u{1b}'b"), r"$'a\x1b\'b'");
    }

    #[test]
    fn an_excerpt_keeps_the_place_of_the_difference() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = excerpt(&text, 500, 60);
        assert!(shown.contains("aX"), "{shown}");
        assert!(
            shown.starts_with("[+480]…") && shown.ends_with("…[+461]"),
            "{shown}"
        );
        assert_eq!(excerpt("short", 0, 60), "short");
    }

    proptest! {
        #[test]
        fn clean_text_has_no_control_but_newlines(text in any::<String>()) {
            prop_assert!(clean(&text).chars().all(|c| c == '\n' || !c.is_control()));
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once);
        }

        #[test]
        fn wrapped_lines_fit_and_lose_no_word(text in "[a-zа-я ]{0,200}", width in 1usize..40) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| columns(line) <= width));
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
