//! The walk itself: which entries count, which are passed over and why, and the bounds.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{Bounds, Content, File};
use crate::lab::{Lang, Text};
use crate::locale::system_error;
use crate::submission::error::{Emptiness, SubmissionError};
use crate::text::some_of;

/// What a walk has found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    /// What was passed over and why, one line each.
    pub(super) notes: Vec<Text>,
}

/// Reads the directory `root`.
pub(super) fn walk(root: &Path, bounds: &Bounds) -> Result<Found, SubmissionError> {
    let unreadable = |error| SubmissionError::Unreadable {
        path: root.to_path_buf(),
        error,
    };
    let meta = fs::metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SubmissionError::Missing {
            path: root.to_path_buf(),
        },
        _ => unreadable(error),
    })?;
    if !meta.is_dir() {
        return Err(SubmissionError::NotADirectory {
            path: root.to_path_buf(),
        });
    }
    let real = root.canonicalize().map_err(unreadable)?;
    let mut walk = Walk {
        root,
        real: &real,
        bounds,
        entries: 0,
        total: 0,
        found: Found::default(),
        left_out: Vec::new(),
    };
    walk.directory(&real, "", 0)?;
    if walk.found.files.is_empty() {
        return Err(walk.nothing());
    }
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    real: &'a Path,
    bounds: &'a Bounds,
    entries: usize,
    total: u64,
    found: Found,
    /// What [`is_left_out`] leaves out.
    left_out: Vec<String>,
}

