//! Which files of a submission are which program. Pure: decides from a [`Tree`].
//!
//! In this order, for each role: the manifest; a Makefile; a Cargo package; the lab's patterns,
//! best first, files that define `main` before others and the least nested before deeper ones;
//! and last, what the code does: a server listens, a client connects, a lone program is the one
//! that is asked for.

mod executables;
mod layout;
mod makefile;
mod names;
mod patterns;
mod role;
mod sources;
mod states;
#[cfg(test)]
pub(super) mod tests;
mod unusable;

use std::collections::{BTreeMap, BTreeSet};

use super::error::SubmissionError;
use super::language::Language;
use super::manifest::{self, MANIFEST, Settled, Way};
use super::mend;
use super::note::Note;
use super::one_program::{self, Both};
use super::source;
use super::tree::{File, Tree};
use crate::lab::{Lab, Program, Text, guess};
use role::Role;

pub(super) use executables::executables;
pub use layout::{Layout, Make, Sources, Unit};
pub(super) use names::{all_numbers, is_numbered, is_source, stem};

/// The directory that belongs to the lab among those of other tasks: the only one whose name means
/// one of the lab's numbers in the list of tasks, or its id. Of several, and of several states of the
/// work in it, the newest by what their names say.
#[must_use]
pub fn home<'t>(tree: &'t Tree, lab: &Lab) -> Option<&'t str> {
    let (numbers, semester) = (lab.numbers(), lab.task.semester.unwrap_or(1));
    let is_it = |name: &str| {
        guess::means(name, &numbers, semester)
            || name.eq_ignore_ascii_case(&lab.id)
            || name.eq_ignore_ascii_case(&lab.id.replace('-', "_"))
    };
    let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
    for file in &tree.files {
        let mut end = 0;
        for name in file.directory().split('/') {
            end += name.len();
            if is_it(name) {
                found.insert((&file.path[..end], name));
                break;
            }
            end += 1;
        }
    }
    let own = states::newest_of(&found);
    states::newest(tree, own).or(own)
}

/// Decides which files are which program; where the lab's own directory is known (`home`), mains
/// and the Makefile are looked for there only. `numbers` are the lab's in the list of tasks: of
/// `30server.c` and `31server.c` one is meant.
///
/// # Errors
/// A wrong manifest, several files that could be the same program, a file that is needed but
/// cannot be used, or no program at all.
pub fn find(
    tree: &Tree,
    programs: &[Program],
    home: Option<&str>,
    numbers: &[u32],
) -> Result<Layout, SubmissionError> {
    let roles: Vec<Role<'_>> = programs.iter().map(Role::new).collect();
    unusable::refuse_unusable(tree, &roles)?;
    let mut search = Search {
        tree,
        home,
        roles: &roles,
        open: Vec::new(),
        claimed: BTreeSet::new(),
        make: Vec::new(),
        goals: Vec::new(),
        cargo: Vec::new(),
        layout: Layout::default(),
    };
    search.by_manifest(&settled(tree, programs)?)?;
    search.pass_over(numbers);
    if let Some(dir) = home {
        let around = dir.rsplit_once('/').map(|(parent, _)| parent);
        if states::newest(tree, around) == Some(dir) {
            search.layout.notes.push(Note::Newest(dir.to_owned()));
        }
    }
    let both = search.one_for_both();
    search.by_makefile(both.as_ref())?;
    search.by_package()?;
    search.by_sources(both.as_ref())?;
    let mut layout = search.layout;
    if layout.units.is_empty() {
        return Err(unusable::nothing_found(tree, &layout));
    }
    layout.notes.extend(tree.files.iter().filter_map(|file| {
        let compiled = file.bytes().is_some_and(source::is_program);
        compiled.then(|| Note::Compiled(file.path.clone()))
    }));
    Ok(layout)
}

/// What the manifest says, if there is one.
fn settled(
    tree: &Tree,
    programs: &[Program],
) -> Result<BTreeMap<String, Settled>, SubmissionError> {
    let Some(file) = tree.get(MANIFEST) else {
        return Ok(BTreeMap::new());
    };
    let text = std::str::from_utf8(file.bytes().unwrap_or_default()).map_err(|error| {
        SubmissionError::Manifest(Text::both(
            format!("{MANIFEST}: not UTF-8 text: {error}"),
            format!("{MANIFEST}: не текст в UTF-8: {error}"),
        ))
    })?;
    manifest::parse(text, programs)
}

