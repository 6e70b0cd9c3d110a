//! A class that came as a download of Moodle, and what goes back into it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use predicates::prelude::*;

use crate::batch::text;
use crate::support::Home;

/// Packs a fixture as `place`: `lab30/…` in an archive of its own.
fn packed(home: &Home, fixture: &str, top: &OsStr, place: &str) {
    let made = home.path().join("made").join(top);
    fs::create_dir_all(&made).unwrap();
    for file in fs::read_dir(end_to_end::root().join("fixtures/us-upper").join(fixture)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), made.join(file.file_name())).unwrap();
    }
    let archive = home.path().join(place);
    fs::create_dir_all(archive.parent().unwrap()).unwrap();
    let tar = Command::new("tar")
        .current_dir(home.path().join("made"))
        .arg("czf")
        .args([archive.as_os_str(), top])
        .status();
    assert!(tar.unwrap().success());
}

#[test]
fn whatever_moodle_gives_nobody_loses_a_result_by_another() {
    let home = Home::new();
    let place = |who: &str, file: &str| format!("all/{who}_assignsubmission_file_/{file}");
    let lab = OsStr::new("lab30");
    // Two of one name; a report beside the archive; an archive in a directory; Windows in Russian.
    packed(&home, "good-raw", lab, &place("Иванов Иван_1", "a.tar.gz"));
    packed(
        &home,
        "mutants/serve-one",
        lab,
        &place("Иванов Иван_2", "a.tar.gz"),
    );
    packed(&home, "good-poll", lab, &place("Report_3", "a.tgz"));
    home.file(&place("Report_3", "report.docx"), "words");
    packed(&home, "good-poll", lab, &place("Deep_4", "work/a.tgz"));
    let cp866 = OsStr::from_bytes(b"\x8b\xa0\xa1\xa0");
    packed(&home, "good-poll", cp866, &place("Windows_5", "a.tgz"));
    home.file(
        "all/Typed_6_assignsubmission_onlinetext_/onlinetext.html",
        "<p>",
    );
    home.file(&place("Rar_7", "a.rar"), b"Rar!\x1a\x07");
    packed(&home, "good-poll", lab, &place("Twice_8", "a.tgz"));
    packed(&home, "good-poll", lab, &place("Twice_8", "b.tgz"));
    home.grader()
        .args(["batch", "us-upper", "all", "--lang", "en"])
        .assert()
        .code(1)
        .stderr(predicate::str::contains(
            "found 8 submissions of 8 students",
        ))
        .stderr(predicate::str::contains("called Иванов Иван"))
        .stdout(predicate::str::contains(
            "Rar  a.rar: a RAR archive; hand in",
        ))
        .stdout(predicate::str::contains("cannot be told: a.tgz, b.tgz"));
    let shown = results(&home, &["show"]);
    let rows: Vec<String> = shown
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "Deep 100",
            "Rar ungradable",
            "Report 100",
            "Twice ungradable",
            "Typed ungradable",
            "Windows 100",
            "Иванов Иван 1 100",
            "Иванов Иван 2 80",
        ]
    );
}

/// Packs directories as Moodle calls them, with the times of their files.
fn download(home: &Home) {
    for (name, fixture, changed) in [
        ("Boris O'Neil_1007", "good-raw", "2026-11-19T10:00:00Z"),
        ("Petrova Anna_1008", "good-poll", "2026-11-22T10:00:00Z"),
    ] {
        let from = end_to_end::root().join("fixtures/us-upper").join(fixture);
        let place = format!("all/{name}_assignsubmission_file_");
        home.copy_of(&from, &place);
        for file in fs::read_dir(home.path().join(&place)).unwrap() {
            let path = file.unwrap().path();
            let touched = Command::new("touch")
                .args(["-d", changed])
                .arg(path)
                .status();
            assert!(touched.unwrap().success());
        }
    }
    let packed = Command::new("tar")
        .current_dir(home.path().join("all"))
        .args(["czf", "../OS-Lab30-4711.tar.gz", "."])
        .status();
    assert!(packed.unwrap().success());
    home.file(
        "class.csv",
        "group,student,name,email,number\n1,oneil,Boris O_Neil,b@uni.example,7\n1,petrova,Petrova Anna,a@uni.example,8\n",
    );
}

fn batch(home: &Home, more: &[&str]) -> assert_cmd::Command {
    let mut command = home.grader();
    command
        .args(["batch", "us-upper=30", "OS-Lab30-4711.tar.gz"])
        .args(["--roster", "class.csv", "--lang", "en"])
        .args(["--due", "2026-11-20 23:59+07:00", "--late", "10%/day"])
        .args(more);
    command
}

