//! One bounded walk over a submission's directory; afterwards the disk is not looked at again, so
//! that what was hashed is what is built.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::SubmissionError;

/// Bounds of the walk.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Directory entries, of all kinds.
    pub entries: usize,
    /// Levels of directories below the root.
    pub depth: usize,
    /// Bytes of one file; a larger one is listed but not read.
    pub file: u64,
    /// Bytes of all files read.
    pub total: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: 4096,
            depth: 16,
            file: 4 << 20,
            total: 32 << 20,
        }
    }
}

/// A submission's files, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// As the user named it.
    pub root: PathBuf,
    /// The files, relative to the directory in which the submission really begins.
    pub files: Vec<File>,
    /// What was passed over and why, one line each.
    pub notes: Vec<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// It may be executed (a script).
    pub executable: bool,
}

/// The content of a [`File`], as far as it can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It cannot be used, for this reason.
    Refused(String),
}

impl File {
    /// Its bytes, where it can be used.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Bytes(bytes) => Some(bytes),
            Content::Refused(_) => None,
        }
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The directory it is in, empty for the root.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(dir, _)| dir)
    }

    /// Levels of directories above it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.path.matches('/').count()
    }
}

impl Tree {
    /// Reads the directory `root`.
    ///
    /// Hidden files and build directories are left out. Links that lead out of the submission,
    /// FIFOs, sockets, devices and names that are not UTF-8 are left out with a note; files that
    /// cannot be read stay in the list as [`Content::Refused`], because it depends on their name
    /// whether they matter. Where the directory holds nothing but one directory, that one is the
    /// submission.
    ///
    /// # Errors
    /// The directory does not exist, cannot be listed, is empty, or exceeds `bounds`.
    pub fn read(root: &Path, bounds: &Bounds) -> Result<Self, SubmissionError> {
        let path = || root.to_path_buf();
        let meta = fs::metadata(root).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => SubmissionError::Missing { path: path() },
            _ => SubmissionError::Unreadable {
                path: path(),
                error,
            },
        })?;
        if !meta.is_dir() {
            return Err(SubmissionError::NotADirectory { path: path() });
        }
        let real = root
            .canonicalize()
            .map_err(|error| SubmissionError::Unreadable {
                path: path(),
                error,
            })?;
        let mut walk = Walk {
            root,
            real: &real,
            bounds,
            entries: 0,
            total: 0,
            files: Vec::new(),
            notes: Vec::new(),
            left_out: Vec::new(),
        };
        walk.directory(&real, "", 0)?;
        if walk.files.is_empty() {
            return Err(walk.nothing());
        }
        let Walk {
            mut files, notes, ..
        } = walk;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        unwrap_single_directory(&mut files);
        Ok(Self {
            root: path(),
            files,
            notes,
        })
    }

    /// The file with this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()
            .and_then(|i| self.files.get(i))
    }
}

/// An unpacked archive often is one directory in a directory.
fn unwrap_single_directory(files: &mut [File]) {
    loop {
        let Some((first, _)) = files.first().and_then(|f| f.path.split_once('/')) else {
            return;
        };
        let prefix = format!("{first}/");
        if !files.iter().all(|f| f.path.starts_with(&prefix)) {
            return;
        }
        for file in files.iter_mut() {
            file.path.drain(..prefix.len());
        }
    }
}

struct Walk<'a> {
    root: &'a Path,
    real: &'a Path,
    bounds: &'a Bounds,
    entries: usize,
    total: u64,
    files: Vec<File>,
    notes: Vec<String>,
    /// What [`is_left_out`] leaves out.
    left_out: Vec<String>,
}

