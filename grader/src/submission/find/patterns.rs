//! Mains by the lab's patterns, by the code and by the words of their names.

use std::collections::BTreeSet;

use super::super::beside::{self, Helper};
use super::super::language::{Language, TIERS, has};
use super::super::tree::{File, Tree};
use super::super::words;
use super::is_below;
use super::names::{all_numbers, is_numbered, stem};
use super::role::{Ambiguity, Rank, Role, assign, left, wanting};
use super::sources::language_in;

/// The main source of each role that its name, or the code, points at.
pub(super) fn by_patterns<'r, 'a, 't>(
    tree: &'t Tree,
    roles: &[&'r Role<'a>],
    claimed: &BTreeSet<String>,
    home: Option<&str>,
) -> (Vec<(&'r Role<'a>, &'t str)>, Ambiguity<'r, 'a>) {
    let candidates = |tier: &[Language], with_main: bool| -> Vec<&'t str> {
        tree.files
            .iter()
            .filter(|file| !claimed.contains(&file.path) && is_below(file, home))
            .filter(|file| {
                let bytes = file.bytes().unwrap_or_default();
                let language = language_in(file).filter(|language| tier.contains(language));
                language.is_some_and(|language| language.has_main(bytes) == with_main)
            })
            .map(|file| file.path.as_str())
            .collect()
    };
    let mut found: Vec<(&'r Role<'a>, &'t str)> = Vec::new();
    let mut ambiguous = None;
    // Of 1,900 real submissions the code was wrong in six.
    let code = |role: &Role<'_>, path: &str| -> Option<usize> {
        let file = tree.get(path)?;
        let (bytes, language) = (file.bytes()?, language_in(file)?);
        match role.name() {
            "server" => language.listens(bytes).then_some(0),
            "client" => (language.connects(bytes) && !language.listens(bytes)).then_some(0),
            _ => None,
        }
    };
    let stages: [&Rank<'_>; 3] = [
        &|role, path| role.rank_source(path),
        &code,
        &|role, path| words::rank(role.name(), stem(path)),
    ];
    for rank in stages {
        for tier in TIERS {
            let items = left(&candidates(tier, true), &found);
            let (more, unclear) = assign(&wanting(roles, &found), &items, rank);
            found.extend(more);
            ambiguous = ambiguous.or(unclear);
        }
        if ambiguous.is_some() {
            return (found, ambiguous);
        }
    }
    for tier in TIERS {
        let wanting = wanting(roles, &found);
        let [role] = wanting.as_slice() else { break };
        let mut rest = left(&candidates(tier, true), &found);
        // Beside another program it must at least be about sockets.
        rest.retain(|path| {
            let bytes = tree.get(path).and_then(File::bytes).unwrap_or_default();
            roles.len() == 1
                || (code(role, path).is_some() || !is_another(roles, role, path, &code))
                    && has(bytes, &["socket"])
        });
        match rest.as_slice() {
            [] => {}
            [one] => found.push((role, one)),
            several if roles.len() == 1 => {
                let names = several.iter().map(|path| (*path).to_owned()).collect();
                ambiguous = ambiguous.or(Some((role, names)));
            }
            _ => {}
        }
    }
    // `main` may be hidden behind a macro; the linker has the last word.
    let without = candidates(TIERS[0], false);
    let by_name: &Rank<'_> = &|role, path| role.rank(path);
    let (hidden, unclear) = assign(&wanting(roles, &found), &without, by_name);
    found.extend(hidden);
    (found, ambiguous.or(unclear))
}

/// Whether the code says that this file is one of the other roles.
fn is_another(roles: &[&Role<'_>], role: &Role<'_>, path: &str, code: &Rank<'_>) -> bool {
    roles
        .iter()
        .any(|other| other.name() != role.name() && code(other, path).is_some())
}

/// Programs of other tasks: some are named with the lab's number, and these with others only.
pub(super) fn elsewhere(tree: &Tree, home: Option<&str>, numbers: &[u32]) -> Vec<String> {
    let mains = mains(tree, home).filter(|file| !all_numbers(stem(&file.path)).is_empty());
    let (ours, others): (Vec<&File>, Vec<&File>) =
        mains.partition(|file| is_numbered(stem(&file.path), numbers));
    if ours.is_empty() {
        return Vec::new();
    }
    others.into_iter().map(|file| file.path.clone()).collect()
}

/// Programs that another one starts by name: a helper is not what was asked for.
pub(super) fn started_by_others(
    tree: &Tree,
    home: Option<&str>,
    claimed: &BTreeSet<String>,
) -> BTreeSet<String> {
    let all: Vec<&File> = mains(tree, home)
        .filter(|file| !claimed.contains(&file.path))
        .collect();
    let mut out = BTreeSet::new();
    for file in &all {
        let files = [file.path.clone()];
        for helper in beside::helpers(tree, &files, &BTreeSet::new()) {
            if let Helper::Source(path, _) = helper {
                out.insert(path);
            }
        }
    }
    if all.iter().all(|file| out.contains(&file.path)) {
        return BTreeSet::new();
    }
    out
}

/// The sources with a `main` of their own.
pub(super) fn mains<'t>(tree: &'t Tree, home: Option<&str>) -> impl Iterator<Item = &'t File> {
    tree.files.iter().filter(move |file| {
        let has_main = |language: Language| language.has_main(file.bytes().unwrap_or_default());
        is_below(file, home) && language_in(file).is_some_and(has_main)
    })
}
