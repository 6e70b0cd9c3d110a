//! The part of a lab that was asked for.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{CheckError, CheckOptions};
use crate::lab::{Lab, Scenario};

/// The lab reduced to what was asked for: the scenarios, and the requirements that they prove.
pub(super) fn chosen<'l>(lab: &'l Lab, options: &CheckOptions) -> Result<Cow<'l, Lab>, CheckError> {
    if options.scenarios.is_empty() && options.requirements.is_empty() {
        return Ok(Cow::Borrowed(lab));
    }
    let unknown = |kind, name: &str, known: Vec<&str>| CheckError::Unknown {
        lab: lab.id.clone(),
        kind,
        name: name.to_owned(),
        known: known.join(", "),
    };
    for name in &options.scenarios {
        if !lab.scenarios.iter().any(|s| s.id == *name) {
            let known = lab.scenarios.iter().map(|s| s.id.as_str()).collect();
            return Err(unknown("scenario", name, known));
        }
    }
    for name in &options.requirements {
        if !lab.requirements.iter().any(|r| r.id == *name) {
            let known = lab.requirements.iter().map(|r| r.id.as_str()).collect();
            return Err(unknown("requirement", name, known));
        }
    }
    let mut out = lab.clone();
    if !options.requirements.is_empty() {
        let asked = with_needs(lab, &options.requirements);
        out.requirements.retain(|r| asked.contains(r.id.as_str()));
        out.scenarios
            .retain(|s| proved_by(s).iter().any(|id| asked.contains(id)));
    }
    if !options.scenarios.is_empty() {
        out.scenarios.retain(|s| options.scenarios.contains(&s.id));
        let proved: BTreeSet<&str> = out.scenarios.iter().flat_map(proved_by).collect();
        out.requirements.retain(|r| proved.contains(r.id.as_str()));
    }
    Ok(Cow::Owned(out))
}

/// The requirements, and those without which they cannot be judged.
fn with_needs<'a>(lab: &'a Lab, asked: &'a [String]) -> BTreeSet<&'a str> {
    let mut out = BTreeSet::new();
    let mut open: Vec<&str> = asked.iter().map(String::as_str).collect();
    while let Some(id) = open.pop() {
        if out.insert(id) {
            let needs = lab.requirements.iter().filter(|r| r.id == id);
            open.extend(needs.flat_map(|r| r.needs.iter().map(String::as_str)));
        }
    }
    out
}

/// The requirements for which a scenario holds evidence.
fn proved_by(scenario: &Scenario) -> BTreeSet<&str> {
    let steps = scenario.steps.iter().flat_map(|step| &step.proves);
    let checks = scenario.checks.iter().flat_map(|check| &check.proves);
    steps
        .map(|proof| proof.requirement.as_str())
        .chain(checks.map(String::as_str))
        .collect()
}
