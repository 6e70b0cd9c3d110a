//! Students who should not be there.

use super::*;

fn count(gradebook: &Gradebook, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let query = gradebook.connection.query_row(&sql, [], |row| row.get(0));
    query.unwrap()
}

/// Every table that something of a student is in.
const ALL: [&str; 7] = [
    "student",
    "submission",
    "run",
    "verdict",
    "scenario",
    "transcript",
    "override",
];

#[test]
fn who_is_forgotten_leaves_nothing_and_the_others_keep_everything() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE)]);
    gradebook
        .set_override("anna", "us-upper", None, 15.0, "t", "shown")
        .unwrap();
    let before = ALL.map(|table| count(&gradebook, table));
    // The same mistakes as Anna's, and some of his own.
    let stray = |sources: &str, started| ResultRecord {
        started,
        ..result("src", sources, "lab", ONE)
    };
    merge(&mut gradebook, &[stray("1", 1), stray("2", 2)]);
    for points in [3.0, 4.0] {
        gradebook
            .set_override("src", "us-upper", Some("s-b"), points, "t", "w")
            .unwrap();
    }
    let students = gradebook.students_called("21214/src").unwrap();
    let kept = gradebook.kept(&students, None).unwrap().remove(0);
    assert_eq!((kept.results, kept.overrides.len()), (2, 2));
    assert_eq!(kept.standings[0].score, Some(14.0));
    gradebook.forget(&students, None).unwrap();
    assert_eq!(ALL.map(|table| count(&gradebook, table)), before);
    assert_eq!(scores(&gradebook), [("anna".into(), Some(15.0))]);
    assert_eq!(gradebook.known().unwrap().len(), 1);
    // Whose work is graded again is there again.
    merge(&mut gradebook, &[stray("2", 3)]);
    assert_eq!(gradebook.history("src", None).unwrap().len(), 1);
}

#[test]
fn one_lab_of_a_student_can_be_forgotten() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut other = result("anna", "2", "lab", BOTH);
    other.identity.lab = "us-many".into();
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE), other]);
    gradebook
        .set_override("anna", "us-upper", None, 1.0, "t", "w")
        .unwrap();
    let anna = gradebook.students_called("anna").unwrap();
    gradebook.forget(&anna, Some("us-upper")).unwrap();
    let standings = gradebook.standings(None).unwrap();
    let scores: Vec<_> = standings
        .iter()
        .map(|s| (s.lab.as_str(), s.score))
        .collect();
    assert_eq!(scores, [("us-many", Some(20.0)), ("us-upper", None)]);
    assert!(gradebook.overrides().unwrap().is_empty());
    let kept = gradebook.kept(&anna, Some("us-upper")).unwrap();
    assert!(kept[0].is_nothing());
    let error = gradebook.forget(&anna, Some("us-uper")).unwrap_err();
    assert!(matches!(
        error,
        GradebookError::Unknown(Unknown::Lab { close: Some(close), .. }) if close == "us-upper"
    ));
}

#[test]
fn students_are_named_one_by_one_or_by_a_pattern() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let all = ["anna", "boris", "bob"].map(|name| result(name, name, "lab", ONE));
    merge(&mut gradebook, &all);
    let called = |name: &str| -> Vec<String> {
        let called = gradebook.students_called(name).unwrap();
        called.into_iter().map(|student| student.name).collect()
    };
    assert_eq!(called("anna"), ["anna"]);
    assert_eq!(called("21214/b*"), ["bob", "boris"]);
    assert_eq!(called("*"), ["anna", "bob", "boris"]);
    for (name, close) in [
        ("21214/bors", Some("21214/boris")),
        ("ana", Some("anna")),
        ("x*", None),
        ("nobody at all", None),
    ] {
        match gradebook.students_called(name).unwrap_err() {
            GradebookError::Unknown(unknown) => assert_eq!(unknown.close(), close, "{name}"),
            error => panic!("{name}: {error}"),
        }
    }
}
