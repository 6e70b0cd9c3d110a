//! The tables, and how a file of an older version becomes one of this version.

use rusqlite::{Connection, TransactionBehavior};

use super::GradebookError;

/// Marks a file as a gradebook: `PRAGMA application_id`, "grdr".
const APPLICATION: i32 = 0x6772_6472;

/// One step for each version, applied in order; `PRAGMA user_version` counts those that were. What
/// has been released is never changed, only followed by a further step.
const STEPS: &[&str] = &[V1, V2, V3, V4];

const V1: &str = "
CREATE TABLE course (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE lab (
    id      INTEGER PRIMARY KEY,
    course  INTEGER NOT NULL REFERENCES course,
    name    TEXT NOT NULL,
    due     INTEGER,
    late    TEXT NOT NULL DEFAULT '',
    pick    TEXT NOT NULL DEFAULT 'best' CHECK (pick IN ('best', 'last')),
    UNIQUE (course, name)
) STRICT;
CREATE TABLE lab_version (
    id        INTEGER PRIMARY KEY,
    lab       INTEGER NOT NULL REFERENCES lab,
    digest    TEXT NOT NULL,
    title_en  TEXT NOT NULL,
    title_ru  TEXT,
    points    INTEGER NOT NULL,
    toml      BLOB NOT NULL,
    UNIQUE (lab, digest)
) STRICT;
CREATE TABLE requirement (
    lab_version  INTEGER NOT NULL REFERENCES lab_version,
    position     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    title_en     TEXT NOT NULL,
    title_ru     TEXT,
    points       INTEGER NOT NULL,
    PRIMARY KEY (lab_version, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE student (
    id         INTEGER PRIMARY KEY,
    course     INTEGER NOT NULL REFERENCES course,
    class      TEXT NOT NULL,
    name       TEXT NOT NULL,
    full_name  TEXT,
    email      TEXT,
    number     TEXT,
    login      TEXT,
    lms        TEXT,
    UNIQUE (course, class, name)
) STRICT;
CREATE TABLE submission (
    id         INTEGER PRIMARY KEY,
    student    INTEGER NOT NULL REFERENCES student,
    lab        INTEGER NOT NULL REFERENCES lab,
    attempt    INTEGER NOT NULL,
    submitted  INTEGER,
    UNIQUE (student, lab, attempt)
) STRICT;
CREATE INDEX submission_lab ON submission (lab, student);
CREATE TABLE version (
    id        INTEGER PRIMARY KEY,
    grader    TEXT NOT NULL,
    build     TEXT NOT NULL,
    compiler  TEXT NOT NULL,
    kernel    TEXT NOT NULL,
    machine   TEXT NOT NULL,
    UNIQUE (grader, build, compiler, kernel, machine)
) STRICT;
CREATE TABLE batch (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    command  TEXT NOT NULL
) STRICT;
CREATE TABLE run (
    id           INTEGER PRIMARY KEY,
    submission   INTEGER NOT NULL REFERENCES submission,
    batch        INTEGER NOT NULL REFERENCES batch,
    state        TEXT NOT NULL CHECK (state IN ('current', 'pending', 'superseded', 'discarded')),
    key          TEXT NOT NULL,
    lab_version  INTEGER NOT NULL REFERENCES lab_version,
    version      INTEGER NOT NULL REFERENCES version,
    sources      TEXT NOT NULL,
    compiler     TEXT NOT NULL,
    options      TEXT NOT NULL,
    place        TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('graded', 'ungradable', 'error')),
    message      TEXT,
    points       INTEGER NOT NULL,
    possible     INTEGER NOT NULL,
    seed         INTEGER NOT NULL,
    started      INTEGER NOT NULL,
    seconds      REAL NOT NULL,
    wrong        TEXT,
    record       BLOB NOT NULL,
    UNIQUE (submission, key, started)
) STRICT;
CREATE UNIQUE INDEX run_current ON run (submission) WHERE state = 'current';
CREATE UNIQUE INDEX run_pending ON run (submission) WHERE state = 'pending';
CREATE INDEX run_batch ON run (batch);
CREATE TABLE verdict (
    run          INTEGER NOT NULL REFERENCES run,
    requirement  TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    points       INTEGER NOT NULL,
    possible     INTEGER NOT NULL,
    PRIMARY KEY (run, requirement)
) STRICT, WITHOUT ROWID;
CREATE TABLE transcript (
    hash  TEXT PRIMARY KEY,
    text  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE scenario (
    run         INTEGER NOT NULL REFERENCES run,
    name        TEXT NOT NULL,
    repeat      INTEGER NOT NULL,
    result      TEXT NOT NULL,
    seconds     REAL NOT NULL,
    transcript  TEXT REFERENCES transcript,
    PRIMARY KEY (run, name, repeat)
) STRICT, WITHOUT ROWID;
CREATE TABLE override (
    id            INTEGER PRIMARY KEY,
    student       INTEGER NOT NULL REFERENCES student,
    lab           INTEGER NOT NULL REFERENCES lab,
    requirement   TEXT,
    points        REAL NOT NULL,
    who           TEXT NOT NULL,
    at            INTEGER NOT NULL,
    why           TEXT NOT NULL,
    withdrawn_at  INTEGER,
    withdrawn_by  TEXT
) STRICT;
CREATE INDEX override_of ON override (student, lab);
CREATE VIEW grade AS
    SELECT student.class, student.name AS student, lab.name AS lab, submission.attempt,
           run.status, run.points, run.possible, submission.submitted, run.started, run.id AS run
    FROM run
    JOIN submission ON submission.id = run.submission
    JOIN student ON student.id = submission.student
    JOIN lab ON lab.id = submission.lab
    WHERE run.state = 'current';
";

/// When a result began to count: for an old one the best guess is when it was made.
const V2: &str = "
ALTER TABLE run ADD COLUMN counted INTEGER;
UPDATE run SET counted = started / 1000 WHERE state IN ('current', 'superseded');
";

/// Which parts of a class are in it; what was there before is taken for whole.
const V3: &str = "
CREATE TABLE part (
    lab     INTEGER NOT NULL REFERENCES lab,
    parts   INTEGER NOT NULL,
    number  INTEGER NOT NULL CHECK (number >= 0 AND number < parts),
    PRIMARY KEY (lab, parts, number)
) STRICT, WITHOUT ROWID;
INSERT INTO part (lab, parts, number)
    SELECT id, 1, 0 FROM lab WHERE id IN (SELECT lab FROM submission);
";

/// Dates of students' own.
const V4: &str = "
CREATE TABLE extension (
    student  INTEGER NOT NULL REFERENCES student,
    lab      INTEGER NOT NULL REFERENCES lab,
    due      INTEGER NOT NULL,
    PRIMARY KEY (student, lab)
) STRICT, WITHOUT ROWID;
";

/// The version that this grader writes.
pub(super) fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Makes the tables, or brings those of an older version up to date, as a whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), GradebookError> {
    let version = version(connection)?;
    if version > newest() {
        return Err(GradebookError::Newer(version));
    }
    if version == newest() {
        return Ok(());
    }
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sql in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        step.execute_batch(sql)?;
    }
    step.pragma_update(None, "application_id", APPLICATION)?;
    step.pragma_update(None, "user_version", newest())?;
    step.commit()?;
    Ok(())
}

/// The version of a gradebook; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> Result<i64, GradebookError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id")?;
    let version = pragma("user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == i64::from(APPLICATION) || (tables == 0 && version == 0 && application == 0) {
        Ok(version)
    } else {
        Err(GradebookError::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradebook::Gradebook;
    use rusqlite::params;
    use std::path::Path;

    /// Makes a gradebook of the first version.
    fn first(path: &Path) {
        let old = Connection::open(path).unwrap();
        old.execute_batch(V1).unwrap();
        old.pragma_update(None, "application_id", APPLICATION)
            .unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO course VALUES (1, 'os');
             INSERT INTO lab (id, course, name) VALUES (1, 1, 'us-upper');
             INSERT INTO lab_version VALUES (1, 1, 'd', 't', NULL, 20, x'');
             INSERT INTO student (id, course, class, name) VALUES (1, 1, 'g1', 'anna');
             INSERT INTO submission VALUES (1, 1, 1, 1, NULL);
             INSERT INTO version VALUES (1, 'g', 'b', 'c', 'k', 'm');
             INSERT INTO batch VALUES (1, 0, 'batch');",
        )
        .unwrap();
        for (key, state, started) in [
            ("a", "superseded", 5_000),
            ("b", "current", 7_000),
            ("c", "pending", 9_000),
        ] {
            old.execute(
                "INSERT INTO run (submission, batch, state, key, lab_version, version, sources,
                    compiler, options, place, status, points, possible, seed, started, seconds, record)
                 VALUES (1, 1, ?2, ?1, 1, 1, ?1, '', '', '', 'graded', 3, 20, 0, ?3, 0.1, x'')",
                params![key, state, started],
            )
            .unwrap();
        }
    }

    #[test]
    fn a_gradebook_of_the_first_version_is_brought_up_to_date() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("grades.db");
        first(&path);
        // Also who only wants to read.
        let book = Gradebook::read_only(&path).unwrap();
        assert_eq!(book.standings(None).unwrap()[0].score, Some(3.0));
        let now = Connection::open(&path).unwrap();
        assert_eq!(version(&now).unwrap(), newest());
        let mut query = now.prepare("SELECT counted FROM run ORDER BY id").unwrap();
        let counted: Vec<Option<i64>> = query
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(counted, [Some(5), Some(7), None]);
        assert!(book.parts().unwrap()["us-upper"].is_whole());
    }

    #[test]
    fn one_that_cannot_be_written_is_brought_up_to_date_in_memory() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("grades.db");
        first(&path);
        let before = std::fs::read(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let book = Gradebook::copied(&path, &connection).unwrap();
        assert_eq!(book.standings(None).unwrap()[0].score, Some(3.0));
        assert_eq!(book.path(), path);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_old_gradebook_has_the_tables_of_a_new_one() {
        let tables = |steps: &[usize]| -> Vec<(String, Option<String>)> {
            let mut connection = Connection::open_in_memory().unwrap();
            for step in steps {
                connection.execute_batch(STEPS[*step]).unwrap();
            }
            if !steps.is_empty() {
                connection
                    .pragma_update(None, "application_id", APPLICATION)
                    .unwrap();
                let version = i64::try_from(steps.len()).unwrap();
                connection
                    .pragma_update(None, "user_version", version)
                    .unwrap();
            }
            migrate(&mut connection).unwrap();
            let mut query = connection
                .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
                .unwrap();
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(tables(&[]), tables(&[0]));
        assert_eq!(tables(&[]), tables(&[0, 1]));
        assert_eq!(tables(&[]), tables(&[0, 1, 2]));
    }
}
