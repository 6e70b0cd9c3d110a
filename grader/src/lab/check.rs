//! From what is written to the [`Lab`]: everything that the syntax cannot say is checked here.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{At, Shape, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{
    AddressMode, ExitMode, Ignore, Lab, Program, Requirement, SocketKind, StreamMode, Task, Text,
    Tools, Unflushed,
};
use super::text::{self, Allowed};
use super::{names, raw, scenario, tools};

/// What a lab's points add up to.
pub(super) const FULL_MARKS: u64 = 100;

/// The value of a required key; where the key is missing, says so at `at`.
pub(super) fn required<'a, T>(
    field: Option<&'a At<T>>,
    shape: &Shape,
    key: &'static str,
    what: &str,
    at: &Span,
    sink: &mut Sink,
) -> Option<&'a At<T>> {
    if field.is_none() && !shape.bad.contains(&key) {
        sink.push(Diagnostic::error(
            at.clone(),
            format!("{what} has no `{key}`"),
        ));
    }
    field
}

/// A name that may be an id: lower-case words joined by `-`, at most 64 characters.
pub(super) fn is_kebab(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// Complains about a name that is no id.
pub(super) fn kebab(name: &str, span: &Span, sink: &mut Sink) {
    if !is_kebab(name) {
        let mut diagnostic = Diagnostic::error(
            span.clone(),
            format!("`{}` is not a name", shown(name)),
        )
        .help(
            "names are lower-case words joined by `-`, at most 64 characters: `one-then-the-next`",
        );
        let better = name.to_lowercase().replace(['_', ' ', '.'], "-");
        if is_kebab(&better) {
            diagnostic = diagnostic.label(format!("write `{better}`"));
        }
        sink.push(diagnostic);
    }
}

/// Complains about a name that stood before.
pub(super) fn unique(
    seen: &mut BTreeMap<String, Span>,
    name: &str,
    span: &Span,
    message: impl Fn(&str) -> String,
    sink: &mut Sink,
) -> bool {
    if let Some(first) = seen.get(name) {
        sink.push(
            Diagnostic::error(span.clone(), message(&shown(name)))
                .label("again here")
                .also(first.clone(), "first here"),
        );
        return false;
    }
    seen.insert(name.to_owned(), span.clone());
    true
}

/// A number that must lie between two bounds.
pub(super) fn within(number: &At<u64>, what: &str, least: u64, most: u64, sink: &mut Sink) -> u64 {
    if number.value < least || number.value > most {
        sink.push(
            Diagnostic::error(
                number.span.clone(),
                format!("{what} must be from {least} to {most}"),
            )
            .label(if number.value > most {
                "too many"
            } else {
                "too few"
            }),
        );
    }
    number.value.clamp(least, most)
}

/// The same as `u32`.
pub(super) fn small(number: &At<u64>, what: &str, least: u32, most: u32, sink: &mut Sink) -> u32 {
    u32::try_from(within(number, what, least.into(), most.into(), sink)).unwrap_or(most)
}

pub(super) fn localised(field: &At<raw::Text>, what: &str, sink: &mut Sink) -> Text {
    let text = &field.value;
    let en = required(text.en.as_ref(), &text.shape, "en", what, &field.span, sink);
    if text.ru.is_none() && !text.shape.damaged {
        sink.push(
            Diagnostic::warning(field.span.clone(), format!("{what} is not translated"))
                .label("no `ru`"),
        );
    }
    Text {
        en: en.map(|t| t.value.clone()).unwrap_or_default(),
        ru: text.ru.as_ref().map(|t| t.value.clone()),
    }
}

pub(super) fn stream(mode: &raw::Stream, sink: &mut Sink) -> StreamMode {
    match mode {
        raw::Stream::Word(raw::StreamWord::Exact) => StreamMode::Exact,
        raw::Stream::Word(raw::StreamWord::Free) => StreamMode::Free,
        raw::Stream::Word(raw::StreamWord::LinesInOrder) => StreamMode::LinesInOrder,
        raw::Stream::Word(raw::StreamWord::Some) => StreamMode::Some,
        raw::Stream::Word(raw::StreamWord::Digest) => StreamMode::Digest,
        raw::Stream::Word(raw::StreamWord::BySender) => StreamMode::BySender,
        raw::Stream::Contains(texts) => StreamMode::Contains(
            texts
                .iter()
                .map(|t| {
                    if t.value.is_empty() {
                        sink.push(Diagnostic::error(
                            t.span.clone(),
                            "every text contains the empty text",
                        ));
                    }
                    text::expand(&t.value, Allowed::PORT, None, &t.span, sink)
                })
                .collect(),
        ),
    }
}

pub(super) fn exit(mode: raw::Exit) -> ExitMode {
    match mode {
        raw::Exit::Exact => ExitMode::Exact,
        raw::Exit::Class => ExitMode::Class,
        raw::Exit::Any => ExitMode::Any,
    }
}

pub(super) fn socket(word: raw::SocketWord) -> SocketKind {
    match word {
        raw::SocketWord::Stream => SocketKind::Stream,
        raw::SocketWord::Datagram => SocketKind::Datagram,
        raw::SocketWord::Seqpacket => SocketKind::Seqpacket,
        raw::SocketWord::Tcp => SocketKind::Tcp,
    }
}

pub(super) fn args(args: &[At<String>], allowed: Allowed, sink: &mut Sink) -> Vec<String> {
    args.iter()
        .map(|arg| {
            if arg.value.contains('\0') {
                sink.push(Diagnostic::error(
                    arg.span.clone(),
                    "an argument cannot contain NUL",
                ));
            }
            text::expand(&arg.value, allowed, None, &arg.span, sink)
        })
        .collect()
}

/// Checks a whole lab file. The lab is usable only if the sink is empty of errors.
pub(super) fn lab(
    file: &raw::LabFile,
    end: usize,
    known_references: &[&str],
    tool_files: Option<&BTreeMap<String, String>>,
    sink: &mut Sink,
) -> Lab {
    let nowhere = end..end;
    let mut requirements = BTreeMap::new();
    let mut lab = Lab {
        id: String::new(),
        title: Text::default(),
        level: 1,
        concepts: Vec::new(),
        task: Task::default(),
        programs: Vec::new(),
        tools: Tools::default(),
        requirements: Vec::new(),
        scenarios: Vec::new(),
    };

    if let Some(at) = required(
        file.lab.as_ref(),
        &file.shape,
        "lab",
        "the file",
        &nowhere,
        sink,
    ) {
        header(at, &mut lab, sink);
    }
    if let Some(at) = required(
        file.programs.as_ref(),
        &file.shape,
        "programs",
        "the lab",
        &nowhere,
        sink,
    ) {
        for (name, program) in &at.value.0 {
            kebab(&name.value, &name.span, sink);
            let program = match &program.value.same_as {
                Some(other) => same(&name.value, program, other, &lab.programs, sink),
                None => self::program(&name.value, program, known_references, sink),
            };
            lab.programs.push(program);
        }
        if at.value.0.is_empty() {
            sink.push(Diagnostic::error(at.key.clone(), "the lab has no programs"));
        }
    }

    if let Some(at) = &file.tools {
        lab.tools = tools::tools(&at.value, &lab.programs, tool_files, sink);
    }

    let mut damaged = false;
    let mut needs: Vec<(usize, &At<String>)> = Vec::new();
    let requirement = required(
        file.requirement.as_ref(),
        &file.shape,
        "requirement",
        "the lab",
        &nowhere,
        sink,
    );
    match requirement {
        None => damaged = true,
        Some(at) => {
            damaged |= at.value.damaged;
            for item in &at.value.items {
                damaged |= item.value.shape.damaged;
                let index = lab.requirements.len();
                needs.extend(
                    item.value
                        .needs
                        .iter()
                        .flat_map(|n| &n.value)
                        .map(|n| (index, n)),
                );
                lab.requirements
                    .push(self::requirement(item, &mut requirements, sink));
            }
        }
    }
    check_needs(&lab.requirements, &needs, damaged, sink);
    if let Some(at) = requirement
        && !damaged
    {
        check_points(&at.value.items, sink);
    }

    let mut proved = BTreeSet::new();
    let scenarios = required(
        file.scenario.as_ref(),
        &file.shape,
        "scenario",
        "the lab",
        &nowhere,
        sink,
    );
    let mut seen = BTreeMap::new();
    let mut means = scenario::Means::default();
    let mut scenarios_damaged = scenarios.is_none_or(|at| at.value.damaged);
    for item in scenarios.iter().flat_map(|at| &at.value.items) {
        let known = scenario::Known {
            programs: &lab.programs,
            requirements: &requirements,
            // Where requirements could not be read, a name that is not known may be right.
            requirements_damaged: damaged,
        };
        let (scenario, whole) = scenario::scenario(item, &known, &mut seen, &mut means, sink);
        scenarios_damaged |= !whole;
        proved.extend(
            scenario
                .steps
                .iter()
                .flat_map(|s| &s.proves)
                .map(|p| p.requirement.clone()),
        );
        proved.extend(scenario.checks.iter().flat_map(|c| &c.proves).cloned());
        lab.scenarios.push(scenario);
    }
    if !scenarios_damaged && !damaged {
        for (id, span) in &requirements {
            if !proved.contains(id) {
                sink.push(
                    Diagnostic::error(
                        span.clone(),
                        format!("requirement `{}` is proved by no step", shown(id)),
                    )
                    .help("name it in a step's `proves`, or in a `[[scenario.check]]`"),
                );
            }
        }
    }
    lab
}

fn header(at: &At<raw::Header>, lab: &mut Lab, sink: &mut Sink) {
    let header = &at.value;
    if let Some(id) = required(
        header.id.as_ref(),
        &header.shape,
        "id",
        "`[lab]`",
        &at.span,
        sink,
    ) {
        kebab(&id.value, &id.span, sink);
        lab.id.clone_from(&id.value);
    }
    if let Some(title) = required(
        header.title.as_ref(),
        &header.shape,
        "title",
        "`[lab]`",
        &at.span,
        sink,
    ) {
        lab.title = localised(title, "the title", sink);
    }
    if let Some(level) = &header.level {
        lab.level = u8::try_from(within(level, "a level", 1, 6, sink)).unwrap_or(6);
    }
    lab.concepts = header
        .concepts
        .iter()
        .flat_map(|c| &c.value)
        .map(|c| c.value.clone())
        .collect();
    lab.task.numbers = header
        .numbers
        .iter()
        .flat_map(|numbers| &numbers.value)
        .filter_map(|number| u32::try_from(within(number, "a task's number", 1, 99, sink)).ok())
        .collect();
    if let Some(semester) = &header.semester {
        lab.task.semester = u8::try_from(within(semester, "a semester", 1, 8, sink)).ok();
    }
}

/// A role played by the program of another one: what it does not say is as it is there.
fn same(
    name: &str,
    at: &At<raw::Program>,
    other: &At<String>,
    known: &[Program],
    sink: &mut Sink,
) -> Program {
    let raw = &at.value;
    let of_the_program = [
        ("reference", raw.reference.as_ref().map(|a| &a.key)),
        ("executable", raw.executable.as_ref().map(|a| &a.key)),
        ("sources", raw.sources.as_ref().map(|a| &a.key)),
    ];
    for (key, span) in of_the_program {
        if let Some(span) = span {
            sink.push(
                Diagnostic::error(
                    span.clone(),
                    format!("`{key}` means nothing beside `same-as`"),
                )
                .also(other.span.clone(), "the program is that of this role"),
            );
        }
    }
    let originals = || known.iter().filter(|program| program.same_as.is_none());
    let Some(original) = originals().find(|program| program.name == other.value) else {
        sink.push(
            Diagnostic::error(
                other.span.clone(),
                format!("no program `{}` stands above", shown(&other.value)),
            )
            .maybe_label(names::did_you_mean(
                &other.value,
                originals().map(|program| program.name.as_str()),
            ))
            .help("`same-as` names a program of its own, further up in the file"),
        );
        return program_of(name, String::new(), None, raw, sink);
    };
    let own = program_of(name, original.reference.clone(), original.socket, raw, sink);
    Program {
        name: name.to_owned(),
        executable: original.executable.clone(),
        sources: original.sources.clone(),
        reference: original.reference.clone(),
        same_as: Some(original.name.clone()),
        args: if raw.args.is_some() {
            own.args
        } else {
            original.args.clone()
        },
        address: if raw.address.is_some() {
            own.address
        } else {
            original.address
        },
        stdout: if raw.stdout.is_some() {
            own.stdout
        } else {
            original.stdout.clone()
        },
        stderr: if raw.stderr.is_some() {
            own.stderr
        } else {
            original.stderr.clone()
        },
        exit: if raw.exit.is_some() {
            own.exit
        } else {
            original.exit
        },
        env: if raw.env.is_some() {
            own.env
        } else {
            original.env.clone()
        },
        unflushed: if raw.unflushed.is_some() {
            own.unflushed
        } else {
            original.unflushed
        },
        reads: own.reads.or_else(|| original.reads.clone()),
        ignore: if raw.ignore.is_some() {
            own.ignore
        } else {
            original.ignore
        },
        socket: own.socket,
    }
}

fn program(
    name: &str,
    at: &At<raw::Program>,
    known_references: &[&str],
    sink: &mut Sink,
) -> Program {
    let raw = &at.value;
    let what = format!("program `{}`", shown(name));
    let reference = required(
        raw.reference.as_ref(),
        &raw.shape,
        "reference",
        &what,
        &at.key,
        sink,
    );
    if let Some(reference) = reference
        && !known_references.contains(&reference.value.as_str())
    {
        sink.push(
            Diagnostic::error(
                reference.span.clone(),
                format!(
                    "there is no reference program `{}`",
                    shown(&reference.value)
                ),
            )
            .maybe_label(names::did_you_mean(
                &reference.value,
                known_references.iter().copied(),
            ))
            .help(format!(
                "known: {}",
                names::list(known_references.iter().copied())
            )),
        );
    }
    let reference = reference.map(|r| r.value.clone()).unwrap_or_default();
    program_of(name, reference, None, raw, sink)
}

/// A program by what is said of it.
fn program_of(
    name: &str,
    reference: String,
    original: Option<SocketKind>,
    raw: &raw::Program,
    sink: &mut Sink,
) -> Program {
    let socket = raw.socket.as_ref().map(|s| socket(s.value)).or(original);
    if let Some(executable) = &raw.executable
        && !is_file_name(&executable.value)
    {
        sink.push(
            Diagnostic::error(
                executable.span.clone(),
                "an executable is named by a plain file name",
            )
            .help("letters, digits, `.`, `_`, `-` and `+`; no directory"),
        );
    }
    for pattern in raw.sources.iter().flat_map(|s| &s.value) {
        if pattern.value.starts_with('/') || pattern.value.split('/').any(|part| part == "..") {
            sink.push(Diagnostic::error(
                pattern.span.clone(),
                "a source is looked for inside the submission only",
            ));
        } else if let Err(error) = globset::Glob::new(&pattern.value) {
            sink.push(
                Diagnostic::error(pattern.span.clone(), "not a file name pattern")
                    .label(error.kind().to_string()),
            );
        }
    }
    Program {
        name: name.to_owned(),
        executable: raw
            .executable
            .as_ref()
            .map_or_else(|| reference.clone(), |e| e.value.clone()),
        sources: raw
            .sources
            .iter()
            .flat_map(|s| &s.value)
            .map(|s| s.value.clone())
            .collect(),
        args: raw
            .args
            .as_ref()
            .map(|a| args(&a.value, Allowed::address(socket), sink))
            .unwrap_or_default(),
        address: match raw.address.as_ref().map(|a| a.value) {
            None | Some(raw::Address::None) => AddressMode::None,
            Some(raw::Address::Argv) => AddressMode::Argv,
            Some(raw::Address::Discover) => AddressMode::Discover,
        },
        reference,
        stdout: raw
            .stdout
            .as_ref()
            .map_or(StreamMode::Exact, |s| stream(&s.value, sink)),
        stderr: raw
            .stderr
            .as_ref()
            .map_or(StreamMode::Free, |s| stream(&s.value, sink)),
        exit: raw.exit.as_ref().map_or(ExitMode::Exact, |e| exit(e.value)),
        env: raw
            .env
            .as_ref()
            .map(|env| environment(&env.value, sink))
            .unwrap_or_default(),
        unflushed: match raw.unflushed.as_ref().map(|u| u.value) {
            None | Some(raw::Unflushed::Costs) => Unflushed::Costs,
            Some(raw::Unflushed::Noted) => Unflushed::Noted,
        },
        reads: raw.reads.as_ref().map(|file| {
            if file.value.starts_with('/') || file.value.contains("..") {
                sink.push(Diagnostic::error(
                    file.span.clone(),
                    "a file that a step writes has a name in the programs' directory",
                ));
            }
            file.value.clone()
        }),
        ignore: raw
            .ignore
            .as_ref()
            .map(|i| ignore(&i.value))
            .unwrap_or_default(),
        socket,
        same_as: None,
    }
}

/// What does not count, as a set.
pub(super) fn ignore(words: &[At<raw::Ignore>]) -> Ignore {
    let mut out = Ignore::default();
    for word in words {
        match word.value {
            raw::Ignore::Case => out.case = true,
            raw::Ignore::Cr => out.cr = true,
            raw::Ignore::TrailingSpace => out.trailing_space = true,
            raw::Ignore::LastNewline => out.last_newline = true,
        }
    }
    out
}

/// At most so many variables.
const MOST_VARIABLES: usize = 32;

fn environment(env: &super::decode::Named<String>, sink: &mut Sink) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in &env.0 {
        if let Err(why) = names::variable(&name.value) {
            sink.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("`{}` cannot be set", shown(&name.value)),
                )
                .label(why),
            );
            continue;
        }
        if value.value.contains('\0') {
            sink.push(Diagnostic::error(
                value.span.clone(),
                "a variable cannot contain NUL",
            ));
        }
        let value = text::expand(&value.value, Allowed::SOCKET, None, &value.span, sink);
        if out.len() == MOST_VARIABLES {
            sink.push(Diagnostic::error(
                name.span.clone(),
                format!("more than {MOST_VARIABLES} variables"),
            ));
            break;
        }
        out.push((name.value.clone(), value));
    }
    out
}