impl Walk<'_> {
    /// What is there, where nothing of it counts.
    fn nothing(&self) -> SubmissionError {
        let mut notes = self.notes.clone();
        if !self.left_out.is_empty() {
            let mut names: Vec<String> = self.left_out.iter().take(MOST_NAMED).cloned().collect();
            let more = self.left_out.len() - names.len();
            if more > 0 {
                names.push(format!("{more} more"));
            }
            notes.push(format!(
                "passed over {}: hidden files, backups and what builds leave are no part of a submission",
                names.join(", ")
            ));
        }
        let hidden = self.left_out.iter().find(|name| is_hidden_source(name));
        if let Some(name) = hidden {
            notes.push(format!(
                "if {name} is a source, rename it: a name that begins with a dot is hidden"
            ));
        }
        SubmissionError::Empty {
            path: self.root.to_path_buf(),
            what: match (&self.left_out[..], self.entries) {
                ([], 0) => "the directory is empty",
                ([], _) if self.notes.is_empty() => "there are only directories without a file",
                _ => "no file in it counts",
            },
            notes: notes.iter().map(|note| format!("\n  {note}")).collect(),
        }
    }

    fn too_big(&self, what: String) -> SubmissionError {
        SubmissionError::TooBig {
            path: self.root.to_path_buf(),
            what,
        }
    }

    fn directory(&mut self, at: &Path, name: &str, depth: usize) -> Result<(), SubmissionError> {
        if depth > self.bounds.depth {
            return Err(self.too_big(format!(
                "more than {} directories deep at {name}",
                self.bounds.depth
            )));
        }
        let listing = match fs::read_dir(at) {
            Ok(listing) => listing,
            Err(error) if depth > 0 => {
                self.notes.push(format!("skipped {name}/: {error}"));
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
                return Err(self.too_big(format!("more than {} files", self.bounds.entries)));
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
            self.notes.push(format!(
                "skipped {shown}: its name is not printable UTF-8; rename it"
            ));
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
                self.notes.push(format!("skipped {name}: {error}"));
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
        let what = if kind.is_fifo() {
            "a FIFO"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        };
        self.notes
            .push(format!("skipped {name}: it is {what}, not a file"));
        Ok(())
    }

    /// A link counts as the file it leads to, if that is a regular file of the submission.
    fn link(&mut self, full: &Path, name: String) -> Result<(), SubmissionError> {
        let target = match full.canonicalize() {
            Ok(target) => target,
            Err(error) => {
                self.notes.push(format!(
                    "skipped {name}: a link that leads nowhere ({error})"
                ));
                return Ok(());
            }
        };
        if !target.starts_with(self.real) {
            self.notes
                .push(format!("skipped {name}: a link that leaves the submission"));
            return Ok(());
        }
        match fs::symlink_metadata(&target) {
            Ok(meta) if meta.is_file() => self.file(&target, name, &meta),
            _ => {
                self.notes
                    .push(format!("skipped {name}: a link to something not a file"));
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
                Err(error) => Content::Refused(format!("cannot be read: {error}")),
            }
        };
        if let Content::Bytes(bytes) = &content {
            self.total += bytes.len() as u64;
            if self.total > self.bounds.total {
                return Err(self.too_big(format!("more than {} MiB", self.bounds.total >> 20)));
            }
        }
        self.files.push(File {
            path,
            content,
            executable: seen.permissions().mode() & 0o111 != 0,
        });
        Ok(())
    }

    fn content(&self, full: &Path, seen: &Metadata) -> std::io::Result<Content> {
        // If the name leads to a FIFO by now, opening must not wait for its writer.
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(full)?;
        let meta = file.metadata()?;
        if !meta.is_file() || (meta.dev(), meta.ino()) != (seen.dev(), seen.ino()) {
            return Ok(Content::Refused("it changed while it was read".to_owned()));
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
pub(super) const O_NONBLOCK: i32 = 0o4000;

fn too_large(bound: u64) -> String {
    format!("larger than {} MiB; hand in sources only", bound >> 20)
}

/// Names of what was left out that are told.
const MOST_NAMED: usize = 6;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use tempfile::TempDir;

    fn write(dir: &TempDir, name: &str, content: &str) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(dir: &TempDir) -> Tree {
        Tree::read(dir.path(), &Bounds::default()).unwrap()
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.files.iter().map(|f| f.path.as_str()).collect()
    }

    #[test]
    fn files_are_listed_sorted_with_their_bytes() {
        let dir = TempDir::new().unwrap();
        write(&dir, "server.c", "s");
        write(&dir, "lib/io.c", "i");
        write(&dir, "client.c", "c");
        write(&dir, ".git/config", "hidden");
        write(&dir, "target/debug/x", "built");
        write(&dir, "server.c~", "backup");
        let tree = read(&dir);
        assert_eq!(paths(&tree), ["client.c", "lib/io.c", "server.c"]);
        assert_eq!(tree.get("lib/io.c").unwrap().bytes(), Some(&b"i"[..]));
        assert_eq!(tree.get("lib"), None);
    }

    #[test]
    fn a_single_directory_is_the_submission() {
        let dir = TempDir::new().unwrap();
        write(&dir, "ivanov/lab30/server.c", "");
        write(&dir, "ivanov/lab30/src/x.c", "");
        assert_eq!(paths(&read(&dir)), ["server.c", "src/x.c"]);
    }

    #[test]
    fn links_are_followed_inside_only() {
        let outside = TempDir::new().unwrap();
        write(&outside, "secret.c", "secret");
        let dir = TempDir::new().unwrap();
        write(&dir, "server.c", "s");
        symlink("server.c", dir.path().join("us-server.c")).unwrap();
        symlink(outside.path().join("secret.c"), dir.path().join("client.c")).unwrap();
        symlink(outside.path(), dir.path().join("lib")).unwrap();
        symlink("loop.c", dir.path().join("loop.c")).unwrap();
        symlink("/dev/zero", dir.path().join("zero.c")).unwrap();
        let tree = read(&dir);
        assert_eq!(paths(&tree), ["server.c", "us-server.c"]);
        assert_eq!(tree.get("us-server.c").unwrap().bytes(), Some(&b"s"[..]));
        let notes = tree.notes.join("\n");
        for name in ["client.c", "lib", "zero.c"] {
            assert!(
                notes.contains(&format!("{name}: a link that leaves")),
                "{notes}"
            );
        }
        assert!(
            notes.contains("loop.c: a link that leads nowhere"),
            "{notes}"
        );
    }

    #[test]
    fn a_submission_may_itself_be_reached_by_a_link() {
        let dir = TempDir::new().unwrap();
        write(&dir, "real/server.c", "s");
        symlink("real", dir.path().join("link")).unwrap();
        let tree = Tree::read(&dir.path().join("link"), &Bounds::default()).unwrap();
        assert_eq!(paths(&tree), ["server.c"]);
    }

    #[test]
    fn what_is_no_file_is_skipped_with_a_note() {
        let dir = TempDir::new().unwrap();
        write(&dir, "server.c", "s");
        let fifo = dir.path().join("pipe.c");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let _listener = UnixListener::bind(dir.path().join("sock.c")).unwrap();
        fs::write(
            dir.path().join(OsStr::from_bytes(b"caf\xe9.c")),
            "latin one",
        )
        .unwrap();
        fs::write(dir.path().join("a\x1b[2Jb.c"), "escape").unwrap();
        let tree = read(&dir);
        assert_eq!(paths(&tree), ["server.c"]);
        let notes = tree.notes.join("\n");
        assert!(notes.contains("pipe.c: it is a FIFO"), "{notes}");
        assert!(notes.contains("sock.c: it is a socket"), "{notes}");
        assert!(notes.contains("caf\\xe9.c: its name is not"), "{notes}");
        assert!(notes.contains("a\\x1b[2Jb.c: its name is not"), "{notes}");
    }

    #[test]
    fn bounds_hold() {
        let dir = TempDir::new().unwrap();
        write(&dir, "a/b/c/d.c", "0123456789");
        write(&dir, "e.c", "0123456789");
        let error = |bounds| Tree::read(dir.path(), &bounds).unwrap_err().to_string();
        let entries = Bounds {
            entries: 4,
            ..Bounds::default()
        };
        assert!(error(entries).contains("more than 4 files"));
        let depth = Bounds {
            depth: 2,
            ..Bounds::default()
        };
        assert!(error(depth).contains("more than 2 directories deep at a/b/c"));
        let total = Bounds {
            total: 15,
            ..Bounds::default()
        };
        assert!(error(total).contains("MiB"));
        let file = Bounds {
            file: 9,
            ..Bounds::default()
        };
        let tree = Tree::read(dir.path(), &file).unwrap();
        assert!(
            matches!(&tree.get("e.c").unwrap().content, Content::Refused(why) if why.contains("larger"))
        );
    }

    #[test]
    fn bad_roots_are_told_apart() {
        let dir = TempDir::new().unwrap();
        let error = |path: &Path| Tree::read(path, &Bounds::default()).unwrap_err();
        assert!(matches!(error(dir.path()), SubmissionError::Empty { .. }));
        let said = |dir: &TempDir| {
            let said = error(dir.path()).to_string();
            said.replace(&dir.path().display().to_string(), "DIR")
        };
        assert_eq!(
            said(&dir),
            "DIR: the directory is empty: there is nothing to grade"
        );
        fs::create_dir(dir.path().join("src")).unwrap();
        assert_eq!(
            said(&dir),
            "DIR: there are only directories without a file: there is nothing to grade"
        );
        write(&dir, ".git/config", "");
        write(&dir, "src/.server.c", "");
        write(&dir, "src/._server.c", "");
        assert_eq!(
            said(&dir),
            "DIR: no file in it counts: there is nothing to grade\n  \
             passed over .git, src/._server.c, src/.server.c: hidden files, backups and what builds \
             leave are no part of a submission\n  \
             if src/.server.c is a source, rename it: a name that begins with a dot is hidden"
        );
        assert!(matches!(
            error(&dir.path().join("none")),
            SubmissionError::Missing { .. }
        ));
        write(&dir, "file.c", "");
        assert!(matches!(
            error(&dir.path().join("file.c")),
            SubmissionError::NotADirectory { .. }
        ));
    }
}
