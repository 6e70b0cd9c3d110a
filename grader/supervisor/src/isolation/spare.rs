//! Private directories that few programs use: `/tmp` and `/dev/shm`.
//!
//! Each is a file system of its own, and making one, and its end, costs about as much as ten system
//! calls of another kind. So the worker has them mounted, and a scenario that has left one as it was leaves it
//! to the next.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;

use super::SetupError;
use super::files::{self, Owner};
use super::scenario::private;
use crate::plan::Limits;

/// Where they are.
pub(super) const AT: [&str; 2] = ["/tmp", "/dev/shm"];

/// The worker's.
#[derive(Debug)]
pub(crate) struct Spares {
    owner: Owner,
    all: [Spare; 2],
}

#[derive(Debug)]
struct Spare {
    at: &'static str,
    /// With room for so many bytes, and like this when it was new.
    made: Option<(u64, State)>,
}

/// What anybody may change about an empty directory. Each change sets the last of these times as well; but
/// that clock may not have ticked in between.
#[derive(Debug, PartialEq, Eq)]
struct State {
    device: u64,
    mode: u32,
    owner: Owner,
    /// Of its entries.
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Access lists are among them.
    attributes: usize,
}

impl Spares {
    /// For programs that will be `owner`. Nothing is mounted yet.
    pub(crate) fn new(owner: Owner) -> Self {
        let all = AT.map(|at| Spare { at, made: None });
        Self { owner, all }
    }

    /// They were mounted in a namespace that is no more.
    pub(crate) fn forget(&mut self) {
        self.all.iter_mut().for_each(|spare| spare.made = None);
    }

    /// Sees to it that all are as good as new. For the worker, before a scenario.
    pub(crate) fn renew(&mut self, limits: &Limits) -> Result<(), SetupError> {
        for spare in &mut self.all {
            if let Some((size, state)) = &spare.made {
                if *size == limits.file_size && look(spare.at)? == *state {
                    continue;
                }
                spare.made = None;
            }
            // Over the one that was used, which goes with the namespace.
            private(spare.at, "1777", limits, self.owner)?;
            spare.made = Some((limits.file_size, look(spare.at)?));
        }
        Ok(())
    }
}

fn look(at: &str) -> Result<State, SetupError> {
    let wrong = |reason: String| SetupError::NotSetUp(format!("{at}: {reason}"));
    let data = fs::symlink_metadata(at).map_err(|error| wrong(error.to_string()))?;
    let path: CString = files::c_path(at.as_ref())?;
    // SAFETY: the path is a live C string; without room only the length is asked for.
    let attributes = unsafe { libc::llistxattr(path.as_ptr(), std::ptr::null_mut(), 0) };
    let attributes = match Errno::result(attributes) {
        Ok(length) => length.unsigned_abs(),
        Err(Errno::ENOTSUP) => 0,
        Err(errno) => return Err(wrong(errno.desc().to_owned())),
    };
    Ok(State {
        device: data.dev(),
        mode: data.mode(),
        owner: (data.uid(), data.gid()),
        size: data.size(),
        modified: (data.mtime(), data.mtime_nsec()),
        changed: (data.ctime(), data.ctime_nsec()),
        attributes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn whatever_was_done_in_a_directory_is_seen() {
        let temp = tempfile::tempdir().unwrap();
        let at = temp.path().to_str().unwrap();
        let new = look(at).unwrap();
        assert_eq!(look(at).unwrap(), new);
        fs::write(temp.path().join("file"), "").unwrap();
        let with_a_file = look(at).unwrap();
        assert_ne!(with_a_file, new);
        fs::remove_file(temp.path().join("file")).unwrap();
        fs::set_permissions(at, fs::Permissions::from_mode(0o1755)).unwrap();
        assert_ne!(look(at).unwrap().mode, new.mode);
    }
}
