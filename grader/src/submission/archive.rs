//! Archives that students hand in: zip, tar, tar.gz, unpacked into a private directory, within
//! bounds. Nothing in an archive is believed: neither sizes nor names nor its ending.

mod legacy;
mod names;
mod tarball;
#[cfg(test)]
mod tests;
mod zipped;

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use supervisor::scratch::Scratch;
use thiserror::Error;

use self::names::{Name, Refused};
use super::tree::O_NONBLOCK;
use crate::lab::{Lang, Text};

/// Bounds of unpacking.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveBounds {
    /// Bytes of the archive itself.
    pub archive: u64,
    /// Entries, directories and what is passed over included.
    pub entries: usize,
    /// Bytes of all files.
    pub total: u64,
    /// How many times larger than the archive the files may be, beyond the first MiB.
    pub ratio: u64,
    /// Levels of directories.
    pub depth: usize,
}

/// Bytes that may be unpacked whatever the ratio: an empty program's zeros compress well.
const FREE: u64 = 1 << 20;

impl Default for ArchiveBounds {
    fn default() -> Self {
        Self {
            archive: 32 << 20,
            entries: 4096,
            total: 64 << 20,
            ratio: 100,
            depth: 16,
        }
    }
}

/// An unpacked archive; its files are removed with it.
#[derive(Debug)]
pub struct Unpacked {
    path: PathBuf,
    _scratch: Scratch,
    /// What was passed over and why, one line each.
    pub notes: Vec<Text>,
}

impl Unpacked {
    /// Where the files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Why an archive was not unpacked.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// What was handed in is at fault.
    #[error("{}: {why}", shown(path))]
    Unfit {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: Text,
    },
    /// The machine failed.
    #[error("{}: cannot be unpacked: {error}", shown(path))]
    Fault {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
    /// git cannot read a repository, or there is no git.
    #[error("{}: git: {error}", shown(path))]
    Git {
        /// The repository.
        path: PathBuf,
        /// What git or the system said.
        error: String,
    },
}

impl ArchiveError {
    /// The same for who reads `lang`. What comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) | (Self::Git { .. }, _) => self.to_string(),
            (Self::Unfit { path, why }, _) => format!("{}: {}", shown(path), why.in_lang(lang)),
            (Self::Fault { path, error }, _) => {
                format!("{}: не распаковать: {error}", shown(path))
            }
        }
    }
}

/// A name for a line that people read: it may be as long as an archive.
fn brief(raw: &[u8]) -> String {
    const MOST: usize = 200;
    crate::text::excerpt(&supervisor::bytes::escape(raw), 0, MOST)
}

fn shown(path: &Path) -> String {
    crate::text::clean(&path.display().to_string())
}

/// What kind of archive the bytes at its beginning tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    Gzip,
    /// Known, but not read: its name in both languages.
    Other(&'static str, &'static str),
}

impl Kind {
    fn of(bytes: &[u8]) -> Option<Self> {
        const OTHERS: [(&[u8], &str, &str); 5] = [
            (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "архив 7z"),
            (b"Rar!\x1a\x07", "a RAR archive", "архив RAR"),
            (b"\xfd7zXZ\0", "compressed with xz", "сжато xz"),
            (b"BZh", "compressed with bzip2", "сжато bzip2"),
            (b"\x28\xb5\x2f\xfd", "compressed with zstd", "сжато zstd"),
        ];
        let known = OTHERS.iter().find(|(magic, ..)| bytes.starts_with(magic));
        if let Some((_, en, ru)) = known {
            Some(Self::Other(en, ru))
        } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            Some(Self::Zip)
        } else if bytes.starts_with(b"\x1f\x8b") {
            Some(Self::Gzip)
        } else if bytes.get(257..262) == Some(b"ustar") {
            Some(Self::Tar)
        } else {
            None
        }
    }
}

/// Whether a file's name is that of an archive: `lab30.zip`, `lab30.tar.gz`, `lab30.tgz`. Those that
/// are not read (`lab30.7z`) count, so that they are named and not passed over.
#[must_use]
pub fn is_archive_name(name: &str) -> bool {
    archive_stem(name).is_some()
}

/// An archive's name without what makes it one.
#[must_use]
pub fn archive_stem(name: &str) -> Option<&str> {
    const ENDINGS: [&str; 10] = [
        ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tgz", ".tar", ".zip", ".7z", ".rar", ".txz",
    ];
    ENDINGS.iter().find_map(|ending| {
        let cut = name.len().checked_sub(ending.len())?;
        let (stem, end) = name.split_at_checked(cut)?;
        (!stem.is_empty() && end.eq_ignore_ascii_case(ending)).then_some(stem)
    })
}

