//! Bytes to lines of the transcript. How the bytes were cut on their way leaves no trace.

use super::names::Binder;
use super::{Op, ignore};
use crate::lab::{Ignore, StreamMode};

/// A payload longer than this is cut; its length and hash keep the comparison exact.
const LONGEST: usize = 240;
/// What is shown of a payload that was cut.
const SHOWN: usize = 120;
/// Frames of one stream in one phase that are shown; the rest is told by length and hash.
pub(super) const MOST: usize = 200;

/// Frames `bytes` by line, at most `most` of them. Hashes are of what counts.
pub(super) fn lines(
    bytes: &[u8],
    binder: &Binder,
    most: usize,
    ignored: Ignore,
) -> Vec<(Op, String)> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if out.len() == most {
            let hash = if ignored.is_none() {
                binder.digest(rest)
            } else {
                let lines = rest.split(|b| *b == b'\n');
                let plain: Vec<Vec<u8>> = lines.map(|l| plain(l, binder, ignored)).collect();
                let plain = plain.join(&b'\n');
                let newline: &[u8] = if ignored.last_newline { b"\n" } else { b"" };
                binder.digest(plain.strip_suffix(newline).unwrap_or(&plain))
            };
            out.push((Op::OutBinary, format!("more: {hash}")));
            break;
        }
        let (frame, op) = match rest.iter().position(|b| *b == b'\n') {
            Some(end) => {
                let frame = &rest[..end];
                rest = &rest[end + 1..];
                (frame, Op::Out)
            }
            None => (std::mem::take(&mut rest), Op::OutPartial),
        };
        out.push((op, payload(frame, binder, ignored)));
    }
    out
}

/// A message is one frame, whatever it contains; `<.` one that was cut.
pub(super) fn message(
    bytes: &[u8],
    cut: bool,
    mode: &StreamMode,
    binder: &Binder,
    ignored: Ignore,
) -> Option<(Op, String)> {
    Some(match mode {
        StreamMode::Free | StreamMode::LinesInOrder | StreamMode::Contains(_) => return None,
        StreamMode::Some => (Op::Out, "(a message)".to_owned()),
        StreamMode::Digest => (Op::OutBinary, binder.digest(bytes)),
        // The borders are kept anyway; who sent it is not sorted.
        StreamMode::Exact | StreamMode::BySender if cut => {
            (Op::OutPartial, payload(bytes, binder, ignored))
        }
        StreamMode::Exact | StreamMode::BySender => (Op::Out, payload(bytes, binder, ignored)),
    })
}

/// A line without what does not count, names bound.
fn plain(frame: &[u8], binder: &Binder, ignored: Ignore) -> Vec<u8> {
    ignore::key(&binder.text(frame), ignored)
}

fn payload(frame: &[u8], binder: &Binder, ignored: Ignore) -> String {
    // Binding can only shorten what is far too long by so much; look before escaping megabytes.
    let text = binder.text(frame);
    if text.len() <= LONGEST {
        return text;
    }
    // No escape begins with `\{`, so no program can print this mark.
    let hash = if ignored.is_none() {
        binder.digest(frame)
    } else {
        binder.digest(&plain(frame, binder, ignored))
    };
    format!("{}\\{{{hash}}}", cut(&text))
}

/// The beginning of an escaped text, never ending inside an escape.
fn cut(text: &str) -> &str {
    let mut end = 0;
    while end < SHOWN {
        let rest = &text[end..];
        let unit = if rest.starts_with("\\x") {
            4
        } else if rest.starts_with('\\') {
            2
        } else {
            rest.chars().next().map_or(0, char::len_utf8)
        };
        if unit == 0 || rest.get(unit..).is_none() {
            break;
        }
        end += unit;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::names::Names;

    fn frames(bytes: &[u8]) -> Vec<(Op, String)> {
        lines(
            bytes,
            &Binder::new(&Names::default()),
            MOST,
            Ignore::default(),
        )
    }

    #[test]
    fn a_message_is_one_frame() {
        let binder = Binder::new(&Names::default());
        let frame = |bytes: &[u8], cut, mode: &StreamMode| {
            message(bytes, cut, mode, &binder, Ignore::default())
        };
        let exact = &StreamMode::Exact;
        assert_eq!(frame(b"", false, exact), Some((Op::Out, String::new())));
        assert_eq!(
            frame(b"a\nb\n", false, exact),
            Some((Op::Out, "a\\nb\\n".to_owned()))
        );
        assert_eq!(
            frame(b"a", true, exact),
            Some((Op::OutPartial, "a".to_owned()))
        );
        assert_eq!(frame(b"a", false, &StreamMode::Free), None);
    }

    #[test]
    fn a_missing_terminator_is_told_left_of_the_bar() {
        assert_eq!(
            frames(b"a\n\nb"),
            [
                (Op::Out, "a".to_owned()),
                (Op::Out, String::new()),
                (Op::OutPartial, "b".to_owned()),
            ]
        );
    }

    #[test]
    fn a_cut_payload_still_tells_the_last_byte() {
        let mut long = vec![b'x'; 5000];
        let before = frames(&long);
        assert_eq!(before.len(), 1);
        assert!(before[0].1.len() < 200, "{before:?}");
        long[4999] = b'y';
        assert_ne!(frames(&long), before);
    }

    #[test]
    fn a_program_cannot_print_the_mark_of_a_cut() {
        let long = frames(&[b'x'; 5000]);
        assert_ne!(frames(long[0].1.as_bytes()), long);
    }

    #[test]
    fn many_lines_are_folded_and_still_exact() {
        let many = "a\n".repeat(1000);
        let folded = frames(many.as_bytes());
        assert_eq!(folded.len(), MOST + 1);
        let other = format!("{}b\n", "a\n".repeat(999));
        assert_ne!(frames(other.as_bytes()), folded);
    }

    #[test]
    fn a_cut_never_splits_an_escape() {
        let bytes: Vec<u8> = std::iter::once(b'a').chain([0_u8; 400]).collect();
        let text = &frames(&bytes)[0].1;
        let shown = text.split("\\{").next().unwrap();
        assert!(supervisor::bytes::unescape(shown).is_some(), "{text}");
    }
}
