//! Repositories that are made of other things than files: git would open a FIFO, and wait for ever.

use std::fs;
use std::path::Path;

/// More entries are not looked at: such a repository was not made by hand.
const LOOKED_AT: usize = 1 << 20;

/// Whether anything in a repository's own directory is neither a file nor a directory, nor a link to one.
pub(super) fn is_odd(path: &Path) -> bool {
    let own = path.join(".git");
    // A file there leads to a directory elsewhere; without one the repository is bare.
    let own = if own.exists() { own } else { path.to_owned() };
    let mut left = LOOKED_AT;
    has_special(&own, &mut left)
}

fn has_special(dir: &Path, left: &mut usize) -> bool {
    let Ok(entries) = fs::read_dir(dir) else {
        return false;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let path = entry.path();
        let odd = if kind.is_dir() {
            has_special(&path, left)
        } else if kind.is_symlink() {
            fs::metadata(&path).is_ok_and(|there| !there.is_file() && !there.is_dir())
        } else {
            !kind.is_file()
        };
        if odd {
            return true;
        }
    }
    false
}