/// A plain file name.
pub(super) fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with(['.', '-'])
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
}

fn requirement(
    at: &At<raw::Requirement>,
    seen: &mut BTreeMap<String, Span>,
    sink: &mut Sink,
) -> Requirement {
    let raw = &at.value;
    let mut id = String::new();
    if let Some(at) = required(
        raw.id.as_ref(),
        &raw.shape,
        "id",
        "a requirement",
        &at.span,
        sink,
    ) {
        kebab(&at.value, &at.span, sink);
        unique(
            seen,
            &at.value,
            &at.span,
            |n| format!("requirement `{n}` is there twice"),
            sink,
        );
        id.clone_from(&at.value);
    }
    let what = if id.is_empty() {
        "a requirement".to_owned()
    } else {
        format!("requirement `{}`", shown(&id))
    };
    let points = required(
        raw.points.as_ref(),
        &raw.shape,
        "points",
        &what,
        &at.span,
        sink,
    );
    let title = required(
        raw.title.as_ref(),
        &raw.shape,
        "title",
        &what,
        &at.span,
        sink,
    );
    if raw.hint.is_none() && !raw.shape.damaged {
        let at = raw.id.as_ref().map_or(&at.span, |id| &id.span);
        sink.push(
            Diagnostic::warning(at.clone(), format!("{what} has no `hint`"))
                .help("say what to do when it is not met: a student reads it below the difference"),
        );
    }
    Requirement {
        points: points.map_or(0, |p| {
            u32::try_from(within(p, "points", 0, FULL_MARKS, sink)).unwrap_or(0)
        }),
        title: title
            .map(|t| localised(t, "the title", sink))
            .unwrap_or_default(),
        hint: raw
            .hint
            .as_ref()
            .map(|t| localised(t, "the hint", sink))
            .unwrap_or_default(),
        needs: raw
            .needs
            .iter()
            .flat_map(|n| &n.value)
            .map(|n| n.value.clone())
            .collect(),
        id,
    }
}

