//! The judgement on a lab: requirement × mutant.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::verdict::Outcome;

use super::fixture::Fixture;

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
    /// Scenarios whose transcript was not the same in all repeats; filled for the reference.
    pub moved: Vec<String>,
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
        for (index, id) in self.requirements.iter().enumerate() {
            let killed = self.rows.iter().any(|row| {
                matches!(row.kind, Kind::Mutant { .. })
                    && row
                        .runs
                        .iter()
                        .any(|run| run.get(index) == Some(&Outcome::Fail))
            });
            let skipped = self
                .rows
                .iter()
                .flat_map(|row| &row.runs)
                .any(|run| run.get(index) == Some(&Outcome::Skipped));
            if !killed && !skipped {
                problems.push(Problem::Unkilled(id.clone()));
            }
        }
        problems
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

    /// What moved between the repeats of a row: requirements, or scenarios of the reference.
    fn moved(&self, row: &Row) -> Vec<String> {
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
            .chain(row.moved.iter().cloned())
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

    fn passed(&self, row: &Row) -> usize {
        let run = row.runs.first().map_or(&[][..], Vec::as_slice);
        run.iter()
            .filter(|outcome| **outcome == Outcome::Pass)
            .count()
    }

    fn is_mutant(row: &Row) -> bool {
        matches!(row.kind, Kind::Mutant { .. })
    }

    /// Writes the matrix and the judgement for people.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = self.requirements.len();
        for row in self.rows.iter().filter(|row| !Self::is_mutant(row)) {
            write!(out, "{:<20} {:>3}/{all}", row.name, self.passed(row))?;
            let runs = row.runs.len();
            match row.kind {
                Kind::Reference if row.moved.is_empty() => {
                    writeln!(out, "   {runs} runs, one transcript each")?;
                }
                _ if runs > 1 => writeln!(out, "   {runs} runs")?,
                _ => writeln!(out)?,
            }
        }
        writeln!(out)?;
        self.write_matrix(out)?;
        self.write_judgement(out)
    }

    fn write_matrix(&self, out: &mut dyn Write) -> io::Result<()> {
        let mutants: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| Self::is_mutant(row))
            .collect();
        let Some(name) = mutants.iter().map(|row| row.name.chars().count()).max() else {
            return Ok(());
        };
        let room = 80_usize.saturating_sub(name + 1);
        // As wide as the names allow and the page has room; narrower than that, several blocks.
        let longest = self
            .requirements
            .iter()
            .map(|id| id.chars().count())
            .max()
            .unwrap_or(1);
        let fitting = longest.min((room / self.requirements.len().max(1)).saturating_sub(1));
        let short = |id: &String| id.chars().take(fitting).collect::<String>();
        let told_apart = self
            .requirements
            .iter()
            .map(short)
            .collect::<BTreeSet<_>>()
            .len();
        let cell = if fitting >= 3 && told_apart == self.requirements.len() {
            fitting
        } else {
            longest.min(6)
        };
        let in_a_block = (room / (cell + 1)).max(1);
        let indices: Vec<usize> = (0..self.requirements.len()).collect();
        for block in indices.chunks(in_a_block) {
            let mut head = " ".repeat(name);
            for &index in block {
                let id: String = self.requirements[index].chars().take(cell).collect();
                head += &format!(" {id:cell$}");
            }
            writeln!(out, "{}", head.trim_end())?;
            for row in &mutants {
                write!(out, "{:name$}", row.name)?;
                // The mark stands in the middle of its column; nothing follows the last one.
                let mut gap = 1 + (cell - 1) / 2;
                for &index in block {
                    let (mark, style) = mark(row, index);
                    write!(out, "{:gap$}{style}{mark}{style:#}", "")?;
                    gap = cell;
                }
                writeln!(out)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_judgement(&self, out: &mut dyn Write) -> io::Result<()> {
        let problems = self.problems();
        let bad = AnsiColor::Red.on_default().bold();
        for problem in &problems {
            writeln!(
                out,
                "{bad}✗{bad:#} {}",
                crate::report::clean(&problem.to_string())
            )?;
        }
        for fault in self.faults() {
            writeln!(out, "{bad}error{bad:#}: {}", crate::report::clean(&fault))?;
        }
        let mutants: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| Self::is_mutant(row))
            .collect();
        let as_declared = mutants.iter().filter(|row| {
            self.moved(row).is_empty()
                && row.faults.is_empty()
                && row
                    .runs
                    .first()
                    .is_some_and(|run| self.wrong(&row.kind, run).is_none())
        });
        let unkilled = problems
            .iter()
            .filter(|problem| matches!(problem, Problem::Unkilled(_)))
            .count();
        let killed = match unkilled {
            0 => "every requirement is killed by at least one".to_owned(),
            1 => "1 requirement is killed by none".to_owned(),
            n => format!("{n} requirements are killed by none"),
        };
        let runs: usize = self.rows.iter().map(|row| row.runs.len()).sum();
        let moved = self
            .rows
            .iter()
            .filter(|row| !self.moved(row).is_empty())
            .count();
        let kind = if mutants.len() == 1 {
            "mutant"
        } else {
            "mutants"
        };
        writeln!(
            out,
            "{} {kind}, {} as declared · {killed} · {runs} runs, {moved} moved",
            mutants.len(),
            as_declared.count(),
        )
    }
}

