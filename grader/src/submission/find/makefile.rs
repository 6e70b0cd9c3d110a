//! Which Makefile, and what is asked of it.

use std::collections::BTreeSet;

use super::super::tree::{File, Tree};
use super::super::{mend, words};
use super::is_below;
use super::names::{base, stem};
use super::role::Role;

/// The Makefile as GNU make would choose it, or one spelt in a way that Linux make ignores: at the
/// top, or in the lab's own directory, or the only one there is.
pub(super) fn makefile<'t>(tree: &'t Tree, home: Option<&str>) -> Option<&'t File> {
    let is_one =
        |file: &&File| file.name().eq_ignore_ascii_case("makefile") || file.name() == "GNUmakefile";
    let order = |file: &&File| {
        let place = mend::NAMES.iter().position(|name| file.name() == *name);
        (file.depth(), place.unwrap_or(mend::NAMES.len()))
    };
    let all = || tree.files.iter().filter(is_one);
    let top = all().filter(|file| file.depth() == 0).min_by_key(order);
    let own = || all().filter(|file| is_below(file, home)).min_by_key(order);
    let directories: BTreeSet<&str> = all().map(File::directory).collect();
    match (top, home) {
        (Some(file), _) => Some(file),
        (None, Some(_)) => own(),
        (None, None) if directories.len() == 1 => own(),
        (None, None) => None,
    }
}

/// Explicit targets of a Makefile: plain names at the beginning of a rule.
pub(super) fn targets(text: &str) -> Vec<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.lines()
        .filter(|line| !line.starts_with(['\t', ' ', '#', '.']))
        .filter_map(|line| {
            let (names, rest) = line.split_once(':')?;
            (!rest.starts_with('=') && !rest.starts_with(":=")).then_some(names)
        })
        .flat_map(str::split_whitespace)
        .filter(|name| name.chars().all(plain) && !name.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

/// Targets worth asking for where the default goal did not bring forth every program.
pub(super) fn other_goals(targets: &[String], roles: &[&Role<'_>]) -> Vec<String> {
    // The first target is what make makes anyway.
    let targets = targets.get(1..).unwrap_or_default();
    let named: Vec<String> = targets
        .iter()
        .filter(|target| {
            let single = |role: &Role<'_>| words::rank(role.name(), stem(target)).is_some();
            roles
                .iter()
                .any(|role| role.rank_executable(base(target)).is_some() || single(role))
        })
        .filter(|target| builds(target))
        .cloned()
        .collect();
    if named.is_empty() {
        targets.iter().filter(|t| builds(t)).cloned().collect()
    } else {
        named
    }
}

/// Targets by these names start programs, remove files or the like.
fn builds(target: &str) -> bool {
    const OTHERWISE: [&str; 17] = [
        "all",
        "clean",
        "distclean",
        "mrproper",
        "install",
        "uninstall",
        "run",
        "start",
        "stop",
        "test",
        "tests",
        "check",
        "valgrind",
        "debug",
        "help",
        "zip",
        "tar",
    ];
    !target
        .split(['-', '_', '.'])
        .any(|word| OTHERWISE.contains(&word.to_lowercase().as_str()))
        && !target.ends_with(".o")
}
