//! A gradebook over a term: a lab that is corrected, submissions that go back and forth, parts that
//! are put together, files of learning management systems that come back.

use std::collections::BTreeMap;
use std::fs;

use grader::batch::{Journal, ResultRecord};
use grader::gradebook::Gradebook;
use predicates::prelude::*;

use crate::batch::{batch, class, text};
use crate::support::Home;

/// What a command of `grader results` prints when it succeeds: standard output, standard error.
fn results(home: &Home, words: &[&str]) -> (String, String) {
    let output = home
        .grader()
        .arg("results")
        .args(words)
        .args(["--lang", "en"])
        .output()
        .unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{words:?}: {err}");
    (out, err)
}

fn hand_in(home: &Home, fixture: &str) {
    let from = end_to_end::root().join("fixtures/us-upper").join(fixture);
    let _ = fs::remove_dir_all(home.path().join("class/g1/boris/lab30"));
    home.copy_of(&from, "class/g1/boris/lab30");
}

#[test]
fn what_waits_is_always_of_what_is_there_now() {
    let home = Home::new();
    hand_in(&home, "mutants/serve-one");
    batch(&home, &["--quiet"]).assert().success();
    hand_in(&home, "good-poll");
    batch(&home, &[])
        .assert()
        .stdout(predicate::str::contains("1 result would change"));
    // The student takes it back: nothing waits any more.
    hand_in(&home, "mutants/serve-one");
    batch(&home, &[])
        .assert()
        .success()
        .stdout(predicate::str::contains("would change").not());
    assert_eq!(results(&home, &["compare"]).0, "no grade has changed\n");
    // And hands it in again: it is not forgotten that nobody has decided.
    hand_in(&home, "good-poll");
    batch(&home, &[])
        .assert()
        .stdout(predicate::str::contains("1 result would change"));
    results(&home, &["apply"]);
    assert!(results(&home, &["show"]).0.contains("100"));
}

#[test]
fn a_lab_that_was_corrected_is_compared_applied_and_corrected_by_hand() {
    let home = Home::new();
    hand_in(&home, "mutants/serve-one");
    let lab = end_to_end::root().join("labs/us-upper");
    home.copy_of(&lab.join("snapshots"), "lab/snapshots");
    let toml = fs::read_to_string(lab.join("lab.toml")).unwrap();
    for name in ["handout.en.md", "handout.ru.md"] {
        home.file(&format!("lab/{name}"), fs::read(lab.join(name)).unwrap());
    }
    let worth = |toml: &str, requirement: &str, points: u32| {
        let (before, after) = toml.split_once(&format!("\"{requirement}\"")).unwrap();
        let (name, rest) = after.split_once("points   = ").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        format!("{before}\"{requirement}\"{name}points   = {points}\n{rest}")
    };
    let grade = || {
        let mut command = home.grader();
        command.args([
            "batch", "lab=30", "class", "--seed", "7", "--lang", "en", "--quiet",
        ]);
        command
    };
    home.file("lab/lab.toml", &toml);
    grade().assert().success();
    results(
        &home,
        &[
            "override",
            "g1/boris",
            "us-upper/s-next",
            "4,5",
            "--why",
            "shown\nin person",
            "--who",
            "ana",
        ],
    );
    let (overrides, _) = results(&home, &["override"]);
    assert!(overrides.ends_with(": shown in person\n") && overrides.lines().count() == 1);
    // Five points more for what fails, five less for what else fails: he has what he had.
    home.file(
        "lab/lab.toml",
        worth(&worth(&toml, "s-next", 15), "s-rude", 5),
    );
    grade().assert().success();
    let (compared, _) = results(&home, &["compare"]);
    let is = predicate::str::is_match(
        r"us-upper/s-next +4.5/10 \(by hand\) +4.5/15 \(by hand\) +lab changed: 15 points, was 10; override 1 by ana .*\n.*us-upper/s-rude +– 0/10 +– 0/5 ",
    );
    assert!(is.unwrap().eval(&compared), "{compared}");
    results(&home, &["apply"]);
    // Points set by hand stay.
    let (csv, _) = results(&home, &["export", "csv", "us-upper"]);
    assert!(
        csv.contains(",graded,80,0,84.5,100,yes,84.5 of 100; "),
        "{csv}"
    );
}

