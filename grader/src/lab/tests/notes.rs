//! The table from the course's lecture notes to the labs, in `docs/labs.md`: what it names exists.

use std::collections::{BTreeMap, BTreeSet};

use super::REFERENCES;
use crate::lab::catalog;

const PAGE: &str = include_str!("../../../../docs/labs.md");

/// Labs of the plan that are still to come.
const PLANNED: &[&str] = &["bank", "csp", "lockless", "table"];

/// The rows of the table below a heading, without its head.
fn rows(heading: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(heading).unwrap();
    let section = section.split("\n#").next().unwrap();
    let table = section.lines().filter(|line| line.starts_with("| "));
    table.skip(2).collect()
}

/// `lab/requirement` in a row, and whether its lab is said to be to come.
fn named(row: &str) -> Vec<(String, String, bool)> {
    let pieces: Vec<&str> = row.split('`').collect();
    let quoted = pieces.iter().zip(pieces.iter().skip(1)).skip(1).step_by(2);
    quoted
        .filter_map(|(name, after)| {
            let (lab, requirement) = name.split_once('/')?;
            Some((
                lab.to_owned(),
                requirement.to_owned(),
                after.starts_with(" (coming)"),
            ))
        })
        .collect()
}

#[test]
fn every_idea_of_the_notes_leads_to_a_requirement() {
    let labs: BTreeMap<&str, BTreeSet<String>> = catalog::embedded()
        .iter()
        .map(|lab| {
            let requirements = lab.load(REFERENCES).unwrap().lab.requirements;
            (lab.id, requirements.into_iter().map(|r| r.id).collect())
        })
        .collect();
    let rows = rows("\n## From the lecture notes to the labs\n");
    assert!(rows.len() >= 60, "{}", rows.len());
    for row in rows {
        let named = named(row);
        assert!(!named.is_empty(), "leads nowhere: {row}");
        for (lab, requirement, coming) in named {
            match labs.get(lab.as_str()) {
                Some(known) => assert!(known.contains(&requirement), "{lab}/{requirement}: {row}"),
                None => assert!(
                    coming && PLANNED.contains(&lab.as_str()),
                    "{lab}/{requirement}: {row}"
                ),
            }
        }
    }
}

#[test]
fn every_erratum_is_said_in_a_handout() {
    let errata = rows("\n### Errata of the notes\n");
    let numbers: Vec<&str> = errata.iter().map(|row| &row[2..4]).collect();
    assert_eq!(
        numbers,
        ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"]
    );
    for row in errata {
        let labs: Vec<&str> = row
            .split("(../labs/")
            .skip(1)
            .filter_map(|rest| rest.split('/').next())
            .collect();
        assert!(!labs.is_empty(), "{row}");
        for id in labs {
            let lab = catalog::embedded().iter().find(|lab| lab.id == id).unwrap();
            for (lang, handout) in lab.handouts {
                let said = ["About the lecture notes", "О конспекте лекций"];
                assert!(
                    said.iter().any(|heading| handout.contains(heading)),
                    "{id} {lang}"
                );
            }
        }
    }
}
