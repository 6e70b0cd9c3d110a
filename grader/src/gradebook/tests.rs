use super::export::{self, Detail, Grades};
use super::*;
use crate::batch::{
    Inputs, MadeBy, Person, PreparedLab, ResultRecord, SCHEMA, ScenarioRecord, Status,
};
use crate::report::JsonReport;
use std::collections::BTreeMap;
use tempfile::TempDir;

mod by_hand;
mod calendar;
mod forget;
mod others;
mod parts;
mod regrade;

/// A result: who, which sources, which lab, and what each requirement got.
pub(super) fn result(
    student: &str,
    sources: &str,
    lab: &str,
    verdicts: &[(&str, &str, u32)],
) -> ResultRecord {
    let inputs = Inputs {
        sources: sources.to_owned(),
        lab: lab.to_owned(),
        grader: "build 1".into(),
        ..Inputs::default()
    };
    let requirements: Vec<serde_json::Value> = verdicts
        .iter()
        .map(|(id, outcome, points)| {
            serde_json::json!({
                "id": id, "title": {"en": format!("title of {id}")}, "hint": {"en": "look"},
                "outcome": outcome, "points": points, "of": 10,
            })
        })
        .collect();
    let earned: u32 = verdicts.iter().map(|v| v.2).sum();
    let of = 10 * u32::try_from(verdicts.len()).unwrap();
    let report: JsonReport = serde_json::from_value(serde_json::json!({
        "schema": "grader-report/1", "grader": "0.1.0",
        "lab": {"id": "us-upper", "title": {"en": "Upper case"}},
        "submission": ".", "result": "fail", "exit-status": 1, "points": earned, "of": of,
        "seconds": 0.1, "builds": [], "scenarios": [], "requirements": requirements,
        "rungs": [], "notes": [], "options": [],
    }))
    .unwrap();
    ResultRecord {
        schema: SCHEMA.to_owned(),
        key: inputs.key(),
        identity: Identity {
            group: "21214".into(),
            student: student.to_owned(),
            lab: "us-upper".into(),
            attempt: 1,
        },
        person: Person {
            name: Some(format!("{student} Name")),
            ..Person::default()
        },
        submitted: Some(1000),
        place: format!("submissions/{student}"),
        inputs,
        made_by: MadeBy {
            build: "build 1".into(),
            ..MadeBy::default()
        },
        seed: 7,
        started: 1,
        seconds: 0.5,
        status: Status::Graded,
        message: None,
        points: earned,
        of,
        report: Some(report),
        lang: Lang::En,
        translated: Default::default(),
        text: "the report\n".into(),
        scenarios: vec![ScenarioRecord {
            id: "one".into(),
            repeat: 0,
            seconds: 0.1,
            result: "differs".into(),
            transcript: Some(format!("wrong as {sources}")),
        }],
    }
}

pub(super) fn book(dir: &TempDir) -> Gradebook {
    Gradebook::open(&dir.path().join("grades.db")).unwrap()
}

pub(super) fn merge(gradebook: &mut Gradebook, records: &[ResultRecord]) -> Merged {
    merge_with(gradebook, records, &LabSettings::default())
}

pub(super) fn merge_with(
    gradebook: &mut Gradebook,
    records: &[ResultRecord],
    settings: &LabSettings,
) -> Merged {
    let labs: BTreeMap<String, PreparedLab> = BTreeMap::new();
    let mut merge = gradebook.merge("os", &labs, "batch").unwrap();
    merge.settings("us-upper", settings).unwrap();
    for record in records {
        merge.record(record).unwrap();
    }
    merge.finish().unwrap()
}

fn scores(gradebook: &Gradebook) -> Vec<(String, Option<f64>)> {
    gradebook
        .standings(Some("us-upper"))
        .unwrap()
        .into_iter()
        .map(|s| (s.student.name, s.score))
        .collect()
}

const BOTH: &[(&str, &str, u32)] = &[("s-a", "pass", 10), ("s-b", "pass", 10)];
const ONE: &[(&str, &str, u32)] = &[("s-a", "pass", 10), ("s-b", "fail", 0)];

