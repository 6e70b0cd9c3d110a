use super::*;
use std::fs;
use tempfile::TempDir;

fn labs(ids: &[(&str, &[u32])]) -> Vec<Candidate> {
    ids.iter()
        .map(|(id, numbers)| Candidate {
            id: (*id).to_owned(),
            numbers: numbers.to_vec(),
            semester: 1,
        })
        .collect()
}

pub(super) fn one_lab() -> Query {
    Query {
        labs: labs(&[("course-30", &[30])]),
        ..Query::default()
    }
}

pub(super) fn file(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "int main;").unwrap();
}

fn tree(files: &[&str]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in files {
        file(dir.path(), name);
    }
    dir
}

/// `group/student lab attempt where`.
fn rows(found: &Found, root: &Path) -> Vec<String> {
    found
        .items
        .iter()
        .map(|item| {
            let id = &item.identity;
            let place = item.place.to_string();
            let place = place.replace(&format!("{}/", root.display()), "");
            format!(
                "{}/{} {} {} {place}",
                id.group, id.student, id.lab, id.attempt
            )
        })
        .collect()
}

fn found(dir: &TempDir, query: &Query) -> Vec<String> {
    let found = find(dir.path(), query).unwrap_or_else(|error| panic!("{error}"));
    rows(&found, dir.path())
}

#[test]
fn a_course_tree_is_read_by_a_layout_and_without_one() {
    let dir = tree(&[
        "21214/ivanov/lab30/server.c",
        "21214/ivanov/lab25/pipe.c",
        "21214/petrov/Lab_30/src/server.c",
        "21216/sidorov/task_30/server.c",
        "21216/README.md",
        "21216/orlov/lab 30.zip",
    ]);
    let expected = [
        "21214/ivanov course-30 1 21214/ivanov/lab30",
        "21214/petrov course-30 1 21214/petrov/Lab_30",
        "21216/orlov course-30 1 21216/orlov/lab 30.zip",
        "21216/sidorov course-30 1 21216/sidorov/task_30",
    ];
    let layout = "{group}/{student}/lab{n}".parse().unwrap();
    let query = Query {
        layout: Some(layout),
        ..one_lab()
    };
    assert_eq!(found(&dir, &query), expected);
    assert_eq!(found(&dir, &one_lab()), expected);
    let several = Query {
        labs: labs(&[("course-30", &[30]), ("course-25", &[25])]),
        ..Query::default()
    };
    assert_eq!(found(&dir, &several).len(), 5);
}

#[test]
fn other_shapes_of_a_class() {
    let dir = tree(&[
        "lab30/ivanov/server.c",
        "lab30/petrov/server.c",
        "lab31/ivanov/x.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "/ivanov course-30 1 lab30/ivanov",
            "/petrov course-30 1 lab30/petrov"
        ]
    );
    let dir = tree(&["g1/anna/server.c", "g1/boris/Makefile", "g2/vera.zip"]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "g1/anna course-30 1 g1/anna",
            "g1/boris course-30 1 g1/boris",
            "g2/vera course-30 1 g2/vera.zip"
        ]
    );
    // The names of files in a student's directory are nobody's.
    let dir = tree(&["anna/lab30/src/deep/server.c"]);
    assert_eq!(found(&dir, &one_lab()), ["/anna course-30 1 anna/lab30"]);
}

#[test]
fn parts_of_a_students_work_are_no_students() {
    let dir = tree(&[
        "21214/anna/lab30/src/server.c",
        "21214/anna/lab30/doc/report.pdf",
        "21214/boris/lab30/server.c",
        "21214/kim/lab30/server/server.c",
        "21214/kim/lab30/client/client.c",
        "21214/vera/lab30/server.c",
        "21214/zoe/lab30/one.zip",
        "21214/zoe/lab30/two.zip",
    ]);
    let students = ["anna", "boris", "kim", "vera", "zoe"];
    let all = students.map(|name| format!("21214/{name} course-30 1 21214/{name}/lab30"));
    assert_eq!(found(&dir, &one_lab()), all);
    // Of a group with directories of labs in it the students are there, whatever the others do.
    let dir = tree(&[
        "21214/lab30/anna/server.c",
        "21214/lab30/boris.zip",
        "21215/lab30/vera/src/server.c",
        "21215/lab30/zoe/server.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "21214/anna course-30 1 21214/lab30/anna",
            "21214/boris course-30 1 21214/lab30/boris.zip",
            "21215/vera course-30 1 21215/lab30/vera",
            "21215/zoe course-30 1 21215/lab30/zoe"
        ]
    );
    // Or of a lab with directories of groups in it.
    let dir = tree(&[
        "lab30/21214/anna/server.c",
        "lab30/21214/boris/src/server.c",
        "lab30/21214/clara.zip",
        "lab30/21215/vera/server.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "21214/anna course-30 1 lab30/21214/anna",
            "21214/boris course-30 1 lab30/21214/boris",
            "21214/clara course-30 1 lab30/21214/clara.zip",
            "21215/vera course-30 1 lab30/21215/vera"
        ]
    );
    let dir = tree(&[
        "lab30/anna/old/server.c",
        "lab30/anna/new/server.c",
        "lab30/boris/server.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "/anna course-30 1 lab30/anna",
            "/boris course-30 1 lab30/boris"
        ]
    );
    // A directory's name may say the lab as well.
    let dir = tree(&[
        "ivanov_lab30/server.c",
        "lab30-petrov/server.c",
        "vera_lab31/x.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "/ivanov course-30 1 ivanov_lab30",
            "/petrov course-30 1 lab30-petrov"
        ]
    );
    let dir = tree(&[
        "21214/ivanov_lab30.zip",
        "21214/petrov_lab30/server.c",
        "21215/vera lab30/server.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "21214/ivanov course-30 1 21214/ivanov_lab30.zip",
            "21214/petrov course-30 1 21214/petrov_lab30",
            "21215/vera course-30 1 21215/vera lab30"
        ]
    );
    let dir = tree(&[
        "anna/lab30_old/server.c",
        "anna/lab30_new/server.c",
        "boris/lab30_final2/server.c",
    ]);
    let rows = found(&dir, &one_lab());
    assert!(
        rows.iter()
            .all(|row| row.starts_with("/anna ") || row.starts_with("/boris ")),
        "{rows:?}"
    );
    // And an archive's.
    let dir = tree(&["ivanov_lab30.zip", "lab30-petrov.tar.gz", "vera_lab31.zip"]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "/ivanov course-30 1 ivanov_lab30.zip",
            "/petrov course-30 1 lab30-petrov.tar.gz"
        ]
    );
}

