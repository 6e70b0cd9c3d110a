//! Properties of the text that a program wrote.

use std::cmp::Ordering;

use super::MOST_SHOWN;
use crate::lab::{self, Property};

/// A property of what was written; the error says what was found.
pub(super) fn written(property: &Property, output: &[u8]) -> Result<(), String> {
    match property {
        Property::CountEquals { text, capture } => {
            let count = count(output, text.as_bytes());
            match stated(capture, output) {
                Some(stated) if stated == count => Ok(()),
                Some(stated) => Err(format!("{count} and {stated}")),
                None => Err(format!("{count} and nothing")),
            }
        }
        Property::CountBetween { text, least, most } => {
            let count = count(output, text.as_bytes());
            let named = named(text);
            if count < *least {
                Err(format!("{named} {count} times, less than {least}"))
            } else if count > *most {
                Err(format!("{named} {count} times, more than {most}"))
            } else {
                Ok(())
            }
        }
        Property::Counts { counts, exactly } => {
            let wrong: Vec<String> = counts
                .iter()
                .filter_map(|(text, times)| {
                    let count = count(output, text.as_bytes());
                    match count.cmp(times) {
                        Ordering::Less => Some(format!("{} {count} of {times} times", named(text))),
                        Ordering::Greater if *exactly => {
                            Some(format!("{} {count} times, not {times}", named(text)))
                        }
                        _ => None,
                    }
                })
                .collect();
            all_right(&wrong)
        }
        Property::Subsequence(text) => subsequence(text.as_bytes(), output),
        Property::Contains(texts) => {
            let missing = texts
                .iter()
                .filter(|text| count(output, text.as_bytes()) == 0);
            let missing: Vec<String> = missing
                .map(|text| format!("{} is missing", quoted(text.as_bytes())))
                .collect();
            all_right(&missing)
        }
        Property::Absent(texts) => {
            let there = texts
                .iter()
                .filter(|text| count(output, text.as_bytes()) > 0);
            let there: Vec<String> = there
                .map(|text| format!("{} is there", quoted(text.as_bytes())))
                .collect();
            all_right(&there)
        }
        Property::Matches(expression) => match lab::expression(expression) {
            Ok(regex) if regex.is_match(output) => Ok(()),
            _ if output.is_empty() => Err("nothing was written".to_owned()),
            _ => {
                // What stands at the end is more often the answer than what stands at the beginning.
                let end = output.trim_ascii_end();
                let end = &end[end.len().saturating_sub(MOST_SHOWN)..];
                let cut = |byte: &u8| byte & 0xc0 == 0x80;
                let rest = end.iter().take(3).take_while(|byte| cut(byte)).count();
                Err(format!(
                    "it is not there; at the end is {}",
                    quoted(&end[rest..])
                ))
            }
        },
        // Not about what was written alone.
        Property::TellsChildren(_)
        | Property::Ended(_)
        | Property::Unlinked
        | Property::NoSocketLeft
        | Property::Live
        | Property::WaitsIn(_)
        | Property::Holds(_)
        | Property::Executed(_)
        | Property::Called(_)
        | Property::NotCalled(_)
        | Property::Among(_) => Ok(()),
    }
}

fn all_right(wrong: &[String]) -> Result<(), String> {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join(", "))
    }
}

/// `the letter B`, or the text in quotes.
fn named(text: &str) -> String {
    match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => format!("the letter {text}"),
        _ => quoted(text.as_bytes()),
    }
}

/// A text in quotes, its beginning if it is long.
pub(in crate::transcript) fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown: String = text
        .chars()
        .take(MOST_SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    let dots = if text.chars().count() > MOST_SHOWN {
        "…"
    } else {
        ""
    };
    format!("\"{shown}{dots}\"")
}

fn subsequence(text: &[u8], output: &[u8]) -> Result<(), String> {
    let mut rest = output.iter();
    let wanted = text.iter().enumerate();
    let mut wanted = wanted.filter(|(_, byte)| !byte.is_ascii_whitespace());
    match wanted.find(|(_, byte)| !rest.any(|other| other == *byte)) {
        None => Ok(()),
        Some((0, _)) => Err(format!("{} is missing", quoted(text))),
        Some((at, _)) => {
            let before = at.saturating_sub(MOST_SHOWN / 2);
            Err(format!(
                "after {} {} is missing",
                quoted(&text[before..at]),
                quoted(&text[at..])
            ))
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
    let found = lab::expression(capture).ok()?.captures(output)?;
    std::str::from_utf8(found.get(1)?.as_bytes())
        .ok()?
        .parse()
        .ok()
}
