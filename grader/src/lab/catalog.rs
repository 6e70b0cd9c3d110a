//! Where labs come from: the ones inside the executable, and directories on disk. The only part of
//! [`lab`](super) that reads files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::diagnostics::Diagnostics;
use super::model::{Lab, Lang, Text};
use super::parse::{MOST_SOURCE, parse_with};
use super::starter::Starter;
use super::{names, values};

/// The longest snapshot or handout that is read, in bytes.
const MOST_TEXT: usize = 8 << 20;
/// The most files of one kind that are read from one lab.
const MOST_FILES: usize = 1000;

/// A lab inside the executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedLab {
    /// Its id.
    pub id: &'static str,
    /// Its `lab.toml`.
    pub toml: &'static str,
    /// Handouts: language (`en`) and Markdown.
    pub handouts: &'static [(&'static str, &'static str)],
    /// Snapshots: scenario and the text of the file.
    pub snapshots: &'static [(&'static str, &'static str)],
    /// What a student begins with: file name and text.
    pub starter: &'static [(&'static str, &'static str)],
    /// Its `starter.toml`.
    pub meets: Option<&'static str>,
    /// The C files of its directory `tools`: name and text.
    pub tools: &'static [(&'static str, &'static str)],
}

/// The labs inside the executable, by id.
#[must_use]
pub fn embedded() -> &'static [EmbeddedLab] {
    const LABS: &[EmbeddedLab] = include!(concat!(env!("OUT_DIR"), "/labs.rs"));
    LABS
}

/// A lab with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabSource {
    /// The lab.
    pub lab: Lab,
    /// The text of its `lab.toml`.
    pub toml: String,
    /// Its name in messages: `labs/mylab/lab.toml`, `us-upper/lab.toml (built in)`.
    pub file: String,
    /// Its directory; `None` for a lab inside the executable.
    pub dir: Option<PathBuf>,
    /// Recorded transcripts: scenario to the text of the snapshot file.
    pub snapshots: BTreeMap<String, String>,
    /// Handouts in Markdown, by language (`en`).
    pub handouts: BTreeMap<String, String>,
    /// What a student begins with.
    pub starter: Starter,
}

impl LabSource {
    /// The handout in `lang`, or in English, or in any language.
    #[must_use]
    pub fn handout(&self, lang: Lang) -> Option<&str> {
        let code = match lang {
            Lang::En => "en",
            Lang::Ru => "ru",
        };
        self.handouts
            .get(code)
            .or_else(|| self.handouts.get("en"))
            .or_else(|| self.handouts.values().next())
            .map(String::as_str)
    }

    /// Where snapshots are recorded; `None` for a lab inside the executable.
    #[must_use]
    pub fn snapshots_dir(&self) -> Option<PathBuf> {
        self.dir.as_ref().map(|dir| dir.join("snapshots"))
    }
}

/// Why a lab cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Neither a lab inside the executable nor a directory.
    #[error("there is no lab `{name}`{}; built in are {known}; a directory with a lab.toml works as well", close.as_deref().map(|s| format!(": did you mean `{s}`?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// One that may be meant.
        close: Option<String>,
        /// The labs inside the executable.
        known: Text,
    },
    /// A directory without `lab.toml`.
    #[error("{} has no lab.toml", .0.display())]
    NoLabFile(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", .path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The lab file has errors.
    #[error("{0}")]
    Invalid(Box<Diagnostics>),
}

impl LabError {
    /// The same for who reads `lang`, as far as it is not for the lab's author.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) | (Self::Unfit { .. } | Self::Invalid(_), _) => self.to_string(),
            (Self::Unknown { name, .. }, _) => format!("задания `{name}` нет"),
            (Self::NoLabFile(dir), _) => format!("в {} нет lab.toml", dir.display()),
            (Self::Read { path, source }, _) => {
                format!("{} не читается: {source}", path.display())
            }
        }
    }
}

/// Loads a lab: by its id if it is inside the executable, else from a directory with a `lab.toml`
/// (or from the path of a `lab.toml`). A path with a slash is never an id.
///
/// # Errors
/// Unknown names, files that cannot be read or are no text or too long, and all errors of the lab
/// file.
pub fn load(name_or_path: &Path, known_references: &[&str]) -> Result<LabSource, LabError> {
    let name = name_or_path.to_str().unwrap_or_default();
    if let Some(lab) = embedded().iter().find(|lab| lab.id == name) {
        return lab.load(known_references);
    }
    match locate(name_or_path) {
        Some(dir) => from_dir(&dir, known_references),
        None => Err(unknown(name_or_path)),
    }
}

/// What linting needs of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabText {
    /// The lab file's name in messages.
    pub file: String,
    /// Its text, errors in it or not.
    pub toml: String,
    /// The C files of its directory `tools`, by name.
    pub tools: BTreeMap<String, String>,
}

/// A lab as it is written: for linting.
///
/// # Errors
/// As [`load`], without those of the lab file itself.
pub fn read_source(name_or_path: &Path) -> Result<LabText, LabError> {
    let name = name_or_path.to_str().unwrap_or_default();
    if let Some(lab) = embedded().iter().find(|lab| lab.id == name) {
        return Ok(LabText {
            file: lab.file(),
            toml: lab.toml.to_owned(),
            tools: texts(lab.tools),
        });
    }
    let dir = locate(name_or_path).ok_or_else(|| unknown(name_or_path))?;
    let file = lab_file(&dir)?;
    Ok(LabText {
        toml: read_text(&file, MOST_SOURCE)?,
        file: file.display().to_string(),
        tools: tools_in(&dir)?,
    })
}

