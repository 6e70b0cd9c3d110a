//! What was changed by hand, beside what a regrade has changed.

use std::collections::BTreeMap;

use super::super::{Gradebook, GradebookError, Override, Standing};
use super::{Change, Judged, Reason, verdicts};

/// Group, student, lab, and the requirement; the lab as a whole has none.
type Whose = (String, String, String, Option<String>);
/// What was in force then, and what is now.
type Both = [Option<Override>; 2];

impl Gradebook {
    /// Adds what was set or withdrawn by hand after `since`; and to what has changed otherwise, which
    /// points were set by hand then and are now. Without `since` they are the same.
    pub(super) fn add_by_hand(
        &self,
        since: Option<i64>,
        changes: &mut Vec<Change>,
    ) -> Result<(), GradebookError> {
        let mut all: BTreeMap<Whose, Both> = BTreeMap::new();
        for entry in self.overrides()? {
            let whose = (
                entry.group.clone(),
                entry.student.clone(),
                entry.lab.clone(),
                entry.requirement.clone(),
            );
            for (side, at) in [since, None].into_iter().enumerate() {
                if entry.in_force(at) {
                    all.entry(whose.clone()).or_default()[side] = Some(entry.clone());
                }
            }
        }
        let mut labs: BTreeMap<String, [Vec<Standing>; 2]> = BTreeMap::new();
        for (whose, both) in all {
            let (group, student, lab, requirement) = &whose;
            let is_its = |change: &&mut Change| {
                [&change.group, &change.student, &change.lab] == [group, student, lab]
                    && change.requirement == requirement.as_deref().unwrap_or_default()
            };
            let mut told = false;
            for change in changes.iter_mut().filter(is_its) {
                told = true;
                take(change, &both);
            }
            let id = |side: &Option<Override>| side.as_ref().map(|entry| entry.id);
            if told || id(&both[0]) == id(&both[1]) {
                continue;
            }
            if !labs.contains_key(lab) {
                let then = self.standings_at(Some(lab), since)?;
                labs.insert(lab.clone(), [then, self.standings(Some(lab))?]);
            }
            let Some(standings) = labs.get(lab) else {
                continue;
            };
            let standings = standings.each_ref().map(|standings| {
                let mut standings = standings.iter();
                standings.find(|s| [&s.student.group, &s.student.name] == [group, student])
            });
            let mut change = self.unchanged(&whose, standings)?;
            take(&mut change, &both);
            // What the lab does not ask for any more counts nothing.
            if change.was.is_some() || change.now.is_some() {
                changes.push(change);
            }
        }
        Ok(())
    }

    /// How it was and is without what was set by hand for just this.
    fn unchanged(
        &self,
        (group, student, lab, requirement): &Whose,
        standings: [Option<&Standing>; 2],
    ) -> Result<Change, GradebookError> {
        let side = |standing: Option<&Standing>| -> Result<Option<Judged>, GradebookError> {
            let Some(standing) = standing else {
                return Ok(None);
            };
            let attempt = standing.attempt.as_ref();
            Ok(match (requirement, attempt) {
                (Some(name), Some(attempt)) => {
                    verdicts(&self.connection, attempt.run)?.remove(name)
                }
                (Some(_), None) => None,
                // Also for whom nothing was handed in.
                (None, attempt) => Some(Judged {
                    outcome: attempt
                        .map_or("", |attempt| attempt.status.word())
                        .to_owned(),
                    points: standing.score.unwrap_or_default(),
                    of: attempt.map_or(0, |attempt| attempt.possible),
                    by_hand: false,
                }),
            })
        };
        let [was, now] = standings;
        let attempts = standings.map(|standing| standing.and_then(|s| s.attempt.as_ref()));
        let points = attempts.map(|attempt| attempt.map_or(0, |attempt| attempt.points));
        Ok(Change {
            group: group.clone(),
            student: student.clone(),
            lab: lab.clone(),
            attempt: attempts[1]
                .or(attempts[0])
                .map_or(1, |attempt| attempt.attempt),
            requirement: requirement.clone().unwrap_or_default(),
            was: side(was)?,
            now: side(now)?,
            points: points.into(),
            why: Vec::new(),
        })
    }
}

/// Puts the points that were set by hand in place of those of the runs, and says who set them.
fn take(change: &mut Change, both: &Both) {
    for (side, entry) in [&mut change.was, &mut change.now].into_iter().zip(both) {
        if let (Some(judged), Some(entry)) = (side, entry) {
            judged.points = entry.points;
            judged.by_hand = true;
        }
    }
    let [was, now] = both.clone();
    change.why.push(Reason::ByHand(Box::new((was, now))));
}
