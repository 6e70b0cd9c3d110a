//! Why a requirement is not met, in words and lines.

mod actions;
mod addresses;
mod notes;
mod remark;
mod stderr;
mod waits;

use supervisor::event::{Quiet, Settled, What};
use supervisor::plan::{PeerId, ProcessId};

use super::judge::Ran;
use super::phrases::Phrase;
use super::{Actions, Difference};
use crate::lab::{Lab, Lang, Scenario};
use crate::transcript::{Actors, Line, Op, PhaseDifference, Selection, StreamDifference, compare};

pub use addresses::address_rungs;
pub use notes::{held_back, notes};

/// Lines of one side that are shown; [`Difference::more`] counts the rest.
const MOST_LINES: usize = 8;

/// A run to be explained.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) lab: &'a Lab,
    pub(super) scenario: &'a Scenario,
    pub(super) ran: &'a Ran,
    pub(super) lang: Lang,
}

/// What the modules here share.
struct Scene<'a> {
    case: &'a Case<'a>,
    actors: Actors,
    /// The step of the difference; for a check the last one that it is about.
    step: u32,
    /// The same, 0 for what is known only after the steps.
    told: u32,
}

impl Scene<'_> {
    fn say(&self, phrase: Phrase<'_>) -> String {
        phrase.say(self.case.lang)
    }

    fn role(&self, process: ProcessId) -> &str {
        let role = self.actors.programs.get(usize::from(process.program.0));
        role.map_or("?", String::as_str)
    }

    fn peer(&self, peer: PeerId) -> &str {
        let name = self.actors.peers.get(usize::from(peer.0));
        name.map_or("?", String::as_str)
    }

    fn is_students(&self, process: ProcessId) -> bool {
        let role = self.role(process);
        self.case
            .scenario
            .students
            .iter()
            .any(|student| student == role)
    }

    /// `server`, `child 1`; with several programs `server's child 1`.
    fn who(&self, process: ProcessId) -> String {
        let role = self.role(process);
        match process.number {
            0 => role.to_owned(),
            number if self.actors.programs.len() > 1 => self.say(Phrase::ChildOf(role, number)),
            number => self.say(Phrase::Child(number)),
        }
    }

    /// How the step ended.
    fn settled(&self) -> Option<&Settled> {
        let events = self.case.ran.events.iter().rev();
        events
            .filter(|event| event.step == self.step)
            .find_map(|event| match &event.what {
                What::Settled(settled) => Some(settled),
                _ => None,
            })
    }
}

/// Explains the first difference of a requirement's evidence.
pub(super) fn explain(case: &Case<'_>, found: &PhaseDifference) -> Difference {
    let last = u32::try_from(case.scenario.steps.len()).unwrap_or(u32::MAX);
    let told = match found.number {
        0 => judged_until(case, found).filter(|step| *step < last),
        number => Some(number),
    };
    let scene = Scene {
        case,
        actors: Actors::of(case.lab, case.scenario),
        step: told.unwrap_or(last),
        told: told.unwrap_or(0),
    };
    let (expected, yours, cut) = shown(&scene, found);
    let hung = is_hung(found);
    let proved = scene
        .settled()
        .filter(|settled| hung && settled.how == Quiet::Proved);
    Difference {
        scenario: case.scenario.id.clone(),
        step: found.number,
        title: found.title.clone(),
        remark: remark::remark(&scene, found),
        ignored: ignored(case, found),
        more: cut + later(case, found),
        actions: actions::actions(&scene),
        waits: waits::waits(&scene, found, hung),
        proved_after: proved.map(|settled| settled.took),
        expected,
        yours,
    }
}

/// The last step that the first of the failed checks is about: what was done later is not its affair.
fn judged_until(case: &Case<'_>, found: &PhaseDifference) -> Option<u32> {
    let lines = || found.streams.iter().flat_map(|stream| &stream.yours);
    let failed = |id: &str| {
        lines().any(|line| {
            let rest = line.payload.strip_prefix(id);
            rest.is_some_and(|rest| rest.starts_with(": no"))
        })
    };
    let mut checks = case.scenario.checks.iter();
    checks.find(|check| failed(&check.id))?.window.until
}