#[test]
fn one_packer_packs_texts_of_all_kinds_one_after_another() {
    let mut packer = Packer::new();
    let noise: String = (0..200_000_u64)
        .filter_map(|i| char::from_u32((i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u32))
        .collect();
    for text in ["", "a", &"lane server\n".repeat(50_000), &noise, "", "b"] {
        let packed = packer.packed(text);
        assert_eq!(unpacked(&packed).unwrap(), text);
    }
}

#[test]
fn a_result_that_changes_a_grade_waits_and_is_applied_or_discarded_whole() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let first = [
        result("anna", "1", "lab 1", BOTH),
        result("boris", "2", "lab 1", ONE),
    ];
    assert_eq!(merge(&mut gradebook, &first).new, 2);
    // Merged again, as after a crash: nothing happens.
    let again = merge(&mut gradebook, &first);
    assert_eq!((again.new, again.same, again.pending), (0, 0, 0));
    assert_eq!(gradebook.known().unwrap().len(), 2);

    let mut changed = [
        result("anna", "1", "lab 2", ONE),
        result("boris", "3", "lab 1", BOTH),
    ];
    changed[0].started = 2;
    changed[1].started = 2;
    assert_eq!(merge(&mut gradebook, &changed).pending, 2);
    let before = scores(&gradebook);
    assert_eq!(
        before,
        [("anna".into(), Some(20.0)), ("boris".into(), Some(10.0))]
    );
    let comparison = gradebook.compare().unwrap();
    let lines: Vec<(&str, &str, &[Reason])> = comparison
        .changes
        .iter()
        .map(|c| (c.student.as_str(), c.requirement.as_str(), &c.why[..]))
        .collect();
    assert_eq!(
        lines,
        [
            ("anna", "s-b", &[Reason::Lab(None)][..]),
            ("boris", "s-b", &[Reason::Submission])
        ]
    );
    let judged = |outcome: &str, points| Judged {
        outcome: outcome.to_owned(),
        points,
        of: 10,
        by_hand: false,
    };
    assert_eq!(comparison.changes[0].was, Some(judged("pass", 10.0)));
    assert_eq!(comparison.changes[0].now, Some(judged("fail", 0.0)));

    assert_eq!(gradebook.discard().unwrap(), 2);
    assert_eq!(scores(&gradebook), before);
    // What was decided about is not graded again.
    assert!(
        gradebook
            .known()
            .unwrap()
            .contains(&(changed[0].identity.clone(), changed[0].key.clone()))
    );
    for record in &mut changed {
        record.started = 3;
    }
    assert_eq!(merge(&mut gradebook, &changed).pending, 2);
    assert_eq!(gradebook.apply().unwrap(), 2);
    assert_eq!(
        scores(&gradebook),
        [("anna".into(), Some(10.0)), ("boris".into(), Some(20.0))]
    );
    assert_eq!(gradebook.history("anna", None).unwrap().len(), 3);
    // A submission that is as it was before is graded again: its result was superseded.
    assert!(
        !gradebook
            .known()
            .unwrap()
            .contains(&(first[1].identity.clone(), first[1].key.clone()))
    );
}

#[test]
fn an_error_takes_no_grade_away_and_is_tried_again() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab 1", BOTH)]);
    let mut broken = result("anna", "2", "lab 1", &[]);
    (broken.status, broken.message, broken.started) = (Status::Error, Some("killed".into()), 2);
    assert_eq!(merge(&mut gradebook, &[broken.clone()]).kept, 1);
    assert_eq!(scores(&gradebook), [("anna".into(), Some(20.0))]);
    assert!(
        !gradebook
            .known()
            .unwrap()
            .contains(&(broken.identity.clone(), broken.key.clone()))
    );
    broken.identity.student = "boris".into();
    merge(&mut gradebook, &[broken.clone()]);
    assert_eq!(scores(&gradebook)[1], ("boris".into(), None));
    let mut fine = result("boris", "2", "lab 1", ONE);
    fine.started = 3;
    assert_eq!(merge(&mut gradebook, &[fine]).pending, 0);
    assert_eq!(scores(&gradebook)[1], ("boris".into(), Some(10.0)));
}

