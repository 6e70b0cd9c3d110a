//! The steps of a scenario: what each does, in which round, and what it proves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, Means};
use crate::lab::decode::{At, Blocks, Sink, Span, shown};
use crate::lab::diagnostics::Diagnostic;
use crate::lab::model::{Proof, Selector, Setup, Step, Stimulus};
use crate::lab::stimulus::Stage;
use crate::lab::values::{required, small};
use crate::lab::{names, raw, selector};

/// The steps of a scenario, and what is known after the last.
pub(super) struct Built<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) stage: Stage<'a>,
    /// Some step proves what the scenario's `proves` says.
    pub(super) default_used: bool,
    /// Something could not be read: what seems to be missing may be there.
    pub(super) damaged: bool,
}

/// Checks the steps of a scenario, however they are written. Where there are none, says so at `id`.
pub(super) fn steps<'a>(
    raw: &raw::Scenario,
    id: &Span,
    known: &'a Known<'_>,
    setup: &'a BTreeMap<String, Setup>,
    means: &mut Means,
    sink: &mut Sink,
) -> Built<'a> {
    let blocks = written(raw, sink);
    let setups = raw.setup.iter().flat_map(|s| &s.value.0);
    let damaged = raw.shape.damaged
        || known.requirements.damaged
        || setups
            .map(|(_, setup)| setup)
            .any(|s| s.value.shape.damaged)
        || blocks.is_some_and(|blocks| any_damage(&blocks.value));
    let mut builder = Builder {
        known,
        setup,
        stage: Stage::new(known.programs, setup),
        default: raw.proves.as_ref(),
        default_used: false,
        steps: Vec::new(),
        means,
    };
    match blocks {
        Some(blocks) => {
            builder.stage.lenient = damaged;
            builder.run(&blocks.value.items, None, sink);
            if blocks.value.items.is_empty() && !blocks.value.damaged {
                sink.push(Diagnostic::error(
                    blocks.span.clone(),
                    "a scenario without steps",
                ));
            }
        }
        None if raw.shape.bad.contains(&"steps") || raw.shape.bad.contains(&"step") => {}
        None => sink.push(
            Diagnostic::error(id.clone(), "a scenario without steps")
                .help("give it `steps = [ { start = \"…\" }, … ]`"),
        ),
    }
    Built {
        steps: builder.steps,
        stage: builder.stage,
        default_used: builder.default_used,
        damaged,
    }
}

/// The steps as they are written: in one of two ways, not in both.
fn written<'a>(raw: &'a raw::Scenario, sink: &mut Sink) -> Option<&'a At<Blocks<raw::Step>>> {
    if let (Some(steps), Some(step)) = (&raw.steps, &raw.step) {
        sink.push(
            Diagnostic::error(
                step.key.clone(),
                "a scenario has `steps` or `[[scenario.step]]`, not both",
            )
            .also(steps.key.clone(), "the others are here"),
        );
    }
    raw.steps.as_ref().or(raw.step.as_ref())
}

/// Whether some step could not be read whole.
fn any_damage(steps: &Blocks<raw::Step>) -> bool {
    steps.damaged
        || steps.items.iter().any(|step| {
            let step = &step.value;
            step.shape.damaged
                || step.all.as_ref().is_some_and(|all| any_damage(&all.value))
                || step.repeat.as_ref().is_some_and(|repeat| {
                    let steps = repeat.value.steps.as_ref();
                    repeat.value.shape.damaged
                        || steps.is_some_and(|steps| any_damage(&steps.value))
                })
        })
}

struct Builder<'a, 'm> {
    known: &'a Known<'a>,
    setup: &'a BTreeMap<String, Setup>,
    stage: Stage<'a>,
    default: Option<&'m At<raw::Proves>>,
    default_used: bool,
    steps: Vec<Step>,
    means: &'m mut Means,
}

impl Builder<'_, '_> {
    fn run(&mut self, items: &[At<raw::Step>], round: Option<u32>, sink: &mut Sink) {
        for item in items {
            if self.means.spent() {
                return;
            }
            match &item.value.repeat {
                Some(repeat) => self.repeat(item, repeat, sink),
                None => self.step(item, round, sink),
            }
        }
    }

