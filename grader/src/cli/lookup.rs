//! Labs, requirements and scenarios by the names that users give.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use grader::lab::catalog::{self, LabError, LabSource};
use grader::lab::guess::{self, Candidate, GuessError};
use grader::lab::{Diagnostics, Lab, Requirement, Scenario};

use super::failure::{Failure, USAGE};
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
        return Err(Failure::usage(format!(
            "`{given}` is a lab; which submission is to be graded?"
        ))
        .hint(format!("grader check {given} DIR")));
    }
    let labs = catalog::embedded()
        .iter()
        .map(|lab| lab.load(reference::NAMES).map_err(failed))
        .collect::<Result<Vec<LabSource>, Failure>>()?;
    let real = dir.canonicalize().map_err(|error| {
        Failure::usage(format!("{}: {error}", dir.display()))
            .hint("give the directory that holds the submission")
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
        Failure::usage(format!("{}: {error}", dir.display())).hint(format!(
            "name the lab: grader check LAB {}; it may be {ids}",
            dir.display()
        ))
    })?;
    tell!(
        "note: lab {}, by the directory's name `{}`",
        guess.id,
        grader::report::clean(&guess.name)
    );
    labs.into_iter()
        .find(|lab| lab.lab.id == guess.id)
        .ok_or_else(|| Failure::usage(GuessError::Nothing.to_string()))
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
        LabError::Unknown {
            name,
            suggestion,
            known,
        } => {
            let failure = Failure::usage(format!("there is no lab `{name}`"));
            match suggestion {
                Some(suggestion) => failure.hint(suggestion).hint(known),
                None => failure.hint(known),
            }
        }
        error => Failure::usage(error.to_string()),
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
    let failure = Failure::usage(format!(
        "{}: no lab directory here (it has no lab.toml)",
        path.display()
    ));
    Err(failure.hint(
        "a lab inside the executable cannot be written to; give its directory, like labs/us-upper",
    ))
}

/// A requirement by its id.
pub(super) fn requirement<'a>(lab: &'a Lab, id: &str) -> Result<&'a Requirement, Failure> {
    let all = &lab.requirements;
    all.iter().find(|r| r.id == id).ok_or_else(|| {
        unknown(
            "requirement",
            id,
            &lab.id,
            all.iter().map(|r| r.id.as_str()),
        )
    })
}

/// A scenario by its id.
pub(super) fn scenario<'a>(lab: &'a Lab, id: &str) -> Result<&'a Scenario, Failure> {
    let all = &lab.scenarios;
    all.iter()
        .find(|s| s.id == id)
        .ok_or_else(|| unknown("scenario", id, &lab.id, all.iter().map(|s| s.id.as_str())))
}

fn unknown<'a>(what: &str, id: &str, lab: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let known: Vec<&str> = known.collect();
    let failure = Failure::usage(format!("the lab {lab} has no {what} `{id}`"));
    match similar::get_close_matches(id, &known, 1, 0.5).first() {
        Some(close) => failure.hint(format!("did you mean `{close}`?")),
        None => failure.hint(format!("it has {}", known.join(", "))),
    }
}
