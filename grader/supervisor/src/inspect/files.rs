//! What programs have left in the workspace.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::fact;
use crate::bytes::escape;
use crate::event::Fact;

/// So many entries are told of.
const MOST_ENTRIES: usize = 200;
/// So many bytes of a file's content are shown.
const MOST_CONTENT: u64 = 512;
/// No directory is looked into deeper.
const MOST_DEPTH: usize = 8;

/// Everything below `workspace` but the top-level names that `placed` knows, by name: channel
/// `files` says what it is (`report: file`, `socket: socket`), `modes` its permission bits
/// (`report: 0644`), `contents` how a regular file begins (`report: hello\n`). Links are not
/// followed.
#[must_use]
pub fn files(workspace: &Path, placed: impl Fn(&[u8]) -> bool) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut pending = vec![(workspace.to_path_buf(), 0)];
    let mut found = Vec::new();
    while let Some((directory, depth)) = pending.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        for entry in entries.take(MOST_ENTRIES) {
            let path = entry.path();
            let Ok(name) = path.strip_prefix(workspace) else {
                continue;
            };
            if depth == 0 && placed(name.as_os_str().as_bytes()) {
                continue;
            }
            let Ok(meta) = fs::symlink_metadata(&path) else {
                continue;
            };
            if meta.is_dir() && depth < MOST_DEPTH {
                pending.push((path.clone(), depth + 1));
            }
            found.push((escape(name.as_os_str().as_bytes()), path, meta));
        }
        if found.len() >= MOST_ENTRIES {
            break;
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, path, meta) in found {
        facts.push(fact("files", format!("{name}: {}", kind(meta.file_type()))));
        facts.push(fact(
            "modes",
            format!("{name}: {:04o}", meta.mode() & 0o7777),
        ));
        if meta.is_file()
            && let Some(content) = beginning(&path)
        {
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

fn kind(kind: FileType) -> &'static str {
    if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "directory"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_fifo() {
        "FIFO"
    } else if kind.is_symlink() {
        "symbolic link"
    } else {
        "device"
    }
}

fn beginning(path: &Path) -> Option<Vec<u8>> {
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    let mut bytes = Vec::new();
    file.take(MOST_CONTENT).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

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
        let facts = files(temp.path(), |name| name == b"own");
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
}
