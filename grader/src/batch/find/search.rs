//! Looking through the directories of a class.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::hit::Hit;
use super::{FindError, Query};
use crate::batch::item::composed;
use crate::lab::Lang;
use crate::locale::system_error;

/// What is being looked through.
pub(super) struct Search<'a> {
    pub(super) query: &'a Query,
    pub(super) hits: Vec<Hit>,
    pub(super) notes: Vec<String>,
    pub(super) lost: Vec<String>,
    pub(super) root: PathBuf,
    /// The links that were followed.
    pub(super) links: BTreeSet<PathBuf>,
    /// The working tree of git that it is in: students have put links there, not the instructor.
    tree: Option<PathBuf>,
    /// How many directories and files were looked at.
    entries: usize,
    listed: HashMap<PathBuf, Rc<[Entry]>>,
    /// How many of them `listed` holds.
    held: usize,
    /// Whether the directories in one are those of students, as far as that was asked.
    pub(super) students: HashMap<PathBuf, bool>,
    /// Whether they have labs in them, and whether they have one archive each.
    pub(super) have_labs: HashMap<PathBuf, bool>,
    pub(super) one_archive: HashMap<PathBuf, bool>,
}

/// Something in a directory: name, path, whether it is a directory.
pub(super) type Entry = (String, PathBuf, bool);

/// Directories and files that are looked at, at most.
const MOST: usize = 1_000_000;

/// Directories and files that are remembered: what a directory is, is asked from above and soon
/// again from within.
const REMEMBERED: usize = 16_384;

/// The first few of these names, for a person who looks for the right one; the word for none.
pub(super) fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>, lang: Lang) -> String {
    match names.len() {
        0 => lang.pick("nothing", "ничего").to_owned(),
        _ => crate::text::some_of(names),
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(query: &'a Query, root: &Path) -> Self {
        Self {
            query,
            hits: Vec::new(),
            notes: Vec::new(),
            lost: Vec::new(),
            root: root.to_owned(),
            links: BTreeSet::new(),
            tree: working_tree(root),
            entries: 0,
            listed: HashMap::new(),
            held: 0,
            students: HashMap::new(),
            have_labs: HashMap::new(),
            one_archive: HashMap::new(),
        }
    }

    /// The names in a directory, sorted; those that cannot be printed are noted.
    pub(super) fn list(&mut self, dir: &Path) -> Result<Rc<[Entry]>, FindError> {
        if let Some(known) = self.listed.get(dir) {
            return Ok(Rc::clone(known));
        }
        let entries: Rc<[Entry]> = self.read(dir)?.into();
        self.held += entries.len() + 1;
        if self.held > REMEMBERED {
            self.listed.clear();
            self.held = entries.len() + 1;
        }
        self.listed.insert(dir.to_owned(), Rc::clone(&entries));
        Ok(entries)
    }

    fn read(&mut self, dir: &Path) -> Result<Vec<Entry>, FindError> {
        let unreadable = |error| FindError::Unreadable {
            path: dir.to_owned(),
            error,
        };
        let listing = match std::fs::read_dir(dir) {
            Ok(listing) => listing,
            // One student's directory stops nobody else.
            Err(error) if dir != self.root => {
                let shown = self.shown(dir);
                let [en, ru] = [Lang::En, Lang::Ru].map(|lang| system_error(&error, lang));
                self.lose(&shown, &en, &ru);
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut out = Vec::new();
        for entry in listing {
            let entry = entry.map_err(unreadable)?;
            self.entries += 1;
            if self.entries > MOST {
                return Err(FindError::TooMany {
                    path: self.root.clone(),
                    most: MOST,
                });
            }
            let name = entry.file_name();
            let Some(text) = name
                .to_str()
                .filter(|name| !name.chars().any(char::is_control))
            else {
                use std::os::unix::ffi::OsStrExt as _;
                let shown = supervisor::bytes::escape(name.as_bytes());
                let shown = match self.shown(dir).as_str() {
                    "" => shown,
                    dir => format!("{dir}/{shown}"),
                };
                self.lose(
                    &shown,
                    "its name is not printable UTF-8",
                    "имя — не печатаемый текст в UTF-8",
                );
                continue;
            };
            if text.starts_with('.') || text == "__MACOSX" {
                continue;
            }
            // Links are followed: an instructor may have put the class together with them. In a
            // repository they lead to nothing else of this machine, and nowhere to the work of others.
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if let Some(why) = is_link.then(|| self.leads_astray(dir, &path)).flatten() {
                let shown = self.shown(&path);
                self.lose(&shown, why.0, why.1);
                continue;
            }
            let is_dir = path.is_dir();
            if is_link {
                self.links.insert(path.clone());
            }
            out.push((composed(text), path, is_dir));
        }
        out.sort();
        Ok(out)
    }

    /// What is wrong with a link in `dir`: following it would find nothing, the class again, or what
    /// was not handed in. In both languages.
    fn leads_astray(&self, dir: &Path, link: &Path) -> Option<(&'static str, &'static str)> {
        let Ok(target) = link.canonicalize() else {
            return Some(("a link that leads nowhere", "ссылка никуда не ведёт"));
        };
        if self
            .tree
            .as_ref()
            .is_some_and(|tree| !target.starts_with(tree))
        {
            return Some((
                "a link that leads out of the repository",
                "ссылка ведёт за пределы репозитория",
            ));
        }
        let dir = dir.canonicalize().ok()?;
        (dir.starts_with(&target)).then_some((
            "a link to a directory that it is in itself",
            "ссылка на каталог, в котором она сама лежит",
        ))
    }

    /// Notes something in the language that was asked for.
    pub(super) fn note(&mut self, en: String, ru: String) {
        self.notes.push(self.query.lang.pick(en, ru));
    }

    /// Notes what may be somebody's work, and why it cannot be graded.
    pub(super) fn lose(&mut self, shown: &str, en: &str, ru: &str) {
        self.lost.push(passed_over(self.query.lang, shown, en, ru));
    }

    /// A path below the source, for people.
    pub(super) fn shown(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        crate::text::clean(&inside.display().to_string())
    }
}

/// That something is not graded, and why.
pub(super) fn passed_over(lang: Lang, shown: &str, en: &str, ru: &str) -> String {
    lang.pick(
        format!("passed over {shown}: {en}"),
        format!("пропущено {shown}: {ru}"),
    )
}

/// The top of the working tree that a directory is in.
fn working_tree(root: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let mut above = root.ancestors();
    above
        .find(|dir| dir.join(".git").exists())
        .map(Path::to_owned)
}
