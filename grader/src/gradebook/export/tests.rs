use super::*;
use crate::gradebook::tests::{book, merge, result};
use tempfile::TempDir;

mod fill;

/// Three students with 20, 10 and no points.
fn grades() -> Grades {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let person = |name: &str, lms: &str, email: &str| crate::batch::Person {
        name: Some(name.to_owned()),
        lms: Some(lms.to_owned()),
        email: Some(email.to_owned()),
        number: Some(format!("n{lms}")),
        login: None,
    };
    let mut anna = result(
        "anna",
        "1",
        "lab",
        &[("s-a", "pass", 10), ("s-b", "pass", 10)],
    );
    anna.person = person("Petrova Anna", "1007", "anna@x.example");
    let mut ivan = result(
        "ivan",
        "2",
        "lab",
        &[("s-a", "pass", 10), ("s-b", "fail", 0)],
    );
    ivan.person = person("Иванов Иван", "1008", "ivan@x.example");
    let mut lost = result("lost", "3", "lab", &[]);
    lost.person = person("Lost, Oleg", "1009", "lost@x.example");
    (lost.status, lost.message) = (Status::Ungradable, Some("no program found".into()));
    merge(&mut gradebook, &[anna, ivan, lost]);
    Grades::read(&gradebook, "us-upper", Detail::Line, Lang::En).unwrap()
}

const CANVAS: &str = "\
Student,ID,SIS User ID,SIS Login ID,Section,Lab 29 (500),Lab 30 (501),Final Score
    Points Possible,,,,,100.00,20.00,(read only)
\"Petrova, Anna\",1007,n1007,apetrova,Group 21214,90.00,,95.1
\"Иванов, Иван\",77,n1008,iivanov,Group 21214,80.00,EX,80
\"Test Student\",9,,,Group 21214,,,
\"Lost, Oleg\",1009,n1009,lost,Group 21214,,3.00,
";

#[test]
fn canvas_gets_its_own_file_back_with_one_column_filled() {
    let filled = canvas(&grades(), CANVAS.as_bytes(), "Lab 30").unwrap();
    let lines: Vec<&str> = filled.text.lines().collect();
    let before: Vec<&str> = CANVAS.lines().collect();
    assert_eq!(lines[..2], before[..2]);
    assert_eq!(
        lines[2],
        "\"Petrova, Anna\",1007,n1007,apetrova,Group 21214,90.00,20,95.1"
    );
    // Excused stays, what is not graded stays.
    assert_eq!(lines[3], before[3]);
    assert_eq!(filled.excused, ["Иванов, Иван"]);
    assert_eq!(lines[5], before[5]);
    assert_eq!((filled.filled, filled.missing.len()), (1, 0));
    assert_eq!(filled.unknown, ["Test Student"]);
    let by_number = canvas(&grades(), CANVAS.as_bytes(), "501").unwrap();
    assert_eq!(by_number, filled);
    let wrong = canvas(&grades(), CANVAS.as_bytes(), "Lab")
        .unwrap_err()
        .to_string();
    assert!(wrong.contains("Lab 29 (500), Lab 30 (501)"), "{wrong}");
    let wrong = canvas(&grades(), b"a,b\n1,2\n", "Lab 30")
        .unwrap_err()
        .to_string();
    assert!(
        wrong.contains("no gradebook that Canvas exported"),
        "{wrong}"
    );
    assert!(
        canvas(&grades(), b"Student,ID\nM\xfcller", "x")
            .unwrap_err()
            .to_string()
            .contains("line 2")
    );
}

