//! What programs have left in the workspace.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, UtimensatFlags, fstatat, lstat, utimensat};
use nix::sys::time::TimeSpec;

use super::fact;
use crate::beneath;
use crate::bytes::escape;
use crate::event::Fact;
use crate::plan::PlacedFile;

/// So many entries are told of.
const MOST_ENTRIES: usize = 200;
/// No more entries of a directory are looked at.
const MOST_LISTED: usize = 65_536;
/// So many bytes of a file's content are shown.
const MOST_CONTENT: u64 = 512;
/// So many bytes of a file are told of line by line.
const MOST_LINES: u64 = 16 << 10;
/// No directory is looked into deeper.
const MOST_DEPTH: usize = 8;

/// What was in the workspace before the programs started.
#[derive(Debug, Default)]
pub struct Placed {
    /// By path.
    files: HashMap<PathBuf, Identity>,
    /// Directories, those on the way to a file included.
    directories: HashSet<PathBuf>,
}

impl Placed {
    /// Looks at `files` as they lie in `workspace` now, and makes them an hour old: whoever
    /// writes to one gives it another time, however coarse the clock of the file system is.
    #[must_use]
    pub fn look(workspace: &Path, files: &[PlacedFile]) -> Self {
        let mut out = Self::default();
        let hour_ago = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(Duration::from_secs(3600));
        let hour_ago = TimeSpec::from_duration(hour_ago);
        for file in files {
            let path = workspace.join(OsStr::from_bytes(&file.name));
            let link = UtimensatFlags::NoFollowSymlink;
            let _ = utimensat(AT_FDCWD, &path, &hour_ago, &hour_ago, link);
            let Ok(meta) = lstat(&path) else {
                continue;
            };
            let above = path.ancestors().skip(1);
            let above = above.take_while(|above| above.starts_with(workspace));
            out.directories.extend(above.map(Path::to_path_buf));
            if kind(&meta) == SFlag::S_IFDIR {
                out.directories.insert(path);
            } else {
                out.files.insert(path, identity(&meta));
            }
        }
        out
    }

    /// Whether this is still what was put there: no program has made, written or changed it.
    fn has(&self, path: &Path, meta: &FileStat) -> bool {
        if kind(meta) == SFlag::S_IFDIR {
            return self.directories.contains(path);
        }
        self.files.get(path) == Some(&identity(meta))
    }
}

/// A file that is written, replaced, or given other rights has another one.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    inode: u64,
    written: (i64, i64),
    mode: u32,
}

fn identity(meta: &FileStat) -> Identity {
    Identity {
        inode: meta.st_ino,
        written: (meta.st_mtime, meta.st_mtime_nsec),
        mode: meta.st_mode,
    }
}

fn kind(meta: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(meta.st_mode & SFlag::S_IFMT.bits())
}

/// Everything below `workspace` but what was `placed` and is unchanged, by name: channel
/// `files` says what it is (`report: file`, `socket: socket`), `modes` its permission bits
/// (`report: 0644`), `contents` how a regular file begins (`report: hello\n`). Links are not
/// followed.
#[must_use]
pub fn files(workspace: &Path, placed: &Placed) -> Vec<Fact> {
    let mut facts = Vec::new();
    for Found {
        name,
        kind,
        mode,
        content,
    } in found(workspace, placed, MOST_CONTENT)
    {
        facts.push(fact("files", format!("{name}: {}", word(kind))));
        facts.push(fact("modes", format!("{name}: {mode:04o}")));
        if let Some(content) = content {
            let shown = if content.is_empty() {
                "(empty)".to_owned()
            } else {
                // The transcript escapes what is not printable.
                String::from_utf8_lossy(&content).into_owned()
            };
            facts.push(fact("contents", format!("{name}: {shown}")));
        }
    }
    facts
}

/// The lines of the regular files there, by the files' names: channel `lines`, `out: 1\tann: hello`.
#[must_use]
pub fn lines(workspace: &Path, placed: &Placed) -> Vec<Fact> {
    let mut facts = Vec::new();
    // One byte more tells whether there is more.
    for Found { name, content, .. } in found(workspace, placed, MOST_LINES + 1) {
        let content = content.unwrap_or_default();
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            let (line, end) = match line.strip_suffix(b"\n") {
                Some(line) => (line, ""),
                None => (line, " (no newline)"),
            };
            let line = String::from_utf8_lossy(line);
            facts.push(fact("lines", format!("{name}: {line}{end}")));
        }
        if content.len() as u64 > MOST_LINES {
            facts.push(fact("lines", format!("{name}: (and more)")));
        }
    }
    facts
}

/// The same lines as if the first number of each file were 1: channel `counted`. Of a count that
/// begins elsewhere the rest can still be right.
#[must_use]
pub fn counted(workspace: &Path, placed: &Placed) -> Vec<Fact> {
    let mut firsts: HashMap<String, u64> = HashMap::new();
    let mut facts = lines(workspace, placed);
    for Fact { channel, text } in &mut facts {
        "counted".clone_into(channel);
        let Some((name, line)) = text.split_once(": ") else {
            continue;
        };
        if let Some((number, rest)) = line.split_once('\t')
            && let Ok(number) = number.parse::<u64>()
        {
            let first = *firsts.entry(name.to_owned()).or_insert(number);
            let number = i128::from(number) - i128::from(first) + 1;
            *text = format!("{name}: {number}\t{rest}");
        }
    }
    facts
}

/// Something that programs have made or changed.
struct Found {
    name: String,
    kind: SFlag,
    mode: u32,
    /// Of a regular file, how it begins.
    content: Option<Vec<u8>>,
}

