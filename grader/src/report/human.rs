//! For people: what is wrong and why, then the rest, then the score.

use std::io::{self, Write};

use crate::lab::{Lab, Requirement};
use crate::run::{BuildReport, RunEvent, Summary};
use crate::verdict::{Outcome, Reason, Verdict};

use super::findings::{difference, grouped, of_kind, pad, paragraph, sentence};
use super::ladder::{ladders, tried};
use super::page::{Page, Tone};
use super::phrases::{Phrases, phrases};
use super::text::{WIDTH, clean, columns, one_line, wrap};
use super::{Context, Reporter, exit_status};

/// Lines of a compiler's complaint that are shown; the first ones matter most.
const COMPILER_LINES: usize = 30;
/// Lines of compiler warnings that are shown.
const WARNING_LINES: usize = 8;

/// The report for people. It writes colours; the sink decides whether they stay.
pub struct Human<W> {
    out: W,
    context: Context,
    lab: Option<Lab>,
    untitled: bool,
    builds: Vec<BuildReport>,
    enforced: Option<supervisor::event::Enforced>,
    faults: Vec<(String, String)>,
}

impl<W: Write> Human<W> {
    /// Writes to `out`.
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out,
            context,
            lab: None,
            untitled: false,
            builds: Vec::new(),
            enforced: None,
            faults: Vec::new(),
        }
    }

    /// Writes the head line, once.
    fn title(&mut self) -> io::Result<()> {
        let Some(lab) = self.lab.as_ref().filter(|_| self.untitled) else {
            return Ok(());
        };
        let title = format!(
            "{}  {}",
            lab.id,
            one_line(lab.title.in_lang(self.context.lang))
        );
        let mut page = Page::coloured();
        page.put(Tone::Strong, &title).end();
        self.untitled = false;
        self.write(page)
    }

    fn write(&mut self, page: Page) -> io::Result<()> {
        self.out.write_all(page.finish().as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Reporter for Human<W> {
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Began { lab, .. } => {
                self.lab = Some((*lab).clone());
                self.untitled = true;
                Ok(())
            }
            RunEvent::Built(report) => {
                self.builds.push((*report).clone());
                // Not before: a submission that cannot be graded at all is one error message.
                self.title()
            }
            RunEvent::Enforced(enforced) => {
                self.enforced = Some((*enforced).clone());
                Ok(())
            }
            RunEvent::ScenarioDone {
                scenario, fault, ..
            } => {
                self.faults
                    .extend(fault.map(|why| ((*scenario).to_owned(), why.to_owned())));
                Ok(())
            }
            RunEvent::Finished(summary) => {
                self.title()?;
                let mut page = Page::coloured();
                self.body(&mut page, summary);
                self.write(page)
            }
        }
    }
}

impl<W> Human<W> {
    fn body(&self, page: &mut Page, summary: &Summary) {
        let words = phrases(self.context.lang);
        self.header(page, summary, words);
        for build in self.builds.iter().filter(|build| build.failure.is_some()) {
            not_built(page, build, words);
        }
        for verdict in of_kind(summary, &[Outcome::Fail, Outcome::Unstable]) {
            self.failure(page, verdict, words);
        }
        self.faults(page, summary, words);
        passes(page, summary);
        self.not_reached(page, summary, words);
        for (why, members) in grouped(&of_kind(summary, &[Outcome::Skipped]), words) {
            page.put(Tone::Warn, "○ ");
            hanging(page, &ids(&members));
            paragraph(page, "  ", &why);
        }
        self.warnings(page, words);
        self.ladders(page, words);
        for note in &summary.notes {
            page.end();
            labelled(page, words, "", words.note(), Tone::Dim, &[one_line(note)]);
        }
        score(page, summary, words);
    }

    fn header(&self, page: &mut Page, summary: &Summary, words: &dyn Phrases) {
        let built: Vec<String> = self
            .builds
            .iter()
            .filter(|build| build.failure.is_none() && build.unavailable.is_none())
            .map(|build| {
                words.built_one(
                    &one_line(&build.executable),
                    &one_line(&build.from),
                    build.cached,
                )
            })
            .collect();
        if !built.is_empty() {
            paragraph(page, "", &words.built(&built.join(", ")));
        }
        let mut line = String::new();
        if let Some(enforced) = &self.enforced {
            line = words.enforced(
                &one_line(&enforced.isolation),
                &one_line(&enforced.observation),
            ) + " · ";
        }
        line += &words.counts(summary.verdicts.len(), summary.scenarios);
        page.put(Tone::Dim, &line).end();
        for missing in self.enforced.iter().flat_map(|enforced| &enforced.missing) {
            paragraph(page, "  ", &words.not_enforced(&one_line(missing)));
        }
        page.end();
    }