#[test]
fn names_are_compared_as_people_read_them() {
    let head = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 30 (501)\n";
    let fill = |rows: &str| canvas(&grades(), format!("{head}{rows}").as_bytes(), "501").unwrap();
    // Two rows with one name: the file has them, and whose they are nothing tells.
    let filled = fill("\"Petrova, Anna\",1,,,,\n\"Petrova, Anna\",2,,,,\n\"Else, Who\",3,,,,\n");
    assert_eq!(filled.namesakes, ["Petrova, Anna", "Petrova, Anna"]);
    assert_eq!(filled.unknown, ["Else, Who"]);
    // One of them is known by her number, so the other is somebody else.
    let filled = fill("\"Petrova, Anna\",1007,,,,\n\"Petrova, Anna\",2,,,,\n");
    assert_eq!((filled.filled, filled.namesakes.len()), (1, 0));
    assert_eq!(filled.unknown, ["Petrova, Anna"]);
    // Nobody writes all the dots.
    let mut grades = grades();
    for row in &mut grades.rows {
        if row.standing.student.name == "anna" {
            row.standing.student.person.name = Some("Пётр Семёнов".into());
        }
    }
    let template = format!("{head}\"Семенов, Петр\",9,,,,\n");
    let filled = canvas(&grades, template.as_bytes(), "501").unwrap();
    assert!(filled.text.ends_with(",9,,,,20\n"), "{}", filled.text);
}

#[test]
fn half_a_hundredth_is_rounded_up() {
    for (value, is) in [
        (13.125, "13.13"),
        (2.675, "2.68"),
        (70.0, "70"),
        (0.0, "0"),
        (42.5, "42.5"),
    ] {
        assert_eq!(number(value), is);
    }
}

#[test]
fn canvas_gets_points_of_what_its_assignment_is_worth() {
    let filled = |possible: &str| {
        let row = format!("    Points Possible,,,,,100.00,{possible},(read only)");
        let template = CANVAS.replace("    Points Possible,,,,,100.00,20.00,(read only)", &row);
        canvas(
            &grades(),
            template.replace(",EX,", ",,").as_bytes(),
            "Lab 30",
        )
        .unwrap()
    };
    let points = |filled: &Filled| -> Vec<String> {
        let cells = |line: &str| line.rsplit(',').nth(1).map(str::to_owned);
        filled
            .text
            .lines()
            .skip(2)
            .take(2)
            .filter_map(cells)
            .collect()
    };
    // Anna has 20 of 20, Ivan 10.
    for (possible, is, scaled) in [
        ("10", ["10", "5"], Some(10.0)),
        ("7.00", ["7", "3.5"], Some(7.0)),
        ("\"7,50\"", ["7.5", "3.75"], Some(7.5)),
        ("20.00", ["20", "10"], None),
        ("0", ["20", "10"], None),
        ("", ["20", "10"], None),
    ] {
        let filled = filled(possible);
        assert_eq!(
            (points(&filled), filled.scaled),
            (is.map(str::to_owned).to_vec(), scaled),
            "{possible}"
        );
    }
}

#[test]
fn a_column_that_canvas_would_refuse_is_not_filled() {
    let template = CANVAS.replace(",20.00,(read", ",(read only),(read");
    let error = canvas(&grades(), template.as_bytes(), "501").unwrap_err();
    let ExportError::Template(why) = error else {
        panic!("{error}");
    };
    assert!(
        why.en.contains("column `Lab 30 (501)` is read only"),
        "{why}"
    );
    assert!(why.en.contains("--assignment"), "{why}");
    // Other columns may be what they like.
    assert!(canvas(&grades(), template.as_bytes(), "Lab 29").is_ok());
}

#[test]
fn canvas_gets_every_other_byte_back() {
    let template = format!("\u{feff}{}", CANVAS.replace('\n', "\r\n"))
        .replace("Section,Lab", "\"Section\",Lab")
        // A row without its last cells.
        .replace("Group 21214,90.00,,95.1", "Group 21214");
    let filled = canvas(&grades(), template.as_bytes(), "Lab 30").unwrap();
    let expected = template.replace("apetrova,Group 21214", "apetrova,Group 21214,,20");
    assert_eq!(filled.text, expected);
}

