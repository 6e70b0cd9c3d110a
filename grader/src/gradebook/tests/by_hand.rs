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
    let english = grades(Lang::En);
    // The points are those that count.
    let feedback = &english.rows[0].feedback;
    assert_eq!(feedback, "17.5 of 20; failed: s-b; set by hand: s-b 7.5");
    let page = export::html(&english, &english.rows[0]);
    assert!(page.contains("Points were set by hand: s-b 7.5."), "{page}");
    let russian = grades(Lang::Ru);
    let feedback = &russian.rows[0].feedback;
    assert!(feedback.starts_with("17,5 из 20; "), "{feedback}");
    let page = export::markdown(&russian, &russian.rows[0]);
    assert!(
        page.contains("Баллы выставил преподаватель: s-b 7,5.") && page.contains("17,5 / 20"),
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
    let lang = Lang::En;
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
    assert!(
        filled
            .text
            .ends_with(",15,20.00,-,[grader: 15 of 20; set by hand]\n")
    );
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

/// The one without a group could not be named at all, and so never be forgotten.
#[test]
fn who_is_listed_under_just_this_name_is_meant() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let of = |group: &str, student: &str, full: &str| {
        let mut it = result(student, student, "lab", ONE);
        it.identity.group = group.into();
        it.person.name = Some(full.into());
        it
    };
    let class = [
        of("", "Zoe", "Zoe"),
        of("", "Zoe 2", "Zoe"),
        of("21214", "Zoe", "Zoe"),
        of("21214", "vera", "Vera"),
        of("21215", "vera", "Vera"),
    ];
    merge(&mut gradebook, &class);
    // nbgrader's file has no column for groups.
    let grades = Grades::read(&gradebook, "us-upper", Detail::Line, Lang::En).unwrap();
    let nbgrader = export::nbgrader(&grades).unwrap();
    let ids: Vec<&str> = nbgrader
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(3))
        .collect();
    let expected = ["Zoe", "Zoe 2", "21214/Zoe", "21214/vera", "21215/vera"];
    assert_eq!(ids, expected);
    let called = |name: &str| {
        gradebook
            .students_called(name)
            .map(|all| all[0].qualified())
    };
    for name in ["Zoe", "Zoe 2", "21214/Zoe", "21215/vera"] {
        assert_eq!(called(name).unwrap(), name);
    }
    let error = called("vera").unwrap_err().to_string();
    assert_eq!(
        error,
        "there are several students `vera`: 21214/vera, 21215/vera"
    );
    assert!(called("Vera").is_err());
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

/// Sets when an override was set, and when it was withdrawn.
fn at(gradebook: &Gradebook, id: i64, set: i64, withdrawn: Option<i64>) {
    let by = withdrawn.map(|_| "bob");
    let sql = "UPDATE override SET at = ?, withdrawn_at = ?, withdrawn_by = ? WHERE id = ?";
    let changed = gradebook.connection.execute(sql, (set, withdrawn, by, id));
    assert_eq!(changed.unwrap(), 1);
}

#[test]
fn what_was_set_by_hand_since_is_a_change_with_both_sides() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE)]);
    let sql = "UPDATE run SET counted = 1";
    gradebook.connection.execute(sql, []).unwrap();
    let mut set = |requirement, points, who| {
        gradebook
            .set_override("anna", "us-upper", requirement, points, who, "why")
            .unwrap();
    };
    set(Some("s-b"), 4.0, "ana");
    set(Some("s-b"), 7.5, "bob");
    set(None, 15.0, "ana");
    at(&gradebook, 1, 10, Some(20));
    at(&gradebook, 2, 20, None);
    at(&gradebook, 3, 30, Some(40));
    let since = |since| -> Vec<(String, [String; 2], [Option<i64>; 2])> {
        let comparison = gradebook.compare_since(since).unwrap();
        let count = usize::from(!comparison.changes.is_empty());
        assert_eq!(
            (comparison.students, comparison.submissions),
            (count, count)
        );
        let changes = comparison.changes.into_iter().map(|change| {
            let [Reason::ByHand(both)] = &change.why[..] else {
                panic!("{change:?}");
            };
            let id = |entry: &Option<Override>| entry.as_ref().map(|entry| entry.id);
            let side = |side: &Option<Judged>| {
                let side = side.as_ref().unwrap();
                format!("{} {} {}", side.outcome, side.points, side.by_hand)
            };
            (
                change.requirement.clone(),
                [side(&change.was), side(&change.now)],
                [id(&both.0), id(&both.1)],
            )
        });
        changes.collect()
    };
    let row = |requirement: &str, was: &str, now: &str, ids| {
        (
            requirement.to_owned(),
            [was.to_owned(), now.to_owned()],
            ids,
        )
    };
    // Set and withdrawn since: nothing has changed.
    assert_eq!(
        since(5),
        [row("s-b", "fail 0 false", "fail 7.5 true", [None, Some(2)])]
    );
    // Another's points in place of earlier ones.
    assert_eq!(
        since(20),
        [row(
            "s-b",
            "fail 4 true",
            "fail 7.5 true",
            [Some(1), Some(2)]
        )]
    );
    // Withdrawn: what it is without is with the other points set by hand.
    assert_eq!(
        since(35),
        [row(
            "",
            "graded 15 true",
            "graded 17.5 false",
            [Some(3), None]
        )]
    );
    assert_eq!(since(41), []);
}