#[test]
fn where_all_have_labs_a_name_that_says_nothing_is_told() {
    let dir = tree(&[
        "21214/anna/lab30/server.c",
        "21214/boris/Лабораторная работа №30/server.c",
        "21214/kim/my server/server.c",
        "21214/vera/work.zip",
    ]);
    let found = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(
        rows(&found, dir.path()),
        [
            "21214/anna course-30 1 21214/anna/lab30",
            "21214/boris course-30 1 21214/boris/Лабораторная работа №30"
        ]
    );
    let says = "its name does not say which lab it is";
    assert_eq!(
        found.lost,
        ["kim/my server", "vera/work.zip"].map(|it| format!("passed over 21214/{it}: {says}"))
    );
}

#[test]
fn an_archive_alone_in_everybodys_directory_is_called_by_that() {
    for group in ["", "21214/"] {
        let names = [
            "anna/solution.zip",
            "boris/my files.tar.gz",
            "boris/report.pdf",
        ];
        let names = names.map(|name| format!("{group}{name}"));
        let dir = tree(&names.each_ref().map(String::as_str));
        let rows = found(&dir, &one_lab());
        let students: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.split(' ').next())
            .collect();
        let group = if group.is_empty() { "/" } else { group };
        assert_eq!(
            students,
            ["anna", "boris"].map(|name| format!("{group}{name}")),
            "{rows:?}"
        );
    }
    // Of several in one the directory is the group's.
    let dir = tree(&["g1/anna.zip", "g1/boris.zip", "g2/vera.zip"]);
    assert_eq!(found(&dir, &one_lab()).len(), 3);
}

#[test]
fn a_number_may_be_a_students_name() {
    for group in ["", "21214"] {
        let names = ["07/lab30.zip", "12/lab30/server.c", "30/lab30/server.c"];
        let names = names.map(|name| format!("{group}/{name}"));
        let names: Vec<&str> = names
            .iter()
            .map(|name| name.trim_start_matches('/'))
            .collect();
        let dir = tree(&names);
        let rows = found(&dir, &one_lab());
        let students: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.split(' ').next())
            .collect();
        let all = ["07", "12", "30"].map(|name| format!("{group}/{name}"));
        assert_eq!(students, all, "{rows:?}");
    }
    // Also beside students with other names.
    let dir = tree(&[
        "07/lab30/server.c",
        "anna/lab30/server.c",
        "boris/lab25/x.c",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        ["/07 course-30 1 07/lab30", "/anna course-30 1 anna/lab30"]
    );
    // One's own tasks are none.
    let dir = tree(&["anna/30/server.c", "anna/25/server.c", "boris/30/server.c"]);
    assert_eq!(
        found(&dir, &one_lab()),
        ["/anna course-30 1 anna/30", "/boris course-30 1 boris/30"]
    );
}

#[test]
fn nobody_vanishes_for_how_his_directory_looks() {
    let dir = tree(&[
        "g1/anna/server.c",
        "g1/boris/src/server.c",
        "g1/boris/README.md",
        "g1/clara/.server.c",
        "g1/dora/report.pdf",
        "g2/eva/Code/server.c",
        "notes/plan.txt",
    ]);
    assert_eq!(
        found(&dir, &one_lab()),
        [
            "g1/anna course-30 1 g1/anna",
            "g1/boris course-30 1 g1/boris",
            "g2/eva course-30 1 g2/eva"
        ]
    );
    let lost = find(dir.path(), &one_lab()).unwrap().lost;
    assert_eq!(
        lost,
        [
            "passed over g1/clara: there is no source in it",
            "passed over g1/dora: there is no source in it"
        ]
    );
    // The directory that was given is nobody's.
    let dir = tree(&["src/server.c", "anna/server.c"]);
    assert_eq!(
        found(&dir, &one_lab()),
        ["/anna course-30 1 anna", "/src course-30 1 src"]
    );
}

#[test]
fn a_stray_source_costs_nobody_a_lab() {
    let class = [
        "21214/anna/lab30/server.c",
        "21214/anna/lab25/pipe.c",
        "21214/boris/lab30/server.c",
        "21215/vera/lab30/server.c",
    ];
    let several = Query {
        labs: labs(&[("course-30", &[30]), ("course-25", &[25])]),
        ..Query::default()
    };
    for stray in ["template.c", "21214/check.c", "21214/anna/util.c"] {
        let dir = tree(&[&class[..], &[stray]].concat());
        for (query, most) in [(&one_lab(), 3), (&several, 4)] {
            let found = find(dir.path(), query).unwrap();
            assert_eq!(found.items.len(), most, "{stray}: {:?}", found.items);
            let says = format!("passed over {stray}: it lies beside the directories of labs");
            assert_eq!(found.lost, [says], "{stray}");
        }
    }
    // What is kept of old in a submission makes it no group.
    let dir = tree(&["anna/server.c", "anna/old/lab30/server.c"]);
    assert_eq!(found(&dir, &one_lab()), ["/anna course-30 1 anna"]);
}

#[test]
fn a_directory_beside_those_of_tasks_is_no_student() {
    let dir = tree(&[
        "21214/anna/lab30/server.c",
        "21214/anna/30_2/server.c",
        "21214/boris/lab25/pipe.c",
        "21214/boris/shell/src/shell.c",
        "21214/boris/tests/lab.txt",
        "21214/boris/report.zip",
        "21214/vera/server.c",
    ]);
    let found = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(
        rows(&found, dir.path()),
        [
            "21214/anna course-30 1 21214/anna/lab30",
            "21214/vera course-30 1 21214/vera"
        ]
    );
    let passed = ["anna/30_2", "boris/report.zip", "boris/shell"];
    let says = "its name does not say which lab it is";
    assert_eq!(
        found.lost,
        passed.map(|it| format!("passed over 21214/{it}: {says}"))
    );
}