fn check_points(items: &[At<raw::Requirement>], sink: &mut Sink) {
    let points: Vec<&At<u64>> = items
        .iter()
        .filter_map(|r| r.value.points.as_ref())
        .collect();
    let sum = points
        .iter()
        .fold(0u64, |sum, p| sum.saturating_add(p.value));
    if let Some(last) = points.last()
        && sum != FULL_MARKS
    {
        let label = if sum < FULL_MARKS {
            format!("{} are missing", FULL_MARKS - sum)
        } else {
            format!("{} are too many", sum - FULL_MARKS)
        };
        sink.push(
            Diagnostic::error(
                last.span.clone(),
                format!(
                    "the points of {} requirements add up to {sum}, not {FULL_MARKS}",
                    points.len()
                ),
            )
            .label(label),
        );
    }
}

/// Says that no requirement has this name.
pub(super) fn no_such_requirement<'a>(
    name: &str,
    span: &Span,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error(
        span.clone(),
        format!("there is no requirement `{}`", shown(name)),
    )
    .maybe_label(names::did_you_mean(name, known.clone()))
    .help(format!("known: {}", names::list(known)))
}

fn check_needs(
    requirements: &[Requirement],
    needs: &[(usize, &At<String>)],
    damaged: bool,
    sink: &mut Sink,
) {
    let index: BTreeMap<&str, usize> = requirements
        .iter()
        .enumerate()
        .map(|(i, r)| (r.id.as_str(), i))
        .collect();
    let mut edges: Vec<Vec<(usize, &Span)>> = vec![Vec::new(); requirements.len()];
    for (from, need) in needs {
        match index.get(need.value.as_str()) {
            Some(to) => edges[*from].push((*to, &need.span)),
            None if damaged => {}
            None => sink.push(no_such_requirement(
                &need.value,
                &need.span,
                requirements.iter().map(|r| r.id.as_str()),
            )),
        }
    }
    // Depth first without recursion: 0 not seen, 1 on the path, 2 done.
    let mut state = vec![0u8; requirements.len()];
    for start in 0..requirements.len() {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0usize)];
        state[start] = 1;
        while let Some((node, next)) = path.last_mut() {
            let Some((to, span)) = edges[*node].get(*next).copied() else {
                state[*node] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    path.push((to, 0));
                }
                1 => {
                    let circle: Vec<String> = path
                        .iter()
                        .map(|(n, _)| *n)
                        .skip_while(|n| *n != to)
                        .chain([to])
                        .map(|n| format!("`{}`", shown(&requirements[n].id)))
                        .collect();
                    sink.push(
                        Diagnostic::error(span.clone(), "requirements need each other in a circle")
                            .label(circle.join(" needs ")),
                    );
                }
                _ => {}
            }
        }
    }
}
