//! Dates, for all and for some.

use super::*;

const DAY: i64 = 86_400;

/// Extensions of students until these times.
fn extend(gradebook: &mut Gradebook, students: &[(&str, i64)]) {
    let labs: BTreeMap<String, PreparedLab> = BTreeMap::new();
    let mut merge = gradebook.merge("os", &labs, "batch").unwrap();
    for (student, due) in students {
        merge
            .extension(("21214", student), "us-upper", *due)
            .unwrap();
    }
    merge.finish().unwrap();
}

fn due(at: i64) -> LabSettings {
    LabSettings {
        due: Some(at),
        late: Some("50%/day".parse().unwrap()),
        pick: None,
    }
}

/// Anna and boris, a day late.
fn late(gradebook: &mut Gradebook) {
    let both = [
        result("anna", "1", "lab 1", BOTH),
        result("boris", "2", "lab 1", BOTH),
    ];
    merge_with(gradebook, &both, &due(1000 - DAY));
}

fn points(gradebook: &Gradebook) -> Vec<f64> {
    let scores = scores(gradebook).into_iter();
    scores.map(|(_, score)| score.unwrap()).collect()
}

#[test]
fn an_extension_is_for_its_student_alone_and_stays_while_it_is_later() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    late(&mut gradebook);
    assert_eq!(points(&gradebook), [10.0, 10.0]);
    let before = gradebook.labs().unwrap();
    extend(&mut gradebook, &[("boris", 1000)]);
    assert_eq!(points(&gradebook), [10.0, 20.0]);
    assert_eq!(gradebook.moved_by_calendar(&before[0]).unwrap(), 1);
    let standings = gradebook.standings(None).unwrap();
    let own: Vec<_> = standings.iter().map(|s| s.extension).collect();
    assert_eq!(own, [None, Some(1000)]);
    let grades = Grades::read(&gradebook, "us-upper", Detail::Line, Lang::En).unwrap();
    let json: serde_json::Value = serde_json::from_str(&export::json(&grades)).unwrap();
    assert_eq!(json["students"][1]["due"], 1000);
    // For all, but not as long.
    merge_with(&mut gradebook, &[], &due(1000 - 2 * DAY));
    assert_eq!(points(&gradebook), [0.0, 20.0]);
    // For all, and longer.
    merge_with(&mut gradebook, &[], &due(1000 + DAY));
    merge_with(&mut gradebook, &[], &due(1000 - DAY));
    assert_eq!(points(&gradebook), [10.0, 10.0]);
}

#[test]
fn extensions_come_along_with_a_part_and_go_with_their_student() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut part = book(&dir);
    late(&mut part);
    extend(&mut part, &[("anna", 1000), ("boris", 1000)]);
    let mut whole = book(&other);
    let labs = BTreeMap::new();
    let mut merge = whole.merge("os", &labs, "results merge").unwrap();
    merge.part(&part).unwrap();
    merge.record(&result("anna", "1", "lab 1", BOTH)).unwrap();
    merge.finish().unwrap();
    assert_eq!(scores(&whole)[0].1, Some(20.0));
    let anna = whole.students_called("anna").unwrap();
    whole.forget(&anna, None).unwrap();
    assert_eq!(scores(&whole).len(), 1);
}