#[test]
fn in_a_working_tree_the_time_is_that_of_the_last_commit() {
    let dir = tree(&["g/anna/lab30/server.c", "g/boris/lab30/server.c"]);
    let git = |words: &[&str], time: i64| {
        let mut command = std::process::Command::new("git");
        let name = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        command.current_dir(dir.path()).args(name).args(words);
        let date = format!("{time} +0000");
        command.env("GIT_COMMITTER_DATE", date);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
    };
    let commit = |time| {
        git(&["add", "-A", "g"], time);
        git(&["commit", "-qm", "x", "--no-verify"], time);
    };
    git(&["init", "-q"], 1_700_000_000);
    commit(1_700_000_000);
    file(dir.path(), "g/anna/lab30/client.c");
    commit(1_700_000_100);
    // A commit about something else, and a directory of which git knows nothing.
    file(dir.path(), "g/README.c");
    commit(1_700_000_200);
    file(dir.path(), "vera/lab30/server.c");
    let query = Query {
        by_file_times: true,
        ..one_lab()
    };
    let times = |root: &Path| -> Vec<Option<i64>> {
        let found = find(root, &query).unwrap();
        found.items.iter().map(|item| item.submitted).collect()
    };
    let all = times(dir.path());
    assert_eq!(all[1..], [Some(1_700_000_100), Some(1_700_000_000)]);
    assert!(all[0] > Some(1_700_000_200), "that of the file: {all:?}");
    // Seen from a directory in it, and in a clone that does not know who changed what.
    let known = [Some(1_700_000_100), Some(1_700_000_000)];
    assert_eq!(times(&dir.path().join("g")), known);
    let clone = TempDir::new().unwrap();
    let (from, to) = (dir.path().display(), clone.path().display().to_string());
    let from = format!("file://{from}");
    git(&["clone", "-q", "--depth", "2", &from, &to], 1_700_000_300);
    assert_eq!(times(clone.path()), [None, None]);
}

/// A clone for each student with a directory for each lab: its files have the time of the checkout.
#[test]
fn below_a_clone_the_time_is_that_of_its_commits() {
    let dir = tree(&[
        "os-anna/lab30/a.c",
        "os-anna/lab31/a.c",
        "os-boris/lab30/a.c",
    ]);
    for (student, labs) in [
        ("os-anna", &["lab30", "lab31"][..]),
        ("os-boris", &["lab30"]),
    ] {
        let git = |words: &[&str], time: usize| {
            let mut command = std::process::Command::new("git");
            command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
            command.args(words).current_dir(dir.path().join(student));
            let date = format!("{} +0000", 1_700_000_000 + time);
            let done = command.env("GIT_COMMITTER_DATE", date).output().unwrap();
            assert!(done.status.success(), "{words:?}: {done:?}");
        };
        git(&["init", "-q"], 0);
        for (time, lab) in labs.iter().enumerate() {
            git(&["add", lab], time);
            git(&["commit", "-qm", "x", "--no-verify"], time);
        }
    }
    let query = Query {
        labs: labs(&[("course-30", &[30]), ("course-31", &[31])]),
        layout: Some("os-{student}/lab{n}".parse().unwrap()),
        by_file_times: true,
        ..Query::default()
    };
    let times = || -> Vec<Option<i64>> {
        let found = find(dir.path(), &query).unwrap();
        found.items.iter().map(|item| item.submitted).collect()
    };
    let of = |time: i64| Some(1_700_000_000 + time);
    assert_eq!(times(), [of(0), of(1), of(0)]);
    // Without a layout it is seen by the directories that it is a course's; those of the one lab count.
    for (graded, known) in [
        (&query.labs[..], vec![of(0), of(1), of(0)]),
        (&query.labs[..1], vec![of(0), of(0)]),
    ] {
        let query = Query {
            labs: graded.to_vec(),
            ..Query::default()
        };
        let found = find(dir.path(), &query).unwrap();
        assert_eq!(found.how, "clones of GitHub Classroom");
        let times: Vec<_> = found.items.iter().map(|item| item.submitted).collect();
        assert_eq!(times, known);
        assert_eq!(found.items[0].identity.student, "anna");
    }
    // Where git is not asked nothing is known: nobody is late by the checkout.
    fs::write(dir.path().join("os-boris/.git/commondir"), "..").unwrap();
    assert_eq!(times(), [of(0), of(1), None]);
}

#[test]
fn a_namesake_in_another_group_is_nobodys_second_attempt() {
    let dir = tree(&["1/ivanov/lab30/server.c", "2/ivanov/lab30/server.c"]);
    let found = |rows: &str| {
        let list = dir.path().join("class.csv");
        fs::write(&list, format!("group,student,name\n{rows}")).unwrap();
        let query = Query {
            roster: Some(Roster::read(&list).unwrap()),
            ..one_lab()
        };
        let found = find(dir.path(), &query).unwrap();
        (rows_of(&found), found.notes)
    };
    // Only one of them is on the list.
    let (rows, notes) = found("1,ivanov,Ivanov Ivan\n");
    assert_eq!(rows, ["1/ivanov 1", "2/ivanov 1"]);
    assert_eq!(notes, ["not in the roster: 2/ivanov"]);
    let (rows, notes) = found("1,ivanov,Ivanov Ivan\n2,ivanov,Ivanov Igor\n");
    assert_eq!((rows.len(), notes), (2, vec![]));
    // Where the directories are no groups of the list it is one student's work.
    let (rows, notes) = found("21214,ivanov,Ivanov Ivan\n");
    assert_eq!(rows, ["21214/ivanov 1", "21214/ivanov 2"]);
    assert!(notes[0].contains("taken as attempts"), "{notes:?}");
}

/// `group/student attempt`.
fn rows_of(found: &Found) -> Vec<String> {
    let ids = found.items.iter().map(|item| &item.identity);
    ids.map(|id| format!("{}/{} {}", id.group, id.student, id.attempt))
        .collect()
}

#[test]
fn a_name_is_the_same_however_its_marks_are_written() {
    // As HFS+ writes it: `и` and a breve, `Е` and a diaeresis.
    let dir = tree(&["g/Андреи\u{306} Е\u{308}лкин/lab30/server.c"]);
    let lists = TempDir::new().unwrap();
    let list = lists.path().join("class.csv");
    fs::write(&list, "group,student\ng,Андре\u{439} \u{401}лкин\n").unwrap();
    let query = Query {
        roster: Some(Roster::read(&list).unwrap()),
        only: vec![only("Андре\u{439}*").unwrap()],
        ..one_lab()
    };
    let found = find(dir.path(), &query).unwrap();
    assert_eq!(found.items[0].identity.student, "Андре\u{439} \u{401}лкин");
    assert_eq!((found.missing, found.notes), (vec![], vec![]));
    // The files are where they are.
    assert!(
        found.items[0]
            .place
            .open()
            .unwrap()
            .path()
            .join("server.c")
            .is_file()
    );
}

