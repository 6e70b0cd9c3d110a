//! A scenario: cast, setup, steps, checks.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{self, kebab, localised, required, unique, within};
use super::decode::{At, Named, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{
    AddressMode, Check, InputKind, OutputKind, Program, Proof, Scenario, Selector, Setup, Step,
    Stimulus, StreamMode,
};
use super::stimulus::Stage;
use super::text::Allowed;
use super::{names, property, raw, selector};

/// At most so many stimuli in a whole lab, repetitions unrolled.
const MOST_STIMULI: usize = 10_000;
/// At most so many bytes of data in a whole lab, repetitions unrolled.
const MOST_BYTES: u64 = 64 << 20;

/// What a scenario may refer to, and what is left of the lab's means.
pub(super) struct Known<'a> {
    pub(super) programs: &'a [Program],
    pub(super) requirements: &'a BTreeMap<String, Span>,
    /// Some requirements could not be read: an unknown name may be right.
    pub(super) requirements_damaged: bool,
}

/// What the scenarios of a lab may still use: a small file must not unroll into a huge plan.
#[derive(Debug)]
pub(super) struct Means {
    stimuli: usize,
    bytes: u64,
    spent: bool,
}

impl Default for Means {
    fn default() -> Self {
        Self {
            stimuli: MOST_STIMULI,
            bytes: MOST_BYTES,
            spent: false,
        }
    }
}

impl Means {
    /// Takes one stimulus; `false` if there is none left.
    pub(super) fn stimulus(&mut self, span: &Span, sink: &mut Sink) -> bool {
        self.take(1, 0, span, sink)
    }

    /// Takes so many bytes; `false` if there are not as many left.
    pub(super) fn bytes(&mut self, bytes: u64, span: &Span, sink: &mut Sink) -> bool {
        self.take(0, bytes, span, sink)
    }

    fn take(&mut self, stimuli: usize, bytes: u64, span: &Span, sink: &mut Sink) -> bool {
        if let (Some(stimuli_left), Some(bytes_left)) = (
            self.stimuli.checked_sub(stimuli),
            self.bytes.checked_sub(bytes),
        ) {
            self.stimuli = stimuli_left;
            self.bytes = bytes_left;
            return true;
        }
        if !self.spent {
            self.spent = true;
            sink.push(Diagnostic::error(span.clone(), "the lab is too big").label("here it goes too far").help(
                format!(
                    "all scenarios together may have {MOST_STIMULI} stimuli and {} MiB of data, repetitions included",
                    MOST_BYTES >> 20
                ),
            ));
        }
        false
    }
}

