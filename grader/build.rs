//! Puts the labs into the executable, a table of `include_str!`s over `labs/`, and by which rules it builds
//! submissions: what other rules have built, or not, is not taken for its own.

#[path = "build/rules.rs"]
mod rules;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let labs = manifest.join("../labs").canonicalize()?;
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/submission");
    let rules = rules::rules(&manifest.join("src/submission"))?;
    println!("cargo::rustc-env=GRADER_BUILD_RULES={rules}");
    let mut table = String::from("&[\n");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", labs.display());
    for (id, dir) in entries(&labs)? {
        if dir.join("lab.toml").is_file() {
            lab(&id, &dir, &mut table)?;
        }
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("labs.rs"), table)
}

/// One lab's row of the table. Cargo looks into directories, so one line watches a whole lab.
fn lab(id: &str, dir: &Path, table: &mut String) -> io::Result<()> {
    let mut handouts = BTreeMap::new();
    for (name, path) in entries(dir)? {
        if let Some(lang) = name
            .strip_prefix("handout.")
            .and_then(|rest| rest.strip_suffix(".md"))
        {
            handouts.insert(lang.to_owned(), path);
        }
    }
    let mut snapshots = BTreeMap::new();
    let folder = dir.join("snapshots");
    if folder.is_dir() {
        for (name, path) in entries(&folder)? {
            if let Some(scenario) = name.strip_suffix(".snap") {
                snapshots.insert(scenario.to_owned(), path);
            }
        }
    }
    let mut starter = BTreeMap::new();
    let folder = dir.join("starter");
    if folder.is_dir() {
        starter = entries(&folder)?;
    }
    let meets = dir.join("starter.toml");
    let meets = if meets.is_file() {
        format!("Some(include_str!({meets:?}))")
    } else {
        "None".to_owned()
    };
    let mut tools = BTreeMap::new();
    let folder = dir.join("tools");
    if folder.is_dir() {
        tools = entries(&folder)?;
        tools.retain(|name, _| name.ends_with(".c") || name.ends_with(".h"));
    }
    let _ = writeln!(
        table,
        "EmbeddedLab {{ id: {id:?}, toml: include_str!({:?}), handouts: {}, snapshots: {}, starter: {}, meets: {meets}, tools: {} }},",
        dir.join("lab.toml"),
        texts(&handouts),
        texts(&snapshots),
        texts(&starter),
        texts(&tools),
    );
    Ok(())
}

fn texts(files: &BTreeMap<String, PathBuf>) -> String {
    let rows: Vec<String> = files
        .iter()
        .map(|(name, path)| format!("({name:?}, include_str!({path:?}))"))
        .collect();
    format!("&[{}]", rows.join(", "))
}

/// Names and paths in a directory, sorted, so that the table is the same on every machine.
fn entries(dir: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            entries.insert(name, entry.path());
        }
    }
    Ok(entries)
}