    /// What the compiler said of programs that it built all the same; one make's words once.
    fn warnings(&self, page: &mut Page, words: &dyn Phrases) {
        let mut alike: Vec<(&str, Vec<&str>)> = Vec::new();
        for build in self
            .builds
            .iter()
            .filter(|build| !build.warnings.is_empty())
        {
            match alike.iter_mut().find(|(text, _)| *text == build.warnings) {
                Some((_, names)) => names.push(&build.executable),
                None => alike.push((&build.warnings, vec![&build.executable])),
            }
        }
        for (text, names) in alike {
            page.end()
                .put(Tone::Dim, &one_line(&words.warnings(&names.join(", "))))
                .end();
            some_lines(page, "  ", text, WARNING_LINES, words);
        }
    }

    /// How programs were built whose first way did not work.
    fn ladders(&self, page: &mut Page, words: &dyn Phrases) {
        for texts in ladders(&self.builds, self.context.lang) {
            page.end();
            labelled(page, words, "", words.note(), Tone::Dim, &texts);
        }
    }

    fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.lab
            .as_ref()?
            .requirements
            .iter()
            .find(|requirement| requirement.id == id)
    }

    fn failure(&self, page: &mut Page, verdict: &Verdict, words: &dyn Phrases) {
        let requirement = self.requirement(&verdict.requirement);
        let title = requirement.map_or("", |r| r.title.in_lang(self.context.lang));
        self.heading(page, verdict, title);
        if verdict.outcome == Outcome::Unstable {
            page.add("  ").put(Tone::Warn, words.unstable()).end();
        }
        let why = sentence(verdict, words);
        if !why.is_empty() {
            paragraph(page, "  ", &why);
        }
        if let Some(Reason::Difference(found)) = &verdict.reason {
            difference(page, found, words);
            page.end();
        }
        if let Some(hint) = requirement
            .map(|r| r.hint.in_lang(self.context.lang))
            .filter(|hint| !hint.is_empty())
        {
            labelled(
                page,
                words,
                "  ",
                words.hint(),
                Tone::Warn,
                &[one_line(hint)],
            );
        }
        let mut commands = Vec::new();
        if let Some(Reason::Difference(found)) = &verdict.reason {
            commands.push(self.context.replay.scenario(&found.scenario));
        }
        commands.push(self.context.replay.explain(&verdict.requirement));
        labelled(page, words, "  ", words.try_this(), Tone::Strong, &commands);
        page.end();
    }

    fn heading(&self, page: &mut Page, verdict: &Verdict, title: &str) {
        let mark = if verdict.outcome == Outcome::Unstable {
            "≈"
        } else {
            "✗"
        };
        let points = format!("{}/{}", verdict.points, verdict.of);
        let left = format!("{} {points:>5}  ", pad(&verdict.requirement, 10));
        page.put(Tone::Bad, &format!("{mark} "));
        for (row, text) in wrap(&one_line(title), WIDTH - 2 - columns(&left))
            .iter()
            .enumerate()
        {
            if row == 0 {
                page.put(Tone::Strong, &left).line(text);
            } else {
                page.add(&" ".repeat(2 + columns(&left))).line(text);
            }
        }
    }

    /// Faults of the grader or the machine: apart from what the student did.
    fn faults(&self, page: &mut Page, summary: &Summary, words: &dyn Phrases) {
        let errors = of_kind(summary, &[Outcome::Error]);
        if errors.is_empty() && self.faults.is_empty() {
            return;
        }
        let mut said: Vec<String> = Vec::new();
        for (scenario, why) in &self.faults {
            said.push(format!("{} {scenario}: {why}", words.scenario()));
        }
        for verdict in &errors {
            let why = sentence(verdict, words);
            // A fault of a scenario has been said with its name.
            if !said.iter().any(|text| one_line(text).contains(&why)) {
                said.push(why);
            }
        }
        for text in said {
            let head = format!("{}: ", words.error());
            page.put(Tone::Bad, &head);
            for (row, part) in wrap(&one_line(&text), WIDTH - columns(&head))
                .iter()
                .enumerate()
            {
                page.add(if row == 0 { "" } else { "  " }).line(part);
            }
        }
        paragraph(page, "  ", words.our_fault());
        if !errors.is_empty() {
            paragraph(page, "  ", &words.not_judged(&ids(&errors)));
        }
        page.end();
    }

    fn not_reached(&self, page: &mut Page, summary: &Summary, words: &dyn Phrases) {
        for (why, members) in grouped(&of_kind(summary, &[Outcome::NotReached]), words) {
            let why = match &members[0].reason {
                Some(Reason::NotBuilt { program }) => {
                    one_line(&words.needs_program(self.executable(program), members.len()))
                }
                _ => why,
            };
            let points: u32 = members.iter().map(|verdict| verdict.of).sum();
            page.put(Tone::Warn, "– ");
            let list = format!("{}  0/{points}", ids(&members));
            hanging(page, &list);
            paragraph(page, "  ", &why);
        }
    }

    fn executable<'a>(&'a self, program: &'a str) -> &'a str {
        let programs = self.lab.iter().flat_map(|lab| &lab.programs);
        programs
            .into_iter()
            .find(|p| p.name == program)
            .map_or(program, |p| &p.executable)
    }
}

