//! What a part of a class knows besides results: its students, what was set for its labs, points set
//! by hand. Where parts are put together none of it is lost.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, ToSql, TransactionBehavior, params};

use super::late::Late;
use super::merge::{LabSettings, Merge, course_id, lab_id};
use super::overrides::Override;
use super::standing::Pick;
use super::{Gradebook, GradebookError};
use crate::batch::{Person, Shard};

impl Gradebook {
    /// The names of the courses.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn courses(&self) -> Result<Vec<String>, GradebookError> {
        let mut query = self
            .connection
            .prepare("SELECT name FROM course ORDER BY name")?;
        let rows = query.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sees to it that labs are of no other course than this: a lab has one course in a gradebook.
    ///
    /// # Errors
    /// One is of another course, or the gradebook cannot be read.
    pub fn check_course<'l>(
        &self,
        course: &str,
        labs: impl IntoIterator<Item = &'l String>,
    ) -> Result<(), GradebookError> {
        for lab in labs {
            match self.course_of(lab) {
                Ok(other) if other != course => {
                    let lab = lab.clone();
                    return Err(GradebookError::OtherCourse { lab, course: other });
                }
                Ok(_) | Err(GradebookError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The same, and from now on the labs are in this course, whoever merges their results: a batch
    /// that is interrupted may leave them to one of another course.
    ///
    /// # Errors
    /// The gradebook cannot be written, or a lab is in another course.
    pub fn claim<'l>(
        &mut self,
        course: &str,
        labs: impl IntoIterator<Item = &'l String> + Clone,
    ) -> Result<(), GradebookError> {
        self.check_course(course, labs.clone())?;
        let step = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let course = course_id(&step, course)?;
        for lab in labs {
            lab_id(&step, course, lab)?;
        }
        Ok(step.commit()?)
    }
}

impl Merge<'_> {
    /// Takes in what a part knows besides results; before its results, so that they find their lab as
    /// it was when they were made.
    ///
    /// # Errors
    /// The part cannot be read, or the gradebook not be written.
    pub fn part(&mut self, part: &Gradebook) -> Result<(), GradebookError> {
        for (_, student) in part.students(None)? {
            self.student(&student.group, &student.name, &student.person)?;
        }
        for lab in part.labs()? {
            let settings = LabSettings {
                due: lab.due,
                late: (lab.late != Late::default()).then_some(lab.late),
                pick: (lab.pick != Pick::default()).then_some(lab.pick),
            };
            self.settings(&lab.name, &settings)?;
        }
        self.extensions_of(part)?;
        self.lab_versions(part)?;
        for (lab, division) in part.parts()? {
            // Of a class that was not divided nothing can be missing, and nothing that others divided.
            for shard in division.shards().filter(|shard| *shard != Shard::WHOLE) {
                self.has_part(&lab, shard)?;
            }
        }
        for entry in part.overrides()? {
            self.by_hand(&entry)?;
        }
        Ok(())
    }

    fn lab_versions(&self, part: &Gradebook) -> Result<(), GradebookError> {
        let mut versions = part.connection.prepare(
            "SELECT lab.name, digest, title_en, title_ru, points, toml, lab_version.id
             FROM lab_version JOIN lab ON lab.id = lab_version.lab ORDER BY lab_version.id",
        )?;
        let mut requirements = part.connection.prepare(
            "SELECT position, name, title_en, title_ru, points FROM requirement
             WHERE lab_version = ?",
        )?;
        let mut rows = versions.query([])?;
        while let Some(row) = rows.next()? {
            let value = |column: usize| row.get::<_, Value>(column);
            let lab = self.lab(&row.get::<_, String>(0)?)?;
            let new = self.step.execute(
                "INSERT INTO lab_version (lab, digest, title_en, title_ru, points, toml)
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![lab, value(1)?, value(2)?, value(3)?, value(4)?, value(5)?],
            )?;
            if new == 0 {
                continue;
            }
            let id = self.step.last_insert_rowid();
            let mut own = requirements.query([row.get::<_, i64>(6)?])?;
            while let Some(row) = own.next()? {
                let value = |column: usize| row.get::<_, Value>(column);
                self.step.execute(
                    "INSERT INTO requirement (lab_version, position, name, title_en, title_ru, points)
                     VALUES (?, ?, ?, ?, ?, ?)",
                    params![id, value(0)?, value(1)?, value(2)?, value(3)?, value(4)?],
                )?;
            }
        }
        Ok(())
    }

    /// Takes an override in, once however often; of several in force the last one is.
    fn by_hand(&mut self, entry: &Override) -> Result<(), GradebookError> {
        let student = self.student(&entry.group, &entry.student, &Person::default())?;
        let lab = self.lab(&entry.lab)?;
        let set: [&dyn ToSql; 7] = [
            &student,
            &lab,
            &entry.requirement,
            &entry.points,
            &entry.who,
            &entry.at,
            &entry.why,
        ];
        let (withdrawn_at, withdrawn_by) = entry.withdrawn.clone().unzip();
        let known: Option<i64> = self
            .step
            .prepare_cached(
                "SELECT id FROM override WHERE student = ? AND lab = ? AND requirement IS ?
                 AND points = ? AND who = ? AND at = ? AND why = ?",
            )?
            .query_row(&set[..], |row| row.get(0))
            .optional()?;
        match known {
            Some(id) => self.step.execute(
                "UPDATE override SET withdrawn_at = coalesce(withdrawn_at, ?),
                    withdrawn_by = coalesce(withdrawn_by, ?) WHERE id = ?",
                params![withdrawn_at, withdrawn_by, id],
            )?,
            None => self.step.execute(
                "INSERT INTO override (student, lab, requirement, points, who, at, why,
                    withdrawn_at, withdrawn_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                &[&set[..], params![withdrawn_at, withdrawn_by]].concat()[..],
            )?,
        };
        let last: Option<(i64, i64, String)> = self
            .step
            .prepare_cached(
                "SELECT id, at, who FROM override WHERE student = ? AND lab = ? AND requirement IS ?
                 AND withdrawn_at IS NULL ORDER BY at DESC, id DESC LIMIT 1",
            )?
            .query_row(params![student, lab, entry.requirement], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        if let Some((last, at, who)) = last {
            self.step.execute(
                "UPDATE override SET withdrawn_at = ?, withdrawn_by = ? WHERE student = ? AND lab = ?
                 AND requirement IS ? AND withdrawn_at IS NULL AND id <> ?",
                params![at, who, student, lab, entry.requirement, last],
            )?;
        }
        Ok(())
    }
}
