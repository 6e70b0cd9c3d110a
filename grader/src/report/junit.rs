//! JUnit XML in the dialect of the Jenkins xUnit plugin: `failure` is the student's, `error` the
//! grader's or the machine's, `skipped` a requirement that could not be judged, or is only reported and not met.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::lab::Lab;
use crate::run::{Refusal, RunEvent, Summary};
use crate::submission::BuildReport;
use crate::verdict::{Outcome, Reason, Verdict};

use super::findings::{difference, sentence};
use super::ladder::ladders;
use super::page::Page;
use super::phrases::phrases;
use super::{Context, Reporter, only_reported};
use crate::text::{clean, one_line};

/// Writes one XML document when everything is known.
pub struct JUnit<W> {
    out: W,
    context: Context,
    lab: Option<Lab>,
    builds: Vec<BuildReport>,
}

impl<W: Write> JUnit<W> {
    /// Writes to `out`.
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out,
            context,
            lab: None,
            builds: Vec::new(),
        }
    }
}

impl<W: Write> Reporter for JUnit<W> {
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Began { lab, .. } => self.lab = Some((*lab).clone()),
            RunEvent::Built(build) => self.builds.push((*build).clone()),
            RunEvent::Enforced(_) | RunEvent::ScenarioDone { .. } => {}
            RunEvent::Finished(summary) => return self.write(&self.report(summary)),
            RunEvent::Refused(refusal) => return self.write(&refused(refusal)),
        }
        Ok(())
    }
}

/// One case that is an error: the submission itself.
fn refused(refusal: &Refusal<'_>) -> Report {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("error");
    status.set_message(legal(&one_line(refusal.message)));
    let mut case = TestCase::new(legal(&one_line(refusal.submission)), status);
    case.set_classname(legal(&refusal.lab.id));
    let mut suite = TestSuite::new(legal(&refusal.lab.id));
    suite.add_test_case(case);
    let mut report = Report::new(legal(&format!("grader {}", refusal.lab.id)));
    report.add_test_suite(suite);
    report
}

impl<W: Write> JUnit<W> {
    fn write(&mut self, report: &Report) -> io::Result<()> {
        let xml = report.to_string().map_err(io::Error::other)?;
        self.out.write_all(disarm(&xml).as_bytes())?;
        self.out.flush()
    }
}

impl<W> JUnit<W> {
    fn report(&self, summary: &Summary) -> Report {
        let mut suite = TestSuite::new(legal(&summary.lab));
        suite.set_time(summary.took);
        let mut property = |name: String, value: String| {
            suite.add_property((legal(&name), legal(&value)));
        };
        property("submission".to_owned(), summary.submission.clone());
        property("points".to_owned(), summary.points.to_string());
        property("max-points".to_owned(), summary.of.to_string());
        for verdict in &summary.verdicts {
            property(
                format!("points.{}", verdict.requirement),
                verdict.points.to_string(),
            );
            property(
                format!("max-points.{}", verdict.requirement),
                verdict.of.to_string(),
            );
        }
        for verdict in &summary.verdicts {
            suite.add_test_case(self.case(verdict, summary));
        }
        let failed: Vec<String> = self
            .builds
            .iter()
            .filter_map(|build| build.failure.clone())
            .collect();
        if !failed.is_empty() {
            suite.set_system_err(legal(&clean(&failed.join("\n"))));
        }
        let ladders: Vec<String> = ladders(&self.builds, self.context.lang)
            .into_iter()
            .flatten()
            .collect();
        if !ladders.is_empty() {
            suite.set_system_out(legal(&clean(&ladders.join("\n"))));
        }
        let mut report = Report::new(legal(&format!("grader {}", summary.lab)));
        report.set_time(summary.took);
        report.add_test_suite(suite);
        report
    }

