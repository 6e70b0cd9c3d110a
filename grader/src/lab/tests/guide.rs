//! The author's guide: every lab and every part of one in it is read.

use std::collections::BTreeMap;

use super::{REFERENCES, good, lint};
use crate::lab::raw;
use crate::lab::starter::Starter;

const GUIDE: &str = include_str!("../../../../docs/author.md");

/// Proves the requirements of the guide's `head`, so that parts need not.
const PROVED: &str = r#"
[[scenario]]
id    = "everything-is-proved"
cast  = { server = "student" }
steps = [ { start = "server", proves = ["works", "leaves"] } ]
"#;

/// The fenced blocks with this info string.
fn blocks(info: &str) -> Vec<&'static str> {
    let fence = format!("```{info}\n");
    let after: Vec<&str> = GUIDE.split(fence.as_str()).skip(1).collect();
    after
        .into_iter()
        .map(|text| text.split("\n```").next().unwrap())
        .collect()
}

#[test]
fn the_whole_lab_has_nothing_to_complain_about() {
    let labs = blocks("toml lab");
    assert_eq!(labs.len(), 1);
    let found = lint("lab.toml", labs[0], REFERENCES);
    assert!(found.is_empty(), "{}", found.render(false));
}

#[test]
fn every_part_of_a_lab_can_be_used() {
    let heads = blocks("toml head");
    let parts = blocks("toml part");
    assert_eq!(heads.len(), 1);
    assert!(parts.len() >= 10);
    for part in &parts {
        good(&format!("{}\n{PROVED}\n{part}\n", heads[0]));
    }
    // Together as well: their scenarios have different names.
    good(&format!("{}\n{PROVED}\n{}\n", heads[0], parts.join("\n\n")));
}

#[test]
fn the_fixture_is_the_one_that_is_there() {
    let fixture = include_str!("../../../../fixtures/us-upper/mutants/serve-one/fixture.toml");
    let read = |text: &str| text.parse::<toml::Table>().unwrap();
    assert_eq!(read(blocks("toml fixture")[0]), read(fixture));
}

#[test]
fn the_starter_can_be_declared_like_this() {
    let lab = good(&format!("{}\n{PROVED}\n", blocks("toml head")[0]));
    let toml = blocks("toml starter")[0].replace("leaves", "works");
    let declared = |toml: &str| Starter::new(&lab, BTreeMap::new(), toml);
    assert!(declared(&toml).unwrap_err().contains("at most 10"));
    assert!(declared("meets = []").unwrap().meets.is_empty());
}

#[test]
fn every_key_is_explained() {
    for key in raw::Step::KEYS.iter().filter(|key| **key != "proves") {
        assert!(GUIDE.contains(&format!("`{key} = ")), "{key}");
    }
    let tables = [
        raw::Header::KEYS,
        raw::Program::KEYS,
        raw::Tool::KEYS,
        raw::Requirement::KEYS,
        raw::Scenario::KEYS,
        raw::Setup::KEYS,
        raw::ConnectTable::KEYS,
        raw::ListenTable::KEYS,
        raw::AcceptTable::KEYS,
        raw::SignalTable::KEYS,
        raw::DataTable::KEYS,
        raw::File::KEYS,
        raw::Disturb::KEYS,
        raw::Check::KEYS,
        raw::CountEquals::KEYS,
        raw::CountBetween::KEYS,
        raw::Exclusive::KEYS,
        raw::Count::KEYS,
        raw::Lines::KEYS,
        raw::SameOrder::KEYS,
        raw::Received::KEYS,
    ];
    for key in tables.into_iter().flatten() {
        let named = [
            format!("`{key}`"),
            format!("{key} = "),
            format!(".{key}]]`"),
        ];
        assert!(named.iter().any(|name| GUIDE.contains(name)), "{key}");
    }
}
