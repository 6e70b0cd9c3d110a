//! Students who should never have been there: found by a wrong layout, or in a stray directory.

use rusqlite::{TransactionBehavior, params};

use super::{Gradebook, GradebookError, Override, Standing, StudentInfo, Unknown};
use crate::batch;

/// What is kept of a student, all in all or of one lab.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The student.
    pub student: StudentInfo,
    /// The labs of which there is anything, with how the student stands.
    pub standings: Vec<Standing>,
    /// Results, those that count no more included.
    pub results: usize,
    /// Points set by hand, those that were withdrawn included.
    pub overrides: Vec<Override>,
}

impl Kept {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.results == 0 && self.overrides.is_empty()
    }
}

impl Gradebook {
    /// The students that are meant by `name`, `group/name`, or a pattern such as `21214/*`.
    ///
    /// # Errors
    /// There is none, or several have the name; or the gradebook cannot be read.
    pub fn students_called(&self, name: &str) -> Result<Vec<StudentInfo>, GradebookError> {
        let all = self.students(None)?;
        let unknown = match self.student_id(name) {
            Ok(id) => {
                let one = all.into_iter().filter(|(known, _)| *known == id);
                return Ok(one.map(|(_, student)| student).collect());
            }
            Err(error) => error,
        };
        let pattern = name.contains(['*', '?', '[', '{']);
        let Some(glob) = pattern.then(|| batch::only(name).ok()).flatten() else {
            return Err(unknown);
        };
        let fit = all
            .into_iter()
            .map(|(_, student)| student)
            .filter(|student| glob.is_match(&student.name) || glob.is_match(student.qualified()));
        let fit: Vec<StudentInfo> = fit.collect();
        if fit.is_empty() {
            return Err(unknown);
        }
        Ok(fit)
    }

    /// What is kept of these students, all in all or of one lab.
    ///
    /// # Errors
    /// There is no such lab, or the gradebook cannot be read.
    pub fn kept(
        &self,
        students: &[StudentInfo],
        lab: Option<&str>,
    ) -> Result<Vec<Kept>, GradebookError> {
        let standings = self.standings(lab)?;
        let overrides = self.overrides()?;
        let mut results = self.connection.prepare(
            "SELECT count(*) FROM run
             JOIN submission ON submission.id = run.submission
             JOIN student ON student.id = submission.student
             JOIN lab ON lab.id = submission.lab
             WHERE student.class = ?1 AND student.name = ?2 AND (?3 IS NULL OR lab.name = ?3)",
        )?;
        let mut out = Vec::new();
        for student in students {
            let whose = [&student.group, &student.name];
            let count: i64 =
                results.query_row(params![whose[0], whose[1], lab], |row| row.get(0))?;
            let standings = standings.iter().filter(|standing| {
                let own = [&standing.student.group, &standing.student.name] == whose;
                own && (standing.attempt.is_some() || standing.by_hand)
            });
            let overrides = overrides.iter().filter(|entry| {
                [&entry.group, &entry.student] == whose && lab.is_none_or(|lab| entry.lab == lab)
            });
            out.push(Kept {
                student: student.clone(),
                standings: standings.cloned().collect(),
                results: usize::try_from(count).unwrap_or(0),
                overrides: overrides.cloned().collect(),
            });
        }
        Ok(out)
    }

    /// Forgets students, or what is of one lab of theirs: submissions, results, points set by hand. It
    /// is overwritten in the file as well.
    ///
    /// # Errors
    /// There is no such lab, or the gradebook cannot be written; then nothing has changed, unless it
    /// is the writing anew that failed, at which they are forgotten already.
    pub fn forget(
        &mut self,
        students: &[StudentInfo],
        lab: Option<&str>,
    ) -> Result<(), GradebookError> {
        // Of every course: a batch knows students by these names, whatever the course.
        const WHO: &str = "student IN (SELECT id FROM student WHERE class = ?1 AND name = ?2)
            AND (?3 IS NULL OR lab IN (SELECT id FROM lab WHERE name = ?3))";
        if let Some(lab) = lab {
            self.lab_id(lab)?;
        }
        let step = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let submissions = format!("(SELECT id FROM submission WHERE {WHO})");
        let runs = format!("(SELECT id FROM run WHERE submission IN {submissions})");
        let mut steps = vec![
            format!("DELETE FROM verdict WHERE run IN {runs}"),
            format!("DELETE FROM scenario WHERE run IN {runs}"),
            format!("DELETE FROM run WHERE submission IN {submissions}"),
            format!("DELETE FROM submission WHERE {WHO}"),
            format!("DELETE FROM override WHERE {WHO}"),
            format!("DELETE FROM extension WHERE {WHO}"),
        ];
        if lab.is_none() {
            steps.push(
                "DELETE FROM student WHERE class = ?1 AND name = ?2 AND ?3 IS NULL".to_owned(),
            );
        }
        for sql in &steps {
            let mut delete = step.prepare(sql)?;
            for student in students {
                delete.execute(params![student.group, student.name, lab])?;
            }
        }
        // Wrong transcripts may be others' as well.
        step.execute(
            "DELETE FROM transcript WHERE hash NOT IN
                (SELECT transcript FROM scenario WHERE transcript IS NOT NULL)",
            [],
        )?;
        step.commit()?;
        // What is deleted stays in the gaps of pages that were divided before; only a file that is
        // written anew has none of it (`PRAGMA secure_delete` does not look there).
        Ok(self.connection.execute_batch("VACUUM")?)
    }

    /// The error of a student's name that nobody has.
    pub(super) fn no_student(&self, name: &str) -> Result<Unknown, GradebookError> {
        let mut names = Vec::new();
        for (_, student) in self.students(None)? {
            names.push(student.qualified());
            names.push(student.name);
            names.extend(student.person.name);
            names.extend(student.person.email);
        }
        let close = crate::lab::names::nearest(name, names.iter().map(String::as_str));
        Ok(Unknown::Student {
            name: name.to_owned(),
            close: close.map(str::to_owned),
        })
    }
}
