//! `grader explain`: what a requirement asks for, and how it is found out.

use crate::lab::{Lab, Lang, Requirement, Scenario, Selector};
use crate::transcript::{CHECKS, Line, Transcript, selects, step_title};

use super::findings::{lane, pad, paragraph};
use super::page::{Page, Tone};
use super::phrases::phrases;
use crate::text::{columns, one_line};

/// Lines of an expected reaction that are shown.
const LINES: usize = 12;

/// What `grader explain` knows besides the lab.
pub struct Sources<'a> {
    /// The expected transcript of a scenario.
    pub expected: &'a dyn Fn(&str) -> Option<Transcript>,
    /// The handout.
    pub handout: Option<&'a str>,
}

/// Title and points, the hint, what it needs, the steps that prove it with what is expected there,
/// and what the handout says about it. With colours.
#[must_use]
pub fn explain(lab: &Lab, requirement: &Requirement, sources: &Sources<'_>, lang: Lang) -> String {
    let mut page = Page::coloured();
    let head = format!("{}/{}", lab.id, requirement.id);
    page.put(Tone::Strong, &head)
        .line(&format!("   {} / {}", requirement.points, total(lab)));
    paragraph(&mut page, "", requirement.title.in_lang(lang));
    page.end();
    let hint = requirement.hint.in_lang(lang);
    if !hint.is_empty() {
        paragraph(&mut page, "", hint);
        page.end();
    }
    if !requirement.needs.is_empty() {
        page.put(Tone::Strong, &format!("{}  ", phrases(lang).first_needs()))
            .line(&requirement.needs.join(", "))
            .end();
    }
    if let Some(text) = sources
        .handout
        .and_then(|handout| about(handout, &requirement.id))
    {
        for line in text.lines() {
            page.put(Tone::Dim, "│ ").line(&one_line(line));
        }
        page.end();
    }
    for scenario in &lab.scenarios {
        scenario_part(&mut page, scenario, requirement, sources, lang);
    }
    page.finish()
}

fn total(lab: &Lab) -> u32 {
    lab.requirements
        .iter()
        .map(|requirement| requirement.points)
        .sum()
}

fn scenario_part(
    page: &mut Page,
    scenario: &Scenario,
    requirement: &Requirement,
    sources: &Sources<'_>,
    lang: Lang,
) {
    let steps = scenario
        .steps
        .iter()
        .zip(1u32..)
        .flat_map(|(step, number)| {
            let proofs = step
                .proves
                .iter()
                .filter(|proof| proof.requirement == requirement.id);
            proofs.map(move |proof| (number, step_title(step), proof.lanes.as_slice()))
        });
    let steps: Vec<(u32, String, &[Selector])> = steps.collect();
    let checks: Vec<&str> = scenario
        .checks
        .iter()
        .filter(|check| check.proves.contains(&requirement.id))
        .map(|check| check.id.as_str())
        .collect();
    if steps.is_empty() && checks.is_empty() {
        return;
    }
    page.put(Tone::Strong, &scenario.id);
    if let Some(title) = &scenario.title {
        page.add(&format!("  {}", one_line(title.in_lang(lang))));
    }
    page.end();
    let expected = (sources.expected)(&scenario.id);
    let phase = |number: u32, title: &str| {
        let phases = expected
            .as_ref()
            .map_or(&[][..], |expected| &expected.phases);
        phases
            .iter()
            .find(|phase| phase.number == number && (number > 0 || phase.title == title))
    };
    for (number, title, selectors) in steps {
        page.line(&format!("  {number:>2}  {}", one_line(&title)));
        let lines = phase(number, "").map_or(&[][..], |phase| &phase.lines);
        let counts = |line: &&Line| {
            selectors.is_empty() || selectors.iter().any(|selector| selects(selector, line))
        };
        show(page, &lines.iter().filter(counts).collect::<Vec<_>>());
    }
    let lines = phase(0, CHECKS).map_or(&[][..], |phase| &phase.lines);
    let of_a_check = |line: &&Line| {
        checks
            .iter()
            .any(|id| line.payload.starts_with(&format!("{id}:")))
    };
    if !checks.is_empty() {
        page.line(&format!("  {}", checks.join(", ")));
    }
    show(page, &lines.iter().filter(of_a_check).collect::<Vec<_>>());
    page.end();
}

fn show(page: &mut Page, lines: &[&Line]) {
    let width = lines
        .iter()
        .map(|line| columns(&lane(line)))
        .max()
        .unwrap_or(0);
    for line in lines.iter().take(LINES) {
        let text = format!(
            "{}  {:2} | {}",
            pad(&lane(line), width),
            line.op.mark(),
            one_line(&line.payload)
        );
        page.put(Tone::Good, "        ").line(text.trim_end());
    }
    if lines.len() > LINES {
        page.put(Tone::Dim, &format!("        … +{}", lines.len() - LINES))
            .end();
    }
}

/// The paragraph of a handout that names a requirement, if one does. Tables of all requirements
/// say no more than the title.
fn about<'a>(handout: &'a str, id: &str) -> Option<&'a str> {
    let named = |paragraph: &&str| {
        paragraph.match_indices(id).any(|(at, _)| {
            let part_of_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            !paragraph[..at].ends_with(part_of_word)
                && !paragraph[at + id.len()..].starts_with(part_of_word)
        })
    };
    let told = |paragraph: &&str| !paragraph.trim_start().starts_with('|');
    handout
        .split("\n\n")
        .filter(told)
        .find(named)
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::lab::{Proof, Step, Stimulus};
    use crate::transcript::{Op, Phase};

    #[test]
    fn a_requirement_is_explained_with_what_is_expected() {
        let mut lab = sample::lab();
        let selector = Selector {
            lane: "server".to_owned(),
            channel: None,
            filter: Some("exit".to_owned()),
        };
        let proves = vec![Proof {
            requirement: "s-next".to_owned(),
            lanes: vec![selector],
        }];
        lab.scenarios[0].steps.push(Step {
            stimuli: vec![Stimulus::Start("server".to_owned())],
            proves,
        });
        let lines = vec![
            sample::line("bob", Op::Life, "open"),
            sample::line("server", Op::Life, "exit 0"),
        ];
        let expected = Transcript {
            phases: vec![Phase {
                number: 1,
                title: String::new(),
                lines,
            }],
            ..Transcript::default()
        };
        let expected = |scenario: &str| (scenario == "one-then-the-next").then(|| expected.clone());
        let handout = "# Lab\n\n| `s-next` | 10 |\n\nnot s-next-one\n\nThe next client (`s-next`) is\nserved.\n\nend";
        let sources = Sources {
            expected: &expected,
            handout: Some(handout),
        };
        let text = explain(&lab, &lab.requirements[2], &sources, Lang::En);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