/// Everything below `workspace` but what was `placed` and is unchanged, by name.
fn found(workspace: &Path, placed: &Placed, most: u64) -> Vec<Found> {
    let root = beneath::directory(workspace, Path::new(""));
    let mut pending: Vec<(OwnedFd, PathBuf, usize)> = Vec::new();
    pending.extend(root.map(|root| (root, PathBuf::new(), 0)));
    let mut found = Vec::new();
    while let Some((directory, above, depth)) = pending.pop() {
        let mut told = 0;
        for name in beneath::names(directory.as_fd(), MOST_LISTED).unwrap_or_default() {
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
            let Ok(meta) = fstatat(&directory, name.as_os_str(), flags) else {
                continue;
            };
            let kind = kind(&meta);
            let path = above.join(&name);
            if kind == SFlag::S_IFDIR
                && depth < MOST_DEPTH
                && let Ok(below) = beneath::subdirectory(directory.as_fd(), &name)
            {
                pending.push((below, path.clone(), depth + 1));
            }
            if placed.has(&workspace.join(&path), &meta) {
                continue;
            }
            told += 1;
            if told > MOST_ENTRIES {
                break;
            }
            let content = (kind == SFlag::S_IFREG)
                .then(|| beginning(directory.as_fd(), &name, most))
                .flatten();
            found.push(Found {
                name: escape(path.as_os_str().as_bytes()),
                kind,
                mode: meta.st_mode & 0o7777,
                content,
            });
        }
        if found.len() >= MOST_ENTRIES {
            break;
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn word(kind: SFlag) -> &'static str {
    match kind {
        SFlag::S_IFREG => "file",
        SFlag::S_IFDIR => "directory",
        SFlag::S_IFSOCK => "socket",
        SFlag::S_IFIFO => "FIFO",
        SFlag::S_IFLNK => "symbolic link",
        _ => "device",
    }
}

fn beginning(directory: BorrowedFd<'_>, name: &OsStr, most: u64) -> Option<Vec<u8>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty()).ok()?);
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    fn placed(name: &str) -> PlacedFile {
        PlacedFile {
            name: name.into(),
            source: crate::plan::FileSource::Directory,
            mode: 0o644,
        }
    }

    #[test]
    fn what_was_there_counts_when_a_program_has_changed_it() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::create_dir(at("d")).unwrap();
        let names = [
            "kept", "read", "written", "guarded", "replaced", "removed", "d/kept",
        ];
        for name in names {
            fs::write(at(name), "old").unwrap();
        }
        let there = Placed::look(temp.path(), &names.map(placed));
        let left = || -> Vec<String> {
            let facts = files(temp.path(), &there).into_iter();
            let facts = facts.filter(|fact| fact.channel == "files");
            facts.map(|fact| fact.text).collect()
        };
        assert_eq!(left(), [""; 0]);
        fs::write(at("written"), "new").unwrap();
        let rights = fs::Permissions::from_mode(0o600);
        fs::set_permissions(at("guarded"), rights).unwrap();
        fs::read(at("read")).unwrap();
        fs::write(at("new"), "old").unwrap();
        fs::rename(at("new"), at("replaced")).unwrap();
        fs::remove_file(at("removed")).unwrap();
        fs::write(at("d/new"), "").unwrap();
        assert_eq!(
            left(),
            [
                "d/new: file",
                "guarded: file",
                "replaced: file",
                "written: file"
            ]
        );
    }

    #[test]
    fn kinds_modes_and_contents_are_told_by_name() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::write(at("own"), "").unwrap();
        fs::write(at("nothing"), "").unwrap();
        fs::write(at("report"), "hello\n").unwrap();
        fs::set_permissions(at("report"), fs::Permissions::from_mode(0o640)).unwrap();
        let _listener = UnixListener::bind(at("s")).unwrap();
        fs::set_permissions(at("s"), fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("report", at("link")).unwrap();
        let own = [placed("own")];
        let own = Placed::look(temp.path(), &own);
        let facts = files(temp.path(), &own);
        let of = |channel: &str| -> Vec<&str> {
            let facts = facts.iter().filter(|fact| fact.channel == channel);
            facts.map(|fact| fact.text.as_str()).collect()
        };
        assert_eq!(
            of("files"),
            [
                "link: symbolic link",
                "nothing: file",
                "report: file",
                "s: socket"
            ]
        );
        assert_eq!(of("modes")[2..], ["report: 0640", "s: 0600"]);
        assert_eq!(of("contents"), ["nothing: (empty)", "report: hello\n"]);
    }

    #[test]
    fn lines_are_told_one_by_one_and_a_missing_newline_with_them() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("own"), "not told\n").unwrap();
        let before = Placed::look(temp.path(), &[placed("own")]);
        fs::write(temp.path().join("out"), "1\tone\n\nthr").unwrap();
        let facts = lines(temp.path(), &before);
        let texts: Vec<&str> = facts.iter().map(|fact| fact.text.as_str()).collect();
        assert_eq!(texts, ["out: 1\tone", "out: ", "out: thr (no newline)"]);
        assert!(facts.iter().all(|fact| fact.channel == "lines"));
    }

    #[test]
    fn lines_are_counted_from_the_first_of_each_file() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("a"), "0\tone\n1\ttwo\n0\tagain\n").unwrap();
        fs::write(temp.path().join("b"), "7\tone\nno number\tat all\n9\tthree").unwrap();
        let facts = counted(temp.path(), &Placed::default());
        let texts: Vec<&str> = facts.iter().map(|fact| fact.text.as_str()).collect();
        let expected = [
            "a: 1\tone",
            "a: 2\ttwo",
            "a: 1\tagain",
            "b: 1\tone",
            "b: no number\tat all",
            "b: 3\tthree (no newline)",
        ];
        assert_eq!(texts, expected);
        assert!(facts.iter().all(|fact| fact.channel == "counted"));
    }
}
