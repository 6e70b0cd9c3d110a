//! Submissions that cannot be graded as they are: one clear message each, the right exit code,
//! nothing lost.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use predicates::prelude::*;
use predicates::str::contains;

use crate::support::{Home, json, outcomes};

const SERVER: &str = "int main(void) { return 0; }\n";

#[test]
fn a_missing_directory_is_named() {
    let home = Home::new();
    home.grader()
        .args(["check", "us-upper", "none"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("none"));
}

#[test]
fn a_file_in_place_of_a_directory_says_what_to_give() {
    let home = Home::new();
    home.file("server.c", SERVER);
    home.grader()
        .args(["check", "us-upper", "server.c"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("server.c").and(contains("directory")));
}

#[test]
fn of_an_archive_it_is_told_how_to_have_it_graded() {
    let home = Home::new();
    for (archive, hint) in [
        (
            "lab 30.zip",
            "hint: unpack it and give the directory: unzip 'lab 30.zip' -d 'lab 30'; \
             or let `grader batch LAB 'lab 30.zip'` read it\n",
        ),
        (
            "work/lab30.tar.gz",
            "mkdir lab30 && tar xf work/lab30.tar.gz -C lab30;",
        ),
        ("lab30.7z", "hint: unpack it and give the directory\n"),
        (
            "work/server.c",
            "hint: give the directory that it is in: work\n",
        ),
    ] {
        home.file(archive, "whatever");
        home.grader()
            .args(["check", "us-upper", archive])
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("not a directory").and(contains(hint)));
    }
}

#[test]
fn a_directory_of_hidden_files_is_not_called_empty() {
    let home = Home::new();
    home.file("work/.gitignore", "*.o\n");
    home.file("work/.server.c", SERVER);
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(2)
        .stderr(
            contains("empty")
                .not()
                .and(contains("passed over .gitignore, .server.c"))
                .and(contains("if .server.c is a source, rename it")),
        );
}

#[test]
fn an_empty_directory_is_told() {
    let home = Home::new();
    fs::create_dir(home.path().join("work")).unwrap();
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("empty"));
}

#[test]
fn two_candidates_for_one_program_are_both_named() {
    let home = Home::new();
    home.file("work/a-server.c", SERVER);
    home.file("work/b-server.c", SERVER);
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(2)
        .stderr(
            contains("a-server.c")
                .and(contains("b-server.c"))
                .and(contains("grader.toml")),
        );
}

#[test]
fn an_unreadable_source_is_named() {
    let home = Home::new();
    let source = home.file("work/us-server.c", SERVER);
    fs::set_permissions(&source, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&source).is_ok() {
        // The superuser reads everything: there is nothing to test.
        return;
    }
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(2)
        .stderr(contains("us-server.c"));
}

#[test]
fn a_source_that_does_not_compile_shows_the_compilers_words() {
    let home = Home::new();
    home.file(
        "work/us-server.c",
        "int main(void) { return undeclared; }\n",
    );
    home.file("work/us-client.c", SERVER);
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(1)
        .stdout(
            contains("us-server.c:1:25: error:")
                .and(contains("undeclared"))
                .and(contains("us-client")),
        );
}

#[test]
fn a_binary_in_place_of_a_source_is_told() {
    let home = Home::new();
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(4096, 0);
    home.file("work/us-server.c", &elf);
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("us-server.c").and(contains("source")));
}

#[test]
fn names_that_are_not_text_do_no_harm() {
    let home = Home::new();
    let work = home.copy("us-upper", "good-raw");
    fs::write(work.join(OsStr::from_bytes(b"caf\xe9\x1b[2J.txt")), "x").unwrap();
    let odd = home.path().join(OsStr::from_bytes(b"w\xff\x1b"));
    fs::rename(&work, &odd).unwrap();
    let output = home
        .grader()
        .arg("check")
        .arg("us-upper")
        .arg(&odd)
        .assert()
        .code(0);
    assert!(!output.get_output().stdout.contains(&0x1b));
}

#[test]
fn a_makefile_that_fails_shows_what_make_said() {
    let home = Home::new();
    home.file(
        "work/Makefile",
        "us-server us-client:\n\t@echo no such luck >&2; exit 7\n",
    );
    home.grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(1)
        .stdout(contains("Makefile").and(contains("no such luck")));
}

#[test]
fn a_makefile_that_never_ends_is_stopped() {
    let home = Home::new();
    home.file("work/Makefile", "pipe-upper:\n\t@while :; do :; done\n");
    let output = home
        .grader()
        .args(["check", "pipe-upper", "work"])
        .assert()
        .code(1);
    let said = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    // Once: it would never end with more help either.
    let stopped = said.matches("CPU time limit exceeded").count();
    assert_eq!(stopped, 1, "{said}");
}

#[test]
fn a_makefile_that_starts_its_server_does_not_keep_the_student_waiting() {
    let home = Home::new();
    let work = home.copy("us-upper", "good-raw");
    let text = "run: us-server us-client\n\t./us-server ./socket\n";
    fs::write(work.join("Makefile"), text).unwrap();
    // It is no wait of a minute: nothing in the build can wake the server.
    let waits = contains("waits for what does not come: ./us-server ./socket");
    let check = home
        .grader()
        .arg("check")
        .arg("us-upper")
        .arg(&work)
        .assert();
    check.code(0).stdout(waits);
}

#[test]
fn a_program_that_is_not_executable_is_told() {
    let home = Home::new();
    home.file("work/Makefile", "us-server us-client:\n\techo text > $@\n");
    let output = home
        .grader()
        .args(["check", "us-upper", "work"])
        .assert()
        .code(1);
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(text.contains("us-server"), "{text}");
}

#[test]
fn one_program_alone_is_graded_for_what_it_is() {
    let home = Home::new();
    let work = home.copy("us-upper", "good-raw");
    fs::remove_file(work.join("us-client.c")).unwrap();
    let output = home
        .grader()
        .arg("check")
        .arg("us-upper")
        .arg(&work)
        .args(["--format", "json"])
        .assert()
        .code(1);
    let outcomes = outcomes(&json(&output.get_output().stdout));
    for (id, outcome) in &outcomes {
        let expected = if id.starts_with("s-") {
            "pass"
        } else {
            "not-reached"
        };
        assert_eq!(outcome, expected, "{id}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_runs() {
    let home = Home::new();
    let work = home.copy("us-upper", "good-raw");
    home.grader()
        .arg("check")
        .arg("us-upper")
        .arg(&work)
        .args(["--format", "json=/nonexistent/report.json"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("/nonexistent/report.json"));
}

#[test]
fn a_scenario_or_requirement_that_does_not_exist_is_a_usage_error() {
    let home = Home::new();
    let work = home.copy("us-upper", "good-raw");
    home.grader()
        .arg("check")
        .arg("us-upper")
        .arg(&work)
        .args(["--scenario", "one-then-the-nxt"])
        .assert()
        .code(2)
        .stderr(contains("one-then-the-nxt").and(contains("one-then-the-next")));
    home.grader()
        .arg("check")
        .arg("us-upper")
        .arg(&work)
        .args(["--only", "s-nxt"])
        .assert()
        .code(2)
        .stderr(contains("s-nxt").and(contains("s-next")));
}
