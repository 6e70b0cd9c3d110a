//! The tables, and how a file of an older version becomes one of this version.

use rusqlite::{Connection, TransactionBehavior};

use super::GradebookError;

/// Marks a file as a gradebook: `PRAGMA application_id`, "grdr".
const APPLICATION: i32 = 0x6772_6472;

/// One step for each version, applied in order; `PRAGMA user_version` counts those that were. What
/// has been released is never changed, only followed by a further step.
const STEPS: &[&str] = &[V1];

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