/// Checks one scenario. The flag says that it could be read whole, so that what is missing in it
/// really is missing.
pub(super) fn scenario(
    at: &At<raw::Scenario>,
    known: &Known<'_>,
    seen: &mut BTreeMap<String, Span>,
    means: &mut Means,
    sink: &mut Sink,
) -> (Scenario, bool) {
    let raw = &at.value;
    let mut id = String::new();
    let mut id_span = at.span.clone();
    if let Some(at) = required(
        raw.id.as_ref(),
        &raw.shape,
        "id",
        "a scenario",
        &at.span,
        sink,
    ) {
        kebab(&at.value, &at.span, sink);
        unique(
            seen,
            &at.value,
            &at.span,
            |n| format!("scenario `{n}` is there twice"),
            sink,
        );
        id.clone_from(&at.value);
        id_span = at.span.clone();
    }
    let setup = setups(raw.setup.as_ref(), known, sink);
    let mut scenario = Scenario {
        title: raw.title.as_ref().map(|t| localised(t, "the title", sink)),
        students: students(raw.cast.as_ref(), known, sink),
        setup,
        peers: BTreeMap::new(),
        steps: Vec::new(),
        checks: Vec::new(),
        wall_seconds: raw
            .wall_seconds
            .as_ref()
            .map(|s| within(s, "seconds", 1, 600, sink)),
        ignore: raw.ignore.as_ref().map(|i| check::ignore(&i.value)),
        own_network: raw.own_network.as_ref().is_some_and(|n| n.value),
        calibrated: raw.calibrated.as_ref().is_some_and(|c| c.value),
        id,
    };

    let blocks = match (&raw.steps, &raw.step) {
        (Some(steps), Some(step)) => {
            sink.push(
                Diagnostic::error(
                    step.key.clone(),
                    "a scenario has `steps` or `[[scenario.step]]`, not both",
                )
                .also(steps.key.clone(), "the others are here"),
            );
            Some(steps)
        }
        (steps, step) => steps.as_ref().or(step.as_ref()),
    };
    let mut builder = Builder {
        damaged: raw.shape.damaged
            || known.requirements_damaged
            || raw
                .setup
                .iter()
                .flat_map(|s| &s.value.0)
                .any(|(_, setup)| setup.value.shape.damaged),
        stage: Stage::new(known.programs, &scenario.setup),
        known,
        setup: &scenario.setup,
        default: raw.proves.as_ref(),
        default_used: false,
        steps: Vec::new(),
        means,
    };
    match blocks {
        Some(blocks) => {
            builder.damaged |= blocks.value.damaged || any_damage(&blocks.value.items);
            builder.stage.lenient = builder.damaged;
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
            Diagnostic::error(id_span.clone(), "a scenario without steps")
                .help("give it `steps = [ { start = \"…\" }, … ]`"),
        ),
    }
    let Builder {
        damaged,
        stage,
        steps,
        default_used,
        ..
    } = builder;
    scenario.peers = stage.receives.clone();
    scenario.steps = steps;
    let mut ids = BTreeMap::new();
    let count = scenario.steps.len();
    for check in raw.checks() {
        scenario
            .checks
            .extend(self::check(check, known, &stage, count, &mut ids, sink));
    }
    let whole = !damaged && raw.check.as_ref().is_none_or(|c| !c.value.damaged);
    if whole {
        warnings(raw, &scenario, &stage, &id_span, default_used, sink);
    }
    (scenario, whole)
}

impl raw::Scenario {
    fn checks(&self) -> impl Iterator<Item = &At<raw::Check>> {
        self.check.iter().flat_map(|c| &c.value.items)
    }
}

/// Whether some step could not be read whole.
fn any_damage(steps: &[At<raw::Step>]) -> bool {
    steps.iter().any(|step| {
        let step = &step.value;
        let inner =
            |blocks: &super::decode::Blocks<raw::Step>| blocks.damaged || any_damage(&blocks.items);
        step.shape.damaged
            || step.all.as_ref().is_some_and(|all| inner(&all.value))
            || step.repeat.as_ref().is_some_and(|repeat| {
                repeat.value.shape.damaged
                    || repeat
                        .value
                        .steps
                        .as_ref()
                        .is_some_and(|steps| inner(&steps.value))
            })
    })
}

/// Says that there is no such program.
pub(super) fn no_such_program(name: &str, span: &Span, programs: &[Program]) -> Diagnostic {
    let known = programs.iter().map(|p| p.name.as_str());
    Diagnostic::error(
        span.clone(),
        format!("there is no program `{}`", shown(name)),
    )
    .maybe_label(names::did_you_mean(name, known.clone()))
    .help(format!("known: {}", names::list(known)))
}

fn students(
    cast: Option<&At<Named<raw::Player>>>,
    known: &Known<'_>,
    sink: &mut Sink,
) -> Vec<String> {
    let Some(cast) = cast else {
        return known.programs.iter().map(|p| p.name.clone()).collect();
    };
    let mut students = Vec::new();
    for (role, player) in &cast.value.0 {
        if !known.programs.iter().any(|p| p.name == role.value) {
            sink.push(no_such_program(&role.value, &role.span, known.programs));
        } else if player.value == raw::Player::Student {
            students.push(role.value.clone());
        }
    }
    students
}