fn results(home: &Home, args: &[&str]) -> String {
    let mut command = home.grader();
    let output = command.arg("results").args(args).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn nobody_is_late_by_the_time_of_unpacking() {
    let home = Home::new();
    download(&home);
    let unknown = "for 2 of 2 submissions the time of handing in is not known";
    batch(&home, &[])
        .assert()
        .success()
        .stderr(predicate::str::contains(unknown))
        .stderr(predicate::str::contains("--file-times"));
    assert!(!results(&home, &["show"]).contains("late"));

    // The times come later, and nothing needs to be graded for them.
    batch(&home, &["--file-times"])
        .assert()
        .success()
        .stderr(predicate::str::contains("nothing to be graded"))
        .stderr(predicate::str::contains("not known").not());
    let shown = results(&home, &["show"]);
    assert!(shown.contains("80 (late -20)"), "{shown}");
    assert_eq!(shown.matches("late").count(), 1, "{shown}");
    // They are known from now on, whoever is not told again.
    let again = batch(&home, &[]).assert().success();
    again.stderr(predicate::str::contains("not known").not());
}

#[test]
fn feedback_bears_names_in_which_moodle_finds_the_number() {
    let home = Home::new();
    download(&home);
    batch(&home, &[]).assert().success();
    results(
        &home,
        &[
            "export",
            "moodle-feedback",
            "us-upper",
            "--output",
            "back.zip",
        ],
    );
    let archive = fs::File::open(home.path().join("back.zip")).unwrap();
    let archive = zip::ZipArchive::new(archive).unwrap();
    let mut numbers = Vec::new();
    for name in archive.file_names() {
        // As is_valid_filename_for_import() of mod/assign/feedback/file takes a name apart.
        let path = format!("/{}", name.unwrap());
        let parts: Vec<&str> = path.splitn(5, '_').collect();
        assert_eq!(parts[2..4], ["assignsubmission", "file"], "{path}");
        assert_eq!(parts[4], "/feedback.html");
        numbers.push(parts[1].to_owned());
    }
    numbers.sort();
    assert_eq!(numbers, ["1007", "1008"]);
}

/// Groups are downloaded one by one, and in each is an Ivan: the second is no new work of the first.
#[test]
fn namesakes_in_two_downloads_of_an_assignment_are_two_students() {
    let home = Home::new();
    for (name, fixture) in [
        ("1/Ivan_7", "good-poll"),
        ("2/Ivan_9", "mutants/serve-one"),
        ("2/Anna_10", "good-poll"),
    ] {
        let place = format!("{name}_assignsubmission_file_/a.tgz");
        packed(&home, fixture, OsStr::new("lab30"), &place);
    }
    for (source, said) in [
        ("1", ""),
        ("2", "put behind the name (Ivan 9);"),
        ("2", ""),
        ("1", ""),
    ] {
        let mut command = home.grader();
        command.args(["batch", "us-upper", source, "--lang", "en", "--apply"]);
        let said = predicate::str::contains(said);
        command.assert().success().stderr(said);
        let shown = results(&home, &["show"]);
        let ivan = predicate::str::is_match("(?m)^Ivan +100$").unwrap();
        assert!(ivan.eval(&shown), "{shown}");
    }
    let shown = results(&home, &["show"]);
    assert!(
        shown.contains("Ivan 9") && shown.lines().count() == 4,
        "{shown}"
    );
    // Two instructors who merge have not seen the other's Ivan, and one may have set points for his.
    for part in ["1", "2"] {
        let book = format!("part{part}.db");
        let mut command = home.grader();
        command.args(["batch", "us-upper", part, "--gradebook", &book]);
        command.assert().success();
    }
    let mut merge = home.grader();
    merge.args(["results", "merge", "part1.db", "part2.db"]);
    merge.args(["--gradebook", "class.db", "--lang", "en"]);
    let said = "Ivan of us-upper has one account in part1.db and another in part2.db";
    merge
        .assert()
        .code(2)
        .stderr(predicate::str::contains(said));
    assert!(!home.path().join("class.db").exists());
}

/// A student who marries has another name in the next download, and the same number.
#[test]
fn who_has_another_name_in_the_next_download_is_told_and_gets_one_page() {
    let home = Home::new();
    for name in ["1/Vera", "2/Vera Smith"] {
        let place = format!("{name}_7_assignsubmission_file_/a.tgz");
        packed(&home, "good-poll", OsStr::new("lab30"), &place);
    }
    let batch = |source: &str| {
        let mut command = home.grader();
        command.args(["batch", "us-upper", source, "--lang", "en"]);
        command.assert().success()
    };
    batch("1");
    let said = "under an earlier name as well (Vera is Vera Smith); what was set by hand stays";
    batch("2").stderr(predicate::str::contains(said));
    let feedback = || {
        let mut command = home.grader();
        command.args(["results", "export", "moodle-feedback", "us-upper"]);
        command.args(["--lang", "en", "--output", "back.zip"]);
        command.assert().success()
    };
    let both = "2 have a number there that somebody else of the gradebook has as well";
    feedback().stderr(predicate::str::contains(both));
    results(&home, &["forget", "Vera", "--yes"]);
    feedback().stderr(predicate::str::contains("1 file in back.zip"));
}

#[test]
fn overrides_are_listed_to_whoever_asks() {
    let home = Home::new();
    download(&home);
    batch(&home, &[]).assert().success();
    let set = [
        "override", "oneil", "us-upper", "50", "--why", "shown", "--who", "ana",
    ];
    results(&home, &set);
    let listed = home
        .grader()
        .env_remove("USER")
        .env_remove("LOGNAME")
        .args(["results", "override"])
        .output()
        .unwrap();
    assert!(text(&listed.stdout).contains("us-upper is 50 points, by ana"));
}

#[test]
fn a_gradebook_of_canvas_gets_its_own_points() {
    let home = Home::new();
    download(&home);
    batch(&home, &[]).assert().success();
    let gradebook = |possible: &str| {
        format!(
            "\u{feff}Student,ID,SIS User ID,SIS Login ID,Section,Lab 30 (501)\r\n    Points Possible,,,,,{possible}\r\n\"O_Neil, Boris\",17,7,,1,\r\n"
        )
    };
    let fill = [
        "export",
        "canvas",
        "us-upper",
        "--fill",
        "canvas.csv",
        "--assignment",
        "501",
    ];
    home.file("canvas.csv", gradebook("10.00"));
    home.grader()
        .arg("results")
        .args(fill)
        .assert()
        .success()
        .stdout(format!("{}10\r\n", gradebook("10.00").trim_end()))
        .stderr(predicate::str::contains(
            "the assignment is worth 10 there and the lab 100: points were scaled",
        ));
    home.grader()
        .arg("results")
        .args(fill)
        .args(["--lang", "ru"])
        .assert()
        .success()
        .stderr("1 из ведомости там не найдены: 1/petrova\nзадание оценивается там из 10, здесь из 100: баллы пересчитаны\nзаполнено: 1 строка\n");
    home.grader()
        .args(["results", "export", "html", "us-upper", "--output", "pages"])
        .args(["--lang", "ru"])
        .assert()
        .success()
        .stderr("2 файла в pages\n");
    home.file("canvas.csv", gradebook("(read only)"));
    home.grader()
        .arg("results")
        .args(fill)
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains(
            "canvas.csv: the column `Lab 30 (501)` is read only",
        ));
    // What would do nothing is no option.
    for (words, says) in [
        (
            ["csv", "us-upper", "--fill", "canvas.csv"],
            "--fill is for the formats canvas and moodle",
        ),
        (
            ["moodle", "us-upper", "--assignment", "501"],
            "--assignment is for the format canvas",
        ),
    ] {
        home.grader()
            .args(["results", "export"])
            .args(words)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(says));
    }
}

