//! What a regrade would change, and why; applied or discarded as a whole.

mod by_hand;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::standing::counted_at;
use super::{Gradebook, GradebookError, Override, time};

/// What waits to be applied, or what changed since some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// One for each requirement of a student that is judged otherwise.
    pub changes: Vec<Change>,
    /// How many students are concerned.
    pub students: usize,
    /// How many submissions are.
    pub submissions: usize,
}

/// A requirement that is judged otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Group; may be empty.
    pub group: String,
    /// The student.
    pub student: String,
    /// The lab.
    pub lab: String,
    /// Which attempt.
    pub attempt: u32,
    /// The requirement; empty for the submission as a whole, which could not be graded then or now.
    pub requirement: String,
    /// Before; `None`: there was none.
    pub was: Option<Judged>,
    /// Now.
    pub now: Option<Judged>,
    /// Points of the whole submission before and now.
    pub points: (u32, u32),
    /// Why it can be so; nothing: what it depends on is the same, so the result is not stable.
    pub why: Vec<Reason>,
}

/// How a requirement, or a submission as a whole, was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The outcome of a requirement, the status of a submission; empty where nothing was handed in.
    pub outcome: String,
    /// Points that count for it.
    pub points: f64,
    /// Points possible.
    pub of: u32,
    /// Whether the points were set by hand.
    pub by_hand: bool,
}

/// Something on which a result depends that is another now.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// What was handed in.
    Submission,
    /// The lab, and what about the requirement.
    Lab(Option<LabChange>),
    /// The grader.
    Grader,
    /// The compiler.
    Compiler,
    /// The options of the batch.
    Options,
    /// What was in force then and what is now of points set by hand; the same where they have stayed.
    ByHand(Box<(Option<Override>, Option<Override>)>),
}

/// What is another about a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabChange {
    /// It is new.
    New,
    /// There is none any more.
    Gone,
    /// It is worth other points.
    Points {
        /// Before.
        was: u32,
        /// Now.
        now: u32,
    },
    /// It has this title now.
    Title {
        /// In English.
        en: String,
        /// In Russian, where the lab has it.
        ru: Option<String>,
    },
}

/// What a run depended on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cause {
    sources: String,
    lab: String,
    grader: String,
    compiler: String,
    options: String,
}

impl Gradebook {
    /// Every pending result beside the one that it would replace.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn compare(&self) -> Result<Comparison, GradebookError> {
        self.compared(
            "SELECT old.id, new.id FROM run AS new
             JOIN run AS old ON old.submission = new.submission AND old.state = 'current'
             WHERE new.state = 'pending'",
            None,
        )
    }

    /// Every result that counts beside the one that counted at `since`, or, where none did, the first
    /// grade that counted after it; and what was set by hand since.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn compare_since(&self, since: i64) -> Result<Comparison, GradebookError> {
        let old = counted_at("new.submission", "?1");
        self.compared(
            &format!(
                "SELECT {old}, new.id
                 FROM run AS new WHERE new.state = 'current' AND new.counted >= ?1"
            ),
            Some(since),
        )
    }

    fn compared(&self, pairs: &str, since: Option<i64>) -> Result<Comparison, GradebookError> {
        let mut query = self.connection.prepare(pairs)?;
        let rows = query.query_map(rusqlite::params_from_iter(since), |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?))
        })?;
        let pairs = rows.collect::<Result<Vec<_>, _>>()?;
        let mut out = Comparison::default();
        for (old, new) in pairs {
            if let Some(old) = old {
                changes(&self.connection, old, new, &mut out.changes)?;
            }
        }
        self.add_by_hand(since, &mut out.changes)?;
        out.changes.sort_by(|a, b| {
            let key = |c: &Change| (c.group.clone(), c.student.clone(), c.lab.clone(), c.attempt);
            key(a).cmp(&key(b))
        });
        let of_students = out.changes.iter().map(|c| (&c.group, &c.student));
        out.students = of_students.collect::<BTreeSet<_>>().len();
        let submissions = out.changes.iter();
        let submissions = submissions.map(|c| (&c.group, &c.student, &c.lab, c.attempt));
        out.submissions = submissions.collect::<BTreeSet<_>>().len();
        Ok(out)
    }

    /// Puts every pending result in place of the one it was compared with.
    ///
    /// # Errors
    /// The gradebook cannot be written; then nothing has changed.
    pub fn apply(&mut self) -> Result<usize, GradebookError> {
        let step = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute(
            "UPDATE run SET state = 'superseded' WHERE state = 'current' AND submission IN
                (SELECT submission FROM run WHERE state = 'pending')",
            [],
        )?;
        let applied = step.execute(
            "UPDATE run SET state = 'current', counted = ? WHERE state = 'pending'",
            [time::now()],
        )?;
        step.commit()?;
        Ok(applied)
    }

    /// Gives every pending result up. What counted before goes on counting.
    ///
    /// # Errors
    /// The gradebook cannot be written; then nothing has changed.
    pub fn discard(&mut self) -> Result<usize, GradebookError> {
        let sql = "UPDATE run SET state = 'discarded' WHERE state = 'pending'";
        Ok(self.connection.execute(sql, [])?)
    }

    /// How many results wait.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn pending(&self) -> Result<usize, GradebookError> {
        let sql = "SELECT count(*) FROM run WHERE state = 'pending'";
        let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}

