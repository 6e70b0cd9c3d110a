//! One page for each student: HTML that needs nothing else, and Markdown.

use std::fmt::Write as _;

use super::words::Words;
use super::{Grade, Grades};
use crate::batch::Status;
use crate::lab::Lang;
use crate::report::phrases::phrases;
use crate::report::{JsonEvidence, JsonLine, JsonRequirement, JsonWhy};

/// Why a requirement is not met, in lines.
pub(super) fn reason(why: &JsonWhy, lang: Lang) -> Vec<String> {
    let phrases = phrases(lang);
    match why {
        JsonWhy::Difference(evidence) => difference(evidence, lang),
        JsonWhy::Prerequisite(requirement) => vec![phrases.needs(requirement)],
        JsonWhy::Earlier(earlier) => {
            vec![phrases.earlier(&earlier.scenario, earlier.step, &earlier.requirement)]
        }
        JsonWhy::NotBuilt(program) => vec![phrases.program_missing(program)],
        JsonWhy::Fault(fault) => vec![Words(lang).fault(fault)],
        JsonWhy::Unavailable(what) => vec![phrases.unavailable(what)],
    }
}

fn difference(evidence: &JsonEvidence, lang: Lang) -> Vec<String> {
    let phrases = phrases(lang);
    let mut out = vec![phrases.place(&evidence.scenario, evidence.step, &evidence.title)];
    let mut side = |name: &str, lines: &[JsonLine]| {
        out.push(format!("  {name}"));
        for line in lines {
            out.push(format!("    {}", shown(line)));
        }
        if lines.is_empty() {
            out.push(format!("    {}", phrases.nothing()));
        }
    };
    side(phrases.expected(), &evidence.expected);
    side(phrases.yours(), &evidence.yours);
    if evidence.more > 0 {
        out.push(format!("    {}", phrases.more_lines(evidence.more)));
    }
    out.extend(evidence.remark.iter().map(|remark| format!("  {remark}")));
    for actions in &evidence.actions {
        out.push(format!(
            "  {}",
            phrases.actions(&actions.program, actions.since, evidence.step)
        ));
        for call in &actions.calls {
            out.push(match &call.remark {
                Some(remark) => format!("    {}    {remark}", call.text),
                None => format!("    {}", call.text),
            });
        }
    }
    if !evidence.waits.is_empty() {
        out.push(format!("  {}", phrases.who_waits()));
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
    let words = Words(grades.lang);
    match grade.standing.score {
        Some(score) => format!("{} / {}", words.number(score), grades.lab.points),
        None => words.not_graded().to_owned(),
    }
}

/// The lab's title in the language of the page, where the record has it.
fn title<'a>(grades: &'a Grades, grade: &'a Grade) -> &'a str {
    let report = grade.record.as_ref().and_then(|r| r.report.as_ref());
    report.map_or(grades.lab.title.as_str(), |report| {
        Words(grades.lang).text(&report.lab.title)
    })
}

/// What was taken away or decided by hand, and what was not graded.
fn remarks(grade: &Grade, words: Words) -> Vec<String> {
    let standing = &grade.standing;
    let mut out = Vec::new();
    match standing.attempt.as_ref() {
        None => out.push(words.nothing_handed_in().to_owned()),
        Some(attempt) => {
            match attempt.status {
                Status::Graded => {}
                Status::Ungradable => out.push(words.ungradable(&attempt.for_student(words.0))),
                Status::Error => out.push(words.our_error().to_owned()),
            }
            if attempt.attempt > 1 {
                out.push(words.attempt(attempt.attempt));
            }
            out.extend(attempt.submitted.map(|at| words.handed_in(at)));
        }
    }
    if standing.penalty > 0.0 {
        out.push(words.late(standing.penalty));
    }
    if standing.by_hand {
        out.push(words.by_hand(&standing.parts_by_hand));
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
    let words = Words(grades.lang);
    let lab = title(grades, grade);
    let title = format!("{lab} · {}", student.full_name());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        words.code()
    );
    let _ = writeln!(
        page,
        "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        escape(&title)
    );
    let _ = writeln!(
        page,
        "<header><div><h1>{}</h1><p>{}</p></div><p class=\"points\">{}</p></header>",
        escape(lab),
        escape(&format!("{} · {}", student.full_name(), grades.lab.name)),
        escape(&points(grades, grade))
    );
    let remarks = remarks(grade, words);
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
                    "<section class=\"fail\"><h2>{}</h2><pre>{}</pre></section>",
                    escape(&words.was_not_built(&build.executable)),
                    escape(failure)
                );
            }
        }
        let (open, met) = sorted(&report.requirements);
        for requirement in open {
            html_requirement(&mut page, grade, requirement, grades.lang);
        }
        if !met.is_empty() {
            let _ = writeln!(page, "<h2>{}</h2>\n<table>", words.met());
            for r in met {
                let _ = writeln!(
                    page,
                    "<tr><td class=\"ok\">✓</td><td><code>{}</code></td><td>{}</td><td class=\"n\">{}</td></tr>",
                    escape(&r.id),
                    escape(words.text(&r.title)),
                    r.points
                );
            }
            page.push_str("</table>\n");
        }
        if !report.notes.is_empty() {
            let _ = write!(page, "<h2>{}</h2>\n<ul>", words.notes());
            for note in &report.notes {
                let _ = write!(page, "<li>{}</li>", escape(note));
            }
            page.push_str("</ul>\n");
        }
    }
    if let Some(record) = &grade.record {
        let _ = writeln!(
            page,
            "<footer>{}</footer>",
            escape(&words.footer(
                record.started / 1000,
                &record.made_by.grader,
                &record.made_by.compiler,
                record.seed
            ))
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn html_requirement(page: &mut String, grade: &Grade, r: &JsonRequirement, lang: Lang) {
    let words = Words(lang);
    let class = if r.outcome == "not-reached" || r.outcome == "skipped" {
        "none"
    } else {
        "fail"
    };
    let _ = writeln!(
        page,
        "<section class=\"{class}\"><h2><span class=\"mark\">{}</span> {} <small><code>{}</code> {}</small></h2>",
        mark(&r.outcome),
        escape(words.text(&r.title)),
        escape(&r.id),
        words.of(r.points, r.of)
    );
    match grade.reason(r, lang) {
        Some(JsonWhy::Difference(evidence)) => {
            let lines = difference(evidence, lang);
            let _ = writeln!(page, "<pre>{}</pre>", escape(&lines.join("\n")));
            let hint = words.text(&r.hint);
            if !hint.is_empty() {
                let _ = writeln!(page, "<p class=\"hint\">{}</p>", escape(hint));
            }
            let _ = writeln!(
                page,
                "<p>{} <code>{}</code></p>",
                words.try_it(),
                escape(&evidence.replay)
            );
        }
        Some(why) => {
            let _ = writeln!(page, "<p>{}</p>", escape(&reason(why, lang).join(" ")));
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
header div{min-width:0}
h1,h2,p,li{overflow-wrap:anywhere}
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
@media print{main{margin:0 auto}pre{white-space:pre-wrap;overflow-wrap:anywhere}h2{break-after:avoid}tr,li{break-inside:avoid}}
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
            c if is_unseen(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Control characters, and those that turn the direction of what follows.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A student's page in Markdown.
#[must_use]
pub fn markdown(grades: &Grades, grade: &Grade) -> String {
    let student = &grade.standing.student;
    let (words, lang) = (Words(grades.lang), grades.lang);
    let mut page = String::new();
    let _ = writeln!(
        page,
        "# {}: {}\n\n{} · {}\n",
        inline(title(grades, grade)),
        inline(&points(grades, grade)),
        inline(student.full_name()),
        inline(&grades.lab.name)
    );
    for remark in remarks(grade, words) {
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
                "\n## {}\n\n{}",
                inline(&words.was_not_built(&build.executable)),
                fenced(failure)
            );
        }
    }
    let (open, met) = sorted(&report.requirements);
    for r in open {
        let _ = writeln!(
            page,
            "\n## {} {} ({}, {})\n",
            mark(&r.outcome),
            inline(words.text(&r.title)),
            inline(&r.id),
            words.of(r.points, r.of)
        );
        match grade.reason(r, lang) {
            Some(JsonWhy::Difference(evidence)) => {
                let _ = writeln!(page, "{}", fenced(&difference(evidence, lang).join("\n")));
                let hint = words.text(&r.hint);
                if !hint.is_empty() {
                    let _ = writeln!(page, "\n**{}**", inline(hint));
                }
                let replay = fenced(&evidence.replay);
                let _ = writeln!(page, "\n{}\n\n{replay}", words.try_it());
            }
            Some(why) => {
                let _ = writeln!(page, "{}", inline(&reason(why, lang).join(" ")));
            }
            None => {}
        }
    }
    if !met.is_empty() {
        let _ = writeln!(page, "\n## {}\n", words.met());
        for r in met {
            let _ = writeln!(
                page,
                "- ✓ {} ({}, {})",
                inline(words.text(&r.title)),
                inline(&r.id),
                r.points
            );
        }
    }
    if !report.notes.is_empty() {
        let _ = writeln!(page, "\n## {}\n", words.notes());
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
            c if is_unseen(c) => {}
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
        .filter(|c| !is_unseen(*c) || matches!(c, '\n' | '\t'))
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
            inline("[a](java\u{202e}script:x)\n# b"),
            "\\[a\\](javascript:x) \\# b"
        );
        let block = fenced("a\n````\n<b>\u{202e}");
        assert!(block.starts_with("`````text\n") && block.ends_with("<b>\n`````"));
    }
}
