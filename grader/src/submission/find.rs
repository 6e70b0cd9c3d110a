//! Which files of a submission are which program. Pure: decides from a [`Tree`].
//!
//! In this order, for each role: the manifest; a Makefile; a Cargo package; the lab's patterns,
//! best first, files that define `main` before others and the least nested before deeper ones;
//! and last, what the code does: a server listens, a client connects, a lone program is the one
//! that is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use globset::{GlobBuilder, GlobMatcher};

use super::beside::{self, Helper};
use super::error::SubmissionError;
use super::language::{Language, TIERS};
use super::manifest::{self, Declared, MANIFEST, Settled, Way};
use super::mend;
use super::note::Note;
use super::one_program;
use super::source::{self, Magic};
use super::tree::{Content, File, Tree};
use super::words;
use crate::lab::{Lab, Program, guess};

/// How a submission is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// What is built together, independent of the others.
    pub units: Vec<Unit>,
    /// Roles without a source: the role, and the names that were looked for.
    pub missing: Vec<(String, String)>,
    /// Arguments of a submission's own, by role (see the manifest's `run`).
    pub runs: BTreeMap<String, Vec<String>>,
    /// Environment variables of a submission's own, by role.
    pub env: BTreeMap<String, Vec<(String, String)>>,
    /// Where a role listens or connects by the submission's own word.
    pub addresses: BTreeMap<String, Declared>,
    /// Things worth saying.
    pub notes: Vec<Note>,
}

/// One build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One program from source files.
    Sources(Sources),
    /// What a Makefile builds.
    Make(Make),
    /// What a Cargo package builds: the role and, where the manifest says so, the binary.
    Cargo(Vec<(String, Option<String>)>),
}

/// One program from source files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The role.
    pub role: String,
    /// In which language.
    pub language: Language,
    /// The files, the one with `main` first.
    pub files: Vec<String>,
    /// Compiler flags of the submission's own.
    pub flags: Vec<String>,
}

/// What a Makefile builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Make {
    /// The Makefile.
    pub file: String,
    /// Its text as it was meant, where make cannot read it as it is.
    pub mended: Option<Vec<u8>>,
    /// Asked for besides the default goal: the manifest's targets.
    pub goals: Vec<String>,
    /// Asked for where those leave a role without its program: targets named like a role, or else
    /// all that build something.
    pub others: Vec<String>,
    /// The roles and, where the manifest says so, the executable's path.
    pub roles: Vec<(String, Option<String>)>,
    /// Sources to fall back to for roles that `make` does not bring forth.
    pub fallback: Vec<Sources>,
    /// One program plays all roles.
    pub both: bool,
}

