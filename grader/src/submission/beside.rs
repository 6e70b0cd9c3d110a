//! What lies beside a program where its author runs it: the files handed in with it, and programs
//! that the same build made or that its source starts by name.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::language::Language;
use super::manifest::MANIFEST;
use super::source::{self, Magic};
use super::tree::{File, Tree};

/// Files handed in that a program finds beside it, at most.
const MOST_FILES: usize = 128;
/// Bytes of one of them, and of all.
const MOST_EACH: usize = 1 << 20;
const MOST_BYTES: usize = 2 << 20;

/// Programs that a build left, at most, and bytes of all.
const MOST_PROGRAMS: usize = 32;
const MOST_BUILT: usize = 16 << 20;

/// Something beside a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Its path, as seen from the directory in which the program starts.
    pub name: String,
    /// What it is.
    pub what: What,
}

/// What lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A program that was built; where it is on this machine.
    Program(PathBuf),
    /// A file as it was handed in, and whether it may be executed.
    File(Arc<[u8]>, bool),
}

/// The files below `base` that were handed in, the least nested first, compiled ones left out:
/// nobody knows what they were made from. The second value counts those that are too many or too
/// large.
pub(super) fn handed_in(tree: &Tree, base: &str) -> (Vec<Beside>, usize) {
    let mut files: Vec<(&str, &File, &[u8])> = tree
        .files
        .iter()
        .filter_map(|file| Some((below(base, &file.path)?, file, file.bytes()?)))
        .filter(|(name, _, bytes)| {
            let compiled = matches!(
                source::magic(bytes),
                Magic::Elf | Magic::Archive | Magic::Foreign
            );
            !compiled && *name != MANIFEST
        })
        .collect();
    files.sort_by_key(|(name, ..)| (name.matches('/').count(), *name));
    let all = files.len();
    let mut left = MOST_BYTES;
    let mut out = Vec::new();
    for (name, file, bytes) in files {
        if bytes.len() <= MOST_EACH.min(left) && out.len() < MOST_FILES {
            left -= bytes.len();
            out.push(Beside {
                name: name.to_owned(),
                what: What::File(bytes.into(), file.executable),
            });
        }
    }
    let passed_over = all - out.len();
    (out, passed_over)
}

/// The programs among `files`, which a build left, as seen from the directory `base`.
pub(super) fn made(base: &str, files: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut left = MOST_BUILT;
    let mut out = Vec::new();
    for (path, bytes) in files {
        let name = below(base, path).filter(|name| !name.chars().any(char::is_control));
        if let Some(name) = name
            && bytes.len() <= left
            && out.len() < MOST_PROGRAMS
        {
            left -= bytes.len();
            out.push((name.to_owned(), bytes.clone()));
        }
    }
    out
}

/// The path `path` as seen from the directory `base`, if it is below it.
pub(super) fn below<'p>(base: &str, path: &'p str) -> Option<&'p str> {
    if base.is_empty() {
        return Some(path);
    }
    path.strip_prefix(base)?.strip_prefix('/')
}

/// A program that a source starts by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Helper {
    /// The program itself, under this name.
    Itself(String),
    /// Another source of the same directory, and the name of what is to be built from it.
    Source(String, String),
}

/// The calls that start a program.
const STARTING: [&str; 11] = [
    "popen",
    "system",
    "execl",
    "execle",
    "execlp",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "posix_spawn",
    "posix_spawnp",
];

