//! Roles, how well a file's name fits them, and who gets which file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use globset::{GlobBuilder, GlobMatcher};

use super::super::words;
use super::names::{base, stem, without_extension};
use crate::lab::Program;

/// How well an item fits a role: the lower, the better.
pub(super) type Rank<'c> = dyn Fn(&Role<'_>, &str) -> Option<usize> + 'c;

/// The roles that have nothing yet.
pub(super) fn wanting<'r, 'a>(
    roles: &[&'r Role<'a>],
    found: &[(&'r Role<'a>, &str)],
) -> Vec<&'r Role<'a>> {
    let is_found = |role: &Role<'_>| found.iter().any(|(r, _)| r.name() == role.name());
    roles.iter().copied().filter(|r| !is_found(r)).collect()
}

/// The items that nobody has yet.
pub(super) fn left<'p>(items: &[&'p str], found: &[(&Role<'_>, &'p str)]) -> Vec<&'p str> {
    let is_taken = |path: &str| found.iter().any(|(_, p)| *p == path);
    items.iter().copied().filter(|p| !is_taken(p)).collect()
}

/// A lab's pattern, compiled once for a whole class.
fn matcher(glob: &str) -> Option<Arc<GlobMatcher>> {
    static KNOWN: Mutex<BTreeMap<String, Option<Arc<GlobMatcher>>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(matcher) = known.get(glob) {
        return matcher.clone();
    }
    let glob_of = GlobBuilder::new(glob)
        .case_insensitive(true)
        .literal_separator(true)
        .build();
    let matcher = glob_of.ok().map(|glob| Arc::new(glob.compile_matcher()));
    known.insert(glob.to_owned(), matcher.clone());
    matcher
}

/// A lab's program with its compiled patterns.
pub(super) struct Role<'a> {
    pub(super) program: &'a Program,
    patterns: Vec<(Arc<GlobMatcher>, bool)>,
}

impl<'a> Role<'a> {
    /// With its patterns compiled.
    pub(super) fn new(program: &'a Program) -> Self {
        let patterns = program
            .sources
            .iter()
            .filter_map(|glob| Some((matcher(glob)?, glob.contains('/'))))
            .collect();
        Self { program, patterns }
    }

    /// What the lab calls it.
    pub(super) fn name(&self) -> &str {
        &self.program.name
    }

    /// The number of the first pattern that matches: the lower, the better.
    pub(super) fn rank(&self, path: &str) -> Option<usize> {
        self.patterns
            .iter()
            .position(|(pattern, whole)| pattern.is_match(if *whole { path } else { base(path) }))
    }

    /// The same for a source in any language, and then by the name's words.
    pub(super) fn rank_source(&self, path: &str) -> Option<usize> {
        self.rank(path)
            .or_else(|| self.rank(&format!("{}.c", without_extension(path))))
            .or_else(|| self.rank_words(stem(path)))
    }

    /// Whole words only; a single letter is the last resort.
    fn rank_words(&self, stem: &str) -> Option<usize> {
        let rank = words::rank(self.name(), stem).filter(|rank| *rank < 2);
        rank.map(|rank| rank + self.patterns.len())
    }

    /// The same for the name of an executable or of a Makefile's target.
    pub(super) fn rank_executable(&self, name: &str) -> Option<usize> {
        let stem = match name.rsplit_once('.') {
            Some((stem, "out" | "exe" | "elf" | "bin" | "x")) => stem,
            Some(_) => return None,
            None => name,
        };
        if stem.eq_ignore_ascii_case(&self.program.executable) {
            return Some(0);
        }
        if stem.eq_ignore_ascii_case(&self.program.name) {
            return Some(1);
        }
        self.rank(&format!("{stem}.c"))
            .or_else(|| self.rank_words(stem))
            .map(|rank| rank + 2)
    }
}

/// A role that several items fit equally well.
pub(super) type Ambiguity<'r, 'a> = Option<(&'r Role<'a>, Vec<String>)>;

/// Gives each role its best item: ranks in ascending order over all roles, so that an exact name
/// wins over a loose one of another role.
pub(super) fn assign<'r, 'a, 'p>(
    roles: &[&'r Role<'a>],
    items: &[&'p str],
    rank: &Rank<'_>,
) -> (Vec<(&'r Role<'a>, &'p str)>, Ambiguity<'r, 'a>) {
    let mut found: Vec<(&'r Role<'a>, &'p str)> = Vec::new();
    let mut ambiguous = None;
    let mut wanting: Vec<&'r Role<'a>> = roles.to_vec();
    let ranks: BTreeSet<usize> = roles
        .iter()
        .flat_map(|role| items.iter().filter_map(|item| rank(role, item)))
        .collect();
    for level in ranks {
        let mut taken: Vec<(&'r Role<'a>, &'p str)> = Vec::new();
        wanting.retain(|role| {
            let mut here: Vec<&'p str> = items
                .iter()
                .copied()
                .filter(|item| rank(role, item) == Some(level))
                .filter(|item| !found.iter().any(|(_, path)| path == item))
                .collect();
            let depth = |item: &str| item.matches('/').count();
            if let Some(least) = here.iter().map(|item| depth(item)).min() {
                here.retain(|item| depth(item) == least);
            }
            match here.as_slice() {
                [] => true,
                [one] => {
                    taken.push((role, one));
                    false
                }
                several => {
                    if ambiguous.is_none() {
                        let names = several.iter().map(|item| (*item).to_owned()).collect();
                        ambiguous = Some((*role, names));
                    }
                    false
                }
            }
        });
        for i in 0..taken.len() {
            let (role, item) = taken[i];
            if ambiguous.is_none() && taken[..i].iter().any(|(_, other)| *other == item) {
                ambiguous = Some((role, vec![item.to_owned()]));
            }
        }
        found.append(&mut taken);
    }
    (found, ambiguous)
}
