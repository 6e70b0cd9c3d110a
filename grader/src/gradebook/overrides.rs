//! Points set by hand. They belong to a student and a lab, not to a run: regrades leave them alone.

use rusqlite::{OptionalExtension as _, params};

use super::{Gradebook, GradebookError, Unknown, time};
use crate::batch::qualified;
use crate::text::some_of;

/// Points set by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Its number.
    pub id: i64,
    /// Group; may be empty.
    pub group: String,
    /// The student.
    pub student: String,
    /// The lab.
    pub lab: String,
    /// The requirement; `None`: the lab as a whole.
    pub requirement: Option<String>,
    /// What it is worth now.
    pub points: f64,
    /// Who set it.
    pub who: String,
    /// When.
    pub at: i64,
    /// Why.
    pub why: String,
    /// When it was withdrawn, and by whom.
    pub withdrawn: Option<(i64, String)>,
}

impl Override {
    /// Whether it was in force at some time, or is now.
    #[must_use]
    pub fn in_force(&self, at: Option<i64>) -> bool {
        match (at, &self.withdrawn) {
            (None, withdrawn) => withdrawn.is_none(),
            (Some(at), None) => self.at < at,
            (Some(at), Some((until, _))) => self.at < at && at <= *until,
        }
    }
}

/// What is odd about points set by hand; they are set all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is worth only so much.
    More(u32),
    /// The lab does not ask for it any more: it counts nothing.
    NotAsked,
    /// Nothing of the student could be graded, so no requirement counts.
    NotGraded,
}

impl Gradebook {
    /// Sets points by hand; an earlier override of the same is withdrawn.
    ///
    /// # Errors
    /// There is no such student, lab or requirement, or the gradebook cannot be written.
    pub fn set_override(
        &mut self,
        student: &str,
        lab: &str,
        requirement: Option<&str>,
        points: f64,
        who: &str,
        why: &str,
    ) -> Result<(), GradebookError> {
        let student = self.student_id(student)?;
        let (lab_id, _) = self.lab_id(lab)?;
        if let Some(name) = requirement {
            let mut query = self.connection.prepare(
                "SELECT DISTINCT requirement.name FROM requirement
                 JOIN lab_version ON lab_version.id = lab_version WHERE lab_version.lab = ?",
            )?;
            let known = query.query_map([lab_id], |row| row.get(0))?;
            let known = known.collect::<Result<Vec<String>, _>>()?;
            if !known.iter().any(|known| known == name) {
                let close = crate::lab::names::nearest(name, known.iter().map(String::as_str));
                return Err(Unknown::Requirement {
                    lab: lab.to_owned(),
                    name: name.to_owned(),
                    close: close.map(str::to_owned),
                }
                .into());
            }
        }
        let step = self.connection.transaction()?;
        let now = time::now();
        step.execute(
            "UPDATE override SET withdrawn_at = ?, withdrawn_by = ?
             WHERE student = ? AND lab = ? AND requirement IS ? AND withdrawn_at IS NULL",
            params![now, who, student, lab_id, requirement],
        )?;
        step.execute(
            "INSERT INTO override (student, lab, requirement, points, who, at, why)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![student, lab_id, requirement, points, who, now, why],
        )?;
        step.commit()?;
        Ok(())
    }

    /// What is odd about points that were set by hand.
    ///
    /// # Errors
    /// There is no such student or lab, or the gradebook cannot be read.
    pub fn doubts(
        &self,
        student: &str,
        lab: &str,
        requirement: Option<&str>,
        points: f64,
    ) -> Result<Vec<Doubt>, GradebookError> {
        let id = self.student_id(student)?;
        let mut doubts = Vec::new();
        let labs = self.labs()?;
        let Some(info) = labs.iter().find(|info| info.name == lab) else {
            return Ok(doubts);
        };
        let worth = match requirement {
            None => Some(info.points),
            Some(name) => {
                let mut all = info.requirements.iter();
                all.find(|(known, _)| known == name)
                    .map(|(_, worth)| *worth)
            }
        };
        match worth {
            Some(worth) if points > f64::from(worth) => doubts.push(Doubt::More(worth)),
            Some(_) => {}
            None => doubts.push(Doubt::NotAsked),
        }
        if requirement.is_some() {
            let by_hand = self.standings(Some(lab))?;
            let students = self.students(None)?;
            let own = students.iter().find(|(known, _)| *known == id);
            let standing = own.and_then(|(_, own)| by_hand.iter().find(|s| s.student == *own));
            if standing.is_some_and(|standing| standing.score.is_none()) {
                doubts.push(Doubt::NotGraded);
            }
        }
        Ok(doubts)
    }