#[test]
fn parts_bring_more_than_results() {
    let home = Home::new();
    class(&home);
    home.file(
        "roster.csv",
        "group,student,name\ng1,anna,Anna\ng1,boris,Boris\ng2,clara,Clara\ng2,dora,Dora\ng2,zoe,Zoe\n",
    );
    let part = |book: &str, due: &str, more: &[&str]| {
        batch(
            &home,
            &["--roster", "roster.csv", "--quiet", "--course", "os"],
        )
        .args(["--due", due, "--late", "5/day, max 10", "--file-times"])
        .args(["--gradebook", book])
        .args(more)
        .assert()
        .code(predicate::in_iter([0, 1]));
    };
    part("whole.db", "2020-01-01", &[]);
    for shard in ["0", "1"] {
        part(
            &format!("part-{shard}.db"),
            "2020-01-01",
            &["--shard", &format!("{shard}/2")],
        );
    }
    for book in ["whole.db", "part-0.db", "part-1.db"] {
        // Only the part that has something of him knows him; the roster tells the rest.
        let _ = home
            .grader()
            .args([
                "results",
                "override",
                "boris",
                "us-upper",
                "42",
                "--gradebook",
                book,
            ])
            .args(["--why", "shown", "--who", "ana"])
            .output();
    }
    let merge = ["merge", "part-0.db", "part-1.db", "--gradebook", "all.db"];
    for _ in 0..2 {
        results(&home, &merge);
        let show = |book: &str| results(&home, &["show", "--gradebook", book]).0;
        assert_eq!(show("all.db"), show("whole.db"));
        assert!(show("all.db").contains("42 (by hand)"));
        assert!(show("all.db").contains("90 (late -10)"));
        assert!(show("all.db").contains("g2/zoe"));
        let (overrides, _) = results(&home, &["override", "--gradebook", "all.db"]);
        assert_eq!(overrides.lines().count(), 1, "{overrides}");
    }
    // Another date in one part is nobody's wish.
    part("part-1.db", "2020-02-01", &["--shard", "1/2"]);
    home.grader()
        .args([
            "results",
            "merge",
            "part-0.db",
            "part-1.db",
            "--gradebook",
            "none.db",
        ])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "part-0.db and part-1.db have another due date",
        ));
    assert!(!home.path().join("none.db").exists());
}

#[test]
fn parts_that_disagree_are_refused_and_leave_nothing_behind() {
    let home = Home::new();
    hand_in(&home, "good-poll");
    batch(&home, &["--quiet", "--gradebook", "a.db"])
        .assert()
        .success();
    // The same files and the same lab, and one requirement that went otherwise.
    let mut records: Vec<ResultRecord> = Vec::new();
    Gradebook::read_only(&home.path().join("a.db"))
        .unwrap()
        .standing_records(&mut |record| records.push(record))
        .unwrap();
    let record = &mut records[0];
    let failed = record
        .report
        .as_mut()
        .and_then(|report| report.requirements.iter_mut().find(|r| r.id == "s-next"))
        .unwrap();
    (failed.outcome, failed.points) = ("fail".to_owned(), 0);
    record.points = 90;
    let mut other = Gradebook::open(&home.path().join("b.db")).unwrap();
    let labs = BTreeMap::new();
    let mut merge = other.merge("course", &labs, "test").unwrap();
    merge.record(record).unwrap();
    merge.finish().unwrap();
    home.grader()
        .args(["results", "merge", "a.db", "b.db", "--gradebook", "all.db"])
        .assert()
        .code(3)
        .stderr(predicate::str::contains(format!(
            "g1/boris us-upper: two results of the same files (key {}",
            &record.key.as_str()[..12]
        )))
        .stderr(predicate::str::contains(
            "s-next pass 10/10 in a.db, s-next fail 0/10 in b.db",
        ));
    for words in [
        &["merge", "a.db", "b.db"][..],
        &["merge", "a.db", "nothing.db"],
    ] {
        let code = predicate::in_iter([2, 3]);
        let mut command = home.grader();
        command.arg("results").args(words);
        command.args(["--gradebook", "all.db"]).assert().code(code);
        assert!(!home.path().join("all.db").exists());
    }
}