/// A search under way.
struct Search<'a> {
    tree: &'a Tree,
    home: Option<&'a str>,
    roles: &'a [Role<'a>],
    /// Roles that nothing has been found for.
    open: Vec<&'a Role<'a>>,
    /// Files that are spoken for.
    claimed: BTreeSet<String>,
    /// Roles that make builds and, where the manifest says so, the executable's path.
    make: Vec<(String, Option<String>)>,
    /// The manifest's targets.
    goals: Vec<String>,
    /// Roles that Cargo builds and, where the manifest says so, the binary.
    cargo: Vec<(String, Option<String>)>,
    layout: Layout,
}

impl<'a> Search<'a> {
    fn by_manifest(&mut self, settled: &BTreeMap<String, Settled>) -> Result<(), SubmissionError> {
        for role in self.roles {
            let name = role.name().to_owned();
            let Some(Settled {
                way,
                run,
                env,
                address,
            }) = settled.get(&name)
            else {
                self.open.push(role);
                continue;
            };
            let layout = &mut self.layout;
            if !env.is_empty() {
                layout.env.insert(name.clone(), env.clone());
            }
            if let Some(address) = address {
                layout.addresses.insert(name.clone(), address.clone());
            }
            if let Some(run) = run {
                layout.runs.insert(name.clone(), run.clone());
            }
            match way {
                None => self.open.push(role),
                Some(Way::Sources { sources, flags }) => {
                    for path in sources {
                        unusable::must_exist(self.tree, &name, path)?;
                        self.claimed.insert(path.clone());
                    }
                    layout.units.push(Unit::Sources(Sources {
                        role: name,
                        language: sources::language_of(self.tree, sources),
                        files: sources.clone(),
                        flags: flags.clone(),
                    }));
                }
                Some(Way::Make { target, executable }) => {
                    self.goals.push(target.clone());
                    self.make.push((name, Some(executable.clone())));
                }
                Some(Way::Cargo { binary }) => self.cargo.push((name, Some(binary.clone()))),
                Some(Way::Script { file }) => {
                    let found = unusable::must_exist(self.tree, &name, file)?;
                    unusable::runnable(found)?;
                    layout.units.push(Unit::Sources(Sources {
                        role: name,
                        language: Language::Script,
                        files: vec![file.clone()],
                        flags: Vec::new(),
                    }));
                }
            }
        }
        Ok(())
    }

    /// Programs of other tasks, earlier states, and those that only serve a lone program, are nobody's.
    fn pass_over(&mut self, numbers: &[u32]) {
        let elsewhere = patterns::elsewhere(self.tree, self.home, numbers);
        self.claimed.extend(elsewhere);
        let lone = self.roles.len() == 1;
        let earlier = states::earlier(self.tree, self.home, &self.claimed, lone);
        let notes = earlier.iter().cloned().map(Note::Earlier);
        self.layout.notes.extend(notes);
        self.claimed.extend(earlier);
        if let [_] = self.roles {
            let started = patterns::started_by_others(self.tree, self.home, &self.claimed);
            self.claimed.extend(started);
        }
    }

    /// One program for both roles, told by its arguments.
    fn one_for_both(&mut self) -> Option<Both> {
        let [a, b] = self.open.as_slice() else {
            return None;
        };
        let is_open = |role: &&str| [a, b].iter().any(|open| open.name() == *role);
        if !one_program::ROLES.iter().all(is_open) {
            return None;
        }
        let wanted = |file: &File| !self.claimed.contains(&file.path) && is_below(file, self.home);
        let both = one_program::find(self.tree, wanted)?;
        let file = both.files.first().map_or("", String::as_str);
        for (role, arguments) in one_program::ROLES.iter().zip(&both.arguments) {
            let mut run = vec![stem(file).to_owned()];
            run.extend(arguments.iter().cloned());
            let runs = &mut self.layout.runs;
            runs.entry((*role).to_owned()).or_insert(run);
        }
        let [server, client] = both.arguments.each_ref().map(|all| all.join(" "));
        let note = Note::OneProgram(file.to_owned(), server, client);
        self.layout.notes.push(note);
        Some(both)
    }

