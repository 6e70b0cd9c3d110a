//! Programs: a role, where its program is found, what it is started with, how it is compared.

use super::decode::{At, Named, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{AddressMode, ExitMode, Ignore, Program, SocketKind, StreamMode, Unflushed};
use super::text::{self, Allowed};
use super::values::{is_file_name, kebab, required};
use super::{names, raw};

/// At most so many variables.
const MOST_VARIABLES: usize = 32;

/// All programs of a lab.
pub(super) fn programs(
    at: &At<Named<raw::Program>>,
    known_references: &[&str],
    sink: &mut Sink,
) -> Vec<Program> {
    let mut programs = Vec::new();
    for (name, program) in &at.value.0 {
        kebab(&name.value, &name.span, sink);
        let program = match &program.value.same_as {
            Some(other) => same(&name.value, program, other, &programs, sink),
            None => self::program(&name.value, program, known_references, sink),
        };
        programs.push(program);
    }
    if at.value.0.is_empty() {
        sink.push(Diagnostic::error(at.key.clone(), "the lab has no programs"));
    }
    programs
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
        args_offered: own.args_offered || original.args_offered,
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
        args_offered: raw
            .args_offered
            .as_ref()
            .is_some_and(|offered| offered.value),
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

fn environment(env: &Named<String>, sink: &mut Sink) -> Vec<(String, String)> {
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

/// How a stream is compared.
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

/// How an exit status is compared.
pub(super) fn exit(mode: raw::Exit) -> ExitMode {
    match mode {
        raw::Exit::Exact => ExitMode::Exact,
        raw::Exit::Class => ExitMode::Class,
        raw::Exit::Any => ExitMode::Any,
    }
}

/// The kind of a socket by its word.
pub(super) fn socket(word: raw::SocketWord) -> SocketKind {
    match word {
        raw::SocketWord::Stream => SocketKind::Stream,
        raw::SocketWord::Datagram => SocketKind::Datagram,
        raw::SocketWord::Seqpacket => SocketKind::Seqpacket,
        raw::SocketWord::Tcp => SocketKind::Tcp,
    }
}

/// Arguments with their placeholders checked.
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
/// Whether a program has an address to which peers can connect.
pub(super) fn has_address(program: &Program) -> bool {
    program.address != AddressMode::None
}