#[test]
fn points_set_by_hand_outlive_a_regrade() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    merge(&mut gradebook, &[result("anna", "1", "lab 1", ONE)]);
    gradebook
        .set_override(
            "21214/anna",
            "us-upper",
            Some("s-b"),
            7.0,
            "teacher",
            "shown in person",
        )
        .unwrap();
    assert_eq!(scores(&gradebook), [("anna".into(), Some(17.0))]);
    let mut again = result(
        "anna",
        "2",
        "lab 1",
        &[("s-a", "fail", 0), ("s-b", "fail", 0)],
    );
    again.started = 2;
    merge(&mut gradebook, &[again]);
    gradebook.apply().unwrap();
    assert_eq!(scores(&gradebook), [("anna".into(), Some(7.0))]);
    gradebook
        .set_override("anna", "us-upper", None, 15.5, "dean", "appeal")
        .unwrap();
    assert_eq!(scores(&gradebook), [("anna".into(), Some(15.5))]);
    gradebook.withdraw_override(2, "dean").unwrap();
    assert_eq!(scores(&gradebook), [("anna".into(), Some(7.0))]);
    let all = gradebook.overrides().unwrap();
    assert_eq!(
        (all[0].who.as_str(), all[0].why.as_str()),
        ("teacher", "shown in person")
    );
    assert_eq!(all[1].withdrawn.as_ref().unwrap().1, "dean");
    let unknown = [
        ("nobody", "us-upper", None),
        ("anna", "x", None),
        ("anna", "us-upper", Some("s-z")),
    ];
    for (student, lab, requirement) in unknown {
        assert!(
            gradebook
                .set_override(student, lab, requirement, 1.0, "a", "b")
                .is_err()
        );
    }
}

#[test]
fn the_attempt_that_counts_is_the_best_or_the_last_after_the_calendar() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let early = result("anna", "1", "lab 1", ONE);
    let mut late = result("anna", "2", "lab 1", BOTH);
    late.identity.attempt = 2;
    late.submitted = Some(1000 + 2 * 86_400);
    let settings = LabSettings {
        due: Some(1000),
        late: Some("30%/day".parse().unwrap()),
        pick: None,
    };
    merge_with(&mut gradebook, &[early, late], &settings);
    assert_eq!(scores(&gradebook), [("anna".into(), Some(10.0))]);
    let last = LabSettings {
        pick: Some(Pick::Last),
        ..LabSettings::default()
    };
    merge_with(&mut gradebook, &[], &last);
    let standing = &gradebook.standings(None).unwrap()[0];
    assert_eq!((standing.score, standing.penalty), (Some(8.0), 12.0));
}

#[test]
fn what_costs_nothing_is_behind_what_does() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let full = |student: &str| {
        let wrong = [("s-a", "pass", 10), ("s-z", "fail", 0)];
        let mut record = result(student, "1", "lab 1", &wrong);
        record.report.as_mut().unwrap().requirements[1].of = 0;
        record.of = 10;
        record
    };
    let mut some = full("clara");
    some.report.as_mut().unwrap().requirements[0].points = 0;
    some.report.as_mut().unwrap().requirements[0].outcome = "fail".into();
    some.points = 0;
    merge(&mut gradebook, &[full("anna"), full("boris"), some]);
    let stats = gradebook.stats("us-upper").unwrap();
    let order = stats.requirements.iter();
    let order: Vec<_> = order
        .map(|r| (r.name.as_str(), r.failed, r.reported))
        .collect();
    assert_eq!(order, [("s-a", 1, false), ("s-z", 3, true)]);
    assert_eq!(stats.same_mistakes, []);
}

#[test]
fn the_class_as_a_whole() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut ungradable = result("dora", "4", "lab 1", &[]);
    (ungradable.status, ungradable.message) = (Status::Ungradable, Some("no program".into()));
    ungradable.report = None;
    merge(
        &mut gradebook,
        &[
            result("anna", "1", "lab 1", BOTH),
            result("boris", "2", "lab 1", ONE),
            result("clara", "2", "lab 1", ONE),
            ungradable,
        ],
    );
    let stats = gradebook.stats("us-upper").unwrap();
    assert_eq!(stats.counts, [1, 2, 0, 1, 0]);
    assert_eq!(stats.median, Some(10.0));
    assert_eq!(
        (
            stats.requirements[0].name.as_str(),
            stats.requirements[0].failed
        ),
        ("s-b", 2)
    );
    let pairs = [&stats.same_mistakes, &stats.same_files];
    for groups in pairs {
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].students, ["21214/boris", "21214/clara"]);
    }
    assert_eq!(stats.same_mistakes[0].scenarios, ["one"]);
    assert_eq!(
        stats.to_look_at,
        [("21214/dora".into(), "no program".into())]
    );
    assert!(gradebook.stats("nothing").is_err());
}