/// Text after a mark of two columns, wrapped below itself.
fn hanging(page: &mut Page, text: &str) {
    for (row, part) in wrap(text, WIDTH - 2).iter().enumerate() {
        page.add(if row == 0 { "" } else { "  " }).line(part);
    }
}

fn ids(verdicts: &[&Verdict]) -> String {
    verdicts
        .iter()
        .map(|verdict| verdict.requirement.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn not_built(page: &mut Page, build: &BuildReport, words: &dyn Phrases) {
    let what = one_line(&words.not_built(&build.executable, &build.from));
    page.put(Tone::Bad, "✗ ")
        .put(Tone::Strong, "build   ")
        .line(&what);
    some_lines(
        page,
        "  ",
        build.failure.as_deref().unwrap_or(""),
        COMPILER_LINES,
        words,
    );
    // One attempt alone is what has just been shown.
    if build.tried.len() > 1 {
        for text in tried(build, words) {
            paragraph(page, "  ", &text);
        }
    }
    if let Some(hint) = &build.hint {
        labelled(
            page,
            words,
            "  ",
            words.hint(),
            Tone::Warn,
            &[one_line(hint)],
        );
    }
    page.end();
}

/// The first lines of a text that somebody else wrote; nothing is wrapped.
fn some_lines(page: &mut Page, indent: &str, text: &str, most: usize, words: &dyn Phrases) {
    let text = clean(text);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    for line in lines.iter().take(most) {
        page.add(indent).line(line);
    }
    if lines.len() > most {
        page.put(
            Tone::Dim,
            &format!("{indent}{}", words.cut(lines.len() - most)),
        )
        .end();
    }
}

/// A word on the left, paragraphs on the right. Commands are not broken: they are to be copied.
fn labelled(
    page: &mut Page,
    words: &dyn Phrases,
    indent: &str,
    label: &str,
    tone: Tone,
    texts: &[String],
) {
    let width = columns(words.hint()).max(columns(words.try_this())).max(4);
    let left = pad(label, width) + "  ";
    let commands = tone == Tone::Strong;
    let mut first = true;
    for text in texts {
        let room = WIDTH - columns(indent) - columns(&left);
        let rows = if commands {
            vec![text.clone()]
        } else {
            wrap(text, room)
        };
        for row in rows {
            page.add(indent);
            if first {
                page.put(tone, &left);
            } else {
                page.add(&" ".repeat(columns(&left)));
            }
            first = false;
            page.line(&row);
        }
    }
}

/// Met requirements, folded into columns.
fn passes(page: &mut Page, summary: &Summary) {
    let cells: Vec<String> = of_kind(summary, &[Outcome::Pass])
        .iter()
        .map(|verdict| format!("{} {}", verdict.requirement, verdict.points))
        .collect();
    let Some(width) = cells.iter().map(|cell| columns(cell)).max() else {
        return;
    };
    let in_a_row = (WIDTH / (width + 4)).max(1);
    for row in cells.chunks(in_a_row) {
        for (number, cell) in row.iter().enumerate() {
            page.put(Tone::Good, "✓ ");
            // The last cell of a row needs no blanks after it.
            page.add(&if number + 1 < row.len() {
                pad(cell, width + 2)
            } else {
                cell.clone()
            });
        }
        page.end();
    }
}

fn score(page: &mut Page, summary: &Summary, words: &dyn Phrases) {
    let status = exit_status(summary);
    let left = format!("{} / {}", summary.points, summary.of);
    let right = format!(
        "{} · {}",
        words.seconds(summary.took.as_secs_f64()),
        words.exit_status(status)
    );
    let gap = WIDTH
        .saturating_sub(columns(&left) + columns(&right))
        .max(2);
    let tone = if status == 0 {
        Tone::Good
    } else {
        Tone::Strong
    };
    page.gap()
        .put(tone, &left)
        .add(&" ".repeat(gap))
        .put(Tone::Dim, &right)
        .end();
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::lab::Lang;

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
}