#[test]
fn canvas_with_semicolons_stays_with_semicolons() {
    let semicolons = "Student;ID;Section;Lab 30 (501)\nPetrova Anna;1007;A;\n";
    let filled = canvas(&grades(), semicolons.as_bytes(), "Lab 30").unwrap();
    assert_eq!(
        filled.text,
        "Student;ID;Section;Lab 30 (501)\nPetrova Anna;1007;A;20\n"
    );
    assert_eq!(filled.missing, ["21214/ivan"]);
}

#[test]
fn canvas_takes_feedback_under_the_names_it_gave() {
    for (place, is) in [
        (
            "dl/submissions.zip/petrovaanna_1007_55001_lab30.zip",
            Some("petrovaanna_1007_55001_feedback.html"),
        ),
        (
            "petrovaanna_LATE_1007_55001_us-server-1.c",
            Some("petrovaanna_LATE_1007_55001_feedback.html"),
        ),
        ("g1/anna/lab30", None),
        ("petrovaanna_1008_55001_lab30.zip", None),
        ("a_1007_x_y", None),
    ] {
        assert_eq!(canvas_feedback_name(place, "1007").as_deref(), is);
    }
}

const ENGLISH: &str = "\u{feff}Identifier,\"Full name\",\"Email address\",Status,Grade,\"Maximum grade\",\"Grade can be changed\",\"Last modified (submission)\",\"Last modified (grade)\",\"Feedback comments\"\r\n\"Participant 1007\",\"Anna Petrova\",anna@x.example,\"Submitted for grading\",,100.00,Yes,\"Friday, 20 November 2026, 11:00 PM\",-,\"old, text\"\r\n\"Participant 1009\",\"Oleg Lost\",lost@x.example,\"No submission\",,100.00,Yes,-,-,\r\n\"Participant 4\",\"Who Else\",who@x.example,\"No submission\",,100.00,Yes,-,-,\r\n";

#[test]
fn moodles_worksheet_keeps_every_other_byte() {
    let filled = moodle_worksheet(&grades(), ENGLISH.as_bytes()).unwrap();
    let expected = ENGLISH
        .replace(
            "grading\",,100.00,Yes,\"Friday, 20 November 2026, 11:00 PM\",-,\"old, text\"",
            "grading\",100,100.00,Yes,\"Friday, 20 November 2026, 11:00 PM\",-,\"old, text [grader: 20 of 20]\"",
        )
        .replace(
            "lost@x.example,\"No submission\",,100.00,Yes,-,-,\r",
            "lost@x.example,\"No submission\",,100.00,Yes,-,-,[grader: not graded: no program found]\r",
        );
    assert_eq!(filled.text, expected);
    assert_eq!(filled.unknown, ["Who Else"]);
    assert_eq!(filled.missing, ["21214/ivan"]);
    // A grade that stays keeps what was said of it.
    let by_hand = ENGLISH.replace(
        "\"No submission\",,100.00,Yes,-,-,\r\n\"Participant 4",
        "\"No submission\",70.00,100.00,Yes,-,-,\"shown in person\"\r\n\"Participant 4",
    );
    let filled = moodle_worksheet(&grades(), by_hand.as_bytes()).unwrap();
    let kept = "70.00,100.00,Yes,-,-,\"shown in person\"\r\n";
    assert!(filled.text.contains(kept), "{}", filled.text);
}