/// The directory that belongs to the lab among those of other tasks: the only one whose name means
/// one of the lab's numbers in the list of tasks, or its id.
#[must_use]
pub fn home<'t>(tree: &'t Tree, lab: &Lab) -> Option<&'t str> {
    let (numbers, semester) = (lab.numbers(), lab.task.semester.unwrap_or(1));
    let is_it = |name: &str| {
        guess::means(name, &numbers, semester)
            || name.eq_ignore_ascii_case(&lab.id)
            || name.eq_ignore_ascii_case(&lab.id.replace('-', "_"))
    };
    let mut found: Option<&str> = None;
    for file in &tree.files {
        let mut end = 0;
        for name in file.directory().split('/') {
            end += name.len();
            let directory = &file.path[..end];
            if is_it(name) {
                match found {
                    Some(other) if other != directory => return None,
                    _ => found = Some(directory),
                }
                break;
            }
            end += 1;
        }
    }
    found
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
    refuse_unusable(tree, &roles)?;
    let settled = match tree.get(MANIFEST) {
        Some(file) => {
            let text = std::str::from_utf8(file.bytes().unwrap_or_default()).map_err(|error| {
                SubmissionError::Manifest(format!("{MANIFEST}: not UTF-8 text: {error}"))
            })?;
            manifest::parse(text, programs)?
        }
        None => BTreeMap::new(),
    };
    let mut layout = Layout::default();
    let mut make_roles = Vec::new();
    let mut make_goals = Vec::new();
    let mut cargo_roles = Vec::new();
    let mut open: Vec<&Role<'_>> = Vec::new();
    let mut claimed = BTreeSet::new();
    for role in &roles {
        let name = role.name().to_owned();
        let Some(Settled {
            way,
            run,
            env,
            address,
        }) = settled.get(&name)
        else {
            open.push(role);
            continue;
        };
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
            None => open.push(role),
            Some(Way::Sources { sources, flags }) => {
                for path in sources {
                    must_exist(tree, &name, path)?;
                    claimed.insert(path.clone());
                }
                layout.units.push(Unit::Sources(Sources {
                    role: name,
                    language: language_of(tree, sources),
                    files: sources.clone(),
                    flags: flags.clone(),
                }));
            }
            Some(Way::Make { target, executable }) => {
                make_goals.push(target.clone());
                make_roles.push((name, Some(executable.clone())));
            }
            Some(Way::Cargo { binary }) => cargo_roles.push((name, Some(binary.clone()))),
            Some(Way::Script { file }) => {
                let found = must_exist(tree, &name, file)?;
                runnable(found)?;
                layout.units.push(Unit::Sources(Sources {
                    role: name,
                    language: Language::Script,
                    files: vec![file.clone()],
                    flags: Vec::new(),
                }));
            }
        }
    }

    claimed.extend(elsewhere(tree, home, numbers));
    if let [_] = roles.as_slice() {
        claimed.extend(started_by_others(tree, home, &claimed));
    }
    let both = match open.as_slice() {
        [a, b]
            if one_program::ROLES
                .iter()
                .all(|r| [a, b].iter().any(|o| o.name() == *r)) =>
        {
            let wanted = |file: &File| !claimed.contains(&file.path) && is_below(file, home);
            one_program::find(tree, wanted)
        }
        _ => None,
    };
    if let Some(both) = &both {
        let file = both.files.first().map_or("", String::as_str);
        for (role, arguments) in one_program::ROLES.iter().zip(&both.arguments) {
            let mut run = vec![stem(file).to_owned()];
            run.extend(arguments.iter().cloned());
            layout.runs.entry((*role).to_owned()).or_insert(run);
        }
        let [server, client] = both.arguments.each_ref().map(|all| all.join(" "));
        layout
            .notes
            .push(Note::OneProgram(file.to_owned(), server, client));
    }

    let makefile = makefile(tree, home);
    let package = tree.get("Cargo.toml").is_some();
    if !make_roles.is_empty() && makefile.is_none() {
        return Err(SubmissionError::Manifest(format!(
            "{MANIFEST}: `make` is asked for, but there is no Makefile beside it"
        )));
    }
    if !cargo_roles.is_empty() && !package {
        return Err(SubmissionError::Manifest(format!(
            "{MANIFEST}: `cargo` is asked for, but there is no Cargo.toml beside it"
        )));
    }
    if let Some(file) = makefile {
        // What the patterns find is only a second choice here: whatever they find ambiguous,
        // the Makefile decides.
        let (by_pattern, _) = by_patterns(tree, &open, &claimed, home);
        let text = file.bytes().unwrap_or_default();
        let mended = mend::mend(text);
        let targets = targets(&String::from_utf8_lossy(mended.as_deref().unwrap_or(text)));
        let others = other_goals(&targets, &open);
        make_roles.extend(open.drain(..).map(|role| (role.name().to_owned(), None)));
        if !make_roles.is_empty() {
            layout.units.push(Unit::Make(Make {
                file: file.path.clone(),
                mended,
                goals: make_goals,
                others,
                roles: make_roles,
                fallback: match &both {
                    Some(both) => one_program::ROLES.map(|r| both.sources(r, tree)).into(),
                    None => by_pattern
                        .into_iter()
                        .map(|(role, path)| sources_of(tree, &roles, role, path))
                        .collect(),
                },
                both: both.is_some(),
            }));
        }
    }
    if package {
        cargo_roles.extend(open.drain(..).map(|role| (role.name().to_owned(), None)));
    }
    if !cargo_roles.is_empty() {
        layout.units.push(Unit::Cargo(cargo_roles));
    }
    if let (Some(both), false) = (&both, open.is_empty()) {
        let sources = open.drain(..).map(|role| both.sources(role.name(), tree));
        layout.units.extend(sources.map(Unit::Sources));
    }
    if !open.is_empty() {
        let (found, ambiguous) = by_patterns(tree, &open, &claimed, home);
        if let Some((role, candidates)) = ambiguous {
            return Err(SubmissionError::Ambiguous {
                program: role.name().to_owned(),
                key: "sources",
                candidates,
            });
        }
        for role in &open {
            match found.iter().find(|(r, _)| r.name() == role.name()) {
                Some(&(role, path)) => layout
                    .units
                    .push(Unit::Sources(sources_of(tree, &roles, role, path))),
                None => layout
                    .missing
                    .push((role.name().to_owned(), role.program.sources.join(", "))),
            }
        }
    }
    if layout.units.is_empty() {
        return Err(nothing_found(tree, &layout));
    }
    layout.notes.extend(tree.files.iter().filter_map(|file| {
        let compiled = file.bytes().is_some_and(source::is_program);
        compiled.then(|| Note::Compiled(file.path.clone()))
    }));
    Ok(layout)
}

