//! Records into tables. A result that changes a grade waits until somebody has seen it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::late::Late;
use super::standing::Pick;
use super::{Gradebook, GradebookError, Packer, time};
use crate::batch::{Identity, Person, PreparedLab, ResultRecord, Status};

/// What is set for a lab besides what its file says.
#[derive(Clone, Debug, Default)]
pub struct LabSettings {
    /// When it is due; unchanged if not given.
    pub due: Option<i64>,
    /// What handing in late costs; unchanged if not given.
    pub late: Option<Late>,
    /// Which attempt counts; unchanged if not given.
    pub pick: Option<Pick>,
}

/// What became of the records of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Number of the batch.
    pub batch: i64,
    /// First results.
    pub new: usize,
    /// Results that say the same as before.
    pub same: usize,
    /// Results that say something else: they wait to be applied or discarded.
    pub pending: usize,
    /// Errors where there is a grade, which stays.
    pub kept: usize,
}

/// A batch on its way into the gradebook; all of it gets there, or nothing.
pub struct Merge<'g> {
    pub(super) step: Transaction<'g>,
    course: i64,
    labs: &'g BTreeMap<String, PreparedLab>,
    done: Merged,
    packer: RefCell<Packer>,
}

impl Gradebook {
    /// Begins to take a batch in.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn merge<'g>(
        &'g mut self,
        course: &str,
        labs: &'g BTreeMap<String, PreparedLab>,
        command: &str,
    ) -> Result<Merge<'g>, GradebookError> {
        let step = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let course = course_id(&step, course)?;
        step.execute(
            "INSERT INTO batch (at, command) VALUES (?, ?)",
            params![time::now(), command],
        )?;
        let done = Merged {
            batch: step.last_insert_rowid(),
            ..Merged::default()
        };
        Ok(Merge {
            step,
            course,
            labs,
            done,
            packer: RefCell::new(Packer::new()),
        })
    }
}

pub(super) fn course_id(step: &Connection, name: &str) -> Result<i64, GradebookError> {
    step.execute(
        "INSERT INTO course (name) VALUES (?) ON CONFLICT DO NOTHING",
        [name],
    )?;
    Ok(step.query_row("SELECT id FROM course WHERE name = ?", [name], |r| r.get(0))?)
}

