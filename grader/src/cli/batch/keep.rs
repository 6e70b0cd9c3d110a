//! What a batch keeps: results in the journal at once, and in the gradebook when it ends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use grader::batch::{Journal, JournalError, Known, Recovered, ResultRecord, Shard, Status};
use grader::gradebook::{Gradebook, LabSettings, Merged, Pick};
use grader::text::clean;

use super::class::Class;
use super::{Batch, Which};
use crate::cli::failure::Failure;
use crate::cli::lang::{both, lang};
use crate::cli::results;
use crate::cli::tell::tell;
use crate::cli::words::Words;

impl Batch {
    /// Opens the journal; what an interrupted batch left in it is known.
    pub(super) fn journal(&self, known: &mut Known) -> Result<Journal, Failure> {
        let path = journal_path(&self.gradebook);
        let words = Words(self.lang.get());
        let mut left = 0;
        let (journal, recovered) = open_journal(&self.gradebook, &mut |record| {
            left += 1;
            if record.status != Status::Error {
                known.insert((record.identity, record.key));
            }
        })?;
        if left > 0 && !self.quiet {
            tell!("{}", words.going_on(left));
        }
        for damage in &recovered.damage {
            if !(damage.torn && self.quiet) {
                tell!("{}", clean(&words.damaged(&path, damage)));
            }
        }
        Ok(journal)
    }

    /// Brings what the journal holds into the gradebook. Where the batch is not `through`, what it
    /// would change waits: a regrade is applied as a whole.
    pub(super) fn collect(
        &self,
        class: &Class,
        gradebook: &mut Gradebook,
        journal: &Journal,
        through: bool,
    ) -> Result<Merged, Failure> {
        let path = &self.gradebook;
        let failed = |error| results::failed(path, error);
        let words: Vec<String> = std::env::args().skip(1).collect();
        let mut merge = gradebook
            .merge(&self.course, &class.labs, &words.join(" "))
            .map_err(failed)?;
        let settings = LabSettings {
            // With `--only` it is theirs alone.
            due: self.due.map(|due| due.at).filter(|_| self.only.is_empty()),
            late: self.late.clone(),
            pick: self.attempt.map(|which| match which {
                Which::Best => Pick::Best,
                Which::Last => Pick::Last,
            }),
        };
        for lab in class.labs.keys() {
            merge.settings(lab, &settings).map_err(failed)?;
        }
        // Who asks for some students only has no part of the class.
        if through && self.only.is_empty() {
            let shard = self.shard.unwrap_or(Shard::WHOLE);
            for lab in class.labs.keys() {
                merge.has_part(lab, shard).map_err(failed)?;
            }
        }
        for row in &class.found.missing {
            merge
                .student(&row.group, &row.student, &row.person)
                .map_err(failed)?;
        }
        for item in &class.found.items {
            if let Some(submitted) = item.submitted {
                merge.handed_in(&item.identity, submitted).map_err(failed)?;
            }
        }
        let mut error = None;
        journal
            .replay(&mut |record| {
                if error.is_none() {
                    error = merge.record(&record).err();
                }
            })
            .map_err(|error| Failure::fault(error.told(lang())))?;
        if let Some(error) = error {
            return Err(failed(error));
        }
        if let (Some(due), false) = (self.due, self.only.is_empty()) {
            let found = class.found.items.iter().map(|item| &item.identity);
            let found = found.map(|who| (&who.group, &who.student));
            let missing = class.found.missing.iter();
            let missing = missing.map(|row| (&row.group, &row.student));
            let whose: BTreeSet<_> = found.chain(missing).collect();
            for lab in class.labs.keys() {
                for (group, student) in &whose {
                    merge
                        .extension((group, student), lab, due.at)
                        .map_err(failed)?;
                }
            }
        }
        let merged = merge.finish().map_err(failed)?;
        // It is in the gradebook now; a crash before this line only merges the same again.
        journal
            .reset()
            .map_err(|error| Failure::fault(error.told(lang())))?;
        // With what an interrupted batch has left to wait.
        if self.apply && through {
            gradebook.apply().map_err(failed)?;
        }
        Ok(merged)
    }
}

/// Opens the journal of a gradebook, for this process only; `each` gets what an interrupted batch left.
pub(in crate::cli) fn open_journal(
    gradebook: &Path,
    each: &mut dyn FnMut(ResultRecord),
) -> Result<(Journal, Recovered), Failure> {
    Journal::open(&journal_path(gradebook), each).map_err(|error| {
        let failure = Failure::fault(error.told(lang()));
        match error {
            JournalError::Busy(_) => failure.hint(both(
                "let it end, or give this one a gradebook of its own with --gradebook FILE",
                "дождитесь её конца или задайте здесь другую ведомость: --gradebook FILE",
            )),
            JournalError::Foreign(_) => failure.hint(both(
                "name another gradebook with --gradebook FILE, or remove this file if you know that nothing else needs it: what it holds is graded again",
                "задайте другую ведомость, --gradebook FILE, или удалите этот файл, если он точно никому не нужен: то, что в нём было, проверится снова",
            )),
            JournalError::Version { .. } => failure.hint(both(
                "the grader that wrote it takes its results in",
                "его результаты примет тот grader, который его написал",
            )),
            JournalError::Io { .. } => failure,
        }
    })
}

/// The journal of a gradebook: `grades.journal`, and `grades.2026.journal` of one that is no `.db`,
/// so that two gradebooks side by side have two.
pub(in crate::cli) fn journal_path(gradebook: &Path) -> PathBuf {
    if gradebook.extension().is_some_and(|end| end == "db") {
        return gradebook.with_extension("journal");
    }
    let mut name = gradebook.as_os_str().to_owned();
    name.push(".journal");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_gradebooks_have_two_journals() {
        let journal = |gradebook: &str| journal_path(Path::new(gradebook)).display().to_string();
        assert_eq!(journal("os/grades.db"), "os/grades.journal");
        assert_eq!(journal("autumn.2026"), "autumn.2026.journal");
        assert_eq!(journal("autumn.journal"), "autumn.journal.journal");
    }
}
