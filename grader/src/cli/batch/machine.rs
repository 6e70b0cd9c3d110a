//! What this machine grants: it has a say in what results are worth.

use std::io::Write as _;

use grader::report::clean;
use grader::run::Engine;
use supervisor::event::Enforced;

use crate::cli::failure::Failure;
use crate::cli::words::Words;

/// Finds it out before anything is graded: where not even nothing can be run, a class is no better off
/// with as many errors as it has submissions. Less than everything is told, whoever wants quiet.
pub(super) fn look(engine: &Engine, words: Words) -> Result<Enforced, Failure> {
    // Once more, should it have been a bad moment.
    let granted = engine.granted().or_else(|_| engine.granted());
    let granted = granted.map_err(|error| {
        super::fault(&error).hint("nothing was graded; when it is seen to, say this again")
    })?;
    if !granted.is_full() {
        let mut err = anstream::stderr().lock();
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(err, "{}", words.granted(&granted));
        for missing in &granted.missing {
            let _ = writeln!(err, "  {}", clean(&words.not_enforced(missing)));
        }
    }
    Ok(granted)
}