pub(super) fn lab_id(step: &Connection, course: i64, name: &str) -> Result<i64, GradebookError> {
    let known = step
        .prepare_cached("SELECT id FROM lab WHERE course = ? AND name = ?")?
        .query_row(params![course, name], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    step.execute(
        "INSERT INTO lab (course, name) VALUES (?, ?)",
        params![course, name],
    )?;
    Ok(step.last_insert_rowid())
}

impl Merge<'_> {
    /// Sets what is known of a lab.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn settings(&mut self, lab: &str, settings: &LabSettings) -> Result<(), GradebookError> {
        let id = self.lab(lab)?;
        let late = settings.late.as_ref().map(ToString::to_string);
        self.step.execute(
            "UPDATE lab SET due = coalesce(?, due), late = coalesce(?, late), pick = coalesce(?, pick)
             WHERE id = ?",
            params![settings.due, late, settings.pick.map(Pick::word), id],
        )?;
        if let Some(due) = settings.due {
            self.outdated_extensions(id, due)?;
        }
        Ok(())
    }

    /// Adds a student from whom there need not be anything.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn student(
        &mut self,
        group: &str,
        name: &str,
        person: &Person,
    ) -> Result<i64, GradebookError> {
        self.student_in(self.course, group, name, person)
    }

    fn student_in(
        &self,
        course: i64,
        group: &str,
        name: &str,
        person: &Person,
    ) -> Result<i64, GradebookError> {
        let mut known = self.step.prepare_cached(
            "INSERT INTO student (course, class, name, full_name, email, number, login, lms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (course, class, name) DO UPDATE SET
                full_name = coalesce(excluded.full_name, full_name),
                email = coalesce(excluded.email, email),
                number = coalesce(excluded.number, number),
                login = coalesce(excluded.login, login),
                lms = coalesce(excluded.lms, lms)
             RETURNING id",
        )?;
        Ok(known.query_row(
            params![
                course,
                group,
                name,
                person.name,
                person.email,
                person.number,
                person.login,
                person.lms
            ],
            |row| row.get(0),
        )?)
    }

    pub(super) fn lab(&self, name: &str) -> Result<i64, GradebookError> {
        lab_id(&self.step, self.course, name)
    }

    /// A lab of any course, this one's first: the journal may hold what a batch for another has left.
    fn lab_and_course(&self, name: &str) -> Result<(i64, i64), GradebookError> {
        let known = self
            .step
            .prepare_cached(
                "SELECT id, course FROM lab WHERE name = ? ORDER BY course <> ?, course LIMIT 1",
            )?
            .query_row(params![name, self.course], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match known {
            Some(known) => Ok(known),
            None => Ok((self.lab(name)?, self.course)),
        }
    }

    /// The version of the lab with this digest, with its requirements as far as they are known.
    fn lab_version(&self, lab: i64, record: &ResultRecord) -> Result<i64, GradebookError> {
        let digest = &record.inputs.lab;
        let known = self
            .step
            .prepare_cached("SELECT id FROM lab_version WHERE lab = ? AND digest = ?")?
            .query_row(params![lab, digest], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        let prepared = self
            .labs
            .get(&record.identity.lab)
            .filter(|lab| lab.digest == *digest);
        // What a run could earn is less where a machine could not show everything.
        let points = prepared.map_or(record.of, |lab| {
            let requirements = lab.source.lab.requirements.iter();
            requirements.map(|r| r.points).sum()
        });
        let (title, toml) = match (prepared, &record.report) {
            (Some(lab), _) => (
                (
                    lab.source.lab.title.en.clone(),
                    lab.source.lab.title.ru.clone(),
                ),
                lab.source.toml.as_str(),
            ),
            (None, Some(report)) => (
                (report.lab.title.en.clone(), report.lab.title.ru.clone()),
                "",
            ),
            (None, None) => ((record.identity.lab.clone(), None), ""),
        };
        self.step.execute(
            "INSERT INTO lab_version (lab, digest, title_en, title_ru, points, toml)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![
                lab,
                digest,
                title.0,
                title.1,
                points,
                self.packer.borrow_mut().packed(toml)
            ],
        )?;
        let id = self.step.last_insert_rowid();
        let mut rows = Vec::new();
        if let Some(lab) = prepared {
            for r in &lab.source.lab.requirements {
                rows.push((&r.id, &r.title.en, &r.title.ru, r.points));
            }
        } else {
            for r in record.requirements() {
                rows.push((&r.id, &r.title.en, &r.title.ru, r.of));
            }
        }
        for (position, (name, en, ru, points)) in rows.into_iter().enumerate() {
            self.step.execute(
                "INSERT INTO requirement (lab_version, position, name, title_en, title_ru, points)
                 VALUES (?, ?, ?, ?, ?, ?)",
                params![id, position as i64, name, en, ru, points],
            )?;
        }
        Ok(id)
    }

    fn version(&self, record: &ResultRecord) -> Result<i64, GradebookError> {
        let made = &record.made_by;
        let values = params![
            made.grader,
            made.build,
            made.compiler,
            made.kernel,
            made.machine
        ];
        let known = self
            .step
            .prepare_cached(
                "SELECT id FROM version WHERE grader = ? AND build = ? AND compiler = ?
                 AND kernel = ? AND machine = ?",
            )?
            .query_row(values, |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.step.execute(
            "INSERT INTO version (grader, build, compiler, kernel, machine) VALUES (?, ?, ?, ?, ?)",
            values,
        )?;
        Ok(self.step.last_insert_rowid())
    }

    fn submission(
        &self,
        student: i64,
        lab: i64,
        identity: &Identity,
        submitted: Option<i64>,
    ) -> Result<i64, GradebookError> {
        let mut known = self.step.prepare_cached(
            "INSERT INTO submission (student, lab, attempt, submitted) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (student, lab, attempt) DO UPDATE
                SET submitted = coalesce(excluded.submitted, submitted)
             RETURNING id",
        )?;
        Ok(
            known.query_row(params![student, lab, identity.attempt, submitted], |row| {
                row.get(0)
            })?,
        )
    }

    /// Notes when a submission was handed in, of which there is a result already: its files may be
    /// the same, and only now be known to be late.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn handed_in(&self, identity: &Identity, submitted: i64) -> Result<(), GradebookError> {
        self.step
            .prepare_cached(
                "UPDATE submission SET submitted = ?5 WHERE attempt = ?4
                    AND student = (SELECT id FROM student WHERE course = ?1 AND class = ?2 AND name = ?3)
                    AND lab = (SELECT id FROM lab WHERE course = ?1 AND name = ?6)",
            )?
            .execute(params![
                self.course,
                identity.group,
                identity.student,
                identity.attempt,
                submitted,
                identity.lab
            ])?;
        Ok(())
    }

    /// Takes a record in. One that is there already changes nothing.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn record(&mut self, record: &ResultRecord) -> Result<(), GradebookError> {
        let id = &record.identity;
        let (lab, course) = self.lab_and_course(&id.lab)?;
        let student = self.student_in(course, &id.group, &id.student, &record.person)?;
        let submission = self.submission(student, lab, id, record.submitted)?;
        let there = self
            .step
            .prepare_cached("SELECT 1 FROM run WHERE submission = ? AND key = ? AND started = ?")?
            .exists(params![submission, record.key.as_str(), record.started])?;
        if there {
            return Ok(());
        }
        let state = self.state(submission, record)?;
        let wrong = self.transcripts(record)?;
        self.step
            .prepare_cached(
                "INSERT INTO run (submission, batch, state, key, lab_version, version, sources,
                    compiler, options, place, status, message, points, possible, seed, started,
                    seconds, wrong, record, counted)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                    ?17, ?18, ?19, ?20)",
            )?
            .execute(params![
                submission,
                self.done.batch,
                state,
                record.key.as_str(),
                self.lab_version(lab, record)?,
                self.version(record)?,
                record.inputs.sources,
                record.inputs.compiler,
                record.inputs.options,
                record.place,
                record.status.word(),
                record.message,
                record.points,
                record.of,
                record.seed.cast_signed(),
                record.started,
                record.seconds,
                wrong,
                self.packer.borrow_mut().packed(&record.to_json()),
                (state == "current").then(time::now),
            ])?;
        let run = self.step.last_insert_rowid();
        let mut verdict = self.step.prepare_cached(
            "INSERT INTO verdict (run, requirement, outcome, points, possible)
             VALUES (?, ?, ?, ?, ?)",
        )?;
        for r in record.requirements() {
            verdict.execute(params![run, r.id, r.outcome, r.points, r.of])?;
        }
        let mut scenario = self.step.prepare_cached(
            "INSERT INTO scenario (run, name, repeat, result, seconds, transcript)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for s in &record.scenarios {
            let hash = s.transcript.as_deref().map(hash_of);
            scenario.execute(params![run, s.id, s.repeat, s.result, s.seconds, hash])?;
        }
        Ok(())
    }

    /// Makes room for a new result and says what it is.
    fn state(
        &mut self,
        submission: i64,
        record: &ResultRecord,
    ) -> Result<&'static str, GradebookError> {
        let current: Option<(i64, String)> = self
            .step
            .prepare_cached(
                "SELECT id, status FROM run WHERE submission = ? AND state = 'current'",
            )?
            .query_row([submission], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((current, status)) = current else {
            self.done.new += 1;
            return Ok("current");
        };
        let was_graded = status != Status::Error.word();
        if record.status == Status::Error && was_graded {
            self.done.kept += 1;
            return Ok("discarded");
        }
        if !was_graded || self.agrees(current, record)? {
            if was_graded {
                self.done.same += 1;
            } else {
                self.done.new += 1;
            }
            self.leave(submission, "current", "superseded")?;
            // What was waiting compared with a result that is no more.
            self.leave(submission, "pending", "discarded")?;
            return Ok("current");
        }
        self.leave(submission, "pending", "discarded")?;
        self.done.pending += 1;
        Ok("pending")
    }

    fn leave(&self, submission: i64, from: &str, to: &str) -> Result<(), GradebookError> {
        self.step
            .prepare_cached("UPDATE run SET state = ?3 WHERE submission = ?1 AND state = ?2")?
            .execute(params![submission, from, to])?;
        Ok(())
    }

    /// Whether a run has the same verdicts and points as a record.
    fn agrees(&self, run: i64, record: &ResultRecord) -> Result<bool, GradebookError> {
        let (status, points, of): (String, u32, u32) = self
            .step
            .prepare_cached("SELECT status, points, possible FROM run WHERE id = ?")?
            .query_row([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if (status.as_str(), points, of) != (record.status.word(), record.points, record.of) {
            return Ok(false);
        }
        let mut query = self.step.prepare_cached(
            "SELECT requirement, outcome, points, possible FROM verdict WHERE run = ?
             ORDER BY requirement",
        )?;
        let rows = query.query_map([run], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let was = rows.collect::<Result<Vec<(String, String, u32, u32)>, _>>()?;
        let mut is: Vec<(String, String, u32, u32)> = record
            .requirements()
            .iter()
            .map(|r| (r.id.clone(), r.outcome.clone(), r.points, r.of))
            .collect();
        is.sort();
        Ok(was == is)
    }

    /// Stores the transcripts that differ; gives a hash of them all, by which equal mistakes are
    /// found, or nothing where none differs.
    fn transcripts(&self, record: &ResultRecord) -> Result<Option<String>, GradebookError> {
        let mut known = self
            .step
            .prepare_cached("SELECT 1 FROM transcript WHERE hash = ?")?;
        let mut insert = self.step.prepare_cached(
            "INSERT INTO transcript (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )?;
        let mut all = Vec::new();
        for s in &record.scenarios {
            if let Some(text) = &s.transcript {
                let hash = hash_of(text);
                // Packing costs more than all the rest, and most are the same mistakes again.
                if !known.exists([&hash])? {
                    insert.execute(params![hash, self.packer.borrow_mut().packed(text)])?;
                }
                all.push(format!("{} {hash}", s.id));
            }
        }
        all.sort();
        all.dedup();
        Ok((!all.is_empty()).then(|| hash_of(&all.join("\n"))))
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// The gradebook cannot be written; then it is as before.
    pub fn finish(self) -> Result<Merged, GradebookError> {
        self.step.commit()?;
        Ok(self.done)
    }
}

fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