#[test]
fn what_the_gradebook_does_not_have_is_told_with_how_to_list_it() {
    let home = Home::new();
    download(&home);
    batch(&home, &[]).assert().success();
    let why = ["50", "--why", "shown", "--who", "ana"];
    for (words, says, hint) in [
        (
            &["override", "nobody", "us-upper"][..],
            "grades.db: there is no student `nobody`",
            "`grader results show` lists the students",
        ),
        (
            &["override", "oneil", "us-upper/s-none"],
            "grades.db: the lab us-upper has no requirement `s-none`",
            "`grader results stats us-upper` lists its requirements",
        ),
        (
            &["override", "oneil", "us-uper"],
            "grades.db: nothing of the lab `us-uper` is in the gradebook",
            "`grader results show` lists the labs",
        ),
    ] {
        home.grader()
            .arg("results")
            .args(words)
            .args(why)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(says))
            .stderr(predicate::str::contains(hint));
    }
    home.grader()
        .args(["results", "override", "--withdraw", "7", "--who", "ana"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "grades.db: there is no override 7",
        ))
        .stderr(predicate::str::contains("`grader results override` lists"));
    // SQLite's header: whose file it is, and of which version.
    let whole = fs::read(home.path().join("grades.db")).unwrap();
    for (at, says, hint) in [
        (68, "a database, but no gradebook", "--gradebook FILE"),
        (60, "version 16777", "use the grader that wrote it"),
    ] {
        let mut other = whole.clone();
        other[at] = 1;
        fs::write(home.path().join("other.db"), other).unwrap();
        home.grader()
            .args(["results", "show", "--gradebook", "other.db"])
            .assert()
            .code(2)
            .stderr(predicate::str::contains("other.db: it "))
            .stderr(predicate::str::contains(says))
            .stderr(predicate::str::contains(hint));
    }
    // A place where nothing can be written: a file where a directory must be, a directory for a file.
    home.file("taken", "");
    for (format, place) in [("html", "taken"), ("csv", "."), ("csv", "taken/g.csv")] {
        home.grader()
            .args(["results", "export", format, "us-upper", "--output", place])
            .assert()
            .code(2)
            .stderr(predicate::str::contains("cannot be written"))
            .stderr(predicate::str::contains("--output PATH"));
    }
}
