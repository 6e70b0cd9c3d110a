//! Submissions in a git repository, read object by object: nothing is checked out, so that neither
//! hooks nor filters nor attributes of a repository are ever asked.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;

use super::archive::{ArchiveBounds, ArchiveError, Stop, Target, Unpacked, receive};
use crate::lab::Text;

mod history;
mod odd;

/// A repository, bare or with a working tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    path: PathBuf,
}

/// A branch or another reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRef {
    /// Its name without what says only of what kind it is, nor where it was fetched from:
    /// `ivanov/lab30`, `pull/17/head`.
    pub name: String,
    /// The same with where it was fetched from: `origin/ivanov/lab30`.
    pub from: String,
    /// Whether it is a branch, here or where it was fetched from.
    pub is_branch: bool,
    /// The commit's hash; empty where git cannot read what the reference points to.
    pub commit: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
}

impl GitRef {
    /// One of which only its whole name is known; `None`: git's own.
    fn named(name: &str) -> Option<Self> {
        let (short, from, is_branch) = short_name(name)?;
        Some(Self {
            name: short.to_owned(),
            from: from.to_owned(),
            is_branch,
            commit: String::new(),
            time: 0,
        })
    }
}

/// What git complains of.
#[derive(Debug)]
struct Complaint {
    /// What it ended with, or else what it said first.
    worst: String,
    /// The references that it passed over.
    broken: Vec<String>,
}

/// The most that git may say about names, in bytes.
const MOST_NAMES: u64 = 64 << 20;

/// The longest complaint of git's that is told, in bytes.
const MOST_COMPLAINT: u64 = 4096;

/// Of broken references more are not named.
const MOST_BROKEN: usize = 1000;

/// The beginning of a commit that is looked at, in bytes: its time stands before the message.
const COMMIT_HEAD: u64 = 1 << 16;

/// Those whose names are known without what is before them.
const PLAIN: [&str; 3] = ["refs/heads/", "refs/tags/", "refs/remotes/"];

/// A reference's name as people know it, the same with where it was fetched from, and whether it is
/// a branch; `None`: git's own.
fn short_name(name: &str) -> Option<(&str, &str, bool)> {
    const OWN: [&str; 6] = [
        "stash",
        "notes/",
        "replace/",
        "original/",
        "bisect/",
        "prefetch/",
    ];
    let rest = name.strip_prefix("refs/")?;
    let found = if let Some(branch) = rest.strip_prefix("heads/") {
        (branch, branch, true)
    } else if let Some(branch) = rest.strip_prefix("remotes/") {
        (branch.split_once('/')?.1, branch, true)
    } else {
        let short = rest.strip_prefix("tags/").unwrap_or(rest);
        (short, short, false)
    };
    let own = OWN.iter().any(|own| rest.starts_with(own));
    (!own && found.0 != "HEAD").then_some(found)
}