/// Assigns executables that a build left behind to roles: by name, and where names do not tell, by
/// what they import.
///
/// # Errors
/// Several executables could be the same program.
pub(super) fn executables<'a>(
    made: &[(&'a str, &[u8])],
    programs: &[&Program],
) -> Result<Vec<(String, &'a str)>, SubmissionError> {
    let roles: Vec<Role<'_>> = programs.iter().map(|p| Role::new(p)).collect();
    let refs: Vec<&Role<'_>> = roles.iter().collect();
    let items: Vec<&'a str> = made.iter().map(|(path, _)| *path).collect();
    let mut found: Vec<(&Role<'_>, &'a str)> = Vec::new();
    let imports = |path: &str, name: &str| {
        let content = made.iter().find(|(item, _)| *item == path);
        content.is_some_and(|(_, bytes)| source::imports(bytes, name))
    };
    let stages: [&Rank<'_>; 3] = [
        &|role, path| role.rank_executable(base(path)),
        &|role, path| match role.name() {
            "server" => imports(path, "listen").then_some(0),
            "client" => (imports(path, "connect") && !imports(path, "listen")).then_some(0),
            _ => None,
        },
        &|role, path| words::rank(role.name(), stem(path)),
    ];
    for rank in stages {
        let wanting = wanting(&refs, &found);
        let left = left(&items, &found);
        let (more, ambiguous) = assign(&wanting, &left, rank);
        if let Some((role, candidates)) = ambiguous {
            return Err(SubmissionError::Ambiguous {
                program: role.name().to_owned(),
                key: "make",
                candidates,
            });
        }
        found.extend(more);
    }
    // One program wanted and one left over: that is it, whatever its name.
    if let ([role], [item]) = (
        wanting(&refs, &found).as_slice(),
        left(&items, &found).as_slice(),
    ) {
        found.push((role, item));
    }
    Ok(found
        .into_iter()
        .map(|(role, path)| (role.name().to_owned(), path))
        .collect())
}

/// How well an item fits a role: the lower, the better.
type Rank<'c> = dyn Fn(&Role<'_>, &str) -> Option<usize> + 'c;

fn wanting<'r, 'a>(roles: &[&'r Role<'a>], found: &[(&'r Role<'a>, &str)]) -> Vec<&'r Role<'a>> {
    let is_found = |role: &Role<'_>| found.iter().any(|(r, _)| r.name() == role.name());
    roles.iter().copied().filter(|r| !is_found(r)).collect()
}

fn left<'p>(items: &[&'p str], found: &[(&Role<'_>, &'p str)]) -> Vec<&'p str> {
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
struct Role<'a> {
    program: &'a Program,
    patterns: Vec<(Arc<GlobMatcher>, bool)>,
}

impl<'a> Role<'a> {
    fn new(program: &'a Program) -> Self {
        let patterns = program
            .sources
            .iter()
            .filter_map(|glob| Some((matcher(glob)?, glob.contains('/'))))
            .collect();
        Self { program, patterns }
    }

    fn name(&self) -> &str {
        &self.program.name
    }

    /// The number of the first pattern that matches: the lower, the better.
    fn rank(&self, path: &str) -> Option<usize> {
        self.patterns
            .iter()
            .position(|(pattern, whole)| pattern.is_match(if *whole { path } else { base(path) }))
    }

