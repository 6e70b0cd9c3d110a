//! Points set by hand: what they count, and what is said of them. And courses.

use super::*;

#[test]
fn what_the_lab_does_not_ask_for_any_more_is_worth_nothing() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab 1", ONE)]);
    gradebook
        .set_override("anna", "us-upper", Some("s-b"), 7.0, "t", "w")
        .unwrap();
    let standing = |gradebook: &Gradebook| gradebook.standings(None).unwrap().remove(0);
    let before = standing(&gradebook);
    assert_eq!((before.score, before.by_hand), (Some(17.0), true));
    assert_eq!(before.parts_by_hand, [("s-b".to_owned(), 7.0)]);
    let mut after = result("anna", "1", "lab 2", &[("s-a", "pass", 10)]);
    after.started = 2;
    merge(&mut gradebook, &[after]);
    gradebook.apply().unwrap();
    let after = standing(&gradebook);
    assert_eq!((after.score, after.by_hand), (Some(10.0), false));
    let doubts = gradebook
        .doubts("anna", "us-upper", Some("s-b"), 7.0)
        .unwrap();
    assert_eq!(doubts, [Doubt::NotAsked]);
}

#[test]
fn what_is_odd_about_points_is_told() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut lost = result("lost", "3", "lab", &[]);
    (lost.status, lost.message) = (Status::Ungradable, Some("nothing".into()));
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE), lost]);
    let doubts = |student: &str, requirement, points| {
        gradebook
            .doubts(student, "us-upper", requirement, points)
            .unwrap()
    };
    assert_eq!(doubts("anna", Some("s-b"), 10.0), []);
    assert_eq!(doubts("anna", Some("s-b"), 100.0), [Doubt::More(10)]);
    assert_eq!(doubts("anna", None, 20.0), []);
    assert_eq!(doubts("anna", None, 21.0), [Doubt::More(20)]);
    assert_eq!(doubts("lost", Some("s-b"), 5.0), [Doubt::NotGraded]);
    assert_eq!(doubts("lost", None, 5.0), []);
}

#[test]
fn a_student_is_told_which_points_were_set_by_hand() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE)]);
    gradebook
        .set_override("anna", "us-upper", Some("s-b"), 7.5, "t", "w")
        .unwrap();
    let grades = |lang| Grades::read(&gradebook, "us-upper", Detail::Whole, lang).unwrap();
    let english = grades(crate::lab::Lang::En);
    // The points are those that count.
    let feedback = &english.rows[0].feedback;
    assert_eq!(feedback, "17.5 of 20; failed: s-b; set by hand: s-b 7.5");
    let page = export::html(&english, &english.rows[0]);
    assert!(page.contains("Points were set by hand: s-b 7.5."), "{page}");
    let russian = grades(crate::lab::Lang::Ru);
    let page = export::markdown(&russian, &russian.rows[0]);
    assert!(
        page.contains("Баллы выставил преподаватель: s-b 7.5."),
        "{page}"
    );
}

#[test]
fn points_by_hand_are_told_where_nothing_could_be_graded() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut lost = result("lost", "3", "lab", &[]);
    (lost.status, lost.message) = (Status::Ungradable, Some("nothing".into()));
    let labs = BTreeMap::new();
    let mut step = gradebook.merge("os", &labs, "batch").unwrap();
    step.record(&result("anna", "1", "lab", ONE)).unwrap();
    step.record(&lost).unwrap();
    step.student("21214", "zoe", &Person::default()).unwrap();
    step.finish().unwrap();
    for student in ["lost", "zoe"] {
        gradebook
            .set_override(student, "us-upper", None, 15.0, "t", "shown in person")
            .unwrap();
    }
    let lang = crate::lab::Lang::En;
    let grades = Grades::read(&gradebook, "us-upper", Detail::Line, lang).unwrap();
    let feedback: Vec<&str> = grades.rows.iter().map(|r| r.feedback.as_str()).collect();
    assert_eq!(
        feedback,
        [
            "10 of 20; failed: s-b",
            "15 of 20; set by hand",
            "15 of 20; set by hand"
        ]
    );
    let sheet = "Identifier,Full name,Status,Grade,Maximum grade,Last modified (grade),Feedback comments\n\
        Participant 9,zoe,-,,20.00,-,\n";
    let filled = export::moodle_worksheet(&grades, sheet.as_bytes()).unwrap();
    assert!(filled.text.ends_with(",15,20.00,-,15 of 20; set by hand\n"));
}

#[test]
fn overrides_of_a_student_are_found_by_every_name() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut anna = result("anna", "1", "lab", ONE);
    anna.person.email = Some("a@x.example".into());
    merge(&mut gradebook, &[anna, result("boris", "2", "lab", ONE)]);
    for student in ["anna", "boris"] {
        gradebook
            .set_override(student, "us-upper", None, 7.0, "t", "w")
            .unwrap();
    }
    for name in ["anna", "21214/anna", "a@x.example", "anna Name"] {
        assert_eq!(gradebook.overrides_of(name).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn students_are_those_of_the_labs_course() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE)]);
    let mut other = result("boris", "2", "lab", ONE);
    other.identity.lab = "ask-alarm".into();
    let labs = BTreeMap::new();
    let mut step = gradebook.merge("networks", &labs, "batch").unwrap();
    step.record(&other).unwrap();
    step.finish().unwrap();
    let who = |lab: &str| -> Vec<String> {
        let all = gradebook.standings(Some(lab)).unwrap().into_iter();
        all.map(|s| s.student.name).collect()
    };
    assert_eq!(
        (who("us-upper"), who("ask-alarm")),
        (vec!["anna".into()], vec!["boris".into()])
    );
    let names = ["us-upper".to_owned(), "new".to_owned()];
    assert!(gradebook.check_course("os", &names).is_ok());
    let error = gradebook.check_course("networks", &names).unwrap_err();
    assert!(matches!(&error, GradebookError::OtherCourse { course, .. } if course == "os"));
}
