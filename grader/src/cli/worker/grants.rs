//! Whether a machine grants what the results of a store are made with.

use std::collections::BTreeSet;

use grader::run::Engine;
use grader::text::clean;
use supervisor::event::{Enforced, Means};
use supervisor::plan::{Isolation, Observation};

use crate::cli::failure::Failure;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Refuses where the machine grants less than what the results of this store are said to be worth:
/// all that it can where nothing else was asked for. Otherwise a student's points would hang on the
/// node, and two nodes would come to two results of one key. What has no say in verdicts and is not
/// enforced is only told, in the worker's log.
///
/// Gives what this machine lacks, and only some labs need: of those it takes nothing.
pub(super) fn may_grade(engine: &Engine, words: Words) -> Result<BTreeSet<Means>, Failure> {
    let granted = engine
        .granted()
        .map_err(|error| Failure::fault(error.to_string()).hint(words.doctor_says()))?;
    if let Some(less) = less(engine.isolation(), engine.observation(), &granted) {
        let missing = granted.missing.join("; ");
        return Err(Failure::fault(words.grants_less(less, &missing))
            .hint(words.content_with(less.option())));
    }
    for missing in &granted.missing {
        tell!("{}", clean(&words.not_enforced_here(missing)));
    }
    let lacks: BTreeSet<Means> = granted.lacks.iter().copied().collect();
    Ok(&lacks - engine.without())
}

/// What a machine grants less of than is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Less {
    Tracing,
    Isolation,
}

impl Less {
    /// By which it is not wanted.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Tracing => "--observation bare",
            Self::Isolation => "--isolation reduced",
        }
    }
}

/// The first thing that is wanted and not granted. Isolation as good as can be had is had on some
/// machine or other; whoever is content with less says so.
fn less(isolation: Isolation, observation: Observation, granted: &Enforced) -> Option<Less> {
    if observation == Observation::Full && granted.observation != "full" {
        return Some(Less::Tracing);
    }
    (isolation != Isolation::Reduced && granted.isolation != "full").then_some(Less::Isolation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_grades_what_it_grants_enough_for() {
        let granted = |isolation: &str, observation: &str| Enforced {
            isolation: isolation.to_owned(),
            observation: observation.to_owned(),
            active: Vec::new(),
            missing: vec!["user namespaces: refused".to_owned()],
            lacks: Vec::new(),
        };
        let option = |isolation, observation, granted: &Enforced| {
            less(isolation, observation, granted).map(Less::option)
        };
        let (all, bare) = (Observation::Full, Observation::Bare);
        for isolation in [Isolation::BestEffort, Isolation::Required] {
            // What has no say in verdicts may be missing.
            assert_eq!(option(isolation, all, &granted("full", "full")), None);
            let reduced = granted("reduced", "full");
            assert_eq!(
                option(isolation, all, &reduced),
                Some("--isolation reduced")
            );
            let untraced = granted("full", "bare");
            assert_eq!(
                option(isolation, all, &untraced),
                Some("--observation bare")
            );
            assert_eq!(option(isolation, bare, &untraced), None);
        }
        let nothing = granted("reduced", "bare");
        assert_eq!(option(Isolation::Reduced, bare, &nothing), None);
        assert_eq!(
            option(Isolation::Reduced, all, &nothing),
            Some("--observation bare")
        );
    }
}
