//! Who stands where: for each student and lab the attempt that counts, and its points after
//! everything that was decided by hand or by the calendar.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{OptionalExtension as _, Row, params};

use super::late::Late;
use super::{Gradebook, GradebookError, unpacked};
use crate::batch::{Identity, Person, ResultRecord, Status, qualified};
use crate::lab::Lang;

/// Which of several attempts counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pick {
    /// The one with most points, late ones with what is left of them.
    #[default]
    Best,
    /// The last one that could be graded.
    Last,
}

impl Pick {
    /// `best`, `last`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Last => "last",
        }
    }
}

/// A lab in the gradebook.
#[derive(Clone, Debug, PartialEq)]
pub struct LabInfo {
    /// Its id.
    pub name: String,
    /// Its title in English.
    pub title: String,
    /// Points possible.
    pub points: u32,
    /// When it is due.
    pub due: Option<i64>,
    /// When it is due for students who have a date of their own, by their numbers.
    pub extensions: BTreeMap<i64, i64>,
    /// What handing in late costs.
    pub late: Late,
    /// Which attempt counts.
    pub pick: Pick,
    /// Its requirements with their points, in its order.
    pub requirements: Vec<(String, u32)>,
}

/// A student in the gradebook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudentInfo {
    /// Group; may be empty.
    pub group: String,
    /// The name in the gradebook.
    pub name: String,
    /// What else is known.
    pub person: Person,
}

impl StudentInfo {
    /// The name that people use.
    #[must_use]
    pub fn full_name(&self) -> &str {
        self.person.name.as_deref().unwrap_or(&self.name)
    }

    /// `group/name`, or the name where there are no groups.
    #[must_use]
    pub fn qualified(&self) -> String {
        qualified(&self.group, &self.name)
    }
}

/// A result that counts, or counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Number of the run.
    pub run: i64,
    /// Number of the attempt.
    pub attempt: u32,
    /// `current`, `pending`, `superseded`, `discarded`.
    pub state: String,
    /// Whether the points mean something.
    pub status: Status,
    /// Why not.
    pub message: Option<String>,
    /// Points of the run itself.
    pub points: u32,
    /// Points possible on the machine that ran it.
    pub possible: u32,
    /// When it was handed in.
    pub submitted: Option<i64>,
    /// When it was graded, in milliseconds since 1970.
    pub started: i64,
    /// Where the files were.
    pub place: String,
}

/// A student's standing in a lab.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The student.
    pub student: StudentInfo,
    /// The lab's id.
    pub lab: String,
    /// The attempt that counts; `None`: nothing was handed in.
    pub attempt: Option<Attempt>,
    /// The final points; `None` where there is nothing that could be graded.
    pub score: Option<f64>,
    /// When it is due for this student, where that is another date than for all.
    pub extension: Option<i64>,
    /// Taken away for being late.
    pub penalty: f64,
    /// Set by hand, in whole or in part.
    pub by_hand: bool,
    /// The requirements whose points were set by hand and count, with these points.
    pub parts_by_hand: Vec<(String, f64)>,
}

/// A submission, and where it was found last.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Whose it is.
    pub identity: Identity,
    /// Where it was.
    pub place: String,
    /// The system's own number of the student, as the last batch knew it.
    pub lms: Option<String>,
}

#[derive(Default)]
struct ByHand {
    whole: Option<f64>,
    parts: Vec<(String, f64)>,
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let status: String = row.get(3)?;
    Ok(Attempt {
        run: row.get(0)?,
        attempt: row.get(1)?,
        state: row.get(2)?,
        status: Status::from_word(&status).unwrap_or(Status::Error),
        message: row.get(4)?,
        points: row.get(5)?,
        possible: row.get(6)?,
        submitted: row.get(7)?,
        started: row.get(8)?,
        place: row.get(9)?,
    })
}

impl Attempt {
    /// Why the points mean nothing, in words for the student: not where the teacher keeps the files.
    #[must_use]
    pub fn for_student(&self, lang: Lang) -> String {
        let message = self.message.as_deref().unwrap_or_default();
        // It is said of the submission anyway.
        let message = message
            .strip_prefix(&self.place)
            .and_then(|message| message.strip_prefix(": "))
            .unwrap_or(message);
        message.replace(&self.place, lang.pick("the submission", "работа"))
    }
}

const ATTEMPT: &str = "run.id, submission.attempt, run.state, run.status, run.message, run.points,
    run.possible, submission.submitted, run.started, run.place";