    /// A Makefile is for all roles that are open.
    fn by_makefile(&mut self, both: Option<&Both>) -> Result<(), SubmissionError> {
        let Some(file) = makefile::makefile(self.tree, self.home) else {
            return must_be_there(self.make.is_empty(), "make", "Makefile");
        };
        // What the patterns find is only a second choice here: whatever they find ambiguous,
        // the Makefile decides.
        let (by_pattern, _) =
            patterns::by_patterns(self.tree, &self.open, &self.claimed, self.home);
        let text = file.bytes().unwrap_or_default();
        let mended = mend::mend(text);
        let targets =
            makefile::targets(&String::from_utf8_lossy(mended.as_deref().unwrap_or(text)));
        let others = makefile::other_goals(&targets, &self.open);
        self.make.extend(all_by_name(&mut self.open));
        if self.make.is_empty() {
            return Ok(());
        }
        self.layout.units.push(Unit::Make(Make {
            file: file.path.clone(),
            mended,
            goals: std::mem::take(&mut self.goals),
            others,
            roles: std::mem::take(&mut self.make),
            fallback: match both {
                Some(both) => one_program::ROLES
                    .map(|role| both.sources(role, self.tree))
                    .into(),
                None => by_pattern
                    .into_iter()
                    .map(|(role, path)| sources::sources_of(self.tree, self.roles, role, path))
                    .collect(),
            },
            both: both.is_some(),
        }));
        Ok(())
    }

    fn by_package(&mut self) -> Result<(), SubmissionError> {
        if self.tree.get("Cargo.toml").is_none() {
            return must_be_there(self.cargo.is_empty(), "cargo", "Cargo.toml");
        }
        self.cargo.extend(all_by_name(&mut self.open));
        if !self.cargo.is_empty() {
            let roles = std::mem::take(&mut self.cargo);
            self.layout.units.push(Unit::Cargo(roles));
        }
        Ok(())
    }

    /// For what is still open: the program for both, or what names and the code point at.
    fn by_sources(&mut self, both: Option<&Both>) -> Result<(), SubmissionError> {
        let tree = self.tree;
        let units = &mut self.layout.units;
        if let Some(both) = both {
            let sources = self.open.drain(..);
            let sources = sources.map(|role| both.sources(role.name(), tree));
            units.extend(sources.map(Unit::Sources));
        }
        if self.open.is_empty() {
            return Ok(());
        }
        let (found, ambiguous) = patterns::by_patterns(tree, &self.open, &self.claimed, self.home);
        if let Some((role, candidates)) = ambiguous {
            return Err(SubmissionError::Ambiguous {
                program: role.name().to_owned(),
                key: "sources",
                candidates,
            });
        }
        let taken = found.iter().map(|(_, path)| *path).collect();
        let others = states::others(tree, self.home, &self.claimed, &taken);
        let notes = others
            .into_iter()
            .map(|(file, taken)| Note::Another(file, taken));
        self.layout.notes.extend(notes);
        for role in &self.open {
            match found.iter().find(|(r, _)| r.name() == role.name()) {
                Some(&(role, path)) => {
                    let sources = sources::sources_of(tree, self.roles, role, path);
                    units.push(Unit::Sources(sources));
                }
                None => {
                    let looked_for = role.program.sources.join(", ");
                    self.layout
                        .missing
                        .push((role.name().to_owned(), looked_for));
                }
            }
        }
        Ok(())
    }
}

/// An error where the manifest asks for a file that is not there.
fn must_be_there(unasked: bool, word: &str, file: &str) -> Result<(), SubmissionError> {
    if unasked {
        return Ok(());
    }
    Err(SubmissionError::Manifest(Text::both(
        format!("{MANIFEST}: `{word}` is asked for, but there is no {file} beside it"),
        format!("{MANIFEST}: нужен `{word}`, но рядом нет {file}"),
    )))
}

/// All that are open, by name; none is any more.
fn all_by_name<'o>(
    open: &'o mut Vec<&Role<'_>>,
) -> impl Iterator<Item = (String, Option<String>)> + 'o {
    open.drain(..).map(|role| (role.name().to_owned(), None))
}

fn is_below(file: &File, home: Option<&str>) -> bool {
    home.is_none_or(|home| {
        let rest = file.path.strip_prefix(home);
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}
