//! `--format FORMAT[=FILE]`: which reports, and where to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use anstream::{AutoStream, ColorChoice, StripStream};
use grader::report::{Context, Fenced, GitHub, Human, JUnit, Json, Reporter, Reporters};

use super::failure::Failure;
use super::lang::both;

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// For people.
    Human,
    /// `grader-report/1`.
    Json,
    /// Jenkins xUnit.
    JUnit,
    /// GitHub Actions.
    GitHub,
    /// The raw recording, JSON lines.
    Jsonl,
}

const KINDS: &[(&str, Kind)] = &[
    ("human", Kind::Human),
    ("json", Kind::Json),
    ("junit", Kind::JUnit),
    ("github", Kind::GitHub),
    ("jsonl", Kind::Jsonl),
];

impl Kind {
    fn name(self) -> &'static str {
        let known = KINDS.iter().find(|(_, kind)| *kind == self);
        known.map_or("", |(name, _)| name)
    }
}

/// One `--format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    /// `None`: standard output.
    pub(super) file: Option<PathBuf>,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => {
                return Err(both("the name of the file is empty", "имя файла пустое"));
            }
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let known = KINDS.iter().find(|(known, _)| *known == name);
        let kind = known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            both(
                format!("no such format; there are {names}, each alone or with =FILE"),
                format!("такого формата нет; есть {names}, сами по себе или с =FILE"),
            )
        })?;
        Ok(Self { kind, file })
    }
}

/// Whether a GitHub runner reads what we print.
fn on_a_runner() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Standard output for text that people read: coloured only where colour is welcome, and fenced
/// where a GitHub runner would take lines of it for commands.
pub(super) fn standard() -> Box<dyn Write> {
    let stdout = io::stdout();
    let coloured = AutoStream::choice(&stdout) != ColorChoice::Never;
    let out: Box<dyn Write> = if on_a_runner() {
        Box::new(Fenced::new(stdout))
    } else {
        Box::new(stdout)
    };
    if coloured {
        out
    } else {
        Box::new(StripStream::new(out))
    }
}

/// A file for a report, made now so that a wrong name is said before anything runs.
pub(super) fn file(path: &PathBuf) -> Result<File, Failure> {
    File::create(path).map_err(|error| {
        let path = path.display();
        Failure::usage(both(
            format!("the report {path} cannot be written"),
            format!("отчёт {path} не записать"),
        ))
        .because(&error)
    })
}

fn appended(variable: &str) -> Result<Option<Box<dyn Write>>, Failure> {
    let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .map_err(|error| {
            let path = path.display();
            Failure::fault(both(
                format!("${variable} ({path}) cannot be written"),
                format!("${variable} ({path}) не записать"),
            ))
            .because(&error)
        })?;
    Ok(Some(Box::new(file)))
}

/// Refuses two reports that would be written into one another.
pub(super) fn apart(formats: &[Format]) -> Result<(), Failure> {
    for (i, format) in formats.iter().enumerate() {
        for other in &formats[..i] {
            if format.file != other.file {
                continue;
            }
            // What a runner reads may stand between the lines for people: it is made for that.
            let by_lines = |format: &Format| matches!(format.kind, Kind::Human | Kind::GitHub);
            let place = match &format.file {
                None if by_lines(format) && by_lines(other) => continue,
                None => both("standard output", "стандартный вывод"),
                Some(file) => file.display().to_string(),
            };
            let (first, second) = (other.kind.name(), format.kind.name());
            return Err(Failure::usage(both(
                format!("{first} and {second} would both be written to {place}"),
                format!("и {first}, и {second} пошли бы в одно место: {place}"),
            ))
            .hint(both(
                format!("give one of them a file: --format {second}=FILE"),
                format!("задайте одному из них файл: --format {second}=FILE"),
            )));
        }
    }
    Ok(())
}

/// Opens a reporter for each format; without any, the one for people.
pub(super) fn reporters(formats: &[Format], context: &Context) -> Result<Reporters, Failure> {
    let mut reporters = Reporters::default();
    if formats.is_empty() {
        reporters.push(Box::new(Human::new(standard(), context.clone())));
    }
    for format in formats {
        let context = context.clone();
        let plain = |format: &Format| -> Result<Box<dyn Write>, Failure> {
            Ok(match &format.file {
                Some(path) => Box::new(file(path)?),
                None => Box::new(io::stdout()),
            })
        };
        let reporter: Box<dyn Reporter> = match format.kind {
            Kind::Human => match &format.file {
                Some(path) => Box::new(Human::new(StripStream::new(file(path)?), context)),
                None => Box::new(Human::new(standard(), context)),
            },
            Kind::Json => Box::new(Json::new(plain(format)?, context)),
            Kind::JUnit => Box::new(JUnit::new(plain(format)?, context)),
            Kind::GitHub => Box::new(GitHub::new(
                plain(format)?,
                appended("GITHUB_STEP_SUMMARY")?,
                appended("GITHUB_OUTPUT")?,
                context,
            )),
            // Not a report of events: the recording is written by the command itself.
            Kind::Jsonl => continue,
        };
        reporters.push(reporter);
    }
    Ok(reporters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_stands_alone_or_with_a_file() {
        let parsed: Format = "junit=out/r.xml".parse().unwrap();
        assert_eq!(
            parsed,
            Format {
                kind: Kind::JUnit,
                file: Some("out/r.xml".into())
            }
        );
        let parsed: Format = "json".parse().unwrap();
        assert_eq!(
            parsed,
            Format {
                kind: Kind::Json,
                file: None
            }
        );
        assert!(
            "html"
                .parse::<Format>()
                .unwrap_err()
                .contains("human, json, junit, github, jsonl")
        );
        assert!("json=".parse::<Format>().is_err());
    }

    #[test]
    fn two_reports_do_not_share_a_file_that_a_program_reads() {
        let apart = |formats: &[&str]| {
            let parsed = formats.iter().map(|text| text.parse().unwrap());
            apart(&parsed.collect::<Vec<Format>>()).is_ok()
        };
        assert!(apart(&["human", "github", "junit=r.xml", "json=r.json"]));
        assert!(apart(&["json", "human=r.txt"]));
        assert!(!apart(&["json", "human"]));
        assert!(!apart(&["github", "junit"]));
        assert!(!apart(&["json=r", "junit=r"]));
        assert!(!apart(&["jsonl", "json"]));
    }
}