/// Unpacks the archive `path` into a new private directory.
///
/// Links, devices, FIFOs and files whose names cannot be printed are passed over with a note. A
/// name that leads outside refuses the whole archive.
///
/// # Errors
/// It is no archive, damaged, encrypted, or exceeds `bounds`; or the machine failed.
pub fn unpack(path: &Path, bounds: &ArchiveBounds) -> Result<Unpacked, ArchiveError> {
    let bytes = read(path, bounds)?;
    receive(path, bytes.len() as u64, bounds, |target| {
        match Kind::of(&bytes) {
            Some(Kind::Zip) => zipped::unpack(&bytes, target),
            Some(Kind::Tar) => tarball::unpack(&bytes, target),
            Some(Kind::Gzip) => tarball::unpack_gzip(&bytes, target),
            Some(Kind::Other(en, ru)) => Err(Stop::unfit(
                format!("{en}; hand in a directory, or a zip, tar or tar.gz of it"),
                format!("{ru}; сдавайте каталог или его zip, tar или tar.gz"),
            )),
            None => Err(Stop::unfit(
                "not an archive, whatever its name says; hand in a directory, or a zip, tar or tar.gz of it",
                "это не архив, что бы ни говорило имя; сдавайте каталог или его zip, tar или tar.gz",
            )),
        }
    })
}

/// Lets `fill` write files into a new private directory, within bounds. `path` is where they come
/// from, `packed` how many bytes they are there.
pub(crate) fn receive(
    path: &Path,
    packed: u64,
    bounds: &ArchiveBounds,
    fill: impl FnOnce(&mut Target<'_>) -> Result<(), Stop>,
) -> Result<Unpacked, ArchiveError> {
    let made = Scratch::new().and_then(|scratch| Ok((scratch.inside()?, scratch)));
    let (dir, scratch) = made.map_err(|error| ArchiveError::Fault {
        path: path.to_owned(),
        error: error.to_string(),
    })?;
    let room = bounds
        .total
        .min(FREE.max(packed.saturating_mul(bounds.ratio)));
    let mut target = Target {
        root: &dir,
        bounds,
        room,
        left: room,
        entries: 0,
        notes: Vec::new(),
        more: 0,
        translated: false,
    };
    let done = fill(&mut target);
    let mut notes = target.notes;
    if target.more > 0 {
        let more = target.more;
        notes.push(Text::both(
            format!("{more} more were passed over"),
            format!("пропущено ещё: {more}"),
        ));
    }
    match done {
        Ok(()) => Ok(Unpacked {
            path: dir,
            notes,
            _scratch: scratch,
        }),
        Err(Stop::Unfit(why)) => Err(ArchiveError::Unfit {
            path: path.to_owned(),
            why,
        }),
        Err(Stop::Fault(error)) => Err(ArchiveError::Fault {
            path: path.to_owned(),
            error: error.to_string(),
        }),
    }
}

fn read(path: &Path, bounds: &ArchiveBounds) -> Result<Vec<u8>, ArchiveError> {
    let fault = |error: io::Error| ArchiveError::Fault {
        path: path.to_owned(),
        error: error.to_string(),
    };
    let unfit = |why: Text| ArchiveError::Unfit {
        path: path.to_owned(),
        why,
    };
    // If the name leads to a FIFO, opening must not wait for its writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)
        .map_err(fault)?;
    if !file.metadata().map_err(fault)?.is_file() {
        return Err(unfit(Text::both("not a regular file", "не обычный файл")));
    }
    let mut bytes = Vec::new();
    let limited = file.take(bounds.archive + 1).read_to_end(&mut bytes);
    limited.map_err(fault)?;
    if bytes.len() as u64 > bounds.archive {
        let most = bounds.archive >> 20;
        return Err(unfit(Text::both(
            format!("larger than {most} MiB; hand in sources only"),
            format!("больше {most} МиБ; сдавайте только исходные тексты"),
        )));
    }
    Ok(bytes)
}

/// What ends unpacking early.
pub(crate) enum Stop {
    /// What was handed in is at fault.
    Unfit(Text),
    /// The machine failed.
    Fault(io::Error),
}

impl Stop {
    fn unfit(en: impl Into<String>, ru: impl Into<String>) -> Self {
        Self::Unfit(Text::both(en, ru))
    }

    fn too_many(most: usize) -> Self {
        Self::unfit(
            format!("more than {most} entries; hand in sources only"),
            format!("больше {most} файлов и каталогов; сдавайте только исходные тексты"),
        )
    }

    fn empty() -> Self {
        Self::unfit("nothing is in it", "в нём ничего нет")
    }

    /// An error of a decoder: the archive's fault.
    fn damaged(error: &dyn std::fmt::Display) -> Self {
        Self::unfit(format!("damaged: {error}"), format!("повреждён: {error}"))
    }
}

/// Where files are unpacked to, with what is left of the bounds.
pub(crate) struct Target<'a> {
    root: &'a Path,
    bounds: &'a ArchiveBounds,
    room: u64,
    left: u64,
    entries: usize,
    notes: Vec<Text>,
    /// What is worth a note beyond those.
    more: usize,
    /// Whether it was told that names are not UTF-8.
    translated: bool,
}

