//! Where two transcripts differ.
//!
//! Each stream (`LANE.CHANNEL`) is compared by itself inside each phase, so that a line that is
//! missing in one of them shifts nothing in another. Who played a lane, and free streams, are
//! not compared.

use std::fmt;

use super::{END, Lane, Line, Op, Phase, Selection, Transcript, ignore};
use crate::lab::Ignore;

/// What [`compare`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The two do not belong to the same version of the lab; then nothing else is compared.
    pub stale: Option<Stale>,
    /// The phases that differ, in order.
    pub phases: Vec<PhaseDifference>,
}

impl Comparison {
    /// Nothing differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.stale.is_none() && self.phases.is_empty()
    }
}

/// The expected transcript was made from another version of the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// What it says: `step 3 \`alice > c\``.
    pub expected: String,
    /// What the lab says now.
    pub now: String,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, now } = self;
        write!(
            f,
            "the snapshot is of another version of the lab: it has {expected}, now there is {now}"
        )
    }
}

/// A phase that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseDifference {
    /// The step's number; 0 after the steps.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// The streams that differ, in the order in which they print.
    pub streams: Vec<StreamDifference>,
}

/// A stream of a phase that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDifference {
    /// `server`.
    pub lane: String,
    /// `out`; empty for the lane's own.
    pub channel: String,
    /// So many lines are the same before the first difference.
    pub matching: usize,
    /// Lines of the expected transcript from the first to the last difference.
    pub expected: Vec<Line>,
    /// Lines of the actual one from the first to the last difference.
    pub yours: Vec<Line>,
}

/// Compares the selected lines of every phase.
#[must_use]
pub fn compare(
    expected: &Transcript,
    actual: &Transcript,
    selection: &Selection<'_>,
) -> Comparison {
    if let Some(stale) = stale(expected, actual) {
        return Comparison {
            stale: Some(stale),
            phases: Vec::new(),
        };
    }
    let only_actual = actual
        .phases
        .iter()
        .filter(|phase| counterpart(expected, phase).is_none())
        .map(|phase| (None, Some(phase)));
    let phases = expected
        .phases
        .iter()
        .map(|phase| (Some(phase), counterpart(actual, phase)))
        .chain(only_actual)
        .filter_map(|(e, a)| compare_phase(&expected.lanes, e, a, selection))
        .collect();
    Comparison {
        stale: None,
        phases,
    }
}

/// The phase of `transcript` that stands for the same step.
fn counterpart<'a>(transcript: &'a Transcript, phase: &Phase) -> Option<&'a Phase> {
    transcript.phases.iter().find(|other| {
        other.number == phase.number && (phase.number != 0 || other.title == phase.title)
    })
}

fn stale(expected: &Transcript, actual: &Transcript) -> Option<Stale> {
    let header = |transcript: &Transcript| {
        let name = format!("`{} / {}`", transcript.lab, transcript.scenario);
        let lanes = transcript.lanes.iter().map(|lane| {
            let ignored: String = lane.ignore.words().map(|w| format!(" -{w}")).collect();
            format!("lane `{} {}{ignored}`", lane.name, lane.command)
        });
        let steps = transcript
            .phases
            .iter()
            .filter(|phase| phase.number != 0)
            .map(|phase| format!("step {} `{}`", phase.number, phase.title));
        std::iter::once(name)
            .chain(lanes)
            .chain(steps)
            .collect::<Vec<_>>()
    };
    let (expected, now) = (header(expected), header(actual));
    let longest = expected.len().max(now.len());
    let at = (0..longest).find(|at| expected.get(*at) != now.get(*at))?;
    let said = |texts: &[String]| {
        texts
            .get(at)
            .cloned()
            .unwrap_or_else(|| "nothing".to_owned())
    };
    Some(Stale {
        expected: said(&expected),
        now: said(&now),
    })
}