/// The mark of a cell: what happened in every run, or `≈`.
fn mark(row: &Row, index: usize) -> (&'static str, Style) {
    let mut outcomes = row.runs.iter().filter_map(|run| run.get(index));
    let Some(first) = outcomes.next() else {
        return (" ", Style::new());
    };
    if outcomes.any(|outcome| outcome != first) {
        return ("≈", AnsiColor::Yellow.on_default().bold());
    }
    match first {
        Outcome::Pass => ("·", Style::new().dimmed()),
        Outcome::Fail => ("✗", AnsiColor::Red.on_default().bold()),
        Outcome::NotReached => ("–", Style::new()),
        Outcome::Unstable => ("≈", AnsiColor::Yellow.on_default().bold()),
        Outcome::Error => ("!", AnsiColor::Yellow.on_default().bold()),
        Outcome::Skipped => ("○", Style::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Fail, NotReached, Pass};

    fn ids(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|&id| id.to_owned()).collect()
    }

    fn row(name: &str, kind: Kind, runs: &[[Outcome; 3]]) -> Row {
        let runs = runs.iter().map(|run| run.to_vec()).collect();
        Row {
            runs,
            ..Row::new(name, kind)
        }
    }

    fn mutant(name: &str, fails: &[&str], open: &[&str], runs: &[[Outcome; 3]]) -> Row {
        row(
            name,
            Kind::Mutant {
                fails: ids(fails),
                not_reached: ids(open),
            },
            runs,
        )
    }

    fn proved() -> Proof {
        Proof {
            lab: "us-upper".to_owned(),
            requirements: ["s-address", "s-next", "s-bye"].map(str::to_owned).to_vec(),
            rows: vec![
                row("reference", Kind::Reference, &[[Pass; 3], [Pass; 3]]),
                row("empty", Kind::Empty, &[[Fail, NotReached, NotReached]]),
                row("good-poll", Kind::Good, &[[Pass; 3]]),
                mutant("fixed-path", &["s-address"], &[], &[[Fail, Pass, Pass]; 2]),
                mutant(
                    "serve-one",
                    &["s-next"],
                    &["s-bye"],
                    &[[Pass, Fail, NotReached]; 2],
                ),
                mutant(
                    "no-unlink",
                    &["s-bye"],
                    &["s-next"],
                    &[[Pass, Pass, Fail]; 2],
                ),
            ],
        }
    }

    fn text(proof: &Proof) -> String {
        let mut out = Vec::new();
        proof.write(&mut out).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn a_proved_lab() {
        let proof = proved();
        assert_eq!((proof.problems(), proof.exit_status()), (vec![], 0));
        insta::assert_snapshot!(text(&proof));
    }

    #[test]
    fn a_mutant_must_fail_exactly_what_it_declares() {
        let mut proof = proved();
        proof.rows[4].runs = vec![vec![Fail, Pass, NotReached]; 2];
        let problems = proof.problems();
        let text = problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n");
        assert!(
            text.contains("serve-one: must fail, but does not: s-next"),
            "{text}"
        );
        assert!(
            text.contains("fails, which is not declared: s-address"),
            "{text}"
        );
        assert!(text.contains("no mutant fails `s-next`"), "{text}");
        assert_eq!(proof.exit_status(), 1);
        insta::assert_snapshot!(self::text(&proof));
    }

    #[test]
    fn what_is_left_open_must_be_declared() {
        let mut proof = proved();
        proof.rows[3].runs = vec![vec![Fail, Pass, NotReached]];
        assert!(
            proof.problems()[0]
                .to_string()
                .contains("does not reach, which is not declared: s-bye")
        );
    }

    #[test]
    fn a_reference_or_good_submission_that_fails_disproves() {
        for index in [0, 2] {
            for outcome in [Fail, NotReached] {
                let mut proof = proved();
                proof.rows[index].runs = vec![vec![Pass, Pass, outcome]];
                assert_eq!(proof.problems().len(), 1, "{index} {outcome:?}");
            }
        }
    }

    #[test]
    fn an_empty_submission_that_earns_something_disproves() {
        let mut proof = proved();
        proof.rows[1].runs[0][2] = Pass;
        assert!(
            proof.problems()[0]
                .to_string()
                .contains("must earn nothing, but passes s-bye")
        );
    }

    #[test]
    fn a_starter_earns_what_it_declares_and_is_built_without_a_warning() {
        let starter = |meets: &[&str], run| {
            let mut proof = proved();
            let kind = Kind::Starter { meets: ids(meets) };
            proof.rows.insert(2, row("starter", kind, &[run]));
            proof
        };
        let good = starter(&["s-bye"], [Fail, NotReached, Pass]);
        assert_eq!(good.problems(), []);
        let said = |proof: &Proof| proof.problems()[0].to_string();
        let more = starter(&[], [Fail, NotReached, Pass]);
        assert!(said(&more).contains("starter.toml does not declare: s-bye"));
        let less = starter(&["s-bye"], [Fail, NotReached, Fail]);
        assert!(said(&less).contains("but does not: s-bye"));
        let mut warned = starter(&[], [Fail; 3]);
        warned.rows[2]
            .build
            .push("us-server is compiled with warnings".to_owned());
        assert!(said(&warned).contains("starter: us-server is compiled with warnings"));
    }

    #[test]
    fn verdicts_and_transcripts_must_not_move() {
        let mut proof = proved();
        proof.rows[4].runs[1][1] = Pass;
        assert!(
            matches!(&proof.problems()[0], Problem::Unsteady { name, what } if name == "serve-one" && what == "s-next")
        );
        assert!(text(&proof).contains("1 moved"));
        let mut proof = proved();
        proof.rows[0].moved = vec!["talk".to_owned()];
        assert!(
            matches!(&proof.problems()[0], Problem::Unsteady { name, .. } if name == "reference")
        );
    }

    #[test]
    fn faults_prove_nothing() {
        let mut proof = proved();
        proof.rows[5]
            .faults
            .push("the helper was killed by signal 9".to_owned());
        assert_eq!(proof.exit_status(), 3);
        assert!(text(&proof).contains("error: no-unlink: the helper was killed"));
    }

    #[test]
    fn a_wide_matrix_is_cut_into_blocks() {
        let mut proof = proved();
        proof.requirements = (0..30).map(|n| format!("requirement-{n}")).collect();
        let text = text(&proof);
        assert!(
            text.lines()
                .take_while(|line| !line.contains("mutants"))
                .filter(|line| line.contains("requ"))
                .count()
                > 1
        );
        assert!(
            text.lines()
                .filter(|line| line.starts_with("serve-one "))
                .all(|line| line.chars().count() <= 80)
        );
    }
}