#[test]
fn moodles_worksheet_in_other_languages() {
    let russian = "Идентификатор,Полное имя,Адрес электронной почты,Состояние,Оценка,Максимальная оценка,Оценка может быть изменена,Последнее изменение (ответ),Последнее изменение (оценка),Отзыв в виде комментария\nУчастник1008,Иванов Иван,ivan@x.example,Ответы,,\"20,00\",Да,-,-,\n";
    let filled = moodle_worksheet(&grades(), russian.as_bytes()).unwrap();
    assert!(
        filled
            .text
            .ends_with("Ответы,10,\"20,00\",Да,-,-,[grader: 10 of 20; failed: s-b]\n"),
        "{}",
        filled.text
    );
    let german = "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,Zuletzt geändert (Bewertung),Feedback als Kommentar\nTeilnehmer/in1008,x,ivan@x.example,y,,20.00,Ja,-,\n";
    let filled = moodle_worksheet(&grades(), german.as_bytes()).unwrap();
    assert!(
        filled
            .text
            .contains(",y,10,20.00,Ja,-,[grader: 10 of 20; failed: s-b]\n"),
        "{}",
        filled.text
    );
    let error = moodle_worksheet(&grades(), CANVAS.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("no offline grading worksheet"),
        "{error}"
    );
}

#[test]
fn moodles_import_has_grade_and_feedback() {
    let filled = moodle(&grades()).unwrap();
    let lines: Vec<&str> = filled.text.lines().collect();
    assert_eq!(
        lines[0],
        "ID number,Email address,Full name,us-upper,us-upper (feedback)"
    );
    assert_eq!(lines[1], "n1007,anna@x.example,Petrova Anna,20,20 of 20");
    assert_eq!(
        lines[3],
        "n1009,lost@x.example,\"Lost, Oleg\",,not graded: no program found"
    );
}

#[test]
fn no_zero_stands_for_what_could_not_be_judged() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let verdicts = [("s-a", "pass", 10), ("s-b", "skipped", 0)];
    let mut broken = result(
        "zoe",
        "2",
        "lab",
        &[("s-a", "error", 0), ("s-b", "fail", 0)],
    );
    broken.status = Status::Error;
    merge(
        &mut gradebook,
        &[result("anna", "1", "lab", &verdicts), broken],
    );
    let grades = Grades::read(&gradebook, "us-upper", Detail::Line, Lang::En).unwrap();
    let csv = csv(&grades).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",feedback,s-a,s-b"), "{csv}");
    assert!(lines[1].ends_with(",10,"), "{csv}");
    assert!(lines[2].ends_with("no fault of yours\",,"), "{csv}");
}

#[test]
fn a_row_of_the_spreadsheet_says_who_it_is() {
    let csv = csv(&grades()).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].starts_with("group,student,name,email,number,login,lab,"),
        "{csv}"
    );
    let anna = ",anna,Petrova Anna,anna@x.example,n1007,,us-upper,";
    assert!(lines.iter().any(|line| line.contains(anna)), "{csv}");
}

#[test]
fn nothing_is_left_a_formula() {
    for (text, is) in [
        ("=1+1", "'=1+1"),
        ("+49 123", "'+49 123"),
        ("@a", "'@a"),
        ("-x", "'-x"),
        ("＝cmd", "'＝cmd"),
        ("-5", "-5"),
        ("-", "-"),
        ("\t=1", " '=1"),
        ("a;=cmd|' /C calc'!A0;", "a;'=cmd|' /C calc'!A0;"),
        ("a\n +1\";@x", "a\n '+1\";'@x"),
        ("100 of 100; late: -5", "100 of 100; late: -5"),
        ("anna", "anna"),
    ] {
        assert_eq!(cell(text), is);
    }
    assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
    assert_eq!(file_name(".."), "_");
    assert_eq!(file_name("Иванов Иван"), "Иванов Иван");
}

proptest::proptest! {
    #[test]
    fn any_template_is_read(text in "[\\PC\"\n,;\r]{0,200}") {
        let grades = Grades { rows: Vec::new(), ..grades_once().clone() };
        let _ = canvas(&grades, text.as_bytes(), "x");
        let _ = moodle_worksheet(&grades, text.as_bytes());
    }
}

fn grades_once() -> &'static Grades {
    static ONCE: std::sync::OnceLock<Grades> = std::sync::OnceLock::new();
    ONCE.get_or_init(grades)
}
