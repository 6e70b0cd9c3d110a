//! `grader.toml`: the submission itself says which file is which program.
//!
//! ```toml
//! [programs.server]
//! sources = ["srv/main.c", "srv/net.c"]   # compiled together, nothing else
//! flags   = ["-O2", "-lrt"]               # after the grader's own
//!
//! [programs.client]
//! make       = "client"                   # a target of the Makefile
//! executable = "bin/client"               # where it is then; default: the target's name
//! run        = ["{client}", "--talk", "{args}"]   # {args}: the lab's own arguments, {socket}
//! ```
//!
//! `argv = ["/tmp/sock"]` is short for `run = ["{client}", "/tmp/sock"]`. `env` is a table of
//! environment variables. `socket = "run/my.sock"` or `port = 5000` says where the program listens
//! or connects by itself.
//!
//! Instead of `sources` or `make`, `cargo = "NAME"` names a binary of the package, and
//! `executable` alone a script that is handed in as it is.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::error::SubmissionError;
use crate::lab::{self, Lang, Text};

/// The manifest's file name.
pub const MANIFEST: &str = "grader.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    programs: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    sources: Option<Vec<String>>,
    make: Option<String>,
    cargo: Option<String>,
    executable: Option<String>,
    run: Option<Vec<String>>,
    argv: Option<Vec<String>>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    env: BTreeMap<Spanned<String>, Spanned<String>>,
    socket: Option<Spanned<String>>,
    port: Option<Spanned<i64>>,
}

/// Where a program listens or connects by the submission's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declared {
    /// A path, relative to the directory in which programs start, or an absolute one.
    Socket(String),
    /// A TCP port on the loopback.
    Port(u16),
}

/// What the manifest says about one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// How it is built; `None` where the manifest only says how it is run.
    pub way: Option<Way>,
    /// Arguments of its own.
    pub run: Option<Vec<String>>,
    /// Environment variables of its own.
    pub env: Vec<(String, String)>,
    /// Its address.
    pub address: Option<Declared>,
}

/// How one program is built, by the manifest's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Sources {
        sources: Vec<String>,
        flags: Vec<String>,
    },
    Make {
        target: String,
        executable: String,
    },
    Cargo {
        binary: String,
    },
    Script {
        file: String,
    },
}

/// Reads the manifest's text.
///
/// # Errors
/// Not TOML, unknown keys, a role the lab does not have, a path that leaves the submission.
pub(super) fn parse(
    text: &str,
    programs: &[lab::Program],
) -> Result<BTreeMap<String, Settled>, SubmissionError> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let said = format!("{MANIFEST}: {error}");
        SubmissionError::Manifest(Text { en: said, ru: None })
    })?;
    let mut out = BTreeMap::new();
    for (name, entry) in document.programs {
        if !programs.iter().any(|p| p.name == name) {
            let known: Vec<&str> = programs.iter().map(|p| p.name.as_str()).collect();
            return Err(wrong(
                &name,
                &format!("this lab has no such program; it has {}", known.join(", ")),
                &format!(
                    "в этом задании нет такой программы; есть {}",
                    known.join(", ")
                ),
            ));
        }
        let settled = settle(text, &name, entry)?;
        out.insert(name, settled);
    }
    Ok(out)
}

