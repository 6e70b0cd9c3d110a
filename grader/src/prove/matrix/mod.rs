//! The judgement on a lab: requirement × mutant.

mod judge;
mod page;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use super::fixture::Fixture;
use super::record::Moved;
use crate::verdict::Outcome;

/// What a row of the matrix must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The reference plays every role: full marks.
    Reference,
    /// Programs that end at once: nothing.
    Empty,
    /// What a student begins with: exactly these, built without a warning.
    Starter {
        /// Must pass.
        meets: BTreeSet<String>,
    },
    /// A good submission: full marks.
    Good,
    /// A mutant: exactly these.
    Mutant {
        /// Must fail.
        fails: BTreeSet<String>,
        /// May be left open.
        not_reached: BTreeSet<String>,
    },
}

/// A submission and what it got, once for each repeat.
#[derive(Clone, Debug)]
pub struct Row {
    /// `reference`, `empty`, `starter`, or the fixture's name.
    pub name: String,
    /// What it must get.
    pub kind: Kind,
    /// The outcomes of each repeat, in the order of the lab's requirements.
    pub runs: Vec<Vec<Outcome>>,
    /// Faults of the grader or the machine.
    pub faults: Vec<String>,
    /// What is wrong with its build; judged for the starter.
    pub build: Vec<String>,
    /// Where transcripts were not the same in all repeats, once for a scenario; filled for the reference.
    pub moved: Vec<Moved>,
}

impl Row {
    /// A row for a fixture, without results yet.
    #[must_use]
    pub fn of(fixture: &Fixture) -> Self {
        let kind = if fixture.is_good() {
            Kind::Good
        } else {
            Kind::Mutant {
                fails: fixture.fails.clone(),
                not_reached: fixture.not_reached.clone(),
            }
        };
        Self::new(&fixture.name, kind)
    }

    /// A row without results yet.
    #[must_use]
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            runs: Vec::new(),
            faults: Vec::new(),
            build: Vec::new(),
            moved: Vec::new(),
        }
    }

    fn is_mutant(&self) -> bool {
        matches!(self.kind, Kind::Mutant { .. })
    }

    /// Requirements passed in the first run.
    fn passed(&self) -> usize {
        let run = self.runs.first().map_or(&[][..], Vec::as_slice);
        run.iter()
            .filter(|outcome| **outcome == Outcome::Pass)
            .count()
    }
}

/// Something that keeps a lab from being proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Outcomes differ from what was declared.
    Wrong {
        /// The row.
        name: String,
        /// What is wrong, in words.
        why: String,
    },
    /// Outcomes or transcripts differ between repeats.
    Unsteady {
        /// The row.
        name: String,
        /// Which requirements or scenarios.
        what: String,
    },
    /// No mutant fails this requirement: an untested promise.
    Unkilled(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong { name, why } => write!(f, "{name}: {why}"),
            Self::Unsteady { name, what } => write!(f, "{name}: not the same in every run: {what}"),
            Self::Unkilled(id) => write!(f, "no mutant fails `{id}`: it is an untested promise"),
        }
    }
}

/// All rows of a lab.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The lab's id.
    pub lab: String,
    /// The lab's requirements, in order.
    pub requirements: Vec<String>,
    /// Reference, empty, starter, good ones, mutants.
    pub rows: Vec<Row>,
}

impl Proof {
    fn mutants(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_mutant())
    }
}