#[test]
fn a_record_comes_back_whole_and_transcripts_are_stored_once() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let record = result("anna", "1", "lab 1", ONE);
    let mut other = result("boris", "1", "lab 1", ONE);
    other.identity.student = "boris".into();
    merge(&mut gradebook, &[record.clone(), other]);
    let run = gradebook.history("anna", None).unwrap()[0].1.run;
    assert_eq!(gradebook.record(run).unwrap().to_json(), record.to_json());
    let count: i64 = gradebook
        .connection
        .query_row("SELECT count(*) FROM transcript", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn other_files_and_later_versions_are_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(other);
    assert!(matches!(
        Gradebook::open(&path),
        Err(GradebookError::Foreign)
    ));
    let path = dir.path().join("grades.db");
    assert!(matches!(
        Gradebook::read_only(&path),
        Err(GradebookError::Missing)
    ));
    drop(Gradebook::open(&path).unwrap());
    let later = Connection::open(&path).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    assert!(matches!(
        Gradebook::open(&path),
        Err(GradebookError::Newer(99))
    ));
    let text = dir.path().join("text");
    std::fs::write(&text, "no database at all, but long enough to be looked at").unwrap();
    assert!(Gradebook::open(&text).is_err());
}

#[test]
fn every_format_has_every_student() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut evil = result("=cmd|'/c calc'!A0", "1", "lab 1", ONE);
    evil.person.name = Some("@SUM(1+1)*cmd, \"x\"".into());
    evil.person.email = Some("e@x.example".into());
    merge(&mut gradebook, &[evil, result("boris", "2", "lab 1", BOTH)]);
    let grades = Grades::read(&gradebook, "us-upper", Detail::Whole, Lang::En).unwrap();
    let csv = export::csv(&grades).unwrap();
    assert!(csv.contains("'=cmd|'/c calc'!A0"), "{csv}");
    assert!(csv.contains("\"'@SUM(1+1)*cmd, \"\"x\"\"\""), "{csv}");
    assert!(csv.lines().next().unwrap().ends_with("s-a,s-b"));
    let nbgrader = export::nbgrader(&grades).unwrap();
    assert!(
        nbgrader.contains("us-upper,,1970-01-01 00:16:00,boris,boris,Name,,20.0,0.0,20.0,20.0"),
        "{nbgrader}"
    );
    let json: serde_json::Value = serde_json::from_str(&export::json(&grades)).unwrap();
    assert_eq!(json["students"].as_array().unwrap().len(), 2);
    for row in &grades.rows {
        let html = export::html(&grades, row);
        assert!(html.contains("s-a") && !html.contains("\"x\"</"), "{html}");
        assert!(export::markdown(&grades, row).starts_with("# Upper case"));
        let scope = export::gradescope(row, grades.lang);
        assert_eq!(scope["tests"].as_array().unwrap().len(), 2);
        assert!(scope.get("score").is_none());
    }
    assert_eq!(export::file_name("=cmd|'/c calc'!A0"), "_cmd___c calc__A0");
}

#[test]
fn statistics_are_about_the_attempts_that_count() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let (good, mut worse) = (
        result("anna", "1", "lab", BOTH),
        result("anna", "2", "lab", ONE),
    );
    worse.identity.attempt = 2;
    merge(&mut gradebook, &[good, worse]);
    // The best counts; of the other one's mistakes nothing is told.
    let stats = gradebook.stats("us-upper").unwrap();
    assert_eq!(stats.counts, [1, 0, 0, 0, 0]);
    assert_eq!(stats.median, Some(20.0));
    assert!(stats.requirements.iter().all(|r| r.failed == 0));
    let last = LabSettings {
        pick: Some(Pick::Last),
        ..LabSettings::default()
    };
    merge_with(&mut gradebook, &[], &last);
    let stats = gradebook.stats("us-upper").unwrap();
    assert_eq!(stats.counts, [0, 1, 0, 0, 0]);
    assert_eq!(stats.median, Some(10.0));
}
