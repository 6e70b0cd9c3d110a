//! `grader check`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::StripStream;
use clap::Args;
use grader::lab::Lang;
use grader::report::{Context, Recording, Replay, exit_status, write_raw, write_trace};
use grader::run::{self, CheckError, CheckOptions, Checked, Engine, Refusal, RunEvent, fresh_seed};
use grader::submission::{SubmissionError, archive_stem};
use grader::transcript::{Actors, step_title};
use grader::verdict::ScenarioResult;

use super::failure::Failure;
use super::lang::both;
use super::lookup;
use super::options::{EngineArgs, LangOption};
use super::output::{self, Format, Kind};

/// Grade a submission: a verdict for each requirement, with the reason
#[derive(Args)]
#[command(override_usage = "grader check [OPTIONS] [LAB] <DIR>")]
pub(super) struct Check {
    /// The lab, by its id (see `grader labs`) or its directory, and the submission, the directory
    /// with the sources. Without a lab the name of the submission's directory must tell it (lab30,
    /// sem2-lab08, us-upper)
    // One list: an optional positional before a required one must not be followed by options.
    #[arg(value_names = ["LAB", "DIR"], num_args = 1.., required = true)]
    what: Vec<PathBuf>,
    /// Run only this scenario (may be repeated)
    #[arg(long, value_name = "SCENARIO")]
    scenario: Vec<String>,
    /// Judge only this requirement, and what it needs (may be repeated)
    #[arg(long, value_name = "REQUIREMENT")]
    only: Vec<String>,
    /// A report: human, json, junit, github, or jsonl (the raw recording), each to standard
    /// output or to a file; may be repeated [default: human]
    #[arg(long, value_name = "FORMAT[=FILE]")]
    format: Vec<Format>,
    #[command(flatten)]
    lang: LangOption,
    /// Repeat a run: the same seed gives the same data
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run every scenario so often; what differs between the runs is told
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Show what the programs did, step by step: calls, bytes, results
    #[arg(long)]
    trace: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let (lab, dir) = self.lab_and_dir()?;
        output::apart(&self.format)?;
        let engine = Engine::new(&self.engine.options())
            .map_err(|fault| failed(CheckError::Fault(fault), self.lang.get()))?;
        // The workers make their namespaces while the lab and the submission are read.
        let plans = match self.scenario.len() {
            0 => usize::MAX,
            chosen => chosen.saturating_mul(self.repeat.try_into().unwrap_or(usize::MAX)),
        };
        engine.warm_up(plans);
        let source = match lab {
            Some(lab) => lookup::lab(lab)?,
            None => lookup::lab_of(dir)?,
        };
        for id in &self.scenario {
            lookup::scenario(&source.lab, id)?;
        }
        for id in &self.only {
            lookup::requirement(&source.lab, id)?;
        }
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let context = Context {
            lang: self.lang.get(),
            replay: self.replay(lab, dir, &source.lab.id, seed),
        };
        let mut reporters = output::reporters(&self.format, &context)?;
        let mut recordings = self.recordings()?;
        let options = CheckOptions {
            scenarios: self.scenario.clone(),
            requirements: self.only.clone(),
            lang: context.lang,
            seed: Some(seed),
            repeat: self.repeat,
            name: None,
            ..CheckOptions::default()
        };
        let mut sink = |event: RunEvent<'_>| {
            // The verdicts come after the recordings: what is read last is what matters most.
            if !matches!(event, RunEvent::Finished(_)) {
                reporters.event(&event);
            }
        };
        let checked = run::check(&engine, &source.lab, &source, dir, &options, &mut sink);
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => {
                let failure = failed(error, self.lang.get());
                reporters.event(&RunEvent::Refused(&Refusal {
                    lab: &source.lab,
                    submission: &dir.display().to_string(),
                    message: failure.message(),
                    exit_status: failure.status(),
                }));
                return Err(failure);
            }
        };
        let status = ExitCode::from(exit_status(&checked.summary));
        let recorded = write_recordings(&source.lab, &checked, &mut recordings);
        reporters.event(&RunEvent::Finished(&checked.summary));
        match recorded.and(reporters.finish()) {
            // Whoever read the report has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(status),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(status),
        }
    }

    /// What was named: a lab or none, and the submission's directory.
    fn lab_and_dir(&self) -> Result<(Option<&Path>, &Path), Failure> {
        match &self.what[..] {
            [dir] => Ok((None, dir)),
            [lab, dir] => Ok((Some(lab), dir)),
            _ => {
                let count = self.what.len();
                Err(Failure::usage(both(
                    format!("{count} names where one lab and one directory are wanted"),
                    format!("имён {count}, а нужны одно задание и один каталог"),
                ))
                .hint(both(
                    "grader check [OPTIONS] [LAB] <DIR>: one submission at a time",
                    "grader check [OPTIONS] [LAB] <DIR>: по одной работе за раз",
                )))
            }
        }
    }

    /// How to do the same again.
    fn replay(&self, lab: Option<&Path>, dir: &Path, id: &str, seed: u64) -> Replay {
        let mut options = vec!["--seed".to_owned(), seed.to_string()];
        options.extend(self.engine.changed());
        Replay {
            lab: match lab {
                Some(lab) => lab.display().to_string(),
                None => id.to_owned(),
            },
            submission: dir.display().to_string(),
            options,
        }
    }

    /// Where recordings go: for people where they see the report, raw where it was asked for.
    fn recordings(&self) -> Result<Vec<Sink>, Failure> {
        let mut sinks = Vec::new();
        for format in self
            .format
            .iter()
            .filter(|format| format.kind == Kind::Jsonl)
        {
            let out: Box<dyn Write> = match &format.file {
                Some(path) => Box::new(output::file(path)?),
                None => Box::new(io::stdout()),
            };
            sinks.push(Sink { raw: true, out });
        }
        if self.trace {
            let to_stdout = |format: &Format| format.file.is_none() && format.kind != Kind::Human;
            let out: Box<dyn Write> = if self.format.iter().any(to_stdout) {
                // Standard output belongs to a program that reads it.
                Box::new(StripStream::new(io::stderr()))
            } else {
                output::standard()
            };
            sinks.push(Sink { raw: false, out });
        }
        Ok(sinks)
    }
}