#[test]
fn a_regrade_below_points_set_by_hand_tells_whose_they_are() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE)]);
    gradebook
        .set_override("anna", "us-upper", Some("s-b"), 7.0, "ana", "shown")
        .unwrap();
    let mut after = result("anna", "2", "lab", BOTH);
    after.started = 2;
    merge(&mut gradebook, &[after]);
    let changes = gradebook.compare().unwrap().changes;
    assert_eq!(changes.len(), 1);
    let side = |side: &Option<Judged>| {
        let side = side.as_ref().unwrap();
        (side.outcome.clone(), side.points, side.by_hand)
    };
    assert_eq!(side(&changes[0].was), ("fail".into(), 7.0, true));
    assert_eq!(side(&changes[0].now), ("pass".into(), 7.0, true));
    assert_eq!(changes[0].why[0], Reason::Submission);
    assert!(matches!(&changes[0].why[1], Reason::ByHand(both) if both.0 == both.1));
}

#[test]
fn points_by_hand_for_whom_nothing_can_be_graded_or_was_handed_in_are_changes() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut lost = result("lost", "3", "lab", &[]);
    (lost.status, lost.message) = (Status::Ungradable, Some("nothing".into()));
    merge(&mut gradebook, &[result("anna", "1", "lab", ONE), lost]);
    let labs = BTreeMap::new();
    let mut step = gradebook.merge("os", &labs, "batch").unwrap();
    step.student("21214", "zoe", &Person::default()).unwrap();
    step.finish().unwrap();
    for student in ["lost", "zoe"] {
        gradebook
            .set_override(student, "us-upper", None, 5.0, "t", "w")
            .unwrap();
    }
    // It counts nothing there.
    gradebook
        .set_override("lost", "us-upper", Some("s-b"), 5.0, "t", "w")
        .unwrap();
    let changes = gradebook.compare_since(1).unwrap().changes;
    let sides: Vec<_> = changes
        .iter()
        .map(|c| (c.student.as_str(), c.was.as_ref().unwrap().outcome.as_str()))
        .collect();
    assert_eq!(sides, [("lost", "ungradable"), ("zoe", "")]);
    assert!(
        changes
            .iter()
            .all(|c| c.now.as_ref().unwrap().points == 5.0)
    );
}

#[test]
fn points_by_hand_below_what_was_earned_since_are_told() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(
        &mut gradebook,
        &[
            result("anna", "1", "lab 1", ONE),
            result("boris", "2", "lab 1", BOTH),
        ],
    );
    let mut set = |who: &str, what: Option<&str>, points: f64| {
        let set = gradebook.set_override(who, "us-upper", what, points, "eva", "appeal");
        set.unwrap();
    };
    set("anna", None, 15.0);
    set("anna", Some("s-b"), 5.0);
    // Less than was earned already: it was meant.
    set("boris", None, 0.0);
    assert_eq!(gradebook.outdone().unwrap(), []);
    // That was a while ago.
    let earlier = "UPDATE override SET at = at - 10; UPDATE run SET counted = counted - 20";
    gradebook.connection.execute_batch(earlier).unwrap();
    merge(&mut gradebook, &[result("anna", "3", "lab 1", BOTH)]);
    let told = |gradebook: &Gradebook| -> Vec<(i64, f64)> {
        let all = gradebook.outdone().unwrap().into_iter();
        all.map(|it| (it.by_hand.id, it.earned)).collect()
    };
    // What waits as well as what counts.
    assert_eq!(told(&gradebook), [(1, 20.0), (2, 10.0)]);
    gradebook.apply().unwrap();
    assert_eq!(told(&gradebook), [(1, 20.0), (2, 10.0)]);
    gradebook.withdraw_override(1, "eva").unwrap();
    assert_eq!(told(&gradebook), [(2, 10.0)]);
}