/// Compares the selected lines of one phase; a phase that is not there has no lines. `lanes` say
/// what does not count in which of them.
#[must_use]
pub fn compare_phase(
    lanes: &[Lane],
    expected: Option<&Phase>,
    actual: Option<&Phase>,
    selection: &Selection<'_>,
) -> Option<PhaseDifference> {
    let phase = expected.or(actual)?;
    let expected = streams(expected, selection);
    let actual = streams(actual, selection);
    let mut keys: Vec<(&str, &str)> = expected.iter().map(|(key, _)| *key).collect();
    for (index, (key, _)) in actual.iter().enumerate() {
        if !keys.contains(key) {
            // Beside the stream it follows, so that both sides read in the order of the lanes.
            let before = actual[..index]
                .iter()
                .rev()
                .find_map(|(key, _)| keys.iter().position(|known| known == key));
            keys.insert(before.map_or(0, |at| at + 1), *key);
        }
    }
    let whole = phase.number == 0 && phase.title == END;
    let differing: Vec<StreamDifference> = keys
        .into_iter()
        .filter_map(|key| {
            let expected = lines_of(&expected, key);
            let actual = lines_of(&actual, key);
            let lane = lanes.iter().find(|lane| lane.name == key.0);
            let ignored = lane.map(|lane| lane.ignore).unwrap_or_default();
            let expected = ignore::without_last(expected, ignored);
            let actual = ignore::without_last(actual, ignored);
            let is_stream = |line: &&Line| line.op != Op::Life;
            let difference = if whole && expected.iter().chain(actual).all(is_stream) {
                in_order(expected, actual, ignored)
            } else {
                exact(expected, actual, ignored)
            };
            let (matching, expected, yours) = difference?;
            Some(StreamDifference {
                lane: key.0.to_owned(),
                channel: key.1.to_owned(),
                matching,
                expected: expected.iter().copied().cloned().collect(),
                yours: yours.iter().copied().cloned().collect(),
            })
        })
        .collect();
    (!differing.is_empty()).then(|| PhaseDifference {
        number: phase.number,
        title: phase.title.clone(),
        streams: differing,
    })
}

type Stream<'a> = ((&'a str, &'a str), Vec<&'a Line>);

fn streams<'a>(phase: Option<&'a Phase>, selection: &Selection<'_>) -> Vec<Stream<'a>> {
    let mut streams: Vec<Stream<'a>> = Vec::new();
    for line in phase.map_or(&[][..], |phase| &phase.lines) {
        if !selection.has(line) {
            continue;
        }
        let key = (line.lane.as_str(), line.channel.as_str());
        match streams.iter_mut().find(|(known, _)| *known == key) {
            Some((_, lines)) => lines.push(line),
            None => streams.push((key, vec![line])),
        }
    }
    streams
}

fn lines_of<'s, 'a>(streams: &'s [Stream<'a>], key: (&str, &str)) -> &'s [&'a Line] {
    let found = streams.iter().find(|(known, _)| *known == key);
    found.map_or(&[], |(_, lines)| lines)
}

/// Number of lines that match before, then the lines from the first to the last difference.
type Middle<'s, 'a> = (usize, &'s [&'a Line], &'s [&'a Line]);

fn exact<'s, 'a>(
    expected: &'s [&'a Line],
    actual: &'s [&'a Line],
    ignored: Ignore,
) -> Option<Middle<'s, 'a>> {
    let same = |(a, b): &(&&Line, &&Line)| ignore::same(a, b, ignored);
    let start = expected.iter().zip(actual).take_while(same).count();
    if start == expected.len() && start == actual.len() {
        return None;
    }
    let (expected, actual) = (&expected[start..], &actual[start..]);
    let pairs = expected.iter().rev().zip(actual.iter().rev());
    let end = pairs.take_while(same).count();
    Some((
        start,
        &expected[..expected.len() - end],
        &actual[..actual.len() - end],
    ))
}