    fn repeat(&mut self, item: &At<raw::Step>, at: &At<raw::Repeat>, sink: &mut Sink) {
        for (key, span) in stimuli_of(&item.value) {
            if key != "repeat" {
                sink.push(too_many(&at.key, "repeat", &span, key));
            }
        }
        if let Some(proves) = &item.value.proves {
            sink.push(
                Diagnostic::error(proves.key.clone(), "a repetition proves nothing itself")
                    .help("put `proves` into its steps"),
            );
        }
        let raw = &at.value;
        let times = required(
            raw.times.as_ref(),
            &raw.shape,
            "times",
            "a repetition",
            &at.span,
            sink,
        );
        let steps = required(
            raw.steps.as_ref(),
            &raw.shape,
            "steps",
            "a repetition",
            &at.span,
            sink,
        );
        if let (Some(times), Some(steps)) = (times, steps) {
            if steps.value.items.is_empty() && !steps.value.damaged {
                sink.push(Diagnostic::error(
                    steps.span.clone(),
                    "a repetition without steps",
                ));
                return;
            }
            for round in 1..=small(times, "a repetition", 1, 10_000, sink) {
                // Each round costs something even where its steps are faulty.
                if !self.means.bytes(1, &at.span, sink) {
                    return;
                }
                self.run(&steps.value.items, Some(round), sink);
            }
        }
    }

    fn step(&mut self, at: &At<raw::Step>, round: Option<u32>, sink: &mut Sink) {
        self.stage.inspected.clear();
        let mut stimuli = Vec::new();
        match &at.value.all {
            None => self.stimulus(at, round, &mut stimuli, sink),
            Some(all) => {
                for (key, span) in stimuli_of(&at.value) {
                    if key != "all" {
                        sink.push(too_many(&all.key, "all", &span, key));
                    }
                }
                if all.value.items.is_empty() && !all.value.damaged {
                    sink.push(Diagnostic::error(
                        all.span.clone(),
                        "a step without a stimulus",
                    ));
                }
                for item in &all.value.items {
                    self.inner(item, round, &mut stimuli, sink);
                }
            }
        }
        let proves = self.proves(at, round, sink);
        self.steps.push(Step { stimuli, proves });
    }

    /// An item of `all`.
    fn inner(
        &mut self,
        item: &At<raw::Step>,
        round: Option<u32>,
        stimuli: &mut Vec<Stimulus>,
        sink: &mut Sink,
    ) {
        let step = &item.value;
        let misplaced = [
            ("all", step.all.as_ref().map(|a| &a.key)),
            ("repeat", step.repeat.as_ref().map(|a| &a.key)),
            ("proves", step.proves.as_ref().map(|a| &a.key)),
        ];
        let mut bad = false;
        for (key, span) in misplaced {
            if let Some(span) = span {
                bad |= key != "proves";
                sink.push(
                    Diagnostic::error(span.clone(), format!("`{key}` cannot stand inside `all`"))
                        .help("an item of `all` is one stimulus; `proves` stands beside `all`"),
                );
            }
        }
        if !bad {
            self.stimulus(item, round, stimuli, sink);
        }
    }

    fn stimulus(
        &mut self,
        at: &At<raw::Step>,
        round: Option<u32>,
        stimuli: &mut Vec<Stimulus>,
        sink: &mut Sink,
    ) {
        let found = stimuli_of(&at.value);
        match found.as_slice() {
            [] => {
                if !at.value.shape.damaged {
                    let known: Vec<&str> = raw::Step::KEYS
                        .iter()
                        .copied()
                        .filter(|key| *key != "proves")
                        .collect();
                    sink.push(
                        Diagnostic::error(at.span.clone(), "a step without a stimulus")
                            .help(format!("one of {}", names::list(known))),
                    );
                }
            }
            [_] => {
                let before = stimuli.len();
                self.stage
                    .stimuli(&at.value, round, self.means, stimuli, sink);
                for _ in before..stimuli.len() {
                    if !self.means.stimulus(&at.span, sink) {
                        return;
                    }
                }
            }
            [(first, first_span), (second, second_span), ..] => {
                sink.push(too_many(first_span, first, second_span, second));
            }
        }
    }

