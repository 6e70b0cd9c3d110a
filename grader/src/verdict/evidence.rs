//! Which lines prove which requirement, and whether they are as expected.

use super::judge::Ran;
use super::machine;
use crate::lab::{Scenario, Selector};
use crate::transcript::{
    CHECKS, END, Line, Op, Phase, PhaseDifference, Selection, Transcript, compare_phase,
};

/// One piece of evidence for a requirement: some lines of one phase.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    /// Where it stands in time: the step, or one more than the last for what is only known after.
    pub(super) position: u32,
    phase: Place,
    selection: Selection<'a>,
    /// Only tracing can show it, see [`machine`].
    pub(super) traced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Step(u32),
    End,
    Checks,
}

/// All evidence for `requirement` in `scenario`.
///
/// What is known only at the end (a program that still runs, a stream compared as a whole) belongs
/// to the last step, and to every step that names the stream.
pub(super) fn items<'a>(scenario: &'a Scenario, requirement: &str) -> Vec<Item<'a>> {
    let after = position_after(scenario);
    let mut items = Vec::new();
    let mut at_end: Vec<&Selector> = Vec::new();
    let mut all_at_end = false;
    for (step, number) in scenario.steps.iter().zip(1_u32..) {
        let proofs = step
            .proves
            .iter()
            .filter(|proof| proof.requirement == requirement);
        let mut picked: Vec<&Selector> = Vec::new();
        let (mut any, mut whole) = (false, false);
        for proof in proofs {
            any = true;
            whole |= proof.lanes.is_empty();
            picked.extend(&proof.lanes);
        }
        if !any {
            continue;
        }
        let is_last = number + 1 == after;
        all_at_end |= is_last && whole;
        at_end.extend(
            picked
                .iter()
                .filter(|pick| is_last || pick.channel.is_some()),
        );
        let traced = machine::needed_in_step(scenario, number, &picked);
        items.push(Item {
            position: number,
            phase: Place::Step(number),
            selection: if whole {
                Selection::Reaction
            } else {
                Selection::Only(picked)
            },
            traced,
        });
    }
    if all_at_end || !at_end.is_empty() {
        items.push(Item {
            position: after,
            phase: Place::End,
            selection: if all_at_end {
                Selection::Reaction
            } else {
                Selection::Only(at_end)
            },
            traced: machine::disturbed(scenario, after),
        });
    }
    for check in &scenario.checks {
        if check.proves.iter().any(|id| id == requirement) {
            items.push(Item {
                position: after,
                phase: Place::Checks,
                selection: Selection::Check {
                    lane: &check.program,
                    id: &check.id,
                },
                traced: machine::needed_for(&check.property) || machine::disturbed(scenario, after),
            });
        }
    }
    items
}

fn position_after(scenario: &Scenario) -> u32 {
    u32::try_from(scenario.steps.len() + 1).unwrap_or(u32::MAX)
}

impl Item<'_> {
    /// Checks are judged by themselves: an earlier difference excuses none.
    pub(super) fn is_check(&self) -> bool {
        self.phase == Place::Checks
    }

    pub(super) fn difference(&self, ran: &Ran) -> Option<PhaseDifference> {
        compare_phase(
            &ran.expected.lanes,
            self.of(&ran.expected),
            self.of(&ran.actual),
            &self.selection,
        )
    }

    fn of<'t>(&self, transcript: &'t Transcript) -> Option<&'t Phase> {
        transcript.phases.iter().find(|phase| match self.phase {
            Place::Step(number) => phase.number == number,
            Place::End => phase.number == 0 && phase.title == END,
            Place::Checks => phase.number == 0 && phase.title == CHECKS,
        })
    }

    /// Nothing is expected here and nothing came.
    pub(super) fn is_vacuous(&self, ran: &Ran) -> bool {
        let empty = |transcript: &Transcript| {
            self.of(transcript)
                .is_none_or(|phase| !phase.lines.iter().any(|line| self.selection.has(line)))
        };
        empty(&ran.expected) && empty(&ran.actual)
    }
}

/// The step in which a program of the submission ended although it should have gone on.
pub(super) fn died_at(scenario: &Scenario, ran: &Ran) -> Option<u32> {
    let ended = |transcript: &Transcript, role: &str| {
        transcript
            .phases
            .iter()
            .filter(|phase| phase.number != 0)
            .find(|phase| {
                phase
                    .lines
                    .iter()
                    .any(|line| line.lane == role && is_end(line))
            })
            .map(|phase| phase.number)
    };
    scenario
        .students
        .iter()
        .filter_map(|role| {
            let died = ended(&ran.actual, role)?;
            let due = ended(&ran.expected, role);
            due.is_none_or(|due| died < due).then_some(died)
        })
        .min()
}

/// The root process of the line's lane has ended, or never began.
pub(super) fn is_end(line: &Line) -> bool {
    line.op == Op::Life
        && line.channel.is_empty()
        && ["exit ", "killed ", "ended", "exec failed "]
            .iter()
            .any(|word| line.payload.starts_with(word))
}
