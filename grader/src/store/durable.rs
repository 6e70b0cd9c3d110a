//! Writing that is seen as a whole or not at all, by every machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// What has to be before a file has its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Its content is on the disk: whoever reads it takes it as it is.
    Disk,
    /// The file server has its content: every machine sees it whole. What a power cut of the server
    /// leaves of it, the reader must tell by a hash.
    Server,
}

/// Writes a new file as a whole; `false` where one of this name was there first, which stays.
///
/// A hard link is the test: link(2) fails with EEXIST, atomically and on NFS too. There the reply
/// may be lost and the repeated call fail although the first one succeeded; the number of links
/// tells (open(2), `O_EXCL`).
///
/// The name may be lost when the file server loses its power: then the file is put in or graded
/// once more. What must not be lost is in the journal of whoever collects.
pub(super) fn link_new(path: &Path, bytes: &[u8], wait: Wait) -> io::Result<bool> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let temporary = directory.join(temporary_name());
    let result =
        write(&temporary, bytes, wait).and_then(|()| match fs::hard_link(&temporary, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(links(&temporary)? > 1)
            }
            Err(error) => Err(error),
        });
    // What is left of it is nobody's and bears no key.
    let _ = fs::remove_file(&temporary);
    result
}

/// Writes a file as a whole over what bears its name, which is nothing that anybody needs.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let temporary = directory.join(temporary_name());
    let written = write(&temporary, bytes, Wait::Disk);
    written
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
}

/// Writes a file into a directory and removes it.
pub(super) fn try_to_write(directory: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = directory.join(temporary_name());
    let written = write(&temporary, bytes, Wait::Server);
    let _ = fs::remove_file(&temporary);
    written
}

fn write(path: &Path, bytes: &[u8], wait: Wait) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    if wait == Wait::Disk {
        file.sync_all()?;
    }
    // Over NFS the content goes to the server now, and what it refuses (a full disk, a quota) is
    // told now and not before.
    Ok(nix::unistd::close(file)?)
}

fn links(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata(path)?.nlink())
}

/// A name that no other worker, on any machine, uses.
pub(super) fn temporary_name() -> String {
    format!(".tmp.{}", unique())
}

/// Host, process, time and a counter: unlike any other's.
pub(super) fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host: String = host
        .to_string_lossy()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(32)
        .collect();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "{host}.{}.{:x}.{}",
        std::process::id(),
        now.as_nanos(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    )
}