#[test]
fn a_lab_without_a_number_takes_the_only_one_or_asks() {
    let dir = tree(&["g/anna/lab30/server.c", "g/boris/lab30/server.c"]);
    let query = Query {
        labs: labs(&[("us-upper", &[])]),
        layout: Some("{group}/{student}/lab{n}".parse().unwrap()),
        ..Query::default()
    };
    assert_eq!(found(&dir, &query).len(), 2);
    file(dir.path(), "g/anna/lab31/server.c");
    let error = find(dir.path(), &query).unwrap_err().to_string();
    assert!(
        error.contains("the tasks 30, 31") && error.contains("us-upper=30"),
        "{error}"
    );
    let told = Query {
        labs: labs(&[("us-upper", &[31])]),
        ..query
    };
    assert_eq!(found(&dir, &told), ["g/anna us-upper 1 g/anna/lab31"]);
}

#[test]
fn downloads_of_moodle_canvas_and_classroom() {
    let dir = tree(&[
        "Иванов Иван_1007_assignsubmission_file_/lab30.zip",
        "Petrova Anna_1008_assignsubmission_file_server.c",
        "Petrova Anna_1008_assignsubmission_file_client.c",
        "Petrova Anna_1008_assignsubmission_onlinetext_onlinetext.html",
    ]);
    let result = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(result.how, "Moodle's download");
    assert_eq!(
        rows(&result, dir.path()),
        [
            "/Petrova Anna course-30 1 Petrova Anna_1008_assignsubmission_file_client.c",
            "/Иванов Иван course-30 1 Иванов Иван_1007_assignsubmission_file_",
        ]
    );
    assert_eq!(result.items[0].person.lms.as_deref(), Some("1008"));
    let opened = result.items[0].place.open().unwrap();
    assert!(opened.path().join("server.c").is_file() && opened.path().join("client.c").is_file());

    let dir = tree(&[
        "ivanovivan_1007_5551_server-1.c",
        "ivanovivan_1007_5552_client.c",
        "petrovaanna_LATE_1008_5553_lab30.zip",
    ]);
    let roster = dir.path().join("../class.csv");
    let result = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(result.how, "Canvas's download");
    assert_eq!(result.items.len(), 2);
    let opened = result.items[0].place.open().unwrap();
    assert!(opened.path().join("server.c").is_file());
    drop(roster);

    let dir = tree(&[
        "unix-sockets-ivan-i/server.c",
        "unix-sockets-ivan-i/.git/HEAD",
        "unix-sockets-anna/server.c",
        "unix-sockets-anna/.git/HEAD",
    ]);
    let result = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(result.how, "clones of GitHub Classroom");
    let students: Vec<&str> = result
        .items
        .iter()
        .map(|i| i.identity.student.as_str())
        .collect();
    assert_eq!(students, ["anna", "ivan-i"]);
}

#[test]
fn what_a_download_does_not_call_as_the_others_is_told() {
    let moodle = [
        "Anna_7_assignsubmission_file_/a.c",
        "Boris/a.c",
        "late.zip",
        "Grades.csv",
    ];
    let canvas = ["anna_7_8_a.c", "boris_9_10_a.c", "vera.c", "list.csv"];
    let classroom = [
        "lab30-anna/.git/HEAD",
        "lab30-anna/a.c",
        "lab30-boris/.git/HEAD",
        "lab30-boris/a.c",
        "vera/a.c",
        "roster.csv",
    ];
    for (files, others) in [
        (&moodle[..], &["Boris", "late.zip"][..]),
        (&canvas, &["vera.c"]),
        (&classroom, &["vera"]),
    ] {
        let result = find(tree(files).path(), &one_lab()).unwrap();
        let told: Vec<&str> = result
            .lost
            .iter()
            .filter_map(|line| line.strip_prefix("passed over ")?.split(':').next())
            .collect();
        assert_eq!(told, others, "{:?}", result.lost);
    }
}

fn students(found: &Found) -> Vec<&str> {
    let items = found.items.iter();
    items.map(|item| item.identity.student.as_str()).collect()
}

#[test]
fn namesakes_of_a_download_are_not_one_student() {
    for (files, names) in [
        (
            [
                "Иванов Иван_7_assignsubmission_file_/a.c",
                "Иванов Иван_8_assignsubmission_file_/a.c",
            ],
            ["Иванов Иван 7", "Иванов Иван 8"],
        ),
        // Blind marking calls everybody so.
        (
            [
                "Participant_7_assignsubmission_file_/a.c",
                "Participant_8_assignsubmission_file_/a.c",
            ],
            ["Participant 7", "Participant 8"],
        ),
        (
            ["ivanov_7_90_a.c", "ivanov_LATE_8_91_a.c"],
            ["ivanov 7", "ivanov 8"],
        ),
        (
            ["anon_x5Tz2_90_a.c", "LATE_anon_aB3dE_91_a.c"],
            ["anon_aB3dE", "anon_x5Tz2"],
        ),
    ] {
        let dir = tree(&files);
        let found = find(dir.path(), &one_lab()).unwrap();
        assert_eq!(students(&found), names);
        assert!(found.items.iter().all(|item| item.identity.attempt == 1));
    }
}

fn roster(text: &str) -> Roster {
    let list = TempDir::new().unwrap();
    let csv = list.path().join("class.csv");
    fs::write(&csv, text).unwrap();
    Roster::read(&csv).unwrap()
}

#[test]
fn a_namesake_who_is_not_in_the_roster_gets_nobodys_row() {
    let dir = tree(&["ivanovivan_7_90_a.c", "ivanovivan_8_91_a.c"]);
    let query = |text: &str| Query {
        roster: Some(roster(text)),
        ..one_lab()
    };
    let found = find(
        dir.path(),
        &query("student,name,email\ns1,Ivanov Ivan,i@x\n"),
    )
    .unwrap();
    assert_eq!(students(&found), ["s1 7", "s1 8"]);
    assert!(found.items.iter().all(|item| item.person.email.is_none()));
    // The accounts' numbers say who is who.
    let told = query("student,name,lms\ns1,Ivanov Ivan,8\ns2,Ivanov Ivan,7\n");
    let found = find(dir.path(), &told).unwrap();
    assert_eq!(students(&found), ["s1", "s2"]);
    assert_eq!(found.items[0].person.lms.as_deref(), Some("8"));
    // A university's number is not an account's.
    let dir = tree(&["orlov_7_90_a.c", "petrov_9_91_a.c"]);
    let found = find(dir.path(), &query("student,number\ns1,7\npetrov,8\n")).unwrap();
    assert_eq!(students(&found), ["orlov", "petrov"]);
}