    /// Withdraws an override; it stays in the history.
    ///
    /// # Errors
    /// There is no such override in force, or the gradebook cannot be written.
    pub fn withdraw_override(&mut self, id: i64, who: &str) -> Result<(), GradebookError> {
        let done = self.connection.execute(
            "UPDATE override SET withdrawn_at = ?, withdrawn_by = ?
             WHERE id = ? AND withdrawn_at IS NULL",
            params![time::now(), who, id],
        )?;
        if done == 0 {
            return Err(Unknown::Override(id).into());
        }
        Ok(())
    }

    /// Every override there was.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn overrides(&self) -> Result<Vec<Override>, GradebookError> {
        self.overrides_where(None)
    }

    /// Every override there was for a student.
    ///
    /// # Errors
    /// There is no such student, or the gradebook cannot be read.
    pub fn overrides_of(&self, student: &str) -> Result<Vec<Override>, GradebookError> {
        self.overrides_where(Some(self.student_id(student)?))
    }

    fn overrides_where(&self, student: Option<i64>) -> Result<Vec<Override>, GradebookError> {
        let mut query = self.connection.prepare(
            "SELECT override.id, student.class, student.name, lab.name, requirement, points, who,
                    at, why, withdrawn_at, withdrawn_by
             FROM override JOIN student ON student.id = override.student
             JOIN lab ON lab.id = override.lab
             WHERE ?1 IS NULL OR student.id = ?1 ORDER BY override.id",
        )?;
        let rows = query.query_map([student], |row| {
            let withdrawn: (Option<i64>, Option<String>) = (row.get(9)?, row.get(10)?);
            Ok(Override {
                id: row.get(0)?,
                group: row.get(1)?,
                student: row.get(2)?,
                lab: row.get(3)?,
                requirement: row.get(4)?,
                points: row.get(5)?,
                who: row.get(6)?,
                at: row.get(7)?,
                why: row.get(8)?,
                withdrawn: withdrawn.0.zip(withdrawn.1),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The student `name` or `group/name`. Who is listed under just this name is meant, also where
    /// others are called so in a group or in full.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn student_id(&self, name: &str) -> Result<i64, GradebookError> {
        for how in [
            "CASE class WHEN '' THEN name ELSE class || '/' || name END = ?1",
            "name = ?1 OR email = ?1 OR full_name = ?1",
        ] {
            let query = format!("SELECT id, class, name FROM student WHERE {how} ORDER BY 2, 3");
            let mut query = self.connection.prepare(&query)?;
            let found = query
                .query_map([name], |row| {
                    let (class, name): (String, String) = (row.get(1)?, row.get(2)?);
                    Ok((row.get(0)?, qualified(&class, &name)))
                })?
                .collect::<Result<Vec<(i64, String)>, _>>()?;
            match &found[..] {
                [(id, _)] => return Ok(*id),
                [] => {}
                several => {
                    let all = several.iter().map(|(_, name)| name.as_str());
                    return Err(Unknown::Several {
                        name: name.to_owned(),
                        all: some_of(all),
                    }
                    .into());
                }
            }
        }
        Err(self.no_student(name)?.into())
    }

    /// The lab with this name, and its course.
    ///
    /// # Errors
    /// There is none.
    pub fn lab_id(&self, name: &str) -> Result<(i64, i64), GradebookError> {
        let known = self
            .connection
            .query_row(
                "SELECT id, course FROM lab WHERE name = ? ORDER BY id DESC LIMIT 1",
                [name],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match known {
            Some(known) => Ok(known),
            None => Err(self.no_lab(name)?.into()),
        }
    }

    /// The error of a lab of which there is nothing.
    pub(super) fn no_lab(&self, name: &str) -> Result<Unknown, GradebookError> {
        let mut query = self.connection.prepare("SELECT name FROM lab")?;
        let labs = query.query_map([], |row| row.get(0))?;
        let labs = labs.collect::<Result<Vec<String>, _>>()?;
        let close = crate::lab::names::nearest(name, labs.iter().map(String::as_str));
        Ok(Unknown::Lab {
            name: name.to_owned(),
            close: close.map(str::to_owned),
        })
    }

    /// The name of a lab's course.
    ///
    /// # Errors
    /// There is no such lab.
    pub fn course_of(&self, lab: &str) -> Result<String, GradebookError> {
        let (_, course) = self.lab_id(lab)?;
        let sql = "SELECT name FROM course WHERE id = ?";
        Ok(self.connection.query_row(sql, [course], |row| row.get(0))?)
    }
}