/// What the sources `files`, the one with `main` first, start by name out of their own directory:
/// `./upper`, or a text that is nothing but the name of another program there. Names in `made` are
/// there already.
pub(super) fn helpers(tree: &Tree, files: &[String], made: &BTreeSet<&str>) -> Vec<Helper> {
    let Some(main) = files.first() else {
        return Vec::new();
    };
    let base = main.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut called = BTreeSet::new();
    let mut whole = BTreeSet::new();
    let bytes_of = |file: &String| tree.get(file).and_then(File::bytes).unwrap_or_default();
    // Who starts nothing names other things so: `./socket`.
    let starts = |file: &&String| {
        let mut calls = STARTING.iter();
        calls.any(|call| source::names_function(bytes_of(file), call))
    };
    for file in files.iter().filter(starts) {
        let bytes = bytes_of(file);
        for text in source::strings(bytes) {
            called.extend(commands(&text));
            whole.insert(text);
        }
    }
    called.retain(|name| {
        let path = if base.is_empty() {
            name.clone()
        } else {
            format!("{base}/{name}")
        };
        // A script or a text that was handed in is there; a product of some build is not.
        let handed_in = tree.get(&path).and_then(File::bytes);
        let handed_in = handed_in.is_some_and(|bytes| source::magic(bytes) != Magic::Elf);
        !handed_in && !made.contains(name.as_str())
    });
    let mut others: Vec<&File> = tree
        .files
        .iter()
        .filter(|file| file.directory() == base && !files.contains(&file.path))
        .filter(|file| is_main(file))
        .collect();
    let mut out = Vec::new();
    called.retain(|name| {
        let itself = name == "a.out" || stem(name) == stem(base_name(main));
        if itself {
            out.push(Helper::Itself(name.clone()));
        }
        !itself
    });
    others.retain(|file| {
        let of = stem(file.name());
        let name = called
            .iter()
            .find(|name| stem(base_name(name)) == of)
            .cloned();
        let name = name.or_else(|| {
            let bare = whole.contains(of) && !made.contains(of);
            bare.then(|| of.to_owned())
        });
        if let Some(name) = &name {
            called.remove(name);
            out.push(Helper::Source(file.path.clone(), name.clone()));
        }
        name.is_none()
    });
    // The name of a socket looks like that of a program.
    let binds = |file: &String| source::names(bytes_of(file), "sun_path");
    if files.iter().any(binds) {
        return out;
    }
    // One name without a source and one source without a name belong together.
    if let ([file], Some(name), 1) = (others.as_slice(), called.first(), called.len()) {
        out.push(Helper::Source(file.path.clone(), name.clone()));
    }
    out
}

/// Names of files at most that sources may have built in.
const MOST_NAMES: usize = 16;

/// Names of files that the sources in the directory `base` have built in: what they open, what was
/// handed in and is named, and either as a word of a command. Only names in their own directory, or of
/// what lies below it.
pub(super) fn opened(tree: &Tree, base: &str) -> Vec<String> {
    const OPENING: [&str; 4] = ["open", "fopen", "freopen", "ifstream"];
    const TEXTS: [&str; 5] = [".txt", ".text", ".dat", ".data", ".in"];
    let mut out: Vec<String> = Vec::new();
    let sources = tree
        .files
        .iter()
        .filter(|file| file.directory() == base && super::find::is_source(&file.path));
    for file in sources {
        for (before, text, _) in source::constants(file.bytes().unwrap_or_default()) {
            let call = before.trim_end().strip_suffix('(').unwrap_or_default();
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let name_of_call = call.trim_end().rsplit(|c| !word(c)).next();
            let opens = name_of_call.is_some_and(|name| OPENING.contains(&name));
            let commands = name_of_call.is_some_and(|name| STARTING.contains(&name));
            let words = text.split(|c: char| c.is_whitespace() || "|<>;&()'\"".contains(c));
            let words = words.filter(|_| commands && text.contains(' '));
            for name in std::iter::once(text.as_str()).chain(words) {
                let name = name.strip_prefix("./").unwrap_or(name);
                let path = match base {
                    "" => name.to_owned(),
                    _ => format!("{base}/{name}"),
                };
                // Below their own directory only what was handed in: elsewhere it may not exist.
                let below = name.contains('/');
                let plain = !name.is_empty()
                    && name.len() <= 64
                    && !name.starts_with(['.', '/'])
                    && !name.contains(['\\', '%', '\0', '*', '\n'])
                    && !(below && (name.contains("..") || tree.get(&path).is_none()));
                let is_text = |file: &File| {
                    let bytes = file.bytes().unwrap_or_default();
                    source::magic(bytes) == Magic::Other && !name.ends_with(".h")
                };
                let is_one = opens
                    || TEXTS
                        .iter()
                        .any(|end| name.ends_with(end) && name.len() > end.len())
                    || tree.get(&path).is_some_and(is_text);
                if plain && is_one && out.len() < MOST_NAMES && !out.iter().any(|n| n == name) {
                    out.push(name.to_owned());
                }
            }
        }
    }
    out
}

