//! The architecture, as far as a test can hold it: nothing imports upward, and what is pure stays so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of this crate from below to above: one may know those before it, and those it shares a line with.
const GRADER: &[&[&str]] = &[
    &["charset", "text"],
    &["locale"],
    &["store"],
    &["lab"],
    &["transcript"],
    &["verdict"],
    &["submission"],
    &["starter"],
    &["run"],
    &["report"],
    &["prove"],
    &["batch"],
    &["gradebook"],
    &["cluster"],
];

/// The same of the supervisor.
const SUPERVISOR: &[&[&str]] = &[
    &["beneath", "bytes", "fork", "memory", "raw", "room", "stack"],
    &["plan"],
    &["event"],
    &["wire"],
    &["proc"],
    &["cgroup", "limits", "recorder", "scene", "shim"],
    &["waits"],
    &["inspect", "isolation", "resources"],
    &["scratch", "tracer"],
    &["filter"],
    &["launch"],
    // Two sides of one conversation: a worker answers what a probe asks.
    &["probe", "worker"],
    // One loop: its state, what it does, and when it is over.
    &["driver", "helper", "settle"],
];

/// These do no input or output; of labs only the catalog reads files.
const PURE: [&str; 3] = ["lab", "transcript", "verdict"];
const READS: &str = "lab/catalog.rs";

fn sources(of: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(of).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files of a crate's modules with what is compiled of them outside tests: name below `src`, text.
fn files(src: &Path) -> Vec<(String, String)> {
    let test = |name: &str| name.split(['/', '.']).any(|part| TESTS.contains(&part));
    sources(src)
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(src).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .filter(|(name, _)| !test(name))
        .map(|(name, text)| (name, code(&text)))
        .collect()
}

/// Files that are modules of tests by the project's custom.
const TESTS: [&str; 4] = ["tests", "fixture", "properties", "sample"];

/// Without comments, and without the module of tests at the end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that come behind `crate::`.
fn used(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap();
            found.extend(group.split(',').map(|item| first(item.trim())));
        } else {
            found.insert(first(rest));
        }
    }
    found
}

fn first(path: &str) -> &str {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

/// The modules that a crate's root declares.
fn declared(root: &str) -> BTreeSet<&str> {
    let names = root.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    names.filter(|name| *name != "layers").collect()
}

fn nothing_imports_upward(src: &Path, layers: &[&[&str]]) {
    let root = fs::read_to_string(src.join("lib.rs")).unwrap();
    let known: BTreeSet<&str> = layers
        .iter()
        .flat_map(|layer| layer.iter().copied())
        .collect();
    let place = "layers.rs says where each module stands";
    assert_eq!(declared(&root), known, "{}: {place}", src.display());
    let place = |module: &str| layers.iter().position(|layer| layer.contains(&module));
    let mut seen = BTreeSet::new();
    for (file, code) in files(src) {
        let module = file.split(['/', '.']).next().unwrap();
        let Some(own) = place(module) else {
            continue;
        };
        seen.insert(module.to_owned());
        for other in used(&code).into_iter().filter(|other| *other != module) {
            // What is no module is a macro or an item of the root.
            let above = place(other).is_some_and(|other| other > own);
            assert!(!above, "{file} imports upward: crate::{other}");
        }
    }
    assert_eq!(seen.len(), known.len(), "{seen:?}");
}

#[test]
fn nothing_imports_upward_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    nothing_imports_upward(&root.join("src"), GRADER);
}

#[test]
fn nothing_imports_upward_in_the_supervisor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    nothing_imports_upward(&root.join("supervisor/src"), SUPERVISOR);
}

#[test]
fn what_is_pure_reads_and_writes_nothing() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let outside = [
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::io::",
        "supervisor::worker",
    ];
    let mut read = 0;
    for (file, code) in files(&src) {
        let pure = PURE.iter().any(|module| file.starts_with(module));
        if pure && file != READS {
            read += 1;
            for name in outside {
                assert!(!code.contains(name), "{file} uses {name}");
            }
        }
    }
    assert!(read > 50, "{read}");
}

#[test]
fn imports_are_found() {
    let text = "use crate::lab::Lab; // crate::cli\nuse crate::{run, text::cut};\n#[cfg(test)]\nmod tests {\n crate::report";
    let code = code(text);
    assert_eq!(used(&code), BTreeSet::from(["lab", "run", "text"]));
}
