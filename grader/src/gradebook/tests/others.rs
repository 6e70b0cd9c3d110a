//! What others do to a gradebook meanwhile: batches of other courses, locks, kills.

use std::time::Duration;

use super::*;

#[test]
fn what_a_batch_for_another_course_left_in_the_journal_stays_in_its_course() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let labs = ["us-upper".to_owned()];
    gradebook.claim("os", &labs).unwrap();
    let error = gradebook.claim("networks", &labs).unwrap_err();
    assert!(matches!(&error, GradebookError::OtherCourse { course, .. } if course == "os"));
    // Interrupted here; the next batch is for another course.
    let none = BTreeMap::new();
    let mut step = gradebook.merge("networks", &none, "batch").unwrap();
    step.record(&result("anna", "1", "lab", ONE)).unwrap();
    step.finish().unwrap();
    assert!(gradebook.check_course("os", &labs).is_ok());
    assert_eq!(gradebook.standings(Some("us-upper")).unwrap().len(), 1);
}

#[test]
fn a_gradebook_that_another_program_has_locked_says_so() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let other = book(&dir);
    gradebook.connection.busy_timeout(Duration::ZERO).unwrap();
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = gradebook.claim("os", &["us-upper".to_owned()]).unwrap_err();
    assert!(matches!(error, GradebookError::Locked), "{error}");
}

#[test]
fn what_a_batch_left_half_done_that_was_killed_is_taken_back_by_who_reads() {
    let (dir, after) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE)]);
    // More than the cache holds is written before the end, beside a journal of what was there.
    let sql = "PRAGMA cache_size = 2; BEGIN IMMEDIATE;
        UPDATE run SET points = 99, message = hex(randomblob(300000));";
    gradebook.connection.execute_batch(sql).unwrap();
    for name in ["grades.db", "grades.db-journal"] {
        std::fs::copy(dir.path().join(name), after.path().join(name)).unwrap();
    }
    let read = Gradebook::read_only(&after.path().join("grades.db")).unwrap();
    assert_eq!(scores(&read), [("anna".to_owned(), Some(10.0))]);
}

#[test]
fn a_disk_without_room_is_told_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let pages: i64 = gradebook
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    let bound = format!("PRAGMA max_page_count = {pages}");
    gradebook
        .connection
        .query_row(&bound, [], |_| Ok(()))
        .unwrap();
    let labs = BTreeMap::new();
    let mut step = gradebook.merge("os", &labs, "batch").unwrap();
    let noise: String = (0..60_000_u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 26))
        .collect();
    let mut record = result("anna", "1", "lab", ONE);
    record.text = noise;
    let error = step.record(&record).unwrap_err();
    assert!(matches!(error, GradebookError::Full), "{error}");
    drop(step);
    assert_eq!(gradebook.standings(None).unwrap().len(), 0);
}
