//! When labs are due, for all and for some, and what grades hang on it.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Gradebook, GradebookError, LabInfo, Merge};

impl Gradebook {
    /// The dates of students who have one of their own, by the students' numbers.
    pub(super) fn extensions(&self, lab: i64) -> Result<BTreeMap<i64, i64>, GradebookError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT student, due FROM extension WHERE lab = ?")?;
        let rows = query.query_map([lab], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many grades in a lab are others by what is set for it now than by what was set `before`.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn moved_by_calendar(&self, before: &LabInfo) -> Result<usize, GradebookError> {
        let was = self.standings_of(std::slice::from_ref(before), None)?;
        let is = self.standings(Some(&before.name))?;
        let both = was.iter().zip(&is);
        Ok(both.filter(|(was, is)| was.score != is.score).count())
    }
}

impl Merge<'_> {
    /// Gives a student a date of his own for a lab.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn extension(
        &mut self,
        (group, student): (&str, &str),
        lab: &str,
        due: i64,
    ) -> Result<(), GradebookError> {
        let student = self.student(group, student, &Default::default())?;
        let lab = self.lab(lab)?;
        self.step.execute(
            "INSERT INTO extension (student, lab, due) VALUES (?1, ?2, ?3)
             ON CONFLICT (student, lab) DO UPDATE SET due = excluded.due",
            params![student, lab, due],
        )?;
        Ok(())
    }

    /// Where a lab is due for all, the dates of those who have no longer do not matter any more.
    pub(super) fn outdated_extensions(&self, lab: i64, due: i64) -> Result<(), GradebookError> {
        self.step.execute(
            "DELETE FROM extension WHERE lab = ? AND due <= ?",
            params![lab, due],
        )?;
        Ok(())
    }

    /// Takes in the dates that a part has given to students.
    pub(super) fn extensions_of(&mut self, part: &Gradebook) -> Result<(), GradebookError> {
        let students: BTreeMap<_, _> = part.students(None)?.into_iter().collect();
        for lab in part.labs()? {
            for (id, due) in lab.extensions {
                if let Some(student) = students.get(&id) {
                    self.extension((&student.group, &student.name), &lab.name, due)?;
                }
            }
        }
        Ok(())
    }
}