#[test]
fn a_group_of_moodle_is_before_the_name() {
    let dir = tree(&[
        "21214-Petrova-Orlova Anna_7_assignsubmission_file_/a.c",
        "21-2-Ivanov Ivan_8_assignsubmission_file_/a.c",
    ]);
    let query = Query {
        roster: Some(roster(
            "group,student,name\n21214,s1,Petrova-Orlova Anna\n21-2,s2,Ivanov Ivan\n",
        )),
        ..one_lab()
    };
    let found = find(dir.path(), &query).unwrap();
    assert_eq!(found.missing, []);
    assert_eq!(students(&found), ["s2", "s1"]);
}

#[test]
fn who_typed_into_a_form_is_not_lost() {
    let moodle = tree(&[
        "Anna_7_assignsubmission_file_/a.c",
        "Anna_7_assignsubmission_onlinetext_/onlinetext.html",
        "Boris_8_assignsubmission_onlinetext_/onlinetext.html",
    ]);
    let canvas = tree(&["anna_7_90_a.c", "boris_8_text.html", "clara_9_link.html"]);
    let found = find(moodle.path(), &one_lab()).unwrap();
    assert_eq!(students(&found), ["Anna", "Boris"]);
    assert!(found.items[0].origin().ends_with("_file_"));
    let found = find(canvas.path(), &one_lab()).unwrap();
    assert_eq!(students(&found), ["anna", "boris", "clara"]);
}

#[test]
fn logins_may_begin_alike_and_have_hyphens() {
    let clones = |parent: &str, names: &[&str]| {
        let files: Vec<String> = names
            .iter()
            .flat_map(|name| {
                [
                    format!("{parent}/{name}/.git/HEAD"),
                    format!("{parent}/{name}/a.c"),
                ]
            })
            .collect();
        tree(&files.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let two = ["os-lab30-ivan-a", "os-lab30-ivan-b"];
    for (parent, names) in [
        ("os-lab30-submissions", &two[..]),
        ("class", &two),
        ("os-lab30-submissions", &two[..1]),
    ] {
        let dir = clones(parent, names);
        let found = find(&dir.path().join(parent), &one_lab()).unwrap();
        assert_eq!(found.how, "clones of GitHub Classroom");
        assert_eq!(students(&found), &["ivan-a", "ivan-b"][..names.len()]);
    }
}

#[test]
fn a_download_of_one_assignment_is_not_for_several_labs() {
    let dir = tree(&["Anna_7_assignsubmission_file_/a.c"]);
    let query = Query {
        labs: labs(&[("course-30", &[30]), ("course-31", &[31])]),
        ..Query::default()
    };
    let error = find(dir.path(), &query).unwrap_err().to_string();
    assert!(
        error.contains("which of the labs course-30, course-31"),
        "{error}"
    );
    assert!(error.ends_with("name only that one lab"), "{error}");
}

#[test]
fn links_in_circles_find_nothing_twice() {
    let dir = tree(&["g1/anna/lab30/a.c"]);
    for (to, name) in [("..", "loop"), ("self", "self"), ("nowhere", "gone")] {
        std::os::unix::fs::symlink(to, dir.path().join("g1").join(name)).unwrap();
    }
    let found = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(
        rows(&found, dir.path()),
        ["g1/anna course-30 1 g1/anna/lab30"]
    );
    assert_eq!(found.lost.len(), 3, "{:?}", found.lost);
    assert!(
        found
            .lost
            .iter()
            .any(|n| n == "passed over g1/loop: a link to a directory that it is in itself")
    );
}

#[test]
fn a_link_out_of_a_repository_is_nobodys_work() {
    let elsewhere = tree(&["reference/server.c"]);
    let dir = tree(&["anna/lab30/server.c", "boris/README", "vera/README"]);
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
    };
    link(&elsewhere.path().join("reference"), "boris/lab30");
    fs::create_dir(dir.path().join("vera/final")).unwrap();
    fs::write(dir.path().join("vera/final/server.c"), "x").unwrap();
    link(Path::new("final"), "vera/lab30");
    // In a directory of the instructor's they are the instructor's.
    assert_eq!(found(&dir, &one_lab()).len(), 3);
    fs::create_dir(dir.path().join(".git")).unwrap();
    let found = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(
        rows(&found, dir.path()),
        [
            "/anna course-30 1 anna/lab30",
            "/vera course-30 1 vera/lab30"
        ]
    );
    let says = "passed over boris/lab30: a link that leads out of the repository";
    assert!(found.lost.contains(&says.to_owned()), "{:?}", found.lost);
}

#[test]
fn who_links_to_the_work_of_others_has_not_handed_it_in() {
    let homes = tree(&["anna/lab30/a.c", "dora/lab30/a.c", "team/lab30/a.c"]);
    let link = |to: &Path, at: std::path::PathBuf| {
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, at).unwrap();
    };
    let says = |link: &str, of: &str| {
        format!(
            "passed over {link}: a link into the work of {of}; what others have handed in counts \
             for them alone"
        )
    };
    for files in [
        ["g1/anna/lab30/a.c", "g1/boris/lab30/a.c"],
        ["lab30/g1/anna/a.c", "lab30/g1/boris/a.c"],
    ] {
        let dir = tree(&files);
        let mine = files[0].replace("anna/", "vera/");
        let mine = dir.path().join(mine).parent().unwrap().to_owned();
        let anna = dir.path().join(files[0]).parent().unwrap().to_owned();
        link(&anna, mine);
        let found = find(dir.path(), &one_lab()).unwrap();
        assert_eq!(students(&found), ["anna", "boris"]);
        let name = files[0].replace("anna/", "vera/").replace("/a.c", "");
        assert_eq!(found.lost, [says(&name, "g1/anna")]);
        // Whoever is not asked for is not told of.
        let query = Query {
            only: vec![only("anna").unwrap()],
            ..one_lab()
        };
        assert!(find(dir.path(), &query).unwrap().lost.is_empty());
    }
    // An archive; what is no lab of the batch; a directory of somebody with no work but a link.
    let dir = tree(&[
        "anna/lab31/a.c",
        "anna/draft/a.c",
        "boris/lab30.zip",
        "boris/lab31/a.c",
    ]);
    link(Path::new("../anna/draft"), dir.path().join("vera/lab30"));
    link(
        Path::new("../boris/lab30.zip"),
        dir.path().join("emil/lab30.zip"),
    );
    link(Path::new("draft"), dir.path().join("anna/lab30"));
    let found = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(students(&found), ["anna", "boris"]);
    let draft = "passed over anna/draft: its name does not say which lab it is".to_owned();
    let (emil, vera) = (says("emil/lab30.zip", "boris"), says("vera/lab30", "anna"));
    assert_eq!(found.lost, [draft, emil, vera]);
    // An instructor's links, and in what they lead to a student's own.
    let dir = TempDir::new().unwrap();
    for (name, to) in [
        ("anna", "anna"),
        ("dora", "dora"),
        ("red", "team"),
        ("blue", "team"),
    ] {
        link(&homes.path().join(to), dir.path().join(name));
    }
    let theirs = homes.path().join("dora/lab30");
    fs::remove_dir_all(&theirs).unwrap();
    link(&homes.path().join("anna/lab30"), theirs);
    let found = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(students(&found), ["anna", "blue", "red"]);
    assert_eq!(found.lost, [says("dora/lab30", "anna")]);
    // Under two names, one student.
    let dir = tree(&["anna/lab30/a.c"]);
    link(Path::new("../anna/lab30"), dir.path().join("s07/lab30"));
    let query = Query {
        roster: Some(roster("student,name\ns07,anna\n")),
        ..one_lab()
    };
    let found = find(dir.path(), &query).unwrap();
    assert_eq!(students(&found), ["s07", "s07"]);
    assert!(found.lost.is_empty());
}

