//! Text that was written to standard error where it is due on standard output.

use supervisor::bytes::unescape;
use supervisor::event::{Stream, What};

use super::Scene;
use super::remark::is_data;
use crate::transcript::{Line, PhaseDifference, StreamDifference};
use crate::verdict::phrases::Phrase;

/// How a text looks of which only its occurrence counts.
const ELSE: &str = "[..]";
/// Shorter texts may stand in any message.
const LEAST: usize = 3;

/// Said only where it is certain: all that is missing on standard output stands on standard error.
pub(super) fn on_stderr(
    scene: &Scene<'_>,
    found: &PhaseDifference,
    stream: &StreamDifference,
) -> Option<String> {
    if stream.channel != "out" {
        return None;
    }
    let is_missing = |line: &&Line| {
        let there = |own: &Line| own.payload == line.payload;
        is_data(line) && !line.payload.trim().is_empty() && !stream.yours.iter().any(there)
    };
    let mut missing = stream.expected.iter().filter(is_missing).peekable();
    missing.peek()?;
    let written = written(scene, found.number, &stream.lane);
    if written.is_empty() {
        return None;
    }
    let bound = bound(scene, found.number, &stream.lane);
    missing
        .all(|line| stands(&line.payload, &written, &bound))
        .then(|| scene.say(Phrase::OnStderr))
}

/// What the program wrote to standard error in the step, or ever for what is compared as a whole.
fn written(scene: &Scene<'_>, step: u32, role: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for event in &scene.case.ran.events {
        if let What::Output {
            program,
            stream: Stream::Err,
            bytes,
        } = &event.what
            && (step == 0 || event.step == step)
            && scene.actors.program(role) == Some(program.0)
        {
            all.extend_from_slice(bytes);
        }
    }
    all
}

/// Lines of standard error as the transcript has them: with names in the place of what differs from
/// run to run.
fn bound<'a>(scene: &'a Scene<'_>, step: u32, role: &str) -> Vec<&'a str> {
    let actual = &scene.case.ran.actual;
    let phases = actual.phases.iter().filter(|phase| phase.number == step);
    let lines = phases.flat_map(|phase| &phase.lines).chain(&actual.free);
    lines
        .filter(|line| line.lane == role && line.channel == "err" && is_data(line))
        .map(|line| line.payload.as_str())
        .collect()
}

fn stands(payload: &str, written: &[u8], bound: &[&str]) -> bool {
    let inside = payload
        .strip_prefix(ELSE)
        .and_then(|text| text.strip_suffix(ELSE));
    let Some(text) = unescape(inside.unwrap_or(payload)) else {
        return false;
    };
    if inside.is_some() {
        return text.len() >= LEAST && written.windows(text.len()).any(|window| window == text);
    }
    written.split(|b| *b == b'\n').any(|line| line == text) || bound.contains(&payload)
}

#[cfg(test)]
mod tests {
    use supervisor::plan::ProgramId;

    use super::*;
    use crate::lab::{Lang, StreamMode};
    use crate::transcript::fixture::{at, good, out, proof, transcript, us_upper};
    use crate::verdict::{Ran, Reason, ScenarioOutcome, ScenarioResult, judge_in};

    fn err(text: &str) -> What {
        What::Output {
            program: ProgramId(0),
            stream: Stream::Err,
            bytes: text.into(),
        }
    }

    /// What is said where `due` was expected on standard output in the first step.
    fn said(mode: StreamMode, due: &str, wrote: Vec<What>, lang: Lang) -> Option<String> {
        let mut lab = us_upper();
        lab.programs[0].stdout = mode;
        lab.programs[0].stderr = StreamMode::Free;
        lab.scenarios[0].steps[0].proves = vec![proof("s-address", &["server.out"])];
        let mut expected = good();
        expected[2] = at(1, out(due));
        let mut events = good();
        events.splice(2..3, wrote.into_iter().map(|what| at(1, what)));
        let outcome = ScenarioOutcome {
            scenario: lab.scenarios[0].id.clone(),
            result: ScenarioResult::Ran(Box::new(Ran {
                expected: transcript(&lab, 0, &expected).into(),
                actual: transcript(&lab, 0, &events),
                events,
            })),
        };
        let verdicts = judge_in(&lab, &[outcome], lang);
        match verdicts[0].reason.clone() {
            Some(Reason::Difference(difference)) => difference.remark,
            _ => None,
        }
    }

    fn exact(due: &str, wrote: Vec<What>) -> bool {
        let said = said(StreamMode::Exact, due, wrote, Lang::En);
        said.is_some_and(|said| said.contains("standard error"))
    }

    #[test]
    fn text_on_the_wrong_stream_is_found() {
        assert!(exact("ready\n", vec![err("ready\n")]));
        assert!(exact("one\n\ntwo\n", vec![err("x\none\ntwo\n")]));
        assert!(exact("one\ntwo\n", vec![out("one\n"), err("two\n")]));
        assert!(exact("no newline", vec![err("no newline")]));
        // As names where it differs from run to run.
        assert!(exact("at /lab/us.sock\n", vec![err("at /lab/us.sock\n")]));
    }

    #[test]
    fn what_is_not_certain_is_not_said() {
        assert!(!exact("ready\n", vec![err("not ready\n")]));
        assert!(!exact("one\ntwo\n", vec![err("two\n")]));
        assert!(!exact("ready\n", vec![out("Ready\n")]));
        assert!(!exact("\n", vec![err("\n\n")]));
        assert!(!exact("ready\n", Vec::new()));
    }

    #[test]
    fn of_texts_that_only_occur_each_must_be_there() {
        let texts = |list: &[&str]| {
            StreamMode::Contains(list.iter().map(|&text| text.to_owned()).collect())
        };
        let says = |mode, wrote| {
            said(mode, "count 1 rt 2\n", wrote, Lang::En)
                .is_some_and(|s| s.contains("standard error"))
        };
        assert!(says(texts(&["count 1"]), vec![err("the count 1 rt 2\n")]));
        assert!(!says(texts(&["count 1", "rt 2"]), vec![err("count 1\n")]));
        // It may stand in any message.
        assert!(!says(texts(&["1"]), vec![err("line 1: wrong\n")]));
    }

    #[test]
    fn the_sentence_is_there_in_both_languages() {
        let in_russian = said(StreamMode::Exact, "ready\n", vec![err("ready\n")], Lang::Ru);
        assert_eq!(
            in_russian.as_deref(),
            Some("это выведено в stderr, а не в stdout")
        );
        let in_english = said(StreamMode::Exact, "ready\n", vec![err("ready\n")], Lang::En);
        assert_eq!(
            in_english.as_deref(),
            Some("it was written to standard error, not to standard output")
        );
    }
}