fn settle(text: &str, name: &str, entry: Entry) -> Result<Settled, SubmissionError> {
    let Entry {
        sources,
        make,
        cargo,
        executable,
        run,
        argv,
        flags,
        env,
        socket,
        port,
    } = entry;
    let env = variables(text, name, env)?;
    let address = address(text, name, socket, port)?;
    let run = call(name, run, argv)?;
    for path in sources.iter().flatten().chain(&executable) {
        if !stays_inside(path) {
            return Err(wrong(
                name,
                &format!("`{path}`: give a path inside the submission, relative to {MANIFEST}"),
                &format!("`{path}`: нужен путь внутри работы, от каталога с {MANIFEST}"),
            ));
        }
    }
    if !flags.is_empty() && sources.is_none() {
        return Err(wrong(
            name,
            "`flags` belong to `sources`",
            "`flags` бывают только при `sources`",
        ));
    }
    let way = match (sources, make, cargo, executable) {
        (Some(sources), None, None, None) if !sources.is_empty() => {
            Some(Way::Sources { sources, flags })
        }
        (Some(_), None, None, None) => {
            return Err(wrong(
                name,
                "`sources` is empty; name at least one file",
                "`sources` пуст; назовите хотя бы один файл",
            ));
        }
        (None, Some(target), None, executable) => Some(made(name, target, executable)?),
        (None, None, Some(binary), None) => Some(Way::Cargo { binary }),
        (None, None, None, Some(file)) => Some(Way::Script { file }),
        (None, None, None, None) if run.is_some() || !env.is_empty() || address.is_some() => None,
        (None, None, None, None) => {
            return Err(wrong(
                name,
                "say how it is built: `sources`, `make`, `cargo` or `executable`",
                "скажите, как её собрать: `sources`, `make`, `cargo` или `executable`",
            ));
        }
        _ => {
            return Err(wrong(
                name,
                "`sources`, `make` and `cargo` exclude each other, and `executable` goes with `make` or alone",
                "`sources`, `make` и `cargo` исключают друг друга, а `executable` бывает при `make` или само по себе",
            ));
        }
    };
    Ok(Settled {
        way,
        run,
        env,
        address,
    })
}

/// How the program is called, as `run` or `argv` says it.
fn call(
    name: &str,
    run: Option<Vec<String>>,
    argv: Option<Vec<String>>,
) -> Result<Option<Vec<String>>, SubmissionError> {
    let itself = format!("{{{name}}}");
    let run = match (run, argv) {
        (Some(_), Some(_)) => {
            return Err(wrong(
                name,
                "`run` and `argv` say the same thing: keep one",
                "`run` и `argv` говорят одно и то же: оставьте что-то одно",
            ));
        }
        (None, Some(mut argv)) => {
            argv.insert(0, itself.clone());
            argv
        }
        (Some(run), None) => run,
        (None, None) => return Ok(None),
    };
    if run.first() != Some(&itself) {
        return Err(wrong(
            name,
            &format!("`run` must begin with \"{itself}\", the program itself"),
            &format!("`run` должен начинаться с \"{itself}\", самой программы"),
        ));
    }
    if run.iter().any(|arg| arg.contains('\0')) {
        return Err(wrong(
            name,
            "`run`: an argument cannot contain NUL",
            "`run`: в аргументе не может быть нулевого байта",
        ));
    }
    Ok(Some(run))
}

/// The way by a target of the Makefile.
fn made(name: &str, target: String, executable: Option<String>) -> Result<Way, SubmissionError> {
    if target.is_empty() || target.starts_with('-') || target.contains('=') {
        return Err(wrong(
            name,
            &format!("`{target}` is no target of a Makefile"),
            &format!("`{target}` не может быть целью в Makefile"),
        ));
    }
    let executable = executable.unwrap_or_else(|| target.clone());
    Ok(Way::Make { target, executable })
}

/// Longest value of a variable, in bytes.
const LONGEST_VALUE: usize = 4096;
/// At most so many variables.
const MOST_VARIABLES: usize = 32;
/// `sizeof sun_path` less its NUL, unix(7).
const LONGEST_PATH: usize = 107;

