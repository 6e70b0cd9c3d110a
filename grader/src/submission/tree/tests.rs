use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use tempfile::TempDir;

use super::*;
use crate::lab::Lang;

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
    let notes = joined(&tree.notes);
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
    let notes = joined(&tree.notes);
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
        matches!(&tree.get("e.c").unwrap().content, Content::Refused(why) if why.en.contains("larger"))
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

fn joined(notes: &[Text]) -> String {
    let notes: Vec<&str> = notes.iter().map(|note| note.in_lang(Lang::En)).collect();
    notes.join("\n")
}
