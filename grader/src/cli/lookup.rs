//! Labs, requirements and scenarios by the names that users give.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use grader::lab::catalog::{self, LabError, LabSource};
use grader::lab::guess::{self, Candidate, GuessError};
use grader::lab::{Diagnostics, Lab, Lang, Requirement, Scenario};
use grader::locale::system_error;

use super::failure::{Failure, USAGE};
use super::lang::{both, lang};
use super::tell::tell;

/// Loads a lab by id or path.
pub(super) fn lab(name: &Path) -> Result<LabSource, Failure> {
    catalog::load(name, reference::NAMES).map_err(failed)
}

/// The lab that the name of a submission's directory means, or that of a directory above it; says
/// which on standard error.
pub(super) fn lab_of(dir: &Path) -> Result<LabSource, Failure> {
    let given = dir.to_str().unwrap_or_default();
    if !dir.exists() && catalog::embedded().iter().any(|lab| lab.id == given) {
        return Err(Failure::usage(both(
            format!("`{given}` is a lab; which submission is to be graded?"),
            format!("`{given}` — задание; какую работу проверить?"),
        ))
        .hint(format!("grader check {given} DIR")));
    }
    let labs = catalog::embedded()
        .iter()
        .map(|lab| lab.load(reference::NAMES).map_err(failed))
        .collect::<Result<Vec<LabSource>, Failure>>()?;
    let real = dir.canonicalize().map_err(|error| {
        let error = system_error(&error, lang());
        Failure::usage(format!("{}: {error}", dir.display())).hint(both(
            "give the directory that holds the submission",
            "укажите каталог с работой",
        ))
    })?;
    let names = real
        .components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .take(LEVELS);
    let candidates: Vec<Candidate> = labs.iter().map(|lab| Candidate::of(&lab.lab)).collect();
    let guess = guess::guess(&candidates, names).map_err(|error| {
        let known: Vec<&str> = labs.iter().map(|lab| lab.lab.id.as_str()).collect();
        let ids = match &error {
            GuessError::Several { ids, .. } => ids.join(", "),
            _ => known.join(", "),
        };
        let dir = dir.display();
        Failure::usage(format!("{dir}: {}", error.told(lang()))).hint(both(
            format!("name the lab: grader check LAB {dir}; it may be {ids}"),
            format!("назовите задание: grader check LAB {dir}; есть {ids}"),
        ))
    })?;
    let (id, name) = (&guess.id, grader::text::clean(&guess.name));
    tell!(
        "{}",
        both(
            format!("note: lab {id}, by the directory's name `{name}`"),
            format!("заметка: задание {id} — по имени каталога `{name}`"),
        )
    );
    labs.into_iter()
        .find(|lab| lab.lab.id == guess.id)
        .ok_or_else(|| Failure::usage(GuessError::Nothing.told(lang())))
}

/// How far up a telling name is looked for: `lab30/src`, `lab30/ivanov/src`.
const LEVELS: usize = 3;

/// A lab's mistakes are shown like a compiler's; what else goes wrong is one sentence.
pub(super) fn failed(error: LabError) -> Failure {
    match error {
        LabError::Invalid(diagnostics) => {
            show(&diagnostics);
            Failure::said(USAGE)
        }
        LabError::Unknown { name, close, known } => {
            let failure = Failure::usage(both(
                format!("there is no lab `{name}`"),
                format!("задания `{name}` нет"),
            ));
            let failure = match close {
                Some(close) => failure.hint(did_you_mean(&close)),
                None => failure,
            };
            failure.hint(both(
                format!("built in are {known}; a directory with a lab.toml works as well"),
                format!(
                    "встроены {}; годится и каталог с lab.toml",
                    known.in_lang(Lang::Ru)
                ),
            ))
        }
        error => Failure::usage(error.told(lang())),
    }
}

/// Shows what is wrong with a lab file on standard error.
pub(super) fn show(diagnostics: &Diagnostics) {
    let mut out = anstream::stderr().lock();
    // Nobody is left to be told that standard error is closed.
    let _ = write!(out, "{}", diagnostics.render(true));
}

/// The directory of a lab that is to be written to.
pub(super) fn directory(path: &Path) -> Result<PathBuf, Failure> {
    if path.join("lab.toml").is_file() {
        return Ok(path.to_owned());
    }
    let path = path.display();
    let failure = Failure::usage(both(
        format!("{path}: no lab directory here (it has no lab.toml)"),
        format!("{path}: это не каталог задания (нет lab.toml)"),
    ));
    Err(failure.hint(both(
        "a lab inside the executable cannot be written to; give its directory, like labs/us-upper",
        "во встроенное задание писать нельзя; укажите его каталог, например labs/us-upper",
    )))
}

/// A requirement by its id.
pub(super) fn requirement<'a>(lab: &'a Lab, id: &str) -> Result<&'a Requirement, Failure> {
    let all = &lab.requirements;
    all.iter().find(|r| r.id == id).ok_or_else(|| {
        unknown(
            ("requirement", "требования"),
            id,
            &lab.id,
            all.iter().map(|r| r.id.as_str()),
        )
    })
}

/// A scenario by its id.
pub(super) fn scenario<'a>(lab: &'a Lab, id: &str) -> Result<&'a Scenario, Failure> {
    let all = &lab.scenarios;
    all.iter().find(|s| s.id == id).ok_or_else(|| {
        unknown(
            ("scenario", "сценария"),
            id,
            &lab.id,
            all.iter().map(|s| s.id.as_str()),
        )
    })
}

/// What may be meant.
pub(super) fn did_you_mean(close: &str) -> String {
    both(
        format!("did you mean `{close}`?"),
        format!("может быть, `{close}`?"),
    )
}

/// `what` is in both languages; in Russian in the genitive.
fn unknown<'a>(
    what: (&str, &str),
    id: &str,
    lab: &str,
    known: impl Iterator<Item = &'a str>,
) -> Failure {
    let known: Vec<&str> = known.collect();
    let failure = Failure::usage(both(
        format!("the lab {lab} has no {} `{id}`", what.0),
        format!("в задании {lab} нет {} `{id}`", what.1),
    ));
    match similar::get_close_matches(id, &known, 1, 0.5).first() {
        Some(close) => failure.hint(did_you_mean(close)),
        None => {
            let known = known.join(", ");
            failure.hint(both(format!("it has {known}"), format!("есть {known}")))
        }
    }
}
