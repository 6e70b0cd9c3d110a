//! What a batch sets for labs besides grading them: a date that moves is told, with the grades that hang on it.

use grader::gradebook::{Gradebook, LabInfo};

use super::Batch;
use crate::cli::failure::Failure;
use crate::cli::results;
use crate::cli::tell::tell;
use crate::cli::words::Words;

impl Batch {
    /// Tells of each lab what is set otherwise than `before`, and how many grades change by it.
    pub(super) fn say_moved(
        &self,
        before: &[LabInfo],
        gradebook: &Gradebook,
    ) -> Result<(), Failure> {
        if self.due.is_none() && self.late.is_none() && self.attempt.is_none() {
            return Ok(());
        }
        let failed = |error| results::failed(&self.gradebook, error);
        let labs = gradebook.labs().map_err(failed)?;
        let words = Words(self.lang.get());
        for was in before {
            let Some(is) = labs.iter().find(|lab| lab.name == was.name) else {
                continue;
            };
            let what = words.moved(was, is);
            if what.is_empty() {
                continue;
            }
            let grades = gradebook.moved_by_calendar(was).map_err(failed)?;
            // A grade that changes must be known, whoever wants quiet.
            if grades > 0 || !self.quiet {
                tell!("{}", words.grades_moved(&was.name, &what, grades));
            }
        }
        Ok(())
    }
}
