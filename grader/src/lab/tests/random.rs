//! No text makes the parser or the renderer panic.

use proptest::prelude::*;

use super::{REFERENCES, built_in};
use crate::lab::{lint, parse};

/// Words of the language, so that random texts get past the first error.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "=",
            ",",
            "\"",
            "'",
            "\n",
            ".",
            "#",
            "\\",
            "0",
            "1",
            "-1",
            "9999999999999999999",
            "0o777",
            "1.5",
            "true",
            "\"\"",
            "\"server\"",
            "\"alice\"",
            "\"{n}\"",
            "\"{socket}\"",
            "\"filter.out\"",
            "start",
            "type",
            "send",
            "connect",
            "repeat",
            "times",
            "steps",
            "all",
            "proves",
            "signal",
            "disturb",
            "scenario",
            "id",
            "é",
            "\u{202e}",
            "\u{0}",
            "\t",
            "\r\n",
            "лаб",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ]
}

fn survives(source: &str) {
    let found = lint("lab.toml", source, REFERENCES);
    let parsed = parse("lab.toml", source, REFERENCES);
    assert_eq!(parsed.is_err(), found.errors() > 0);
    assert_eq!(found.render(false).is_empty(), found.is_empty());
    for finding in &found {
        assert!(found.position(finding).0 >= 1);
    }
}

/// The id of a lab.
fn lab() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["pipe-upper", "sig-count", "us-upper"])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text(source in proptest::collection::vec(word(), 0..60)) {
        survives(&source.concat());
    }

    #[test]
    fn a_lab_with_some_words_replaced(
        lab in lab(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0..20usize, word()), 1..4),
    ) {
        let mut source: Vec<char> = built_in(lab).chars().collect();
        for (place, length, word) in changes {
            let at = place.index(source.len());
            let end = (at + length).min(source.len());
            source.splice(at..end, word.chars());
        }
        survives(&source.iter().collect::<String>());
    }

    #[test]
    fn a_lab_with_a_piece_cut_out(lab in lab(), from: proptest::sample::Index, length in 0..2000usize) {
        let source: Vec<char> = built_in(lab).chars().collect();
        let at = from.index(source.len());
        let end = (at + length).min(source.len());
        survives(&source[..at].iter().chain(&source[end..]).collect::<String>());
    }
}
