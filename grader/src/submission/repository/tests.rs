use super::*;
use std::fs;
use tempfile::TempDir;

fn run(dir: &Path, words: &[&str]) {
    let done = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(words)
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .output()
        .unwrap();
    assert!(done.status.success(), "{words:?}: {done:?}");
}

fn commit(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    run(dir, &["add", "-A"]);
    run(dir, &["commit", "-qm", "x", "--no-verify"]);
}

#[test]
fn branches_are_read_without_touching_the_tree() {
    let dir = TempDir::new().unwrap();
    run(dir.path(), &["init", "-q"]);
    commit(dir.path(), &[("README", "main")]);
    run(dir.path(), &["checkout", "-qb", "ivanov/lab30"]);
    commit(dir.path(), &[("21214/ivanov/lab30/server.c", "int main;")]);
    run(dir.path(), &["checkout", "-q", "main"]);
    let repository = Repository::at(dir.path()).unwrap();
    assert!(repository.has_tree());
    assert_eq!(repository.head_time(), Some(1_700_000_000));
    let refs = repository.refs().unwrap();
    let names: Vec<&str> = refs.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["ivanov/lab30", "main"]);
    assert_eq!(refs[0].time, 1_700_000_000);
    assert!(
        repository
            .directories(&refs[0].commit)
            .unwrap()
            .contains(&"21214/ivanov/lab30".to_owned())
    );
    let bounds = ArchiveBounds::default();
    let unpacked = repository
        .unpack(&refs[0].commit, "21214/ivanov/lab30", &bounds)
        .unwrap();
    assert_eq!(
        fs::read_to_string(unpacked.path().join("server.c")).unwrap(),
        "int main;"
    );
    assert!(!unpacked.path().join("README").exists());
    // The user's tree is as it was.
    assert!(!dir.path().join("21214").exists());
}

#[test]
fn nothing_of_a_repository_is_executed() {
    let dir = TempDir::new().unwrap();
    let ran = dir.path().join("ran");
    let repo = dir.path().join("repo");
    fs::create_dir(&repo).unwrap();
    run(&repo, &["init", "-q"]);
    commit(
        &repo,
        &[
            ("a.c", "plain\n"),
            (
                ".gitattributes",
                "*.c filter=evil ident export-subst\nb.c export-ignore\n",
            ),
            ("b.c", "$Id$ $Format:%H$\n"),
        ],
    );
    std::os::unix::fs::symlink("/etc/passwd", repo.join("link.c")).unwrap();
    run(&repo, &["add", "link.c"]);
    run(&repo, &["commit", "-qm", "link"]);
    let evil = format!("touch {}; cat", ran.display());
    let pager = format!("touch {}", ran.display());
    for (key, value) in [
        ("filter.evil.smudge", evil.as_str()),
        ("core.fsmonitor", &pager),
        ("core.pager", &pager),
        ("core.sshCommand", &pager),
        ("log.showSignature", "true"),
        ("gpg.program", &pager),
    ] {
        run(&repo, &["config", key, value]);
    }
    // References that look like options.
    run(&repo, &["update-ref", "refs/heads/--output=x", "HEAD"]);
    let repository = Repository::at(&repo).unwrap();
    let refs = repository.refs().unwrap();
    assert!(refs.iter().any(|r| r.name == "--output=x"));
    assert!(repository.head_time().is_some());
    let unpacked = repository
        .unpack(&refs[0].commit, "", &ArchiveBounds::default())
        .unwrap();
    let text = |name: &str| fs::read_to_string(unpacked.path().join(name)).unwrap();
    assert_eq!(text("a.c"), "plain\n");
    assert_eq!(text("b.c"), "$Id$ $Format:%H$\n");
    assert!(!unpacked.path().join("link.c").exists());
    assert!(
        unpacked.notes[0].en.contains("link"),
        "{:?}",
        unpacked.notes
    );
    assert!(!ran.exists());
    assert!(
        repository
            .unpack("--help", "", &ArchiveBounds::default())
            .is_err()
    );
}

