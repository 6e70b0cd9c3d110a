//! Branches whose names do not say whose they are: pull requests to a tree in which everybody has a
//! directory. What such a branch has changed there is handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::FindError;
use super::hit::Hit;
use super::layout::{Bindings, Layout};
use super::refs::{at, below, unreadable};
use super::search::{Search, some_of};
use crate::batch::item::{composed, qualified};
use crate::submission::{GitRef, Repository};
use crate::text::clean;

/// What branches change in the tree they are to be merged into: the one that is checked out.
pub(super) struct Changes<'a> {
    repository: &'a Repository,
    layout: &'a Layout,
    head: String,
    /// What is merged already, and into which commit.
    merged: BTreeMap<String, String>,
    /// The branches that change nothing of the layout's.
    none: Vec<String>,
}

impl<'a> Changes<'a> {
    pub(super) fn of(repository: &'a Repository, layout: &'a Layout) -> Result<Self, FindError> {
        Ok(Self {
            repository,
            layout,
            head: repository.head()?,
            merged: repository.merged()?,
            none: Vec::new(),
        })
    }

    /// Adds what the branch has changed: a submission for each directory of the layout.
    pub(super) fn place(
        &mut self,
        search: &mut Search<'_>,
        root: &Path,
        branch: &GitRef,
        hit: &Hit,
    ) {
        let into = self.merged.get(&branch.commit).unwrap_or(&self.head);
        let (changed, strays) = match self.repository.changed(&branch.commit, into) {
            Ok(files) => (self.directories(&files), self.strays(files)),
            Err(error) => return unreadable(search, branch, &error),
        };
        let students: BTreeSet<String> = changed.values().map(whose).collect();
        // One student's request must not be another's attempt; whose it is may be told by `--only`.
        if students.len() > 1 && search.query.only.is_empty() {
            let names = some_of(students.iter().map(String::as_str), search.query.lang);
            search.lose(
                &branch.name,
                &format!("it changes the directories of {names}; --only says whose it is"),
                &format!("меняет каталоги {names}; чья это работа, говорит --only"),
            );
            return;
        }
        if changed.is_empty() && strays.is_empty() {
            self.none.push(branch.name.clone());
        }
        for name in strays {
            search.lose(
                &format!("{} {}", branch.name, clean(&name)),
                "it is a link or a file, not a directory",
                "это ссылка или файл, а не каталог",
            );
        }
        for (directory, found) in changed {
            let hit = Hit {
                student: found.student.clone().unwrap_or_default(),
                ..hit.clone()
            };
            let place = at(root, branch, directory);
            if let Some(hit) = below(search, &hit, found, place) {
                search.hits.push(hit);
            }
        }
    }

    /// The directories of the layout in which these files are.
    fn directories(&self, files: &[String]) -> BTreeMap<String, Bindings> {
        let mut out = BTreeMap::new();
        for file in files {
            let mut ends = file.match_indices('/').map(|(end, _)| end);
            let directory = match ends.nth(self.layout.depth().saturating_sub(1)) {
                Some(end) => &file[..end],
                None => continue,
            };
            if let Some(found) = self.layout.read_all(&composed(directory)) {
                out.insert(directory.to_owned(), found);
            }
        }
        out
    }

    /// What is called like a directory of the layout and is none.
    fn strays(&self, mut files: Vec<String>) -> Vec<String> {
        files.retain(|file| {
            let deep = file.matches('/').count() + 1 == self.layout.depth();
            let found = self.layout.read_all(&composed(file)).filter(|_| deep);
            found.is_some_and(|found| found.lab.is_some())
        });
        files
    }

    /// Tells of the branches in which nothing was handed in.
    pub(super) fn tell_of_none(self, search: &mut Search<'_>) {
        if self.none.is_empty() {
            return;
        }
        let names = some_of(self.none.iter().map(String::as_str), search.query.lang);
        let layout = self.layout;
        search.note(
            format!("nothing of the layout `{layout}` is changed by {names}"),
            format!("ничего в раскладке `{layout}` не меняют: {names}"),
        );
    }
}