fn setups(
    raw: Option<&At<Named<raw::Setup>>>,
    known: &Known<'_>,
    sink: &mut Sink,
) -> BTreeMap<String, Setup> {
    let mut setups = BTreeMap::new();
    for (role, at) in raw.iter().flat_map(|r| &r.value.0) {
        if !known.programs.iter().any(|p| p.name == role.value) {
            sink.push(no_such_program(&role.value, &role.span, known.programs));
            continue;
        }
        let raw = &at.value;
        let program = known.programs.iter().find(|p| p.name == role.value);
        let socket = raw.socket.as_ref().map(|s| check::socket(s.value));
        let kind = socket.or(program.and_then(|program| program.socket));
        let setup = Setup {
            socket,
            args: raw
                .args
                .as_ref()
                .map(|a| check::args(&a.value, Allowed::address(kind), sink)),
            stdin: raw.stdin.as_ref().map(|i| match i.value {
                raw::Input::Pipe => InputKind::Pipe,
                raw::Input::Null => InputKind::Null,
                raw::Input::Closed => InputKind::Closed,
                raw::Input::Pty => InputKind::Pty,
                raw::Input::Tty => InputKind::Tty,
            }),
            stdout_to: raw.stdout_to.as_ref().map(|o| output_kind(o.value)),
            stderr_to: raw.stderr_to.as_ref().map(|o| output_kind(o.value)),
            stdout: raw.stdout.as_ref().map(|s| check::stream(&s.value, sink)),
            stderr: raw.stderr.as_ref().map(|s| check::stream(&s.value, sink)),
            exit: raw.exit.as_ref().map(|e| check::exit(e.value)),
            audit_handlers: raw.audit_handlers.as_ref().is_some_and(|a| a.value),
            small_buffers: raw.small_buffers.as_ref().is_some_and(|b| b.value),
            ignore: raw.ignore.as_ref().map(|i| check::ignore(&i.value)),
            small_peers: raw.small_peers.as_ref().is_some_and(|b| b.value),
            umask: raw
                .umask
                .as_ref()
                .map(|u| check::small(u, "a umask", 0, 0o777, sink)),
            descriptors: raw
                .descriptors
                .as_ref()
                .map(|d| check::small(d, "a number of descriptors", 8, 256, sink)),
            file_size: raw
                .file_size
                .as_ref()
                .map(|s| within(s, "bytes", 0, 64 << 20, sink)),
        };
        if let (Some(ignore), Some(program)) = (&raw.ignore, program) {
            let out = setup.stdout.as_ref().unwrap_or(&program.stdout);
            let err = setup.stderr.as_ref().unwrap_or(&program.stderr);
            let by_text = |mode| matches!(mode, &StreamMode::Exact | &StreamMode::LinesInOrder);
            if !by_text(out) && !by_text(err) {
                sink.push(
                    Diagnostic::warning(
                        ignore.key.clone(),
                        "nothing is compared text by text here",
                    )
                    .help("`ignore` is for streams compared \"exact\" or \"lines-in-order\""),
                );
            }
        }
        setups.insert(role.value.clone(), setup);
    }
    setups
}

fn output_kind(raw: raw::Output) -> OutputKind {
    match raw {
        raw::Output::Pipe => OutputKind::Pipe,
        raw::Output::Null => OutputKind::Null,
        raw::Output::Full => OutputKind::Full,
        raw::Output::Closed => OutputKind::Closed,
        raw::Output::Pty => OutputKind::Pty,
    }
}

struct Builder<'a> {
    known: &'a Known<'a>,
    setup: &'a BTreeMap<String, Setup>,
    stage: Stage<'a>,
    default: Option<&'a At<raw::Proves>>,
    default_used: bool,
    steps: Vec<Step>,
    means: &'a mut Means,
    /// Something could not be read: what seems to be missing may be there.
    damaged: bool,
}