impl Repository {
    /// The repository in the directory `path`; `None` where there is none.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
        (bare || path.join(".git").exists()).then(|| Self {
            path: path.to_owned(),
        })
    }

    /// The same of a directory that is met for the first time; `None` too where it has things in it which
    /// no repository has. All of it is looked at, once.
    #[must_use]
    pub fn found_at(path: &Path) -> Option<Self> {
        Self::at(path).filter(|_| !odd::is_odd(path))
    }

    /// A student's clone, which nothing in it may lead out of; otherwise what in it does.
    ///
    /// # Errors
    /// The path of that, below `path`.
    pub fn clone_at(path: &Path) -> Result<Self, PathBuf> {
        match odd::leads_elsewhere(path) {
            Some(leading) => Err(leading),
            None => Ok(Self {
                path: path.to_owned(),
            }),
        }
    }

    /// What in it has git read objects or branches of another repository, which need not be its owner's.
    #[must_use]
    pub fn borrows(&self) -> Option<PathBuf> {
        odd::borrows(&self.path)
    }

    /// Whether it has a working tree, which is then a directory like any other.
    #[must_use]
    pub fn has_tree(&self) -> bool {
        self.path.join(".git").exists()
    }

    fn git(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .env("HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            // Neither fetch what is missing nor put one object in place of another.
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .args(["--no-pager", "-c", "core.fsmonitor=false"])
            .args(["-c", "core.hooksPath=/dev/null"])
            // Whose repository it is does not matter where nothing of it is executed.
            .args(["-c", "safe.directory=*"])
            .arg("-C")
            .arg(&self.path)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn failed(&self, error: impl Into<String>) -> ArchiveError {
        ArchiveError::Git {
            path: self.path.clone(),
            error: error.into(),
        }
    }

    /// A tree can name more than there is room for, a million times the same: whoever made it is at fault.
    fn names_too_much(&self) -> ArchiveError {
        ArchiveError::Unfit {
            path: self.path.clone(),
            why: Text::both(
                "more names than can be read; hand in sources only",
                "имён больше, чем можно прочитать; сдавайте только исходные тексты",
            ),
        }
    }

    /// What a command says, whole.
    fn said(&self, words: &[&str]) -> Result<Vec<u8>, ArchiveError> {
        let (status, out, error) = self.ended(words)?;
        if status.success() {
            Ok(out)
        } else {
            Err(self.failed(error.worst))
        }
    }

    /// How a command ends, what it says, whole, and what it complains of.
    fn ended(&self, words: &[&str]) -> Result<(ExitStatus, Vec<u8>, Complaint), ArchiveError> {
        let started = self.git(words).spawn();
        let mut child = started.map_err(|error| self.failed(error.to_string()))?;
        // Read beside what it says: git waits where a pipe is full, and how much it warns of is up to the repository.
        let complaint = child
            .stderr
            .take()
            .map(|stderr| thread::spawn(|| complaint(stderr)));
        let mut out = Vec::new();
        let read = match child.stdout.take() {
            Some(stdout) => stdout.take(MOST_NAMES + 1).read_to_end(&mut out),
            None => Ok(0),
        };
        if out.len() as u64 > MOST_NAMES {
            let _ = child.kill();
            let _ = child.wait();
            return Err(self.names_too_much());
        }
        let status = child.wait();
        let status = status.map_err(|error| self.failed(error.to_string()))?;
        read.map_err(|error| self.failed(error.to_string()))?;
        let complaint = complaint.and_then(|reading| reading.join().ok());
        let nothing = || complaint_of(String::new(), Vec::new());
        Ok((status, out, complaint.unwrap_or_else(nothing)))
    }

    /// Every branch, of this repository and of those it was fetched from, every tag, and what
    /// else was given a name (`refs/submissions/…`). Where a branch is here and there, the one
    /// here counts. Those that git cannot read have no commit.
    ///
    /// # Errors
    /// git cannot read the repository.
    pub fn refs(&self) -> Result<Vec<GitRef>, ArchiveError> {
        // Names and hashes alone: git gives up on all where it has to read a commit that is not there.
        let words = ["for-each-ref", "--format=%(refname)%00%(objectname)"];
        let (status, text, complaint) = self.ended(&words)?;
        if !status.success() {
            return Err(self.failed(complaint.worst));
        }
        let fault = |error: io::Error| self.failed(error.to_string());
        let mut objects = Objects::start(self).map_err(fault)?;
        let mut out: Vec<GitRef> = Vec::new();
        let (mut others, mut broken) = (Vec::new(), Vec::new());
        for line in text.split(|c| *c == b'\n').filter(|line| !line.is_empty()) {
            let Ok(line) = std::str::from_utf8(line) else {
                continue;
            };
            let Some((name, object)) = line.split_once('\0') else {
                continue;
            };
            let Some(known) = GitRef::named(name).filter(|_| is_hash(object)) else {
                continue;
            };
            match objects.commit(object) {
                Ok(Pointed::Commit(commit, time)) => {
                    let found = GitRef {
                        commit,
                        time,
                        ..known
                    };
                    let plain = PLAIN.iter().any(|plain| name.starts_with(plain));
                    if plain { &mut out } else { &mut others }.push(found);
                }
                Ok(Pointed::Other) => {}
                Ok(Pointed::Missing) => broken.push(known),
                // git ends at what is damaged.
                Err(_) => {
                    broken.push(known);
                    objects = Objects::start(self).map_err(fault)?;
                }
            }
        }
        let ignored = complaint.broken.iter();
        broken.extend(ignored.filter_map(|name| GitRef::named(name)));
        out.append(&mut others);
        out.append(&mut broken);
        let mut seen = BTreeSet::new();
        out.retain(|found| seen.insert(found.name.clone()));
        Ok(out)
    }

    /// When the commit that is checked out was made.
    #[must_use]
    pub fn head_time(&self) -> Option<i64> {
        let commit = self.said(&["cat-file", "commit", "HEAD"]).ok()?;
        committed(&commit)
    }

    /// The directories of a commit, with `/` between their parts.
    ///
    /// # Errors
    /// git cannot read the commit.
    pub fn directories(&self, commit: &str) -> Result<Vec<String>, ArchiveError> {
        if !is_hash(commit) {
            return Err(self.failed("not a commit"));
        }
        let text = self.said(&["ls-tree", "-r", "-d", "-z", "--name-only", commit])?;
        Ok(names(&text))
    }

    /// Writes the files of a commit that are below `directory` (empty: all) into a new private
    /// directory. Links and submodules are passed over with a note.
    ///
    /// # Errors
    /// As for an archive.
    pub fn unpack(
        &self,
        commit: &str,
        directory: &str,
        bounds: &ArchiveBounds,
    ) -> Result<Unpacked, ArchiveError> {
        if !is_hash(commit) {
            return Err(self.failed("not a commit"));
        }
        let mut entries = self.entries(commit)?;
        if !directory.is_empty() {
            let inside = format!("{directory}/");
            entries.retain_mut(|entry| match entry.name.strip_prefix(inside.as_bytes()) {
                Some(rest) => {
                    entry.name = rest.to_vec();
                    true
                }
                None => false,
            });
        }
        receive(&self.path, bounds.total, bounds, |target| {
            let mut objects = Objects::start(self).map_err(Stop::Fault)?;
            for entry in &entries {
                entry.write(&mut objects, target)?;
            }
            Ok(())
        })
    }

    fn entries(&self, commit: &str) -> Result<Vec<Entry>, ArchiveError> {
        let text = self.said(&["ls-tree", "-r", "-z", commit])?;
        let mut out = Vec::new();
        for line in text.split(|c| *c == 0).filter(|line| !line.is_empty()) {
            let tab = line.iter().position(|c| *c == b'\t');
            let (head, name) = line.split_at(tab.unwrap_or(line.len()));
            let head = String::from_utf8_lossy(head);
            let words: Vec<&str> = head.split_whitespace().collect();
            let ([mode, _, object], Some((_, name))) = (&words[..], name.split_first()) else {
                return Err(self.failed("it lists files in a way that is not known"));
            };
            out.push(Entry {
                mode: (*mode).to_owned(),
                object: (*object).to_owned(),
                name: name.to_vec(),
            });
        }
        Ok(out)
    }
}

/// What a command complains of; what is not kept is read and dropped.
fn complaint(from: impl Read) -> Complaint {
    let mut from = BufReader::new(from);
    let (mut first, mut fatal, mut broken) = (String::new(), None, Vec::new());
    let mut line = Vec::new();
    // What cannot be read is not told; the status says that it has failed.
    while let Ok(1..) = (&mut from)
        .take(MOST_COMPLAINT)
        .read_until(b'\n', &mut line)
    {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let ignored = ["broken ref ", "dangling symref "]
            .iter()
            .find_map(|kind| text.strip_prefix("warning: ignoring ")?.strip_prefix(kind));
        if let Some(name) = ignored.filter(|_| broken.len() < MOST_BROKEN) {
            broken.push(name.to_owned());
        }
        if fatal.is_none() && text.starts_with("fatal: ") {
            fatal = Some(text.clone());
        }
        if first.is_empty() {
            first = text;
        }
        line.clear();
    }
    complaint_of(fatal.unwrap_or(first), broken)
}

fn complaint_of(worst: String, broken: Vec<String>) -> Complaint {
    let worst = match worst.is_empty() {
        true => "it failed".to_owned(),
        false => worst,
    };
    Complaint { worst, broken }
}

/// The names that git has listed with `-z`, those that are text.
fn names(listed: &[u8]) -> Vec<String> {
    let names = listed.split(|c| *c == 0).filter(|name| !name.is_empty());
    names
        .filter_map(|name| std::str::from_utf8(name).ok().map(str::to_owned))
        .collect()
}

/// SHA-1 or SHA-256, as git prints it: nothing that could be taken for an option.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

struct Entry {
    mode: String,
    object: String,
    name: Vec<u8>,
}

impl Entry {
    fn write(&self, objects: &mut Objects, target: &mut Target<'_>) -> Result<(), Stop> {
        let Some(name) = target.name(&self.name)? else {
            return Ok(());
        };
        let executable = match self.mode.as_str() {
            "100644" | "100664" => false,
            "100755" => true,
            "160000" => {
                target.skip(
                    &self.name,
                    "it is a submodule, not a file",
                    "это подмодуль, а не файл",
                );
                return Ok(());
            }
            _ => {
                target.skip(
                    &self.name,
                    "it is a link, not a file",
                    "это ссылка, а не файл",
                );
                return Ok(());
            }
        };
        let size = objects.ask(&self.object).map_err(Stop::Fault)?;
        let mut content = (&mut objects.answers).take(size);
        target.file(&name, executable, None, &mut content)?;
        objects.end().map_err(Stop::Fault)
    }
}

/// What a reference points to: a commit with its time, something else, or nothing that is there.
enum Pointed {
    Commit(String, i64),
    Other,
    Missing,
}

/// When a commit was made, in seconds since 1970.
fn committed(commit: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(commit);
    let line = text.lines().find(|line| line.starts_with("committer "))?;
    line.rsplit(' ').nth(1)?.parse().ok()
}

/// `git cat-file --batch`: one question, one answer.
struct Objects {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    fn start(repository: &Repository) -> io::Result<Self> {
        let mut command = repository.git(&["cat-file", "--batch"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            child,
            questions,
            answers: BufReader::new(answers),
        })
    }

    /// Asks for a file and gives its size; its bytes follow.
    fn ask(&mut self, object: &str) -> io::Result<u64> {
        match self.asked(object)? {
            Some((_, kind, size)) if kind == "blob" => Ok(size),
            _ => Err(io::Error::other(format!(
                "git has no file {object} (a shallow or partial clone?)"
            ))),
        }
    }

    /// What a reference that points to `object`, or to a tag of it, points to in the end.
    fn commit(&mut self, object: &str) -> io::Result<Pointed> {
        let (hash, size) = match self.asked(&format!("{object}^{{commit}}"))? {
            Some((hash, kind, size)) if kind == "commit" => (hash, size),
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            None => {
                let Some((_, _, size)) = self.asked(object)? else {
                    return Ok(Pointed::Missing);
                };
                io::copy(&mut (&mut self.answers).take(size), &mut io::sink())?;
                self.end()?;
                return Ok(Pointed::Other);
            }
        };
        let mut text = Vec::new();
        let head = size.min(COMMIT_HEAD);
        (&mut self.answers).take(head).read_to_end(&mut text)?;
        io::copy(&mut (&mut self.answers).take(size - head), &mut io::sink())?;
        self.end()?;
        let time = committed(&text).unwrap_or_default();
        Ok(Pointed::Commit(hash, time))
    }

    /// Asks for an object: its hash, of what kind it is, and its size; its bytes follow. `None`: there
    /// is none.
    fn asked(&mut self, object: &str) -> io::Result<Option<(String, String, u64)>> {
        writeln!(self.questions, "{object}")?;
        self.questions.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, "missing"] => Ok(None),
            [hash, kind, size] => {
                let size = size.parse().map_err(io::Error::other)?;
                Ok(Some((hash.to_owned(), kind.to_owned(), size)))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        let mut newline = [0];
        self.answers.read_exact(&mut newline)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It may be in the middle of an answer that nobody reads.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;
