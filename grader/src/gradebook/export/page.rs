//! One page for each student: HTML that needs nothing else, and Markdown.

use std::fmt::Write as _;

use super::{Grade, Grades, number};
use crate::batch::Status;
use crate::gradebook::time;
use crate::report::{JsonEvidence, JsonLine, JsonRequirement, JsonWhy};

/// Why a requirement is not met, in lines.
pub(super) fn reason(why: &JsonWhy) -> Vec<String> {
    match why {
        JsonWhy::Difference(evidence) => difference(evidence),
        JsonWhy::Prerequisite(requirement) => {
            vec![format!("not reached: {requirement} comes first")]
        }
        JsonWhy::Earlier(earlier) => vec![format!(
            "not reached: {} left the expected path in step {}, see {}",
            earlier.scenario, earlier.step, earlier.requirement
        )],
        JsonWhy::NotBuilt(program) => vec![format!("{program} was not built")],
        JsonWhy::Fault(fault) => vec![format!("the grader or the machine failed: {fault}")],
        JsonWhy::Unavailable(what) => vec![format!("not available on this machine: {what}")],
    }
}

fn difference(evidence: &JsonEvidence) -> Vec<String> {
    let place = if evidence.step == 0 {
        format!("{}, after the steps", evidence.scenario)
    } else {
        format!(
            "{}, step {}: {}",
            evidence.scenario, evidence.step, evidence.title
        )
    };
    let mut out = vec![place];
    let mut side = |name: &str, lines: &[JsonLine]| {
        out.push(format!("  {name}"));
        for line in lines {
            out.push(format!("    {}", shown(line)));
        }
        if lines.is_empty() {
            out.push("    nothing".to_owned());
        }
    };
    side("expected", &evidence.expected);
    side("yours", &evidence.yours);
    if evidence.more > 0 {
        out.push(format!("    and {} more lines differ", evidence.more));
    }
    out.extend(evidence.remark.iter().map(|remark| format!("  {remark}")));
    for actions in &evidence.actions {
        out.push(match actions.since {
            Some(step) => format!("  what {} did since step {step}", actions.program),
            None => format!("  what {} did in that step", actions.program),
        });
        for call in &actions.calls {
            out.push(match &call.remark {
                Some(remark) => format!("    {}    {remark}", call.text),
                None => format!("    {}", call.text),
            });
        }
    }
    if !evidence.waits.is_empty() {
        out.push("  who waits for whom".to_owned());
        out.extend(evidence.waits.iter().map(|wait| format!("    {wait}")));
    }
    out
}

fn shown(line: &JsonLine) -> String {
    let lane = if line.channel.is_empty() {
        line.lane.clone()
    } else {
        format!("{}.{}", line.lane, line.channel)
    };
    format!("{lane:<10} {:<2} | {}", line.op, line.payload)
}

/// The words for the points at the head of a page.
fn points(grades: &Grades, grade: &Grade) -> String {
    match grade.standing.score {
        Some(score) => format!("{} / {}", number(score), grades.lab.points),
        None => "not graded".to_owned(),
    }
}

/// What was taken away or decided by hand, and what was not graded.
fn remarks(grade: &Grade) -> Vec<String> {
    let standing = &grade.standing;
    let mut out = Vec::new();
    match standing.attempt.as_ref() {
        None => out.push("Nothing was handed in.".to_owned()),
        Some(attempt) => {
            match attempt.status {
                Status::Graded => {}
                Status::Ungradable => out.push(format!(
                    "It could not be graded as it is: {}",
                    attempt.for_student()
                )),
                Status::Error => {
                    out.push("It could not be graded yet, which is no fault of yours.".to_owned());
                }
            }
            if attempt.attempt > 1 {
                out.push(format!("Attempt {} counts.", attempt.attempt));
            }
            if let Some(at) = attempt.submitted {
                out.push(format!("Handed in {}.", time::shown(at)));
            }
        }
    }
    if standing.penalty > 0.0 {
        out.push(format!(
            "{} points were taken away for being late.",
            number(standing.penalty)
        ));
    }
    if standing.by_hand {
        out.push("Points were set by hand.".to_owned());
    }
    out
}