impl Walk<'_> {
    /// What is there, where nothing of it counts.
    fn nothing(&self) -> SubmissionError {
        let mut notes = self.found.notes.clone();
        if !self.left_out.is_empty() {
            let names = some_of(self.left_out.iter().map(String::as_str));
            notes.push(Text::both(
                format!("passed over {names}: hidden files, backups and what builds leave are no part of a submission"),
                format!("пропущено {names}: скрытые файлы, резервные копии и следы сборки в работу не входят"),
            ));
        }
        let hidden = self.left_out.iter().find(|name| is_hidden_source(name));
        if let Some(name) = hidden {
            notes.push(Text::both(
                format!(
                    "if {name} is a source, rename it: a name that begins with a dot is hidden"
                ),
                format!(
                    "если {name} — исходный текст, переименуйте его: имя с точкой в начале скрыто"
                ),
            ));
        }
        SubmissionError::Empty {
            path: self.root.to_path_buf(),
            what: match (&self.left_out[..], self.entries) {
                ([], 0) => Emptiness::Nothing,
                ([], _) if self.found.notes.is_empty() => Emptiness::OnlyDirectories,
                _ => Emptiness::NothingCounts,
            },
            notes: notes.iter().map(|note| note.behind("\n  ")).collect(),
        }
    }

    fn too_big(&self, en: String, ru: String) -> SubmissionError {
        SubmissionError::TooBig {
            path: self.root.to_path_buf(),
            what: Text::both(en, ru),
        }
    }

    fn skip(&mut self, name: &str, en: impl Display, ru: impl Display) {
        self.found.notes.push(Text::both(
            format!("skipped {name}: {en}"),
            format!("пропущено {name}: {ru}"),
        ));
    }

    /// The same for what the system says.
    fn unreadable(&mut self, name: &str, error: &io::Error) {
        self.skip(name, error, system_error(error, Lang::Ru));
    }

    fn directory(&mut self, at: &Path, name: &str, depth: usize) -> Result<(), SubmissionError> {
        if depth > self.bounds.depth {
            let most = self.bounds.depth;
            return Err(self.too_big(
                format!("more than {most} directories deep at {name}"),
                format!("вложенных каталогов больше {most}: {name}"),
            ));
        }
        let listing = match fs::read_dir(at) {
            Ok(listing) => listing,
            Err(error) if depth > 0 => {
                self.unreadable(&format!("{name}/"), &error);
                return Ok(());
            }
            Err(error) => {
                return Err(SubmissionError::Unreadable {
                    path: self.root.to_path_buf(),
                    error,
                });
            }
        };
        // Sorted, so that notes and bounds do not depend on the file system's order; bounded
        // first, because a directory may hold millions of names.
        let mut entries = Vec::new();
        for entry in listing {
            let entry = entry.map_err(|error| SubmissionError::Unreadable {
                path: at.to_path_buf(),
                error,
            })?;
            self.entries += 1;
            if self.entries > self.bounds.entries {
                let most = self.bounds.entries;
                return Err(self.too_big(
                    format!("more than {most} files"),
                    format!("файлов больше {most}"),
                ));
            }
            entries.push(entry.file_name());
        }
        entries.sort();
        for entry in entries {
            self.entry(at, name, &entry, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        at: &Path,
        directory: &str,
        entry: &OsStr,
        depth: usize,
    ) -> Result<(), SubmissionError> {
        let Some(plain) = entry
            .to_str()
            .filter(|name| !name.chars().any(char::is_control))
        else {
            let shown = supervisor::bytes::escape(entry.as_bytes());
            self.skip(
                &shown,
                "its name is not printable UTF-8; rename it",
                "имя — не печатаемый текст в UTF-8; переименуйте",
            );
            return Ok(());
        };
        let full = at.join(entry);
        let name = if directory.is_empty() {
            plain.to_owned()
        } else {
            format!("{directory}/{plain}")
        };
        if is_left_out(plain) {
            self.left_out.push(name);
            return Ok(());
        }
        let meta = match fs::symlink_metadata(&full) {
            Ok(meta) => meta,
            Err(error) => {
                self.unreadable(&name, &error);
                return Ok(());
            }
        };
        let kind = meta.file_type();
        if kind.is_dir() {
            return self.directory(&full, &name, depth + 1);
        }
        if kind.is_symlink() {
            return self.link(&full, name);
        }
        if kind.is_file() {
            return self.file(&full, name, &meta);
        }
        let (en, ru) = if kind.is_fifo() {
            ("a FIFO", "FIFO")
        } else if kind.is_socket() {
            ("a socket", "сокет")
        } else {
            ("a device", "устройство")
        };
        self.skip(
            &name,
            format_args!("it is {en}, not a file"),
            format_args!("это {ru}, а не файл"),
        );
        Ok(())
    }

    /// A link counts as the file it leads to, if that is a regular file of the submission.
    fn link(&mut self, full: &Path, name: String) -> Result<(), SubmissionError> {
        let target = match full.canonicalize() {
            Ok(target) => target,
            Err(error) => {
                self.skip(
                    &name,
                    format_args!("a link that leads nowhere ({error})"),
                    format_args!(
                        "ссылка никуда не ведёт ({})",
                        system_error(&error, Lang::Ru)
                    ),
                );
                return Ok(());
            }
        };
        if !target.starts_with(self.real) {
            self.skip(
                &name,
                "a link that leaves the submission",
                "ссылка ведёт за пределы работы",
            );
            return Ok(());
        }
        match fs::symlink_metadata(&target) {
            Ok(meta) if meta.is_file() => self.file(&target, name, &meta),
            _ => {
                self.skip(&name, "a link to something not a file", "ссылка не на файл");
                Ok(())
            }
        }
    }

    fn file(&mut self, full: &Path, path: String, seen: &Metadata) -> Result<(), SubmissionError> {
        let content = if seen.len() > self.bounds.file {
            Content::Refused(too_large(self.bounds.file))
        } else {
            match self.content(full, seen) {
                Ok(content) => content,
                Err(error) => Content::Refused(Text::both(
                    format!("cannot be read: {error}"),
                    format!("не читается: {}", system_error(&error, Lang::Ru)),
                )),
            }
        };
        if let Content::Bytes(bytes) = &content {
            self.total += bytes.len() as u64;
            if self.total > self.bounds.total {
                let most = self.bounds.total >> 20;
                return Err(self.too_big(
                    format!("more than {most} MiB"),
                    format!("больше {most} МиБ"),
                ));
            }
        }
        self.found.files.push(File {
            path,
            content,
            executable: seen.permissions().mode() & 0o111 != 0,
        });
        Ok(())
    }

    fn content(&self, full: &Path, seen: &Metadata) -> io::Result<Content> {
        // If the name leads to a FIFO by now, opening must not wait for its writer.
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(full)?;
        let meta = file.metadata()?;
        if !meta.is_file() || (meta.dev(), meta.ino()) != (seen.dev(), seen.ino()) {
            return Ok(Content::Refused(Text::both(
                "it changed while it was read",
                "он изменился, пока его читали",
            )));
        }
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that grew.
        file.take(self.bounds.file + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > self.bounds.file {
            return Ok(Content::Refused(too_large(self.bounds.file)));
        }
        Ok(Content::Bytes(bytes))
    }
}

/// `O_NONBLOCK` of open(2) as on x86-64 and aarch64 (asm-generic/fcntl.h).
pub(in crate::submission) const O_NONBLOCK: i32 = 0o4000;

fn too_large(bound: u64) -> Text {
    let most = bound >> 20;
    Text::both(
        format!("larger than {most} MiB; hand in sources only"),
        format!("больше {most} МиБ; сдавайте только исходные тексты"),
    )
}

/// Whether a hidden file looks like a source by its name. `._server.c` is what macOS keeps beside
/// a file, and nobody wrote it.
fn is_hidden_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    name.starts_with('.')
        && !name.starts_with("._")
        && name.matches('.').count() > 1
        && ["c", "cc", "cpp", "cxx", "h", "rs", "tar", "zip", "gz"].contains(&ending)
}

/// Version control, editors' and builds' leftovers: never part of a submission.
fn is_left_out(name: &str) -> bool {
    name.starts_with('.')
        || name.ends_with('~')
        || matches!(
            name,
            "target" | "node_modules" | "__MACOSX" | "CMakeFiles" | "__pycache__"
        )
}
