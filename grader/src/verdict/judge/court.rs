//! The needs: what a requirement comes to when another one stands in its way.

use std::collections::BTreeMap;

use super::finding::{Charge, Finding};
use crate::lab::{Lab, Lang, Requirement};
use crate::verdict::{Outcome, Reason, Verdict, explain};

/// Applies the needs.
pub(super) struct Court<'a> {
    pub(super) lab: &'a Lab,
    pub(super) findings: &'a BTreeMap<&'a str, Finding<'a>>,
    pub(super) ruled: BTreeMap<&'a str, Ruling>,
}

/// The outcome, and the requirement that stands in the way.
#[derive(Clone, Debug)]
pub(super) struct Ruling {
    outcome: Outcome,
    blocked_by: Option<String>,
}

impl<'a> Court<'a> {
    /// What a requirement comes to.
    pub(super) fn rule(&mut self, id: &str) -> Ruling {
        let plain = |outcome| Ruling {
            outcome,
            blocked_by: None,
        };
        if let Some(ruling) = self.ruled.get(id) {
            return ruling.clone();
        }
        let Some((id, finding)) = self.findings.get_key_value(id) else {
            return plain(Outcome::Pass);
        };
        let outcome = match finding {
            Finding::Pass => Outcome::Pass,
            Finding::Fail(_) => Outcome::Fail,
            Finding::Unstable(..) => Outcome::Unstable,
            Finding::Fault(_) => Outcome::Error,
            Finding::NotBuilt(_) | Finding::Later(_) => Outcome::NotReached,
            Finding::Unavailable(_) => Outcome::Skipped,
        };
        // Also ends a circle of needs, which only a lab that was not linted can have.
        self.ruled.insert(id, plain(outcome));
        let ruling = match finding {
            Finding::Fail(_) | Finding::Later(_) => match self.blocker(id) {
                Some(other) => Ruling {
                    outcome: Outcome::NotReached,
                    blocked_by: Some(other),
                },
                None => plain(outcome),
            },
            _ => plain(outcome),
        };
        self.ruled.insert(id, ruling.clone());
        ruling
    }

    /// The first requirement, among those needed directly or by way of others, that is not met.
    fn blocker(&mut self, id: &str) -> Option<String> {
        let lab = self.lab;
        let mut seen = vec![id.to_owned()];
        let mut next = needs(lab, id);
        while let Some(need) = next.pop() {
            if seen.contains(&need) {
                continue;
            }
            let ruling = self.rule(&need);
            match (ruling.outcome, ruling.blocked_by) {
                (Outcome::Pass | Outcome::Skipped, _) => {
                    next.extend(needs(lab, &need));
                    seen.push(need);
                }
                (_, Some(root)) if root != id => return Some(root),
                _ => return Some(need),
            }
        }
        None
    }
}

/// What a requirement needs, the first one last.
fn needs(lab: &Lab, id: &str) -> Vec<String> {
    let requirement = lab
        .requirements
        .iter()
        .find(|requirement| requirement.id == id);
    requirement.map_or_else(Vec::new, |requirement| {
        requirement.needs.iter().rev().cloned().collect()
    })
}

/// The verdict, with the reason where the requirement is not met.
pub(super) fn verdict(
    lab: &Lab,
    requirement: &Requirement,
    ruling: &Ruling,
    finding: Option<&Finding<'_>>,
    lang: Lang,
) -> Verdict {
    let difference = |charge: &Charge<'_>| {
        let case = explain::Case {
            lab,
            scenario: charge.scenario,
            ran: charge.ran,
            lang,
        };
        Reason::Difference(Box::new(explain::explain(&case, charge.difference)))
    };
    let reason = match (&ruling.blocked_by, finding) {
        (Some(requirement), _) => Some(Reason::Prerequisite {
            requirement: requirement.clone(),
        }),
        (None, Some(finding)) => match finding {
            Finding::Pass => None,
            Finding::Fail(charge) => Some(difference(charge)),
            Finding::Unstable(charge, later) => {
                charge.as_ref().map(difference).or_else(|| later.clone())
            }
            Finding::Fault(what) => Some(Reason::Fault(what.clone())),
            Finding::NotBuilt(program) => Some(Reason::NotBuilt {
                program: (*program).to_owned(),
            }),
            Finding::Unavailable(lack) => Some(Reason::Unavailable(lack.text(lang))),
            Finding::Later(reason) => Some(reason.clone()),
        },
        (None, None) => None,
    };
    let points = match ruling.outcome {
        Outcome::Pass => requirement.points,
        Outcome::Fail
        | Outcome::NotReached
        | Outcome::Unstable
        | Outcome::Error
        | Outcome::Skipped => 0,
    };
    Verdict {
        requirement: requirement.id.clone(),
        outcome: ruling.outcome,
        points,
        of: requirement.points,
        reason,
    }
}
