//! What this machine grants: it has a say in what results are worth.

use std::collections::BTreeMap;

use grader::batch::PreparedLab;
use grader::cluster::lacking;
use grader::run::Engine;
use grader::text::clean;
use supervisor::event::Enforced;

use crate::cli::failure::Failure;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Finds it out before anything is graded: where not even nothing can be run, a class is no better off
/// with as many errors as it has submissions. Less than everything is told, whoever wants quiet.
pub(super) fn look(
    engine: &Engine,
    labs: &BTreeMap<String, PreparedLab>,
    words: Words,
) -> Result<Enforced, Failure> {
    let granted = engine.granted().map_err(|error| {
        super::fault(&error).hint(words.pick(
            "nothing was graded; when it is seen to, say this again",
            "ничего не проверено; когда это исправлено, повторите",
        ))
    })?;
    if !granted.is_full() {
        tell!("{}", words.granted(&granted));
        for missing in &granted.missing {
            tell!("  {}", clean(&words.not_enforced(missing)));
        }
    }
    let lacks = granted.lacks.iter();
    for means in lacks.filter(|means| !engine.without().contains(means)) {
        let mut labs = labs.iter();
        if let Some((lab, _)) = labs.find(|(_, lab)| lab.source.lab.needs(*means)) {
            tell!("{}", clean(&words.lab_lacks(lab, lacking(*means, words.0))));
        }
    }
    Ok(granted)
}