#[test]
fn as_many_warnings_as_no_pipe_holds_keep_nobody_waiting() {
    let dir = TempDir::new().unwrap();
    run(dir.path(), &["init", "-q"]);
    commit(dir.path(), &[("a.c", "")]);
    let nothing = "0".repeat(40);
    for number in 0..1000 {
        let name = format!(".git/refs/heads/{}{number}", "broken-".repeat(10));
        fs::write(dir.path().join(name), &nothing).unwrap();
    }
    let repository = Repository::at(dir.path()).unwrap();
    let refs = repository.refs().unwrap();
    let readable = refs.iter().filter(|r| !r.commit.is_empty());
    let names: Vec<&str> = readable.map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["main"]);
    let (_, _, complaint) = repository.ended(&["for-each-ref"]).unwrap();
    assert!(complaint.worst.starts_with("warning:"), "{complaint:?}");
}

#[test]
fn bounds_hold_for_a_repository_too() {
    let dir = TempDir::new().unwrap();
    run(dir.path(), &["init", "-q"]);
    commit(dir.path(), &[("big.c", &"x".repeat(4000))]);
    let repository = Repository::at(dir.path()).unwrap();
    let refs = repository.refs().unwrap();
    let bounds = ArchiveBounds {
        total: 1000,
        ..ArchiveBounds::default()
    };
    let error = repository.unpack(&refs[0].commit, "", &bounds).unwrap_err();
    assert!(error.to_string().contains("MiB unpacked"), "{error}");
}

#[test]
fn a_repository_with_a_fifo_in_it_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join(".git");
    fs::create_dir_all(own.join("objects/ab")).unwrap();
    fs::write(own.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    assert!(Repository::found_at(dir.path()).is_some());
    let fifo = own.join("objects/ab/cd");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(Repository::found_at(dir.path()), None);
    fs::remove_file(&fifo).unwrap();
    // A link to one is opened as well.
    let elsewhere = dir.path().join("pipe");
    nix::unistd::mkfifo(&elsewhere, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink(&elsewhere, own.join("config")).unwrap();
    assert_eq!(Repository::found_at(dir.path()), None);
}

#[test]
fn a_branch_that_points_to_nothing_costs_nobody_else_anything() {
    let dir = TempDir::new().unwrap();
    run(dir.path(), &["init", "-q"]);
    commit(dir.path(), &[("a.c", "")]);
    run(dir.path(), &["tag", "-a", "-m", "x", "handed-in"]);
    run(dir.path(), &["tag", "of-a-tree", "HEAD^{tree}"]);
    let head = dir.path().join(".git/refs/heads");
    fs::write(head.join("gone"), "c".repeat(40)).unwrap();
    fs::write(head.join("empty"), "").unwrap();
    // A commit that is damaged on the disk.
    let damaged = "d".repeat(40);
    let object = dir.path().join(".git/objects/dd");
    fs::create_dir_all(&object).unwrap();
    fs::write(object.join(&damaged[2..]), "no zlib").unwrap();
    fs::write(head.join("damaged"), &damaged).unwrap();
    let refs = Repository::at(dir.path()).unwrap().refs().unwrap();
    let (read, broken): (Vec<_>, Vec<_>) = refs.iter().partition(|r| !r.commit.is_empty());
    let names = |refs: Vec<&GitRef>| refs.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
    assert!(read.iter().all(|r| r.time == 1_700_000_000), "{read:?}");
    assert_eq!(names(read), ["main", "handed-in"]);
    assert_eq!(names(broken), ["damaged", "gone", "empty"]);
}

#[test]
fn a_tree_of_a_million_names_is_its_makers_fault() {
    let dir = TempDir::new().unwrap();
    run(dir.path(), &["init", "-q"]);
    commit(dir.path(), &[("a.c", "")]);
    let script = "set -e; it='HEAD^{tree}'; for level in 1 2 3 4 5 6 7 8 9; do
        it=$(for n in 1 2 3 4 5 6 7 8; do printf '040000 tree %s\tdirectory-%s\n' \
            $(git rev-parse \"$it\") $n; done | git mktree); done
        git update-ref refs/heads/bomb $(echo x | git -c user.name=t -c user.email=t@x commit-tree $it)";
    let mut shell = Command::new("sh");
    let made = shell.args(["-c", script]).current_dir(dir.path()).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{made:?}");
    let repository = Repository::at(dir.path()).unwrap();
    let refs = repository.refs().unwrap();
    let bomb = refs.iter().find(|found| found.name == "bomb").unwrap();
    let unpacked = repository.unpack(&bomb.commit, "", &ArchiveBounds::default());
    let error = unpacked.unwrap_err();
    assert!(matches!(error, ArchiveError::Unfit { .. }), "{error}");
}
