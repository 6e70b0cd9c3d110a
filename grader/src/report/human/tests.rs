use super::super::sample;
use super::*;
use crate::lab::Lang;
use crate::text::{WIDTH, columns};

/// The report with its colours taken off.
fn text(run: &sample::Run, lang: Lang) -> String {
    let coloured = coloured(run, lang);
    anstream::adapter::strip_str(&coloured).to_string()
}

fn coloured(run: &sample::Run, lang: Lang) -> String {
    let mut bytes = Vec::new();
    run.feed(&mut Human::new(&mut bytes, sample::context(lang)));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn one_fault() {
    insta::assert_snapshot!(text(&sample::one_fault(), Lang::En));
}

#[test]
fn one_fault_in_russian() {
    insta::assert_snapshot!(text(&sample::one_fault(), Lang::Ru));
}

#[test]
fn what_costs_points_comes_before_what_is_only_reported() {
    let mut run = sample::one_fault();
    let failed = |verdict: &&mut crate::verdict::Verdict| verdict.outcome == Outcome::Fail;
    let fault = run.summary.verdicts.iter_mut().find(failed).unwrap();
    let mut reported = fault.clone();
    (reported.requirement, reported.of) = ("remark".into(), 0);
    run.summary.verdicts.insert(0, reported);
    let text = text(&run, Lang::En);
    let first = text.lines().find(|line| line.starts_with('✗')).unwrap();
    assert!(
        !first.contains("remark") && text.contains("✗ remark"),
        "{text}"
    );
}

#[test]
fn all_met() {
    insta::assert_snapshot!(text(&sample::all_met(), Lang::En));
}

#[test]
fn a_program_that_is_not_built() {
    insta::assert_snapshot!(text(&sample::not_built(), Lang::En));
}

#[test]
fn the_machines_fault() {
    insta::assert_snapshot!(text(&sample::machine_fault(), Lang::En));
}

#[test]
fn hostile_bytes() {
    let text = text(&sample::hostile(), Lang::En);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn colour_only_adds_and_comes_from_us_alone() {
    for run in sample::all() {
        let coloured = coloured(&run, Lang::En);
        // The only escape sequences are our own: select graphic rendition.
        let mut rest = coloured.as_str();
        while let Some(at) = rest.find('\u{1b}') {
            let end = rest[at..]
                .find('m')
                .expect("an escape sequence of ours ends in m");
            let inner = &rest[at + 1..at + end];
            assert!(
                inner.starts_with('[')
                    && inner[1..].chars().all(|c| c.is_ascii_digit() || c == ';'),
                "{inner:?}"
            );
            rest = &rest[at + end + 1..];
        }
    }
}

#[test]
fn no_line_but_commands_and_compilers_is_wider_than_eighty_columns() {
    for lang in [Lang::En, Lang::Ru] {
        let text = text(&sample::one_fault(), lang);
        for line in text.lines().filter(|line| !line.contains("grader check")) {
            assert!(columns(line) <= WIDTH, "{line}");
        }
    }
}
