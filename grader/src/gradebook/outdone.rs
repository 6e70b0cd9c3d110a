//! Points set by hand that are less than what has been earned since.

use rusqlite::Row;

use super::{Gradebook, GradebookError, Override};

/// An override that holds back what was earned after it was set.
#[derive(Clone, Debug, PartialEq)]
pub struct Outdone {
    /// The override.
    pub by_hand: Override,
    /// What is earned without it, late or not.
    pub earned: f64,
}

/// Of each override in force the most that a result which counts, or waits to, has for the same; and
/// what had counted when it was set: who set less than that meant it.
const OF_LABS: &str = "
    SELECT override.id,
        (SELECT max(run.points) FROM run JOIN submission ON submission.id = run.submission
         WHERE submission.student = override.student AND submission.lab = override.lab
            AND run.status = 'graded' AND run.state IN ('current', 'pending')),
        (SELECT max(run.points) FROM run JOIN submission ON submission.id = run.submission
         WHERE submission.student = override.student AND submission.lab = override.lab
            AND run.status = 'graded' AND run.counted <= override.at)
    FROM override WHERE withdrawn_at IS NULL AND requirement IS NULL";
const OF_REQUIREMENTS: &str = "
    SELECT override.id,
        (SELECT max(verdict.points) FROM run JOIN submission ON submission.id = run.submission
         JOIN verdict ON verdict.run = run.id AND verdict.requirement = override.requirement
         WHERE submission.student = override.student AND submission.lab = override.lab
            AND run.status = 'graded' AND run.state IN ('current', 'pending')),
        (SELECT max(verdict.points) FROM run JOIN submission ON submission.id = run.submission
         JOIN verdict ON verdict.run = run.id AND verdict.requirement = override.requirement
         WHERE submission.student = override.student AND submission.lab = override.lab
            AND run.status = 'graded' AND run.counted <= override.at)
    FROM override WHERE withdrawn_at IS NULL AND requirement IS NOT NULL";

impl Gradebook {
    /// The overrides that give less than what was earned since they were set.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn outdone(&self) -> Result<Vec<Outdone>, GradebookError> {
        let all = self.overrides()?;
        let mut out = Vec::new();
        for sql in [OF_LABS, OF_REQUIREMENTS] {
            let mut query = self.connection.prepare(sql)?;
            let rows = query.query_map([], |row: &Row<'_>| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?))
            })?;
            for row in rows {
                let (id, earned, before): (i64, Option<f64>, Option<f64>) = row?;
                let (Some(by_hand), Some(earned)) = (all.iter().find(|it| it.id == id), earned)
                else {
                    continue;
                };
                if earned > by_hand.points && before.is_none_or(|before| earned > before) {
                    out.push(Outdone {
                        by_hand: by_hand.clone(),
                        earned,
                    });
                }
            }
        }
        out.sort_by_key(|outdone| outdone.by_hand.id);
        Ok(out)
    }
}
