use super::*;
use Outcome::{Fail, NotReached, Pass};

fn ids(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&id| id.to_owned()).collect()
}

fn row(name: &str, kind: Kind, runs: &[[Outcome; 3]]) -> Row {
    let runs = runs.iter().map(|run| run.to_vec()).collect();
    Row {
        runs,
        ..Row::new(name, kind)
    }
}

fn mutant(name: &str, fails: &[&str], open: &[&str], runs: &[[Outcome; 3]]) -> Row {
    row(
        name,
        Kind::Mutant {
            fails: ids(fails),
            not_reached: ids(open),
        },
        runs,
    )
}

fn proved() -> Proof {
    Proof {
        lab: "us-upper".to_owned(),
        requirements: ["s-address", "s-next", "s-bye"].map(str::to_owned).to_vec(),
        rows: vec![
            row("reference", Kind::Reference, &[[Pass; 3], [Pass; 3]]),
            row("empty", Kind::Empty, &[[Fail, NotReached, NotReached]]),
            row("good-poll", Kind::Good, &[[Pass; 3]]),
            mutant("fixed-path", &["s-address"], &[], &[[Fail, Pass, Pass]; 2]),
            mutant(
                "serve-one",
                &["s-next"],
                &["s-bye"],
                &[[Pass, Fail, NotReached]; 2],
            ),
            mutant(
                "no-unlink",
                &["s-bye"],
                &["s-next"],
                &[[Pass, Pass, Fail]; 2],
            ),
        ],
    }
}

fn text(proof: &Proof) -> String {
    let mut out = Vec::new();
    proof.write(&mut out).unwrap();
    anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
}

#[test]
fn a_proved_lab() {
    let proof = proved();
    assert_eq!((proof.problems(), proof.exit_status()), (vec![], 0));
    insta::assert_snapshot!(text(&proof));
}

#[test]
fn a_mutant_must_fail_exactly_what_it_declares() {
    let mut proof = proved();
    proof.rows[4].runs = vec![vec![Fail, Pass, NotReached]; 2];
    let problems = proof.problems();
    let text = problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        text.contains("serve-one: must fail, but does not: s-next"),
        "{text}"
    );
    assert!(
        text.contains("fails, which is not declared: s-address"),
        "{text}"
    );
    assert!(text.contains("no mutant fails `s-next`"), "{text}");
    assert_eq!(proof.exit_status(), 1);
    insta::assert_snapshot!(self::text(&proof));
}

#[test]
fn what_is_left_open_must_be_declared() {
    let mut proof = proved();
    proof.rows[3].runs = vec![vec![Fail, Pass, NotReached]];
    assert!(
        proof.problems()[0]
            .to_string()
            .contains("does not reach, which is not declared: s-bye")
    );
}

#[test]
fn a_reference_or_good_submission_that_fails_disproves() {
    for index in [0, 2] {
        for outcome in [Fail, NotReached] {
            let mut proof = proved();
            proof.rows[index].runs = vec![vec![Pass, Pass, outcome]];
            assert_eq!(proof.problems().len(), 1, "{index} {outcome:?}");
        }
    }
}

#[test]
fn an_empty_submission_that_earns_something_disproves() {
    let mut proof = proved();
    proof.rows[1].runs[0][2] = Pass;
    assert!(
        proof.problems()[0]
            .to_string()
            .contains("must earn nothing, but passes s-bye")
    );
}

#[test]
fn a_starter_earns_what_it_declares_and_is_built_without_a_warning() {
    let starter = |meets: &[&str], run| {
        let mut proof = proved();
        let kind = Kind::Starter { meets: ids(meets) };
        proof.rows.insert(2, row("starter", kind, &[run]));
        proof
    };
    let good = starter(&["s-bye"], [Fail, NotReached, Pass]);
    assert_eq!(good.problems(), []);
    let said = |proof: &Proof| proof.problems()[0].to_string();
    let more = starter(&[], [Fail, NotReached, Pass]);
    assert!(said(&more).contains("starter.toml does not declare: s-bye"));
    let less = starter(&["s-bye"], [Fail, NotReached, Fail]);
    assert!(said(&less).contains("but does not: s-bye"));
    let mut warned = starter(&[], [Fail; 3]);
    warned.rows[2]
        .build
        .push("us-server is compiled with warnings".to_owned());
    assert!(said(&warned).contains("starter: us-server is compiled with warnings"));
}

#[test]
fn verdicts_and_transcripts_must_not_move() {
    let mut proof = proved();
    proof.rows[4].runs[1][1] = Pass;
    assert!(
        matches!(&proof.problems()[0], Problem::Unsteady { name, what } if name == "serve-one" && what == "s-next")
    );
    assert!(text(&proof).contains("1 moved"));
    let mut proof = proved();
    proof.rows[0].moved = vec![Moved {
        scenario: "talk".to_owned(),
        phase: "1  alice > ab".to_owned(),
        lane: "alice".to_owned(),
        first: vec!["alice  <  | AB".to_owned()],
        other: Vec::new(),
        run: 7,
    }];
    assert!(matches!(&proof.problems()[0], Problem::Unsteady { name, .. } if name == "reference"));
    let text = text(&proof);
    assert!(
        text.contains(
            "✗ reference: not the same in every run: talk (alice)\n  \
             talk: lane `alice` moves in phase 1  alice > ab\n    \
             run 1     alice  <  | AB\n    run 7     (nothing)\n"
        ),
        "{text}"
    );
}

#[test]
fn faults_prove_nothing() {
    let mut proof = proved();
    proof.rows[5]
        .faults
        .push("the helper was killed by signal 9".to_owned());
    assert_eq!(proof.exit_status(), 3);
    assert!(text(&proof).contains("error: no-unlink: the helper was killed"));
}

#[test]
fn a_wide_matrix_is_cut_into_blocks() {
    let mut proof = proved();
    proof.requirements = (0..30).map(|n| format!("requirement-{n}")).collect();
    let text = text(&proof);
    assert!(
        text.lines()
            .take_while(|line| !line.contains("mutants"))
            .filter(|line| line.contains("requ"))
            .count()
            > 1
    );
    assert!(
        text.lines()
            .filter(|line| line.starts_with("serve-one "))
            .all(|line| line.chars().count() <= 80)
    );
}