    fn case(&self, verdict: &Verdict, summary: &Summary) -> TestCase {
        let words = phrases(self.context.lang);
        let requirement = self
            .lab
            .iter()
            .flat_map(|lab| &lab.requirements)
            .find(|r| r.id == verdict.requirement);
        let title = requirement.map_or("", |r| r.title.in_lang(self.context.lang));
        let message = legal(&sentence(verdict, words));
        let mut status = match verdict.outcome {
            Outcome::Pass => TestCaseStatus::success(),
            // What is only reported fails nobody's build.
            Outcome::Fail | Outcome::Unstable if only_reported(verdict, summary) => {
                TestCaseStatus::skipped()
            }
            Outcome::Fail | Outcome::Unstable => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
            Outcome::NotReached | Outcome::Skipped => TestCaseStatus::skipped(),
        };
        if verdict.outcome != Outcome::Pass {
            let kind = super::outcome_word(verdict.outcome);
            status.set_type(kind);
            status.set_message(if message.is_empty() {
                kind.to_owned()
            } else {
                message
            });
        }
        if let Some(Reason::Difference(found)) = &verdict.reason {
            let mut page = Page::plain();
            difference(&mut page, found, words);
            if let Some(hint) = requirement
                .map(|r| r.hint.in_lang(self.context.lang))
                .filter(|h| !h.is_empty())
            {
                page.line(&format!("  {}  {}", words.hint(), one_line(hint)));
            }
            page.line(&format!(
                "  {}  {}",
                words.try_this(),
                self.context.replay.scenario(&found.scenario)
            ));
            status.set_description(legal(&page.finish()));
        }
        let name = format!("{}: {title}", verdict.requirement);
        let mut case = TestCase::new(legal(&one_line(&name)), status);
        case.set_classname(legal(&summary.lab));
        case
    }
}

/// Text in which every character that XML 1.0 does not allow (section 2.2, `Char`) is U+FFFD.
fn legal(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect()
}

/// Writes as character references what a GitHub runner would take for a command when the document
/// goes to its log: `##[` anywhere, `::` at the start of a line. It stays the same XML.
fn disarm(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    for line in xml.split_inclusive('\n') {
        let body = line.trim_start();
        out.push_str(&line[..line.len() - body.len()]);
        match body.strip_prefix("::") {
            Some(rest) => {
                out.push_str("&#58;&#58;");
                out.push_str(&rest.replace("##[", "&#35;#["));
            }
            None => out.push_str(&body.replace("##[", "&#35;#[")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::lab::Lang;

    fn text(run: &sample::Run) -> String {
        let mut bytes = Vec::new();
        run.feed(&mut JUnit::new(&mut bytes, sample::context(Lang::En)));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn one_fault() {
        insta::assert_snapshot!(text(&sample::one_fault()));
    }

    #[test]
    fn what_is_only_reported_is_no_failure() {
        let mut run = sample::one_fault();
        assert!(text(&run).contains("<failure"));
        for verdict in &mut run.summary.verdicts {
            if verdict.outcome == Outcome::Fail {
                verdict.of = 0;
            }
        }
        let text = text(&run);
        assert!(!text.contains("<failure"), "{text}");
        assert!(
            text.contains("<skipped") && text.contains(r#"type="fail""#),
            "{text}"
        );
    }

    #[test]
    fn failure_error_and_skipped_are_three_things() {
        let text = text(&sample::machine_fault());
        assert!(
            text.contains(r#"tests="4" skipped="1" errors="2" failures="1""#),
            "{text}"
        );
        assert!(
            text.contains(
                r#"<error message="the supervisor was killed (signal 9)" type="error"/>"#
            ),
            "{text}"
        );
        let text = self::text(&sample::not_built());
        assert!(
            text.contains(
                r#"<skipped message="not reached: needs s-address" type="not-reached"/>"#
            ),
            "{text}"
        );
        assert!(text.contains("<system-err>server.c: In function"), "{text}");
    }

    #[test]
    fn how_programs_were_built_is_told() {
        assert!(!text(&sample::one_fault()).contains("<system-out>"));
        let mut run = sample::one_fault();
        let build = run.builds.first_mut().unwrap();
        build.rung = Some(crate::submission::Rung::MakeStubs);
        build.tried = vec![crate::submission::Tried {
            rung: crate::submission::Rung::Make,
            how: "make".to_owned(),
            why: "cannot find -lsocket".to_owned(),
        }];
        let text = text(&run);
        assert!(
            text.contains("<system-out>") && text.contains("- make: cannot find -lsocket"),
            "{text}"
        );
    }

    #[test]
    fn hostile_bytes_leave_legal_xml_without_commands() {
        let text = text(&sample::hostile());
        assert!(
            text.chars()
                .all(|c| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'))
        );
        assert!(!text.contains("##["), "{text}");
        assert!(
            text.lines()
                .all(|line| !line.trim_start().starts_with("::")),
            "{text}"
        );
        assert!(!text.contains("]]>") && !text.contains("<b>"), "{text}");
        // It is one well-formed document: the reader of the same dialect takes it.
        assert_eq!(text.matches("<testcase").count(), 4);
    }

    #[test]
    fn characters_outside_xml_are_replaced() {
        assert_eq!(
            legal("a\u{0}\u{1b}\u{fffe}b\n\u{10ffff}"),
            "a\u{fffd}\u{fffd}\u{fffd}b\n\u{10ffff}"
        );
    }
}
