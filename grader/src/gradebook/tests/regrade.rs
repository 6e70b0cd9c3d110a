//! What waits, what is graded again, and why: labs and submissions that go back and forth.

use super::*;

/// A result of Anna's with these sources and this lab.
fn anna(sources: &str, lab: &str, verdicts: &[(&str, &str, u32)], started: i64) -> ResultRecord {
    ResultRecord {
        started,
        ..result("anna", sources, lab, verdicts)
    }
}

fn is_known(gradebook: &Gradebook, record: &ResultRecord) -> bool {
    let item = (record.identity.clone(), record.key.clone());
    gradebook.known().unwrap().contains(&item)
}

#[test]
fn what_waits_is_given_up_when_the_submission_is_as_it_was() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let (first, second) = (anna("1", "lab", ONE, 1), anna("2", "lab", BOTH, 2));
    merge(&mut gradebook, std::slice::from_ref(&first));
    assert!(is_known(&gradebook, &first));
    assert_eq!(
        merge(&mut gradebook, std::slice::from_ref(&second)).pending,
        1
    );
    assert!(is_known(&gradebook, &second));
    // What counts is of other files than what waits: if they come back, something must happen.
    assert!(!is_known(&gradebook, &first));
    assert_eq!(merge(&mut gradebook, &[anna("1", "lab", ONE, 3)]).same, 1);
    assert_eq!(gradebook.pending().unwrap(), 0);
    // Nobody has decided about the second one: it is proposed again.
    assert!(!is_known(&gradebook, &second));
    assert_eq!(
        merge(&mut gradebook, &[anna("2", "lab", BOTH, 4)]).pending,
        1
    );
}

#[test]
fn what_waits_is_of_the_files_that_are_there() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    const NONE: &[(&str, &str, u32)] = &[("s-a", "fail", 0), ("s-b", "fail", 0)];
    let (second, third) = (anna("2", "lab", BOTH, 2), anna("3", "lab", NONE, 3));
    merge(&mut gradebook, &[anna("1", "lab", ONE, 1), second.clone()]);
    merge(&mut gradebook, std::slice::from_ref(&third));
    assert!(is_known(&gradebook, &third));
    // Back to the second ones: the third result must not be what is applied.
    assert!(!is_known(&gradebook, &second));
    merge(&mut gradebook, &[anna("2", "lab", BOTH, 4)]);
    assert_eq!(gradebook.apply().unwrap(), 1);
    assert_eq!(scores(&gradebook), [("anna".into(), Some(20.0))]);

    // What was discarded is not proposed again, as long as nothing changes.
    merge(&mut gradebook, &[anna("3", "lab", NONE, 5)]);
    gradebook.discard().unwrap();
    assert!(is_known(&gradebook, &third) && is_known(&gradebook, &second));
}

#[test]
fn a_requirement_that_is_worth_more_is_a_change_though_nothing_was_earned() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[anna("1", "lab 1", ONE, 1)]);
    let mut after = anna("1", "lab 2", ONE, 2);
    let requirements = &mut after.report.as_mut().unwrap().requirements;
    requirements[1].of = 15;
    after.of = 25;
    assert_eq!(
        merge(&mut gradebook, std::slice::from_ref(&after)).pending,
        1
    );
    let changes = gradebook.compare().unwrap().changes;
    assert_eq!(changes.len(), 1);
    assert_eq!(
        changes[0].why,
        [Reason::Lab(Some(LabChange::Points { was: 10, now: 15 }))]
    );
    let of = |side: &Option<Judged>| side.as_ref().map(|judged| judged.of);
    assert_eq!(
        (of(&changes[0].was), of(&changes[0].now)),
        (Some(10), Some(15))
    );
    gradebook.apply().unwrap();
    // Also where the points of the whole lab stay the same.
    let mut shifted = anna("1", "lab 3", ONE, 3);
    let requirements = &mut shifted.report.as_mut().unwrap().requirements;
    (requirements[0].of, requirements[1].of) = (15, 10);
    shifted.of = 25;
    assert_eq!(merge(&mut gradebook, &[shifted]).pending, 1);
}

#[test]
fn every_reason_is_told_that_can_be_one() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[anna("1", "lab 1", ONE, 1)]);
    let mut after = anna("2", "lab 2", BOTH, 2);
    after.inputs.compiler = "gcc 14".into();
    after.inputs.options = "repeat 10".into();
    after.made_by.build = "build 2".into();
    after.inputs.grader = "build 2".into();
    after.key = after.inputs.key();
    // One that waits already is compared with what counts all the same.
    merge(&mut gradebook, &[anna("9", "lab 1", BOTH, 2), after]);
    let changes = gradebook.compare().unwrap().changes;
    let all = [
        Reason::Submission,
        Reason::Lab(None),
        Reason::Grader,
        Reason::Compiler,
        Reason::Options,
    ];
    assert_eq!(changes[0].why, all);
    assert_eq!((changes.len(), gradebook.pending().unwrap()), (1, 1));
}

#[test]
fn what_has_changed_since_is_told_by_when_it_began_to_count() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[anna("1", "lab", ONE, 1)]);
    let at = |gradebook: &Gradebook, key: &ResultRecord, at: i64| {
        let sql = "UPDATE run SET counted = ? WHERE key = ? AND counted IS NOT NULL";
        let changed = gradebook.connection.execute(sql, (at, key.key.as_str()));
        assert_eq!(changed.unwrap(), 1);
    };
    let (first, second) = (anna("1", "lab", ONE, 1), anna("2", "lab", BOTH, 2_000));
    at(&gradebook, &first, 1);
    // Graded in second 2, applied in second 100.
    merge(&mut gradebook, std::slice::from_ref(&second));
    assert_eq!(gradebook.compare_since(2).unwrap().changes, []);
    gradebook.apply().unwrap();
    at(&gradebook, &second, 100);
    for since in [2, 50, 100] {
        let changes = gradebook.compare_since(since).unwrap().changes;
        assert_eq!(changes.len(), 1, "{since}");
        assert_eq!(changes[0].points, (10, 20));
    }
    assert_eq!(gradebook.compare_since(101).unwrap().changes, []);
    // Nothing counted before: then it is the first grade after it from which things changed.
    assert_eq!(gradebook.compare_since(1).unwrap().changes.len(), 1);
    // A fault of ours is no grade.
    let sql = "UPDATE run SET status = 'error' WHERE key = ?";
    let changed = gradebook.connection.execute(sql, [first.key.as_str()]);
    assert_eq!(changed.unwrap(), 1);
    assert_eq!(gradebook.compare_since(1).unwrap().changes, []);
}