/// What did not count in the lanes that differ.
fn ignored(case: &Case<'_>, found: &PhaseDifference) -> Vec<&'static str> {
    let mut words = Vec::new();
    for lane in &case.ran.expected.lanes {
        if found.streams.iter().any(|stream| stream.lane == lane.name) {
            for word in lane.ignore.words() {
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
    }
    words
}

/// Something that was expected did not come, or the program's state says that it is stuck.
fn is_hung(found: &PhaseDifference) -> bool {
    found.streams.iter().any(|stream| {
        let is_stuck = |line: &Line| {
            line.op == Op::Quiet
                || (line.op == Op::Life
                    && (line.payload.starts_with("queued")
                        || matches!(line.payload.as_str(), "still running" | "waits")))
        };
        stream.yours.len() < stream.expected.len() || stream.yours.iter().any(is_stuck)
    })
}

/// The differing lines of both sides, and how many did not fit.
fn shown(scene: &Scene<'_>, found: &PhaseDifference) -> (Vec<Line>, Vec<Line>, usize) {
    let mut expected = Vec::new();
    let mut yours = Vec::new();
    for stream in &found.streams {
        let (theirs, own) = changed(stream);
        expected.extend(theirs);
        yours.extend(own);
    }
    let cut = expected
        .len()
        .saturating_sub(MOST_LINES)
        .max(yours.len().saturating_sub(MOST_LINES));
    expected.truncate(MOST_LINES);
    yours.truncate(MOST_LINES);
    let is_state = |line: &&Line| line.op == Op::Quiet && line.channel.is_empty();
    // A state of the submission's programs explains more than the lanes that count.
    let phase = scene
        .case
        .ran
        .actual
        .phases
        .iter()
        .find(|phase| phase.number == found.number);
    let reference = scene
        .case
        .ran
        .expected
        .phases
        .iter()
        .find(|phase| phase.number == found.number);
    if let (Some(phase), Some(reference)) = (phase, reference)
        && found.number != 0
    {
        for line in phase.lines.iter().filter(is_state) {
            if !reference.lines.contains(line) && !yours.contains(line) {
                yours.push(line.clone());
            }
        }
    }
    (expected, yours, cut)
}

/// The lines of a stream that differ, without the same ones between them.
fn changed(stream: &StreamDifference) -> (Vec<Line>, Vec<Line>) {
    /// More lines than this are not compared pair by pair.
    const MOST: usize = 300;
    let (theirs, own) = (&stream.expected, &stream.yours);
    if theirs.len() > MOST || own.len() > MOST {
        return (theirs.clone(), own.clone());
    }
    let text = |lines: &[Line]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (before, after) = (text(theirs), text(own));
    let mut result = (Vec::new(), Vec::new());
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &before, &after) {
        if op.tag() != similar::DiffTag::Equal {
            result.0.extend_from_slice(&theirs[op.old_range()]);
            result.1.extend_from_slice(&own[op.new_range()]);
        }
    }
    result
}

/// How many lines differ besides: in other lanes of the step, and in later steps.
fn later(case: &Case<'_>, found: &PhaseDifference) -> usize {
    let all = compare(&case.ran.expected, &case.ran.actual, &Selection::Reaction);
    let here = |phase: &PhaseDifference| phase.number == found.number && phase.title == found.title;
    all.phases
        .iter()
        .skip_while(|phase| !here(phase))
        .flat_map(|phase| {
            let is_here = here(phase);
            phase.streams.iter().filter(move |stream| {
                let same = |other: &&StreamDifference| {
                    other.lane == stream.lane && other.channel == stream.channel
                };
                !is_here || !found.streams.iter().any(|other| same(&other))
            })
        })
        .map(|stream| stream.expected.len().max(stream.yours.len()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_was_not_let_in_says_that_the_run_hangs() {
        let line = |payload: &str| Line {
            lane: "alice".to_owned(),
            channel: String::new(),
            op: Op::Life,
            payload: payload.to_owned(),
        };
        let found = |yours: &str| PhaseDifference {
            number: 3,
            title: String::new(),
            streams: vec![StreamDifference {
                lane: "alice".to_owned(),
                channel: String::new(),
                matching: 0,
                expected: vec![line("open")],
                yours: vec![line(yours)],
            }],
        };
        // Nobody opened the other end of its FIFO; nobody accepted it.
        for stuck in ["waits", "queued, never accepted"] {
            assert!(is_hung(&found(stuck)), "{stuck}");
        }
        assert!(!is_hung(&found("refused ECONNREFUSED")));
    }
}