/// Whether a program of the directory `base` can learn the name of its file only by asking for it:
/// it opens one, looks at no argument, and has no name built in.
pub(super) fn asks(tree: &Tree, base: &str, opened: &[String]) -> bool {
    let mut mains = tree
        .files
        .iter()
        .filter(|file| file.directory() == base && is_main(file))
        .map(|file| file.bytes().unwrap_or_default())
        .peekable();
    let opens = |bytes| {
        let mut calls = ["open", "fopen"].iter();
        calls.any(|call| source::names_function(bytes, call))
    };
    opened.is_empty()
        && mains.peek().is_some()
        && mains.all(|bytes| opens(bytes) && !source::looks_at_arguments(bytes))
}

/// The file to name to the client of the directory `base` that opens its argument and sends what
/// is in it: a text that was handed in, or one of ours.
pub(super) fn sent_file(tree: &Tree, base: &str) -> Option<Beside> {
    let there = || tree.files.iter().filter(|file| file.directory() == base);
    let sends = |file: &File| {
        let bytes = file.bytes().unwrap_or_default();
        is_main(file)
            && source::names_function(bytes, "connect")
            && !source::names_function(bytes, "listen")
            && source::names(bytes, "open(argv[1]")
    };
    if !there().any(sends) {
        return None;
    }
    let is_text = |file: &&File| {
        let name = file.name().to_lowercase();
        let bytes = file.bytes().unwrap_or_default();
        name.ends_with(".txt")
            && !name.contains("readme")
            && bytes.len() <= MOST_EACH
            && bytes.iter().any(u8::is_ascii_lowercase)
    };
    let own = there().find(is_text);
    let own = own.and_then(|file| Some((file.name().to_owned(), file.bytes()?)));
    let (name, bytes) = own.unwrap_or_else(|| {
        let text = b"A Text of Small and CAPITAL Letters.\nIts Second Line.\n";
        ("Mixed.txt".to_owned(), text.as_slice())
    });
    Some(Beside {
        name,
        what: What::File(bytes.into(), false),
    })
}

/// The names, without extension, of programs that a source starts out of its own directory, where
/// another source than itself is called so.
pub(super) fn started(tree: &Tree) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for file in tree.files.iter().filter(|file| is_main(file)) {
        let own = stem(file.name());
        for text in source::strings(file.bytes().unwrap_or_default()) {
            let called = commands(&text).into_iter();
            out.extend(
                called
                    .map(|name| stem(base_name(&name)).to_owned())
                    .filter(|n| n != own),
            );
        }
    }
    out
}

fn is_main(file: &File) -> bool {
    let bytes = file.bytes().unwrap_or_default();
    let language = Language::of(&file.path, bytes);
    language.is_some_and(|language| {
        matches!(language, Language::C | Language::Cxx) && language.has_main(bytes)
    })
}

/// The names after `./` in a text: a command line, or the path of an `exec`.
fn commands(text: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("./") {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + 2..];
        let name: String = rest.chars().take_while(|&c| is_name(c)).collect();
        let plain = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !before.is_some_and(is_name) && plain {
            out.push(name);
        }
    }
    out
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests;