impl Builder<'_> {
    fn run(&mut self, items: &[At<raw::Step>], round: Option<u32>, sink: &mut Sink) {
        for item in items {
            if self.means.spent {
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
            for round in 1..=check::small(times, "a repetition", 1, 10_000, sink) {
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
            if !self.known.requirements.contains_key(&id.value) {
                if !self.known.requirements_damaged {
                    sink.push(check::no_such_requirement(
                        &id.value,
                        &id.span,
                        self.known.requirements.keys().map(String::as_str),
                    ));
                }
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

fn check(
    at: &At<raw::Check>,
    known: &Known<'_>,
    stage: &Stage<'_>,
    steps: usize,
    seen: &mut BTreeMap<String, Span>,
    sink: &mut Sink,
) -> Option<Check> {
    let raw = &at.value;
    let id = required(raw.id.as_ref(), &raw.shape, "id", "a check", &at.span, sink)?;
    kebab(&id.value, &id.span, sink);
    unique(
        seen,
        &id.value,
        &id.span,
        |n| format!("check `{n}` is there twice"),
        sink,
    );
    let proves = required(
        raw.proves.as_ref(),
        &raw.shape,
        "proves",
        "a check",
        &at.span,
        sink,
    )?;
    for requirement in &proves.value {
        if !known.requirements.contains_key(&requirement.value) && !known.requirements_damaged {
            sink.push(check::no_such_requirement(
                &requirement.value,
                &requirement.span,
                known.requirements.keys().map(String::as_str),
            ));
        }
    }
    if proves.value.is_empty() {
        sink.push(Diagnostic::error(
            proves.span.clone(),
            "this check proves nothing",
        ));
    }
    let program = match &raw.program {
        Some(name) => stage.started(name, sink)?,
        None => stage.only_program(&id.span, sink)?,
    };
    let property = property::property(raw, &id.span, stage, sink)?;
    let window = property::window(raw, steps, sink);
    let stderr = raw.stream.as_ref();
    let stderr = stderr.filter(|at| at.value == raw::CheckStream::Stderr);
    if let Some(at) = stderr
        && !property.is_about_text()
    {
        sink.push(Diagnostic::error(
            at.span.clone(),
            "this property is not about what was written",
        ));
    }
    Some(Check {
        id: id.value.clone(),
        proves: proves.value.iter().map(|p| p.value.clone()).collect(),
        program,
        stderr: stderr.is_some(),
        window,
        property,
    })
}

/// What is no error but will surprise the author.
fn warnings(
    raw: &raw::Scenario,
    scenario: &Scenario,
    stage: &Stage<'_>,
    id_span: &Span,
    default_used: bool,
    sink: &mut Sink,
) {
    if scenario.checks.is_empty()
        && scenario.steps.iter().all(|s| s.proves.is_empty())
        && !scenario.steps.is_empty()
    {
        sink.push(
            Diagnostic::warning(
                id_span.clone(),
                format!("scenario `{}` proves nothing", shown(&scenario.id)),
            )
            .help("give a step `proves`, or remove the scenario"),
        );
    }
    if let Some(default) = &raw.proves
        && !default_used
    {
        sink.push(Diagnostic::warning(
            default.key.clone(),
            "every step has its own `proves`: this one is never used",
        ));
    }
    for (role, _) in raw
        .cast
        .iter()
        .flat_map(|c| &c.value.0)
        .map(|(r, p)| (r, p))
    {
        if !stage.has_started(&role.value) {
            sink.push(Diagnostic::warning(
                role.span.clone(),
                format!("`{}` is in the cast but never started", shown(&role.value)),
            ));
        }
    }
    for (role, _) in raw.setup.iter().flat_map(|s| &s.value.0) {
        if !stage.has_started(&role.value) {
            sink.push(Diagnostic::warning(
                role.span.clone(),
                format!("`{}` is set up but never started", shown(&role.value)),
            ));
        }
    }
    if scenario.students.iter().all(|s| !stage.has_started(s)) && !scenario.steps.is_empty() {
        sink.push(Diagnostic::warning(
            id_span.clone(),
            format!(
                "scenario `{}` starts no program of the student's",
                shown(&scenario.id)
            ),
        ));
    }
    stage.unused_peers(scenario, sink);
}

/// How a program's standard output is compared in a scenario, and where it goes.
pub(super) fn stdout_of(program: &Program, setup: Option<&Setup>) -> (StreamMode, OutputKind) {
    (
        setup
            .and_then(|s| s.stdout.clone())
            .unwrap_or_else(|| program.stdout.clone()),
        setup.and_then(|s| s.stdout_to).unwrap_or(OutputKind::Pipe),
    )
}

/// How a program's standard error is compared in a scenario.
pub(super) fn stderr_of(program: &Program, setup: Option<&Setup>) -> StreamMode {
    setup
        .and_then(|s| s.stderr.clone())
        .unwrap_or_else(|| program.stderr.clone())
}

/// Whether a program has an address to which peers can connect.
pub(super) fn has_address(program: &Program) -> bool {
    program.address != AddressMode::None
}