#[test]
fn teams_of_moodle_are_no_part_of_a_name() {
    let list = TempDir::new().unwrap();
    let csv = list.path().join("class.csv");
    fs::write(&csv, "student,name\ns1,Petrova Anna\ns2,Корсаков Николай\n").unwrap();
    let query = Query {
        roster: Some(Roster::read(&csv).unwrap()),
        ..one_lab()
    };
    let handed = |names: [&str; 2]| {
        let files = names.map(|name| format!("{name}_assignsubmission_file_/server.c"));
        let dir = tree(&files.each_ref().map(String::as_str));
        let found = find(dir.path(), &query).unwrap();
        let students = found.items.into_iter().map(|item| item.identity.student);
        students.collect::<Vec<_>>()
    };
    let teams = ["Team 7-Petrova Anna_1", "Default group-Корсаков Николай_2"];
    assert_eq!(handed(teams), ["s1", "s2"]);
    // Where not all have one a hyphen is the name's own.
    let names = ["Petrova Anna_1", "Римский-Корсаков Николай_2"];
    assert_eq!(handed(names), ["s1", "Римский-Корсаков Николай"]);
}

#[test]
fn a_name_that_two_of_the_roster_bear_is_told() {
    let dir = tree(&[
        "ivanovivan_1007_5551_server.c",
        "petrovaanna_1008_5553_server.c",
    ]);
    let list = TempDir::new().unwrap();
    let csv = list.path().join("class.csv");
    fs::write(
        &csv,
        "group,student,name\n1,s07,Ivanov Ivan\n2,s01,Ivanov Ivan\n1,s08,Petrova Anna\n",
    )
    .unwrap();
    let query = Query {
        roster: Some(Roster::read(&csv).unwrap()),
        ..one_lab()
    };
    let Found { notes, lost, .. } = find(dir.path(), &query).unwrap();
    let says = "ivanovivan may be any of these of the roster, so it is taken for none of them: 1/s07, 2/s01;";
    // Somebody's result, which goes to nobody: whoever wants quiet is told as well.
    assert!(lost.iter().any(|note| note.starts_with(says)), "{lost:?}");
    assert!(
        !notes.iter().any(|note| note.contains("not in the roster")),
        "{notes:?}"
    );
}

#[test]
fn a_roster_joins_names_and_tells_who_is_missing() {
    let dir = tree(&[
        "ivanovivan_1007_5551_server.c",
        "petrovaanna_1008_5553_server.c",
        "strangerx_1_2_server.c",
    ]);
    let list = TempDir::new().unwrap();
    let csv = list.path().join("class.csv");
    fs::write(
        &csv,
        "group,student,name,email\n21214,s07,Ivanov Ivan,i@x.example\n21214,s08,Petrova Anna,p@x.example\n21214,s09,Orlov Oleg,o@x.example\n",
    )
    .unwrap();
    let query = Query {
        roster: Some(Roster::read(&csv).unwrap()),
        ..one_lab()
    };
    let result = find(dir.path(), &query).unwrap();
    let ids: Vec<String> = result
        .items
        .iter()
        .map(|i| i.identity.to_string())
        .collect();
    assert_eq!(
        ids,
        [
            "strangerx course-30",
            "21214/s07 course-30",
            "21214/s08 course-30"
        ]
    );
    assert_eq!(result.items[1].person.email.as_deref(), Some("i@x.example"));
    assert_eq!(result.items[1].person.lms.as_deref(), Some("1007"));
    assert!(
        result
            .notes
            .iter()
            .any(|n| n.contains("not in the roster: strangerx"))
    );
    assert_eq!(result.missing.len(), 1);
    assert_eq!(result.missing[0].student, "s09");
    let query = Query {
        only: vec![only("21214/s0[78]").unwrap()],
        ..query
    };
    assert_eq!(find(dir.path(), &query).unwrap().items.len(), 2);
}

#[test]
fn two_directories_of_one_lab_are_two_attempts() {
    let dir = tree(&["g/anna/lab30/a.c", "g/anna/lab30_2/a.c"]);
    let result = find(dir.path(), &one_lab()).unwrap();
    let attempts: Vec<u32> = result.items.iter().map(|i| i.identity.attempt).collect();
    assert_eq!(attempts, [1, 2]);
    assert!(
        result.notes[0].contains("attempts in this order"),
        "{:?}",
        result.notes
    );
    let query = Query {
        layout: Some("{student}/{lab}/try-{attempt}".parse().unwrap()),
        ..one_lab()
    };
    let dir = tree(&["anna/lab30/try-3/a.c", "anna/lab30/try-10/a.c"]);
    let attempts: Vec<u32> = find(dir.path(), &query)
        .unwrap()
        .items
        .iter()
        .map(|i| i.identity.attempt)
        .collect();
    assert_eq!(attempts, [3, 10]);
}