fn sorted(requirements: &[JsonRequirement]) -> (Vec<&JsonRequirement>, Vec<&JsonRequirement>) {
    requirements.iter().partition(|r| r.outcome != "pass")
}

fn mark(outcome: &str) -> &'static str {
    match outcome {
        "pass" => "✓",
        "fail" => "✗",
        "not-reached" => "–",
        "unstable" => "~",
        "skipped" => "○",
        _ => "!",
    }
}

/// A student's page in HTML.
#[must_use]
pub fn html(grades: &Grades, grade: &Grade) -> String {
    let student = &grade.standing.student;
    let title = format!("{} · {}", grades.lab.title, student.full_name());
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    );
    let _ = writeln!(
        page,
        "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        escape(&title)
    );
    let _ = writeln!(
        page,
        "<header><div><h1>{}</h1><p>{}</p></div><p class=\"points\">{}</p></header>",
        escape(&grades.lab.title),
        escape(&format!("{} · {}", student.full_name(), grades.lab.name)),
        escape(&points(grades, grade))
    );
    let remarks = remarks(grade);
    if !remarks.is_empty() {
        page.push_str("<ul class=\"remarks\">");
        for remark in remarks {
            let _ = write!(page, "<li>{}</li>", escape(&remark));
        }
        page.push_str("</ul>\n");
    }
    if let Some(report) = grade
        .record
        .as_ref()
        .and_then(|record| record.report.as_ref())
    {
        for build in &report.builds {
            if let Some(failure) = &build.failure {
                let _ = writeln!(
                    page,
                    "<section class=\"fail\"><h2>{} was not built</h2><pre>{}</pre></section>",
                    escape(&build.executable),
                    escape(failure)
                );
            }
        }
        let (open, met) = sorted(&report.requirements);
        for requirement in open {
            html_requirement(&mut page, requirement);
        }
        if !met.is_empty() {
            page.push_str("<h2>Met</h2>\n<table>\n");
            for r in met {
                let _ = writeln!(
                    page,
                    "<tr><td class=\"ok\">✓</td><td><code>{}</code></td><td>{}</td><td class=\"n\">{}</td></tr>",
                    escape(&r.id),
                    escape(&r.title.en),
                    r.points
                );
            }
            page.push_str("</table>\n");
        }
        if !report.notes.is_empty() {
            page.push_str("<h2>Notes, which cost nothing</h2>\n<ul>");
            for note in &report.notes {
                let _ = write!(page, "<li>{}</li>", escape(note));
            }
            page.push_str("</ul>\n");
        }
    }
    if let Some(record) = &grade.record {
        let _ = writeln!(
            page,
            "<footer>Graded {} by grader {} with {} · seed {}</footer>",
            escape(&time::shown(record.started / 1000)),
            escape(&record.made_by.grader),
            escape(&record.made_by.compiler),
            record.seed
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn html_requirement(page: &mut String, r: &JsonRequirement) {
    let class = if r.outcome == "not-reached" || r.outcome == "skipped" {
        "none"
    } else {
        "fail"
    };
    let _ = writeln!(
        page,
        "<section class=\"{class}\"><h2><span class=\"mark\">{}</span> {} <small><code>{}</code> {} of {}</small></h2>",
        mark(&r.outcome),
        escape(&r.title.en),
        escape(&r.id),
        r.points,
        r.of
    );
    match &r.reason {
        Some(JsonWhy::Difference(evidence)) => {
            let lines = difference(evidence);
            let _ = writeln!(page, "<pre>{}</pre>", escape(&lines.join("\n")));
            if !r.hint.en.is_empty() {
                let _ = writeln!(page, "<p class=\"hint\">{}</p>", escape(&r.hint.en));
            }
            let _ = writeln!(page, "<p>Try <code>{}</code></p>", escape(&evidence.replay));
        }
        Some(why) => {
            let _ = writeln!(page, "<p>{}</p>", escape(&reason(why).join(" ")));
        }
        None => {}
    }
    page.push_str("</section>\n");
}

const STYLE: &str = "
:root{color-scheme:light dark;--line:#d0d7de;--soft:#f6f8fa;--bad:#cf222e;--good:#1a7f37;--dim:#59636e}
@media(prefers-color-scheme:dark){:root{--line:#3d444d;--soft:#151b23;--bad:#f85149;--good:#3fb950;--dim:#9198a1}}
body{font:16px/1.5 system-ui,sans-serif;margin:0}
main{max-width:56rem;margin:2rem auto;padding:0 1rem}
header{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;border-bottom:1px solid var(--line)}
h1{font-size:1.4rem;margin:0}
header p{margin:.2rem 0 .8rem;color:var(--dim)}
header .points{font-size:1.6rem;font-weight:600;color:inherit;white-space:nowrap}
h2{font-size:1.05rem;margin:1.4rem 0 .5rem}
small{font-weight:400;color:var(--dim)}
section{border-left:4px solid var(--line);padding:0 0 0 1rem;margin:1.2rem 0}
section.fail{border-color:var(--bad)}
section.fail .mark{color:var(--bad)}
section h2{margin-top:0}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.8rem;overflow-x:auto;font-size:.85rem;line-height:1.4}
code{font-size:.9em}
.hint{font-weight:600}
table{border-collapse:collapse}
td code{white-space:nowrap}
td{padding:.15rem .8rem .15rem 0;vertical-align:top}
.ok{color:var(--good)}
.n{text-align:right}
footer{margin-top:2rem;color:var(--dim);font-size:.85rem;border-top:1px solid var(--line);padding-top:.5rem}
";

/// Text as text, whatever is in it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            // Neither control characters nor those that turn the direction of what follows.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A student's page in Markdown.
#[must_use]
pub fn markdown(grades: &Grades, grade: &Grade) -> String {
    let student = &grade.standing.student;
    let mut page = String::new();
    let _ = writeln!(
        page,
        "# {}: {}\n\n{} · {}\n",
        inline(&grades.lab.title),
        inline(&points(grades, grade)),
        inline(student.full_name()),
        inline(&grades.lab.name)
    );
    for remark in remarks(grade) {
        let _ = writeln!(page, "- {}", inline(&remark));
    }
    let Some(report) = grade
        .record
        .as_ref()
        .and_then(|record| record.report.as_ref())
    else {
        return page;
    };
    for build in &report.builds {
        if let Some(failure) = &build.failure {
            let _ = writeln!(
                page,
                "\n## {} was not built\n\n{}",
                inline(&build.executable),
                fenced(failure)
            );
        }
    }
    let (open, met) = sorted(&report.requirements);
    for r in open {
        let _ = writeln!(
            page,
            "\n## {} {} ({}, {} of {})\n",
            mark(&r.outcome),
            inline(&r.title.en),
            inline(&r.id),
            r.points,
            r.of
        );
        match &r.reason {
            Some(JsonWhy::Difference(evidence)) => {
                let _ = writeln!(page, "{}", fenced(&difference(evidence).join("\n")));
                if !r.hint.en.is_empty() {
                    let _ = writeln!(page, "\n**{}**", inline(&r.hint.en));
                }
                let _ = writeln!(page, "\nTry\n\n{}", fenced(&evidence.replay));
            }
            Some(why) => {
                let _ = writeln!(page, "{}", inline(&reason(why).join(" ")));
            }
            None => {}
        }
    }
    if !met.is_empty() {
        page.push_str("\n## Met\n\n");
        for r in met {
            let _ = writeln!(
                page,
                "- ✓ {} ({}, {})",
                inline(&r.title.en),
                inline(&r.id),
                r.points
            );
        }
    }
    if !report.notes.is_empty() {
        page.push_str("\n## Notes, which cost nothing\n\n");
        for note in &report.notes {
            let _ = writeln!(page, "- {}", inline(note));
        }
    }
    page
}

/// One line in which nothing is markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => {}
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A block that nothing in it ends.
fn fenced(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    let clean: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    format!("{fence}text\n{clean}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            escape("<script>alert('\"&')</script>\x1b[2J\u{202e}"),
            "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;\\u{1b}[2J\\u{202e}"
        );
        assert_eq!(
            inline("[a](javascript:x)\n# b"),
            "\\[a\\](javascript:x) \\# b"
        );
        let block = fenced("a\n````\n<b>");
        assert!(block.starts_with("`````text\n") && block.ends_with("\n`````"));
    }
}
