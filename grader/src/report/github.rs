//! For GitHub Actions: annotations, a step summary, and outputs.
//!
//! Nothing a submission wrote can become a workflow command: it stands only in messages and
//! properties, escaped as the runner's toolkit does (`%`, CR, LF, and `:` and `,` in properties),
//! and in fenced blocks of the summary.

use std::io::{self, Write};

use crate::lab::Lab;
use crate::run::{BuildReport, RunEvent, Summary};
use crate::verdict::{Outcome, Reason, Verdict};

use super::findings::{difference, of_kind, sentence};
use super::json::result_word;
use super::ladder::ladders;
use super::page::Page;
use super::phrases::{Phrases, phrases};
use super::text::{clean, one_line};
use super::{Context, Reporter, exit_status};

/// The runner drops what comes after ten annotations of a kind in a step, without a word.
const ANNOTATIONS: usize = 10;
/// The runner refuses the whole summary of a step beyond 1 MiB.
const SUMMARY_BYTES: usize = 900_000;

/// The report for a GitHub runner.
pub struct GitHub<W> {
    out: W,
    summary: Option<Box<dyn Write>>,
    output: Option<Box<dyn Write>>,
    context: Context,
    lab: Option<Lab>,
    builds: Vec<BuildReport>,
    missing: Vec<String>,
}

impl<W: Write> GitHub<W> {
    /// Writes commands to `out`; Markdown to `summary` (`$GITHUB_STEP_SUMMARY`, opened to append)
    /// and values to `output` (`$GITHUB_OUTPUT`), where the runner gave them.
    pub fn new(
        out: W,
        summary: Option<Box<dyn Write>>,
        output: Option<Box<dyn Write>>,
        context: Context,
    ) -> Self {
        Self {
            out,
            summary,
            output,
            context,
            lab: None,
            builds: Vec::new(),
            missing: Vec::new(),
        }
    }
}

impl<W: Write> Reporter for GitHub<W> {
    fn event(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Began { lab, .. } => self.lab = Some((*lab).clone()),
            RunEvent::Built(build) => self.builds.push((*build).clone()),
            RunEvent::Enforced(enforced) => self.missing.clone_from(&enforced.missing),
            RunEvent::ScenarioDone { .. } => {}
            RunEvent::Finished(summary) => {
                let commands = self.commands(summary);
                self.out.write_all(commands.as_bytes())?;
                self.out.flush()?;
                let markdown = self.markdown(summary);
                if let Some(file) = &mut self.summary {
                    file.write_all(markdown.as_bytes())?;
                    file.flush()?;
                }
                if let Some(file) = &mut self.output {
                    let result = result_word(exit_status(summary));
                    writeln!(
                        file,
                        "points={}\nmax-points={}\nresult={result}",
                        summary.points, summary.of
                    )?;
                    file.flush()?;
                }
            }
        }
        Ok(())
    }
}

/// An annotation, most important first.
struct Annotation {
    file: Option<Position>,
    title: String,
    message: String,
}

/// A place in the student's source.
struct Position {
    file: String,
    line: u32,
    column: Option<u32>,
}

impl<W> GitHub<W> {
    fn commands(&self, summary: &Summary) -> String {
        let annotations = self.annotations(summary);
        let shown = if annotations.len() > ANNOTATIONS {
            ANNOTATIONS - 1
        } else {
            annotations.len()
        };
        let mut out = String::new();
        for annotation in &annotations[..shown] {
            let mut properties = Vec::new();
            if let Some(at) = &annotation.file {
                properties.push(format!("file={}", property(&at.file)));
                properties.push(format!("line={}", at.line));
                properties.extend(at.column.map(|column| format!("col={column}")));
            }
            properties.push(format!("title={}", property(&annotation.title)));
            out += &format!(
                "::error {}::{}\n",
                properties.join(","),
                message(&annotation.message)
            );
        }
        if shown < annotations.len() {
            out += &format!(
                "::error title=grader::and {} more\n",
                annotations.len() - shown
            );
        }
        if summary.of > 0 {
            // What the reporter of GitHub Classroom reads.
            out += &format!(
                "::notice title=Autograding complete::Points {}/{}\n",
                summary.points, summary.of
            );
            let totals = format!(
                "{{\"totalPoints\":{},\"maxPoints\":{}}}",
                summary.points, summary.of
            );
            out += &format!("::notice title=Autograding report::{}\n", message(&totals));
        }
        out
    }

    fn annotations(&self, summary: &Summary) -> Vec<Annotation> {
        let words = phrases(self.context.lang);
        let mut all = Vec::new();
        for build in &self.builds {
            if let Some(failure) = &build.failure {
                let title = words.not_built(&build.executable, &build.from);
                let mut text = failure.clone();
                text.extend(build.hint.iter().flat_map(|hint| ["\n", hint]));
                all.push(Annotation {
                    file: self.position(failure),
                    title,
                    message: text,
                });
            }
        }
        for verdict in of_kind(summary, &[Outcome::Fail, Outcome::Unstable, Outcome::Error]) {
            let points = format!("{} {}/{}", verdict.requirement, verdict.points, verdict.of);
            let title = match verdict.outcome {
                Outcome::Error => format!("{} {}", words.error(), verdict.requirement),
                _ => format!("{points} {}", self.title(verdict)),
            };
            let mut text = sentence(verdict, words);
            if verdict.outcome == Outcome::Error {
                text += &format!("\n{}", words.our_fault());
            }
            text += "\n";
            text += &self.details(verdict, words);
            all.push(Annotation {
                file: None,
                title,
                message: text.trim_end().to_owned(),
            });
        }
        all
    }

