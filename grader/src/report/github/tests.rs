use std::cell::RefCell;
use std::rc::Rc;

use super::super::sample;
use super::annotations::ANNOTATIONS;
use super::summary::{SUMMARY_BYTES, fenced};
use super::*;
use crate::lab::Lang;

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// Commands, summary, outputs.
fn all_three(run: &sample::Run) -> (String, String, String) {
    let (summary, output) = (Shared::default(), Shared::default());
    let mut commands = Vec::new();
    let context = sample::context(Lang::En);
    let (s, o) = (Box::new(summary.clone()), Box::new(output.clone()));
    run.feed(&mut GitHub::new(&mut commands, Some(s), Some(o), context));
    (
        String::from_utf8(commands).unwrap(),
        summary.text(),
        output.text(),
    )
}

#[test]
fn one_fault() {
    let (commands, summary, output) = all_three(&sample::one_fault());
    insta::assert_snapshot!(format!(
        "{commands}\n=== summary\n{summary}\n=== output\n{output}"
    ));
}

#[test]
fn what_is_only_reported_is_a_warning() {
    let mut run = sample::one_fault();
    assert!(all_three(&run).0.starts_with("::error "));
    for verdict in &mut run.summary.verdicts {
        if verdict.outcome == crate::verdict::Outcome::Fail {
            verdict.of = 0;
        }
    }
    assert!(all_three(&run).0.starts_with("::warning "));
}

#[test]
fn a_compilers_place_is_annotated() {
    let (commands, _, output) = all_three(&sample::not_built());
    let first = commands.lines().next().unwrap();
    assert!(
        first.starts_with("::error file=server.c,line=41,col=9,title=us-server from server.c::"),
        "{first}"
    );
    assert!(output.contains("result=fail"));
}

#[test]
fn hostile_bytes_start_no_command() {
    let (commands, summary, output) = all_three(&sample::hostile());
    for line in commands.lines() {
        assert!(
            line.starts_with("::error ") || line.starts_with("::notice "),
            "{line}"
        );
        let (properties, _) = line[2..].split_once("::").unwrap();
        assert!(
            !properties.contains("pwned") || properties.contains("title="),
            "{line}"
        );
    }
    // Two annotations for the build and the failure, one for the error, two notices.
    assert_eq!(commands.lines().count(), 5, "{commands}");
    assert!(!commands.contains('\u{1b}') && !summary.contains('\u{1b}'));
    let outside: String = summary.split("```").step_by(2).collect();
    assert!(!outside.contains("<b>"), "{outside}");
    assert_eq!(output, "points=0\nmax-points=30\nresult=error\n");
    insta::assert_snapshot!(format!("{commands}\n=== summary\n{summary}"));
}

#[test]
fn the_tenth_error_says_how_many_more_there_are() {
    let mut run = sample::one_fault();
    let failed = run.summary.verdicts[2].clone();
    run.summary.verdicts = vec![failed; 25];
    let (commands, _, _) = all_three(&run);
    let errors: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("::error"))
        .collect();
    assert_eq!(errors.len(), ANNOTATIONS);
    assert_eq!(errors[9], "::error title=grader::and 16 more");
}

#[test]
fn a_summary_stays_within_its_budget() {
    let mut run = sample::one_fault();
    let mut failed = run.summary.verdicts[2].clone();
    if let Some(Reason::Difference(found)) = &mut failed.reason {
        found.waits = vec!["w".repeat(70); 2000];
    }
    run.summary.verdicts = vec![failed; 30];
    let (_, summary, _) = all_three(&run);
    assert!(summary.len() <= SUMMARY_BYTES, "{}", summary.len());
    assert!(summary.len() > SUMMARY_BYTES / 2, "{}", summary.len());
    assert!(
        summary.contains("… and "),
        "nothing says that something is missing"
    );
}

#[test]
fn a_fence_is_longer_than_what_it_holds() {
    let block = fenced("t", "a ```` b");
    assert!(block.contains("`````text\n"), "{block}");
}

#[test]
fn a_place_outside_the_submission_is_not_annotated() {
    let run = sample::one_fault();
    let reporter = GitHub::new(io::sink(), None, None, sample::context(Lang::En));
    assert!(
        reporter
            .position("/usr/include/stdio.h:1:2: error: x")
            .is_none()
    );
    assert!(reporter.position("../a.c:1:2: error: x").is_none());
    assert!(reporter.position("no place: error: x").is_none());
    let found = reporter.position("a.c:7: error: x").unwrap();
    assert_eq!(
        (found.file.as_str(), found.line, found.column),
        ("a.c", 7, None)
    );
    drop(run);
}