type Verdicts = BTreeMap<String, Judged>;

fn verdicts(connection: &Connection, run: i64) -> Result<Verdicts, GradebookError> {
    let mut query = connection.prepare_cached(
        "SELECT requirement, outcome, points, possible FROM verdict WHERE run = ?",
    )?;
    let rows = query.query_map([run], |row| {
        let judged = Judged {
            outcome: row.get(1)?,
            points: row.get(2)?,
            of: row.get(3)?,
            by_hand: false,
        };
        Ok((row.get(0)?, judged))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn changes(
    connection: &Connection,
    old: i64,
    new: i64,
    out: &mut Vec<Change>,
) -> Result<(), GradebookError> {
    let (was, now) = (verdicts(connection, old)?, verdicts(connection, new)?);
    let (old_cause, old_whole, old_points) = cause(connection, old)?;
    let (new_cause, new_whole, new_points) = cause(connection, new)?;
    let (group, student, lab, attempt) = connection
        .prepare_cached(
            "SELECT student.class, student.name, lab.name, submission.attempt FROM run
             JOIN submission ON submission.id = run.submission
             JOIN student ON student.id = submission.student
             JOIN lab ON lab.id = submission.lab WHERE run.id = ?",
        )?
        .query_row([new], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let base = Change {
        group,
        student,
        lab,
        attempt,
        requirement: String::new(),
        was: None,
        now: None,
        points: (old_points, new_points),
        why: why(&old_cause, &new_cause),
    };
    if old_whole.outcome != new_whole.outcome {
        out.push(Change {
            was: Some(old_whole),
            now: Some(new_whole),
            ..base.clone()
        });
    }
    let mut names: Vec<&String> = was.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    // Of a submission that was not graded nothing is judged otherwise: all of it is.
    if was.is_empty() || now.is_empty() {
        return Ok(());
    }
    for name in names {
        let (before, after) = (was.get(name).cloned(), now.get(name).cloned());
        if before != after {
            let mut change = Change {
                requirement: name.clone(),
                was: before,
                now: after,
                ..base.clone()
            };
            for reason in &mut change.why {
                if let Reason::Lab(detail) = reason {
                    *detail = lab_change(connection, name, old, new)?;
                }
            }
            out.push(change);
        }
    }
    Ok(())
}

/// What a run depended on, how it was judged, and its points.
fn cause(connection: &Connection, run: i64) -> Result<(Cause, Judged, u32), GradebookError> {
    Ok(connection
        .prepare_cached(
            "SELECT run.sources, lab_version.digest, version.build, run.compiler, run.options,
                    run.status, run.points, run.possible
             FROM run JOIN lab_version ON lab_version.id = run.lab_version
             JOIN version ON version.id = run.version WHERE run.id = ?",
        )?
        .query_row([run], |row| {
            let cause = Cause {
                sources: row.get(0)?,
                lab: row.get(1)?,
                grader: row.get(2)?,
                compiler: row.get(3)?,
                options: row.get(4)?,
            };
            let whole = Judged {
                outcome: row.get(5)?,
                points: row.get(6)?,
                of: row.get(7)?,
                by_hand: false,
            };
            Ok((cause, whole, row.get(6)?))
        })?)
}

/// What of that on which a result depends is another: what can be the reason.
fn why(old: &Cause, new: &Cause) -> Vec<Reason> {
    [
        (old.sources != new.sources, Reason::Submission),
        (old.lab != new.lab, Reason::Lab(None)),
        (old.grader != new.grader, Reason::Grader),
        (old.compiler != new.compiler, Reason::Compiler),
        (old.options != new.options, Reason::Options),
    ]
    .into_iter()
    .filter_map(|(is, reason)| is.then_some(reason))
    .collect()
}

/// What is another about a requirement in two versions of a lab.
fn lab_change(
    connection: &Connection,
    name: &str,
    old: i64,
    new: i64,
) -> Result<Option<LabChange>, GradebookError> {
    let mut query = connection.prepare_cached(
        "SELECT requirement.points, requirement.title_en, requirement.title_ru FROM run
         JOIN requirement ON requirement.lab_version = run.lab_version
         WHERE run.id = ? AND requirement.name = ?",
    )?;
    let mut of = |run: i64| {
        query
            .query_row(params![run, name], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
    };
    type Known = Option<(u32, String, Option<String>)>;
    let (was, now): (Known, Known) = (of(old)?, of(new)?);
    Ok(match (was, now) {
        (None, Some(_)) => Some(LabChange::New),
        (Some(_), None) => Some(LabChange::Gone),
        (Some((was, ..)), Some((now, ..))) if was != now => Some(LabChange::Points { was, now }),
        (Some((_, was, _)), Some((_, en, ru))) if was != en => Some(LabChange::Title { en, ru }),
        _ => None,
    })
}