    /// The same for a source in any language, and then by the name's words.
    fn rank_source(&self, path: &str) -> Option<usize> {
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
    fn rank_executable(&self, name: &str) -> Option<usize> {
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

type Ambiguity<'r, 'a> = Option<(&'r Role<'a>, Vec<String>)>;

/// Gives each role its best item: ranks in ascending order over all roles, so that an exact name
/// wins over a loose one of another role.
fn assign<'r, 'a, 'p>(
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

/// The main source of each role that its name, or the code, points at.
fn by_patterns<'r, 'a, 't>(
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
                let language = language(file).filter(|language| tier.contains(language));
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
        let (bytes, language) = (file.bytes()?, language(file)?);
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
                    && super::language::has(bytes, &["socket"])
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

/// Programs of other tasks: some are named with the lab's number, and these with others only.
fn elsewhere(tree: &Tree, home: Option<&str>, numbers: &[u32]) -> Vec<String> {
    let mains = mains(tree, home).filter(|file| !all_numbers(stem(&file.path)).is_empty());
    let (ours, others): (Vec<&File>, Vec<&File>) =
        mains.partition(|file| is_numbered(stem(&file.path), numbers));
    if ours.is_empty() {
        return Vec::new();
    }
    others.into_iter().map(|file| file.path.clone()).collect()
}

/// Whether a name holds one of the numbers.
pub(super) fn is_numbered(name: &str, numbers: &[u32]) -> bool {
    all_numbers(name).iter().any(|n| numbers.contains(n))
}

/// The runs of digits in a name.
pub(super) fn all_numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

fn mains<'t>(tree: &'t Tree, home: Option<&str>) -> impl Iterator<Item = &'t File> {
    tree.files.iter().filter(move |file| {
        let has_main = |language: Language| language.has_main(file.bytes().unwrap_or_default());
        is_below(file, home) && language(file).is_some_and(has_main)
    })
}

/// Programs that another one starts by name: a helper is not what was asked for.
fn started_by_others(
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

/// Whether the code says that this file is one of the other roles.
fn is_another(roles: &[&Role<'_>], role: &Role<'_>, path: &str, code: &Rank<'_>) -> bool {
    roles
        .iter()
        .any(|other| other.name() != role.name() && code(other, path).is_some())
}

/// The main source with the helpers that are linked with it: files without `main`, not named like
/// another role's, that share its directory or live where no other program does.
fn sources_of(tree: &Tree, roles: &[Role<'_>], role: &Role<'_>, main: &str) -> Sources {
    let home = directory(main);
    let language = tree.get(main).and_then(language).unwrap_or(Language::C);
    let kin: &[Language] = match language {
        Language::C | Language::Cxx => &[Language::C, Language::Cxx],
        Language::Go => &[Language::Go],
        // Their compilers and interpreters find the rest themselves.
        Language::Rust | Language::Java | Language::Script => &[],
    };
    let akin = |file: &File| self::language(file).filter(|language| kin.contains(language));
    let is_main = |file: &File| {
        akin(file).is_some_and(|language| language.has_main(file.bytes().unwrap_or_default()))
    };
    let foreign: BTreeSet<&str> = tree
        .files
        .iter()
        .filter(|file| is_main(file))
        .map(File::directory)
        .filter(|dir| *dir != home)
        .collect();
    let mut files = vec![main.to_owned()];
    for file in &tree.files {
        let helper = file.path != main
            && akin(file).is_some()
            && file.bytes().is_some()
            && !is_main(file)
            && !foreign.contains(file.directory());
        let others = roles
            .iter()
            .any(|r| r.name() != role.name() && r.rank(&file.path).is_some());
        if helper && (!others || role.rank(&file.path).is_some()) {
            files.push(file.path.clone());
        }
    }
    Sources {
        role: role.name().to_owned(),
        language: language_of(tree, &files),
        files,
        flags: Vec::new(),
    }
}

fn language(file: &File) -> Option<Language> {
    Language::of(&file.path, file.bytes()?)
}

/// The language of several files together: one file of C++ makes it C++.
fn language_of(tree: &Tree, files: &[String]) -> Language {
    let languages = files
        .iter()
        .filter_map(|path| tree.get(path).and_then(language));
    let first = tree
        .get(files.first().map_or("", String::as_str))
        .and_then(language);
    match first {
        Some(Language::C) | None => languages
            .into_iter()
            .find(|language| *language == Language::Cxx)
            .unwrap_or(Language::C),
        Some(other) => other,
    }
}

/// Files that are needed by their name but cannot be used.
fn refuse_unusable(tree: &Tree, roles: &[Role<'_>]) -> Result<(), SubmissionError> {
    for file in &tree.files {
        let wanted = is_source(&file.path)
            || is_header(&file.path)
            || roles.iter().any(|role| role.rank(&file.path).is_some());
        let special = file.path == MANIFEST
            || file.path == "Cargo.toml"
            || file.path.eq_ignore_ascii_case("makefile")
            || file.path == "GNUmakefile";
        match &file.content {
            Content::Refused(why) if wanted || special => {
                return Err(SubmissionError::Unusable {
                    file: file.path.clone(),
                    why: why.clone(),
                });
            }
            Content::Bytes(bytes)
                if wanted && matches!(source::magic(bytes), Magic::Elf | Magic::Archive) =>
            {
                return Err(SubmissionError::Unusable {
                    file: file.path.clone(),
                    why: "this is a compiled program (ELF); hand in the source".to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

fn must_exist<'t>(tree: &'t Tree, role: &str, path: &str) -> Result<&'t File, SubmissionError> {
    if let Some(file) = tree.get(path) {
        return match &file.content {
            Content::Bytes(bytes) if source::magic(bytes) == Magic::Elf => {
                Err(SubmissionError::Unusable {
                    file: path.to_owned(),
                    why: "this is a compiled program (ELF); hand in the source".to_owned(),
                })
            }
            Content::Bytes(_) => Ok(file),
            Content::Refused(why) => Err(SubmissionError::Unusable {
                file: path.to_owned(),
                why: why.clone(),
            }),
        };
    }
    Err(SubmissionError::Manifest(format!(
        "{MANIFEST}: [programs.{role}]: there is no file `{path}`; the submission has {}",
        listing(tree)
    )))
}

fn runnable(file: &File) -> Result<(), SubmissionError> {
    if source::magic(file.bytes().unwrap_or_default()) == Magic::Script {
        return Ok(());
    }
    Err(SubmissionError::Unusable {
        file: file.path.clone(),
        why: "it cannot be executed: not a script that begins with #!; name `sources` or `make` \
              in grader.toml instead"
            .to_owned(),
    })
}

fn nothing_found(tree: &Tree, layout: &Layout) -> SubmissionError {
    let looked_for = layout
        .missing
        .iter()
        .map(|(role, names)| format!("{names} ({role})"))
        .collect::<Vec<_>>()
        .join("; ");
    SubmissionError::NothingFound {
        path: tree.root.clone(),
        looked_for: format!("Makefile, Cargo.toml, {looked_for}"),
        found: listing(tree),
    }
}

/// The first files by name, compiled ones marked.
fn listing(tree: &Tree) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<String> = tree
        .files
        .iter()
        .take(SHOWN)
        .map(|file| {
            let compiled = file.bytes().map(source::magic) == Some(Magic::Elf);
            let mark = if compiled {
                " (a compiled program: hand in the source)"
            } else {
                ""
            };
            format!("{}{mark}", file.path)
        })
        .collect();
    if tree.files.len() > SHOWN {
        names.push(format!("and {} more", tree.files.len() - SHOWN));
    }
    names.join(", ")
}

/// The Makefile as GNU make would choose it, or one spelt in a way that Linux make ignores: at the
/// top, or in the lab's own directory, or the only one there is.
fn makefile<'t>(tree: &'t Tree, home: Option<&str>) -> Option<&'t File> {
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

fn is_below(file: &File, home: Option<&str>) -> bool {
    home.is_none_or(|home| {
        let rest = file.path.strip_prefix(home);
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Explicit targets of a Makefile: plain names at the beginning of a rule.
fn targets(text: &str) -> Vec<String> {
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
fn other_goals(targets: &[String], roles: &[&Role<'_>]) -> Vec<String> {
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

/// A file the C or C++ compiler is called with.
pub(super) fn is_source(path: &str) -> bool {
    matches!(extension(path), Some("c")) || is_cxx(path)
}

/// A C++ source file.
pub(super) fn is_cxx(path: &str) -> bool {
    matches!(extension(path), Some("cc" | "cpp" | "cxx" | "C"))
}

fn is_header(path: &str) -> bool {
    matches!(extension(path), Some("h" | "hpp" | "hh"))
}

fn extension(path: &str) -> Option<&str> {
    base(path).rsplit_once('.').map(|(_, extension)| extension)
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name without directories and extension.
pub(super) fn stem(path: &str) -> &str {
    let base = base(path);
    base.rsplit_once('.')
        .map_or(base, |(stem, _)| if stem.is_empty() { base } else { stem })
}

fn without_extension(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => stem,
        _ => path,
    }
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lab::{AddressMode, ExitMode, StreamMode};
    use proptest::prelude::*;

    pub(in crate::submission) fn program(
        name: &str,
        executable: &str,
        sources: &[&str],
    ) -> Program {
        Program {
            socket: None,
            same_as: None,
            name: name.to_owned(),
            executable: executable.to_owned(),
            sources: sources.iter().map(|s| (*s).to_owned()).collect(),
            args: vec!["{socket}".to_owned()],
            address: AddressMode::Argv,
            reference: executable.to_owned(),
            stdout: StreamMode::Exact,
            stderr: StreamMode::Free,
            exit: ExitMode::Exact,
            env: Vec::new(),
            unflushed: crate::lab::Unflushed::Costs,
            reads: None,
            ignore: crate::lab::Ignore::default(),
        }
    }

    fn pair() -> Vec<Program> {
        vec![
            program(
                "server",
                "us-server",
                &["us-server.c", "server.c", "*server*.c"],
            ),
            program(
                "client",
                "us-client",
                &["us-client.c", "client.c", "*client*.c"],
            ),
        ]
    }

    pub(in crate::submission) const MAIN: &str = "int main(void) { return 0; }";

    pub(in crate::submission) fn tree(files: &[(&str, &str)]) -> Tree {
        let mut files: Vec<File> = files
            .iter()
            .map(|(path, content)| File {
                path: (*path).to_owned(),
                content: Content::Bytes(content.as_bytes().to_vec()),
                executable: false,
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Tree {
            root: "sub".into(),
            files,
            notes: Vec::new(),
        }
    }

    fn layout(files: &[(&str, &str)]) -> Layout {
        find(&tree(files), &pair(), None, &[]).unwrap()
    }

    fn error(files: &[(&str, &str)]) -> String {
        find(&tree(files), &pair(), None, &[])
            .unwrap_err()
            .to_string()
    }

    fn sources(layout: &Layout, role: &str) -> Vec<String> {
        layout
            .units
            .iter()
            .find_map(|unit| match unit {
                Unit::Sources(s) if s.role == role => Some(s.files.clone()),
                _ => None,
            })
            .unwrap_or_default()
    }

    #[test]
    fn the_best_pattern_wins() {
        let found = layout(&[
            ("my_server_old.c", MAIN),
            ("server.c", MAIN),
            ("us-client.c", MAIN),
            ("client.c", MAIN),
        ]);
        assert_eq!(sources(&found, "server"), ["server.c"]);
        assert_eq!(sources(&found, "client"), ["us-client.c"]);
        assert!(found.missing.is_empty());
    }

    #[test]
    fn case_does_not_matter() {
        let found = layout(&[("Server.c", MAIN), ("UnixClient.c", MAIN)]);
        assert_eq!(sources(&found, "server"), ["Server.c"]);
        assert_eq!(sources(&found, "client"), ["UnixClient.c"]);
    }

    #[test]
    fn helpers_are_linked_where_they_belong() {
        let found = layout(&[
            ("server.c", MAIN),
            ("client.c", MAIN),
            ("connection.c", "int open_it(void);"),
            ("server_util.c", "void serve(void) {}"),
            ("client_util.c", "void talk(void) {}"),
            ("lib/io.c", "int io;"),
            ("README.md", "hello"),
        ]);
        assert_eq!(
            sources(&found, "server"),
            ["server.c", "connection.c", "lib/io.c", "server_util.c"]
        );
        assert_eq!(
            sources(&found, "client"),
            ["client.c", "client_util.c", "connection.c", "lib/io.c"]
        );
    }

    #[test]
    fn a_directory_per_program_keeps_its_helpers() {
        let found = layout(&[
            ("srv/server.c", MAIN),
            ("srv/util.c", "int u;"),
            ("cli/client.c", MAIN),
            ("cli/util.c", "int u;"),
            ("common/io.c", "int io;"),
        ]);
        assert_eq!(
            sources(&found, "server"),
            ["srv/server.c", "common/io.c", "srv/util.c"]
        );
        assert_eq!(
            sources(&found, "client"),
            ["cli/client.c", "cli/util.c", "common/io.c"]
        );
    }

    #[test]
    fn one_role_is_enough() {
        let found = layout(&[("server.c", MAIN)]);
        assert_eq!(sources(&found, "server"), ["server.c"]);
        let [(role, names)] = found.missing.as_slice() else {
            panic!("{:?}", found.missing);
        };
        assert_eq!(role, "client");
        assert_eq!(names, "us-client.c, client.c, *client*.c");
    }

    #[test]
    fn the_code_tells_a_server_from_a_client() {
        let found = layout(&[
            ("s.c", "int main(void) { bind(f,a,n); listen(f, 5); }"),
            ("c.c", "int main(void) { connect(f,a,n); }"),
        ]);
        assert_eq!(sources(&found, "server"), ["s.c"]);
        assert_eq!(sources(&found, "client"), ["c.c"]);
    }

    #[test]
    fn a_lone_program_is_the_one_asked_for() {
        let one = [program("filter", "pipe-upper", &["pipe-upper.c"])];
        let found = find(
            &tree(&[("lab25.c", MAIN), ("x.c", "int x;")]),
            &one,
            None,
            &[],
        )
        .unwrap();
        assert_eq!(sources(&found, "filter"), ["lab25.c", "x.c"]);
        let error = find(&tree(&[("a.c", MAIN), ("b.c", MAIN)]), &one, None, &[]).unwrap_err();
        assert!(error.to_string().contains("a.c, b.c"), "{error}");
    }

    #[test]
    fn what_is_ambiguous_is_said_with_the_way_out() {
        let message = error(&[("server1.c", MAIN), ("server2.c", MAIN), ("client.c", MAIN)]);
        assert!(
            message.contains("server: several files could be it: server1.c, server2.c"),
            "{message}"
        );
        assert!(
            message.contains("[programs.server]\n    sources = [\"server1.c\"]"),
            "{message}"
        );
        let both = error(&[("client_server.c", MAIN)]);
        assert!(both.contains("client_server.c"), "{both}");
    }

    #[test]
    fn the_least_nested_file_wins() {
        let found = layout(&[
            ("server.c", MAIN),
            ("old/server.c", MAIN),
            ("client.c", MAIN),
        ]);
        assert_eq!(sources(&found, "server"), ["server.c"]);
        assert!(error(&[("a/server.c", MAIN), ("b/server.c", MAIN)]).contains("a/server.c"));
    }

    #[test]
    fn a_file_without_main_is_a_last_resort() {
        let found = layout(&[("server.c", "#include \"body.inc\""), ("client.c", MAIN)]);
        assert_eq!(sources(&found, "server"), ["server.c"]);
        let found = layout(&[("server.c", "int helper;"), ("serverapp.c", MAIN)]);
        assert_eq!(sources(&found, "server"), ["serverapp.c", "server.c"]);
    }

    #[test]
    fn the_manifest_settles_it() {
        let found = layout(&[
            ("server1.c", MAIN),
            ("server2.c", MAIN),
            ("client.c", MAIN),
            (
                "grader.toml",
                "[programs.server]\nsources = ['server2.c']\nflags = ['-lm']",
            ),
        ]);
        assert_eq!(sources(&found, "server"), ["server2.c"]);
        assert_eq!(sources(&found, "client"), ["client.c"]);
        let missing = error(&[
            ("server1.c", MAIN),
            ("grader.toml", "[programs.server]\nsources = ['server3.c']"),
        ]);
        assert!(missing.contains("no file `server3.c`"), "{missing}");
        assert!(missing.contains("server1.c"), "{missing}");
    }

    #[test]
    fn a_script_must_be_one() {
        let script = "[programs.server]\nexecutable = 'srv.py'";
        let found = layout(&[("srv.py", "#!/usr/bin/python3\n"), ("grader.toml", script)]);
        assert_eq!(sources(&found, "server"), ["srv.py"]);
        let plain = error(&[("srv.py", "import os"), ("grader.toml", script)]);
        assert!(plain.contains("srv.py: it cannot be executed"), "{plain}");
        let elf = error(&[("srv.py", "\x7fELF..."), ("grader.toml", script)]);
        assert!(elf.contains("compiled program (ELF)"), "{elf}");
    }

    #[test]
    fn a_makefile_comes_before_patterns_which_stay_as_second_choice() {
        let found = layout(&[
            (
                "Makefile",
                "all: server\nserver: server.c\n\tgcc -o server server.c -lsocket\nclient: client.c\nclean:\nX := 3\n",
            ),
            ("server.c", MAIN),
            ("client.c", MAIN),
        ]);
        let [Unit::Make(make)] = found.units.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(make.file, "Makefile");
        assert_eq!(make.others, ["server", "client"]);
        assert_eq!(make.mended, None);
        assert_eq!(make.roles.len(), 2);
        assert_eq!(make.fallback.len(), 2);
        let below = layout(&[("src/Makefile", "all:"), ("src/server.c", MAIN), ("x", "")]);
        assert!(matches!(&below.units[0], Unit::Make(make) if make.file == "src/Makefile"));
        let several = layout(&[("a/Makefile", ""), ("b/Makefile", ""), ("server.c", MAIN)]);
        assert!(matches!(&several.units[0], Unit::Sources(_)));
        let odd = layout(&[("makeFile", "all:"), ("server.c", MAIN)]);
        assert!(matches!(&odd.units[0], Unit::Make(make) if make.file == "makeFile"));
    }

    #[test]
    fn of_several_tasks_that_with_the_labs_number_is_meant() {
        let files = ["30client.c", "30server.c", "31client.c", "31server.c"];
        let all = tree(&files.map(|name| (name, MAIN)));
        let found = |numbers: &[u32]| {
            let found = find(&all, &pair(), None, numbers).ok()?;
            let files = found.units.iter().map(|unit| match unit {
                Unit::Sources(sources) => sources.files.join(" "),
                _ => String::new(),
            });
            Some(files.collect::<Vec<_>>())
        };
        assert_eq!(found(&[30]).unwrap(), ["30server.c", "30client.c"]);
        assert_eq!(found(&[31]).unwrap(), ["31server.c", "31client.c"]);
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[25]), None);
    }

    #[test]
    fn one_program_for_both_is_built_for_both() {
        const BOTH: &str = "int main(int c, char **v) { if (!strcmp(v[1], \"client\")) connect(s); \
                            else listen(s); }";
        let found = layout(&[("lab30.c", BOTH)]);
        assert_eq!(found.units.len(), 2);
        assert!(found.missing.is_empty());
        assert_eq!(found.runs["server"], ["lab30"]);
        assert_eq!(found.runs["client"], ["lab30", "client"]);
        assert!(matches!(&found.notes[..], [Note::OneProgram(..)]));
        let made = layout(&[("lab30.c", BOTH), ("Makefile", "lab30: lab30.c\n")]);
        assert!(matches!(&made.units[..], [Unit::Make(make)] if make.both));
    }

    #[test]
    fn what_another_program_starts_is_not_the_one_asked_for() {
        let one = [program("talk", "course-26", &["*.c"])];
        let starts = r#"int main() { popen("./receiver", "w"); }"#;
        let files = [("receiver.c", MAIN), ("sender.c", starts)];
        let found = find(&tree(&files), &one, None, &[]).unwrap();
        assert!(
            matches!(&found.units[..], [Unit::Sources(s)] if s.files == ["sender.c"]),
            "{:?}",
            found.units
        );
    }

    #[test]
    fn what_make_leaves_is_matched_by_name() {
        let programs = pair();
        let roles: Vec<&Program> = programs.iter().collect();
        let made = |names: &[&str]| -> Result<Vec<(String, String)>, String> {
            let made: Vec<(&str, &[u8])> = names
                .iter()
                .map(|name| {
                    let code: &[u8] = match *name {
                        "a" => b"\0listen\0connect\0",
                        "b" => b"\0connect\0",
                        _ => b"",
                    };
                    (*name, code)
                })
                .collect();
            executables(&made, &roles)
                .map(|found| {
                    let mut found: Vec<_> = found
                        .into_iter()
                        .map(|(role, path)| (role, path.to_owned()))
                        .collect();
                    found.sort();
                    found
                })
                .map_err(|error| error.to_string())
        };
        let both = |client: &str, server: &str| {
            Ok(vec![
                ("client".to_owned(), client.to_owned()),
                ("server".to_owned(), server.to_owned()),
            ])
        };
        assert_eq!(
            made(&["bin/server", "bin/client"]),
            both("bin/client", "bin/server")
        );
        assert_eq!(
            made(&["my_server.out", "cli"]),
            both("cli", "my_server.out")
        );
        assert_eq!(
            made(&["us-server", "server", "client"]),
            both("client", "us-server")
        );
        assert!(
            made(&["server-a", "server-b"])
                .unwrap_err()
                .contains("make = \"server-a\"")
        );
        assert_eq!(made(&["foo", "bar"]), Ok(vec![]));
        // What they import, and then single letters.
        assert_eq!(made(&["a", "b"]), both("b", "a"));
        assert_eq!(made(&["30c", "30s"]), both("30c", "30s"));
    }

    #[test]
    fn goals_are_named_like_roles_or_are_all_that_build() {
        let goals = |text: &str| {
            let found = layout(&[("Makefile", text), ("server.c", MAIN)]);
            match &found.units[..] {
                [Unit::Make(make)] => make.others.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            goals("clean:\nserv: a.c\nclnt: b.c\nrun_server:\n"),
            ["serv", "clnt"]
        );
        assert_eq!(
            goals("clean:\np1: a.c\np2: b.c\nx.o:\ntest:\n"),
            ["p1", "p2"]
        );
    }

    #[test]
    fn other_languages_are_found_by_name_and_by_code() {
        let found = layout(&[
            ("Server.java", "static void main(String[] a) {}"),
            ("talk.py", "#!/usr/bin/python3\ns.connect(p)"),
            ("test.sh", "#!/bin/sh\n"),
        ]);
        assert_eq!(sources(&found, "server"), ["Server.java"]);
        assert_eq!(sources(&found, "client"), ["talk.py"]);
        let c_first = layout(&[
            ("server.c", MAIN),
            ("server.py", "#!/bin/sh"),
            ("client.c", MAIN),
        ]);
        assert_eq!(sources(&c_first, "server"), ["server.c"]);
    }

    #[test]
    fn of_many_tasks_the_labs_own_directory_is_taken() {
        let mut lab = crate::submission::build::tests::lab();
        lab.id = "course-30".into();
        let files = [
            ("i/lab25/Makefile", ""),
            ("i/lab30/Makefile", ""),
            ("i/lab30/server.c", MAIN),
            ("i/lab30/client.c", MAIN),
            ("i/lab31/server.c", MAIN),
        ];
        let all = tree(&files);
        assert_eq!(home(&all, &lab), Some("i/lab30"));
        let found = find(&all, &pair(), home(&all, &lab), &[30]).unwrap();
        assert!(
            matches!(&found.units[..], [Unit::Make(make)] if make.file == "i/lab30/Makefile" && make.fallback.len() == 2)
        );
        let two = tree(&[("a/lab30/x.c", MAIN), ("b/lab30/x.c", MAIN)]);
        assert_eq!(home(&two, &lab), None);
        assert_eq!(home(&tree(&[("x.c", MAIN)]), &lab), None);
    }

    #[test]
    fn a_helper_may_hold_the_calls() {
        let found = layout(&[
            ("one.c", "int main(void) { accept(serve(), 0, 0); }"),
            (
                "two.c",
                "#include <sys/socket.h>\nint main(void) { reach(); }",
            ),
            (
                "net.c",
                "int serve(void) { listen(1, 2); } int reach(void) { connect(1, a, n); }",
            ),
        ]);
        assert_eq!(sources(&found, "server"), ["one.c", "net.c"]);
        assert_eq!(sources(&found, "client"), ["two.c", "net.c"]);
        let none = layout(&[("server.c", MAIN), ("unit_tests.c", MAIN)]);
        assert_eq!(none.missing.len(), 1);
    }

    #[test]
    fn cargo_packages_are_known() {
        let found = layout(&[("Cargo.toml", "[package]"), ("src/main.rs", "fn main() {}")]);
        assert!(matches!(&found.units[..], [Unit::Cargo(roles)] if roles.len() == 2));
    }

    #[test]
    fn compiled_programs_are_refused_as_source_and_ignored_otherwise() {
        let mut elf = "\x7fELF".to_owned();
        elf.extend(std::iter::repeat_n('\0', 12));
        elf.push('\x03');
        elf.push('\0');
        let message = error(&[("server.c", &elf)]);
        assert!(message.contains("server.c: this is a compiled program (ELF)"));
        let found = layout(&[("server.c", MAIN), ("server", &elf)]);
        assert!(found.notes.contains(&Note::Compiled("server".to_owned())));
        let nothing = error(&[("server", &elf), ("notes.txt", "x")]);
        assert!(
            nothing.contains("no program of this lab found"),
            "{nothing}"
        );
        assert!(nothing.contains("us-server.c, server.c"), "{nothing}");
        assert!(
            nothing.contains("server (a compiled program: hand in"),
            "{nothing}"
        );
    }

    #[test]
    fn a_needed_file_that_cannot_be_read_is_an_error_others_are_not() {
        let mut tree = tree(&[("server.c", MAIN), ("data.bin", "")]);
        for file in &mut tree.files {
            if file.path == "data.bin" {
                file.content = Content::Refused("cannot be read: permission denied".to_owned());
            }
        }
        assert!(find(&tree, &pair(), None, &[]).is_ok());
        for file in &mut tree.files {
            file.content = Content::Refused("cannot be read: permission denied".to_owned());
        }
        let error = find(&tree, &pair(), None, &[]).unwrap_err().to_string();
        assert_eq!(error, "server.c: cannot be read: permission denied");
    }

    proptest! {
        /// Whatever the files are called, no file is two programs, and the order of the lab's
        /// roles decides nothing.
        #[test]
        fn no_file_is_two_programs(names in proptest::collection::btree_set("(us-|my_|a/)?(server|client|both_server_client|x)[12]?\\.c", 1..6)) {
            let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), MAIN)).collect();
            let mut roles = pair();
            let one = find(&tree(&files), &roles, None, &[]);
            roles.reverse();
            let other = find(&tree(&files), &roles, None, &[]);
            match (one, other) {
                (Ok(one), Ok(other)) => {
                    let (server, client) = (sources(&one, "server"), sources(&one, "client"));
                    if let (Some(a), Some(b)) = (server.first(), client.first()) {
                        prop_assert_ne!(a, b);
                    }
                    prop_assert_eq!(server, sources(&other, "server"));
                    prop_assert_eq!(client, sources(&other, "client"));
                }
                (one, other) => prop_assert_eq!(one.is_err(), other.is_err()),
            }
        }
    }
}