#[test]
fn who_was_found_wrongly_is_forgotten_and_comes_back_only_when_found_again() {
    let home = Home::new();
    class(&home);
    batch(&home, &["--quiet"]).assert().code(1);
    let why = ["--why", "shown", "--who", "ana"];
    let set = ["override", "g1/boris", "us-upper", "15"];
    results(&home, &[&set[..], &why].concat());
    let book = home.path().join("grades.db");
    let shown = || results(&home, &["show"]).0;
    let before = shown();
    // What is lost is shown, and is not lost before somebody has said so.
    let (said, _) = results(&home, &["forget", "boris"]);
    let is = predicate::str::is_match(
        r"^g1/boris  us-upper  15 \(by hand\)  class/g1/boris/lab30\n  override 1: us-upper is 15 points, by ana on .*: shown\nto be forgotten: 1 student with 1 result and 1 override; .*\nnothing was forgotten; with --yes it is\n$",
    );
    assert!(is.unwrap().eval(&said), "{said}");
    assert_eq!(shown(), before);
    let mut unknown = home.grader();
    unknown.args(["results", "forget", "bors", "--yes", "--lang", "en"]);
    unknown
        .assert()
        .code(2)
        .stderr(predicate::str::contains("hint: did you mean `boris`?"));
    // A batch that was killed left everybody's results in the journal.
    let mut records = Vec::new();
    let gradebook = Gradebook::read_only(&book).unwrap();
    gradebook
        .standing_records(&mut |record| records.push(record))
        .unwrap();
    drop(gradebook);
    assert_eq!(records.len(), 4);
    let (journal, _) = Journal::open(&home.path().join("grades.journal"), &mut |_| {}).unwrap();
    for record in &mut records {
        record.started += 1;
        journal.append(record).unwrap();
    }
    let forget = ["results", "forget", "g1/b*", "--yes", "--lang", "en"];
    home.grader()
        .args(forget)
        .assert()
        .code(3)
        .stderr(predicate::str::contains("another batch is writing"));
    assert_eq!(shown(), before);
    drop(journal);
    let (said, _) = results(&home, &forget[1..4]);
    assert!(said.ends_with("\nforgotten: 1 student\n"), "{said}");
    fs::rename(home.path().join("class/g1/boris"), home.path().join("away")).unwrap();
    batch(&home, &[])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("3 unchanged"));
    let after = shown();
    assert!(
        !after.contains("boris") && after.contains("g2/dora"),
        "{after}"
    );
    let database = fs::read(&book).unwrap();
    assert!(!database.windows(5).any(|bytes| bytes == b"boris"));
    // Found again it is graded again, and what was decided by hand is gone.
    fs::rename(home.path().join("away"), home.path().join("class/g1/boris")).unwrap();
    batch(&home, &["--quiet"]).assert().code(1);
    let again = shown();
    assert!(
        again.contains("g1/boris") && !again.contains("by hand"),
        "{again}"
    );
    results(&home, &["forget", "boris", "--lab", "us-upper", "--yes"]);
    let again = shown();
    let row = again.lines().find(|line| line.starts_with("g1/boris"));
    assert!(row.is_some_and(|row| row.ends_with(" -")), "{again}");
}

#[test]
fn who_gets_another_name_or_is_not_found_again_is_told() {
    let home = Home::new();
    hand_in(&home, "good-poll");
    batch(&home, &["--quiet"]).assert().success();
    let roster = "group,student,email\n21214,boris,b@uni.example\n";
    home.file("class.csv", roster);
    let twice = "note: the gradebook has 1 student under an earlier name as well (g1/boris is 21214/boris);";
    batch(&home, &["--roster", "class.csv"])
        .assert()
        .success()
        .stderr(predicate::str::contains(twice));
    let class = home.path().join("class");
    fs::rename(class.join("g1"), class.join("g2")).unwrap();
    fs::rename(class.join("g2/boris"), class.join("g2/vera")).unwrap();
    let gone = "note: not found this time, and their results stay: 21214/boris, g1/boris; `grader results forget`";
    batch(&home, &[])
        .assert()
        .success()
        .stderr(predicate::str::contains(gone));
    // Who asks for some only knows that there are others.
    batch(&home, &["--only", "vera"])
        .assert()
        .stderr(predicate::str::contains("not found").not());
}

#[test]
fn what_was_set_by_hand_is_in_a_comparison_with_who_when_and_why() {
    let home = Home::new();
    hand_in(&home, "mutants/serve-one");
    batch(&home, &["--quiet"]).assert().success();
    let set = |words: &[&str]| {
        let by = ["--who", "ana", "--why", "appeal of 3 December"];
        results(&home, &[&["override", "g1/boris"], words, &by].concat());
    };
    set(&["us-upper/s-next", "5"]);
    set(&["us-upper/s-next", "7.5"]);
    let (said, _) = results(&home, &["compare", "--since", "2020-01-01"]);
    let is = predicate::str::is_match(
        r"\ng1/boris +us-upper/s-next +✗ 0 +7.5 \(by hand\) +override 2 by ana on 2.*: appeal of 3 December\n1 change in 1 submission of 1 student\n$",
    );
    assert!(is.unwrap().eval(&said), "{said}");
    // A regrade that waits says whose points it leaves alone.
    hand_in(&home, "good-poll");
    batch(&home, &["--quiet"]).assert().success();
    let (said, _) = results(&home, &["compare"]);
    let is = predicate::str::is_match(
        r"us-upper/s-next +7.5 \(by hand\) +7.5 \(by hand\) +submission changed; override 2 by ana on ",
    );
    assert!(is.unwrap().eval(&said), "{said}");
}