    /// The place that a compiler names first: `server.c:41:9: error: …`. Only a relative path
    /// that stays inside the submission is taken.
    fn position(&self, failure: &str) -> Option<Position> {
        failure.lines().find_map(|line| {
            let (place, _) = line
                .split_once(": error:")
                .or_else(|| line.split_once(": fatal error:"))?;
            let mut parts = place.rsplitn(3, ':');
            let (last, middle, first) = (parts.next()?, parts.next()?, parts.next());
            let (file, line, column) = match first {
                Some(file) => (file, middle.parse().ok()?, last.parse().ok()),
                None => (middle, last.parse().ok()?, None),
            };
            let outside = file.is_empty()
                || file.starts_with('/')
                || file.split('/').any(|part| part == "..");
            if outside {
                return None;
            }
            let root = self
                .context
                .replay
                .submission
                .trim_start_matches("./")
                .trim_matches('/');
            let file = if root.is_empty() || root == "." {
                file.to_owned()
            } else {
                format!("{root}/{file}")
            };
            Some(Position { file, line, column })
        })
    }

    fn title(&self, verdict: &Verdict) -> &str {
        let requirements = self.lab.iter().flat_map(|lab| &lab.requirements);
        let found = requirements
            .into_iter()
            .find(|r| r.id == verdict.requirement);
        found.map_or("", |r| r.title.in_lang(self.context.lang))
    }

    /// The explanation of a verdict, as plain text.
    fn details(&self, verdict: &Verdict, words: &dyn Phrases) -> String {
        let Some(Reason::Difference(found)) = &verdict.reason else {
            return String::new();
        };
        let mut page = Page::plain();
        difference(&mut page, found, words);
        let requirements = self.lab.iter().flat_map(|lab| &lab.requirements);
        let hint = requirements
            .into_iter()
            .find(|r| r.id == verdict.requirement);
        if let Some(hint) = hint
            .map(|r| r.hint.in_lang(self.context.lang))
            .filter(|hint| !hint.is_empty())
        {
            page.line(&format!("  {}  {}", words.hint(), one_line(hint)));
        }
        page.line(&format!(
            "  {}  {}",
            words.try_this(),
            self.context.replay.scenario(&found.scenario)
        ));
        page.finish()
    }

    fn markdown(&self, summary: &Summary) -> String {
        let words = phrases(self.context.lang);
        let title = self
            .lab
            .as_ref()
            .map_or("", |lab| lab.title.in_lang(self.context.lang));
        let mut out = format!(
            "## {}: {} / {}\n\n{}\n\n",
            inline(&summary.lab),
            summary.points,
            summary.of,
            inline(title)
        );
        for missing in &self.missing {
            out += &format!("- {}\n", inline(&words.not_enforced(missing)));
        }
        out += &format!(
            "\n| | {} | {} | {} |\n|---|---|---:|---|\n",
            words.requirement(),
            words.points(),
            words.result()
        );
        for verdict in &summary.verdicts {
            out += &format!(
                "| {} | {} {} | {}/{} | {} |\n",
                mark(verdict.outcome),
                inline(&verdict.requirement),
                inline(self.title(verdict)),
                verdict.points,
                verdict.of,
                inline(&sentence(verdict, words)),
            );
        }
        let mut blocks = Vec::new();
        for build in &self.builds {
            if let Some(failure) = &build.failure {
                let title = words.not_built(&build.executable, &build.from);
                blocks.push((title, clean(failure)));
            }
        }
        for verdict in of_kind(summary, &[Outcome::Fail, Outcome::Unstable]) {
            let details = self.details(verdict, words);
            if !details.is_empty() {
                blocks.push((
                    format!("{} {}", verdict.requirement, self.title(verdict)),
                    details,
                ));
            }
        }
        append_within(&mut out, &blocks, SUMMARY_BYTES, words);
        for texts in ladders(&self.builds, self.context.lang) {
            out += &format!("\n{}: {}\n", words.note(), inline(&texts.join(" ")));
        }
        for note in &summary.notes {
            out += &format!("\n{}: {}\n", words.note(), inline(note));
        }
        out
    }
}

/// Adds one folded block each, as long as the whole stays below `most` bytes.
fn append_within(out: &mut String, blocks: &[(String, String)], most: usize, words: &dyn Phrases) {
    for (number, (title, text)) in blocks.iter().enumerate() {
        let block = fenced(title, text);
        // A kilobyte is kept for the line that says what is missing.
        if out.len() + block.len() + 1024 > most {
            *out += &format!("\n{}\n", inline(&words.cut(blocks.len() - number)));
            return;
        }
        *out += &block;
    }
}

/// A block whose fence is longer than any run of backquotes in it.
fn fenced(title: &str, text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "\n<details><summary>{}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
        inline(title),
        clean(text).trim_matches('\n')
    )
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✅",
        Outcome::Fail | Outcome::Unstable => "❌",
        Outcome::NotReached | Outcome::Skipped => "➖",
        Outcome::Error => "⚠️",
    }
}

/// Text inside a line of Markdown: nothing in it is markup.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        if c.is_ascii_punctuation() && !".,:;-/()=+'\"!?".contains(c) {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The message of a command.
fn message(text: &str) -> String {
    clean(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    message(&one_line(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::sample;
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
    fn a_compilers_place_is_annotated() {
        let (commands, _, output) = all_three(&sample::not_built());
        let first = commands.lines().next().unwrap();
        assert!(
            first
                .starts_with("::error file=server.c,line=41,col=9,title=us-server from server.c::"),
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
}
