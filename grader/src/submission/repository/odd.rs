//! Repositories that are made of other things than files, or lead out of themselves: git would open a
//! FIFO, and wait for ever, or read what is somebody else's.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

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

/// A longer configuration was not made by hand.
const LONGEST_CONFIG: u64 = 1 << 20;

/// What in a clone's `.git` leads git out of it, or is neither a file nor a directory: no clone that was
/// fetched has such a thing, and whoever hands one in may have put it there.
pub(super) fn leads_elsewhere(path: &Path) -> Option<PathBuf> {
    let own = path.join(".git");
    let kind = fs::symlink_metadata(&own).ok()?.file_type();
    if kind.is_dir() {
        return leads_out(&own).map(|inside| Path::new(".git").join(inside));
    }
    // A submodule's is a file, and the directory that it names says whose it is.
    let is_module = kind.is_file() && is_module(path, &own).unwrap_or_default();
    (!is_module).then(|| PathBuf::from(".git"))
}

/// What in a repository, bare or not, has git read objects or branches of another one.
pub(super) fn borrows(path: &Path) -> Option<PathBuf> {
    let own = match path.join(".git") {
        own if own.is_dir() => own,
        _ => path.to_owned(),
    };
    let alternates = own.join("objects/info/alternates");
    let of = |part: &str| {
        let there = own.join(part);
        let is_link = fs::symlink_metadata(&there).is_ok_and(|meta| meta.is_symlink());
        let mut left = LOOKED_AT;
        is_link
            .then(|| there.clone())
            .or_else(|| not_plain(&there, &mut left))
    };
    let found = fs::metadata(&alternates).is_ok_and(|meta| meta.len() > 0);
    let found = found.then_some(alternates);
    found.or_else(|| of("refs")).or_else(|| of("objects"))
}

fn leads_out(own: &Path) -> Option<PathBuf> {
    for leading in ["commondir", "objects/info/alternates"] {
        if fs::symlink_metadata(own.join(leading)).is_ok() {
            return Some(PathBuf::from(leading));
        }
    }
    let mut left = LOOKED_AT;
    if let Some(path) = not_plain(own, &mut left) {
        return Some(path.strip_prefix(own).unwrap_or(&path).to_owned());
    }
    let configs = ["config", "config.worktree"].into_iter();
    let mut including = configs.filter(|name| {
        let text = config(&own.join(name));
        text.is_none_or(|text| text.to_lowercase().contains("[include"))
    });
    including.next().map(PathBuf::from)
}

/// Whether a `.git` that is a file leads to the repository of a submodule, which names the working tree
/// that it is of.
fn is_module(path: &Path, link: &Path) -> Option<bool> {
    let text = config(link)?;
    let module = path.join(text.strip_prefix("gitdir:")?.trim());
    if !fs::symlink_metadata(&module).ok()?.is_dir() || leads_out(&module).is_some() {
        return None;
    }
    let text = config(&module.join("config"))?;
    let mut worktrees = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "worktree").then(|| module.join(value.trim()))
    });
    let back = worktrees.next()?.canonicalize().ok()?;
    Some(back == path.canonicalize().ok()?)
}

/// The text of a configuration; empty where there is none, `None` where it is longer than any.
fn config(path: &Path) -> Option<String> {
    let Ok(file) = fs::File::open(path) else {
        return Some(String::new());
    };
    let mut text = Vec::new();
    file.take(LONGEST_CONFIG + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= LONGEST_CONFIG).then(|| String::from_utf8_lossy(&text).into_owned())
}

/// What in a directory is neither a file nor a directory.
fn not_plain(dir: &Path, left: &mut usize) -> Option<PathBuf> {
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        *left = left.saturating_sub(1);
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if *left == 0 || !kind.is_dir() && !kind.is_file() {
            return Some(path);
        }
        if let Some(found) = kind.is_dir().then(|| not_plain(&path, left)).flatten() {
            return Some(found);
        }
    }
    None
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