fn variables(
    text: &str,
    name: &str,
    env: BTreeMap<Spanned<String>, Spanned<String>>,
) -> Result<Vec<(String, String)>, SubmissionError> {
    let mut out = Vec::new();
    for (key, value) in env {
        let at = key.span();
        let key = key.into_inner();
        if let Err(why) = lab::names::variable(&key) {
            let what = Text::both(
                format!("`env.{key}`: {why}"),
                format!(
                    "`env.{key}`: имя — из букв, цифр и `_`, до 64, не с цифры, и не то, что задаёт grader"
                ),
            );
            return Err(wrong_at(text, &at, name, &what));
        }
        if value.get_ref().contains('\0') || value.get_ref().len() > LONGEST_VALUE {
            let what = Text::both(
                format!("`env.{key}`: a value has at most {LONGEST_VALUE} bytes and no NUL"),
                format!("`env.{key}`: в значении не больше {LONGEST_VALUE} байт и нет нулевых"),
            );
            return Err(wrong_at(text, &at, name, &what));
        }
        if out.len() == MOST_VARIABLES {
            let what = Text::both(
                format!("`env` has more than {MOST_VARIABLES} variables"),
                format!("в `env` больше {MOST_VARIABLES} переменных"),
            );
            return Err(wrong_at(text, &at, name, &what));
        }
        out.push((key, value.into_inner()));
    }
    Ok(out)
}

fn address(
    text: &str,
    name: &str,
    socket: Option<Spanned<String>>,
    port: Option<Spanned<i64>>,
) -> Result<Option<Declared>, SubmissionError> {
    match (socket, port) {
        (Some(_), Some(port)) => Err(wrong_at(
            text,
            &port.span(),
            name,
            &Text::both(
                "a program has one address: keep `socket` or `port`",
                "адрес у программы один: оставьте `socket` или `port`",
            ),
        )),
        (Some(socket), None) => {
            let path = socket.get_ref();
            let inside = if path.starts_with('/') {
                path.starts_with("/tmp/") || path.starts_with("/lab/")
            } else {
                !path.starts_with('@')
            };
            let parts = path.strip_prefix('/').unwrap_or(path);
            let parts = parts.strip_prefix("./").unwrap_or(parts);
            if !inside || path.len() > LONGEST_PATH || !stays_inside(parts) {
                let what = Text::both(
                    format!(
                        "`socket`: give a path relative to the directory in which the program starts, or below \
                         /tmp/, of at most {LONGEST_PATH} bytes, like \"run/my.sock\""
                    ),
                    format!(
                        "`socket`: нужен путь от каталога, в котором запускается программа, или внутри \
                         /tmp/, не длиннее {LONGEST_PATH} байт, например \"run/my.sock\""
                    ),
                );
                return Err(wrong_at(text, &socket.span(), name, &what));
            }
            Ok(Some(Declared::Socket(socket.into_inner())))
        }
        (None, Some(port)) => match u16::try_from(*port.get_ref()) {
            Ok(number) if number >= 1024 => Ok(Some(Declared::Port(number))),
            _ => Err(wrong_at(
                text,
                &port.span(),
                name,
                &Text::both(
                    "`port`: give a number from 1024 to 65535; lower ones are the system's",
                    "`port`: нужно число от 1024 до 65535; меньшие — системные",
                ),
            )),
        },
        (None, None) => Ok(None),
    }
}

/// The same spelling as the paths of a [`Tree`](super::Tree): no `..`, no `./`, no root.
fn stays_inside(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.chars().any(char::is_control)
}

fn wrong(program: &str, en: &str, ru: &str) -> SubmissionError {
    let what = Text::both(en, ru);
    SubmissionError::Manifest(what.behind(format!("{MANIFEST}: [programs.{program}]: ")))
}

/// With the line.
fn wrong_at(text: &str, at: &Range<usize>, program: &str, what: &Text) -> SubmissionError {
    let before = text.get(..at.start).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let (en, ru) = (what.in_lang(Lang::En), what.in_lang(Lang::Ru));
    SubmissionError::Manifest(Text::both(
        format!("{MANIFEST}, line {line}: [programs.{program}]: {en}"),
        format!("{MANIFEST}, строка {line}: [programs.{program}]: {ru}"),
    ))
}

#[cfg(test)]
mod tests;