#[test]
fn attempts_are_in_the_order_of_time_then_as_people_count() {
    let names = ["lab30", "lab30_2", "lab30_10"];
    let files = names.map(|name| format!("g/anna/{name}/a.c"));
    let dir = tree(&files.each_ref().map(String::as_str));
    let order = |query: &Query| -> Vec<String> {
        let found = find(dir.path(), query).unwrap();
        let names = found.items.iter().map(|item| item.place.to_string());
        names
            .map(|place| place.rsplit('/').next().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(order(&one_lab()), names);
    for (file, day) in files.iter().zip([3, 1, 2]) {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(day * 86_400);
        let file = fs::File::options().write(true).open(dir.path().join(file));
        file.unwrap().set_modified(time).unwrap();
    }
    let by_times = Query {
        by_file_times: true,
        ..one_lab()
    };
    assert_eq!(order(&by_times), ["lab30_2", "lab30_10", "lab30"]);
    // A browser numbers what it saves again, and so do people.
    let names = ["lab30.zip", "lab30 (1).zip", "lab30 (10).zip"];
    let files = names.map(|name| format!("g/anna/{name}"));
    let dir = tree(&files.each_ref().map(String::as_str));
    let found = find(dir.path(), &one_lab()).unwrap();
    let places = found.items.iter().map(|item| item.place.to_string());
    let order: Vec<String> = places
        .filter_map(|place| Some(place.rsplit('/').next()?.to_owned()))
        .collect();
    assert_eq!(order, names);
}

#[test]
fn names_that_cannot_be_printed_are_told_and_stop_nobody() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tree(&["g/anna/lab30/a.c"]);
    let odd = dir
        .path()
        .join("g")
        .join(std::ffi::OsStr::from_bytes(b"b\xe9\x1b[2J"));
    fs::create_dir_all(odd.join("lab30")).unwrap();
    let result = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(result.items.len(), 1);
    assert!(
        result.lost[0].contains("b\\xe9\\x1b[2J"),
        "{:?}",
        result.lost
    );
}

#[test]
fn other_tasks_than_the_labs_are_named() {
    let dir = tree(&["g/anna/lab30/a.c", "g/anna/lab31/a.c"]);
    let query = Query {
        labs: labs(&[("course-07", &[7])]),
        ..Query::default()
    };
    let error = find(dir.path(), &query).unwrap_err().to_string();
    let says = "names are of the tasks 30, 31, but course-07 of 7; write LAB=N";
    assert!(error.contains(says), "{error}");
}

#[test]
fn nothing_found_says_how_it_was_looked_for() {
    let dir = tree(&["notes.txt"]);
    let error = find(dir.path(), &one_lab()).unwrap_err().to_string();
    assert!(error.contains("no submission found (guessed"), "{error}");
    let query = Query {
        refs: Some("{student}".parse().unwrap()),
        ..one_lab()
    };
    let error = find(dir.path(), &query).unwrap_err().to_string();
    assert!(error.contains("not a git repository"), "{error}");
    let dir = tree(&["21214-anna/server.c", "21214-boris/server.c"]);
    let query = Query {
        layout: Some("{group}/{student}".parse().unwrap()),
        ..one_lab()
    };
    let error = find(dir.path(), &query).unwrap_err().to_string();
    let says = "nothing there is called so; there are: 21214-anna, 21214-boris";
    assert!(error.contains(says), "{error}");
}

#[test]
fn a_download_is_called_by_its_own_name_and_not_by_where_it_was_unpacked() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("submissions.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for name in [
        "petrovaanna_1007_5552_server.c",
        "ivanov_LATE_1008_5553_server.c",
    ] {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        io::Write::write_all(&mut zip, b"int main;").unwrap();
    }
    zip.finish().unwrap();
    let found = find(&path, &one_lab()).unwrap();
    let origins: Vec<String> = found.items.iter().map(Item::origin).collect();
    let root = path.display();
    assert_eq!(
        origins,
        [
            format!("{root}/ivanov_LATE_1008_5553_server.c"),
            format!("{root}/petrovaanna_1007_5552_server.c"),
        ]
    );
    let late = "late by Canvas's word, 1 of 2 students: ivanov;";
    assert!(found.notes.iter().any(|note| note.starts_with(late)));
}

#[test]
fn one_students_zeros_and_depths_cost_nobody_the_class() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("class.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let zeros = vec![0; 8 << 20];
    let deep = format!("g/deep/lab30/{}a.c", "d/".repeat(30));
    for (name, content) in [
        ("g/anna/lab30/a.c", &b"int main;"[..]),
        ("g/core/lab30/core", &zeros),
        (&deep, b""),
    ] {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        io::Write::write_all(&mut zip, content).unwrap();
    }
    zip.finish().unwrap();
    let found = find(&path, &one_lab()).unwrap();
    assert_eq!(students(&found), ["anna", "core", "deep"]);
}

#[test]
fn to_choose_nobody_is_a_mistake() {
    let dir = tree(&["g1/anna/lab30/server.c", "g1/boris/lab30/server.c"]);
    let chosen = |pattern: &str| Query {
        only: vec![only(pattern).unwrap()],
        ..one_lab()
    };
    assert_eq!(found(&dir, &chosen("anna")).len(), 1);
    let error = find(dir.path(), &chosen("anan")).unwrap_err().to_string();
    assert!(
        error.contains("--only fits none of the 2 submissions"),
        "{error}"
    );
}

#[test]
fn how_submissions_were_found_is_told_in_russian() {
    let russian = |query: Query| Query {
        lang: Lang::Ru,
        ..query
    };
    let dir = tree(&[
        "util.c",
        "21214/anna/lab30/server.c",
        "21214/boris/lab25/pipe.c",
        "21214/boris/shell/src/shell.c",
        "21214/vera/lab30/server.c",
    ]);
    let found = find(dir.path(), &russian(one_lab())).unwrap();
    assert_eq!(found.how, "угадано по именам каталогов");
    assert_eq!(
        found.lost,
        [
            "пропущено util.c: лежит рядом с каталогами заданий",
            "пропущено 21214/boris/shell: по имени не видно, какое это задание"
        ]
    );
    let dir = tree(&["anna_1/lab30/server.c", "anna_2/lab30/server.c"]);
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
    let query = Query {
        layout: Some("{student}_*/lab{n}".parse().unwrap()),
        ..russian(one_lab())
    };
    let found = find(dir.path(), &query).unwrap();
    assert_eq!(found.how, "раскладка `{student}_*/lab{n}`");
    assert_eq!(found.lost, ["пропущено link: ссылка никуда не ведёт"]);
    let first = found.notes[0].split('/').next().unwrap();
    assert_eq!(
        first,
        "anna, course-30: каталогов 2, взяты как попытки в таком порядке: "
    );
    let dir_of_groups = tree(&["g1/anna/lab30/server.c", "g1/anna/lab30_2/server.c"]);
    let notes = find(dir_of_groups.path(), &one_lab()).unwrap().notes;
    let says = "g1/anna of course-30: 2 directories, taken as attempts";
    assert!(notes[0].starts_with(says), "{notes:?}");
    let query = Query {
        layout: Some("{student}-x/lab{n}".parse().unwrap()),
        ..russian(one_lab())
    };
    let error = find(dir.path(), &query).unwrap_err().told(Lang::Ru);
    let says = ": ни одной работы не найдено (раскладка `{student}-x/lab{n}`)\n  ничего с такими именами нет; есть: anna_1, anna_2";
    assert!(error.contains(says), "{error}");
}