fn whose(found: &Bindings) -> String {
    let [group, student] = [&found.group, &found.student].map(|name| name.as_deref());
    qualified(group.unwrap_or_default(), student.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use tempfile::TempDir;

    use crate::batch::Place;
    use crate::batch::find::tests::{file, one_lab};
    use crate::batch::find::{FindError, Found, Layout, Query, find, only};

    struct Course(TempDir);

    impl Course {
        fn git(&self, words: &[&str]) {
            self.said(words);
        }

        fn said(&self, words: &[&str]) -> String {
            let mut command = Command::new("git");
            let who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            command.current_dir(self.0.path()).args(who).args(words);
            let done = command.output().unwrap();
            assert!(done.status.success(), "{words:?}: {done:?}");
            String::from_utf8(done.stdout).unwrap().trim().to_owned()
        }

        fn new() -> Self {
            let course = Self(TempDir::new().unwrap());
            course.git(&["init", "-q", "-b", "main"]);
            course.commit(&["21214/anna/lab29/x.c", "21214/boris/lab30/x.c"]);
            course
        }

        fn commit(&self, files: &[&str]) {
            for name in files {
                file(self.0.path(), name);
            }
            self.git(&["add", "-A"]);
            self.git(&["commit", "-qm", "x"]);
        }

        /// A pull request from where `main` is now, which is checked out again.
        fn request(&self, number: u32, files: &[&str]) {
            self.git(&["checkout", "-q", "--detach", "main"]);
            self.commit(files);
            let name = format!("refs/pull/{number}/head");
            self.git(&["update-ref", &name, "HEAD"]);
            self.git(&["checkout", "-q", "main"]);
        }

        fn look(&self, refs: &str, only_one: &[&str]) -> Result<Found, FindError> {
            let query = Query {
                refs: Some(Layout::of_refs(refs).unwrap()),
                layout: Some("{group}/{student}/lab{n}".parse().unwrap()),
                only: only_one.iter().map(|name| only(name).unwrap()).collect(),
                ..one_lab()
            };
            find(self.0.path(), &query)
        }

        fn found(&self, refs: &str, only_one: &[&str]) -> Found {
            let found = self.look(refs, only_one);
            found.unwrap_or_else(|error| panic!("{error}"))
        }
    }

    /// `group/student attempt branch:directory`.
    fn rows(found: &Found) -> Vec<String> {
        let items = found.items.iter();
        items
            .map(|item| {
                let id = &item.identity;
                let Place::Git {
                    name, directory, ..
                } = &item.place
                else {
                    panic!("{item:?}");
                };
                let who = format!("{}/{} {}", id.group, id.student, id.attempt);
                format!("{who} {name}:{directory}")
            })
            .collect()
    }

    #[test]
    fn what_a_pull_request_changes_is_handed_in() {
        let course = Course::new();
        course.request(3, &["21214/anna/lab30/src/a.c", "21214/anna/lab31/a.c"]);
        course.request(4, &["21214/vera/Lab_30/a.c", "README"]);
        course.commit(&["21215/new/lab30/x.c"]);
        course.request(5, &["21214/anna/lab30/b.c"]);
        course.request(6, &["README.md"]);
        let found = course.found("pull/*/head", &[]);
        assert_eq!(
            rows(&found),
            [
                "21214/anna 1 pull/3/head:21214/anna/lab30",
                "21214/anna 2 pull/5/head:21214/anna/lab30",
                "21214/vera 1 pull/4/head:21214/vera/Lab_30",
            ]
        );
        let nothing = "nothing of the layout `{group}/{student}/lab{n}` is changed by pull/6/head";
        assert!(found.notes.contains(&nothing.to_owned()), "{found:?}");
        // Fetched to where branches of another repository are, a request is no less.
        course.git(&["update-ref", "refs/remotes/pr/3", "refs/pull/3/head"]);
        let found = course.found("pr/*", &[]);
        assert_eq!(found.items.len(), 1, "{found:?}");
    }

    #[test]
    fn a_request_that_was_merged_counts_for_what_it_has_changed() {
        let course = Course::new();
        course.request(7, &["21214/anna/lab30/a.c"]);
        course.commit(&["21214/boris/lab30/y.c"]);
        course.git(&["merge", "-q", "--no-edit", "refs/pull/7/head"]);
        // A branch that was brought up to date before it was handed in.
        course.request(8, &["21214/vera/lab30/a.c"]);
        course.commit(&["21214/anna/lab30/after.c"]);
        course.git(&["checkout", "-q", "--detach", "refs/pull/8/head"]);
        course.git(&["merge", "-q", "--no-edit", "main"]);
        course.git(&["update-ref", "refs/pull/8/head", "HEAD"]);
        course.git(&["checkout", "-q", "main"]);
        let found = course.found("pull/*/head", &[]);
        assert_eq!(
            rows(&found),
            [
                "21214/anna 1 pull/7/head:21214/anna/lab30",
                "21214/vera 1 pull/8/head:21214/vera/lab30",
            ]
        );
    }

    #[test]
    fn a_request_that_changes_what_is_anothers_counts_for_nobody_until_it_is_said_for_whom() {
        let course = Course::new();
        course.request(9, &["21214/vera/lab30/a.c", "21214/boris/lab30/x.h"]);
        course.request(10, &["21214/anna/lab30/a.c"]);
        let found = course.found("pull/*/head", &[]);
        assert_eq!(found.items.len(), 1, "{found:?}");
        assert_eq!(
            found.lost,
            [
                "passed over pull/9/head: it changes the directories of 21214/boris, 21214/vera; \
                 --only says whose it is"
            ]
        );
        let found = course.found("pull/9/head", &["vera"]);
        assert_eq!(rows(&found), ["21214/vera 1 pull/9/head:21214/vera/lab30"]);
    }

    #[test]
    fn a_link_in_place_of_a_directory_is_told() {
        let course = Course::new();
        course.git(&["checkout", "-q", "--detach", "main"]);
        fs::create_dir(course.0.path().join("21214/vera")).unwrap();
        let link = course.0.path().join("21214/vera/lab30");
        std::os::unix::fs::symlink("../boris/lab30", link).unwrap();
        course.commit(&[]);
        course.git(&["update-ref", "refs/pull/2/head", "HEAD"]);
        course.git(&["checkout", "-q", "main"]);
        course.request(3, &["21214/anna/lab30/a.c"]);
        let found = course.found("pull/*/head", &[]);
        assert_eq!(rows(&found), ["21214/anna 1 pull/3/head:21214/anna/lab30"]);
        assert_eq!(
            found.lost,
            ["passed over pull/2/head 21214/vera/lab30: it is a link or a file, not a directory"]
        );
    }

    #[test]
    fn a_branch_that_cannot_be_read_costs_nobody_else_anything() {
        let course = Course::new();
        course.request(11, &["21214/anna/lab30/a.c"]);
        course.commit(&["21214/boris/lab30/y.c"]);
        course.request(12, &["21214/vera/lab30/a.c"]);
        let tree = course.said(&["rev-parse", "refs/pull/11/head^{tree}"]);
        let object = format!(".git/objects/{}/{}", &tree[..2], &tree[2..]);
        fs::remove_file(course.0.path().join(object)).unwrap();
        let found = course.found("pull/*/head", &[]);
        assert_eq!(rows(&found), ["21214/vera 1 pull/12/head:21214/vera/lab30"]);
        let [lost] = &found.lost[..] else {
            panic!("{found:?}");
        };
        assert!(lost.starts_with("passed over pull/11/head: "), "{lost}");
        assert!(lost.contains(": git: "), "{lost}");
    }

    #[test]
    fn in_a_shallow_clone_nobody_is_taken_for_the_author_of_all() {
        let whole = Course::new();
        whole.request(13, &["21214/anna/lab30/a.c"]);
        whole.commit(&["21214/boris/lab30/y.c"]);
        let course = Course(TempDir::new().unwrap());
        let url = format!("file://{}", whole.0.path().display());
        course.git(&["clone", "-q", "--depth", "1", &url, "."]);
        let requests = "refs/pull/*:refs/pull/*";
        course.git(&["fetch", "-q", "--depth", "1", "origin", requests]);
        let found = course.look("pull/*/head", &[]).unwrap_err().to_string();
        assert!(
            found.contains("pull/13/head") && found.contains("--unshallow"),
            "{found}"
        );
    }

    #[test]
    fn what_has_nothing_in_common_with_the_tree_counts_as_a_whole() {
        let course = Course::new();
        course.git(&["checkout", "-q", "--orphan", "alone"]);
        course.git(&["rm", "-rqf", "."]);
        course.commit(&["21214/anna/lab30/a.c"]);
        course.git(&["checkout", "-q", "main"]);
        let found = course.found("al*e", &[]);
        assert_eq!(rows(&found), ["21214/anna 1 alone:21214/anna/lab30"]);
    }
}