    fn proves(&mut self, at: &At<raw::Step>, round: Option<u32>, sink: &mut Sink) -> Vec<Proof> {
        let own = at.value.proves.as_ref();
        if own.is_none() && at.value.shape.bad.contains(&"proves") {
            return Vec::new();
        }
        self.default_used |= own.is_none();
        let Some(proves) = own.or(self.default) else {
            return Vec::new();
        };
        let mut proofs: Vec<Proof> = Vec::new();
        let mut seen = BTreeSet::new();
        let context = selector::Context {
            programs: self.known.programs,
            setup: self.setup,
            stage: &self.stage,
            round,
        };
        let entries: Vec<(&At<String>, &[At<String>])> = match &proves.value {
            raw::Proves::Whole(ids) => ids.iter().map(|id| (id, [].as_slice())).collect(),
            raw::Proves::Lanes(map) => map
                .0
                .iter()
                .map(|(id, lanes)| (id, lanes.value.0.as_slice()))
                .collect(),
        };
        for (id, lanes) in entries {
            if !self.means.bytes(64 + id.value.len() as u64, &id.span, sink) {
                break;
            }
            if !self.known.requirements.expect(id, sink) {
                continue;
            }
            if !seen.insert(id.value.as_str()) {
                sink.push(Diagnostic::error(
                    id.span.clone(),
                    format!("`{}` stands here twice", shown(&id.value)),
                ));
            }
            let mut picked: Vec<Selector> = Vec::new();
            for lane in lanes {
                if !self
                    .means
                    .bytes(64 + lane.value.len() as u64, &lane.span, sink)
                {
                    break;
                }
                picked.extend(selector::parse(lane, &context, sink));
            }
            if matches!(proves.value, raw::Proves::Lanes(_)) && lanes.is_empty() {
                sink.push(
                    Diagnostic::error(
                        id.span.clone(),
                        format!("no lane counts for `{}`", shown(&id.value)),
                    )
                    .help("name lanes, or write `proves = [ … ]` for the step's whole reaction"),
                );
            }
            proofs.push(Proof {
                requirement: id.value.clone(),
                lanes: picked,
            });
        }
        proofs
    }
}

/// The stimulus keys that are there.
fn stimuli_of(step: &raw::Step) -> Vec<(&'static str, Span)> {
    let key = |span: &Span| span.clone();
    let mut found: Vec<(&'static str, Span)> = [
        ("start", step.start.as_ref().map(|a| key(&a.key))),
        ("type", step.type_.as_ref().map(|a| key(&a.key))),
        ("eof", step.eof.as_ref().map(|a| key(&a.key))),
        ("leave", step.leave.as_ref().map(|a| key(&a.key))),
        ("connect", step.connect.as_ref().map(|a| key(&a.key))),
        ("listen", step.listen.as_ref().map(|a| key(&a.key))),
        ("accept", step.accept.as_ref().map(|a| key(&a.key))),
        ("open", step.open.as_ref().map(|a| key(&a.key))),
        ("write", step.write.as_ref().map(|a| key(&a.key))),
        ("send", step.send.as_ref().map(|a| key(&a.key))),
        ("shutdown", step.shutdown.as_ref().map(|a| key(&a.key))),
        ("close", step.close.as_ref().map(|a| key(&a.key))),
        ("reset", step.reset.as_ref().map(|a| key(&a.key))),
        ("stall", step.stall.as_ref().map(|a| key(&a.key))),
        ("resume", step.resume.as_ref().map(|a| key(&a.key))),
        ("signal", step.signal.as_ref().map(|a| key(&a.key))),
        ("advance", step.advance.as_ref().map(|a| key(&a.key))),
        ("file", step.file.as_ref().map(|a| key(&a.key))),
        ("inspect", step.inspect.as_ref().map(|a| key(&a.key))),
        ("disturb", step.disturb.as_ref().map(|a| key(&a.key))),
        ("thaw", step.thaw.as_ref().map(|a| key(&a.key))),
        ("all", step.all.as_ref().map(|a| key(&a.key))),
        ("repeat", step.repeat.as_ref().map(|a| key(&a.key))),
    ]
    .into_iter()
    .filter_map(|(name, span)| span.map(|span| (name, span)))
    .collect();
    found.sort_by_key(|(_, span)| span.start);
    found
}

fn too_many(first: &Span, first_name: &str, second: &Span, second_name: &str) -> Diagnostic {
    Diagnostic::error(second.clone(), format!("a step has one stimulus, not `{first_name}` and `{second_name}`"))
        .also(first.clone(), "the first one")
        .help("make two steps of it, or write `all = [ { … }, { … } ]` for several without a wait between them")
}