/// The expected lines must come in order; others may stand between them.
fn in_order<'s, 'a>(
    expected: &'s [&'a Line],
    actual: &'s [&'a Line],
    ignored: Ignore,
) -> Option<Middle<'s, 'a>> {
    let mut at = 0;
    for (matched, line) in expected.iter().enumerate() {
        let mut rest = actual[at..].iter();
        match rest.position(|other| ignore::same(other, line, ignored)) {
            Some(offset) => at += offset + 1,
            None => return Some((matched, &expected[matched..], &actual[at..])),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(texts: &[String], ignore: Ignore) -> (Vec<Lane>, Phase) {
        let lane = Lane {
            name: "filter".to_owned(),
            command: "./filter".to_owned(),
            player: crate::transcript::Player::Student,
            ignore,
        };
        let line = |text: &String| Line {
            lane: "filter".to_owned(),
            channel: "out".to_owned(),
            op: Op::Out,
            payload: text.clone(),
        };
        let phase = Phase {
            number: 0,
            title: END.to_owned(),
            lines: texts.iter().map(line).collect(),
        };
        (vec![lane], phase)
    }

    fn is_accepted(expected: &[String], actual: &[String], ignore: Ignore) -> bool {
        let (lanes, expected) = end(expected, ignore);
        let (_, actual) = end(actual, ignore);
        let all = Selection::Everything;
        compare_phase(&lanes, Some(&expected), Some(&actual), &all).is_none()
    }

    /// Lines of a program's own between those that are due: so many before each.
    fn with_chatter(due: &[String], chatter: &[Vec<String>]) -> Vec<String> {
        let mut out = Vec::new();
        for (index, extra) in chatter.iter().enumerate() {
            out.extend(extra.iter().map(|text| format!("client {text}")));
            out.extend(due.get(index).cloned());
        }
        out.extend(due.iter().skip(chatter.len()).cloned());
        out
    }

    proptest! {
        #[test]
        fn chatter_never_fails_a_lane_of_lines_in_order(
            due in prop::collection::vec("[A-Z]{1,4}", 1..6),
            chatter in prop::collection::vec(prop::collection::vec("[a-z]{0,4}", 0..3), 0..7),
        ) {
            let actual = with_chatter(&due, &chatter);
            prop_assert!(is_accepted(&due, &actual, Ignore::default()));
        }

        #[test]
        fn a_line_that_is_missing_or_out_of_place_always_fails_it(
            due in prop::collection::btree_set("[A-Z]{1,4}", 2..6),
            chatter in prop::collection::vec(prop::collection::vec("[a-z]{0,4}", 0..3), 0..7),
            which in any::<prop::sample::Index>(),
        ) {
            let due: Vec<String> = due.into_iter().collect();
            let mut lost = due.clone();
            lost.remove(which.index(due.len()));
            prop_assert!(!is_accepted(&due, &with_chatter(&lost, &chatter), Ignore::default()));
            let mut swapped = due.clone();
            swapped.reverse();
            prop_assert!(!is_accepted(&due, &with_chatter(&swapped, &chatter), Ignore::default()));
        }

        #[test]
        fn what_is_ignored_never_counts_and_all_else_does(
            due in prop::collection::vec("[A-Z]{1,4}", 1..6),
            ends in prop::collection::vec("( |\\\\t){0,2}(\\\\r)?", 6),
            lower in any::<bool>(),
        ) {
            let mut ignore = Ignore { cr: true, trailing_space: true, ..Ignore::default() };
            let mut actual: Vec<String> = due.iter().zip(&ends)
                .map(|(text, end)| format!("{text}{end}"))
                .collect();
            prop_assert!(is_accepted(&due, &actual, ignore));
            if lower {
                actual[0] = actual[0].replacen(&due[0], &due[0].to_lowercase(), 1);
                prop_assert!(!is_accepted(&due, &actual, ignore));
                ignore.case = true;
                prop_assert!(is_accepted(&due, &actual, ignore));
            }
        }
    }
}
