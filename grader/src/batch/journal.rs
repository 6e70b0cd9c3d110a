//! Results, durable the moment they exist: an append-only file of checksummed lines.
//!
//! ```text
//! grader-journal/1
//! HASH GROUP/STUDENT/LAB/ATTEMPT {"schema":"grader-result/1",…}
//! ```
//!
//! The hash is BLAKE3 of the rest of its line. JSON holds no raw newline, so that behind a damaged
//! line the next one is found without trusting it. A last line without its end was being written
//! when the machine stopped: it is cut off, and nobody was told that it is there. A line of blanks was the
//! result of somebody who was forgotten.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use thiserror::Error;

use super::item::Identity;
use super::record::ResultRecord;
use crate::lab::{Lang, Text};
use crate::locale::system_error;

const HEADER: &[u8] = b"grader-journal/1\n";
/// Hexadecimal digits of a hash.
const HASH: usize = 64;
/// What a forgotten result is overwritten with.
const BLANK: u8 = b' ';

/// A journal, open for appending by this process only. Shared by threads: those that append at the
/// same time share one write to the disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Flock<File>,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes handed to the system.
    written: u64,
    /// Bytes known to be on the disk.
    durable: u64,
    /// Somebody is waiting for the disk for all.
    syncing: bool,
    /// Set once: what the system says after a failed write cannot be trusted.
    failed: Option<Text>,
}

/// What was found in a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Whole records.
    pub records: usize,
    /// Lines that are not what was written.
    pub damage: Vec<Damage>,
}

/// A line that is not what was written; its result is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Number of the line in the file, from 1.
    pub line: usize,
    /// Whose result it was, as far as it can be read.
    pub whose: Option<String>,
    /// It is the unfinished last one, as a killed batch leaves it.
    pub torn: bool,
}

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Reading or writing failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        error: Text,
    },
    /// Another batch writes to it.
    #[error("{}: another batch is writing to it", .0.display())]
    Busy(PathBuf),
    /// A grader of another time wrote it; it is left alone.
    #[error("{}: a journal of version {version}; this grader knows 1", path.display())]
    Version {
        /// The journal.
        path: PathBuf,
        /// As it is written there.
        version: String,
    },
    /// The file is something else, and is left alone.
    #[error("{}: not a journal of results", .0.display())]
    Foreign(PathBuf),
}

impl JournalError {
    /// The same for who reads `lang`. What comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Io { path, error }, _) => {
                format!("{}: {}", path.display(), error.in_lang(lang))
            }
            (Self::Busy(path), _) => {
                format!("{}: в него пишет другая проверка", path.display())
            }
            (Self::Version { path, version }, _) => format!(
                "{}: журнал версии {version}, а этот grader знает версию 1",
                path.display()
            ),
            (Self::Foreign(path), _) => format!("{}: не журнал результатов", path.display()),
        }
    }
}