/// One clone after another that leads out of itself, in which git would wait for ever or read what is
/// somebody else's.
#[test]
fn git_is_not_asked_in_a_clone_that_leads_out_of_itself() {
    let fifo = |path: &Path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    type Put<'p> = &'p dyn Fn(&Path);
    let odd: [(&str, Put<'_>); 6] = [
        (".git/config", &|dir| {
            fs::write(dir.join(".git/config"), "[Include]\npath = ../pipe\n").unwrap();
            fifo(&dir.join("pipe"));
        }),
        (".git", &|dir| {
            fs::rename(dir.join(".git"), dir.join("own")).unwrap();
            fs::write(dir.join(".git"), "gitdir: own\n").unwrap();
            fifo(&dir.join("own/config"));
        }),
        (".git", &|dir| {
            fs::remove_dir_all(dir.join(".git")).unwrap();
            fs::write(dir.join(".git"), "gitdir: ../lab30-anna/.git\n").unwrap();
        }),
        (".git/objects/info/alternates", &|dir| {
            fs::create_dir_all(dir.join(".git/objects/info")).unwrap();
            let alternates = dir.join(".git/objects/info/alternates");
            fs::write(alternates, "../../../lab30-anna/.git/objects\n").unwrap();
        }),
        (".git/commondir", &|dir| {
            fs::write(dir.join(".git/commondir"), "../../lab30-anna/.git\n").unwrap();
        }),
        (".git/refs", &|dir| {
            let there = dir.join("../lab30-anna/.git/refs");
            std::os::unix::fs::symlink(there, dir.join(".git/refs")).unwrap();
        }),
    ];
    for (what, put) in odd {
        let dir = tree(&[
            "lab30-anna/.git/HEAD",
            "lab30-anna/a.c",
            "lab30-boris/.git/HEAD",
            "lab30-boris/a.c",
        ]);
        put(&dir.path().join("lab30-boris"));
        let result = find(dir.path(), &one_lab()).unwrap();
        assert_eq!(students(&result), ["anna", "boris"]);
        let told =
            format!("passed over lab30-boris/{what}: it is no file or leads out of the clone");
        assert_eq!(result.lost.len(), 1, "{what}: {:?}", result.lost);
        assert!(result.lost[0].starts_with(&told), "{:?}", result.lost);
    }
    // A submodule's repository is that of the instructor's own.
    let dir = tree(&[
        "lab30-anna/.git/HEAD",
        "lab30-anna/a.c",
        "lab30-boris/a.c",
        ".git/modules/boris/HEAD",
    ]);
    let module = dir.path().join(".git/modules/boris");
    let config = "[core]\n\tworktree = ../../../lab30-boris\n";
    fs::write(module.join("config"), config).unwrap();
    let link = dir.path().join("lab30-boris/.git");
    fs::write(link, "gitdir: ../.git/modules/boris\n").unwrap();
    let result = find(dir.path(), &one_lab()).unwrap();
    assert_eq!(students(&result), ["anna", "boris"]);
    assert!(result.lost.is_empty(), "{:?}", result.lost);
}

/// A repository that a student has made can take its objects, and with a link its branches, from that of
/// somebody else. An instructor's may as well, so it is told and not refused.
#[test]
fn where_branches_may_be_those_of_others_that_is_told() {
    let dir = tree(&["anna/a.c", "boris/b.c"]);
    let (anna, boris) = (dir.path().join("anna"), dir.path().join("boris"));
    for repository in [&anna, &boris] {
        for words in [
            "init -q -b boris/lab30",
            "add .",
            "commit -q --no-verify -m x",
        ] {
            let mut git = std::process::Command::new("git");
            git.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
            git.args(["-c", "commit.gpgsign=false", "-C"])
                .arg(repository);
            assert!(git.args(words.split(' ')).status().unwrap().success());
        }
    }
    let query = Query {
        refs: Some("{student}/lab{n}".parse().unwrap()),
        ..one_lab()
    };
    let told = || find(&boris, &query).unwrap().lost;
    assert!(told().is_empty(), "{:?}", told());
    let alternates = boris.join(".git/objects/info/alternates");
    fs::create_dir_all(alternates.parent().unwrap()).unwrap();
    fs::write(&alternates, "../../../anna/.git/objects\n").unwrap();
    let says = |what: &str| format!("{what}: branches or objects are read from another");
    let borrowed = says(".git/objects/info/alternates");
    assert!(told()[0].starts_with(&borrowed), "{:?}", told());
    fs::remove_file(&alternates).unwrap();
    for part in [".git/objects", ".git/refs"] {
        fs::remove_dir_all(boris.join(part)).unwrap();
        std::os::unix::fs::symlink(anna.join(part), boris.join(part)).unwrap();
    }
    assert!(told()[0].starts_with(&says(".git/refs")), "{:?}", told());
}

#[test]
fn a_lab_of_several_of_which_there_is_nothing_is_told() {
    let dir = tree(&["g/anna/lab16/a.c", "g/anna/lab30/a.c"]);
    let of = |ids: &[(&str, &[u32])]| {
        let query = Query {
            labs: labs(ids),
            ..Query::default()
        };
        let found = find(dir.path(), &query).unwrap();
        (found.notes.join("\n"), found.lost.join("\n"))
    };
    let (_, lost) = of(&[("us-upper", &[]), ("course-16", &[16])]);
    assert_eq!(
        lost,
        "nothing of us-upper was found; there are directories of the tasks 30: if they are of us-upper, write us-upper=N"
    );
    let (notes, lost) = of(&[("us-upper", &[30]), ("course-25", &[25])]);
    assert_eq!(
        (&*notes, &*lost),
        ("nothing of course-25 was found", ""),
        "nobody has begun"
    );
}

#[test]
fn names_that_differ_in_what_people_overlook_are_told() {
    let dir = tree(&[
        "g1/Kim/lab30/a.c",
        "g1/kim /lab31/a.c",
        "g2/kim/lab30/a.c",
        "g1/s12/lab30/a.c",
        "g1/s1-2/lab30/a.c",
    ]);
    let query = Query {
        labs: labs(&[("course-30", &[30]), ("course-31", &[31])]),
        ..Query::default()
    };
    let notes = find(dir.path(), &query).unwrap().notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    let told = "`g1/Kim`, `g1/kim ` may be one student, and are not taken for one";
    assert!(notes[0].starts_with(told), "{notes:?}");
}
