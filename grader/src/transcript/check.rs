//! Properties of a whole run, where text would move from run to run.

use regex::bytes::Regex;

use crate::lab::Property;

/// `yes`, or `no, ` and what was found.
pub(super) fn judge(property: &Property, output: &[u8]) -> String {
    match property {
        Property::CountEquals { text, capture } => {
            let count = count(output, text.as_bytes());
            match stated(capture, output) {
                Some(stated) if stated == count => "yes".to_owned(),
                Some(stated) => format!("no, {count} and {stated}"),
                None => format!("no, {count} and nothing"),
            }
        }
        Property::CountBetween { text, least, most } => {
            let count = count(output, text.as_bytes());
            if (*least..=*most).contains(&count) {
                "yes".to_owned()
            } else {
                format!("no, {count}")
            }
        }
    }
}

/// Occurrences that do not overlap.
fn count(output: &[u8], text: &[u8]) -> u64 {
    let mut count = 0;
    let mut at = 0;
    while !text.is_empty() && at + text.len() <= output.len() {
        if output[at..].starts_with(text) {
            count += 1;
            at += text.len();
        } else {
            at += 1;
        }
    }
    count
}

/// The number in the first group of the first match.
fn stated(capture: &str, output: &[u8]) -> Option<u64> {
    let found = Regex::new(capture).ok()?.captures(output)?;
    std::str::from_utf8(found.get(1)?.as_bytes())
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bels() -> Property {
        Property::CountEquals {
            text: "\u{7}".to_owned(),
            capture: "count ([0-9]+)".to_owned(),
        }
    }

    #[test]
    fn a_count_is_compared_with_what_the_program_says() {
        assert_eq!(judge(&bels(), b"\x07\x07\x07\ncount 3 rt 0\n"), "yes");
        assert_eq!(
            judge(&bels(), b"\x07\x07\x07\ncount 4 rt 0\n"),
            "no, 3 and 4"
        );
        assert_eq!(judge(&bels(), b"\x07"), "no, 1 and nothing");
    }

    #[test]
    fn bounds_are_included_and_occurrences_do_not_overlap() {
        let between = |least, most| Property::CountBetween {
            text: "aa".to_owned(),
            least,
            most,
        };
        assert_eq!(judge(&between(2, 2), b"aaaaa"), "yes");
        assert_eq!(judge(&between(3, 9), b"aaaaa"), "no, 2");
    }
}
