//! Mending what keeps make from reading a Makefile, in a copy: spaces for tabs, CRLF, a mark of
//! byte order.

/// The names make looks for, in its order (GNU make manual, 3.2).
pub(super) const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// The Makefile as it was meant; `None` where there is nothing to mend.
///
/// A line that begins with spaces below a rule is taken for one of its commands, unless the line
/// before it ends with a backslash or it reads like an assignment or a directive.
pub(super) fn mend(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut out = Vec::with_capacity(text.len());
    let mut below_a_rule = false;
    let mut continued = false;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let end = line.strip_suffix(b"\n").unwrap_or(line);
        let returns = end.iter().rev().take_while(|b| **b == b'\r').count();
        let code = &end[..end.len() - returns];
        let spaces = code.iter().take_while(|b| **b == b' ').count();
        let rest = &code[spaces..];
        let blank = rest.iter().all(u8::is_ascii_whitespace);
        if spaces > 0
            && below_a_rule
            && !continued
            && !blank
            && !rest.starts_with(b"#")
            && !is_statement(rest)
        {
            out.push(b'\t');
            out.extend_from_slice(rest.trim_ascii_start());
        } else {
            out.extend_from_slice(code);
            if !continued
                && spaces == 0
                && !code.starts_with(b"\t")
                && !blank
                && !code.starts_with(b"#")
            {
                below_a_rule = is_rule(code);
            }
        }
        continued = code.ends_with(b"\\");
        if line.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    (out != text).then_some(out)
}

fn is_rule(line: &[u8]) -> bool {
    let colon = line.iter().position(|b| *b == b':');
    let equals = line.iter().position(|b| *b == b'=');
    match (colon, equals) {
        (Some(colon), Some(equals)) => colon + 1 < equals && line.get(colon + 1) != Some(&b':'),
        (Some(_), None) => true,
        _ => false,
    }
}

/// `NAME = …`, `NAME += …`, `ifeq …`: nothing for the shell.
fn is_statement(line: &[u8]) -> bool {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let name = line.iter().take_while(|b| is_name(b)).count();
    let word = &line[..name];
    let directive: [&[u8]; 9] = [
        b"ifeq", b"ifneq", b"ifdef", b"ifndef", b"else", b"endif", b"include", b"export", b"define",
    ];
    if directive.contains(&word) {
        return true;
    }
    // `NAME=value command` is for the shell; make's own assignments have a space there.
    let rest = &line[name..];
    let after = rest.trim_ascii_start();
    name > 0
        && rest.len() != after.len()
        && [&b"= "[..], b":=", b"+=", b"?="]
            .iter()
            .any(|op| after.starts_with(op))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(text: &str) -> String {
        String::from_utf8(mend(text.as_bytes()).expect("something to mend")).unwrap()
    }

    #[test]
    fn spaces_become_a_tab_below_a_rule_only() {
        assert_eq!(
            mended(
                "CFLAGS = -Wall \\\n   -Wextra\nall: a\n    gcc a.c\n\n        gcc b.c\n  # no\n"
            ),
            "CFLAGS = -Wall \\\n   -Wextra\nall: a\n\tgcc a.c\n\n\tgcc b.c\n  # no\n"
        );
        assert_eq!(mended("a: b\n  X=1 ./gen\n"), "a: b\n\tX=1 ./gen\n");
        assert_eq!(
            mended("a: b\n  CC = gcc\r\n  gcc\n"),
            "a: b\n  CC = gcc\n\tgcc\n"
        );
        assert_eq!(
            mended("all: a \\\n  b\n  gcc a.c\n"),
            "all: a \\\n  b\n\tgcc a.c\n"
        );
    }

    #[test]
    fn windows_marks_are_left_out() {
        assert_eq!(mended("\u{feff}a:\r\n\tgcc\r\n"), "a:\n\tgcc\n");
    }

    #[test]
    fn a_good_makefile_is_left_alone() {
        for text in [
            "a: b\n\tgcc \\\n    -o a\n",
            "",
            "X := 1\n  Y := 2\n",
            "a:\n\ttrue",
        ] {
            assert_eq!(mend(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn once_is_enough(text in "[a: \\\\\t\r\n=#]{0,60}") {
            if let Some(first) = mend(text.as_bytes()) {
                prop_assert_eq!(mend(&first), None);
            }
        }
    }
}
