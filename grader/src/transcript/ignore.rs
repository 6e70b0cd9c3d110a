//! Lines that are the same but for what a lab does not count.

use supervisor::bytes::unescape;

use super::{Line, Op};
use crate::lab::Ignore;

/// What stands between a payload that was cut and its length and hash; no escape begins so.
const CUT: &str = "\\{";

/// A payload as it is compared.
pub(super) fn key(payload: &str, ignore: Ignore) -> Vec<u8> {
    // The hash behind the mark is one of what counts; see `frame`.
    if let Some((_, hash)) = payload.rsplit_once(CUT) {
        return hash.as_bytes().to_vec();
    }
    let bytes = unescape(payload).unwrap_or_else(|| payload.as_bytes().to_vec());
    plain(&bytes, ignore)
}

/// A line's bytes without what does not count.
pub(super) fn plain(bytes: &[u8], ignore: Ignore) -> Vec<u8> {
    let mut end = bytes.len();
    while let Some(last) = bytes[..end].last() {
        let goes = (ignore.cr && *last == b'\r')
            || (ignore.trailing_space && matches!(*last, b' ' | b'\t'));
        if !goes {
            break;
        }
        end -= 1;
    }
    let bytes = &bytes[..end];
    if !ignore.case {
        return bytes.to_vec();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_lowercase().into_bytes(),
        Err(_) => bytes.to_ascii_lowercase(),
    }
}

/// Whether two lines of the same stream are the same.
pub(super) fn same(one: &Line, other: &Line, ignore: Ignore) -> bool {
    if one == other {
        return true;
    }
    let is_text = |op: Op| matches!(op, Op::Out | Op::OutPartial);
    let ops = one.op == other.op || (ignore.last_newline && is_text(one.op) && is_text(other.op));
    let data = |op: Op| is_text(op) || op == Op::OutBinary;
    !ignore.is_none()
        && ops
        && data(one.op)
        && key(&one.payload, ignore) == key(&other.payload, ignore)
}

/// The lines of a stream in one step without an empty one at the end, where that does not count.
/// A stream of nothing but an empty line keeps it: it is not the same as silence.
pub(super) fn without_last<'s, 'a>(lines: &'s [&'a Line], ignore: Ignore) -> &'s [&'a Line] {
    match lines {
        [rest @ .., last]
            if ignore.last_newline
                && !rest.is_empty()
                && last.op == Op::Out
                && last.payload.is_empty() =>
        {
            rest
        }
        lines => lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(op: Op, payload: &str) -> Line {
        Line {
            lane: "filter".to_owned(),
            channel: "out".to_owned(),
            op,
            payload: payload.to_owned(),
        }
    }

    fn only(word: &str) -> Ignore {
        let mut ignore = Ignore::default();
        assert!(ignore.set(word));
        ignore
    }

    #[test]
    fn each_word_leaves_out_one_thing() {
        for (word, one, other) in [
            ("case", "ПРИВЕТ", "привет"),
            ("cr", "text", "text\\r"),
            ("trailing-space", "text", "text \\t\\x20"),
        ] {
            let (one, other) = (line(Op::Out, one), line(Op::Out, other));
            assert!(same(&one, &other, only(word)), "{word}");
            for unlike in Ignore::WORDS.into_iter().filter(|w| *w != word) {
                assert!(!same(&one, &other, only(unlike)), "{word}, {unlike}");
            }
        }
        let (whole, partial) = (line(Op::Out, "text"), line(Op::OutPartial, "text"));
        assert!(same(&whole, &partial, only("last-newline")));
        assert!(!same(&whole, &partial, only("cr")));
    }

    #[test]
    fn events_are_never_taken_for_text() {
        let exit = |text: &str| line(Op::Life, text);
        assert!(!same(&exit("exit 0"), &exit("EXIT 0"), only("case")));
    }

    #[test]
    fn an_empty_line_alone_is_not_silence() {
        let (text, empty) = (line(Op::Out, "a"), line(Op::Out, ""));
        let ignore = only("last-newline");
        assert_eq!(without_last(&[&text, &empty], ignore).len(), 1);
        assert_eq!(without_last(&[&empty], ignore).len(), 1);
        assert_eq!(without_last(&[&text, &empty], only("case")).len(), 2);
    }

    proptest! {
        #[test]
        fn what_counts_still_counts(a in "[a-c \\t\\r]{0,6}", b in "[a-c \\t\\r]{0,6}") {
            let ignore = Ignore { cr: true, trailing_space: true, ..Ignore::default() };
            let stripped = |text: &str| text.trim_end_matches([' ', '\t', '\r']).to_owned();
            let equal = plain(a.as_bytes(), ignore) == plain(b.as_bytes(), ignore);
            prop_assert_eq!(equal, stripped(&a) == stripped(&b));
        }
    }
}
