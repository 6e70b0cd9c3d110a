//! Whether a lab is proved, and what keeps it from that.

use std::collections::BTreeSet;

use super::{Kind, Problem, Proof, Row};
use crate::prove::record::Moved;
use crate::verdict::Outcome;

impl Proof {
    /// Everything that keeps the lab from being proved, most basic first.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for row in &self.rows {
            let moved = self.moved(row);
            if !moved.is_empty() {
                problems.push(Problem::Unsteady {
                    name: row.name.clone(),
                    what: moved.join(", "),
                });
            } else if let Some(why) = row.runs.first().and_then(|run| self.wrong(&row.kind, run)) {
                problems.push(Problem::Wrong {
                    name: row.name.clone(),
                    why,
                });
            }
            if matches!(row.kind, Kind::Starter { .. }) {
                problems.extend(row.build.iter().map(|why| Problem::Wrong {
                    name: row.name.clone(),
                    why: why.clone(),
                }));
            }
        }
        problems.extend(self.unkilled().map(|id| Problem::Unkilled(id.to_owned())));
        problems
    }

    /// Requirements that no mutant fails, although this machine can judge them.
    pub(super) fn unkilled(&self) -> impl Iterator<Item = &str> {
        let got = |row: &Row, index: usize, outcome: Outcome| {
            let mut runs = row.runs.iter();
            runs.any(|run| run.get(index) == Some(&outcome))
        };
        let unkilled = self
            .requirements
            .iter()
            .enumerate()
            .filter(move |(index, _)| {
                let (mut mutants, mut rows) = (self.mutants(), self.rows.iter());
                !mutants.any(|row| got(row, *index, Outcome::Fail))
                    && !rows.any(|row| got(row, *index, Outcome::Skipped))
            });
        unkilled.map(|(_, id)| id.as_str())
    }

    /// Faults of the grader or the machine: nothing is proved or disproved by them.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let fault = |row: &Row| {
            row.faults
                .iter()
                .map(|why| format!("{}: {why}", row.name))
                .collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(fault).collect()
    }

    /// Exit status: 0 proved, 1 not proved, 3 it could not be found out.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        if !self.faults().is_empty() {
            3
        } else {
            u8::from(!self.problems().is_empty())
        }
    }

    /// Whether a mutant got what it declares, in every run.
    pub(super) fn as_declared(&self, row: &Row) -> bool {
        let first = row.runs.first();
        self.moved(row).is_empty()
            && row.faults.is_empty()
            && first.is_some_and(|run| self.wrong(&row.kind, run).is_none())
    }

    /// What moved between the repeats of a row: requirements, or scenarios of the reference.
    pub(super) fn moved(&self, row: &Row) -> Vec<String> {
        let Some((first, others)) = row.runs.split_first() else {
            return Vec::new();
        };
        let outcomes = self.requirements.iter().enumerate().filter(|(index, _)| {
            others
                .iter()
                .any(|other| other.get(*index) != first.get(*index))
        });
        outcomes
            .map(|(_, id)| id.clone())
            .chain(row.moved.iter().map(Moved::place))
            .collect()
    }

    fn wrong(&self, kind: &Kind, run: &[Outcome]) -> Option<String> {
        let of = |wanted: &[Outcome]| -> BTreeSet<String> {
            let pairs = self.requirements.iter().zip(run);
            pairs
                .filter(|(_, outcome)| wanted.contains(outcome))
                .map(|(id, _)| id.clone())
                .collect()
        };
        let failed = of(&[Outcome::Fail, Outcome::Unstable]);
        let open = of(&[Outcome::NotReached]);
        let mut said = Vec::new();
        let mut say = |text: &str, ids: BTreeSet<String>| {
            if !ids.is_empty() {
                said.push(format!(
                    "{text} {}",
                    ids.into_iter().collect::<Vec<_>>().join(", ")
                ));
            }
        };
        match kind {
            Kind::Reference | Kind::Good => {
                say("must pass everything, but fails", failed);
                say("must pass everything, but does not reach", open);
            }
            Kind::Empty => say("must earn nothing, but passes", of(&[Outcome::Pass])),
            Kind::Starter { meets } => {
                let met = of(&[Outcome::Pass]);
                let open = of(&[Outcome::Skipped]);
                let undeclared = met.difference(meets).cloned().collect();
                say("passes what starter.toml does not declare:", undeclared);
                let missing = meets.difference(&met).filter(|id| !open.contains(*id));
                say(
                    "must pass, by starter.toml, but does not:",
                    missing.cloned().collect(),
                );
            }
            Kind::Mutant { fails, not_reached } => {
                let skipped = of(&[Outcome::Skipped]);
                let expected: BTreeSet<String> = fails.difference(&skipped).cloned().collect();
                say(
                    "must fail, but does not:",
                    expected.difference(&failed).cloned().collect(),
                );
                say(
                    "fails, which is not declared:",
                    failed.difference(fails).cloned().collect(),
                );
                let open = open
                    .difference(not_reached)
                    .filter(|id| !fails.contains(*id))
                    .cloned();
                say("does not reach, which is not declared:", open.collect());
            }
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}