impl Journal {
    /// Opens the journal, or begins one; `each` gets every whole record in it, the oldest first. An
    /// unfinished last line is cut off.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(
        path: &Path,
        each: &mut dyn FnMut(ResultRecord),
    ) -> Result<(Self, Recovered), JournalError> {
        let failed = |error: io::Error| io_error(path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let file =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(
                |(_, errno)| match errno {
                    Errno::EWOULDBLOCK => JournalError::Busy(path.to_owned()),
                    errno => io_error(path, &errno.into()),
                },
            )?;
        let journal = Self {
            path: path.to_owned(),
            file,
            state: Mutex::default(),
            synced: Condvar::new(),
        };
        let (recovered, end) = journal.scan(&mut |_, record| each(record))?;
        let begun = end == 0;
        if begun {
            journal.file.write_all_at(HEADER, 0).map_err(failed)?;
        }
        let end = end.max(HEADER.len() as u64);
        journal.file.set_len(end).map_err(failed)?;
        journal.file.sync_all().map_err(failed)?;
        if begun {
            sync_directory(path).map_err(failed)?;
        }
        *journal.lock() = State {
            written: end,
            durable: end,
            ..State::default()
        };
        Ok((journal, recovered))
    }

    /// Whether there is a journal at `path` with results in it: of a batch that runs, or of one that
    /// was interrupted.
    #[must_use]
    pub fn holds_results(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|file| file.len() > HEADER.len() as u64)
    }

    /// Every whole record once more, the oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn replay(&self, each: &mut dyn FnMut(ResultRecord)) -> Result<Recovered, JournalError> {
        Ok(self.scan(&mut |_, record| each(record))?.0)
    }

    /// Blanks out the results that are `theirs`; gives how many there were. Whoever is killed in the
    /// midst of it leaves a line that is half blank, which is damaged and so no result either.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn forget(&self, theirs: &dyn Fn(&Identity) -> bool) -> Result<usize, JournalError> {
        let mut lines = Vec::new();
        let (recovered, _) = self.scan(&mut |line, record| {
            if theirs(&record.identity) {
                lines.push(line);
            }
        })?;
        if lines.is_empty() {
            return Ok(0);
        }
        if lines.len() == recovered.records && recovered.damage.is_empty() {
            self.reset()?;
            return Ok(lines.len());
        }
        let mut state = self.lock();
        self.usable(&state)?;
        for line in &lines {
            let length = usize::try_from(line.end - line.start).unwrap_or(0);
            let blank = vec![BLANK; length];
            if let Err(error) = self.file.write_all_at(&blank, line.start) {
                return Err(self.fail(&mut state, &error));
            }
        }
        if let Err(error) = self.file.sync_data() {
            return Err(self.fail(&mut state, &error));
        }
        Ok(lines.len())
    }

    /// What is in the file, each record with its place, the line's end left out; and where the last
    /// whole line ends (0: not even the first is whole).
    fn scan(
        &self,
        each: &mut dyn FnMut(Range<u64>, ResultRecord),
    ) -> Result<(Recovered, u64), JournalError> {
        let failed = |error: io::Error| io_error(&self.path, &error);
        let mut reader = BufReader::with_capacity(1 << 16, &*self.file);
        reader.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        if line != HEADER {
            if HEADER.starts_with(&line) {
                return Ok((Recovered::default(), 0));
            }
            let path = self.path.clone();
            return Err(match other_version(&line) {
                Some(version) => JournalError::Version { path, version },
                None => JournalError::Foreign(path),
            });
        }
        let mut found = Recovered::default();
        let mut end = line.len() as u64;
        for number in 2.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            let torn = line.pop_if(|last| *last == b'\n').is_none();
            match record(&line) {
                Some(record) if !torn => {
                    found.records += 1;
                    each(end..end + line.len() as u64, record);
                }
                // Somebody's who was forgotten.
                None if !torn && !line.is_empty() && line.iter().all(|c| *c == BLANK) => {}
                _ => found.damage.push(Damage {
                    line: number,
                    whose: whose(&line),
                    torn,
                }),
            }
            if !torn {
                end += line.len() as u64 + 1;
            }
        }
        Ok((found, end))
    }

    /// Writes a record down. When this returns it is on the disk.
    ///
    /// # Errors
    /// It could not be written; then nothing more can.
    pub fn append(&self, record: &ResultRecord) -> Result<(), JournalError> {
        let line = line(record);
        let mut state = self.lock();
        self.usable(&state)?;
        if let Err(error) = self.file.write_all_at(&line, state.written) {
            return Err(self.fail(&mut state, &error));
        }
        state.written += line.len() as u64;
        let mine = state.written;
        while state.durable < mine {
            self.usable(&state)?;
            if state.syncing {
                state = self.wait(state);
                continue;
            }
            // Everything written so far, mine and that of others, with one write to the disk.
            state.syncing = true;
            let all = state.written;
            drop(state);
            let synced = self.file.sync_data();
            state = self.lock();
            state.syncing = false;
            self.synced.notify_all();
            match synced {
                Ok(()) => state.durable = state.durable.max(all),
                Err(error) => return Err(self.fail(&mut state, &error)),
            }
        }
        Ok(())
    }

    /// Forgets everything: it is kept elsewhere now.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reset(&self) -> Result<(), JournalError> {
        let mut state = self.lock();
        self.usable(&state)?;
        let end = HEADER.len() as u64;
        let cut = self.file.set_len(end).and_then(|()| self.file.sync_all());
        if let Err(error) = cut {
            return Err(self.fail(&mut state, &error));
        }
        (state.written, state.durable) = (end, end);
        Ok(())
    }

    fn usable(&self, state: &State) -> Result<(), JournalError> {
        match &state.failed {
            None => Ok(()),
            Some(error) => Err(JournalError::Io {
                path: self.path.clone(),
                error: error.clone(),
            }),
        }
    }

    fn fail(&self, state: &mut State, error: &io::Error) -> JournalError {
        state.failed = Some(said(error));
        self.synced.notify_all();
        io_error(&self.path, error)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Plain numbers, changed one after the other: a panic elsewhere leaves none half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.synced
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn io_error(path: &Path, error: &io::Error) -> JournalError {
    JournalError::Io {
        path: path.to_owned(),
        error: said(error),
    }
}

fn said(error: &io::Error) -> Text {
    Text::both(error.to_string(), system_error(error, Lang::Ru))
}

/// A new file's name is durable only when its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// The version in the first line of a journal of another time.
fn other_version(line: &[u8]) -> Option<String> {
    let version = str::from_utf8(line).ok()?.strip_prefix("grader-journal/")?;
    version
        .trim_end()
        .parse::<u32>()
        .ok()
        .map(|n| n.to_string())
}

/// A record as a line, its end included.
fn line(record: &ResultRecord) -> Vec<u8> {
    let body = format!("{} {}", label(&record.identity), record.to_json());
    let hash = blake3::hash(body.as_bytes()).to_hex();
    format!("{hash} {body}\n").into_bytes()
}

/// What [`line()`] wrote, its end left out; `None` for anything else.
fn record(line: &[u8]) -> Option<ResultRecord> {
    let (hash, rest) = line.split_at_checked(HASH)?;
    let body = rest.strip_prefix(b" ")?;
    if blake3::hash(body).to_hex().as_bytes() != hash {
        return None;
    }
    let json = body.splitn(2, |c| *c == b' ').nth(1)?;
    ResultRecord::from_json(json).ok()
}

/// The name at the head of a line that need not be whole.
fn whose(line: &[u8]) -> Option<String> {
    let mut words = line.splitn(3, |c| *c == b' ');
    let hash = words.next()?;
    let name = std::str::from_utf8(words.next()?).ok()?;
    let whole = words.next().is_some_and(|json| json.starts_with(b"{"));
    let fits = |c: char| c.is_alphanumeric() || "/_.-%".contains(c);
    (hash.len() == HASH && whole && name.chars().all(fits)).then(|| unlabelled(name))
}

/// A label as people read it.
fn unlabelled(label: &str) -> String {
    let mut out = Vec::new();
    let mut rest = label.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits = (*first == b'%').then(|| more.get(..2)).flatten();
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = more
            .get(if byte.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    crate::text::clean(&String::from_utf8_lossy(&out))
}

/// An identity as one word.
fn label(identity: &Identity) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let attempt = identity.attempt.to_string();
    let parts = [&identity.group, &identity.student, &identity.lab, &attempt];
    for (i, part) in parts.into_iter().enumerate() {
        if i > 0 {
            out.push('/');
        }
        for c in part.chars() {
            if c.is_alphanumeric() || "_.-".contains(c) {
                out.push(c);
            } else {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(out, "%{byte:02x}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
