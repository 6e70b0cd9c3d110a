//! A plain variable that a signal handler writes may be kept in a register. Such a submission is
//! graded as a plain `cc` builds it, without optimisation; it is also compiled with it, and what
//! that changes is told.

use std::collections::BTreeMap;

use super::check::Trial;
use crate::lab::Lang;
use crate::submission::{Built, Optimisation, Rung};
use crate::verdict::{Outcome, Verdict};

/// Whether the level matters, and is ours to choose.
pub(super) fn concerns(built: &Built) -> bool {
    let ours = |rung: &Option<Rung>| matches!(rung, Some(Rung::Compiler | Rung::CompilerHeaders));
    built.plain_flags && built.reports.iter().any(|report| ours(&report.rung))
}

/// What changes with full optimisation, if anything. A build that fails, or a run that the machine
/// fails, says nothing here.
pub(super) fn note(trial: &Trial<'_>, usual: &[Verdict], lang: Lang) -> Option<String> {
    let there = trial.at(Optimisation::Full)?;
    sentence(Optimisation::Full, usual, &there, lang)
}

/// What another level changes.
fn sentence(
    level: Optimisation,
    usual: &[Verdict],
    there: &[Verdict],
    lang: Lang,
) -> Option<String> {
    let before: BTreeMap<&str, Outcome> = usual
        .iter()
        .map(|verdict| (verdict.requirement.as_str(), verdict.outcome))
        .collect();
    let changed = |from: Outcome, to: Outcome| -> Vec<&str> {
        let ids = there
            .iter()
            .filter(|verdict| verdict.outcome == to)
            .map(|verdict| verdict.requirement.as_str());
        ids.filter(|id| before.get(id) == Some(&from)).collect()
    };
    let lost = changed(Outcome::Pass, Outcome::Fail);
    let won = changed(Outcome::Fail, Outcome::Pass);
    let flag = level.flag();
    let usual = Optimisation::None.flag();
    let part = |ids: &[&str], en: &str, ru: &str| {
        (!ids.is_empty()).then(|| format!("{} {}", lang.pick(en, ru), ids.join(", ")))
    };
    let parts: Vec<String> = [
        part(&lost, "it does not meet", "не выполнено:"),
        part(&won, "it also meets", "выполнено и это:"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        return None;
    }
    let parts = parts.join("; ");
    Some(match lang {
        Lang::En => format!(
            "compiled with {flag} {parts} (graded with {usual}): a variable that a handler writes is not \
             `volatile sig_atomic_t`"
        ),
        Lang::Ru => format!(
            "при сборке с {flag} {parts} (оценено с {usual}): переменная, в которую пишет обработчик, не \
             объявлена `volatile sig_atomic_t`"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(id: &str, outcome: Outcome) -> Verdict {
        Verdict {
            requirement: id.to_owned(),
            outcome,
            points: 0,
            of: 10,
            reason: None,
        }
    }

    #[test]
    fn only_what_changes_between_met_and_not_met_is_told() {
        use Outcome::{Error, Fail, NotReached, Pass};
        let at = |outcomes: [Outcome; 4]| {
            let ids = ["a", "b", "c", "d"].into_iter();
            ids.zip(outcomes)
                .map(|(id, outcome)| verdict(id, outcome))
                .collect::<Vec<_>>()
        };
        let usual = at([Pass, Fail, Pass, Pass]);
        let told =
            |there: [Outcome; 4], lang| sentence(Optimisation::Full, &usual, &at(there), lang);
        assert_eq!(told([Pass, Fail, Error, NotReached], Lang::En), None);
        let both = told([Fail, Pass, Pass, Fail], Lang::En).unwrap_or_default();
        assert!(
            both.starts_with("compiled with -O2 it does not meet a, d; it also meets b (graded"),
            "{both}"
        );
        let russian = told([Fail, Fail, Pass, Pass], Lang::Ru).unwrap_or_default();
        assert!(
            russian.starts_with("при сборке с -O2 не выполнено: a ("),
            "{russian}"
        );
    }
}