impl Target<'_> {
    /// Counts an entry and looks at its name. `None`: it is passed over.
    pub(crate) fn name(&mut self, raw: &[u8]) -> Result<Option<Name>, Stop> {
        self.entries += 1;
        if self.entries > self.bounds.entries {
            return Err(Stop::too_many(self.bounds.entries));
        }
        match Name::new(raw, self.bounds.depth) {
            Ok(name) => {
                self.tell_translated(name.as_ref());
                Ok(name)
            }
            Err(Refused::Skip(en, ru)) => {
                self.skip(raw, en, ru);
                Ok(None)
            }
            Err(Refused::Stop(en, ru)) => {
                let name = brief(raw);
                Err(Stop::unfit(
                    format!("{name}: {en}"),
                    format!("{name}: {ru}"),
                ))
            }
        }
    }

    /// Once for an archive: all its names were written by one packer.
    fn tell_translated(&mut self, name: Option<&Name>) {
        let Some(name) = name.filter(|name| name.is_translated() && !self.translated) else {
            return;
        };
        self.translated = true;
        let name = shown(name.path());
        self.note(
            format!("names in the archive are not UTF-8 and were read as Cyrillic: {name}"),
            format!("имена в архиве не в UTF-8 и прочитаны как кириллица: {name}"),
        );
    }

    /// Notes that an entry is passed over.
    pub(crate) fn skip(&mut self, raw: &[u8], en: &str, ru: &str) {
        let name = brief(raw);
        self.note(
            format!("skipped {name}: {en}"),
            format!("пропущено {name}: {ru}"),
        );
    }

    /// Nobody reads thousands of them.
    fn note(&mut self, en: String, ru: String) {
        const MOST: usize = 20;
        if self.notes.len() < MOST {
            self.notes.push(Text::both(en, ru));
        } else {
            self.more += 1;
        }
    }

    fn directory(&mut self, name: &Name) -> Result<(), Stop> {
        fs::create_dir_all(self.root.join(name.path())).map_err(|error| in_the_way(name, error))
    }

    /// Writes a file, with the time at which it was changed where the archive tells; without it the
    /// file is of 1970. The bytes are counted as they come, whatever the archive says of them.
    pub(crate) fn file(
        &mut self,
        name: &Name,
        executable: bool,
        changed: Option<u64>,
        content: &mut dyn Read,
    ) -> Result<(), Stop> {
        let path = self.root.join(name.path());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| in_the_way(name, error))?;
        }
        match fs::remove_file(&path) {
            Ok(()) => {
                let name = shown(name.path());
                self.note(
                    format!("{name} is in the archive more than once; the last one counts"),
                    format!("{name} есть в архиве не один раз; в счёт идёт последний"),
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(in_the_way(name, error)),
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(if executable { 0o755 } else { 0o644 })
            .open(&path)
            .map_err(Stop::Fault)?;
        let mut buffer = [0; 1 << 14];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => {
                    // When it was unpacked is nobody's time of handing in.
                    let changed = changed.and_then(|at| u32::try_from(at).ok());
                    let changed = Duration::from_secs(changed.unwrap_or_default().into());
                    return file.set_modified(UNIX_EPOCH + changed).map_err(Stop::Fault);
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let name = name.path().display();
                    return Err(Stop::unfit(
                        format!("{name}: damaged: {error}"),
                        format!("{name}: повреждён: {error}"),
                    ));
                }
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            self.left = self
                .left
                .checked_sub(count as u64)
                .ok_or_else(|| self.too_large())?;
            file.write_all(bytes).map_err(Stop::Fault)?;
        }
    }

    fn too_large(&self) -> Stop {
        if self.room < self.bounds.total {
            let most = self.bounds.ratio;
            Stop::unfit(
                format!("more than {most} times larger unpacked than packed; hand in sources only"),
                format!(
                    "распакованный больше архива в {most} раз и более; сдавайте только исходные тексты"
                ),
            )
        } else {
            let most = self.bounds.total >> 20;
            Stop::unfit(
                format!("more than {most} MiB unpacked; hand in sources only"),
                format!("в распакованном виде больше {most} МиБ; сдавайте только исходные тексты"),
            )
        }
    }
}

/// A file where a directory must be, or the other way round: two entries that exclude each other.
fn in_the_way(name: &Name, error: io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory => {
            let name = name.path().display();
            Stop::unfit(
                format!("{name}: both a file and a directory"),
                format!("{name}: и файл, и каталог"),
            )
        }
        _ => Stop::Fault(error),
    }
}