fn texts(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    rows.iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

impl EmbeddedLab {
    fn file(&self) -> String {
        format!("{}/lab.toml (built in)", self.id)
    }

    /// The lab, parsed.
    ///
    /// # Errors
    /// [`LabError::Invalid`] where a reference program it names is not among `known_references`.
    pub fn load(&self, known_references: &[&str]) -> Result<LabSource, LabError> {
        let file = self.file();
        let tools = texts(self.tools);
        let lab = parse_with(&file, self.toml, known_references, Some(&tools))
            .map_err(|d| LabError::Invalid(Box::new(d)))?;
        let starter = starter(
            &lab,
            texts(self.starter),
            Path::new(self.id),
            self.meets.unwrap_or_default(),
        )?;
        Ok(LabSource {
            lab,
            starter,
            toml: self.toml.to_owned(),
            file,
            dir: None,
            snapshots: texts(self.snapshots),
            handouts: texts(self.handouts),
        })
    }
}

/// The declaration of what a lab's starter meets already.
const MEETS: &str = "starter.toml";

fn starter(
    lab: &Lab,
    files: BTreeMap<String, String>,
    dir: &Path,
    meets: &str,
) -> Result<Starter, LabError> {
    Starter::new(lab, files, meets).map_err(|problem| LabError::Unfit {
        path: dir.join(MEETS),
        problem,
    })
}

fn locate(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    if path.file_name().is_some_and(|name| name == "lab.toml") && path.is_file() {
        let parent = path.parent().unwrap_or(Path::new("."));
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        return Some(parent.to_owned());
    }
    None
}

fn unknown(path: &Path) -> LabError {
    let ids = || embedded().iter().map(|lab| lab.id);
    LabError::Unknown {
        name: path.display().to_string(),
        close: path
            .to_str()
            .and_then(|name| names::nearest(name, ids()))
            .map(str::to_owned),
        known: {
            let quoted: Vec<String> = ids().map(|id| format!("`{id}`")).collect();
            Text::both(names::list(ids()), quoted.join(", "))
        },
    }
}

fn lab_file(dir: &Path) -> Result<PathBuf, LabError> {
    let file = dir.join("lab.toml");
    if file.is_file() {
        Ok(file)
    } else {
        Err(LabError::NoLabFile(dir.to_owned()))
    }
}

fn from_dir(dir: &Path, known_references: &[&str]) -> Result<LabSource, LabError> {
    let file = lab_file(dir)?;
    let toml = read_text(&file, MOST_SOURCE)?;
    let name = file.display().to_string();
    let tools = tools_in(dir)?;
    let lab = parse_with(&name, &toml, known_references, Some(&tools))
        .map_err(|d| LabError::Invalid(Box::new(d)))?;
    let handouts = texts_in(dir, |name| {
        let lang = name.strip_prefix("handout.")?.strip_suffix(".md")?;
        lang.chars()
            .all(|c| c.is_ascii_lowercase())
            .then(|| lang.to_owned())
    })?;
    let folder = dir.join("snapshots");
    let snapshots = if folder.is_dir() {
        texts_in(&folder, |name| {
            let scenario = name.strip_suffix(".snap")?;
            values::is_kebab(scenario).then(|| scenario.to_owned())
        })?
    } else {
        BTreeMap::new()
    };
    let folder = dir.join("starter");
    let files = if folder.is_dir() {
        texts_in(&folder, |name| {
            (!name.starts_with('.')).then(|| name.to_owned())
        })?
    } else {
        BTreeMap::new()
    };
    let meets = dir.join(MEETS);
    let meets = if meets.exists() {
        read_text(&meets, MOST_SOURCE)?
    } else {
        String::new()
    };
    Ok(LabSource {
        starter: starter(&lab, files, dir, &meets)?,
        lab,
        toml,
        file: name,
        dir: Some(dir.to_owned()),
        snapshots,
        handouts,
    })
}

/// The C files of a lab's directory `tools`, if it has one.
fn tools_in(dir: &Path) -> Result<BTreeMap<String, String>, LabError> {
    let folder = dir.join("tools");
    if !folder.is_dir() {
        return Ok(BTreeMap::new());
    }
    texts_in(&folder, |name| {
        let is_c = name.ends_with(".c") || name.ends_with(".h");
        (is_c && values::is_file_name(name)).then(|| name.to_owned())
    })
}

/// The files of a directory whose names `key` knows, with their texts.
fn texts_in(
    dir: &Path,
    key: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, LabError> {
    let failed = |source| LabError::Read {
        path: dir.to_owned(),
        source,
    };
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A name that is not UTF-8 is none of ours.
        let Some(key) = entry.file_name().to_str().and_then(&key) else {
            continue;
        };
        if texts.len() == MOST_FILES {
            return Err(LabError::Unfit {
                path: dir.to_owned(),
                problem: format!("more than {MOST_FILES} files"),
            });
        }
        texts.insert(key, read_text(&entry.path(), MOST_TEXT)?);
    }
    Ok(texts)
}

/// The text of a regular file of at most `most` bytes.
fn read_text(path: &Path, most: usize) -> Result<String, LabError> {
    let failed = |source| LabError::Read {
        path: path.to_owned(),
        source,
    };
    let unfit = |problem: String| LabError::Unfit {
        path: path.to_owned(),
        problem,
    };
    // Asked before opening: opening a FIFO would wait for its other end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unfit("not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    File::open(path)
        .map_err(failed)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > most {
        return Err(unfit(format!("longer than {} KiB", most >> 10)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1;
        unfit(format!("not UTF-8 in line {line}"))
    })
}