/// The run of a submission that counted at some time, as SQL; where none did, the first grade that
/// counted after it.
pub(super) fn counted_at(submission: &str, time: &str) -> String {
    format!(
        "coalesce(
            (SELECT old.id FROM run AS old
             WHERE old.submission = {submission} AND old.counted < {time}
             ORDER BY old.counted DESC, old.id DESC LIMIT 1),
            (SELECT old.id FROM run AS old
             WHERE old.submission = {submission} AND old.counted >= {time}
                AND old.status <> 'error'
             ORDER BY old.counted, old.id LIMIT 1))"
    )
}

impl Gradebook {
    /// The submissions whose result that counts has this status.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn with_status(&self, status: Status) -> Result<HashSet<Identity>, GradebookError> {
        let mut query = self
            .connection
            .prepare("SELECT class, student, lab, attempt FROM grade WHERE status = ?")?;
        let rows = query.query_map([status.word()], |row| {
            Ok(Identity {
                group: row.get(0)?,
                student: row.get(1)?,
                lab: row.get(2)?,
                attempt: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The submissions of a lab, and where each newest result that counts or waits was found.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn places(&self, lab: &str) -> Result<Vec<Placed>, GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT student.class, student.name, lab.name, submission.attempt, run.place, student.lms,
                    max(run.id)
             FROM run
             JOIN submission ON submission.id = run.submission
             JOIN student ON student.id = submission.student
             JOIN lab ON lab.id = submission.lab
             WHERE lab.name = ? AND run.state IN ('current', 'pending')
             GROUP BY submission.id ORDER BY student.class, student.name, submission.attempt",
        )?;
        let rows = query.query_map([lab], |row| {
            let identity = Identity {
                group: row.get(0)?,
                student: row.get(1)?,
                lab: row.get(2)?,
                attempt: row.get(3)?,
            };
            Ok(Placed {
                identity,
                place: row.get(4)?,
                lms: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whose submissions of a lab they are of which it is not known when they were handed in, one name
    /// for each, and how many submissions there are.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn handed_in_unknown(&self, lab: &str) -> Result<(Vec<String>, usize), GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT student.class, student.name, submission.submitted FROM submission
             JOIN lab ON lab.id = submission.lab JOIN student ON student.id = submission.student
             WHERE lab.name = ? ORDER BY student.class, student.name",
        )?;
        let mut rows = query.query([lab])?;
        let (mut unknown, mut all) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            all += 1;
            if row.get::<_, Option<i64>>(2)?.is_none() {
                let (class, name): (String, String) = (row.get(0)?, row.get(1)?);
                unknown.push(qualified(&class, &name));
            }
        }
        Ok((unknown, all))
    }

    /// The labs, by name.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn labs(&self) -> Result<Vec<LabInfo>, GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT lab.name, lab.due, lab.late, lab.pick, lab_version.id, lab_version.title_en,
                    lab_version.points, lab.id
             FROM lab JOIN lab_version ON lab_version.id =
                coalesce((SELECT run.lab_version FROM run JOIN submission
                            ON submission.id = run.submission AND submission.lab = lab.id
                          WHERE run.state = 'current' ORDER BY run.id DESC LIMIT 1),
                         (SELECT max(id) FROM lab_version WHERE lab = lab.id))
             ORDER BY lab.name",
        )?;
        let rows = query.query_map([], |row| {
            let (late, pick): (String, String) = (row.get(2)?, row.get(3)?);
            let lab = LabInfo {
                name: row.get(0)?,
                due: row.get(1)?,
                extensions: BTreeMap::new(),
                late: late.parse().unwrap_or_default(),
                pick: if pick == "last" {
                    Pick::Last
                } else {
                    Pick::Best
                },
                title: row.get(5)?,
                points: row.get(6)?,
                requirements: Vec::new(),
            };
            Ok((lab, row.get::<_, i64>(4)?, row.get::<_, i64>(7)?))
        })?;
        let mut out = Vec::new();
        for row in rows {
            let (mut lab, version, id) = row?;
            lab.extensions = self.extensions(id)?;
            let mut query = self.connection.prepare_cached(
                "SELECT name, points FROM requirement WHERE lab_version = ? ORDER BY position",
            )?;
            lab.requirements = query
                .query_map([version], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            out.push(lab);
        }
        Ok(out)
    }

    /// Every student's standing in every lab, or in one; by lab, group and name.
    ///
    /// # Errors
    /// The gradebook cannot be read, or there is no such lab.
    pub fn standings(&self, only: Option<&str>) -> Result<Vec<Standing>, GradebookError> {
        self.standings_at(only, None)
    }

    /// The same as it was at some time, by what the calendar says now; where nothing counted yet, with
    /// the first grade that did.
    pub(super) fn standings_at(
        &self,
        only: Option<&str>,
        at: Option<i64>,
    ) -> Result<Vec<Standing>, GradebookError> {
        let mut labs = self.labs()?;
        if let Some(name) = only {
            self.lab_id(name)?;
            labs.retain(|lab| lab.name == name);
        }
        self.standings_of(&labs, at)
    }

    /// The standings in labs, by what these say of dates, lateness and attempts.
    pub(super) fn standings_of(
        &self,
        labs: &[LabInfo],
        at: Option<i64>,
    ) -> Result<Vec<Standing>, GradebookError> {
        let mut of_courses: BTreeMap<i64, Vec<(i64, StudentInfo)>> = BTreeMap::new();
        let by_hand = self.by_hand(at)?;
        let mut out = Vec::new();
        // Not one condition for both: only this one is found by the index `run_current`.
        let counts = at.map_or("run.state = 'current'".to_owned(), |at| {
            format!("run.id = {}", counted_at("submission.id", &at.to_string()))
        });
        let mut query = self.connection.prepare(&format!(
            "SELECT {ATTEMPT}, submission.student FROM run
             JOIN submission ON submission.id = run.submission
             JOIN lab ON lab.id = submission.lab
             WHERE lab.name = ?1 AND {counts}"
        ))?;
        for lab in labs {
            let mut attempts: HashMap<i64, Vec<Attempt>> = HashMap::new();
            let mut rows = query.query([&lab.name])?;
            while let Some(row) = rows.next()? {
                let student = row.get(10)?;
                attempts.entry(student).or_default().push(attempt(row)?);
            }
            let (_, course) = self.lab_id(&lab.name)?;
            let students = match of_courses.entry(course) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.students(Some(course))?),
            };
            for (id, student) in students.iter() {
                let attempts = attempts.remove(id).unwrap_or_default();
                let hand = by_hand.get(&(*id, lab.name.clone()));
                let own = lab.extensions.get(id).copied();
                out.push(self.standing(student, (lab, own), attempts, hand)?);
            }
        }
        Ok(out)
    }

    fn standing(
        &self,
        student: &StudentInfo,
        (lab, extension): (&LabInfo, Option<i64>),
        attempts: Vec<Attempt>,
        hand: Option<&ByHand>,
    ) -> Result<Standing, GradebookError> {
        let mut best: Option<(Option<f64>, f64, Attempt)> = None;
        let mut parts_by_hand = Vec::new();
        for attempt in attempts {
            let (earned, parts) = match attempt.status {
                Status::Graded => {
                    let (earned, parts) = self.earned(&attempt, hand)?;
                    (Some(earned), parts)
                }
                _ => (None, Vec::new()),
            };
            let penalty = earned.map_or(0.0, |earned| {
                lab.late
                    .penalty(earned, attempt.submitted, extension.or(lab.due))
            });
            let score = earned.map(|earned| earned - penalty);
            let better =
                best.as_ref()
                    .is_none_or(|(known, _, before)| match (known, score, lab.pick) {
                        (Some(_), None, _) => false,
                        (None, Some(_), _) => true,
                        (Some(known), Some(score), Pick::Best) => {
                            score > *known || score == *known && attempt.attempt > before.attempt
                        }
                        _ => attempt.attempt > before.attempt,
                    });
            if better {
                best = Some((score, penalty, attempt));
                parts_by_hand = parts;
            }
        }
        let whole = hand.and_then(|hand| hand.whole);
        let (score, penalty, attempt) = match best {
            Some((score, penalty, attempt)) => (score, penalty, Some(attempt)),
            None => (None, 0.0, None),
        };
        Ok(Standing {
            student: student.clone(),
            lab: lab.name.clone(),
            attempt,
            score: whole.or(score),
            extension,
            penalty: if whole.is_some() { 0.0 } else { penalty },
            by_hand: whole.is_some() || !parts_by_hand.is_empty(),
            parts_by_hand: if whole.is_some() {
                Vec::new()
            } else {
                parts_by_hand
            },
        })
    }

    /// The points of a run with those set by hand in place of its own, and which those are. What the
    /// lab does not ask for any more is worth nothing.
    fn earned(
        &self,
        attempt: &Attempt,
        hand: Option<&ByHand>,
    ) -> Result<(f64, Vec<(String, f64)>), GradebookError> {
        let mut earned = f64::from(attempt.points);
        let mut parts = Vec::new();
        for (requirement, points) in hand.map_or(&[][..], |hand| &hand.parts) {
            let own: Option<f64> = self
                .connection
                .prepare_cached("SELECT points FROM verdict WHERE run = ? AND requirement = ?")?
                .query_row(params![attempt.run, requirement], |row| row.get(0))
                .optional()?;
            if let Some(own) = own {
                earned += points - own;
                parts.push((requirement.clone(), *points));
            }
        }
        Ok((earned.max(0.0), parts))
    }

    /// The students of a course, or of all, by group and name.
    pub(super) fn students(
        &self,
        course: Option<i64>,
    ) -> Result<Vec<(i64, StudentInfo)>, GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT id, class, name, full_name, email, number, login, lms FROM student
             WHERE ?1 IS NULL OR course = ?1 ORDER BY class, name",
        )?;
        let rows = query.query_map([course], |row| {
            let student = StudentInfo {
                group: row.get(1)?,
                name: row.get(2)?,
                person: Person {
                    name: row.get(3)?,
                    email: row.get(4)?,
                    number: row.get(5)?,
                    login: row.get(6)?,
                    lms: row.get(7)?,
                },
            };
            Ok((row.get(0)?, student))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The points set by hand that are in force, or were at some time.
    fn by_hand(&self, at: Option<i64>) -> Result<BTreeMap<(i64, String), ByHand>, GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT student, lab.name, requirement, points FROM override
             JOIN lab ON lab.id = override.lab
             WHERE CASE WHEN ?1 IS NULL THEN withdrawn_at IS NULL
                ELSE at < ?1 AND (withdrawn_at IS NULL OR withdrawn_at >= ?1) END
             ORDER BY override.id",
        )?;
        let mut rows = query.query([at])?;
        let mut out: BTreeMap<(i64, String), ByHand> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let hand = out.entry((row.get(0)?, row.get(1)?)).or_default();
            match row.get::<_, Option<String>>(2)? {
                None => hand.whole = Some(row.get(3)?),
                Some(requirement) => hand.parts.push((requirement, row.get(3)?)),
            }
        }
        Ok(out)
    }

    /// Every result a student ever had, the oldest first, with its lab.
    ///
    /// # Errors
    /// There is no such student, or the gradebook cannot be read.
    pub fn history(
        &self,
        student: &str,
        lab: Option<&str>,
    ) -> Result<Vec<(String, Attempt)>, GradebookError> {
        let id = self.student_id(student)?;
        let mut query = self.connection.prepare(&format!(
            "SELECT {ATTEMPT}, lab.name FROM run
             JOIN submission ON submission.id = run.submission
             JOIN lab ON lab.id = submission.lab
             WHERE submission.student = ?1 AND (?2 IS NULL OR lab.name = ?2)
             ORDER BY lab.name, run.id"
        ))?;
        let rows = query.query_map(params![id, lab], |row| Ok((row.get(10)?, attempt(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The outcomes and points of a run's requirements, by name.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn verdicts(&self, run: i64) -> Result<Vec<(String, String, u32, u32)>, GradebookError> {
        let mut query = self.connection.prepare_cached(
            "SELECT requirement, outcome, points, possible FROM verdict WHERE run = ?",
        )?;
        let rows = query.query_map([run], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Gives the record of every result that counts now, or waits to.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn standing_records(
        &self,
        each: &mut dyn FnMut(ResultRecord),
    ) -> Result<(), GradebookError> {
        let mut query = self
            .connection
            .prepare("SELECT id FROM run WHERE state IN ('current', 'pending') ORDER BY id")?;
        let runs: Vec<i64> = query
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for run in runs {
            each(self.record(run)?);
        }
        Ok(())
    }

    /// The programs of a run that were not built.
    pub(super) fn not_built(&self, run: i64) -> Result<Vec<String>, GradebookError> {
        let any = self
            .connection
            .prepare_cached("SELECT 1 FROM scenario WHERE run = ? AND result = 'not-built'")?
            .exists([run])?;
        if !any {
            return Ok(Vec::new());
        }
        let report = self.record(run)?.report;
        let builds = report.into_iter().flat_map(|report| report.builds);
        let failed = builds.filter(|build| build.failure.is_some());
        Ok(failed.map(|build| build.executable).collect())
    }

    /// The record of a run, whole.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn record(&self, run: i64) -> Result<ResultRecord, GradebookError> {
        let bytes: Vec<u8> = self
            .connection
            .prepare_cached("SELECT record FROM run WHERE id = ?")?
            .query_row([run], |row| row.get(0))?;
        let text = unpacked(&bytes)?;
        ResultRecord::from_json(text.as_bytes())
            .map_err(|error| GradebookError::Damaged(error.to_string()))
    }
}
