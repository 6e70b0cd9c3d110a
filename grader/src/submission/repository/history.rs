//! When what is in a working tree was last changed by a commit.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use super::{ArchiveError, Repository, is_hash, names};

const CUT_OFF: &str =
    "the history is cut off before this branch began (a shallow clone); fetch it with --unshallow";

impl Repository {
    /// The repository in whose working tree `path` is, as seen from there; `None` where it is in none.
    #[must_use]
    pub fn around(path: &Path) -> Option<Self> {
        let real = path.canonicalize().ok()?;
        let inside = real.ancestors().any(|dir| dir.join(".git").exists());
        inside.then_some(Self { path: real })
    }

    /// When each of `paths` (below the directory that this repository is seen from, `/` between
    /// their parts, empty: all of it) was last changed, by the time of the commit in seconds since
    /// 1970. What no commit has changed is not in the answer; `None`: a commit has, and a history
    /// that was cut off (a shallow clone) does not tell when.
    ///
    /// # Errors
    /// git cannot read the repository.
    pub fn last_changes(
        &self,
        paths: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Option<i64>>, ArchiveError> {
        let fault = |error: std::io::Error| self.failed(error.to_string());
        let cut_off = self.cut_off()?;
        let mut commits = self.git(&["rev-list", "--no-merges", "HEAD"]);
        let mut commits = commits.stderr(Stdio::null()).spawn().map_err(fault)?;
        let hashes = commits.stdout.take().map_or(Stdio::null(), Stdio::from);
        // What is read is plumbing, which asks no program that a repository names.
        let mut changes = self.git(&["diff-tree", "--stdin", "--root", "-r", "-z", "--relative"]);
        changes.args(["--no-renames", "--name-only", "--pretty=format:/%H %ct"]);
        changes.stdin(hashes).stderr(Stdio::null());
        let mut changes = changes.spawn().map_err(fault)?;
        let mut out = BTreeMap::new();
        let mut read = Ok(());
        if let Some(names) = changes.stdout.take() {
            let mut time = None;
            for piece in BufReader::new(names).split(0) {
                match piece {
                    Ok(piece) => take(&piece, &mut time, &cut_off, paths, &mut out),
                    Err(error) => {
                        read = Err(error);
                        break;
                    }
                }
            }
        }
        let done = (
            changes.wait().map_err(fault)?,
            commits.wait().map_err(fault)?,
        );
        read.map_err(fault)?;
        if done.0.success() && done.1.success() {
            Ok(out)
        } else {
            Err(self.failed("it cannot list the commits"))
        }
    }

    /// What was merged into the branch that is checked out, and into which of its commits.
    ///
    /// # Errors
    /// git cannot read the repository, or nothing is checked out.
    pub fn merged(&self) -> Result<BTreeMap<String, String>, ArchiveError> {
        let said = self.said(&[
            "rev-list",
            "--first-parent",
            "--merges",
            "--parents",
            "HEAD",
        ])?;
        let text = String::from_utf8_lossy(&said);
        let mut out = BTreeMap::new();
        for line in text.lines() {
            let mut parents = line.split(' ').skip(1).map(str::to_owned);
            let into = parents.next().unwrap_or_default();
            out.extend(parents.map(|branch| (branch, into.clone())));
        }
        Ok(out)
    }

    /// The files that a branch has added or changed since it left another, `/` between the parts of
    /// their names; all of them where the two have nothing in common. `into` is a commit of the
    /// other one: its last, or of a branch that was merged the one into which it was.
    ///
    /// # Errors
    /// git cannot read the repository, or where the branch began lies before what a shallow clone has.
    pub fn changed(&self, branch: &str, into: &str) -> Result<Vec<String>, ArchiveError> {
        if !is_hash(branch) || !is_hash(into) {
            return Err(self.failed("not a commit"));
        }
        let (status, said, error) = self.ended(&["merge-base", branch, into])?;
        let said = match status.code() {
            Some(0) => self.said(&[
                "diff-tree",
                "-r",
                "-z",
                "--no-renames",
                "--name-only",
                "--diff-filter=d",
                String::from_utf8_lossy(&said).trim_end(),
                branch,
            ])?,
            Some(1) if self.cut_off()?.is_empty() => {
                self.said(&["ls-tree", "-r", "-z", "--name-only", branch])?
            }
            Some(1) => return Err(self.failed(CUT_OFF)),
            _ => return Err(self.failed(error.worst)),
        };
        Ok(names(&said))
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// git cannot read the repository, or nothing is checked out.
    pub fn head(&self) -> Result<String, ArchiveError> {
        let said = self.said(&["rev-parse", "--verify", "HEAD^{commit}"])?;
        Ok(String::from_utf8_lossy(&said).trim_end().to_owned())
    }

    /// The commits before which a shallow clone knows nothing: they seem to have made everything.
    fn cut_off(&self) -> Result<BTreeSet<String>, ArchiveError> {
        let said = self.said(&["rev-parse", "--git-path", "shallow"])?;
        let name = String::from_utf8_lossy(&said);
        let text = std::fs::read_to_string(self.path.join(name.trim_end())).unwrap_or_default();
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// Takes a name that a commit has changed, before the first of which stands `/HASH TIME\n`: no path
/// begins so.
fn take(
    piece: &[u8],
    time: &mut Option<i64>,
    cut_off: &BTreeSet<String>,
    paths: &BTreeSet<String>,
    out: &mut BTreeMap<String, Option<i64>>,
) {
    // Names that are no text are passed over where submissions are looked for, too.
    let Ok(mut name) = std::str::from_utf8(piece) else {
        return;
    };
    if let Some((head, first)) = name
        .strip_prefix('/')
        .and_then(|rest| rest.split_once('\n'))
    {
        let (hash, at) = head.split_once(' ').unwrap_or((head, ""));
        let known = is_hash(hash) && !cut_off.contains(hash);
        *time = at.parse().ok().filter(|_| known);
        name = first;
    }
    if name.is_empty() {
        return;
    }
    let mut rest = Some(name);
    while let Some(part) = rest {
        if paths.contains(part) {
            let last = out.entry(part.to_owned()).or_default();
            // `None` is before every time.
            *last = (*last).max(*time);
        }
        rest = match part.rsplit_once('/') {
            Some((above, _)) => Some(above),
            None => (!part.is_empty()).then_some(""),
        };
    }
}