/// Where recordings are written.
struct Sink {
    raw: bool,
    out: Box<dyn Write>,
}

fn write_recordings(
    lab: &grader::lab::Lab,
    checked: &Checked,
    sinks: &mut [Sink],
) -> io::Result<()> {
    for run in &checked.scenarios {
        let ScenarioResult::Ran(ran) = &run.outcome.result else {
            continue;
        };
        let Some(scenario) = lab.scenarios.iter().find(|s| s.id == run.outcome.scenario) else {
            continue;
        };
        let actors = Actors::of(lab, scenario);
        let titles: Vec<String> = scenario.steps.iter().map(step_title).collect();
        let recording = Recording {
            lab: &lab.id,
            scenario: &scenario.id,
            programs: &actors.programs,
            peers: &actors.peers,
            titles: &titles,
            events: &ran.events,
        };
        for sink in sinks.iter_mut() {
            if sink.raw {
                write_raw(&mut sink.out, &recording)?;
            } else {
                write_trace(&mut sink.out, &recording)?;
            }
        }
    }
    Ok(())
}

/// What could not be checked, and whose fault it is.
fn failed(error: CheckError, lang: Lang) -> Failure {
    let told = error.told(lang);
    match error {
        // A machine without a compiler cannot grade; the submission may be fine.
        CheckError::Submission(SubmissionError::NoTool(_)) => Failure::fault(told),
        CheckError::Submission(SubmissionError::NotADirectory { ref path }) => {
            Failure::usage(told).hint(instead_of(path))
        }
        error if error.is_fault() => Failure::fault(told).hint(both(
            "this is the grader's or the machine's fault, not the submission's; `grader doctor` may tell more",
            "виноваты машина или grader, а не работа; подробнее может сказать `grader doctor`",
        )),
        _ => Failure::usage(told),
    }
}

/// What to give instead of a file.
fn instead_of(file: &Path) -> String {
    let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let Some(stem) = archive_stem(&name) else {
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = quoted(directory);
        return both(
            format!("give the directory that it is in: {directory}"),
            format!("укажите каталог, в котором это лежит: {directory}"),
        );
    };
    let (archive, directory) = (quoted(file), quoted(Path::new(stem)));
    let ending = name.get(stem.len()..).unwrap_or_default();
    let unpack = if ending.eq_ignore_ascii_case(".zip") {
        format!("unzip {archive} -d {directory}")
    } else if [".tar", ".tar.gz", ".tgz"]
        .iter()
        .any(|tar| ending.eq_ignore_ascii_case(tar))
    {
        format!("mkdir {directory} && tar xf {archive} -C {directory}")
    } else {
        // `grader batch` does not read it either.
        return both(
            "unpack it and give the directory",
            "распакуйте и укажите каталог",
        );
    };
    both(
        format!(
            "unpack it and give the directory: {unpack}; or let `grader batch LAB {archive}` read it"
        ),
        format!(
            "распакуйте и укажите каталог: {unpack}; или пусть прочтёт `grader batch LAB {archive}`"
        ),
    )
}
